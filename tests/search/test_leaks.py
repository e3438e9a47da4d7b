"""What may leave for the index, kind by kind: every text of a record holds a word of its own, and only those words may be
found that stand here. Before a record is public none of them may, and of what is never public nothing ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from piccolo.columns import Array, Text
from piccolo.table import Table

from challenges.tables import Challenge, InsightReport
from market import clock
from market.accounts.tables import Organisation, Person
from market.audit.actions import announce
from market.contracts.tables import Contract
from market.kinds import KINDS
from market.portal.intake import notices
from market.portal.tables import ImportedNotice, Source
from market.standards.tables import Exemption, Service
from market.suppliers.tables import Profile
from market.tenders.tables import Lot, Tender
from market.waivers.tables import Waiver
from search import faces, outbox
from search.index import Index, Query
from tests import given, given_awards, given_tenders
from tests.search.engines import either as engine

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")

NOT_WORDS = {"cpv", "profiles", "offered_for", "note_codes", "website", "facts"}
"""Columns that hold codes, addresses or JSON and no prose."""


ONLY_CHOSEN = {"zqservicelicence"}
"""Words that stand in a filter and are not looked for."""


def word(table: type[Table], column: str) -> str:
    """The word that stands in one column and nowhere else."""
    return f"zq{table._meta.tablename}{column}".replace("_", "")


def worded(table: type[Table], *but: str) -> dict[str, Any]:
    """Every text of a row, each with its own word."""
    found: dict[str, Any] = {}
    for column in table._meta.columns:
        name = column._meta.name
        if name in NOT_WORDS or name in but:
            continue
        if isinstance(column, Text):
            found[name] = word(table, name)
        elif isinstance(column, Array):
            found[name] = [word(table, name)]
    return found


async def put(table: type[Table], ref: str, *but: str, **facts: Any) -> None:
    """Fill the texts of a row that is there, and change some facts."""
    values = {**worded(table, *but), **facts}
    await table.update({getattr(table, name): value for name, value in values.items()}).where(
        table.ref == ref  # type: ignore[attr-defined]
    )


@dataclass
class Case:
    """A record that is not public yet: how it becomes so, and which of its columns may then be found."""

    subject: str
    publish: Callable[[], Awaitable[Any]]
    public: dict[type[Table], set[str]]
    private: dict[type[Table], set[str]] = field(default_factory=dict)
    """Columns with words that must not be found, beside all others of the tables above."""
    also: dict[str, bool] = field(default_factory=dict)
    """Words that stand elsewhere, and whether they may be found."""


async def challenge() -> Case:
    body = await given.organisation()
    officer = await given.person(body, "buyer")
    row = Challenge(buyer=body.id, created_at=clock.now(), created_by=officer.person, **worded(Challenge))
    await row.save()

    async def publish() -> None:
        later = clock.now() + timedelta(days=20)
        await Challenge.update({Challenge.published_at: clock.now(), Challenge.closes_at: later}).where(
            Challenge.id == row.id
        )

    return Case(
        f"challenge:{row.ref}",
        publish,
        {Challenge: {"title", "problem", "who_has_it", "evidence", "success", "out_of_scope", "region"}},
    )


async def tender() -> Case:
    there = await given_tenders.published()
    published = there.tender.published_at
    await put(Tender, there.tender.ref, "profile", published_at=None)
    await put(Lot, there.lots[0].ref)
    return Case(
        f"tender:{there.tender.ref}",
        lambda: put(Tender, there.tender.ref, "profile", published_at=published),
        {Tender: {"title", "description", "region"}, Lot: {"title", "description"}},
    )


async def supplier() -> Case:
    firm = await given.organisation(kind="buyer")
    admin = await given.person(firm, "supplier-admin", name="zqpersonname")
    await Person.update({Person.email: "zqpersonemail@firm.example"}).where(Person.id == admin.person)
    await put(Organisation, firm.ref)
    await Profile.insert(Profile(organisation=firm.id, updated_at=clock.now(), **worded(Profile)))

    return Case(
        f"supplier:{firm.ref}",
        lambda: put(Organisation, firm.ref, kind="supplier"),
        {
            Organisation: {"name", "region"},
            Profile: {"summary", "description", "capabilities", "certificates"},
        },
        {Person: {"name", "email"}},
    )


async def contract() -> Case:
    case, decision = await given_awards.awarded(5_000_000, 4_000_000)
    drawn = await given_awards.drawn_up(case, decision)
    await put(Contract, drawn.ref)
    signed = {"buyer_signed_at": clock.now(), "supplier_signed_at": clock.now()}
    return Case(f"contract:{drawn.ref}", lambda: put(Contract, drawn.ref, **signed), {Contract: {"title", "terms"}})


async def insight_report() -> Case:
    body = await given.organisation()
    officer = await given.person(body, "buyer")
    exercise = Challenge(
        buyer=body.id, title="Bridges", created_at=clock.now(), created_by=officer.person, published_at=clock.now()
    )
    await exercise.save()
    row = InsightReport(challenge=exercise.id, written_by=officer.person, **worded(InsightReport))
    await row.save()

    async def publish() -> None:
        await InsightReport.update({InsightReport.published_at: clock.now()}).where(InsightReport.id == row.id)

    return Case(
        f"insight_report:{row.ref}",
        publish,
        {InsightReport: {"title", "tried", "worked", "did_not_work", "evidence", "others"}},
    )


async def service(private: bool) -> Service:
    firm = await given.supplier("Permits Ltd")
    admin = await given.person(firm, "supplier-admin")
    row = Service(
        supplier=firm.id,
        private=private,
        listed_at=clock.now(),
        listed_by=admin.person,
        **worded(Service, "public_url"),
    )
    await row.save()
    return row


async def component() -> Case:
    row = await service(private=False)
    await Service.update({Service.withdrawn_at: clock.now()}).where(Service.id == row.id)

    async def publish() -> None:
        await Service.update({Service.withdrawn_at: None}).where(Service.id == row.id)

    return Case(f"component:{row.ref}", publish, {Service: {"title", "does", "used_by", "licence", "price_terms"}})


async def confidential_component() -> Case:
    row = await service(private=True)
    department = await given.organisation()

    async def publish() -> None:
        exempted = Exemption(
            service=row.id,
            supplier=row.supplier,
            buyer=department.id,
            profile="uk-core@1.0.0",
            ground="private",
            asked_by=row.listed_by,
            asked_at=clock.now(),
            signed_at=clock.now(),
            expires_at=clock.now() + timedelta(days=90),
        )
        await exempted.save()

    return Case(f"component:{row.ref}", publish, {Service: set()})


async def notice() -> Case:
    portal = Source(name="other", title="Another portal")
    await portal.save()
    texts = {"title": "zqnoticetitle", "description": "zqnoticedescription", "region": "zqnoticeregion"}
    facts = notices.Notice(ocid="ocds-x-1", source="other", **texts, method_details="zqnoticemethod")
    row = ImportedNotice(
        source=portal.id,
        changed_at=clock.now(),
        test=True,
        facts=msgspec.json.encode(facts).decode(),
        **worded(ImportedNotice, "ocid"),
        ocid="ocds-x-1",
    )
    await row.save()

    async def publish() -> None:
        await ImportedNotice.update({ImportedNotice.test: False}).where(ImportedNotice.id == row.id)

    also = {**dict.fromkeys(texts.values(), True), "zqnoticemethod": False}
    return Case(f"notice:{row.ref}", publish, {ImportedNotice: set()}, also=also)


async def waiver() -> Case:
    there = await given_tenders.published()
    body = there.buyer
    row = Waiver(
        tender=there.tender.id,
        buyer=body.id,
        department=body.id,
        ground="urgent",
        asked_at=clock.now(),
        asked_by=there.officer.person,
        **worded(Waiver),
    )
    await row.save()

    async def publish() -> None:
        await Waiver.update({Waiver.decided_at: clock.now()}).where(Waiver.id == row.id)

    return Case(f"waiver:{row.ref}", publish, {Waiver: {"statement", "cost_of_waiting", "refusal_reason"}})


CASES = {
    "challenge": challenge,
    "tender": tender,
    "supplier": supplier,
    "contract": contract,
    "insight_report": insight_report,
    "component": component,
    "confidential component": confidential_component,
    "notice": notice,
    "waiver": waiver,
}


def test_every_kind_that_can_be_found_is_tried() -> None:
    assert {name.rpartition(" ")[2] for name in CASES} == set(faces.FACES)


@pytest.mark.parametrize("kind", CASES)
async def test_only_what_is_public_of_a_record_can_be_found_and_nothing_before_it_is(engine: Index, kind: str) -> None:
    case = await CASES[kind]()
    await announce(case.subject)
    await outbox.drain()
    await outbox.reindex()
    every = {word(table, name) for table in case.public for name in worded(table)}
    every |= {word(table, name) for table, names in case.private.items() for name in names}
    every |= set(case.also)
    assert case.subject not in await engine.ids()
    assert [one for one in every if (await engine.search(Query(text=f"{one} ", relax=False))).total] == []
    await case.publish()
    await announce(case.subject)
    await outbox.drain()
    assert case.subject in await engine.ids()
    public = {word(table, name) for table, names in case.public.items() for name in names}
    public |= {one for one, may in case.also.items() if may}
    found = {one for one in every if (await engine.search(Query(text=f"{one} ", relax=False))).total}
    assert found == public - ONLY_CHOSEN
    shown = await faces.face(case.subject)
    assert shown is not None
    sent = msgspec.json.encode(shown).decode()
    assert {one for one in every if one in sent} == public


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if not kind.findable))
async def test_what_is_never_public_is_never_sent(kind: str, engine: Index) -> None:
    await announce(f"{kind}:X-1")
    assert await outbox.drain() == 1
    assert await engine.ids() == {}
    with pytest.raises(KeyError):
        await faces.face(f"{kind}:X-1")
