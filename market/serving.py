"""Serving the site: first whether it can be served, then the server with its worker, and the address once the page answers.

The demonstration plays its story first.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from time import monotonic, sleep

from market import embedded, greeting, keeper, orphans, ports
from market.db import connection, database_url
from market.keeper import CannotStart
from market.migrations import must_be_applied
from market.rulings.texts import must_be_registered
from market.settings import InTheWay, check_listening, is_here, is_this_machine, settings

KEPT_BY_THE_DEMO = (
    "postgres",
    "postgres.new",
    "postgres.log",
    "postgres.hba",
    "postgres.ident",
    "search",
    "open-data",
    "log",
    "clock",
    "templates",
    "brought",
)
"""What `--fresh` removes under PRELUDE_VAR. Nothing else there is the demonstration's: not the test server that was fetched, and
not what somebody keeps in a folder that the variable happens to name."""


PATIENCE = 3.0
"""Seconds to wait for a port when a server begins: the workers of one that was killed let go of it within a second."""


def _must_be_free(arguments: Namespace, patience: float = 0, again: str = "") -> None:
    hosts = ports.LOOPBACK if arguments.host in (*ports.LOOPBACK, "localhost") else (arguments.host,)
    deadline = monotonic() + patience
    while words := ports.refusal(arguments.port, again or arguments.again, hosts):
        if monotonic() > deadline:
            raise InTheWay(words)
        sleep(0.1)


def _site_at(port: int) -> None:
    """The site's address is the one it is served at, unless SITE_URL says otherwise: passkeys and links depend on it."""
    os.environ.setdefault("SITE_URL", f"http://localhost:{port}")
    settings.cache_clear()


def serve(arguments: Namespace, greet: Callable[[bool], Sequence[str]] | None = None) -> int:
    """Serve the site until SIGTERM or Ctrl+C; in demo mode the worker too. `greet` answers what to say once the page answers, told
    whether anybody can sign in."""
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels

    _must_be_free(arguments, PATIENCE)
    _site_at(arguments.port)
    if getattr(arguments, "demo", False):
        os.environ["PRELUDE_DEMO"] = "1"
        settings.cache_clear()
    check_listening(arguments.host, settings())
    database_url()
    lines = (greet or _where)(asyncio.run(_begun()))
    orphans.adopt()
    worker = None
    if arguments.with_worker or (settings().demo and not arguments.no_worker):
        worker = subprocess.Popen([sys.executable, "-m", "market", "worker"], env=os.environ.copy())
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(arguments.host, arguments.host)  # noqa: S104 - where to ask
    os.register_at_fork(after_in_child=_deaf_no_more)
    greeter = greeting.beside(f"http://{host}:{arguments.port}/health", lines)
    try:
        Granian(
            "market.app:create",
            address=arguments.host,
            port=arguments.port,
            interface=Interfaces.ASGI,
            factory=True,
            workers=arguments.workers,
            workers_kill_timeout=10,
            loop=Loops.uvloop,
            websockets=False,
            log_level=LogLevels.warning,
            log_access=False,
            respawn_failed_workers=True,
        ).serve()
    finally:
        greeter.terminate()
        greeter.wait()
        if worker is not None:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()  # what a job had committed stays, and the rest is begun anew
                worker.wait()
    return 0


def _deaf_no_more() -> None:
    """A worker begins with the ears of its parent, which only take note. Until it has its own, being told to end ends it."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)


async def _begun() -> bool:
    """Whether anybody is in the database. Raises :class:`InTheWay` for one without the tables that this version
    needs, and for a policy file or list that is not the version in force."""
    await must_be_applied()
    await must_be_registered()
    asked = await connection()
    try:
        return bool(await asked.fetchval("SELECT EXISTS (SELECT 1 FROM person)"))
    finally:
        await asked.close()


def _where(begun: bool) -> list[str]:
    """What is said of a site: its address, and how it begins when nobody is in it yet."""
    site = settings().site_url
    lines = [f"Prelude: {site}"]
    if not begun:
        other = "" if site == "http://localhost:8000" else f"SITE_URL={site} "
        command = f'{other}{os.path.relpath(sys.executable)} -m market operator "Your Name" you@your.gov "Her Name" her@your.gov'
        lines += ["Nobody can sign in yet. Make the first two operators, in another window:", f"  {command}"]
    return [*lines, "Stop with Ctrl+C."]


def demo(arguments: Namespace, play: Callable[[Namespace], int]) -> int:
    """Play the demo story once, build the index, and serve it. `play` does the first two and ends."""
    os.environ["PRELUDE_DEMO"] = "1"
    if is_this_machine(arguments.host) and is_here(os.environ.get("SITE_URL", "http://localhost")):
        os.environ.setdefault("PRELUDE_LOOPBACK", "1")
    if not arguments.no_serve:
        _must_be_free(arguments, again="make demo-fresh PORT={}" if arguments.fresh else "")
    _site_at(arguments.port)
    check_listening(arguments.host, settings())
    if arguments.fresh:
        _forget()
    if arguments.no_serve:
        from market import seed  # noqa: F401 - read while the other process makes the database

        return play(arguments)
    # In a process of its own: workers are forked from this one, and must not inherit threads, children and connections.
    told = subprocess.Popen([sys.executable, "-m", "market", "demo", "--no-serve", "--beside"])
    try:
        database_url()  # the embedded server stays up when the other process ends
        import market.app  # noqa: F401 - read meanwhile, so that the workers begin at once

        return told.wait() or serve(arguments, lambda begun: _welcome())
    finally:
        told.terminate()
        told.wait()


def _forget() -> None:
    """Remove what the demonstration kept. Refused while somebody uses it, and for a database that is not our own."""
    if settings().database_url:
        raise InTheWay("--fresh forgets the embedded database only; empty yours by hand")
    folder = settings().var
    try:
        with embedded.alone(folder):
            for name in KEPT_BY_THE_DEMO:
                there = folder / name
                if there.is_dir() and not there.is_symlink():
                    shutil.rmtree(there)
                else:
                    there.unlink(missing_ok=True)
    except embedded.InUse:
        raise InTheWay(
            f"the data in {folder} are in use, by a demonstration that is running: stop it first (Ctrl+C)"
        ) from None
    except (PermissionError, CannotStart):
        raise InTheWay(keeper.not_ours(folder)) from None


def _welcome() -> list[str]:
    """What is said of a demonstration: its address, and whom one may be."""
    from market import clock
    from market.seed.cast import PASSWORD
    from market.seed.script import story

    site, script = settings().site_url, story(clock.now())
    people = {each["key"]: each for each in script["people"]}
    first = [people[each["person"]] for each in script["sign_in"]]
    return [
        f"Prelude: {site}",
        f"Sign in as anybody of the story: {site}/demo",
        f"Or by hand, with the password “{PASSWORD}”:",
        *(f"  {each['email']:42} {each['title']}" for each in first),
        "Stop with Ctrl+C. The data stays; `make demo-fresh` starts over.",
    ]
