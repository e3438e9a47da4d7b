"""What a panel is for: what was sent, by whom, and by which criteria it is marked, as the floor above says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is marked, with its weight of 100. `minimum` is the average under which the thing is excluded, 0 for none."""

    ref: str
    name: str
    weight: int
    description: str = ""
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that was sent. `ref` is its `kind:reference`, `name` what the panel knows it by, `supplier` the reference of
    who sent it, `closed` why it is not marked (any more), empty while it is."""

    ref: str
    name: str
    supplier: str
    criteria: tuple[Criterion, ...]
    readable: bool
    closed: str


@dataclass(frozen=True, slots=True)
class Matter:
    """What a panel is for.

    `about` is the record's `kind:reference`, `organisation` the buyer whose people judge, `href` where they do it (`officer_href` where the officer looks), `what`
    they judge in words (“bids”). `suppliers` (reference → name) are who sent something; they and the `subjects` are
    empty before `opened_at`, which is None while nobody may know them. `blind`: the panel knows what was sent by aliases.
    `settled` says why panel and marks stand as they are, empty while they may change. `draft`: the public knows nothing of
    it. `opens_at` is when it will be opened, `due` by when it is to be decided. `beside` is what it grew from, for the log.
    """

    about: str
    title: str
    organisation: int
    organisation_ref: str
    organisation_name: str
    href: str
    officer_href: str
    what: str
    suppliers: Mapping[str, str]
    subjects: Sequence[Subject]
    opened_at: datetime | None
    opens_at: datetime | None
    due: datetime | None
    blind: bool
    settled: str
    draft: bool
    beside: Sequence[str]

    def subject(self, ref: str) -> Subject | None:
        """The thing of this `kind:reference`."""
        return next((subject for subject in self.subjects if subject.ref == ref), None)
