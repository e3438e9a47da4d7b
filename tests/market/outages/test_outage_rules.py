"""Whether a deadline moves because the service was away, as a truth table; and the file the measurement comes from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given as these
from hypothesis import strategies as st

from market import policy, workdays
from market.arrival import Arrival
from market.outages import heartbeat, rules
from market.outages.heartbeat import Beat
from market.refusals import refusals
from tests.waiting import until_awaited

CLOSES = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""A Tuesday at noon."""

MINUTE = timedelta(minutes=1)
LEAST = timedelta(minutes=policy.IN_FORCE.outages.minutes_least)
WINDOW = timedelta(hours=policy.IN_FORCE.outages.window_hours)

AWAY = rules.Deadline(
    closes_at=CLOSES,
    opened=False,
    ended=False,
    moves=0,
    counted=False,
    away_since=CLOSES - 20 * MINUTE,
    away_until=CLOSES + 40 * MINUTE,
    acts=0,
)


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        pytest.param(AWAY, [], id="away at the deadline: it moves"),
        pytest.param(
            replace(AWAY, away_until=CLOSES - 10 * MINUTE), [], id="the least minutes, over before the deadline"
        ),
        pytest.param(
            replace(AWAY, away_until=CLOSES - 11 * MINUTE), ["outage.too-short"], id="a minute less than the least"
        ),
        pytest.param(
            replace(AWAY, away_since=CLOSES - timedelta(seconds=1)),
            [],
            id="it began a second before the deadline and lasted: whoever was cut off could not try again",
        ),
        pytest.param(
            replace(AWAY, away_since=CLOSES - timedelta(seconds=1), away_until=CLOSES + LEAST - timedelta(seconds=2)),
            ["outage.too-short"],
            id="across the deadline, but a second less than the least",
        ),
        pytest.param(
            replace(AWAY, away_since=CLOSES, away_until=CLOSES + 60 * MINUTE),
            ["outage.too-short"],
            id="after the deadline",
        ),
        pytest.param(
            replace(AWAY, away_since=CLOSES - WINDOW - 60 * MINUTE, away_until=CLOSES - WINDOW + LEAST),
            [],
            id="the least minutes reach into the last hours",
        ),
        pytest.param(
            replace(AWAY, away_since=CLOSES - WINDOW - 60 * MINUTE, away_until=CLOSES - WINDOW),
            ["outage.too-short"],
            id="before the last hours",
        ),
        pytest.param(replace(AWAY, opened=True), ["outage.opened-already"], id="never after an opening"),
        pytest.param(replace(AWAY, ended=True), ["outage.ended"], id="nothing that ended"),
        pytest.param(replace(AWAY, counted=True), ["outage.counted-already"], id="the same outage twice"),
        pytest.param(replace(AWAY, moves=policy.IN_FORCE.outages.moves_most - 1), [], id="the last time"),
        pytest.param(
            replace(AWAY, moves=policy.IN_FORCE.outages.moves_most),
            ["outage.moved-often-enough"],
            id="a firm that causes one outage after the other",
        ),
        pytest.param(replace(AWAY, acts=1), ["outage.log-contradicts"], id="a forged gap in which somebody acted"),
    ],
)
def test_when_a_deadline_moves(facts: rules.Deadline, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.MOVE, facts)] == codes


@pytest.mark.parametrize(
    ("closes", "until", "now", "to"),
    [
        pytest.param("2026-11-24 12:00", "2026-11-24 12:40", "2026-11-24 12:41", "2026-11-25 12:00", id="the next day"),
        pytest.param(
            "2026-11-20 12:00", "2026-11-20 12:40", "2026-11-20 12:41", "2026-11-23 12:00", id="over a weekend"
        ),
        pytest.param(
            "2026-12-24 12:00", "2026-12-24 12:40", "2026-12-24 12:41", "2026-12-29 12:00", id="over Christmas"
        ),
        pytest.param(
            "2026-11-24 12:00", "2026-11-26 09:00", "2026-11-26 09:01", "2026-11-27 12:00", id="away for days"
        ),
        pytest.param(
            "2026-11-24 12:00", "2026-11-24 12:40", "2026-12-01 09:00", "2026-12-02 12:00", id="announced late"
        ),
        pytest.param(
            "2026-03-27 12:00", "2026-03-27 12:40", "2026-03-27 12:41", "2026-03-30 11:00", id="clocks change"
        ),
    ],
)
def test_the_new_deadline_is_at_the_old_hour_of_a_working_day(closes: str, until: str, now: str, to: str) -> None:
    one, two, three, four = (datetime.fromisoformat(f"{each}:00+00:00") for each in (closes, until, now, to))
    assert rules.moves_to(one, two, Arrival(three)) == four


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda each: each.replace(tzinfo=UTC))  # noqa: DTZ001


@these(moments, moments, moments)
def test_no_outage_shortens_anything_and_nobody_reads_of_it_too_late(
    closes: datetime, until: datetime, now: datetime
) -> None:
    moved = rules.moves_to(closes, until, Arrival(now))
    assert moved > closes
    assert moved > now
    assert moved > until
    assert workdays.is_working_day(workdays.local_day(moved))


# ── the file ───────────────────────────────────────────────────────────────────────────────────────────────────────


def beats(
    begins: datetime, seconds: int, server: str = "one", process: str = "web", answered: bool = True
) -> list[bytes]:
    """Lines of a server, one every five seconds, for so many seconds."""
    times = [begins + timedelta(seconds=n) for n in range(0, seconds + 1, 5)]
    return [Beat(each, each, server, process, 7, answered).line() for each in times]


def test_a_line_is_read_as_it_was_written_and_what_is_cut_off_is_not_read() -> None:
    beat = Beat(CLOSES, CLOSES + MINUTE, "one", "web", 4711, False)
    assert heartbeat.read(beat.line()) == beat
    for broken in (beat.line()[:-1], b"\n", b"nonsense of six words is none\n", beat.line().replace(b"+00:00", b"")):
        assert heartbeat.read(broken) is None


def test_a_server_is_away_when_its_database_does_not_answer_or_only_its_worker_lives() -> None:
    silent = beats(CLOSES + MINUTE, 900, answered=False) + beats(CLOSES + 17 * MINUTE, 60, process="worker")
    made = heartbeat.stretches(None, [*beats(CLOSES, 55), *silent, *beats(CLOSES + 20 * MINUTE, 60)])
    assert [(each.since - CLOSES, each.until - CLOSES) for each in made] == [
        (timedelta(0), timedelta(seconds=55)),
        (20 * MINUTE, 21 * MINUTE),
    ]
    assert made[1].gap_beats == len(silent)
    assert made[1].gap_digest != made[0].digest


def test_read_in_pieces_it_is_the_same_as_read_at_once() -> None:
    written = [*beats(CLOSES, 120), *beats(CLOSES + 20 * MINUTE, 120)]
    whole = heartbeat.stretches(None, written)
    first = heartbeat.stretches(None, written[:5])
    again = heartbeat.stretches(first[-1], written)
    assert [(each.since, each.until, each.beats) for each in again] == [
        (each.since, each.until, each.beats) for each in whole
    ]


def test_lines_that_somebody_puts_before_what_was_measured_are_passed() -> None:
    (known,) = heartbeat.stretches(None, beats(CLOSES, 60))
    forged = heartbeat.stretches(known, beats(CLOSES - 10 * MINUTE, 540))
    assert forged == [known]


def test_a_demonstration_clock_that_jumps_is_no_outage() -> None:
    jumped = Beat(CLOSES + timedelta(days=3), CLOSES + timedelta(seconds=60), "one", "web", 7, True)
    (made,) = heartbeat.stretches(None, [*beats(CLOSES, 55), jumped.line()])
    assert made.until == jumped.moment


def test_the_file_is_one_a_day_kept_for_a_month_and_read_from_where_it_was_left(tmp_path: Path) -> None:
    for days in (40, 1, 0):
        for line in beats(CLOSES - timedelta(days=days), 20):
            beat = heartbeat.read(line)
            assert beat is not None
            heartbeat.write(beat, tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["2026-11-23.beats", "2026-11-24.beats"]
    assert len(list(heartbeat.lines(None, tmp_path))) == 10
    later = [heartbeat.read(each) for each in heartbeat.lines(CLOSES + timedelta(seconds=10), tmp_path)]
    assert [each.machine - CLOSES for each in later if each] == [timedelta(seconds=n) for n in range(0, 21, 5)]


def test_a_long_file_is_read_from_its_end(tmp_path: Path) -> None:
    (tmp_path / "2026-11-24.beats").write_bytes(b"".join(beats(CLOSES - timedelta(hours=11), 10 * 3600)))
    since = CLOSES - timedelta(hours=1, seconds=30)
    found = [heartbeat.read(each) for each in heartbeat.lines(since, tmp_path)]
    assert found[-1] is not None
    assert found[-1].machine == CLOSES - timedelta(hours=1)
    assert len([each for each in found if each and each.machine > since]) == 6
    assert len(found) < 1500


async def test_a_process_writes_that_the_database_did_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "folder", lambda: tmp_path)
    monkeypatch.setattr(heartbeat, "EVERY", 0.01)

    async def away() -> None:
        raise ConnectionError

    async def written_something() -> bool:
        return bool(list(heartbeat.lines(None, tmp_path)))

    beating = asyncio.create_task(heartbeat.beating("web", away))
    await until_awaited(written_something)
    beating.cancel()
    written = heartbeat.read(next(heartbeat.lines(None, tmp_path)))
    assert written is not None
    assert (written.process, written.answered, written.serves) == ("web", False, False)
