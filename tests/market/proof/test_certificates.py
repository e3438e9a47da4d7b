"""Certificates verify offline with the published key, and only unchanged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from market.proof import canonical, certificates
from market.proof.certificates import NotValid, Outcome, key_name, public_bytes, verify
from market.standards.certificates.issuing import issue, sign_result
from market.standards.checking.check import check
from market.standards.checking.outcome import Run
from market.standards.checking.profiles import profile

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
PRIVATE = bytes(range(32))
KEYS = {key_name(public_bytes(PRIVATE)): public_bytes(PRIVATE)}


def passing() -> Run:
    return check(json.dumps(profile("uk-core").base).encode(), profile("uk-core"), at=AT)


def made(run: Run | None = None, private: bytes = PRIVATE) -> bytes:
    return issue(
        run or passing(),
        number="C-1",
        service="S-1",
        service_title="Permits",
        supplier="O-1",
        issuer="Prelude",
        issued_at=AT,
        valid_until=AT + timedelta(days=365),
        private=private,
    )


def test_a_certificate_verifies_offline_and_says_what_it_certifies() -> None:
    verified = verify(made(), KEYS)
    assert verified.kind == certificates.CERTIFICATE
    stated = verified.certificate
    assert stated.document == passing().document
    assert (stated.profile, stated.profile_version) == ("uk-core", "1.0.0")
    assert stated.in_force(AT)
    assert not stated.in_force(AT + timedelta(days=366))
    assert certificates.outcome_of(verified) is Outcome.PASS


def test_the_same_run_gives_the_same_bytes() -> None:
    run = passing()
    assert made(run) == made(run)


@pytest.mark.parametrize("old", [b"C-1", b"Permits", b"2027", b"uk-core", b'"outcome":"pass"'])
def test_a_changed_statement_is_not_valid(old: bytes) -> None:
    file = made()
    assert old in file
    altered = file.replace(
        old,
        old.replace(b"C-1", b"C-2")
        .replace(b"P", b"Q")
        .replace(b"2", b"3")
        .replace(b"uk", b"us")
        .replace(b"pass", b"fine"),
    )
    assert altered != file
    with pytest.raises(NotValid):
        verify(altered, KEYS)


def test_a_key_that_is_not_published_proves_nothing() -> None:
    with pytest.raises(NotValid, match="not among the published keys"):
        verify(made(private=bytes(32)), KEYS)
    name = key_name(public_bytes(bytes(32)))
    with pytest.raises(NotValid, match="does not have the name"):
        verify(made(private=bytes(32)), {name: public_bytes(PRIVATE)})


def test_a_reformatted_file_is_not_valid() -> None:
    pretty = json.dumps(json.loads(made()), indent=2).encode()
    with pytest.raises(NotValid, match="canonical"):
        verify(pretty, KEYS)


def test_a_signature_for_a_result_is_none_for_a_certificate() -> None:
    result = canonical.decode(sign_result(passing(), PRIVATE))
    result["format"] = certificates.CERTIFICATE
    with pytest.raises(NotValid, match="signature"):
        verify(canonical.encode(result), KEYS)


def test_a_run_made_offline_is_signed_and_read_back() -> None:
    verified = verify(sign_result(passing(), PRIVATE), KEYS)
    assert verified.kind == certificates.RESULT
    assert verified.statement["outcome"] == "pass"
    with pytest.raises(NotValid, match="not a certificate"):
        _ = verified.certificate


def test_a_run_that_did_not_pass_is_not_certified() -> None:
    failing = check(b'{"openapi": "3.0.0"}', profile("uk-core"), at=AT)
    with pytest.raises(ValueError, match="cannot be certified"):
        made(failing)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":"x"}', b"[" * 100_000, b"0" * 5_000_000])
def test_what_is_no_certificate_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(NotValid):
        verify(data, KEYS)
