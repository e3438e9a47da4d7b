"""Changing a published tender, for people."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import money, policy
from market import rules as house
from market.accounts import guards
from market.refusals import Refused, refusals
from market.tenders import readers
from market.tenders.changes import actions, proposals, rules, words
from market.tenders.changes.actions import Change, CriterionChange, LotChange
from market.tenders.facts import Candidate
from market.tenders.tables import TenderChange
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class TenderChangePages(Controller):
    """The page on which a buyer changes a published tender."""

    path = "/tenders"
    include_in_schema = False

    @get("/{ref:str}/change", guards=[guards.buyer])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The form, with everything as it stands now."""
        candidate = await _own(request, ref)
        last = [each.ref for each in await readers.addenda_of(candidate.tender)][-1:]
        form = forms.blank(Change, last="".join(last), **_as_it_is(candidate))
        return await _page(request, candidate, form)

    @post("/{ref:str}/change", guards=[guards.buyer])
    async def add(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the change."""
        candidate = await _own(request, ref)
        form = await forms.read(request, Change)
        with form.acting():
            done = await proposals.send(request.user, ref, _given(form, candidate), form.confirmed)
            if isinstance(done, TenderChange):
                said = _("Nothing is published yet: somebody else of your body has to approve the change.")
                return to(f"/tenders/{ref}/changes/{done.ref}", said)
            return to(
                f"/tenders/{ref}#changes", _("The change is published, and those who follow the tender are told.")
            )
        return await _page(request, candidate, form)

    @get("/{ref:str}/changes/{change:str}", guards=[guards.buyer])
    async def proposed(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[bytes]:
        """A change that takes two people, and what a second one may do with it."""
        return await _proposed(request, ref, change, forms.blank(Nothing))

    @post("/{ref:str}/changes/{change:str}/approve", guards=[guards.buyer])
    async def approve(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Approve and publish it."""
        form = await forms.read(request, Nothing)
        with form.acting():
            await proposals.approve(request.user, ref, change, form.confirmed)
            return to(
                f"/tenders/{ref}#changes", _("The change is published, and those who follow the tender are told.")
            )
        return await _proposed(request, ref, change, form)

    @post("/{ref:str}/changes/{change:str}/leave", guards=[guards.buyer])
    async def leave(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Leave the tender as it is."""
        form = await forms.read(request, Nothing)
        with form.acting():
            await proposals.leave(request.user, ref, change)
            return to(f"/tenders/{ref}/changes/{change}", _("The change is left. The tender stays as it is."))
        return await _proposed(request, ref, change, form)


class Nothing(msgspec.Struct):
    """A form of a button alone."""


async def _proposed(request: Visitor, ref: str, change: str, form: forms.Form[Nothing]) -> Response[bytes]:
    candidate = await _own(request, ref)
    found = await proposals.proposal(request.user, ref, change)
    weighed = await proposals.weighed(request.user, ref, found)
    given, decided = found.given, refusals(rules.LEAVE, weighed.deciding)
    return show(
        request,
        "tenders/change_proposed.html",
        status=form.status,
        tender=candidate.tender,
        change=found,
        given=given,
        title=_(rules.KINDS[found.kind]),
        differs=words.compared(weighed.lines, candidate) if not decided else [],
        decided=decided,
        blocked=[] if decided else refusals(rules.APPROVE, weighed.deciding),
        mine=found.by_ref == request.user.ref,
        form=form,
    )


async def _own(request: Visitor, ref: str) -> Candidate:
    """The tender, for its buyer; to others this page does not exist."""
    candidate = await readers.candidate(ref)
    request.user.must_wear("buyer", organisation=candidate.tender.buyer, secret=True)
    return candidate


async def _page(request: Visitor, candidate: Candidate, form: forms.Form[Change]) -> Response[bytes]:
    nothing = Change("", "clarification", "no")
    blocked = refusals((rules.change_while_bids_are_taken,), await actions.weighed(candidate.tender.ref, nothing))
    return show(
        request,
        "tenders/change.html",
        status=form.status,
        tender=candidate.tender,
        lots=[(lot, candidate.criteria[lot.id]) for lot in candidate.lots],
        form=form,
        blocked=blocked,
        kinds=[
            ("clarification", _(rules.KINDS["clarification"]), _("It explains what is published. Nothing changes.")),
            (
                "material",
                _(rules.KINDS["material"]),
                _(
                    "Somebody else of your body approves it. Bids sealed before it count only if their suppliers confirm or replace "
                    "them. Questions are taken again."
                ),
            ),
            ("deadline", _(rules.KINDS["deadline"]), _("Bids are taken longer. What is asked for stays the same.")),
            (
                "correction",
                _(rules.KINDS["correction"]),
                _(
                    "The deadline was published too late by mistake. It is corrected within {hours} hours, and somebody else of your "
                    "body approves it by then; bids sealed so far must be confirmed.",
                    hours=policy.IN_FORCE.tendering.slip_hours,
                ),
            ),
        ],
        days_after_change=policy.IN_FORCE.tendering.days_left_after_change,
    )


def _fields(candidate: Candidate) -> dict[str, tuple[type[LotChange | CriterionChange], str, str, Any]]:
    """The fields for lots and criteria: name in the form → what it changes, of which reference, which field, what stands there."""
    found: dict[str, tuple[type[LotChange | CriterionChange], str, str, Any]] = {}
    for lot in candidate.lots:
        for field in actions.FIELDS["lot"]:
            found[f"{lot.ref}-{field}"] = (LotChange, lot.ref, field, getattr(lot, field))
        for each in candidate.criteria[lot.id]:
            for field in actions.FIELDS["criterion"]:
                found[f"{each.ref}-{field}"] = (CriterionChange, each.ref, field, getattr(each, field))
    return found


def _as_it_is(candidate: Candidate) -> dict[str, str]:
    shown = {}
    for name, (_kind, _ref, field, value) in _fields(candidate).items():
        typed = forms.typed(value, field)
        shown[name] = "\n".join(typed) if isinstance(typed, list) else str(typed)
    return shown


def _given(form: forms.Form[Change], candidate: Candidate) -> Change:
    """What was typed, with those lots and criteria in which something else was typed than stands there."""
    before = _as_it_is(candidate)
    said: dict[tuple[type[LotChange | CriterionChange], str], dict[str, Any]] = {}
    for name, (kind, ref, field, _value) in _fields(candidate).items():
        typed = str(form.values.get(name, before[name])).replace("\r\n", "\n").strip()
        if typed != before[name].strip():
            said.setdefault((kind, ref), {})[field] = _read(name, field, typed)
    lots = [LotChange(ref, **facts) for (kind, ref), facts in said.items() if kind is LotChange]
    criteria = [CriterionChange(ref, **facts) for (kind, ref), facts in said.items() if kind is CriterionChange]
    return msgspec.structs.replace(form.data, lots=lots, criteria=criteria)


def _read(name: str, field: str, typed: str) -> Any:
    """A typed value as the field takes it; refused beside its field when it cannot be read."""
    kinds = {
        each.name: each.type for each in (*msgspec.structs.fields(LotChange), *msgspec.structs.fields(CriterionChange))
    }
    try:
        value: Any = typed
        if field == "value_minor":
            value = money.parse(typed).minor
        if field == "cpv":
            value = [code for line in typed.splitlines() for code in line.replace(",", " ").split()]
        return msgspec.convert(value, kinds[field], strict=False)
    except ValueError as wrong:
        raise Refused(house.INVALID.refusal(beside=name, why=str(wrong)), status=422) from None
