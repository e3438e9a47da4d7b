"""The register of rulings for programs. They read it; only people who signed in decide."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from market import clock
from market.accounts import guards
from market.rulings import readers, rules, texts
from market.rulings.tables import Listed
from market.web.api import Items
from market.web.problems import problem_responses


class RulingView(msgspec.Struct):
    """A ruling: what it is about (tier, department, commodity, or a text: policy, commodities, contract-kinds,
    waiver-grounds; `before` and `after` are then digests), of which body (its reference), from what to what, on which
    ground and paper. People are named by reference. `state` is waiting, published, objected, in-force or withdrawn; `tender`
    is empty until the tender is published."""

    ref: str
    about: str
    body: str
    body_name: str
    tender: str
    before: str
    after: str
    ground: str
    instrument: str
    state: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    objections_until: datetime | None
    effect_at: datetime | None
    objected_by: str
    objected_at: datetime | None
    objected_because: str
    withdrawn_at: datetime | None
    withdrawn_because: str


def view(row: Listed, now: datetime) -> RulingView:
    """A ruling as everybody may see it."""
    return RulingView(
        ref=row.ref,
        about=row.about,
        body=row.body_ref,
        body_name=row.body,
        tender=row.tender if row.tender_public else "",
        before=row.before,
        after=row.after,
        ground=row.ground,
        instrument=row.instrument,
        state=rules.state_code(row, now),
        proposed_by=row.proposer_ref,
        proposed_at=row.proposed_at,
        confirmed_by=row.confirmer_ref,
        confirmed_at=row.confirmed_at,
        objections_until=row.objections_until,
        effect_at=row.effect_at,
        objected_by=row.objector_ref,
        objected_at=row.objected_at,
        objected_because=row.objected_because,
        withdrawn_at=row.withdrawn_at,
        withdrawn_because=row.withdrawn_because,
    )


class ChangeView(msgspec.Struct):
    """An entry of a text that a ruling changes: its name, its value before and after (empty where there is none), its source."""

    name: str
    before: str
    after: str
    source: str


class RulingWithChanges(RulingView):
    """A ruling with what it changes in the policy file or a list."""

    changes: list[ChangeView]


class RulingsApi(Controller):
    """Who decided that the rule does not bind."""

    path = "/api/v1/rulings"
    tags = ["Rulings"]

    @get("/", guards=[guards.public], summary="List rulings", operation_id="listRulings")
    async def index(self) -> Items[RulingView]:
        """Every ruling, newest first."""
        now = clock.now()
        return Items([view(each, now) for each in await readers.register()])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a ruling",
        operation_id="readRuling",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> RulingWithChanges:
        """One ruling, with what it changes in a text."""
        shown = view(await readers.one(ref), clock.now())
        changes = msgspec.convert(await texts.changed_by(ref), list[ChangeView], from_attributes=True)
        return RulingWithChanges(**msgspec.structs.asdict(shown), changes=changes)
