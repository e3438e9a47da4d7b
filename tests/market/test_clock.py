"""The one clock: frozen for tests, shifted for demonstrations, the machine's otherwise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market import clock

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_inside_at_time_stands_still_and_nests() -> None:
    with clock.at(NOON):
        assert clock.now() == NOON
        with clock.at(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"), clock.at(datetime(2026, 6, 1)):  # noqa: DTZ001
        pass


def test_processes_that_follow_one_file_share_one_shift(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    try:
        clock.follow(file)
        assert not clock.moved()
        clock.shift(timedelta(days=3))
        assert clock.moved()
        assert abs(clock.now() - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=1)
        file.write_text("-3600")
        assert abs(clock.now() - datetime.now(UTC) + timedelta(hours=1)) < timedelta(minutes=1)
    finally:
        clock.follow(None)
    with pytest.raises(RuntimeError, match="demo"):
        clock.shift(timedelta(days=1))
