"""What challenges put on people's desks: the steps of the buyer, the seats of evaluators, what fits and what is in play."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from challenges import actions, listing, pitches, rules
from challenges.tables import Challenge
from market import clock
from market.actor import Actor
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


class Applied(msgspec.Struct, frozen=True):
    """An application that is not over, with its pitch where it has one."""

    ref: str
    title: str
    closes_at: datetime
    shortlisted_at: datetime | None
    decision_by: datetime | None
    scheduled_at: datetime | None
    delivered_at: datetime | None


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
    """For buyers: questions, and the next step of what has closed. For evaluators: what they still have to mark."""
    ours = actor.organisations("buyer")
    found = await _of_buyers(ours) if ours else []
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


async def _of_buyers(buyers: Sequence[int]) -> list[Waiting]:
    challenges = (
        await Challenge.objects()
        .where(
            Challenge.buyer.is_in(list(buyers))
            & Challenge.published_at.is_not_null()
            & Challenge.cancelled_at.is_null()
            & Challenge.concluded_at.is_null()
        )
        .order_by(Challenge.closes_at)
    )
    found = await questions.waiting(actions.topic_of(each) for each in challenges)
    for challenge in challenges:
        stage = rules.stage(challenge, clock.now())
        if stage == "closed":
            found += await _shortlisting(challenge)
        elif stage == "pitching":
            found += await _pitching(challenge)
    return found


async def _shortlisting(challenge: Challenge) -> list[Waiting]:
    here = f"/challenges/{challenge.ref}/manage"
    if not await actions.live_applications(challenge):
        return [Waiting(_("Nobody applied. Conclude or cancel it"), here, challenge.title, challenge.decision_by)]
    if not (await actions.panel_of(challenge)).locked:
        return []
    return [
        Waiting(_("Make the short list: every evaluator has handed in"), here, challenge.title, challenge.pitches_by)
    ]


async def _pitching(challenge: Challenge) -> list[Waiting]:
    here, now = f"/challenges/{challenge.ref}/manage", clock.now()
    open_ = [
        each for each in await pitches.pitches_of(challenge) if each.delivered_at is None and each.missed_at is None
    ]
    found = []
    if unarranged := sum(each.scheduled_at is None for each in open_):
        words = _n("Arrange a pitch", "Arrange {number} pitches", unarranged)
        found.append(Waiting(words, here, challenge.title, challenge.pitches_by))
    if given := [
        each.scheduled_at for each in open_ if not rules.pitch_time_has_come(challenge, each, now) and each.scheduled_at
    ]:
        words = _("Say whether the pitch was delivered: the team is paid then")
        found.append(Waiting(words, here, challenge.title, since=min(given)))
    if rules.every_pitch_is_accounted_for(await pitches.ending(challenge)) is None:
        words = _("Write down what was learnt and decide: go, change or stop")
        found.append(Waiting(words, here, challenge.title, challenge.decision_by))
    return found


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
    found = await rows(
        Applied,
        """
        SELECT c.ref, c.title, c.closes_at, c.shortlisted_at, c.decision_by, p.scheduled_at, p.delivered_at
        FROM application a JOIN challenge c ON c.id = a.challenge LEFT JOIN pitch p ON p.application = a.id
        WHERE a.supplier = ANY({}::int[]) AND a.withdrawn_at IS NULL AND c.concluded_at IS NULL AND c.cancelled_at IS NULL
          AND (c.shortlisted_at IS NULL OR a.shortlisted) ORDER BY c.closes_at
        """,
        list(firms),
    )
    return [InPlay(_("Application"), f"/challenges/{each.ref}", each.title, *_next(each)) for each in found]


def _next(each: Applied) -> tuple[str, datetime | None]:
    """What happens next with an application, and when."""
    if each.shortlisted_at is None:
        if rules.takes_applications(each.closes_at, clock.now()):
            return _("You may edit it until it closes"), each.closes_at
        return _("Being scored"), None
    if each.delivered_at is not None:
        return _("You pitched. The buyer decides"), each.decision_by
    if each.scheduled_at is None:
        return _("Short-listed. The buyer arranges your pitch"), None
    return _("Your pitch"), each.scheduled_at


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
