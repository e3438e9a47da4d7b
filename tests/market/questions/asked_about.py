"""A published challenge and a published tender, asked about in the same way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from challenges import actions as challenges
from challenges.applications import actions as applications
from challenges.tables import Challenge
from market import clock
from market.actor import Actor
from market.db import find
from market.questions import actions as questions
from market.questions.tables import PublicQuestion
from market.tenders import actions as tenders
from market.tenders.tables import Tender
from tests import given
from tests.challenges import exercise

DAY = timedelta(days=1)
BEGINS = given.TODAY
HOLDS: dict[str, questions.HoldOf] = {"challenge": challenges.hold, "tender": tenders.hold}


@dataclass
class AskedAbout:
    """A record that takes questions, with the officers of its buyer and somebody who takes part in it."""

    kind: str
    ref: str
    officers: list[Actor]
    reader: Actor

    @property
    def record(self) -> str:
        """As events and letters name it."""
        return f"{self.kind}:{self.ref}"

    @property
    def place(self) -> str:
        """Its page."""
        return f"/{self.kind}s/{self.ref}"

    async def row(self) -> Challenge | Tender:
        """It as it stands."""
        if self.kind == "tender":
            return await find(Tender, Tender.ref == self.ref)
        return await find(Challenge, Challenge.ref == self.ref)

    async def ask(self, asker: Actor, text: str = "Is there a radio network?") -> PublicQuestion:
        """Ask."""
        verb = tenders.ask if self.kind == "tender" else challenges.ask
        return await verb(asker, self.ref, questions.QuestionDraft(text))

    async def answer(self, question: str, text: str = "Yes, one.", officer: int = 0) -> PublicQuestion:
        """Answer as one of the officers."""
        verb = tenders.answer if self.kind == "tender" else challenges.answer
        return await verb(self.officers[officer], self.ref, question, questions.AnswerDraft(text))

    async def end(self) -> None:
        """Cancel it."""
        reason = "The money was taken away from it by the council."
        if self.kind == "tender":
            await tenders.cancel(self.officers[0], self.ref, tenders.Ending(reason))
        else:
            await challenges.cancel(self.officers[0], self.ref, reason)


async def challenge() -> AskedAbout:
    """A challenge with two officers and one applicant, on its first day."""
    made = await exercise.opened()
    reader = await given.person(await given.supplier("Reader Ltd"), "supplier-admin")
    with clock.at(BEGINS):
        await applications.apply(reader, made.ref, exercise.APPLICATION)
        second = await given.person(made.buyer, "buyer")
    return AskedAbout("challenge", made.ref, [made.officer, second], reader)


async def tender() -> AskedAbout:
    """A tender with two officers and one follower, on its first day."""
    with clock.at(BEGINS):
        made = await given.tendering()
        await made.publish()
        reader = await given.person(await given.supplier("Reader Ltd"), "supplier-admin")
        await tenders.follow(reader, made.ref)
    return AskedAbout("tender", made.ref, made.officers, reader)


KINDS: dict[str, Callable[[], Awaitable[AskedAbout]]] = {"challenge": challenge, "tender": tender}
"""What every test of questions is run with."""


async def curious(name: str = "Curious Ltd") -> Actor:
    """A member of a registered supplier that takes no other part."""
    return await given.person(await given.supplier(name), "supplier-member")
