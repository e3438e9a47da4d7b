"""A draft for its buyer: its sections, its lots with their criteria, and its opening officers."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import policy
from market.accounts import guards
from market.accounts.marks import marks_of
from market.accounts.people import holders
from market.accounts.tables import Organisation
from market.budgets import readers as budgets
from market.db import find
from market.missions import actions as missions
from market.money import Money
from market.refusals import NotFound
from market.standards.profiles import actions as standards
from market.tenders import cpv, gate, readers, rules, value
from market.tenders.drafts import actions
from market.tenders.tables import Lot, Tender
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Named(msgspec.Struct):
    """A person chosen from a list, by her reference."""

    person: str


class Copied(msgspec.Struct):
    """The lot whose criteria are copied, by its reference."""

    source: str


class TenderDraftPages(Controller):
    """Everything that is written before a tender is published."""

    path = "/tenders"
    include_in_schema = False

    @get("/new", guards=[guards.buyer])
    async def new(self, request: Visitor, exercise: FromQuery[str] = "") -> Response[bytes]:
        """An empty draft, or one carried over from a concluded exercise."""
        body = await _body(request)
        values: dict[str, Any] = {"cpv": []}
        if exercise:
            carried = await readers.carried_over(body.id, exercise)
            values = {
                "title": carried.title,
                "cpv": carried.cpv,
                "mission": carried.mission,
                "exercise": carried.exercise,
            }
        return await _beginning(request, body, forms.blank(actions.NewTender, **values))

    @post("/new", guards=[guards.buyer])
    async def create(self, request: Visitor) -> Response[Any]:
        """Keep the draft and go on to its task list."""
        body = await _body(request)
        form = await forms.read(request, actions.NewTender)
        with form.acting():
            tender = await actions.draft(request.user, body.id, form.data)
            return to(f"/tenders/{tender.ref}", _("The draft is saved. Nobody outside your organisation sees it."))
        return await _beginning(request, body, form)

    # ── sections of a draft ──

    @get("/{ref:str}/about", guards=[guards.buyer])
    async def about(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """What is bought."""
        tender = await _own(request, ref)
        form = forms.stored(actions.About, tender, **await actions.shown_about(tender))
        return await _section(request, tender, "about", form)

    @post("/{ref:str}/about", guards=[guards.buyer])
    async def describe(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep what is bought."""
        form = await forms.read(request, actions.About)
        with form.acting():
            await actions.describe(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("What you want to buy is saved."))
        return await _section(request, await _own(request, ref), "about", form)

    @get("/{ref:str}/origin", guards=[guards.buyer])
    async def origin(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Where it comes from."""
        tender = await _own(request, ref)
        return await _section(request, tender, "origin", forms.stored(actions.Origin, tender))

    @post("/{ref:str}/origin", guards=[guards.buyer])
    async def explain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep where it comes from."""
        form = await forms.read(request, actions.Origin)
        with form.acting():
            await actions.explain_origin(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("Where it comes from is saved."))
        return await _section(request, await _own(request, ref), "origin", form)

    @get("/{ref:str}/dates", guards=[guards.buyer])
    async def dates(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The dates."""
        tender = await _own(request, ref)
        return await _section(request, tender, "dates", forms.stored(actions.Dates, tender))

    @post("/{ref:str}/dates", guards=[guards.buyer])
    async def set_dates(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the dates."""
        form = await forms.read(request, actions.Dates)
        with form.acting():
            await actions.set_dates(request.user, ref, form.data, form.version, form.confirmed)
            return to(f"/tenders/{ref}", _("The dates are saved."))
        return await _section(request, await _own(request, ref), "dates", form)

    @get("/{ref:str}/terms", guards=[guards.buyer])
    async def terms(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The terms."""
        tender = await _own(request, ref)
        return await _section(request, tender, "terms", forms.stored(actions.Terms, tender))

    @post("/{ref:str}/terms", guards=[guards.buyer])
    async def set_terms(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the terms."""
        form = await forms.read(request, actions.Terms)
        with form.acting():
            await actions.set_terms(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("The terms are saved."))
        return await _section(request, await _own(request, ref), "terms", form)

    @get("/{ref:str}/budget", guards=[guards.buyer])
    async def budget(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What it is paid from."""
        tender = await _own(request, ref)
        form = forms.stored(actions.Budget, tender, **await actions.shown_budget(tender))
        return await _section(request, tender, "budget", form)

    @post("/{ref:str}/budget", guards=[guards.buyer])
    async def name_budget(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep what it is paid from."""
        form = await forms.read(request, actions.Budget)
        with form.acting():
            await actions.name_budget(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("What it is paid from is saved."))
        return await _section(request, await _own(request, ref), "budget", form)

    # ── lots and criteria ──

    @get("/{ref:str}/lots/new", guards=[guards.buyer])
    async def new_lot(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """An empty lot."""
        tender = await _own(request, ref)
        form = forms.blank(actions.LotDraft, cpv=tender.cpv, sme_suitable=True)
        return await _section(request, tender, "lot", form, lot=None)

    @post("/{ref:str}/lots/new", guards=[guards.buyer])
    async def add_lot(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the lot and go on to its criteria."""
        form = await forms.read(request, actions.LotDraft)
        with form.acting():
            lot = await actions.add_lot(request.user, ref, form.data, form.confirmed)
            return to(
                f"/tenders/{ref}/lots/{lot.ref}",
                _("Lot {number} is added. Now say how bids are scored.", number=lot.number),
            )
        return await _section(request, await _own(request, ref), "lot", form, lot=None)

    @get("/{ref:str}/lots/{lot:str}", guards=[guards.buyer])
    async def lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[bytes]:
        """A lot with its criteria."""
        return await _lot(request, ref, lot, forms.blank(actions.CriterionDraft))

    @get("/{ref:str}/lots/{lot:str}/edit", guards=[guards.buyer])
    async def edit_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """What a lot is."""
        tender = await _own(request, ref)
        row = await find(Lot, (Lot.ref == lot) & (Lot.tender == tender.id))
        return await _section(request, tender, "lot", forms.stored(actions.LotDraft, row), lot=row)

    @post("/{ref:str}/lots/{lot:str}/edit", guards=[guards.buyer])
    async def revise_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Keep what a lot is."""
        form = await forms.read(request, actions.LotDraft)
        with form.acting():
            row = await actions.revise_lot(request.user, lot, form.data, form.version, form.confirmed)
            return to(f"/tenders/{ref}/lots/{lot}", _("Lot {number} is saved.", number=row.number))
        tender = await _own(request, ref)
        row = await find(Lot, (Lot.ref == lot) & (Lot.tender == tender.id))
        return await _section(request, tender, "lot", form, lot=row)

    @post("/{ref:str}/lots/{lot:str}/drop", guards=[guards.buyer])
    async def drop_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Take a lot out."""
        await actions.drop_lot(request.user, lot)
        return to(f"/tenders/{ref}", _("The lot is taken out; the others moved up."))

    @post("/{ref:str}/lots/{lot:str}/criteria", guards=[guards.buyer])
    async def add_criterion(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Add a criterion."""
        form = await forms.read(request, actions.CriterionDraft)
        with form.acting():
            await actions.add_criterion(request.user, lot, form.data)
            return to(f"/tenders/{ref}/lots/{lot}", _("The criterion is added."))
        return await _lot(request, ref, lot, form)

    @post("/{ref:str}/lots/{lot:str}/criteria/{criterion:str}/drop", guards=[guards.buyer])
    async def drop_criterion(
        self, request: Visitor, ref: FromPath[str], lot: FromPath[str], criterion: FromPath[str]
    ) -> Response[Any]:
        """Take a criterion out."""
        await actions.drop_criterion(request.user, criterion)
        return to(f"/tenders/{ref}/lots/{lot}", _("The criterion is taken out."))

    @post("/{ref:str}/lots/{lot:str}/copy", guards=[guards.buyer])
    async def copy(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Take the criteria of another lot."""
        form = await forms.read(request, Copied)
        await actions.copy_criteria(request.user, lot, form.data.source)
        return to(f"/tenders/{ref}/lots/{lot}", _("The criteria are copied."))

    # ── opening officers ──

    @get("/{ref:str}/officers", guards=[guards.buying_side])
    async def officers(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Who opens the bids."""
        return await _officers(request, ref, forms.blank(Named))

    @post("/{ref:str}/officers", guards=[guards.buyer])
    async def name_officer(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Name one."""
        form = await forms.read(request, Named)
        with form.acting():
            await actions.name_officer(request.user, ref, form.data.person)
            return to(
                f"/tenders/{ref}/officers", _("The opening officer is named, and asked by letter to make her code.")
            )
        return await _officers(request, ref, form)

    @post("/{ref:str}/officers/{person:str}/drop", guards=[guards.buyer])
    async def drop_officer(self, request: Visitor, ref: FromPath[str], person: FromPath[str]) -> Response[Any]:
        """Take one off."""
        await actions.drop_officer(request.user, ref, person)
        return to(f"/tenders/{ref}/officers", _("The opening officer is taken off."))

    @post("/{ref:str}/officers/enrol", guards=[guards.buying_side])
    async def enrol(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Make my code and show it, this once. Not a redirect: a second address would have to know the code."""
        secret = await actions.enrol(request.user, ref)
        tender = await find(Tender, Tender.ref == ref)
        shown = show(request, "tenders/code.html", tender=tender, code=secret.code)
        shown.headers["cache-control"] = "no-store"
        return shown


async def _body(request: Visitor) -> Organisation:
    """The body the buyer drafts for: hers; with several, the one she first joined."""
    hat = request.user.must_wear("buyer")
    return await find(Organisation, Organisation.id == hat.organisation)


async def _own(request: Visitor, ref: str) -> Tender:
    """A tender whose buyer the actor is; to others these pages do not exist."""
    tender = await find(Tender, Tender.ref == ref)
    request.user.must_wear("buyer", organisation=tender.buyer, secret=True)
    return tender


async def _beginning(request: Visitor, body: Organisation, form: forms.Form[actions.NewTender]) -> Response[bytes]:
    return show(
        request,
        "tenders/new.html",
        status=form.status,
        form=form,
        body=body,
        exercises=await _exercises(body.id),
        missions=await _missions(),
        kinds=_kinds(),
    )


def _kinds() -> list[tuple[str, str]]:
    return [(code, f"{kind.label}: {kind.says}") for code, kind in value.kinds().items()]


async def _missions() -> list[tuple[str, str]]:
    return [(mission.ref, mission.title) for mission in await missions.published()]


async def _exercises(buyer: int) -> list[tuple[str, str]]:
    references = [exercise.reference for exercise in await readers.exercises_for(buyer)]
    titles = await readers.titles_of(references)
    return [(reference, f"{titles.get(reference, reference)} ({reference})") for reference in references]


async def _section(request: Visitor, tender: Tender, name: str, form: forms.Form[Any], **more: Any) -> Response[Any]:
    """One section of a draft as a page with a form; once it is published the tender itself, with what to do instead."""
    if (shut := rules.still_a_draft(tender)) and not form.failed:
        return to(f"/tenders/{tender.ref}", shut.reason, kind="notice")
    context: dict[str, Any] = {
        "tender": tender,
        "form": form,
        "periods": policy.IN_FORCE.tendering,
        "standstill_days": policy.IN_FORCE.award.standstill_working_days,
        **more,
    }
    if name == "about":
        context |= {"missions": await _missions(), "kinds": _kinds()}
    if name == "origin":
        candidate = await readers.candidate(tender.ref)
        context |= {
            "exercises": await _exercises(tender.buyer),
            "gate": gate.ask(candidate),
            "origin": (origin := gate.named(candidate)),
            "stated": gate.follow_on(origin) if origin else None,
            "total": candidate.value,
            "statement_characters": policy.IN_FORCE.gate.statement_characters,
            "verdict": gate.is_commodity(candidate.codes, candidate.now),
            "central": candidate.tender.buyer_tier == "central",
        }
    if name == "budget":
        naming = (await readers.candidate(tender.ref)).naming
        context |= {
            "budgets": await budgets.to_name(tender.buyer, tender.currency),
            "needed": Money(naming.needed_minor, tender.currency),
        }
    if name == "terms":
        context["profiles"] = [
            (standards.label(profile), f"{profile.title}, {profile.version}") for profile in await standards.published()
        ]
        lots = len(await readers.lots_of(tender))
        context["offered_limit"] = rules.offered_limit(lots)
    return show(request, f"tenders/{name}.html", status=form.status, **context)


async def _lot(request: Visitor, ref: str, chosen: str, form: forms.Form[actions.CriterionDraft]) -> Response[bytes]:
    tender = await _own(request, ref)
    lots = await readers.lots_of(tender)
    lot = next((lot for lot in lots if lot.ref == chosen), None)
    if lot is None:
        raise NotFound("Lot")
    criteria = await readers.criteria_of(lots)
    return show(
        request,
        "tenders/criteria.html",
        status=form.status,
        tender=tender,
        lot=lot,
        value=Money(lot.value_minor, tender.currency),
        codes=[(code, cpv.label(code)) for code in lot.cpv if cpv.known(code)],
        criteria=criteria[lot.id],
        total=sum(criterion.weight for criterion in criteria[lot.id]),
        sources=[
            (other.ref, _("Lot {number}: {title}", number=other.number, title=other.title))
            for other in lots
            if other.id != lot.id and criteria[other.id]
        ],
        bounds=policy.IN_FORCE.award,
        form=form,
    )


async def _officers(request: Visitor, ref: str, form: forms.Form[Named]) -> Response[bytes]:
    tender = await readers.tender_of(ref)
    request.user.must_wear(*readers.BUYING_SIDE, organisation=tender.buyer, secret=True)
    officers = {officer.person: officer for officer in await readers.officers_of(tender)}
    able = await holders(tender.buyer, *readers.BUYING_SIDE)
    return show(
        request,
        "tenders/officers.html",
        status=form.status,
        form=form,
        tender=tender,
        officers=list(officers.values()),
        marks=await marks_of(tender.buyer),
        me=officers.get(request.user.person or 0),
        able=[(person.ref, person.name) for person in able if person.id not in officers],
        needed=policy.IN_FORCE.tendering.opening_officers_minimum,
        days=policy.IN_FORCE.people.invited_days,
        is_buyer=request.user.wears("buyer", organisation=tender.buyer) is not None,
    )
