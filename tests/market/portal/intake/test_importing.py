"""Importing into the database: what comes in, what is told, and that repeating, breaking and killing change nothing."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from market.audit.tables import Event, Outbox
from market.db import many, one
from market.portal import imports, reports
from market.portal.intake import importing, keeping
from market.portal.tables import ImportedNotice, ImportRun, Quarantined, RawItem, Source, SupplierMerge
from market.refusals import Refused
from tests.conftest import EMPTY
from tests.market.portal.library import GOLDEN, awarded, bring, package, picture, release

pytestmark = pytest.mark.usefixtures("clean")

ROOT = Path(__file__).resolve().parents[4]

PAUSE = 0.005
"""Seconds between two looks at how far an import has come."""


async def empty() -> None:
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


async def test_a_package_becomes_notices_with_bytes_facts_and_one_event() -> None:
    run = await bring(GOLDEN / "town-1.1.json")
    assert run.ended_at is not None
    assert run.read == run.new + run.changed + run.unchanged + run.rejected > 0
    notice = (await ImportedNotice.objects().order_by(ImportedNotice.id))[0]
    facts = keeping.facts_of(notice.facts)
    assert (notice.title, notice.ocid, notice.value_minor) == (facts.title, facts.ocid, facts.value_minor)
    compiled = json.loads(keeping.unpacked(notice.compiled))
    assert compiled["tag"] == ["compiled"]
    raw = await RawItem.objects().where(RawItem.ocid == notice.ocid).order_by(RawItem.id)
    assert all(keeping.unpacked(each.content) in (GOLDEN / "town-1.1.json").read_bytes() for each in raw)
    assert [each.verb for each in await Event.objects()] == ["import.finished"]
    told = {each.subject for each in await Outbox.objects()}
    assert told == {f"import_run:{run.ref}"} | {f"notice:{each.ref}" for each in await ImportedNotice.objects()}


async def test_importing_again_changes_nothing_and_tells_nobody() -> None:
    await bring(GOLDEN, "uk-contracts-finder")
    before = await picture()
    told = await Outbox.count().where(Outbox.subject.like("notice:%"))
    again = await bring(GOLDEN, "uk-contracts-finder")
    assert (again.new, again.changed) == (0, 0)
    assert again.unchanged + again.rejected == again.read > 0
    assert await picture() == before
    assert await Outbox.count().where(Outbox.subject.like("notice:%")) == told


async def test_a_later_release_changes_the_procurement_and_keeps_its_history(tmp_path: Path) -> None:
    await bring(package(tmp_path / "one.json", [release(1)]))
    first = await ImportedNotice.objects().first()
    assert first is not None
    later = release(1, id="1-2", date="2026-03-09T09:00:00Z", tag=["tenderUpdate"])
    later["tender"] = {"id": "1", "title": "Footbridge 1 over the Ald, again"}
    run = await bring(package(tmp_path / "two.json", [release(1), later]))
    assert (run.new, run.changed, run.unchanged) == (0, 1, 1)
    row = await ImportedNotice.objects().first()
    assert row is not None
    assert (row.id, row.ref) == (first.id, first.ref)
    assert row.title == "Footbridge 1 over the Ald, again"
    assert row.closes_at == first.closes_at
    assert [each["release_id"] for each in json.loads(row.history)] == ["1-1", "1-2"]
    assert json.loads(row.history)[1]["changed"] == ["tender.title"]


async def test_batches_and_files_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [release(n) for n in range(30)]
    every += [release(n, id=f"{n}-2", date="2026-03-04T00:00:00Z", tag=["tenderUpdate"]) for n in range(0, 30, 3)]
    await bring(package(tmp_path / "all.json", every))
    whole = [(each.ref, each.facts, each.history, each.compiled) for each in await _notices()]
    await empty()
    monkeypatch.setattr(importing, "BATCH", 7)
    (tmp_path / "parts").mkdir()
    for number in range(5):
        package(tmp_path / "parts" / f"{number}.json", every[number::5])
    run = await bring(tmp_path / "parts")
    assert (run.read, run.new, run.changed) == (40, 30, 10)
    assert [(each.ref, each.facts, each.history, each.compiled) for each in await _notices()] == whole


async def _notices() -> list[ImportedNotice]:
    return await ImportedNotice.objects().order_by(ImportedNotice.ref)


async def test_what_is_broken_is_named_and_the_others_load(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    package(tmp_path / "b.json", [release(1), {"tag": ["tender"], "tender": {"title": "nameless"}}, release(2)])
    (tmp_path / "c.json").write_text('{"releases": [' + json.dumps(release(3)) + ', {"ocid": "x", ')
    (tmp_path / "d.csv").write_text("one,two\n1,2\n")
    run = await bring(tmp_path)
    assert run.new == 3
    reasons = {each.position: each.reason for each in await Quarantined.objects()}
    assert reasons["a.json"] == "The file is empty (0 bytes)."
    assert "no ocid" in reasons["b.json, releases[1]"]
    assert any("stops being readable" in reason for place, reason in reasons.items() if place.startswith("c.json"))
    assert "No column mapping fits" in reasons["d.csv"]
    assert run.rejected == len(reasons) == 4
    told = "\n".join(await reports.lines(run))
    assert "3 new" in told
    assert "a.json: The file is empty" in told


async def test_a_record_of_two_procurements_is_not_taken(tmp_path: Path) -> None:
    record = {"ocid": "ocds-abc123-000001", "releases": [release(1), release(2)]}
    (tmp_path / "record.json").write_text(json.dumps({"version": "1.1", "records": [record]}))
    run = await bring(tmp_path / "record.json")
    assert (run.new, run.rejected) == (0, 1)
    assert "another procurement, ocds-abc123-000002" in (await one("SELECT reason FROM quarantined"))["reason"]


async def test_invisible_characters_do_not_stop_a_run(tmp_path: Path) -> None:
    odd = release(1)
    odd["tender"]["title"] = "Bridge\x00 with a gap"
    odd["buyer"]["name"] = "\x00Ward"
    run = await bring(package(tmp_path / "odd.json", [odd, release(2)]))
    assert (run.new, run.rejected) == (2, 0)
    assert (await one("SELECT title FROM imported_notice ORDER BY id"))["title"] == "Bridge with a gap"


async def test_a_table_is_imported_by_its_headings_and_its_rows_can_be_read_again(tmp_path: Path) -> None:
    head = "ID,Opportunity,Link,Organisation Name,Published At,Status,Open For\n"
    row = '{},"{}",https://portal.example/{},Ward Council,2026-03-02,{},2 weeks\n'
    (tmp_path / "opportunities.csv").write_text(head + row.format(7, "A map of wells", 7, "open"))
    run = await bring(tmp_path / "opportunities.csv")
    source = await Source.objects().get(Source.id == run.source)
    assert source is not None
    assert (source.name, run.new) == ("uk-digital-outcomes", 1)
    (tmp_path / "opportunities.csv").write_text(head + row.format(7, "A map of wells", 7, "awarded"))
    again = await bring(tmp_path / "opportunities.csv")
    assert (again.new, again.changed) == (0, 1)
    notice = await ImportedNotice.objects().first()
    assert notice is not None
    assert len(json.loads(notice.history)) == 2


async def test_a_source_is_told_from_folder_host_or_name_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    for name in ("moldova", "ukraine"):
        (tmp_path / name).mkdir()
        package(tmp_path / name / "x.json", [release(1)])
    package(tmp_path / "x.json", [release(1)])
    assert {each.source for each in importing.plan(str(tmp_path))} == {"moldova", "ukraine", "by-hand"}
    (asked,) = importing.plan("https://www.contractsfinder.service.gov.uk/Published")
    assert asked.source == "uk-contracts-finder"
    with pytest.raises(Refused, match="No portal is called"):
        importing.plan(str(tmp_path), "atlantis")
    with pytest.raises(Refused, match="no file or folder"):
        importing.plan(str(tmp_path / "nothing"))
    with pytest.raises(Refused, match="not an address of the web"):
        importing.plan("file:///etc/passwd")


async def test_two_runs_of_one_source_do_not_overlap(tmp_path: Path) -> None:
    package(tmp_path / "x.json", [release(1)])
    await bring(tmp_path / "x.json")
    source = await Source.objects().get(Source.name == "by-hand")
    assert source is not None
    async with imports._alone(source):
        with pytest.raises(Refused, match="Another run is reading"):
            await bring(tmp_path / "x.json")


@pytest.mark.slow
@pytest.mark.long
async def test_an_import_killed_ten_times_goes_on_to_the_same_database(tmp_path: Path) -> None:
    """SIGKILL at ten random moments, while it reads and while it puts in order; what is there in the end cannot be told
    from an undisturbed run."""
    firms = (
        "Ardglass Boats",
        "Birkett Pump",
        "Fernhollow Instruments",
        "FERNHOLLOW INSTRUMENTS LTD",
        "Fernholow Instruments",
    )
    every: list[object] = [awarded(n, firms[n % 5]) if n % 4 == 1 else release(n) for n in range(2600)]
    every += [release(n, id=f"{n}-2", date="2026-03-04T00:00:00Z", tag=["tenderUpdate"]) for n in range(0, 2600, 13)]
    every[700:700] = [{"tender": {}, "tag": ["tender"]}, 17]
    path = package(tmp_path / "large.json", every)
    await bring(path)
    undisturbed = await picture(with_runs=True)
    await empty()
    moments = [(whole, random.random() / 12) for whole in sorted(random.sample(range(1, 4000), 10))]
    for whole, after in moments:
        process = await _command("import", str(path))
        ended = asyncio.ensure_future(process.communicate())
        while await _done_so_far() < whole:
            done, _ = await asyncio.wait([ended], timeout=PAUSE)
            assert not done, (await ended)[1].decode()
        await asyncio.wait([ended], timeout=after)
        process.send_signal(signal.SIGKILL)
        await ended
        assert process.returncode == -signal.SIGKILL, moments
    assert await ImportRun.count().where(ImportRun.ended_at.is_not_null()) == 0
    process = await _command("import", str(path))
    said = await process.communicate()
    assert process.returncode == 0, said[1].decode()
    assert await picture(with_runs=True) == undisturbed, moments
    assert await SupplierMerge.count() == 2


async def _command(*words: str) -> asyncio.subprocess.Process:
    heard = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "market", *words, cwd=ROOT, env=os.environ.copy(), stdout=heard, stderr=heard
    )


async def _done_so_far() -> int:
    """Items read and notices put in order, 5,400 in all."""
    row = await one(
        "SELECT coalesce(max(read), 0) + (SELECT count(*) FROM imported_notice WHERE matched_at IS NOT NULL) AS done FROM import_run"
    )
    return int(row["done"])
