"""Prices and marks to a ranking: formulas, minimums, ties, limits on lots, and sentences that letters can quote."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.awards.scoring import (
    Contest,
    Criterion,
    Formula,
    Offer,
    Ranking,
    allocate,
    draw,
    evaluate,
    looks_low,
    price_points,
)
from market.money import Money

METHOD, TEAM, PRICE = (
    Criterion("method", "How the work is done", 40, minimum=40),
    Criterion("team", "The team", 20),
    Criterion("price", "Price", 40, kind="price"),
)
CRITERIA = (METHOD, TEAM, PRICE)


def offer(bid: str, pounds: int, method: int = 80, team: int = 80, supplier: str | None = None) -> Offer:
    return Offer(bid, supplier or f"s-{bid}", f"Firm {bid}", Money(pounds * 100), {"method": [method], "team": [team]})


def places(ranking: Ranking) -> list[str]:
    return [placed.bid for placed in ranking.valid]


@pytest.mark.parametrize(
    ("price", "lowest", "formula", "points"),
    [
        pytest.param(100, 100, "proportional", Fraction(40), id="the lowest price takes the full weight"),
        pytest.param(200, 100, "proportional", Fraction(20), id="twice the lowest takes half"),
        pytest.param(300, 100, "proportional", Fraction(40, 3), id="three times the lowest takes a third"),
        pytest.param(150, 100, "linear", Fraction(20), id="half as much again takes half on the straight line"),
        pytest.param(200, 100, "linear", Fraction(0), id="twice the lowest takes none on the straight line"),
        pytest.param(900, 100, "linear", Fraction(0), id="and never less than none"),
        pytest.param(0, 0, "proportional", Fraction(40), id="a free offer takes the full weight"),
        pytest.param(1, 0, "linear", Fraction(0), id="and leaves none for a priced one"),
    ],
)
def test_a_price_earns_points_by_the_stated_formula(
    price: int, lowest: int, formula: Formula, points: Fraction
) -> None:
    assert price_points(price, lowest, 40, formula) == points


def test_a_ranking_adds_the_points_that_are_printed() -> None:
    ranking = evaluate(CRITERIA, [offer("A", 90, 80, 90), offer("B", 70, 60, 70)], seed="s")
    best, second = ranking.placed
    assert (best.bid, best.quality, best.price_points, best.total) == ("A", 3200 + 1800, 3111, 8111)
    assert (second.bid, second.quality, second.price_points, second.total) == ("B", 2400 + 1400, 4000, 7800)
    assert best.says == (
        "How the work is done: average mark 80 of 100, weight 40: 32.00 of 40 points.",
        "The team: average mark 90 of 100, weight 20: 18.00 of 20 points.",
        "Price: £90, lowest valid price £70: £70 ÷ £90 × 40: 31.11 of 40 points.",
        "Total: 81.11 of 100 points, rank 1.",
    )
    assert any("half up" in rule for rule in ranking.rules)


def test_marks_of_several_evaluators_are_averaged_exactly() -> None:
    three = Offer("A", "s", "Firm A", Money(100), {"method": [70, 80, 81], "team": [50, 51]})
    (placed,) = evaluate(CRITERIA, [three], seed="s").placed
    assert [line.points for line in placed.lines] == [3080, 1010, 4000]
    assert "average mark 77" in placed.lines[0].says
    assert "average mark 50.5 of" in placed.lines[1].says


def test_a_bid_under_a_minimum_is_excluded_and_its_price_compared_with_nobodys() -> None:
    ranking = evaluate(CRITERIA, [offer("cheap", 10, method=39), offer("B", 100), offer("C", 110)], seed="s")
    assert places(ranking) == ["B", "C"]
    out = ranking.placed[-1]
    assert (out.bid, out.rank, out.price_points) == ("cheap", None, 0)
    assert out.excluded == (
        "Excluded: under the minimum for How the work is done (average mark 39, minimum 40); the price was not compared."
    )
    assert ranking.valid[0].price_points == 4000


def test_nobody_wins_when_nobody_is_valid() -> None:
    assert evaluate(CRITERIA, [], seed="s").winner is None
    assert evaluate(CRITERIA, [offer("A", 10, method=0)], seed="s").winner is None


def test_price_alone_may_decide() -> None:
    only = [Criterion("price", "Price", 100, kind="price")]
    assert places(evaluate(only, [offer("A", 30), offer("B", 20), offer("C", 25)], seed="s")) == ["B", "C", "A"]


def test_quality_alone_may_decide() -> None:
    only = [Criterion("method", "Method", 100)]
    ranking = evaluate(only, [offer("A", 30, 50), offer("B", 900, 60)], seed="s")
    assert places(ranking) == ["B", "A"]
    assert ranking.valid[0].total == 6000


def test_equal_totals_are_parted_by_quality() -> None:
    criteria = [Criterion("method", "Method", 50), Criterion("price", "Price", 50, kind="price")]
    ranking = evaluate(criteria, [offer("dear", 200, 100), offer("cheap", 100, 50)], seed="s")
    assert [(bid.bid, bid.total) for bid in ranking.valid] == [("dear", 7500), ("cheap", 7500)]
    assert ranking.valid[0].tie == "Equal in total with another bid: placed by quality points."
    assert not ranking.draws


def test_equal_totals_and_quality_are_parted_by_price() -> None:
    criteria = [Criterion("method", "Method", 99), Criterion("price", "Price", 1, kind="price")]
    ranking = evaluate(criteria, [offer("A", 100_001), offer("B", 100_000)], seed="s")
    assert ranking.valid[0].total == ranking.valid[1].total
    assert places(ranking) == ["B", "A"]
    assert ranking.valid[0].tie == "Equal in total with another bid: placed by lower price."


def test_bids_equal_in_everything_are_drawn_by_a_lot_anybody_can_repeat() -> None:
    bids = [f"B{n}" for n in range(6)]
    ranking = evaluate(CRITERIA, [offer(bid, 100) for bid in bids], seed="ocds-1 register 7f")
    by_hand = sorted(bids, key=lambda bid: hashlib.sha256(f"ocds-1 register 7f\n{bid}".encode()).hexdigest())
    assert places(ranking) == by_hand
    assert [bid for bid, _ in ranking.draws[0].tickets] == by_hand
    assert "ocds-1 register 7f" in (ranking.valid[0].tie or "")
    assert places(evaluate(CRITERIA, [offer(bid, 100) for bid in bids], seed="another")) != by_hand


def test_three_bids_equal_in_everything_are_drawn_too() -> None:
    found = evaluate(CRITERIA, [offer(name, 100) for name in "abc"], seed="seed")
    assert {bid.tie for bid in found.placed} == {
        "Equal in total, quality and price with 2 other bids: placed by lot, seed 'seed'."
    }


def test_a_draw_without_a_public_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        draw("", ["A", "B"])


@pytest.mark.parametrize(
    ("price", "others", "flagged"),
    [
        pytest.param(60, [100, 100], "under the average", id="40 per cent under the average"),
        pytest.param(61, [100, 100], "under the next", id="over that, but 30 per cent under the next"),
        pytest.param(70, [100], "under the next", id="30 per cent under the only other"),
        pytest.param(71, [100, 100], None, id="under neither"),
        pytest.param(100, [100, 100], None, id="equal prices"),
        pytest.param(80, [70, 180], None, id="not the lowest, and not far under the average"),
        pytest.param(50, [], None, id="nothing to compare with"),
        pytest.param(0, [0, 0], None, id="everybody free"),
    ],
)
def test_a_price_far_under_the_others_is_marked(price: int, others: list[int], flagged: str | None) -> None:
    reason = looks_low(Money(price * 100), [Money(other * 100) for other in others])
    assert (reason is None) == (flagged is None)
    if flagged and reason:
        assert flagged in reason
        assert "5 working days" in reason


def test_a_low_price_is_marked_and_still_ranked() -> None:
    ranking = evaluate(CRITERIA, [offer("A", 10), offer("B", 100), offer("C", 100)], seed="s")
    assert ranking.winner
    assert ranking.winner.bid == "A"
    assert ranking.winner.low
    assert not ranking.valid[1].low


@pytest.mark.parametrize(
    ("criteria", "offers", "says"),
    [
        pytest.param([METHOD, PRICE], [], "add up to 100", id="weights that make 80"),
        pytest.param([], [], "add up to 100", id="no criteria"),
        pytest.param(
            [Criterion("a", "A", 50, "price"), Criterion("b", "B", 50, "price")], [], "one price", id="two prices"
        ),
        pytest.param([Criterion("a", "A", 50), Criterion("a", "B", 50)], [], "twice", id="a criterion twice"),
        pytest.param(CRITERIA, [offer("A", 1), offer("A", 2)], "twice", id="a bid twice"),
        pytest.param(CRITERIA, [Offer("A", "s", "F", Money(1))], "no mark", id="a mark missing"),
        pytest.param(CRITERIA, [offer("A", 1, method=101)], "outside", id="a mark over the highest"),
        pytest.param(CRITERIA, [offer("A", 1, team=-1)], "outside", id="a mark under nought"),
        pytest.param(CRITERIA, [offer("A", -1)], "negative", id="a negative price"),
        pytest.param(
            CRITERIA,
            [offer("A", 1), Offer("B", "s", "F", Money(1, "EUR"), {"method": [1], "team": [1]})],
            "currencies",
            id="two currencies",
        ),
    ],
)
def test_what_cannot_be_reckoned_is_refused(criteria: list[Criterion], offers: list[Offer], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate(criteria, offers, seed="s")


marks = st.integers(0, 100)
offers = st.lists(st.tuples(st.integers(0, 10**9), marks, marks), min_size=1, max_size=7).map(
    lambda rows: [
        Offer(f"B{n}", f"S{n}", f"Firm {n}", Money(price), {"method": [method], "team": [team, 50]})
        for n, (price, method, team) in enumerate(rows)
    ]
)


@given(offers, st.randoms(), st.sampled_from(["proportional", "linear"]))
def test_the_order_in_which_bids_are_given_changes_nothing(
    given_offers: list[Offer], random: object, formula: Formula
) -> None:
    shuffled = list(given_offers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = evaluate(CRITERIA, given_offers, seed="s", formula=formula)
    assert evaluate(CRITERIA, shuffled, seed="s", formula=formula) == first
    totals = [bid.total for bid in first.valid]
    assert totals == sorted(totals, reverse=True)
    assert all(0 <= bid.total <= 10000 for bid in first.placed)
    assert [bid.rank for bid in first.valid] == list(range(1, len(totals) + 1))


@given(offers, st.integers(1, 10**6))
def test_bidding_less_never_earns_fewer_points(given_offers: list[Offer], less: int) -> None:
    mine = given_offers[0]
    lower = Offer(mine.bid, mine.supplier, mine.name, Money(max(0, mine.price.minor - less)), mine.marks)
    before = {bid.bid: bid for bid in evaluate(CRITERIA, given_offers, seed="s").placed}
    after = {bid.bid: bid for bid in evaluate(CRITERIA, [lower, *given_offers[1:]], seed="s").placed}
    assert after[mine.bid].total >= before[mine.bid].total


def contest(lot: int, value: int, *scores: tuple[str, int]) -> Contest:
    only = [Criterion("method", "Method", 100)]
    bids = [Offer(f"{firm}{lot}", firm, f"Firm {firm}", Money(100), {"method": [mark]}) for firm, mark in scores]
    return Contest(f"L{lot}", lot, Money(value), evaluate(only, bids, seed="s"))


THREE = (
    contest(1, 100, ("A", 90), ("B", 80)),
    contest(2, 100, ("A", 90), ("B", 60)),
    contest(3, 100, ("A", 90), ("C", 85)),
)


@pytest.mark.parametrize(
    ("contests", "limit", "winners"),
    [
        pytest.param(THREE, None, "A A A", id="without a limit the first wins everywhere"),
        pytest.param(THREE, 3, "A A A", id="a limit nobody reaches changes nothing"),
        pytest.param(THREE, 2, "A A C", id="over it she keeps the lots with the greatest lead"),
        pytest.param(THREE, 1, "B A C", id="with one lot the greatest lead of all"),
        pytest.param(
            (contest(1, 100, ("A", 90), ("B", 80)), contest(2, 500, ("A", 90), ("B", 80))),
            1,
            "B A",
            id="equal leads: value",
        ),
        pytest.param(
            (contest(1, 100, ("A", 90), ("B", 80)), contest(2, 100, ("A", 90), ("B", 80))),
            1,
            "A B",
            id="then lot number",
        ),
        pytest.param(
            (contest(1, 100, ("A", 90), ("B", 10)), contest(2, 100, ("A", 50))),
            1,
            "B A",
            id="where she bids alone she stays",
        ),
        pytest.param(
            (contest(1, 100, ("A", 90)), contest(2, 100, ("A", 50))),
            1,
            "A -",
            id="a lot nobody may have is not awarded",
        ),
        pytest.param(
            (
                contest(1, 100, ("A", 90), ("B", 80), ("C", 70)),
                contest(2, 100, ("A", 90), ("B", 50)),
                contest(3, 100, ("B", 90), ("C", 20)),
            ),
            1,
            "C A B",
            id="who inherits a lot is held to the limit too",
        ),
    ],
)
def test_a_supplier_may_be_limited_to_some_lots(contests: tuple[Contest, ...], limit: int | None, winners: str) -> None:
    allotted = allocate(contests, limit)
    assert " ".join(each.winner.supplier if each.winner else "-" for each in allotted) == winners


def test_giving_up_a_lot_is_explained() -> None:
    last = allocate(THREE, 2)[2]
    assert last.says == (
        "Firm A was ahead here too, but one supplier may be awarded at most 2 of these lots and keeps lot 1, lot 2, "
        "by the stated rule.",
    )


@given(
    st.lists(st.dictionaries(st.sampled_from("ABCDE"), marks, min_size=1), min_size=1, max_size=6), st.integers(1, 3)
)
def test_no_supplier_ever_gets_more_lots_than_the_limit(lots: list[dict[str, int]], limit: int) -> None:
    contests = [contest(n, 100 * n, *scores.items()) for n, scores in enumerate(lots, start=1)]
    allotted = allocate(contests, limit)
    won = [each.winner.supplier for each in allotted if each.winner]
    assert all(won.count(supplier) <= limit for supplier in won)
    assert allocate(list(reversed(contests)), limit) == allotted
    for before, after in zip(contests, allotted, strict=True):
        best = before.ranking.winner
        assert best
        if after.winner != best:
            assert won.count(best.supplier) == limit
