"""Delegations of waivers for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, JSONBody

from market import clock
from market.accounts import guards
from market.waivers.delegations import actions, readers, rules
from market.waivers.delegations.rules import Instrument
from market.web.api import Items, json_document
from market.web.pages import Visitor
from market.web.problems import problem_responses


class DelegationView(msgspec.Struct):
    """An instrument with which a minister lets an office-holder sign waivers for her. Money is in minor units of `currency`,
    without VAT: `used_minor` is what the `uses` waivers signed under it are good for together. `ends_at` is its last moment, or
    the end of the minister's office where that comes first."""

    ref: str
    standing: str
    department: str
    minister: str
    office: str
    delegate: str
    delegate_name: str
    title: str
    cpv: list[str]
    bodies: list[str]
    ceiling_minor: int
    used_minor: int
    uses: int
    currency: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    signed_at: datetime | None
    revoked_at: datetime | None
    revocation_reason: str


class DelegationSignature(msgspec.Struct, forbid_unknown_fields=True):
    """What `navigator.credentials.get()` answered, as `credential.toJSON()` writes it (WebAuthn Level 3)."""

    schema_name: ClassVar[str] = "DelegationSignature"
    credential: dict[str, Any]


def view(found: Instrument) -> DelegationView:
    """An instrument as it stands now."""
    return DelegationView(
        ref=found.ref,
        standing=rules.stage(found, clock.now()),
        department=found.department_ref,
        minister=found.minister_ref,
        office=found.office,
        delegate=found.delegate_ref,
        delegate_name=found.delegate_name,
        title=found.title,
        cpv=found.cpv,
        bodies=found.bodies,
        ceiling_minor=found.ceiling_minor,
        used_minor=found.used_minor,
        uses=found.uses,
        currency=found.currency,
        begins_at=found.begins_at,
        ends_at=found.ends,
        reason=found.reason,
        signed_at=found.signed_at,
        revoked_at=found.revoked_at,
        revocation_reason=found.revocation_reason,
    )


class DelegationsApi(Controller):
    """Who signs waivers for a minister."""

    path = "/api/v1/delegations"
    tags = ["Waivers"]

    @get("", guards=[guards.public], summary="The register of delegations", operation_id="listDelegations")
    async def register(self) -> Items[DelegationView]:
        """Every signed instrument, newest first."""
        return Items([view(each) for each in await readers.register()])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a delegation",
        operation_id="readDelegation",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> DelegationView:
        """A signed instrument for everybody; a draft for the ministers of its department."""
        return view(await readers.readable(request.user, ref))

    @get(
        "/{ref:str}/bundle",
        guards=[guards.public],
        summary="The signed instrument",
        operation_id="readDelegationBundle",
        responses={**json_document("The bundle"), **problem_responses(404)},
    )
    async def bundle(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The bundle of a signed instrument, byte for byte: what `python -m market verify waiver FILE --under FILE` checks a
        delegate's waiver against."""
        found = await readers.readable(request.user, ref)
        return Response((await actions.signed_file(found)).encode(), media_type=MediaType.JSON)

    @post(
        "",
        guards=[guards.signed_in],
        summary="Draft a delegation",
        operation_id="draftDelegation",
        responses=problem_responses(409),
    )
    async def draft(self, request: Visitor, data: JSONBody[actions.DelegationDraft]) -> DelegationView:
        """As a minister, write down what an office-holder may sign for her; it does nothing until she signs it."""
        row = await actions.draft(request.user, data)
        return view(await readers.instrument(row.ref))

    @post(
        "/{ref:str}/drop",
        guards=[guards.signed_in],
        status_code=200,
        summary="Drop a draft",
        operation_id="dropDelegation",
        responses=problem_responses(404, 409),
    )
    async def drop(self, request: Visitor, ref: FromPath[str]) -> DelegationView:
        """Drop what was not signed; it never becomes public."""
        await actions.drop(request.user, ref)
        return view(await readers.instrument(ref))

    @post(
        "/{ref:str}/sign/options",
        guards=[guards.signed_in],
        status_code=200,
        summary="Begin to sign a delegation",
        operation_id="beginSigningDelegation",
        responses=problem_responses(404, 409),
    )
    async def options(self, request: Visitor, ref: FromPath[str]) -> dict[str, Any]:
        """WebAuthn request options for the minister's passkey, good once and for five minutes."""
        return await actions.begin_signing(request.user, ref)

    @post(
        "/{ref:str}/sign",
        guards=[guards.signed_in],
        status_code=200,
        summary="Sign a delegation",
        operation_id="signDelegation",
        responses=problem_responses(404, 409, 422),
    )
    async def sign(self, request: Visitor, ref: FromPath[str], data: JSONBody[DelegationSignature]) -> DelegationView:
        """Put it in force with the passkey's answer."""
        await actions.sign(request.user, ref, msgspec.json.encode(data.credential).decode())
        return view(await readers.instrument(ref))

    @post(
        "/{ref:str}/revoke",
        guards=[guards.signed_in],
        status_code=200,
        summary="Revoke a delegation",
        operation_id="revokeDelegation",
        responses=problem_responses(404, 409),
    )
    async def revoke(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.TakingBack]) -> DelegationView:
        """Take it back at once, with a reason that is published. 403 for a token: it carries no passkey's answer."""
        await actions.revoke(request.user, ref, data)
        return view(await readers.instrument(ref))
