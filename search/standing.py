"""Where any kind of record stands, for whoever has to do with all of them: the rules of its own noun are asked.

A document of the search keeps the dates that its standing is reckoned from, not the answer alone: what is shown of a found thing
is reckoned when it is shown, so a copy that is a few seconds old still says what the record's page says. The stage that can be
filtered by and counted is stored, and told anew when a date passes (`search.outbox.turn`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import msgspec

from challenges import rules as challenges
from challenges.insights import rules as insights
from market.contracts import rules as contracts
from market.kinds import KINDS
from market.portal.intake import notices
from market.standards.components import catalogue
from market.standing import Standing, Tone, dates_of
from market.tenders import rules as tenders
from market.waivers import rules as waivers
from market.wording import N_, _
from search.documents import Kind, SearchDocument
from search.index import Hit


@dataclass(frozen=True, slots=True)
class Stands:
    """How one kind is asked: the dates it is reckoned from, the rule, and the words of its stages."""

    dates: type[msgspec.Struct]
    rule: Callable[[Any, datetime], Standing]
    stages: Mapping[Any, tuple[str, Tone]]


STANDINGS: dict[str, Stands] = {
    "challenge": Stands(challenges.Dates, challenges.standing, challenges.STAGES),
    "tender": Stands(tenders.Dates, tenders.standing, tenders.STAGES),
    "contract": Stands(contracts.Dates, contracts.standing, contracts.STAGES),
    "insight_report": Stands(insights.Dates, insights.standing, insights.DECISIONS),
    "component": Stands(catalogue.Dates, catalogue.standing, catalogue.STAGES),
    "notice": Stands(notices.Dates, notices.standing, notices.STAGES),
    "waiver": Stands(waivers.Dates, waivers.standing, waivers.STAGES),
}
"""Every kind that has a stage; a supplier has none."""


class Kept(TypedDict):
    """What a document keeps of where its record stands."""

    stage: str
    dates: str


def kept(kind: str, row: Any, now: datetime) -> Kept:
    """The stage now, and the dates. `row` has the dates, or is them."""
    asked = STANDINGS[kind]
    dates = dates_of(asked.dates, row)
    return {"stage": asked.rule(dates, now).stage, "dates": msgspec.json.encode(dates).decode()}


def standing(document: SearchDocument, now: datetime) -> Standing | None:
    """Where the record of this document stands at `now`; None for a kind that has no stage."""
    asked = STANDINGS.get(document.kind)
    if asked is None or not document.dates:
        return None
    return asked.rule(msgspec.json.decode(document.dates, type=asked.dates), now)


def still(hits: Sequence[Hit], stages: Sequence[str], now: datetime) -> list[Hit]:
    """Those that stand at one of these stages now, or all when none is asked for: what has turned since the index was told is
    left out of a choice that it no longer belongs to, and what is no longer public is left out of all."""
    at = [(hit, getattr(standing(hit.document, now), "stage", "")) for hit in hits]
    return [hit for hit, stage in at if stage != "withdrawn" and (not stages or stage in stages)]


TOGETHER: dict[str, str] = {"closed": N_("Closed")}
"""The plain word of a stage that kinds say differently."""


def word(stage: str, kind: Kind | None) -> str:
    """A stage as people read it among all kinds, or among those of one: where kinds say it differently, the plain word."""
    asked = [STANDINGS[kind]] if kind in STANDINGS else list(STANDINGS.values())
    words = {each.stages[stage][0] for each in asked if stage in each.stages}
    return _(words.pop() if len(words) == 1 else TOGETHER[stage])


if {
    stage
    for each in STANDINGS.values()
    for stage, (said, _tone) in each.stages.items()
    if any(other.stages.get(stage, (said,))[0] != said for other in STANDINGS.values())
} != set(TOGETHER):
    raise AssertionError("a stage that kinds say differently has one plain word among all of them")

if not set(STANDINGS) <= {name for name, kind in KINDS.items() if kind.findable}:
    raise AssertionError("only what is found is asked where it stands")
