"""Reviews of waivers: scheduled with the signature, called by auditors, answered by the minister with her passkey."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from market import clock, workdays
from market.accounts import passkeys
from market.accounts.edits import Trace, must_have_seen
from market.accounts.people import tell, tell_person
from market.actor import Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.drafts import Overtaken
from market.money import Money
from market.proof import canonical, signing
from market.proof.spelling import stamp
from market.reads import row, rows
from market.refusals import insist
from market.tenders import log
from market.tenders.evidence import end_waiver, review_waiver
from market.tenders.tables import InnovationEvidence, Tender
from market.touch import binds
from market.waivers import rules as waivers
from market.waivers import signatures
from market.waivers.reviews import readers, rules
from market.waivers.reviews.rules import Review
from market.waivers.tables import Waiver, WaiverReview
from market.wording import N_

PURPOSE = "waiver.review"


class Call(msgspec.Struct, forbid_unknown_fields=True):
    """Why an auditor calls for a review; it is published."""

    schema_name: ClassVar[str] = "WaiverReviewCall"
    why: Annotated[str, Meta(title=N_("What the minister should look at"), max_length=4000)]


class AnswerDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a minister answers: `keeps`, `narrows` or `revokes`, and why; of a narrower waiver its new last day, its new value
    without VAT, or both."""

    schema_name: ClassVar[str] = "WaiverReviewAnswer"
    answer: Annotated[str, Meta(title=N_("Your answer"), max_length=8)]
    says: Annotated[str, Meta(title=N_("Why"), max_length=4000)]
    ends_on: Annotated[date | None, Meta(title=N_("New last day"))] = None
    ceiling_minor: Annotated[int | None, Meta(title=N_("New value"))] = None


async def schedule(waiver: Waiver, signed_at: datetime) -> None:
    """With its signature a waiver gets the day of its review, where it lives long enough to be answered. Inside the caller's
    transaction, which records the signature; the caller's waiver is saved."""
    if waiver.valid_until is None:
        return
    begins = rules.begins_at(signed_at, waiver.valid_until)
    due = rules.answer_by(begins)
    if due >= waiver.valid_until:
        return
    await WaiverReview(waiver=waiver.id, begins_at=begins, answer_by=due).save()
    await _owed(waiver)


async def _owed(waiver: Waiver, **narrowed: Any) -> None:
    """Keep from when on the waiver opens nothing: the first day by which an answer is owed."""
    waiver.suspends_at = await row(
        datetime,
        "SELECT answer_by FROM waiver_review WHERE waiver = {} AND answered_at IS NULL ORDER BY answer_by LIMIT 1",
        waiver.id,
    )
    await waiver.save([Waiver.suspends_at])
    await review_waiver(waiver.ref, suspends_at=waiver.suspends_at, **narrowed)


@binds(N_("call for a review of a waiver"))
async def call(actor: Actor, ref: str, given: Call) -> WaiverReview:
    """An auditor calls for a review: the minister answers within the policy's days, or the waiver is suspended."""
    async with transaction():
        waiver, tender = await _locked(ref)
        hat = actor.must_wear("auditor", secret=waiver.decided_at is None)
        now = clock.arrived()
        insist(rules.CALL, rules.Calling(waivers.stage(waiver, now), await readers.reviews_of(ref), given.why, now))
        review = WaiverReview(
            waiver=waiver.id,
            called_by=actor.must_be_person(),
            why=given.why.strip(),
            begins_at=now,
            answer_by=rules.answer_by(now),
            due_told_at=now,
        )
        await review.save()
        await _owed(waiver)
        said = {"waiver": waiver, "tender": tender, "review": review, "auditor": actor.name}
        await tell(waiver.department, "waivers/review-due.txt", roles=("minister",), about=f"waiver:{ref}", **said)
        await tell(waiver.buyer, "waivers/review-called.txt", roles=("buyer",), about=f"waiver:{ref}", **said)
        await record(
            actor,
            "waiver.review-called",
            f"waiver:{ref}",
            {"review": review.ref, "why": review.why, "answer_by": stamp(review.answer_by)},
            about=[f"tender:{tender.ref}", *await log.ancestors(tender)],
            organisation=hat.organisation_ref,
        )
    return review


async def write(actor: Actor, ref: str, review_ref: str, given: AnswerDraft, seen: str) -> WaiverReview:
    """The minister writes her answer down, again as often as she likes, each time from the version that was `seen`
    (:func:`readers.version`); it does nothing until she signs it."""
    async with transaction():
        waiver, _tender = await _locked(ref)
        hat = actor.must_wear("minister", organisation=waiver.department, secret=waiver.decided_at is None)
        review = await find(
            WaiverReview, (WaiverReview.ref == review_ref) & (WaiverReview.waiver == waiver.id), lock=True
        )
        narrows = given.answer == "narrows"
        answer, says = given.answer, given.says.strip()
        until = workdays.end_of_day(given.ends_on) if narrows and given.ends_on else None
        value = given.ceiling_minor if narrows else None
        known = await readers.review(ref, review_ref)
        insist(rules.ANSWER, await _answering(waiver, known, answer, says, until, value))
        trace = Trace("waiver.review-written", f"waiver:{ref}")
        await must_have_seen(seen, readers.version(known), _stored(known), trace)
        review.answer, review.says = answer, says
        review.new_until, review.new_ceiling_minor = until, value
        await review.save(
            [WaiverReview.answer, WaiverReview.says, WaiverReview.new_until, WaiverReview.new_ceiling_minor]
        )
        await record(
            actor,
            "waiver.review-written",
            f"waiver:{ref}",
            organisation=hat.organisation_ref,
        )
    return review


def _stored(review: Review) -> dict[str, Any]:
    """What a form would show of the answer that is written down."""
    return {
        "answer": review.answer,
        "says": review.says,
        "ends_on": workdays.local_day(review.new_until) if review.new_until else None,
        "ceiling_minor": review.new_ceiling_minor,
    }


async def begin_signing(actor: Actor, ref: str, review_ref: str, seen: str) -> dict[str, Any]:
    """What the minister's browser needs to sign the answer that was shown to her (WebAuthn request options as JSON): `seen` is its
    :func:`readers.version`. One that another minister wrote anew meanwhile is refused with what stands there now, so that nobody
    signs a text that she did not read."""
    waiver = await find(Waiver, Waiver.ref == ref)
    actor.must_wear("minister", organisation=waiver.department, secret=waiver.decided_at is None)
    review = await readers.review(ref, review_ref)
    await _insist(waiver, review)
    try:
        trace = Trace("waiver.review-written", f"waiver:{ref}")
        await must_have_seen(seen, readers.version(review), _stored(review), trace)
    except Overtaken as told:
        words = rules.REWRITTEN.refusal(name=told.by, answer=review.answer_words, says=review.says)
        raise Overtaken(words, told.stored, told.version, told.by, told.at) from None
    signer = await signatures.minister(actor, waiver.department)
    return await signatures.asked(actor, document(waiver, review), signer, PURPOSE)


async def sign(actor: Actor, ref: str, review_ref: str, credential: str) -> WaiverReview:
    """Answer the review with the browser's answer to :func:`begin_signing`: the waiver is kept, narrowed or revoked from now on,
    and suspended no longer. What was published with it stays published."""
    waiver = await find(Waiver, Waiver.ref == ref)
    actor.must_wear("minister", organisation=waiver.department, secret=waiver.decided_at is None)
    signed = await passkeys.signed(actor, credential)
    async with transaction():
        waiver, tender = await _locked(ref)
        hat = actor.must_wear("minister", organisation=waiver.department)
        review = await find(
            WaiverReview, (WaiverReview.ref == review_ref) & (WaiverReview.waiver == waiver.id), lock=True
        )
        known = await readers.review(ref, review_ref)
        await _insist(waiver, known)
        signer = await signatures.minister(actor, waiver.department)
        bundle, verified = await signatures.kept(signed, document(waiver, known), PURPOSE)
        now = clock.arrived()
        review.answered_at, review.answered_by = now, actor.must_be_person()
        review.office = f"{signer.office}, {signer.organisation}"
        review.document, review.bundle = bundle.document.decode(), bundle.to_text()
        await review.save(
            [
                WaiverReview.answered_at,
                WaiverReview.answered_by,
                WaiverReview.office,
                WaiverReview.document,
                WaiverReview.bundle,
            ]
        )
        await _take_effect(waiver, review, now)
        await tell(
            waiver.buyer,
            "waivers/reviewed.txt",
            roles=("buyer",),
            about=f"waiver:{ref}",
            waiver=waiver,
            tender=tender,
            review=await readers.review(ref, review_ref),
        )
        if review.called_by is not None:
            await tell_person(
                review.called_by,
                "waivers/reviewed.txt",
                about=f"waiver:{ref}",
                waiver=waiver,
                tender=tender,
                review=await readers.review(ref, review_ref),
            )
        await record(
            actor,
            "waiver.reviewed",
            f"waiver:{ref}",
            {
                "review": review_ref,
                "answer": review.answer,
                "says": review.says,
                "valid_until": stamp(waiver.valid_until) if waiver.valid_until else None,
                "ceiling_minor": review.new_ceiling_minor,
                "bundle": bundle.digest(),
                "key": verified.key_fingerprint,
            },
            about=[f"tender:{tender.ref}", *await log.ancestors(tender)],
            organisation=hat.organisation_ref,
            announce=[f"tender:{tender.ref}"] if tender.published_at else [],
        )
    return review


async def _take_effect(waiver: Waiver, review: WaiverReview, now: datetime) -> None:
    if review.answer == "revokes":
        waiver.revoked_at, waiver.revoked_by, waiver.revocation_reason = now, review.answered_by, review.says
        await waiver.save([Waiver.revoked_at, Waiver.revoked_by, Waiver.revocation_reason])
        await end_waiver(waiver.ref, now)
    if review.answer == "narrows" and review.new_until is not None:
        waiver.valid_until = review.new_until
        await waiver.save([Waiver.valid_until])
    await _owed(waiver, expires_at=review.new_until, ceiling_minor=review.new_ceiling_minor)


async def _insist(waiver: Waiver, review: Review) -> None:
    if not review.answer:
        raise rules.NOT_WRITTEN.refused()
    insist(
        rules.ANSWER,
        await _answering(waiver, review, review.answer, review.says, review.new_until, review.new_ceiling_minor),
    )


async def _answering(
    waiver: Waiver, review: Review, answer: str, says: str, until: datetime | None, ceiling_minor: int | None
) -> rules.Answering:
    evidence = await maybe(
        InnovationEvidence, (InnovationEvidence.ground == "waiver") & (InnovationEvidence.reference == waiver.ref)
    )
    now = clock.arrived()
    return rules.Answering(
        review=review,
        stage=waivers.stage(waiver, now),
        answer=answer,
        says=says,
        new_until=until,
        new_ceiling_minor=ceiling_minor,
        valid_until=waiver.valid_until,
        ceiling=Money((evidence.ceiling_minor if evidence else None) or 0, review.currency),
        now=now,
    )


def document(waiver: Waiver, review: Review) -> bytes:
    """What the minister signs: which waiver, by the digest of its bundle, why it is reviewed, and her answer, as canonical JSON.
    The same rows always make the same bytes."""
    facts: dict[str, Any] = {
        "type": N_("review of a waiver of the innovation-first rule"),
        "version": 1,
        "review": review.ref,
        "waiver": waiver.ref,
        "waiver_bundle": signing.Bundle.from_text(waiver.bundle).digest(),
        "called_by": review.called_by,
        "why": review.why,
        "answer": review.answer,
        "says": review.says,
        "valid_until": stamp(review.new_until or waiver.valid_until) if waiver.valid_until else None,
        "ceiling_minor": review.new_ceiling_minor,
    }
    return canonical.encode(facts)


async def _locked(ref: str) -> tuple[Waiver, Tender]:
    """The waiver and its tender, both locked, the tender first as everywhere."""
    known = await find(Waiver, Waiver.ref == ref)
    tender = await find(Tender, Tender.id == known.tender, lock=True)
    return await find(Waiver, Waiver.id == known.id, lock=True), tender


async def signed_file(waiver: str, review: Review) -> str:
    """The bundle of an answer, naming the log's event of its waiver that names its digest."""
    return await signatures.file(review.bundle, f"waiver:{waiver}", "waiver.reviewed")


# ── letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def tell_waiting() -> int:
    """A job: ministers are told when a review has begun, buyers and ministers when a waiver is suspended. Answers how many were
    told. It makes nothing true: that follows from the dates."""
    told = 0
    now = clock.now()
    for mark, moment, template in (
        ("due_told_at", "begins_at", "waivers/review-due.txt"),
        ("suspended_told_at", "answer_by", "waivers/suspended.txt"),
    ):
        waiting = await rows(
            int,
            f"""
            SELECT r.id FROM waiver_review r JOIN waiver w ON w.id = r.waiver WHERE r.{mark} IS NULL AND r.{moment} < {{}}
              AND r.answered_at IS NULL AND w.revoked_at IS NULL AND w.valid_until >= {{}} ORDER BY r.id LIMIT 50
            """,  # noqa: S608 - both names stand above
            now,
            now,
        )
        for review in waiting:
            told += await _tell(review, mark, template)
    return told


async def _tell(review_id: int, mark: str, template: str) -> int:
    async with transaction():
        review = await find(WaiverReview, WaiverReview.id == review_id, lock=True)
        if getattr(review, mark) is not None or review.answered_at is not None:
            return 0
        setattr(review, mark, clock.now())
        await review.save([getattr(WaiverReview, mark)])
        waiver = await find(Waiver, Waiver.id == review.waiver)
        tender = await find(Tender, Tender.id == waiver.tender)
        said = {"waiver": waiver, "tender": tender, "review": review, "auditor": ""}
        await tell(waiver.department, template, roles=("minister",), about=f"waiver:{waiver.ref}", **said)
        if mark == "suspended_told_at":
            await tell(waiver.buyer, template, roles=("buyer",), about=f"waiver:{waiver.ref}", **said)
    return 1
