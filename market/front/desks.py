"""Everybody's desk: what waits for her, then where her things stand. Read from the nouns' tables, written nowhere.

Nothing is stored for a desk. An item is there because a date has passed and another has not been set, so it goes by itself
when somebody acts, and two people of one body see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from challenges import rules as challenge_rules
from challenges.tables import Challenge
from market import clock, policy, workdays
from market.accounts.people import is_unreachable
from market.actor import SUPPLIER_ROLES, Actor
from market.contracts import rules as contract_rules
from market.db import many, one
from market.kinds import KINDS
from market.money import Money
from market.payments.actions import received_by
from market.standing import dates_of
from market.suppliers.tables import Profile
from market.tenders.listing import standings
from market.tenders.tables import Tender
from market.waivers import rules as waiver_rules


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing to do: in words, where it is done, which record it is about, by when where there is a deadline, and since
    when it waits where there is none."""

    text: str
    href: str
    about: str | None = None
    when: datetime | None = None
    since: datetime | None = None


Stages = list[tuple[str, list[tuple[str, str, str | None]]]]
"""What the `desk.stages` macro shows: (stage, [(title, address, note)])."""


@dataclass(slots=True)
class Desk:
    """Everything on one person's desk; parts of roles she does not have stay None."""

    waiting: list[Waiting] = field(default_factory=list)
    buying: Stages | None = None
    supplying: SupplierDesk | None = None
    minister: MinisterDesk | None = None
    audit: dict[str, Any] | None = None
    operating: dict[str, Any] | None = None


@dataclass(slots=True)
class SupplierDesk:
    """A supplier's side: what fits, what is in play with its next date, the money, and what the profile lacks."""

    fits: list[dict[str, Any]]
    in_play: list[dict[str, Any]]
    owed: list[Money]
    paid: list[Money]
    lacks: list[str]


@dataclass(slots=True)
class MinisterDesk:
    """A minister's portfolio: the department's missions, what its bodies are running, and what was waived."""

    missions: list[dict[str, Any]]
    running: list[dict[str, Any]]
    waived: list[dict[str, Any]]


async def desk(actor: Actor) -> Desk:
    """The desk of this person, by the hats she wears now."""
    now = clock.now()
    made = Desk()
    buying = actor.organisations("buyer", "contract-manager")
    if actor.wears("minister"):
        departments = actor.organisations("minister")
        made.waiting += await _requests(departments)
        made.minister = await _minister(departments, now)
    if buying:
        made.waiting += await _buying(actor, actor.organisations("buyer"), buying, now)
        made.buying = await _stages(buying, actor.organisations("buyer"), now)
    if actor.person is not None:
        made.waiting += await _evaluating(actor.person, now)
        if await is_unreachable(actor.person):
            made.waiting.append(Waiting("Letters do not reach you: your address is marked as dead", "/account"))
    if actor.wears(*SUPPLIER_ROLES):
        firms = actor.organisations(*SUPPLIER_ROLES)
        made.waiting += await _supplying(firms, actor.organisations("supplier-admin"), now)
        made.supplying = await _supplier(firms, now)
    if actor.wears("operator"):
        made.waiting += await _operating()
        made.operating = await _running(now)
    if actor.wears("auditor"):
        made.audit = await _auditing()
    far = datetime.max.replace(tzinfo=now.tzinfo)
    made.waiting.sort(key=lambda item: (item.when or far, item.since or far))
    return made


# ── what waits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _n(count: int, one_: str, many_: str | None = None) -> str:
    """“a question” or “3 questions”; `many_` where the plural takes more than an s."""
    return one_ if count == 1 else f"{count} {many_ or one_.split(' ', 1)[1] + 's'}"


async def _buying(actor: Actor, mine: Sequence[int], ours: Sequence[int], now: datetime) -> list[Waiting]:
    """`mine` are the bodies she buys for; `ours` also those whose contracts alone she manages."""
    return [
        *await _questions(mine, now),
        *await _exercises(mine, now),
        *await _openings(actor, ours, now),
        *await _awards(mine, ours, now),
        *await _deliveries(actor, ours),
    ]


async def _questions(mine: Sequence[int], now: datetime) -> list[Waiting]:
    rows = await many(
        "SELECT '/challenges/' AS place, c.ref, c.title, c.closes_at, count(*) AS asked, min(q.ref) AS question FROM public_question q "
        "JOIN challenge c ON q.record = 'challenge:' || c.ref WHERE c.buyer = ANY({}::int[]) AND q.answered_at IS NULL "
        "AND c.cancelled_at IS NULL AND c.closes_at > {} GROUP BY c.id UNION ALL "
        "SELECT '/tenders/', t.ref, t.title, t.closes_at, count(*), min(q.ref) FROM public_question q "
        "JOIN tender t ON q.record = 'tender:' || t.ref "
        "WHERE t.buyer = ANY({}::int[]) AND q.answered_at IS NULL AND t.cancelled_at IS NULL AND t.closes_at > {} "
        "GROUP BY t.id",
        list(mine),
        now,
        list(mine),
        now,
    )
    return [
        Waiting(
            f"Answer {_n(row['asked'], 'a question')}",
            f"{row['place']}{row['ref']}/questions/{row['question']}",
            row["title"],
            workdays.answers_due_at(row["closes_at"]),
        )
        for row in rows
    ]


async def _exercises(mine: Sequence[int], now: datetime) -> list[Waiting]:
    rows = await many(
        "SELECT c.ref, c.title, c.closes_at, c.shortlisted_at, c.pitches_by, c.decision_by, "
        "(SELECT count(*) FROM seat s WHERE s.panel = 'challenge:' || c.ref AND s.excused_at IS NULL) AS panel, "
        "(SELECT count(s.locked_at) FROM seat s WHERE s.panel = 'challenge:' || c.ref AND s.excused_at IS NULL) AS handed_in, "
        "(SELECT count(*) FROM application a WHERE a.challenge = c.id AND a.withdrawn_at IS NULL) AS applied, "
        "(SELECT count(*) FROM application a WHERE a.challenge = c.id AND a.shortlisted AND a.withdrawn_at IS NULL) AS teams, "
        "(SELECT count(*) FROM pitch p WHERE p.challenge = c.id AND p.scheduled_at IS NOT NULL) AS arranged, "
        "(SELECT count(*) FROM pitch p WHERE p.challenge = c.id AND (p.delivered_at IS NOT NULL OR p.missed_at IS NOT NULL)) "
        "AS heard, "
        "(SELECT min(p.scheduled_at) FROM pitch p WHERE p.challenge = c.id AND p.scheduled_at <= {} "
        "AND p.delivered_at IS NULL AND p.missed_at IS NULL) AS unmarked "
        "FROM challenge c WHERE c.buyer = ANY({}::int[]) AND c.published_at IS NOT NULL AND c.cancelled_at IS NULL "
        "AND c.concluded_at IS NULL AND c.closes_at < {} ORDER BY c.closes_at",
        now,
        list(mine),
        now,
    )
    found: list[Waiting] = []
    for row in rows:
        here = f"/challenges/{row['ref']}/manage"
        if row["shortlisted_at"] is None:
            ready = row["panel"] >= policy.UK.panels.evaluators_minimum and row["handed_in"] == row["panel"]
            if row["applied"] and ready:
                found.append(
                    Waiting("Make the short list: every evaluator has handed in", here, row["title"], row["pitches_by"])
                )
            elif not row["applied"]:
                found.append(Waiting("Nobody applied. Conclude or cancel it", here, row["title"], row["decision_by"]))
            continue
        if row["arranged"] < row["teams"]:
            left = row["teams"] - row["arranged"]
            found.append(Waiting(f"Arrange {_n(left, 'a pitch', 'pitches')}", here, row["title"], row["pitches_by"]))
        if row["unmarked"]:
            words = "Say whether the pitch was delivered: the team is paid then"
            found.append(Waiting(words, here, row["title"], since=row["unmarked"]))
        if row["heard"] and row["heard"] >= row["teams"]:
            found.append(
                Waiting(
                    "Write down what was learnt and decide: go, change or stop", here, row["title"], row["decision_by"]
                )
            )
    return found


async def _openings(actor: Actor, mine: Sequence[int], now: datetime) -> list[Waiting]:
    rows = await many(
        "SELECT t.ref, t.title, t.closes_at, t.buyer = ANY({}::int[]) AS ours, f.id IS NOT NULL AS officer, f.contributed_at "
        "FROM tender t LEFT JOIN opening_officer f ON f.tender = t.id AND f.person = {} "
        "WHERE (t.buyer = ANY({}::int[]) OR f.id IS NOT NULL) AND t.published_at IS NOT NULL AND t.cancelled_at IS NULL "
        "AND t.opened_at IS NULL AND t.closes_at <= {} ORDER BY t.closes_at",
        list(mine),
        actor.person,
        list(mine),
        now,
    )
    found = []
    for row in rows:
        here = f"/tenders/{row['ref']}/opening"
        if row["officer"] and row["contributed_at"] is None:
            found.append(Waiting("Enter your code to open the bids", here, row["title"], since=row["closes_at"]))
        elif row["ours"]:
            words = "The bids may be opened: two opening officers must enter their codes"
            found.append(Waiting(words, here, row["title"], since=row["closes_at"]))
    return found


async def _awards(mine: Sequence[int], ours: Sequence[int], now: datetime) -> list[Waiting]:
    found: list[Waiting] = []
    for row in await many(
        "SELECT t.ref, t.title, t.opened_at, "
        "(SELECT count(*) FROM seat s WHERE s.panel = 'tender:' || t.ref AND s.excused_at IS NULL) AS panel, "
        "(SELECT max(s.locked_at) FROM seat s WHERE s.panel = 'tender:' || t.ref) AS finished_at, "
        "(SELECT count(s.locked_at) FROM seat s WHERE s.panel = 'tender:' || t.ref AND s.excused_at IS NULL) AS handed_in, "
        "(SELECT count(*) FROM lot l WHERE l.tender = t.id AND NOT EXISTS (SELECT 1 FROM decision d "
        "WHERE d.lot = l.id AND d.set_aside_at IS NULL)) AS undecided FROM tender t WHERE t.buyer = ANY({}::int[]) "
        "AND t.opened_at IS NOT NULL AND t.cancelled_at IS NULL ORDER BY t.opened_at",
        list(mine),
    ):
        here = f"/tenders/{row['ref']}/evaluation"
        if not row["undecided"]:
            continue
        if not row["panel"]:
            found.append(Waiting("Name the evaluators of the bids", here, row["title"], since=row["opened_at"]))
        elif row["handed_in"] == row["panel"]:
            words = f"Decide {_n(row['undecided'], 'a lot')}: the panel has finished"
            found.append(Waiting(words, here, row["title"], since=row["finished_at"]))
    for row in await many(
        "SELECT d.ref, t.title, t.buyer, l.number, d.standstill_ends_at, c.id IS NOT NULL AS protested, c.lodged_at "
        "FROM decision d JOIN tender t ON t.id = d.tender "
        "JOIN lot l ON l.id = d.lot LEFT JOIN LATERAL (SELECT id, lodged_at FROM complaint WHERE complaint.decision = d.id "
        "AND answered_at IS NULL ORDER BY lodged_at LIMIT 1) c ON true WHERE t.buyer = ANY({}::int[]) AND d.set_aside_at IS NULL "
        "AND d.winner IS NOT NULL AND (c.id IS NOT NULL OR (d.standstill_ends_at < {} AND d.contract = '' "
        "AND NOT EXISTS (SELECT 1 FROM contract k WHERE k.decision = d.id))) ORDER BY d.id",
        list(ours),
        now,
    ):
        about = f"{row['title']}, lot {row['number']}"
        if row["protested"] and row["buyer"] in mine:
            found.append(Waiting("Answer the complaint", f"/awards/{row['ref']}", about, since=row["lodged_at"]))
        elif not row["protested"]:
            text = "Draw up the contract: the standstill has passed"
            found.append(Waiting(text, f"/awards/{row['ref']}/contract", about, since=row["standstill_ends_at"]))
    return found


async def _deliveries(actor: Actor, mine: Sequence[int]) -> list[Waiting]:
    found = [
        Waiting("Sign the contract", f"/contracts/{row['ref']}", row["title"], since=row["drawn_up_at"])
        for row in await many(
            "SELECT ref, title, drawn_up_at FROM contract WHERE buyer = ANY({}::int[]) AND buyer_signed_at IS NULL AND ended_at IS NULL "
            "ORDER BY id",
            list(mine),
        )
    ]
    found += [
        Waiting(
            f"Accept or refuse “{row['milestone']}”",
            f"/contracts/{row['ref']}",
            row["title"],
            since=row["delivered_at"],
        )
        for row in await many(
            "SELECT c.ref, c.title, m.title AS milestone, m.delivered_at FROM milestone m JOIN contract c ON c.id = m.contract "
            "WHERE c.buyer = ANY({}::int[]) AND m.delivered_at IS NOT NULL AND m.accepted_at IS NULL "
            "AND m.refused_reason = '' ORDER BY m.delivered_at",
            list(mine),
        )
    ]
    found += [
        Waiting(
            f"Release {Money(row['amount_minor'], row['currency'])} to {row['payee']}",
            f"/payments/{row['ref']}",
            row["purpose"],
            row["due_at"],
        )
        for row in await many(
            "SELECT o.ref, o.amount_minor, o.currency, o.purpose, o.due_at, s.name AS payee FROM obligation o "
            "JOIN organisation s ON s.id = o.payee WHERE o.payer = ANY({}::int[]) AND o.accepted_by <> {} AND NOT EXISTS "
            "(SELECT 1 FROM payment p WHERE p.obligation = o.id AND p.state <> 'refused') ORDER BY o.due_at",
            list(mine),
            actor.ref,
        )
    ]
    return found


async def _evaluating(person: int, now: datetime) -> list[Waiting]:
    rows = await many(
        "SELECT '/challenges/' || c.ref || '/panel' AS here, c.title, s.declared_at, c.pitches_by AS by, c.closes_at AS since "
        "FROM seat s JOIN challenge c ON s.panel = 'challenge:' || c.ref WHERE s.person = {} AND s.excused_at IS NULL "
        "AND s.locked_at IS NULL AND c.published_at IS NOT NULL AND c.closes_at < {} AND c.shortlisted_at IS NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL UNION ALL "
        "SELECT '/tenders/' || t.ref || '/evaluation', t.title, s.declared_at, NULL, t.opened_at FROM seat s "
        "JOIN tender t ON s.panel = 'tender:' || t.ref WHERE s.person = {} AND s.excused_at IS NULL AND s.locked_at IS NULL "
        "AND t.opened_at IS NOT NULL AND t.cancelled_at IS NULL",
        person,
        now,
        person,
    )
    return [
        Waiting(
            "Score, give your reasons and hand in" if row["declared_at"] else "Declare your interests, then score",
            row["here"],
            row["title"],
            row["by"],
            row["since"],
        )
        for row in rows
    ]


async def _requests(departments: Sequence[int]) -> list[Waiting]:
    rows = await many(
        "SELECT w.ref, w.asked_at, t.title, o.name AS buyer FROM waiver w JOIN tender t ON t.id = w.tender "
        "JOIN organisation o ON o.id = w.buyer WHERE w.department = ANY({}::int[]) AND w.decided_at IS NULL "
        "AND w.withdrawn_at IS NULL ORDER BY w.asked_at",
        list(departments),
    )
    return [
        Waiting(
            f"Sign or refuse: {row['buyer']} asks for a waiver",
            f"/waivers/{row['ref']}",
            row["title"],
            since=row["asked_at"],
        )
        for row in rows
    ]


async def _supplying(firms: Sequence[int], binding: Sequence[int], now: datetime) -> list[Waiting]:
    """`firms` are hers; `binding` those she may bind by a signature."""
    mine = list(firms)
    found = [
        Waiting("Sign the contract", f"/contracts/{row['ref']}", row["title"], since=row["drawn_up_at"])
        for row in await many(
            "SELECT ref, title, drawn_up_at FROM contract WHERE supplier = ANY({}::int[]) AND supplier_signed_at IS NULL "
            "AND ended_at IS NULL ORDER BY id",
            list(binding),
        )
    ]
    found += [
        Waiting("Explain your price", f"/awards/prices/{row['ref']}", row["title"], row["answer_by"])
        for row in await many(
            "SELECT e.ref, t.title, q.answer_by FROM price_question q JOIN opened_bid b ON b.id = q.bid "
            "JOIN bid e ON e.id = b.bid JOIN tender t ON t.id = b.tender WHERE b.supplier = ANY({}::int[]) AND q.answered_at IS NULL "
            "AND q.answer_by > {} ORDER BY q.answer_by",
            mine,
            now,
        )
    ]
    found += [
        Waiting(
            "Agree to the change of the contract, or not", f"/contracts/{row['ref']}", row["title"], since=row["at"]
        )
        for row in await many(
            "SELECT c.ref, c.title, g.at FROM contract_change g JOIN contract c ON c.id = g.contract "
            "WHERE c.supplier = ANY({}::int[]) AND g.agreed_at IS NULL AND c.ended_at IS NULL ORDER BY g.at",
            list(binding),
        )
    ]
    found += [
        Waiting(
            f"Put right and deliver “{row['milestone']}” again"
            if row["refused_reason"]
            else f"Deliver “{row['milestone']}”",
            f"/contracts/{row['ref']}",
            row["title"],
            _end_of(row["due_on"]),
        )
        for row in await many(
            "SELECT DISTINCT ON (c.id) c.ref, c.title, m.title AS milestone, m.due_on, m.refused_reason FROM milestone m "
            "JOIN contract c ON c.id = m.contract WHERE c.supplier = ANY({}::int[]) AND c.buyer_signed_at IS NOT NULL "
            "AND c.supplier_signed_at IS NOT NULL AND c.ended_at IS NULL AND m.accepted_at IS NULL "
            "AND (m.delivered_at IS NULL OR m.refused_reason <> '') ORDER BY c.id, m.number",
            mine,
        )
    ]
    found += [
        Waiting(
            f"Say whether {Money(row['amount_minor'], row['currency'])} has arrived",
            f"/payments/{row['ref']}",
            row["purpose"],
            since=row["paid_at"],
        )
        for row in await many(
            "SELECT o.ref, o.amount_minor, o.currency, o.purpose, p.paid_at FROM payment p JOIN obligation o ON o.id = p.obligation "
            "WHERE o.payee = ANY({}::int[]) AND p.state = 'paid' AND p.confirmed_at IS NULL ORDER BY p.paid_at",
            mine,
        )
    ]
    return found


def _end_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time(23, 59, 59), clock.ZONE) if day else None


async def _operating() -> list[Waiting]:
    rows = await many(
        "SELECT t.ref, t.title, o.name FROM tender t JOIN organisation o ON o.id = t.buyer WHERE t.commodity_claimed "
        "AND t.commodity_confirmed_at IS NULL AND t.published_at IS NULL AND t.cancelled_at IS NULL AND o.tier = 'central' "
        "ORDER BY t.id"
    )
    found = [
        Waiting(f"{row['name']} says it buys a commodity: check the claim", f"/tenders/{row['ref']}", row["title"])
        for row in rows
    ]
    stuck = await one(
        "SELECT count(*) AS letters FROM letter l WHERE gave_up_at IS NOT NULL AND sent_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM dead_address d WHERE d.address = lower(l.address))"
    )
    if stuck["letters"]:
        found.append(Waiting(f"{_n(stuck['letters'], 'A letter')} came back", "/postroom?outcome=came-back"))
    return found


# ── where things stand ─────────────────────────────────────────────────────────────────────────────────────────────


async def _stages(mine: Sequence[int], editing: Sequence[int], now: datetime) -> Stages:
    """A buyer's records by stage, the newest first within one."""
    challenges = (
        await Challenge.objects().where(Challenge.buyer.is_in(list(mine))).order_by(Challenge.id, ascending=False)
    )
    tenders = await Tender.objects().where(Tender.buyer.is_in(list(mine))).order_by(Tender.id, ascending=False)
    contracts = await many(
        "SELECT c.*, s.name FROM contract c "
        "JOIN organisation s ON s.id = c.supplier WHERE c.buyer = ANY({}::int[]) ORDER BY c.id DESC",
        list(mine),
    )
    at: dict[str, list[tuple[str, str, str | None]]] = {
        name: []
        for name in ("Drafts", "Open", "Being scored", "Pitching", "Bids to open and score", "Contracts", "Finished")
    }
    where = {"draft": "Drafts", "questions": "Open", "open": "Open", "closed": "Being scored", "pitching": "Pitching"}
    for each in challenges:
        stands = challenge_rules.standing(each, now)
        drafting = stands.stage == "draft" and each.buyer in editing
        at[where.get(stands.stage, "Finished")].append(
            (
                each.title or "Untitled problem",
                f"/challenges/{each.ref}{'/draft' if drafting else ''}",
                f"Challenge. {stands.word}",
            )
        )
    where = {"draft": "Drafts", "questions": "Open", "open": "Open", "decided": "Finished", "cancelled": "Finished"}
    tendering = await standings([each.ref for each in tenders])
    for tender in tenders:
        stands = tendering[tender.ref]
        place = where.get(stands.stage, "Bids to open and score")
        at[place].append((tender.title or "Untitled tender", f"/tenders/{tender.ref}", f"Tender. {stands.word}"))
    for row in contracts:
        stands = contract_rules.standing(dates_of(contract_rules.Dates, row), now)
        place = "Finished" if stands.stage in ("ended", "given-up") else "Contracts"
        at[place].append((row["title"], f"/contracts/{row['ref']}", f"{row['name']}. {stands.word}"))
    return list(at.items())


async def _supplier(firms: Sequence[int], now: datetime) -> SupplierDesk:
    profiles = await Profile.objects().where(Profile.organisation.is_in(list(firms)))
    regions = [
        row["region"]
        for row in await many("SELECT region FROM organisation WHERE id = ANY({}::int[])", list(firms))
        if row["region"]
    ]
    codes = {code for each in profiles for code in each.cpv}
    places = {place for each in profiles for place in each.regions} | set(regions)
    owed, paid = await received_by(firms)
    return SupplierDesk(
        fits=await _fits(firms, codes, places, now),
        in_play=await _in_play(firms, now),
        owed=owed,
        paid=paid,
        lacks=_lacks([each for each in profiles if each.organisation == firms[0]]),
    )


def _lacks(profiles: Sequence[Profile]) -> list[str]:
    """What a buyer cannot read yet in this profile, in words."""
    if not profiles:
        return ["There is no profile yet. Tell us once what you do; applying never asks for it again."]
    asked = (
        ("summary", "one sentence that says what you do"),
        ("description", "a description of your work"),
        ("capabilities", "what you can do, in a few words each"),
        ("cpv", "the codes of what you sell, so that we can tell you what fits"),
        ("regions", "where you work"),
    )
    return [f"Add {words}." for name, words in asked if not all(getattr(each, name) for each in profiles)]


async def _fits(firms: Sequence[int], codes: set[str], places: set[str], now: datetime) -> list[dict[str, Any]]:
    """Open challenges and tenders whose subject agrees with the profile's codes in the leading digits the gate uses,
    those of the firm's own regions first; without codes, those of its regions."""
    digits = policy.UK.gate.overlap_digits
    heads = sorted({code[:digits] for code in codes})
    if not heads and not places:
        return []
    rows = await many(
        "SELECT * FROM (SELECT 'Challenge' AS kind, '/challenges/' || c.ref AS href, c.title, o.name AS buyer, c.closes_at, "
        "c.region, c.fee_minor AS minor, c.currency, c.cpv FROM challenge c JOIN organisation o ON o.id = c.buyer "
        "WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL "
        "AND c.closes_at >= {} AND NOT EXISTS (SELECT 1 FROM application a WHERE a.challenge = c.id "
        "AND a.supplier = ANY({}::int[]) AND a.withdrawn_at IS NULL) UNION ALL "
        "SELECT 'Tender', '/tenders/' || t.ref, t.title, o.name, t.closes_at, t.region, "
        "(SELECT sum(l.value_minor)::bigint FROM lot l WHERE l.tender = t.id), t.currency, "
        "t.cpv || ARRAY(SELECT code FROM lot l, unnest(l.cpv) code WHERE l.tender = t.id) "
        "FROM tender t JOIN organisation o ON o.id = t.buyer WHERE t.published_at IS NOT NULL AND t.cancelled_at IS NULL "
        "AND t.opened_at IS NULL AND t.closes_at > {} AND NOT EXISTS (SELECT 1 FROM bid b WHERE b.tender = t.id "
        "AND b.supplier = ANY({}::int[]))) open WHERE EXISTS (SELECT 1 FROM unnest(cpv) code "
        "WHERE left(code, {}) = ANY({}::text[])) OR (cardinality({}::text[]) = 0 AND region = ANY({}::text[])) "
        "ORDER BY region = ANY({}::text[]) DESC, closes_at LIMIT 8",
        now,
        list(firms),
        now,
        list(firms),
        digits,
        heads,
        heads,
        sorted(places),
        sorted(places),
    )
    for row in rows:
        row["near"] = row["region"] in places
    return rows


async def _in_play(firms: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """Applications, bids and contracts that are not over, each with what happens next and when."""
    found: list[dict[str, Any]] = []
    for row in await many(
        "SELECT c.ref, c.title, c.closes_at, c.shortlisted_at, c.decision_by, a.shortlisted, p.scheduled_at, p.delivered_at, "
        "p.missed_at FROM application a JOIN challenge c ON c.id = a.challenge LEFT JOIN pitch p ON p.application = a.id "
        "WHERE a.supplier = ANY({}::int[]) AND a.withdrawn_at IS NULL AND c.concluded_at IS NULL AND c.cancelled_at IS NULL "
        "AND (c.shortlisted_at IS NULL OR a.shortlisted) ORDER BY c.closes_at",
        list(firms),
    ):
        if row["shortlisted_at"] is None:
            open_ = row["closes_at"] >= now
            next_, when = ("You may edit it until it closes", row["closes_at"]) if open_ else ("Being scored", None)
        elif row["delivered_at"] is not None:
            next_, when = "You pitched. The buyer decides", row["decision_by"]
        else:
            next_ = "Your pitch" if row["scheduled_at"] else "Short-listed. The buyer arranges your pitch"
            when = row["scheduled_at"]
        found.append(_play("Application", f"/challenges/{row['ref']}", row["title"], next_, when))
    for row in await many(
        "SELECT DISTINCT t.id, t.ref, t.title, t.closes_at, t.opened_at FROM bid b JOIN tender t ON t.id = b.tender "
        "WHERE b.supplier = ANY({}::int[]) AND t.cancelled_at IS NULL AND EXISTS (SELECT 1 FROM lot l WHERE l.tender = t.id "
        "AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.lot = l.id AND d.set_aside_at IS NULL)) ORDER BY t.closes_at",
        list(firms),
    ):
        if row["opened_at"] is not None:
            next_, when = "Bids are being scored", None
        elif row["closes_at"] > now:
            next_, when = "You may replace or withdraw it until it closes", row["closes_at"]
        else:
            next_, when = "Two officers open the bids", None
        found.append(_play("Bid", f"/tenders/{row['ref']}", row["title"], next_, when))
    for row in await many(
        "SELECT c.*, m.title AS milestone, m.due_on "
        "FROM contract c LEFT JOIN LATERAL (SELECT title, due_on FROM milestone WHERE milestone.contract = c.id "
        "AND accepted_at IS NULL ORDER BY number LIMIT 1) m ON true WHERE c.supplier = ANY({}::int[]) "
        "AND c.ended_at IS NULL ORDER BY c.id",
        list(firms),
    ):
        stands = contract_rules.standing(dates_of(contract_rules.Dates, row), now)
        if stands.stage == "in-force":
            next_, when = (row["milestone"], row["due_on"]) if row["milestone"] else ("It ends", row["ends_on"])
        else:
            next_, when = stands.word, None
        found.append(_play("Contract", f"/contracts/{row['ref']}", row["title"], next_, when))
    return found


def _play(kind: str, href: str, title: str, next_: str, when: date | datetime | None) -> dict[str, Any]:
    return {"kind": kind, "href": href, "title": title, "next": next_, "when": when}


async def _minister(departments: Sequence[int], now: datetime) -> MinisterDesk:
    family = [
        row["id"]
        for row in await many(
            "SELECT id FROM organisation WHERE id = ANY({}::int[]) OR department = ANY({}::int[])",
            list(departments),
            list(departments),
        )
    ]
    missions = await many(
        "SELECT m.ref, m.title, m.ends_on, (SELECT count(*) FROM challenge c WHERE c.mission = m.id AND c.published_at IS NOT NULL) "
        "AS challenges, (SELECT count(*) FROM challenge c WHERE c.mission = m.id AND c.concluded_at IS NOT NULL) AS concluded, "
        "(SELECT count(*) FROM contract c WHERE c.mission = m.id AND c.buyer_signed_at IS NOT NULL "
        "AND c.supplier_signed_at IS NOT NULL) AS contracts FROM mission m WHERE m.owner = ANY({}::int[]) "
        "AND m.published_at IS NOT NULL ORDER BY m.ends_on",
        family,
    )
    exercises = await many(
        "SELECT c.*, o.name AS buyer_name FROM challenge c JOIN organisation o ON o.id = c.buyer WHERE c.buyer = ANY({}::int[]) "
        "AND c.published_at IS NOT NULL AND c.concluded_at IS NULL AND c.cancelled_at IS NULL",
        family,
    )
    tenders = await many(
        "SELECT t.ref, t.title, o.name AS buyer_name FROM tender t JOIN organisation o ON o.id = t.buyer "
        "WHERE t.buyer = ANY({}::int[]) AND t.published_at IS NOT NULL AND t.cancelled_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM contract c WHERE c.tender = t.id)",
        family,
    )
    tendering = await standings([row["ref"] for row in tenders])
    stands = [
        ("challenge", row, challenge_rules.standing(dates_of(challenge_rules.Dates, row), now)) for row in exercises
    ]
    stands += [("tender", row, tendering[row["ref"]]) for row in tenders]
    running = [
        {"kind": KINDS[kind], "ref": row["ref"], "title": row["title"], "buyer": row["buyer_name"], "standing": stand}
        for kind, row, stand in sorted(stands, key=lambda each: (each[2].when is None, each[2].when))
    ]
    waived = await many(
        "SELECT w.*, t.title, o.name AS buyer_name FROM waiver w "
        "JOIN tender t ON t.id = w.tender JOIN organisation o ON o.id = w.buyer WHERE w.department = ANY({}::int[]) "
        "AND w.decided_at IS NOT NULL ORDER BY w.decided_at DESC LIMIT 12",
        list(departments),
    )
    for row in waived:
        row["standing"] = waiver_rules.standing(dates_of(waiver_rules.Dates, row), now)
    return MinisterDesk(missions, running, waived)


async def _auditing() -> dict[str, Any]:
    return await one(
        "SELECT (SELECT count(*) FROM event) AS events, (SELECT max(at) FROM event) AS last, "
        "(SELECT count(*) FROM contract WHERE buyer_signed_at IS NOT NULL AND supplier_signed_at IS NOT NULL) AS contracts, "
        "(SELECT count(*) FROM waiver WHERE decided_at IS NOT NULL AND refusal_reason = '') AS waived, "
        "(SELECT count(*) FROM complaint WHERE answered_at IS NULL) AS complaints"
    )


async def _running(now: datetime) -> dict[str, Any]:
    return await one(
        "SELECT (SELECT count(*) FROM challenge WHERE published_at IS NOT NULL AND concluded_at IS NULL AND cancelled_at IS NULL) "
        "AS challenges, (SELECT count(*) FROM tender WHERE published_at IS NOT NULL AND cancelled_at IS NULL AND opened_at IS NULL) "
        "AS tenders, (SELECT count(*) FROM organisation WHERE kind = 'supplier') AS suppliers, "
        "(SELECT count(*) FROM insight_report WHERE published_at IS NOT NULL) AS reports, "
        "(SELECT count(*) FROM outbox WHERE done_at IS NULL) AS untold, "
        "(SELECT count(*) FROM letter WHERE sent_at IS NULL) AS unsent, "
        "(SELECT count(*) FROM obligation o WHERE o.due_at < {} AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.obligation = o.id AND p.state = 'paid')) AS late",
        now,
    )
