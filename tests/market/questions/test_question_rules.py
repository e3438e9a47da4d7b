"""The rules of public questions as truth tables: until when, how many, answered once, and when letters go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from market import policy
from market.questions import rules
from market.refusals import refusals
from tests import given

NOW = given.TODAY
DAY, HOUR, INSTANT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
MOST = policy.IN_FORCE.questions.most_in_a_day
APART = timedelta(hours=policy.IN_FORCE.questions.letters_hours_apart)


def topic(**facts: Any) -> rules.Topic:
    return rules.Topic(
        **{
            "record": "tender:T-TEST",
            "title": "Sensors",
            "buyer": 1,
            "until": NOW + 10 * DAY,
            "closes_at": NOW + 20 * DAY,
            "sends": "bids",
            "taking": True,
            "remedy": "If it was wrong, add a change to the tender.",
            **facts,
        }
    )


@pytest.mark.parametrize(
    ("facts", "before", "codes"),
    [
        ({}, [], []),
        ({"until": NOW}, [], []),
        ({"until": NOW - INSTANT}, [], ["question.time-over"]),
        ({"until": None}, [], ["question.time-over"]),
        ({"taking": False}, [], ["question.time-over"]),
        ({}, [NOW - HOUR] * (MOST - 1), []),
        ({}, [NOW - HOUR] * MOST, ["question.too-many-in-a-day"]),
        ({}, [NOW - DAY + INSTANT] * MOST, ["question.too-many-in-a-day"]),
        ({}, [NOW - DAY] * MOST, []),
        ({}, [NOW - 2 * DAY] * 5 * MOST, []),
        ({"until": NOW - DAY}, [NOW] * MOST, ["question.time-over", "question.too-many-in-a-day"]),
    ],
)
def test_questions_are_taken_until_the_stated_moment_and_so_many_a_day(
    facts: dict[str, Any], before: list[datetime], codes: list[str]
) -> None:
    asking = rules.Asking(topic(**facts), NOW, before)
    assert [refusal.code for refusal in refusals(rules.ASK, asking)] == codes


def test_who_asked_too_much_is_told_when_she_may_ask_again() -> None:
    first = NOW - 3 * HOUR
    refusal = rules.within_the_allowance(rules.Asking(topic(), NOW, [first, *[NOW - HOUR] * (MOST - 1)]))
    assert refusal is not None
    assert f"after {first.astimezone(rules.workdays.ZONE):%H:%M} on" in refusal.reason
    assert str((NOW + 21 * HOUR).day) in refusal.reason


@pytest.mark.parametrize(
    ("taking", "answered_at", "codes"),
    [
        (True, None, []),
        (False, None, ["question.answer-too-late"]),
        (True, NOW - HOUR, ["question.answered-already"]),
        (False, NOW - HOUR, ["question.answered-already", "question.answer-too-late"]),
    ],
)
def test_a_question_is_answered_once_while_it_helps(
    taking: bool, answered_at: datetime | None, codes: list[str]
) -> None:
    answering = rules.Answering(topic(taking=taking, until=NOW - DAY), NOW, answered_at)
    assert [refusal.code for refusal in refusals(rules.ANSWER, answering)] == codes


@pytest.mark.parametrize("remedy", ["", "If it was wrong, add a change to the tender."])
def test_an_answered_question_says_what_can_be_done(remedy: str) -> None:
    refusal = rules.answered_once(rules.Answering(topic(remedy=remedy), NOW, NOW))
    assert refusal is not None
    assert refusal.reason.endswith(remedy or "yours was not sent.")


@pytest.mark.parametrize(
    ("before", "closes_in", "due"),
    [
        (None, 20 * DAY, True),
        (NOW, 20 * DAY, False),
        (NOW - APART + INSTANT, 20 * DAY, False),
        (NOW - APART, 20 * DAY, True),
        (NOW, APART, True),
        (NOW, APART + INSTANT, False),
        (NOW, None, False),
    ],
)
def test_letters_are_gathered_but_not_into_the_last_hours(
    before: datetime | None, closes_in: timedelta | None, due: bool
) -> None:
    assert rules.a_letter_is_due(before, None if closes_in is None else NOW + closes_in, NOW) is due
