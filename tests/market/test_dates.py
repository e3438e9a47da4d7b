"""Days and moments as people read them, on pages and in refusals."""

from datetime import UTC, date, datetime

from market import dates


def test_a_moment_is_shown_in_the_zone_of_deadlines_in_winter_and_summer() -> None:
    assert dates.moment(datetime(2026, 11, 24, 17, tzinfo=UTC)) == "Tue 24 Nov 2026, 17:00"
    assert dates.moment(datetime(2026, 7, 1, 16, 5, tzinfo=UTC)) == "Wed 1 Jul 2026, 17:05"
    assert dates.moment_zone(datetime(2026, 11, 24, 17, tzinfo=UTC)) == "Tue 24 Nov 2026, 17:00 GMT"
    assert dates.moment_zone(datetime(2026, 7, 1, 16, 5, tzinfo=UTC)) == "Wed 1 Jul 2026, 17:05 BST"


def test_a_day_is_the_day_there_not_in_utc() -> None:
    assert dates.day(datetime(2026, 7, 1, 23, 30, tzinfo=UTC)) == "Thu 2 Jul 2026"
    assert dates.day(date(2026, 7, 1)) == "Wed 1 Jul 2026"


def test_the_hour_that_happens_twice_is_told_apart_by_its_zone() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert dates.moment(first) == dates.moment(second)
    assert dates.moment_zone(first) != dates.moment_zone(second)


def test_machines_get_the_offset() -> None:
    assert dates.iso(datetime(2026, 7, 1, 16, 5, 9, 123, tzinfo=UTC)) == "2026-07-01T17:05:09+01:00"
    assert dates.iso(date(2026, 7, 1)) == "2026-07-01"
