"""Where a review stands, and what publication asks, as truth tables without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from market.arrival import Arrival
from market.hands.rules import Doing, Hand, Link
from market.refusals import refusals
from market.reviews import rules
from market.reviews.rules import Deciding, Looked, Ready, Step, state
from tests import given

NOW = Arrival(given.TODAY)


def step(kind: str, version: str = "v1", side: str = "body") -> Step:
    return Step("RV-1", kind, side, version, "", "P-2", "Colin", "", "", "", given.TODAY)


ASKED, APPROVED, EDITS = step("asked"), step("approved"), step("edits")


@pytest.mark.parametrize(
    ("steps", "version", "found"),
    [
        ([], "v1", "not-asked"),
        ([ASKED], "v1", "waits"),
        ([ASKED], "v2", "waits"),
        ([ASKED, APPROVED], "v1", "approved"),
        ([ASKED, APPROVED], "v2", "lapsed"),
        ([ASKED, APPROVED, ASKED], "v2", "waits"),
        ([ASKED, APPROVED, ASKED, step("approved", "v2")], "v2", "approved"),
        ([ASKED, EDITS], "v1", "edits"),
        ([ASKED, EDITS], "v2", "edits"),
        ([ASKED, EDITS, ASKED], "v2", "waits"),
        ([ASKED, APPROVED, EDITS], "v1", "edits"),
        ([ASKED, step("approved", side="team")], "v1", "waits"),
    ],
)
def test_a_review_stands_where_its_last_answer_to_this_version_left_it(
    steps: list[Step], version: str, found: str
) -> None:
    assert state(steps, version, "body") == found


def test_the_team_and_the_body_answer_each_for_itself() -> None:
    steps = [ASKED, APPROVED]
    assert (state(steps, "v1", "body"), state(steps, "v1", "team")) == ("approved", "waits")
    steps.append(step("edits", side="team"))
    assert (state(steps, "v1", "body"), state(steps, "v1", "team")) == ("approved", "edits")


READY = Ready(
    version="v1",
    steps=[ASKED, APPROVED],
    team=False,
    words="w1",
    looked=Looked("w1", 2, "differs", "Theirs are tidal.", given.TODAY - timedelta(days=90)),
    now=NOW,
)


def codes(ready: Ready) -> list[str]:
    return [each.code for each in refusals(rules.PUBLISH, ready)]


def test_what_was_read_and_looked_for_may_be_published() -> None:
    assert codes(READY) == []
    assert [each.by for each in rules.approvals(READY)] == ["Colin"]


def test_each_thing_that_publication_asks_is_refused_by_itself() -> None:
    assert READY.looked is not None
    old = replace_looked(READY, at=given.TODAY - timedelta(days=90, seconds=1))
    assert codes(replace(READY, looked=None)) == ["review.precedents-unseen"]
    assert codes(replace(READY, words="w2")) == ["review.precedents-of-other-words"]
    assert codes(old) == ["review.precedents-too-old"]
    assert codes(replace(READY, version="v2")) == ["review.not-approved"]
    assert codes(replace(READY, steps=[])) == ["review.not-approved"]
    assert codes(replace(READY, team=True)) == ["review.team-not-approved"]
    both = [*READY.steps, step("approved", side="team")]
    assert codes(replace(READY, team=True, steps=both)) == []


def replace_looked(ready: Ready, **changed: object) -> Ready:
    assert ready.looked is not None
    kept = {name: getattr(ready.looked, name) for name in ready.looked.__struct_fields__}
    return replace(ready, looked=Looked(**{**kept, **changed}))


FREE = Doing("approve-publication", "P-2", [Hand("draft", "P-1", "Ada")], [])
DECIDING = Deciding("waits", "v1", "v1", FREE, "")
LONG = "Say how many homes, and since when."


def answered(tuple_: object, deciding: Deciding) -> set[str]:
    return {each.code for each in refusals(tuple_, deciding)}  # type: ignore[arg-type]


def test_somebody_else_approves_what_she_read_while_it_waits() -> None:
    assert answered(rules.APPROVE, DECIDING) == set()
    assert answered(rules.APPROVE, replace(DECIDING, state="not-asked")) == {"review.not-asked"}
    assert answered(rules.APPROVE, replace(DECIDING, state="edits")) == {"review.not-asked"}
    assert answered(rules.APPROVE, replace(DECIDING, state="lapsed")) == {"review.not-asked"}
    assert answered(rules.APPROVE, replace(DECIDING, state="approved")) == {"review.approved-already"}
    assert answered(rules.APPROVE, replace(DECIDING, seen="v0")) == {"review.changed-since-read"}


def test_neither_the_drafter_nor_whom_she_let_in_lately_approves() -> None:
    herself = Doing("approve-publication", "P-1", FREE.hands, [])
    until = given.TODAY + timedelta(days=30)
    friend = Doing("approve-publication", "P-2", FREE.hands, [Link("P-1", "P-2", until)])
    inviter = Doing("approve-publication", "P-2", FREE.hands, [Link("P-2", "P-1", until)])
    third = Doing("approve-publication", "P-2", FREE.hands, [Link("P-3", "P-1", until), Link("P-3", "P-2", until)])
    assert answered(rules.APPROVE, replace(DECIDING, doing=herself)) == {"review.same-person"}
    for doing in (friend, inviter, third):
        assert answered(rules.APPROVE, replace(DECIDING, doing=doing)) == {"review.one-pair-of-hands"}


def test_whoever_approved_for_the_body_does_not_approve_for_the_team() -> None:
    twice = Doing("approve-for-team", "P-2", [Hand("approve-publication", "P-2", "Colin")], [])
    assert answered(rules.APPROVE, replace(DECIDING, doing=twice)) == {"review.same-person"}


def test_edits_are_asked_for_with_reasons_while_it_waits_or_is_approved() -> None:
    said = replace(DECIDING, reason=LONG)
    assert answered(rules.EDITS, said) == set()
    assert answered(rules.EDITS, replace(said, state="approved")) == set()
    assert answered(rules.EDITS, replace(said, state="not-asked")) == {"review.may-not-be-sent-back"}
    assert answered(rules.EDITS, replace(said, reason="No.")) == {"review.reasons-missing"}
    assert answered(rules.EDITS, replace(said, seen="v0")) == {"review.changed-since-read"}
