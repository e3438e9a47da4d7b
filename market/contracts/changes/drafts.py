"""A change of a contract as it is typed or sent."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from market.wording import N_


class ChangeDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A change: its coded ground (`market.contracts.changes.rules.GROUNDS`), what and why in words, how the ground is met, the
    words it relies on where the ground asks for them, and where it applies a new last day or one added milestone (without
    VAT). `same` states that nature and scope stay, `standstill` that nothing takes effect before a voluntary standstill."""

    ground: Annotated[str, Meta(title=N_("Ground"), max_length=30)]
    text: Annotated[str, Meta(title=N_("What changes and why"), max_length=8000)]
    reasons: Annotated[str, Meta(title=N_("How the ground is met"), max_length=8000)] = ""
    clause: Annotated[str, Meta(title=N_("The words it relies on"), max_length=2000)] = ""
    same: Annotated[bool, Meta(title=N_("Nature and scope stay"))] = False
    standstill: Annotated[bool, Meta(title=N_("Standstill"))] = False
    new_ends_on: Annotated[date | None, Meta(title=N_("New last day"))] = None
    milestone_title: Annotated[str, Meta(title=N_("Added milestone"), max_length=300)] = ""
    milestone_due_on: Annotated[date | None, Meta(title=N_("Due"))] = None
    milestone_minor: Annotated[int, Meta(title=N_("Amount"), ge=0, le=10**13)] = 0
