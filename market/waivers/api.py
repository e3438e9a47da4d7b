"""Waivers for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, JSONBody

from market import clock
from market.accounts import guards
from market.waivers import actions, rules
from market.waivers.grounds import grounds
from market.waivers.listing import MinistersKey, Request, listed, ministers_keys, request, waiting_for
from market.waivers.tables import Waiver
from market.web.api import Items, json_document
from market.web.pages import Visitor
from market.web.problems import problem_responses


class WaiverLine(msgspec.Struct):
    """A decided request in the register. Money is in minor units of `currency`."""

    ref: str
    title: str
    buyer_name: str
    department_name: str
    ground: str
    standing: str
    value_minor: int
    currency: str
    office: str
    minister: str
    asked_at: datetime
    decided_at: datetime
    valid_until: datetime | None
    used_by: str


class CheckView(msgspec.Struct):
    """One thing that was looked at in the signature."""

    schema_name: ClassVar[str] = "SignatureCheckView"
    name: str
    passed: bool
    sentence: str


class SignatureView(msgspec.Struct):
    """What checking the signature found; `event` is the number of the log's event that names the bundle, None if none."""

    holds: bool
    fingerprint: str
    key_registered: bool
    event: int | None
    checks: list[CheckView]


class WaiverView(msgspec.Struct):
    """A waiver request and, once it is decided, the decision."""

    ref: str
    tender: str
    buyer: str
    department: str
    standing: str
    ground: str
    statement: str
    evidence: list[str]
    shown: list[str]
    similar: str
    cost_of_waiting: str
    asked_at: datetime
    valid_until: datetime | None
    decided_at: datetime | None
    withdrawn_at: datetime | None
    office: str
    refusal_reason: str
    revoked_at: datetime | None
    revocation_reason: str
    signature: SignatureView | None


class GroundView(msgspec.Struct):
    """A ground on which a waiver may be asked for."""

    code: str
    label: str
    why: str
    asks: str
    source: str


class Signature(msgspec.Struct, forbid_unknown_fields=True):
    """What `navigator.credentials.get()` answered, as `credential.toJSON()` writes it (WebAuthn Level 3)."""

    schema_name: ClassVar[str] = "WaiverSignature"
    credential: dict[str, Any]


async def view(waiver: Request) -> WaiverView:
    """A request with what checking its signature finds now."""
    checked = await actions.check(waiver)
    return WaiverView(
        ref=waiver.ref,
        tender=waiver.tender,
        buyer=waiver.buyer,
        department=waiver.department,
        standing=rules.stage(waiver, clock.now()),
        ground=waiver.ground,
        statement=waiver.statement,
        evidence=waiver.evidence.splitlines(),
        shown=waiver.shown,
        similar=waiver.similar,
        cost_of_waiting=waiver.cost_of_waiting,
        asked_at=waiver.asked_at,
        valid_until=waiver.valid_until,
        decided_at=waiver.decided_at,
        withdrawn_at=waiver.withdrawn_at,
        office=waiver.office,
        refusal_reason=waiver.refusal_reason,
        revoked_at=waiver.revoked_at,
        revocation_reason=waiver.revocation_reason,
        signature=SignatureView(
            checked.holds,
            checked.fingerprint,
            checked.key_registered,
            checked.event,
            [CheckView(check.name, check.passed, check.sentence) for check in checked.report.checks],
        )
        if checked
        else None,
    )


async def shown(waiver: Waiver) -> WaiverView:
    """The request as it stands now."""
    return await view(await request(waiver.ref))


class WaiversApi(Controller):
    """Waivers of the innovation-first rule."""

    path = "/api/v1"
    tags = ["Waivers"]

    @get(
        "/waivers",
        guards=[guards.public],
        summary="The register of waivers",
        operation_id="listWaivers",
    )
    async def register(self, standing: FromQuery[str] = "") -> Items[WaiverLine]:
        """Every decided request, newest first. `standing` is `in-force`, `suspended`, `revoked`, `expired` or `refused`."""
        return Items(
            [
                WaiverLine(
                    ref=waiver.ref,
                    title=waiver.title,
                    buyer_name=waiver.buyer,
                    department_name=waiver.department,
                    ground=waiver.ground,
                    standing=waiver.standing.stage,
                    value_minor=waiver.value_minor,
                    currency=waiver.currency,
                    office=waiver.office,
                    minister=waiver.minister,
                    asked_at=waiver.asked_at,
                    decided_at=waiver.decided_at,
                    valid_until=waiver.valid_until,
                    used_by=waiver.used_by,
                )
                for waiver in await listed(standing)
            ]
        )

    @get(
        "/waivers/grounds",
        guards=[guards.public],
        summary="The grounds",
        operation_id="listWaiverGrounds",
    )
    async def grounds(self) -> Items[GroundView]:
        """The grounds on which a waiver may be asked for, each with the provision it is modelled on."""
        return Items([GroundView(code, g.label, g.why, g.asks, g.source) for code, g in grounds().items()])

    @get(
        "/waivers/keys",
        guards=[guards.public],
        summary="The ministers' keys",
        operation_id="listMinistersKeys",
    )
    async def keys(self) -> Items[MinistersKey]:
        """The register of keys: of every office-holder, present and former, the passkeys that were good in her time, by
        their fingerprints. Compare the key of a signed file with it."""
        return Items(await ministers_keys())

    @get(
        "/waivers/requests",
        guards=[guards.signed_in],
        summary="Requests that wait for me",
        operation_id="listWaiverRequests",
    )
    async def requests(self, request: Visitor) -> Items[WaiverView]:
        """The open requests of the departments whose minister the caller is; empty for everybody else."""
        return Items([await view(waiting) for waiting in await waiting_for(request.user)])

    @get(
        "/waivers/{ref:str}",
        guards=[guards.public],
        summary="Read a waiver",
        operation_id="readWaiver",
        opt={"reading_is_an_event": True},
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> WaiverView:
        """A decided request for everybody; an open one for its buyer, its minister, auditors and operators."""
        return await shown(await actions.readable(request.user, ref))

    @get(
        "/waivers/{ref:str}/bundle",
        guards=[guards.public],
        opt={"reading_is_an_event": True},
        summary="The signed file",
        operation_id="readWaiverBundle",
        responses={**json_document("The bundle"), **problem_responses(404)},
    )
    async def bundle(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The bundle of a granted waiver, byte for byte: what `python -m market verify waiver FILE` checks."""
        waiver = await actions.readable(request.user, ref)
        return Response((await actions.signed_file(waiver)).encode(), media_type=MediaType.JSON)

    @post(
        "/tenders/{ref:str}/waivers",
        guards=[guards.signed_in],
        summary="Ask for a waiver",
        operation_id="askForWaiver",
        responses=problem_responses(404, 409),
    )
    async def ask(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.WaiverRequest]) -> WaiverView:
        """Ask the minister to waive the rule for a draft; the draft is frozen until she decides."""
        return await shown(await actions.ask(request.user, ref, data))

    @post(
        "/waivers/{ref:str}/withdraw",
        guards=[guards.signed_in],
        status_code=200,
        summary="Withdraw a request",
        operation_id="withdrawWaiver",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> WaiverView:
        """Take an open request back; it never becomes public."""
        return await shown(await actions.withdraw(request.user, ref))

    @post(
        "/waivers/{ref:str}/sign/options",
        guards=[guards.signed_in],
        status_code=200,
        summary="Begin to sign",
        operation_id="beginSigningWaiver",
        responses=problem_responses(404, 409),
    )
    async def options(self, request: Visitor, ref: FromPath[str]) -> dict[str, Any]:
        """WebAuthn request options for the minister's passkey; the challenge is the digest of what she signs, and is good
        once and for five minutes."""
        return await actions.begin_signing(request.user, ref)

    @post(
        "/waivers/{ref:str}/sign",
        guards=[guards.signed_in],
        status_code=200,
        summary="Sign a waiver",
        operation_id="signWaiver",
        responses=problem_responses(404, 409, 422),
    )
    async def sign(self, request: Visitor, ref: FromPath[str], data: JSONBody[Signature]) -> WaiverView:
        """Grant it with the passkey's answer; the answer itself proves the passkey, so a token may carry it."""
        return await shown(await actions.sign(request.user, ref, msgspec.json.encode(data.credential).decode()))

    @post(
        "/waivers/{ref:str}/refuse",
        guards=[guards.signed_in],
        status_code=200,
        summary="Refuse a waiver",
        operation_id="refuseWaiver",
        responses=problem_responses(404, 409),
    )
    async def refuse(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Reason]) -> WaiverView:
        """Refuse it with a reason that is published. 403 for a token: a refusal carries no passkey's answer of its own, so
        it is made in a session that began with one."""
        return await shown(await actions.refuse(request.user, ref, data))

    @post(
        "/waivers/{ref:str}/revoke",
        guards=[guards.signed_in],
        status_code=200,
        summary="Revoke a waiver",
        operation_id="revokeWaiver",
        responses=problem_responses(404, 409),
    )
    async def revoke(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Reason]) -> WaiverView:
        """Take a signed waiver back with a reason that is published; it opens nothing from then on. 403 for a token, as for a
        refusal."""
        return await shown(await actions.revoke(request.user, ref, data))
