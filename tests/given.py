"""Given …: the rows a test starts from, made with believable defaults; whatever matters to the test is said in the test."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, TypeVar

import httpx
from litestar import Litestar
from piccolo.table import Table

from market import clock
from market.accounts.sessions import COOKIE, actor_of, begin, digest, new_token
from market.accounts.tables import ApiToken, Membership, Organisation, Person
from market.actor import Actor, Role
from market.missions.tables import Mission
from market.web import crossing

TODAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday morning without a bank holiday near it; freeze it with `clock.at(given.TODAY)`."""

_count = iter(range(1, 1_000_000))


T = TypeVar("T", bound=Table)


def row(table: type[T], **facts: Any) -> T:
    """A row in memory, for rules: only what the test says, the columns' defaults for the rest, no database."""
    return table(_ignore_missing=True, **facts)


async def organisation(name: str = "", kind: str = "buyer", tier: str = "central", **facts: Any) -> Organisation:
    """A body; a central department unless said otherwise."""
    number = next(_count)
    row = Organisation(
        name=name or f"{'Department' if kind == 'buyer' else kind.title()} {number}",
        kind=kind,
        tier=tier if kind == "buyer" else "",
        created_at=clock.now(),
        **facts,
    )
    await row.save()
    return row


async def supplier(name: str = "", **facts: Any) -> Organisation:
    """A small firm with a company number."""
    number = next(_count)
    given = {
        "scheme": "GB-COH",
        "identifier": f"{number:08d}",
        "employees": 12,
        "turnover_minor": 90_000_000,
        "region": "Yorkshire and the Humber",
        **facts,
    }
    return await organisation(name or f"Small Firm {number} Ltd", kind="supplier", **given)


async def person(organisation: Organisation, role: Role, name: str = "", title: str = "") -> Actor:
    """Somebody with that role in that body, as the actor that actions want."""
    number = next(_count)
    row = Person(
        name=name or f"{role.title()} {number}", email=f"person{number}@{number}.example", created_at=clock.now()
    )
    await row.save()
    await Membership.insert(
        Membership(
            person=row.id,
            organisation=organisation.id,
            role=role,
            title=title,
            since=datetime(2020, 1, 1, tzinfo=UTC),
        )
    )
    return await actor_of(row.id, "password")


async def mission(owner: Organisation, **facts: Any) -> Mission:
    """A published mission of a department."""
    given = {
        "title": "Safe bridges without closing roads",
        "statement": "Every bridge is inspected every year.",
        "begins_on": date(2026, 1, 1),
        "ends_on": date(2030, 12, 31),
        "published_at": clock.now(),
        **facts,
    }
    row = Mission(owner=owner.id, created_at=clock.now(), **given)
    await row.save()
    return row


def browser(app: Litestar) -> httpx.AsyncClient:
    """A browser without scripts, talking to the app in this test's own task (so a frozen clock reaches the handlers)."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://localhost:8000",
        headers={"accept": "text/html", "origin": "http://localhost:8000"},
    )


async def signed_in(client: httpx.AsyncClient, actor: Actor, method: str = "password") -> httpx.AsyncClient:
    """The same browser, signed in; posts of :func:`post` then carry the right form token."""
    assert actor.person is not None
    token = await begin(actor.person, method)
    client.cookies.set(crossing.cookie_name(COOKIE), token)
    client.headers["x-csrf-token"] = crossing.token_for(digest(token))
    return client


async def token(actor: Actor) -> dict[str, str]:
    """The headers of a program that acts as this person."""
    assert actor.person is not None
    made = new_token("prelude_")
    await ApiToken.insert(
        ApiToken(
            person=actor.person,
            name="test",
            token_hash=digest(made),
            created_at=clock.now(),
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )
    )
    return {"authorization": f"Bearer {made}", "accept": "application/json"}
