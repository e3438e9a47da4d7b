"""Profiles: immutable versions of a standard that a buyer can name in a tender.

A profile is a ruleset in the Spectral format, and for each rule a card: its tier (gate decides, advisory is told, and
from which date an advisory rule becomes a gate), the reason in plain words with its source, how to mend a finding, and
two passing and two failing examples, which are the rule's tests and its documentation. The digest covers all that can
change an outcome; two profiles with one digest decide alike.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from market.openapi.document import Unreadable, load
from market.openapi.graph import pointer_steps
from market.openapi.ruleset import Ruleset, RulesetRefused, read
from market.proof import canonical
from market.wording import _

SHIPPED = File(__file__).parents[3] / "fixtures" / "standards" / "profiles"
TIERS = ("gate", "advisory")
ALWAYS = ("parser", "invalid-ref", "unrecognized-format")
"""Codes the engine itself reports, in every profile."""


class NoSuchProfile(Exception):
    """There is no profile, or no version of it, of this name."""


@dataclass(frozen=True, slots=True)
class Example:
    """The base document of the profile with values put in or dropped, by JSON pointer."""

    put: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def document(self, base: Any) -> Any:
        """The whole example."""
        made = copy.deepcopy(base)
        for pointer in self.drop:
            holder, key = _holder(made, pointer)
            del holder[key]
        for pointer, value in self.put.items():
            holder, key = _holder(made, pointer)
            if isinstance(holder, list) and key == len(holder):
                holder.append(copy.deepcopy(value))
            else:
                holder[key] = copy.deepcopy(value)
        return made


def _holder(data: Any, pointer: str) -> tuple[Any, Any]:
    steps = pointer_steps("#" + pointer)
    here = data
    for step in steps[:-1]:
        here = here[int(step)] if isinstance(here, list) else here[step]
    return here, int(steps[-1]) if isinstance(here, list) else steps[-1]


@dataclass(frozen=True, slots=True)
class Card:
    """What a rule means. `kind` is document (checked on the text), change (against the version before) or live."""

    rule: str
    tier: str
    title: str
    why: str
    mend: str
    source: str = ""
    source_url: str = ""
    number: int = 0
    kind: str = "document"
    gate_from: date | None = None
    passing: tuple[Example, ...] = ()
    failing: tuple[Example, ...] = ()

    def tier_on(self, day: date) -> str:
        """The tier on a day: an advisory rule is a gate from its date on."""
        if self.gate_from is not None and day >= self.gate_from:
            return "gate"
        return self.tier


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of a profile. Nothing in it changes after it is published; a change is a new version."""

    name: str
    version: str
    title: str
    says: str
    effective_on: date
    text: str
    cards: Mapping[str, Card]
    base: Any
    ruleset: Ruleset
    digest: str

    @property
    def label(self) -> str:
        """`uk-core 1.0.0`."""
        return f"{self.name} {self.version}"

    def tier(self, rule: str, severity: str, day: date) -> str:
        """The tier of a finding on a day. Faults of the text itself gate by their severity; rules without a card do not."""
        card = self.cards.get(rule)
        if card is not None:
            return card.tier_on(day)
        if rule in ALWAYS:
            return "gate" if severity == "error" else "advisory"
        return "gate" if severity == "error" else "advisory"

    def of_kind(self, kind: str) -> list[Card]:
        """The cards of the rules checked on the document, on a change, or live."""
        return [card for card in self.cards.values() if card.kind == kind]


def digest_of(name: str, version: str, effective_on: date, text: str, cards: Mapping[str, Card]) -> str:
    """The digest of what can change an outcome: name, version, date, ruleset text, tier and date of each rule."""
    facts: dict[str, canonical.Plain] = {
        "name": name,
        "version": version,
        "effective_on": effective_on.isoformat(),
        "ruleset": text,
        "rules": {
            card.rule: {
                "tier": card.tier,
                "kind": card.kind,
                "gate_from": card.gate_from.isoformat() if card.gate_from else None,
            }
            for card in cards.values()
        },
    }
    return "sha256:" + hashlib.sha256(canonical.encode(facts)).hexdigest()


def compose(ruleset_text: str, description: str, library: Mapping[str, str] | None = None) -> Profile:
    """A profile from its two texts. Raises :class:`RulesetRefused` naming everything that is wrong: an unknown rule on
    a card, a rule that runs without a card, a tier that is none, a missing reason."""
    try:
        told = load(description.encode()).data
    except Unreadable as error:
        raise RulesetRefused([_("the description cannot be read: {reason}", reason=error.reason)]) from None
    ruleset = read(ruleset_text, library)
    problems: list[str] = []
    if type(told) is not dict:
        raise RulesetRefused(["the description is not an object"])
    for key in ("name", "version", "title", "effective_on", "says", "rules"):
        if not told.get(key):
            problems.append(_("the description lacks {key}", key=key))
    if problems:
        raise RulesetRefused(problems)
    sources = told.get("sources") or {}
    cards: dict[str, Card] = {}
    for group, standing in (("rules", "document"), ("checks", "")):
        for rule, given in (told.get(group) or {}).items():
            card = _card(rule, given, standing, sources, problems)
            if card is not None:
                cards[rule] = card
    running = {rule.name for rule in ruleset.enabled()}
    for rule in sorted(running - set(cards)):
        problems.append(_("the rule {rule} runs but is not described", rule=rule))
    for rule, card in cards.items():
        if card.kind == "document" and rule not in running:
            problems.append(_("the rule {rule} is described but does not run", rule=rule))
    try:
        effective = date.fromisoformat(str(told["effective_on"]))
    except ValueError:
        problems.append("effective_on is not a date")
    if problems:
        raise RulesetRefused(problems)
    name, version = str(told["name"]), str(told["version"])
    return Profile(
        name=name,
        version=version,
        title=str(told["title"]),
        says=str(told["says"]),
        effective_on=effective,
        text=ruleset_text,
        cards=cards,
        base=told.get("base"),
        ruleset=ruleset,
        digest=digest_of(name, version, effective, ruleset_text, cards),
    )


def _card(rule: str, given: Any, standing: str, sources: Any, problems: list[str]) -> Card | None:
    if type(given) is not dict:
        problems.append(_("the description of {rule} is not an object", rule=rule))
        return None
    kind = str(given.get("kind") or standing)
    if given.get("tier") not in TIERS:
        problems.append(_("the tier of {rule} is neither gate nor advisory", rule=rule))
    for key in ("title", "why", "mend"):
        if not given.get(key):
            problems.append(_("the description of {rule} lacks {key}", rule=rule, key=key))
    gate_from = None
    if given.get("gate_from"):
        try:
            gate_from = date.fromisoformat(str(given["gate_from"]))
        except ValueError:
            problems.append(_("gate_from of {rule} is not a date", rule=rule))
    source = sources.get(given.get("source")) if type(sources) is dict else None
    if type(source) is not dict:
        problems.append(_("the source of {rule} is not in sources", rule=rule))
        source = {}
    return Card(
        rule=rule,
        tier=str(given.get("tier")),
        title=str(given.get("title")),
        why=str(given.get("why")),
        mend=str(given.get("mend")),
        source=str(source.get("title", "")),
        source_url=str(source.get("url", "")),
        number=int(given.get("number") or 0),
        kind=kind,
        gate_from=gate_from,
        passing=_examples(given.get("passing")),
        failing=_examples(given.get("failing")),
    )


def _examples(given: Any) -> tuple[Example, ...]:
    if type(given) is not list:
        return ()
    return tuple(Example(each.get("put") or {}, tuple(each.get("drop") or ())) for each in given if type(each) is dict)


def shipped() -> list[tuple[str, str]]:
    """Name and version of every profile that comes with the product, newest version of each last."""
    return sorted(
        ((place.parent.name, place.name) for place in SHIPPED.glob("*/*/") if (place / "profile.yaml").is_file()),
        key=lambda pair: (pair[0], version_key(pair[1])),
    )


def version_key(version: str) -> tuple[int, ...]:
    """Sorts versions by their numbers."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("-")[0].split("."))


@lru_cache(maxsize=32)
def profile(name: str, version: str | None = None) -> Profile:
    """A shipped profile; without a version the newest, and `name@version` names one. Raises :class:`NoSuchProfile`."""
    name, _at, after = name.partition("@")
    version = version or after or None
    known = [pair for pair in shipped() if pair[0] == name and version in (None, pair[1])]
    if not known:
        names = ", ".join(sorted({f"{one}@{two}" for one, two in shipped()}))
        label = f"{name}@{version}" if version else name
        raise NoSuchProfile(_("There is no profile {name}. There are: {names}.", name=label, names=names))
    place = SHIPPED / known[-1][0] / known[-1][1]
    return compose(
        (place / "ruleset.yaml").read_text(encoding="utf-8"), (place / "profile.yaml").read_text(encoding="utf-8")
    )
