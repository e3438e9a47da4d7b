"""When a run is certified, how long that holds, and what is wanting where a gate asks for a certificate.

A certificate is the only thing that opens a gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from market.refusals import rule
from market.standards.checking.outcome import Run
from market.standards.rules import OWN
from market.standing import Standing
from market.wording import _, _n

if TYPE_CHECKING:
    from market.standards.tables import IssuedCertificate


@dataclass(frozen=True, slots=True)
class Certifying:
    """What is known after a run: whether it passed and is of the newest document, and whether a private service may be."""

    passed: bool
    newest: bool
    withdrawn: bool
    private: bool
    exempt: bool


@rule("certificate.not-passed", source=OWN)
def the_run_passed(certifying: Certifying) -> str | None:
    """Only a pass is certified; *could not check* is never a pass."""
    return None if certifying.passed else _("The check did not pass.")


@rule("certificate.old-document", source=OWN)
def is_of_the_newest_document(certifying: Certifying) -> str | None:
    """What is certified is what the supplier says it serves now."""
    return None if certifying.newest else _("A newer version of the document is lodged: that one has to pass.")


@rule("certificate.service-withdrawn")
def certifies_a_listed_service(certifying: Certifying) -> str | None:
    """A service that is no longer offered needs no certificate."""
    return _("This service was withdrawn.") if certifying.withdrawn else None


@rule("certificate.private-unsigned", source=OWN)
def a_private_api_is_exempt(certifying: Certifying) -> str | None:
    """A description stays confidential only with an exemption signed by a buyer and by the standards owner."""
    if certifying.private and not certifying.exempt:
        return _(
            "A private API needs an exemption signed by a buyer and by the standards owner before it is certified."
        )
    return None


CERTIFY = (the_run_passed, is_of_the_newest_document, certifies_a_listed_service, a_private_api_is_exempt)
"""For issuing a certificate after a run."""


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a certificate is reckoned from; `replaced` when only a newer one took its place."""

    issued_at: datetime
    valid_until: datetime
    revoked_at: datetime | None
    replaced: bool


def in_force(certificate: IssuedCertificate | Dates, at: datetime) -> bool:
    """Whether a certificate holds at a moment."""
    revoked = certificate.revoked_at is not None and certificate.revoked_at <= at
    return certificate.issued_at <= at <= certificate.valid_until and not revoked


def standing(certificate: Dates, at: datetime) -> Standing:
    """Where a certificate stands, in words, and the date that matters now."""
    if in_force(certificate, at):
        return Standing("in-force", _("In force"), "green", certificate.valid_until, _("Ends"))
    if certificate.replaced:
        return Standing("replaced", _("Replaced"), "grey", certificate.revoked_at, _("Replaced"))
    if certificate.revoked_at is not None:
        return Standing("revoked", _("Revoked"), "red", certificate.revoked_at, _("Revoked"))
    return Standing("lapsed", _("Lapsed"), "amber", certificate.valid_until, _("Lapsed"))


def only_later_gates(run: Run, pinned: date) -> bool:
    """Whether a failed run fails only by rules that became gates after a day.

    A contract is held to the profile as it gated on its tender's day: “never retroactively for running contracts”.
    """
    gates = run.gates
    return bool(gates) and all(each.gate_from and date.fromisoformat(each.gate_from) > pinned for each in gates)


class Evidence(msgspec.Struct, frozen=True):
    """What one service of a supplier shows at a gate, under the profile that the gate asks for: whether it ever had a
    certificate and whether one is in force, and its latest run there (all None before the first); `result` is the record of
    that run where it failed."""

    ref: str
    title: str
    private: bool
    listed_at: datetime
    profiles: list[str]
    offered_for: list[str]
    held: bool
    in_force: bool
    outcome: str | None
    gates: int | None
    started_at: datetime | None
    result: str | None

    def opens(self, pinned: date | None) -> bool:
        """Whether it opens the gate: by a certificate in force or, under a contract held to the gates of the day `pinned`,
        although it failed by rules that became gates since."""
        if self.in_force or pinned is None or self.result is None:
            return self.in_force
        return self.held and only_later_gates(Run.from_json(self.result.encode()), pinned)


def wanting(label: str, shown: Sequence[Evidence], pinned: date | None, *, unoffered: str) -> str:
    """What is wrong with a supplier's certificate under a profile, and what to do; empty when the gate opens.

    One certified service is enough among those shown; the caller gives the ones that are offered for the contract, and in
    `unoffered` the tender's reference when the supplier has services under the profile, offered for it or not.
    """
    if any(evidence.opens(pinned) for evidence in shown):
        return ""
    if not shown and unoffered:
        return _(
            "None of the supplier's services is offered for {unoffered}. Under Components the supplier "
            "opens the service that it will deliver, and names {unoffered} as a tender it is offered for.",
            unoffered=unoffered,
        )
    if not shown:
        return _(
            "There is no certificate under {label}: the supplier has lodged no API for it. It lists its "
            "service under Components, lodges its OpenAPI document, and has the certificate as soon as "
            "the check passes.",
            label=label,
        )
    newest = max(shown, key=lambda evidence: evidence.started_at or evidence.listed_at)
    title = newest.ref if newest.private else f"“{newest.title}”"
    if newest.outcome is None:
        return _(
            "There is no certificate under {label}: no document of {title} has been checked under it. "
            "The supplier lodges one.",
            label=label,
            title=title,
        )
    if newest.outcome == "fail":
        return _n(
            "There is no certificate in force under {label}: the last check of {title} failed with {number} finding to "
            "mend. The supplier mends them and lodges the document again; it passes in seconds.",
            "There is no certificate in force under {label}: the last check of {title} failed with {number} findings to "
            "mend. The supplier mends them and lodges the document again; it passes in seconds.",
            newest.gates or 0,
            label=label,
            title=title,
        )
    if newest.outcome == "could-not-check":
        return _(
            "There is no certificate in force under {label}: {title} could not be checked, which is not "
            "a pass. The supplier lodges it again.",
            label=label,
            title=title,
        )
    if newest.held:
        return _(
            "The certificate of {title} under {label} is no longer in force. The supplier checks it "
            "again under Components.",
            title=title,
            label=label,
        )
    return _(
        "{title} passed {label} and is not certified: a private API needs an exemption signed by both sides first.",
        title=title,
        label=label,
    )
