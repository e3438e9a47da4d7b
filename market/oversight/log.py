"""The public log as people read it: newest first, in words, filtered, page by page. Sealed events are never among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from market.audit import proofs
from market.audit.titles import titles_of
from market.clock import ZONE
from market.kinds import KINDS, address, parts, sentence
from market.proof import canonical
from market.reads import rows
from market.wording import N_, _

PAGE: Final = 50

PUBLIC: Final = (
    "(e.sealed_by = '' OR EXISTS (SELECT 1 FROM event o WHERE o.subject = substr(e.sealed_by, 13) "  # noqa: S608 - constants
    "AND e.sealed_by LIKE 'publication:%' AND o.verb LIKE '%.published') "
    "OR EXISTS (SELECT 1 FROM event o WHERE o.subject = substr(e.sealed_by, 9) AND e.sealed_by LIKE 'opening:%' "
    f"AND o.verb IN ({', '.join(repr(verb) for verb in proofs.OPENINGS)})))"
)
"""Whether the event `e` may be seen by everybody: the same seals as `market.audit.proofs.unsealed`, asked row by row so that a page
of a long log costs what a page of a short one does. A test holds the two against each other."""


class Filter(msgspec.Struct, forbid_unknown_fields=False):
    """What somebody may ask of the log; everything that is given must hold."""

    kind: Annotated[str, Meta(title="Kind", max_length=40)] = ""
    record: Annotated[str, Meta(title="Record", max_length=40)] = ""
    """A reference such as `T-7KQ4M2X`, or `kind:reference`: every event beside that record."""
    verb: Annotated[str, Meta(title=N_("What was done"), max_length=60)] = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in words. `before`, `it` and `after` are the sentence with the record's title (or reference) in the
    middle; `href` is the record's public page."""

    seq: int
    at: datetime
    who: str
    before: str
    it: str
    after: str
    href: str | None
    verb: str
    subject: str
    actor: str
    organisation: str
    about: tuple[str, ...]
    hash: str
    body: str
    private: bool
    """Whether it has private facts."""
    public: bool
    """Whether everybody may see it by now."""

    @property
    def says(self) -> str:
        """The whole sentence."""
        return f"{self.who} {self.before}{self.it}{self.after}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The public facts of the event, as words and plain values."""
        return in_pairs(canonical.decode(self.body.encode()))


def in_pairs(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Facts of an event as words and plain values."""
    return [
        (name.replace("_", " ").capitalize(), value if isinstance(value, str) else canonical.encode(value).decode())
        for name, value in facts.items()
    ]


class Read(msgspec.Struct, frozen=True):
    """An event with the name of the body that acted, as :data:`READ` reads it."""

    seq: int
    at: datetime
    actor: str
    organisation: str
    verb: str
    subject: str
    about: list[str]
    body: str
    hash: str
    private: bool
    public: bool
    body_name: str


READ: Final = f"""
SELECT e.seq, e.at, e.actor, e.organisation, e.verb, e.subject, e.about, e.body, e.hash,
    e.private_body IS NOT NULL AS private, {PUBLIC} AS public, coalesce(o.name, '') AS body_name
FROM event e LEFT JOIN organisation o ON o.ref = e.organisation
"""  # noqa: S608 - constants
"""What :func:`in_words` reads of an event `e` and the body `o` that acted."""


async def newest(asked: Filter, before: int | None = None, limit: int = PAGE) -> tuple[list[Entry], int | None]:
    """A page of public events, the newest first, and the seq the next page begins before (None on the last)."""
    found = await rows(
        Read,
        READ
        + f"""
        WHERE ({{}}::bigint IS NULL OR e.seq < {{}})
            AND ({{}} = '' OR split_part(e.subject, ':', 1) = {{}})
            AND ({{}} = '' OR e.verb = {{}})
            AND ({{}}::text[] IS NULL OR e.about && {{}}::text[])
            AND ({{}}::timestamptz IS NULL OR e.at >= {{}})
            AND ({{}}::timestamptz IS NULL OR e.at < {{}})
            AND {PUBLIC}
        ORDER BY e.seq DESC LIMIT {{}}
        """,
        *[cursor(before)] * 2,
        *[storable(asked.kind)] * 2,
        *[storable(asked.verb)] * 2,
        *[subjects(asked.record)] * 2,
        *[day_begins(asked.since)] * 2,
        *[day_begins(asked.until, 1)] * 2,
        limit + 1,
    )
    entries = await in_words(found[:limit])
    return entries, entries[-1].seq if len(found) > limit else None


def subjects(record: str) -> list[str] | None:
    """What a typed reference may mean: itself as `kind:reference`, or that reference of any kind; None for nothing typed."""
    typed = storable(record)
    if not typed:
        return None
    if ":" in typed:
        return [typed]
    return [f"{kind}:{typed.upper()}" for kind in KINDS]


async def in_words(events: Sequence[Read]) -> list[Entry]:
    """Stored events as entries, with the titles of what they happened to."""
    titles = await titles_of({event.subject for event in events})
    entries = []
    for event in events:
        before, after = parts(event.verb)
        entries.append(
            Entry(
                seq=event.seq,
                at=event.at,
                who=event.body_name or {"system": "Prelude", "public": _("A visitor")}.get(event.actor, _("Somebody")),
                before=before,
                it=titles.get(event.subject) or event.subject.partition(":")[2],
                after=after + _on_paper(event.body),
                href=address(event.subject),
                verb=event.verb,
                subject=event.subject,
                actor=event.actor,
                organisation=event.organisation,
                about=tuple(event.about),
                hash=event.hash,
                body=event.body,
                private=event.private,
                public=event.public,
            )
        )
    return entries


def _on_paper(body: str) -> str:
    """What the sentence of an event ends with when it was done by mandate on paper; persons are named by reference here."""
    if '"by_mandate"' not in body:
        return ""
    by = canonical.decode(body.encode())["by_mandate"]
    return _(", by mandate on paper, entered by {by}", by=by["entered_by"])


def sentence_of(entry: Entry) -> str:
    """The sentence of an event with its reference instead of a title: for files and programs."""
    return f"{entry.who} {sentence(entry.verb, entry.subject.partition(':')[2])}"


def day_begins(day: date | None, later: int = 0) -> datetime | None:
    """The first moment of a day (or of one so many days later) in the site's zone. Days that no log can reach stand for the
    nearest one that it can."""
    if day is None:
        return None
    near = min(max(day, date(1970, 1, 1)), date(9000, 1, 1))
    return datetime.combine(near + timedelta(days=later), datetime.min.time(), ZONE)


def storable(text: str) -> str:
    """What was typed, without the one letter (NUL) that the database does not know."""
    return text.replace("\0", "").strip()


def cursor(number: int | None) -> int | None:
    """A cursor from an address, within the numbers that the database knows."""
    return None if number is None else min(max(number, 0), canonical.EXACT)
