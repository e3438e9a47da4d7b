"""“Has somebody done this already?”: shown to a buyer while she drafts, answered by her, and public with what she publishes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from challenges import exercise
from challenges.drafts import actions as challenges
from challenges.tables import Challenge
from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.builds import actions as builds
from market.builds.tables import Build
from market.db import find, transaction
from market.refusals import NotFound, insist
from market.reviews.actions import APPROVING, keep_answer
from market.reviews.readers import said_elsewhere
from market.standing import Standing
from market.tenders import log
from market.tenders.drafts import whole as tenders
from market.tenders.tables import Tender
from market.waivers import actions as waivers
from market.wording import N_
from search import rules
from search.documents import Kind
from search.index import IndexUnavailable
from search.likeness import Likeness, similar
from search.outbox import index
from search.standing import standing
from search.tables import LookedAt

OURS = (Kind.CHALLENGE, Kind.INSIGHT_REPORT, Kind.CONTRACT, Kind.COMPONENT, Kind.TENDER)
"""What was done, learnt, bought, built or is being bought here."""
MOST_OURS = 6
MOST_IMPORTED = 4
"""Imported notices are asked for by themselves: there are so many that they would crowd out the rest."""


class PrecedentAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What the buyer says of the list. `seen` is :func:`fingerprint` of what she was shown; `chosen` the id of what she
    reuses or joins."""

    answer: Annotated[Literal["reuse", "join", "differs", "nothing"], Meta(title=N_("Your answer"))]
    seen: Annotated[str, Meta(title=N_("What you were shown"), max_length=40)]
    chosen: Annotated[str, Meta(title=N_("Which one"), max_length=120)] = ""
    reason: Annotated[str, Meta(title=N_("Why"), max_length=4000)] = ""


class Shown(msgspec.Struct, frozen=True):
    """One thing the buyer was shown: `score` is the weight of the shared words in tenths."""

    id: str
    kind: Kind
    title: str
    url: str
    stage: str
    """The word under which it stood when it was shown."""
    who: str
    shared: tuple[str, ...]
    score: int
    tone: str = "grey"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: a challenge, a tender or a decision to make or to buy, with the text that speaks for it. `about` are its ancestors in the log."""

    kind: Literal["challenge", "tender", "build"]
    ref: str
    title: str
    text: str
    buyer: int
    published_at: datetime | None
    about: tuple[str, ...]

    @property
    def id(self) -> str:
        """`kind:ref`."""
        return f"{self.kind}:{self.ref}"

    @property
    def url(self) -> str:
        """Its page; for a draft its list of tasks."""
        if self.kind == "challenge":
            return f"/challenges/{self.ref}" + ("" if self.published_at else "/draft")
        return f"/make-or-buy/{self.ref}" if self.kind == "build" else f"/tenders/{self.ref}"


async def subject_of(kind: str, ref: str, *, lock: bool = False) -> Subject:
    """The challenge, tender or decision of this reference, whoever asks; 404 for other kinds."""
    if kind == "challenge":
        row = await find(Challenge, Challenge.ref == ref, lock=lock)
        about = await exercise.ancestors(row)
        text = await challenges.words_of(row)
        return Subject("challenge", ref, row.title, text, row.buyer, row.published_at, tuple(about))
    if kind == "tender":
        found = await find(Tender, Tender.ref == ref, lock=lock)
        about = await log.ancestors(found)
        text = await tenders.words_of(found)
        return Subject("tender", ref, found.title, text, found.buyer, found.published_at, tuple(about))
    if kind == "build":
        build = await find(Build, Build.ref == ref, lock=lock)
        text = builds.words_of(build)
        return Subject("build", ref, build.title, text, build.body, build.published_at, ())
    raise NotFound("Record")


async def readable(actor: Actor, kind: str, ref: str) -> tuple[Subject, datetime | None]:
    """What a page may show and until when answers count: a published challenge or tender to everybody, a draft to its
    buyer's people and whoever reviews it, a waiver's tender as it was answered for when the waiver was asked to whoever may read the waiver."""
    if kind == "waiver":
        waiver = await waivers.readable(actor, ref)
        tender = await find(Tender, Tender.id == waiver.tender)
        return await subject_of("tender", tender.ref), waiver.asked_at
    subject = await subject_of(kind, ref)
    if subject.published_at is None:
        reads = actor.wears(*APPROVING, organisation=subject.buyer) or (kind == "challenge" and actor.wears("operator"))
        if not reads:
            raise NotFound("Record")
    return subject, subject.published_at


async def alike(subject: Subject) -> list[Shown]:
    """What is most like it, here and on other portals. Raises IndexUnavailable."""
    ours = await similar(index(), subject.text, kinds=OURS, without=[subject.id], limit=MOST_OURS)
    theirs = await similar(index(), subject.text, kinds=(Kind.NOTICE,), limit=MOST_IMPORTED)
    return [_shown(each) for each in (*ours, *theirs)]


def _shown(found: Likeness) -> Shown:
    document = found.hit.document
    who = document.buyer or ", ".join(document.supplier_names)
    score = round(found.weight * 10)
    stands = standing(document, clock.now()) or Standing("", "", "grey")
    return Shown(
        id=document.id,
        kind=document.kind,
        title=document.title,
        url=document.url,
        stage=stands.word,
        who=who,
        shared=found.shared,
        score=score,
        tone=stands.tone,
    )


def fingerprint(shown: Sequence[Shown]) -> str:
    """What a list is called in the form that answers for it."""
    return hashlib.blake2b("\n".join(each.id for each in shown).encode(), digest_size=12).hexdigest()


async def compare(actor: Actor, kind: str, ref: str, given: PrecedentAnswer) -> LookedAt:
    """Keep what a buyer was shown for her draft and what she answers. She may answer again until she publishes."""
    async with transaction():
        subject = await subject_of(kind, ref, lock=True)
        hat = actor.must_wear("buyer", organisation=subject.buyer, secret=subject.published_at is None)
        try:
            shown = await alike(subject)
        except IndexUnavailable as down:
            raise rules.UNAVAILABLE.refused() from down
        ids = tuple(each.id for each in shown)
        seen = given.seen == fingerprint(shown)
        published = subject.published_at is not None
        copied = await said_elsewhere(subject.buyer, subject.id, given.reason)
        insist(
            rules.COMPARE, rules.Comparison(published, ids, seen, given.answer, given.chosen, given.reason, copied)
        )  # fmt: skip
        return await keep(actor, subject, given, shown, hat.organisation_ref)


async def keep(
    actor: Actor, subject: Subject, given: PrecedentAnswer, shown: Sequence[Shown], organisation: str
) -> LookedAt:
    """Keep an answer for what was shown, hand publication the fact that it needs, and record it; what has to hold was asked."""
    async with transaction():
        kept = LookedAt(
            subject=subject.id,
            shown=msgspec.json.encode(shown).decode(),
            answer=given.answer,
            chosen=given.chosen if given.answer in ("reuse", "join") else "",
            reason=given.reason.strip(),
            by=actor.must_be_person(),
            at=clock.now(),
        )
        await kept.save()
        await keep_answer(
            subject.id,
            subject.buyer,
            kept.by,
            text=subject.text,
            found=len(shown),
            answer=kept.answer,
            reason=kept.reason,
        )
        await record(
            actor,
            "draft.compared",
            subject.id,
            {"answer": kept.answer, "chosen": kept.chosen, "reason": kept.reason, "shown": [each.id for each in shown]},
            about=subject.about,
            organisation=organisation,
            sealed_by=f"publication:{subject.id}",
        )
    return kept


async def answers(subject: Subject, until: datetime | None = None) -> list[tuple[LookedAt, list[Shown]]]:
    """Every answer for a subject, newest first, with what was shown; none from after `until`."""
    rows = await LookedAt.objects().where(LookedAt.subject == subject.id).order_by(LookedAt.id, ascending=False)
    return [(row, msgspec.json.decode(row.shown, type=list[Shown])) for row in rows if until is None or row.at <= until]
