"""Suppliers side by side: what each says it can do, and what it has done here."""

from __future__ import annotations

from dataclasses import dataclass

from market.accounts.tables import Organisation
from market.db import find, maybe
from market.money import Money
from market.reads import the
from market.suppliers import rules
from market.suppliers.tables import Profile
from market.tenders import cpv
from search import experience

MOST = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One supplier of the comparison; every fact is public."""

    ref: str
    name: str
    region: str
    small: bool | None
    founded: int | None
    summary: str
    capabilities: tuple[str, ...]
    fields: tuple[str, ...]
    certificates: tuple[str, ...]
    done: dict[str, tuple[experience.Done, ...]]
    """By :data:`search.experience.KINDS`."""
    worth: Money
    """Of all its contracts in pounds."""
    open_to_partners: bool


async def column(ref: str) -> Column:
    """The facts of one supplier; 404 for a reference that is none."""
    firm = await find(Organisation, (Organisation.ref == ref) & (Organisation.kind == "supplier"))
    profile = await maybe(Profile, Profile.organisation == firm.id)
    worth = await the(
        int,
        """
        SELECT COALESCE(sum(value_minor), 0)::bigint FROM contract
        WHERE supplier = {} AND currency = 'GBP' AND buyer_signed_at IS NOT NULL AND supplier_signed_at IS NOT NULL
        """,
        firm.id,
    )
    done = (await experience.of([firm.id]))[firm.id]
    codes = profile.cpv if profile else []
    return Column(
        ref=firm.ref,
        name=firm.name,
        region=firm.region,
        small=rules.size_of(firm).small,
        founded=profile.founded if profile else None,
        summary=profile.summary if profile else "",
        capabilities=tuple(profile.capabilities) if profile else (),
        fields=tuple(cpv.label(code) for code in codes if cpv.known(code)),
        certificates=tuple(profile.certificates) if profile else (),
        done={kind: tuple(each for each in done if each.kind == kind) for kind in experience.KINDS},
        worth=Money(worth),
        open_to_partners=bool(profile and profile.open_to_partners),
    )
