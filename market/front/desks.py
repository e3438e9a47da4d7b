"""Everybody's desk: what waits for her, then where her things stand. Each noun answers for its own in its `desk.py`; here
they are only gathered, and nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from challenges import desk as challenges
from market import clock
from market.accounts import desk as accounts
from market.accounts.people import family
from market.actor import SUPPLIER_ROLES, Actor
from market.admissions import desk as admissions
from market.appointments import desk as appointments
from market.audit import desk as audit
from market.awards import desk as awards
from market.bids import desk as bids
from market.budgets import desk as budgets
from market.confirming import desk as confirming
from market.contracts import desk as contracts
from market.letters import desk as letters
from market.loans import desk as loans
from market.mandates import desk as mandates
from market.missions import desk as missions
from market.money import Money
from market.payments import desk as payments
from market.payments.actions import received_by
from market.reviewing import desk as reviews
from market.rulings import desk as rulings
from market.suppliers import desk as suppliers
from market.tenders import desk as tenders
from market.waivers import desk as waivers
from market.web.desk import InPlay, Open, Running, Waiting
from market.wording import N_, _

T = TypeVar("T")

WAITING = (
    waivers,
    reviews,
    challenges,
    tenders,
    bids,
    awards,
    contracts,
    payments,
    budgets,
    appointments,
    admissions,
    loans,
    rulings,
    confirming,
    mandates,
    letters,
    accounts,
)
"""The nouns that have work for people, in the order in which items without a date stand."""

STAGES = (
    N_("Drafts"),
    N_("Open"),
    N_("Being scored"),
    N_("Pitching"),
    N_("Bids to open and score"),
    N_("Contracts"),
    N_("Finished"),
)
"""Under what a buyer's records stand, in this order."""

FITTING = 8
"""How many open challenges and tenders a supplier is shown."""

Stages = list[tuple[str, list[tuple[str, str, str | None]]]]
"""What the `desk.stages` macro shows: (stage, [(title, address, note)])."""


@dataclass(slots=True)
class Desk:
    """Everything on one person's desk; parts of roles she does not have stay None."""

    waiting: list[Waiting] = field(default_factory=list)
    buying: Stages | None = None
    supplying: SupplierDesk | None = None
    minister: MinisterDesk | None = None
    audit: dict[str, int] | None = None
    operating: dict[str, int] | None = None


@dataclass(slots=True)
class SupplierDesk:
    """A supplier's side: what fits, what is in play with its next date, the money, and what the profile lacks."""

    fits: list[Open]
    in_play: list[InPlay]
    owed: list[Money]
    paid: list[Money]
    lacks: list[str]


@dataclass(frozen=True, slots=True)
class Aimed:
    """A mission of the department, with what was begun and signed for it."""

    aim: missions.Aim
    exercises: challenges.OfMission | None
    contracts: int


@dataclass(slots=True)
class MinisterDesk:
    """A minister's portfolio: the department's missions, what its bodies are running, and what was waived."""

    missions: list[Aimed]
    running: list[Running]
    waived: list[waivers.Decided]


async def desk(actor: Actor) -> Desk:
    """The desk of this person, by the hats she wears now."""
    waiting = await gathered(noun.waiting(actor) for noun in WAITING)
    far = datetime.max.replace(tzinfo=clock.now().tzinfo)
    made = Desk(sorted(waiting, key=lambda item: (item.when or far, item.since or far)))
    if actor.wears("minister"):
        made.minister = await _minister(actor.organisations("minister"))
    if buying := actor.organisations("buyer", "contract-manager"):
        made.buying = await _stages(buying, actor.organisations("buyer"))
    if firms := actor.organisations(*SUPPLIER_ROLES):
        made.supplying = await _supplier(firms)
    if actor.wears("operator"):
        made.operating = await _counted(challenges, tenders, suppliers, letters, payments, audit)
    if actor.wears("auditor"):
        made.audit = await _counted(contracts, waivers, awards, audit)
    return made


async def gathered(asked: Iterable[Awaitable[Sequence[T]]]) -> list[T]:
    """What several nouns answer, one after the other, in one list."""
    return [item for answer in asked for item in await answer]


async def _counted(*nouns: Any) -> dict[str, int]:
    return {name: number for noun in nouns for name, number in (await noun.counts()).items()}


async def _stages(bodies: Sequence[int], editing: Sequence[int]) -> Stages:
    """A buyer's records by stage, the newest first within one."""
    placed = await gathered(noun.records(bodies, editing) for noun in (challenges, tenders, contracts))
    return [
        (_(stage), [(each.title, each.href, each.note) for each in placed if each.stage == stage]) for stage in STAGES
    ]


async def _supplier(firms: Sequence[int]) -> SupplierDesk:
    fitting = await suppliers.fitting(firms)
    fits = (
        await gathered(noun.fits(fitting, FITTING) for noun in (challenges, bids))
        if fitting.heads or fitting.places
        else []
    )
    owed, paid = await received_by(firms)
    return SupplierDesk(
        sorted(fits, key=lambda each: (not each.near, each.closes_at))[:FITTING],
        await gathered(noun.in_play(firms) for noun in (challenges, awards, contracts)),
        owed,
        paid,
        await suppliers.lacks(firms[0]),
    )


async def _minister(departments: Sequence[int]) -> MinisterDesk:
    bodies = await family(departments)
    aims = await missions.missions_of(bodies)
    exercises = await challenges.by_mission([aim.id for aim in aims])
    signed = await contracts.by_mission([aim.id for aim in aims])
    running = await gathered(noun.running(bodies) for noun in (challenges, contracts))
    return MinisterDesk(
        [Aimed(aim, exercises.get(aim.id), signed.get(aim.id, 0)) for aim in aims],
        sorted(running, key=lambda each: (each.standing.when is None, each.standing.when)),
        await waivers.decided(departments),
    )
