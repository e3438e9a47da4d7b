"""The public log for everybody, and the auditor's desk, search and walk."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from market.accounts import guards
from market.audit import proofs
from market.confirming import paper
from market.kinds import DEEDS, KINDS, sentence
from market.outages import actions as outages
from market.oversight import actions, contracts, evidence, flags, log, records, tree
from market.oversight.addresses import subject_of
from market.proof import canonical
from market.refusals import NotFound
from market.touch import ACTS
from market.web import forms
from market.web.forms import asked
from market.web.pages import Visitor, next_page, show
from market.wording import _

T = TypeVar("T", bound=msgspec.Struct)


class LogPages(Controller):
    """What happened, for ever, for everybody."""

    path = "/log"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def newest(self, request: Visitor, before: FromQuery[int | None] = None) -> Response[bytes]:
        """The newest public events in words, filtered."""
        form = asked(request, log.Filter)
        entries: list[log.Entry] = []
        cursor = None
        with form.acting():
            entries, cursor = await log.newest(form.data, before)
        return show(
            request,
            "oversight/log.html",
            status=form.status,
            form=form,
            entries=entries,
            head=await proofs.head(),
            tree=await tree.watched(),
            next=next_page(request, cursor),
            kinds=[(name, kind.heading) for name, kind in KINDS.items()],
            verbs=sorted((verb, sentence(verb, "…").capitalize()) for verb in DEEDS),
            filtered=any(form.values.get(each) for each in ("kind", "record", "verb", "since", "until")),
        )

    @get("/events.jsonl", guards=[guards.public])
    async def events(self, after: FromQuery[int] = 0) -> Stream:
        """The whole log, one canonical event a line; with `after`, what follows that seq."""
        return Stream(
            proofs.public_log(log.cursor(after) or 0),
            media_type="application/jsonl",
            headers={"content-disposition": 'attachment; filename="events.jsonl"'},
        )

    @get("/head.json", guards=[guards.public])
    async def head(self) -> Response[bytes]:
        """The log's signed state now, to keep; 404 while the log is empty."""
        found = await proofs.head()
        if found is None:
            raise NotFound("Head")
        return Response(canonical.encode(found.to_plain()), media_type=MediaType.JSON)

    @get("/key", guards=[guards.public])
    async def key(self) -> Response[bytes]:
        """The key that verifies heads: 32 bytes of Ed25519 in hexadecimal."""
        return Response(proofs.public_key().hex().encode() + b"\n", media_type="text/plain; charset=utf-8")


class AuditPages(Controller):
    """Search contracts, walk from one back to the problem it came from, check it, and take the evidence away."""

    path = "/audit"
    include_in_schema = False

    @get("/", guards=[guards.overseer])
    async def search(self, request: Visitor, before: FromQuery[int | None] = None) -> Response[bytes]:
        """Contracts by words, bodies, value, date and red flags."""
        form = asked(request, contracts.Search)
        found: list[contracts.Found] = []
        cursor = None
        with form.acting():
            found, cursor = await contracts.search(form.data, before)
        chosen = request.query_params.getall("flag", [])
        return show(
            request,
            "oversight/contracts.html",
            status=form.status,
            form=form,
            found=found,
            next=next_page(request, cursor),
            flags=flags.FLAGS,
            options=[(each.code, _(each.title), None, each.code in chosen) for each in flags.FLAGS],
            chips=_chips(request),
        )

    @get("/outages", guards=[guards.overseer])
    async def outages(self, request: Visitor) -> Response[bytes]:
        """The deadlines that outages moved, what they rested on, and what is known of each server."""
        return show(request, "oversight/outages.html", moves=await outages.moves(), servers=await outages.present())

    @get("/mandates", guards=[guards.overseer])
    async def mandates(self, request: Visitor) -> Response[bytes]:
        """What was done by mandate on paper, and who entered it."""
        done = [(row, ACTS[row.act].words) for row in await paper.done()]
        return show(request, "oversight/mandates.html", mandates=done)

    @get("/records/{kind:str}/{ref:str}", guards=[guards.overseer])
    async def walk(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], after: FromQuery[int] = 0
    ) -> Response[bytes]:
        """One record, its thread, and every event beside it."""
        return await _record(request, subject_of(kind, ref), forms.blank(actions.Reading), after=after)

    @get("/records/{kind:str}/{ref:str}/check", guards=[guards.overseer])
    async def check(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[bytes]:
        """The same, with everything recomputed and said in words."""
        subject = subject_of(kind, ref)
        checked = await records.check(subject)
        return await _record(request, subject, forms.blank(actions.Reading), checked=checked)

    @post("/records/{kind:str}/{ref:str}/private", guards=[guards.auditor])
    async def private(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], after: FromQuery[int] = 0
    ) -> Response[Any]:
        """The same, with the private facts; reading them is written down."""
        subject = subject_of(kind, ref)
        form = await forms.read(request, actions.Reading)
        read: list[tuple[int, dict[str, Any]]] = []
        with form.acting():
            read, _ = await actions.read_private(request.user, subject, form.data, after)
        return await _record(request, subject, form, after=after, private=read)

    @get("/records/{kind:str}/{ref:str}/evidence.zip", guards=[guards.overseer])
    async def evidence(self, kind: FromPath[str], ref: FromPath[str]) -> Stream:
        """One file to take away."""
        subject = subject_of(kind, ref)
        return Stream(
            evidence.chunks(await evidence.pack(subject)),
            media_type="application/zip",
            headers={"content-disposition": f'attachment; filename="evidence-{ref}.zip"'},
        )


def _chips(request: Visitor) -> list[tuple[str, str]]:
    """The filters in force, each with the address without it."""
    given = [(name, value) for name, value in request.query_params.multi_items() if value and name != "before"]
    words = {each.code: _(each.title) for each in flags.FLAGS}
    names = {
        "q": "“{}”",
        "buyer": "Buyer: {}",
        "supplier": "Supplier: {}",
        "least_minor": "From £{}",
        "most_minor": "To £{}",
        "since": "Since {}",
        "until": "Until {}",
        "flag": "{}",
    }
    return [
        (
            names[name].format(words.get(value, value)),
            f"{request.url.path}?{urlencode([each for each in given if each != (name, value)])}",
        )
        for name, value in given
        if name in names
    ]


async def _record(
    request: Visitor,
    subject: str,
    form: forms.Form[actions.Reading],
    *,
    after: int = 0,
    checked: records.Checked | None = None,
    private: list[tuple[int, dict[str, Any]]] | None = None,
) -> Response[bytes]:
    walked = await records.walk(subject, after)
    kind = subject.partition(":")[0]
    return show(
        request,
        "oversight/record.html",
        status=form.status,
        form=form,
        walk=walked,
        kind=KINDS[kind].label if kind in KINDS else kind,
        groups=[
            (name, [each for each in walked.related if each.kind == name])
            for name in dict.fromkeys(each.kind for each in walked.related)
        ],
        here=records.place(subject),
        checked=checked,
        private={seq: log.in_pairs(facts) for seq, facts in private or []},
        reads=f"{records.place(subject)}/private{f'?after={after}' if after else ''}#events",
        next=f"{records.place(subject)}?after={walked.after}" if walked.after else None,
    )
