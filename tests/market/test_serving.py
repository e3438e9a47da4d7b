"""The commands of the first minutes: what is in their way is one line, and what is said is true when it is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from market import embedded, greeting
from market.serving import KEPT_BY_THE_DEMO
from market.settings import ROOT
from tests.market.test_ports import listening
from tests.processes import begin, free_port, newcomer, run


@pytest.mark.parametrize(
    ("command", "again"),
    [
        (["demo"], "make demo PORT="),
        (["demo", "--fresh"], "make demo-fresh PORT="),
        (["serve"], "python -m market serve --port "),
    ],
    ids=lambda each: "" if isinstance(each, str) else " ".join(each),
)
def test_a_taken_port_is_said_before_anything_is_done_with_the_same_command_at_another(
    command: list[str], again: str, tmp_path: Path
) -> None:
    with listening(shared=True) as port:
        done = run(*command, "--port", str(port), var=tmp_path / "var")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Refused: Port {port} is in use; try `{again}")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "var").exists()


REFUSED = "postgresql://ann:open-sesame@127.0.0.1:{port}/prelude"


@pytest.mark.parametrize(
    ("command", "url", "why"),
    [
        ("migrate", REFUSED, "Connect"),
        ("migrate --check", REFUSED, "Connect"),
        ("serve --port {port}", REFUSED, "Connect"),
        ("worker", REFUSED, "Connect"),
        ("worker --once", REFUSED, "Connect"),
        ("migrate", "postgresql://ann:open-sesame@nowhere.invalid/prelude", "nowhere.invalid"),
        ("migrate", "postgresql://ann:open-sesame@127.0.0.1:many/prelude", "many"),
        ("migrate", "postgresql://nobody:open-sesame@/postgres?{ours}", "no pg_hba.conf entry"),
        ("migrate", "postgresql://postgres:open-sesame@/missing?{ours}", 'database "missing" does not exist'),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(
    command: str, url: str, why: str, tmp_path: Path
) -> None:
    port = free_port()
    ours = os.environ["DATABASE_URL"].partition("?")[2]
    done = run(*command.format(port=port).split(), var=tmp_path, DATABASE_URL=url.format(port=port, ours=ours))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Refused: The database at ")
    assert line.endswith("Start it, or correct DATABASE_URL.")
    assert why in line
    assert "open-sesame" not in line


@pytest.mark.slow
def test_a_database_without_tables_is_not_served(tmp_path: Path) -> None:
    port = free_port()
    done = run("serve", "--port", str(port), var=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Refused: The database has no tables yet: run `python -m market migrate` first\n"


@pytest.mark.slow
@pytest.mark.long
def test_starting_over_is_refused_beside_a_site_that_is_up_and_forgets_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    own = [tmp_path / name for name in (*KEPT_BY_THE_DEMO, "meilisearch", "somebody's.txt")]
    embedded.address(tmp_path)
    for each in own:
        if not each.exists():
            each.write_text("kept")
    try:
        done = run("demo", "--fresh", "--no-serve", "--port", str(port), var=tmp_path)
    finally:
        embedded.leave(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Refused: the data in {tmp_path} are in use, by a demonstration that is running")
    assert all(each.exists() for each in own)
    done = run("demo", "--fresh", "--no-serve", var=tmp_path, DATABASE_URL=os.environ["DATABASE_URL"])
    assert done.stderr == "Refused: --fresh forgets the embedded database only; empty yours by hand\n"
    from market import serving
    from market.settings import settings

    before = dict(os.environ)
    os.environ.pop("DATABASE_URL")
    os.environ["PRELUDE_VAR"] = str(tmp_path)
    settings.cache_clear()
    try:
        serving._forget()
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()
    assert [each.name for each in own if each.exists()] == ["meilisearch", "somebody's.txt"]


@contextmanager
def answering_after(seconds: float, port: int) -> Iterator[list[str]]:
    """A page that is there only after a while; what it was asked for."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) > 2 else 503)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    time.sleep(seconds)
    with HTTPServer(("127.0.0.1", port), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


def test_the_address_is_told_when_the_page_answers_and_not_before() -> None:
    port = free_port()
    told = subprocess.Popen(
        [sys.executable, "-I", greeting.__file__, f"http://127.0.0.1:{port}/", "Here.", "And how."],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert told.stdout is not None
    with answering_after(0.3, port) as asked:
        assert told.stdout.read() == "Here.\nAnd how.\n"
        assert len(asked) == 3
    told.stdout.close()
    assert told.wait() == 0


@pytest.mark.slow
@pytest.mark.long
def test_a_site_without_anybody_says_where_it_is_and_how_it_begins(tmp_path: Path) -> None:
    port = free_port()
    assert run("migrate", var=tmp_path).returncode == 0
    site = begin("serve", "--with-worker", "--port", str(port), var=tmp_path)
    assert site.stdout is not None
    lines = [site.stdout.readline() for _ in range(4)]
    assert lines[0] == f"Prelude: http://localhost:{port}\n"
    command = lines[2].strip()
    assert command.startswith(f"SITE_URL=http://localhost:{port} ")
    made = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=Path.cwd(),
        env=newcomer(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"http://localhost:{port}/invitations/" in made.stdout, made.stderr
    os.killpg(site.pid, signal.SIGINT)
    rest, _ = site.communicate()
    assert rest == ""
    assert not embedded._kept(tmp_path)


BEGINNING = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(flush=True)
import runpy
runpy.run_module("market", run_name="__main__", alter_sys=True)
"""
"""`python -m market`, telling by an empty line that it is the program's own now what Ctrl+C does, and no longer Python's, which says a
traceback while it starts; how long that takes is the machine's affair."""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("after", [0.05, 0.2, 0.5, 1.0, 2.0])
def test_ctrl_c_ends_a_beginning_demonstration_without_a_word(after: float, tmp_path: Path) -> None:
    site = begin("demo", "--port", str(free_port()), var=tmp_path, program=(sys.executable, "-c", BEGINNING))
    assert site.stdout is not None
    assert site.stdout.readline() == "\n"
    time.sleep(after)
    os.killpg(site.pid, signal.SIGINT)
    said, _ = site.communicate()
    assert [line for line in said.splitlines() if not line.startswith(("Playing the demo story", "  "))] == []
    with embedded.alone(tmp_path):
        assert not (tmp_path / "postgres" / "postmaster.pid").exists()


@pytest.mark.slow
def test_every_process_asks_for_the_embedded_database_itself_so_that_it_outlasts_its_parent(tmp_path: Path) -> None:
    asking = "import os; from market.db import database_url; print(database_url(), os.environ.get('DATABASE_URL'))"
    done = subprocess.run(
        [sys.executable, "-c", asking],
        cwd=ROOT,
        env=newcomer(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("postgresql://postgres@/postgres?host=")
    assert done.stdout.endswith(" None\n")
