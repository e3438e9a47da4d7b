"""The standard's own files stand in one place, and who reads and who writes open contracting data reads them there."""

from __future__ import annotations

import re

import msgspec

from market import ocds
from market.opendata import packages
from tests.architecture.trees import ROOT, SOURCES


def test_nobody_but_the_ground_knows_where_the_standard_is_kept() -> None:
    knowing = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"""reference["' /]+ocds|open-contracting-extensions/|ocds\.REFERENCE""", path.read_text())
    }
    assert knowing == {"market/ocds.py"}


def test_what_is_written_uses_the_extensions_that_are_kept_and_no_others() -> None:
    assert tuple(packages._EXTENSIONS) == ocds.EXTENSIONS
    kept = {path.name for path in (ocds.REFERENCE / "extensions").iterdir() if path.is_dir()}
    assert kept == {*ocds.EXTENSIONS, ocds.PAGINATION}
    for name in kept:
        assert msgspec.json.decode((ocds.REFERENCE / "extensions" / name / "extension.json").read_bytes())["name"]


def test_the_schema_with_extensions_knows_their_fields_and_the_published_one_does_not() -> None:
    with_them, without = ocds.release_schema(), msgspec.json.decode(ocds.SCHEMA.read_bytes())
    assert "lots" in with_them["definitions"]["Tender"]["properties"]
    assert "lots" not in without["definitions"]["Tender"]["properties"]
