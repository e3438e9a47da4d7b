"""Tenders through their actions, on a real database."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from market import clock
from market.audit.proofs import public_log
from market.audit.tables import Event, Outbox
from market.audit.thread import thread
from market.db import find
from market.letters.tables import Letter
from market.proof import canonical, sealing
from market.refusals import NotFound, Refused, refusals
from market.rulings import actions as rulings
from market.rulings import readers as reading
from market.settings import settings
from market.tenders import actions, method, readers, rules
from market.tenders.changes import actions as changes
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Addendum, Lot, OpeningOfficer, Tender
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

DAY = timedelta(days=1)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def officers_of(tender: Tender) -> list[OpeningOfficer]:
    return await OpeningOfficer.objects().where(OpeningOfficer.tender == tender.id).order_by(OpeningOfficer.id)


async def test_a_whole_draft_is_published_with_its_ground_its_key_and_a_public_record() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
    assert (tender.ground, tender.ground_reference) == ("exercise", tender.exercise)
    assert [line.code for line in readers.gate_lines(tender)] == [
        "central",
        "value",
        "commodity",
        "stop",
        "exercise",
        "effort",
        "need",
        "follow-on",
    ]
    event = await Event.objects().where(Event.verb == "tender.published").first()
    assert event is not None
    body = canonical.decode(event.body.encode())
    assert body["ground"] == "exercise"
    assert body["value_minor"] == 15_600_000
    assert len(body["lots"]) == 2
    assert method.RULES["ties"] in body["method"], "how bids are ranked is fixed before anybody bids"
    assert event.about == [f"tender:{tender.ref}", f"challenge:{tender.exercise}"]
    assert await Outbox.exists().where(Outbox.subject == f"challenge:{tender.exercise}")
    officers = await officers_of(tender)
    key = sealing.TenderKey.of(
        tender.public_key, tender.platform_share, [officer.share for officer in officers], tender.key_commitment
    )
    shares = [sealing.contribute(code, officer.share) for code, officer in zip(made.codes, officers, strict=True)]
    assert sealing.reassemble(key, shares, sealing.platform_key(settings().secret))


async def test_a_code_is_never_kept_and_a_new_one_puts_the_old_out_of_use() -> None:
    made = await given.tendering()
    again = await drafting.enrol(made.officers[0], made.ref)
    tender = await made.publish()
    officer = (await officers_of(tender))[0]
    with pytest.raises(sealing.NotThisOfficer):
        sealing.contribute(made.codes[0], officer.share)
    assert sealing.contribute(again.code, officer.share)
    kept = [row["body"] + (row["private_body"] or "") for row in await Event.select(Event.body, Event.private_body)]
    assert not any(again.code in text for text in kept)


async def test_the_gate_stays_shut_without_evidence_and_nothing_is_written() -> None:
    made = await given.tendering(exercised=False)
    before = await Event.count()
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert codes(refused) == ["tender.innovation-first"]
    assert await Event.count() == before
    assert (await find(Tender, Tender.ref == made.ref)).published_at is None


async def test_an_exercise_of_the_same_department_serves_and_a_strangers_does_not() -> None:
    department = await given.organisation()
    agency = await given.organisation(department=department.id)
    await given.exercise(department, "CH-THEIRS", payer=agency)
    made = await given.tendering(agency, exercised=False)
    with pytest.raises(Refused) as unnamed:
        await made.publish()
    assert "It could be CH-THEIRS" in unnamed.value.reasons[0].reason
    await given.origin(made, "CH-THEIRS")
    assert (await made.publish()).ground_reference == "CH-THEIRS"
    stranger = await given.tendering(exercised=False)
    with pytest.raises(Refused) as refused:
        await drafting.explain_origin(
            stranger.officers[0],
            stranger.ref,
            drafting.Origin("CH-THEIRS"),
            await given.as_is(drafting.Origin, Tender, stranger.ref),
        )
    assert codes(refused) == ["tender.exercise-unknown"]


async def test_a_sub_central_buyer_publishes_without_an_exercise_and_the_log_says_why() -> None:
    council = await given.organisation(tier="local")
    tender = await (await given.tendering(council, lots=1)).publish()
    assert tender.ground == "not-central"
    steps = {step.name: step for step in await thread(f"tender:{tender.ref}")}
    assert "binds central government" in (steps["Exercise"].why or "")


async def test_a_claim_against_the_list_counts_once_a_ruling_holds_and_lapses_with_the_codes() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(exercised=False)
        buyer = made.officers[0]
        claim = drafting.Origin("", True, "Sold by forty firms to one standard.")
        await drafting.explain_origin(buyer, made.ref, claim, await given.as_is(drafting.Origin, Tender, made.ref))
        with pytest.raises(Refused) as refused:
            await made.publish()
        assert codes(refused) == ["tender.innovation-first"]
        why = (
            "The standard was published in June, forty firms make it, and whoever buys it compares nothing but prices."
        )
        override = actions.Override(why, "BS 9999:2026, published in June")
        team = await given.organisation(kind="operator")
        sam, leila = await given.person(team, "operator"), await given.person(team, "operator")
        await given.person(await given.organisation(kind="audit"), "auditor")
        with pytest.raises(NotFound):
            await actions.propose_commodity(buyer, made.ref, override)
        ruling = await actions.propose_commodity(sam, made.ref, override)
        await rulings.confirm(leila, ruling.ref)
        with pytest.raises(Refused) as refused:
            await made.publish()
        assert codes(refused) == ["tender.innovation-first"], "auditors can still object"
        lot = (await readers.lots_of(made.tender))[0]
        await drafting.revise_lot(
            buyer,
            lot.ref,
            drafting.LotDraft("Terraces", 7_800_000, ["79822500"]),
            await given.as_is(drafting.LotDraft, Lot, lot.ref),
        )
    with clock.at(given.TODAY + 8 * DAY):
        with pytest.raises(Refused):
            await made.publish()
        assert (await reading.one(ruling.ref)).withdrawn_because, "what it was about has changed"
        ruling = await actions.propose_commodity(sam, made.ref, override)
        await rulings.confirm(leila, ruling.ref)
    with clock.at(given.TODAY + 9 * DAY):
        closes = given.TODAY + 60 * DAY
        dates = drafting.Dates(given.TODAY + 30 * DAY, closes, (closes + 30 * DAY).date(), (closes + 900 * DAY).date())
        await drafting.set_dates(buyer, made.ref, dates, await given.as_is(drafting.Dates, Tender, made.ref))
    with clock.at(given.TODAY + 16 * DAY):
        tender = await made.publish()
    assert tender.ground == "commodity"
    assert why in tender.gate_trace


async def test_two_people_publish_at_once_and_one_is_told() -> None:
    made = await given.tendering()
    tries = [actions.publish(officer, made.ref) for officer in made.officers]
    found = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in found if isinstance(each, Refused)]
    assert [[reason.code for reason in each.reasons] for each in refused] == [["tender.already-published"]]
    assert await Event.count().where(Event.verb == "tender.published") == 1
    tender = await find(Tender, Tender.ref == made.ref)
    shares = [officer.share for officer in await officers_of(tender)]
    sealing.TenderKey.of(tender.public_key, tender.platform_share, shares, tender.key_commitment)


async def test_a_draft_is_nobody_elses_and_its_events_show_nothing_before_publication() -> None:
    made = await given.tendering()
    stranger = await given.person(await given.organisation(), "buyer")
    with pytest.raises(NotFound):
        await readers.readable(stranger, made.ref)
    with pytest.raises(NotFound):
        await drafting.describe(
            stranger, made.ref, drafting.About("Mine now"), await given.as_is(drafting.About, Tender, made.ref)
        )
    auditor = await given.person(await given.organisation(kind="audit"), "auditor")
    assert (await readers.readable(auditor, made.ref)).ref == made.ref
    assert await Event.exists().where((Event.verb == "tender.draft-read") & (Event.actor == auditor.ref))
    hidden = b"".join([lines async for lines in public_log()])
    assert made.ref.encode() not in hidden
    await made.publish()
    shown = b"".join([lines async for lines in public_log()])
    assert b"tender.drafted" in shown


async def test_lots_move_up_and_criteria_are_copied() -> None:
    made = await given.tendering(lots=3)
    buyer = made.officers[0]
    first, second, third = await readers.lots_of(made.tender)
    await drafting.drop_lot(buyer, first.ref)
    assert [(lot.ref, lot.number) for lot in await readers.lots_of(made.tender)] == [(second.ref, 1), (third.ref, 2)]
    added = await drafting.add_lot(buyer, made.ref, drafting.LotDraft("Harbour", 500_000, ["35125100-4"]))
    assert (added.number, added.cpv) == (3, ["35125100"])
    await drafting.copy_criteria(buyer, added.ref, second.ref)
    found = (await readers.criteria_of([added]))[added.id]
    assert [(each.name, each.weight, each.kind) for each in found] == [
        (given.QUALITY.name, 60, "quality"),
        (given.PRICE.name, 40, "price"),
    ]
    await drafting.drop_criterion(buyer, found[0].ref)
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert codes(refused) == ["tender.weights-wrong"]


async def test_what_is_typed_wrong_is_refused_beside_its_field() -> None:
    made = await given.tendering()
    buyer = made.officers[0]
    with pytest.raises(Refused) as refused:
        await drafting.add_lot(buyer, made.ref, drafting.LotDraft("Harbour", 500_000, ["99999999"]))
    assert (refused.value.reasons[0].field, refused.value.status) == ("cpv", 422)
    with pytest.raises(Refused) as refused:
        await drafting.describe(
            buyer,
            made.ref,
            drafting.About("Sensors", mission="M-NONE"),
            await given.as_is(drafting.About, Tender, made.ref),
        )
    assert codes(refused) == ["tender.mission-unknown"]
    with pytest.raises(Refused) as refused:
        await drafting.set_dates(
            buyer,
            made.ref,
            drafting.Dates(contract_begins_on=date(1026, 1, 1)),
            await given.as_is(drafting.Dates, Tender, made.ref),
        )
    assert codes(refused) == ["tender.date-unreal"]
    with pytest.raises(Refused) as refused:
        await drafting.name_officer(buyer, made.ref, buyer.ref)
    assert codes(refused) == ["tender.officer-named-already"]
    stranger = await given.person(await given.organisation(), "buyer")
    with pytest.raises(Refused) as refused:
        await drafting.name_officer(buyer, made.ref, stranger.ref)
    assert codes(refused) == ["tender.officer-elsewhere"]


async def test_a_change_is_added_the_deadline_moves_and_followers_are_told() -> None:
    made = await given.tendering()
    tender = await made.publish()
    follower = await given.person(await given.supplier(), "supplier-member")
    await actions.follow(follower, tender.ref)
    assert await readers.follows(follower, tender)
    later = tender.closes_at + 7 * DAY
    await given.changed(
        made.officers, tender.ref, changes.Change("Fourteen gullies are added.", "material", "yes", later)
    )
    assert (await find(Tender, Tender.ref == tender.ref)).closes_at == later
    assert await Addendum.count() == 1
    letter = await Letter.objects().where(Letter.person == follower.ref).first()
    assert letter is not None
    assert "a bid sealed before counts only if you confirm it by" in letter.subject
    await actions.follow(follower, tender.ref, wanted=False)
    await actions.cancel(made.officers[0], tender.ref, actions.Ending("Five of the depots are not heated at all."))
    assert await Letter.count().where(Letter.person == follower.ref) == 1
    with pytest.raises(Refused) as refused:
        await changes.change(
            made.officers[0], tender.ref, changes.Change("One more thing is added.", "clarification", "no")
        )
    assert "tender.closed-to-addenda" in codes(refused)
    steps = await thread(f"tender:{tender.ref}")
    assert (steps[-1].name, steps[-1].state) == ("Tender", "refused")


async def test_what_a_concluded_exercise_hands_on_is_read_from_its_record() -> None:
    from market.audit.actions import record

    body = await given.organisation()
    mission = await given.mission(body)
    buyer = await given.person(body, "buyer")
    await given.exercise(body, "CH-GULLY", ["35125100"])
    await record(
        buyer, "challenge.published", "challenge:CH-GULLY", {"title": "Blind gullies"}, about=[f"mission:{mission.ref}"]
    )
    carried = await readers.carried_over(body.id, "CH-GULLY")
    assert carried == readers.Carried("CH-GULLY", "Blind gullies", ["35125100"], mission.ref)
    new = drafting.NewTender("Gullies", cpv=carried.cpv, mission=carried.mission, exercise=carried.exercise)
    tender = await drafting.draft(buyer, body.id, new)
    event = await Event.objects().where(Event.verb == "tender.drafted").first()
    assert event is not None
    assert event.about == [f"tender:{tender.ref}", "challenge:CH-GULLY", f"mission:{mission.ref}"]
    with pytest.raises(NotFound):
        await readers.carried_over((await given.organisation()).id, "CH-GULLY")


async def test_publishing_fills_the_codes_and_an_officer_may_be_taken_off_before() -> None:
    made = await given.tendering()
    third = await given.person(made.buyer, "evaluator")
    await drafting.name_officer(made.officers[0], made.ref, third.ref)
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert codes(refused) == ["tender.officers-missing"]
    await drafting.drop_officer(made.officers[0], made.ref, third.ref)
    with pytest.raises(Refused):
        await drafting.enrol(third, made.ref)
    await made.publish()
    assert await OpeningOfficer.count() == 2
    with pytest.raises(Refused):
        await drafting.enrol(made.officers[0], made.ref)
    with pytest.raises(Refused):
        await drafting.drop_lot(made.officers[0], (await Lot.objects().first()).ref)


async def test_the_checklist_and_the_action_agree() -> None:
    made = await given.tendering(exercised=False, lots=1)
    await drafting.set_terms(
        made.officers[0],
        made.ref,
        drafting.Terms(lots_per_supplier=4),
        await given.as_is(drafting.Terms, Tender, made.ref),
    )
    lacking = [refusal.code for refusal in refusals(rules.PUBLISH, await readers.candidate(made.ref))]
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert codes(refused) == lacking
    assert lacking == ["tender.innovation-first", "tender.undivided-reason-missing", "tender.lots-limit-wrong"]
