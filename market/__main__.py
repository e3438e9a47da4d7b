"""The commands: `python -m market --help` lists them, one line each."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from market.settings import Unsafe, settings

Arguments = argparse.Namespace


def _run(work: Callable[[Arguments], Coroutine[Any, Any, int]]) -> Callable[[Arguments], int]:
    """A command that needs the database: open the pool, do it, close."""

    def command(arguments: Arguments) -> int:
        async def inside() -> int:
            from market import clock, db

            if settings().demo:
                clock.follow(settings().var / "clock")
            async with db.pool(4):
                return await work(arguments)

        return asyncio.run(inside())

    return command


def serve(arguments: Arguments) -> int:
    """Serve the site; in demo mode the worker too."""
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels

    from market.db import database_url

    database_url()
    worker = None
    if settings().demo or arguments.with_worker:
        worker = subprocess.Popen([sys.executable, "-m", "market", "worker"], env=os.environ.copy())
    try:
        Granian(
            "market.app:create",
            address=arguments.host,
            port=arguments.port,
            interface=Interfaces.ASGI,
            factory=True,
            workers=arguments.workers,
            loop=Loops.uvloop,
            websockets=False,
            log_level=LogLevels.warning,
            log_access=False,
            respawn_failed_workers=True,
        ).serve()
    finally:
        if worker is not None:
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)
    return 0


def work(arguments: Arguments) -> int:
    """Run the jobs: letters, payments, search."""
    from market import worker

    if arguments.once:
        return _run(_work_once)(arguments)
    asyncio.run(worker.main())
    return 0


async def _work_once(arguments: Arguments) -> int:
    from market import worker

    for name, did in (await worker.once()).items():
        print(f"{name}: {did}")
    return 0


async def migrate(arguments: Arguments) -> int:
    """Bring the database to the tables this version expects."""
    from market import migrations

    done = await migrations.migrate()
    lacking = await migrations.missing()
    for line in lacking:
        print(line, file=sys.stderr)
    if arguments.check:
        return 1 if lacking else 0
    print(f"{len(done)} migrations applied" if done else "The database is up to date.")
    return 0


def rules(arguments: Arguments) -> int:
    """Print docs/rules.md: every rule with its code, norm and source."""
    from market.rulebook import as_markdown

    print(as_markdown(), end="")
    return 0


def routes(arguments: Arguments) -> int:
    """List every address with its method and guards."""
    from market.app import create

    for route in sorted(create().routes, key=lambda each: each.path):
        for handler in getattr(route, "route_handlers", []):
            names = ", ".join(getattr(guard, "__name__", "guard") for guard in handler.guards or ())
            methods = ",".join(sorted(str(each) for each in handler.http_methods - {"OPTIONS"}))
            if methods:
                print(f"{methods:8} {route.path:60} {names}")
    return 0


def openapi(arguments: Arguments) -> int:
    """Print docs/openapi.json: the API's description."""
    import json

    from market.app import create

    print(json.dumps(create().openapi_schema.to_schema(), indent=1, sort_keys=True, default=str, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = argparse.ArgumentParser(
        prog="python -m market", description="Prelude, the procurement innovation marketplace."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, act: Callable[[Arguments], int], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(act=act)
        return added

    one = command("serve", serve, "serve the site (in demo mode the worker too)")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=8000)
    one.add_argument("--workers", type=int, default=1)
    one.add_argument("--with-worker", action="store_true", help="run the worker beside it")
    one = command("worker", work, "run the jobs: letters, payments, search")
    one.add_argument("--once", action="store_true", help="until nothing is left to do, then end")
    one = command("migrate", _run(migrate), "bring the database to the tables this version expects")
    one.add_argument("--check", action="store_true", help="and fail when tables and code differ")
    command("rules", rules, "print docs/rules.md: every rule with its code, norm and source")
    command("routes", routes, "list every address with its methods and guards")
    command("openapi", openapi, "print docs/openapi.json: the description of the API")
    return made


def main() -> int:
    """Run one command; what the environment forbids is said in one line."""
    arguments = parser().parse_args()
    try:
        settings()
    except Unsafe as unsafe:
        print(f"Refused: {unsafe}", file=sys.stderr)
        return 2
    act: Callable[[Arguments], int] = arguments.act
    return act(arguments)


if __name__ == "__main__":
    sys.exit(main())
