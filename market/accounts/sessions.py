"""Who is asking: the session cookie of a browser or the bearer token of a program, turned into an Actor.

Sessions are rows of our own. The token is random, kept only as a hash, new at every sign-in (so a planted cookie is
worth nothing), and ended at sign-out for good. Nothing is written for somebody who is not signed in.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from market import clock
from market.accounts import rules
from market.accounts.tables import ApiToken, Session
from market.actor import PUBLIC, Actor, Hat
from market.db import many, one
from market.settings import settings
from market.web import crossing

COOKIE = "session"
LASTS = timedelta(hours=12)
"""A working day and a bit; then one signs in again."""


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits."""
    return prefix + secrets.token_urlsafe(32)


async def begin(person: int, method: str) -> str:
    """Open a session for a person who proved herself by `method`; answers the token for her cookie."""
    token, now = new_token(), clock.now()
    await Session.insert(
        Session(token_hash=digest(token), person=person, method=method, began_at=now, expires_at=now + LASTS)
    )
    return token


async def end(token: str) -> None:
    """End the session of this token, if it is open."""
    await Session.update({Session.ended_at: clock.now()}).where(
        (Session.token_hash == digest(token)) & (Session.ended_at.is_null())
    )


async def end_all(person: int) -> None:
    """End every open session of a person, for example after she changed her password."""
    await Session.update({Session.ended_at: clock.now()}).where(
        (Session.person == person) & (Session.ended_at.is_null())
    )


FOR = "prelude-organisation"
"""The header with which a program says for which of the person's organisations it acts."""

FOR_WHOM = (
    "A token that a person made in her account. Who belongs to several organisations says for which of them she acts with "
    "the header `Prelude-Organisation: O-…`; without it, it is the first she joined."
)
"""For the description of the API."""


async def actor_of(person: int, method: str, at: datetime | None = None, first: str = "") -> Actor:
    """The person as an actor with the hats she wears at `at` (now, when not given); PUBLIC when the account is closed.
    The hats of the organisation `first` (its reference) come first: it is the one she acts for where nothing else says."""
    moment = at or clock.now()
    rows = await many(
        "SELECT p.ref, p.name, m.role, m.title, m.since, o.id AS organisation, o.ref AS organisation_ref, "
        "o.name AS organisation_name, o.kind FROM person p "
        "LEFT JOIN membership m ON m.person = p.id AND m.since <= {} AND (m.until IS NULL OR m.until > {}) "
        "LEFT JOIN organisation o ON o.id = m.organisation "
        "WHERE p.id = {} AND p.closed_at IS NULL ORDER BY m.id",
        moment,
        moment,
        person,
    )
    if not rows:
        return PUBLIC
    hats = [
        Hat(
            role=row["role"],
            organisation=row["organisation"],
            organisation_ref=row["organisation_ref"],
            organisation_name=row["organisation_name"],
            kind=row["kind"],
            title=row["title"],
            since=row["since"],
        )
        for row in rows
        if row["role"]
    ]
    hats.sort(key=lambda hat: hat.organisation_ref != first)
    return Actor(ref=rows[0]["ref"], name=rows[0]["name"], person=person, hats=tuple(hats), method=method)


class WhoAsks(AbstractAuthenticationMiddleware):
    """Sets `request.user` to an Actor: PUBLIC unless a live session (pages) or token (API) says otherwise.

    Cookies are not looked at below `/api/`, tokens nowhere else: so no page of another site can use a browser's session
    against the API.
    """

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Look the credential up; an unknown, ended or expired one is nobody's."""
        path = connection.scope["path"]
        if path.startswith("/static/"):
            return AuthenticationResult(user=PUBLIC, auth=None)
        if path.startswith("/api/"):
            return AuthenticationResult(user=await self._token(connection), auth=None)
        token = connection.cookies.get(crossing.cookie_name(COOKIE))
        if not token:
            return AuthenticationResult(user=PUBLIC, auth=None)
        kept = digest(token)
        row = await one(
            "SELECT person, method, acting_for FROM session WHERE token_hash = {} AND ended_at IS NULL AND expires_at > {}",
            kept,
            clock.now(),
        )
        if not row or (row["method"] == "demo" and not settings().demo):
            return AuthenticationResult(user=PUBLIC, auth=None)
        connection.scope["session_key"] = kept  # type: ignore[typeddict-unknown-key]
        actor = await actor_of(row["person"], row["method"], first=row["acting_for"])
        return AuthenticationResult(user=actor, auth=None)

    async def _token(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return PUBLIC
        found = (
            await ApiToken.select(ApiToken.person)
            .where(
                (ApiToken.token_hash == digest(token.strip()))
                & (ApiToken.revoked_at.is_null())
                & (ApiToken.expires_at > clock.now())
            )
            .first()
        )
        if not found:
            return PUBLIC
        organisation = connection.headers.get(FOR, "").strip()
        actor = await actor_of(found["person"], "token", first=organisation)
        if organisation and organisation not in dict(actor.bodies):
            raise rules.NOT_YOUR_ORGANISATION.refused()
        return actor
