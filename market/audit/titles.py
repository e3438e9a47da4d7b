"""The public titles of records of every kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from market.kinds import KINDS
from market.reads import rows


class _Titled(msgspec.Struct, frozen=True):
    kind: str
    ref: str
    title: str


_TITLED: Final = [name for name, kind in KINDS.items() if kind.titles]
_TITLES: Final = " UNION ALL ".join(
    f"SELECT '{name}' AS kind, ref, title FROM ({KINDS[name].titles}) titled WHERE title <> ''"  # noqa: S608 - constants
    for name in _TITLED
)


async def titles_of(subjects: Collection[str]) -> dict[str, str]:
    """Public titles of these `kind:reference`s, as far as they have one."""
    refs = [sorted(each.partition(":")[2] for each in subjects if each.startswith(f"{name}:")) for name in _TITLED]
    titled = await rows(_Titled, _TITLES, *refs) if any(refs) else []
    return {f"{each.kind}:{each.ref}": each.title for each in titled}
