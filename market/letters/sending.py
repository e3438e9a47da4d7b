"""Sending the letters that wait: a few at once, each within a time, and none while the mail server is away."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar

from market import clock
from market.columns import ALPHABET
from market.db import find, many, maybe, transaction
from market.letters import smtp
from market.letters.tables import DeadAddress, Letter, LetterTry, MailServer
from market.reads import the
from market.settings import settings
from market.wording import N_

T = TypeVar("T")

log = logging.getLogger("prelude.letters")

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 1440, 2880))
"""How long a letter waits after its first, second … failed try. After the last it comes back, with the reason."""

REST = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300, 600))
"""How long all letters wait when the mail server was away once, twice … in a row; the last from then on."""

AT_ONCE = 4
"""Conversations with the mail server at the most."""

EACH = 10
"""So many letters must wait for another conversation to be begun."""

A_TURN = 50
"""Letters a turn of the job sends."""

A_WHILE = 60
"""Seconds after which a conversation takes no further letter: a turn ends by itself, well within the job's limit."""

GOODBYE = 5
"""Seconds a mail server may take to part."""

WITHIN = 30
"""Seconds one letter may take, however many answers that needs."""

IS_DEAD = N_("Not sent: the address is marked as dead.")

_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_-]{40,}$", re.MULTILINE)
"""The token at the end of a link, as `market.accounts.sessions.new_token` makes it."""

_CODE = re.compile(rf"^[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$", re.MULTILINE)
"""A code alone on its line."""

_threads = ThreadPoolExecutor(2 * AT_ONCE, "letter")
"""Those that speak with the mail server, and none of other jobs: a server that keeps silent holds up letters alone. Twice as
many as there are conversations, because one that was broken off leaves its thread a moment later."""


async def send_waiting() -> int:
    """A job: send the letters that wait, oldest first, when a mail server is named; answers how many were tried.

    Each letter is taken, sent and marked in a transaction of its own, so a killed worker sends at most one a second time
    for each conversation (with the same Message-ID). A refusal for ever is not tried again; any other failure is, after a
    growing pause. When the server itself is away all letters rest for a growing while, and one asks first.
    """
    url = settings().smtp_url
    if url is None:
        return 0
    host = smtp.Connection(url).host
    server = await maybe(MailServer, MailServer.host == host)
    if server is not None and server.again_at is not None and server.again_at > clock.now():
        return 0
    conversations = 1
    if server is None or not server.failures:
        waiting = await the(
            int,
            "SELECT count(*) FROM (SELECT 1 FROM letter WHERE sent_at IS NULL AND gave_up_at IS NULL LIMIT {}) AS waiting",
            A_TURN,
        )
        conversations = min(AT_ONCE, 1 + waiting // EACH)
    async with asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(_converse(url, A_TURN // conversations)) for _ in range(conversations)]
    return sum(each.result() for each in begun)


async def _converse(url: str, letters: int) -> int:
    """Send up to so many letters in one conversation, until none waits, the time is up or the server is away; answers how
    many it tried."""
    connection, tried, until = smtp.Connection(url), 0, monotonic() + A_WHILE
    try:
        while tried < letters and monotonic() < until:
            outcome = await _send_next(connection)
            if outcome is None:
                break
            tried += 1
            if isinstance(outcome, smtp.ServerAway):
                return tried
        with suppress(smtp.ServerAway):
            await _in_thread(connection.close, GOODBYE)
    finally:
        connection.abort()
    return tried


async def _send_next(connection: smtp.Connection) -> str | Exception | None:
    """What became of the oldest letter that may be tried now: the server's answer, or what went wrong; None when none waits."""
    now = clock.now()
    async with transaction():
        waiting: Letter | None = await (
            Letter.objects()
            .where(
                Letter.sent_at.is_null()
                & Letter.gave_up_at.is_null()
                & (Letter.again_at.is_null() | (Letter.again_at <= now))
            )
            .order_by(Letter.id)
            .first()
            .lock_rows("UPDATE", skip_locked=True)
        )
        if waiting is None:
            return None
        if await maybe(DeadAddress, DeadAddress.address == waiting.address.lower()) is not None:
            outcome: str | Exception = smtp.NeverAccepted(IS_DEAD)
        else:
            outcome = await _offered(connection, waiting)
        await _mark(waiting, outcome, now)
    if not isinstance(outcome, smtp.NeverAccepted):  # which may be our own judgement of the address
        await _mark_server(connection.host, outcome, now)
    return outcome


async def _offered(connection: smtp.Connection, waiting: Letter) -> str | Exception:
    try:
        message = smtp.message(
            f"{waiting.ref}-{waiting.copies}" if waiting.copies else waiting.ref,
            waiting.name,
            waiting.address,
            waiting.subject,
            waiting.text,
            waiting.written_at,
            waiting.stops,
        )
        return await _in_thread(lambda: connection.send(message), WITHIN)
    except (smtp.NotNow, smtp.NeverAccepted) as failure:
        return failure


async def _in_thread(call: Callable[[], T], within: float) -> T:
    """Speak with the server in a thread. Who gives up waiting breaks the conversation off, which ends the thread's call."""
    try:
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().run_in_executor(_threads, call)
    except TimeoutError:
        raise smtp.ServerAway(f"no end within {within:g} seconds", offered=True) from None


async def _mark(waiting: Letter, outcome: str | Exception, now: datetime) -> None:
    """Write down what became of one try."""
    sent = isinstance(outcome, str)
    answer = str(outcome)[:500]
    await LetterTry.insert(LetterTry(letter=waiting.id, at=now, answer=answer, sent=sent))
    waiting.tried += not isinstance(outcome, smtp.ServerAway) or outcome.offered
    waiting.failure, waiting.again_at = answer, None
    if sent:
        waiting.sent_at, waiting.failure = now, ""
        if waiting.secret:
            waiting.text = _TOKEN.sub("(the rest of this link is not kept)", waiting.text)
            waiting.text = _CODE.sub("(this code is not kept)", waiting.text)
    elif isinstance(outcome, smtp.NeverAccepted) or waiting.tried > len(BACK_OFF):
        waiting.gave_up_at = now
        log.warning("letter %s came back: %s", waiting.ref, answer)
    else:
        if waiting.tried:
            waiting.again_at = now + BACK_OFF[waiting.tried - 1]
        log.warning("letter %s could not be sent (try %d): %s", waiting.ref, waiting.tried, answer)
    await waiting.save([Letter.sent_at, Letter.failure, Letter.again_at, Letter.gave_up_at, Letter.tried, Letter.text])


async def _mark_server(host: str, outcome: str | Exception, now: datetime) -> None:
    """Keep how the server does, when that changed: away once more, or back again."""
    away = isinstance(outcome, smtp.ServerAway)
    if not away and not await MailServer.exists().where((MailServer.host == host) & (MailServer.failures > 0)):
        return
    async with transaction():
        await many("INSERT INTO mail_server (host) VALUES ({}) ON CONFLICT (host) DO NOTHING", host)
        row = await find(MailServer, MailServer.host == host, lock=True)
        if away and row.again_at is not None and row.again_at > now:
            return  # another conversation noticed it too
        row.failures = row.failures + 1 if away else 0
        row.failing_since = (row.failing_since or now) if away else None
        row.again_at = now + REST[min(row.failures, len(REST)) - 1] if away else None
        row.answer = str(outcome)[:500]
        await row.save()
