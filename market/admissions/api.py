"""Admissions for programs: a body's domains, and invitations to outside addresses that wait."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market.accounts import bodies, guards
from market.admissions import actions
from market.refusals import NotFound
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class DomainView(msgspec.Struct):
    """A domain whose addresses are a body's own, once it is confirmed; until then only who may propose one there reads it."""

    ref: str
    domain: str
    evidence: str
    proposed_at: datetime
    confirmed_at: datetime | None


class WaitingView(msgspec.Struct):
    """Somebody outside a body's domains whose invitation waits. `lacking_body` and `lacking_team` say how many people of the body
    and how many operators still have to agree; `spoken` names who did."""

    ref: str
    organisation: str
    name: str
    email: str
    role: str
    ground: str
    paper: str
    spoken: list[str]
    lacking_body: int
    lacking_team: int
    expires_at: datetime


async def _domain(ref: str) -> DomainView:
    found = next((each for each in await actions.domains() if each.ref == ref), None)
    if found is None:
        raise NotFound("MailDomain")
    return msgspec.convert(found, DomainView, from_attributes=True)


class DomainsApi(Controller):
    """The domains of public bodies."""

    path = "/api/v1/organisations/{ref:str}/domains"
    tags = ["People and organisations"]

    @get(
        "/",
        guards=[guards.public],
        summary="List the domains of an organisation",
        operation_id="listDomains",
        responses=problem_responses(404),
    )
    async def index(self, request: Visitor, ref: FromPath[str]) -> Items[DomainView]:
        """Those that are confirmed; for who may propose one there also those that wait."""
        body = await bodies.body(ref)
        proposes = actions.may_propose(request.user, body)
        found = [each for each in await actions.domains(body.id) if each.withdrawn_at is None]
        return Items(
            [msgspec.convert(each, DomainView, from_attributes=True) for each in found if each.confirmed_at or proposes]
        )

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Propose a domain of an organisation",
        operation_id="proposeDomain",
        responses=problem_responses(404, 409),
    )
    async def propose(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.DomainDraft]) -> DomainView:
        """Propose a domain as the body's own, with what shows it; an operator confirms it."""
        made = await actions.propose_domain(request.user, ref, data)
        return await _domain(made.ref)


class AdmissionsApi(Controller):
    """People outside a body's domains whose invitations wait."""

    path = "/api/v1/admissions"
    tags = ["People and organisations"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List invitations that wait for others",
        operation_id="listAdmissions",
    )
    async def index(self, request: Visitor) -> Items[WaitingView]:
        """Those that the token's person may agree to, the oldest first."""
        return Items([await _waiting(each) for each in await actions.waiting_for(request.user)])

    @post(
        "/{ref:str}/agree",
        status_code=204,
        guards=[guards.signed_in],
        summary="Agree to let somebody in",
        operation_id="agreeToAdmission",
        responses=problem_responses(404, 409),
    )
    async def agree(self, request: Visitor, ref: FromPath[str]) -> None:
        """Agree to let in whom the invitation names; when nobody is lacking any more the letter goes."""
        await actions.agree(request.user, ref)

    @post(
        "/domains/{ref:str}/confirm",
        status_code=200,
        guards=[guards.operator],
        summary="Confirm a domain",
        operation_id="confirmDomain",
        responses=problem_responses(404, 409),
    )
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> DomainView:
        """Confirm a domain that somebody else proposed."""
        await actions.confirm_domain(request.user, ref)
        return await _domain(ref)

    @post(
        "/domains/{ref:str}/withdraw",
        status_code=200,
        guards=[guards.signed_in],
        summary="Withdraw a domain",
        operation_id="withdrawDomain",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> DomainView:
        """Take a domain back: from now on addresses in it are outside."""
        await actions.withdraw_domain(request.user, ref)
        return await _domain(ref)


async def _waiting(each: actions.Waiting) -> WaitingView:
    words = await actions.words_for(each.id)
    missing = await actions.lacking(each.role, each.organisation, words)
    return WaitingView(
        ref=each.ref,
        organisation=each.body_ref,
        name=each.name,
        email=each.email,
        role=each.role,
        ground=each.ground,
        paper=each.paper,
        spoken=[word.name for word in words],
        lacking_body=missing.body,
        lacking_team=missing.team,
        expires_at=each.expires_at,
    )
