"""Pages of a buyer's short list and of letters between firms: keep suppliers in mind, invite them, write about bidding together."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import bodies, guards
from market.actor import SUPPLIER_ROLES
from market.refusals import refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _, _n
from search import rules
from search.inviting import actions as inviting


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """Suppliers by reference."""

    ref: list[str] = msgspec.field(default_factory=list)


class ShortlistPages(Controller):
    """A buyer's short list, and pointing suppliers to what is open."""

    path = "/search/shortlist"
    include_in_schema = False

    @get("/", guards=[guards.buyer])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """The list, with a form to invite from it."""
        return await _shortlist(request, forms.blank(inviting.Invitation))

    @get("/add", guards=[guards.buyer])
    async def choosing(self, request: Visitor) -> Response[bytes]:
        """The suppliers somebody ticked, and one button."""
        refs = list(dict.fromkeys(request.query_params.getall("ref", [])))[: rules.INVITED_AT_ONCE]
        return show(request, "search/shortlist_add.html", firms=[await bodies.supplier(ref) for ref in refs])

    @post("/", guards=[guards.buyer])
    async def add(self, request: Visitor) -> Response[Any]:
        """Put them on the list."""
        form = await forms.read(request, Chosen)
        fresh = await inviting.shortlist(request.user, form.data.ref)
        if not fresh:
            return to("/search/shortlist", _("They were on your short list already."))
        words = _n(
            "{number} supplier is new on your short list.", "{number} suppliers are new on your short list.", fresh
        )
        return to("/search/shortlist", words)

    @post("/{ref:str}/remove", guards=[guards.buyer])
    async def remove(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take one off."""
        firm = await inviting.unlist(request.user, ref)
        return to("/search/shortlist", _("{name} is off your short list.", name=firm.name))

    @post("/invite", guards=[guards.buyer])
    async def invite(self, request: Visitor) -> Response[Any]:
        """Write to those who are ticked."""
        form = await forms.read(request, inviting.Invitation)
        with form.acting():
            told = await inviting.invite(request.user, form.data)
            words = _n(
                "{number} supplier was told by letter. Whom you told is public.",
                "{number} suppliers were told by letter. Whom you told is public.",
                told,
            )
            return to("/search/shortlist", words)
        return await _shortlist(request, form)


async def _shortlist(request: Visitor, form: forms.Form[inviting.Invitation]) -> Response[bytes]:
    firms = await inviting.listed(request.user)
    return show(
        request,
        "search/shortlist.html",
        status=form.status,
        firms=firms,
        offered=[(firm.ref, firm.name, _told_of(firm)) for firm in firms],
        records=await inviting.open_records(request.user),
        form=form,
    )


def _told_of(firm: inviting.Listed) -> str | None:
    """What a supplier on the list was invited to already, otherwise where it is."""
    if firm.told:
        return _("Told of {records}", records=", ".join(subject.partition(":")[2] for subject in firm.told))
    return firm.region or None


class PartnerPages(Controller):
    """One supplier writes to another about bidding together."""

    path = "/search/partners"
    include_in_schema = False

    @get("/{ref:str}", guards=[guards.supplier])
    async def writing(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The letters so far, and a form for one more."""
        return await _partner(request, ref, forms.blank(inviting.Letter))

    @post("/{ref:str}", guards=[guards.supplier])
    async def write(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send it."""
        form = await forms.read(request, inviting.Letter)
        with form.acting():
            await inviting.approach(request.user, ref, form.data)
            return to(f"/search/partners/{ref}", _("Your letter is on its way. An answer reaches you by letter."))
        return await _partner(request, ref, form)


async def _partner(request: Visitor, ref: str, form: forms.Form[inviting.Letter]) -> Response[bytes]:
    ours, firm = request.user.must_wear(*SUPPLIER_ROLES).organisation, await bodies.supplier(ref)
    return show(
        request,
        "search/partner.html",
        status=form.status,
        firm=firm,
        letters=await inviting.between(ours, firm.id),
        blocked=refusals(rules.CONTACT, await inviting.contact(ours, firm.id)),
        form=form,
    )
