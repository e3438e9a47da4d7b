"""Appointments for programs: they read the register, and prepare what two people do."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market import clock
from market.accounts import guards
from market.actor import Actor
from market.appointments import actions, rules
from market.appointments.tables import Listed
from market.refusals import NotFound
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class AppointmentView(msgspec.Struct):
    """Who is appointed to what in which body (its reference `organisation`), on which paper, by whose two hands. It is public from
    `confirmed_at`, and she acts from `effect_at`; until then an auditor may stop it on the pages. `state` is waiting, coming,
    in-effect or withdrawn; of an office `since` and `until` are its days."""

    ref: str
    organisation: str
    organisation_name: str
    name: str
    role: str
    title: str
    instrument: str
    since: datetime | None
    until: datetime | None
    state: Literal["waiting", "coming", "in-effect", "withdrawn"]
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    effect_at: datetime | None
    withdrawn_by: str
    withdrawn_at: datetime | None
    withdrawn_because: str


def view(row: Listed, now: datetime) -> AppointmentView:
    """An appointment as the register shows it."""
    return AppointmentView(
        ref=row.ref,
        organisation=row.body_ref,
        organisation_name=row.body,
        name=row.name,
        role=row.role,
        title=row.title,
        instrument=row.instrument,
        since=row.since,
        until=row.until,
        state=rules.state_code(row, now),
        proposed_by=row.proposer,
        proposed_at=row.proposed_at,
        confirmed_by=row.confirmer or "",
        confirmed_at=row.confirmed_at,
        effect_at=row.effect_at,
        withdrawn_by=row.withdrawer or "",
        withdrawn_at=row.withdrawn_at,
        withdrawn_because=row.withdrawn_because,
    )


async def _one(actor: Actor, ref: str) -> AppointmentView:
    found = next((each for each in await actions.register(actor) if each.ref == ref), None)
    if found is None:
        raise NotFound("Appointment")
    return view(found, clock.now())


class AppointmentsApi(Controller):
    """Who was appointed minister, auditor or operator."""

    path = "/api/v1/appointments"
    tags = ["People and organisations"]

    @get("/", guards=[guards.public], summary="List appointments", operation_id="listAppointments")
    async def index(self, request: Visitor) -> Items[AppointmentView]:
        """The register, newest first; what only one person proposed is seen by operators and auditors alone."""
        now = clock.now()
        return Items([view(each, now) for each in await actions.register(request.user)])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an appointment",
        operation_id="readAppointment",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> AppointmentView:
        """One appointment; what only one person proposed is there for operators and auditors alone."""
        return await _one(request.user, ref)

    @post(
        "/",
        guards=[guards.overseer],
        summary="Propose an appointment",
        operation_id="proposeAppointment",
        responses=problem_responses(404, 409),
    )
    async def propose(self, request: Visitor, data: JSONBody[actions.AppointmentDraft]) -> AppointmentView:
        """As an operator or auditor, propose somebody by name for an office, with the paper that appoints her; another confirms it."""
        return await _one(request.user, (await actions.propose(request.user, data)).ref)

    @post(
        "/{ref:str}/confirm",
        status_code=200,
        guards=[guards.overseer],
        summary="Confirm an appointment",
        operation_id="confirmAppointment",
        responses=problem_responses(404, 409),
    )
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> AppointmentView:
        """Confirm what somebody else proposed: it is public from now on, and in effect when the policy's hours are over."""
        return await _one(request.user, (await actions.confirm(request.user, ref)).ref)
