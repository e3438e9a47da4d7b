"""Proposing, confirming, objecting to and withdrawing what decides whom the rule binds; and what is done once it holds."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import auditors, tell
from market.accounts.tables import Organisation, Person
from market.actor import SYSTEM, Actor, Hat, Role
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.hands import rules as hands
from market.hands.readers import links_in
from market.proof.canonical import Plain
from market.reads import rows, the
from market.refusals import insist
from market.rulings import readers, rules
from market.rulings.tables import Listed, Objection, Ruling
from market.touch import binds
from market.wording import N_

DECIDERS: tuple[Role, ...] = ("operator", "auditor")
"""Who proposes and confirms; auditors alone object."""

Ground = Annotated[str, Meta(title=N_("Why"), max_length=4000)]
Instrument = Annotated[str, Meta(title=N_("The paper it rests on"), max_length=1000)]


class TierDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Which body shall be of which tier, on which ground and paper."""

    organisation: Annotated[str, Meta(title=N_("Body"), min_length=3, max_length=16)]
    after: Annotated[str, Meta(title=N_("Tier of government"), max_length=12)]
    ground: Ground = ""
    instrument: Instrument = ""


class DepartmentDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Which department shall answer for a body (none when empty), on which ground and paper."""

    organisation: Annotated[str, Meta(title=N_("Body"), min_length=3, max_length=16)]
    after: Annotated[str, Meta(title=N_("Department that answers for it"), max_length=16)] = ""
    ground: Ground = ""
    instrument: Instrument = ""


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why a ruling shall not hold."""

    reason: Annotated[str, Meta(title=N_("Why it shall not hold"), max_length=2000)] = ""


# ── proposing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("propose that the rule binds a body otherwise"))
async def propose_tier(actor: Actor, given: TierDraft) -> Ruling:
    """Propose another tier for a buyer: the rule binds central government, and thresholds differ by tier."""
    decides(actor)
    async with transaction():
        body = await find(Organisation, Organisation.ref == given.organisation, lock=True)
        if body.kind != "buyer" or given.after not in rules.TIERS:
            raise rules.NO_TIER.refused()
        return await propose(
            actor,
            Ruling(
                about="tier",
                organisation=body.id,
                after=given.after,
                ground=given.ground.strip(),
                instrument=given.instrument.strip(),
                proposed_at=clock.now(),
            ),
        )


@binds(N_("propose another department for a body"))
async def propose_department(actor: Actor, given: DepartmentDraft) -> Ruling:
    """Propose another department for a buyer: its exercises open the gate, and its minister signs waivers."""
    decides(actor)
    async with transaction():
        body = await find(Organisation, Organisation.ref == given.organisation, lock=True)
        above = await maybe(Organisation, Organisation.ref == given.after) if given.after else None
        if body.kind != "buyer" or (given.after and (above is None or above.tier != "central" or above.id == body.id)):
            raise rules.NO_DEPARTMENT.refused()
        return await propose(
            actor,
            Ruling(
                about="department",
                organisation=body.id,
                after=given.after,
                ground=given.ground.strip(),
                instrument=given.instrument.strip(),
                proposed_at=clock.now(),
            ),
        )


async def propose(actor: Actor, row: Ruling) -> Ruling:
    """Keep a proposal whose right, body and choice were judged before; what holds now becomes its `before`. Everybody can read
    it from now on; operators and auditors are told."""
    hat = decides(actor)
    async with transaction():
        me = actor.must_be_person()
        row.before = await readers.stands(row.about, row.organisation, row.tender)
        insist(
            rules.PROPOSE,
            rules.Proposal(
                before=row.before,
                after=row.after,
                ground=row.ground,
                instrument=row.instrument,
                others=await others_than(actor),
                auditors=await auditors(),
                belongs=await readers.belongs(me, row.organisation),
                open_already=await readers.open_about(row.about, row.organisation, row.tender),
            ),
        )
        row.proposed_by = me
        await row.save()
        listed = await readers.one(row.ref)
        for overseers in await rows(int, "SELECT id FROM organisation WHERE kind IN ('operator', 'audit') ORDER BY id"):
            await _tell(overseers, "rulings/proposed.txt", listed, DECIDERS)
        await _record(actor, "ruling.proposed", listed, hat)
    return row


# ── a second person, and objections ────────────────────────────────────────────────────────────────────────────────


@binds(N_("confirm that the rule binds otherwise"))
async def confirm(actor: Actor, ref: str) -> Listed:
    """Confirm what somebody else proposed: from now on auditors can object until the policy's working days are over, and then
    it holds."""
    hat = decides(actor)
    async with transaction():
        row = await find(Ruling, Ruling.ref == ref, lock=True)
        insist(rules.CONFIRM, await confirming(actor, await readers.one(ref)))
        now = clock.now()
        row.confirmed_by, row.confirmed_at = actor.must_be_person(), now
        row.objections_until = rules.objections_until(now)
        row.effect_at = rules.effect_at(row.objections_until)
        await row.save([Ruling.confirmed_by, Ruling.confirmed_at, Ruling.objections_until, Ruling.effect_at])
        listed = await readers.one(ref)
        for audit in await rows(int, "SELECT id FROM organisation WHERE kind = 'audit' ORDER BY id"):
            await _tell(audit, "rulings/confirmed.txt", listed, ("auditor",))
        if row.organisation is not None:
            await _tell(row.organisation, "rulings/confirmed.txt", listed, ("buyer",))
        await _record(actor, "ruling.confirmed", listed, hat)
    return listed


@binds(N_("object to a ruling"))
async def object_to(actor: Actor, ref: str, given: Reason) -> Listed:
    """As an auditor, stop a ruling before it holds, with reasons that everybody reads."""
    hat = _audits(actor)
    async with transaction():
        row = await find(Ruling, Ruling.ref == ref, lock=True)
        now = clock.arrived()
        insist(rules.OBJECT, rules.Stopping(await readers.one(ref), given.reason, False, now))
        await Objection.insert(
            Objection(ruling=row.id, made_by=actor.must_be_person(), at=now, because=given.reason.strip())
        )
        listed = await readers.one(ref)
        await _tell_those_concerned("rulings/objected.txt", listed)
        await _record(actor, "ruling.objected", listed, hat, {"because": given.reason.strip()})
    return listed


@binds(N_("lift your objection to a ruling"))
async def lift(actor: Actor, ref: str) -> Listed:
    """As the auditor who objected, lift the objection. The waiting time begins anew."""
    hat = _audits(actor)
    async with transaction():
        row = await find(Ruling, Ruling.ref == ref, lock=True)
        listed = await readers.one(ref)
        insist(rules.LIFT, rules.Stopping(listed, "", listed.objector_ref == actor.ref, clock.arrived()))
        await Objection.update({Objection.lifted_at: clock.now()}).where(
            (Objection.ruling == row.id) & (Objection.lifted_at.is_null())
        )
        row.objections_until = max(row.objections_until, rules.objections_until(clock.now()))
        row.effect_at = rules.effect_at(row.objections_until)
        await row.save([Ruling.objections_until, Ruling.effect_at])
        listed = await readers.one(ref)
        await _record(actor, "ruling.objection-lifted", listed, hat)
    return listed


@binds(N_("withdraw a ruling"))
async def withdraw(actor: Actor, ref: str, given: Reason) -> Listed:
    """Take a ruling back before it holds, with a reason that everybody reads: any operator or auditor."""
    hat = decides(actor)
    async with transaction():
        row = await find(Ruling, Ruling.ref == ref, lock=True)
        now = clock.arrived()
        insist(rules.WITHDRAW, rules.Stopping(await readers.one(ref), given.reason, False, now))
        row.withdrawn_by, row.withdrawn_at, row.withdrawn_because = actor.must_be_person(), now, given.reason.strip()
        await row.save([Ruling.withdrawn_by, Ruling.withdrawn_at, Ruling.withdrawn_because])
        listed = await readers.one(ref)
        await _record(actor, "ruling.withdrawn", listed, hat, {"because": row.withdrawn_because})
    return listed


async def lapse(actor: Actor, tender: str, because: str) -> None:
    """What a ruling let stand was about these codes and this statement: when they change, it is withdrawn, in force or not.
    Inside the caller's transaction."""
    for ref in await rows(
        str, "SELECT ref FROM ruling WHERE about = 'commodity' AND tender = {} AND withdrawn_at IS NULL", tender
    ):
        row = await find(Ruling, Ruling.ref == ref, lock=True)
        row.withdrawn_by, row.withdrawn_at, row.withdrawn_because = actor.person, clock.now(), because
        await row.save([Ruling.withdrawn_by, Ruling.withdrawn_at, Ruling.withdrawn_because])
        await record(actor, "ruling.lapsed", f"ruling:{ref}", {"because": because})


# ── once it holds ──────────────────────────────────────────────────────────────────────────────────────────────────


async def tell_in_force() -> int:
    """Tell those concerned of every ruling that has come to hold, and write the tier and the department beside the body, where
    lists read them; answers how many there were. What the law asks about is reckoned from the dates and needs no job."""
    async with transaction():
        due = await rows(
            str,
            """
            SELECT r.ref FROM ruling r WHERE r.told_at IS NULL AND r.effect_at <= {} AND ruling_stands(r)
            ORDER BY r.effect_at, r.id LIMIT 20 FOR UPDATE SKIP LOCKED
            """,
            clock.now(),
        )
        for ref in due:
            row = await find(Ruling, Ruling.ref == ref, lock=True)
            if row.about == "tier":
                await Organisation.update({Organisation.tier: row.after}).where(Organisation.id == row.organisation)
            elif row.about == "department":
                above = await maybe(Organisation, Organisation.ref == row.after) if row.after else None
                await Organisation.update({Organisation.department: above.id if above else None}).where(
                    Organisation.id == row.organisation
                )
            row.told_at = clock.now()
            await row.save([Ruling.told_at])
            listed = await readers.one(ref)
            await _tell_those_concerned("rulings/in-force.txt", listed)
            await _record(SYSTEM, "ruling.in-force", listed, None)
    return len(due)


# ── reads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def confirming(actor: Actor, row: Listed) -> rules.Confirming:
    """What the rules of a confirmation judge, for the action and the page alike."""
    me = actor.must_be_person()
    proposer = await find(Person, Person.ref == row.proposer_ref)
    teams = await rows(
        int,
        """
        SELECT DISTINCT m.organisation FROM membership m JOIN organisation o ON o.id = m.organisation
        WHERE m.person = ANY({}::int[]) AND o.kind IN ('operator', 'audit')
        """,
        [me, proposer.id],
    )
    links = [link for each in teams for link in await links_in(each)]
    operator = await the(
        bool,
        """
        SELECT EXISTS (SELECT 1 FROM membership m WHERE m.person = {} AND m.role = 'operator' AND m.since <= {}
          AND (m.until IS NULL OR m.until > {}))
        """,
        proposer.id,
        row.proposed_at,
        row.proposed_at,
    )
    before = hands.Hand("propose-ruling", proposer.ref, proposer.name)
    return rules.Confirming(
        row,
        hands.Doing("confirm-ruling", actor.ref, [before], links),
        operator or actor.wears("operator") is not None,
        await readers.belongs(me, row.organisation),
        await readers.stands(row.about, row.organisation, row.tender),
    )


async def others_than(actor: Actor) -> int:
    """How many others could confirm what this person proposes; an auditor's is confirmed by operators only."""
    now = clock.now()
    return await the(
        int,
        """
        SELECT count(DISTINCT m.person) FROM membership m JOIN person p ON p.id = m.person
        WHERE m.role = ANY({}::text[]) AND m.person <> {} AND m.since <= {} AND (m.until IS NULL OR m.until > {})
          AND p.closed_at IS NULL
        """,
        list(DECIDERS) if actor.wears("operator") else ["operator"],
        actor.must_be_person(),
        now,
        now,
    )


def decides(actor: Actor) -> Hat:
    """The hat of an operator or auditor who signed in herself."""
    if actor.method == "token":
        raise rules.NO_PROGRAM.refused()
    return actor.must_wear(*DECIDERS)


def _audits(actor: Actor) -> Hat:
    if actor.method == "token":
        raise rules.NO_PROGRAM.refused()
    return actor.must_wear("auditor")


async def _tell_those_concerned(template: str, row: Listed) -> None:
    for team in await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY id"):
        await _tell(team, template, row, ("operator",))
    if row.organisation is not None:
        await _tell(row.organisation, template, row, ("buyer",))


async def _tell(organisation: int, template: str, row: Listed, roles: tuple[Role, ...]) -> None:
    await tell(
        organisation,
        template,
        roles=roles,
        about=f"ruling:{row.ref}",
        ruling=row,
        what=rules.ABOUT[row.about],
        before=rules.value_words(row.about, row.before),
        after=rules.value_words(row.about, row.after),
    )


async def _record(actor: Actor, verb: str, row: Listed, hat: Hat | None, more: dict[str, Plain] | None = None) -> None:
    said: dict[str, Plain] = {
        "about": row.about,
        "body": row.body_ref,
        "before": row.before,
        "after": row.after,
        "ground": row.ground,
        "instrument": row.instrument,
        "objections_until": row.objections_until.isoformat() if row.objections_until else None,
        "effect": row.effect_at.isoformat() if row.effect_at else None,
        **(more or {}),
    }
    about = [f"organisation:{row.body_ref}"] if row.body_ref else []
    await record(
        actor,
        verb,
        f"ruling:{row.ref}",
        said,
        about=about,
        organisation=hat.organisation_ref if hat else "",
    )
