"""Tenders: published through the gate, asked about, followed, and ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell, tell_person
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.audit.thread import decided
from market.budgets import counting
from market.db import find, one, transaction
from market.proof import canonical, sealing
from market.questions import actions as questions
from market.questions.tables import PublicQuestion
from market.reads import rows
from market.refusals import insist
from market.reviews import rules as reviews
from market.rulings import actions as rulings
from market.rulings.tables import Ruling
from market.settings import settings
from market.tenders import facts, gate, method, rules, value
from market.tenders.drafts.actions import profile_named
from market.tenders.drafts.whole import ready_of
from market.tenders.evidence import take_turns
from market.tenders.facts import Candidate, Officer
from market.tenders.log import ancestors, written
from market.tenders.readers import candidate, published, readable, reserves, topic_of
from market.tenders.tables import Follower, OpeningOfficer, Tender
from market.touch import binds
from market.wording import N_


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Why a tender is cancelled; it is published."""

    reason: Annotated[str, Meta(title=N_("Why it is cancelled"), min_length=20, max_length=2000)]


class Override(msgspec.Struct, forbid_unknown_fields=True):
    """Why a buyer's claim shall stand against the list of commodities, and on which paper; public."""

    ground: Annotated[str, Meta(title=N_("Why the claim may stand"), max_length=4000)] = ""
    instrument: Annotated[str, Meta(title=N_("The paper it rests on"), max_length=1000)] = ""


# ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("propose that the rule does not bind a purchase"))
async def propose_commodity(actor: Actor, ref: str, given: Override) -> Ruling:
    """As an operator, propose to let the buyer's claim stand against the list of commodities. It counts once a second person
    confirmed it and no auditor objected in the waiting time; any later change of the codes or the claim undoes it."""
    async with transaction():
        hat = actor.must_wear("operator", secret=True)
        tender = await find(Tender, Tender.ref == ref, lock=True)
        insist(rules.EDIT, tender)
        asked = await candidate(ref)
        insist(rules.CONFIRM, tender, asked.codes, asked.now)
        ruling = await rulings.propose(
            actor,
            Ruling(
                about="commodity",
                organisation=tender.buyer,
                tender=ref,
                after=" ".join(sorted(asked.codes)),
                ground=given.ground.strip(),
                instrument=given.instrument.strip(),
                proposed_at=clock.now(),
            ),
        )
        await written(actor, "tender.commodity-proposed", tender, hat, {"ruling": ruling.ref})
    return ruling


@binds(N_("publish a tender"))
async def publish(actor: Actor, ref: str) -> Tender:
    """Open the tender to bids: everything of `rules.PUBLISH` holds, a second person approved it as it is, the key that bids are sealed to is made and split,
    what the gate found is kept, and all of it is in the log."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
        if tender.exercise:
            await take_turns(tender.exercise)
        asked = await candidate(ref)
        insist(rules.PUBLISH, asked)
        ready = await ready_of(tender)
        insist(reviews.PUBLISH, ready)
        tender.profile = await profile_named(tender.profile)
        opened = gate.ask(asked)
        key = await _seal_key(tender, asked.officers)
        tender.published_at = asked.now
        tender.ground, tender.ground_reference = opened.ground or "", opened.reference
        tender.gate_trace = _trace(opened, value.worth(asked).near)
        if not tender.cpv:
            tender.cpv = asked.codes
        await tender.save(
            [
                Tender.published_at,
                Tender.profile,
                Tender.ground,
                Tender.ground_reference,
                Tender.gate_trace,
                Tender.cpv,
                Tender.public_key,
                Tender.platform_share,
                Tender.key_commitment,
            ]
        )
        for officer in asked.officers:
            await tell_person(officer.person, "tenders/keep-your-code.txt", about=f"tender:{ref}", tender=tender)
        kind = {"exercise": "challenge", "waiver": "waiver"}.get(tender.ground, "")
        rests_on = [f"{kind}:{tender.ground_reference}"] if kind else []
        await record(
            actor,
            "tender.published",
            f"tender:{ref}",
            {**_announced(tender, asked, key), **reviews.announced(ready)},
            about=[*rests_on, *await ancestors(tender)],
            organisation=hat.organisation_ref,
            announce=rests_on,
        )
        for lot in asked.lots:
            await counting.keep(
                actor,
                f"tender:{ref}",
                f"lot:{lot.ref}",
                reserved=reserves(lot),
                committed=0,
                cause="published",
                budget=tender.budget,
            )
    return tender


def _announced(tender: Tender, asked: Candidate, key: sealing.TenderKey) -> dict[str, canonical.Plain]:
    lots: list[canonical.Plain] = [
        {
            "ref": lot.ref,
            "title": lot.title,
            "value_minor": lot.value_minor,
            "maximum_minor": lot.maximum_minor,
            "cpv": list(lot.cpv),
        }
        for lot in asked.lots
    ]
    closes_at = tender.closes_at.isoformat() if tender.closes_at else None
    worth = value.worth(asked)
    return {
        "title": tender.title,
        "ground": tender.ground,
        "reference": tender.ground_reference,
        "gate": canonical.decode(tender.gate_trace.encode()),
        "lots": lots,
        "method": list(method.stated(asked)),
        "value_minor": asked.value.minor,
        "value_with_vat_minor": worth.total.minor,
        "contract_kind": tender.contract_kind,
        "notice": value.notice(worth, asked.tender.buyer_tier),
        "budget": asked.naming.budget.ref if asked.naming.budget else "",
        "planned_notice": tender.planned_notice,
        "urgency_reason": tender.urgency_reason,
        "currency": tender.currency,
        "closes_at": closes_at,
        "key": key.published(),
        "key_commitment": key.commitment,
    }


async def _seal_key(tender: Tender, officers: Sequence[Officer]) -> sealing.TenderKey:
    """Make the tender's key, hand each officer her share, and keep what is kept; the private half is forgotten."""
    key = sealing.make_key([officer.public_key for officer in officers], sealing.platform_key(settings().secret))
    for officer, share in zip(officers, key.officer_shares, strict=True):
        await OpeningOfficer.update({OpeningOfficer.share: share}).where(OpeningOfficer.id == officer.id)
    tender.public_key, tender.platform_share, tender.key_commitment = key.public_key, key.platform_share, key.commitment
    return key


def _trace(opened: gate.Gate, near: bool) -> str:
    lines: list[canonical.Plain] = [
        {"code": line.code, "holds": line.holds, "says": line.says} for line in opened.lines
    ]
    return canonical.encode(
        {"ground": opened.ground, "reference": opened.reference, "lines": lines, "near": near}
    ).decode()


# ── questions, followers, the end ────────────────────────────────────────────────────────────────────────────────────


async def hold(ref: str) -> questions.Held:
    """A published tender for what is asked about it, its row locked: one question is dealt with at a time. Who follows it
    reads every answer."""
    tender = await published(ref, lock=True)
    followers = await rows(int, "SELECT organisation FROM follower WHERE tender = {}", tender.id)
    return questions.Held(topic_of(tender), set(followers), await ancestors(tender))


async def ask(actor: Actor, ref: str, given: questions.QuestionDraft) -> PublicQuestion:
    """Ask about a published tender as a supplier; from now on its body is written to when the tender changes."""
    async with transaction():
        question = await questions.ask(actor, await hold(ref), given)
        await add_follower(await find(Tender, Tender.ref == ref), question.asker)
    return question


async def answer(actor: Actor, ref: str, question: str, given: questions.AnswerDraft) -> PublicQuestion:
    """Answer a question (its reference) about this tender, once and for everybody."""
    async with transaction():
        return await questions.answer(actor, await hold(ref), question, given)


@binds(N_("cancel a tender"))
async def cancel(actor: Actor, ref: str, given: Ending) -> Tender:
    """End a published tender without an award, with a reason everybody reads. Envelopes not opened yet stay sealed for ever."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
        insist(rules.CANCEL, tender, bool(await decided([ref])))
        tender.cancelled_at, tender.cancelled_reason = clock.now(), given.reason
        await tender.save([Tender.cancelled_at, Tender.cancelled_reason])
        await tell_followers(tender, "tenders/cancelled.txt", reason=given.reason)
        await record(
            actor,
            "tender.cancelled",
            f"tender:{ref}",
            {"title": tender.title, "reason": given.reason},
            about=await ancestors(tender),
            organisation=hat.organisation_ref,
        )
        await counting.release(actor, f"tender:{ref}", "cancelled")
    return tender


async def follow(actor: Actor, ref: str, wanted: bool = True) -> facts.Tender:
    """As a supplier, be written to when a published tender changes; or, with `wanted` False, no longer."""
    async with transaction():
        tender = await readable(actor, ref)
        hat = actor.must_wear(*SUPPLIER_ROLES)
        if wanted:
            await add_follower(tender, hat.organisation)
        else:
            await Follower.delete().where((Follower.tender == tender.id) & (Follower.organisation == hat.organisation))
        await record(
            actor,
            "tender.followed" if wanted else "tender.unfollowed",
            f"tender:{ref}",
            organisation=hat.organisation_ref,
            sealed_by=f"follower:{ref}",
        )
    return tender


async def add_follower(tender: Tender | facts.Tender, organisation: int) -> None:
    """Write to this body (its id) from now on when the tender changes; for those who asked or bid. Inside the caller's
    transaction, without an event of its own."""
    await one(
        "INSERT INTO follower (tender, organisation, since) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING",
        tender.id,
        organisation,
        clock.now(),
    )


async def tell_followers(tender: Tender, template: str, **said: Any) -> None:
    """Write the same letter to every body that follows this tender."""
    for row in await Follower.objects().where(Follower.tender == tender.id).order_by(Follower.id):
        await tell(
            row.organisation, template, roles=SUPPLIER_ROLES, about=f"tender:{tender.ref}", tender=tender, **said
        )
