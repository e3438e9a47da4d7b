"""Bidding and opening for people."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath

from market import clock, policy
from market.accounts import guards
from market.accounts.marks import marks_of
from market.accounts.tables import Organisation
from market.audit.thread import thread
from market.bids import actions, confirmations, reading, rules
from market.bids.contents import Price
from market.bids.tables import Opening
from market.db import find, maybe
from market.proof import canonical
from market.refusals import refusals
from market.tenders.readers import addenda_of, criteria_of, lots_of, officers_of, published, tender_of
from market.tenders.tables import Lot
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class BidForm(msgspec.Struct):
    """The fields of a bid that are the same for every lot; the answers are read by the criteria's references. `read` is the last
    change that was there when the page was opened."""

    price_minor: Price
    declared: bool = False
    read: str = ""


def _answers(form: forms.Form[BidForm]) -> dict[str, str]:
    return {
        name.removeprefix("answer-"): str(value).replace("\r\n", "\n").strip()
        for name, value in form.values.items()
        if name.startswith("answer-")
    }


class BidPages(Controller):
    """Sealing bids, one's own receipts, and the opening."""

    path = "/"
    include_in_schema = False

    @get("/bids", guards=[guards.supplier])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """Everything my firm sent, newest first."""
        bids = [(bid, rules.standing(bid)) for bid in await actions.mine(request.user)]
        return show(request, "bids/mine.html", bids=bids)

    @get("/bids/{ref:str}/receipt.json", guards=[guards.supplier])
    async def receipt(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The receipt again, to keep."""
        receipt = await actions.receipt_of(request.user, ref)
        return Response(
            canonical.encode(receipt.to_plain()),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="receipt-{ref}.json"'},
        )

    @get("/confirmations/{ref:str}/receipt.json", guards=[guards.supplier])
    async def confirmation(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The receipt of a confirmation again, to keep."""
        receipt = await confirmations.receipt_of(request.user, ref)
        return Response(
            canonical.encode(receipt.to_plain()),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="confirmation-{ref}.json"'},
        )

    @get("/tenders/{ref:str}/bid", guards=[guards.supplier])
    async def lots(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The lots of a tender with what I sealed for each."""
        tender = await published(ref)
        lots = await lots_of(tender)
        sent = await actions.mine(request.user, tender.id)
        withheld, missing = await actions.warned(request.user, tender)
        facts = rules.Bidding(tender, bool(lots), clock.arrived(), sealed_before=True, withheld=withheld, sent=[])
        return show(
            request,
            "bids/lots.html",
            tender=tender,
            buyer=await find(Organisation, Organisation.id == tender.buyer),
            lots=lots,
            sent={bid.lot_ref: bid for bid in reversed(sent)},
            history=sent,
            changes={each.ref: each for each in await addenda_of(await tender_of(ref))},
            blocked=refusals(rules.SUBMIT, facts),
            withdraws=not refusals(rules.WITHDRAW, facts),
            missing=missing,
        )

    @get("/tenders/{ref:str}/lots/{lot:str}/bid", guards=[guards.supplier])
    async def empty(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[bytes]:
        """The empty bid for a lot."""
        changed = await actions.last_change((await published(ref)).id)
        return await _bidding(request, ref, lot, forms.blank(BidForm, read=changed.ref if changed else ""))

    @post("/tenders/{ref:str}/lots/{lot:str}/bid", guards=[guards.supplier])
    async def seal(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Seal it."""
        form = await forms.read(request, BidForm)
        with form.acting():
            given = actions.BidDraft(form.data.price_minor, _answers(form), form.data.declared, form.data.read)
            sealed = await actions.submit(request.user, ref, lot, given, form.confirmed)
            return to(
                f"/tenders/{ref}/bid",
                _("Your bid is sealed. Receipt {digest}… is in your letters.", digest=sealed.receipt.digest[:16]),
            )
        return await _bidding(request, ref, lot, form)

    @post("/tenders/{ref:str}/lots/{lot:str}/confirm", guards=[guards.supplier])
    async def confirm(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Confirm it after a change."""
        form = await forms.read(request, confirmations.Word)
        await confirmations.confirm(request.user, ref, lot, form.data)
        return to(f"/tenders/{ref}/bid", _("Your bid is confirmed and counts. The receipt is in your letters."))

    @post("/tenders/{ref:str}/lots/{lot:str}/withdraw", guards=[guards.supplier])
    async def withdraw(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Withdraw it."""
        await actions.withdraw(request.user, ref, lot)
        return to(f"/tenders/{ref}/bid", _("Your bid is withdrawn. You may seal another until the deadline."))

    @get("/tenders/{ref:str}/opening", guards=[guards.public])
    async def opening(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Before: who must come, and when. After: the register."""
        return await _opening(request, ref, forms.blank(actions.CodeForm))

    @post("/tenders/{ref:str}/opening", guards=[guards.buying_side])
    async def contribute(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Bring my secret; with the second one the bids are opened."""
        form = await forms.read(request, actions.CodeForm)
        with form.acting():
            opened = await actions.contribute(request.user, ref, form.data.code)
            said = (
                _("The bids are open.")
                if opened
                else _("Your code is in. The bids open when another officer enters theirs.")
            )
            return to(f"/tenders/{ref}/opening", said)
        return await _opening(request, ref, form)

    @get("/tenders/{ref:str}/opening/register.json", guards=[guards.public])
    async def register(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The register exactly as it was fixed; its SHA-256 stands in the log."""
        tender = await published(ref)
        opening = await find(Opening, Opening.tender == tender.id)
        return Response(opening.register.encode(), media_type=MediaType.JSON)


async def _bidding(request: Visitor, ref: str, lot_ref: str, form: forms.Form[BidForm]) -> Response[bytes]:
    tender = await published(ref)
    lot = await find(Lot, (Lot.ref == lot_ref) & (Lot.tender == tender.id))
    _service, missing = await actions.warned(request.user, tender)
    return show(
        request,
        "bids/seal.html",
        status=form.status,
        tender=tender,
        lot=lot,
        criteria=(await criteria_of([lot]))[lot.id],
        form=form,
        allowance=(policy.IN_FORCE.bids.envelopes_most, policy.IN_FORCE.bids.envelopes_minutes),
        blocked=refusals(
            (*rules.SUBMIT, *rules.ALLOWED), await actions.bidding(request.user, tender, lot, clock.arrived())
        ),
        missing=missing,
        asks_times=policy.IN_FORCE.asks.price_times,
    )


async def _opening(request: Visitor, ref: str, form: forms.Form[actions.CodeForm]) -> Response[bytes]:
    tender = await published(ref)
    opening = await maybe(Opening, Opening.tender == tender.id)
    officers = await officers_of(tender)
    me = next((officer for officer in officers if officer.person == request.user.person), None)
    insider = me is not None or request.user.wears("buyer", "contract-manager", organisation=tender.buyer) is not None
    return show(
        request,
        "bids/opening.html",
        status=form.status,
        tender=tender,
        buyer=await find(Organisation, Organisation.id == tender.buyer),
        opening=opening,
        register=actions.register_of(opening) if opening else [],
        set_aside=await reading.those_set_aside(tender.id),
        lots={lot.ref: lot for lot in await lots_of(tender)},
        officers=officers if insider else [],
        marks=await marks_of(tender.buyer) if insider else {},
        steps=await thread(f"tender:{ref}"),
        me=me,
        blocked=refusals(
            rules.OPEN,
            rules.Opening(
                tender,
                clock.arrived(),
                me is not None,
                bool(me and me.enrolled_at is not None),
                bool(me and me.contributed_at is not None),
            ),
        ),
        form=form,
    )
