"""Naming a sandbox, taking it away, and asking for a live check of what it serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from market.refusals import Denial, rule
from market.standards.rules import OWN
from market.wording import N_, _


def host_of(address: str) -> str:
    """Host and port of an address: what a token shows control of."""
    parts = urlsplit(address.strip())
    return parts.netloc.lower()


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known when a sandbox is named: its address, the header with a credential and whether there is one, and
    whether addresses of this machine are permitted."""

    withdrawn: bool
    address: str
    header: str
    credential: bool
    loopback: bool


@rule("sandbox.service-withdrawn")
def tries_a_listed_service(naming: Naming) -> str | None:
    """A service that was withdrawn is not tried."""
    return _("This service was withdrawn. List it anew.") if naming.withdrawn else None


@rule("sandbox.address-malformed", field="address")
def sandbox_has_an_address(naming: Naming) -> str | None:
    """A sandbox is called over TLS, at a host and a path, without a name and password in the address."""
    try:
        parts = urlsplit(naming.address)
        wrong = not parts.hostname or parts.username is not None or bool(parts.query or parts.fragment)
    except ValueError:
        wrong = True
    if wrong:
        return _("Give the address that the paths of the API follow, like https://sandbox.firm.example/v1.")
    if parts.scheme != "https" and not (naming.loopback and parts.scheme == "http"):
        return _("Begin the address with https://.")
    return None


@rule("sandbox.header-malformed", field="header", source="RFC 9110, section 5.6.2")
def header_is_a_name(naming: Naming) -> str | None:
    """The credential stands in one header of its own; those that steer the connection cannot carry it."""
    if not naming.header:
        return None
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", naming.header):
        return _("The name of a header has letters, digits and dashes.")
    if naming.header.lower() in ("host", "content-length", "transfer-encoding", "connection", "content-type"):
        return _("Name the header that carries the credential, like Authorization.")
    return None


@rule("sandbox.credential-missing", field="credential")
def header_has_a_credential(naming: Naming) -> str | None:
    """A header without a value lets nobody in."""
    return _("Give the credential that the header carries.") if naming.header and not naming.credential else None


NAME_SANDBOX = (tries_a_listed_service, sandbox_has_an_address, header_is_a_name, header_has_a_credential)
"""For naming the sandbox of a service, and changing it."""


@rule("sandbox.findings-open", source=OWN)
def live_findings_are_mended(findings: int) -> str | None:
    """What a live check found is mended, not hidden: the sandbox goes when a live check has found nothing."""
    return _("The last live check found something. Mend it and have it checked again first.") if findings else None


DROP_SANDBOX = (live_findings_are_mended,)
"""For taking a sandbox away."""


@dataclass(frozen=True, slots=True)
class Trying:
    """What is known when a live check is asked: whether there is a sandbox, a document, a profile with checks of that kind,
    and the extra that makes them."""

    withdrawn: bool
    sandbox: bool
    lodged: bool
    kinds: bool
    installed: bool


@rule("live.service-withdrawn")
def checks_a_listed_service(trying: Trying) -> str | None:
    """A service that was withdrawn is not tried."""
    return _("This service was withdrawn. List it anew.") if trying.withdrawn else None


@rule("live.no-sandbox")
def has_a_sandbox(trying: Trying) -> str | None:
    """There is somewhere to try it."""
    return None if trying.sandbox else _("Name the sandbox first.")


@rule("live.no-document")
def has_a_document_to_compare(trying: Trying) -> str | None:
    """What the service does is compared with what its document says."""
    return None if trying.lodged else _("No document is lodged yet. Lodge one first.")


@rule("live.no-checks")
def profile_has_live_checks(trying: Trying) -> str | None:
    """A profile says what is checked on a running service; not every one does."""
    return None if trying.kinds else _("None of the profiles of this service has checks of a running service.")


@rule("live.not-installed", source="The optional extra prelude[live]")
def live_checks_are_made_here(trying: Trying) -> str | None:
    """Live checks are an optional part of an installation."""
    return None if trying.installed else _("This site does not make live checks.")


TRY = (
    checks_a_listed_service,
    has_a_sandbox,
    has_a_document_to_compare,
    profile_has_live_checks,
    live_checks_are_made_here,
)
"""For asking for a live check."""


CHECK_WAITING = Denial(
    "live.waiting",
    N_("A live check is waiting already. Its result comes within minutes."),
    norm="One live check of a service waits at a time.",
)
