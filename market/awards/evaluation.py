"""The evaluation of a tender as it stands: its opened bids, its panel, what is scored, what is missing, and the ranking.

Read once from the database (:func:`of`), then reckoned without it, so that the page, the API and the decision see the
same facts. Prices are part of the ranking only when the whole panel has submitted (:attr:`Evaluation.complete`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from market.accounts.tables import Organisation
from market.awards import scoring
from market.awards.tables import Decision, PriceQuestion
from market.bids.tables import Opening
from market.db import find, maybe
from market.money import Money
from market.panels import panel as panels
from market.panels.actions import Convening
from market.panels.matter import Criterion, Matter, Subject
from market.panels.panel import Given, Panel
from market.proof import canonical
from market.reads import rows
from market.tenders.tables import Lot, LotCriterion, Tender
from market.wording import _


class OpenBid(msgspec.Struct, frozen=True):
    """A counting envelope after the opening. `ref` is the envelope's own reference, as the register has it; `id` the row
    of what was in it; `said` its answers as canonical JSON; `problem` why it could not be read, empty when it could."""

    id: int
    ref: str
    lot: int
    supplier: int
    supplier_ref: str
    supplier_name: str
    price_minor: int
    currency: str
    said: str
    problem: str

    @property
    def price(self) -> Money:
        """What it asks for the lot, without VAT."""
        return Money(self.price_minor, self.currency)

    @property
    def answers(self) -> dict[str, str]:
        """What it says, by the criterion's reference."""
        return canonical.decode(self.said.encode()) if self.said else {}

    @property
    def subject(self) -> str:
        """How the panel and the log name it."""
        return f"bid:{self.ref}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything about the evaluation of one tender. `decisions` are those in force, by lot id."""

    tender: Tender
    buyer: Organisation
    opening: Opening | None
    lots: list[Lot]
    criteria: dict[int, list[LotCriterion]]
    bids: list[OpenBid]
    panel: Panel
    decisions: dict[int, Decision]
    questions: dict[int, PriceQuestion]

    def lot(self, ref: str) -> Lot | None:
        """The lot with this reference."""
        return next((lot for lot in self.lots if lot.ref == ref), None)

    def bid(self, ref: str) -> OpenBid | None:
        """The bid with this reference."""
        return next((bid for bid in self.bids if bid.ref == ref), None)

    def bids_of(self, lot: Lot, *, readable: bool = False) -> list[OpenBid]:
        """The bids for a lot; with `readable` only those that can be scored."""
        return [bid for bid in self.bids if bid.lot == lot.id and not (readable and bid.problem)]

    def quality(self, lot: int) -> list[LotCriterion]:
        """The criteria of a lot that evaluators score."""
        return [criterion for criterion in self.criteria[lot] if criterion.kind == "quality"]

    @property
    def complete(self) -> bool:
        """Whether the panel owes nothing: only now prices are shown to anybody."""
        return self.opening is not None and not self.panel.waiting()

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
                    criterion.ref: [mark.points for mark in self._marks(bid, criterion.ref)]
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
                    {"points": mark.points, "word": mark.word, "reason": mark.reason}
                    for mark in self._marks(bid, criterion.ref)
                ],
            }
            for criterion in self.quality(bid.lot)
        ]

    def _marks(self, bid: OpenBid, criterion: str) -> list[Given]:
        subject = self.panel.matter.subject(bid.subject)
        return self.panel.marks(subject, criterion) if subject else []

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


def panel(ref: str) -> Convening:
    """The panel of a tender, for its actions: convening it locks the tender."""

    async def convene() -> Panel:
        return (await of(await find(Tender, Tender.ref == ref, lock=True))).panel

    return convene


def _matter(
    tender: Tender,
    buyer: Organisation,
    lots: list[Lot],
    criteria: dict[int, list[LotCriterion]],
    bids: list[OpenBid],
    decisions: dict[int, Decision],
) -> Matter:
    """What the panel of a tender judges: its bids by the names of the bidders, on the criteria of quality alone."""
    numbers = {lot.id: lot.number for lot in lots}
    asked = {
        lot: tuple(
            Criterion(each.ref, each.name, each.weight, each.description, each.minimum)
            for each in held
            if each.kind == "quality"
        )
        for lot, held in criteria.items()
    }
    here = f"/tenders/{tender.ref}/evaluation"
    settled = "" if tender.published_at else _("Publish the tender first; then name who will evaluate its bids.")
    return Matter(
        about=f"tender:{tender.ref}",
        title=tender.title,
        organisation=buyer.id,
        organisation_ref=buyer.ref,
        organisation_name=buyer.name,
        href=here,
        officer_href=here,
        what="bids",
        suppliers=dict(sorted({b.supplier_ref: b.supplier_name for b in bids}.items(), key=lambda b: b[1].casefold())),
        subjects=[
            Subject(
                bid.subject,
                _("{supplier_name}, lot {numbers}", supplier_name=bid.supplier_name, numbers=numbers[bid.lot]),
                bid.supplier_ref,
                asked[bid.lot],
                not bid.problem,
                _("This lot has been decided.") if bid.lot in decisions else "",
            )
            for bid in bids
        ],
        opened_at=tender.opened_at,
        opens_at=tender.closes_at,
        due=None,
        blind=False,
        settled=_("This tender was cancelled.") if tender.cancelled_at else settled,
        draft=tender.published_at is None,
        beside=[f"challenge:{tender.exercise}"] if tender.exercise else [],
    )


def _without(ranking: scoring.Ranking, set_aside: dict[str, str]) -> scoring.Ranking:
    return msgspec.structs.replace(
        ranking,
        placed=tuple(
            msgspec.structs.replace(bid, rank=None, excluded=_("Set aside.")) if bid.bid in set_aside else bid
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
    bids = await rows(
        OpenBid,
        """
        SELECT ob.id, b.ref, ob.lot, ob.supplier, o.ref AS supplier_ref, o.name AS supplier_name, ob.price_minor, ob.currency,
          ob.answers AS said, ob.problem
        FROM opened_bid ob JOIN bid b ON b.id = ob.bid JOIN organisation o ON o.id = ob.supplier JOIN lot l ON l.id = ob.lot
        WHERE ob.tender = {} ORDER BY l.number, b.received_at, b.id
        """,
        tender.id,
    )
    decisions = {
        decision.lot: decision
        for decision in await Decision.objects().where((Decision.tender == tender.id) & Decision.set_aside_at.is_null())
    }
    ids = [bid.id for bid in bids] or [0]
    buyer = await find(Organisation, Organisation.id == tender.buyer)
    return Evaluation(
        tender=tender,
        buyer=buyer,
        opening=await maybe(Opening, Opening.tender == tender.id),
        lots=lots,
        criteria=criteria,
        bids=bids,
        panel=await panels.of(_matter(tender, buyer, lots, criteria, bids, decisions)),
        decisions=decisions,
        questions={each.bid: each for each in await PriceQuestion.objects().where(PriceQuestion.bid.is_in(ids))},
    )
