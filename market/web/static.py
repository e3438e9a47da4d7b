"""Style sheets, scripts, fonts and pictures, served so that a browser asks for each of them once.

The address carries a digest of the whole folder (`/static/3f2a9c1d42/site.css`), so an answer may be kept for a year and
a new release is seen at once. One digest for all of them, not one each, lets a style sheet name its font and a script its
module by a relative address. Files are read once at start: about a quarter of a megabyte.

Litestar's own static router answers neither If-None-Match nor HEAD and serves no precompressed file, hence this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litestar import Request, Response, Router, route
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.types import Guard

from market.wording import _

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
"""What is served at all; Litestar adds the charset to texts. Sources, licences in Markdown and the build script lie in the
same folder and are not."""

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"

_DIGITS = 10
_CODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Content codings in the order we prefer them (RFC 9110 section 8.4.1), with the suffix of the prepared file."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes as they are and as prepared for each coding, and a digest of them."""

    name: str
    media_type: str
    plain: bytes
    digest: str
    coded: dict[str, bytes] = field(default_factory=dict)


class Assets:
    """Every servable file under `folder`, with the digest that its addresses carry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._assets = {asset.name: asset for asset in _read(folder)}
        whole = hashlib.sha256()
        for name in sorted(self._assets):
            whole.update(f"{name} {self._assets[name].digest}\n".encode())
        self.release = whole.hexdigest()[:_DIGITS]

    def url(self, name: str) -> str:
        """The address of `name` for this release. An unknown name is refused, so a template cannot ship a dead link."""
        if name not in self._assets:
            raise LookupError(f"there is no static file {name!r} in {self.folder}")
        return f"/static/{self.release}/{name}"

    def find(self, path: str) -> tuple[Asset, bool] | None:
        """The file at `path` (what follows `/static/`) and whether the answer may be kept for ever.

        A digest of another release finds today's file but only for a while: during a roll-out, pages of the old release
        ask servers of the new one.
        """
        name, lasting = path.lstrip("/"), False
        first, _slash, rest = name.partition("/")
        if len(first) == _DIGITS and all(sign in "0123456789abcdef" for sign in first):
            name, lasting = rest, first == self.release
        asset = self._assets.get(name)
        return None if asset is None else (asset, lasting)

    def names(self) -> list[str]:
        """Every servable name, sorted."""
        return sorted(self._assets)


def answer(asset: Asset, *, lasting: bool, accept_encoding: str, if_none_match: str) -> Response[bytes]:
    """The whole answer for one file: the best coding the browser accepts, or 304 when it already has these bytes."""
    coding = _chosen(asset, accept_encoding)
    tag = f'"{asset.digest[:20]}{f"-{coding}" if coding else ""}"'
    headers = {
        "cache-control": FOR_EVER if lasting else FOR_A_WHILE,
        "etag": tag,
        "x-content-type-options": "nosniff",
    }
    if asset.coded:
        headers["vary"] = "Accept-Encoding"
    if _matches(tag, if_none_match):
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    if coding:
        headers["content-encoding"] = coding
    return Response(asset.coded[coding] if coding else asset.plain, headers=headers, media_type=asset.media_type)


def router(assets: Assets, guards: Sequence[Guard] = ()) -> Router:
    """Serve `assets` at `/static/…` for GET and HEAD. The roof passes its own guard for public pages."""

    @route(
        "/{path:path}",
        http_method=["GET", "HEAD"],
        name="static",
        include_in_schema=False,
        sync_to_thread=False,
        guards=list(guards),
    )
    def static(request: Request[object, object, State], path: FromPath[str]) -> Response[bytes]:
        found = assets.find(path)
        if found is None:
            raise NotFoundException(_("There is no such file."))
        asset, lasting = found
        said = answer(
            asset,
            lasting=lasting,
            accept_encoding=request.headers.get("accept-encoding", ""),
            if_none_match=request.headers.get("if-none-match", ""),
        )
        if request.method == "HEAD":
            length = str(len(said.content))
            said = Response(b"", status_code=said.status_code, headers=dict(said.headers), media_type=said.media_type)
            said.headers["content-length"] = length
        return said

    return Router("/static", route_handlers=[static])


def _read(folder: Path) -> list[Asset]:
    """Read the folder. A prepared file counts only while the manifest says that it was made of the present bytes."""
    manifest = folder / "prepared.json"
    made_of: dict[str, str] = json.loads(manifest.read_text()) if manifest.is_file() else {}
    found: list[Asset] = []
    for path in sorted(folder.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        name = path.relative_to(folder).as_posix()
        if media_type is None or not path.is_file() or name.startswith("source/"):
            continue
        plain = path.read_bytes()
        digest = hashlib.sha256(plain).hexdigest()
        coded: dict[str, bytes] = {}
        if made_of.get(name) == digest:
            for coding, suffix in _CODINGS:
                prepared = path.with_name(path.name + suffix)
                if prepared.is_file():
                    coded[coding] = prepared.read_bytes()
        found.append(Asset(name, media_type, plain, digest, coded))
    return found


def _chosen(asset: Asset, accept_encoding: str) -> str | None:
    """The first of our codings that the header allows; a weight of zero is a refusal (RFC 9110 section 12.5.3)."""
    allowed: dict[str, bool] = {}
    for entry in accept_encoding.lower().split(","):
        coding, _semicolon, weight = entry.partition(";")
        value = weight.strip().removeprefix("q=").strip()
        try:
            allowed[coding.strip()] = not value or float(value) > 0
        except ValueError:
            allowed[coding.strip()] = False
    for coding, _suffix in _CODINGS:
        if coding in asset.coded and allowed.get(coding, allowed.get("*", False)):
            return coding
    return None


def _matches(tag: str, if_none_match: str) -> bool:
    """Weak comparison, as RFC 9110 section 13.1.2 asks for If-None-Match."""
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in given or "*" in given
