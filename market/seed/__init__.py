"""The demo story, told through the real actions: nothing is written to a table here that a person could not have caused.

`fixtures/demo/` holds the texts; this package gives every sentence its moment and plays all of it in order, with the clock
set for each act. Refusals that belong to the story (a late application, a tender the gate stops) must be refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from market import clock, db
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.rulings.texts import register_first
from market.seed import outages
from market.seed.budgets import budgets
from market.seed.builds import builds
from market.seed.cast import FIRST, appointments, engage, loans, ministers
from market.seed.components import components
from market.seed.exercises import challenges, missions
from market.seed.portals import portals
from market.seed.procurements import tenders
from market.seed.rulings import rulings
from market.seed.script import Act, story
from market.standards.profiles.actions import ensure_profiles

Telling = Callable[[int, int], None]


async def play(telling: Telling = lambda done, total: None) -> dict[str, int]:
    """Play the whole story; `telling` is called with acts done and acts in all. Answers how many acts there were of each
    kind. An act that is refused against the story's will stops it with the act's name."""
    script = story(clock.now())
    async with _quick():
        with clock.at(script.moment(FIRST)):
            cast = await engage(script)
            await ensure_profiles()
            await register_first()
        acts = sorted(
            [
                *ministers(script, cast),
                *appointments(script, cast),
                *budgets(script, cast),
                *loans(script, cast),
                *rulings(script, cast),
                *missions(script, cast),
                *challenges(script, cast),
                *tenders(script, cast),
                *builds(script, cast),
                *components(script, cast),
                *portals(script, cast),
            ],
            key=lambda act: (act.at, act.order),
        )
        for number, act in enumerate(acts, 1):
            await perform(act)
            if number % 20 == 0 or number == len(acts):
                telling(number, len(acts))
        for each in script["challenges"]:
            if "outage" in each:
                await outages.present(script.moment(each["outage"]["to"]))
        # The letters of the past were read long ago: they are kept, not sent.
        await Letter.update({Letter.sent_at: Letter.written_at}, force=True).where(Letter.sent_at.is_null())
    return Counter(act.kind for act in acts)


async def perform(act: Act) -> None:
    """One act at its moment; an expected refusal must come, any other stops the story."""
    with clock.at(act.at):
        try:
            await act.do()
        except Refused as refused:
            if not act.refused:
                raise RuntimeError(f"{act.name} at {act.at:%Y-%m-%d %H:%M}: {refused}") from refused
            return
        except NotFound as missing:
            raise RuntimeError(f"{act.name} at {act.at:%Y-%m-%d %H:%M}: no {missing}") from missing
    if act.refused:
        raise RuntimeError(f"{act.name} at {act.at:%Y-%m-%d %H:%M} had to be refused, and was not")


class _quick:
    """While the story is played, a commit does not wait for the disk: what a crash loses is told again. Only the session
    settings of this database are touched, and reset afterwards."""

    async def __aenter__(self) -> None:
        await db.many("SELECT set_config('synchronous_commit', 'off', false)")

    async def __aexit__(self, *error: object) -> None:
        await db.many("SELECT set_config('synchronous_commit', 'on', false)")
