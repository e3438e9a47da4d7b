"""The thread: problem, exercise, waiver or evidence, tender, award, contract, payments — read from the log alone.

Every record's page shows it. Because each event names the records its subject grew from (`about`), the log is enough to
walk from any record to its ancestors and its offspring, and the thread can never say more than the log can prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from market import clock
from market.kinds import KINDS, address
from market.money import Money
from market.reads import rows
from market.wording import N_, _, together

State = Literal["done", "now", "todo", "spared", "missing", "refused"]
"""`spared` is a step that the law did not ask for; `missing` one that it did."""

GROUNDS = {
    "commodity": N_("None was needed: this is an off-the-shelf supply."),
    "not-central": N_("None was needed: the rule binds central government, and this buyer is not part of it."),
    "below-threshold": N_("None was needed: the value is below the threshold of the rule."),
    "waiver": N_("None: the minister waived it."),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the thread, as `record.thread` of the templates shows it."""

    name: str
    state: State
    text: str | None = None
    when: datetime | None = None
    href: str | None = None
    why: str | None = None
    paper: str | None = None
    """That it was done by mandate on paper, and who entered it."""


class _Happened(msgspec.Struct, frozen=True):
    verb: str
    subject: str
    about: list[str]
    at: datetime
    body: str

    @property
    def facts(self) -> dict[str, Any]:
        """The public facts. Nothing is proved here, so they are only read, not held to their canonical form."""
        return msgspec.json.decode(self.body, type=dict[str, Any])


async def thread(subject: str) -> list[Step]:
    """The steps that lead to `subject` (`kind:reference`) and on from it; [] for a record the log does not know yet.

    The record itself is followed: a contract shows its own award and payments, not those of the tender's other lots; a
    tender shows all its lots; a challenge shows what grew from it. What is a part of one of them (a bid, a milestone, a payment)
    shows the thread of the whole.
    """
    subject = await _stem(subject)
    lineage = await _lineage(subject)
    events = await rows(
        _Happened,
        """
        SELECT verb, subject, about, at, body FROM event
        WHERE about && {}::text[] AND verb = ANY({}::text[]) AND sealed_by = '' ORDER BY seq
        """,
        sorted(lineage),
        [verb for kind in KINDS.values() for verb in kind.steps],
    )
    beside = [each for each in events if _belongs(each, subject, lineage)]
    return await _on_paper(steps(beside, clock.now().astimezone(clock.ZONE).date()), beside)


async def _on_paper(made: list[Step], events: Iterable[_Happened]) -> list[Step]:
    """The same steps; beside each that was done by mandate on paper, who entered it."""
    entered = {each.at: each.facts["by_mandate"]["entered_by"] for each in events if "by_mandate" in each.facts}
    if not entered:
        return made
    names = {each.ref: each.name for each in await rows(_Named, _NAMED, sorted(set(entered.values())))}
    said = {at: mandated(names.get(ref, ref)) for at, ref in entered.items()}
    return [replace(step, paper=said.get(step.when)) if step.when else step for step in made]


class _Named(msgspec.Struct, frozen=True):
    ref: str
    name: str


_NAMED = "SELECT ref, name FROM person WHERE ref = ANY({}::text[])"


def mandated(by: str) -> str:
    """How it is said that something was done by mandate on paper."""
    return _("By mandate on paper, entered by {by}", by=by)


@dataclass(frozen=True, slots=True)
class Grown:
    """One record that is filed under another: its public page and since when it is public."""

    title: str
    href: str
    when: datetime


async def grown(subject: str) -> dict[str, list[Grown]]:
    """What became public under this record, by kind in the order of the thread, the newest first within one."""
    appearing = [kind for kind in KINDS.values() if kind.appears]
    events = await rows(
        _Happened,
        """
        SELECT verb, subject, about, at, body FROM event
        WHERE about && {}::text[] AND verb = ANY({}::text[]) AND sealed_by = '' ORDER BY seq DESC
        """,
        [subject],
        [kind.appears for kind in appearing],
    )
    under: dict[str, list[Grown]] = {}
    for kind in appearing:
        for each in (each for each in events if each.verb == kind.appears):
            title = each.facts.get("title") or each.subject.partition(":")[2]
            under.setdefault(_(kind.tab), []).append(Grown(str(title), address(each.subject) or "/log", each.at))
    return under


class _Decided(msgspec.Struct, frozen=True):
    tender: str
    lots: int


async def decided(tenders: Sequence[str]) -> dict[str, int]:
    """How many lots of these tenders stand decided, by the log: for the pages of a floor that does not know awards."""
    subjects = [f"tender:{ref}" for ref in tenders]
    found = await rows(
        _Decided,
        """
        SELECT tender, count(*) AS lots FROM event e, unnest(e.about) AS tender
        WHERE e.about && {}::text[] AND e.verb = 'award.decided' AND tender = ANY({}::text[]) AND NOT EXISTS
            (SELECT 1 FROM event s WHERE s.subject = e.subject AND s.verb = 'award.set-aside')
        GROUP BY tender
        """,
        subjects,
        subjects,
    )
    return {each.tender.partition(":")[2]: each.lots for each in found}


async def _stem(subject: str) -> str:
    """The record whose thread a record shows: itself, or what it is a part of; '' where there is none."""
    kind = KINDS.get(subject.partition(":")[0])
    if kind is None or kind.part_of is None:
        return subject
    beside = await rows(str, "SELECT DISTINCT unnest(about) FROM event WHERE about @> {}::text[]", [subject])
    found = {other.partition(":")[0]: other for other in beside}
    return next((found[whole] for whole in kind.part_of if whole in found), "")


async def _lineage(subject: str) -> set[str]:
    """The record with all its ancestors: what its own events are about, and what its tender came from."""
    lineage = await rows(
        str,
        """
        WITH nearest AS (
            SELECT {}::text AS subject
            UNION SELECT other FROM event e, unnest(e.about) other
                WHERE e.subject = {} AND split_part(other, ':', 1) = ANY({}::text[]))
        SELECT subject FROM nearest
        UNION SELECT other FROM nearest JOIN event e ON e.subject = nearest.subject, unnest(e.about) other
            WHERE split_part(other, ':', 1) = ANY({}::text[])
        """,
        *[subject] * 2,
        *[["challenge", "tender", "award", "waiver"]] * 2,
    )
    return set(lineage)


def _belongs(event: _Happened, subject: str, lineage: set[str]) -> bool:
    """Whether an event is on this record's own line rather than on a sister's."""
    if event.subject in lineage or subject in event.about:
        return True
    of_the_tender = (
        ("waiver", "award", "contract", "obligation", "payment") if subject.startswith("waiver:") else ("waiver",)
    )
    return event.subject.split(":")[0] in of_the_tender and any(
        other in lineage for other in event.about if other.startswith("tender:")
    )


def steps(events: Iterable[_Happened], today: date) -> list[Step]:
    """The thread of these events, oldest first. Pure: the log's rows and the day in, the page's steps out."""
    happened = list(events)
    if not happened:
        return []
    made = [*_exercise(happened), *_gate(happened), *_tender(happened), *_award(happened), *_contract(happened, today)]
    made.append(_payments(happened, waits=any(step.state == "todo" for step in made)))
    return _mark_now(made)


def _last(events: list[_Happened], *verbs: str) -> _Happened | None:
    return next((each for each in reversed(events) if each.verb in verbs), None)


def _exercise(events: list[_Happened]) -> list[Step]:
    posted = _last(events, "challenge.published")
    if posted is None:
        return []
    done = [Step(_("Problem"), "done", str(posted.facts.get("title", "")) or None, posted.at, address(posted.subject))]
    stopped = _last(events, "challenge.cancelled")
    ended = _last(events, "challenge.concluded")
    report = _last(events, "insight_report.published")
    if stopped is not None:
        return [*done, Step(_("Exercise"), "refused", _("Cancelled"), stopped.at, address(stopped.subject))]
    if ended is None:
        return [*done, Step(_("Exercise"), "todo", _("Under way"), None, address(posted.subject))]
    words = {"go": _("Decision: go"), "change": _("Decision: change course"), "stop": _("Decision: stop")}
    return [
        *done,
        Step(
            _("Exercise"),
            "done",
            words.get(str(ended.facts.get("decision")), _("Concluded")),
            ended.at,
            address(report.subject if report else ended.subject),
        ),
    ]


def _gate(events: list[_Happened]) -> list[Step]:
    granted, refused = _last(events, "waiver.granted"), _last(events, "waiver.refused")
    asked, published = _last(events, "waiver.requested"), _last(events, "tender.published")
    if granted is not None:
        return [Step(_("Waiver"), "done", _("Signed by the minister"), granted.at, address(granted.subject))]
    if asked is not None and (refused is None or asked.at > refused.at):
        return [Step(_("Waiver"), "todo", _("Waiting for the minister"), asked.at, address(asked.subject))]
    if refused is not None:
        return [Step(_("Waiver"), "refused", _("Refused by the minister"), refused.at, address(refused.subject))]
    if published is not None and _last(events, "challenge.published") is None:
        ground = str(published.facts.get("ground", ""))
        why = _(GROUNDS[ground]) if ground in GROUNDS else None
        state: State = "spared" if why else "missing"
        return [Step(_("Exercise"), state, None, None, None, why or _("No exercise is on record."))]
    return []


def _ends_here(events: list[_Happened]) -> bool:
    """Whether nothing is bought at the end of this line: its exercise said stop, or its tender was cancelled."""
    if _last(events, "tender.published") is not None:
        return _last(events, "tender.cancelled") is not None
    ended = _last(events, "challenge.concluded")
    return ended is not None and ended.facts.get("decision") == "stop"


def _tender(events: list[_Happened]) -> list[Step]:
    published = _last(events, "tender.published")
    if published is None:
        return [] if _ends_here(events) else [Step(_("Tender"), "todo")]
    cancelled, opened = _last(events, "tender.cancelled"), _last(events, "tender.opened")
    here = address(published.subject)
    if cancelled is not None:
        return [Step(_("Tender"), "refused", _("Cancelled"), cancelled.at, here)]
    if opened is not None:
        return [Step(_("Tender"), "done", _("Bids opened"), opened.at, here)]
    return [Step(_("Tender"), "todo", _("Published"), published.at, here)]


def _award(events: list[_Happened]) -> list[Step]:
    if _ends_here(events):
        return []
    aside = {each.subject for each in events if each.verb == "award.set-aside"}
    decided = [each for each in events if each.verb == "award.decided" and each.subject not in aside]
    if not decided:
        return [Step(_("Award"), "todo")]
    last = decided[-1]
    lots = _("{decided} lots decided", decided=len(decided)) if len(decided) > 1 else _("Decided")
    return [Step(_("Award"), "done", lots, last.at, address(last.subject) if len(decided) == 1 else None)]


def _contract(events: list[_Happened], today: date) -> list[Step]:
    if _ends_here(events):
        return []
    signed = [each for each in events if each.verb == "contract.signed"]
    drawn = _last(events, "contract.drawn-up")
    if signed:
        ended = {each.subject for each in events if each.verb == "contract.ended"}
        last = {
            each.subject: date.fromisoformat(str(each.facts["ends_on"]))
            for each in events
            if each.verb in ("contract.signed", "contract.changed") and "ends_on" in each.facts
        }
        ended |= {subject for subject, day in last.items() if day < today}
        running = len([each for each in signed if each.subject not in ended])
        text = (
            _("{running} contracts in force", running=running)
            if running > 1
            else _("In force")
            if running
            else _("Ended")
        )
        return [
            Step(_("Contract"), "done", text, signed[-1].at, address(signed[-1].subject) if len(signed) == 1 else None)
        ]
    if drawn is not None:
        return [Step(_("Contract"), "todo", _("Waiting for signatures"), drawn.at, address(drawn.subject))]
    return [Step(_("Contract"), "todo")]


def _payments(events: list[_Happened], *, waits: bool) -> Step:
    """Done when everything that the line promises was owed and paid; `waits` when a step before this one is to come."""
    owed = [each for each in events if each.verb == "obligation.incurred"]
    paid = [each for each in events if each.verb == "payment.paid"]
    if not owed:
        return Step(_("Payments"), "todo")
    text = _("{paid} paid of {owed} owed so far", paid=_sum(paid), owed=_sum(owed))
    settled = not waits and len(paid) >= len(owed) and not _outstanding(events, owed)
    return Step(_("Payments"), "done" if settled else "todo", text, (paid or owed)[-1].at)


def _outstanding(events: list[_Happened], owed: list[_Happened]) -> bool:
    """Whether a contract in force is worth more than its accepted milestones have made owed so far."""
    worth: dict[str, int] = {}
    for each in events:
        if each.verb in ("contract.signed", "contract.changed"):
            worth[each.subject] = int(each.facts.get("value_minor", 0))
        elif each.verb == "contract.ended":
            worth.pop(each.subject, None)
    for each in owed:
        for contract in worth.keys() & set(each.about):
            worth[contract] -= int(each.facts.get("amount_minor", 0))
    return any(left > 0 for left in worth.values())


def _sum(events: list[_Happened]) -> str:
    totals: dict[str, int] = {}
    for each in events:
        currency = str(each.facts.get("currency", "GBP"))
        totals[currency] = totals.get(currency, 0) + int(each.facts.get("amount_minor", 0))
    return together(str(Money(minor, currency)) for currency, minor in totals.items()) or _("nothing")


def _mark_now(made: list[Step]) -> list[Step]:
    """The first step still to come is where things stand, unless something stopped before it."""
    for place, step in enumerate(made):
        if step.state == "refused":
            return made[: place + 1]
        if step.state == "todo":
            now = Step(step.name, "now", step.text, step.when, step.href, step.why)
            return [*made[:place], now, *made[place + 1 :]]
    return made
