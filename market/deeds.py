"""Sentences of the log about bodies and people, which several rooms write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from market.wording import N_

OF_BODIES: Final[Mapping[str, str]] = {
    "organisation.changed": N_("changed what is told of {it}"),
    "organisation.created": N_("entered the body {it}"),
    "membership.began": N_("took up a role, {it}"),
    "membership.ended": N_("laid down a role, {it}"),
    "appointment.at-installation": N_("let in one of the first operators of {it} at installation"),
    "appointment.proposed": N_("proposed somebody as minister, auditor or operator of {it}"),
    "appointment.confirmed": N_("confirmed who was proposed as minister, auditor or operator of {it}"),
    "appointment.withdrawn": N_("stopped an appointment at {it}"),
    "invitation.proposed": N_("proposed to let in somebody whose address is outside, {it}"),
    "invitation.backed": N_("agreed to let in somebody whose address is outside, {it}"),
    "invitation.sent": N_("invited somebody to join, {it}"),
    "invitation.withdrawn": N_("withdrew an invitation, {it}"),
    "loan.proposed": N_("proposed that a person is lent, {it}"),
    "loan.agreed": N_("agreed that a person is lent, {it}"),
    "loan.ended": N_("ended the loan of a person, {it}"),
    "domain.proposed": N_("proposed a domain as its own, {it}"),
    "domain.confirmed": N_("confirmed a domain as its own, {it}"),
    "domain.withdrawn": N_("withdrew a domain, {it}"),
}
"""Verbs of bodies, written by several rooms."""

OF_PEOPLE: Final[Mapping[str, str]] = {
    "person.signed-in": N_("signed in, {it}"),
    "person.touched": N_("used a key to confirm what binds, {it}"),
    "act.prepared": N_("had a program prepare what binds, {it}"),
    "act.confirmed": N_("confirmed what a program prepared, {it}"),
    "act.refused": N_("confirmed what a program prepared, and was refused, {it}"),
    "act.withdrawn": N_("withdrew what a program prepared, {it}"),
    "mandate.prepared": N_("prepared a mandate on paper, {it}"),
    "mandate.entered": N_("entered the mandate on paper of somebody without a device, {it}"),
    "mandate.refused": N_("entered a mandate on paper, and was refused, {it}"),
    "mandate.withdrawn": N_("withdrew a mandate on paper, {it}"),
    "person.acts-for": N_("chose for which organisation to act in a session of {it}"),
    "person.signed-out": N_("signed out, {it}"),
    "person.password-changed": N_("changed a password, {it}"),
    "person.sessions-ended": N_("ended other sessions, {it}"),
    "person.left": N_("closed an account, {it}"),
    "passkey.registered": N_("added a passkey, {it}"),
    "passkey.renamed": N_("renamed a passkey, {it}"),
    "passkey.revoked": N_("revoked a passkey, {it}"),
    "token.made": N_("made a token for a program, {it}"),
    "token.revoked": N_("revoked a token, {it}"),
    "search.saved": N_("keeps a search, {it}"),
    "search.stopped": N_("no longer follows the search {it}"),
}
"""Verbs of people and of what is theirs."""
