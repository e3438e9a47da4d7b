"""What operators do with other portals' notices and suppliers: decide doubtful pairs, take joined ones apart, mend what was
broken. What suppliers do about their own records is in `market.portal.suppliers.claims`."""

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
from market.portal.intake import keeping
from market.portal.intake.reading import Defect, read
from market.portal.sameness import joining
from market.portal.sameness.grouping import hold, joined_with
from market.portal.suppliers import claims, resolving
from market.portal.tables import (
    DoubtfulPair,
    DoubtfulSuppliers,
    ImportedNotice,
    ImportedSupplier,
    NoticeMerge,
    Quarantined,
    Source,
    SupplierMerge,
)
from market.refusals import NotFound, insist


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """The answer about a doubtful pair."""

    same: Annotated[bool, Meta(title="Whether they are one procurement")]


class Mending(msgspec.Struct, forbid_unknown_fields=True):
    """A mended item; empty to read the kept bytes again, when the reader or a mapping has become better."""

    text: Annotated[str, Meta(title="The release, record or row as it should be", max_length=4_000_000)] = ""


class Rhythm(msgspec.Struct, forbid_unknown_fields=True):
    """How often a source is fetched."""

    every_hours: Annotated[int, Meta(title="Fetch every so many hours (0: by hand)", ge=0, le=8784)]


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


async def decide_suppliers(actor: Actor, ref: str, given: Decision) -> DoubtfulSuppliers:
    """Say whether two spellings are one supplier. Joined, the two are shown as one from now on."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        await hold()
        pair = await find(DoubtfulSuppliers, DoubtfulSuppliers.ref == ref, lock=True)
        insist(rules.DECIDE, pair)
        now = clock.now()
        pair.same, pair.answered_at, pair.answered_by = given.same, now, actor.person
        await pair.save([DoubtfulSuppliers.same, DoubtfulSuppliers.answered_at, DoubtfulSuppliers.answered_by])
        if given.same:
            held = [
                await claims.holder_of(sorted(await joined_with(each, "supplier_merge")))
                for each in (pair.one, pair.other)
            ]
            insist((rules.not_held_by_two,), [each for each in held if each is not None])
            await many(
                "INSERT INTO supplier_merge (ref, one, other, score, evidence, at, by) VALUES ({}, {}, {}, {}, {}, {}, {}) "
                "ON CONFLICT (one, other) DO UPDATE SET undone_at = NULL, undone_by = NULL, at = excluded.at, by = excluded.by",
                new_ref("SM"), pair.one, pair.other, pair.score, pair.evidence, now, actor.person,
            )  # fmt: skip
            await resolving.regroup([pair.one])
        one = await find(ImportedSupplier, ImportedSupplier.id == pair.one)
        other = await find(ImportedSupplier, ImportedSupplier.id == pair.other)
        await record(
            actor,
            "imported_supplier.joined" if given.same else "imported_supplier.kept-apart",
            f"imported_supplier:{one.ref}",
            {"with": other.ref},
            about=[f"imported_supplier:{other.ref}"],
            organisation=acting_for,
        )
    return pair


async def part_suppliers(actor: Actor, ref: str) -> SupplierMerge:
    """Take two spellings apart: as an operator, or as the supplier that holds the record and knows what is not its own.
    They are never joined again by themselves."""
    actor.must_be_person()
    async with transaction():
        await hold()
        merge = await find(SupplierMerge, SupplierMerge.ref == ref, lock=True)
        holder = await claims.holder_of(sorted(await joined_with(merge.one, "supplier_merge")))
        own = actor.wears("supplier-admin", organisation=holder) if holder is not None else None
        hat = own or actor.must_wear("operator")
        insist(rules.UNDO, merge)
        merge.undone_at, merge.undone_by = clock.now(), actor.person
        await merge.save([SupplierMerge.undone_at, SupplierMerge.undone_by])
        await resolving.regroup([merge.one, merge.other])
        one = await find(ImportedSupplier, ImportedSupplier.id == merge.one)
        other = await find(ImportedSupplier, ImportedSupplier.id == merge.other)
        await record(
            actor,
            "imported_supplier.parted",
            f"imported_supplier:{one.ref}",
            {"from": other.ref},
            about=[f"imported_supplier:{other.ref}"],
            organisation=hat.organisation_ref,
        )
    return merge


async def replay(actor: Actor, ref: str, given: Mending) -> Quarantined:
    """Bring a quarantined item in: as it was mended, or as it is when it can be read by now. What was published is kept."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        item = await find(Quarantined, Quarantined.ref == ref, lock=True)
        insist(rules.REPLAY, item)
        source = await find(Source, Source.id == item.source)
        text = given.text.replace("\r\n", "\n").encode()
        found = list(read(text or keeping.unpacked(item.content), name=item.position))
        insist((rules.can_be_read_now,), [each.reason for each in found if isinstance(each, Defect)])
        counts = await keeping.keep(source, item.run, found)
        if counts.rejected:
            insist((rules.can_be_read_now,), await _reasons(item))
        item.mended_at, item.mended_by = clock.now(), actor.person
        await item.save([Quarantined.mended_at, Quarantined.mended_by])
        await record(
            actor,
            "quarantined.mended",
            f"quarantined:{ref}",
            {"source": source.name, "items": counts.read},
            organisation=acting_for,
        )
    while await joining.match_waiting():
        continue
    return item


async def _reasons(item: Quarantined) -> list[str]:
    """Why the items just tried were rejected: the newest entries of the same run, which the refusal then takes back."""
    rows = await many("SELECT reason FROM quarantined WHERE run = {} AND id > {} ORDER BY id DESC", item.run, item.id)
    return [row["reason"] for row in rows[:3]] or ["It is rejected for the same reason as before."]


async def fetch_every(actor: Actor, name: str, given: Rhythm) -> Source:
    """Set how often a source is fetched by itself. Refused for one without an address."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        source = await find(Source, Source.name == name, lock=True)
        if not source.url:
            raise NotFound("Source")
        source.every_hours = given.every_hours
        await source.save([Source.every_hours])
        await record(
            actor,
            "source.scheduled",
            f"source:{source.ref}",
            {"name": name, "every_hours": given.every_hours},
            organisation=acting_for,
        )
    return source
