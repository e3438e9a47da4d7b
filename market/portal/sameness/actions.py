"""What operators decide about procurements: whether two notices are one, and that joined ones are two after all."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.columns import new_ref
from market.db import find, many, transaction
from market.portal import rules
from market.portal.sameness import joining
from market.portal.sameness.grouping import hold
from market.portal.tables import (
    DoubtfulPair,
    ImportedNotice,
    NoticeMerge,
)
from market.refusals import insist
from market.wording import N_


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """The answer about a doubtful pair."""

    same: Annotated[bool, Meta(title=N_("Whether they are one procurement"))]


async def decide(actor: Actor, ref: str, given: Decision) -> DoubtfulPair:
    """Say whether a doubtful pair is one procurement. Joined, the two are shown as one from now on."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        await hold()
        pair = await find(DoubtfulPair, DoubtfulPair.ref == ref, lock=True)
        insist(rules.DECIDE, pair)
        now = clock.now()
        pair.same, pair.answered_at, pair.answered_by = given.same, now, actor.person
        await pair.save([DoubtfulPair.same, DoubtfulPair.answered_at, DoubtfulPair.answered_by])
        one = await find(ImportedNotice, ImportedNotice.id == pair.one)
        other = await find(ImportedNotice, ImportedNotice.id == pair.other)
        if given.same:
            await many(
                "INSERT INTO notice_merge (ref, one, other, score, evidence, at, by) VALUES ({}, {}, {}, {}, {}, {}, {}) "
                "ON CONFLICT (one, other) DO UPDATE SET undone_at = NULL, undone_by = NULL, at = excluded.at, by = excluded.by",
                new_ref("NM"), pair.one, pair.other, pair.score, pair.evidence, now, actor.person,
            )  # fmt: skip
            await joining.regroup([one.id], now)
        await record(
            actor,
            "notice.joined" if given.same else "notice.kept-apart",
            f"notice:{one.ref}",
            {"with": other.ref},
            about=[f"notice:{other.ref}"],
            organisation=acting_for,
        )
    return pair


async def undo(actor: Actor, ref: str) -> NoticeMerge:
    """Take two joined notices apart. They are never joined again by themselves."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        await hold()
        merge = await find(NoticeMerge, NoticeMerge.ref == ref, lock=True)
        insist(rules.UNDO, merge)
        now = clock.now()
        merge.undone_at, merge.undone_by = now, actor.person
        await merge.save([NoticeMerge.undone_at, NoticeMerge.undone_by])
        await joining.regroup([merge.one, merge.other], now)
        one = await find(ImportedNotice, ImportedNotice.id == merge.one)
        other = await find(ImportedNotice, ImportedNotice.id == merge.other)
        await record(
            actor,
            "notice.parted",
            f"notice:{one.ref}",
            {"from": other.ref},
            about=[f"notice:{other.ref}"],
            organisation=acting_for,
        )
    return merge
