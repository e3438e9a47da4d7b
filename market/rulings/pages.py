"""The public register “Who decided that the rule does not bind”, and the acts behind it for operators and auditors."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import clock, policy
from market.accounts import bodies, guards
from market.accounts.people import auditors
from market.refusals import refusals
from market.rulings import actions, readers, rules, texts
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class RulingPages(Controller):
    """What decides whom the rule binds: who proposed it, who confirmed it, on what ground, and from when."""

    path = "/rulings"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The register, newest first."""
        now = clock.now()
        return show(
            request,
            "rulings/list.html",
            rulings=[readers.shown(each, now) for each in await readers.register()],
            abouts=rules.ABOUT,
            decides=request.user.wears(*actions.DECIDERS) is not None,
            days=policy.IN_FORCE.rulings.wait_working_days,
        )

    @get("/new", guards=[guards.overseer])
    async def new(self, request: Visitor, organisation: FromQuery[str] = "") -> Response[bytes]:
        """Which body shall be of which tier."""
        return await _tier(request, forms.blank(actions.TierDraft, organisation=organisation))

    @post("/new", guards=[guards.overseer])
    async def propose(self, request: Visitor) -> Response[Any]:
        """Propose a tier."""
        form = await forms.read(request, actions.TierDraft)
        with form.acting():
            made = await actions.propose_tier(request.user, form.data)
            return to(f"/rulings/{made.ref}", _("Proposed. Somebody else confirms it; they are told by letter."))
        return await _tier(request, form)

    @get("/department", guards=[guards.overseer])
    async def department(self, request: Visitor, organisation: FromQuery[str] = "") -> Response[bytes]:
        """Which department shall answer for which body."""
        return await _department(request, forms.blank(actions.DepartmentDraft, organisation=organisation))

    @post("/department", guards=[guards.overseer])
    async def propose_department(self, request: Visitor) -> Response[Any]:
        """Propose a department."""
        form = await forms.read(request, actions.DepartmentDraft)
        with form.acting():
            made = await actions.propose_department(request.user, form.data)
            return to(f"/rulings/{made.ref}", _("Proposed. Somebody else confirms it; they are told by letter."))
        return await _department(request, form)

    @get("/text", guards=[guards.overseer])
    async def text(self, request: Visitor, about: FromQuery[str] = "policy") -> Response[bytes]:
        """Which numbers, or which lines of a list, shall be otherwise: the text in force, to be changed."""
        present = texts.beside_the_program().get(about, "")
        return await _text(request, forms.blank(texts.TextDraft, about=about, text=present))

    @post("/text", guards=[guards.overseer])
    async def propose_text(self, request: Visitor) -> Response[Any]:
        """Propose a new version of a text."""
        form = await forms.read(request, texts.TextDraft)
        with form.acting():
            made = await texts.propose_text(request.user, form.data)
            return to(f"/rulings/{made.ref}", _("Proposed. Somebody else confirms it; they are told by letter."))
        return await _text(request, form)

    @get("/{ref:str}/text", guards=[guards.public])
    async def whole(self, ref: FromPath[str]) -> Response[bytes]:
        """The whole text that a ruling is about, to be laid beside the program."""
        await readers.one(ref)
        return Response((await texts.text_of(ref)).encode(), media_type="text/plain; charset=utf-8")

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One ruling."""
        return await _one(request, ref, forms.blank(actions.Reason))

    @post("/{ref:str}/confirm", guards=[guards.overseer])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Confirm what somebody else proposed."""
        await actions.confirm(request.user, ref)
        return to(f"/rulings/{ref}", _("Confirmed and published. Auditors can object now."))

    @post("/{ref:str}/object", guards=[guards.auditor])
    async def object_to(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Object."""
        form = await forms.read(request, actions.Reason)
        with form.acting():
            await actions.object_to(request.user, ref, form.data)
            return to(f"/rulings/{ref}", _("Your objection stands. The rule binds as before."))
        return await _one(request, ref, form)

    @post("/{ref:str}/lift", guards=[guards.auditor])
    async def lift(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Lift one's own objection."""
        await actions.lift(request.user, ref)
        return to(f"/rulings/{ref}", _("Your objection is lifted. The waiting time begins anew."))

    @post("/{ref:str}/withdraw", guards=[guards.overseer])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        form = await forms.read(request, actions.Reason)
        with form.acting():
            await actions.withdraw(request.user, ref, form.data)
            return to(f"/rulings/{ref}", _("Withdrawn. Your reason stands beside it."))
        return await _one(request, ref, form)


async def _tier(request: Visitor, form: forms.Form[actions.TierDraft]) -> Response[bytes]:
    return show(
        request,
        "rulings/tier.html",
        status=form.status,
        form=form,
        buyers=await _buyers(),
        tiers=[(tier, _(words)) for tier, words in rules.TIERS.items()],
        **await _proposing(request),
    )


async def _department(request: Visitor, form: forms.Form[actions.DepartmentDraft]) -> Response[bytes]:
    return show(
        request,
        "rulings/department.html",
        status=form.status,
        form=form,
        buyers=await _buyers(),
        departments=await bodies.departments(),
        **await _proposing(request),
    )


async def _text(request: Visitor, form: forms.Form[texts.TextDraft]) -> Response[bytes]:
    return show(
        request,
        "rulings/text.html",
        status=form.status,
        form=form,
        which=[(about, _(rules.ABOUT[about])) for about in rules.TEXTS],
        deploy=policy.IN_FORCE.rulings.deploy_days,
        **await _proposing(request),
    )


async def _proposing(request: Visitor) -> dict[str, Any]:
    numbers = policy.IN_FORCE.rulings
    return {
        "others": await actions.others_than(request.user),
        "auditors": await auditors(),
        "days": numbers.wait_working_days,
        "least": numbers.ground_characters,
    }


async def _buyers() -> list[tuple[str, str]]:
    return [(each.ref, each.name) for each in await bodies.everybody_but_suppliers() if each.kind == "buyer"]


async def _one(request: Visitor, ref: str, form: forms.Form[actions.Reason]) -> Response[bytes]:
    row, actor, now = await readers.one(ref), request.user, clock.arrived()
    decides = actor.wears(*actions.DECIDERS) is not None
    confirming = await actions.confirming(actor, row) if decides and rules.waits(row) else None
    audits, reason = actor.wears("auditor") is not None, "-" * policy.IN_FORCE.people.instrument_characters
    stopping = rules.Stopping(row, reason, row.objector_ref == actor.ref != "", now)
    return show(
        request,
        "rulings/one.html",
        status=form.status,
        form=form,
        ruling=readers.shown(row, clock.now()),
        about=_(rules.ABOUT[row.about]),
        is_text=row.about in rules.TEXTS,
        changes=await texts.changed_by(ref),
        confirms=confirming is not None and not refusals(rules.CONFIRM, confirming),
        why_not=refusals(rules.CONFIRM, confirming) if confirming is not None else [],
        objects=audits and not refusals(rules.OBJECT, stopping),
        lifts=audits and not refusals(rules.LIFT, stopping),
        withdraws=decides and not refusals(rules.WITHDRAW, stopping),
        days=policy.IN_FORCE.rulings.wait_working_days,
    )
