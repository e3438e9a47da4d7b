"""Every shipped profile means what its cards say: the examples in the documentation are the tests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from market.openapi.ruleset import RulesetRefused
from market.proof.certificates import Outcome
from market.standards.checking.check import check
from market.standards.checking.profiles import SHIPPED, NoSuchProfile, Profile, compose, digest_of, profile, shipped

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
CASES = [
    pytest.param(name, card.rule, kind, number, id=f"{name}-{card.rule}-{kind}-{number}")
    for name, version in shipped()
    for card in profile(name, version).of_kind("document")
    for kind, examples in (("passing", card.passing), ("failing", card.failing))
    for number in range(len(examples))
]


def findings(of: Profile, document: object) -> set[str]:
    return {finding.rule for finding in check(json.dumps(document).encode(), of, at=AT).findings}


@pytest.mark.parametrize(("name", "rule", "kind", "number"), CASES)
def test_each_example_does_what_the_documentation_says(name: str, rule: str, kind: str, number: int) -> None:
    of = profile(name)
    card = of.cards[rule]
    example = (card.passing if kind == "passing" else card.failing)[number]
    assert (rule in findings(of, example.document(of.base))) is (kind == "failing")


@pytest.mark.parametrize("pair", shipped(), ids="@".join)
def test_every_rule_has_a_reason_a_source_a_remedy_and_four_examples(pair: tuple[str, str]) -> None:
    of = profile(*pair)
    for card in of.cards.values():
        assert card.why.endswith(".")
        assert card.mend
        assert card.source
        assert card.source_url.startswith("https://")
        if card.kind == "document":
            assert len(card.passing) >= 2
            assert len(card.failing) >= 2
        if card.tier == "advisory":
            assert card.gate_from is not None
            assert card.gate_from > of.effective_on


@pytest.mark.parametrize("pair", shipped(), ids="@".join)
def test_the_base_document_of_a_profile_passes_it(pair: tuple[str, str]) -> None:
    of = profile(*pair)
    run = check(json.dumps(of.base).encode(), of, at=AT)
    assert run.findings == []
    assert run.outcome is Outcome.PASS


def test_the_core_profile_numbers_28_checks() -> None:
    numbers = {card.number for card in profile("uk-core").cards.values()}
    assert numbers == set(range(1, 29))


def test_an_advisory_rule_is_a_gate_from_its_date_on() -> None:
    card = profile("uk-core").cards["ukc-08-licence-or-terms"]
    assert card.tier_on(date(2027, 9, 30)) == "advisory"
    assert card.tier_on(date(2027, 10, 1)) == "gate"


def test_the_digest_covers_text_tiers_and_dates() -> None:
    of = profile("minimal")
    again = digest_of(of.name, of.version, of.effective_on, of.text, of.cards)
    assert again == of.digest
    assert digest_of(of.name, of.version, of.effective_on, of.text + " ", of.cards) != of.digest
    assert digest_of(of.name, "1.0.1", of.effective_on, of.text, of.cards) != of.digest


def test_a_profile_is_named_with_or_without_its_version() -> None:
    assert profile("uk-core@1.0.0") is not None
    assert profile("uk-core").version == profile("uk-core", "1.0.0").version
    with pytest.raises(NoSuchProfile, match=r"minimal@1\.0\.0"):
        profile("uk-core", "9.9.9")


def test_a_profile_whose_cards_and_rules_differ_is_refused() -> None:
    place = SHIPPED / "minimal" / "1.0.0"
    ruleset = (place / "ruleset.yaml").read_text()
    told = (place / "profile.yaml").read_text()
    with pytest.raises(RulesetRefused, match="extra runs but is not described"):
        compose(ruleset + "  extra: {given: $, then: {function: truthy}}\n", told)
    with pytest.raises(RulesetRefused, match="path-params is described but does not run"):
        compose(ruleset.replace("  path-params: error\n", ""), told)
    with pytest.raises(RulesetRefused, match="neither gate nor advisory"):
        compose(ruleset, told.replace("tier: gate", "tier: perhaps", 1))
    with pytest.raises(RulesetRefused, match="not in sources"):
        compose(ruleset, told.replace("source: NCSC", "source: hearsay"))
