"""What changed between two versions of an API's description, in plain words, and whether it breaks those who call it.

A change is judged from the caller's side. What callers send may only be asked less strictly; what they receive may only
be promised more strictly. `breaking` changes make a conforming caller fail; `attention` changes may surprise one;
`compatible` changes cannot. Semantic Versioning 2.0.0, item 8, asks for a new major version when a change breaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from market.nesting import TooDeep
from market.openapi.document import Unreadable, load
from market.openapi.limits import Deadline, OutOfTime, run_seconds
from market.standards.checking.changes.differences import Change, Differences
from market.standards.checking.changes.operations import Operations
from market.standards.checking.changes.parts import Part
from market.standards.checking.outcome import Finding
from market.standards.checking.profiles import Profile
from market.wording import _


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes between two documents, their versions, and why nothing could be compared where that is so."""

    changes: tuple[Change, ...]
    old_version: str
    new_version: str
    reason: str = ""

    @property
    def breaking(self) -> list[Change]:
        """The changes that break callers."""
        return [change for change in self.changes if change.breaking]

    @property
    def new_major(self) -> bool:
        """Whether the new version announces a break: a higher major version, or both below 1.0.0 with a higher minor
        (Semantic Versioning, item 4: anything may change below 1.0.0)."""
        old, new = _numbers(self.old_version), _numbers(self.new_version)
        if old[0] == 0 and new[0] == 0:
            return new[:2] > old[:2]
        return new[0] > old[0]


def _numbers(version: str) -> tuple[int, int, int]:
    match = re.match(r"\D{0,3}(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    if match is None:
        return 0, 0, 0
    return int(match.group(1)), int(match.group(2) or 0), int(match.group(3) or 0)


def compare_files(old: bytes, new: bytes) -> Comparison:
    """Compare two documents as they were lodged. What cannot be read is a reason, never an exception."""
    try:
        before, after = load(old).data, load(new).data
    except Unreadable as error:
        return Comparison((), "", "", error.reason)
    return compare(before, after, run_seconds(len(old) + len(new)))


def compare(old: Any, new: Any, seconds: float = 5.0) -> Comparison:
    """Compare two documents as data."""
    if type(old) is not dict or type(new) is not dict:
        return Comparison((), "", "", _("One of the two is not an OpenAPI document."))
    before, after = Part(old, old), Part(new, new)
    differences = Differences(Deadline(seconds, "the comparison"))
    reason = ""
    try:
        Operations(before, after, differences).compare()
    except OutOfTime:
        reason = _("The comparison did not finish in its time.")
    except TooDeep:
        reason = _("The documents nest too deep to be compared.")
    return Comparison(differences.sorted(), _version(before), _version(after), reason)


def findings(comparison: Comparison, against: Profile) -> list[Finding]:
    """The findings of a change under a profile: each breaking change without a new major version, where the profile has
    a rule about changes."""
    cards = against.of_kind("change")
    if not cards or comparison.new_major:
        return []
    card = cards[0]
    return [
        Finding(
            rule=card.rule,
            tier=card.tier,
            severity="error",
            path=list(change.path),
            message=change.words,
            detail=_(
                "{words} (version {old_version} to {new_version})",
                words=change.words,
                old_version=comparison.old_version,
                new_version=comparison.new_version,
            ),
            title=card.title,
            why=card.why,
            source=card.source,
            source_url=card.source_url,
            mend=card.mend,
        )
        for change in comparison.breaking
    ]


def _version(document: Part) -> str:
    info = document.at("info")
    return str(info.value.get("version", "")) if type(info.value) is dict else ""
