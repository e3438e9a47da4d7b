"""Bidding and opening for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market.accounts import guards
from market.bids import actions, confirmations, reading
from market.bids.tables import Opening, Sent
from market.db import find
from market.tenders.tables import Tender
from market.web.api import Confirm, Items, confirmed
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ReceiptView(msgspec.Struct):
    """What a supplier keeps: enough to check later that this very envelope arrived at this moment."""

    bid: str
    tender: str
    lot: str
    supplier: str
    envelope_sha256: str
    received_at: datetime
    receipt: str


class SentView(msgspec.Struct):
    """One thing the supplier sent. `latest` says whether it is the last for its lot, `unconfirmed` names the change after which it
    does not count until the supplier confirms or replaces it, `counts` says whether it counts as it is, `problem` why it was set
    aside at the opening all the same."""

    bid: str
    act: str
    tender: str
    lot: str
    envelope_sha256: str
    receipt: str
    received_at: datetime
    latest: bool
    unconfirmed: str
    counts: bool
    problem: str


class ConfirmationView(msgspec.Struct):
    """What a supplier keeps of its word that an envelope still stands after a change."""

    confirmation: str
    tender: str
    lot: str
    supplier: str
    envelope_sha256: str
    addendum: str
    confirmed_at: datetime
    receipt: str


class EntryView(msgspec.Struct):
    """One envelope of the register of opening."""

    bid: str
    envelope_sha256: str
    lot: str
    received_at: datetime
    supplier: str
    supplier_name: str
    unconfirmed: str
    """The change that its supplier did not confirm, so that it did not count and was not opened; empty when it counts."""
    set_aside: list[str] = []
    """The codes of the reasons why this bid is not evaluated; empty when it is."""


class OpeningView(msgspec.Struct):
    """The opening of a tender. `register_sha256` is over the register's canonical JSON, as in the log."""

    ref: str
    tender: str
    opened_at: datetime
    register_sha256: str
    register: list[EntryView]


def _view(sealed: actions.Sealed) -> ReceiptView:
    context = sealed.receipt.context
    return ReceiptView(
        sealed.bid.ref,
        context.tender,
        context.lot,
        context.supplier,
        sealed.receipt.envelope_sha256,
        sealed.receipt.received_at,
        sealed.receipt.digest,
    )


class BidsApi(Controller):
    """Sealed bids: sent, withdrawn, opened. Contents are never read back through here."""

    path = "/api/v1"
    tags = ["Bids"]

    @post(
        "/tenders/{ref:str}/lots/{lot:str}/bids",
        guards=[guards.signed_in],
        summary="Seal a bid",
        operation_id="sealBid",
        responses=problem_responses(404, 409, 413, 422, 429),
    )
    async def seal(
        self,
        request: Visitor,
        ref: FromPath[str],
        lot: FromPath[str],
        data: JSONBody[actions.BidDraft],
        confirm: Confirm = "",
    ) -> ReceiptView:
        """Seal a bid for a lot; the last before the deadline counts. It has arrived when its last byte has: 409 `bid.too-late` after
        the deadline, however early it began. 429 `bid.too-many` beyond what one firm sends for a lot; the last stands. 409
        `bid.price-far` when the price lies far from the estimate, `bid.changed-since` when `read` does not name the last change with
        `unconfirms` of the tender: send it again with the `confirm` of that reason when it is meant."""
        return _view(await actions.submit(request.user, ref, lot, data, confirmed(confirm)))

    @post(
        "/tenders/{ref:str}/lots/{lot:str}/bids/withdraw",
        status_code=200,
        guards=[guards.signed_in],
        summary="Withdraw a bid",
        operation_id="withdrawBid",
        responses=problem_responses(404, 409, 429),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> ReceiptView:
        """Withdraw the bid that counts for a lot; another may be sealed until the deadline."""
        return _view(await actions.withdraw(request.user, ref, lot))

    @post(
        "/tenders/{ref:str}/lots/{lot:str}/bids/confirm",
        guards=[guards.signed_in],
        summary="Confirm a bid after a change",
        operation_id="confirmBid",
        responses=problem_responses(404, 409),
    )
    async def confirm(
        self, request: Visitor, ref: FromPath[str], lot: FromPath[str], data: JSONBody[confirmations.Word]
    ) -> ConfirmationView:
        """Say that the bid sealed last for a lot still stands after the change that made it unconfirmed. 409 `bid.too-late` after
        the deadline."""
        made = await confirmations.confirm(request.user, ref, lot, data)
        context = made.receipt.context
        return ConfirmationView(
            confirmation=made.row.ref,
            tender=context.tender,
            lot=context.lot,
            supplier=context.supplier,
            envelope_sha256=made.receipt.envelope_sha256,
            addendum=made.receipt.addendum,
            confirmed_at=made.receipt.confirmed_at,
            receipt=made.receipt.digest,
        )

    @get(
        "/bids",
        guards=[guards.signed_in],
        summary="List what my firm sent",
        operation_id="listMyBids",
    )
    async def mine(self, request: Visitor) -> Items[SentView]:
        """Every envelope and withdrawal of the caller's suppliers, newest first, without contents."""
        return Items([_sent(each) for each in await actions.mine(request.user)])

    @get(
        "/tenders/{ref:str}/opening",
        guards=[guards.public],
        summary="Read the register of opening",
        operation_id="readOpening",
        responses=problem_responses(404),
    )
    async def opening(self, ref: FromPath[str]) -> OpeningView:
        """The register; 404 while the bids are sealed."""
        tender = await find(Tender, Tender.ref == ref)
        opening = await find(Opening, Opening.tender == tender.id)
        aside = await reading.those_set_aside(tender.id)
        entries = [
            msgspec.structs.replace(entry, set_aside=aside[entry.bid].codes) if entry.bid in aside else entry
            for entry in msgspec.convert(actions.register_of(opening), list[EntryView], from_attributes=True)
        ]
        return OpeningView(opening.ref, ref, opening.opened_at, opening.digest, entries)


def _sent(row: Sent) -> SentView:
    return SentView(
        bid=row.ref,
        act=row.act,
        tender=row.tender_ref,
        lot=row.lot_ref,
        envelope_sha256=row.digest,
        receipt=row.receipt,
        received_at=row.received_at,
        latest=row.latest,
        unconfirmed=row.unconfirmed if row.latest else "",
        counts=row.latest and not row.unconfirmed,
        problem=row.problem,
    )
