"""What ministers and their delegates sign with a passkey: asked for, checked before it is kept, and checked again later."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from market import clock
from market.accounts import passkeys
from market.accounts.tables import Membership, Organisation
from market.actor import Actor
from market.db import find
from market.proof import canonical, delegations, signing
from market.reads import row, rows
from market.settings import settings
from market.waivers import rules
from market.wording import _


async def office_of(actor: Actor, department: int) -> Membership:
    """The office of minister that she holds in a department now; refused (403) when she holds none."""
    now = clock.arrived()
    held = (
        await Membership.objects()
        .where(
            (Membership.person == actor.must_be_person())
            & (Membership.organisation == department)
            & (Membership.role == "minister")
            & (Membership.since <= now)
            & (Membership.until.is_null() | (Membership.until > now))
        )
        .order_by(Membership.since)
        .first()
    )
    if held is None:
        raise rules.NOT_IN_OFFICE.refused()
    return held


async def minister(actor: Actor, department: int) -> signing.Signer:
    """The minister with her office and its dates, as they stand now."""
    held = await office_of(actor, department)
    body = await find(Organisation, Organisation.id == department)
    return signing.Signer(actor.ref, actor.name, held.title or _("Minister"), body.name, held.since, held.until)


async def asked(actor: Actor, document: bytes, signer: signing.Signer, purpose: str) -> dict[str, Any]:
    """What the signer's browser needs to sign this document with her passkey (WebAuthn request options as JSON). The challenge
    is the digest of a statement with the document's own digest, her office and its dates in it."""
    stated = signing.statement(document, signer, clock.arrived(), secrets.token_bytes(16), purpose=purpose)
    return await passkeys.signing_options(actor, signing.challenge(stated), stated.decode())


async def kept(signed: passkeys.Signed, current: bytes, purpose: str) -> tuple[signing.Bundle, signing.Verified]:
    """The bundle of an answer, after everything that a stranger will check was checked with the same code: it is about the
    document as it stands now, and was made for this purpose."""
    stated = signed.statement.encode()
    try:
        if canonical.decode(stated)["document_sha256"] != hashlib.sha256(current).hexdigest():
            raise rules.CHANGED_MEANWHILE.refused()
        key = passkeys.signing_key(signed.passkey)
        bundle = signing.bundle(current, stated, signed.response, key, settings().host, passkeys.origins())
        verified = signing.verify(bundle, origin=settings().site_url)
    except (canonical.NotCanonical, signing.NotABundle, signing.NotVerified) as error:
        raise rules.SIGNATURE_REFUSED.refused(why=error) from None
    if verified.purpose != purpose:
        raise rules.SIGNATURE_REFUSED.refused(why=_("It was made for something else."))
    return bundle, verified


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a kept signature found: every check in words, the key's fingerprint, whether that key is on the register of
    keys, and the number of the log's event that names the bundle's digest (None: none does). `under` says the same of the
    instrument that a delegate signed under; it is empty where the minister signed herself."""

    report: signing.Report
    fingerprint: str
    key_registered: bool
    event: int | None
    event_hash: str
    under: tuple[signing.Check, ...]

    @property
    def checks(self) -> tuple[signing.Check, ...]:
        """What was looked at in the file, and in the instrument that it was made under."""
        return (*self.report.checks, *self.under)

    @property
    def holds(self) -> bool:
        """Whether the signature, its key and its place in the log all hold, and the instrument it was made under."""
        within = all(each.passed for each in self.under)
        return self.report.holds and self.key_registered and self.event is not None and within


async def file(bundle: str, subject: str, verb: str) -> str:
    """A bundle as anybody downloads it, naming the log's event that names its digest. The event is written after the row
    (everybody waits while it is), so its hash is read from the log."""
    event = await row(
        str, "SELECT hash FROM event WHERE subject = {} AND verb = {} ORDER BY seq DESC LIMIT 1", subject, verb
    )
    made = signing.Bundle.from_text(bundle)
    return (made.with_log_entry(event) if event else made).to_text()


class _Named(msgspec.Struct, frozen=True):
    """The event that names a bundle."""

    seq: int
    body: str


async def check(text: str, person: int, subject: str, verb: str, instrument: signing.Bundle | None = None) -> Checked:
    """Check a bundle's file as a stranger would, and besides against the register of keys of this person (her id) and the log
    here. `instrument` is what a delegate signed under."""
    bundle = signing.Bundle.from_text(text)
    keys = await rows(bytes, "SELECT public_key FROM passkey WHERE person = {}", person)
    event = await row(
        _Named,
        "SELECT seq, body FROM event WHERE hash = {} AND subject = {} AND verb = {}",
        bundle.log_entry or "",
        subject,
        verb,
    )
    named = event is not None and canonical.decode(event.body.encode()).get("bundle") == bundle.digest()
    return Checked(
        signing.examine(bundle, origin=settings().site_url),
        bundle.key.fingerprint,
        bundle.key.fingerprint in {hashlib.sha256(key).hexdigest() for key in keys},
        event.seq if event and named else None,
        bundle.log_entry or "",
        delegations.examine(bundle, instrument) if delegations.names_one(bundle) or instrument else (),
    )
