"""What admissions put on desks: people outside who wait for one's word, and domains that wait for an operator."""

from __future__ import annotations

from market.accounts.tables import Invitation
from market.actor import Actor
from market.admissions import actions, rules
from market.db import find
from market.refusals import refusals
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """Only what her word would count for."""
    if actor.person is None:
        return []
    found = []
    for each in await actions.waiting_for(actor):
        row = await find(Invitation, Invitation.ref == each.ref)
        if not refusals(rules.BACK, await actions.backing(actor, row)):
            words = _("Agree to let {name} into {body}, from outside", name=each.name, body=each.body)
            found.append(Waiting(words, "/admissions", each.paper, each.expires_at))
    if actor.wears("operator"):
        for domain in await actions.domains():
            if domain.confirmed_at is None and domain.withdrawn_at is None and domain.proposer_ref != actor.ref:
                words = _("Confirm that {domain} is the domain of {body}", domain=domain.domain, body=domain.body)
                found.append(Waiting(words, "/admissions", domain.evidence, since=domain.proposed_at))
    return found
