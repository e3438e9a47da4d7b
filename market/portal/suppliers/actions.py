"""What operators, and suppliers about their own records, decide about suppliers: whether two spellings are one firm. Claims are
in `market.portal.suppliers.claims`."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.columns import new_ref
from market.db import find, many, transaction
from market.portal import rules
from market.portal.sameness.actions import Decision
from market.portal.sameness.grouping import hold, joined_with
from market.portal.suppliers import claims, resolving
from market.portal.tables import (
    DoubtfulSuppliers,
    ImportedSupplier,
    SupplierMerge,
)
from market.refusals import insist


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
