"""The real thing in processes of its own: `python -m market serve` with its worker, on loopback, with a fresh database and
a clock that the test moves. For journeys in a browser and over HTTP."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import urlopen

from tests.processes import free_port
from tests.waiting import LONGEST, until

ROOT = Path(__file__).resolve().parent.parent


def _psql(url: str, statement: str) -> None:
    """Run one statement in a session of its own, by a process of its own: no event loop of the test is touched."""
    program = (
        "import asyncio, asyncpg, sys\n"
        "async def run():\n"
        "    connection = await asyncpg.connect(sys.argv[1])\n"
        "    await connection.execute(sys.argv[2])\n"
        "    await connection.close()\n"
        "asyncio.run(run())\n"
    )
    subprocess.run([sys.executable, "-c", program, url, statement], check=True)


@dataclass
class Served:
    """A running site. `url` is its address (localhost, so that passkeys work); `environment` what its processes were given."""

    url: str
    port: int
    environment: dict[str, str]
    var: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> str:
        """Run `python -m market …` beside the site, with its environment; answers what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "market", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (
            f"{arguments} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout

    def move_clock(self, by: timedelta) -> None:
        """Move the site's time forward, for all its processes."""
        file = self.var / "clock"
        shifted = int(file.read_text() or "0") if file.exists() else 0
        beside = file.with_suffix(".test")
        beside.write_text(str(shifted + int(by.total_seconds())))
        beside.replace(file)

    def start(self) -> None:
        """Start the server and its worker; returns when the site answers."""
        for arguments in (["serve", "--port", str(self.port), "--no-worker"], ["worker"]):
            with (self.var / "output.log").open("ab") as output:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "market", *arguments],
                        cwd=ROOT,
                        env=self.environment,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        until(self._answers, self._told)

    def _answers(self) -> bool:
        assert self.processes[0].poll() is None, self._told()
        with (
            contextlib.suppress(URLError, ConnectionError, TimeoutError),
            urlopen(f"{self.url}/about", timeout=LONGEST),
        ):
            return True
        return False

    def _told(self) -> str:
        return (self.var / "output.log").read_text()[-4000:]

    def kill(self) -> None:
        """Kill every process of the site at once, without a word (SIGKILL)."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def stop(self) -> None:
        """End it as an operator would (SIGTERM)."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()


@contextlib.contextmanager
def served(folder: Path, **more: str) -> Iterator[Served]:
    """A site with an empty, migrated database in `folder`, in demo mode unless `more` says otherwise; stopped at the end."""
    server = os.environ["DATABASE_URL"]
    name = f"journey_{secrets.token_hex(4)}"
    parts = urlsplit(server)
    url = urlunsplit(parts._replace(path=f"/{quote(name)}"))
    _psql(server, f"CREATE DATABASE {name}")
    port = free_port()
    var = folder / "var"
    var.mkdir(parents=True)
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "PRELUDE_VAR": str(var),
        "PRELUDE_DEMO": "1",
        "SITE_URL": f"http://localhost:{port}",
        **more,
    }
    site = Served(f"http://localhost:{port}", port, environment, var)
    try:
        site.command("migrate")
        site.start()
        yield site
    finally:
        site.stop()
        _psql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
