"""Given an evaluated tender: bids sealed and opened for real, a panel that declared and scored, a decision, a contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from market import clock
from market.accounts.tables import Organisation, Person
from market.actor import Actor
from market.awards import actions as awards
from market.awards import evaluation
from market.awards.tables import Decision
from market.bids import actions as bids
from market.bids.tables import OpenedBid
from market.contracts import actions as contracts
from market.contracts.tables import Contract
from market.db import find
from market.panels import actions as panels
from market.tenders.tables import Tender
from tests import given, given_tenders

WHY = "It meets the need best and the price is fair for what is offered."


@dataclass
class Evaluated:
    """A tender with opened bids. `firms` are the suppliers' people in the order of their prices, `bids` the envelopes'
    references by (firm number, lot number); `opened_at` the moment of the opening."""

    there: given_tenders.Published
    firms: list[Actor]
    suppliers: list[Organisation]
    bids: dict[tuple[int, int], str]
    opened_at: datetime
    panel: list[Actor] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """The tender's reference."""
        return str(self.there.tender.ref)

    @property
    def buyer(self) -> Actor:
        """The buyer's officer."""
        return self.there.officer


async def opened(*prices: int | list[int], lots: int = 1, **facts: Any) -> Evaluated:
    """A tender with one bid of a firm for each price and lot (a list of prices: for lot 1, 2 …; 0 for none), opened."""
    there = await given_tenders.published(lots=lots, **facts)
    firms, suppliers, sealed = [], [], {}
    for number, price in enumerate(prices or (5_000_000, 4_000_000)):
        supplier = await given.supplier(["Kestrel Ltd", "Heron Ltd", "Siân & Łukasz Ltd", "Plover Ltd"][number % 4])
        firm = await given.person(supplier, "supplier-admin")
        firms.append(firm)
        suppliers.append(supplier)
        for lot, each in enumerate(price if isinstance(price, list) else [price]):
            if each:
                kept = await bids.submit(firm, there.tender.ref, there.lots[lot].ref, there.bid(each, lot))
                sealed[number, lot] = kept.bid.ref
    assert there.tender.closes_at is not None
    at = there.tender.closes_at + timedelta(hours=1)
    await given_tenders.opened(there, at)
    return Evaluated(there, firms, suppliers, sealed, at)


async def panel(case: Evaluated, count: int = 2, conflicts: dict[int, list[str]] | None = None) -> list[Actor]:
    """Name evaluators, who declare: each none, or the conflicts by her number."""
    with clock.at(case.opened_at + timedelta(hours=1)):
        named = [await given.person(case.there.buyer, "evaluator") for _ in range(count)]
        for evaluator in named:
            late = "There were too few of them."  # asked for only when others have begun
            await panels.name(case.buyer, evaluation.panel(case.ref), panels.Naming(evaluator.ref, late))
        for number, evaluator in enumerate(named):
            against = (conflicts or {}).get(number, [])
            declaration = panels.Declaration(against, "My sister works there." if against else "", True)
            seat = (await evaluation.of(await find(Tender, Tender.ref == case.ref))).panel.member(evaluator.person)
            await panels.declare(evaluator, evaluation.panel(case.ref), declaration, given.declared(seat))
            case.panel.append(evaluator)
    return case.panel


async def mark(who: Actor, case: Evaluated, bid: str, given_marks: panels.Marks) -> str:
    """These marks for a bid, changed from whatever is kept."""
    panel = (await evaluation.of(await find(Tender, Tender.ref == case.ref))).panel
    subject = panel.matter.subject(f"bid:{bid}")
    assert subject is not None
    seen = panel.sheet(panel.member(who.person), subject).version
    return await panels.mark(who, evaluation.panel(case.ref), subject.ref, given_marks, seen)


async def lock(who: Actor, case: Evaluated) -> None:
    """She hands in."""
    await panels.lock(who, evaluation.panel(case.ref))


def marks(case: Evaluated, points: int, lot: int = 0, why: str = "A sound answer with evidence.") -> panels.Marks:
    """The same points on every quality criterion of a lot."""
    criteria = case.there.criteria[case.there.lots[lot].id]
    return panels.Marks([panels.MarkGiven(each.ref, points, why) for each in criteria if each.kind == "quality"])


async def scored(case: Evaluated, points: dict[tuple[int, int], int] | None = None) -> None:
    """Every evaluator scores every bid (80, or as given by firm and lot) and submits."""
    suppliers = {number: supplier.ref for number, supplier in enumerate(case.suppliers)}
    with clock.at(case.opened_at + timedelta(days=1)):
        for evaluator in case.panel:
            panel = (await evaluation.of(await find(Tender, Tender.ref == case.ref))).panel
            member = panel.member(evaluator.person)
            for (firm, lot), bid in case.bids.items():
                if member is not None and suppliers[firm] not in member.seat.conflicts:
                    await mark(evaluator, case, bid, marks(case, (points or {}).get((firm, lot), 80), lot))
            await lock(evaluator, case)


async def decided(case: Evaluated, firm: int = 1, lot: int = 0) -> Decision:
    """The lot is awarded to this firm, two days after the opening."""
    with clock.at(case.opened_at + timedelta(days=2)):
        return await awards.decide(
            case.buyer, case.ref, case.there.lots[lot].ref, awards.DecisionDraft(WHY, case.bids[firm, lot])
        )


async def awarded(*prices: int | list[int], **facts: Any) -> tuple[Evaluated, Decision]:
    """From sealed bids to a decision for the second firm, which is the cheaper one."""
    case = await opened(*prices, **facts)
    await panel(case)
    await scored(case)
    return case, await decided(case)


def draft(decision: Decision, total: int = 4_000_000, parts: int = 2) -> contracts.ContractDraft:
    """A contract of a year in equal parts."""
    assert decision.standstill_ends_at is not None
    begins = (decision.standstill_ends_at + timedelta(days=7)).date()
    return contracts.ContractDraft(
        begins,
        begins + timedelta(days=365),
        [
            contracts.MilestoneDraft(f"Part {number}", begins + timedelta(days=30 * number), total // parts)
            for number in range(1, parts + 1)
        ],
    )


async def drawn_up(case: Evaluated, decision: Decision) -> Contract:
    """The contract, the day after the standstill."""
    assert decision.standstill_ends_at is not None
    with clock.at(decision.standstill_ends_at + timedelta(hours=12)):
        price = await find(OpenedBid, OpenedBid.id == decision.winner)
        return await contracts.draw_up(case.buyer, decision.ref, draft(decision, price.price_minor))


async def in_force(case: Evaluated, decision: Decision, firm: int = 1) -> Contract:
    """The contract signed by both sides."""
    contract = await drawn_up(case, decision)
    with clock.at(contract.drawn_up_at + timedelta(hours=1)):
        await contracts.sign(case.firms[firm], contract.ref, contracts.Signature(contract.digest, True))
        return await contracts.sign(case.buyer, contract.ref, contracts.Signature(contract.digest, True))


async def name_of(actor: Actor) -> str:
    """The person's name."""
    return (await find(Person, Person.id == actor.person)).name
