"""Suppliers are found by what they have done here: with both engines, through the real actions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.audit.actions import announce
from market.contracts.tables import Contract
from market.standards.components import actions as standards
from market.standards.profiles import actions as publishing
from market.standards.tables import IssuedCertificate
from search import comparing, experience, outbox, queries
from search.documents import Kind
from search.index import Index, Query, Results
from tests import given, given_awards
from tests.challenges import exercise
from tests.market.standards.documents import good
from tests.search.engines import either as engine

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")


async def suppliers(engine: Index, text: str, **filters: list[str]) -> Results:
    await outbox.drain()
    return await engine.search(Query(text=text, kinds=(Kind.SUPPLIER,), filters=filters, facets=("experience",)))


async def test_pitches_and_what_was_learnt_lead_to_the_firms_that_gave_them(engine: Index, app: Litestar) -> None:
    made = await exercise.concluded()
    found = await suppliers(engine, "street floods")
    pitched = {str(firm.ref) for firm in made.suppliers[:2]}
    assert {hit.document.ref for hit in found.hits} == pitched
    assert found.facets["experience"] == {"insight-report": 2, "pitch": 2}
    assert [reason.field for reason in found.hits[0].reasons] == ["track_record"]
    async with given.browser(app) as client:
        page = await client.get("/search", params={"q": "street floods", "kind": "supplier", "done": "pitch"})
        compared = await client.get("/search/compare", params={"ref": sorted(pitched)})
    assert "Found in what it has done here." in page.text
    assert queries.DONE["insight-report"] in page.text
    assert f"/challenges/{made.ref}" in compared.text
    assert exercise.REPORT.title in compared.text


async def test_a_contract_counts_from_the_second_signature_on(engine: Index) -> None:
    case, decision = await given_awards.awarded(5_000_000, 4_000_000)
    drawn = await given_awards.drawn_up(case, decision)
    await Contract.update({Contract.title: "Zeppelin upkeep"}).where(Contract.id == drawn.id)
    assert (await suppliers(engine, "zeppelin")).total == 0
    signed = {Contract.buyer_signed_at: clock.now(), Contract.supplier_signed_at: clock.now()}
    await Contract.update(signed).where(Contract.id == drawn.id)
    await announce(f"contract:{drawn.ref}")
    found = await suppliers(engine, "zeppelin", experience=["contract"])
    assert [hit.document.experience for hit in found.hits] == [("contract",)]
    column = await comparing.column(found.hits[0].document.ref)
    assert [each.title for each in column.done["contract"]] == ["Zeppelin upkeep"]


async def test_a_component_counts_while_its_api_passes_and_not_when_its_certificate_has_ended(engine: Index) -> None:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        firm = await given.supplier("Permits Ltd")
        admin = await given.person(firm, "supplier-admin")
        service = await standards.list_service(
            admin, standards.ServiceDraft(title="Zeppelin permits", does="Tells.", profiles=["uk-core@1.0.0"])
        )
        assert (await suppliers(engine, "zeppelin")).total == 0
        await standards.lodge(admin, service.ref, good(), "permits.json")
        assert (await suppliers(engine, "zeppelin")).facets["experience"] == {"component": 1}
        held = await IssuedCertificate.objects().first()
    assert held is not None
    with clock.at(held.valid_until + timedelta(minutes=1)):
        assert await outbox.turn() == 1
        assert (await suppliers(engine, "zeppelin")).total == 0


async def test_every_kind_of_deed_has_its_words() -> None:
    assert set(queries.DONE) == set(experience.KINDS)
