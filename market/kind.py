"""What a kind of record is; the kinds there are stand in `market/kinds.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from market.wording import N_, _


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record, as the log, the thread, the search, feeds and open data speak of it."""

    name: str
    """As the log spells it: an event is about `name:reference`."""
    a: str
    """One of them with its article: “an award”."""
    many: str
    prefix: str = ""
    """What a reference begins with, as `T` in `T-7KQ4M2X`; empty for what is called by a name."""
    address: str = ""
    """Where its public page is, before the reference; empty for what has none."""
    part_of: tuple[str, ...] | None = None
    """For what is no step of its own: whose thread it shows, the first of these kinds beside it; () shows none."""
    tab: str = ""
    """What its list is called, there and among the tabs of the search; empty for what is not found by itself."""
    endless: bool = False
    """Whether what is found has neither a value nor an end, so that the search asks for none."""
    titles: str = ""
    """Query (references in; `ref`, `title` out) of titles that the public may read; other kinds are called by their reference."""
    public: str = ""
    """For what is found: query of the references of all that may be shown, to build the index and to check it."""
    behind: str = ""
    """Query (a reference in; `subject` out) of records whose own face changes when one of this kind does."""
    turns: str = ""
    """Query (`ref`, `at`) of the dates after which it stands elsewhere, or what is found does because of it. It may ask `turning` for `now` and for
    the `zone` in which a day ends."""
    steps: tuple[str, ...] = ()
    """The verbs that the thread is made of; drafts and sealed things are not among them."""
    appears: str = ""
    """The verb with which it becomes public and is listed under its mission."""
    deeds: Mapping[str, str] = field(default_factory=dict)
    """Verb → what was done, after the name of the body that did it; `{it}` stands for the record."""

    @property
    def one(self) -> str:
        """Without the article: “award”."""
        return _(self.a).partition(" ")[2]

    @property
    def label(self) -> str:
        """One of them at the head of a line: “Award”."""
        return self.one[0].upper() + self.one[1:]

    @property
    def heading(self) -> str:
        """All of them at the head of a list: “Awards”."""
        many = _(self.many)
        return many[0].upper() + many[1:]

    @property
    def findable(self) -> bool:
        """Whether it is found by itself."""
        return bool(self.tab)


OF_ANY: Final = {
    "evidence.accepted": N_("accepted evidence that opens the gate, {it}"),
    "draft.compared": N_("looked at what others had done before publishing {it}"),
    "supplier.invited": N_("told suppliers by letter of {it}"),
    "search.shortlisted": N_("put suppliers on the short list of {it}"),
    "search.unlisted": N_("took a supplier off the short list of {it}"),
    "private.read": N_("read private facts beside {it}, as an auditor"),
}
"""What is done to records of whichever kind, by its verb: in words, as `Kind.deeds`."""
