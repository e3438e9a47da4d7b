"""What a program, a feed reader and a spreadsheet get over the wire."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from litestar import Litestar

from challenges.tables import Challenge
from market import clock
from market.actor import SYSTEM
from market.audit.actions import record
from market.opendata import actions, api, feed, sheets
from market.tenders.tables import Tender
from market.web import limits, templating
from tests import given, given_awards, given_tenders
from tests.challenges import exercise
from tests.market.opendata.conformance import structural_errors

pytestmark = pytest.mark.usefixtures("clean")

ATOM = "{http://www.w3.org/2005/Atom}"
YEAR = {"contract_begins_on": date(2027, 3, 1), "contract_ends_on": date(2028, 3, 1)}
ADDRESSES = ("releases", "records", "changes.atom", "records.csv", "contracts.csv")


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A program that takes what it is given."""
    async with given.browser(app) as browser:
        browser.headers = httpx.Headers({"accept": "*/*", "accept-encoding": "identity"})
        yield browser


async def tenders(*titles: str) -> list[str]:
    """Tenders with one event each, a minute apart, published; answers their ocids."""
    found = []
    for number, title in enumerate(titles):
        with clock.at(given.TODAY + timedelta(minutes=number)):
            made: Tender = (await given_tenders.published(title=title)).tender
            await record(SYSTEM, "tender.question-answered", f"tender:{made.ref}")
        found.append(actions.ocid_of(f"tender:{made.ref}"))
    await published()
    return found


async def published() -> None:
    while await actions.publish():
        pass


async def again(ocid: str, minutes: int) -> None:
    """One more change of it, published."""
    with clock.at(given.TODAY + timedelta(minutes=minutes)):
        await record(SYSTEM, "tender.question-answered", f"tender:{ocid.partition('-tender-')[2]}")
    await published()


@pytest.mark.parametrize("name", ["releases", "records"])
async def test_pages_are_valid_and_lead_from_one_to_the_next(client: httpx.AsyncClient, name: str) -> None:
    ocids = await tenders("One", "Two", "Three", "Four", "Five")
    seen: list[str] = []
    address: str | None = f"/api/ocds/{name}?limit=2&since=2026-11-01T00:00:00Z"
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        assert structural_errors(answer.content) == []
        package = answer.json()
        assert package["uri"].endswith(address.removeprefix("http://localhost:8000"))
        assert package["publicationPolicy"] == "http://localhost:8000/open-data/policy"
        seen += [each["ocid"] for each in package[name]]
        address = package.get("links", {}).get("next")
    assert seen == ocids
    await again(ocids[0], 10)
    later = await client.get(f"/api/ocds/{name}?cursor={answer.headers['next-cursor']}")
    assert [each["ocid"] for each in later.json()[name]] == [ocids[0]]
    after = await client.get(f"/api/ocds/{name}?cursor={later.headers['next-cursor']}")
    assert (after.json()[name], after.headers["next-cursor"]) == ([], later.headers["next-cursor"])


async def test_a_full_page_of_releases_never_changes_again(client: httpx.AsyncClient) -> None:
    ocids = await tenders("One", "Two", "Three")
    before = await client.get("/api/ocds/releases?limit=2")
    await again(ocids[0], 10)
    after = await client.get("/api/ocds/releases?limit=2", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 304
    assert before.json()["publishedDate"] == "2026-11-23T09:01:00Z"


async def test_a_page_is_read_from_the_database_once_until_something_is_published(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ocid, _) = await tenders("One", "Two")
    read: list[int] = []
    page_of_records = actions.page_of_records

    async def counted(after: int, limit: int, **asked: Any) -> actions.Page:
        read.append(after)
        return await page_of_records(after, limit, **asked)

    monkeypatch.setattr(actions, "page_of_records", counted)
    first, second = [await client.get("/api/ocds/records?limit=2") for _ in range(2)]
    assert (first.content, first.headers["next-cursor"]) == (second.content, second.headers["next-cursor"])
    assert len(read) == 1
    await client.get("/api/ocds/records?limit=1")
    assert len(read) == 2
    await again(ocid, 5)
    third = await client.get("/api/ocds/records?limit=2")
    assert len(read) == 3
    assert [each["ocid"] for each in third.json()["records"]][-1] == ocid


async def test_records_and_changes_of_one_kind_only(client: httpx.AsyncClient) -> None:
    (ocid,) = await tenders("One")
    with clock.at(given.TODAY):
        challenge = await exercise.opened()
    await published()
    for kind, wanted in (("tender", ocid), ("challenge", actions.ocid_of(f"challenge:{challenge.ref}"))):
        records = (await client.get(f"/api/ocds/records?kind={kind}")).json()["records"]
        assert [each["ocid"] for each in records] == [wanted]
        feed_ = await client.get(f"/api/ocds/changes.atom?kind={kind}")
        assert len(ElementTree.fromstring(feed_.content).findall(f"{ATOM}entry")) == 1
    assert len((await client.get("/api/ocds/records")).json()["records"]) == 2
    onward = (await client.get("/api/ocds/records?limit=1&kind=tender")).json()
    assert "links" not in onward
    assert (await client.get("/api/ocds/records?kind=party")).status_code == 400


async def test_one_release_and_one_record(client: httpx.AsyncClient) -> None:
    (ocid,) = await tenders("One")
    await again(ocid, 3)
    whole = await client.get(f"/api/ocds/records/{ocid}")
    (found,) = whole.json()["records"]
    assert len(found["releases"]) == 2
    assert structural_errors(whole.content) == []
    listed = (await client.get("/api/ocds/records")).json()["records"][0]
    assert listed["compiledRelease"] == found["compiledRelease"]
    for link, inside in zip(listed["releases"], found["releases"], strict=True):
        one = await client.get(link["url"])
        assert one.json()["releases"] == [inside]
        assert (link["date"], link["tag"]) == (inside["date"], inside["tag"])
        assert structural_errors(one.content) == []
    for missing in ("records/ocds-prelud-tender-T-NONE", "releases/ocds-prelud-tender-T-NONE-1"):
        answer = await client.get(f"/api/ocds/{missing}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("name", ADDRESSES)
async def test_every_answer_can_be_kept_compressed_and_asked_for_by_head(client: httpx.AsyncClient, name: str) -> None:
    (ocid, *_) = await tenders("One", "Two")
    at = f"/api/ocds/{name}"
    plain = await client.get(at)
    assert "max-age=60" in plain.headers["cache-control"]
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert plain.headers["access-control-allow-origin"] == "*"
    async with client.stream("GET", at, headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert (packed.headers["content-encoding"], packed.headers["etag"]) == ("gzip", plain.headers["etag"])
    assert gzip.decompress(raw) == plain.content
    head = await client.head(at)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == plain.headers["etag"]
    assert head.headers["content-type"] == plain.headers["content-type"]
    if not name.endswith(".csv"):
        assert head.headers["content-length"] == str(len(plain.content))
    for given_tag in (plain.headers["etag"], f'"other", {plain.headers["etag"].removeprefix("W/")}', "*"):
        for method in ("GET", "HEAD"):
            known = await client.request(method, at, headers={"if-none-match": given_tag})
            assert (known.status_code, known.content) == (304, b""), (method, given_tag)
            assert known.headers["etag"] == plain.headers["etag"]
    await again(ocid, 5)
    assert (await client.get(at, headers={"if-none-match": plain.headers["etag"]})).status_code == 200


@pytest.mark.parametrize(
    ("header", "taken"),
    [("", False), ("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip;q=0.0, br", False), ("*", True), ("br", False)],
)  # fmt: skip
def test_gzip_is_sent_to_who_takes_it(header: str, taken: bool) -> None:
    request: Any = type("Asked", (), {"headers": {"accept-encoding": header}})()
    assert api.takes_gzip(request) is taken


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=-1", "cursor=%C2%B2", "cursor=99999999999999999999", "limit=0", "limit=501", "limit=many",
     "since=yesterday", "since=2026-11-23T09:00:00", "tag=party", "tag=compiled"],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_in_words(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/ocds/releases?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["reasons"]


async def test_one_address_may_ask_a_hundred_times_and_is_then_told_to_wait(app: Litestar) -> None:
    limit = limits.COSTLY["/api/ocds"]
    assert limit.burst >= 100
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        statuses = [(await client.get("/api/ocds/releases?limit=1")).status_code for _ in range(limit.burst)]
        assert set(statuses) == {200}
        for _ in range(limit.burst):  # what came back meanwhile, a few a second, is asked for too
            answer = await client.get("/api/ocds/releases?limit=1")
            if answer.status_code != 200:
                break
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["reasons"][0]["code"] == "access.too-many-tries"


async def test_the_feed_has_one_entry_for_each_process_newest_change_first(client: httpx.AsyncClient) -> None:
    one, two, three = await tenders("One & <only>", "Two", "Three\x0b")
    await again(one, 9)
    answer = await client.get("/api/ocds/changes.atom?limit=2")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ElementTree.fromstring(answer.content)
    assert root.findtext(f"{ATOM}updated") == "2026-11-23T09:09:00Z"
    entries = root.findall(f"{ATOM}entry")
    ids = [str(each.findtext(f"{ATOM}id")) for each in entries]
    assert ids == [f"http://localhost:8000/api/ocds/records/{ocid}" for ocid in (one, three)]
    assert [each.findtext(f"{ATOM}title") for each in entries] == ["One & <only>", "Three"]
    assert entries[0].findtext(f"{ATOM}summary") == "A tender changed."
    assert [each.get("term") for each in entries[0].findall(f"{ATOM}category")] == ["tenderUpdate"]
    assert (await client.get(ids[0])).status_code == 200
    links = {each.get("rel"): each.get("href") for each in root.findall(f"{ATOM}link")}
    following = ElementTree.fromstring((await client.get(str(links["next"]))).content)
    assert [str(each.findtext(f"{ATOM}id"))[-9:] for each in following.findall(f"{ATOM}entry")] == [two[-9:]]
    assert "next" not in {each.get("rel") for each in following.findall(f"{ATOM}link")}
    since = ElementTree.fromstring((await client.get("/api/ocds/changes.atom?since=2026-11-23T09:09:00Z")).content)
    assert len(since.findall(f"{ATOM}entry")) == 1
    assert feed.atom([], "http://localhost:8000/api/ocds/changes.atom", None, actions.NEVER).count(b"<entry>") == 0


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in answer.content
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_tables_hold_the_main_facts_of_processes_and_contracts(client: httpx.AsyncClient) -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded(**YEAR)
        contract = await given_awards.in_force(case, decision)
    made = await exercise.shortlisted()
    await published()
    ocid, other = actions.ocid_of(f"tender:{case.ref}"), actions.ocid_of(f"challenge:{made.ref}")
    rows = {row["ocid"]: row for row in table(await client.get("/api/ocds/records.csv"))}
    assert rows.keys() == {ocid, other}
    row = rows[ocid]
    assert tuple(row) == sheets.PROCESSES
    assert (row["kind"], row["status"], row["buyer"], row["lots"]) == (
        "tender",
        "complete",
        "Department for Roads",
        "1",
    )
    assert (row["value"], row["currency"], row["awarded"], row["contracted"]) == ("60000", "GBP", "40000", "40000")
    assert (row["bids"], row["suppliers"], row["contracts"], row["paid"]) == ("2", "Heron Ltd", "1", "")
    assert (row["cpv"], row["procedure"]) == ("71631450", "open")
    for link in ("page", "record"):
        assert (await client.get(row[link], headers={"accept": "text/html"})).status_code == 200
    assert (rows[other]["kind"], rows[other]["status"], rows[other]["awarded"]) == ("challenge", "planning", "8000")

    found = table(await client.get("/api/ocds/contracts.csv"))
    assert tuple(found[0]) == sheets.CONTRACTS
    assert len(found) == 3
    (mine,) = (each for each in found if each["ocid"] == ocid)
    assert (mine["contract"], mine["award"], mine["status"]) == (contract.ref, decision.ref, "active")
    assert (mine["value"], mine["currency"], mine["milestones"], mine["milestones_met"]) == ("40000", "GBP", "2", "0")
    assert mine["supplier_ids"] == f"GB-COH-{case.suppliers[1].identifier}"
    assert mine["supplier_sizes"] == "sme"
    assert (await client.get(mine["page"], headers={"accept": "text/html"})).status_code == 200
    places = [each for each in found if each["ocid"] == other]
    assert {each["value"] for each in places} == {"4000"}
    assert (await client.get(places[0]["page"], headers={"accept": "text/html"})).status_code == 200


@pytest.mark.parametrize("title", ['=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
async def test_no_cell_is_run_as_a_formula(client: httpx.AsyncClient, title: str) -> None:
    await tenders(title)
    (row,) = table(await client.get("/api/ocds/records.csv"))
    assert row["title"] == f"'{title}"
    assert sheets.plain("Gully sensors = fewer floods") == "Gully sensors = fewer floods"


async def test_a_table_is_written_page_by_page_and_holds_every_process_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "PAGE", 2)
    ocids = await tenders(*(f"Tender {number}" for number in range(5)))
    pieces = [piece async for piece in sheets.written(sheets.PROCESSES, sheets.process_rows)]
    assert len(pieces) == 4
    assert [row["ocid"] for row in table(await client.get("/api/ocds/records.csv"))] == ocids


async def test_pages_of_challenges_tenders_and_contracts_link_their_record(client: httpx.AsyncClient) -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded(**YEAR)
        contract = await given_awards.in_force(case, decision)
    made = await exercise.opened()
    await published()
    for path, subject in (
        (f"/challenges/{made.ref}", f"challenge:{made.ref}"),
        (f"/tenders/{case.ref}", f"tender:{case.ref}"),
        (f"/contracts/{contract.ref}", f"tender:{case.ref}"),
    ):
        page = await client.get(path, headers={"accept": "text/html"})
        address = f"/api/ocds/records/{actions.ocid_of(subject)}"
        assert f'href="{address}"' in page.text, path
        assert (await client.get(address)).status_code == 200
        kind, _, ref = subject.partition(":")
        assert templating.ocid(kind, ref) == actions.ocid_of(subject)
    draft = await exercise.drafted()
    row = await Challenge.objects().where(Challenge.ref == draft.ref).first()
    assert row is not None
    assert row.published_at is None
    assert actions.ocid_of(f"challenge:{draft.ref}") not in (await client.get("/api/ocds/records")).text


async def test_the_front_page_of_open_data_names_every_address_and_each_answers(client: httpx.AsyncClient) -> None:
    page = (await client.get("/open-data", headers={"accept": "text/html"})).text
    for name in ADDRESSES:
        assert f'href="/api/ocds/{name}"' in page
        assert (await client.get(f"/api/ocds/{name}")).status_code == 200
    assert 'href="/open-data/files"' in page
    assert 'href="/open-data/policy"' in page


def test_every_parameter_and_main_field_is_described_with_an_example(app: Litestar) -> None:
    schema = app.openapi_schema.to_schema()
    kinds = schema["components"]["schemas"]
    operations = {path: each["get"] for path, each in schema["paths"].items() if path.startswith("/api/ocds")}
    assert len(operations) == 7
    for path, operation in operations.items():
        assert {"200", "400", "429"} <= operation["responses"].keys(), path
        for parameter in operation.get("parameters", []):
            what = f"{path} {parameter['name']}"
            told = parameter.get("description") or parameter["schema"].get("description")
            assert told, what
            assert "example" in json.dumps(parameter), what
    tag = next(each for each in operations["/api/ocds/releases"]["parameters"] if each["name"] == "tag")
    assert "contractAmendment" in json.dumps([tag, *(kinds[name] for name in kinds if name in json.dumps(tag))])
    package = kinds["ReleasePackage"]["properties"]
    assert {"uri", "version", "publisher", "releases", "links"} <= package.keys()
    release = next(each for name, each in kinds.items() if name.endswith("ReleaseShape"))
    assert {"ocid", "id", "date", "tag", "buyer", "tender", "awards", "contracts", "bids"} <= release[
        "properties"
    ].keys()
    assert release["properties"]["ocid"]["examples"]
