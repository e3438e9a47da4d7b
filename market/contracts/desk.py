"""What contracts put on people's desks: drawing up, signing, delivering, accepting, and changes to be agreed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import msgspec

from market import clock
from market.actor import SUPPLIER_ROLES, Actor
from market.awards.tables import Decision
from market.contracts import actions, rules
from market.kinds import KINDS
from market.reads import rows
from market.refusals import refusals
from market.standing import Standing, dates_of
from market.tenders.listing import standings
from market.web.desk import InPlay, Placed, Running, Waiting
from market.wording import N_, _


class Won(msgspec.Struct, frozen=True):
    """A lot that is awarded and not contracted."""

    award: str
    title: str
    number: int
    standstill_ends_at: datetime | None


class Unsigned(msgspec.Struct, frozen=True):
    """A contract, or a change of one, that waits for a signature or an agreement since then."""

    ref: str
    title: str
    since: datetime


class Delivered(msgspec.Struct, frozen=True):
    """A milestone that was delivered and is to be judged."""

    ref: str
    title: str
    milestone: str
    delivered_at: datetime


class Due(msgspec.Struct, frozen=True):
    """The next milestone that a supplier owes."""

    ref: str
    title: str
    milestone: str
    due_on: date | None
    refused_reason: str


class Held(msgspec.Struct, frozen=True):
    """A contract with its supplier, its signatures, its end, and its next milestone."""

    ref: str
    title: str
    supplier: str
    drawn_up_at: datetime | None
    buyer_signed_at: datetime | None
    supplier_signed_at: datetime | None
    ended_at: datetime | None
    ends_on: date | None
    milestone: str | None
    due_on: date | None

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(dates_of(rules.Dates, self), clock.now())


async def waiting(actor: Actor) -> list[Waiting]:
    """For buyers and contract managers, and for suppliers, the steps that are theirs."""
    return [*await _of_buyers(actor), *await _of_suppliers(actor)]


async def _of_buyers(actor: Actor) -> list[Waiting]:
    ours = actor.organisations("buyer", "contract-manager")
    if not ours:
        return []
    found = []
    for won in await rows(
        Won,
        """
        SELECT d.ref AS award, t.title, l.number, d.standstill_ends_at FROM decision d JOIN tender t ON t.id = d.tender
        JOIN lot l ON l.id = d.lot WHERE t.buyer = ANY({}::int[]) AND d.set_aside_at IS NULL AND d.winner IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM contract k WHERE k.decision = d.id) ORDER BY d.id
        """,
        ours,
    ):
        decision = await Decision.objects().where(Decision.ref == won.award).first()
        if decision is None or refusals(rules.TIME_HAS_COME, await actions.drawing(decision)):
            continue
        words, about = (
            _("Draw up the contract: the standstill has passed"),
            _("{title}, lot {number}", title=won.title, number=won.number),
        )
        found.append(Waiting(words, f"/awards/{won.award}/contract", about, since=won.standstill_ends_at))
    found += _signing(
        await rows(
            Unsigned,
            """
            SELECT ref, title, drawn_up_at AS since FROM contract WHERE buyer = ANY({}::int[]) AND buyer_signed_at IS NULL
              AND ended_at IS NULL ORDER BY id
            """,
            ours,
        )
    )
    found += [
        Waiting(
            _("Approve the change that a colleague proposed, or not"),
            f"/contracts/{each.ref}",
            each.title,
            since=each.since,
        )
        for each in await rows(
            Unsigned,
            """
            SELECT c.ref, c.title, g.at AS since FROM contract_change g JOIN contract c ON c.id = g.contract
            WHERE c.buyer = ANY({}::int[]) AND g.by <> {} AND g.approved_at IS NULL AND g.agreed_at IS NULL
              AND g.left_at IS NULL AND c.ended_at IS NULL ORDER BY g.at
            """,
            ours,
            actor.person,
        )
    ]
    return found + [
        Waiting(
            _("Accept or refuse “{milestone}”", milestone=each.milestone),
            f"/contracts/{each.ref}",
            each.title,
            since=each.delivered_at,
        )
        for each in await rows(
            Delivered,
            """
            SELECT c.ref, c.title, m.title AS milestone, m.delivered_at FROM milestone m JOIN contract c ON c.id = m.contract
            WHERE c.buyer = ANY({}::int[]) AND m.delivered_at IS NOT NULL AND m.accepted_at IS NULL AND m.refused_reason = ''
            ORDER BY m.delivered_at
            """,
            ours,
        )
    ]


async def _of_suppliers(actor: Actor) -> list[Waiting]:
    """Signatures are for those who may bind the firm."""
    binding, mine = actor.organisations("supplier-admin"), actor.organisations(*SUPPLIER_ROLES)
    if not mine:
        return []
    found = _signing(
        await rows(
            Unsigned,
            """
            SELECT ref, title, drawn_up_at AS since FROM contract WHERE supplier = ANY({}::int[])
              AND supplier_signed_at IS NULL AND ended_at IS NULL ORDER BY id
            """,
            binding,
        )
    )
    found += [
        Waiting(
            _("Agree to the change of the contract, or not"), f"/contracts/{each.ref}", each.title, since=each.since
        )
        for each in await rows(
            Unsigned,
            """
            SELECT c.ref, c.title, COALESCE(g.standstill_ends_at, g.approved_at) AS since
            FROM contract_change g JOIN contract c ON c.id = g.contract
            WHERE c.supplier = ANY({}::int[]) AND g.approved_at IS NOT NULL AND g.agreed_at IS NULL AND g.left_at IS NULL
              AND c.ended_at IS NULL AND (g.standstill_ends_at IS NULL OR g.standstill_ends_at < {}) ORDER BY g.at
            """,
            binding,
            clock.now().replace(microsecond=0),
        )
    ]
    return found + [
        Waiting(
            _("Put right and deliver “{milestone}” again", milestone=each.milestone)
            if each.refused_reason
            else _("Deliver “{milestone}”", milestone=each.milestone),
            f"/contracts/{each.ref}",
            each.title,
            datetime.combine(each.due_on, time(23, 59, 59), clock.ZONE) if each.due_on else None,
        )
        for each in await rows(
            Due,
            """
            SELECT DISTINCT ON (c.id) c.ref, c.title, m.title AS milestone, m.due_on, m.refused_reason FROM milestone m
            JOIN contract c ON c.id = m.contract WHERE c.supplier = ANY({}::int[]) AND c.buyer_signed_at IS NOT NULL
              AND c.supplier_signed_at IS NOT NULL AND c.ended_at IS NULL AND m.accepted_at IS NULL
              AND (m.delivered_at IS NULL OR m.refused_reason <> '') ORDER BY c.id, m.number
            """,
            mine,
        )
    ]


def _signing(contracts: Sequence[Unsigned]) -> list[Waiting]:
    return [
        Waiting(_("Sign the contract"), f"/contracts/{each.ref}", each.title, since=each.since) for each in contracts
    ]


_HELD = """
    SELECT c.ref, c.title, s.name AS supplier, c.drawn_up_at, c.buyer_signed_at, c.supplier_signed_at, c.ended_at, c.ends_on,
      m.title AS milestone, m.due_on FROM contract c JOIN organisation s ON s.id = c.supplier
    LEFT JOIN LATERAL (SELECT title, due_on FROM milestone WHERE milestone.contract = c.id AND accepted_at IS NULL
      ORDER BY number LIMIT 1) m ON true
    """


async def records(bodies: Sequence[int], editing: Sequence[int]) -> list[Placed]:
    """The contracts of these bodies, the newest first."""
    found = await rows(Held, _HELD + "WHERE c.buyer = ANY({}::int[]) ORDER BY c.id DESC", list(bodies))
    return [
        Placed(
            N_("Finished") if each.standing.stage in ("ended", "given-up") else N_("Contracts"),
            each.title,
            f"/contracts/{each.ref}",
            f"{each.supplier}. {each.standing.word}",
        )
        for each in found
    ]


async def in_play(firms: Sequence[int]) -> list[InPlay]:
    """The contracts of these firms that have not ended."""
    found = await rows(
        Held, _HELD + "WHERE c.supplier = ANY({}::int[]) AND c.ended_at IS NULL ORDER BY c.id", list(firms)
    )
    return [InPlay(_("Contract"), f"/contracts/{each.ref}", each.title, *_next(each)) for each in found]


def _next(each: Held) -> tuple[str, date | None]:
    """What happens next with a contract, and when."""
    if each.standing.stage != "in-force":
        return each.standing.word, None
    return (each.milestone, each.due_on) if each.milestone else (_("It ends"), each.ends_on)


class Untaken(msgspec.Struct, frozen=True):
    """A published tender that has not led to a contract."""

    ref: str
    title: str
    buyer: str


async def running(bodies: Sequence[int]) -> list[Running]:
    """The published tenders of these bodies that have not led to a contract."""
    found = await rows(
        Untaken,
        """
        SELECT t.ref, t.title, o.name AS buyer FROM tender t JOIN organisation o ON o.id = t.buyer
        WHERE t.buyer = ANY({}::int[]) AND t.published_at IS NOT NULL AND t.cancelled_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM contract c WHERE c.tender = t.id)
        """,
        list(bodies),
    )
    stands = await standings([each.ref for each in found])
    return [Running(KINDS["tender"], each.ref, each.title, each.buyer, stands[each.ref]) for each in found]


async def by_mission(missions: Sequence[int]) -> dict[int, int]:
    """How many contracts in force serve each of these missions (ids)."""
    found = await rows(
        OfMission,
        """
        SELECT mission, count(*) AS contracts FROM contract WHERE mission = ANY({}::int[]) AND buyer_signed_at IS NOT NULL
          AND supplier_signed_at IS NOT NULL GROUP BY mission
        """,
        list(missions),
    )
    return {each.mission: each.contracts for each in found}


class OfMission(msgspec.Struct, frozen=True):
    """How many contracts in force serve a mission (its id)."""

    mission: int
    contracts: int


async def counts() -> dict[str, int]:
    """What the auditor's desk says of contracts."""
    (contracts,) = await rows(
        int, "SELECT count(*) FROM contract WHERE buyer_signed_at IS NOT NULL AND supplier_signed_at IS NOT NULL"
    )
    return {"contracts": contracts}
