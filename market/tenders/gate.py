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
from market.wording import _, _n, either, together

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

    @property
    def open_questions(self) -> str:
        """Why it stays shut, in words: what was answered with no, but for the list of commodities, which few things are on."""
        return " ".join(line.says for line in self.lines if not line.holds and line.code != "commodity")


def ask(candidate: Candidate) -> Gate:
    """Ask, in this order: is the buyer central government, is the value below the threshold that binds it, is it a
    commodity, did an exercise on the same need end with “stop”, which exercise does it come from, was enough done in
    it, is the need the same, does it stay within the follow-on that was stated, was it waived.

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
    if bound or candidate.tender.exercise:
        explored = [_nothing_stops(candidate), *_explored(candidate)]
        lines += explored
        if all(line.holds for line in explored):
            return Gate("exercise", candidate.tender.exercise, tuple(lines))
    if not bound:
        return Gate("below-threshold" if central else "not-central", "", tuple(lines))
    for waiver in _waivers(candidate):
        lines.append(_waives(candidate, waiver))
        if lines[-1].holds:
            return Gate("waiver", waiver.reference, tuple(lines))
    if not any(line.code == "waiver" for line in lines):
        lines.append(Line("waiver", False, _("No minister has signed a waiver for this tender.")))
    return Gate(None, "", tuple(lines))


def is_commodity(codes: Iterable[str], now: datetime) -> cpv.Verdict:
    """What the reviewed list says of these codes now; codes that are not in the vocabulary make no commodity."""
    return cpv.is_commodity([code for code in codes if cpv.known(code)], now)


def commodity(candidate: Candidate) -> Line:
    """Whether this is a commodity: what the buyer states, what the list says, and what an operator let stand."""
    tender, verdict = candidate.tender, is_commodity(candidate.codes, candidate.now)
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


# ── what was tried ─────────────────────────────────────────────────────────────────────────────────────────────────


def stopping(candidate: Candidate) -> list[Evidence]:
    """The exercises that ended with “stop” and close the gate to this tender, newest first.

    For each CPV code of the tender the newest conclusion of the buyer's family that has anything to do with it counts:
    a later exercise that went on opens again what an earlier one stopped, and never the other way round. Which exercise
    the tender names makes no difference, and a broader or a finer code is no way around.
    """
    concluded = sorted(_conclusions(candidate), key=lambda each: each.completed_at, reverse=True)
    found: dict[str, Evidence] = {}
    for code in _known(candidate.codes):
        newest = next((each for each in concluded if _touches(code, each)), None)
        if newest is not None and newest.outcome == "stop":
            found[newest.reference] = newest
    return sorted(found.values(), key=lambda each: each.completed_at, reverse=True)


def named(candidate: Candidate) -> Evidence | None:
    """The concluded exercise of the buyer's family that the tender says it comes from."""
    return next((each for each in _concluded(candidate) if each.reference == candidate.tender.exercise), None)


def suggested(candidate: Candidate) -> list[Evidence]:
    """The exercises that the tender could name: in force, on the same codes, and with a follow-on that this buyer pays for."""
    return [
        each
        for each in _concluded(candidate)
        if each.outcome in ("go", "change")
        and not each.falls_short
        and not workdays.is_over(serves_until(each), candidate.now)
        and not _apart(candidate, each)
        and each.payer == candidate.tender.buyer
    ]


def follow_on(evidence: Evidence) -> Money | None:
    """What its challenge said beforehand may be bought after it; None when it said nothing."""
    return None if evidence.follow_on_minor is None else Money(evidence.follow_on_minor, evidence.follow_on_currency)


def opens_up_to(evidence: Evidence) -> Money | None:
    """What the tenders that rest on an exercise may be worth together: the follow-on stated beforehand, times the policy's
    share, rounded down to a minor unit."""
    stated = follow_on(evidence)
    return stated and Money(stated.minor * policy.IN_FORCE.gate.follow_on_percent // 100, stated.currency)


def serves_until(evidence: Evidence) -> datetime:
    """Until when a piece of evidence opens the gate: its own date, else the policy's months after its conclusion."""
    return evidence.expires_at or workdays.exercise_valid_until(evidence.completed_at)


def _known(codes: Iterable[str]) -> list[str]:
    return [code for code in codes if cpv.known(code)]


def _touches(code: str, evidence: Evidence) -> bool:
    return any(cpv.touches(code, other) for other in _known(evidence.cpv))


def _concluded(candidate: Candidate) -> list[Evidence]:
    """The exercises of the buyer's family that were concluded by now, newest first. A change of a published tender is judged
    as of its publication, so what ended since does not count against it."""
    exercises = [
        each
        for each in candidate.evidence
        if each.ground == "exercise" and each.kin and each.completed_at <= candidate.now
    ]
    return sorted(exercises, key=lambda each: each.completed_at, reverse=True)


def _conclusions(candidate: Candidate) -> list[Evidence]:
    """Those that still count, for opening and for closing alike: one that fell short opens nothing, so it does not open again
    what an earlier one stopped either."""
    return [
        each
        for each in _concluded(candidate)
        if not workdays.is_over(serves_until(each), candidate.now) and (not each.falls_short or each.outcome == "stop")
    ]


def _nothing_stops(candidate: Candidate) -> Line:
    stops = stopping(candidate)
    if not stops:
        return Line("stop", True, _("No exercise of the buyer or its department on these codes ended with “stop”."))
    said = [
        _(
            "{reference} (“{title}”, {body}) ended with “stop” on {day}.",
            reference=each.reference,
            title=each.title,
            body=each.body,
            day=dates.day(each.completed_at),
        )
        for each in stops
    ]
    return Line(
        "stop",
        False,
        _(
            "{stops} A tender for the same need opens only with a minister's waiver whose statement names {references}.",
            stops=" ".join(said),
            references=together([each.reference for each in stops]),
        ),
    )


def _explored(candidate: Candidate) -> list[Line]:
    """What is found of the exercise that the tender names: whether it serves, and if so whether enough was done in it, the need is
    the same and the follow-on is kept to."""
    evidence = named(candidate)
    if evidence is None:
        return [Line("exercise", False, _no_exercise(candidate))]
    serves = _serves(candidate, evidence)
    if not serves.holds:
        return [serves]
    effort = _effort(evidence)
    if not effort.holds:
        return [serves, effort]
    return [serves, effort, _same_need(candidate, evidence), _within_the_follow_on(candidate, evidence)]


def _no_exercise(candidate: Candidate) -> str:
    if candidate.tender.exercise:
        return _(
            "{exercise} is not a concluded exercise of this buyer or its department.",
            exercise=candidate.tender.exercise,
        )
    could = [f"{each.reference} (“{each.title}”)" for each in suggested(candidate)]
    if could:
        return _(
            "The tender does not say which exercise it comes from. It could be {exercises}: name it, and say why the "
            "need is the same.",
            exercises=either(could),
        )
    if _concluded(candidate):
        return _("The tender does not say which exercise it comes from, and none on record serves it.")
    return _("Neither the buyer nor its department has concluded an exercise.")


def _apart(candidate: Candidate, evidence: Evidence) -> list[str]:
    """The lots (or the tender, while it has none) that the exercise was not about, with their codes; commodities need none."""
    groups: Sequence[Lot | None] = candidate.lots or (None,)
    apart = []
    for lot in groups:
        codes = _known(lot.cpv if lot else candidate.tender.cpv)
        shared = cpv.overlaps(codes, _known(evidence.cpv), policy.IN_FORCE.gate.exercise_digits)
        if not shared and not cpv.is_commodity(codes, candidate.now):
            words = _("lot {number}", number=lot.number) if lot else _("the tender")
            apart.append(f"{words} ({', '.join(codes) or _('no code')})")
    return apart


def _serves(candidate: Candidate, evidence: Evidence) -> Line:
    until = serves_until(evidence)
    facts = {"reference": evidence.reference, "completed_at": dates.day(evidence.completed_at)}
    if evidence.outcome not in ("go", "change"):
        words = (
            _("{reference} was concluded on {completed_at} with “stop”: it opens nothing.", **facts)
            if evidence.outcome == "stop"
            else _("{reference} was concluded on {completed_at}, and how it ended is not on record.", **facts)
        )
        return Line("exercise", False, words)
    if workdays.is_over(until, candidate.now):
        return Line(
            "exercise",
            False,
            _("{reference} was concluded on {completed_at}; it served until {until}.", until=dates.day(until), **facts),
        )
    apart = _apart(candidate, evidence)
    if apart:
        digits = policy.IN_FORCE.gate.exercise_digits
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
    said = {**facts, "outcome": evidence.outcome, "until": dates.day(until)}
    return Line(
        "exercise",
        True,
        _(
            "{reference} was concluded on {completed_at} with “{outcome}” and is about the same thing. It serves until {until}.",
            **said,
        ),
    )


def _effort(evidence: Evidence) -> Line:
    """Whether enough was done in the exercise for it to open anything, as it was found when it was concluded."""
    facts = {"reference": evidence.reference, "least": evidence.pitches_least or 0, "statement": evidence.statement}
    if evidence.falls_short == "pitches":
        words = _n(
            "One team pitched in {reference}, and it took {least}; no statement why the market stayed away was approved. So it "
            "opens nothing.",
            "{number} teams pitched in {reference}, and it took {least}; no statement why the market stayed away was approved. "
            "So it opens nothing.",
            evidence.pitches or 0,
            **facts,
        )
        return Line("effort", False, words)
    if evidence.falls_short:
        return Line(
            "effort", False, _("{reference} was run by a method that opens nothing.", reference=evidence.reference)
        )
    if evidence.pitches is None or evidence.measures is None:
        words = _("{reference} was concluded before its pitches were counted.", reference=evidence.reference)
        return Line("effort", True, words)
    measured = _n("One target was measured.", "{number} targets were measured.", evidence.measures)
    if evidence.statement:
        words = _(
            "{number} of {least} teams pitched in {reference}; the innovation team approved the buyer's statement why the market "
            "stayed away ({statement}). {measured}",
            number=evidence.pitches,
            measured=measured,
            **facts,
        )
        return Line("effort", True, words)
    words = _n(
        "One team pitched in {reference} and was paid. {measured}",
        "{number} teams pitched in {reference} and were paid. {measured}",
        evidence.pitches,
        reference=evidence.reference,
        measured=measured,
    )
    return Line("effort", True, words)


def _same_need(candidate: Candidate, evidence: Evidence) -> Line:
    least, tender = policy.IN_FORCE.gate.statement_characters, candidate.tender
    if not said_enough(tender.same_need):
        words = _(
            "The buyer has not said in at least {least} characters why the need is the one that {reference} explored.",
            least=least,
            reference=evidence.reference,
        )
        return Line("need", False, words)
    if evidence.outcome == "go":
        return Line("need", True, _("The buyer says why the need is the same; both stand side by side on the page."))
    if not said_enough(tender.what_changed):
        words = _(
            "{reference} ended with “change”, and the buyer has not said in at least {least} characters what changed.",
            least=least,
            reference=evidence.reference,
        )
        return Line("need", False, words)
    return Line(
        "need",
        True,
        _(
            "{reference} ended with “change”. The buyer says why the need is the same and what changed; both stand side by "
            "side on the page.",
            reference=evidence.reference,
        ),
    )


def said_enough(text: str) -> bool:
    """Whether a statement has the length below which nobody could check it."""
    return len(text.strip()) >= policy.IN_FORCE.gate.statement_characters


def _within_the_follow_on(candidate: Candidate, evidence: Evidence) -> Line:
    stated, most, tender = follow_on(evidence), opens_up_to(evidence), candidate.tender
    if stated is None or most is None:
        words = _(
            "{reference} was begun without a stated follow-on, so it opens nothing.", reference=evidence.reference
        )
        return Line("follow-on", False, words)
    if evidence.payer != tender.buyer:
        words = _(
            "{reference} was run for a purchase that {payer} pays for; it opens no tender of {name}.",
            reference=evidence.reference,
            payer=evidence.payer_name or _("nobody named"),
            name=tender.buyer_name,
        )
        return Line("follow-on", False, words)
    if stated.currency != tender.currency:
        words = _("The follow-on of {reference} was stated in another currency.", reference=evidence.reference)
        return Line("follow-on", False, words)
    used = Money(evidence.used_minor, stated.currency)
    facts = {
        "reference": evidence.reference,
        "stated": stated,
        "percent": policy.IN_FORCE.gate.follow_on_percent,
        "most": most,
        "used": used,
        "value": candidate.value,
    }
    if used.minor + candidate.value.minor > most.minor:
        words = _(
            "{reference} stated a follow-on of {stated} and opens tenders of up to {most} together ({percent} per cent). "
            "Other tenders have used {used} of it; this one is worth {value}.",
            **facts,
        )
        return Line("follow-on", False, words)
    words = _(
        "{reference} stated a follow-on of {stated} and opens tenders of up to {most} together ({percent} per cent). "
        "Other tenders have used {used} of it; this one, {value}, stays within it.",
        **facts,
    )
    return Line("follow-on", True, words)


# ── what was waived ────────────────────────────────────────────────────────────────────────────────────────────────


def _waivers(candidate: Candidate) -> list[Evidence]:
    return [
        waiver for waiver in candidate.evidence if waiver.ground == "waiver" and waiver.tender == candidate.tender.id
    ]


def _waives(candidate: Candidate, waiver: Evidence) -> Line:
    if waiver.revoked_at is not None and waiver.revoked_at <= candidate.now:
        day = dates.day(waiver.revoked_at)
        return Line("waiver", False, _("{reference} was revoked on {day}.", reference=waiver.reference, day=day))
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
    if waiver.suspends_at is not None and workdays.is_over(waiver.suspends_at, candidate.now):
        words = _(
            "{reference} is suspended: its review was to be answered until {day}. It opens nothing until the minister answers.",
            reference=waiver.reference,
            day=dates.day(waiver.suspends_at),
        )
        return Line("waiver", False, words)
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
    unnamed = [each.reference for each in stopping(candidate) if each.reference not in waiver.stops]
    if unnamed:
        words = _(
            "{reference} was signed without naming {stops}, which ended with “stop”.",
            reference=waiver.reference,
            stops=together(unnamed),
        )
        return Line("waiver", False, words)
    if waiver.ceiling_minor is not None and waiver.used_minor + candidate.value.minor > waiver.ceiling_minor:
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
