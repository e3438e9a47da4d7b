"""The differences that were found, each with its sentence. A place is a way into the document, like
`POST /permits › body › zone`; it stands in a sentence as a name does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from market.openapi.document import Path
from market.openapi.limits import Deadline
from market.wording import N_, _

LEVELS: Final = ("breaking", "attention", "compatible")
MOST: Final = 2_000
"""Changes listed; more are not looked for."""

SENTENCES: Final = {
    "path-removed": N_("The path {route} was removed"),
    "path-added": N_("The path {route} was added"),
    "server-removed": N_("The server {url} is no longer named"),
    "operation-removed": N_("{operation} was removed"),
    "operation-added": N_("{operation} was added"),
    "operation-id-changed": N_(
        "The operationId {name} of {operation} was changed; generated clients rename a method",
    ),
    "operation-deprecated": N_("{operation} is now deprecated"),
    "parameter-removed": N_("In {operation}, the {kind} parameter {parameter} was removed"),
    "parameter-required": N_("In {operation}, the {kind} parameter {parameter} is now required"),
    "parameter-optional": N_("In {operation}, the {kind} parameter {parameter} is no longer required"),
    "parameter-added-required": N_("In {operation}, the {kind} parameter {parameter} was added and is required"),
    "parameter-added": N_("In {operation}, the {kind} parameter {parameter} was added"),
    "body-added-required": N_("{operation} now takes a body, which is required"),
    "body-added": N_("{operation} now takes a body"),
    "body-removed": N_("{operation} no longer takes a body"),
    "body-required": N_("In {operation}, the body is now required"),
    "response-removed": N_("In {operation}, the response {status} is no longer described"),
    "response-added": N_("In {operation}, the response {status} was added"),
    "header-removed": N_("{place} no longer has the header {name}"),
    "media-type-removed-sent": N_("{place} can no longer be sent as {media}"),
    "media-type-removed-received": N_("{place} can no longer be received as {media}"),
    "media-type-added-sent": N_("{place} can now also be sent as {media}"),
    "media-type-added-received": N_("{place} can now also be received as {media}"),
    "security-added": N_("{operation} was open and now needs authentication"),
    "security-removed": N_("{operation} can no longer be called with {way}"),
    "security-removed-open": N_("{operation} can no longer be called without authentication"),
    "security-widened": N_("{operation} can now be called with {way}"),
    "security-widened-open": N_("{operation} can now be called without authentication"),
    "security-scheme-changed": N_("In the security scheme {name}, {member} changed from {before} to {after}"),
    "type-changed": N_("In {place}, the type changed from {before} to {after}"),
    "format-changed": N_("In {place}, the format changed from {before} to {after}"),
    "format-removed": N_("In {place}, the format {before} was removed"),
    "format-added": N_("In {place}, the format {after} was added"),
    "enum-introduced": N_("{place} is now limited to listed values"),
    "enum-lifted": N_("{place} is no longer limited to listed values"),
    "enum-narrowed": N_("In {place}, the values {values} were removed"),
    "enum-widened": N_("In {place}, the values {values} were added"),
    "bound-changed": N_("In {place}, {name} changed from {before} to {after}"),
    "bound-removed": N_("In {place}, {name} was {before} and is no longer set"),
    "bound-added": N_("In {place}, {name} is now {after} and was not set before"),
    "pattern-changed": N_("In {place}, the pattern changed from {before} to {after}"),
    "pattern-removed": N_("In {place}, the pattern {before} was removed"),
    "pattern-added": N_("In {place}, the pattern {after} was added"),
    "unique-items": N_("In {place}, items must now differ"),
    "property-required": N_("In {place}, the property {name} is now required"),
    "property-optional": N_("In {place}, the property {name} may now be absent"),
    "property-added-required": N_("In {place}, the property {name} was added and is required"),
    "property-added": N_("In {place}, the property {name} was added"),
    "property-removed": N_("In {place}, the property {name} was removed"),
    "property-refused": N_("In {place}, the property {name} is no longer accepted"),
    "property-undescribed": N_("In {place}, the property {name} is no longer described"),
    "object-closed": N_("In {place}, other properties are no longer accepted"),
    "alternatives-removed": N_("In {place}, the alternatives of {word} were removed"),
    "alternatives-introduced": N_("In {place}, alternatives were introduced by {word}"),
    "alternative-removed": N_("In {place}, the alternative {alternative} was removed"),
    "alternative-added": N_("In {place}, the alternative {alternative} was added"),
}
"""The sentence of each change, by its code or, where a code has several, by what happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a stable code, how it touches callers, what changed in words, and where (in the new document, or
    in the old one for what was removed)."""

    code: str
    level: str
    words: str
    path: Path

    @property
    def breaking(self) -> bool:
        """Whether a caller that conformed to the old description may fail against the new."""
        return self.level == "breaking"


class Differences:
    """The changes found so far, each once, within a time."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.changes: dict[tuple[str, Path, str], Change] = {}

    def say(self, code: str, level: str, path: Path, sentence: str = "", **facts: Any) -> None:
        """Keep a change. `sentence` is its key in :data:`SENTENCES` where it is not the code."""
        self.deadline.tick()
        if len(self.changes) < MOST:
            words = _(SENTENCES[sentence or code], **facts)
            self.changes.setdefault((code, path, words), Change(code, level, words, path))

    def sorted(self) -> tuple[Change, ...]:
        """All of them: what breaks callers first, then by their places."""
        return tuple(
            sorted(
                self.changes.values(), key=lambda change: (LEVELS.index(change.level), [str(s) for s in change.path])
            )
        )
