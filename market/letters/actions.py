"""Writing letters, as a row in the transaction of the act that it tells of; reading them; and sending those that wait."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from market import clock
from market.actor import Actor
from market.columns import ALPHABET
from market.db import find, maybe, transaction
from market.letters import smtp
from market.letters.tables import Letter
from market.refusals import NotFound
from market.settings import settings
from market.web.pages import site, templates
from market.web.templating import letter

log = logging.getLogger("prelude.letters")

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 1440, 2880))
"""How long a letter waits after its first, second … failed try. After the last it is left, with the reason."""

AT_ONCE = 50
"""Letters a turn of the job takes before other jobs have theirs."""

PER_PAGE = 25

_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_-]{40,}$", re.MULTILINE)
"""The token at the end of a link, as `market.accounts.sessions.new_token` makes it."""

_CODE = re.compile(rf"^[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$", re.MULTILINE)
"""A code alone on its line."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter greets."""

    name: str


async def write(
    address: str,
    name: str,
    template: str,
    *,
    person: str = "",
    about: str = "",
    stops: str = "",
    secret: bool = False,
    **facts: Any,
) -> Letter:
    """Write one letter. `template` is a file of `templates/email/` that extends `email/layout.txt`; every name it uses
    must be given. `addressee` (a “reader” when no name is known), `site`, `site_url` and `now` are always there.
    `person` is the addressee's reference when she has an account, `about` the `kind:reference` the letter is about;
    `stops` a path that ends letters of this kind with one request; `secret` letters have a `token` whose link opens an
    account, or a code.
    """
    now = clock.now()
    given = {"addressee": Addressee(name or "reader"), "site": site(), "site_url": settings().site_url, "now": now}
    subject, text = letter(templates(), f"email/{template}", {**given, **facts})
    written = Letter(
        person=person,
        address=address,
        name=name,
        subject=subject,
        text=text,
        about=about,
        written_at=now,
        stops=stops,
        secret=secret,
    )
    await Letter.insert(written)
    return written


async def letters_for(actor: Actor, before: int | None = None, address: str = "") -> list[Letter]:
    """The newest letters this reader may see, one more than a page holds: her own; in demo mode everybody's, or those to
    one `address`. `before` is the id the page goes on from. Secret letters are for the mailbox alone: a session that
    somebody else took over must not be able to choose another password with one."""
    query = Letter.objects().order_by(Letter.id, ascending=False).limit(PER_PAGE + 1)
    if not settings().demo:
        actor.must_be_person()
        query = query.where((Letter.person == actor.ref) & (Letter.secret.eq(False)))
    elif address:
        query = query.where(Letter.address == address.strip().lower())
    if before is not None:
        query = query.where(Letter.id < before)
    return await query


async def read(actor: Actor, ref: str) -> Letter:
    """One letter, for its addressee (in demo mode for anybody); to others it does not exist."""
    found = await find(Letter, Letter.ref == ref)
    if not settings().demo and (not actor.signed_in or found.person != actor.ref or found.secret):
        raise NotFound("Letter")
    return found


async def send_waiting() -> int:
    """A job: send the letters that wait, oldest first, when a mail server is named; answers how many were tried.

    Each letter is taken, sent and marked in a transaction of its own, so a killed worker sends at most one a second time
    (with the same Message-ID). A refusal for ever is not tried again; any other failure is, after a growing pause.
    """
    url = settings().smtp_url
    if url is None:
        return 0
    tried = 0
    connection = smtp.Connection(url)
    try:
        while tried < AT_ONCE and await _send_next(connection):
            tried += 1
    finally:
        await asyncio.to_thread(connection.close)
    return tried


async def _send_next(connection: smtp.Connection) -> bool:
    now = clock.now()
    async with transaction():
        waiting: Letter | None = await (
            Letter.objects()
            .where(
                Letter.sent_at.is_null()
                & (Letter.tried <= len(BACK_OFF))
                & (Letter.again_at.is_null() | (Letter.again_at <= now))
            )
            .order_by(Letter.id)
            .first()
            .lock_rows("UPDATE", skip_locked=True)
        )
        if waiting is None:
            return False
        await _try(connection, waiting, now)
    return True


async def _try(connection: smtp.Connection, waiting: Letter, now: datetime) -> None:
    waiting.tried += 1
    try:
        message = smtp.message(
            waiting.ref,
            waiting.name,
            waiting.address,
            waiting.subject,
            waiting.text,
            waiting.written_at,
            waiting.stops,
        )
        await asyncio.to_thread(connection.send, message)
        waiting.sent_at, waiting.failure, waiting.again_at = now, "", None
        if waiting.secret:
            waiting.text = _TOKEN.sub("(the rest of this link is not kept)", waiting.text)
            waiting.text = _CODE.sub("(this code is not kept)", waiting.text)
    except smtp.NeverAccepted as failure:
        waiting.failure, waiting.tried, waiting.again_at = str(failure)[:500], len(BACK_OFF) + 1, None
        log.warning("letter %s is refused for ever: %s", waiting.ref, failure)
    except smtp.NotNow as failure:
        waiting.failure = str(failure)[:500]
        waiting.again_at = now + BACK_OFF[waiting.tried - 1] if waiting.tried <= len(BACK_OFF) else None
        log.warning("letter %s could not be sent (try %d): %s", waiting.ref, waiting.tried, failure)
    await waiting.save([Letter.sent_at, Letter.failure, Letter.again_at, Letter.tried, Letter.text])


async def send_again(ref: str) -> None:
    """Let a letter that was given up be tried anew, for example after the mail server was mended."""
    async with transaction():
        waiting = await maybe(Letter, (Letter.ref == ref) & (Letter.sent_at.is_null()), lock=True)
        if waiting is not None:
            waiting.tried, waiting.again_at = 0, None
            await waiting.save([Letter.tried, Letter.again_at])
