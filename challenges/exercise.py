"""One challenge as all who deal with it ask: who may see and run it, what grows from it, who applied, and its panel."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from challenges import rules
from challenges.tables import Application, Challenge, Criterion, Measure, Pitch
from market import clock
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.budgets.rules import with_vat
from market.db import find, maybe
from market.missions.tables import Mission
from market.money import Money
from market.panels import matter
from market.panels import panel as panels
from market.panels.panel import Panel
from market.reads import rows, the
from market.refusals import NotFound
from market.wording import N_


class Because(msgspec.Struct, forbid_unknown_fields=True):
    """A reason that stays on record."""

    reason: Annotated[str, Meta(title=N_("The reason"), min_length=1, max_length=4000)]


def may_see(actor: Actor, challenge: Challenge) -> None:
    """A draft is seen by its buyer's people and the operator only; to everybody else it does not exist."""
    if challenge.published_at is None and not (
        actor.wears("operator")
        or actor.wears("buyer", "evaluator", "contract-manager", "minister", organisation=challenge.buyer)
    ):
        raise NotFound("Challenge")


def must_run(actor: Actor, challenge: Challenge) -> Hat:
    """The buyer officer's hat; for a draft, others are not told that it exists."""
    return actor.must_wear("buyer", organisation=challenge.buyer, secret=challenge.published_at is None)


async def ancestors(challenge: Challenge, *beside: str) -> list[str]:
    """What a record below this challenge grew from: `beside`, the challenge, its mission."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    return [*beside, f"challenge:{challenge.ref}", *([f"mission:{mission.ref}"] if mission else [])]


def sealed(challenge: Challenge) -> str:
    """Until the short list is made nobody outside sees the events of applications and of the panel."""
    return f"opening:challenge:{challenge.ref}" if challenge.shortlisted_at is None else ""


def fee(challenge: Challenge) -> Money:
    """What every delivered pitch is paid."""
    return Money(challenge.fee_minor, challenge.currency)


def fees(challenge: Challenge, teams: int) -> int:
    """What the pitches of so many teams cost, VAT included, in minor units: what is counted against the budget."""
    return with_vat(challenge.fee_minor * teams)


async def criteria_of(challenge: Challenge) -> list[Criterion]:
    """The scoring criteria in their order."""
    return await Criterion.objects().where(Criterion.challenge == challenge.id).order_by(Criterion.place)


async def measures_of(challenge: Challenge) -> list[Measure]:
    """The success criteria in their order, each with the newest value that was measured of it."""
    return await rows(
        Measure,
        """
        SELECT m.ref, m.measure, m.unit, m.baseline, m.better, m.target, m.due_on, m.how, COALESCE(v.value, '') AS value,
          v.measured_on, COALESCE(v.how, '') AS measured_how
        FROM success_measure m LEFT JOIN LATERAL (
          SELECT value, measured_on, how FROM measured_value WHERE measure = m.id ORDER BY id DESC LIMIT 1
        ) v ON true WHERE m.challenge = {} ORDER BY m.place, m.id
        """,
        challenge.id,
    )


async def effort_of(challenge: Challenge) -> rules.Effort:
    """What the exercise rests on by now: a team counts when it pitched and had reached the least mark."""
    pitches = await the(
        int,
        """
        SELECT count(*) FROM pitch p JOIN application a ON a.id = p.application
        WHERE p.challenge = {} AND p.delivered_at IS NOT NULL AND COALESCE(NULLIF(a.total, ''), '0')::numeric >= {}
        """,
        challenge.id,
        challenge.least_mark,
    )
    statements = await rows(
        str, "SELECT ref FROM quiet_statement WHERE challenge = {} AND verdict = 'approved'", challenge.id
    )
    return rules.Effort(challenge.method, pitches, statements[0] if statements else "")


async def open_teams(challenge: Challenge) -> list[str]:
    """The short-listed teams whose pitch is neither delivered nor explained, by name."""
    return await rows(
        str,
        """
        SELECT o.name FROM pitch p JOIN organisation o ON o.id = p.supplier
        WHERE p.challenge = {} AND p.delivered_at IS NULL AND p.missed_at IS NULL ORDER BY p.scheduled_at, p.id
        """,
        challenge.id,
    )


class Applied(msgspec.Struct, frozen=True):
    """An application that was not withdrawn, and whose it is; rank and total (of 100 points) once the short list is made."""

    ref: str
    alias: str
    summary: str
    shortlisted: bool
    rank: int
    total: str
    supplier: int
    supplier_ref: str
    supplier_name: str


async def live_applications(challenge: Challenge) -> list[Applied]:
    """The applications that were not withdrawn, in the order of their aliases (before they are dealt, of nothing)."""
    return await rows(
        Applied,
        """
        SELECT a.ref, a.alias, a.summary, a.shortlisted, a.rank, a.total, a.supplier, o.ref AS supplier_ref, o.name AS supplier_name
        FROM application a JOIN organisation o ON o.id = a.supplier
        WHERE a.challenge = {} AND a.withdrawn_at IS NULL ORDER BY a.alias, a.ref
        """,
        challenge.id,
    )


async def panel_of(challenge: Challenge) -> Panel:
    """The panel of a challenge, with what it judges once that is closed: applications by their aliases."""
    now = clock.arrived()
    buyer = await find(Organisation, Organisation.id == challenge.buyer)
    closes = challenge.closes_at if challenge.published_at else None
    closed = challenge.shortlisted_at is not None or (closes is not None and now > closes)
    live = await live_applications(challenge) if closed else []
    criteria = tuple(
        matter.Criterion(each.ref, each.name, each.weight, each.description) for each in await criteria_of(challenge)
    )
    return await panels.of(
        matter.Matter(
            about=f"challenge:{challenge.ref}",
            title=challenge.title,
            organisation=buyer.id,
            organisation_ref=buyer.ref,
            organisation_name=buyer.name,
            href=f"/challenges/{challenge.ref}/panel",
            officer_href=f"/challenges/{challenge.ref}/manage",
            what="applications",
            suppliers={
                each.supplier_ref: each.supplier_name
                for each in sorted(live, key=lambda each: each.supplier_name.casefold())
            },
            subjects=[
                matter.Subject(
                    f"application:{application.ref}",
                    application.alias,
                    application.supplier_ref,
                    criteria,
                    True,
                    "",
                )
                for application in live
            ],
            opened_at=challenge.closes_at if closed else None,
            opens_at=challenge.closes_at,
            due=challenge.decision_by,
            blind=True,
            settled=rules.panel_stands(challenge, now),
            draft=challenge.published_at is None,
            beside=(await ancestors(challenge))[1:],
        )
    )


async def tell_applicants(challenge: Challenge, template: str, **said: object) -> None:
    """Write the same letter to everybody with an application that was not withdrawn."""
    for application in await live_applications(challenge):
        await tell(
            application.supplier,
            template,
            roles=SUPPLIER_ROLES,
            about=f"application:{application.ref}",
            title=challenge.title,
            ref=challenge.ref,
            **said,
        )


class Named(msgspec.Struct, frozen=True):
    """A body by its name."""

    ref: str
    name: str


async def body(organisation: int) -> Named:
    """The body of this id."""
    return await the(Named, "SELECT ref, name FROM organisation WHERE id = {}", organisation)


async def published(ref: str) -> Challenge:
    """A published challenge, its row locked."""
    challenge = await find(Challenge, Challenge.ref == ref, lock=True)
    if challenge.published_at is None:
        raise NotFound("Challenge")
    return challenge


async def belongs(table: type[Application | Pitch], ref: str, challenge: str) -> None:
    """An application or a pitch under another challenge's address is not there."""
    child = await find(table, table.ref == ref)
    if (await find(Challenge, Challenge.id == child.challenge)).ref != challenge:
        raise NotFound(table.__name__)
