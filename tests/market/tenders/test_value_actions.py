"""Small purchases through the gate, in a database: what publishes, what is stated, and what is tried to get under the threshold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.audit.tables import Event
from market.audit.thread import thread
from market.proof import canonical
from market.refusals import Refused
from market.tenders import actions, readers
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Lot, Tender
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

INTERPRETERS = ["79540000"]


async def small(
    value_minor: int = 400_00, codes: list[str] | None = None, body: Organisation | None = None
) -> given.Tendering:
    """A central department's draft of one lot of this value, without any exercise."""
    made = await given.tendering(body, lots=1, codes=codes or INTERPRETERS, exercised=False)
    lot = await Lot.objects().where(Lot.tender == made.tender.id).first()
    assert lot is not None
    draft = drafting.LotDraft("An interpreter for a day", value_minor, codes or INTERPRETERS)
    await drafting.revise_lot(made.officers[0], lot.ref, draft, await given.as_is(drafting.LotDraft, Lot, lot.ref))
    return made


async def test_a_department_buys_an_interpreter_for_400_pounds_without_an_exercise_and_the_log_says_why(
    app: Litestar,
) -> None:
    made = await small()
    tender = await made.publish()
    assert (tender.ground, tender.ground_reference) == ("below-threshold", "")
    event = await Event.objects().where(Event.verb == "tender.published").first()
    assert event is not None
    body = canonical.decode(event.body.encode())
    assert body["ground"] == "below-threshold"
    assert [line["code"] for line in body["gate"]["lines"]] == ["central", "value"]
    assert "worth £480" in body["gate"]["lines"][1]["says"]
    steps = {step.name: step for step in await thread(f"tender:{tender.ref}")}
    assert "below the threshold" in (steps["Exercise"].why or "")
    async with given.browser(app) as client:
        page = (await client.get(f"/tenders/{tender.ref}")).text
        shown = (await client.get(f"/api/v1/tenders/{tender.ref}")).json()
    assert "No exercise needed" in page
    assert "Below the threshold? Yes." in " ".join(page.split())
    assert (shown["value_with_vat_minor"], shown["threshold_minor"], shown["contract_kind"]) == (
        480_00,
        13_501_800,
        "goods-services",
    )


async def test_software_that_is_called_works_is_refused() -> None:
    made = await small(200_000_00, ["48000000"])
    about = drafting.About("A platform", "All of it.", ["48000000"], contract_kind="works")
    await drafting.describe(made.officers[0], made.ref, about, await given.as_is(drafting.About, Tender, made.ref))
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert {reason.code for reason in refused.value.reasons} == {"tender.innovation-first", "tender.kind-wrong"}


async def test_three_of_134_thousand_in_one_class_within_a_year_bind() -> None:
    """Drafts count too, so that the first of three is not let through; without its lots a draft counts no more."""
    value = 11_200_000
    first = await small(value, ["48000000"])
    assert (await readers.candidate(first.ref)).tender.alike_minor == 0
    second = await small(value, ["48219000"], first.buyer)
    other = await small(value, ["79540000"], first.buyer)
    for made in (first, second):
        assert (await readers.candidate(made.ref)).tender.alike_minor == 0
    alike = [await small(value, ["48000000"], first.buyer) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        await first.publish()
    assert [reason.code for reason in refused.value.reasons] == ["tender.innovation-first"]
    assert "£403,200" in refused.value.reasons[0].reason
    for made in alike:
        lot = await Lot.objects().where(Lot.tender == made.tender.id).first()
        assert lot is not None
        await drafting.drop_lot(made.officers[0], lot.ref)
    published = await first.publish()
    assert published.ground == "below-threshold"
    assert canonical.decode(published.gate_trace.encode())["near"] is True, "£134,400 is flagged to auditors"
    assert (await other.publish()).ground == "below-threshold", "another class is another purchase"
    again = await small(value, ["48000000"], first.buyer)
    with pytest.raises(Refused) as refused:
        await again.publish()
    assert first.ref in refused.value.reasons[0].reason
    assert [each.ref for each in await readers.alike_of((await readers.candidate(again.ref)).tender)] == [first.ref]


async def test_after_a_year_and_after_a_cancellation_a_purchase_counts_no_more() -> None:
    first = await small(11_200_000, ["48000000"])
    await first.publish()
    again = await small(11_200_000, ["48000000"], first.buyer)
    assert (await readers.candidate(again.ref)).tender.alike == [first.ref]
    with clock.at(clock.now() + timedelta(days=370)):
        assert (await readers.candidate(again.ref)).tender.alike_minor == 0
    await actions.cancel(first.officers[0], first.ref, actions.Ending("Nobody needs it any more, after all."))
    assert (await again.publish()).ground == "below-threshold"
