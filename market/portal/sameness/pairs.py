"""What a person decides about two things that may be one, and its undoing: alike for notices and for suppliers.

Who may, what is shown together afterwards and what the log says is said by the actions that call this, in their transaction."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from market import clock
from market.actor import Actor
from market.columns import new_ref
from market.db import find, many
from market.portal import rules
from market.portal.sameness.grouping import hold
from market.portal.tables import (
    DoubtfulPair,
    DoubtfulSuppliers,
    ImportedNotice,
    ImportedSupplier,
    NoticeMerge,
    SupplierMerge,
)
from market.refusals import insist
from market.wording import N_

Doubtful = TypeVar("Doubtful", DoubtfulPair, DoubtfulSuppliers)
Merge = TypeVar("Merge", NoticeMerge, SupplierMerge)
Thing = TypeVar("Thing", ImportedNotice, ImportedSupplier)
Sides = DoubtfulPair | DoubtfulSuppliers | NoticeMerge | SupplierMerge


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """The answer about a doubtful pair."""

    same: Annotated[bool, Meta(title=N_("Whether the two are one"))]


async def doubtful(table: type[Doubtful], ref: str) -> Doubtful:
    """The pair of this reference, locked, which nobody has decided; nobody else joins or parts until the transaction ends."""
    await hold()
    pair = await find(table, table.ref == ref, lock=True)
    insist(rules.DECIDE, pair)
    return pair


async def joined(table: type[Merge], ref: str) -> Merge:
    """The joining of this reference, locked; nobody else joins or parts until the transaction ends."""
    await hold()
    return await find(table, table.ref == ref, lock=True)


async def answer(actor: Actor, pair: DoubtfulPair | DoubtfulSuppliers, same: bool) -> None:
    """Keep whether the two are one, and join them when they are, also when they were parted before."""
    now = clock.now()
    pair.same, pair.answered_at, pair.answered_by = same, now, actor.person
    await pair.save(["same", "answered_at", "answered_by"])
    if same:
        merges, prefix = ("notice_merge", "NM") if isinstance(pair, DoubtfulPair) else ("supplier_merge", "SM")
        await many(
            f"INSERT INTO {merges} (ref, one, other, score, evidence, at, by) VALUES ({{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}) "  # noqa: S608 - one of two tables of ours
            "ON CONFLICT (one, other) DO UPDATE SET undone_at = NULL, undone_by = NULL, at = excluded.at, by = excluded.by",
            new_ref(prefix), pair.one, pair.other, pair.score, pair.evidence, now, actor.person,
        )  # fmt: skip


async def take_apart(actor: Actor, merge: NoticeMerge | SupplierMerge) -> None:
    """Keep that the two are shown apart; it is remembered, so that they are never joined again by themselves."""
    insist(rules.UNDO, merge)
    merge.undone_at, merge.undone_by = clock.now(), actor.person
    await merge.save(["undone_at", "undone_by"])


async def refs(table: type[Thing], pair: Sides) -> tuple[str, str]:
    """The references of the two, the one that came first before the other."""
    one, other = await find(table, table.id == pair.one), await find(table, table.id == pair.other)
    return one.ref, other.ref
