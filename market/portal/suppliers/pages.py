"""The suppliers that other portals' notices name, for people: the list, one record, claiming it, and the operator's queues."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from market.accounts import guards
from market.accounts.tables import Organisation, Person
from market.db import find, maybe
from market.portal import rules
from market.portal.sameness.pairs import Decision
from market.portal.suppliers import actions, claims
from market.portal.suppliers import views as supplier_views
from market.portal.tables import ImportedSupplier
from market.settings import settings
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _


class ImportedSupplierPages(Controller):
    """Suppliers of other portals: one record for one firm, however it is spelt."""

    path = "/portals/suppliers"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[bytes]:
        """The list, with every word of a text filter."""
        rows, following = await supplier_views.page_of(q, after)
        onward = f"/portals/suppliers?{urlencode({'q': q, 'after': following})}" if following else None
        operates = request.user.wears("operator") is not None
        return show(request, "portal/suppliers.html", suppliers=rows, q=q, next=onward, operates=operates)

    @get("/doubtful", guards=[guards.operator])
    async def doubtful(self, request: Visitor) -> Response[bytes]:
        """Spellings that may be one supplier, and the joinings that stand."""
        waiting, pairs = await supplier_views.doubtful()
        merges = await supplier_views.merges()
        return show(request, "portal/doubtful-suppliers.html", waiting=waiting, pairs=pairs, merges=merges)

    @post("/doubtful/{ref:str}", guards=[guards.operator])
    async def decide(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Say whether two spellings are one supplier."""
        given = (await forms.read(request, Decision)).data
        await actions.decide(request.user, ref, given)
        said = (
            _("They are one record from now on.")
            if given.same
            else _("They stay apart, and you will not be asked again.")
        )
        return to("/portals/suppliers/doubtful", said)

    @post("/merges/{ref:str}/undo", guards=[guards.signed_in])
    async def part(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take a spelling out of a record."""
        merge = await actions.take_apart(request.user, ref)
        one = await find(ImportedSupplier, ImportedSupplier.id == merge.one)
        return to(f"/portals/suppliers/{one.ref}", _("They are two records again."))

    @get("/of/{ref:str}", guards=[guards.public])
    async def held(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The records that a registered supplier holds; for its own people also those that may be theirs."""
        firm = await find(Organisation, (Organisation.ref == ref) & (Organisation.kind == "supplier"))
        own = request.user.wears("supplier-admin", organisation=firm.id) is not None
        held = await supplier_views.of_organisation(firm.id)
        known = {each.ref for each in held}
        likely = [each for each in await supplier_views.likely(firm) if each.ref not in known] if own else []
        return show(request, "portal/held.html", firm=firm, held=held, likely=likely, own=own)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str], before: FromQuery[int | None] = None) -> Response[Any]:
        """One record with its spellings and notices; a spelling leads to the record it is shown under."""
        found = await supplier_views.supplier(ref, before)
        if isinstance(found, str):
            return Redirect(f"/portals/suppliers/{found}", status_code=302)
        actor = request.user
        holds = found.holder is not None and actor.wears("supplier-admin", organisation=found.holder.organisation)
        operates = actor.wears("operator") is not None
        return show(
            request,
            "portal/supplier.html",
            known=found,
            row=found.row,
            before=before,
            parts=bool(holds) or operates,
            may_claim=found.holder is None and actor.wears("supplier-admin") is not None,
            sees_claim=bool(holds) or operates,
        )

    @get("/{ref:str}/claim", guards=[guards.supplier_admin])
    async def claiming(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The form to claim it."""
        return await _claiming(request, ref, forms.blank(claims.Claiming))

    @post("/{ref:str}/claim", guards=[guards.supplier_admin])
    async def claim(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Claim it."""
        form = await forms.read(request, claims.Claiming)
        with form.acting():
            made = await claims.ask(request.user, ref, form.data)
            return to(f"/portals/claims/{made.ref}", _(SAID[made.way]))
        return await _claiming(request, ref, form)


SAID = {
    "email": N_("A code is on its way. Type it here when it has come."),
    "post": N_("An operator prints a letter with a code and posts it. Type the code here when it has come."),
    "operator": N_("An operator reads what you said, and you get a letter with the decision."),
}
"""What happens now, for each way to prove a claim."""

STATES = {"waits": "amber", "granted": "green", "refused": "red", "withdrawn": "grey", "let go": "grey"}
"""The word for how a claim stands, and its tone."""


class ClaimPages(Controller):
    """Claims: one's own, and for operators those that wait."""

    path = "/portals/claims"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The claims of one's firms; for operators those that wait for them."""
        actor = request.user
        own = await claims.made_by(actor.organisations("supplier-admin", "supplier-member"))
        operates = actor.wears("operator", "auditor") is not None
        waiting = await claims.waiting() if operates else []
        return show(request, "portal/claims.html", own=own, waiting=waiting, operates=operates, state=claims.state)

    @get("/{ref:str}", guards=[guards.signed_in])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One claim: for who made it, and for who decides."""
        return await _claim(request, ref)

    @post("/{ref:str}/code", guards=[guards.supplier_admin])
    async def prove(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Type the code."""
        form = await forms.read(request, claims.Code)
        with form.acting():
            claim = await claims.prove(request.user, ref, form.data)
            one = await find(ImportedSupplier, ImportedSupplier.id == claim.supplier)
            return to(f"/portals/suppliers/{one.ref}", _("This record is yours from now on."))
        return await _claim(request, ref, code=form)

    @post("/{ref:str}/code/again", guards=[guards.supplier_admin])
    async def again(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send another code."""
        await claims.send_again(request.user, ref)
        return to(f"/portals/claims/{ref}", _("Another code is on its way. The one before counts no more."))

    @post("/{ref:str}/letter", guards=[guards.operator])
    async def letter(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The letter that goes by post, to be printed; its code is shown this once."""
        printed = await claims.print_letter(request.user, ref)
        return show(request, "portal/letter.html", printed=printed, site_address=settings().site_url)

    @post("/{ref:str}/decision", guards=[guards.operator])
    async def decide(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Grant or refuse it."""
        form = await forms.read(request, claims.Verdict)
        with form.acting():
            claim = await claims.decide(request.user, ref, form.data)
            said = (
                _("They hold the record now. They get a letter with your reason.")
                if claim.granted
                else _("The claim is refused. They get a letter with your reason.")
            )
            return to("/portals/claims", said)
        return await _claim(request, ref, verdict=form)

    @post("/{ref:str}/withdraw", guards=[guards.supplier_admin])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        await claims.withdraw(request.user, ref)
        return to(f"/portals/claims/{ref}", _("The claim is withdrawn."))

    @post("/{ref:str}/release", guards=[guards.signed_in])
    async def release(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Let the record go."""
        form = await forms.read(request, claims.Letting)
        with form.acting():
            await claims.release(request.user, ref, form.data)
            return to(f"/portals/claims/{ref}", _("The record is let go. It can be claimed again."))
        return await _claim(request, ref, letting=form)


async def _claiming(request: Visitor, ref: str, form: forms.Form[claims.Claiming]) -> Response[Any]:
    found = await supplier_views.supplier(ref)
    if isinstance(found, str):
        return Redirect(f"/portals/suppliers/{found}/claim", status_code=302)
    firms = [
        (each.organisation_ref, each.organisation_name) for each in request.user.hats if each.role == "supplier-admin"
    ]
    ways = await claims.ways_of(found.group)
    return show(
        request,
        "portal/claim-form.html",
        status=form.status,
        form=form,
        known=found,
        row=found.row,
        firms=firms,
        ways=ways,
        offered=[*map(_option, ways), ("operator", _("An operator checks it"), _("Say below what she can check."))],
        shortest=rules.SHORTEST_STATEMENT,
    )


def _option(way: claims.Offered) -> tuple[str, str, str]:
    if way.kind == "email":
        return way.way, _("A code by email to {address}", address=way.masked), _("It counts for seven days.")
    words = _("A code by post to the address on record in {address}", address=way.masked)
    return way.way, words, _("An operator posts it. It counts for thirty days.")


async def _claim(
    request: Visitor,
    ref: str,
    *,
    code: forms.Form[claims.Code] | None = None,
    verdict: forms.Form[claims.Verdict] | None = None,
    letting: forms.Form[claims.Letting] | None = None,
) -> Response[bytes]:
    claim = await claims.seen_by(request.user, ref)
    posted = code or verdict or letting
    one, firm = await claims.sides(claim)
    found = await supplier_views.supplier((await claims.shown(one.ref)).ref)
    word = claims.state(claim.granted, claim.withdrawn_at, claim.released_at)
    actor = request.user
    return show(
        request,
        "portal/claim.html",
        status=posted.status if posted else 200,
        claim=claim,
        known=found,
        firm=firm,
        asked_by=await maybe(Person, Person.id == claim.asked_by),
        word=word,
        tone=STATES[word],
        masked=claims.masked(claim),
        own=actor.wears("supplier-admin", organisation=claim.organisation) is not None,
        operates=actor.wears("operator") is not None and claim.organisation not in actor.organisations(),
        reads=actor.wears("operator", "auditor") is not None,
        code=code or forms.blank(claims.Code),
        verdict=verdict or forms.blank(claims.Verdict),
        letting=letting or forms.blank(claims.Letting),
    )
