"""What appointments put on desks: what waits to be confirmed, and what an auditor can still object to."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.appointments import actions, rules
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """For operators and auditors: proposals of others; for auditors also what takes effect soon."""
    if not actor.wears(*actions.APPOINTERS):
        return []
    now, found = clock.now(), []
    for each in await actions.register(actor):
        if rules.waits(each):
            words = _("Confirm {name} for {body}, or object", name=each.name, body=each.body)
            found.append(Waiting(words, "/appointments", each.instrument, since=each.proposed_at))
        elif actor.wears("auditor") and rules.is_coming(each, now):
            words = _("{name} takes office at {body}", name=each.name, body=each.body)
            found.append(Waiting(words, "/appointments", each.instrument, each.effect_at))
    return found
