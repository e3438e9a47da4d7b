"""A part of a document: what stands there and where, with its references followed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from market.openapi.document import Path
from market.openapi.graph import pointer_steps

MOST_TURNS: Final = 20
"""References followed from one to the next."""

_NOTHING: Final[dict[str, Any]] = {}
"""What stands where a reference leads nowhere; one object, because schemas that were compared are known by identity."""


class Part(msgspec.Struct, frozen=True):
    """What stands at `path` of a document, None where nothing does."""

    document: Any
    value: Any
    path: Path = ()

    def at(self, *steps: str | int) -> Part:
        """What stands below it, step by step; references are not followed."""
        value = self.value
        for step in steps:
            if type(value) is dict:
                value = value.get(step)
            elif type(value) is list and type(step) is int and step < len(value):
                value = value[step]
            else:
                value = None
        return Part(self.document, value, (*self.path, *steps))

    def has(self, name: str) -> bool:
        """Whether it is an object with a member of this name."""
        return type(self.value) is dict and name in self.value

    def members(self) -> dict[str, Part]:
        """The members of an object by name; none of anything else."""
        return {name: self.at(name) for name in self.value} if type(self.value) is dict else {}

    def items(self) -> list[Part]:
        """The items of a list; none of anything else."""
        return [self.at(number) for number in range(len(self.value))] if type(self.value) is list else []

    def says(self, name: str) -> bool:
        """Whether its member of this name is true."""
        return self.at(name).value is True

    def followed(self) -> Part:
        """Where its reference leads, and that one's; an empty object where they lead nowhere."""
        part = self
        for _turn in range(MOST_TURNS):
            if type(part.at("$ref").value) is not str:
                return part
            target = part._target()
            if target is None:
                break
            part = target
        return Part(self.document, _NOTHING, part.path)

    def _target(self) -> Part | None:
        pointer = self.value["$ref"]
        if not pointer.startswith("#/"):
            return None
        part = Part(self.document, self.document)
        for step in pointer_steps(pointer):
            if part.has(step):
                part = part.at(step)
            elif type(part.value) is list and step.isdigit() and len(step) < 6 and int(step) < len(part.value):
                part = part.at(int(step))
            else:
                return None
        return part
