"""Who is asking: the session cookie of a browser or the bearer token of a program, turned into an Actor.

Sessions are rows of our own. The token is random, kept only as a hash, new at every sign-in (so a planted cookie is
worth nothing), and ended at sign-out for good. Nothing is written for somebody who is not signed in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from market import clock
from market.accounts import rules
from market.accounts.tables import Person, Session
from market.actor import PUBLIC, Actor, Hat, Role
from market.audit.actions import record
from market.derivation import derived
from market.reads import rows
from market.settings import settings
from market.web import crossing

COOKIE = "session"
DEVICE = "device"
"""The cookie that a browser keeps for everybody who signs in on it: a random mark, of which only a keyed digest is kept."""
REMEMBERED = timedelta(days=400)
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5)."""
LASTS = timedelta(hours=12)
"""A working day and a bit; then one signs in again."""


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits."""
    return prefix + secrets.token_urlsafe(32)


async def begin(person: int, method: str, touched_at: datetime | None = None) -> str:
    """Open a session for a person who proved herself by `method`; answers the token for her cookie. `touched_at` is when she
    used her passkey, where that was what she did."""
    token, now = new_token(), clock.now()
    await Session.insert(
        Session(
            token_hash=digest(token),
            person=person,
            method=method,
            touched_at=touched_at,
            began_at=now,
            expires_at=now + LASTS,
        )
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


CONFIRMED_BY = "prelude_confirmed_by"
"""What this process notes beside a call that a person confirmed: the person. Nothing that comes from outside can write there."""


async def actor_of(person: int, method: str, at: datetime | None = None, first: str = "") -> Actor:
    """The person as an actor with the hats she wears at `at` (now, when not given); PUBLIC when the account is closed.
    The hats of the organisation `first` (its reference) come first: it is the one she acts for where nothing else says.
    She has touched no key: whoever knows that she has says so."""
    return await _actor_by(
        "SELECT {}::int AS person, {}::text AS method, NULL::timestamptz AS proved_at, NULL::timestamptz AS touched_at, '' AS token, NULL::text[] AS scopes, {}::text AS first",
        person,
        method,
        first,
        at=at,
    )


async def sign_in_by(person: Person, method: str, touched_at: datetime | None = None) -> str:
    """Open a session as :func:`begin` does, and put it on record."""
    token = await begin(person.id, method, touched_at)
    await record(
        await actor_of(person.id, method),
        "person.signed-in",
        f"person:{person.ref}",
        private={"method": method},
        sealed_by=f"publication:person:{person.ref}",
    )
    return token


def device_digest(mark: str) -> str:
    """What is kept of a browser's mark: it shows that two sessions were on one device, and nothing else of it."""
    return hmac.new(derived("prelude/accounts/device/v1"), mark.encode(), hashlib.sha256).hexdigest()


async def on_device(token: str, mark: str) -> None:
    """Keep beside a session on which device it was opened, by the mark of its browser."""
    await Session.update({Session.device: device_digest(mark)}).where(Session.token_hash == digest(token))


class _Worn(msgspec.Struct, frozen=True):
    """One hat of whoever asks, with what she is known by; once and without a hat for somebody who wears none."""

    person: int
    ref: str
    name: str
    method: str
    proved_at: datetime | None
    touched_at: datetime | None
    token: str
    scopes: list[str] | None
    first: str
    role: Role | None
    title: str | None
    since: datetime | None
    organisation: int | None
    organisation_ref: str | None
    organisation_name: str | None
    kind: str | None
    lent_by: str | None


_WORN_BY = """
SELECT p.id AS person, p.ref, p.name, c.method, c.proved_at, c.touched_at, c.token, c.scopes, c.first, m.role, m.title, m.since,
    o.id AS organisation, o.ref AS organisation_ref, o.name AS organisation_name, o.kind, lender.name AS lent_by
FROM ({credential}) c
JOIN person p ON p.id = c.person AND p.closed_at IS NULL
LEFT JOIN membership m ON m.person = p.id AND m.since <= {{}} AND (m.until IS NULL OR m.until > {{}})
LEFT JOIN organisation o ON o.id = m.organisation
LEFT JOIN organisation lender ON lender.id = m.lent_by
ORDER BY m.id
"""
"""Who asks, from what she shows: the query `credential` answers one row of person, method, last proof and touch of a key, token with its scopes and first organisation, or none."""


async def _actor_by(credential: str, *shown: Any, at: datetime | None = None) -> Actor:
    """Who shows this, in one question and asked anew each time: what is revoked or ended is so for the very next request."""
    # What began is worn at once; what ends while a request waits for its turn was worn when it arrived.
    begun, ended = at or clock.now(), at or clock.arrived()
    worn = await rows(_Worn, _WORN_BY.format(credential=credential), *shown, begun, ended)
    if not worn:
        return PUBLIC
    hats = [
        Hat(
            role=hat.role,
            organisation=hat.organisation,
            organisation_ref=hat.organisation_ref or "",
            organisation_name=hat.organisation_name or "",
            kind=hat.kind or "",
            title=hat.title or "",
            since=hat.since,
            lent_by=hat.lent_by or "",
        )
        for hat in worn
        if hat.role and hat.organisation
    ]
    who = worn[0]
    hats.sort(key=lambda hat: hat.organisation_ref != who.first)
    return Actor(
        ref=who.ref,
        name=who.name,
        person=who.person,
        hats=tuple(hats),
        method=who.method,
        proved_at=who.proved_at,
        touched_at=who.touched_at,
        token=who.token,
        scopes=None if who.scopes is None else tuple(who.scopes),
    )


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
        if isinstance(confirmed_by := connection.scope.get(CONFIRMED_BY), Actor):
            return AuthenticationResult(user=confirmed_by, auth=None)
        if path.startswith("/api/"):
            return AuthenticationResult(user=await self._token(connection), auth=None)
        token = connection.cookies.get(crossing.cookie_name(COOKIE))
        if not token:
            return AuthenticationResult(user=PUBLIC, auth=None)
        kept = digest(token)
        actor = await _actor_by(
            """
            SELECT person, method, began_at AS proved_at, touched_at, '' AS token, NULL::text[] AS scopes,
                acting_for AS first
            FROM session
            WHERE token_hash = {} AND ended_at IS NULL AND expires_at > {}
            """,
            kept,
            clock.arrived(),
        )
        if not actor.signed_in or (actor.method == "demo" and not settings().demo):
            return AuthenticationResult(user=PUBLIC, auth=None)
        connection.scope["session_key"] = kept  # type: ignore[typeddict-unknown-key]
        return AuthenticationResult(user=actor, auth=None)

    async def _token(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return PUBLIC
        organisation = connection.headers.get(FOR, "").strip()
        actor = await _actor_by(
            """
            SELECT person, 'token' AS method, NULL::timestamptz AS proved_at, NULL::timestamptz AS touched_at, ref AS token,
                scopes, {}::text AS first
            FROM api_token
            WHERE token_hash = {} AND revoked_at IS NULL AND expires_at > {}
            """,
            organisation,
            digest(token.strip()),
            clock.arrived(),
        )
        if actor.signed_in and organisation and organisation not in dict(actor.bodies):
            raise rules.NOT_YOUR_ORGANISATION.refused()
        return actor
