"""Changes of a running tender that take two people: who may, what is judged again, and what nobody learns before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market import clock
from market.accounts import invitations
from market.accounts.sessions import actor_of
from market.actor import PUBLIC, Actor
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.db import find, many
from market.hands.rules import Doing, Hand, Link
from market.letters.tables import Letter
from market.proof import canonical
from market.refusals import NotFound, Refused, refusals
from market.tenders import actions as tenders
from market.tenders import desk, readers
from market.tenders.changes import actions, proposals, rules
from market.tenders.changes.actions import Change, LotChange
from market.tenders.tables import Addendum, Lot, Tender, TenderChange
from tests import given

database = pytest.mark.usefixtures("clean")

DAY = timedelta(days=1)
MORE = Change("Lot 1 now also asks for 4,000 more homes.", "material", "yes")


def deciding(by: str = "B", approved: bool = False, left: bool = False, links: tuple[Link, ...] = ()) -> rules.Deciding:
    doing = Doing("approve-tender-change", by, [Hand("propose-tender-change", "A", "Maya")], links)
    return rules.Deciding(approved, left, doing)


LATELY = Link("A", "B", datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (deciding(), []),
        (deciding("A"), ["tender.change-same-person"]),
        (deciding(links=(LATELY,)), ["tender.change-one-pair-of-hands"]),
        (deciding(approved=True), ["tender.change-decided"]),
        (deciding(left=True), ["tender.change-decided"]),
    ],
)
def test_who_approves_what_another_proposed(situation: rules.Deciding, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.APPROVE, situation)] == codes


@pytest.mark.parametrize(
    ("kind", "waits", "alone", "propose"),
    [
        ("clarification", "", [], []),
        ("deadline", "TC-1", [], ["tender.change-waits"]),
        ("material", "", ["tender.change-needs-two"], []),
        ("correction", "TC-1", ["tender.change-needs-two"], ["tender.change-waits"]),
    ],
)
def test_which_changes_take_two_people(kind: rules.Kind, waits: str, alone: list[str], propose: list[str]) -> None:
    proposing = rules.Proposing(kind, waits)
    assert [each.code for each in refusals(rules.ALONE, proposing)] == alone
    assert [each.code for each in refusals(rules.PROPOSE, proposing)] == propose


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def refused(doing: object) -> list[str]:
    with pytest.raises(Refused) as said:
        await doing  # type: ignore[misc]
    return codes(said)


@database
async def test_one_buyer_alone_makes_no_sealed_bid_unconfirmed_and_nobody_outside_reads_what_she_proposes() -> None:
    made = await given.tendering()
    tender = await made.publish()
    first, second = made.officers
    follower = await given.person(await given.supplier(), "supplier-member")
    await tenders.follow(follower, tender.ref)
    assert await refused(actions.change(first, tender.ref, MORE)) == ["tender.change-needs-two"]
    proposed = await proposals.propose(first, tender.ref, MORE)
    assert await refused(proposals.approve(first, tender.ref, proposed.ref)) == ["tender.change-same-person"]
    assert await refused(proposals.propose(second, tender.ref, MORE)) == ["tender.change-waits"]
    assert await Addendum.count() == 0
    assert b"4,000 more homes" not in b"".join([part async for part in public_log()])
    stranger = await given.person(await given.organisation(), "buyer")
    for nobody in (stranger, follower):
        with pytest.raises(NotFound):
            await proposals.proposals_of(nobody, tender.ref)
    told = [row.template for row in await Letter.objects().where(Letter.person == follower.ref).order_by(Letter.id)]
    assert "tenders/changed.txt" not in told
    assert [each.href for each in await desk.waiting(second)] == [f"/tenders/{tender.ref}/changes/{proposed.ref}"]
    assert await desk.waiting(first) == []
    addendum = await proposals.approve(second, tender.ref, proposed.ref)
    assert addendum.unconfirms
    assert await refused(proposals.approve(second, tender.ref, proposed.ref)) == ["tender.change-decided"]
    assert await refused(proposals.leave(first, tender.ref, proposed.ref)) == ["tender.change-decided"]
    event = await Event.objects().get(Event.verb == "tender.changed")
    assert event is not None
    body = canonical.decode(event.body.encode())
    assert (event.actor, body["proposed_by"], body["proposal"]) == (second.ref, first.ref, proposed.ref)
    assert await desk.waiting(second) == []


@database
async def test_a_mailbox_that_the_proposer_let_in_yesterday_is_no_second_person() -> None:
    made = await given.tendering()
    tender = await made.publish()
    first = made.officers[0]
    await given.domain(made.buyer, "places.example")
    _, token = await invitations.invite(first, made.buyer.ref, given.invited("another@places.example", "buyer"))
    person = await invitations.accept(PUBLIC, token, invitations.Acceptance("", "three words that rhyme not"))
    another: Actor = given.touched(await actor_of(person.id, "password"))
    proposed = await proposals.propose(first, tender.ref, MORE)
    assert await refused(proposals.approve(another, tender.ref, proposed.ref)) == ["tender.change-one-pair-of-hands"]


@database
async def test_a_proposal_is_judged_again_as_the_clock_and_the_tender_are_at_its_approval() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        lot = (await readers.lots_of(tender))[0]
        more = Change("Twelve streets.", "material", "yes", lots=[LotChange(lot.ref, "Twelve streets")])
        proposed = await proposals.propose(made.officers[0], tender.ref, more)
    assert tender.closes_at is not None
    with clock.at(tender.closes_at - 6 * DAY):
        again = proposals.approve(made.officers[1], tender.ref, proposed.ref)
        assert "tender.change-too-late" in await refused(again)
    with clock.at(given.TODAY + DAY):
        later = Change("A week more.", "deadline", "no", tender.closes_at + 7 * DAY)
        await actions.change(made.officers[1], tender.ref, later)
        again = proposals.approve(made.officers[1], tender.ref, proposed.ref)
        assert await refused(again) == ["tender.changed-since"], "the deadline it was written on is another one"
    assert (await find(Lot, Lot.ref == lot.ref)).description == lot.description


@database
async def test_a_slip_is_corrected_by_two_people_within_the_hours_counted_to_the_approval() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        slip = Change("Sooner, it was a slip.", "correction", "no", given.TODAY + 30 * DAY)
        proposed = await proposals.propose(made.officers[0], tender.ref, slip)
    with clock.at(given.TODAY + timedelta(hours=49)):
        late = proposals.approve(made.officers[1], tender.ref, proposed.ref)
        assert "tender.slip-too-old" in await refused(late)
    with clock.at(given.TODAY + timedelta(hours=47)):
        await proposals.approve(made.officers[1], tender.ref, proposed.ref)
    assert (await find(Tender, Tender.ref == tender.ref)).closes_at == given.TODAY + 30 * DAY


@database
async def test_the_period_of_the_law_is_counted_from_the_approval_of_a_correction() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        slip = Change("Sooner, it was a slip.", "correction", "no", given.TODAY + 26 * DAY)
        proposed = await proposals.propose(made.officers[0], tender.ref, slip)
    with clock.at(given.TODAY + timedelta(hours=47)):
        short = proposals.approve(made.officers[1], tender.ref, proposed.ref)
        assert await refused(short) == ["tender.slip-too-short"]


@database
async def test_a_proposal_that_is_not_approved_changes_nothing_is_told_and_is_never_rewritten() -> None:
    made = await given.tendering()
    tender = await made.publish()
    first, second = made.officers
    proposed = await proposals.propose(first, tender.ref, MORE)
    await proposals.leave(second, tender.ref, proposed.ref)
    told = [row.template for row in await Letter.objects().where(Letter.person == first.ref).order_by(Letter.id)]
    assert "tenders/change_left.txt" in told
    assert await Addendum.count() == 0
    with pytest.raises(Exception, match="keeps what was proposed"):
        await many("UPDATE tender_change SET left_at = NULL, left_by = NULL")
    with pytest.raises(Exception, match="never deleted"):
        await many("DELETE FROM tender_change")
    again = await proposals.propose(second, tender.ref, MORE)
    with pytest.raises(Exception, match="keeps what was proposed"):
        await many("UPDATE tender_change SET change = '' WHERE approved_at IS NULL AND left_at IS NULL")
    await proposals.leave(second, tender.ref, again.ref)
    assert await TenderChange.count() == 2


@database
async def test_opening_officers_of_other_bodies_and_contract_managers_do_not_approve() -> None:
    made = await given.tendering()
    tender = await made.publish()
    proposed = await proposals.propose(made.officers[0], tender.ref, MORE)
    for other in (
        await given.person(made.buyer, "contract-manager"),
        await given.person(await given.organisation(), "buyer"),
    ):
        with pytest.raises(Exception, match=r"buyer|TenderChange|Tender"):
            await proposals.approve(other, tender.ref, proposed.ref)
    assert await Addendum.count() == 0
