"""The register of waivers, and that of the ministers' keys, in one query each; for the pages and the API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market.actor import Actor
from market.money import Money
from market.reads import rows
from market.standing import Standing
from market.waivers import rules
from market.waivers.delegations import readers as instruments
from market.waivers.grounds import label


class Listed(rules.Dates, frozen=True):
    """One decided request: what it was for, who decided, and whether it was used. `used_by` is the tender that was published
    under it, empty while none was."""

    asked_at: datetime
    decided_at: datetime
    ref: str
    title: str
    buyer: str
    department: str
    ground: str
    value_minor: int
    currency: str
    office: str
    minister: str
    used_by: str

    @property
    def ground_label(self) -> str:
        """The ground in words."""
        return label(self.ground)

    @property
    def value(self) -> Money:
        """The value up to which the tender may be published under it."""
        return Money(self.value_minor, self.currency)

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())


class Request(rules.Dates, frozen=True):
    """A request, open, withdrawn or decided: what is asked, by whom and of whom, and for which tender (references and names).
    Money in minor units is what its lots are estimated at now; `minister` is the id of who decided, `bundle` what she signed."""

    asked_at: datetime
    ref: str
    tender: str
    title: str
    buyer: str
    buyer_name: str
    department: str
    department_id: int
    ground: str
    statement: str
    evidence: str
    shown: list[str]
    similar: str
    cost_of_waiting: str
    office: str
    minister: int | None
    revocation_reason: str
    bundle: str
    value_minor: int
    currency: str

    @property
    def ground_label(self) -> str:
        """The ground in words."""
        return label(self.ground)

    @property
    def value(self) -> Money:
        """What the lots of the tender are estimated at."""
        return Money(self.value_minor, self.currency)


async def _requests(condition: str, *arguments: Any) -> list[Request]:
    return await rows(
        Request,
        f"""
        SELECT w.asked_at, w.withdrawn_at, w.decided_at, w.refusal_reason, w.revoked_at, w.suspends_at, w.valid_until, w.ref, t.ref AS tender, t.title,
            b.ref AS buyer, b.name AS buyer_name, d.ref AS department, d.id AS department_id, w.ground, w.statement, w.evidence, w.shown, w.similar,
            w.cost_of_waiting, w.office, w.minister, w.revocation_reason, w.bundle,
            COALESCE((SELECT SUM(value_minor) FROM lot WHERE lot.tender = t.id), 0)::bigint AS value_minor, t.currency
        FROM waiver w JOIN tender t ON t.id = w.tender
        JOIN organisation b ON b.id = w.buyer JOIN organisation d ON d.id = w.department WHERE {condition}
        """,  # noqa: S608 - the conditions stand below
        *arguments,
    )


async def request(ref: str) -> Request:
    """The request of this reference, whoever asks; `actions.readable` says who may."""
    (found,) = await _requests("w.ref = {}", ref)
    return found


async def waiting_for(actor: Actor) -> list[Request]:
    """The requests that wait for this minister, or that a delegation in force lets this person sign so far as the body goes;
    the oldest first."""
    departments, held = actor.organisations("minister"), await instruments.in_force(actor)
    if not departments and not held:
        return []
    return await _requests(
        "(w.department = ANY({}::int[]) OR w.department = ANY({}::int[]) AND b.ref = ANY({}::text[])) "
        "AND w.decided_at IS NULL AND w.withdrawn_at IS NULL ORDER BY w.asked_at, w.id",
        departments,
        [each.department for each in held],
        [body for each in held for body in each.bodies],
    )


async def requests_for(tender: int) -> list[Request]:
    """Every request for one tender (its id), oldest first."""
    return await _requests("w.tender = {} ORDER BY w.id", tender)


async def listed(standing: str = "") -> list[Listed]:
    """The decided requests, newest first: all, or those that are `in-force`, `suspended`, `revoked`, `expired` or `refused`. Anything else is
    refused (400)."""
    if standing not in ("", "in-force", "suspended", "revoked", "expired", "refused"):
        raise rules.STANDING_UNKNOWN.refused()
    decided = await rows(
        Listed,
        """
        SELECT w.asked_at, w.withdrawn_at, w.decided_at, w.refusal_reason, w.revoked_at, w.suspends_at, w.valid_until, w.ref, t.title, b.name AS buyer,
            d.name AS department, w.ground, COALESCE(e.ceiling_minor,
                (SELECT SUM(value_minor) FROM lot WHERE lot.tender = t.id), 0)::bigint AS value_minor,
            t.currency, w.office, COALESCE(p.name, '') AS minister,
            CASE WHEN t.ground = 'waiver' AND t.ground_reference = w.ref THEN t.ref ELSE '' END AS used_by
        FROM waiver w JOIN tender t ON t.id = w.tender
        JOIN organisation b ON b.id = w.buyer JOIN organisation d ON d.id = w.department
        LEFT JOIN person p ON p.id = w.minister
        LEFT JOIN innovation_evidence e ON e.ground = 'waiver' AND e.reference = w.ref
        WHERE w.decided_at IS NOT NULL ORDER BY w.decided_at DESC, w.id DESC
        """,
    )
    return [waiver for waiver in decided if standing in ("", waiver.standing.stage)]


class MinistersKey(msgspec.Struct, frozen=True):
    """A passkey of somebody who holds or held an office that decides about waivers. `fingerprint` is what a signed file and
    its checker name: SHA-256 of the public key."""

    minister: str
    person: str
    office: str
    department: str
    since: datetime
    until: datetime | None
    fingerprint: str
    registered_at: datetime
    revoked_at: datetime | None


async def ministers_keys() -> list[MinistersKey]:
    """The register of keys: of every office-holder, present and former, the passkeys that were good while she held the
    office, and of their delegates while their instruments ran. By department, the present office first."""
    return await rows(
        MinistersKey,
        """
        SELECT p.name AS minister, p.ref AS person, COALESCE(NULLIF(m.title, ''), 'Minister') AS office, o.name AS department,
            m.since, m.until, encode(sha256(k.public_key), 'hex') AS fingerprint, k.created_at AS registered_at, k.revoked_at
        FROM membership m JOIN person p ON p.id = m.person JOIN organisation o ON o.id = m.organisation
        JOIN passkey k ON k.person = p.id
        WHERE m.role = 'minister' AND (m.until IS NULL OR k.created_at < m.until)
            AND (k.revoked_at IS NULL OR k.revoked_at > m.since)
        UNION ALL
        SELECT p.name, p.ref, d.title || ', ' || d.ref, o.name, d.begins_at, d.until, encode(sha256(k.public_key), 'hex'), k.created_at,
            k.revoked_at
        FROM delegation d JOIN person p ON p.id = d.delegate JOIN organisation o ON o.id = d.department JOIN passkey k ON k.person = p.id
        WHERE d.signed_at IS NOT NULL AND k.created_at < d.until AND (k.revoked_at IS NULL OR k.revoked_at > d.begins_at)
        ORDER BY department, since DESC, fingerprint
        """,
    )
