"""The Common Procurement Vocabulary: what is bought, in 8 digits — and whether that is a commodity.

Regulation (EC) No 213/2008: the first two digits name the division, the third the group, the fourth the class, the
fifth the category; what follows makes it finer, and trailing zeros say nothing. Two codes are about the same thing when
they agree in the leading digits the policy asks for (:func:`overlaps`). The ninth digit is a check digit whose formula
is not published; it is accepted and left out, never verified.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

import msgspec
import yaml
from rapidfuzz import fuzz, process

from market import dates, policy, workdays
from market.wording import _

_FORM = re.compile(r"(\d{8})(?:-\d)?")
_EXCLUDED = re.compile(r"\(?\bexc(?:ept|l)")
_WORD = re.compile(r"[^\W_]+")
_LEVELS = {2: "division", 3: "group", 4: "class", 5: "category"}
_FILLERS = frozenset({"and", "or", "of", "for", "the", "in", "with", "to", "a", "an", "by", "on"})


class Entry(msgspec.Struct, frozen=True, order=True):
    """One code of the vocabulary, 8 digits without its check digit, and what it means in English."""

    code: str
    label: str


class Verdict(msgspec.Struct, frozen=True):
    """Whether a purchase is a commodity. `why` is a sentence for the checklist and the notice; `codes` are those that
    decided: every code of a commodity, or those that keep a purchase from being one."""

    commodity: bool
    why: str
    codes: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.commodity


@lru_cache(maxsize=1)
def _labels() -> dict[str, str]:
    with (policy.REFERENCE / "cpv.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return dict(rows)


def normal(code: str) -> str:
    """The 8 digits of a code as people write it: “72000000”, “72000000-5”, with spaces around. Refused (ValueError, with
    what to type): another shape, or a code that is not in the vocabulary."""
    match = _FORM.fullmatch(code.strip())
    if not match:
        raise ValueError(f"Enter a CPV code of 8 digits, like 72000000 or 72000000-5, not “{code.strip()[:40]}”")
    if match[1] not in _labels():
        raise ValueError(f"{match[1]} is not in the Common Procurement Vocabulary; search by words to find the code")
    return match[1]


def known(code: str) -> bool:
    """Whether `code` is written like a CPV code and is in the vocabulary."""
    match = _FORM.fullmatch(code.strip())
    return match is not None and match[1] in _labels()


def label(code: str) -> str:
    """What the code means, in English. Unknown codes are refused (ValueError)."""
    return _labels()[normal(code)]


def named(code: str) -> str:
    """A code, or the two digits of a division, with what it means, as pages show it: “Sensors (35125100)”; what is not in
    the vocabulary stays as it was written."""
    whole = code.strip().ljust(8, "0")
    return f"{label(whole)} ({code.strip()})" if known(whole) else code


def digits(code: str) -> str:
    """The digits that say something: trailing zeros dropped, at least the two of the division kept."""
    plain = normal(code)
    return plain[:2] + plain[2:].rstrip("0")


def path(code: str) -> tuple[str, ...]:
    """The code and everything it belongs to, broadest first: division, group, class … itself. For search facets."""
    full, labels = digits(code), _labels()
    steps = (full[:length].ljust(8, "0") for length in range(2, len(full) + 1))
    return tuple(dict.fromkeys(step for step in steps if step in labels))


def parent(code: str) -> str | None:
    """The next broader code that exists; None for a division."""
    steps = path(code)
    return steps[-2] if len(steps) > 1 else None


def division(code: str) -> str:
    """The code of the division, the broadest level: the first two digits."""
    return normal(code)[:2] + "000000"


def children(code: str | None = None) -> tuple[Entry, ...]:
    """The codes directly below `code`, or the divisions; in the order of their numbers."""
    return _children().get(normal(code) if code else None, ())


@lru_cache(maxsize=1)
def _children() -> dict[str | None, tuple[Entry, ...]]:
    below: dict[str | None, list[Entry]] = {}
    for code, words in _labels().items():
        below.setdefault(parent(code), []).append(Entry(code, words))
    return {code: tuple(entries) for code, entries in below.items()}


def level_name(length: int) -> str:
    """What a number of leading digits is called: 2 division, 3 group, 4 class, 5 category."""
    return _LEVELS.get(length, f"first {length} digits")


def overlaps(a: Iterable[str], b: Iterable[str], length: int = policy.IN_FORCE.gate.overlap_digits) -> tuple[str, ...]:
    """The parts of the vocabulary that codes of `a` and codes of `b` share at a level (3 digits: the group), as codes.

    Empty, hence false, when they share none. A code too general for the level only meets codes just as general: an
    exercise on “IT services” as a whole does not open the gate for each thing within them.
    """
    if not 2 <= length <= 8:
        raise ValueError("codes are compared by 2 to 8 leading digits")
    shared = {normal(code)[:length] for code in a} & {normal(code)[:length] for code in b}
    return tuple(sorted(start.ljust(8, "0") for start in shared))


def touches(one: str, other: str, length: int = policy.IN_FORCE.gate.exercise_digits) -> bool:
    """Whether two codes have anything in common: they agree at the level, or one of them is so general that it holds the
    other. Wider than :func:`overlaps`, for what must not be escaped by a broader or a finer code."""
    mine, theirs = digits(one), digits(other)
    return normal(one)[:length] == normal(other)[:length] or mine.startswith(theirs) or theirs.startswith(mine)


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"exceptions": "except"}):
    code: str
    review: date
    why: str
    exceptions: tuple[_Exception, ...] = ()


class _Exception(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    why: str


class Standing(msgspec.Struct, frozen=True):
    """What the reviewed list says of one part of the vocabulary: commodity or exception, why, and the day by which a commodity
    is looked at again."""

    code: str
    commodity: bool
    why: str
    review: date | None


@lru_cache(maxsize=1)
def commodity_list() -> tuple[Standing, ...]:
    """The reviewed list of commodities and its exceptions, in the order of the codes, to be shown and argued about."""
    tree = yaml.safe_load((policy.REFERENCE / "commodities.yaml").read_text(encoding="utf-8"))
    found = []
    for group in msgspec.convert(tree["groups"], tuple[_Group, ...]):
        found.append(Standing(normal(group.code), True, group.why, group.review))
        for each in group.exceptions:
            if not digits(each.code).startswith(digits(group.code)):
                raise ValueError(f"{each.code} is listed as an exception of {group.code} but is not below it")
            found.append(Standing(normal(each.code), False, each.why, None))
    return tuple(sorted(found, key=lambda standing: standing.code))


@lru_cache(maxsize=1)
def _standings() -> dict[str, Standing]:
    return {digits(standing.code): standing for standing in commodity_list()}


def standing(code: str) -> Standing | None:
    """What the list says of `code`: the entry with the longest matching code decides; None where it says nothing."""
    full = normal(code)
    for length in range(8, 1, -1):
        if found := _standings().get(full[:length]):
            return found
    return None


def overdue(now: datetime) -> list[Standing]:
    """The lines of the list whose day of review is over, for those who look after it."""
    today = workdays.local_day(now)
    return [each for each in commodity_list() if each.review is not None and each.review < today]


def counts(entry: Standing | None, now: datetime) -> bool:
    """Whether a line makes a commodity now: not an exception, and not longer past its review than the policy allows. What
    nobody has looked at again for so long frees nothing."""
    if entry is None or entry.review is None:
        return False
    end = workdays.end_of_day(entry.review)
    return not workdays.is_over(workdays.add_months(end, policy.IN_FORCE.gate.commodity_grace_months), now)


def is_commodity(codes: Iterable[str], now: datetime) -> Verdict:
    """Whether a purchase with these CPV codes is a commodity now: only when every one of them is on the reviewed list.

    One part that is not standard makes the whole worth exploring. No code at all is no commodity: nothing was said.
    Unknown codes are refused (ValueError).
    """
    wanted = tuple(dict.fromkeys(normal(code) for code in codes))
    if not wanted:
        return Verdict(False, _("No CPV code says what is bought, so it cannot be taken for a commodity."), ())
    found = {code: standing(code) for code in wanted}
    others = tuple(code for code, entry in found.items() if not counts(entry, now))
    if not others:
        reasons = dict.fromkeys(entry.why for entry in found.values() if entry)
        return Verdict(True, " ".join(reasons), wanted)
    parts = []
    for code in others:
        entry = found[code]
        reason = entry.why if entry else _("It is not on the list of commodities.")
        if entry is not None and entry.review is not None:
            reason = _(
                "Its line on the list was to be reviewed by {day}, and has not been.", day=dates.day(entry.review)
            )
        parts.append(_("{code} ({label}) is not a commodity. {reason}", code=code, label=label(code), reason=reason))
    return Verdict(False, " ".join(parts), others)


def search(words: str, limit: int = 20) -> tuple[Entry, ...]:
    """Codes for a picker, best first. Digits find codes that begin with them; words find labels in which each of them
    begins a word — or, where no label has them all, most of them — a slip of the keyboard forgiven. Exact words come
    before beginnings, broader codes before finer ones; what a label excludes (“except software”) is not found by it."""
    asked = words.strip().casefold()
    if re.fullmatch(r"\d{1,8}(-\d)?", asked):
        start = asked[:8]
        return tuple(Entry(code, text) for code, text in _labels().items() if code.startswith(start))[:limit]
    terms = [_stem(term) for term in _WORD.findall(asked) if term not in _FILLERS]
    if not terms:
        return ()
    places, vocabulary = _index()
    found: list[dict[str, int]] = []
    for term in terms:
        costs = {code: 1 for token in _beginning(term) for code in places[token]}
        costs |= dict.fromkeys(places.get(term, ()), 0)
        if not costs and len(term) > 3:
            near = process.extract(term, vocabulary, scorer=fuzz.ratio, limit=3, score_cutoff=78)
            costs = {code: 2 for token, *_cost in near for code in places[token]}
        found.append(costs)
    labels = _labels()
    met = Counter(code for costs in found for code in costs)
    most = max(met.values(), default=0)
    ranked = sorted(
        (sum(costs.get(code, 0) for costs in found), len(digits(code)), len(labels[code]), code)
        for code, terms_met in met.items()
        if terms_met == most
    )
    return tuple(Entry(code, labels[code]) for *_order, code in ranked[:limit])


def _stem(word: str) -> str:
    """A plural read as its singular, so that “vehicle” and “vehicles” are one word: enough for labels, no grammar."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, list[str]], list[str]]:
    places: dict[str, list[str]] = {}
    for code, text in _labels().items():
        for token in {_stem(word) for word in _WORD.findall(_EXCLUDED.split(text.casefold())[0])}:
            places.setdefault(token, []).append(code)
    return places, sorted(places)


def _beginning(term: str) -> list[str]:
    _places, vocabulary = _index()
    first = bisect_left(vocabulary, term)
    last = bisect_left(vocabulary, term + "\uffff")
    return vocabulary[first:last]
