"""Given a panel of each kind: of a challenge, which is blind, and of a tender, which is not; two evaluators, two suppliers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from challenges.exercise import panel_of
from challenges.judging import actions as judging
from market import clock, drafts
from market.accounts.tables import Organisation
from market.actor import Actor
from market.awards import evaluation
from market.db import find
from market.panels import actions as panels
from market.panels.panel import Panel
from market.tenders.tables import Tender
from tests import given, given_awards
from tests.challenges import exercise


@dataclass
class Judged:
    """Something with a panel: `convene` for its actions, `read` to look at it; `subjects` are the two things sent, of
    `suppliers`; `page` and `program` are where the first is marked, `say` where the panel explains, `declaring` how
    a program declares and where it reads what it declared."""

    convene: panels.Convening
    read: Callable[[], Awaitable[Panel]]
    officer: Actor
    buyer: Organisation
    members: list[Actor]
    suppliers: list[Organisation]
    subjects: list[str]
    at: datetime
    home: str
    page: str
    program: str
    say: str
    declaring: tuple[str, str, str]

    async def declare(self, who: Actor, *conflicts: Organisation) -> None:
        """She declares these interests."""
        named = [supplier.ref for supplier in conflicts]
        said = panels.Declaration(named, "A cousin." if named else "", True)
        await panels.declare(who, self.convene, said, await self.declared(who))

    async def declared(self, who: Actor) -> str:
        """The version of what she has declared."""
        return given.declared((await self.read()).member(who.person))

    async def marks(self, points: int, why: str = "Shown with counts.") -> panels.Marks:
        """The same points on every criterion."""
        criteria = (await self.read()).matter.subjects[0].criteria
        return panels.Marks([panels.MarkGiven(each.ref, points, why) for each in criteria])

    async def all_marked(self, *points: int) -> None:
        """Everybody declares, marks everything with her points, and hands in."""
        for who, mark in zip(self.members, points, strict=True):
            await self.declare(who)
            for subject in self.subjects:
                await panels.mark(who, self.convene, subject, await self.marks(mark), drafts.NOTHING)
            await panels.lock(who, self.convene)


async def of_challenge() -> Judged:
    """A challenge that has closed with two applications."""
    made = await exercise.applied(2)
    first = made.applications[0].ref

    async def read() -> Panel:
        return await panel_of(await made.row())

    return Judged(
        judging.panel(made.ref),
        read,
        made.officer,
        made.buyer,
        made.panel,
        made.suppliers,
        [f"application:{each.ref}" for each in made.applications],
        exercise.CLOSED,
        f"/challenges/{made.ref}/panel",
        f"/challenges/{made.ref}/panel/{first}",
        f"/api/v1/challenges/{made.ref}/applications/{first}/marks",
        f"/challenges/{made.ref}/panel/consensus",
        ("POST", f"/api/v1/challenges/{made.ref}/panel", f"/api/v1/challenges/{made.ref}/panel/declaration"),
    )


async def of_tender() -> Judged:
    """A tender that was opened with two bids."""
    case = await given_awards.opened()
    at = case.opened_at + timedelta(hours=1)
    members = [await given.person(case.there.buyer, "evaluator") for _ in range(2)]
    with clock.at(at):
        for member in members:
            await panels.name(case.buyer, evaluation.panel(case.ref), panels.Naming(member.ref))

    async def read() -> Panel:
        return (await evaluation.of(await find(Tender, Tender.ref == case.ref))).panel

    bids = [case.bids[0, 0], case.bids[1, 0]]
    here = f"/tenders/{case.ref}/evaluation"
    return Judged(
        evaluation.panel(case.ref),
        read,
        case.buyer,
        case.there.buyer,
        members,
        case.suppliers,
        [f"bid:{ref}" for ref in bids],
        at,
        here,
        f"{here}/{bids[0]}",
        f"/api/v1{here}/bids/{bids[0]}/marks",
        f"{here}/consensus",
        ("PUT", f"/api/v1{here}", f"/api/v1{here}/declaration"),
    )


KINDS = (of_challenge, of_tender)
"""Every kind of thing that a panel judges."""
