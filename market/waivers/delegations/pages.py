"""Delegations for people: the register, one of them with its signature explained, drafting, signing, taking back."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath

from market import clock, policy
from market.accounts import guards
from market.proof import signing
from market.refusals import refusals
from market.tenders import cpv
from market.waivers.delegations import actions, readers, rules
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Credential(msgspec.Struct):
    """The browser's answer to the challenge, as text; empty where no script ran."""

    credential: str = ""


class DelegationPages(Controller):
    """Who signs waivers for a minister."""

    path = "/waivers/delegations"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def register(self, request: Visitor) -> Response[bytes]:
        """Every signed instrument, and a minister's own drafts."""
        now = clock.now()
        return show(
            request,
            "waivers/delegations.html",
            found=[(each, rules.standing(each, now)) for each in await readers.register()],
            drafts=await readers.drafts_of(request.user),
            months=policy.IN_FORCE.gate.delegation_maximum_months,
        )

    @get("/new", guards=[guards.minister])
    async def drafting(self, request: Visitor) -> Response[bytes]:
        """A minister writes one."""
        today = clock.now().astimezone(clock.ZONE).date()
        return await _drafting(request, forms.blank(actions.DelegationDraft, begins_on=today, cpv=[], bodies=[]))

    @post("/new", guards=[guards.minister])
    async def draft(self, request: Visitor) -> Response[Any]:
        """Keep what she wrote; it does nothing until she signs it."""
        form = await forms.read(request, actions.DelegationDraft)
        with form.acting():
            row = await actions.draft(request.user, form.data)
            return to(
                f"/waivers/delegations/{row.ref}", _("Read it once more, then sign it. Nobody else sees it until then.")
            )
        return await _drafting(request, form)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One instrument: to be signed, or signed."""
        return await _one(request, ref, forms.blank(actions.TakingBack))

    @get("/{ref:str}/bundle.json", guards=[guards.public])
    async def bundle(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The signed file, exactly as a stranger's verifier wants it."""
        found = await readers.readable(request.user, ref)
        return Response(
            (await actions.signed_file(found)).encode(),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="{ref}.json"'},
        )

    @post("/{ref:str}/options", guards=[guards.minister], status_code=200)
    async def options(self, request: Visitor, ref: FromPath[str]) -> dict[str, Any]:
        """What the browser needs to have it signed."""
        return await actions.begin_signing(request.user, ref)

    @post("/{ref:str}/sign", guards=[guards.minister])
    async def sign(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Put it in force with the passkey's answer."""
        form = await forms.read(request, Credential)
        with form.acting():
            await actions.sign(request.user, ref, form.data.credential)
            return to(f"/waivers/delegations/{ref}", _("You signed it. It is public, and your delegate is told."))
        return await _one(request, ref, form)

    @post("/{ref:str}/drop", guards=[guards.minister])
    async def drop(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Drop what was not signed."""
        await actions.drop(request.user, ref)
        return to("/waivers/delegations", _("The draft is dropped. Nobody else saw it."))

    @post("/{ref:str}/revoke", guards=[guards.minister])
    async def revoke(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back at once."""
        form = await forms.read(request, actions.TakingBack)
        with form.acting():
            await actions.revoke(request.user, ref, form.data)
            return to(f"/waivers/delegations/{ref}", _("It is revoked from this moment on. Your delegate is told why."))
        return await _one(request, ref, form)


async def _drafting(request: Visitor, form: forms.Form[actions.DelegationDraft]) -> Response[bytes]:
    hat = request.user.must_wear("minister")
    return show(
        request,
        "waivers/delegate.html",
        status=form.status,
        form=form,
        department=hat.organisation_name,
        people=[
            (each.ref, f"{each.name}, {each.title or each.body}")
            for each in await readers.delegates(hat.organisation)
            if not each.buys and not each.oversees and each.id != request.user.person
        ],
        bodies=list((await readers.family(hat.organisation)).items()),
        months=policy.IN_FORCE.gate.delegation_maximum_months,
        most=policy.IN_FORCE.gate.delegation_codes_most,
        shortest=policy.IN_FORCE.gate.waiver_reason_characters,
    )


async def _one(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    found = await readers.readable(request.user, ref)
    arrived = clock.arrived()
    hers = request.user.wears("minister", organisation=found.department) is not None
    return show(
        request,
        "waivers/delegation.html",
        status=form.status,
        form=form,
        found=found,
        standing=rules.standing(found, clock.now()),
        bodies=await readers.named(found.bodies),
        named=cpv.named,
        signs=hers and found.minister_ref == request.user.ref and not refusals(rules.SIGN, found, arrived),
        revokes=hers and not refusals(rules.REVOKE, found, arrived),
        by_passkey=request.user.by_passkey,
        used=await readers.signed_under(found),
        checked=await actions.check(found),
        limits=signing.LIMITS,
        shortest=policy.IN_FORCE.gate.waiver_reason_characters,
    )
