"""What challenges put on people's desks: the steps of the buyer, the seats of evaluators, what fits and what is in play."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from challenges import actions, exercise, listing, rules
from challenges.applications import listing as sent
from challenges.pitches import rules as pitch_rules
from challenges.quiet import actions as quiet
from challenges.tables import Challenge
from market import clock
from market.actor import Actor
from market.arrival import Arrival
from market.db import find
from market.kinds import KINDS
from market.questions import desk as questions
from market.reads import rows
from market.web.desk import Fitting, InPlay, Open, Placed, Running, Waiting
from market.wording import N_, _, _n


class Seat(msgspec.Struct, frozen=True):
    """A place on the panel of a closed challenge, not handed in yet."""

    ref: str
    title: str
    declared_at: datetime | None
    pitches_by: datetime | None
    closes_at: datetime


class OfMission(msgspec.Struct, frozen=True):
    """How many challenges a mission (its id) has had published, and how many of them were concluded; `subjects` are all that
    are filed under it, as `challenge:reference`."""

    mission: int
    published: int
    concluded: int
    subjects: list[str]


NO_CHALLENGE = OfMission(0, 0, 0, [])
"""Of a mission under which nothing is filed."""


async def waiting(actor: Actor) -> list[Waiting]:
    """For buyers: questions, and the next step of what has closed. For evaluators: what they still have to mark. For the
    innovation team: statements why the market stayed away."""
    ours = actor.organisations("buyer")
    found = await _of_buyers(ours) if ours else []
    if actor.wears("operator"):
        found += [
            Waiting(
                _("Decide whether the market stayed away"),
                f"/challenges/{each.ref}/quiet",
                each.title,
                since=each.proposed_at,
            )
            for each in await quiet.waiting()
        ]
    seats = await rows(
        Seat,
        """
        SELECT c.ref, c.title, s.declared_at, c.pitches_by, c.closes_at FROM seat s
        JOIN challenge c ON s.panel = 'challenge:' || c.ref
        WHERE s.person = {} AND s.excused_at IS NULL AND s.locked_at IS NULL AND c.published_at IS NOT NULL AND c.closes_at < {}
        AND c.shortlisted_at IS NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL
        """,
        actor.person,
        clock.now(),
    )
    return found + [
        Waiting(
            _("Score, give your reasons and hand in") if seat.declared_at else _("Declare your interests, then score"),
            f"/challenges/{seat.ref}/panel",
            seat.title,
            seat.pitches_by,
            seat.closes_at,
        )
        for seat in seats
    ]


class Step(actions.Asked, frozen=True):
    """A challenge that runs, and what its buyer's next step depends on: how many applied, and of the pitches that are neither
    given nor explained whose they are, how many have no time yet, and the first time."""

    id: int
    pitches_by: datetime | None
    applied: int
    open_teams: list[str]
    unarranged: int
    first: datetime | None

    @property
    def href(self) -> str:
        """Where the step is taken."""
        return f"/challenges/{self.ref}/manage"


async def _of_buyers(buyers: Sequence[int]) -> list[Waiting]:
    steps = await rows(
        Step,
        """
        SELECT c.id, c.ref, c.title, c.buyer, c.pitches_by, c.created_at, c.published_at, c.questions_until, c.closes_at,
          c.shortlisted_at, c.decision_by, c.concluded_at, c.cancelled_at, p.open_teams, p.unarranged, p.first,
          (SELECT count(*) FROM application a WHERE a.challenge = c.id AND a.withdrawn_at IS NULL) AS applied
        FROM challenge c, LATERAL (
          SELECT COALESCE(array_agg(o.name::text), '{{}}') AS open_teams, min(p.scheduled_at) AS first,
            count(*) FILTER (WHERE p.scheduled_at IS NULL) AS unarranged
          FROM pitch p JOIN organisation o ON o.id = p.supplier
          WHERE p.challenge = c.id AND p.delivered_at IS NULL AND p.missed_at IS NULL
        ) p
        WHERE c.buyer = ANY({}::int[]) AND c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL
        ORDER BY c.closes_at
        """,
        list(buyers),
    )
    waits = await questions.waiting(actions.topic_of(each) for each in steps)
    for step in steps:
        stage = rules.stage(step, clock.now())
        if stage == "closed":
            waits += await _shortlisting(step)
        elif stage == "pitching":
            waits += _pitching(step)
    return waits


async def _shortlisting(step: Step) -> list[Waiting]:
    if not step.applied:
        return [Waiting(_("Nobody applied. Conclude or cancel it"), step.href, step.title, step.decision_by)]
    if not (await exercise.panel_of(await find(Challenge, Challenge.id == step.id))).locked:
        return []
    return [Waiting(_("Make the short list: every evaluator has handed in"), step.href, step.title, step.pitches_by)]


def _ending(step: Step, now: Arrival) -> rules.Ending:
    """What concluding would look at, as far as the pitches matter."""
    return rules.Ending(
        challenge=step,
        open_teams=step.open_teams,
        pitched=0,
        unmeasured=(),
        report=None,
        decision="",
        reasons="",
        now=now,
    )


def _pitching(step: Step) -> list[Waiting]:
    now, waits = clock.arrived(), []
    if step.unarranged:
        words = _n("Arrange a pitch", "Arrange {number} pitches", step.unarranged)
        waits.append(Waiting(words, step.href, step.title, step.pitches_by))
    if step.first and not pitch_rules.pitch_time_has_come(step, pitch_rules.Dates(step.first, None, None), now):
        words = _("Say whether the pitch was delivered: the team is paid then")
        waits.append(Waiting(words, step.href, step.title, since=step.first))
    if rules.every_pitch_is_accounted_for(_ending(step, now)) is None:
        words = _("Write down what was learnt and decide: go, change or stop")
        waits.append(Waiting(words, step.href, step.title, step.decision_by))
    return waits


async def records(bodies: Sequence[int], editing: Sequence[int]) -> list[Placed]:
    """The challenges of these bodies, the newest first; drafts lead to their tasks where they may be edited."""
    places = {
        "draft": N_("Drafts"),
        "questions": N_("Open"),
        "open": N_("Open"),
        "closed": N_("Being scored"),
        "pitching": N_("Pitching"),
    }
    return [
        Placed(
            places.get(each.stage, "Finished"),
            each.title or _("Untitled problem"),
            each.href if each.buyer_id in editing else f"/challenges/{each.ref}",
            _("Challenge. {stage}", stage=each.standing.word),
        )
        for each in await listing.of_bodies(bodies)
    ]


async def fits(fitting: Fitting, most: int) -> list[Open]:
    """Open challenges by the codes of the firms or, without codes, by their regions; those they applied for left out."""
    return await rows(
        Open,
        """
        SELECT 'Challenge' AS kind, '/challenges/' || c.ref AS href, c.title, o.name AS buyer, c.closes_at,
          c.fee_minor AS minor, c.currency, c.region = ANY({}::text[]) AS near
        FROM challenge c JOIN organisation o ON o.id = c.buyer
        WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL
          AND c.closes_at >= {} AND NOT EXISTS (SELECT 1 FROM application a
            WHERE a.challenge = c.id AND a.supplier = ANY({}::int[]) AND a.withdrawn_at IS NULL)
          AND (EXISTS (SELECT 1 FROM unnest(c.cpv) code WHERE code LIKE ANY({}::text[]))
            OR cardinality({}::text[]) = 0 AND c.region = ANY({}::text[]))
        ORDER BY near DESC, c.closes_at LIMIT {}
        """,
        fitting.places,
        clock.now(),
        fitting.firms,
        fitting.heads,
        fitting.heads,
        fitting.places,
        most,
    )


async def in_play(firms: Sequence[int]) -> list[InPlay]:
    """Applications of these firms that may still win."""
    return [
        InPlay(_("Application"), f"/challenges/{each.challenge}", each.title, each.standing.word, each.standing.when)
        for each in await sent.in_play(firms)
    ]


async def running(bodies: Sequence[int]) -> list[Running]:
    """The published challenges of these bodies that have not ended."""
    return [
        Running(KINDS["challenge"], each.ref, each.title, each.buyer_name, each.standing)
        for each in await listing.running(bodies)
    ]


async def by_mission(missions: Sequence[int]) -> dict[int, OfMission]:
    """How the challenges of these missions (ids) stand."""
    found = await rows(
        OfMission,
        """
        SELECT mission, count(published_at) AS published, count(concluded_at) AS concluded,
          array_agg('challenge:' || ref) AS subjects
        FROM challenge WHERE mission = ANY({}::int[]) GROUP BY mission
        """,
        list(missions),
    )
    return {each.mission: each for each in found}


async def counts() -> dict[str, int]:
    """What the operator's desk says of challenges."""
    (challenges,) = await rows(
        int,
        "SELECT count(*) FROM challenge WHERE published_at IS NOT NULL AND concluded_at IS NULL AND cancelled_at IS NULL",
    )
    (reports,) = await rows(int, "SELECT count(*) FROM insight_report WHERE published_at IS NOT NULL")
    return {"challenges": challenges, "reports": reports}
