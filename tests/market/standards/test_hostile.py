"""Hostile documents and rulesets: refused or judged in time, never a crash, never a pass by accident."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest

from market.openapi.document import Unreadable, load
from market.openapi.ruleset import Ruleset, RulesetRefused, read
from market.openapi.run import lint
from market.proof.certificates import Outcome
from market.standards.checking.check import check
from market.standards.checking.profiles import profile
from tests.cost import at_most
from tests.market.standards.hostile import ODD, RULESETS, UNREADABLE

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECONDS = 3.0


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the engine must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def everything() -> Ruleset:
    return read('extends: [["spectral:oas", all]]')


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(UNREADABLE) + len(ODD) >= 40
    assert len(RULESETS) >= 10


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_document_is_refused_in_time_with_the_reason(name: str) -> None:
    make, code = UNREADABLE[name]
    raw = make()
    with at_most(SECONDS), pytest.raises(Unreadable) as refused:
        load(raw)
    assert refused.value.code == code
    run = check(raw, profile("minimal"), at=AT)
    assert run.outcome is Outcome.COULD_NOT_CHECK
    assert refused.value.reason in run.reason


@pytest.mark.parametrize("name", ODD)
def test_an_odd_document_is_judged_in_time_and_never_crashes(name: str, everything: Ruleset) -> None:
    raw = ODD[name]()
    with at_most(SECONDS):
        result = lint(load(raw), everything)
    assert not [words for words in result.undone.values() if "engine failed" in words], result.undone
    run = check(raw, profile("uk-core"), at=AT)
    assert run.outcome in (Outcome.FAIL, Outcome.COULD_NOT_CHECK)
    assert run.json()


@pytest.mark.parametrize("name", RULESETS)
def test_a_hostile_ruleset_is_refused_at_import_with_the_reason(name: str) -> None:
    text, words = RULESETS[name]
    with at_most(SECONDS), pytest.raises(RulesetRefused) as refused:
        read(text)
    assert words in str(refused.value)


def test_a_backtracking_pattern_of_a_ruleset_is_stopped_and_is_no_pass() -> None:
    ruleset = read("rules: {r: {given: $.x, then: {function: pattern, functionOptions: {notMatch: '^(a|aa)+$'}}}}")
    with at_most(SECONDS):
        result = lint(load(('{"openapi": "3.0.0", "x": "' + "a" * 70 + '!"}').encode()), ruleset)
    assert "took longer" in result.undone["r"]


def test_a_run_out_of_time_says_so_and_is_no_pass() -> None:
    raw = ODD["five thousand paths"]()
    run = check(raw, profile("uk-core"), at=AT, seconds=0.0)
    assert run.outcome is Outcome.COULD_NOT_CHECK
    assert "did not finish" in run.reason


def test_references_out_of_the_document_are_findings_and_nothing_is_fetched() -> None:
    for name in ("a reference over http", "a reference to a file", "a reference up the tree"):
        run = check(ODD[name](), profile("minimal"), at=AT)
        found = [finding for finding in run.findings if finding.rule == "invalid-ref"]
        assert len(found) == 1
        assert found[0].tier == "gate"
        assert "nothing is fetched" in found[0].detail
