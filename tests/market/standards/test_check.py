"""The check as its callers see it: outcomes, waivers, places, records."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from market.proof.certificates import Outcome
from market.standards.checking.check import check, check_file
from market.standards.checking.outcome import Run, Waiver
from market.standards.checking.profiles import NoSuchProfile, profile

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def changed(**info: Any) -> bytes:
    base = json.loads(json.dumps(profile("uk-core").base))
    base["info"].update(info)
    base["info"] = {key: value for key, value in base["info"].items() if value is not None}
    return json.dumps(base, indent=1).encode()


def test_a_good_document_passes_and_the_record_says_what_was_checked() -> None:
    run = check(changed(), profile("uk-core"), at=AT, name="permits.json")
    assert run.outcome is Outcome.PASS
    assert run.outcome.passed
    assert [outcome.exit_code for outcome in Outcome] == [0, 0, 1, 2]
    assert run.document.startswith("sha256:")
    assert run.profile_digest == profile("uk-core").digest
    assert (run.api_title, run.api_version, run.openapi) == ("Permits", "1.2.0", "3.0.3")
    assert run.started_at == AT
    assert run.finished_at >= AT
    assert "ukc-05-description" in run.rules


def test_a_finding_says_where_why_and_how_to_mend() -> None:
    run = check(changed(description="Short"), profile("uk-core"), at=AT)
    assert run.outcome is Outcome.FAIL
    (finding,) = run.gates
    assert finding.rule == "ukc-05-description"
    assert finding.path == ["info", "description"]
    assert finding.pointer == "/info/description"
    assert changed(description="Short").decode().splitlines()[finding.line - 1].strip().startswith('"description"')
    assert finding.excerpt == '"Short"'
    assert finding.why
    assert finding.mend
    assert finding.source_url.startswith("https://www.gov.uk/")


def test_an_advisory_finding_does_not_fail_until_its_date() -> None:
    raw = changed(license=None)
    assert check(raw, profile("uk-core"), at=AT).outcome is Outcome.PASS
    assert check(raw, profile("uk-core"), at=AT).advisories[0].gate_from == "2027-10-01"
    later = datetime(2027, 10, 1, tzinfo=UTC)
    assert check(raw, profile("uk-core"), at=later).outcome is Outcome.FAIL


def test_a_waiver_excuses_its_rule_in_its_place_until_its_date() -> None:
    raw = changed(description="Short", contact=None)
    contact = Waiver("ukc-06-contact", "W-1", date(2026, 12, 31))
    elsewhere = Waiver("ukc-05-description", "W-2", date(2026, 12, 31), "/paths")
    here = Waiver("ukc-05-description", "W-3", date(2026, 12, 31), "/info")
    assert check(raw, profile("uk-core"), at=AT, waivers=[contact, elsewhere]).outcome is Outcome.FAIL
    run = check(raw, profile("uk-core"), at=AT, waivers=[contact, here])
    assert run.outcome is Outcome.PASS_WITH_WAIVERS
    assert sorted(finding.waived for finding in run.findings) == ["W-1", "W-3"]
    late = datetime(2027, 1, 1, tzinfo=UTC)
    assert check(raw, profile("uk-core"), at=late, waivers=[contact, here]).outcome is Outcome.FAIL


def test_what_is_no_openapi_document_could_not_be_checked() -> None:
    run = check(b'{"hello": "world"}', profile("uk-core"), at=AT)
    assert run.outcome is Outcome.COULD_NOT_CHECK
    assert "does not say that it is an OpenAPI document" in run.reason


def test_swagger_fails_the_core_profile_and_may_pass_the_minimal_one() -> None:
    swagger = {
        "swagger": "2.0",
        "info": {"title": "A", "version": "1", "description": "Old"},
        "security": [{}],
        "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}},
    }
    raw = json.dumps(swagger).encode()
    assert [finding.rule for finding in check(raw, profile("uk-core"), at=AT).gates] == ["ukc-01-openapi-3"]
    assert check(raw, profile("minimal"), at=AT).outcome is Outcome.PASS


def test_status_codes_without_quotation_marks_are_told_but_do_not_fail() -> None:
    text = changed().decode().replace('"200"', "200").replace('"404"', "404")
    run = check(text.encode(), profile("uk-core"), at=AT)
    assert run.outcome is Outcome.PASS
    assert {finding.rule for finding in run.findings} == {"parser"}


def test_names_used_twice_fail() -> None:
    raw = changed().replace(b'"title": "Permits"', b'"title": "Permits", "title": "Licences"')
    run = check(raw, profile("uk-core"), at=AT)
    assert [(finding.rule, finding.path) for finding in run.gates] == [("parser", ["info", "title"])]


def test_a_record_survives_json() -> None:
    run = check(changed(description="x", license=None), profile("uk-core"), at=AT, name="a.json")
    assert Run.from_json(run.json()) == run


def test_the_same_document_gives_the_same_findings_every_time() -> None:
    raw = changed(description="x", contact=None)
    first, second = (check(raw, profile("uk-core"), at=AT) for _ in range(2))
    assert first.findings == second.findings
    assert first.document == second.document


def test_a_file_is_checked_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_bytes(changed(description="x"))
    run = check_file(file, "uk-core@1.0.0", at=AT)
    assert run.name == "api.yaml"
    text = run.text()
    assert text.startswith("Fail: api.yaml against uk-core 1.0.0")
    assert "api.yaml:6:" in text
    assert "mend: Write in info.description" in text
    with pytest.raises(NoSuchProfile):
        check_file(file, "nobody", at=AT)
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "none.yaml", "uk-core", at=AT)
    with pytest.raises(ValueError, match="zone"):
        check(b"{}", profile("uk-core"), at=datetime(2026, 1, 1))  # noqa: DTZ001
