"""What a profile version needs before it is published."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from market.refusals import rule
from market.standards.rules import OWN
from market.wording import _

LABEL: Final = re.compile(r"([a-z][a-z0-9-]{1,58})@(\d{1,6}(?:\.\d{1,6}){0,2}(?:-[a-z0-9.]{1,20})?)")
"""How a profile version is named: `name@version`; `name@1` means the newest 1.x."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What is known when a profile version is published; `problems` are what the engine refuses of its texts."""

    name: str
    version: str
    problems: Sequence[str]
    published: Sequence[str]
    newest: bool


@rule("standard.cannot-run", field="ruleset", source=OWN)
def the_engine_can_run_it(publishing: Publishing) -> str | None:
    """A rule nobody can run decides nothing: functions the engine lacks, and rules without a card, are refused."""
    return (
        _("This cannot be published: {problems}.", problems="; ".join(publishing.problems[:12]))
        if publishing.problems
        else None
    )


@rule("standard.version-taken", field="description", source=OWN)
def is_a_new_version(publishing: Publishing) -> str | None:
    """A published version never changes; what changes is a new version."""
    if publishing.version and publishing.version in publishing.published:
        return _(
            "{name} {version} is published already and stays as it is. Give a new version.",
            name=publishing.name,
            version=publishing.version,
        )
    return None


@rule("standard.version-older", field="description")
def is_newer_than_the_last(publishing: Publishing) -> str | None:
    """Versions go up."""
    if publishing.problems or publishing.newest or publishing.version in publishing.published:
        return None
    return _("Give a version higher than those published.")


PUBLISH = (the_engine_can_run_it, is_a_new_version, is_newer_than_the_last)
"""For publishing a profile version."""
