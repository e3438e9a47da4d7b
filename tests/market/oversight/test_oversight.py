"""The public log, the auditor's search and walk, and the evidence file, on a real chain of real events."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from litestar import Litestar

from market import clock
from market.actor import SYSTEM, Actor
from market.audit import proofs
from market.audit.actions import record
from market.audit.tables import Event
from market.contracts.tables import Contract
from market.db import many
from market.oversight import contracts, evidence, log, records
from market.oversight.actions import Reading, read_private
from market.proof import chain
from market.refusals import NotFound, Refused
from tests import given, given_awards, given_tenders
from tests.market.front.given_market import contract

pytestmark = pytest.mark.usefixtures("clean")


async def auditor() -> Actor:
    return await given.person(await given.organisation("National Audit Body", kind="audit"), "auditor")


async def signed_contract() -> Contract:
    """From sealed bids to a contract in force, by the real actions."""
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded()
        return await given_awards.in_force(case, decision)


# ── the public log ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_log_says_in_words_what_was_done_and_hides_what_is_sealed(app: Litestar) -> None:
    with clock.at(given.TODAY):
        case = await given_tenders.published()
        supplier = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
        from market.bids import actions as bids

        await bids.submit(supplier, case.tender.ref, case.lots[0].ref, case.bid())
        await record(case.officer, "tender.published", f"tender:{case.tender.ref}", organisation=case.buyer.ref)
        async with given.browser(app) as client:
            page = (await client.get("/log")).text
            api = (await client.get("/api/v1/log", headers={"accept": "application/json"})).json()
    assert "<bdi>Department for Roads</bdi> published the tender" in page
    assert f'href="/tenders/{case.tender.ref}"' in page
    assert "Kestrel" not in page
    assert "sealed the bid" not in page.replace("…", "").split('id="results"')[1]
    assert [each["verb"] for each in api["items"]] == ["tender.published"]
    assert api["items"][0]["says"] == f"Department for Roads published the tender {case.tender.ref}"


async def test_what_the_pages_show_is_what_the_exported_log_shows() -> None:
    await signed_contract()
    await record(SYSTEM, "mission.drafted", "mission:M-2222222", sealed_by="publication:mission:M-2222222")
    await record(SYSTEM, "mission.drafted", "mission:M-3333333", sealed_by="publication:mission:M-3333333")
    await record(SYSTEM, "mission.published", "mission:M-3333333")
    await record(SYSTEM, "application.submitted", "application:AP-2222222", sealed_by="opening:challenge:CH-2222222")
    await record(SYSTEM, "application.submitted", "application:AP-3333333", sealed_by="opening:challenge:CH-3333333")
    await record(SYSTEM, "challenge.shortlisted", "challenge:CH-3333333")
    seals = await proofs.unsealed()
    rows = await Event.select(Event.seq, Event.sealed_by)
    expected = {row["seq"] for row in rows if not row["sealed_by"] or row["sealed_by"] in seals}
    shown, _ = await log.newest(log.Filter(), limit=1000)
    assert {each.seq for each in shown} == expected
    assert len(expected) < len(rows)


async def test_the_log_is_filtered_and_paged_without_gaps(app: Litestar) -> None:
    with clock.at(given.TODAY):
        for number in range(7):
            await record(SYSTEM, "mission.published", "mission:M-2222222", {"number": number})
    with clock.at(given.TODAY + timedelta(days=2)):
        await record(SYSTEM, "tender.cancelled", "tender:T-2222222", about=["mission:M-2222222"])
    seen: list[int] = []
    before = None
    while True:
        page, before = await log.newest(log.Filter(), before, limit=3)
        seen += [each.seq for each in page]
        if before is None:
            break
    assert seen == list(range(8, 0, -1))

    async def found(**asked: object) -> int:
        return len((await log.newest(log.Filter(**asked)))[0])  # type: ignore[arg-type]

    assert await found(kind="tender") == 1
    assert await found(kind="ten%") == 0
    assert await found(verb="mission.published") == 7
    assert await found(record="m-2222222") == 8
    assert await found(record="tender:T-2222222") == 1
    assert await found(record="\0T-2222222") == 1
    assert await found(since=given.TODAY.date() + timedelta(days=1)) == 1
    assert await found(until=given.TODAY.date()) == 7
    async with given.browser(app) as client:
        assert (await client.get("/log?since=yesterday")).status_code == 422
        for address in ("/log?before=999999999999999999999", "/log?until=9999-12-31", "/log?record=%00&kind=%00"):
            assert (await client.get(address)).status_code == 200, address


async def test_the_exported_log_and_its_head_can_be_verified_by_a_stranger(app: Litestar) -> None:
    async with given.browser(app) as client:
        assert (await client.get("/log/head.json")).status_code == 404
    await signed_contract()
    async with given.browser(app) as client:
        exported = await client.get("/log/events.jsonl")
        head = chain.Head.from_plain((await client.get("/log/head.json")).json())
        key = bytes.fromhex((await client.get("/log/key")).text.strip())
        rest = await client.get(f"/log/events.jsonl?after={head.seq - 1}")
    chain.verify_head(Ed25519PublicKey.from_public_bytes(key), head)
    report = chain.verify(chain.from_lines(exported.content.splitlines()), heads=[head])
    assert report.holds
    assert report.seq == head.seq
    assert len(rest.content.splitlines()) == 1


# ── search ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_contracts_are_found_by_words_bodies_value_and_date() -> None:
    with clock.at(given.TODAY):
        firm = await given.supplier("Kestrel Drones Ltd")
        mine = await contract(firm, 5_000_000, title="Bridges by drone")
        await contract(await given.supplier("Heron Ltd"), 9_000_000, title="School meals 100%")

    async def refs(**asked: object) -> list[str]:
        return [each.ref for each in (await contracts.search(contracts.Search(**asked)))[0]]  # type: ignore[arg-type]

    assert await refs(q="drone kestrel") == [mine.ref]
    assert await refs(q=mine.ref) == [mine.ref]
    assert await refs(q="kestrel heron") == []
    assert len(await refs(q="100%")) == 1
    assert await refs(q="10_%") == []
    assert await refs(supplier=firm.ref) == [mine.ref]
    assert len(await refs(buyer="roads")) == 2
    assert await refs(most_minor=5_000_000) == [mine.ref]
    assert await refs(least_minor=9_000_001) == []
    assert len(await refs(until=given.TODAY.date())) == 2
    assert await refs(since=given.TODAY.date()) == []


async def test_flags_are_reckoned_from_the_record_and_searched_for() -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded(6_500_000, 4_000_000)
        agreed = await given_awards.drawn_up(case, decision)
        plain = await contract(await given.supplier(), 1_000_000)
        await contract(await given.supplier(), 1_400_000, ground="waiver", estimate_minor=1_000_000)
    found, cursor = await contracts.search(contracts.Search(flag=["heavy-discount"]))
    assert [each.ref for each in found] == [agreed.ref]
    assert cursor is None
    assert found[0].bids == 2
    found, _ = await contracts.search(contracts.Search(flag=["waiver"]))
    assert {up.code for up in found[0].raised} == {"waiver", "over-estimate"}
    calm = await contracts.one_contract(plain.ref)
    assert calm is not None
    assert calm.raised == []


async def test_the_search_is_paged_and_every_contract_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "PAGE", 2)
    firm = await given.supplier()
    made = [(await contract(firm, 1_000_000 + number, ground="waiver")).ref for number in range(5)]
    for asked in (contracts.Search(), contracts.Search(flag=["waiver"])):
        seen: list[str] = []
        before = None
        while True:
            page, before = await contracts.search(asked, before)
            seen += [each.ref for each in page]
            if before is None:
                break
        assert seen == made[::-1]


# ── the walk ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_auditor_walks_from_the_contract_back_to_the_tender_and_checks_it(app: Litestar) -> None:
    agreed = await signed_contract()
    async with given.browser(app) as client:
        await given.signed_in(client, await auditor())
        found = await client.get("/audit?q=bridges")
        assert f"/audit/records/contract/{agreed.ref}" in found.text
        page = await client.get(f"/audit/records/contract/{agreed.ref}")
        assert page.status_code == 200
        assert "put the contract" in page.text
        assert "The thread" in page.text
        (tender,) = (await many("SELECT ref FROM tender"))[0].values()
        assert f"/audit/records/tender/{tender}" in page.text
        back = await client.get(f"/audit/records/tender/{tender}")
        assert "opened the bids of the tender" in back.text
        assert "gave an evaluator&#39;s marks to" in back.text, "an auditor sees what is sealed for the public"
        checked = await client.get(f"/audit/records/contract/{agreed.ref}/check")
    assert "We recomputed every event" in checked.text
    assert f"The document of contract {agreed.ref} has the fingerprint that the log names." in checked.text
    assert f"The register of opening of tender {tender} has the fingerprint that the log names." in checked.text
    assert "does not hold" not in checked.text.split("<main")[1]


async def test_a_changed_event_or_document_is_named() -> None:
    agreed = await signed_contract()
    subject = f"contract:{agreed.ref}"
    assert (await records.check(subject)).holds
    await many("UPDATE contract SET document = {} WHERE ref = {}", "{}", agreed.ref)
    broken = [each.says for each in (await records.check(subject)).checks if not each.holds]
    assert broken == [f"The document of contract {agreed.ref} is not the one whose fingerprint the log names."]
    first, *_ = await records.segment(subject)
    await many("ALTER TABLE event DISABLE TRIGGER USER")
    try:
        await many("UPDATE event SET body = {} WHERE seq = {}", '{"forged":1}', first)
    finally:
        await many("ALTER TABLE event ENABLE TRIGGER USER")
    checked = await records.check(subject)
    assert not checked.holds
    assert checked.checks[0].says == f"The body of event {first} is not the one that was recorded."


async def test_a_bid_that_the_log_names_and_the_register_does_not_is_named() -> None:
    agreed = await signed_contract()
    (tender,) = (await many("SELECT ref FROM tender"))[0].values()
    said = [each.says for each in (await records.check(f"tender:{tender}")).checks]
    assert any("exactly those that the log says were sealed last" in each for each in said)
    bid = (await many("SELECT ref, digest FROM bid ORDER BY id LIMIT 1"))[0]
    await many("ALTER TABLE opening DISABLE TRIGGER USER")
    await many("UPDATE opening SET register = replace(register, {}, {})", bid["digest"], "0" * 64)
    await many("ALTER TABLE opening ENABLE TRIGGER USER")
    broken = [each.says for each in (await records.check(f"contract:{agreed.ref}")).checks if not each.holds]
    assert (
        broken[-1] == f"The register of opening of tender {tender} and the log do not name the same bids: {bid['ref']}."
    )


async def test_nobody_learns_how_many_bid_before_the_opening_not_even_an_auditor() -> None:
    with clock.at(given.TODAY):
        case = await given_tenders.published()
        await record(case.officer, "tender.published", f"tender:{case.tender.ref}")
        firm = await given.person(await given.supplier(), "supplier-admin")
        from market.bids import actions as bids

        sealed = await bids.submit(firm, case.tender.ref, case.lots[0].ref, case.bid())
        walked = await records.walk(f"tender:{case.tender.ref}")
        assert [each.verb for each in walked.events] == ["tender.published"]
        with pytest.raises(NotFound):
            await records.walk(f"bid:{sealed.bid.ref}")
        with pytest.raises(NotFound):
            await records.segment(f"bid:{sealed.bid.ref}")
    await given_tenders.opened(case)
    walked = await records.walk(f"tender:{case.tender.ref}")
    assert "bid.sealed" in [each.verb for each in walked.events]


async def test_reading_private_facts_is_itself_an_event_and_needs_a_reason(app: Litestar) -> None:
    agreed = await signed_contract()
    (tender,) = (await many("SELECT ref FROM tender"))[0].values()
    someone = await auditor()
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    here = f"/audit/records/tender/{tender}"
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        page = await client.get(here)
        assert "Read the private facts" not in page.text
        assert (await client.post(f"{here}/private", data={"why": "I am curious about it"})).status_code == 403
        await given.signed_in(client, someone)
        page = await client.get(here)
        assert "A sound answer with evidence." not in page.text
        short = await client.post(f"{here}/private", data={"why": "so"})
        assert short.status_code == 422
        assert await Event.count().where(Event.verb == "private.read") == 0
        read = await client.post(f"{here}/private", data={"why": "Complaint 12 says the marks are wrong"})
    assert read.status_code in (200, 201)
    assert "A sound answer with evidence." in read.text
    (opener,) = {
        row["name"]
        for row in await many(
            "SELECT p.name FROM person p JOIN event e ON e.actor = p.ref WHERE e.verb = 'tender.opened'"
        )
    }
    assert opener in read.text.split("<main")[1], "the auditor learns who did it"
    (event,) = await Event.select().where(Event.verb == "private.read")
    assert event["actor"] == someone.ref
    assert "Complaint 12" not in event["body"]
    assert "Complaint 12" in event["private_body"]
    assert agreed.ref
    with pytest.raises(Refused):
        await read_private(operator, f"tender:{tender}", Reading("I am curious about it"))


@pytest.mark.parametrize(
    "path", ["/audit", "/audit/records/contract/C-2222222", "/audit/records/contract/C-2222222/evidence.zip"]
)
async def test_only_auditors_and_the_operator_come_in(app: Litestar, path: str) -> None:
    buyer = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as client:
        assert (await client.get(path)).status_code == 303
        await given.signed_in(client, buyer)
        assert (await client.get(path)).status_code == 403
        await given.signed_in(client, await auditor())
        assert (await client.get(path)).status_code == (200 if path == "/audit" else 404)
        assert (await client.get("/audit/records/moon/M-1")).status_code == 404
        assert (await client.get("/audit/records/contract/%00")).status_code == 404


# ── evidence ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_evidence_file_checks_itself_with_nothing_but_python(app: Litestar, tmp_path: Path) -> None:
    agreed = await signed_contract()
    async with given.browser(app) as client:
        await given.signed_in(client, await auditor())
        answer = await client.get(f"/audit/records/contract/{agreed.ref}/evidence.zip")
    assert answer.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    readme = (tmp_path / "README.txt").read_text()
    assert f"put the contract {agreed.ref} into force" in readme
    assert (tmp_path / "documents" / f"contract-{agreed.ref}.json").read_text() == agreed.document

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "check.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    well = run()
    assert well.returncode == 0, well.stdout + well.stderr
    assert "BROKEN" not in well.stdout
    assert "The head was signed at" in well.stdout
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    shown = [json.loads(line) for line in lines]
    own = json.loads((tmp_path / "manifest.json").read_text())["events"]
    assert {each["seq"] for each in shown if "body" in each} <= set(own)
    assert not any("private_body" in each for each in shown)

    forged = lines.copy()
    forged[0] = lines[0].replace(shown[0]["verb"], "award.undone")
    (tmp_path / "events.jsonl").write_text("\n".join(forged) + "\n")
    assert "does not follow" in run().stdout
    (tmp_path / "events.jsonl").write_text("\n".join(lines[1:]) + "\n")
    assert "is missing" in run().stdout
    (tmp_path / "events.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    cut = run()
    assert cut.returncode == 1
    assert "signed head" in cut.stdout
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "documents" / f"contract-{agreed.ref}.json").write_text("{}")
    assert "is not the file it was" in run().stdout


async def test_evidence_shows_what_is_sealed_by_its_hash_alone() -> None:
    await signed_contract()
    (tender,) = (await many("SELECT ref FROM tender"))[0].values()
    packed = zipfile.ZipFile(io.BytesIO(b"".join(evidence.chunks(await evidence.pack(f"tender:{tender}")))))
    lines = [json.loads(line) for line in packed.read("events.jsonl").splitlines()]
    scored = {row["seq"] for row in await many("SELECT seq FROM event WHERE verb = 'panel.marked'")}
    assert scored
    assert all(set(each) == {"hash", "seq"} for each in lines if each["seq"] in scored)
    assert "scored the opened bid" not in packed.read("README.txt").decode()


# ── for programs ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_api_searches_walks_checks_and_reads(app: Litestar) -> None:
    agreed = await signed_contract()
    headers = await given.token(await auditor())
    async with given.browser(app) as client:
        client.headers.update(headers)
        assert (await client.get("/api/v1/audit/flags")).json()["items"][0]["code"] == "single-bid"
        listed = (await client.get("/api/v1/audit/contracts?q=bridges")).json()["items"]
        assert [each["ref"] for each in listed] == [agreed.ref]
        walked = (await client.get(f"/api/v1/audit/records/contract/{agreed.ref}")).json()
        assert all(each["holds"] for each in walked["checks"])
        assert [each["name"] for each in walked["thread"]][-1] == "Payments"
        (tender,) = (await many("SELECT ref FROM tender"))[0].values()
        assert f"tender:{tender}" in walked["related"]
        read = await client.post(
            f"/api/v1/audit/records/tender/{tender}/private", json={"why": "Complaint 12 says the marks are wrong"}
        )
        assert any("marks" in each["facts"] for each in read.json()["items"])
        assert all(each["facts"]["person"] for each in read.json()["items"])
        last = walked["events"][-1]["seq"]
        beyond = await client.post(
            f"/api/v1/audit/records/contract/{agreed.ref}/private?after={last}",
            json={"why": "Complaint 12 says the marks are wrong"},
        )
        assert beyond.status_code == 404
        strange = await client.get("/api/v1/audit/contracts?before=99999999999999999999999&q=%00")
        assert strange.status_code in (200, 400)
        client.headers.pop("authorization")
        assert (await client.get("/api/v1/audit/contracts")).status_code == 401
