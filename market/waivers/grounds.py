"""The grounds of a waiver: a reviewed list, each with why it is a reason and the provision it is modelled on."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import yaml

from market import policy


class Ground(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ground. `asks` tells the buyer what to show; `names_an_exercise` wants the reference of the one relied on."""

    label: str
    why: str
    asks: str
    source: str
    names_an_exercise: bool = False


@lru_cache(maxsize=1)
def grounds() -> dict[str, Ground]:
    """Every ground by its code, in the order of the list."""
    tree = yaml.safe_load((policy.REFERENCE / "waiver_grounds.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(tree, dict[str, Ground])


def label(code: str) -> str:
    """What the ground is called; the code itself when a list of later years no longer has it."""
    found = grounds().get(code)
    return found.label if found else code
