"""The first minutes of a newcomer who is interrupted: half a story is never served as a whole one."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from market import embedded
from market.seed.telling import BEGUN
from tests.market.test_embedded import ask
from tests.processes import begin, run

pytestmark = [pytest.mark.slow, pytest.mark.long]

DEMO = ("demo", "--no-serve")


def told(var: Path) -> str:
    """Play it to its end; what was said."""
    done = run(*DEMO, var=var)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def counted(var: Path) -> tuple[object, object, object]:
    """Events, organisations and published releases in the story's database, and its mark."""
    address = embedded.address(var)
    try:
        assert ask(address, "SELECT obj_description('public'::regnamespace)") == "The demo story, told"
        events, bodies, releases = (
            ask(address, f"SELECT count(*) FROM {table}") for table in ("event", "organisation", "release")
        )
        return events, bodies, releases
    finally:
        embedded.leave(var)


def cut_off(var: Path, at: str, signalled: signal.Signals) -> None:
    """Play it until it says a line that this pattern fits, then end every process of it."""
    playing = begin(*DEMO, var=var)
    assert playing.stdout is not None
    for line in playing.stdout:
        if re.search(at, line):
            break
    else:
        playing.communicate()  # it has ended: nothing of it is left to the next test
        pytest.fail(f"it never said {at}")
    os.killpg(playing.pid, signalled)
    rest, _ = playing.communicate()
    assert "Traceback" not in rest


def test_a_story_that_was_cut_off_begins_again_and_one_that_was_told_is_kept(tmp_path: Path) -> None:
    var = tmp_path / "var"
    cut_off(var, r"\d{3} of \d+ acts", signal.SIGKILL)  # a hundred acts at least are in the database
    said = told(var)
    assert "The story was cut off; beginning again." in said.splitlines()
    assert "Played " in said
    first = counted(var)
    assert told(var) == ""
    assert counted(var) == first
    # And one that was cut off after its last act, while it was being published.
    other = tmp_path / "other"
    cut_off(other, "Played", signal.SIGINT)
    assert "The story was cut off; beginning again." in told(other)
    assert counted(other) == first


def test_two_who_begin_at_once_tell_it_once(tmp_path: Path) -> None:
    both = [begin(*DEMO, var=tmp_path) for _ in range(2)]
    said = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sum("Played" in each for each in said) == 1
    assert sum("Another process is playing the story; waiting for it." in each for each in said) == 1
    counted(tmp_path)


def test_half_a_story_in_a_database_of_somebody_s_own_is_not_emptied_unasked(tmp_path: Path) -> None:
    var, elsewhere = tmp_path / "var", tmp_path / "server"
    address = embedded.address(elsewhere)
    try:
        assert run("migrate", var=var, DATABASE_URL=address).returncode == 0
        assert run("operator", "Ada", "ada@example.org", var=var, DATABASE_URL=address).returncode == 0
        ask(address, f"COMMENT ON SCHEMA public IS '{BEGUN}'")
        refused = run(*DEMO, var=var, DATABASE_URL=address)
        assert refused.returncode != 0
        (line,) = refused.stderr.splitlines()
        assert "DATABASE_URL" in line
        assert "createdb" in line
        assert "beginning again" not in refused.stdout
        assert ask(address, "SELECT count(*) FROM organisation") == 1
    finally:
        embedded.leave(elsewhere)


def test_somebody_s_own_work_is_never_taken_for_a_story(tmp_path: Path) -> None:
    for command in (("migrate",), ("operator", "Ada", "ada@example.org")):
        assert run(*command, var=tmp_path).returncode == 0
    assert told(tmp_path) == ""
    address = embedded.address(tmp_path)
    try:
        assert ask(address, "SELECT count(*) FROM organisation") == 1
    finally:
        embedded.leave(tmp_path)
