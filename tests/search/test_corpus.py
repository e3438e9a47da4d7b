"""The demonstration corpus loads by one command, into an empty place of its own and nowhere else."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.served import ROOT, _psql

pytestmark = [pytest.mark.slow, pytest.mark.long]

THINGS = ("bridges", "gullies", "permits", "beds", "buses", "kilns", "weirs", "lamps", "lifts", "barges")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder like that of the real data: more firms and problem statements than are asked for."""
    firms, problems = [], []
    for number in range(40):
        thing = f"{THINGS[number % 10]} of kind {number}"
        project = {
            "title": f"Watching {thing}",
            "year": 2012,
            "agency": "Works",
            "abstract": f"<p>How {thing} wear.</p>",
        }
        firms.append({"name": f"Firm {number} Inc", "awards_total": 2, "awards": [project, {"title": "N/A"}]})
        problems.append({"Topic Name": f"Safer {thing}", "Description": f"Nobody knows when {thing} will fail."})
    for name, rows in (("suppliers/us-sbir-firms-to-2013", firms), ("challenges/us-sbir-topics", problems)):
        file = tmp_path / "data" / f"{name}.jsonl.gz"
        file.parent.mkdir(parents=True)
        with gzip.open(file, "wt", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path / "data"


def run(data: Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.corpus", str(data), "--limit", "30", "--into", str(folder)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, check=False)


def test_it_is_refused_in_production(data: Path, tmp_path: Path) -> None:
    done = run(data, tmp_path / "into", PRELUDE_ENV="production")
    assert done.returncode == 2
    assert "PRELUDE_ENV says production" in done.stderr
    assert not (tmp_path / "into").exists()


def test_it_fills_an_empty_database_once_and_its_index(database: None, data: Path, tmp_path: Path) -> None:
    server = os.environ["DATABASE_URL"]
    name = f"corpus_{secrets.token_hex(4)}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    _psql(server, f"CREATE DATABASE {name}")
    try:
        done = run(data, tmp_path / "into", DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        assert "30 firms and 30 problem statements" in done.stdout
        assert "60 documents in the index" in done.stdout
        again = run(data, tmp_path / "into", DATABASE_URL=url)
        assert again.returncode == 2
        assert "holds rows already" in again.stderr
    finally:
        _psql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
