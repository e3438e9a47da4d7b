"""From marks and prices to a ranking anybody can recompute with a pencil.

The arithmetic of marks is `market/panels/arithmetic.py`; prices and the order of bids are added here. No hidden digit ever
separates two bids. The rules are stated in `market/tenders/method.py`, where bidders read them first, and carried by every result.

Nothing here knows a clock, a database or a person: the same facts give the same ranking for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from market import policy
from market.money import Money
from market.panels.arithmetic import Line, average, decimal, hundredths, line, shown, weights_add_up
from market.tenders.method import RULES
from market.wording import _, _n, together

Formula = Literal["proportional", "linear"]


class Criterion(msgspec.Struct, frozen=True):
    """What bids for a lot are scored on. `weight` in points of 100; `minimum` is the average mark under which a bid is
    excluded (0: none). At most one criterion of a lot is the price."""

    id: str
    name: str
    weight: int
    kind: Literal["quality", "price"] = "quality"
    minimum: int = 0


class Offer(msgspec.Struct, frozen=True):
    """An opened bid: who bids, at what price, and what each evaluator marked, by the id of the criterion."""

    bid: str
    supplier: str
    name: str
    price: Money
    marks: Mapping[str, Sequence[int]] = msgspec.field(default_factory=dict)


class Placed(msgspec.Struct, frozen=True):
    """One bid in the ranking. `quality`, `price_points` and `total` are hundredths of a point; `rank` is None for an
    excluded bid, and `excluded` says why; `tie` says how it was parted from its equals; `low` why its price looks low."""

    bid: str
    supplier: str
    name: str
    price: Money
    lines: tuple[Line, ...]
    quality: int
    price_points: int
    total: int
    rank: int | None = None
    excluded: str | None = None
    tie: str | None = None
    low: str | None = None

    @property
    def says(self) -> tuple[str, ...]:
        """Everything reckoned about this bid in sentences, ready to be quoted."""
        total = (
            ()
            if self.excluded
            else (_("Total: {total} of 100 points, rank {rank}.", total=shown(self.total), rank=self.rank),)
        )
        return (*(line.says for line in self.lines), *total, *filter(None, (self.excluded, self.tie, self.low)))


class Draw(msgspec.Struct, frozen=True):
    """A lot draw that anybody can repeat: SHA-256 of the public seed, a line break and the bid's reference; the smallest
    ticket goes first. `tickets` are (bid, hexadecimal digest) in the order drawn."""

    seed: str
    tickets: tuple[tuple[str, str], ...]


class Ranking(msgspec.Struct, frozen=True):
    """The reckoning of one lot: valid bids by rank, excluded ones after them, and the rules that were applied."""

    placed: tuple[Placed, ...]
    formula: Formula
    rules: tuple[str, ...]
    draws: tuple[Draw, ...] = ()

    @property
    def valid(self) -> tuple[Placed, ...]:
        """The bids that were ranked, best first."""
        return tuple(bid for bid in self.placed if bid.rank is not None)

    @property
    def winner(self) -> Placed | None:
        """The first-ranked bid; None when no bid is valid."""
        return self.valid[0] if self.valid else None


def price_points(price: int, lowest: int, weight: int, formula: Formula) -> Fraction:
    """The exact points of a price in minor units. A free offer takes the full weight and leaves every other none under
    both formulas, since no share of nothing can be reckoned."""
    if price < 0 or lowest < 0 or price < lowest:
        raise ValueError("prices are not negative and the lowest is the lowest")
    if price == lowest:
        return Fraction(weight)
    if lowest == 0:
        return Fraction(0)
    if formula == "proportional":
        return Fraction(weight * lowest, price)
    return max(Fraction(0), weight * (1 - Fraction(price - lowest, lowest)))


def draw(seed: str, bids: Iterable[str]) -> Draw:
    """Put equal bids in order by a public seed nobody could choose: see :class:`Draw`. Take for the seed something fixed
    after the last bid came in, such as the digest of the published register of opening and the lot's reference."""
    if not seed:
        raise ValueError("a lot draw needs a public seed, or nobody can repeat it")
    tickets = sorted((hashlib.sha256(f"{seed}\n{bid}".encode()).hexdigest(), bid) for bid in bids)
    return Draw(seed, tuple((bid, digest) for digest, bid in tickets))


def evaluate(
    criteria: Sequence[Criterion],
    offers: Sequence[Offer],
    *,
    seed: str,
    formula: Formula = "proportional",
    highest_mark: int = policy.IN_FORCE.panels.highest_mark,
) -> Ranking:
    """Rank the opened bids of one lot by the rules in :data:`~market.tenders.method.RULES`; the order of `offers` changes nothing.

    Refused (ValueError): weights that do not make 100, two price criteria, a bid named twice, a missing mark or one
    outside 0 to `highest_mark`, negative prices, several currencies.
    """
    _sound(criteria, offers)
    price = next((criterion for criterion in criteria if criterion.kind == "price"), None)
    assessed = [_quality(criteria, offer, highest_mark) for offer in sorted(offers, key=lambda offer: offer.bid)]
    admitted = [offer for offer in assessed if not offer.excluded]
    lowest = min((offer.price.minor for offer in admitted), default=0)
    scored = [_priced(offer, price, lowest, formula) for offer in admitted]
    low = {bid.bid: reason for bid in scored if (reason := looks_low(bid.price, _others(bid, scored)))}
    order, draws = _order(scored, seed)
    ranked = [
        msgspec.structs.replace(bid, rank=place, tie=tie, low=low.get(bid.bid))
        for place, (bid, tie) in enumerate(order, start=1)
    ]
    codes = ("quality", "minimum", *((formula,) if price else ()), "rounding", "ties", "low")
    rules = tuple(_(RULES[code]) for code in codes)
    return Ranking((*ranked, *(bid for bid in assessed if bid.excluded)), formula, rules, draws)


def looks_low(price: Money, others: Iterable[Money]) -> str | None:
    """Why a price looks abnormally low beside the others, or None. It excludes nobody: Procurement Act 2023 section 19
    lets a buyer disregard such a tender only after the supplier had a reasonable opportunity to explain."""
    rest = sorted(other.minor for other in others)
    under_mean, under_next = policy.IN_FORCE.award.low_percent_under_mean, policy.IN_FORCE.award.low_percent_under_next
    ask = " " + _(
        "The supplier has {low_reply_working_days} working days to explain it before any decision.",
        low_reply_working_days=policy.IN_FORCE.award.low_reply_working_days,
    )
    if len(rest) >= 2 and sum(rest) > 0 and price.minor * 100 * len(rest) <= sum(rest) * (100 - under_mean):
        mean = Money(int(Fraction(sum(rest), len(rest)) + Fraction(1, 2)), price.currency)
        return _(
            "The price of {price} is {under_mean}% or more under the average of the other bids ({mean}).{ask}",
            price=price,
            under_mean=under_mean,
            mean=mean,
            ask=ask,
        )
    above = next((other for other in rest if other > price.minor), None)
    if above and rest[0] > price.minor and price.minor * 100 <= above * (100 - under_next):
        following = Money(above, price.currency)
        return _(
            "The price of {price} is {under_next}% or more under the next price ({following}).{ask}",
            price=price,
            under_next=under_next,
            following=following,
            ask=ask,
        )
    return None


class Contest(msgspec.Struct, frozen=True):
    """One lot for :func:`allocate`: its reference, number and estimated value, and its ranking."""

    lot: str
    number: int
    value: Money
    ranking: Ranking


class Allotted(msgspec.Struct, frozen=True):
    """Who gets a lot after the limit: the bid, or None when nobody may have it; and how that came about."""

    lot: str
    winner: Placed | None
    says: tuple[str, ...]


def allocate(
    contests: Sequence[Contest], limit: int | None, held: Mapping[str, int] | None = None
) -> tuple[Allotted, ...]:
    """Award several lots when one supplier may have at most `limit` of them (None: no limit), by the rule in :data:`~market.tenders.method.RULES`.

    `held` counts the lots of the same tender that a supplier was awarded before, which it keeps. A lot nobody else bids for validly has the greatest lead and is kept first. The limit is never exceeded: a lot left
    without a bidder is not awarded and says so. Suppliers over the limit are taken by their lowest lot number.
    """
    if limit is not None and limit < 1:
        raise ValueError("a supplier may be awarded at least one lot")
    lots = sorted(contests, key=lambda contest: contest.number)
    barred: dict[str, set[str]] = {contest.lot: set() for contest in lots}
    notes: dict[str, list[str]] = {contest.lot: [] for contest in lots}

    def open_bids(contest: Contest) -> list[Placed]:
        return [bid for bid in contest.ranking.valid if bid.supplier not in barred[contest.lot]]

    def room(supplier: str) -> int:
        return max(0, (limit or 0) - (held or {}).get(supplier, 0))

    while limit is not None:
        ahead: dict[str, list[Contest]] = {}
        for contest in lots:
            if bids := open_bids(contest):
                ahead.setdefault(bids[0].supplier, []).append(contest)
        over = next((supplier for supplier, won in ahead.items() if len(won) > room(supplier)), None)
        if over is None:
            break
        kept = sorted(ahead[over], key=lambda contest: _claim(contest, open_bids(contest)))
        keeps = [
            _("lot {number}", number=each.number) for each in sorted(kept[: room(over)], key=lambda each: each.number)
        ]
        if (held or {}).get(over, 0):
            keeps.append(_("what it was awarded before"))
        for contest in kept[room(over) :]:
            name = open_bids(contest)[0].name
            barred[contest.lot].add(over)
            notes[contest.lot].append(
                _(
                    "{name} was ahead here too, but one supplier may be awarded at most {limit} of these lots and "
                    "keeps {keeps}, by the stated rule.",
                    name=name,
                    limit=limit,
                    keeps=", ".join(keeps),
                )
            )
    allotted = []
    for contest in lots:
        winner = next(iter(open_bids(contest)), None)
        if winner is None:
            notes[contest.lot].append(_("No bid is left that may be awarded this lot, so it is not awarded."))
        allotted.append(Allotted(contest.lot, winner, tuple(notes[contest.lot])))
    return tuple(allotted)


def _claim(contest: Contest, bids: Sequence[Placed]) -> tuple[int, int, int, int]:
    alone = len(bids) == 1
    lead = 0 if alone else bids[0].total - bids[1].total
    return (0 if alone else 1, -lead, -contest.value.minor, contest.number)


def _sound(criteria: Sequence[Criterion], offers: Sequence[Offer]) -> None:
    if not weights_add_up(criterion.weight for criterion in criteria):
        raise ValueError(f"the weights of the criteria must add up to {policy.IN_FORCE.award.weights_total}")
    if [criterion.kind for criterion in criteria].count("price") > 1:
        raise ValueError("a lot has one price and so at most one price criterion")
    if len({criterion.id for criterion in criteria}) < len(criteria) or len({offer.bid for offer in offers}) < len(
        offers
    ):
        raise ValueError("a criterion or a bid is there twice")
    if len({offer.price.currency for offer in offers}) > 1:
        raise ValueError("bids in several currencies cannot be compared")
    for offer in offers:
        if offer.price.minor < 0:
            raise ValueError(f"bid {offer.bid} has a negative price")


def _quality(criteria: Sequence[Criterion], offer: Offer, highest_mark: int) -> Placed:
    lines, fails = [], []
    for criterion in (each for each in criteria if each.kind == "quality"):
        marks = offer.marks.get(criterion.id, ())
        try:
            lines.append(line(criterion.id, criterion.name, criterion.weight, marks, highest_mark))
        except ValueError as wrong:
            raise ValueError(f"bid {offer.bid}: {wrong}") from None
        if (mark := average(marks)) < criterion.minimum:
            fails.append(
                _(
                    "{name} (average mark {mark}, minimum {minimum})",
                    name=criterion.name,
                    mark=decimal(mark),
                    minimum=criterion.minimum,
                )
            )
    quality = sum(each.points for each in lines)
    excluded = (
        _("Excluded: under the minimum for {fails}; the price was not compared.", fails=together(fails))
        if fails
        else None
    )
    return Placed(
        bid=offer.bid,
        supplier=offer.supplier,
        name=offer.name,
        price=offer.price,
        lines=tuple(lines),
        quality=quality,
        price_points=0,
        total=quality,
        excluded=excluded,
    )


def _priced(bid: Placed, price: Criterion | None, lowest: int, formula: Formula) -> Placed:
    if price is None:
        return bid
    points = hundredths(price_points(bid.price.minor, lowest, price.weight, formula))
    floor = Money(lowest, bid.price.currency)
    if bid.price.minor == lowest:
        how = _("the lowest valid price takes the full weight")
    elif lowest == 0:
        how = "a free offer takes the full weight and leaves none for others"
    elif formula == "proportional":
        how = f"{floor} ÷ {bid.price} × {price.weight}"
    else:
        how = _(
            "{weight} × (1 − ({price} − {floor}) ÷ {floor}), and not under 0",
            weight=price.weight,
            price=bid.price,
            floor=floor,
        )
    says = _(
        "{name}: {price}, lowest valid price {floor}: {how}: {points} of {weight} points.",
        name=price.name,
        price=bid.price,
        floor=floor,
        how=how,
        points=shown(points),
        weight=price.weight,
    )
    priced = Line(price.id, price.name, price.weight, points, says)
    return msgspec.structs.replace(bid, lines=(*bid.lines, priced), price_points=points, total=bid.quality + points)


def _others(bid: Placed, bids: Iterable[Placed]) -> list[Money]:
    return [other.price for other in bids if other.bid != bid.bid]


def _order(bids: Sequence[Placed], seed: str) -> tuple[list[tuple[Placed, str | None]], tuple[Draw, ...]]:
    """Bids best first, each with the sentence that parts it from its equals, and the draws that were needed."""
    groups: dict[tuple[int, int, int], list[Placed]] = {}
    for bid in bids:
        groups.setdefault((-bid.total, -bid.quality, bid.price.minor), []).append(bid)
    totals = [bid.total for bid in bids]
    order: list[tuple[Placed, str | None]] = []
    draws: list[Draw] = []
    for key in sorted(groups):
        group = groups[key]
        if len(group) > 1:
            drawn = draw(seed, [bid.bid for bid in group])
            draws.append(drawn)
            by_ticket = {bid.bid: bid for bid in group}
            others = _n("another bid", "{number} other bids", len(group) - 1)
            says = _(
                "Equal in total, quality and price with {others}: placed by lot, seed {seed}.",
                others=others,
                seed=repr(seed),
            )
            order += [(by_ticket[bid], says) for bid, _ticket in drawn.tickets]
        elif totals.count(group[0].total) > 1:
            same = [
                bid.quality == group[0].quality for bid in bids if bid.total == group[0].total and bid is not group[0]
            ]
            by = (
                _("lower price")
                if all(same)
                else _("quality points, then lower price")
                if any(same)
                else _("quality points")
            )
            order.append((group[0], _("Equal in total with another bid: placed by {by}.", by=by)))
        else:
            order.append((group[0], None))
    return order, tuple(draws)
