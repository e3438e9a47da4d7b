"""The demonstration corpus loads by one command, into an empty place of its own and nowhere else."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.served import ROOT, _psql

pytestmark = pytest.mark.slow

DATA = Path(os.environ.get("PRELUDE_SHARED_DATA", ROOT.parent / "shared" / "data"))


def run(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.corpus", str(DATA), "--limit", "30", "--into", str(folder)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, check=False)


def test_it_is_refused_in_production(tmp_path: Path) -> None:
    done = run(tmp_path, PRELUDE_ENV="production")
    assert done.returncode == 2
    assert "PRELUDE_ENV says production" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not (DATA / "suppliers").is_dir(), reason=f"the real data is not at {DATA}")
def test_it_fills_an_empty_database_once_and_its_index(database: None, tmp_path: Path) -> None:
    server = os.environ["DATABASE_URL"]
    name = f"corpus_{secrets.token_hex(4)}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    _psql(server, f"CREATE DATABASE {name}")
    try:
        done = run(tmp_path, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        assert "30 firms and 30 problem statements" in done.stdout
        assert "60 documents in the index" in done.stdout
        again = run(tmp_path, DATABASE_URL=url)
        assert again.returncode == 2
        assert "holds rows already" in again.stderr
    finally:
        _psql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
