"""What stands beside the names of a body's people: that another body lends her, or that an address is outside its domains. Read
as it is now."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from market import clock, mailboxes
from market.reads import rows
from market.wording import N_, _

OUTSIDE = N_("outside")
"""Beside whose address is in none of the body's verified domains."""


class _Verified(msgspec.Struct, frozen=True):
    organisation: int
    domain: str


class _Address(msgspec.Struct, frozen=True):
    ref: str
    email: str
    lender: str | None


async def _domains(organisation: int) -> tuple[list[str], list[str]]:
    """The verified domains of a body (its id), and those of all others."""
    found = await rows(
        _Verified,
        "SELECT organisation, domain FROM mail_domain WHERE confirmed_at IS NOT NULL AND withdrawn_at IS NULL ORDER BY id",
    )
    return (
        [each.domain for each in found if each.organisation == organisation],
        [each.domain for each in found if each.organisation != organisation],
    )


async def is_outside(organisation: int, email: str) -> bool:
    """Whether an address is in none of a body's verified domains now."""
    return mailboxes.is_outside(email, *await _domains(organisation))


async def domains_of(organisation: int) -> list[str]:
    """The verified domains of a body (its id), in the order they were proposed."""
    return (await _domains(organisation))[0]


async def marks_of(organisation: int) -> Mapping[str, str]:
    """What stands beside a name in a body, by the person's reference, for everybody in it now or from a later day who has a mark.
    A body without a verified domain marks nobody: there is nothing to be outside of, and its page says so."""
    own, others = await _domains(organisation)
    people = await rows(
        _Address,
        """
        SELECT DISTINCT p.ref, p.email, l.name AS lender FROM membership m JOIN person p ON p.id = m.person
        LEFT JOIN organisation l ON l.id = m.lent_by
        WHERE m.organisation = {} AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
        """,
        organisation,
        clock.now(),
    )
    outside = {each.ref: OUTSIDE for each in people if own and mailboxes.is_outside(each.email, own, others)}
    return outside | {each.ref: _("lent by {lender}", lender=each.lender) for each in people if each.lender}
