"""The evaluation of a tender as it stands: its opened bids, its panel, what is scored, what is missing, and the ranking.

Read once from the database (:func:`of`), then reckoned without it, so that the page, the API and the decision see the
same facts. Prices are part of the ranking only when the whole panel has submitted (:attr:`Evaluation.complete`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from market import policy
from market.accounts.tables import Organisation
from market.awards import scoring
from market.awards.tables import BidScore, Decision, Panelist, PriceQuestion
from market.bids.tables import Opening
from market.db import find, many, maybe
from market.money import Money
from market.proof import canonical
from market.tenders.tables import Lot, LotCriterion, Tender


@dataclass(frozen=True, slots=True)
class OpenBid:
    """A counting envelope after the opening. `ref` is the envelope's own reference, as the register has it; `id` the row
    of what was in it; `problem` why it could not be read, empty when it could."""

    id: int
    ref: str
    lot: int
    supplier: int
    supplier_ref: str
    supplier_name: str
    price: Money
    answers: dict[str, str]
    problem: str


@dataclass(frozen=True, slots=True)
class Member:
    """An evaluator with her name, as the panel's row has her."""

    row: Panelist
    ref: str
    name: str

    @property
    def conflicts(self) -> list[str]:
        """The references of the suppliers she has an interest in."""
        return self.row.conflicts.split()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything about the evaluation of one tender. `decisions` are those in force, by lot id."""

    tender: Tender
    buyer: Organisation
    opening: Opening | None
    lots: list[Lot]
    criteria: dict[int, list[LotCriterion]]
    bids: list[OpenBid]
    panel: list[Member]
    scores: list[BidScore]
    decisions: dict[int, Decision]
    questions: dict[int, PriceQuestion]

    @property
    def active(self) -> list[Member]:
        """The evaluators who were not excused."""
        return [member for member in self.panel if member.row.excused_at is None]

    @property
    def bidders(self) -> dict[str, str]:
        """Who has bid: reference → name, by name."""
        found = {bid.supplier_ref: bid.supplier_name for bid in self.bids}
        return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))

    def interests(self, member: Member) -> str:
        """The names of the bidders an evaluator declared an interest in."""
        return ", ".join(self.bidders.get(ref, ref) for ref in member.conflicts)

    def lot(self, ref: str) -> Lot | None:
        """The lot with this reference."""
        return next((lot for lot in self.lots if lot.ref == ref), None)

    def bid(self, ref: str) -> OpenBid | None:
        """The bid with this reference."""
        return next((bid for bid in self.bids if bid.ref == ref), None)

    def member(self, person: int | None) -> Member | None:
        """The evaluator who is this person."""
        return next((member for member in self.panel if person is not None and member.row.person == person), None)

    def bids_of(self, lot: Lot, *, readable: bool = False) -> list[OpenBid]:
        """The bids for a lot; with `readable` only those that can be scored."""
        return [bid for bid in self.bids if bid.lot == lot.id and not (readable and bid.problem)]

    def quality(self, lot: int) -> list[LotCriterion]:
        """The criteria of a lot that evaluators score."""
        return [criterion for criterion in self.criteria[lot] if criterion.kind == "quality"]

    def scorers(self, bid: OpenBid) -> list[Member]:
        """Who scores a bid: those on the panel who declared, without an interest in the bidder."""
        return [each for each in self.active if each.row.declared_at and bid.supplier_ref not in each.conflicts]

    def given(self, member: Member, bid: OpenBid) -> dict[int, BidScore]:
        """What an evaluator gave a bid so far, by criterion id."""
        return {each.criterion: each for each in self.scores if (each.panelist, each.bid) == (member.row.id, bid.id)}

    def to_score(self, member: Member) -> list[OpenBid]:
        """The bids this evaluator scores: readable, of lots that are not decided, without a conflict."""
        return [
            bid
            for bid in self.bids
            if not bid.problem
            and bid.lot not in self.decisions
            and bid.supplier_ref not in member.conflicts
            and self.quality(bid.lot)
        ]

    def missing(self, member: Member) -> list[str]:
        """What this evaluator has not scored yet, in words."""
        numbers = {lot.id: lot.number for lot in self.lots}
        return [
            f"{bid.supplier_name}, lot {numbers[bid.lot]}"
            for bid in self.to_score(member)
            if set(self.given(member, bid)) < {criterion.id for criterion in self.quality(bid.lot)}
        ]

    def waiting(self) -> list[str]:
        """What the panel still owes before prices are shown and anything can be awarded, in sentences."""
        if not any(not bid.problem for bid in self.bids):
            return []
        least = policy.UK.award.evaluators_minimum
        owed = []
        if len(self.active) < least:
            owed.append(f"Name at least {least} evaluators; {len(self.active)} on the panel now.")
        late = [member.name for member in self.active if member.row.submitted_at is None]
        if late:
            owed.append(f"Not yet submitted: {', '.join(late)}.")
        few = [
            bid.supplier_name
            for bid in self.bids
            if not bid.problem and self.quality(bid.lot) and len(self.scorers(bid)) < least
        ]
        if few and not late and len(self.active) >= least:
            owed.append(f"Fewer than {least} evaluators without a conflict for: {', '.join(dict.fromkeys(few))}.")
        return owed

    @property
    def complete(self) -> bool:
        """Whether the panel owes nothing: only now prices are shown to anybody."""
        return self.opening is not None and not self.waiting()

    def ranking(self, lot: Lot) -> scoring.Ranking:
        """The bids of a lot ranked by the published criteria; call it only when :attr:`complete`."""
        criteria = [
            scoring.Criterion(
                each.ref, each.name, each.weight, "price" if each.kind == "price" else "quality", each.minimum
            )
            for each in self.criteria[lot.id]
        ]
        offers = [
            scoring.Offer(
                bid.ref,
                bid.supplier_ref,
                bid.supplier_name,
                bid.price,
                {
                    criterion.ref: [
                        mark.points
                        for member in self.scorers(bid)
                        if (mark := self.given(member, bid).get(criterion.id)) is not None
                    ]
                    for criterion in self.quality(lot.id)
                },
            )
            for bid in self.bids_of(lot, readable=True)
        ]
        return scoring.evaluate(criteria, offers, seed=self.seed(lot))

    def seed(self, lot: Lot) -> str:
        """What a lot draw begins from: fixed by the published register of opening, which nobody could choose."""
        return f"{self.opening.digest if self.opening else ''}:{lot.ref}"

    def allotted(self, lot: Lot, set_aside: dict[str, str]) -> scoring.Allotted:
        """Who gets this lot when the limit on lots is applied over all lots not decided yet, and these bids of it are
        passed over. Lots decided before count towards the limit."""
        held: dict[str, int] = {}
        suppliers = {bid.id: bid.supplier_ref for bid in self.bids}
        for decision in self.decisions.values():
            if decision.winner is not None:
                held[suppliers[decision.winner]] = held.get(suppliers[decision.winner], 0) + 1
        contests = [
            scoring.Contest(
                each.ref,
                each.number,
                Money(each.value_minor, self.tender.currency),
                _without(self.ranking(each), set_aside if each.id == lot.id else {}),
            )
            for each in self.lots
            if each.id not in self.decisions
        ]
        allotted = scoring.allocate(contests, self.tender.lots_per_supplier, held)
        return next(each for each in allotted if each.lot == lot.ref)

    def reasons(self, bid: OpenBid) -> list[dict[str, Any]]:
        """What the evaluators wrote about a bid, by criterion, without their names: `criterion`, `name`, `weight`, `marks`
        (each with `points` and `reason`)."""
        return [
            {
                "criterion": criterion.ref,
                "name": criterion.name,
                "weight": criterion.weight,
                "marks": [
                    {"points": mark.points, "reason": mark.reason}
                    for member in self.scorers(bid)
                    if (mark := self.given(member, bid).get(criterion.id)) is not None
                ],
            }
            for criterion in self.quality(bid.lot)
        ]

    def protocol(self, lot: Lot, set_aside: dict[str, str]) -> dict[str, Any]:
        """The reckoning of a lot as it is kept with the decision and shown: every bid with its numbers, the sentence that
        explains each, and the reasons given, in plain data. `awarded` is the bid that comes first by the rules, or ''."""
        ranking, allotted = self.ranking(lot), self.allotted(lot, set_aside)
        held = {bid.ref: bid for bid in self.bids_of(lot)}
        return {
            "formula": ranking.formula,
            "rules": list(ranking.rules),
            "seed": self.seed(lot),
            "draws": [
                {"seed": draw.seed, "tickets": [list(ticket) for ticket in draw.tickets]} for draw in ranking.draws
            ],
            "limit": self.tender.lots_per_supplier,
            "allotment": list(allotted.says),
            "awarded": allotted.winner.bid if allotted.winner else "",
            "set_aside": dict(set_aside),
            "placed": [
                {
                    "bid": each.bid,
                    "supplier": each.supplier,
                    "name": each.name,
                    "price_minor": each.price.minor,
                    "currency": each.price.currency,
                    "rank": each.rank,
                    "quality": each.quality,
                    "price_points": each.price_points,
                    "total": each.total,
                    "lines": [msgspec.to_builtins(line) for line in each.lines],
                    "excluded": each.excluded,
                    "tie": each.tie,
                    "low": each.low,
                    "reasons": self.reasons(held[each.bid]),
                }
                for each in ranking.placed
            ],
            "unreadable": [
                {"bid": bid.ref, "supplier": bid.supplier_ref, "name": bid.supplier_name, "problem": bid.problem}
                for bid in held.values()
                if bid.problem
            ],
        }


def _without(ranking: scoring.Ranking, set_aside: dict[str, str]) -> scoring.Ranking:
    return msgspec.structs.replace(
        ranking,
        placed=tuple(
            msgspec.structs.replace(bid, rank=None, excluded="Set aside.") if bid.bid in set_aside else bid
            for bid in ranking.placed
        ),
    )


async def of(tender: Tender) -> Evaluation:
    """Read the evaluation of a tender as it stands now."""
    lots = await Lot.objects().where(Lot.tender == tender.id).order_by(Lot.number)
    criteria: dict[int, list[LotCriterion]] = {lot.id: [] for lot in lots}
    for criterion in await (
        LotCriterion.objects().where(LotCriterion.lot.is_in(list(criteria) or [0])).order_by(LotCriterion.place)
    ):
        criteria[criterion.lot].append(criterion)
    bids = [
        OpenBid(
            row["id"],
            row["ref"],
            row["lot"],
            row["supplier"],
            row["supplier_ref"],
            row["supplier_name"],
            Money(row["price_minor"], row["currency"]),
            canonical.decode(row["answers"].encode()) if row["answers"] else {},
            row["problem"],
        )
        for row in await many(
            "SELECT ob.id, b.ref, ob.lot, ob.supplier, o.ref AS supplier_ref, o.name AS supplier_name, ob.price_minor, "
            "ob.currency, ob.answers, ob.problem FROM opened_bid ob JOIN bid b ON b.id = ob.bid "
            "JOIN organisation o ON o.id = ob.supplier JOIN lot l ON l.id = ob.lot "
            "WHERE ob.tender = {} ORDER BY l.number, b.received_at, b.id",
            tender.id,
        )
    ]
    panel = await Panelist.objects().where(Panelist.tender == tender.id).order_by(Panelist.id)
    names = {
        row["id"]: row
        for row in await many(
            "SELECT id, ref, name FROM person WHERE id = ANY({}::int[])", [each.person for each in panel]
        )
    }
    decisions = await Decision.objects().where((Decision.tender == tender.id) & Decision.set_aside_at.is_null())
    ids = [bid.id for bid in bids] or [0]
    return Evaluation(
        tender,
        await find(Organisation, Organisation.id == tender.buyer),
        await maybe(Opening, Opening.tender == tender.id),
        lots,
        criteria,
        bids,
        [Member(each, names[each.person]["ref"], names[each.person]["name"]) for each in panel],
        await BidScore.objects().where(BidScore.bid.is_in(ids)).order_by(BidScore.id),
        {each.lot: each for each in decisions},
        {each.bid: each for each in await PriceQuestion.objects().where(PriceQuestion.bid.is_in(ids))},
    )
