"""Money is an integer of minor units with its currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from market.money import Money, parse

AMOUNTS = some.integers(min_value=0, max_value=10**15)


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("1500", 150_000), ("£1,500.50", 150_050), (" 1,234,567 ", 123_456_700), ("0.01", 1), ("12.3", 1230)],
)
def test_what_people_type_is_read_into_pence(typed: str, minor: int) -> None:
    assert parse(typed) == Money(minor)


@pytest.mark.parametrize("typed", ["", "a lot", "-5", "1,50", "1.234", "£", "1e3", "１５"])
def test_what_is_no_amount_is_refused_with_what_to_type(typed: str) -> None:
    with pytest.raises(ValueError, match="Enter an amount"):
        parse(typed)


def test_currencies_have_their_own_number_of_decimals() -> None:
    assert parse("1500", "JPY") == Money(1500, "JPY")
    assert parse("1.234", "KWD") == Money(1234, "KWD")
    assert str(Money(150_050)) == "£1,500.50"
    assert str(Money(-100)) == "-£1"
    assert str(Money(1500, "JPY")) == "1,500 JPY"


def test_currencies_are_never_combined() -> None:
    with pytest.raises(ValueError, match="never converted"):
        Money(1, "GBP") + Money(1, "EUR")
    with pytest.raises(ValueError, match="currency code"):
        Money(1, "pounds")


@given(AMOUNTS, some.lists(some.integers(min_value=0, max_value=1000), min_size=1, max_size=20).filter(any))
def test_shares_sum_to_the_whole_and_never_differ_by_more_than_a_penny_from_fair(
    minor: int, weights: list[int]
) -> None:
    parts = Money(minor).share(weights)
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - minor * weight / sum(weights)) <= 1 + minor * 1e-12


@given(AMOUNTS)
def test_what_is_shown_is_read_back(minor: int) -> None:
    assert parse(str(Money(minor))) == Money(minor)
