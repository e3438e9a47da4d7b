"""The rules of standards as truth tables: facts in, codes out; no database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from market.proof.certificates import Outcome
from market.refusals import refusals
from market.standards.certificates import rules as certificates
from market.standards.checking.outcome import Finding, Run
from market.standards.components import rules as services
from market.standards.exemptions import rules as exemptions
from market.standards.profiles import rules as profiles
from market.standards.sanctions import rules as sanctions
from market.standards.tables import Exemption, IssuedCertificate, Withholding
from tests import given

NOW = given.TODAY
DAY = timedelta(days=1)
KNOWN = ["uk-core@1.0.0", "minimal@1.0.0"]


def codes(found: list[Any]) -> list[str]:
    return [each.code for each in found]


def listing(**facts: Any) -> services.Listing:
    made = {"profiles": KNOWN[:1], "known": KNOWN, "cpv": ["72319000"], "maturity": "live", "public_url": ""}
    made |= {"withdrawn": False, **facts}
    return services.Listing(**made)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="a whole listing"),
        pytest.param({"public_url": "https://firm.example/api"}, [], id="with an address"),
        pytest.param({"profiles": []}, ["service.profile-unknown"], id="checked under none"),
        pytest.param({"profiles": ["uk-core@9"]}, ["service.profile-unknown"], id="under one nobody published"),
        pytest.param({"cpv": ["7231"]}, ["service.cpv-malformed"], id="a short code"),
        pytest.param({"cpv": ["72319000-4"]}, [], id="with its check digit"),
        pytest.param({"maturity": "ripe"}, ["service.maturity-unknown"], id="an unknown maturity"),
        pytest.param({"public_url": "http://firm.example"}, ["service.address-malformed"], id="not encrypted"),
        pytest.param({"public_url": "javascript:alert(1)"}, ["service.address-malformed"], id="a script"),
        pytest.param({"withdrawn": True}, ["service.withdrawn"], id="withdrawn"),
    ],
)
def test_listing(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(services.LIST, listing(**facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param((False, 100, 100, False), [], id="just small enough"),
        pytest.param((False, 101, 100, False), ["lodgement.too-large"], id="one byte more"),
        pytest.param((False, 0, 100, False), ["lodgement.empty"], id="nothing"),
        pytest.param((False, 9, 100, True), ["lodgement.unchanged"], id="the same again"),
        pytest.param((True, 9, 100, False), ["lodgement.service-withdrawn"], id="for a withdrawn service"),
    ],
)
def test_lodging(facts: tuple[bool, int, int, bool], expected: list[str]) -> None:
    assert codes(refusals(services.LODGE, services.Lodging(*facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param((True, True, False, False, False), [], id="a pass"),
        pytest.param((False, True, False, False, False), ["certificate.not-passed"], id="no pass"),
        pytest.param((True, False, False, False, False), ["certificate.old-document"], id="of an older version"),
        pytest.param((True, True, True, False, False), ["certificate.service-withdrawn"], id="withdrawn"),
        pytest.param((True, True, False, True, False), ["certificate.private-unsigned"], id="private, not exempt"),
        pytest.param((True, True, False, True, True), [], id="private and exempt"),
    ],
)
def test_certifying(facts: tuple[bool, bool, bool, bool, bool], expected: list[str]) -> None:
    assert codes(refusals(certificates.CERTIFY, certificates.Certifying(*facts))) == expected


def certificate(**facts: Any) -> IssuedCertificate:
    return given.row(IssuedCertificate, **{"issued_at": NOW, "valid_until": NOW + 60 * DAY, **facts})


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        pytest.param({}, NOW, True, id="from its first moment"),
        pytest.param({}, NOW - DAY, False, id="not before"),
        pytest.param({}, NOW + 60 * DAY, True, id="to its last"),
        pytest.param({}, NOW + 61 * DAY, False, id="not after"),
        pytest.param({"revoked_at": NOW + DAY}, NOW, True, id="before it was revoked"),
        pytest.param({"revoked_at": NOW + DAY}, NOW + DAY, False, id="revoked"),
    ],
)
def test_a_certificate_in_force(facts: dict[str, Any], at: datetime, expected: bool) -> None:
    assert certificates.in_force(certificate(**facts), at) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, False, id="asked only"),
        pytest.param({"signed_at": NOW}, True, id="signed by both"),
        pytest.param({"signed_at": NOW + DAY}, False, id="signed later"),
        pytest.param({"signed_at": NOW - DAY, "expires_at": NOW - timedelta(seconds=1)}, False, id="expired"),
        pytest.param({"signed_at": NOW - DAY, "ended_at": NOW}, False, id="ended"),
    ],
)
def test_an_exemption_that_holds(facts: dict[str, Any], expected: bool) -> None:
    assert exemptions.exempts(given.row(Exemption, **{"expires_at": NOW + DAY, **facts}), NOW) is expected


def evidence(outcome: str = "", in_force: bool = False, **facts: Any) -> certificates.Evidence:
    made: dict[str, Any] = {"ref": "S-2345678", "title": "Permits", "private": False, "listed_at": NOW, "profiles": []}
    made |= {"offered_for": [], "held": in_force, "in_force": in_force, "outcome": outcome or None, "result": None}
    made |= {"gates": 2 if outcome else None, "started_at": NOW if outcome else None, **facts}
    return certificates.Evidence(**made)


def failed(*gates: str) -> Run:
    findings = [Finding("rule", "gate", "error", [], "words", gate_from=each) for each in gates]
    return Run("d", "p", "1", "x", Outcome.FAIL, findings, NOW, NOW)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        pytest.param([], "has lodged no API", id="nothing listed"),
        pytest.param([evidence("pass", True)], "", id="certified"),
        pytest.param([evidence("fail"), evidence("pass", True)], "", id="one of two"),
        pytest.param([evidence("fail")], "failed with 2 findings", id="failed"),
        pytest.param([evidence("could-not-check")], "which is not a pass", id="could not check"),
        pytest.param([evidence()], "no document of “Permits”", id="nothing lodged"),
        pytest.param([evidence("pass")], "a private API needs an exemption", id="passed, not certified"),
        pytest.param([evidence("pass", held=True)], "is no longer in force", id="lapsed"),
    ],
)
def test_what_is_wanting(shown: list[certificates.Evidence], words: str) -> None:
    found = certificates.wanting("uk-core 1.0.0", shown, None, unoffered="")
    assert words in found
    assert bool(found) is bool(words)


def test_what_is_wanting_never_names_a_private_service() -> None:
    assert "Permits" not in certificates.wanting("uk-core 1.0.0", [evidence("fail", private=True)], None, unoffered="")


@pytest.mark.parametrize(
    ("held", "gates", "pinned", "expected"),
    [
        pytest.param(True, ["2027-01-01"], date(2026, 11, 23), True, id="by a gate of later, once certified"),
        pytest.param(False, ["2027-01-01"], date(2026, 11, 23), False, id="never certified"),
        pytest.param(True, ["2027-01-01", ""], date(2026, 11, 23), False, id="and by one of always"),
        pytest.param(True, ["2027-01-01"], None, False, id="for new business"),
    ],
)
def test_a_running_contract_is_held_to_the_gates_of_its_day(
    held: bool, gates: list[str], pinned: date | None, expected: bool
) -> None:
    assert evidence("fail", held=held, result=failed(*gates).json().decode()).opens(pinned) is expected


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        pytest.param([], False, id="no gate"),
        pytest.param(["2027-01-01"], True, id="a gate of later"),
        pytest.param(["2026-11-23"], False, id="a gate since that very day"),
        pytest.param(["2027-01-01", ""], False, id="and one of always"),
    ],
)
def test_gates_that_came_later(gates: list[str], expected: bool) -> None:
    assert certificates.only_later_gates(failed(*gates), date(2026, 11, 23)) is expected


def notice(**facts: Any) -> Withholding:
    made = {"reason": "It no longer passes.", "notice_at": NOW, "cure_until": NOW + 10 * DAY, **facts}
    return given.row(Withholding, **made)


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        pytest.param({}, NOW, "cure", id="notice"),
        pytest.param({}, NOW + 10 * DAY, "cure", id="the last moment to cure"),
        pytest.param({}, NOW + 10 * DAY + timedelta(seconds=1), "withheld", id="one second later"),
        pytest.param({"restored_at": NOW + 5 * DAY}, NOW + 11 * DAY, "restored", id="mended in time"),
        pytest.param({"restored_at": NOW + 12 * DAY}, NOW + 11 * DAY, "withheld", id="before it was restored"),
        pytest.param({"restored_at": NOW + 12 * DAY}, NOW + 12 * DAY, "restored", id="restored"),
    ],
)
def test_where_a_sanction_stands(facts: dict[str, Any], at: datetime, expected: str) -> None:
    row = notice(**facts)
    assert sanctions.sanction(row, at) == expected
    lapsed = sanctions.Lapsed(row.cure_until, row.restored_at, row.reason, failed("2027-01-01").json().decode())
    assert bool(sanctions.withheld([lapsed], at, None)) is (expected == "withheld")
    assert bool(sanctions.withheld([lapsed], at, date(2027, 1, 1))) is (expected == "withheld")
    assert sanctions.withheld([lapsed], at, date(2026, 11, 23)) == ""


WORDS = "The document was lodged for the wrong service by mistake."


@pytest.mark.parametrize(
    ("facts", "words", "now", "expected"),
    [
        pytest.param({}, WORDS, NOW, [], id="in the time to cure"),
        pytest.param({}, WORDS, NOW + 30 * DAY, [], id="on the last day"),
        pytest.param({}, WORDS, NOW + 31 * DAY, ["appeal.too-late"], id="too late"),
        pytest.param({}, "No.", NOW, ["appeal.reason-missing"], id="without a reason"),
        pytest.param({"appealed_at": NOW}, WORDS, NOW, ["appeal.already-there"], id="again"),
        pytest.param({"restored_at": NOW}, WORDS, NOW, ["appeal.nothing-open"], id="settled"),
    ],
)
def test_appealing(facts: dict[str, Any], words: str, now: datetime, expected: list[str]) -> None:
    assert (
        codes(refusals(sanctions.APPEAL, sanctions.Appealing(notice(**facts), NOW + 30 * DAY, words, now))) == expected
    )


@pytest.mark.parametrize(
    ("facts", "words", "expected"),
    [
        pytest.param({"appealed_at": NOW}, WORDS, [], id="answered"),
        pytest.param({}, WORDS, ["appeal.not-waiting"], id="nobody appealed"),
        pytest.param({"appealed_at": NOW, "answered_at": NOW}, WORDS, ["appeal.not-waiting"], id="again"),
        pytest.param({"appealed_at": NOW}, "Yes.", ["appeal.answer-missing"], id="without reasons"),
    ],
)
def test_answering(facts: dict[str, Any], words: str, expected: list[str]) -> None:
    assert codes(refusals(sanctions.ANSWER, notice(**facts), words)) == expected


def exempting(**facts: Any) -> exemptions.Exempting:
    made = {
        "ground": "rules",
        "profile": "uk-core@1.0.0",
        "rules": ["ukc-06-contact"],
        "rules_of": ["ukc-06-contact", "ukc-07-semver"],
        "has_service": True,
        "reason": WORDS,
        "control": "The buyer's desk answers.",
        "expires_at": NOW + 30 * DAY,
        "latest": NOW + 700 * DAY,
        "result": None,
        "now": NOW,
        **facts,
    }
    return exemptions.Exempting(**made)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="whole"),
        pytest.param({"ground": "haste"}, ["exemption.ground-unknown"], id="no ground"),
        pytest.param({"rules_of": None}, ["exemption.profile-unknown"], id="no profile"),
        pytest.param({"rules": []}, ["exemption.rules-unknown"], id="no rules"),
        pytest.param({"rules": ["other"]}, ["exemption.rules-unknown"], id="rules of another profile"),
        pytest.param({"ground": "private", "rules": []}, [], id="private names no rules"),
        pytest.param({"has_service": False}, ["exemption.service-missing"], id="no service"),
        pytest.param({"reason": "Because."}, ["exemption.reason-missing"], id="no reason"),
        pytest.param({"control": " "}, ["exemption.control-missing"], id="nothing instead"),
        pytest.param({"expires_at": NOW}, ["exemption.expiry"], id="over at once"),
        pytest.param({"expires_at": NOW + 701 * DAY}, ["exemption.expiry"], id="too long"),
        pytest.param({"ground": "national-security"}, ["exemption.result-missing"], id="without a result"),
        pytest.param(
            {"ground": "national-security", "result": "It is false."}, ["exemption.result-missing"], id="false"
        ),
        pytest.param({"ground": "national-security", "result": ""}, [], id="with a result that holds"),
        pytest.param(
            {"ground": "national-security", "result": "", "has_service": False},
            ["exemption.service-missing"],
            id="for nobody",
        ),
    ],
)
def test_asking_for_an_exemption(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(exemptions.EXEMPT, exempting(**facts))) == expected


@pytest.mark.parametrize(
    ("facts", "signer", "expected"),
    [
        pytest.param({}, 2, [], id="somebody else"),
        pytest.param({}, 1, ["exemption.two-people"], id="the same person"),
        pytest.param({"signed_at": NOW}, 2, ["exemption.decided"], id="signed already"),
        pytest.param({"refused_at": NOW}, 2, ["exemption.decided"], id="refused already"),
    ],
)
def test_signing_an_exemption(facts: dict[str, Any], signer: int, expected: list[str]) -> None:
    row = given.row(Exemption, asked_by=1, **facts)
    assert codes(refusals(exemptions.SIGN, row, signer)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(("p", "1.1.0", [], ["1.0.0"], True), [], id="a new version"),
        pytest.param(("p", "1.0.0", [], ["1.0.0"], False), ["standard.version-taken"], id="the same version"),
        pytest.param(("p", "0.9.0", [], ["1.0.0"], False), ["standard.version-older"], id="an older one"),
        pytest.param(("p", "1.1.0", ["no function x"], [], True), ["standard.cannot-run"], id="cannot run"),
    ],
)
def test_publishing(facts: tuple[str, str, list[str], list[str], bool], expected: list[str]) -> None:
    assert codes(refusals(profiles.PUBLISH, profiles.Publishing(*facts))) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("uk-core@1.0.0", True),
        ("uk-core@1", True),
        ("uk-core@1.0.0-rc.1", True),
        ("uk-core", False),
        ("UK@1", False),
        ("a@1.2.3.4", False),
        ("../etc@1", False),
    ],
)
def test_how_a_version_is_named(said: str, expected: bool) -> None:
    assert bool(profiles.LABEL.fullmatch(said)) is expected
