"""Waivers through their actions, on a real database, signed with a software passkey."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from market import clock
from market.accounts.tables import Membership, Passkey
from market.actor import Actor
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.audit.thread import thread
from market.db import find
from market.letters.tables import Letter
from market.proof import canonical, signing
from market.refusals import NotFound, Refused
from market.seed.authenticator import Authenticator
from market.tenders import actions as tenders
from market.tenders import readers
from market.tenders.drafts import actions as drafting
from market.tenders.tables import InnovationEvidence, Lot, Tender
from market.waivers import actions, listing
from market.waivers.listing import listed
from market.waivers.tables import Waiver
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

WHY = "Calderwick finished an exercise on the same problem eight weeks ago, with the same iron and the same users."
NO = "The end date has been known for four years, so this is late planning, which is not urgency. Ask the councils first."


def request(**facts: object) -> actions.WaiverRequest:
    said = {
        "ground": "urgency",
        "statement": WHY,
        "evidence": ["Letter of Calderwick's flood lead", "https://calderwick.example/report"],
        "cost_of_waiting": "One winter of floods in 1,900 homes.",
        "valid_until": (clock.now() + timedelta(days=180)).date(),
        **facts,
    }
    return actions.WaiverRequest(**said)  # type: ignore[arg-type]


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def asked() -> tuple[given.Tendering, Waiver, Actor, Authenticator]:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    return made, await actions.ask(made.officers[0], made.ref, request()), minister, device


async def grant(minister: Actor, device: Authenticator, ref: str) -> Waiver:
    options = await actions.begin_signing(minister, ref)
    return await actions.sign(minister, ref, json.dumps(device.sign(options)))


async def test_a_minister_signs_the_gate_opens_and_a_stranger_can_check_the_file(tmp_path: Path) -> None:
    made, waiver, minister, device = await asked()
    signed = await grant(minister, device, waiver.ref)
    file = tmp_path / "bundle.json"
    file.write_text(await actions.signed_file(signed))
    report = signing.verify_file(file, origin="http://localhost:8000")
    assert report.verified is not None
    assert report.verified.signer.office == "Minister for Places"
    assert report.verified.document["waiver"] == waiver.ref
    assert report.verified.document["tender"]["value_minor"] == 15_600_000
    assert report.verified.purpose == "waiver.sign"
    event = await Event.objects().where(Event.verb == "waiver.granted").first()
    assert event is not None
    assert report.verified.log_entry == event.hash
    body = canonical.decode(event.body.encode())
    assert body["bundle"] == signing.Bundle.from_text(signed.bundle).digest()
    tender = await made.publish()
    assert (tender.ground, tender.ground_reference) == ("waiver", waiver.ref)
    assert await actions.used_at(signed) == tender.published_at
    checked = await actions.check(signed)
    assert checked is not None
    assert checked.holds
    assert checked.event == event.seq
    steps = {step.name: step.state for step in await thread(f"tender:{made.ref}")}
    assert steps["Waiver"] == "done"
    letter = await Letter.objects().where(Letter.subject.like("The minister signed%")).first()
    assert letter is not None
    assert "Helena Marchbanks, Minister for Places" in letter.text


async def test_the_request_is_public_with_its_decision_and_not_before() -> None:
    _, waiver, minister, device = await asked()
    with pytest.raises(NotFound):
        await actions.readable(await given.person(await given.supplier(), "supplier-admin"), waiver.ref)
    auditor = await given.person(await given.organisation(kind="audit"), "auditor")
    await actions.readable(auditor, waiver.ref)
    assert await Event.exists().where((Event.verb == "waiver.request-read") & (Event.actor == auditor.ref))
    hidden = b"".join([lines async for lines in public_log()])
    assert waiver.ref.encode() not in hidden
    assert await listed() == []
    await grant(minister, device, waiver.ref)
    shown = b"".join([lines async for lines in public_log()])
    assert b"waiver.requested" in shown
    assert [each.ref for each in await listed()] == [waiver.ref]


async def test_the_draft_is_frozen_while_the_minister_reads_it() -> None:
    made, waiver, *_ = await asked()
    lot = (await readers.lots_of(made.tender))[0]
    with pytest.raises(Refused) as refused:
        await drafting.revise_lot(
            made.officers[0],
            lot.ref,
            drafting.LotDraft("Bigger", 10**9, [given.CODES[0]]),
            await given.as_is(drafting.LotDraft, Lot, lot.ref),
        )
    assert codes(refused) == ["tender.frozen"]
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert "tender.waiver-outstanding" in codes(refused)
    with pytest.raises(Refused) as refused:
        await actions.ask(made.officers[0], made.ref, request())
    assert codes(refused) == ["waiver.asked-already"]
    await actions.withdraw(made.officers[0], waiver.ref)
    await drafting.revise_lot(
        made.officers[0],
        lot.ref,
        drafting.LotDraft("Bigger", 10**9, [given.CODES[0]]),
        await given.as_is(drafting.LotDraft, Lot, lot.ref),
    )


async def test_a_waiver_does_not_cover_what_the_lots_grew_to() -> None:
    made, waiver, minister, device = await asked()
    await grant(minister, device, waiver.ref)
    lot = (await readers.lots_of(made.tender))[0]
    bigger = drafting.LotDraft("Bigger", 10**9, [given.CODES[0]])
    await drafting.revise_lot(made.officers[0], lot.ref, bigger, await given.as_is(drafting.LotDraft, Lot, lot.ref))
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert "was signed for £156,000" in refused.value.reasons[0].reason
    again = await actions.ask(made.officers[0], made.ref, request())
    await grant(minister, device, again.ref)
    assert (await made.publish()).ground_reference == again.ref


async def test_a_refusal_has_a_reason_stays_and_is_followed_only_by_a_new_request() -> None:
    made, waiver, minister, device = await asked()
    with pytest.raises(Refused) as refused:
        await actions.refuse(minister, waiver.ref, actions.Reason("No."))
    assert codes(refused) == ["waiver.refusal-short"]
    await actions.refuse(minister, waiver.ref, actions.Reason(NO))
    with pytest.raises(Refused) as refused:
        await grant(minister, device, waiver.ref)
    assert codes(refused) == ["waiver.already-decided"]
    letter = await Letter.objects().where(Letter.subject.like("The minister refused%")).first()
    assert letter is not None
    assert NO in letter.text
    row = await find(Waiver, Waiver.ref == waiver.ref)
    assert row.office == f"Minister for Places, {made.buyer.name}"
    assert json.loads(row.document)["statement"] == WHY
    assert await actions.check(row) is None
    again = await actions.ask(made.officers[0], made.ref, request())
    assert [each.ref for each in await listing.requests_for(made.tender.id)] == [waiver.ref, again.ref]
    with pytest.raises(Refused) as refused:
        await made.publish()
    assert "tender.innovation-first" in codes(refused)


async def test_a_refusal_needs_a_session_that_began_with_a_passkey() -> None:
    made, waiver, *_ = await asked()
    weak = await given.person(made.buyer, "minister")
    with pytest.raises(Refused) as refused:
        await actions.refuse(weak, waiver.ref, actions.Reason(NO))
    assert refused.value.status == 403


async def test_only_the_minister_in_office_of_that_department_decides() -> None:
    made, waiver, minister, device = await asked()
    other, others_device = await given.minister(await given.organisation())
    with pytest.raises(NotFound):
        await actions.begin_signing(other, waiver.ref)
    with pytest.raises(NotFound):
        await actions.sign(other, waiver.ref, json.dumps(others_device.sign(b"x" * 32)))
    with pytest.raises(Refused):
        await actions.begin_signing(made.officers[0], waiver.ref)
    options = await actions.begin_signing(minister, waiver.ref)
    await Membership.update({Membership.until: clock.now()}).where(Membership.person == minister.person)
    with pytest.raises(Refused) as refused:
        await actions.sign(minister, waiver.ref, json.dumps(device.sign(options)))
    assert codes(refused) == ["waiver.not-in-office"]
    assert await InnovationEvidence.count() == 0


async def test_a_minister_who_asked_as_a_buyer_does_not_sign_and_may_refuse() -> None:
    made = await given.tendering(exercised=False)
    minister, _ = await given.minister(made.buyer)
    both = await given.also(minister, made.buyer, "buyer")
    waiver = await actions.ask(both, made.ref, request())
    with pytest.raises(Refused) as begun:
        await actions.begin_signing(both, waiver.ref)
    assert codes(begun) == ["waiver.same-person"]
    await actions.refuse(minister, waiver.ref, actions.Reason(NO))
    assert await InnovationEvidence.count() == 0


async def test_the_minister_of_the_department_answers_for_its_agencies() -> None:
    department = await given.organisation("Department for Places")
    agency = await given.organisation("Highways Agency", department=department.id)
    made = await given.tendering(agency, exercised=False)
    minister, device = await given.minister(department)
    waiver = await actions.ask(made.officers[0], made.ref, request())
    assert [each.ref for each in await listing.waiting_for(minister)] == [waiver.ref]
    assert (await readers.readable(minister, made.ref)).ref == made.ref
    await grant(minister, device, waiver.ref)
    assert await listing.waiting_for(minister) == []
    assert (await made.publish()).ground == "waiver"


@pytest.mark.parametrize("wrong", ["another-key", "unverified", "another-site", "twice", "revoked", "too-late"])
async def test_a_signature_that_would_not_convince_a_stranger_is_refused(wrong: str) -> None:
    _, waiver, minister, device = await asked()
    with clock.at(clock.now()):
        options = await actions.begin_signing(minister, waiver.ref)
        if wrong == "another-key":
            stranger = Authenticator(origin="http://localhost:8000", rp_id="localhost")
            answer = stranger.sign(options)
        elif wrong == "unverified":
            device.user_verified = False
            answer = device.sign(options)
        elif wrong == "another-site":
            device.origin = "https://elsewhere.example"
            answer = device.sign(options)
        else:
            answer = device.sign(options)
        if wrong == "twice":
            with pytest.raises(NotFound):
                await actions.sign(minister, "W-NONE", json.dumps(answer))
            await actions.sign(minister, waiver.ref, json.dumps(answer))
        if wrong == "revoked":
            await Passkey.update({Passkey.revoked_at: clock.now()}).where(Passkey.person == minister.person)
        late = clock.now() + timedelta(minutes=6 if wrong == "too-late" else 0)
        with clock.at(late), pytest.raises(Refused):
            await actions.sign(minister, waiver.ref, json.dumps(answer))
    granted = await Event.count().where(Event.verb == "waiver.granted")
    assert granted == (1 if wrong == "twice" else 0)


async def test_a_signature_for_one_request_does_not_sign_another() -> None:
    made, waiver, minister, device = await asked()
    other = await given.tendering(made.buyer, exercised=False)
    second = await actions.ask(other.officers[0], other.ref, request())
    options = await actions.begin_signing(minister, waiver.ref)
    with pytest.raises(Refused) as refused:
        await actions.sign(minister, second.ref, json.dumps(device.sign(options)))
    assert codes(refused) == ["waiver.changed-meanwhile"]


async def test_signing_and_refusing_at_once_makes_one_decision() -> None:
    _, waiver, minister, device = await asked()
    options = await actions.begin_signing(minister, waiver.ref)
    answer = json.dumps(device.sign(options))
    found = await asyncio.gather(
        actions.sign(minister, waiver.ref, answer),
        actions.refuse(minister, waiver.ref, actions.Reason(NO)),
        return_exceptions=True,
    )
    refused = [each for each in found if isinstance(each, Refused)]
    assert [[reason.code for reason in each.reasons] for each in refused] == [["waiver.already-decided"]]
    decisions = await Event.count().where(Event.verb.is_in(["waiver.granted", "waiver.refused"]))
    assert decisions == 1
    row = await find(Waiver, Waiver.ref == waiver.ref)
    assert bool(row.bundle) != bool(row.refusal_reason)


async def test_asking_while_somebody_publishes_leaves_one_of_the_two() -> None:
    made = await given.tendering(await given.organisation(), exercised=False)
    minister, device = await given.minister(made.buyer)
    first = await actions.ask(made.officers[0], made.ref, request())
    await grant(minister, device, first.ref)
    found = await asyncio.gather(
        tenders.publish(made.officers[0], made.ref),
        actions.ask(made.officers[1], made.ref, request()),
        return_exceptions=True,
    )
    assert not isinstance(found[0], Exception)
    assert isinstance(found[1], Refused)
    row = await find(Tender, Tender.ref == made.ref)
    assert row.published_at is not None
    assert row.waiver_asked == ""


async def test_the_buyer_is_shown_similar_exercises_of_others_and_answers() -> None:
    made = await given.tendering(exercised=False)
    await given.minister(made.buyer)
    await given.exercise(await given.organisation("Calderwick"), "CH-THEIRS")
    with pytest.raises(Refused) as refused:
        await actions.ask(made.officers[0], made.ref, request())
    assert codes(refused) == ["waiver.similar-unanswered"]
    answered = request(similar="Calderwick's gullies are of the same iron; we rely on it.")
    waiver = await actions.ask(made.officers[0], made.ref, answered)
    assert waiver.shown == ["CH-THEIRS"]
    assert [each.body for each in await actions.similar_to(waiver)] == ["Calderwick"]
