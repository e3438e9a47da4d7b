"""How good a source's data are: a score out of 100 and the checks that fail, so that its publisher can mend them.

Four areas count alike — completeness, dates, money, identifiers — and in each area every check counts alike. A check is
only asked where it applies: nobody is marked down for an award that has not been made. What was mended on the way in
still fails here, because the publisher sent it broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from market.portal.intake.names import identifier, number_in, words
from market.portal.intake.notices import UNTITLED, Notice, Party
from market.portal.intake.reading import Note
from market.wording import N_, _

Area = Literal["completeness", "dates", "money", "identifiers"]

AREAS: tuple[Area, ...] = ("completeness", "dates", "money", "identifiers")

EXAMPLES = 5
"""How many failing procurements are named for each check."""

_MOST_IDS = 50_000
"""How many supplier ids are remembered to find one that is used for different suppliers; enough for any real source."""

_OCID = re.compile(r"ocds-[0-9a-z]{6}-\S+")


@dataclass(frozen=True, slots=True)
class Seen:
    """One procurement as the checks see it: its notice, and everything noted while it was read, mended and merged."""

    notice: Notice
    notes: tuple[Note, ...]
    now: datetime

    def noted(self, *codes: str) -> bool:
        """Whether anything of these sorts was noted."""
        return any(note.code in codes for note in self.notes)


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to each procurement; the answer None means that it does not apply."""

    code: str
    area: Area
    asks: str
    holds: Callable[[Seen], bool | None]


@dataclass(frozen=True, slots=True)
class Result:
    """How a source did on one check; `examples` are ocids for which it failed."""

    code: str
    area: Area
    asks: str
    asked: int
    failed: int
    examples: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share that passed, 1 when it was never asked."""
        return 1.0 if not self.asked else (self.asked - self.failed) / self.asked


@dataclass(frozen=True, slots=True)
class Report:
    """The quality of a source: `score` and `areas` from 0 to 100, and every check, the worst first."""

    source: str
    procurements: int
    score: int
    areas: dict[Area, int]
    results: tuple[Result, ...]

    @property
    def failing(self) -> tuple[Result, ...]:
        """The checks that did not hold everywhere."""
        return tuple(each for each in self.results if each.failed)


def _started(seen: Seen) -> bool:
    return seen.notice.reached != "planning"


def _awarded(seen: Seen) -> bool:
    return seen.notice.reached in ("award", "contract") and not seen.notice.cancelled


def _ordered(first: datetime | None, then: datetime | None) -> bool | None:
    return first <= then if first and then else None


def _registered(parties: Iterable[Party | None]) -> bool | None:
    known = [each for each in parties if each is not None]
    if not known:
        return None
    return all(_number(each) for each in known)


def _number(party: Party) -> bool:
    return bool(identifier(party.scheme, party.identifier) or number_in(party.id))


CHECKS: tuple[Check, ...] = (
    Check(
        "title",
        "completeness",
        N_("It has a title of its own."),
        lambda s: len(s.notice.title) > 4 and s.notice.title != _(UNTITLED),
    ),
    Check(
        "description",
        "completeness",
        N_("It says in a sentence what is wanted."),
        lambda s: len(s.notice.description) >= 20,
    ),
    Check(
        "plain-text", "completeness", N_("Its text is plain, not signs of HTML."), lambda s: not s.noted("text.markup")
    ),
    Check("buyer", "completeness", N_("It names the buyer."), lambda s: s.notice.buyer is not None),
    Check(
        "deadline",
        "completeness",
        N_("A tender says until when bids are taken."),
        lambda s: s.notice.closes_at is not None if s.notice.reached == "tender" else None,
    ),
    Check(
        "value",
        "completeness",
        N_("It says what it is expected to cost."),
        lambda s: s.notice.value_minor is not None if _started(s) else None,
    ),
    Check(
        "classification",
        "completeness",
        N_("It is classified by CPV."),
        lambda s: bool(s.notice.cpv) if _started(s) else None,
    ),
    Check(
        "method",
        "completeness",
        N_("It says how the supplier is chosen."),
        lambda s: s.notice.method is not None if _started(s) else None,
    ),
    Check(
        "supplier",
        "completeness",
        N_("An award names who won it."),
        lambda s: bool(s.notice.suppliers) if _awarded(s) else None,
    ),
    Check("link", "completeness", N_("It links to its page at the portal."), lambda s: s.notice.link is not None),
    Check("real", "completeness", N_("It is not a test published as real."), lambda s: not s.notice.test),
    Check(
        "release-date",
        "dates",
        N_("Every release says when it was published."),
        lambda s: not s.noted("release.date-missing"),
    ),
    Check(
        "date-spelling",
        "dates",
        N_("Dates are written as the standard wants them."),
        lambda s: (
            not s.noted(
                "date.invalid",
                "date.placeholder",
                "date.day-first",
                "date.month-and-day-exchanged",
                "date.respelt",
                "date.without-zone",
            )
        ),
    ),
    Check(
        "not-in-the-future",
        "dates",
        N_("It was not published in the future."),
        lambda s: s.notice.published_at <= s.now + timedelta(days=2) if s.notice.published_at else None,
    ),
    Check(
        "deadline-after-opening",
        "dates",
        N_("The deadline is after the opening."),
        lambda s: _ordered(s.notice.opens_at, s.notice.closes_at),
    ),
    Check(
        "award-after-deadline",
        "dates",
        N_("The award is after the deadline."),
        lambda s: _ordered(
            s.notice.closes_at, s.notice.awarded_at + timedelta(days=1) if s.notice.awarded_at else None
        ),
    ),
    Check(
        "end-after-start",
        "dates",
        N_("The contract ends after it starts."),
        lambda s: _ordered(s.notice.starts_at, s.notice.ends_at),
    ),
    Check("currency", "money", N_("Every amount has a currency."), lambda s: not s.noted("currency.missing")),
    Check(
        "amounts-are-numbers",
        "money",
        N_("Amounts are numbers."),
        lambda s: not s.noted("number.text", "number.unreadable", "number.object"),
    ),
    Check("net-amount", "money", N_("The amount without tax is given."), lambda s: not s.noted("amount.gross-only")),
    Check(
        "one-currency",
        "money",
        N_("Lots and tender are in one currency."),
        lambda s: not s.noted("currency.mixed") if s.notice.lots else None,
    ),
    Check(
        "plausible",
        "money",
        N_("The amount is more than a token and less than a state's budget."),
        lambda s: 10_000 <= s.notice.value_minor <= 10**14 if s.notice.value_minor is not None else None,
    ),
    Check(
        "ocid",
        "identifiers",
        N_("The ocid begins with a registered prefix."),
        lambda s: bool(_OCID.fullmatch(s.notice.ocid)),
    ),
    Check(
        "release-id",
        "identifiers",
        N_("Every release has an id, and no id stands over two texts."),
        lambda s: not s.noted("release.id-missing", "release.id-reused"),
    ),
    Check(
        "item-ids",
        "identifiers",
        N_("Items in lists have ids of their own."),
        lambda s: not s.noted("item.id-missing", "item.id-repeated"),
    ),
    Check(
        "party-ids",
        "identifiers",
        N_("One organisation id means one organisation."),
        lambda s: not s.noted("party.id-shared", "party.id-missing"),
    ),
    Check(
        "buyer-register",
        "identifiers",
        N_("The buyer has a number on a public register (org-id.guide)."),
        lambda s: _registered([s.notice.buyer]),
    ),
    Check(
        "supplier-register",
        "identifiers",
        N_("Suppliers have numbers on a public register (org-id.guide)."),
        lambda s: _registered(s.notice.suppliers),
    ),
)
"""Every check, in the order in which they are shown."""

_SHARED = Check(
    "supplier-id-reuse",
    "identifiers",
    N_("No supplier id is used for different suppliers across notices."),
    lambda _: None,
)


@dataclass(slots=True)
class Quality:
    """Collects what one source's procurements say; constant memory but for a bounded table of supplier ids."""

    source: str
    _asked: dict[str, int] = field(default_factory=dict)
    _failed: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, list[str]] = field(default_factory=dict)
    _names: dict[str, set[str]] = field(default_factory=dict)
    _procurements: int = 0

    def add(self, notice: Notice, notes: Iterable[Note], now: datetime) -> tuple[str, ...]:
        """Take one procurement in; gives the codes of the checks it fails."""
        seen = Seen(notice, tuple(notes), now)
        self._procurements += 1
        failed = []
        for check in CHECKS:
            holds = check.holds(seen)
            if holds is None:
                continue
            self._asked[check.code] = self._asked.get(check.code, 0) + 1
            if not holds:
                failed.append(check.code)
                self._fail(check.code, notice.ocid)
        for each in notice.suppliers:
            if each.id is not None and (each.id in self._names or len(self._names) < _MOST_IDS):
                names = self._names.setdefault(each.id, set())
                if len(names) < 5:
                    names.add(" ".join(words(each.name)))
        return tuple(failed)

    def report(self) -> Report:
        """The score so far."""
        results = [self._result(check) for check in CHECKS]
        several = sorted(key for key, names in self._names.items() if len(names) > 2)
        results.append(
            Result(
                _SHARED.code, _SHARED.area, _(_SHARED.asks), len(self._names), len(several), tuple(several[:EXAMPLES])
            )
        )
        areas: dict[Area, int] = {}
        for area in AREAS:
            shares = [each.share for each in results if each.area == area and each.asked]
            areas[area] = round(100 * sum(shares) / len(shares)) if shares else 100
        score = round(sum(areas.values()) / len(areas))
        ordered = sorted(results, key=lambda each: (each.share, each.code))
        return Report(self.source, self._procurements, score, areas, tuple(ordered))

    def _result(self, check: Check) -> Result:
        return Result(
            check.code, check.area, _(check.asks), self._asked.get(check.code, 0), self._failed.get(check.code, 0),
            tuple(self._examples.get(check.code, ())),
        )  # fmt: skip

    def _fail(self, code: str, ocid: str) -> None:
        self._failed[code] = self._failed.get(code, 0) + 1
        examples = self._examples.setdefault(code, [])
        if len(examples) < EXAMPLES:
            examples.append(ocid)


def plain(report: Report) -> dict[str, Any]:
    """The report as plain data for an API or a page."""
    return {
        "source": report.source,
        "procurements": report.procurements,
        "score": report.score,
        "areas": dict(report.areas),
        "checks": [
            {
                "code": each.code,
                "area": each.area,
                "asks": each.asks,
                "asked": each.asked,
                "failed": each.failed,
                "share": round(each.share, 4),
                "examples": list(each.examples),
            }
            for each in report.results
        ],
    }
