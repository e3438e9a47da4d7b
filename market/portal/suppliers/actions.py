"""What operators, and suppliers about their own records, decide about suppliers: whether two spellings are one firm. Claims are
in `market.portal.suppliers.claims`."""

from __future__ import annotations

from market.actor import Actor
from market.audit.actions import record
from market.db import transaction
from market.portal import rules
from market.portal.sameness import pairs
from market.portal.sameness.grouping import joined_with
from market.portal.suppliers import claims, resolving
from market.portal.tables import DoubtfulSuppliers, ImportedSupplier, SupplierMerge
from market.refusals import insist


async def decide(actor: Actor, ref: str, given: pairs.Decision) -> DoubtfulSuppliers:
    """Say whether two spellings are one supplier. Joined, the two are shown as one from now on."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        pair = await pairs.doubtful(DoubtfulSuppliers, ref)
        if given.same:
            holders = [await _holder(side) for side in (pair.one, pair.other)]
            insist((rules.not_held_by_two,), [holder for holder in holders if holder is not None])
        await pairs.answer(actor, pair, given.same)
        if given.same:
            await resolving.regroup([pair.one])
        one, other = await pairs.refs(ImportedSupplier, pair)
        await record(
            actor,
            "imported_supplier.joined" if given.same else "imported_supplier.kept-apart",
            f"imported_supplier:{one}",
            {"with": other},
            about=[f"imported_supplier:{other}"],
            organisation=acting_for,
        )
    return pair


async def take_apart(actor: Actor, ref: str) -> SupplierMerge:
    """Take two spellings apart: as an operator, or as the supplier that holds the record and knows what is not its own.
    They are never joined again by themselves."""
    actor.must_be_person()
    async with transaction():
        merge = await pairs.joined(SupplierMerge, ref)
        holder = await _holder(merge.one)
        own = actor.wears("supplier-admin", organisation=holder) if holder is not None else None
        hat = own or actor.must_wear("operator")
        await pairs.take_apart(actor, merge)
        await resolving.regroup([merge.one, merge.other])
        one, other = await pairs.refs(ImportedSupplier, merge)
        await record(
            actor,
            "imported_supplier.parted",
            f"imported_supplier:{one}",
            {"from": other},
            about=[f"imported_supplier:{other}"],
            organisation=hat.organisation_ref,
        )
    return merge


async def _holder(spelling: int) -> int | None:
    """The registered supplier that holds the record which this spelling is part of."""
    return await claims.holder_of(sorted(await joined_with(spelling, "supplier_merge")))
