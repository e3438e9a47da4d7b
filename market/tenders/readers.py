"""A tender with its lots, criteria, officers and changes as it is read, who may read it, and the exercises it may come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from market import clock, policy
from market.accounts.people import department_of
from market.actor import SUPPLIER_ROLES, Actor, Role
from market.audit.thread import decided
from market.budgets import readers as budgets
from market.budgets.rules import with_vat
from market.db import find
from market.hands.readers import links_in
from market.proof import canonical
from market.questions.rules import Topic
from market.reads import row, rows, the
from market.refusals import NotFound
from market.standing import Standing, dates_of
from market.tenders import facts, gate, log, rules, tables
from market.tenders.facts import Addendum, Candidate, Criterion, Evidence, Lot, Officer
from market.tenders.tables import Tender
from market.wording import _

BUYING_SIDE: tuple[Role, ...] = ("buyer", "evaluator", "contract-manager")
"""Who of a buyer may read its drafts and be an opening officer."""


async def published(ref: str, *, lock: bool = False) -> Tender:
    """The row of a published tender, for those who bid, open and evaluate: to them a draft does not exist."""
    tender = await find(Tender, Tender.ref == ref, lock=lock)
    if tender.published_at is None:
        raise NotFound("Tender")
    return tender


async def readable(actor: Actor, ref: str) -> facts.Tender:
    """The tender, when this actor may read it: a published one is everybody's; a draft is its buyer's, its minister's,
    the auditors' and the operators', whose reading of it is itself put on record. To all others it does not exist."""
    tender = await tender_of(ref)
    if tender.published_at is not None or works_for(actor, tender):
        return tender
    if hat := actor.wears("auditor", "operator"):
        await log.written(actor, "tender.draft-read", tender, hat)
        return tender
    if actor.wears("minister") and tender.waiver_asked:
        department = await department_of(tender.buyer)
        if actor.wears("minister", organisation=department.id):
            return tender
    raise NotFound("Tender")


def works_for(actor: Actor, tender: Tender | facts.Tender) -> bool:
    """Whether the actor is on the buying side of this tender."""
    return actor.wears(*BUYING_SIDE, organisation=tender.buyer) is not None


async def tender_of(ref: str) -> facts.Tender:
    """The tender with this reference, and what its body bought or drafts in the same classes: for a published tender what
    was published before it. The tier is the one that binds: that of its draft or of its publication, whichever binds harder."""
    numbers = policy.IN_FORCE.thresholds
    tender = await row(
        facts.Tender,
        """
        WITH like_it AS (
          SELECT u.ref, u.published_at, COALESCE(l.bought_minor, l.value_minor) AS value_minor FROM tender me JOIN tender u ON u.buyer = me.buyer AND u.id <> me.id
            AND u.currency = me.currency AND u.cancelled_at IS NULL
            AND (me.published_at IS NULL OR u.published_at < me.published_at)
            AND COALESCE(u.published_at, u.created_at) > COALESCE(me.published_at, {}) - make_interval(months => {})
          JOIN lot l ON l.tender = u.id
          WHERE me.ref = {} AND EXISTS (
            SELECT 1 FROM unnest(l.cpv) c, lot mine, unnest(mine.cpv) d
            WHERE mine.tender = me.id AND left(c, {}) = left(d, {})
          )
        )
        SELECT t.id, t.ref, t.buyer, t.mission, COALESCE(m.ref, '') AS mission_ref, COALESCE(m.title, '') AS mission_title,
          t.budget, t.exercise, t.same_need, t.what_changed, t.title, t.description, t.cpv, t.region, t.procedure, t.currency,
          t.contract_kind, t.contract_kind_reason,
          (SELECT COALESCE(sum(value_minor), 0)::bigint FROM like_it) AS alike_minor,
          (SELECT COALESCE(array_agg(DISTINCT ref ORDER BY ref), '{{}}') FROM like_it WHERE published_at IS NOT NULL) AS alike,
          t.commodity_claimed,
          t.commodity_statement, COALESCE(f.effect_at, t.commodity_confirmed_at) AS commodity_confirmed_at,
          COALESCE(f.ground, t.commodity_confirmed_reason) AS commodity_confirmed_reason, t.waiver_asked, t.undivided_reason,
          t.lots_per_supplier, t.profile, t.terms, t.contract_begins_on, t.contract_ends_on, t.questions_until, t.closes_at,
          t.published_at, t.documents_later, t.planned_notice, t.planned_notice_on, t.urgency_reason,
          t.opened_at, t.cancelled_at, t.cancelled_reason, t.ground, t.ground_reference, t.gate_trace,
          t.key_commitment, o.ref AS buyer_ref, o.name AS buyer_name, tier_binding(o.id, t.created_at, COALESCE(t.published_at, {})) AS buyer_tier
        FROM tender t JOIN organisation o ON o.id = t.buyer LEFT JOIN mission m ON m.id = t.mission LEFT JOIN LATERAL (
          SELECT r.effect_at, r.ground FROM ruling r WHERE r.about = 'commodity' AND r.tender = t.ref AND ruling_stands(r)
            AND r.effect_at <= COALESCE(t.published_at, {}) ORDER BY r.id DESC LIMIT 1
        ) f ON true WHERE t.ref = {}
        """,
        clock.now(),
        numbers.same_class_months,
        ref,
        numbers.same_class_digits,
        numbers.same_class_digits,
        clock.now(),
        clock.now(),
        ref,
    )
    if tender is None:
        raise NotFound("Tender")
    return tender


class Alike(msgspec.Struct, frozen=True):
    """Another tender, or draft, of the same body in the same classes of the CPV; its lots there together, without VAT."""

    ref: str
    title: str
    published_at: datetime | None
    value_minor: int


async def alike_of(tender: facts.Tender) -> list[Alike]:
    """What is added up with this draft, for those who draft it."""
    numbers = policy.IN_FORCE.thresholds
    return await rows(
        Alike,
        """
        SELECT u.ref, u.title, u.published_at, sum(COALESCE(l.bought_minor, l.value_minor))::bigint AS value_minor
        FROM tender u JOIN lot l ON l.tender = u.id
        WHERE u.buyer = {} AND u.id <> {} AND u.currency = {} AND u.cancelled_at IS NULL
          AND COALESCE(u.published_at, u.created_at) > {}::timestamptz - make_interval(months => {})
          AND EXISTS (
            SELECT 1 FROM unnest(l.cpv) c, lot mine, unnest(mine.cpv) d WHERE mine.tender = {} AND left(c, {}) = left(d, {})
          )
        GROUP BY u.id ORDER BY u.id
        """,
        tender.buyer,
        tender.id,
        tender.currency,
        clock.now(),
        numbers.same_class_months,
        tender.id,
        numbers.same_class_digits,
        numbers.same_class_digits,
    )


async def candidate(ref: str) -> Candidate:
    """All that is looked at before the tender with this reference is published, as it stands now."""
    return await candidate_of(await tender_of(ref))


async def candidate_of(tender: facts.Tender) -> Candidate:
    """The same of a tender that was read already."""
    lots = await lots_of(tender)
    evidence = await rows(
        Evidence,
        """
        SELECT e.ground, e.reference, o.id IS NOT NULL AS kin, e.tender, e.cpv, e.ceiling_minor, e.signed_by,
          e.completed_at, e.expires_at, e.outcome, e.title, e.problem, e.reasons, w.name AS body, e.follow_on_minor,
          e.follow_on_currency, e.follow_on_route, e.payer, COALESCE(p.name, '') AS payer_name, COALESCE((
            SELECT SUM(COALESCE(l.bought_minor, l.value_minor)) FROM tender t JOIN lot l ON l.tender = t.id
            WHERE t.ground = e.ground AND t.ground_reference = e.reference AND t.cancelled_at IS NULL AND t.id <> {}
          ), 0)::bigint AS used_minor, e.stops, e.revoked_at, e.suspends_at, e.pitches, e.pitches_least, e.measures, e.statement, e.falls_short
        FROM organisation b CROSS JOIN innovation_evidence e JOIN organisation w ON w.id = e.buyer
        LEFT JOIN organisation o ON o.id = e.buyer AND COALESCE(b.department, b.id) IN (o.id, o.department)
        LEFT JOIN organisation p ON p.id = e.payer
        WHERE b.id = {} AND (o.id IS NOT NULL OR e.tender = {}) ORDER BY e.id
        """,
        tender.id,
        tender.buyer,
        tender.id,
    )
    return Candidate(
        tender=tender,
        now=clock.arrived(),
        lots=lots,
        criteria=await criteria_of(lots),
        officers=await officers_of(tender),
        evidence=evidence,
        links=await links_in(tender.buyer),
        naming=await budgets.naming(tender.budget, tender.buyer, tender.currency, sum(map(reserves, lots))),
    )


def reserves(lot: Lot | tables.Lot) -> int:
    """What publishing a lot sets aside, VAT included, in minor units: its highest price where one is stated, for no bid above it
    is taken, else its estimate."""
    return with_vat(lot.value_minor if lot.maximum_minor is None else lot.maximum_minor)


async def standing_of(candidate: Candidate) -> Standing:
    """Where a tender stands, as lists say it too."""
    tender = candidate.tender
    lots = (await decided([tender.ref])).get(tender.ref, 0)
    return rules.standing(dates_of(rules.Dates, tender, lots=len(candidate.lots), decided=lots), candidate.now)


class Exercise(msgspec.Struct, frozen=True):
    """A concluded exercise that a tender may name."""

    reference: str
    cpv: list[str]


async def exercises_for(buyer: int) -> list[Exercise]:
    """The concluded exercises a tender of this buyer (its id) may name, newest first: those of all its department, of the
    department and its own."""
    return await rows(
        Exercise,
        """
        SELECT e.reference, e.cpv FROM organisation b JOIN organisation o ON COALESCE(b.department, b.id) IN (o.id, o.department)
        JOIN innovation_evidence e ON e.buyer = o.id
        WHERE b.id = {} AND e.ground = 'exercise' ORDER BY e.completed_at DESC
        """,
        buyer,
    )


class Notice(msgspec.Struct, frozen=True):
    """What the log says of a publication."""

    subject: str
    body: str


async def titles_of(references: Sequence[str]) -> dict[str, str]:
    """The titles of exercises by reference, as the public log has them: the one source below them that knows."""
    if not references:
        return {}
    notices = await rows(
        Notice,
        """
        SELECT DISTINCT ON (subject) subject, body FROM event
        WHERE subject = ANY({}::text[]) AND verb = 'challenge.published' ORDER BY subject, seq DESC
        """,
        [f"challenge:{reference}" for reference in references],
    )
    bodies = {notice.subject.partition(":")[2]: canonical.decode(notice.body.encode()) for notice in notices}
    return {ref: str(body["title"]) for ref, body in bodies.items() if body.get("title")}


@dataclass(frozen=True, slots=True)
class Carried:
    """What a concluded exercise hands on to a tender."""

    exercise: str
    title: str
    cpv: list[str]
    mission: str


async def carried_over(buyer: int, reference: str) -> Carried:
    """What the log knows of an exercise that this buyer (its id) may name; NotFound for any other."""
    exercise = next((each for each in await exercises_for(buyer) if each.reference == reference), None)
    if exercise is None:
        raise NotFound("Exercise")
    mission = await row(
        str,
        """
        SELECT split_part(above, ':', 2) FROM (
          SELECT about, seq FROM event WHERE subject = {} AND sealed_by = '' ORDER BY seq DESC LIMIT 5
        ) last, unnest(about) WITH ORDINALITY AS a(above, place)
        WHERE above LIKE 'mission:%' ORDER BY seq DESC, place LIMIT 1
        """,
        f"challenge:{reference}",
    )
    return Carried(reference, (await titles_of([reference])).get(reference, ""), exercise.cpv, mission or "")


async def lots_of(tender: Tender | facts.Tender) -> list[Lot]:
    """The lots in the order of their numbers."""
    return await rows(
        Lot,
        """
        SELECT id, ref, number, title, description, cpv, value_minor, maximum_minor, bought_minor, sme_suitable
        FROM lot WHERE tender = {} ORDER BY number
        """,
        tender.id,
    )


async def criteria_of(lots: Sequence[Lot | tables.Lot]) -> dict[int, list[Criterion]]:
    """The criteria of each lot, by the lot's id, in their order."""
    criteria: dict[int, list[Criterion]] = {lot.id: [] for lot in lots}
    for criterion in await rows(
        Criterion,
        """
        SELECT id, ref, lot, name, kind, weight, description, minimum FROM lot_criterion
        WHERE lot = ANY({}::int[]) ORDER BY place
        """,
        list(criteria),
    ):
        criteria[criterion.lot].append(criterion)
    return criteria


async def officers_of(tender: Tender | facts.Tender) -> list[Officer]:
    """The opening officers in the order in which they were named; for the buyer's people only."""
    return await rows(
        Officer,
        """
        SELECT f.id, f.person, p.ref AS person_ref, p.name, p.email, f.public_key, f.enrolled_at, f.contributed_at
        FROM opening_officer f JOIN person p ON p.id = f.person WHERE f.tender = {} ORDER BY f.id
        """,
        tender.id,
    )


async def addenda_of(tender: facts.Tender) -> list[Addendum]:
    """All changes since publication, oldest first."""
    return await rows(
        Addendum,
        """
        SELECT ref, text, new_closes_at, at, kind, closed_at_before, changed, unconfirms FROM addendum
        WHERE tender = {} ORDER BY id
        """,
        tender.id,
    )


async def follows(actor: Actor, tender: facts.Tender) -> bool:
    """Whether a body the actor supplies for follows this tender."""
    return await the(
        bool,
        "SELECT EXISTS (SELECT 1 FROM follower WHERE tender = {} AND organisation = ANY({}::int[]))",
        tender.id,
        actor.organisations(*SUPPLIER_ROLES),
    )


def gate_lines(tender: Tender | facts.Tender) -> list[gate.Line]:
    """What the gate found at publication, read back from the row; empty for a draft."""
    if not tender.gate_trace:
        return []
    kept = canonical.decode(tender.gate_trace.encode())
    return [gate.Line(line["code"], line["holds"], line["says"]) for line in kept["lines"]]


def topic_of(tender: Tender | facts.Tender) -> Topic:
    """What is known of this tender where questions about it are asked and answered."""
    return Topic(
        record=f"tender:{tender.ref}",
        title=tender.title,
        buyer=tender.buyer,
        until=tender.questions_until,
        closes_at=tender.closes_at,
        sends="bids",
        taking=rules.stage(tender, clock.arrived()) in rules.TAKING,
        remedy=_("If it was wrong, add a change to the tender."),
    )
