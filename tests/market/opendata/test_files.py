"""The yearly files hold everything once, are made anew only when something changed, and are never half a file."""

from __future__ import annotations

import csv
import fcntl
import gzip
import hashlib
import io
import json
import sys
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from litestar import Litestar

from market import clock
from market.actor import SYSTEM
from market.audit.actions import record
from market.db import many
from market.opendata import actions, files
from market.opendata.flattening import flatten
from tests import given, given_tenders

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own."""
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "open-data")
    (tmp_path / "open-data").mkdir()
    return tmp_path / "open-data"


async def tender(title: str, days: int = 0) -> str:
    """A tender with one event, published; answers its ocid."""
    with clock.at(given.TODAY):
        made = (await given_tenders.published(title=title)).tender
    with clock.at(given.TODAY + timedelta(days=days)):
        await record(SYSTEM, "tender.question-answered", f"tender:{made.ref}")
    while await actions.publish():
        pass
    return actions.ocid_of(f"tender:{made.ref}")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


async def test_each_release_and_record_stands_in_the_file_of_its_year_once(folder: Path) -> None:
    old = await tender("Old")
    new = await tender('=HYPERLINK("https://evil.example")', days=60)
    again = old.removeprefix("ocds-prelud-")
    with clock.at(given.TODAY + timedelta(days=61)):
        await record(SYSTEM, "tender.question-answered", again.replace("-", ":", 1))
    while await actions.publish():
        pass
    assert await files.make() == 8
    assert [each["ocid"] for each in lines(folder / "releases-2026.jsonl.gz")] == [old]
    assert [each["ocid"] for each in lines(folder / "releases-2027.jsonl.gz")] == [new, old]
    (record_2026,) = lines(folder / "records-2026.jsonl.gz")
    assert record_2026["ocid"] == old
    assert len(record_2026["releases"]) == 2
    assert record_2026["compiledRelease"]["date"] == "2027-01-23T09:00:00Z"
    (record_2027,) = lines(folder / "records-2027.jsonl.gz")
    assert record_2027["compiledRelease"]["title"].startswith("=HYPERLINK")

    found = files.index()
    assert [(each.name, each.count) for each in found.files] == [
        ("records-2027-csv.zip", 1),
        ("records-2027.jsonl.gz", 1),
        ("records-2027.xlsx", 1),
        ("releases-2027.jsonl.gz", 2),
        ("records-2026-csv.zip", 1),
        ("records-2026.jsonl.gz", 1),
        ("records-2026.xlsx", 1),
        ("releases-2026.jsonl.gz", 1),
    ]
    for each in found.files:
        content = (folder / each.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (each.size, each.sha256)

    with zipfile.ZipFile(folder / "records-2027-csv.zip") as packed:
        assert {"LICENCE.txt", "processes.csv", "lots.csv"} <= {name.removeprefix("ten_") for name in packed.namelist()}
        (row,) = csv.DictReader(io.StringIO(packed.read("processes.csv").decode()))
    assert row["ocid"] == new
    assert row["title"] == '\'=HYPERLINK("https://evil.example")'
    sheet = openpyxl.load_workbook(folder / "records-2027.xlsx")["processes"]
    heading, cells = [[cell.value for cell in each] for each in sheet.iter_rows()]
    assert dict(zip(heading, cells, strict=True))["title"] == '\'=HYPERLINK("https://evil.example")'
    assert all(cell.data_type != "f" for each in sheet.iter_rows() for cell in each)


async def test_only_a_year_that_changed_is_made_anew(folder: Path) -> None:
    await tender("Old")
    await tender("New", days=60)
    assert await files.make() == 8
    before = {each.name: each.sha256 for each in files.index().files}
    (folder / ".records-2026.xlsx.part").write_bytes(b"left by a run that was killed")
    assert await files.make() == 0
    assert not (folder / ".records-2026.xlsx.part").exists()
    await tender("Newer", days=70)
    assert await files.make() == 4
    after = {each.name: each.sha256 for each in files.index().files}
    assert {name for name in before if before[name] != after[name]} == {
        "records-2027-csv.zip", "records-2027.jsonl.gz", "records-2027.xlsx", "releases-2027.jsonl.gz",
    }  # fmt: skip
    # Published anew, the same data make the same lines, byte for byte.
    await actions.republish()
    assert await files.make() == 8
    anew = {each.name: each.sha256 for each in files.index().files if each.name.endswith("jsonl.gz")}
    assert anew == {name: digest for name, digest in after.items() if name.endswith("jsonl.gz")}
    await many("DELETE FROM release WHERE at >= '2027-01-01'")
    await many("DELETE FROM process WHERE began_at >= '2027-01-01'")
    await files.make()
    assert {each.year for each in files.index().files} == {2026}
    assert not (folder / "releases-2027.jsonl.gz").exists()


async def test_a_second_run_at_the_same_time_makes_nothing(folder: Path) -> None:
    await tender("One")
    with (folder / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert await files.make() == 0
    assert await files.make() == 4


async def test_a_run_that_fails_leaves_the_old_file_and_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await tender("One")
    await files.make()
    before = contents(folder)
    await tender("Two")

    def failing(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(gzip.GzipFile, "write", failing)
        with pytest.raises(OSError, match="disk is full"):
            await files.make()
    assert contents(folder) == before
    assert await files.make() == 4


async def test_files_are_listed_and_served(folder: Path, app: Litestar) -> None:
    async with given.browser(app) as client:
        assert "are being made" in (await client.get("/open-data/files")).text
        await tender("One")
        await files.make()
        page = (await client.get("/open-data/files")).text
        for each in files.index().files:
            assert each.sha256 in page
            address = f"/open-data/files/{each.name}"
            assert f'href="{address}"' in page
            answer = await client.get(address)
            assert answer.content == (folder / each.name).read_bytes()
            assert answer.headers["etag"] == f'"{each.sha256}"'
            assert answer.headers["content-length"] == str(each.size)
            assert each.name in answer.headers["content-disposition"]
            head = await client.head(address)
            assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(each.size))
            known = await client.get(address, headers={"if-none-match": answer.headers["etag"]})
            assert (known.status_code, known.content) == (304, b"")
        assert "Open Government Licence" in (await client.get("/open-data/files/LICENCE.txt")).text
        for name in ("index.json", ".lock", "..%2Fclock", "releases-1999.jsonl.gz"):
            assert (await client.get(f"/open-data/files/{name}")).status_code == 404


async def test_the_policy_is_shown_as_it_stands_in_the_documentation(folder: Path, app: Litestar) -> None:
    async with given.browser(app) as client:
        page = (await client.get("/open-data/policy")).text
    assert '<h1 class="govuk-heading-xl">Open data: what is published, and how to use it</h1>' in page
    assert '<table class="govuk-table pre-table">' in page
    assert "Sealed bids." in page
    for tag in {tag for each in actions.ANNOUNCED.values() for tag in each}:
        assert f"<code>{tag}</code>" in page


def test_tables_are_made_without_the_packages_that_would_have_to_be_built(tmp_path: Path) -> None:
    assert [name for name in ("odf", "odf.table", "zc.zlibstorage") if hasattr(sys.modules[name], "__file__")] == []
    (tmp_path / "flat.json").write_text('{"releases": [{"ocid": "a", "id": "1", "tender": {"id": "t", "title": "x"}}]}')
    flatten(tmp_path / "flat.json", tmp_path / "tables", "csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "tables" / "processes.csv").read_text()))
    assert (row["ocid"], row["tender/title"]) == ("a", "x")
    with pytest.raises(ValueError, match="ods is not made here"):
        flatten(tmp_path / "flat.json", tmp_path / "tables.ods", "ods")


def test_what_the_makers_of_tables_keep_meanwhile_lies_in_our_own_folder(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with files._temporary(str(tmp_path)):
        assert tempfile.gettempdir() == str(tmp_path)
    assert tempfile.gettempdir() == before
