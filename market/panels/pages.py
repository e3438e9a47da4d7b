"""What the pages of everything judged by a panel share: reading marks as typed, and showing what was kept meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec

from market import policy
from market.panels import arithmetic
from market.panels.actions import ConsensusDraft, Declaration, Excuse, MarkGiven, Marks, Naming
from market.panels.panel import Member, Panel, Subject
from market.panels.tables import Consensus
from market.web import forms


class MarksForm(msgspec.Struct):
    """The marks of one thing as a page asks for them: beside `version` stand `points-CR-…` and `reason-CR-…` for each
    criterion."""

    version: int = 0


def marks(form: forms.Form[MarksForm]) -> Marks:
    """The marks as typed. What is no whole number becomes one that no scale has, so that the rule says what is wanted."""
    given = []
    for name in (name.removeprefix("points-") for name in form.values if name.startswith("points-")):
        typed = str(form.values[f"points-{name}"]).strip()
        points = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1
        given.append(MarkGiven(name, points, str(form.values.get(f"reason-{name}", "")).strip()))
    return Marks(given, form.data.version)


def marking(
    panel: Panel, member: Member | None, subject: Subject, form: forms.Form[MarksForm] | None
) -> dict[str, Any]:
    """What a page needs to have one thing marked: the form as typed or as kept. When the marks were changed meanwhile, what
    is kept stands beside what was typed, and saving again is a choice."""
    kept = panel.sheet(member, subject)
    changed = form is not None and any(reason.code == "panel.marks-changed" for reason in form.reasons)
    if form is None:
        form = forms.blank(MarksForm, version=kept.version)
        for criterion, mark in kept.marks.items():
            form.values |= {f"points-{criterion}": str(mark.points), f"reason-{criterion}": mark.reason}
    if changed:
        form.values["version"] = str(kept.version)
    return {
        "form": form,
        "subject": subject,
        "sheet": kept,
        "meanwhile": kept if changed else None,
        "scale": arithmetic.scale(),
        "highest": policy.UK.panels.highest_mark,
    }


def explaining(
    panel: Panel, form: forms.Form[ConsensusDraft] | None
) -> tuple[forms.Form[ConsensusDraft], Consensus | None]:
    """The form for what a panel says, and what was kept while it was typed, if something was."""
    kept = panel.consensus
    if form is None:
        return forms.blank(ConsensusDraft, note=kept.note if kept else "", version=kept.version if kept else 0), None
    changed = any(reason.code == "panel.consensus-changed" for reason in form.reasons)
    if changed and kept:
        form.values["version"] = str(kept.version)
    return form, kept if changed else None


def declared(member: Member | None) -> forms.Form[Declaration]:
    """The declaration as it was made."""
    if member is None or member.seat.declared_at is None:
        return forms.blank(Declaration)
    seat = member.seat
    return forms.blank(Declaration, conflicts=seat.conflicts, statement=seat.statement, declared=True)


def blanks(panel: Panel, member: Member | None, **typed: forms.Form[Any]) -> dict[str, Any]:
    """The forms of a panel's page, each as typed or blank, and `form`, the one that was posted."""
    consensus, meanwhile = explaining(panel, typed.get("explaining"))
    given: dict[str, Any] = {
        "naming": forms.blank(Naming),
        "excusing": forms.blank(Excuse),
        "declaring": declared(member),
        **typed,
        "explaining": consensus,
        "meanwhile": meanwhile,
    }
    return {**given, "form": next(iter(typed.values()), given["naming"])}
