"""What the pages of everything judged by a panel share: reading marks as typed, and the forms they show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Meta

from market import drafts, policy
from market.panels import arithmetic
from market.panels.actions import ConsensusDraft, Declaration, Excuse, Interests, MarkGiven, Marks, Naming, mistakes
from market.panels.matter import Subject
from market.panels.panel import Member, Panel, field
from market.web import forms
from market.wording import _


def marks_asked(subject: Subject) -> type[msgspec.Struct]:
    """The form of one thing's marks: `points_CR_…` and `reason_CR_…` for each criterion."""
    fields: list[Any] = []
    for criterion in subject.criteria:
        points = Annotated[int, Meta(title=_("Mark for {name}", name=criterion.name))]
        reason = Annotated[str, Meta(title=_("Why, for {name}", name=criterion.name), max_length=4000)]
        fields += [(field("points", criterion.ref), points), (field("reason", criterion.ref), reason, "")]
    return msgspec.defstruct("MarksAsked", fields, kw_only=True)


async def read_marks(request: Request[Any, Any, Any], subject: Subject) -> forms.Form[Any]:
    """The posted marks of one thing, with every mistake at once."""
    form = await forms.read(request, marks_asked(subject))
    form.beside(mistakes(subject, {each.criterion: (each.points, each.reason) for each in _typed(form.found, subject)}))
    return form


def marks(form: forms.Form[Any], subject: Subject) -> Marks:
    """The marks as typed."""
    return Marks(_typed(msgspec.structs.asdict(form.data), subject))


def _typed(found: Mapping[str, Any], subject: Subject) -> list[MarkGiven]:
    return [
        MarkGiven(criterion.ref, found[points], found.get(field("reason", criterion.ref), ""))
        for criterion in subject.criteria
        if (points := field("points", criterion.ref)) in found
    ]


def marking(panel: Panel, member: Member | None, subject: Subject, form: forms.Form[Any] | None) -> dict[str, Any]:
    """What a page needs to have one thing marked: the form as typed or as kept."""
    kept = panel.sheet(member, subject)
    if form is None:
        form = forms.blank(marks_asked(subject), **kept.shown)
        form.version = kept.version
    return {
        "form": form,
        "subject": subject,
        "sheet": kept,
        "scale": arithmetic.scale(),
        "highest": policy.IN_FORCE.panels.highest_mark,
    }


def declared(member: Member | None) -> forms.Form[Declaration]:
    """The declaration as it was made, to be made or to be added to."""
    if member is None:
        return forms.blank(Declaration)
    seat = member.seat
    interests = drafts.stored(Interests, seat)
    form = forms.blank(Declaration, **interests, declared=seat.declared_at is not None)
    form.version = drafts.version(Interests, seat)
    return form


def blanks(panel: Panel, member: Member | None, **typed: forms.Form[Any]) -> dict[str, Any]:
    """The forms of a panel's page, each as typed or blank, and `form`, the one that was posted."""
    given: dict[str, Any] = {
        "naming": forms.blank(Naming),
        "excusing": forms.blank(Excuse),
        "declaring": declared(member),
        "explaining": forms.stored(ConsensusDraft, panel.consensus),
        **typed,
    }
    return {**given, "form": next(iter(typed.values()), given["naming"])}
