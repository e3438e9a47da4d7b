"""A panel as it stands, reckoned in memory: who marks what, what is owed, whose marks count, where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from market.panels.matter import Subject
from market.panels.panel import Given, Kept, Member, Panel
from market.panels.tables import Consensus, Seat
from tests import given
from tests.market.panels.test_panel_rules import CRITERIA, MATTER, NOW

HERON = Subject("bid:B-1", "Heron Ltd, lot 1", "O-1", CRITERIA, True, "")
KESTREL = Subject("bid:B-2", "Kestrel Ltd, lot 1", "O-2", CRITERIA, True, "")
BROKEN = Subject("bid:B-3", "Plover Ltd, lot 1", "O-3", CRITERIA, False, "")


def seat(number: int, *, conflicts: tuple[str, ...] = (), declared: bool = True, locked: bool = True) -> Seat:
    return given.row(
        Seat,
        id=number,
        person=number,
        named_at=NOW - timedelta(days=1),
        declared_at=NOW if declared else None,
        locked_at=NOW if locked else None,
        conflicts=list(conflicts),
    )


def sheet(points: int) -> Kept:
    return Kept({criterion.ref: Given(points, "So.") for criterion in CRITERIA})


def panel(*seats: Seat, marks: Mapping[tuple[int, str], int], note: str = "") -> Panel:
    members = [Member(row, f"P-{row.id}", f"Evaluator {row.id}") for row in seats]
    sheets = {key: sheet(points) for key, points in marks.items()}
    matter = replace(MATTER, subjects=[HERON, KESTREL, BROKEN])
    return Panel(matter, members, sheets, given.row(Consensus, note=note) if note else None)


ALIKE = {(number, subject.ref): 70 for number in (1, 2, 3) for subject in (HERON, KESTREL)}


def test_nobody_marks_before_declaring_or_what_she_has_an_interest_in_or_what_cannot_be_read() -> None:
    found = panel(seat(1, declared=False, locked=False), seat(2, conflicts=("O-1",)), seat(3), marks={})
    assert [[subject.ref for subject in found.to_mark(member)] for member in found.members] == [
        [],
        ["bid:B-2"],
        ["bid:B-1", "bid:B-2"],
    ]


def test_marks_of_who_has_an_interest_or_was_excused_do_not_count() -> None:
    excused = seat(3)
    excused.excused_at = NOW
    marks = {(1, HERON.ref): 100, (2, HERON.ref): 50, (3, HERON.ref): 0}
    found = panel(seat(1, conflicts=("O-1",)), seat(2), excused, marks=marks)
    assert [mark.points for mark in found.marks(HERON, "CR-1")] == [50]


def test_what_is_owed_is_said_in_sentences_one_stage_after_the_other() -> None:
    alone = panel(seat(1), marks=ALIKE)
    assert alone.gaps() == ["Name at least 2 evaluators; 1 on the panel now."]
    idle = panel(seat(1, declared=False, locked=False), seat(2, locked=False), seat(3, locked=False), marks={})
    idle.sheets.update({(3, HERON.ref): sheet(70), (3, KESTREL.ref): sheet(70)})  # type: ignore[attr-defined]
    assert idle.gaps() == [
        "Evaluator 1 has not declared her or his interests.",
        "Evaluator 2 has still to mark 2 bids.",
        "Evaluator 3 has not handed in.",
    ]
    few = panel(seat(1, conflicts=("O-1",)), seat(2), marks=ALIKE)
    assert few.gaps() == ["Fewer than 2 evaluators without a conflict of interest for: Heron Ltd, lot 1."]
    assert not few.locked
    assert panel(seat(1), seat(2), marks=ALIKE).waiting() == []


def test_a_panel_with_nothing_to_judge_owes_nothing_and_is_not_complete() -> None:
    found = panel(seat(1, declared=False, locked=False), marks={})
    nothing = replace(found, matter=replace(found.matter, subjects=[BROKEN]))
    assert (nothing.waiting(), nothing.locked) == ([], False)


def test_differences_are_seen_only_when_everybody_has_locked_and_hold_until_they_are_explained() -> None:
    wide = {**ALIKE, (2, HERON.ref): 20}
    assert panel(seat(1), seat(2, locked=False), marks=wide).apart() == []
    found = panel(seat(1), seat(2), marks=wide)
    assert [(difference.says, difference.marks) for difference in found.apart()] == [
        ("Heron Ltd, lot 1 on Method", (20, 70)),
        ("Heron Ltd, lot 1 on Team", (20, 70)),
    ]
    assert len(found.waiting()) == 1
    assert panel(seat(1), seat(2), marks=wide, note="One saw it in the rain.").waiting() == []


def test_whoever_joins_after_another_was_named_for_the_opening_or_has_declared_joins_late() -> None:
    later = seat(1, declared=False, locked=False)
    later.named_at = NOW + timedelta(hours=1)
    assert not panel(marks={}).begun
    assert not panel(later, marks={}).begun
    assert panel(seat(1, declared=False, locked=False), marks={}).begun
    later.declared_at = NOW + timedelta(hours=2)
    assert panel(later, marks={}).begun
