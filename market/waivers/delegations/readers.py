"""Delegations as they are read: the register, one of them, what she may sign under, and who could be named."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market.actor import Actor
from market.money import Money
from market.reads import rows
from market.refusals import NotFound
from market.waivers.delegations import rules
from market.waivers.delegations.rules import Delegate, Instrument
from market.wording import _


class _Body(msgspec.Struct, frozen=True):
    """A public body."""

    ref: str
    name: str


async def _read(condition: str, *arguments: Any) -> list[Instrument]:
    return await rows(
        Instrument,
        f"""
        SELECT d.id, d.ref, d.department, o.ref AS department_ref, o.name AS department_name, m.ref AS minister_ref,
          m.name AS minister_name, COALESCE(NULLIF(d.office, ''), h.title || ', ' || o.name) AS office, d.delegate, p.ref AS delegate_ref,
          p.name AS delegate_name, d.title, d.cpv, d.bodies, d.ceiling_minor, d.currency, d.begins_at, d.until, d.reason, d.drafted_at,
          d.dropped_at, d.signed_at, LEAST(h.until, m.closed_at) AS office_until, d.revoked_at, d.revocation_reason, d.bundle,
          COALESCE((SELECT sum(e.ceiling_minor) FROM waiver w JOIN innovation_evidence e ON e.ground = 'waiver' AND e.reference = w.ref
            WHERE w.delegation = d.id), 0)::bigint AS used_minor,
          (SELECT count(*) FROM waiver w WHERE w.delegation = d.id) AS uses
        FROM delegation d JOIN organisation o ON o.id = d.department JOIN person m ON m.id = d.minister
        JOIN person p ON p.id = d.delegate JOIN membership h ON h.id = d.membership WHERE {condition}
        """,  # noqa: S608 - the conditions stand below
        *arguments,
    )


async def instrument(ref: str) -> Instrument:
    """The delegation with this reference, whoever asks; NotFound where there is none."""
    found = await _read("d.ref = {}", ref)
    if not found:
        raise NotFound("Delegation")
    return found[0]


async def readable(actor: Actor, ref: str) -> Instrument:
    """The delegation, when this actor may read it: a signed one is everybody's, any other only the ministers' of its
    department."""
    found = await instrument(ref)
    if found.signed_at is not None or actor.wears("minister", organisation=found.department):
        return found
    raise NotFound("Delegation")


async def register() -> list[Instrument]:
    """Every signed delegation, newest first."""
    return await _read("d.signed_at IS NOT NULL ORDER BY d.signed_at DESC, d.id DESC")


async def drafts_of(actor: Actor) -> list[Instrument]:
    """Those that this minister drafted and has not signed."""
    return await _read(
        "d.minister = {} AND d.signed_at IS NULL AND d.dropped_at IS NULL ORDER BY d.id", actor.person or 0
    )


async def held_by(actor: Actor, department: int | None = None) -> list[Instrument]:
    """The signed instruments that name this person (of one department, by its id, or of all), newest first."""
    return await _read(
        "d.delegate = {} AND d.signed_at IS NOT NULL AND ({}::int IS NULL OR d.department = {}) ORDER BY d.signed_at DESC, d.id DESC",
        actor.person or 0,
        department,
        department,
    )


async def in_force(actor: Actor) -> list[Instrument]:
    """Those under which this person may sign now, so far as their dates go."""
    # Asked on every desk: what was signed under an instrument is only summed for those who hold one.
    if not await rows(
        int, "SELECT id FROM delegation WHERE delegate = {} AND signed_at IS NOT NULL LIMIT 1", actor.person or 0
    ):
        return []
    now = clock.now()
    return [each for each in await held_by(actor) if rules.stage(each, now) == "in-force"]


async def family(department: int) -> dict[str, str]:
    """The names of a department (its id) and its bodies, by reference, the department first."""
    found = await rows(
        _Body,
        "SELECT ref, name FROM organisation WHERE id = {} OR department = {} ORDER BY id <> {}, name",
        department,
        department,
        department,
    )
    return {each.ref: each.name for each in found}


async def named(references: list[str]) -> dict[str, str]:
    """The names of bodies by reference."""
    found = await rows(
        _Body, "SELECT ref, name FROM organisation WHERE ref = ANY({}::text[]) ORDER BY name", references
    )
    return {each.ref: each.name for each in found}


async def delegates(department: int) -> list[Delegate]:
    """Everybody who holds an office in a department or one of its bodies now, by name."""
    now = clock.now()
    return await rows(
        Delegate,
        """
        SELECT p.id, p.ref, p.name, max(m.title) AS title, min(o.name) AS body,
          bool_or(m.role IN ('buyer', 'contract-manager')) AS buys,
          EXISTS (SELECT 1 FROM membership x WHERE x.person = p.id AND x.role IN ('auditor', 'operator')
            AND x.since <= {} AND (x.until IS NULL OR x.until > {})) AS oversees
        FROM membership m JOIN person p ON p.id = m.person JOIN organisation o ON o.id = m.organisation
        WHERE (o.id = {} OR o.department = {}) AND m.since <= {} AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
        GROUP BY p.id ORDER BY p.name, p.id
        """,
        now,
        now,
        department,
        department,
        now,
        now,
    )


async def own_business(actor: Actor, instrument: Instrument, tender: int, asked_by: int) -> str:
    """What makes a request this delegate's own business, in words; empty where nothing does. `tender` is its id, `asked_by` the
    id of who asked."""
    found = next((each for each in await delegates(instrument.department) if each.id == actor.person), None)
    if found is None:
        return _("You hold no office in this department or its bodies now.")
    if found.buys or found.oversees:
        return _("You buy for this department, or oversee those who do. Only the minister can sign.")
    touched = await rows(
        int,
        "SELECT created_by FROM tender WHERE id = {} UNION SELECT person FROM opening_officer WHERE tender = {}",
        tender,
        tender,
    )
    if actor.person in (*touched, asked_by):
        return _("You asked for this, drafted it, or are to open its bids. Only the minister can sign.")
    return ""


class Signed(msgspec.Struct, frozen=True):
    """A waiver that was signed under an instrument, and the value it is good for, in minor units without VAT."""

    ref: str
    title: str
    buyer: str
    decided_at: datetime
    value_minor: int
    currency: str

    @property
    def value(self) -> Money:
        """What it counts against the ceiling."""
        return Money(self.value_minor, self.currency)


async def signed_under(instrument: Instrument) -> list[Signed]:
    """The waivers that were signed under an instrument, oldest first."""
    return await rows(
        Signed,
        """
        SELECT w.ref, t.title, o.name AS buyer, w.decided_at, COALESCE(e.ceiling_minor, 0)::bigint AS value_minor, t.currency
        FROM waiver w JOIN tender t ON t.id = w.tender JOIN organisation o ON o.id = w.buyer
        LEFT JOIN innovation_evidence e ON e.ground = 'waiver' AND e.reference = w.ref
        WHERE w.delegation = {} ORDER BY w.decided_at, w.id
        """,
        instrument.id,
    )
