"""Letters that came back: a colleague is told, and of a deadline also the buyer, so that they are somebody's business."""

from __future__ import annotations

from typing import Any

import msgspec

from market import clock, kinds
from market.accounts.people import holders
from market.accounts.tables import Holder
from market.actor import Role
from market.db import transaction
from market.letters.actions import write
from market.letters.tables import Letter
from market.postroom.actions import SEALED
from market.reads import row, rows

AT_ONCE = 50

TO_COLLEAGUE, TO_BUYER = "postroom/came-back.txt", "postroom/came-back-buyer.txt"
NOTICES = (TO_COLLEAGUE, TO_BUYER)
"""Letters about letters that came back. When one of these comes back itself, nobody is written to."""

DEADLINES = frozenset(
    {
        "awards/low_price.txt",
        "awards/mark_again.txt",
        "awards/lost.txt",
        "awards/not_awarded.txt",
        "bids/ready.txt",
        "bids/second_secret.txt",
        "challenges/pitch-scheduled.txt",
        "challenges/shortlisted.txt",
        "contracts/to_sign.txt",
        "outages/moved.txt",
        "panels/begun.txt",
        "panels/named.txt",
        "tenders/changed.txt",
        "tenders/keep-your-code.txt",
        "tenders/officer-named.txt",
        "waivers/review-due.txt",
    }
)
"""Letters whose reader must do something by a date: that one did not arrive is the buyer's business too."""

FIRST: tuple[Role, ...] = ("supplier-admin", "buyer", "contract-manager", "operator", "auditor", "minister")
"""Whom to tell first, where several could be: those who may invite and manage people."""


class _Returned(msgspec.Struct, frozen=True):
    """What is told of a letter that came back."""

    id: int
    template: str
    person: str
    organisation: int | None
    name: str
    address: str
    subject: str
    about: str
    failure: str
    sealed: bool


async def tell_waiting() -> int:
    """A job: tell of the letters that came back, each once; answers how many there were.

    The colleague holds a role in the body for whose people the letter was written, or in each body where its addressee has
    one; she reads the subject only in the first case. The buyer is told of a deadline unless that would tell what a seal
    hides. Where there is nobody whose address lives, the operators' desk shows the letter.
    """
    async with transaction():
        returned = await rows(
            _Returned,
            f"""
            SELECT l.id, l.template, l.person, l.organisation, l.name, l.address, l.subject, l.about, l.failure,
                coalesce({SEALED}, false) AS sealed
            FROM letter l LEFT JOIN event e ON e.seq = l.event
            WHERE l.gave_up_at IS NOT NULL AND l.passed_on_at IS NULL
            ORDER BY l.id LIMIT {{}} FOR UPDATE OF l SKIP LOCKED
            """,  # noqa: S608 - a constant
            AT_ONCE,
        )
        groups: dict[str, list[_Returned]] = {}
        for letter in returned:
            if letter.template not in NOTICES:
                groups.setdefault(letter.address.lower(), []).append(letter)
        for address, letters in groups.items():
            await _pass_on(address, letters)
        if returned:
            await Letter.update({Letter.passed_on_at: clock.now()}).where(
                Letter.id.is_in([letter.id for letter in returned])
            )
    return len(returned)


async def _pass_on(address: str, letters: list[_Returned]) -> None:
    """One letter to each body's colleague about all that came back from this address."""
    bodies: dict[int, list[tuple[_Returned, bool]]] = {}
    for letter in letters:
        for body in [letter.organisation] if letter.organisation else await _bodies_of(letter.person):
            bodies.setdefault(body, []).append((letter, letter.organisation is not None))
    for body, several in bodies.items():
        colleague = await _living(body, address)
        if colleague is None:
            continue
        first = several[0][0]
        await _tell(
            colleague,
            body,
            TO_COLLEAGUE,
            reader=first.name or first.address,
            lost=first.address,
            answer=first.failure,
            subjects=[letter.subject for letter, ours in several if ours],
            others=sum(not ours for _, ours in several),
        )
    for letter in letters:
        if letter.template not in DEADLINES or letter.sealed:
            continue
        buyer = await _buyer_of(letter.about)
        if buyer is None or buyer in bodies:
            continue
        officer = await _living(buyer, address, "buyer")
        if officer is not None:
            firm = await row(str, "SELECT name FROM organisation WHERE id = {}", letter.organisation) or ""
            await _tell(
                officer,
                buyer,
                TO_BUYER,
                about=letter.about,
                reader=letter.name or firm,
                firm=firm,
                subject=letter.subject,
                record=kinds.address(letter.about) or "/desk",
            )


async def _tell(person: Holder, body: int, template: str, about: str = "", **facts: Any) -> None:
    await write(person.email, person.name, template, person=person.ref, for_people_of=body, about=about, **facts)


async def _bodies_of(person: str) -> list[int]:
    """The bodies in which this person has a role now."""
    now = clock.now()
    return await rows(
        int,
        """
        SELECT DISTINCT m.organisation FROM membership m JOIN person p ON p.id = m.person
        WHERE p.ref = {} AND m.since <= {} AND (m.until IS NULL OR m.until > {}) ORDER BY 1
        """,
        person,
        now,
        now,
    )


async def _living(body: int, besides: str, *roles: Role) -> Holder | None:
    """Somebody of this body with another address that is not marked as dead."""
    able = [person for person in await holders(body, *roles) if person.email.lower() != besides]
    dead = await rows(
        str,
        "SELECT address FROM dead_address WHERE address = ANY({}::text[])",
        [each.email.lower() for each in able],
    )
    living = [person for person in able if person.email.lower() not in dead]
    return min(
        living,
        key=lambda person: (FIRST.index(person.role) if person.role in FIRST else len(FIRST), person.id),
        default=None,
    )


async def _buyer_of(about: str) -> int | None:
    """The buyer whose record this is, or is a part of: the body that drew up the contract, tender or challenge that the log
    names beside it, the nearest first."""
    return await row(
        int,
        """
        SELECT o.id FROM event e JOIN organisation o ON o.ref = e.organisation
        WHERE e.subject IN (SELECT unnest(b.about) FROM event b WHERE b.subject = {})
            AND e.verb IN ('contract.drawn-up', 'tender.drafted', 'tender.published', 'challenge.drafted', 'challenge.published')
            AND o.kind = 'buyer'
        ORDER BY CASE split_part(e.verb, '.', 1) WHEN 'contract' THEN 1 WHEN 'tender' THEN 2 ELSE 3 END, e.seq LIMIT 1
        """,
        about,
    )
