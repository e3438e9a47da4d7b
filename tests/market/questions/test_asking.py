"""Asking and answering about a challenge and about a tender: the same rules, the same secrets, the same letters."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from challenges.rules import stage as challenge_stage
from market import clock, policy
from market.actor import Actor
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.db import one
from market.kinds import DEEDS
from market.letters.tables import Letter
from market.questions import actions as questions
from market.questions.tables import PublicQuestion
from market.refusals import NotFound, Refused
from market.tenders.listing import listed
from market.tenders.rules import stage as tender_stage
from market.worker import JOBS
from tests import given
from tests.market.questions.asked_about import BEGINS, DAY, HOLDS, KINDS, AskedAbout, curious

pytestmark = pytest.mark.usefixtures("clean")

HOUR = timedelta(hours=1)
MOST = policy.IN_FORCE.questions.most_in_a_day
SOON = BEGINS + DAY


@pytest.fixture(params=KINDS)
async def box(request: pytest.FixtureRequest, clean: None) -> AskedAbout:
    return await KINDS[request.param]()


def codes(refused: pytest.ExceptionInfo[Refused] | Refused) -> list[str]:
    error = refused if isinstance(refused, Refused) else refused.value
    return [reason.code for reason in error.reasons]


async def letters(who: Actor, box: AskedAbout) -> list[str]:
    """The subjects of what was written to her about the questions of this record, oldest first."""
    rows = (
        await Letter.select(Letter.subject)
        .where((Letter.person == who.ref) & (Letter.about == box.record))
        .order_by(Letter.id)
    )
    return [row["subject"] for row in rows if "uestion" in row["subject"]]


async def test_a_question_is_published_with_its_answer_and_without_its_asker(box: AskedAbout) -> None:
    asker = await curious()
    topic = (await HOLDS[box.kind](box.ref)).topic
    stranger = await curious("Stranger Ltd")
    with clock.at(SOON):
        question = await box.ask(asker)
        for who, seen in ((stranger, 0), (asker, 1), (box.officers[0], 1)):
            assert len(await questions.questions_shown(who, topic)) == seen, who.name
        await box.answer(question.ref)
        assert [row.answer for row in await questions.questions_shown(stranger, topic)] == ["Yes, one."]
    asked, answered = [
        await Event.objects().where(Event.verb == f"{box.kind}.question-{done}").first()
        for done in ("asked", "answered")
    ]
    assert asked is not None
    assert answered is not None
    assert asked.sealed_by == f"asker:{question.ref}"
    assert "radio" not in asked.body
    shown = b"".join([line async for line in public_log()])
    assert b"question-answered" in shown
    assert question.ref.encode() in shown
    assert asker.ref.encode() not in shown
    assert b"question-asked" not in shown


async def test_questions_end_with_the_stated_moment_which_is_itself_in_time(box: AskedAbout) -> None:
    asker, row = await curious(), await box.row()
    stage = tender_stage if box.kind == "tender" else challenge_stage
    assert row.questions_until is not None
    with clock.at(row.questions_until):
        await box.ask(asker)
        assert stage(row, clock.now()) == "questions"  # type: ignore[arg-type]
        if box.kind == "tender":
            assert [each.standing.stage for each in (await listed("questions")).items] == ["questions"]
    with clock.at(row.questions_until + timedelta(microseconds=1)):
        with pytest.raises(Refused) as late:
            await box.ask(asker, "And now?")
        if box.kind == "tender":
            assert (await listed("questions")).items == []
    assert codes(late) == ["question.time-over"]
    with clock.at(row.questions_until):
        await box.end()
        with pytest.raises(Refused) as ended:
            await box.ask(asker, "And now?")
    assert codes(ended) == ["question.time-over"]


async def test_a_body_asks_so_many_a_day_of_one_record_whoever_of_it_asks(box: AskedAbout) -> None:
    asker, other = await curious(), await curious("Calm Ltd")
    with clock.at(SOON):
        for number in range(MOST):
            await box.ask(asker, f"What about street number {number}?")
        with pytest.raises(Refused) as refused:
            await box.ask(asker, "And one more?")
        await box.ask(other)
        await (await KINDS[box.kind]()).ask(asker)
    assert codes(refused) == ["question.too-many-in-a-day"]
    assert refused.value.status == 429
    with clock.at(SOON + DAY):
        await box.ask(asker, "And one more?")
    assert len(await questions.questions_about(box.record)) == MOST + 2


async def test_the_allowance_holds_when_all_are_asked_at_once(box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        for number in range(MOST - 1):
            await box.ask(asker, f"What about street number {number}?")
        answers = await asyncio.gather(*(box.ask(asker, f"And number {n}?") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(each, PublicQuestion) for each in answers) == 1
    assert [codes(each) for each in answers if isinstance(each, Refused)] == [["question.too-many-in-a-day"]] * 3
    assert len(await questions.questions_about(box.record)) == MOST


async def test_two_askers_at_once_are_both_heard(box: AskedAbout) -> None:
    with clock.at(SOON):
        askers = [await curious(f"Firm {n} Ltd") for n in range(3)]
        asked = await asyncio.gather(*(box.ask(asker) for asker in askers))
    assert len({question.ref for question in asked}) == 3


async def test_of_two_officers_who_answer_at_once_the_second_is_told(box: AskedAbout) -> None:
    with clock.at(SOON):
        question = await box.ask(await curious())
        answers = await asyncio.gather(
            box.answer(question.ref, "Yes, one."),
            box.answer(question.ref, "No, none.", officer=1),
            return_exceptions=True,
        )
    (kept,) = [each for each in answers if isinstance(each, PublicQuestion)]
    (refused,) = [each for each in answers if isinstance(each, Refused)]
    assert codes(refused) == ["question.answered-already"]
    assert refused.status == 409
    row = await one("SELECT answer, answered_by FROM public_question WHERE ref = {}", question.ref)
    assert (row["answer"], row["answered_by"]) == (kept.answer, kept.answered_by)
    assert await Event.count().where(Event.verb == f"{box.kind}.question-answered") == 1


async def test_only_the_buyer_answers_and_only_what_was_asked_about_its_own_record(box: AskedAbout) -> None:
    other = await KINDS["challenge" if box.kind == "tender" else "tender"]()
    asker = await curious()
    with clock.at(SOON):
        question = await box.ask(asker)
        with pytest.raises(NotFound):
            await other.answer(question.ref)
        with pytest.raises(NotFound):
            await questions.record_of(other.kind, question.ref)
        assert await questions.record_of(box.kind, question.ref) == box.ref
        for stranger in (asker, other.officers[0]):
            intruding = AskedAbout(box.kind, box.ref, [stranger], box.reader)
            with pytest.raises(Refused) as refused:
                await intruding.answer(question.ref)
            assert refused.value.status == 403
        with pytest.raises(Refused) as refused:
            await box.ask(box.officers[0])
        assert refused.value.status == 403


async def test_answers_come_while_they_can_be_used(box: AskedAbout) -> None:
    with clock.at(SOON):
        first, second = await box.ask(await curious()), await box.ask(await curious("Calm Ltd"))
    closes_at = (await box.row()).closes_at
    assert closes_at is not None
    with clock.at(closes_at - HOUR):
        await box.answer(first.ref)
    with clock.at(closes_at + HOUR), pytest.raises(Refused) as late:
        await box.answer(second.ref)
    assert codes(late) == ["question.answer-too-late"]


async def test_a_burst_of_questions_and_answers_becomes_few_letters(box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        asked = [await box.ask(asker, f"What about street number {number}?") for number in range(5)]
        assert await letters(box.officers[1], box) == [
            f"A question about {(await box.row()).title} waits for your answer"
        ]
        assert await questions.tell_waiting(HOLDS) == 0
    with clock.at(SOON + HOUR):
        assert await questions.tell_waiting(HOLDS) == 4
        assert await questions.tell_waiting(HOLDS) == 0
        assert (await letters(box.officers[1], box))[1].startswith("4 questions about")
    with clock.at(SOON + 2 * HOUR):
        for question in asked:
            await box.answer(question.ref)
        for who in (asker, box.reader):
            assert await letters(who, box) == [f"A question about {(await box.row()).title} was answered"]
    with clock.at(SOON + 3 * HOUR):
        assert await questions.tell_waiting(HOLDS) == 4
        for who in (asker, box.reader):
            assert (await letters(who, box))[1].startswith("4 questions about")
        assert len(await letters(box.officers[0], box)) == 2
    text = (
        await Letter.objects().where(Letter.person == box.reader.ref).order_by(Letter.id, ascending=False).first()
    ).text  # type: ignore[union-attr]
    assert [f"street number {number}?" in text for number in range(5)] == [False, True, True, True, True]


async def test_before_closing_no_answer_waits_for_others(box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        asked = [await box.ask(asker, f"What about street number {number}?") for number in range(2)]
    closes_at = (await box.row()).closes_at
    assert closes_at is not None
    with clock.at(closes_at - HOUR / 2):
        for question in asked:
            await box.answer(question.ref)
    assert len(await letters(asker, box)) == 2


async def test_two_workers_write_each_letter_once(box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        for number in range(3):
            await box.ask(asker, f"What about street number {number}?")
    with clock.at(SOON + HOUR):
        told = await asyncio.gather(*(questions.tell_waiting(HOLDS) for _ in range(3)))
    assert sorted(told) == [0, 0, 2]
    assert len(await letters(box.officers[0], box)) == 2


async def test_what_a_record_was_asked_before_it_ended_is_no_letter_any_more(box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        for number in range(2):
            await box.ask(asker, f"What about street number {number}?")
        await box.end()
    with clock.at(SOON + DAY):
        await questions.tell_waiting(HOLDS)
        assert await questions.tell_waiting(HOLDS) == 0
    assert len(await letters(box.officers[0], box)) == 1


def test_the_log_has_words_for_every_kind_that_is_asked_about() -> None:
    verbs = {f"{kind}.question-{done}" for kind in HOLDS for done in ("asked", "answered")}
    assert verbs <= set(DEEDS)
    questions_job = next(job for job in JOBS if job.name == "questions")
    assert isinstance(questions_job.run, partial)
    assert questions_job.run.args == (HOLDS,)


async def test_a_draft_is_not_asked_about() -> None:
    made = await given.tendering()
    with pytest.raises(NotFound):
        await HOLDS["tender"](made.ref)
