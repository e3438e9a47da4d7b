"""Checking what this product published, from its file: a signed waiver, a bid's receipt, an API certificate, a copy of the
log.

Each answers one sentence for every thing it looked at, and 0 when all of it holds, 1 when something does not, 2 when there
was nothing to check. `shown` writes a moment as the reader likes to see it; without it, as the files have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from market import nesting
from market.proof import certificates, chain, confirming, delegations, sealing, signing

Shown = Callable[[datetime], str]


def waiver(
    file: Path,
    *,
    fingerprint: str | None = None,
    origin: str | None = None,
    under: Path | None = None,
    shown: Shown = chain.moment,
) -> tuple[list[str], int]:
    """Check a waiver's bundle, or that of a delegation; the sentences to print and the exit code. `under` is the signed file of
    the instrument that a delegate signed under."""
    report = signing.verify_file(file, fingerprint=fingerprint, origin=origin)
    lines = [f"{'holds ' if check.passed else 'BROKEN'}  {check.sentence}" for check in report.checks]
    if report.verified is None:
        return [*lines, "", "The signature does not hold."], 1
    found = report.verified
    within = _within(file, under)
    lines += [f"{'holds ' if check.passed else 'BROKEN'}  {check.sentence}" for check in within]
    if not all(check.passed for check in within):
        return [*lines, "", "It was not shown to be signed within an instrument of the minister."], 1
    return [
        *lines,
        "",
        f"{found.signer.name}, {found.signer.office}, {found.signer.organisation}, signed this on "
        f"{shown(found.signed_at)}.",
        *_about(found.document),
        f"Key: {found.key_fingerprint}",
        f"Log: {found.log_entry or 'the file names no event of the log'}",
        "",
        "This does not prove by itself:",
        *(f"  {limit}" for limit in signing.LIMITS),
    ], 0


def _within(file: Path, under: Path | None) -> tuple[signing.Check, ...]:
    """The checks against the instrument that a delegate's document names."""
    signed = signing.Bundle.from_text(file.read_bytes())
    if under is None:
        return delegations.examine(signed, None) if delegations.names_one(signed) else ()
    try:
        instrument = signing.Bundle.from_text(under.read_bytes())
    except (signing.NotABundle, OSError) as error:
        return (signing.Check("instrument", False, f"The instrument cannot be read: {error}"),)
    return delegations.examine(signed, instrument)


def _about(document: object) -> list[str]:
    if not isinstance(document, dict) or not isinstance(document.get("tender"), dict):
        return []
    tender = document["tender"]
    return [
        f"Waiver {document.get('waiver')} for tender {tender.get('ref')}, “{tender.get('title')}”, valid until "
        f"{document.get('valid_until')}."
    ]


def receipt(
    file: Path, *, register: Path | None = None, events: Path | None = None, shown: Shown = chain.moment
) -> tuple[list[str], int]:
    """Check a bidder's receipt of a bid, or of its word that the bid stands after a change: that it was not altered, that the
    published register of opening names its envelope, and that the kept copy of the public log names its digest; the sentences
    to print and the exit code."""
    try:
        given = _receipt(nesting.read(file.read_bytes()))
        lines, code = ["holds   The receipt is whole: its digest covers what it says."], 0
        if register is not None:
            said, bad = _in_register(given, nesting.read(register.read_bytes()))
            lines, code = [*lines, said], code | bad
        if events is not None:
            said, bad = _in_log(given, events)
            lines, code = [*lines, said], code | bad
    except OSError as error:
        return [f"{error.filename} cannot be read: {error.strerror}."], 2
    except (sealing.ReceiptRefused, chain.NotALog) as error:
        return [f"BROKEN  {error}"], 1
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["BROKEN  The file is not a receipt, or not a register of opening."], 1
    where = given.context
    what = (
        f"confirmed after the change {given.addendum} on {shown(given.confirmed_at)}"
        if isinstance(given, confirming.Confirmation)
        else f"arrived {shown(given.received_at)}"
    )
    return [
        *lines,
        f"Supplier {where.supplier}, tender {where.tender}, lot {where.lot}, {what}.",
        f"Envelope: {given.envelope_sha256}",
    ], code


def _receipt(plain: Any) -> sealing.Receipt | confirming.Confirmation:
    """What the file is: the receipt of a bid, or of a confirmation, whose digest covers what it says."""
    if isinstance(plain, dict) and "addendum" in plain:
        return confirming.Confirmation.from_plain(plain)
    given = sealing.Receipt.from_plain(plain)
    sealing.check_receipt(given)
    return given


def _in_register(given: sealing.Receipt | confirming.Confirmation, register: list[dict[str, str]]) -> tuple[str, int]:
    place = (given.context.lot, given.context.supplier)
    named = [each["envelope_sha256"] for each in register if (each["lot"], each["supplier"]) == place]
    unread = [each for each in register if each.get("unconfirmed") and each["envelope_sha256"] == given.envelope_sha256]
    if unread and isinstance(given, confirming.Confirmation) and unread[0]["unconfirmed"] == given.addendum:
        return (
            "BROKEN  The register says that this envelope was not confirmed after the very change that this receipt names.",
            1,
        )
    if given.envelope_sha256 in named and unread:
        return (
            f"holds   The register of opening names this very envelope. It did not count: after the change {unread[0]['unconfirmed']} "
            "it was neither confirmed nor replaced.",
            0,
        )
    if given.envelope_sha256 in named:
        return "holds   The register of opening names this very envelope: it counted.", 0
    if named:
        return (
            "BROKEN  The register names another envelope of this supplier for this lot: the last one sealed counts.",
            1,
        )
    return "BROKEN  The register names no bid of this supplier for this lot. That is right only if it was withdrawn.", 1


def _in_log(given: sealing.Receipt | confirming.Confirmation, events: Path) -> tuple[str, int]:
    verb = "bid.confirmed" if isinstance(given, confirming.Confirmation) else "bid.sealed"
    with events.open("rb") as lines:
        for row in chain.from_lines(lines):
            if isinstance(row, chain.Row) and row.verb == verb and row.body and given.digest in row.body:
                return f"holds   Event {row.seq} of the log names this receipt.", 0
    return (
        "BROKEN  No event that this copy of the log shows names this receipt. Bids are shown in it once they are opened.",
        1,
    )


def certificate(file: Path, keys: Mapping[str, bytes], *, at: datetime) -> tuple[list[str], int]:
    """Check an API certificate (or a signed result); the sentences to print and the exit code. `keys` are the public keys
    it may be signed with, by their names; `at` is the moment at which it must be in force."""
    try:
        with file.open("rb") as stream:
            found = certificates.verify(stream.read(certificates.LARGEST + 1), keys)
    except OSError as error:
        return [f"{file} cannot be read: {error.strerror}."], 2
    except certificates.NotValid as invalid:
        return [f"BROKEN  {invalid}"], 1
    lines = [f"holds   The statement carries the signature of {found.key}."]
    if found.kind != certificates.CERTIFICATE:
        return [*lines, f"It is the signed result of a check: {certificates.outcome_of(found).words}."], 0
    stated = found.certificate
    return [
        *lines,
        f"Certificate {stated.number} of {stated.issuer}: service {stated.service}, “{stated.service_title}”, of supplier "
        f"{stated.supplier}",
        f"passed {stated.profile} {stated.profile_version} ({stated.outcome}), document {stated.document}.",
        f"{'In force' if stated.in_force(at) else 'NOT in force now'}: from {stated.issued_at} to {stated.valid_until}.",
        "Whether it was revoked since is in the public register of its issuer.",
    ], 0 if stated.in_force(at) else 1


def log(file: Path, *, heads: Path | None = None, key: str | None = None) -> tuple[list[str], int]:
    """Recompute a kept copy of the public log, through the signed heads in `heads` (one JSON object a line) if given.

    `key` is the log's public key (64 hexadecimal letters); without it the heads' signatures are not looked at, and that
    is said.
    """
    try:
        anchors, said = _heads(heads, key)
        with file.open("rb") as lines:
            report = chain.verify(chain.from_lines(lines), heads=anchors)
    except OSError as error:
        return [f"{error.filename} cannot be read: {error.strerror}."], 2
    except (chain.NotALog, chain.HeadRefused) as error:
        return [f"BROKEN  {error}"], 1
    printed, code = explained(report)
    return [*said, *printed], code


def _heads(file: Path | None, key: str | None) -> tuple[list[chain.Head], list[str]]:
    if file is None:
        return [], []
    found = list(read_heads(file.read_bytes().splitlines()))
    if key is None:
        return found, ["The signatures of the heads were not looked at: give the log's public key with --key."]
    try:
        public = bytes.fromhex(key)
    except ValueError as error:
        raise chain.HeadRefused("The key given is not 64 hexadecimal letters.") from error
    for head in found:
        chain.verify_head(public, head)
    return found, [f"holds   {len(found)} signed heads carry the signature of the key you gave."]


def read_heads(lines: Iterable[bytes]) -> Iterable[chain.Head]:
    """The heads of a file, one JSON object a line; :class:`~market.proof.chain.NotALog` for anything else."""
    for line in lines:
        if line.strip():
            try:
                plain = nesting.read(line)
            except ValueError as error:
                raise chain.NotALog("the file of heads is not one JSON object a line") from error
            yield chain.Head.from_plain(plain)


def explained(report: chain.Report) -> tuple[list[str], int]:
    """What a recomputation of the chain found, in sentences, and the exit code. An empty log is nothing to check."""
    if report.broken is not None:
        good = f"Up to event {report.seq} the chain holds." if report.seq else "Nothing before it holds."
        return [f"BROKEN  {report.broken.words}", f"First broken: event {report.broken.seq}.", good], 1
    if not report.events:
        return ["The log is empty."], 2
    lines = [f"holds   {report.events} events, each linked to the one before."]
    if report.heads_met:
        lines.append(f"holds   It passes through {report.heads_met} signed heads.")
    if report.events_withheld:
        lines.append(f"        {report.events_withheld} events are sealed for now: only their hashes were checked.")
    if report.bodies_withheld:
        lines.append(f"        {report.bodies_withheld} bodies are withheld: only their digests were checked.")
    return [*lines, f"Last: event {report.seq}, {report.hash}"], 0
