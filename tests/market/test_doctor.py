"""The look before the leap: what is in the way is said with its remedy, before anything is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from market import doctor
from market.settings import ROOT
from tests.market.test_ports import listening
from tests.processes import free_port


def stops(goals: list[str], port: int, var: Path) -> list[str]:
    """What is in the way."""
    return [each.words for each in doctor.look(goals, port, var) if each.level == "stop"]


def test_where_the_tests_run_nothing_is_in_the_way_and_everything_is_told(tmp_path: Path) -> None:
    port = free_port()
    found = list(doctor.look([], port, tmp_path))
    assert [each.words for each in found if each.level == "stop"] == []
    words = "\n".join(each.words for each in found)
    for told in ("Python", "disk", f"Port {port} is free", "Chromium", "Meilisearch"):
        assert told in words


@pytest.mark.parametrize("goal", ["demo", "demo-fresh", "run"])
def test_a_taken_port_is_in_the_way_of_what_is_served(goal: str, tmp_path: Path) -> None:
    with listening() as port:
        assert stops([goal], port, tmp_path)[0].startswith(f"Port {port} is in use; try `make {goal} PORT=")
        assert stops(["test"], port, tmp_path) == []


@pytest.mark.parametrize(("version", "why"), [((3, 10), "too old"), ((3, 99), "too new")])
def test_a_python_that_was_not_tried_is_said_and_ends_the_look(
    version: tuple[int, int], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "VERSION", version)
    (only,) = doctor.look(["demo"], 8000, tmp_path)
    assert only.level == "stop"
    assert only.words.startswith(f"Python {version[0]}.{version[1]} is {why}")
    assert only.words.endswith("demo")


def test_what_this_machine_can_take_is_what_the_installer_would_take() -> None:
    tags = set(sys_tags())
    names = [line.split("  ")[1] for line in (ROOT / "requirements.wheels").read_text().splitlines()]
    assert len(names) > 500
    assert [name for name in names if doctor.fits(name) != bool(parse_wheel_filename(name)[3] & tags)] == []


def test_a_package_that_is_not_ready_made_is_named(tmp_path: Path) -> None:
    lock, wheels = tmp_path / "lock", tmp_path / "wheels"
    lock.write_text(
        "ready==1 \\\n    --hash=sha256:aa\nelsewhere==2 \\\n    --hash=sha256:bb\nwindows==3 ; sys_platform == 'win32'\n"
    )
    wheels.write_text("aa  ready-1-py3-none-any.whl\nbb  elsewhere-2-cp311-cp311-win_amd64.whl\n")
    assert doctor.not_ready_made(lock, wheels) == ["elsewhere"]
    assert doctor.not_ready_made(ROOT / "requirements.lock", ROOT / "requirements.wheels") == []


@pytest.mark.parametrize(("asked", "level"), [("xx_YY.UTF-8", "note"), ("C.UTF-8", "ok"), ("", "ok")])
def test_a_locale_that_is_not_there_is_worth_a_line_and_no_more(
    asked: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALE_ASKED", asked)
    (found,) = [each for each in doctor.look(["check"], 8000, tmp_path) if "locale" in each.words]
    assert found.level == level
    assert asked in found.words


def test_it_reads_on_a_python_that_is_too_old_to_run_the_rest() -> None:
    import ast

    for name in ("doctor", "ports", "__init__"):
        ast.parse((ROOT / "market" / f"{name}.py").read_text(), feature_version=(3, 7))


def test_the_command_answers_with_its_exit_status(tmp_path: Path) -> None:
    with listening() as port:
        command = [sys.executable, "-B", "-m", "market.doctor", "demo", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.count("stop  Port")) == (1, 1)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "stop" not in done.stdout
    assert done.returncode == 0
    done = subprocess.run([*command[:-1], "eighty"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "stop  PORT=eighty is not a number\n")


def test_the_environment_is_looked_at_before_anything_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    assert stops(["run"], port, tmp_path) == []
    monkeypatch.setenv("SITE_URL", "https://prelude.example")
    monkeypatch.delenv("PRELUDE_LOOPBACK")
    (only,) = stops(["run"], port, tmp_path)
    assert only.startswith("PRELUDE_SECRET can be guessed")
    (only,) = stops(["demo"], port, tmp_path)
    assert only.startswith("PRELUDE_DEMO lets anybody sign in as anybody")
    assert stops(["test"], port, tmp_path) == []
