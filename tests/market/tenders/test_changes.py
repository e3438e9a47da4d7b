"""Changes to a published tender: what kind they are, what they may do, and how a slip is mended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from market import clock, workdays
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import find, many
from market.letters.tables import Letter
from market.proof import canonical
from market.refusals import AskedOnceMore, Refused, refusals
from market.tenders import facts, readers
from market.tenders.changes import rules, words
from market.tenders.changes.actions import Change, CriterionChange, LotChange
from market.tenders.facts import Candidate
from market.tenders.tables import Addendum, Lot, LotCriterion, Tender
from tests import given

database = pytest.mark.usefixtures("clean")

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
OPEN = {
    "ref": "T-1",
    "published_at": NOW - DAY,
    "closes_at": NOW + 35 * DAY,
    "questions_until": NOW + 14 * DAY,
}


def changing(
    kind: rules.Kind = "clarification",
    alters: bool = False,
    at: datetime = NOW,
    deadline: rules.Deadline | None = None,
    read: str = "",
    last: str = "",
    lines: list[rules.Line] | None = None,
    was: dict[str, Any] | None = None,
    **then: Any,
) -> rules.Changing:
    """A tender that closes in 35 days and what a change would make of it."""
    tender = given.facts(facts.Tender, **{**OPEN, **(was or {})})
    before = Candidate(tender, Arrival(NOW), [], {}, [], [], [], given.naming())
    after = replace(before, tender=msgspec.structs.replace(tender, **then))
    dated = [rules.Line("T-1", name, "", "") for name in then]
    return rules.Changing(
        before,
        after,
        kind,
        alters,
        Arrival(at),
        dated if lines is None else lines,
        deadline or rules.Deadline(NOW - DAY, None, False),
        read,
        last,
    )


LATER, EARLIER = NOW + 42 * DAY, NOW + 26 * DAY
GREW = [rules.Line("L-1", "description", "a", "b")]


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (changing(), []),
        (changing(was={"published_at": None}), ["tender.closed-to-addenda"]),
        (changing(was={"cancelled_at": NOW}), ["tender.closed-to-addenda"]),
        (changing(was={"closes_at": NOW}), ["tender.closed-to-addenda", "tender.change-too-late"]),
        (changing(at=NOW + 35 * DAY - timedelta(minutes=1)), ["tender.change-too-late"]),
        (changing(at=NOW + 28 * DAY), []),
        (changing(at=NOW + 29 * DAY), ["tender.change-too-late"]),
        (changing(alters=True), ["tender.change-is-material"]),
        (changing(lines=GREW), ["tender.change-is-material", "tender.clarification-changes"]),
        (changing(closes_at=LATER), ["tender.clarification-changes"]),
        (changing("deadline"), ["tender.deadline-missing"]),
        (changing("deadline", closes_at=LATER), []),
        (changing("deadline", closes_at=EARLIER), ["tender.deadline-earlier"]),
        (changing("deadline", alters=True, closes_at=LATER), ["tender.change-is-material"]),
        (changing("deadline", closes_at=LATER, last="AD-2"), ["tender.changed-since"]),
        (changing("deadline", closes_at=LATER, last="AD-2", read="AD-1"), ["tender.changed-since"]),
        (changing("deadline", closes_at=LATER, last="AD-2", read="AD-2"), []),
        (changing("material", alters=True, lines=GREW), []),
        (changing("material", closes_at=EARLIER), ["tender.deadline-earlier"]),
        (changing("material", questions_until=NOW), ["tender.change-leaves-no-questions"]),
        (changing("correction"), ["tender.deadline-missing"]),
        (changing("correction", closes_at=LATER), ["tender.slip-not-earlier"]),
        (changing("correction", lines=GREW, closes_at=EARLIER), ["tender.change-is-material"]),
    ],
)
def test_what_a_change_insists_on(situation: rules.Changing, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.CHANGE, situation)] == codes


APRIL_2049 = {"closes_at": datetime(2049, 4, 10, 11, tzinfo=UTC)}
FIRST = rules.Deadline(NOW - timedelta(hours=3), None, False)
MOVED = rules.Deadline(NOW - timedelta(hours=3), NOW + 30 * DAY, False)


@pytest.mark.parametrize(
    ("deadline", "at", "closes_at", "codes"),
    [
        (FIRST, NOW, NOW + 25 * DAY, []),
        (FIRST, NOW, NOW + 24 * DAY, ["tender.slip-too-short"]),
        (FIRST, NOW, NOW + 6 * DAY, ["tender.slip-too-short", "tender.change-too-late"]),
        (FIRST, NOW + timedelta(hours=45), NOW + 40 * DAY, []),
        (FIRST, NOW + timedelta(hours=45, seconds=1), NOW + 40 * DAY, ["tender.slip-too-old"]),
        (MOVED, NOW, NOW + 30 * DAY, []),
        (MOVED, NOW, NOW + 30 * DAY - timedelta(minutes=1), ["tender.slip-too-short"]),
        (replace(MOVED, before=NOW + 2 * DAY), NOW, NOW + 3 * DAY, ["tender.slip-too-short", "tender.change-too-late"]),
        (replace(FIRST, corrected=True), NOW, NOW + 40 * DAY, ["tender.slip-too-old"]),
    ],
)
def test_a_deadline_of_april_2049_is_mended_soon_and_never_beyond_the_law(
    deadline: rules.Deadline, at: datetime, closes_at: datetime, codes: list[str]
) -> None:
    situation = changing("correction", at=at, deadline=deadline, was=APRIL_2049, closes_at=closes_at)
    assert [refusal.code for refusal in refusals(rules.CHANGE, situation)] == codes


@pytest.mark.parametrize(
    ("situation", "unconfirmed"),
    [
        (changing(), False),
        (changing("deadline", closes_at=LATER), False),
        (changing("material"), True),
        (changing("correction", was=APRIL_2049, closes_at=LATER), True),
    ],
)
def test_which_changes_make_sealed_bids_unconfirmed(situation: rules.Changing, unconfirmed: bool) -> None:
    assert rules.unconfirms(situation) is unconfirmed


def test_questions_are_taken_again_for_a_share_of_what_is_left_and_never_shorter_than_before() -> None:
    closes = NOW + 35 * DAY
    again = rules.reopened_until(NOW - DAY, closes, NOW)
    assert NOW < again <= workdays.answers_due_at(closes)
    assert rules.reopened_until(NOW + 27 * DAY, closes, NOW) == NOW + 27 * DAY
    assert rules.reopened_until(closes, closes, NOW) == workdays.answers_due_at(closes)


def test_numbers_that_stand_nowhere_in_the_tender_are_found() -> None:
    published = ["Visit 9,000 homes in 3 regions", "8 000 000"]
    assert rules.new_numbers("Lot 1 now also asks for 4,000 more homes, as the 9000 before.", published) == ["4000"]
    assert rules.new_numbers("By visit we mean a visit of the 9,000 homes.", published) == []


# ── through the actions ────────────────────────────────────────────────────────────────────────────────────────────


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


@database
async def test_four_thousand_more_homes_are_no_clarification_once_the_buyer_answers() -> None:
    made = await given.tendering()
    tender = await made.publish()
    text = "Lot 1 now also asks for 4,000 more homes."
    with pytest.raises(Refused) as refused:
        await given.changed(made.officers, tender.ref, Change(text, "clarification", "yes"))
    assert codes(refused) == ["tender.change-is-material"]
    assert await Addendum.count() == 0
    with pytest.raises(AskedOnceMore) as asked:
        await given.changed(made.officers, tender.ref, Change(text, "clarification", "no"))
    assert codes(asked) == ["tender.clarification-names-numbers"]
    assert "names 4000, which stands nowhere in the tender" in asked.value.reasons[0].reason
    added = await given.changed(made.officers, tender.ref, Change(text, "material", "yes"))
    assert added.unconfirms
    now_is = await find(Tender, Tender.ref == tender.ref)
    assert now_is.questions_until > tender.questions_until, "questions are taken again, and longer"
    event = await Event.objects().get(Event.verb == "tender.changed")
    assert event is not None
    body = canonical.decode(event.body.encode())
    assert (body["kind"], body["alters_offer"], body["unconfirms"]) == ("material", "yes", True)


@database
async def test_a_material_change_changes_the_lots_and_keeps_what_stood_there() -> None:
    made = await given.tendering()
    tender = await made.publish()
    lot = (await readers.lots_of(tender))[0]
    quality = await find(LotCriterion, (LotCriterion.lot == lot.id) & (LotCriterion.kind == "quality"))
    given_change = Change(
        "Twelve streets instead of eleven, and method counts as before.",
        "material",
        "yes",
        lots=[LotChange(lot.ref, "Twelve streets", 8_000_000)],
        criteria=[CriterionChange(quality.ref, "How soon an alarm comes, with counts")],
    )
    await given.changed(made.officers, tender.ref, given_change)
    changed = await find(Lot, Lot.ref == lot.ref)
    assert (changed.description, changed.value_minor, changed.title) == ("Twelve streets", 8_000_000, lot.title)
    (addendum,) = await readers.addenda_of(await readers.tender_of(tender.ref))
    lines = {(line.of, line.field): (line.before, line.after) for line in words.lines_of(addendum)}
    assert lines[lot.ref, "value_minor"] == ("7800000", "8000000")
    assert lines[lot.ref, "description"] == ("Eleven streets", "Twelve streets")
    assert lines[quality.ref, "description"][1] == "How soon an alarm comes, with counts"
    said = words.said(addendum, await readers.candidate(tender.ref))
    assert "Lot 1, estimated value: £78,000 until then, £80,000 since." in said


@database
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"criteria": {"weight": 95}}, "tender.weights-wrong"),
        ({"lots": {"cpv": ["79311000"]}}, "tender.innovation-first"),
        ({"closes": 400}, "tender.contract-dates-wrong"),
    ],
)
async def test_a_change_is_judged_by_the_rules_of_publication(change: dict[str, Any], code: str) -> None:
    made = await given.tendering()
    tender = await made.publish()
    lot = (await readers.lots_of(tender))[0]
    quality = await find(LotCriterion, (LotCriterion.lot == lot.id) & (LotCriterion.kind == "quality"))
    wanted = Change(
        "Something that would not have been published so.",
        "material",
        "yes",
        new_closes_at=tender.closes_at + change["closes"] * DAY if "closes" in change else None,
        lots=[LotChange(lot.ref, **change["lots"])] if "lots" in change else [],
        criteria=[CriterionChange(quality.ref, **change["criteria"])] if "criteria" in change else [],
    )
    with pytest.raises(Refused) as refused:
        await given.changed(made.officers, tender.ref, wanted)
    assert codes(refused) == [code]
    assert (await find(Lot, Lot.ref == lot.ref)).cpv == lot.cpv
    assert await Addendum.count() == 0


@database
async def test_a_lot_of_another_tender_is_not_changed() -> None:
    made, other = await given.tendering(), await given.tendering()
    tender = await made.publish()
    lot = (await readers.lots_of(other.tender))[0]
    with pytest.raises(Refused) as refused:
        await given.changed(
            made.officers,
            tender.ref,
            Change("A lot of somebody else.", "material", "yes", lots=[LotChange(lot.ref, "No")]),
        )
    assert codes(refused) == ["tender.change-of-unknown-lot"]


@database
async def test_a_deadline_of_april_2049_is_taken_back_in_public_and_only_once() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        first = tender.closes_at
        slip = Change(
            "A week more for everybody.",
            "deadline",
            "no",
            datetime(2049, 4, 10, 11, tzinfo=UTC),
            contract_begins_on=datetime(2049, 6, 1, tzinfo=UTC).date(),
            contract_ends_on=datetime(2054, 6, 1, tzinfo=UTC).date(),
        )
        with pytest.raises(AskedOnceMore) as asked:
            await given.changed(made.officers, tender.ref, slip)
        assert "tender.deadline-far" in codes(asked)
        slipped = await given.changed(made.officers, tender.ref, slip, [each.confirm for each in asked.value.reasons])
    mended = Change(
        "The year was a slip of the keyboard.",
        "correction",
        "no",
        first + 7 * DAY,
        contract_begins_on=(first + 60 * DAY).date(),
        last=slipped.ref,
    )
    with clock.at(given.TODAY + timedelta(hours=49)), pytest.raises(Refused) as refused:
        await given.changed(made.officers, tender.ref, mended)
    assert codes(refused) == ["tender.slip-too-old"]
    with clock.at(given.TODAY + timedelta(hours=2)):
        early = msgspec.structs.replace(mended, new_closes_at=first - DAY)
        with pytest.raises(Refused) as refused:
            await given.changed(made.officers, tender.ref, early)
        assert codes(refused) == ["tender.slip-too-short"]
        corrected = await given.changed(made.officers, tender.ref, mended)
        assert corrected.unconfirms
        again = msgspec.structs.replace(mended, new_closes_at=first + 6 * DAY, last=corrected.ref)
        with pytest.raises(Refused) as refused:
            await given.changed(made.officers, tender.ref, again)
        assert codes(refused) == ["tender.slip-too-old"]
    assert (await find(Tender, Tender.ref == tender.ref)).closes_at == first + 7 * DAY
    kinds = [each.kind for each in await readers.addenda_of(await readers.tender_of(tender.ref))]
    assert kinds == ["deadline", "correction"]


@database
async def test_a_contract_does_not_begin_before_the_new_deadline_the_choice_and_the_standstill() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        begins = (await readers.tender_of(tender.ref)).contract_begins_on
        assert begins is not None
        late = datetime(begins.year, begins.month, begins.day, 12, tzinfo=UTC) - 3 * DAY
        with pytest.raises(Refused) as refused:
            await given.changed(made.officers, tender.ref, Change("Four weeks more.", "deadline", "no", late))
        assert codes(refused) == ["tender.contract-dates-wrong"]
        fits = Change("Four weeks more.", "deadline", "no", late, contract_begins_on=begins + 30 * DAY)
        await given.changed(made.officers, tender.ref, fits)
    assert (await readers.tender_of(tender.ref)).contract_begins_on == begins + 30 * DAY


@database
async def test_what_a_change_was_is_never_rewritten() -> None:
    made = await given.tendering()
    tender = await made.publish()
    await given.changed(made.officers, tender.ref, Change("A gully is an iron box.", "clarification", "no"))
    with pytest.raises(Exception, match="append-only"):
        await many("UPDATE addendum SET kind = 'material'")


@database
async def test_the_page_asks_what_kind_it_is_and_changes_what_was_typed_differently(app: Litestar) -> None:
    made = await given.tendering()
    tender = await made.publish()
    lots = await readers.lots_of(tender)
    path = f"/tenders/{tender.ref}/change"
    async with given.browser(app) as client:
        await given.signed_in(client, made.officers[0])
        page = (await client.get(path)).text
        assert "Would a bidder have offered something else" in page
        typed = {
            "text": "Twelve streets instead of eleven.",
            f"{lots[0].ref}-description": "Twelve streets",
            f"{lots[0].ref}-value_minor": "90000",
            f"{lots[0].ref}-cpv": "\n".join(lots[0].cpv),
            f"{lots[1].ref}-description": lots[1].description,
            f"{lots[1].ref}-value_minor": "much",
        }
        unsaid = await client.post(path, data=typed)
        assert unsaid.status_code == 422
        assert "Enter what kind of change it is" in unsaid.text.replace("the what", "what")
        assert "Twelve streets" in unsaid.text
        typed |= {"kind": "material", "alters_offer": "yes"}
        assert (await client.post(path, data=typed)).status_code == 422
        typed[f"{lots[1].ref}-value_minor"] = "78000"
        sent = await client.post(path, data=typed)
        assert sent.status_code == 303
        waits = sent.headers["location"]
        proposed = (await client.get(waits)).text
        assert "£78,000" in proposed
        assert "£90,000" in proposed
        assert "Whoever proposed this change does not publish it" in proposed
        assert "Approve and publish" not in proposed
        assert "Twelve streets" not in (await client.get(f"/tenders/{tender.ref}")).text
        assert (await client.post(f"{waits}/approve")).status_code == 409
        await given.signed_in(client, made.officers[1])
        assert f'href="{waits}"' in (await client.get("/desk")).text
        assert "Approve and publish" in (await client.get(waits)).text
        assert (await client.post(f"{waits}/approve")).status_code == 303
        assert "approved it on" in (await client.get(waits)).text
        shown = (await client.get(f"/tenders/{tender.ref}")).text
    assert "Material change: Twelve streets instead of eleven." in shown
    assert "£78,000 until then, £90,000 since." in shown
    changed = await readers.lots_of(tender)
    assert [lot.value_minor for lot in changed] == [9_000_000, 7_800_000]


@database
async def test_after_the_deadline_the_page_says_why_nothing_changes_and_keeps_what_was_typed(app: Litestar) -> None:
    made = await given.tendering()
    tender = await made.publish()
    assert tender.closes_at is not None
    path = f"/tenders/{tender.ref}"
    typed = {"text": "Twelve streets instead of eleven.", "kind": "material", "alters_offer": "yes"}
    async with given.browser(app) as client:
        await given.signed_in(client, made.officers[0])
        before = (await client.get(f"{path}/change")).text
        assert "Publish the change" in before
        with clock.at(tender.closes_at):
            await given.signed_in(client, made.officers[0])
            page = (await client.get(f"{path}/change")).text
            assert "Bids are no longer taken" in page
            assert "Publish the change" not in page
            assert "What changes, and why" not in page
            late = await client.post(f"{path}/change", data=typed)
            assert late.status_code == 409
            assert "Twelve streets instead of eleven." in late.text
            assert "Publish the change" not in late.text
            assert "Cancel the tender</button>" in " ".join((await client.get(f"{path}/cancel")).text.split())
            await many("UPDATE tender SET cancelled_at = now() WHERE ref = {}", tender.ref)
            again = (await client.get(f"{path}/cancel")).text
            assert "cancelled already" in again
            assert 'name="reason"' not in again


@database
async def test_sections_of_a_published_tender_lead_to_the_tender_and_say_what_to_do_instead(app: Litestar) -> None:
    made = await given.tendering()
    tender = await made.publish()
    lot = (await readers.lots_of(tender))[0]
    async with given.browser(app) as client:
        await given.signed_in(client, made.officers[0])
        for section in ("about", "origin", "dates", "terms", "lots/new", f"lots/{lot.ref}/edit"):
            answer = await client.get(f"/tenders/{tender.ref}/{section}")
            assert (answer.status_code, answer.headers["location"]) == (303, f"/tenders/{tender.ref}"), section
        assert "Add a change to it instead" in (await client.get(f"/tenders/{tender.ref}")).text


@database
async def test_programs_say_the_kind_too_and_read_what_changed(app: Litestar) -> None:
    made = await given.tendering()
    tender = await made.publish()
    headers = await given.token(made.officers[0])
    lot = (await readers.lots_of(tender))[0]
    place = f"/api/v1/tenders/{tender.ref}"
    async with given.browser(app) as client:
        unsaid = await client.post(f"{place}/changes", json={"text": "Something has changed."}, headers=headers)
        assert unsaid.status_code == 400
        more = {
            "text": "Twelve streets instead of eleven.",
            "kind": "material",
            "alters_offer": "yes",
            "lots": [{"lot": lot.ref, "description": "Twelve streets"}],
        }
        answer = await client.post(f"{place}/changes", json=more, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.json()["addenda"] == [], "it waits for a second person"
        (waits,) = (await client.get(f"{place}/changes", headers=headers)).json()["items"]
        assert (waits["change"]["text"], waits["approved_at"]) == ("Twelve streets instead of eleven.", None)
        stranger = await given.token(await given.person(await given.organisation(), "buyer"))
        assert (await client.get(f"{place}/changes", headers=stranger)).status_code == 404
        approval = f"{place}/changes/{waits['ref']}/approval"
        assert (await client.post(approval, headers=stranger)).status_code in (403, 404)
        own = await client.post(approval, headers=headers)
        assert [each["code"] for each in own.json()["reasons"]] == ["tender.change-same-person"]
        approved = await client.post(approval, headers=await given.token(made.officers[1]))
        assert approved.status_code == 200, approved.text
        (addendum,) = (await client.get(place)).json()["addenda"]
        assert approved.json()["addendum"] == addendum["ref"]
    assert (addendum["kind"], addendum["unconfirms"]) == ("material", True)
    assert {"of": lot.ref, "field": "description", "before": "Eleven streets", "after": "Twelve streets"} in addendum[
        "changed"
    ]


@database
async def test_the_answer_to_a_change_is_the_same_whether_bids_are_sealed_or_not(app: Litestar) -> None:
    """A buyer who shortens a first deadline learns nothing of who sealed a bid."""
    from market.bids import actions as bids

    answers, letters = [], []
    for sealed in (False, True):
        with clock.at(given.TODAY):
            made = await given.tendering(title="Sensors for gullies")
            tender = await made.publish()
            if sealed:
                firm = await given.person(await given.supplier(), "supplier-admin")
                lot = (await readers.lots_of(tender))[0]
                quality = await find(LotCriterion, (LotCriterion.lot == lot.id) & (LotCriterion.kind == "quality"))
                await bids.submit(firm, tender.ref, lot.ref, bids.BidDraft(7_000_000, {quality.ref: "Well."}, True))
            place = f"/api/v1/tenders/{tender.ref}"
            async with given.browser(app) as client:
                answer = await client.post(
                    f"{place}/changes",
                    json={
                        "text": "The deadline was a slip of the keyboard.",
                        "kind": "correction",
                        "alters_offer": "no",
                        "new_closes_at": (given.TODAY + 26 * DAY).isoformat(),
                    },
                    headers=await given.token(made.officers[0]),
                )
                assert answer.status_code == 201, answer.text
                (waits,) = (await client.get(f"{place}/changes", headers=await given.token(made.officers[1]))).json()[
                    "items"
                ]
                approval = await client.post(
                    f"{place}/changes/{waits['ref']}/approval", headers=await given.token(made.officers[1])
                )
                assert approval.status_code == 200, approval.text
                (addendum,) = (await client.get(place)).json()["addenda"]
            changed = [{**each, "of": ""} for each in addendum["changed"]]
            answers.append({**addendum, "ref": "", "changed": changed})
            buyers = [officer.ref for officer in made.officers]
            letters.append(await Letter.count().where(Letter.person.is_in(buyers)))
    assert answers[0] == answers[1]
    assert letters[0] == letters[1]
    assert json.dumps(answers[0]).count("bid") == 0
