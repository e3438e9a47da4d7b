"""Sentences of the log about bodies, which several rooms write."""

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
