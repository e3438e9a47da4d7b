"""What operators decide about procurements: whether two notices are one, and that joined ones are two after all."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.db import transaction
from market.portal.sameness import joining, pairs
from market.portal.tables import DoubtfulPair, ImportedNotice, NoticeMerge


async def decide(actor: Actor, ref: str, given: pairs.Decision) -> DoubtfulPair:
    """Say whether a doubtful pair is one procurement. Joined, the two are shown as one from now on."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        pair = await pairs.doubtful(DoubtfulPair, ref)
        await pairs.answer(actor, pair, given.same)
        if given.same:
            await joining.regroup([pair.one], clock.now())
        one, other = await pairs.refs(ImportedNotice, pair)
        await record(
            actor,
            "notice.joined" if given.same else "notice.kept-apart",
            f"notice:{one}",
            {"with": other},
            about=[f"notice:{other}"],
            organisation=acting_for,
        )
    return pair


async def take_apart(actor: Actor, ref: str) -> NoticeMerge:
    """Take two joined notices apart. They are never joined again by themselves."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        merge = await pairs.joined(NoticeMerge, ref)
        await pairs.take_apart(actor, merge)
        await joining.regroup([merge.one, merge.other], clock.now())
        one, other = await pairs.refs(ImportedNotice, merge)
        about = [f"notice:{other}"]
        await record(actor, "notice.parted", f"notice:{one}", {"from": other}, about=about, organisation=acting_for)
    return merge
