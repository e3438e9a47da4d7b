"""Writing letters, as a row in the transaction of the act that it tells of, and reading them; `sending` sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from market import clock
from market.actor import Actor
from market.audit.actions import caused
from market.db import find, many
from market.letters.tables import Letter, Listed
from market.reads import rows
from market.refusals import NotFound
from market.settings import settings
from market.web.pages import site, templates
from market.web.templating import letter

PER_PAGE = 25


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
    for_people_of: int | None = None,
    about: str = "",
    stops: str = "",
    secret: bool = False,
    **facts: Any,
) -> Letter:
    """Write one letter. `template` is a file of `templates/email/` that extends `email/layout.txt`; every name it uses
    must be given. `addressee` (a “reader” when no name is known), `site`, `site_url` and `now` are always there.
    `person` is the addressee's reference when she has an account, `for_people_of` the id of the body for whose people it is
    written, `about` the `kind:reference` the letter is about;
    `stops` a path that ends letters of this kind with one request; `secret` letters have a `token` whose link opens an
    account, or a code.

    The letter keeps its template and, when the transaction commits, the number of the event that caused it: see
    :func:`market.audit.actions.caused`.
    """
    now = clock.now()
    given = {"addressee": Addressee(name or "reader"), "site": site(), "site_url": settings().site_url, "now": now}
    subject, text = letter(templates(), f"email/{template}", {**given, **facts})
    written = Letter(
        template=template,
        person=person,
        organisation=for_people_of,
        address=address,
        name=name,
        subject=subject,
        text=text,
        about=about,
        written_at=now,
        stops=stops,
        secret=secret,
    )
    await written.save()
    caused(written.id, about, _tie)
    return written


async def _tie(pairs: list[tuple[int, int]]) -> None:
    await many(
        "UPDATE letter SET event = tied.event FROM unnest({}::int[], {}::bigint[]) AS tied (letter, event) "
        "WHERE letter.id = tied.letter",
        [letter for letter, _ in pairs],
        [event for _, event in pairs],
    )


async def letters_for(actor: Actor, before: int | None = None, address: str = "") -> list[Listed]:
    """The newest letters this reader may see, one more than a page holds: her own; in demo mode everybody's, or those to
    one `address`. `before` is the id the page goes on from. Secret letters are for the mailbox alone: a session that
    somebody else took over must not be able to choose another password with one."""
    everybodys = settings().demo
    if not everybodys:
        actor.must_be_person()
    typed = address.strip().lower() if everybodys else ""
    return await rows(
        Listed,
        """
        SELECT id, ref, name, address, subject, written_at FROM letter
        WHERE ({}::boolean OR person = {} AND NOT secret) AND ({} = '' OR address = {}) AND ({}::bigint IS NULL OR id < {})
        ORDER BY id DESC LIMIT {}
        """,
        everybodys,
        actor.ref,
        *[typed] * 2,
        *[before] * 2,
        PER_PAGE + 1,
    )


async def letter_for(actor: Actor, ref: str) -> Letter:
    """One letter, for its addressee (in demo mode for anybody); to others it does not exist."""
    kept = await find(Letter, Letter.ref == ref)
    if not settings().demo and (not actor.signed_in or kept.person != actor.ref or kept.secret):
        raise NotFound("Letter")
    return kept
