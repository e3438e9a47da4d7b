"""Keeping an act that binds as its person typed it, for her to print and sign: she has no device."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from market import clock, policy
from market.accounts.people import tell_person
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import record
from market.confirming import rules
from market.confirming.tables import Mandate, Mandated
from market.db import find, transaction
from market.proof import canonical
from market.reads import rows
from market.touch import Act
from market.web.limits import Limit, spend

HERE = "/mandates"

PRINTED = Limit("mandates", 50, 86_400)
"""Mandates that one person prepares in a day."""

CHARACTERS = 12
"""How many characters of the digest are printed and typed again: 48 bits, tried at most a few dozen times."""


def digest(ref: str, act: str, organisation: str, person: str, path: str, body: bytes) -> str:
    """SHA-256 over all that the paper says: its reference, the act, for whom, whose it is, and everything typed."""
    said: dict[str, canonical.Plain] = {
        "act": act,
        "body": hashlib.sha256(body).hexdigest(),
        "mandate": ref,
        "organisation": organisation,
        "path": path,
        "person": person,
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


def reckoned(row: Mandated) -> str:
    """The digest anew, from what is kept."""
    return digest(row.ref, row.act, row.organisation_ref, row.person_ref, row.path, row.body)


def typed(body: bytes) -> list[tuple[str, str]]:
    """(name, value) of every field, in the order they were sent."""
    return parse_qsl(body.decode(), keep_blank_values=True)


async def prepare(actor: Actor, act: Act, path: str, fields: Sequence[tuple[str, str]]) -> Mandate:
    """Keep what was typed for its person to print, sign and have entered, within the policy's days. Nothing is done."""
    person = actor.must_be_person()
    if not act.mandated:
        raise rules.OWN_KEY.refused()
    if not actor.bodies:
        raise rules.NO_BODY.refused()
    body = urlencode(fields).encode()
    if len(body) > rules.LARGEST:
        raise rules.TOO_LARGE.refused()
    await spend(PRINTED, actor.ref)
    now = clock.now()
    async with transaction():
        acting_for = await find(Organisation, Organisation.ref == actor.bodies[0][0])
        row = Mandate(
            person=person,
            organisation=acting_for.id,
            act=act.name,
            path=path,
            body=body,
            prepared_at=now,
            expires_at=now + timedelta(days=policy.IN_FORCE.people.mandate_days),
        )
        row.digest = digest(row.ref, act.name, acting_for.ref, actor.ref, path, body)
        await row.save()
        await tell_person(
            person,
            "mandates/prepared.txt",
            about=f"person:{actor.ref}",
            ref=row.ref,
            act=act.words,
            until=row.expires_at,
        )
        await record(
            actor,
            "mandate.prepared",
            f"person:{actor.ref}",
            private={"act": act.name, "digest": row.digest, "mandate": row.ref},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return row


_ASKED = """
SELECT m.ref, m.person, p.ref AS person_ref, p.name, m.organisation, o.ref AS organisation_ref, o.name AS organisation_name, m.act,
    m.path, m.body, m.digest, m.prepared_at, m.expires_at, m.withdrawn_at, m.tried_at, m.answer, m.entered_by,
    e.ref AS entered_by_ref, e.name AS entered_by_name, m.signed_on, m.kept_at, m.done_at
FROM mandate m JOIN person p ON p.id = m.person JOIN organisation o ON o.id = m.organisation LEFT JOIN person e ON e.id = m.entered_by
"""


async def known(ref: str) -> Mandated | None:
    """The mandate with this reference, whoever asks."""
    found = await rows(Mandated, f"{_ASKED} WHERE m.ref = {{}}", ref)
    return found[0] if found else None


async def of(person: int) -> Sequence[Mandated]:
    """The hundred newest mandates that this person (her id) signed or entered."""
    return await rows(
        Mandated, f"{_ASKED} WHERE m.person = {{}} OR m.entered_by = {{}} ORDER BY m.id DESC LIMIT 100", person, person
    )


async def done() -> Sequence[Mandated]:
    """The two hundred newest mandates that were entered and done, for auditors."""
    return await rows(Mandated, f"{_ASKED} WHERE m.done_at IS NOT NULL ORDER BY m.done_at DESC, m.id DESC LIMIT 200")
