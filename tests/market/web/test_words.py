"""Money, distances in time and typed text as people read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from market import clock, dates
from market.money import Money
from market.refusals import refusals, rule
from market.web import words

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Money(150000), "£1,500"),
        (Money(150050, "EUR"), "€1,500.50"),
        ((150000, "GBP"), "£1,500"),
        (Money(150000, "SEK"), "1,500 SEK"),
        (Money(0), "£0"),
    ],
)
def test_money_is_written_with_its_currency(value: Money | tuple[int, str], said: str) -> None:
    assert words.money(value) == said


def test_minor_units_take_their_currency_beside_them() -> None:
    assert words.money(1500, "JPY") == "1,500 JPY"
    with pytest.raises(TypeError, match="currency"):
        words.money(1500)


def test_numbers_are_grouped() -> None:
    assert words.number(1234567) == "1,234,567"
    assert words.number(Decimal("1234.50")) == "1,234.50"


@pytest.mark.parametrize("show", [dates.moment, dates.moment_zone, dates.day, dates.iso, words.until])
def test_a_moment_without_a_zone_is_refused(show: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        show(datetime(2026, 11, 24, 17))  # type: ignore[operator]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (timedelta(seconds=30), "now"),
        (timedelta(seconds=-59), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=119), "in 119 minutes"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(hours=47, minutes=59), "in 47 hours"),
        (timedelta(days=3, hours=23), "in 3 days"),
        (timedelta(hours=-2, minutes=-5), "2 hours ago"),
        (timedelta(days=-60), "60 days ago"),
        (timedelta(days=100), "in 3 months"),
        (timedelta(days=-800), "2 years ago"),
    ],
)
def test_how_far_away(gap: timedelta, said: str) -> None:
    assert words.until(NOON + gap, NOON) == said
    with clock.at(NOON):
        assert words.until(NOON + gap) == said


@pytest.mark.parametrize(
    ("day", "said"), [(24, "today"), (25, "tomorrow"), (23, "yesterday"), (28, "in 4 days"), (20, "4 days ago")]
)
def test_how_far_away_a_date_is(day: int, said: str) -> None:
    assert words.until(date(2026, 11, day), NOON) == said


def test_a_far_date_is_told_in_months_and_years() -> None:
    assert words.until(date(2027, 3, 4), NOON) == "in 3 months"
    assert words.until(date(2030, 9, 28), NOON) == "in 3 years"


def test_typed_text_becomes_paragraphs_and_lists_and_nothing_else() -> None:
    typed = "One <b>bold</b> claim\r\nand its second line\r\n\r\nWhat we know:\n- first & foremost\n- second\nAfter it."
    assert words.paragraphs(typed) == (
        '<p class="govuk-body">One &lt;b&gt;bold&lt;/b&gt; claim<br>and its second line</p>\n'
        '<p class="govuk-body">What we know:</p>\n'
        '<ul class="govuk-list govuk-list--bullet"><li>first &amp; foremost</li><li>second</li></ul>\n'
        '<p class="govuk-body">After it.</p>'
    )


def test_no_text_is_no_paragraph() -> None:
    assert words.paragraphs("  \n\n ") == ""


@rule("draft.two-criteria")
def two_criteria(count: int) -> str | None:
    """At least two criteria are
    set, each with a `weight`.

    Regulation 23 asks for more than price."""
    return None if count >= 2 else "Add another criterion."


@rule("draft.named")
def has_a_name(count: int) -> str | None:
    """The draft has a name."""
    return None


def test_a_checklist_says_each_norm_in_one_sentence() -> None:
    pairs = [(each, next(iter(refusals([each], 1)), None)) for each in (two_criteria, has_a_name)]
    assert words.checklist_items(pairs) == [
        ("At least two criteria are set, each with a weight.", "Add another criterion."),
        ("The draft has a name.", None),
    ]
