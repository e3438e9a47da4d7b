"""The Open Contracting Partnership's own check (`libcoveocds`), run without the network.

libcoveocds ships no schema: it fetches the standard as one archive from GitHub and each extension as another. The
standard is handed to it as an archive made in memory from `fixtures/reference/ocds/schema`; requests for extensions are
answered, through a transport adapter on its own HTTP session, from `fixtures/reference/ocds/extensions`. Any other
request fails, so a test can never depend on what is online. One reference is cut: a record package's
`versionedRelease`, which we do not publish and which jsonref would fetch by a route of its own.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from ocdsextensionregistry.util import session
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from market.ocds import REFERENCE
from market.opendata import flattening  # noqa: F401 - what stands in there, libcoveocds imports too


class _Kept(BaseAdapter):
    """Answers `https://github.com/open-contracting-extensions/NAME/archive/REF.zip` from the kept copies, nothing else."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        steps = url.path.strip("/").split("/")
        folder = REFERENCE / "extensions" / (steps[1] if len(steps) > 1 else "")
        known = url.netloc == "github.com" and steps[0] == "open-contracting-extensions" and folder.is_dir()
        body = _extension(steps[1]) if known else b""
        status, reason = (200, "OK") if known else (404, "Not kept here")
        raw = HTTPResponse(
            io.BytesIO(body), status=status, reason=reason, preload_content=False, request_url=str(request.url)
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is held open."""


@cache
def _standard() -> bytes:
    packed = io.BytesIO()
    schema = REFERENCE / "schema"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kept/", "")
        for path in sorted(schema.rglob("*.*")):
            text = path.read_text()
            if path.name == "record-package-schema.json":
                package = json.loads(text)
                package["definitions"]["record"]["properties"]["versionedRelease"] = {"type": "object"}
                text = json.dumps(package)
            archive.writestr(f"kept/schema/{path.relative_to(schema)}", text)
    return packed.getvalue()


@cache
def _extension(name: str) -> bytes:
    packed = io.BytesIO()
    folder = REFERENCE / "extensions" / name
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kept/", "")
        for path in sorted(folder.rglob("*.*")):
            archive.writestr(f"kept/{path.relative_to(folder)}", path.read_text())
    return packed.getvalue()


def check(package: bytes) -> dict[str, Any]:
    """What libcoveocds says of a release or record package, as its command line prints it."""
    from libcoveocds.api import ocds_json_output
    from libcoveocds.config import LibCoveOCDSConfig

    session.mount("https://", _Kept())
    session.mount("http://", _Kept())
    config = LibCoveOCDSConfig({"context": "api", "standard_zip": _standard()})
    said: dict[str, Any] = ocds_json_output(json_data=json.loads(package), lib_cove_ocds_config=config)
    return said


def structural_errors(package: bytes) -> list[str]:
    """Every structural error, each as one line.

    A code outside a closed list counts as one, and so does an extension that is not kept here: its fields would go
    unchecked.
    """
    said = check(package)
    errors = [json.dumps(each, default=str)[:400] for each in said["validation_errors"]]
    codes = said["additional_closed_codelist_values"].values()
    errors += [f"{each['path']}/{each['field']}: not in a closed codelist: {each['values']}" for each in codes]
    for url in json.loads(package).get("extensions", []):
        steps = urlsplit(url).path.split("/")
        if len(steps) < 3 or not (REFERENCE / "extensions" / steps[2]).is_dir():
            errors.append(f"the extension {url} is not kept here")
    return errors
