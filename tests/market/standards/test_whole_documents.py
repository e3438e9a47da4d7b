"""Every whole API description at hand gets an answer from every shipped profile and from spectral:oas, without a failure: those of
the demo story, the site's own, and some that are like what one finds. `bench/standards.py` asks the same of real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from market.openapi.document import load
from market.openapi.ruleset import read
from market.openapi.run import lint
from market.proof.certificates import Outcome
from market.standards.checking.changes.comparison import compare_files
from market.standards.checking.check import check
from market.standards.checking.profiles import profile, shipped

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    *sorted((ROOT / "fixtures" / "demo" / "apis").iterdir()),
    *sorted((Path(__file__).parent / "as_found").iterdir()),
    ROOT / "docs" / "openapi.json",
]
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize("pair", shipped(), ids="@".join)
def test_every_description_gets_an_answer_from_a_profile(pair: tuple[str, str]) -> None:
    outcomes = set()
    for file in FILES:
        run = check(file.read_bytes(), profile(*pair), at=AT, name=file.name)
        assert not run.undone, (file.name, run.undone)
        assert run.outcome is not Outcome.COULD_NOT_CHECK or run.reason
        outcomes.add(run.outcome)
    assert Outcome.FAIL in outcomes


def test_every_description_gets_an_answer_from_spectral_oas() -> None:
    everything = read('extends: [["spectral:oas", all]]')
    for file in FILES:
        document = load(file.read_bytes())
        result = lint(document, everything)
        assert not result.undone, (file.name, result.undone)
        for finding in result.findings:
            here = document.data
            for step in finding.path:
                here = here[step]
            assert 1 <= finding.line <= document.text.count("\n") + 1


def test_every_description_compared_with_itself_has_no_changes() -> None:
    for file in FILES:
        raw = file.read_bytes()
        assert compare_files(raw, raw).changes == ()
