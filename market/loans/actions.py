"""Proposing, agreeing to and ending a loan of a person, and the public list of loans."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock, policy
from market.accounts import memberships
from market.accounts import rules as accounts
from market.accounts.people import holders, tell, tell_person
from market.accounts.tables import Membership, Organisation, Person
from market.actor import Actor, Role, role_words
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.hands import rules as hands
from market.hands.readers import links_in
from market.loans import rules
from market.loans.tables import Listed, Loan
from market.proof.canonical import Plain
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.touch import binds
from market.wording import N_

GIVER: Role = "buyer"
"""Who lends and borrows people for a body: whoever lets people in there."""


class LoanDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Whom one body lends to another: bodies and person by their references; in which role, on which agreement, for how long."""

    lender: Annotated[str, Meta(title=N_("Body that lends"), min_length=3, max_length=16)]
    borrower: Annotated[str, Meta(title=N_("Body that borrows"), min_length=3, max_length=16)]
    person: Annotated[
        str, Meta(title=N_("Reference of the person"), min_length=3, max_length=16, examples=["P-7KQ4M2X"])
    ]
    role: Annotated[Role, Meta(title=N_("Role"))]
    instrument: Annotated[str, Meta(title=N_("Agreement of the two bodies"), max_length=1000)]
    since: Annotated[date, Meta(title=N_("First day"))]
    until: Annotated[date, Meta(title=N_("Last day"))]


@binds(N_("propose that a person is lent"))
async def propose(actor: Actor, given: LoanDraft) -> Loan:
    """Propose that one body lends somebody to another, for either; the other body's administrators are told."""
    actor.must_be_person()
    async with transaction():
        borrower = await find(Organisation, Organisation.ref == given.borrower, lock=True)
        lender = await find(Organisation, Organisation.ref == given.lender)
        own = next((each for each in (borrower, lender) if actor.wears(GIVER, organisation=each.id)), None)
        if own is None:
            actor.must_wear(GIVER, organisation=borrower.id)
            raise NotFound("Organisation")
        person = await maybe(Person, (Person.ref == given.person.strip().upper()) & Person.closed_at.is_null())
        if person is None:
            raise rules.NOBODY.refused()
        now = clock.now()
        row = Loan(
            lender=lender.id,
            borrower=borrower.id,
            person=person.id,
            role=given.role,
            instrument=given.instrument.strip(),
            since=max(memberships.first_moment(given.since) or now, now),
            until=memberships.after(given.until),
            proposed_by=actor.must_be_person(),
            proposed_for=own.id,
            proposed_at=now,
        )
        insist(accounts.INVITE, accounts.Office(borrower.kind, borrower.tier, given.role, "", None, None))
        insist(rules.PROPOSE, await terms_of(actor, row))
        await row.save()
        other = lender if own.id == borrower.id else borrower
        await tell(
            other.id,
            "loans/proposed.txt",
            roles=(GIVER,),
            about=memberships.subject_of(borrower),
            loan=row,
            lender=lender,
            borrower=borrower,
            lent=person,
            role=role_words(row.role),
            proposer=actor.name,
        )
        await _record(actor, "loan.proposed", row, borrower, lender, person, own)
    return row


@binds(N_("agree that a person is lent"))
async def agree(actor: Actor, ref: str) -> Loan:
    """Agree for the other body: from its first day she has the role there, and everybody reads that she is lent."""
    async with transaction():
        row = await find(Loan, Loan.ref == ref, lock=True)
        borrower = await find(Organisation, Organisation.id == row.borrower, lock=True)
        lender = await find(Organisation, Organisation.id == row.lender)
        other = lender if row.proposed_for == borrower.id else borrower
        actor.must_wear(GIVER, organisation=other.id, secret=True)
        person = await find(Person, Person.id == row.person)
        proposer = await find(Person, Person.id == row.proposed_by)
        links = [link for each in (lender.id, borrower.id) for link in await links_in(each)]
        before = hands.Hand("propose-loan", proposer.ref, proposer.name)
        insist(rules.AGREE, rules.Agreeing(row, hands.Doing("agree-loan", actor.ref, [before], links)))
        insist(rules.PROPOSE, await terms_of(actor, row))
        now = clock.now()
        held = Membership(
            person=person.id,
            organisation=borrower.id,
            role=row.role,
            since=max(row.since, now),
            until=row.until,
            lent_by=lender.id,
        )
        await held.save()
        row.agreed_by, row.agreed_at, row.membership = actor.must_be_person(), now, held.id
        await row.save([Loan.agreed_by, Loan.agreed_at, Loan.membership])
        await tell_person(
            person.id,
            "loans/agreed.txt",
            about=memberships.subject_of(borrower),
            loan=row,
            lender=lender,
            borrower=borrower,
            role=role_words(row.role),
        )
        await _record(actor, "loan.agreed", row, borrower, lender, person, other)
    return row


@binds(N_("end the loan of a person"))
async def end(actor: Actor, ref: str) -> Loan:
    """End a loan now, or take it back before the other body agreed; an administrator of either body."""
    actor.must_be_person()
    async with transaction():
        row = await find(Loan, Loan.ref == ref, lock=True)
        borrower = await find(Organisation, Organisation.id == row.borrower)
        lender = await find(Organisation, Organisation.id == row.lender)
        own = next((each for each in (borrower, lender) if actor.wears(GIVER, organisation=each.id)), None)
        if own is None:
            raise NotFound("Loan")
        insist(rules.END, row)
        row.ended_by, row.ended_at = actor.must_be_person(), clock.now()
        await row.save([Loan.ended_by, Loan.ended_at])
        if row.membership is not None:
            held = await find(Membership, Membership.id == row.membership, lock=True)
            held.until = max(clock.now(), held.since)
            await held.save([Membership.until])
        person = await find(Person, Person.id == row.person)
        await _record(actor, "loan.ended", row, borrower, lender, person, own)
    return row


async def terms_of(actor: Actor, row: Loan) -> rules.Terms:
    """What the rules judge of a loan as it stands, for the proposal and the agreement alike."""
    now = clock.arrived()
    kinds = {
        each.id: each.kind
        for each in await Organisation.objects().where(Organisation.id.is_in([row.lender, row.borrower]))
    }
    own = await rows(
        str,
        """
        SELECT DISTINCT p.ref FROM membership m JOIN person p ON p.id = m.person
        WHERE m.organisation = {} AND m.lent_by IS NULL AND m.since <= {} AND (m.until IS NULL OR m.until > {})
            AND p.closed_at IS NULL ORDER BY p.ref
        """,
        row.borrower,
        now,
        now,
    )
    lent = await the(
        int,
        """
        SELECT count(DISTINCT person) FROM membership
        WHERE organisation = {} AND lent_by IS NOT NULL AND until > {} AND person <> {}
        """,
        row.borrower,
        now,
        row.person,
    )
    return rules.Terms(
        role=row.role,
        instrument=row.instrument,
        since=row.since,
        until=row.until,
        now=now,
        kinds=(kinds[row.lender], kinds[row.borrower]),
        same=row.lender == row.borrower,
        of_lender=await _has_a_role(row.person, row.lender, own=True),
        of_borrower=await _has_a_role(row.person, row.borrower, own=False),
        own=hands.pairs_of_hands(own, await links_in(row.borrower)),
        lent=lent,
        herself=actor.person == row.person,
    )


async def _has_a_role(person: int, organisation: int, *, own: bool) -> bool:
    """Whether somebody has a role in a body now or from a later day; with `own` only one that is not lent."""
    return await the(
        bool,
        """
        SELECT EXISTS (SELECT 1 FROM membership WHERE person = {} AND organisation = {} AND (until IS NULL OR until > {})
            AND (lent_by IS NULL OR NOT {}))
        """,
        person,
        organisation,
        clock.now(),
        own,
    )


async def _record(
    actor: Actor, verb: str, row: Loan, borrower: Organisation, lender: Organisation, person: Person, own: Organisation
) -> None:
    said: dict[str, Plain] = {
        "loan": row.ref,
        "lender": lender.ref,
        "person": person.ref,
        "role": row.role,
        "instrument": row.instrument,
        "since": row.since.isoformat(),
        "until": row.until.isoformat(),
        "lent_percent": policy.IN_FORCE.people.lent_percent,
    }
    await record(
        actor,
        verb,
        memberships.subject_of(borrower),
        said,
        about=[memberships.subject_of(lender)],
        organisation=own.ref,
    )


async def loans(organisation: int | None = None) -> list[Listed]:
    """Every loan to or from a body (its id), or of all, the newest first."""
    return await rows(
        Listed,
        """
        SELECT l.ref, a.name AS lender, a.ref AS lender_ref, a.id AS lender_id, b.name AS borrower, b.ref AS borrower_ref,
            b.id AS borrower_id, p.name, p.ref AS person_ref, l.role, l.instrument, l.since, l.until, q.name AS proposer,
            l.proposed_for, l.proposed_at, r.name AS agreer, l.agreed_at, l.ended_at
        FROM loan l JOIN organisation a ON a.id = l.lender JOIN organisation b ON b.id = l.borrower
        JOIN person p ON p.id = l.person JOIN person q ON q.id = l.proposed_by LEFT JOIN person r ON r.id = l.agreed_by
        WHERE {}::int IS NULL OR l.lender = {} OR l.borrower = {} ORDER BY l.id DESC
        """,
        *[organisation] * 3,
    )


def may_agree(actor: Actor, row: Listed) -> bool:
    """Whether this person could agree to a loan that waits, for the body that did not propose it."""
    other = row.lender_id if row.proposed_for == row.borrower_id else row.borrower_id
    return rules.waits(row) and actor.wears(GIVER, organisation=other) is not None


def may_end(actor: Actor, row: Listed) -> bool:
    """Whether this person could end it: she administers one of the two bodies."""
    return row.ended_at is None and any(
        actor.wears(GIVER, organisation=each) for each in (row.lender_id, row.borrower_id)
    )


async def lendable(organisations: list[int]) -> list[tuple[str, str]]:
    """The people of these bodies (ids) by reference and name, as the choices of a form."""
    found = [each for body in organisations for each in await holders(body)]
    return [(each.ref, each.name) for each in found]
