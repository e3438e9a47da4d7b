"""The signed files of a run: the certificate of one that passed, and the record of one that was made offline.

Key material is passed in; nothing here reads a file or knows where keys are kept.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from market.proof.certificates import CERTIFICATE, RESULT, Certificate, sign
from market.standards.checking.outcome import Run


def issue(
    run: Run,
    *,
    number: str,
    service: str,
    service_title: str,
    supplier: str,
    issuer: str,
    issued_at: datetime,
    valid_until: datetime,
    private: bytes,
) -> bytes:
    """The certificate file for a run that passed. Refused (ValueError) for any other outcome, and for dates that do not
    follow one another."""
    if not run.outcome.passed:
        raise ValueError(f"a run that ended in {run.outcome.value} cannot be certified")
    if issued_at.tzinfo is None or valid_until.tzinfo is None or valid_until <= issued_at:
        raise ValueError("a certificate needs an aware date of issue and a later end")
    waivers = sorted({finding.waived for finding in run.findings if finding.waived})
    certificate = Certificate(
        number=number,
        service=service,
        service_title=service_title,
        supplier=supplier,
        document=run.document,
        api_version=run.api_version,
        profile=run.profile,
        profile_version=run.profile_version,
        profile_digest=run.profile_digest,
        outcome=run.outcome.value,
        waivers=waivers,
        run_started_at=_stamp(run.started_at),
        run_finished_at=_stamp(run.finished_at),
        engine=run.engine,
        issued_at=_stamp(issued_at),
        valid_until=_stamp(valid_until),
        issuer=issuer,
    )
    return sign(CERTIFICATE, msgspec.to_builtins(certificate), private)


def sign_result(run: Run, private: bytes) -> bytes:
    """A signed file of a whole run record, made where the document is and carried to where the decision is."""
    return sign(RESULT, msgspec.to_builtins(run), private)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
