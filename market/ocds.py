"""The Open Contracting Data Standard's own structure, read once from `fixtures/reference/ocds`.

Everything here works without the network: the extension addresses that a publisher names are never fetched, since a
dead or hostile address in somebody else's file must not stop or steer an import.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from ocdsmerge.rules import get_merge_rules

REFERENCE = Path(__file__).resolve().parents[1] / "fixtures" / "reference" / "ocds"
"""Where the schemas of OCDS 1.1.5 and the extensions this product understands are kept."""

EXTENSIONS = (
    "ocds_process_title_extension",
    "ocds_lots_extension",
    "ocds_bid_extension",
    "ocds_suitability_extension",
    "ocds_partyDetails_scale_extension",
)
"""The extensions of the release schema that are read and written here; package extensions are not among them."""

PAGINATION = "ocds_pagination_extension"
"""The extension of packages that go on in another."""

SCHEMA = REFERENCE / "schema" / "release-schema.json"
"""The release schema 1.1.5 as it was published, without extensions."""


def address(extension: str) -> str:
    """The address by which packages name an extension. Nothing here ever fetches it."""
    return f"https://raw.githubusercontent.com/open-contracting-extensions/{extension}/master/extension.json"


@cache
def release_schema() -> dict[str, Any]:
    """The release schema 1.1.5 with our extensions merged in (RFC 7396), as OCDS says extensions are applied."""
    schema: dict[str, Any] = msgspec.json.decode(SCHEMA.read_bytes())
    for name in EXTENSIONS:
        patch = msgspec.json.decode((REFERENCE / "extensions" / name / "release-schema.json").read_bytes())
        _merge_patch(schema, patch)
    return schema


@cache
def merge_rules() -> dict[tuple[str, ...], str]:
    """Which fields are replaced whole and which are left out when releases are merged; `ocdsmerge` needs them."""
    rules: dict[tuple[str, ...], str] = get_merge_rules(copy.deepcopy(release_schema()))
    return rules


@cache
def release_tags() -> frozenset[str]:
    """The closed list of release tags, such as `tender` and `awardUpdate`."""
    return frozenset(release_schema()["properties"]["tag"]["items"]["enum"])


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes, present and historic, that OCDS admits."""
    return frozenset(
        code for code in release_schema()["definitions"]["Value"]["properties"]["currency"]["enum"] if code
    )


def _merge_patch(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge_patch(target[key], value)
        else:
            target[key] = value
