"""The gate: whether innovation came before this tender, and every question that was asked to know it. Pure, like the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from market import dates, policy, workdays
from market.money import Money
from market.tenders import cpv, value
from market.tenders.facts import Candidate, Evidence, Lot
from market.wording import _, together

Ground = Literal["exercise", "waiver", "commodity", "below-threshold", "not-central"]


@dataclass(frozen=True, slots=True)
class Line:
    """One question the gate asked, whether it was answered with yes, and why, in words."""

    code: str
    holds: bool
    says: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate found: the ground on which a tender may open (None: it may not), the record it rests on, and every
    question asked on the way, so that the decision can be explained years later."""

    ground: Ground | None
    reference: str
    lines: tuple[Line, ...]


def ask(candidate: Candidate) -> Gate:
    """Ask, in this order: is the buyer central government, is the value below the threshold that binds it, is it a
    commodity, was there an exercise, was it waived.

    The first question that settles the matter ends it; all that were asked are kept. Whom or what the rule does not bind
    is asked about a commodity or an exercise only where it names one, so that the public sees what it did of itself.
    """
    lines: list[Line] = []
    bound = candidate.tender.buyer_tier == "central"
    if bound:
        lines.append(
            Line(
                "central",
                True,
                _("{name} is central government: innovation comes first.", name=candidate.tender.buyer_name),
            )
        )
    else:
        words = _("{name} is not central government, which alone the rule binds.", name=candidate.tender.buyer_name)
        lines.append(Line("central", False, words))
    central = bound
    if central:
        below, says = value.below_threshold(candidate)
        lines.append(Line("value", below, says))
        bound = not below
    if bound or candidate.tender.commodity_claimed:
        lines.append(commodity(candidate))
        if lines[-1].holds:
            return Gate("commodity", "", tuple(lines))
    for evidence in _exercises(candidate) if bound or candidate.tender.exercise else ():
        lines.append(_serves(candidate, evidence))
        if lines[-1].holds:
            return Gate("exercise", evidence.reference, tuple(lines))
    if not bound:
        return Gate("below-threshold" if central else "not-central", "", tuple(lines))
    if not any(line.code == "exercise" for line in lines):
        lines.append(Line("exercise", False, _no_exercise(candidate)))
    for waiver in _waivers(candidate):
        lines.append(_waives(candidate, waiver))
        if lines[-1].holds:
            return Gate("waiver", waiver.reference, tuple(lines))
    if not any(line.code == "waiver" for line in lines):
        lines.append(Line("waiver", False, _("No minister has signed a waiver for this tender.")))
    return Gate(None, "", tuple(lines))


def is_commodity(codes: Iterable[str]) -> cpv.Verdict:
    """What the reviewed list says of these codes; codes that are not in the vocabulary make no commodity."""
    return cpv.is_commodity([code for code in codes if cpv.known(code)])


def commodity(candidate: Candidate) -> Line:
    """Whether this is a commodity: what the buyer states, what the list says, and what an operator let stand."""
    tender, verdict = candidate.tender, is_commodity(candidate.codes)
    if not tender.commodity_claimed:
        if verdict.commodity:
            return Line(
                "commodity", False, _("The codes are those of a commodity, but the buyer does not say that it is one.")
            )
        return Line("commodity", False, verdict.why)
    if verdict.commodity:
        return Line(
            "commodity",
            True,
            _("The buyer states that this is a commodity, and the list agrees. {why}", why=verdict.why),
        )
    if tender.commodity_confirmed_at is not None:
        day = dates.day(tender.commodity_confirmed_at)
        return Line(
            "commodity",
            True,
            _(
                "The list says otherwise ({why}) An operator let the buyer's statement stand on {day}: {reason}",
                why=verdict.why,
                day=day,
                reason=tender.commodity_confirmed_reason,
            ),
        )
    return Line(
        "commodity",
        False,
        _("The buyer states that this is a commodity, but the list says otherwise. {why}", why=verdict.why),
    )


def _exercises(candidate: Candidate) -> list[Evidence]:
    """The exercises to look at: the one the tender names, else all of the family, newest first."""
    named = candidate.tender.exercise
    exercises = [
        evidence
        for evidence in candidate.evidence
        if evidence.ground == "exercise" and evidence.kin and named in ("", evidence.reference)
    ]
    return sorted(exercises, key=lambda exercise: exercise.completed_at, reverse=True)


def _no_exercise(candidate: Candidate) -> str:
    if candidate.tender.exercise:
        return _(
            "{exercise} is not a concluded exercise of this buyer or its department.",
            exercise=candidate.tender.exercise,
        )
    return _("Neither the buyer nor its department has concluded an exercise.")


def serves_until(evidence: Evidence) -> datetime:
    """Until when a piece of evidence opens the gate: its own date, else the policy's months after its conclusion."""
    return evidence.expires_at or workdays.exercise_valid_until(evidence.completed_at)


def _serves(candidate: Candidate, evidence: Evidence) -> Line:
    until = serves_until(evidence)
    if workdays.is_over(until, candidate.now):
        return Line(
            "exercise",
            False,
            _(
                "{reference} was concluded on {completed_at}; it served until {until}.",
                reference=evidence.reference,
                completed_at=dates.day(evidence.completed_at),
                until=dates.day(until),
            ),
        )
    groups: Sequence[Lot | None] = candidate.lots or (None,)
    apart = []
    for lot in groups:
        codes = [code for code in (lot.cpv if lot else candidate.tender.cpv) if cpv.known(code)]
        if not cpv.overlaps(codes, [code for code in evidence.cpv if cpv.known(code)]) and not cpv.is_commodity(codes):
            named = _("lot {number}", number=lot.number) if lot else _("the tender")
            apart.append(f"{named} ({', '.join(codes) or _('no code')})")
    if apart:
        digits = policy.IN_FORCE.gate.overlap_digits
        return Line(
            "exercise",
            False,
            _(
                "{reference} was about something else than {apart}: no CPV code agrees in its first {digits} "
                "digits. The exercise has {code}.",
                reference=evidence.reference,
                apart=together(apart),
                digits=digits,
                code=", ".join(evidence.cpv) or _("no code"),
            ),
        )
    return Line(
        "exercise",
        True,
        _(
            "{reference} was concluded on {completed_at} and is about the same thing. It serves until {until}.",
            reference=evidence.reference,
            completed_at=dates.day(evidence.completed_at),
            until=dates.day(until),
        ),
    )


def _waivers(candidate: Candidate) -> list[Evidence]:
    return [
        waiver for waiver in candidate.evidence if waiver.ground == "waiver" and waiver.tender == candidate.tender.id
    ]


def _waives(candidate: Candidate, waiver: Evidence) -> Line:
    if waiver.expires_at is not None and workdays.is_over(waiver.expires_at, candidate.now):
        return Line(
            "waiver",
            False,
            _(
                "{reference} was in force until {expires_at}.",
                reference=waiver.reference,
                expires_at=dates.day(waiver.expires_at),
            ),
        )
    beyond = [code for code in candidate.codes if code not in waiver.cpv]
    if beyond:
        return Line(
            "waiver",
            False,
            _(
                "{reference} was not signed for {beyond}: the lots have grown since.",
                reference=waiver.reference,
                beyond=together(beyond),
            ),
        )
    if waiver.ceiling_minor is not None and candidate.value.minor > waiver.ceiling_minor:
        signed = Money(waiver.ceiling_minor, candidate.tender.currency)
        return Line(
            "waiver",
            False,
            _(
                "{reference} was signed for {signed}; the lots are now {value}.",
                reference=waiver.reference,
                signed=signed,
                value=candidate.value,
            ),
        )
    facts = {"reference": waiver.reference, "name": waiver.signed_by}
    if waiver.expires_at is None:
        return Line("waiver", True, _("{reference}, signed by {name}, is in force.", **facts))
    until = dates.day(waiver.expires_at)
    return Line("waiver", True, _("{reference}, signed by {name}, is in force until {until}.", until=until, **facts))
