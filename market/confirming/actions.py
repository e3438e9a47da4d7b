"""Preparing a binding act for a person, and doing it as hers once she confirms it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from market import clock, policy
from market.accounts.tables import ApiToken
from market.actor import Actor
from market.audit.actions import record
from market.confirming import rules
from market.confirming.tables import Prepared, PreparedAct
from market.db import find, transaction
from market.proof import canonical
from market.reads import rows, the
from market.refusals import insist
from market.touch import ACTS, Act, must_have_touched
from market.web.limits import Limit, spend

PREPARED = Limit("prepared-acts", 200, 86_400)
"""Acts that programs prepare for one person in a day: more than she could read."""


class Call(msgspec.Struct, frozen=True):
    """A call of a program, as it came."""

    method: str
    path: str
    organisation: str
    content_type: str
    body: bytes
    seen: str
    confirmed: str

    def digest(self, person: int, act: str) -> str:
        """SHA-256 over all of it, for whom it is and which act it is."""
        said: dict[str, canonical.Plain] = {
            "act": act,
            "body": hashlib.sha256(self.body).hexdigest(),
            "confirmed": self.confirmed,
            "content_type": self.content_type,
            "method": self.method,
            "organisation": self.organisation,
            "path": self.path,
            "person": person,
            "seen": self.seen,
        }
        return hashlib.sha256(canonical.encode(said)).hexdigest()


def call_of(row: Prepared) -> Call:
    """The call that is kept."""
    return Call(row.method, row.path, row.organisation, row.content_type, row.body, row.seen, row.confirmed)


async def prepare(actor: Actor, act: Act, call: Call) -> PreparedAct:
    """Keep a program's call for its person to confirm, within the policy's hours."""
    if len(call.body) > rules.LARGEST:
        raise rules.TOO_LARGE.refused()
    await spend(PREPARED, actor.ref)
    now, person = clock.now(), actor.must_be_person()
    async with transaction():
        token = await find(ApiToken, (ApiToken.ref == actor.token) & (ApiToken.person == person))
        row = PreparedAct(
            person=person,
            token=token.id,
            act=act.name,
            digest=call.digest(person, act.name),
            prepared_at=now,
            expires_at=now + timedelta(hours=policy.IN_FORCE.people.prepared_hours),
            **msgspec.structs.asdict(call),
        )
        await row.save()
        await _record(actor, "act.prepared", row.ref, act.name, row.digest)
    return row


_ASKED = """
SELECT p.id, p.ref, p.person, t.name AS token_name, p.act, p.method, p.path, p.organisation, p.content_type, p.body, p.seen,
    p.confirmed, p.digest, p.prepared_at, p.expires_at, p.withdrawn_at, p.tried_at, p.done_at, p.status, p.answer
FROM prepared_act p JOIN api_token t ON t.id = p.token WHERE p.person = {}
"""


async def prepared(actor: Actor, ref: str) -> Prepared:
    """What was prepared for this person; for everybody else it is not there."""
    return await the(Prepared, _ASKED + " AND p.ref = {}", actor.must_be_person(), ref)


async def prepared_for(actor: Actor, *, waiting: bool = False) -> Sequence[Prepared]:
    """What was prepared for this person, the newest first; with `waiting` only what she can still confirm."""
    if actor.person is None:
        return []
    held = " AND p.done_at IS NULL AND p.withdrawn_at IS NULL AND p.expires_at > {}" if waiting else ""
    facts = (clock.now(),) if waiting else ()
    return await rows(Prepared, f"{_ASKED}{held} ORDER BY p.id DESC LIMIT 100", actor.person, *facts)


async def confirm(actor: Actor, ref: str, digest: str) -> Prepared:
    """Hear that the person confirms what was shown to her (its `digest`), with a key that was just used. Answers what is to be
    done now, as hers; nothing is done here, and what became of it is told to :func:`answered`."""
    row = await prepared(actor, ref)
    must_have_touched(actor, ACTS[row.act])
    insist(rules.CONFIRM, row, clock.arrived())
    if not digest == row.digest == call_of(row).digest(row.person, row.act):
        raise rules.OTHER.refused()
    return row


async def answered(actor: Actor, ref: str, status: int, answer: str) -> PreparedAct:
    """Keep what the act answered: done, or refused with its reasons."""
    async with transaction():
        row = await find(
            PreparedAct, (PreparedAct.ref == ref) & (PreparedAct.person == actor.must_be_person()), lock=True
        )
        if row.done_at is not None:
            return row
        row.tried_at, row.status, row.answer = clock.now(), status, answer
        if done := status < 400:
            row.done_at = row.tried_at
        await row.save([PreparedAct.tried_at, PreparedAct.status, PreparedAct.answer, PreparedAct.done_at])
        await _record(actor, "act.confirmed" if done else "act.refused", row.ref, row.act, row.digest)
    return row


async def withdraw(actor: Actor, ref: str) -> PreparedAct:
    """Take back what a program prepared: it is not done any more."""
    async with transaction():
        row = await find(
            PreparedAct, (PreparedAct.ref == ref) & (PreparedAct.person == actor.must_be_person()), lock=True
        )
        insist(rules.CONFIRM, row, clock.arrived())
        row.withdrawn_at = clock.now()
        await row.save([PreparedAct.withdrawn_at])
        await _record(actor, "act.withdrawn", row.ref, row.act, row.digest)
    return row


def questions(row: Prepared) -> list[tuple[str, str]]:
    """What the act asked once more when it was last tried: what confirms it, and the question."""
    if row.done_at is not None or not row.answer:
        return []
    try:
        told = msgspec.json.decode(row.answer)
        return [(str(each["confirm"]), str(each["reason"])) for each in told["reasons"] if each.get("confirm")]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


async def _record(actor: Actor, verb: str, ref: str, act: str, digest: str) -> None:
    await record(
        actor,
        verb,
        f"person:{actor.ref}",
        private={"act": act, "digest": digest, "prepared": ref},
        sealed_by=f"publication:person:{actor.ref}",
    )
