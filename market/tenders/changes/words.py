"""What a change changed, read back from the addendum, and said in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

import msgspec

from market import dates
from market.money import Money
from market.proof import canonical
from market.tenders.changes.rules import KINDS, Line
from market.tenders.facts import Addendum, Candidate
from market.wording import N_, _

FIELDS: Final[Mapping[str, str]] = {
    "closes_at": N_("bids until"),
    "questions_until": N_("questions until"),
    "contract_begins_on": N_("contract begins on"),
    "contract_ends_on": N_("contract ends on"),
    "description": N_("description"),
    "value_minor": N_("estimated value"),
    "cpv": N_("CPV codes"),
    "weight": N_("weight"),
    "minimum": N_("lowest mark"),
}
"""What people call the fields that a change can change."""


def lines_of(addendum: Addendum) -> list[Line]:
    """The facts that this change changed, in the order of the tender, its lots and their criteria."""
    return msgspec.convert(canonical.decode(addendum.changed.encode()), list[Line]) if addendum.changed else []


def title(addendum: Addendum) -> str:
    """What kind of change it was; a change, for those made before changes had a kind."""
    return _(KINDS[addendum.kind]) if addendum.kind else _("Change")


def said(addendum: Addendum, candidate: Candidate) -> str:
    """What stood there before and what stands there since, and what it means for sealed bids, in sentences."""
    sentences = [_line(line, candidate) for line in lines_of(addendum)]
    if not sentences and addendum.new_closes_at is not None:
        moved = dates.moment_zone(addendum.new_closes_at)
        sentences.append(_("The deadline moved to {new_closes_at}.", new_closes_at=moved))
    if addendum.unconfirms:
        sentences.append(_("Bids sealed before this change count only when their suppliers confirm or replace them."))
    return " ".join(sentences)


def compared(lines: Iterable[Line], candidate: Candidate) -> list[tuple[str, str, str]]:
    """What would differ: for each fact what it is, what stands there now, and what would."""
    return [
        (_of(line, candidate), _value(line, line.before, candidate), _value(line, line.after, candidate))
        for line in lines
    ]


def _of(line: Line, candidate: Candidate) -> str:
    what = _(FIELDS[line.field])
    for lot in candidate.lots:
        if line.of == lot.ref:
            return _("Lot {number}, {what}", number=lot.number, what=what)
        for each in candidate.criteria.get(lot.id, ()):
            if line.of == each.ref:
                return _("Lot {number}, criterion “{name}”, {what}", number=lot.number, name=each.name, what=what)
    return _("The tender, {what}", what=what)


def _line(line: Line, candidate: Candidate) -> str:
    facts = {
        "what": _(FIELDS[line.field]),
        "before": _value(line, line.before, candidate),
        "after": _value(line, line.after, candidate),
    }
    for lot in candidate.lots:
        if line.of == lot.ref:
            return _("Lot {number}, {what}: {before} until then, {after} since.", number=lot.number, **facts)
        for each in candidate.criteria.get(lot.id, ()):
            if line.of == each.ref:
                return _(
                    "Lot {number}, criterion “{name}”, {what}: {before} until then, {after} since.",
                    number=lot.number,
                    name=each.name,
                    **facts,
                )
    return _("The tender, {what}: {before} until then, {after} since.", **facts)


def _value(line: Line, text: str, candidate: Candidate) -> str:
    if not text:
        return _("nothing")
    if line.field == "value_minor":
        return str(Money(int(text), candidate.tender.currency))
    if line.field in ("closes_at", "questions_until"):
        return dates.moment_zone(datetime.fromisoformat(text))
    if line.field in ("contract_begins_on", "contract_ends_on"):
        return dates.day(date.fromisoformat(text))
    return f"“{text}”" if line.field == "description" else text
