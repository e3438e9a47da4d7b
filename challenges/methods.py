"""The approved ways to run an innovation exercise, as data: stages, legal basis, when to use which, and what is paid.

The list is `fixtures/reference/methods.yaml`, kept by the operator. A challenge names its method by code; what follows —
which stages it has, in which of them money is owed, whether its conclusion opens the gate — is read here, so that a new
method is a new entry and not new code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec
import yaml

from market import policy
from market.refusals import NotFound

Pay = Literal["nothing", "fee", "milestone", "grant"]


class Basis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provision an exercise of this kind rests on, and what it says in a sentence."""

    law: str
    section: str
    says: str


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a method: what happens, how many weeks it typically takes (shortest, longest), and what is paid in it."""

    code: str
    name: str
    what: str
    weeks: tuple[int, int]
    pay: Pay


class Method(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An approved kind of exercise. `counts`: whether its conclusion is evidence for the gate."""

    code: str
    name: str
    summary: str
    when: str
    not_when: str
    counts: bool
    paid: str
    legal_basis: tuple[Basis, ...]
    stages: tuple[Stage, ...]

    @property
    def weeks(self) -> tuple[int, int]:
        """How long the whole typically takes, in weeks: the shortest and the longest."""
        return sum(stage.weeks[0] for stage in self.stages), sum(stage.weeks[1] for stage in self.stages)

    @property
    def paid_stages(self) -> tuple[Stage, ...]:
        """The stages in which suppliers are paid."""
        return tuple(stage for stage in self.stages if stage.pay != "nothing")


@lru_cache(maxsize=1)
def _methods() -> dict[str, Method]:
    rows = yaml.safe_load((policy.REFERENCE / "methods.yaml").read_text(encoding="utf-8"))
    return {each.code: each for each in msgspec.convert(rows, tuple[Method, ...])}


def methods() -> tuple[Method, ...]:
    """All approved methods in the order of the list, the most usual first."""
    return tuple(_methods().values())


def approved(code: str) -> bool:
    """Whether a method of this code is on the list."""
    return code in _methods()


def method(code: str) -> Method:
    """One method. A code that is not on the list is refused (KeyError): an exercise nobody approved opens no gate."""
    return _methods()[code]


def named(code: str) -> Method:
    """One method, for whoever asks for it by its code; one that is not on the list is not there (404)."""
    if not approved(code):
        raise NotFound("Method")
    return method(code)
