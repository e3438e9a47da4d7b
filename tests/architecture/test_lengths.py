"""No file grows until nobody reads it whole: a folder's files are split by noun before that."""

from __future__ import annotations

from tests.architecture.trees import ROOT, SOURCES

MOST_LINES = 600


def test_no_file_is_longer_than_can_be_read_at_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if len(path.read_text().splitlines()) > MOST_LINES
        and not path.is_relative_to(ROOT / "market" / "openapi")  # a grammar in one piece reads better than in three
    }
    assert long == set(), f"longer than {MOST_LINES} lines: split it by noun"
