"""Waivers for people: the register, one waiver with its signature explained, asking, deciding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery

from market import clock, policy, workdays
from market.accounts import guards
from market.accounts.people import department_of, holders
from market.accounts.tables import Organisation, Person
from market.actor import Actor
from market.audit.thread import thread
from market.db import find
from market.money import Money
from market.proof import signing
from market.refusals import Refused, refusals
from market.tenders import cpv, gate, readers
from market.tenders.evidence import similar_exercises
from market.tenders.facts import Candidate
from market.tenders.tables import Tender
from market.waivers import actions, rules
from market.waivers.delegations import actions as delegating
from market.waivers.delegations import readers as instruments
from market.waivers.delegations.rules import Instrument
from market.waivers.document import signed_document, stops_of
from market.waivers.grounds import grounds, label
from market.waivers.listing import listed, ministers_keys, requests_for, waiting_for
from market.waivers.reviews import readers as reviews
from market.waivers.reviews import rules as reviewing
from market.waivers.tables import Delegation, Waiver
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Credential(msgspec.Struct):
    """The browser's answer to the challenge, as text; empty where no script ran."""

    credential: str = ""


class WaiverPages(Controller):
    """Everything about waivers."""

    path = "/"
    include_in_schema = False

    @get("/waivers", guards=[guards.public])
    async def register(self, request: Visitor, standing: FromQuery[str] = "") -> Response[bytes]:
        """Every decided request."""
        return show(
            request,
            "waivers/register.html",
            rows=await listed(standing),
            standing=standing,
            counts=await actions.statistics(),
            grounds=grounds(),
        )

    @get("/waivers/requests", guards=[guards.signed_in])
    async def requests(self, request: Visitor) -> Response[bytes]:
        """What waits for this minister, or for whom she lets sign."""
        return show(request, "waivers/requests.html", waiting=await waiting_for(request.user))

    @get("/waivers/keys", guards=[guards.public])
    async def keys(self, request: Visitor) -> Response[bytes]:
        """The register of the ministers' keys, to compare a signed file's with."""
        return show(request, "waivers/keys.html", keys=await ministers_keys())

    @get("/waivers/{ref:str}", guards=[guards.public], opt={"reading_is_an_event": True})
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One waiver: to be decided, or decided."""
        return await waiver_page(request, ref, forms.blank(actions.Reason))

    @get("/waivers/{ref:str}/bundle.json", guards=[guards.public], opt={"reading_is_an_event": True})
    async def bundle(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The signed file, exactly as a stranger's verifier wants it."""
        waiver = await actions.readable(request.user, ref)
        return Response(
            (await actions.signed_file(waiver)).encode(),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="{ref}.json"'},
        )

    @get("/tenders/{ref:str}/waiver", guards=[guards.buyer])
    async def asking(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Ask for a waiver."""
        until = workdays.waiver_ends_by_default(clock.now()).date()
        return await _asking(request, ref, forms.blank(actions.WaiverRequest, valid_until=until, evidence=[]))

    @post("/tenders/{ref:str}/waiver", guards=[guards.buyer])
    async def ask(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send the request to the minister."""
        form = await forms.read(request, actions.WaiverRequest)
        with form.acting():
            waiver = await actions.ask(request.user, ref, form.data)
            return to(
                f"/waivers/{waiver.ref}", _("Your request is with the minister. You hear by letter what she decides.")
            )
        return await _asking(request, ref, form)

    @post("/waivers/{ref:str}/withdraw", guards=[guards.buyer])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        waiver = await actions.withdraw(request.user, ref)
        tender = await find(Tender, Tender.id == waiver.tender)
        return to(f"/tenders/{tender.ref}", _("The request is withdrawn. You can change the draft again."))

    @post("/waivers/{ref:str}/options", guards=[guards.signed_in], status_code=200)
    async def options(self, request: Visitor, ref: FromPath[str]) -> dict[str, Any]:
        """What the browser needs to have the waiver signed."""
        return await actions.begin_signing(request.user, ref)

    @post("/waivers/{ref:str}/sign", guards=[guards.signed_in])
    async def sign(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Grant it with the passkey's answer."""
        form = await forms.read(request, Credential)
        with form.acting():
            await actions.sign(request.user, ref, form.data.credential)
            return to(
                f"/waivers/{ref}", _("You signed the waiver. The buyer is told, and anybody can check your signature.")
            )
        return await waiver_page(request, ref, form)

    @post("/waivers/{ref:str}/refuse", guards=[guards.minister])
    async def refuse(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Refuse it with a reason."""
        form = await forms.read(request, actions.Reason)
        with form.acting():
            await actions.refuse(request.user, ref, form.data)
            return to(f"/waivers/{ref}", _("The request is refused. The buyer is told why."))
        return await waiver_page(request, ref, form)

    @post("/waivers/{ref:str}/revoke", guards=[guards.minister])
    async def revoke(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back with a reason."""
        form = await forms.read(request, actions.Reason)
        with form.acting():
            await actions.revoke(request.user, ref, form.data)
            return to(f"/waivers/{ref}", _("The waiver is revoked. The buyer is told why."))
        return await waiver_page(request, ref, form)


async def _reviewed(actor: Actor, waiver: Waiver) -> dict[str, Any]:
    """What the page shows of a waiver's reviews, and what the visitor may do about them."""
    found, now = await reviews.reviews_of(waiver.ref), clock.arrived()
    opened = next((each for each in found if reviewing.is_open(each, now)), None)
    stage = rules.stage(waiver, now)
    calling = reviewing.Calling(stage, found, "", now)
    first = (reviewing.there_is_something_to_review, reviewing.one_at_a_time)
    answers = opened is not None and stage in ("in-force", "suspended")
    return {
        "reviews": found,
        "open_review": opened,
        "answer_version": reviews.version(opened) if opened else "",
        "calls": actor.wears("auditor") is not None and not refusals(first, calling),
        "answers": answers and actor.wears("minister", organisation=waiver.department) is not None,
        "choices": [(code, _(words)) for code, words in reviewing.ANSWERS.items()],
        "review_days": policy.IN_FORCE.gate.waiver_review_days,
    }


async def readable_instrument(waiver: Waiver) -> Instrument | None:
    """The instrument under which a waiver was signed; None where the minister signed herself."""
    if waiver.delegation is None:
        return None
    row = await find(Delegation, Delegation.id == waiver.delegation)
    return await instruments.instrument(row.ref)


async def _delegated(actor: Actor, waiver: Waiver, candidate: Candidate) -> tuple[Instrument | None, list[str]]:
    """The instrument under which the visitor may sign this request, and where none reaches so far, why not."""
    try:
        return await delegating.for_this(actor, waiver.department, candidate, waiver.asked_by), []
    except Refused as refused:
        return None, [each.reason for each in refused.reasons]


async def ministers_of(department: int) -> list[str]:
    """The names of those who may decide now; empty while the office is vacant."""
    return [minister.name for minister in await holders(department, "minister")]


async def _asking(request: Visitor, ref: str, form: forms.Form[actions.WaiverRequest]) -> Response[bytes]:
    tender = await find(Tender, Tender.ref == ref)
    request.user.must_wear("buyer", organisation=tender.buyer, secret=True)
    candidate = await readers.candidate(tender.ref)
    department = await department_of(tender.buyer)
    empty = rules.Wish(candidate, "", "", [], "", "", clock.now() + timedelta(days=30), shown=())
    before = (rules.for_a_draft, rules.one_at_a_time, rules.the_gate_is_shut, rules.the_purchase_is_described)
    return show(
        request,
        "waivers/ask.html",
        status=form.status,
        form=form,
        tender=tender,
        department=department,
        in_office=await ministers_of(department.id),
        similar=await similar_exercises(candidate.codes),
        earlier=[earlier for earlier in await requests_for(tender.id) if earlier.decided_at],
        blocked=refusals(before, empty),
        gate=gate.ask(candidate),
        stops=stops_of(None, candidate),
        grounds=[(code, ground.label, ground.asks) for code, ground in grounds().items()],
        longest=policy.IN_FORCE.gate.waiver_maximum_months,
        shortest=policy.IN_FORCE.gate.waiver_reason_characters,
    )


async def waiver_page(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    """The page of a waiver, with this form in it: the answer to a post that was refused shows what was typed."""
    waiver = await actions.readable(request.user, ref)
    tender = await find(Tender, Tender.id == waiver.tender)
    candidate = await readers.candidate(tender.ref)
    standing = rules.standing(waiver, clock.now())
    signed = signed_document(waiver)
    tender_shown = signed["tender"] if signed else None
    lots = (
        [
            (lot["number"], lot["title"], lot["cpv"], Money(lot["value_minor"], tender_shown["currency"]))
            for lot in tender_shown["lots"]
        ]
        if tender_shown
        else [(lot.number, lot.title, lot.cpv, Money(lot.value_minor, tender.currency)) for lot in candidate.lots]
    )
    title = tender_shown["title"] if tender_shown else tender.title
    value = Money(tender_shown["value_minor"], tender_shown["currency"]) if tender_shown else candidate.value
    in_office = request.user.wears("minister", organisation=waiver.department) is not None
    open_now = standing.stage == "asked"
    delegated, beyond = await _delegated(request.user, waiver, candidate) if open_now and not in_office else (None, [])
    decides = open_now and (in_office or delegated is not None)
    return show(
        request,
        "waivers/one.html",
        status=form.status,
        form=form,
        waiver=waiver,
        tender=tender,
        title=title,
        description=tender_shown["description"] if tender_shown else tender.description,
        lots=lots,
        in_office=await ministers_of(waiver.department) if standing.stage == "asked" else [],
        value=value,
        buyer=candidate.tender.buyer_name,
        department=await find(Organisation, Organisation.id == waiver.department),
        asker=(await find(Person, Person.id == waiver.asked_by)).name,
        minister=(await find(Person, Person.id == waiver.minister)).name if waiver.minister else None,
        standing=standing,
        ground=grounds().get(waiver.ground),
        ground_label=label(waiver.ground),
        evidence=waiver.evidence.splitlines(),
        similar=await actions.similar_to(waiver) if standing.stage == "asked" else [],
        stops=stops_of(waiver, candidate),
        revokes=in_office and not refusals(rules.REVOKE, waiver, clock.arrived()),
        shown=await readers.titles_of(waiver.shown),
        named=cpv.named,
        checked=await actions.check(waiver),
        limits=signing.LIMITS,
        used_at=await actions.used_at(waiver),
        decides=decides,
        own=refusals(rules.SIGNER, await actions.signing_by(request.user, waiver)) if open_now and in_office else [],
        refuses=open_now and in_office,
        delegated=delegated,
        beyond=beyond,
        instrument=await readable_instrument(waiver),
        **await _reviewed(request.user, waiver),
        by_passkey=request.user.by_passkey,
        is_buyer=request.user.wears("buyer", organisation=waiver.buyer) is not None,
        may_see_tender=tender.published_at is not None
        or readers.works_for(request.user, tender)
        or (open_now and in_office),
        steps=await thread(f"waiver:{ref}"),
        shortest=policy.IN_FORCE.gate.waiver_reason_characters,
    )
