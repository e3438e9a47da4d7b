"""Recognises the same supplier under many names, and the same procurement on several portals, and says why.

Identifiers decide first: two organisations with the same number on the same register (org-id.guide) are one, with
different numbers on one register they are two. Where identifiers are wanting, names are compared word by word: legal
forms are left out, rare words weigh more than common ones, misspellings count as what they resemble. Every answer carries
its evidence, so that an operator can judge a doubtful pair and a supplier can contest a wrong one. `bench/matching.py`
measures it, and with `--fit` finds the weights anew.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from market.portal.intake.names import common_words, identifier, name_variants, stands_for_several, words
from market.portal.intake.notices import Notice
from market.wording import _

AUTOMATIC = 0.7
"""From this score on, with a clear lead over the next candidate, two are taken for one without asking."""

DOUBTFUL = 0.2
"""From this score on a person is asked. Below it two are two."""

LEAD = 0.2
"""How far the best candidate must be ahead of the second; closer together, a person is asked."""

ALONE = 0.95
"""Where the right one may not be known yet, and nothing but the name speaks for two being one: from this score on, and with
names that agree in most of their words, they are taken for one. Found by halving the labelled names four ways; see the bench."""

UNLIKE = 60
"""Names whose words agree less than this (of 100, `token_set_ratio`) are clearly different names."""

Verdict = Literal["same", "doubtful", "different"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against: a stable code, the words for a person, and its weight (log-odds; positive is for)."""

    code: str
    words: str
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """How likely `one` and `other` are the same (0 to 1), what follows, and why."""

    one: str
    other: str
    score: float
    verdict: Verdict
    evidence: tuple[Evidence, ...]


# ── suppliers ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Supplier:
    """What is known of a supplier: every name it was met under, its register numbers, where it is, for whom it worked."""

    key: str
    names: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...] = ()
    place: str | None = None
    country: str | None = None
    buyers: frozenset[str] = frozenset()
    cpv: frozenset[str] = frozenset()


class Suppliers:
    """Known suppliers, and the answer to “do we know this one?”.

    Candidates are found through shared and similar words and shared identifiers, so one answer takes milliseconds among
    hundreds of thousands. An identifier that stands under clearly different names (a portal that gives one number to all)
    stops counting.

    Where the known ones are kept elsewhere and only candidates are given, `met` says among how many of all `total` each
    word was met, so that words weigh the same.
    """

    def __init__(
        self, known: Iterable[Supplier] = (), *, met: Callable[[str], int] | None = None, total: int = 0
    ) -> None:
        self._met, self._total = met, total
        self._known: dict[str, Supplier] = {}
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._by_start: dict[str, set[str]] = defaultdict(set)
        self._by_number: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._vocabulary: dict[str, None] = {}
        for each in known:
            self.add(each)

    def add(self, supplier: Supplier) -> None:
        """Make a supplier known; adding it again with more names adds those."""
        self._known[supplier.key] = supplier
        for name in _all_names(supplier):
            parts = words(name)
            for part in parts:
                self._by_word[part].add(supplier.key)
                self._vocabulary[part] = None
            self._by_start["".join(parts)[:5]].add(supplier.key)
        for number in supplier.identifiers:
            self._by_number[number].add(supplier.key)

    def weight(self, word: str) -> float:
        """How much a word tells: 1 for one never met, little for one that many share or that is common in any name."""
        if word in common_words():
            return 0.25
        met = self._met(word) if self._met is not None else len(self._by_word.get(word, ()))
        if met <= 1:
            return 1.0
        return max(0.25, 1.0 - 0.75 * math.log(met) / math.log(max(self._total or len(self._known), 10)))

    def candidates(self, supplier: Supplier, limit: int = 60) -> list[Supplier]:
        """Who it might be, most shared weight first. Nobody outside this list is compared."""
        shared: Counter[str] = Counter()
        for number in supplier.identifiers:
            for key in self._by_number.get(number, ()):
                shared[key] += 100
        for name in _all_names(supplier):
            parts = words(name)
            for part in parts:
                weight = self.weight(part)
                for near in (part, *self._similar(part)):
                    holders = self._by_word.get(near, ())
                    if len(holders) <= 5000:
                        for key in holders:
                            shared[key] += weight  # type: ignore[assignment]
            for key in self._by_start.get("".join(parts)[:5], ()):
                shared[key] += 1
        shared.pop(supplier.key, None)
        ordered = sorted(shared.items(), key=lambda each: (-each[1], each[0]))
        return [self._known[key] for key, _ in ordered[:limit]]

    def resolve(self, supplier: Supplier, *, young: bool = False) -> tuple[Match, ...]:
        """Whom it may be, best first; only the first can be `same`, and only with a clear lead and a name of one firm.

        `young` says that the right one may well not be known yet: then a name that stands alone, without a place or a buyer
        that agrees, must be nearly the same (:data:`ALONE`), names that agree in some words only are not enough beside a sign
        either, and another place is a reason to ask, and so is a number that stands under a clearly different name.
        """
        found = sorted(
            (self.compare(supplier, each) for each in self.candidates(supplier)),
            key=lambda each: (-each.score, each.other),
        )
        found = [each for each in found if each.score >= DOUBTFUL]
        if not found:
            return ()
        best, second = found[0], found[1].score if len(found) > 1 else 0.0
        certain = any(each.code == "identifier.same" for each in best.evidence)
        why: list[Evidence] = []
        if not certain and best.score - second < LEAD:
            why.append(
                Evidence("lead.short", _("Another supplier is nearly as likely ({second:.2f}).", second=second), 0.0)
            )
        if not certain and any(stands_for_several(name) for name in supplier.names):
            why.append(
                Evidence("name.several", _("The name stands for a joint venture, a consortium or a reseller."), 0.0)
            )
        if young and (not certain or any(each.code == "name.other" for each in best.evidence)):
            why += _wanting(best)
        if why and best.verdict == "same":
            best = Match(best.one, best.other, best.score, "doubtful", (*best.evidence, *why))
        others = (Match(each.one, each.other, each.score, "doubtful", each.evidence) for each in found[1:])
        return (best, *others)

    def compare(self, one: Supplier, other: Supplier) -> Match:
        """Two suppliers, by identifiers first, then by the pair of their names that is most alike, place and work."""
        shared = [each for each in one.identifiers if each in other.identifiers and not self._worthless(each)]
        if shared:
            scheme, number = shared[0]
            said = Evidence(
                "identifier.same",
                _("Both have the number {number} on the register {scheme}.", number=number, scheme=scheme),
                8.0,
            )
            why = _("Their names have nothing in common: one was renamed, or one number was given to several.")
            beside = (Evidence("name.other", why, 0.0),) if _clearly_unlike(one, other) else ()
            return Match(one.key, other.key, 0.999, "same", (said, *beside))
        for scheme, number in one.identifiers:
            others = [each for each in other.identifiers if each[0] == scheme]
            if others and not self._worthless((scheme, number)):
                said = Evidence(
                    "identifier.different",
                    _(
                        "On the register {scheme} they have different numbers, {number} and {others}.",
                        scheme=scheme,
                        number=number,
                        others=others[0][1],
                    ),
                    -8.0,
                )
                return Match(one.key, other.key, 0.001, "different", (said,))
        odds, evidence = max(
            (self._names(mine, theirs) for mine in _all_names(one) for theirs in _all_names(other)),
            key=lambda each: each[0],
        )
        for said in _circumstances(one, other):
            odds += said.weight
            evidence.append(said)
        score = _likelihood(odds)
        verdict: Verdict = "same" if score >= AUTOMATIC else "doubtful" if score >= DOUBTFUL else "different"
        same_words = {words(name) for name in one.names} & {words(name) for name in other.names}
        sign = {each.code for each in evidence} & {"place.same", "buyer.same"} if same_words else set()
        if verdict == "same" and not sign and not any(self._telling(name) for name in _all_names(other)):
            evidence.append(Evidence("name.common", _("The name is made of words that many suppliers share."), 0.0))
            verdict = "doubtful"
        return Match(one.key, other.key, score, verdict, tuple(sorted(evidence, key=lambda each: -abs(each.weight))))

    def _telling(self, name: str) -> bool:
        return any(word not in common_words() and len(word) > 1 for word in words(name))

    def features(self, one: str, other: str) -> dict[str, float]:
        """What the weights are about, for two names: each between 0 and 1 (`distinct` up to 1 as well)."""
        mine, theirs = words(one), words(other)
        if not mine or not theirs:
            return dict.fromkeys(WEIGHTS, 0.0)
        mine_total, theirs_total = sum(map(self.weight, mine)), sum(map(self.weight, theirs))
        covered, matched, used = 0.0, 0.0, set[int]()
        for word in theirs:
            place, alike = -1, 0.0
            for number, each in enumerate(mine):
                if number not in used and (degree := _alike(word, each)) > alike:
                    place, alike = number, degree
            if place >= 0:
                used.add(place)
                covered += self.weight(word) * alike
                matched += self.weight(mine[place]) * alike
        run, other_run = "".join(mine), "".join(theirs)
        whole = OSA.normalized_similarity(run, other_run)
        theirs_covered, mine_covered = covered / theirs_total, matched / mine_total
        distinct = min(theirs_total, 3.0) / 3.0
        head = _alike(theirs[0], mine[0])
        complete = float(theirs_covered >= 0.999)
        return {
            "constant": 1.0,
            "theirs": theirs_covered,
            "mine": mine_covered,
            "both": theirs_covered * mine_covered,
            "whole": whole,
            "nearly": float(whole >= 0.85),
            "alike": float(whole >= 0.92),
            "start": JaroWinkler.similarity(run, other_run),
            "head": head,
            "within": float(len(other_run) >= 5 and other_run in run),
            "complete": complete,
            "complete_distinct": complete * distinct,
            "head_distinct": float(head >= 0.999) * distinct * self.weight(theirs[0]),
            "single": float(len(theirs) == 1),
            "distinct": distinct,
        }

    def _names(self, one: str, other: str) -> tuple[float, list[Evidence]]:
        found = self.features(one, other)
        odds = sum(WEIGHTS[name] * value for name, value in found.items())
        if words(one) == words(other):
            told = _(
                "“{the_one}” and “{other}” have the same words but for legal forms and small words.",
                the_one=one,
                other=other,
            )
        else:
            told = _(
                "“{the_one}” and “{other}”: {theirs:.0%} of what the one says and {mine:.0%} of the other "
                "agree, letter by letter {whole:.0%}.",
                the_one=one,
                other=other,
                theirs=found["theirs"],
                mine=found["mine"],
                whole=found["whole"],
            )
        evidence = [Evidence("name.alike" if odds > 0 else "name.unlike", told, round(odds, 2))]
        if found["mine"] < 0.4 or found["theirs"] < 0.7:
            evidence.append(Evidence("name.partly", _("The names agree in some of their words only."), 0.0))
        return odds, evidence

    def _similar(self, word: str) -> list[str]:
        if len(word) < 4 or word in common_words():
            return []
        found = process.extract(
            word, self._vocabulary.keys(), scorer=OSA.normalized_similarity, score_cutoff=0.74, limit=6
        )
        return [near for near, _, _ in found if near != word]

    def _worthless(self, number: tuple[str, str]) -> bool:
        holders = self._by_number.get(number, set())
        names = [words(self._known[key].names[0]) for key in sorted(holders)[:20]]
        if len(names) < 3:
            return False
        first = " ".join(names[0])
        return sum(_far_apart(first, " ".join(each)) for each in names[1:]) >= 2


WEIGHTS: dict[str, float] = {
    "constant": -4.76,
    "theirs": 3.9,
    "mine": 1.53,
    "both": 4.63,
    "whole": -0.64,
    "nearly": 3.16,
    "alike": 0.19,
    "start": -0.38,
    "head": 1.07,
    "within": 1.34,
    "complete": 0.76,
    "complete_distinct": -0.39,
    "head_distinct": 3.04,
    "single": -0.39,
    "distinct": -2.2,
}
"""Log-odds of each feature, fitted by `python bench/matching.py --fit` on half of the labelled Canadian vendor names."""


def _circumstances(one: Supplier, other: Supplier) -> Iterator[Evidence]:
    """What speaks for or against beside the names. Judgement, not fitted: weak enough never to decide alone."""
    if one.country and other.country and one.country.casefold() != other.country.casefold():
        yield Evidence(
            "country.different",
            _("One is in {here}, the other in {there}.", here=one.country, there=other.country),
            -1.0,
        )
    if one.place and other.place:
        if one.place.casefold().strip() == other.place.casefold().strip():
            yield Evidence("place.same", _("Both are in {place}.", place=one.place), 0.5)
        else:
            yield Evidence(
                "place.different",
                _("One is in {here}, the other in {there}.", here=one.place, there=other.place),
                -0.2,
            )
    if one.buyers & other.buyers:
        yield Evidence("buyer.same", _("Both were awarded contracts by the same buyer."), 0.4)
    if one.cpv and other.cpv and not one.cpv & other.cpv:
        yield Evidence("work.different", _("What they were awarded is of different kinds."), -0.3)


def _wanting(match: Match) -> list[Evidence]:
    """What a match lacks when nobody knows whether the right one is among those compared."""
    codes = {each.code for each in match.evidence}
    if "name.other" in codes:
        return [Evidence("number.alone", _("Nothing but the number speaks for it."), 0.0)]
    if "place.different" in codes and "buyer.same" not in codes:
        return [
            Evidence("place.alone", _("They are in different places, and no other sign says that they are one."), 0.0)
        ]
    if "name.partly" not in codes and (codes & {"place.same", "buyer.same"} or match.score >= ALONE):
        return []
    return [Evidence("name.alone", _("Nothing but the name speaks for it, and the name is not near enough."), 0.0)]


def _clearly_unlike(one: Supplier, other: Supplier) -> bool:
    mine = [" ".join(words(name)) for name in _all_names(one)]
    theirs = [" ".join(words(name)) for name in _all_names(other)]
    return all(_far_apart(here, there) for here in mine for there in theirs)


def _far_apart(one: str, other: str) -> bool:
    """Whether two names in plain words are clearly different; one that is all initials of the other is not."""
    short, long = sorted((one.replace(" ", ""), other), key=len)
    initials = "".join(word[0] for word in long.split())
    return fuzz.token_set_ratio(one, other) < UNLIKE and short not in (initials, long.replace(" ", ""))


def _all_names(supplier: Supplier) -> list[str]:
    return list(dict.fromkeys(variant for name in supplier.names for variant in name_variants(name)))


def _likelihood(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


@lru_cache(maxsize=262144)
def _alike(one: str, other: str) -> float:
    """How alike two words are: 1 the same, 0 unlike; misspelt words by their letters, shortened ones ¾."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < 4:
        return 0.0
    degree = OSA.normalized_similarity(one, other)
    if degree >= 0.75:
        return degree
    return 0.75 if one.startswith(other) or other.startswith(one) else 0.0


def alike(one: str, other: str) -> float:
    """How near two names are, 0 to 100, for choosing among the names of one supplier."""
    return fuzz.ratio(" ".join(words(one)), " ".join(words(other)))


# ── procurements ─────────────────────────────────────────────────────────────────────────────────────────────────────

_LONG_NUMBER = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-z])(?:\d{4}/s \d{3}-\d{6}|\d{6}-\d{4}|\d{7,})(?![0-9a-z])",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"ocds-[0-9a-z]+-", re.IGNORECASE)
"""The publisher's prefix of an ocid: its digits say who published, not what."""


def procurement_numbers(notice: Notice) -> frozenset[str]:
    """Numbers that mean this procurement on any portal: ocids it names, and long numbers in its ocid and links."""
    texts = (notice.ocid, notice.link or "", *notice.related)
    numbers = {found.casefold() for text in texts for found in _LONG_NUMBER.findall(_PREFIX.sub("", text, count=1))}
    return frozenset(numbers | {notice.ocid.casefold()} | {each.casefold() for each in notice.related})


def procurement_keys(notice: Notice) -> frozenset[str]:
    """Under what to file a notice so that its likes are found: two notices without a common key are never compared."""
    keys = {f"n:{number}" for number in procurement_numbers(notice)}
    buyer = " ".join(sorted(words(notice.buyer.name))) if notice.buyer else ""
    if notice.closes_at:
        keys.add(f"c:{notice.closes_at:%Y-%m-%d}:{buyer[:12]}")
    if notice.value_minor:
        keys.add(f"v:{notice.value_minor}{notice.currency}:{buyer[:12]}")
    title = sorted(words(notice.title), key=lambda word: (-len(word), word))[:4]
    keys |= {f"t:{' '.join(sorted(title[:2]))}:{buyer[:12]}", f"t:{' '.join(sorted(title))}"}
    return frozenset(keys)


def compare_procurements(one: Notice, other: Notice) -> Match:
    """Whether two notices are one procurement: by shared numbers, else by buyer, title, deadline, value and CPV together.

    An ocid, a UUID or a number of an official journal decides by itself. A bare number that stands in both counts beside the
    rest, because portals number alike. Otherwise they are judged the same automatically only when buyer and title agree and a
    date or the amount does too: buyers repeat titles every year.
    """
    first, second = f"{one.source}:{one.ocid}", f"{other.source}:{other.ocid}"
    evidence = list(_procurement_evidence(one, other))
    shared = (procurement_numbers(one) & procurement_numbers(other)) - set(_too_common(one, other))
    if shared:
        number = max(shared, key=lambda each: (not each.isdigit(), len(each), each))
        if not number.isdigit() and (one.source != other.source or evidence[0].code != "title.unlike"):
            said = Evidence("number.same", _("Both name the number {number}.", number=number), 8.0)
            return Match(first, second, 0.999, "same", (said,))
        evidence.append(Evidence("number.shared", _("The number {number} stands in both.", number=number), 3.0))
    odds = -4.0 + sum(each.weight for each in evidence)
    score = _likelihood(odds)
    codes = {each.code for each in evidence}
    sure = "buyer.different" not in codes and len(codes & {"title.same", "buyer.same", "number.shared"}) >= 2
    sure = sure and bool(codes & {"closes.same", "value.same", "number.shared"})
    verdict: Verdict = "same" if score >= AUTOMATIC and sure else "doubtful" if score >= DOUBTFUL else "different"
    return Match(first, second, score, verdict, tuple(sorted(evidence, key=lambda each: -abs(each.weight))))


def by_number(match: Match) -> bool:
    """Whether two notices have a number in common; without one, two notices of a single portal are never taken for one."""
    return any(each.code in ("number.same", "number.shared") for each in match.evidence)


def _too_common(one: Notice, other: Notice) -> Iterator[str]:
    """Ocids of frameworks and plans that both merely mention make them relatives, not the same."""
    for related in set(one.related) & set(other.related):
        yield related.casefold()
        yield from (found.casefold() for found in _LONG_NUMBER.findall(_PREFIX.sub("", related, count=1)))


def _procurement_evidence(one: Notice, other: Notice) -> Iterator[Evidence]:
    title = _titles_alike(one, other)
    code = "title.same" if title >= 0.85 else "title.unlike" if title < 0.6 else "title.near"
    yield Evidence(code, _("The titles are {title:.0%} alike.", title=title), round((title - 0.6) * 10, 2))
    if one.buyer and other.buyer:
        mine, theirs = one.buyer, other.buyer
        registered = identifier(mine.scheme, mine.identifier), identifier(theirs.scheme, theirs.identifier)
        alike = fuzz.token_set_ratio(" ".join(words(mine.name)), " ".join(words(theirs.name))) / 100
        if registered[0] and registered[0] == registered[1]:
            yield Evidence("buyer.same", _("The buyer has the same register number."), 2.5)
        elif alike >= 0.9:
            yield Evidence("buyer.same", _("The buyer is {name} on both.", name=mine.name), 2.0)
        else:
            yield Evidence(
                "buyer.different",
                _("The buyers are {one} and {other}.", one=mine.name, other=theirs.name),
                round((alike - 0.9) * 6, 2),
            )
    if one.closes_at and other.closes_at:
        apart = abs((one.closes_at - other.closes_at).total_seconds()) / 86400
        if apart <= 1:
            yield Evidence("closes.same", _("They close on the same day."), 2.0)
        else:
            yield Evidence(
                "closes.different",
                _("Their deadlines are {apart:.0f} days apart.", apart=apart),
                -round(min(5.0, 0.5 + apart / 14), 2),
            )
    if one.value_minor and other.value_minor and one.currency == other.currency:
        ratio = min(one.value_minor, other.value_minor) / max(one.value_minor, other.value_minor)
        if ratio >= 0.995:
            yield Evidence("value.same", _("The amounts are the same."), 1.5)
        elif ratio < 0.8:
            yield Evidence("value.different", _("The amounts differ."), -1.0)
    if one.cpv and other.cpv:
        if {code_[:5] for code_ in one.cpv} & {code_[:5] for code_ in other.cpv}:
            yield Evidence("cpv.same", _("They are for the same kind of thing (CPV)."), 0.7)
        elif not {code_[:2] for code_ in one.cpv} & {code_[:2] for code_ in other.cpv}:
            yield Evidence("cpv.different", _("They are for different kinds of things (CPV)."), -1.5)


def _titles_alike(one: Notice, other: Notice) -> float:
    buyers = {word for each in (one.buyer, other.buyer) if each for word in words(each.name)}
    mine = [word for word in words(one.title) if word not in buyers] or list(words(one.title))
    theirs = [word for word in words(other.title) if word not in buyers] or list(words(other.title))
    if set(re.findall(r"\d+", one.title)) != set(re.findall(r"\d+", other.title)) and len(mine) + len(theirs) < 12:
        return min(0.8, fuzz.token_sort_ratio(" ".join(mine), " ".join(theirs)) / 100)
    return max(
        fuzz.token_sort_ratio(" ".join(mine), " ".join(theirs)), fuzz.ratio(" ".join(mine), " ".join(theirs))
    ) / 100  # fmt: skip
