"""Working days: bank holidays of every nation, substitute days, periods that begin with a day, clocks that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import workdays
from market.clock import ZONE
from market.workdays import (
    add_days,
    add_months,
    add_working_days,
    answers_due_at,
    exercise_valid_until,
    full_days_between,
    holiday,
    is_working_day,
    pitch_fee_due_at,
    questions_close_at,
    standstill_ends_at,
    working_days_before,
    working_days_beginning_with,
    working_days_between,
)

moments = st.integers(0, 6 * 365 * 24).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


def on(day: str, hour: int = 12) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=ZONE) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("day", "calendar", "works"),
    [
        pytest.param("2026-12-24", "anywhere", True, id="Christmas Eve is a working day"),
        pytest.param("2026-12-25", "anywhere", False, id="Christmas Day is not"),
        pytest.param("2026-12-28", "anywhere", False, id="Boxing Day on a Saturday moves to Monday"),
        pytest.param("2027-12-27", "anywhere", False, id="Christmas Day on a Saturday moves to Monday"),
        pytest.param("2027-12-28", "anywhere", False, id="and Boxing Day on the Sunday to Tuesday"),
        pytest.param("2026-04-03", "scotland", False, id="Good Friday is a holiday in Scotland"),
        pytest.param("2026-04-06", "england-and-wales", False, id="Easter Monday is a holiday in England"),
        pytest.param("2026-04-06", "scotland", True, id="but a working day in Scotland"),
        pytest.param("2026-04-06", "anywhere", False, id="so it is none under the Act"),
        pytest.param("2026-11-30", "england-and-wales", True, id="Saint Andrew's Day is worked in England"),
        pytest.param("2026-11-30", "anywhere", False, id="but is no working day under the Act"),
        pytest.param("2026-07-13", "northern-ireland", False, id="the Twelfth on a Sunday moves to Monday"),
        pytest.param("2026-11-21", "anywhere", False, id="a Saturday is not"),
    ],
)
def test_a_day_is_worked_unless_it_is_a_weekend_or_a_bank_holiday(
    day: str, calendar: workdays.Calendar, works: bool
) -> None:
    assert is_working_day(date.fromisoformat(day), calendar) is works


@pytest.mark.parametrize(
    ("published", "ends"),
    [
        pytest.param("2026-11-09", "2026-11-18", id="Monday to Wednesday of the week after: the first day counts"),
        pytest.param("2026-11-07", "2026-11-18", id="published on a Saturday, the Monday is the first day"),
        pytest.param("2026-11-23", "2026-12-03", id="Saint Andrew's Day in between makes it a day longer"),
        pytest.param("2025-12-18", "2025-12-31", id="over Christmas it takes two weeks"),
        pytest.param("2025-12-22", "2026-01-06", id="over New Year, with the second of January of Scotland"),
        pytest.param("2026-03-30", "2026-04-10", id="over Easter"),
    ],
)
def test_the_standstill_is_eight_working_days_beginning_with_the_day_of_the_notice(published: str, ends: str) -> None:
    assert working_days_beginning_with(on(published), 8) == workdays.end_of_day(date.fromisoformat(ends))


@pytest.mark.parametrize(
    ("moment", "days", "ends"),
    [
        pytest.param("2026-11-20", 1, "2026-11-23", id="Friday and one is Monday"),
        pytest.param("2026-11-20", 0, "2026-11-20", id="none is the end of the day itself"),
        pytest.param("2026-12-24", 1, "2026-12-29", id="Christmas Eve and one skips the substitute day"),
        pytest.param("2026-10-23", 2, "2026-10-27", id="over the night the clocks go back"),
    ],
)
def test_working_days_are_counted_after_the_day(moment: str, days: int, ends: str) -> None:
    answer = add_working_days(on(moment), days)
    assert answer.astimezone(ZONE).isoformat()[:19] == f"{ends}T23:59:59"


def test_a_period_lasts_through_its_last_second() -> None:
    end = workdays.end_of_day(date(2026, 11, 18))
    assert not workdays.is_over(end, end + timedelta(microseconds=999_999))
    assert workdays.is_over(end, end + timedelta(seconds=1))
    assert not workdays.is_over(end, end - timedelta(days=1))


def test_the_day_is_the_local_one_and_not_that_of_utc() -> None:
    late = datetime(2026, 7, 20, 23, 30, tzinfo=UTC)  # already Tuesday in London
    assert add_working_days(late, 1).date() == date(2026, 7, 22)


def test_the_end_of_a_day_is_an_hour_apart_when_the_clocks_have_changed() -> None:
    summer, winter = workdays.end_of_day(date(2026, 10, 24)), workdays.end_of_day(date(2026, 10, 25))
    assert winter.astimezone(UTC) - summer.astimezone(UTC) == timedelta(hours=25)


def test_answers_leave_full_working_days_before_the_deadline() -> None:
    assert working_days_before(on("2026-11-27", 12), 1) == workdays.end_of_day(date(2026, 11, 25))
    assert working_days_before(on("2026-12-01", 12), 1) == workdays.end_of_day(date(2026, 11, 26))


@pytest.mark.parametrize(
    ("moment", "months", "ends"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-06-15", 24, "2028-06-15"),
        ("2026-12-31", 12, "2027-12-31"),
        ("2026-10-31", 1, "2026-11-30"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_one(moment: str, months: int, ends: str) -> None:
    assert add_months(on(moment), months).date() == date.fromisoformat(ends)


def test_calendar_days_are_whole_days() -> None:
    assert full_days_between(on("2026-10-20", 23), add_days(on("2026-10-20", 0), 25)) == 25
    assert full_days_between(on("2026-10-20"), on("2026-10-19")) == 0


@given(moments, st.integers(0, 40))
def test_counting_back_what_was_counted_forward_gives_the_same_number(moment: datetime, n: int) -> None:
    assert working_days_between(moment, add_working_days(moment, n)) == n


@given(moments, st.integers(1, 20))
def test_a_period_ends_on_a_working_day_and_longer_periods_end_later(moment: datetime, n: int) -> None:
    end = working_days_beginning_with(moment, n)
    assert is_working_day(end.date())
    assert end < working_days_beginning_with(moment, n + 1)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        add_working_days(on("2026-11-22").replace(tzinfo=None), 1)
    with pytest.raises(ValueError, match="forwards"):
        add_working_days(on("2026-11-22"), -1)
    with pytest.raises(ValueError, match="at least one"):
        working_days_beginning_with(on("2026-11-22"), 0)
    with pytest.raises(ValueError, match="not a calendar"):
        workdays.bank_holidays(2026, "utopia")  # type: ignore[arg-type]


def test_a_holiday_has_a_name_for_the_letter() -> None:
    assert holiday(date(2026, 12, 25)) == "Christmas Day"
    assert holiday(date(2026, 12, 23)) is None


def test_deadlines_are_written_in_the_zone_of_the_clock() -> None:
    assert workdays.ZONE == ZONE


def test_the_moments_the_policy_derives_from_others() -> None:
    assert standstill_ends_at(on("2026-11-09")) == workdays.end_of_day(date(2026, 11, 18))
    assert questions_close_at(on("2026-11-02"), on("2026-11-16")) == on("2026-11-09")
    assert answers_due_at(on("2026-11-27", 17)) == workdays.end_of_day(date(2026, 11, 25))
    assert exercise_valid_until(on("2026-11-22")) == workdays.end_of_day(date(2028, 11, 22))
    assert pitch_fee_due_at(on("2026-11-22")) == workdays.end_of_day(date(2026, 12, 2))


def test_half_a_window_is_half_of_its_hours_even_when_the_clocks_change() -> None:
    opened, closed = on("2026-10-24", 12), on("2026-10-26", 12)
    middle = questions_close_at(opened, closed)
    assert middle - opened.astimezone(UTC) == closed.astimezone(UTC) - middle == timedelta(hours=24, minutes=30)
