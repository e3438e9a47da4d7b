"""What a panel does, the same for challenges and tenders, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from market import clock, drafts
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.db import many
from market.letters.tables import Letter
from market.panels import actions as panels
from market.panels.api import consensus_view
from market.panels.tables import Mark, Seat, Sheet
from market.refusals import NotFound, Refused
from tests import given
from tests.market.panels.given_panels import KINDS, Judged

pytestmark = pytest.mark.usefixtures("clean")

Kind = Callable[[], Awaitable[Judged]]
each_kind = pytest.mark.parametrize("kind", KINDS)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


@each_kind
async def test_marks_need_a_declaration_every_criterion_a_reason_and_the_scale(kind: Kind) -> None:
    case = await kind()
    first, subject = case.members[0], case.subjects[0]
    with clock.at(case.at):
        good = await case.marks(80)
        with pytest.raises(Refused) as undeclared:
            await panels.mark(first, case.convene, subject, good, drafts.NOTHING)
        await case.declare(first)
        one, *rest = good.marks
        for given_marks, expected in (
            ([one], ["panel.criterion-missing"]),
            ([panels.MarkGiven(one.criterion, 101, "Over."), *rest], ["panel.mark-out-of-range"]),
            ([panels.MarkGiven(one.criterion, 90, " "), *rest], ["panel.reason-missing"]),
            ([one, *rest, panels.MarkGiven("CR-NOTHERE", 90, "Why")], ["panel.criterion-unknown"]),
        ):
            with pytest.raises(Refused) as refused:
                await panels.mark(first, case.convene, subject, panels.Marks(given_marks), drafts.NOTHING)
            assert (codes(refused), refused.value.status) == (expected, 422)
        with pytest.raises(Refused) as early:
            await panels.lock(first, case.convene)
        with pytest.raises(NotFound):
            await panels.mark(case.officer, case.convene, subject, good, drafts.NOTHING)
    assert codes(undeclared) == ["panel.undeclared"]
    assert codes(early) == ["panel.marks-missing"]
    assert await Mark.count() == 0


@each_kind
async def test_handing_in_locks_marks_and_declaration_and_the_panel(kind: Kind) -> None:
    case = await kind()
    first = case.members[0]
    with clock.at(case.at):
        await case.all_marked(70, 60)
        late = await given.person(case.buyer, "evaluator")
        for attempt, code in (
            (panels.mark(first, case.convene, case.subjects[0], await case.marks(10), drafts.NOTHING), "panel.locked"),
            (panels.lock(first, case.convene), "panel.locked"),
            (panels.name(case.officer, case.convene, panels.Naming(late.ref, "Ill.")), "panel.complete"),
            (
                panels.excuse(case.officer, case.convene, panels.Excuse(first.ref, "She has fallen ill today.")),
                "panel.marks-count",
            ),
        ):
            with pytest.raises(Refused) as refused:
                await attempt
            assert codes(refused) == [code]
        with pytest.raises(Refused) as declared:
            await case.declare(first, case.suppliers[0])
        assert "panel.locked" in codes(declared)
    told = await Letter.select(Letter.person).where(Letter.subject.like("All marks are in%"))
    assert case.officer.ref in [row["person"] for row in told]
    assert len({row["person"] for row in told}) == len(told)


@each_kind
async def test_one_evaluator_in_two_windows_does_not_overwrite_her_own_marks_unseen(kind: Kind) -> None:
    case = await kind()
    first, subject = case.members[0], case.subjects[0]
    with clock.at(case.at):
        await case.declare(first)
        one = await panels.mark(first, case.convene, subject, await case.marks(80), drafts.NOTHING)
        for stale in (drafts.NOTHING, "0123456789abcdef0123"):
            with pytest.raises(drafts.Overtaken) as overtaken:
                await panels.mark(first, case.convene, subject, await case.marks(20), stale)
            assert (codes(overtaken), overtaken.value.status) == (["record.changed-meanwhile"], 409)
            assert (overtaken.value.version, 80 in overtaken.value.stored.values()) == (one, True)
        two = await panels.mark(first, case.convene, subject, await case.marks(60), one)
        both = await asyncio.gather(
            panels.mark(first, case.convene, subject, await case.marks(10), two),
            panels.mark(first, case.convene, subject, await case.marks(30), two),
            return_exceptions=True,
        )
    assert sorted(isinstance(each, Refused) for each in both) == [False, True]
    assert await Sheet.count() == 1
    assert len({row["points"] for row in await Mark.select(Mark.points)}) == 1


@each_kind
async def test_who_declares_an_interest_marks_nothing_of_that_supplier(kind: Kind) -> None:
    case = await kind()
    first = case.members[0]
    with clock.at(case.at):
        await case.declare(first, case.suppliers[0])
        panel = await case.read()
        member = panel.member(first.person)
        assert member is not None
        assert [subject.ref for subject in panel.to_mark(member)] == [case.subjects[1]]
        expected = NotFound if panel.matter.blind else Refused
        with pytest.raises(expected):
            await panels.mark(first, case.convene, case.subjects[0], await case.marks(80), drafts.NOTHING)


@each_kind
async def test_an_interest_learnt_of_later_is_added_and_what_was_marked_is_removed(kind: Kind) -> None:
    case = await kind()
    first = case.members[0]
    with clock.at(case.at):
        await case.declare(first)
        for subject in case.subjects:
            await panels.mark(first, case.convene, subject, await case.marks(80), drafts.NOTHING)
        await case.declare(first, case.suppliers[0])
        kept = [row["subject"] for row in await Sheet.select(Sheet.subject)]
        with pytest.raises(Refused) as taken_back:
            await case.declare(first)
        panel = await case.read()
    assert kept == [case.subjects[1]]
    assert codes(taken_back) == ["panel.interest-taken-back"]
    assert not panels.speaks(first, panel)


@each_kind
async def test_one_evaluator_in_two_windows_does_not_declare_over_herself_unseen(kind: Kind) -> None:
    case = await kind()
    first = case.members[0]
    one, other = ([supplier.ref] for supplier in case.suppliers)
    with clock.at(case.at):
        opened = await case.declared(first)
        said = [panels.Declaration(named, "A cousin.", True) for named in (one, other)]
        both = await asyncio.gather(
            *(panels.declare(first, case.convene, each, opened) for each in said), return_exceptions=True
        )
        (told,) = [each for each in both if isinstance(each, BaseException)]
        assert isinstance(told, drafts.Overtaken)
        assert (told.stored["conflicts"], told.by) == (one if both[1] is told else other, first.name)
        with pytest.raises(Refused) as blind:
            await panels.declare(first, case.convene, said[0], "")
        whole = panels.Declaration([*one, *other], "A cousin, and her cousin.", True)
        await panels.declare(first, case.convene, whole, told.version)
        member = (await case.read()).member(first.person)
    assert (codes(blind), blind.value.status) == (["record.version-missing"], 428)
    assert member is not None
    assert (member.seat.conflicts, member.seat.statement) == (whole.conflicts, whole.statement)


@each_kind
async def test_who_was_excused_after_declaring_does_nothing_more_and_does_not_come_back(kind: Kind) -> None:
    case = await kind()
    first = case.members[0]
    with clock.at(case.at):
        await case.declare(first)
        await panels.excuse(case.officer, case.convene, panels.Excuse(first.ref, "She has fallen ill for a month."))
        for attempt, code in (
            (panels.mark(first, case.convene, case.subjects[0], await case.marks(80), drafts.NOTHING), "panel.excused"),
            (panels.lock(first, case.convene), "panel.excused"),
            (panels.name(case.officer, case.convene, panels.Naming(first.ref, "Well again.")), "panel.left-for-good"),
        ):
            with pytest.raises(Refused) as refused:
                await attempt
            assert code in codes(refused)
    told = await Letter.objects().where(Letter.person == first.ref).order_by(Letter.id, ascending=False).first()
    assert told is not None
    assert told.subject.startswith("You are no longer on the panel")


@each_kind
async def test_who_is_no_longer_of_the_buyer_judges_nothing(kind: Kind) -> None:
    case = await kind()
    gone = replace(case.members[0], hats=())
    with clock.at(case.at):
        for attempt in (
            case.declare(gone),
            panels.mark(gone, case.convene, case.subjects[0], await case.marks(80), drafts.NOTHING),
            panels.lock(gone, case.convene),
        ):
            with pytest.raises(NotFound):
                await attempt


@each_kind
async def test_wide_differences_are_explained_by_who_has_no_interest_before_anything_is_ranked(kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.all_marked(90, 30)
        assert len((await case.read()).waiting()) == 1
        stranger = await given.person(await given.organisation(), "evaluator")
        said = panels.ConsensusDraft("One had seen it in the rain.")
        with pytest.raises(NotFound):
            await panels.explain(stranger, case.convene, said, drafts.NOTHING)
        row = await panels.explain(case.members[0], case.convene, said, drafts.NOTHING)
        assert (await case.read()).waiting() == []
        with pytest.raises(Refused) as stale:
            await panels.explain(case.officer, case.convene, panels.ConsensusDraft("It rained."), drafts.NOTHING)
        seen = await given.seen(panels.ConsensusDraft, row)
        await panels.explain(case.officer, case.convene, panels.ConsensusDraft("It rained."), seen)
        panel = await case.read()
    assert codes(stale) == ["record.changed-meanwhile"]
    assert panel.consensus is not None
    assert panel.consensus.note == "It rained."


@each_kind
async def test_marks_of_others_are_seen_by_nobody_before_all_are_locked_nor_by_who_has_an_interest(kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        third = await given.person(case.buyer, "evaluator")
        await panels.name(case.officer, case.convene, panels.Naming(third.ref, "There is much to read."))
        await case.declare(third, case.suppliers[0])
        await panels.mark(third, case.convene, case.subjects[1], await case.marks(60), drafts.NOTHING)
        await case.all_marked(90, 30)
        with pytest.raises(Refused) as early:
            await panels.explain(case.officer, case.convene, panels.ConsensusDraft("Too early."), drafts.NOTHING)
        for who in (case.officer, *case.members):
            assert consensus_view(who, await case.read()).apart == []
        await panels.lock(third, case.convene)
        assert all("30" in words for words in consensus_view(case.members[0], await case.read()).apart)
        assert consensus_view(third, await case.read()).apart == []
        with pytest.raises(Refused) as interested:
            await panels.explain(third, case.convene, panels.ConsensusDraft("My cousin's is better."), drafts.NOTHING)
    assert codes(early) == ["panel.marks-open"]
    assert codes(interested) == ["panel.not-impartial"]


@each_kind
async def test_what_a_panel_does_is_written_down_and_shown_to_nobody_outside(kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.all_marked(90, 30)
        await panels.explain(
            case.officer, case.convene, panels.ConsensusDraft("One had seen it in the rain."), drafts.NOTHING
        )
        lines = b"".join([part async for part in public_log()])
    events = await many("SELECT DISTINCT verb, sealed_by FROM event WHERE verb LIKE 'panel.%' ORDER BY verb")
    assert [row["verb"] for row in events] == [
        "panel.declared",
        "panel.explained",
        "panel.marked",
        "panel.named",
        "panel.submitted",
    ]
    about = (await case.read()).matter.about
    assert {row["sealed_by"] for row in events} == {f"evaluation:{about}"}
    assert b"panel." not in lines
    assert await Event.count().where(Event.verb == "panel.marked") == 4


@each_kind
async def test_two_officers_naming_one_person_at_once_leave_one_seat(kind: Kind) -> None:
    case = await kind()
    third = await given.person(case.buyer, "evaluator")
    with clock.at(case.at):
        found = await asyncio.gather(
            *(panels.name(case.officer, case.convene, panels.Naming(third.ref, "Much to read.")) for _ in range(3)),
            return_exceptions=True,
        )
    assert sum(isinstance(each, Seat) for each in found) == 1
    assert await Seat.count() == 3
