"""Finding people and telling them: who holds which role in which body now, and letters to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from market import clock
from market.accounts.tables import Holder, Organisation, Person
from market.actor import Role
from market.db import find
from market.letters.actions import write
from market.letters.tables import Letter
from market.reads import row, rows, the


async def holders(organisation: int, *roles: Role) -> list[Holder]:
    """The people who hold one of these roles in a body now; any role when none is named."""
    now = clock.now()
    return await rows(
        Holder,
        """
        SELECT DISTINCT ON (p.id) p.id, p.ref, p.name, p.email, m.role, m.title
        FROM membership m JOIN person p ON p.id = m.person
        WHERE m.organisation = {} AND m.since <= {} AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
            AND ({} OR m.role = ANY({}::text[]))
        ORDER BY p.id, m.id
        """,
        organisation,
        now,
        now,
        not roles,
        list(roles),
    )


async def auditors() -> int:
    """How many hold the office of auditor now: while there is none, nobody could object to what two people appoint or rule."""
    now = clock.now()
    return await the(
        int,
        """
        SELECT count(DISTINCT m.person) FROM membership m JOIN person p ON p.id = m.person
        WHERE m.role = 'auditor' AND m.since <= {} AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
        """,
        now,
        now,
    )


async def tell(
    organisation: int, template: str, *, roles: tuple[Role, ...] = (), about: str = "", **facts: Any
) -> None:
    """Write the same letter to everybody who holds one of these roles (any, when none is named) in a body now."""
    for person in await holders(organisation, *roles):
        await write(
            person.email,
            person.name,
            template,
            person=person.ref,
            for_people_of=organisation,
            about=about,
            **facts,
        )


async def tell_person(
    person: int, template: str, *, about: str = "", stops: str = "", secret: bool = False, **facts: Any
) -> Letter:
    """Write a letter to one person; `stops` is the path that ends letters of this kind, `secret` when its link opens her
    account."""
    known = await find(Person, Person.id == person)
    return await write(
        known.email, known.name, template, person=known.ref, about=about, stops=stops, secret=secret, **facts
    )


async def family(departments: Sequence[int]) -> list[int]:
    """These departments (ids) and the bodies that belong to them."""
    return await rows(
        int,
        "SELECT id FROM organisation WHERE id = ANY({}::int[]) OR department = ANY({}::int[])",
        *[list(departments)] * 2,
    )


async def is_unreachable(person: int) -> bool:
    """Whether this person's own address is marked as dead: nothing that is written to her is sent."""
    dead = await row(
        int, "SELECT p.id FROM dead_address d JOIN person p ON d.address = lower(p.email) WHERE p.id = {}", person
    )
    return dead is not None


async def department_of(organisation: int) -> Organisation:
    """The central department whose minister answers for a body: its own, or itself."""
    body = await find(Organisation, Organisation.id == organisation)
    return await find(Organisation, Organisation.id == body.department) if body.department else body
