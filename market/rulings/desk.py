"""What rulings put on desks: what waits to be confirmed, what an auditor can still object to, and bodies without a ruling."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.rulings import actions, readers, rules
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """For operators and auditors what others proposed; for auditors what comes into force, and for operators bodies that wait
    for their tier."""
    if not actor.wears(*actions.DECIDERS):
        return []
    now, found = clock.now(), []
    for each in await readers.register():
        what, href = _(rules.ABOUT[each.about]), f"/rulings/{each.ref}"
        if rules.waits(each) and each.proposer_ref != actor.ref:
            words = _("Confirm that the rule binds {body} otherwise, or leave it", body=each.body or what)
            found.append(Waiting(words, href, what, since=each.proposed_at))
        elif actor.wears("auditor") and rules.is_coming(each, now):
            words = _("Object, or let it hold: the rule is to bind {body} otherwise", body=each.body or what)
            found.append(Waiting(words, href, what, each.objections_until))
        elif actor.wears("operator") and rules.is_objected(each):
            words = _("An auditor objects to a ruling about {body}", body=each.body or what)
            found.append(Waiting(words, href, what, since=each.objected_at))
    if actor.wears("operator"):
        for body in await readers.unruled():
            words = _("Propose the tier of {body}: until it is confirmed the rule binds it as central", body=body.name)
            found.append(Waiting(words, f"/rulings/new?organisation={body.ref}", since=body.created_at))
    return found
