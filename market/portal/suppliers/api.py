"""The suppliers that other portals' notices name, and claims to their records, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, post
from litestar.openapi.spec import Example
from litestar.params import FromPath, JSONBody, QueryParameter

from market.accounts import guards, scopes
from market.db import find
from market.portal.sameness.evidence import EvidenceView, said_of
from market.portal.sameness.pairs import Decision
from market.portal.suppliers import actions, claims
from market.portal.suppliers import views as supplier_views
from market.portal.tables import ImportedSupplier, SupplierClaim
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses

Words = Annotated[
    str,
    QueryParameter(
        max_length=200,
        description="Words that the name holds, or a register number",
        examples=[Example("A name", value="ardglass boat"), Example("A number", value="08407369")],
    ),
]
After = Annotated[str, QueryParameter(max_length=400, description="Where to go on: from `next` of the page before")]
Before = Annotated[
    int | None, QueryParameter(ge=1, description="Where to go on: from `next_notices` of the page before")
]


class NumberView(msgspec.Struct):
    """A number on a register; `scheme` is a code of org-id.guide."""

    scheme: str
    number: str


class SpellingView(msgspec.Struct):
    """One way the supplier is named. `merge` names the joining that brought it to this record, `because` says why."""

    ref: str
    name: str
    place: str
    number: NumberView | None
    notices: int
    merge: str | None
    because: str


class NamedView(msgspec.Struct):
    """A notice that names the supplier; the value is that of the whole procurement, in minor units of `currency`."""

    ref: str
    title: str
    buyer: str
    value_minor: int | None
    currency: str | None
    updated_at: datetime | None


class HolderView(msgspec.Struct):
    """The registered supplier that proved the record to be its own."""

    supplier: str
    name: str
    since: datetime


class ImportedSupplierView(msgspec.Struct):
    """A supplier as other portals know it. A spelling that was joined to another answers as that one: compare `ref`."""

    ref: str
    name: str
    numbers: list[NumberView]
    places: list[str]
    size: str
    spellings: list[SpellingView]
    notices_total: int
    notices: list[NamedView]
    next_notices: str | None
    held_by: HolderView | None


class SupplierPairView(msgspec.Struct):
    """Two spellings that may be one supplier, how likely that is in hundredths, and why."""

    ref: str
    percent: int
    suppliers: list[str]
    names: list[str]
    evidence: list[EvidenceView]


class ImportedSupplierLine(msgspec.Struct):
    """A supplier of other portals in a list."""

    ref: str
    name: str
    place: str
    notices: int
    spellings: int
    held_by: str | None


class WayView(msgspec.Struct):
    """A way to prove control: what to send as `way`, and the address on record as far as it is shown."""

    way: str
    kind: str
    address: str


class ClaimView(msgspec.Struct):
    """A claim. `state` is waits, granted, refused, withdrawn or let go; `address` is masked."""

    ref: str
    record: str
    organisation: str
    way: str
    address: str
    state: str
    asked_at: datetime
    code_sent_at: datetime | None
    code_until: datetime | None
    answered_at: datetime | None
    reason: str


class ClaimLine(msgspec.Struct):
    """A claim in a list."""

    ref: str
    record: str
    organisation: str
    way: str
    state: str
    asked_at: datetime


class ImportedSuppliersApi(Controller):
    """Suppliers of other portals, one record for one firm."""

    path = "/api/v1/portals/suppliers"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.public],
        summary="List the suppliers of other portals",
        operation_id="listImportedSuppliers",
    )
    async def index(self, q: Words = "", after: After = "") -> Items[ImportedSupplierLine]:
        """By name; with `q` those one of whose spellings holds every word of it."""
        suppliers, following = await supplier_views.page_of(q, after)
        lines = [
            ImportedSupplierLine(
                each.ref, each.name, each.place, each.notices, each.spellings, held_by=each.holder or None
            )
            for each in suppliers
        ]
        onward = f"/api/v1/portals/suppliers?{urlencode({'q': q, 'after': following})}" if following else None
        return Items(lines, onward)

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a supplier of other portals",
        operation_id="readImportedSupplier",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str], before: Before = None) -> ImportedSupplierView:
        """One record with its spellings, the reasons why they are one supplier, and the notices that name it."""
        return _shown(await _record(ref, before))

    @get(
        "/{ref:str}/ways",
        guards=[guards.supplier_admin],
        summary="How a claim can be proved",
        operation_id="listClaimWays",
        responses=problem_responses(404),
    )
    async def ways(self, ref: FromPath[str]) -> Items[WayView]:
        """The addresses on record that a code can go to, masked, and the operator's check, which is always open."""
        offered = await claims.ways_of((await _record(ref, None)).group)
        views = [WayView(each.way, each.kind, each.masked) for each in offered]
        return Items([*views, WayView("operator", "operator", "")])

    @post(
        "/{ref:str}/claims",
        guards=[guards.supplier_admin],
        summary="Claim a record",
        operation_id="claimImportedSupplier",
        responses=problem_responses(404, 409),
    )
    async def claim(self, request: Visitor, ref: FromPath[str], data: JSONBody[claims.Claiming]) -> ClaimView:
        """Claim a record for one's firm. By e-mail the code is sent at once."""
        return await _view(await claims.ask(request.user, ref, data))

    @get(
        "/pairs",
        guards=[guards.operator],
        summary="List doubtful pairs of suppliers",
        operation_id="listImportedSupplierPairs",
    )
    async def pairs(self) -> Items[SupplierPairView]:
        """The likeliest pairs of spellings that wait for a decision, at most a hundred."""
        _, pairs = await supplier_views.doubtful(100)
        return Items(
            [
                SupplierPairView(
                    each.ref, each.percent, [side.ref for side in each.sides],
                    [side.name for side in each.sides], said_of(each.evidence),
                )
                for each in pairs
            ]
        )  # fmt: skip

    @post(
        "/pairs/{ref:str}/decision",
        guards=[guards.operator],
        status_code=200,
        summary="Decide a doubtful pair of suppliers",
        operation_id="decideImportedSuppliers",
        responses=problem_responses(404, 409),
    )
    async def decide(self, request: Visitor, ref: FromPath[str], data: JSONBody[Decision]) -> ImportedSupplierView:
        """As an operator, say whether two spellings are one supplier; answers the record of the first."""
        pair = await actions.decide(request.user, ref, data)
        return await _again(pair.one)

    @post(
        "/merges/{ref:str}/undo",
        guards=[guards.signed_in],
        status_code=200,
        summary="Take a spelling out of a record",
        operation_id="partImportedSuppliers",
        opt=scopes.FIRM_OR_TEAM,
        responses=problem_responses(404, 409),
    )
    async def part(self, request: Visitor, ref: FromPath[str]) -> ImportedSupplierView:
        """As an operator or the record's holder, take two spellings apart; answers the record that stays."""
        merge = await actions.take_apart(request.user, ref)
        return await _again(merge.one)


class ClaimsApi(Controller):
    """Claims to records of other portals."""

    path = "/api/v1/claims"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List one's claims",
        operation_id="listClaims",
    )
    async def index(self, request: Visitor) -> Items[ClaimLine]:
        """The claims of one's firms; for operators and auditors those that wait for an operator."""
        actor = request.user
        oversees = actor.wears("operator", "auditor") is not None
        own = actor.organisations("supplier-admin", "supplier-member")
        listed = [*(await claims.waiting() if oversees else []), *await claims.made_by(own)]
        return Items(
            [
                ClaimLine(
                    each.ref, each.record_ref, each.firm_ref, each.way,
                    claims.state(each.granted, each.withdrawn_at, each.released_at), each.asked_at,
                )
                for each in listed
            ]
        )  # fmt: skip

    @get(
        "/{ref:str}",
        guards=[guards.signed_in],
        summary="Read a claim",
        operation_id="readClaim",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> ClaimView:
        """One claim, for the firm that made it, operators and auditors."""
        return await _view(await claims.seen_by(request.user, ref))

    @post(
        "/{ref:str}/code",
        guards=[guards.supplier_admin],
        status_code=200,
        summary="Prove a claim by the code",
        operation_id="proveClaim",
        responses=problem_responses(404, 409),
    )
    async def prove(self, request: Visitor, ref: FromPath[str], data: JSONBody[claims.Code]) -> ClaimView:
        """Send the code of the letter. After five wrong ones it is worth nothing."""
        return await _view(await claims.prove(request.user, ref, data))

    @post(
        "/{ref:str}/code/again",
        guards=[guards.supplier_admin],
        status_code=200,
        summary="Send another code",
        operation_id="sendClaimCode",
        responses=problem_responses(404, 409, 429),
    )
    async def again(self, request: Visitor, ref: FromPath[str]) -> ClaimView:
        """Send another code to the same e-mail address."""
        return await _view(await claims.send_again(request.user, ref))

    @post(
        "/{ref:str}/withdraw",
        guards=[guards.supplier_admin],
        status_code=200,
        summary="Withdraw a claim",
        operation_id="withdrawClaim",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> ClaimView:
        """Take one's claim back."""
        return await _view(await claims.withdraw(request.user, ref))

    @post(
        "/{ref:str}/decision",
        guards=[guards.operator],
        status_code=200,
        summary="Decide a claim",
        operation_id="decideClaim",
        responses=problem_responses(404, 409),
    )
    async def decide(self, request: Visitor, ref: FromPath[str], data: JSONBody[claims.Verdict]) -> ClaimView:
        """As an operator, grant or refuse it with a reason."""
        return await _view(await claims.decide(request.user, ref, data))

    @post(
        "/{ref:str}/release",
        guards=[guards.signed_in],
        status_code=200,
        summary="Let a claimed record go",
        operation_id="releaseClaim",
        opt=scopes.FIRM_OR_TEAM,
        responses=problem_responses(404, 409),
    )
    async def release(self, request: Visitor, ref: FromPath[str], data: JSONBody[claims.Letting]) -> ClaimView:
        """As its holder or as an operator, let the record go."""
        return await _view(await claims.release(request.user, ref, data))


async def _record(ref: str, before: int | None) -> supplier_views.Record:
    found = await supplier_views.supplier(ref, before)
    while isinstance(found, str):
        found = await supplier_views.supplier(found, before)
    return found


async def _again(spelling: int) -> ImportedSupplierView:
    row = await find(ImportedSupplier, ImportedSupplier.id == spelling)
    return _shown(await _record(row.ref, None))


def _shown(found: supplier_views.Record) -> ImportedSupplierView:
    holder = found.holder
    following = f"/api/v1/portals/suppliers/{found.row.ref}?before={found.before}" if found.before else None
    return ImportedSupplierView(
        ref=found.row.ref,
        name=found.row.name,
        numbers=[NumberView(*each) for each in found.numbers],
        places=found.places,
        size=found.scale,
        spellings=[
            SpellingView(
                each.ref, each.name, each.place, NumberView(*each.number) if each.number else None, each.notices,
                each.merge, each.because,
            )
            for each in found.spellings
        ],
        notices_total=found.total,
        notices=[
            NamedView(
                each.ref, each.title, each.buyer, each.value.minor if each.value else None,
                each.value.currency if each.value else None, each.updated_at,
            )
            for each in found.notices
        ],
        next_notices=following,
        held_by=HolderView(holder.ref, holder.name, holder.since) if holder else None,
    )  # fmt: skip


async def _view(claim: SupplierClaim) -> ClaimView:
    one, firm = await claims.sides(claim)
    return ClaimView(
        ref=claim.ref,
        record=one.ref,
        organisation=firm.ref,
        way=claim.way,
        address=claims.masked(claim),
        state=claims.state(claim.granted, claim.withdrawn_at, claim.released_at),
        asked_at=claim.asked_at,
        code_sent_at=claim.code_sent_at,
        code_until=claim.code_until,
        answered_at=claim.answered_at,
        reason=claim.reason,
    )
