"""Asking in public, answering for everybody, and the letters about both.

Nouns above know their records: they lock their row, describe it (`Held`) and call in, all in one transaction. So one
question about a record is asked or answered at a time, and the allowance is counted where nobody can slip past it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.db import find, transaction
from market.questions import rules
from market.questions.rules import Topic
from market.questions.tables import PublicQuestion
from market.reads import rows
from market.refusals import Refused, insist
from market.wording import N_


@dataclass(frozen=True, slots=True)
class Held:
    """A topic whose record's row is locked; with the bodies (ids) that read every answer by letter, and the records it grew
    from."""

    topic: Topic
    readers: Collection[int]
    about: Sequence[str]


HoldOf: TypeAlias = Callable[[str], Awaitable[Held]]
"""Locks the record of a reference and describes it."""


class QuestionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A question on a published record. It is published with its answer, never with who asked."""

    text: Annotated[str, Meta(title=N_("Your question"), min_length=5, max_length=2000)]


class AnswerDraft(msgspec.Struct, forbid_unknown_fields=True):
    """The answer, for everybody."""

    answer: Annotated[str, Meta(title=N_("Your answer"), min_length=2, max_length=4000)]


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def questions_about(record_: str) -> list[PublicQuestion]:
    """Every question about a record, answered or not, in the order in which they were asked."""
    return await PublicQuestion.objects().where(PublicQuestion.record == record_).order_by(PublicQuestion.id)


async def questions_shown(actor: Actor, topic: Topic) -> list[PublicQuestion]:
    """What this reader may see: everybody the answered ones, the buying side all, and a supplier those of its own that
    still wait."""
    rows = await questions_about(topic.record)
    if actor.wears("buyer", "evaluator", "contract-manager", organisation=topic.buyer):
        return rows
    own = actor.organisations(*SUPPLIER_ROLES)
    return [row for row in rows if row.answered_at is not None or row.asker in own]


async def question_about(topic: Topic, ref: str) -> PublicQuestion:
    """The question of this reference, when it is about this record; NotFound for any other."""
    return await find(PublicQuestion, (PublicQuestion.ref == ref) & (PublicQuestion.record == topic.record))


async def record_of(kind: str, ref: str) -> str:
    """The reference of the record of this kind that the question is about; NotFound when it is about another kind."""
    row = await find(PublicQuestion, (PublicQuestion.ref == ref) & PublicQuestion.record.like(f"{kind}:%"))
    return str(row.record).partition(":")[2]


# ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask(actor: Actor, held: Held, given: QuestionDraft) -> PublicQuestion:
    """Ask as any registered supplier. Who asked is on no page and in no public line of the log; auditors find it there."""
    async with transaction():
        topic, now = held.topic, clock.arrived()
        hat = actor.must_wear(*SUPPLIER_ROLES)
        rows = await questions_about(topic.record)
        asking = rules.Asking(topic, now, [row.asked_at for row in rows if row.asker == hat.organisation])
        insist((rules.while_questions_are_taken,), asking)
        if refusal := rules.within_the_allowance(asking):
            raise Refused(refusal, status=429)
        question = PublicQuestion(record=topic.record, asker=hat.organisation, text=given.text, asked_at=now)
        await question.save()
        await _tell(held, [*rows, question], now)
        await record(
            actor,
            f"{topic.kind}.question-asked",
            topic.record,
            about=held.about,
            private={"question": question.ref, "text": question.text},
            organisation=hat.organisation_ref,
            sealed_by=f"asker:{question.ref}",
        )
    return question


async def answer(actor: Actor, held: Held, ref: str, given: AnswerDraft) -> PublicQuestion:
    """Answer a question about the record as an officer of its buyer; from now on everybody reads both."""
    async with transaction():
        topic, now = held.topic, clock.arrived()
        hat = actor.must_wear("buyer", organisation=topic.buyer)
        question = await question_about(topic, ref)
        insist(rules.ANSWER, rules.Answering(topic, now, question.answered_at))
        question.answer, question.answered_at, question.answered_by = given.answer, now, actor.must_be_person()
        await question.save([PublicQuestion.answer, PublicQuestion.answered_at, PublicQuestion.answered_by])
        await _tell(held, await questions_about(topic.record), now)
        await record(
            actor,
            f"{topic.kind}.question-answered",
            topic.record,
            {"question": question.ref, "text": question.text, "answer": question.answer},
            about=held.about,
            organisation=hat.organisation_ref,
        )
    return question


# ── letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def tell_waiting(held_by: Mapping[str, HoldOf]) -> int:
    """A job: write the letters that were held back so that many questions become few letters. `held_by` holds the
    records of each kind. Answers of how many questions something was told."""
    untold = await rows(
        str,
        """
        SELECT DISTINCT record FROM public_question
        WHERE CASE WHEN answered_at IS NULL THEN asked_told_at ELSE answer_told_at END IS NULL ORDER BY record
        """,
    )
    told = 0
    for subject in untold:
        kind, _, ref = subject.partition(":")
        async with transaction():
            told += await _tell(await held_by[kind](ref), await questions_about(subject), clock.now())
    return told


async def _tell(held: Held, rows: Sequence[PublicQuestion], now: datetime) -> int:
    """Write what is new about a record's questions to its officers and its readers, when their letters are due. Answers of
    how many questions something was told."""
    topic = held.topic
    asked = [row for row in rows if row.answered_at is None and row.asked_told_at is None]
    answered = [row for row in rows if row.answered_at is not None and row.answer_told_at is None]
    told = 0
    if asked and rules.a_letter_is_due(_last(row.asked_told_at for row in rows), topic.closes_at, now):
        if topic.taking:
            await tell(
                topic.buyer,
                "questions/asked.txt",
                roles=("buyer",),
                about=topic.record,
                topic=topic,
                questions=asked,
            )
        for row in asked:
            row.asked_told_at = now
            await row.save([PublicQuestion.asked_told_at])
        told += len(asked)
    if answered and rules.a_letter_is_due(_last(row.answer_told_at for row in rows), topic.closes_at, now):
        for reader in sorted({*held.readers, *(row.asker for row in answered)}):
            await tell(
                reader,
                "questions/answered.txt",
                roles=SUPPLIER_ROLES,
                about=topic.record,
                topic=topic,
                questions=[row for row in answered if reader in held.readers or row.asker == reader],
            )
        for row in answered:
            row.answer_told_at = now
            await row.save([PublicQuestion.answer_told_at])
        told += len(answered)
    return told


def _last(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
