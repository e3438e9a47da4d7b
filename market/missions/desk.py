"""What a minister's desk says of the missions of her department."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from market.reads import rows


class Aim(msgspec.Struct, frozen=True):
    """A published mission and until when it runs."""

    id: int
    ref: str
    title: str
    ends_on: date


async def missions_of(bodies: Sequence[int]) -> list[Aim]:
    """The published missions of these bodies, those that end first at the head."""
    return await rows(
        Aim,
        "SELECT id, ref, title, ends_on FROM mission WHERE owner = ANY({}::int[]) AND published_at IS NOT NULL ORDER BY ends_on",
        list(bodies),
    )
