"""Suppliers for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, put
from litestar.params import FromPath, FromQuery, JSONBody

from market import drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.proof import canonical
from market.suppliers import actions, rules
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class SupplierView(msgspec.Struct):
    """A supplier as everybody may see it. `small` says whether it is a small or medium-sized enterprise by the definition
    named in `small_by`, null when its figures do not decide it; `size` is finer where the definition is."""

    ref: str
    name: str
    country: str
    scheme: str
    identifier: str
    region: str
    website: str
    small: bool | None
    size: str
    small_by: str
    summary: str
    description: str
    capabilities: list[str]
    cpv: list[str]
    regions: list[str]
    certificates: list[str]
    founded: int | None
    open_to_partners: bool
    version: int
    updated_at: datetime
    etag: str


class SupplierLine(actions.Listed, frozen=True):
    """A supplier in a list."""


class VersionView(msgspec.Struct):
    """A profile as it stood from `at` on; `profile` is what was told, as it was hashed in the public log."""

    schema_name: ClassVar[str] = "SupplierProfileVersionView"
    version: int
    at: datetime
    profile: dict[str, Any]


async def view(firm: Organisation) -> SupplierView:
    """The firm with its present profile."""
    profile, verdict = await actions.profile_of(firm), rules.size_of(firm)
    told = drafts.stored(actions.ProfileDraft, profile, firm)
    return SupplierView(
        ref=firm.ref,
        name=firm.name,
        country=firm.country,
        scheme=firm.scheme,
        identifier=firm.identifier,
        small=verdict.small,
        size=verdict.size,
        small_by=verdict.source,
        **{name: value for name, value in told.items() if name in SupplierView.__struct_fields__},
        version=profile.version,
        updated_at=profile.updated_at,
        etag=drafts.version(actions.ProfileDraft, profile, firm),
    )


class SuppliersApi(Controller):
    """Firms and what they tell of themselves."""

    path = "/api/v1/suppliers"
    tags = ["Suppliers"]

    @get(
        "/",
        guards=[guards.public],
        summary="List suppliers",
        operation_id="listSuppliers",
    )
    async def index(self, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Items[SupplierLine]:
        """Suppliers by name; with `q` those whose name, region, summary, capabilities or number hold every word of it."""
        found, following = await actions.page_of(q, after)
        lines = msgspec.convert(found, list[SupplierLine], from_attributes=True)
        return Items(lines, f"/api/v1/suppliers?{urlencode({'q': q, 'after': following})}" if following else None)

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a supplier",
        operation_id="readSupplier",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> SupplierView:
        """A supplier with its present profile."""
        return await view(await actions.supplier(ref))

    @get(
        "/{ref:str}/versions/{version:int}",
        guards=[guards.public],
        summary="Read an earlier profile",
        operation_id="readProfileVersion",
        responses=problem_responses(404),
    )
    async def version(self, ref: FromPath[str], version: FromPath[int]) -> VersionView:
        """The profile as it stood."""
        row = await actions.version_of(await actions.supplier(ref), version)
        return VersionView(row.version, row.at, canonical.decode(row.snapshot.encode()))

    @put(
        "/{ref:str}/profile",
        guards=[guards.signed_in],
        summary="Change one's own profile",
        operation_id="updateProfile",
        responses=problem_responses(404, 409, 428),
    )
    async def update(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.ProfileDraft], if_match: IfMatch = ""
    ) -> SupplierView:
        """Keep a new version of the profile."""
        await actions.update_profile(request.user, ref, data, if_match)
        return await view(await actions.supplier(ref))
