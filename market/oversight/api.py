"""The public log and the auditor's walk for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from market.accounts import guards
from market.oversight import actions, contracts, flags, log, records, tree
from market.oversight.addresses import subject_of
from market.proof import canonical
from market.web.api import Items
from market.web.pages import Visitor, next_page
from market.web.problems import problem_responses


class EventView(msgspec.Struct):
    """One public event. `says` is it in words; `body` is the canonical JSON exactly as it was hashed."""

    seq: int
    at: datetime
    verb: str
    subject: str
    about: list[str]
    actor: str
    organisation: str
    says: str
    body: str
    hash: str


class FlagView(msgspec.Struct):
    """A red flag that is up: its code, why, and where the indicator comes from."""

    code: str
    title: str
    says: str
    source: str


class ContractFoundView(msgspec.Struct):
    """A contract as the auditor's search shows it; money in minor units."""

    ref: str
    title: str
    buyer: str
    supplier: str
    tender: str
    value_minor: int
    currency: str
    drawn_up_at: datetime
    signed_at: datetime | None
    ground: str
    bids: int
    flags: list[FlagView]


class StepView(msgspec.Struct):
    """One step of the thread."""

    name: str
    state: str
    text: str | None
    when: datetime | None
    why: str | None
    paper: str | None
    """That it was done by mandate on paper, and who entered it."""


class CheckView(msgspec.Struct):
    """One thing that was checked: whether it holds, in words, and the number to compare."""

    schema_name: ClassVar[str] = "LogCheckView"
    holds: bool
    says: str
    detail: str | None


class WalkView(msgspec.Struct):
    """One record with the thread it hangs on, its events in order, what belongs to it, and what checking found."""

    subject: str
    title: str
    thread: list[StepView]
    events: list[EventView]
    related: list[str]
    private: int
    contract: ContractFoundView | None
    checks: list[CheckView]
    next: str | None


class PrivateView(msgspec.Struct):
    """What is private about one event; `facts["person"]` is the name of the person who acted."""

    seq: int
    facts: dict[str, Any]


class EventProofView(msgspec.Struct):
    """The proof that an event is in the log of `size` events: its hash, which is the data of the leaf `seq` − 1; the hashes beside the
    way to the root (hexadecimal, the nearest first); the checkpoint as a signed note; and all of it as one file, for `python -m
    market verify proof`."""

    seq: int
    hash: str
    size: int
    proof: list[str]
    checkpoint: str
    file: str


class ConsistencyView(msgspec.Struct):
    """The proof that the log of `size` events begins with the log of `old`: its hashes (hexadecimal), and the checkpoint of `size`."""

    old: int
    size: int
    proof: list[str]
    checkpoint: str


def event_view(entry: log.Entry) -> EventView:
    """An event for programs."""
    return EventView(
        seq=entry.seq,
        at=entry.at,
        verb=entry.verb,
        subject=entry.subject,
        about=list(entry.about),
        actor=entry.actor,
        organisation=entry.organisation,
        says=log.sentence_of(entry),
        body=entry.body,
        hash=entry.hash,
    )


def contract_view(found: contracts.Found) -> ContractFoundView:
    """A contract for programs."""
    return ContractFoundView(
        ref=found.ref,
        title=found.title,
        buyer=found.buyer_ref,
        supplier=found.supplier_ref,
        tender=found.tender,
        value_minor=found.value.minor,
        currency=found.value.currency,
        drawn_up_at=found.drawn_up_at,
        signed_at=found.signed_at,
        ground=found.ground,
        bids=found.bids,
        flags=[FlagView(each.code, each.title, each.says, each.source) for each in found.raised],
    )


class LogApi(Controller):
    """What happened, in order."""

    path = "/api/v1/log"
    tags = ["Log"]

    @get(
        "/",
        guards=[guards.public],
        summary="Read the public log",
        operation_id="readLog",
    )
    async def newest(
        self,
        request: Visitor,
        kind: FromQuery[str] = "",
        record: FromQuery[str] = "",
        verb: FromQuery[str] = "",
        since: FromQuery[date | None] = None,
        until: FromQuery[date | None] = None,
        before: FromQuery[int | None] = None,
    ) -> Items[EventView]:
        """Public events, the newest first. The whole log in its order, ready to be verified, is at `/log/events.jsonl`."""
        entries, cursor = await log.newest(log.Filter(kind, record, verb, since, until), before)
        return Items([event_view(each) for each in entries], next_page(request, cursor))

    @get(
        "/events/{seq:int}/proof",
        guards=[guards.public],
        summary="Prove that an event is in the log",
        operation_id="proveEvent",
        responses=problem_responses(404),
    )
    async def proof(self, seq: FromPath[int]) -> EventProofView:
        """The proof of inclusion (RFC 9162) of one event, and the signed checkpoint it leads to, with the witnesses' cosignatures;
        404 before the event is signed, a second or two after it happened."""
        found = await tree.proof_of(seq)
        return EventProofView(
            seq=found.seq,
            hash=found.hash,
            size=found.size,
            proof=found.hashes,
            checkpoint=found.checkpoint,
            file=found.file.decode(),
        )

    @get(
        "/consistency",
        guards=[guards.public],
        summary="Prove that the log only grew",
        operation_id="proveConsistency",
        responses=problem_responses(404),
    )
    async def consistency(self, old: FromQuery[int], size: FromQuery[int | None] = None) -> ConsistencyView:
        """The proof (RFC 9162) that the log of `size` events, the newest without it, begins with the log of `old` events unchanged."""
        return msgspec.convert(await tree.grew(old, size), ConsistencyView, from_attributes=True)


class AuditApi(Controller):
    """Looking on: for auditors and the operator."""

    path = "/api/v1/audit"
    tags = ["Audit"]

    @get(
        "/contracts",
        guards=[guards.overseer],
        summary="Search contracts with their red flags",
        operation_id="auditContracts",
    )
    async def contracts(
        self,
        request: Visitor,
        q: FromQuery[str] = "",
        buyer: FromQuery[str] = "",
        supplier: FromQuery[str] = "",
        least_minor: FromQuery[int | None] = None,
        most_minor: FromQuery[int | None] = None,
        since: FromQuery[date | None] = None,
        until: FromQuery[date | None] = None,
        flag: FromQuery[list[str] | None] = None,
        before: FromQuery[int | None] = None,
    ) -> Items[ContractFoundView]:
        """Contracts, the newest first, with the flags that are up for each."""
        search = contracts.Search(
            q=q,
            buyer=buyer,
            supplier=supplier,
            least_minor=least_minor,
            most_minor=most_minor,
            since=since,
            until=until,
            flag=flag or [],
        )
        found, cursor = await contracts.search(search, before)
        return Items([contract_view(each) for each in found], next_page(request, cursor))

    @get(
        "/flags",
        guards=[guards.overseer],
        summary="List the red flags and what they mean",
        operation_id="listFlags",
    )
    async def flags(self) -> Items[FlagView]:
        """Every flag; `says` is what it means."""
        return Items([FlagView(each.code, each.title, each.norm, each.source) for each in flags.FLAGS])

    @get(
        "/records/{kind:str}/{ref:str}",
        guards=[guards.overseer],
        summary="Walk along a record and check it",
        operation_id="auditRecord",
        responses=problem_responses(404),
    )
    async def walk(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], after: FromQuery[int] = 0
    ) -> WalkView:
        """One record, its thread and events, what it grew from and what grew from it; everything is recomputed."""
        subject = subject_of(kind, ref)
        walked = await records.walk(subject, after)
        checked = await records.check(subject)
        return WalkView(
            subject=subject,
            title=walked.title,
            thread=[
                StepView(each.name, each.state, each.text, each.when, each.why, each.paper) for each in walked.steps
            ],
            events=[event_view(each) for each in walked.events],
            related=[each.subject for each in walked.related],
            private=walked.private,
            contract=contract_view(walked.contract) if walked.contract else None,
            checks=[CheckView(each.holds, each.says, each.detail) for each in checked.checks],
            next=next_page(request, walked.after, "after"),
        )

    @post(
        "/records/{kind:str}/{ref:str}/private",
        status_code=200,
        guards=[guards.auditor],
        summary="Read private facts",
        operation_id="auditPrivate",
        responses=problem_responses(404),
    )
    async def private(
        self,
        request: Visitor,
        kind: FromPath[str],
        ref: FromPath[str],
        data: JSONBody[actions.Reading],
        after: FromQuery[int] = 0,
    ) -> Items[PrivateView]:
        """What is private beside a record, a page of its events at a time: who acted, and the private facts. That they were
        read is itself an event of the public log."""
        read, more = await actions.read_private(request.user, subject_of(kind, ref), data, after)
        return Items([PrivateView(seq, _plain(facts)) for seq, facts in read], next_page(request, more, "after"))


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as any JSON reader takes them."""
    decoded: dict[str, Any] = msgspec.json.decode(canonical.encode(facts))
    return decoded
