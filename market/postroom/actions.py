"""Finding letters, and an operator's acts on them: send again, mark the address as dead, or as alive again.

An operator learns that a letter was written, why and to whom, and what the mail server said; never what it says. While a seal
hides the event that caused it (who bids, who applied), she learns neither template nor record nor event, and finds it by its
addressee only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.letters.sending import IS_DEAD
from market.letters.tables import DeadAddress, Letter, MailServer
from market.postroom import rules
from market.reads import row, rows
from market.refusals import NotFound, insist
from market.wording import N_

PER_PAGE = 25

Outcome = Literal["", "waiting", "sent", "came-back"]


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """Which letters: by the person's name, reference or address, the record `kind:reference` or its reference alone, the
    template or the beginning of its name, and what became of them."""

    person: Annotated[str, Meta(title=N_("Person"), max_length=254)] = ""
    record: Annotated[str, Meta(title=N_("Record"), max_length=40)] = ""
    template: Annotated[str, Meta(title=N_("Template"), max_length=80)] = ""
    outcome: Annotated[Outcome, Meta(title=N_("What became of it"))] = ""


class Death(msgspec.Struct, forbid_unknown_fields=True):
    """Why an address is marked as dead."""

    reason: Annotated[str, Meta(title=N_("Why letters do not reach it"), min_length=5, max_length=500)]


class Kept(msgspec.Struct, frozen=True):
    """A letter as an operator may see it; `sealed` ones without template, record and event. The event is something that was
    done (`verb`) to a record (`done_to`), which need not be the one that the letter is about."""

    id: int
    ref: str
    template: str
    about: str
    event: int | None
    verb: str
    done_to: str
    person: str
    name: str
    address: str
    written_at: datetime
    sent_at: datetime | None
    again_at: datetime | None
    gave_up_at: datetime | None
    failure: str
    tried: int
    secret: bool
    sealed: bool
    address_dead_since: datetime | None
    dead_because: str

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return "sent" if self.sent_at else "came-back" if self.gave_up_at else "waiting"


class Try(msgspec.Struct, frozen=True):
    """One time the letter was offered to the mail server."""

    at: datetime
    answer: str
    sent: bool


SEALED = """
    (l.template = 'questions/answered.txt' OR e.sealed_by LIKE 'opening:%' AND NOT EXISTS (
        SELECT 1 FROM event o WHERE o.subject = substr(e.sealed_by, 9) AND o.verb IN ('tender.opened', 'challenge.shortlisted')
    ) OR e.sealed_by LIKE 'publication:%' AND e.sealed_by NOT LIKE 'publication:person:%' AND NOT EXISTS (
        SELECT 1 FROM event o WHERE o.subject = substr(e.sealed_by, 13) AND o.verb LIKE '%.published'
    ) OR EXISTS (SELECT 1 FROM organisation o WHERE o.id = l.organisation AND o.kind = 'supplier')
        AND (l.about LIKE 'tender:%' OR l.about LIKE 'challenge:%') AND NOT EXISTS (
        SELECT 1 FROM event o WHERE o.subject = l.about
        AND o.verb IN ('tender.opened', 'tender.cancelled', 'challenge.shortlisted', 'challenge.cancelled')
    ))
"""
"""Of a letter `l` and its event `e`: whether its being there tells what a seal still hides. The last part is about letters to
firms that follow what is open: who they are is as secret as who bids. Answers to questions stay sealed for good: a firm
that has one and neither bid nor followed is the one that asked."""

SEEN = f"""
    SELECT seen.id, ref, CASE WHEN sealed THEN '' ELSE template END AS template, CASE WHEN sealed THEN '' ELSE about END AS about,
        CASE WHEN NOT sealed THEN event END AS event, CASE WHEN sealed THEN '' ELSE verb END AS verb,
        CASE WHEN sealed THEN '' ELSE done_to END AS done_to, person, name,
        seen.address, written_at, sent_at, again_at, gave_up_at, failure, tried, secret, sealed,
        d.since AS address_dead_since, coalesce(d.reason, '') AS dead_because
    FROM (SELECT l.*, coalesce(e.verb, '') AS verb, coalesce(e.subject, '') AS done_to, coalesce({SEALED}, false) AS sealed
        FROM letter l LEFT JOIN event e ON e.seq = l.event) AS seen
    LEFT JOIN dead_address d ON d.address = lower(seen.address)
"""  # noqa: S608 - constants


async def letters(actor: Actor, given: Filter, before: int | None = None) -> list[Kept]:
    """The newest letters that fit, one more than a page holds; `before` is the id the page goes on from."""
    actor.must_wear("operator")
    return await rows(
        Kept,
        SEEN
        + """
        WHERE ({} = '' OR person = {} OR lower(seen.address) = lower({}) OR name ILIKE '%' || {} || '%')
        AND ({} = '' OR NOT sealed AND (about = {} OR about LIKE '%:' || {}))
        AND ({} = '' OR NOT sealed AND starts_with(template, {}))
        AND ({} = '' OR {} = CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN gave_up_at IS NOT NULL THEN 'came-back'
            ELSE 'waiting' END)
        AND ({}::int IS NULL OR seen.id < {}::int) ORDER BY seen.id DESC LIMIT {}
        """,
        *[given.person.strip()] * 4,
        *[given.record.strip()] * 3,
        *[given.template.strip()] * 2,
        *[given.outcome] * 2,
        before,
        before,
        PER_PAGE + 1,
    )


async def letter(actor: Actor, ref: str) -> tuple[Kept, list[Try]]:
    """One letter with what was tried, the newest try first."""
    actor.must_wear("operator")
    found = await row(Kept, SEEN + "WHERE ref = {}", ref)
    if found is None:
        raise NotFound("Letter")
    return found, await rows(
        Try, "SELECT at, answer, sent FROM letter_try WHERE letter = {} ORDER BY id DESC", found.id
    )


async def server_away() -> MailServer | None:
    """The mail server that does not answer just now, if that is so."""
    return await MailServer.objects().where(MailServer.failures > 0).order_by(MailServer.id, ascending=False).first()


async def send_again(actor: Actor, ref: str) -> None:
    """Let a letter be tried anew, for example after the mail server was mended; one that has left is sent as a new copy."""
    hat = actor.must_wear("operator")
    async with transaction():
        waiting = await find(Letter, Letter.ref == ref, lock=True)
        insist(rules.SEND_AGAIN, waiting, await _dead(waiting.address) is not None)
        waiting.copies += waiting.sent_at is not None
        waiting.tried, waiting.failure = 0, ""
        waiting.sent_at = waiting.again_at = waiting.gave_up_at = waiting.passed_on_at = None
        await waiting.save(
            [
                Letter.copies,
                Letter.tried,
                Letter.failure,
                Letter.sent_at,
                Letter.again_at,
                Letter.gave_up_at,
                Letter.passed_on_at,
            ]
        )
        await _record(actor, "letter.sent-again", waiting, hat.organisation_ref)


async def mark_dead(actor: Actor, ref: str, given: Death) -> None:
    """Send nothing to the address of this letter any more; what waits for it comes back. Its owner sees it on signing in."""
    hat = actor.must_wear("operator")
    async with transaction():
        kept = await find(Letter, Letter.ref == ref, lock=True)
        address, now = kept.address.lower(), clock.now()
        insist(rules.MARK_DEAD, await _dead(address) is not None)
        await DeadAddress.insert(
            DeadAddress(address=address, since=now, reason=given.reason.strip(), marked_by=actor.ref)
        )
        await many(
            "UPDATE letter SET gave_up_at = {}, failure = {} WHERE lower(address) = {} AND sent_at IS NULL AND gave_up_at IS NULL",
            now,
            IS_DEAD,
            address,
        )
        await _record(actor, "letter.address-died", kept, hat.organisation_ref, reason=given.reason.strip())


async def mark_alive(actor: Actor, ref: str) -> None:
    """Send letters to the address of this letter again. Those that came back meanwhile are sent again one by one."""
    hat = actor.must_wear("operator")
    async with transaction():
        kept = await find(Letter, Letter.ref == ref, lock=True)
        insist(rules.MARK_ALIVE, await _dead(kept.address) is not None)
        await DeadAddress.delete().where(DeadAddress.address == kept.address.lower())
        await _record(actor, "letter.address-revived", kept, hat.organisation_ref)


async def _dead(address: str) -> DeadAddress | None:
    return await maybe(DeadAddress, DeadAddress.address == address.lower(), lock=True)


async def _record(actor: Actor, verb: str, kept: Letter, organisation: str, **private: str) -> None:
    """Hidden from the public for ever: whose address it is, and that a letter was written, is nobody else's business."""
    await record(
        actor,
        verb,
        f"letter:{kept.ref}",
        private={"address": kept.address, **private},
        about=[f"person:{kept.person}"] if kept.person else [],
        organisation=organisation,
        sealed_by=f"publication:letter:{kept.ref}",
    )
