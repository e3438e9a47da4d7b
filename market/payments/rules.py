"""When money may be released, and who may say that it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from market import policy, workdays
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.payments.tables import Hold, Obligation, Payment


@dataclass(frozen=True, slots=True)
class Release:
    """What is known when somebody releases a payment: the obligation, its attempts so far, who asks and who accepted what is
    paid for, and whether the payee can receive money at the provider."""

    obligation: Obligation
    attempts: Sequence[Payment]
    doing: hands.Doing
    payee_can_receive: bool


def overdue(due_at: datetime, now: datetime) -> bool:
    """Whether what is owed should have been paid."""
    return due_at < now


@rule("payment.paid-already")
def not_paid_yet(release: Release) -> str | None:
    """An obligation is paid once."""
    return _("This has been paid.") if any(each.state == "paid" for each in release.attempts) else None


@rule("payment.under-way")
def none_under_way(release: Release) -> str | None:
    """While an attempt has no answer no other is begun: the same money could go twice."""
    if any(each.state in ("due", "unknown") for each in release.attempts):
        return _("A payment is under way. Wait until it is answered.")
    return None


@rule(
    "payment.same-person",
    source="Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5",
)
def another_person_releases(release: Release) -> str | None:
    """Who accepted the work does not release the money for it."""
    return hands.both(release.doing)


@rule("payment.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(release: Release) -> str | None:
    """Nor does whoever was lately let into the body by the one who accepted, who let her in, or whom the same person let in."""
    return hands.as_one(release.doing)


@rule("payment.payee-cannot-receive")
def payee_can_receive(release: Release) -> str | None:
    """Money is sent only to an account that can receive it."""
    return (
        None if release.payee_can_receive else _("The supplier has not finished setting up its account for payments.")
    )


@rule("payment.not-paid")
def has_been_paid(payment: Payment) -> str | None:
    """Only money that was sent can be confirmed."""
    return None if payment.state == "paid" else _("This payment has not been made yet.")


@rule("payment.confirmed-already")
def not_confirmed(payment: Payment) -> str | None:
    """Receipt is confirmed once."""
    return _("Receipt has been confirmed.") if payment.confirmed_at else None


def held_until(accepted: frozenset[str], released: frozenset[str], now: datetime) -> datetime | None:
    """Until when money waits for an auditor, by the marks of the devices on which its delivery was accepted and it is released; None
    when they have none in common."""
    if not accepted & released:
        return None
    return workdays.add_working_days(now, policy.IN_FORCE.payments.one_device_working_days)


def waits(until: datetime | None, now: datetime) -> bool:
    """Whether money that was to wait until then, at the latest, waits still."""
    return until is not None and now < until


@dataclass(frozen=True, slots=True)
class Looking:
    """What is known when an auditor (her reference) says that she has looked at money that waits."""

    auditor: str
    hold: Hold
    now: Arrival


@rule("payment.looked-at-already")
def still_waits(looking: Looking) -> str | None:
    """Money waits once, and not longer than the policy says."""
    if looking.hold.looked_at is not None:
        return _("An auditor has looked at this already.")
    return (
        _("This did not wait any longer: the time for it is over.")
        if not waits(looking.hold.until, looking.now)
        else None
    )


@rule("payment.own-hands")
def not_one_of_the_two(looking: Looking) -> str | None:
    """Who accepted or released money does not look at it as an auditor."""
    if looking.auditor in (looking.hold.accepted_by, looking.hold.released_by):
        return _("You are one of the two. Another auditor has to look.")
    return None


LOOK = (still_waits, not_one_of_the_two)
"""For `holds.look`."""
TWO_PEOPLE = (another_person_releases, not_somebody_let_in_lately)
"""What stands in the way of this person, and not of another."""
RELEASE = (not_paid_yet, none_under_way, *TWO_PEOPLE, payee_can_receive)
"""For `actions.release`."""
CONFIRM = (has_been_paid, not_confirmed)
"""For `actions.confirm`."""


# ── the provider ───────────────────────────────────────────────────────────────────────────────────────────────────

SIMULATED = Denial(
    "payment.simulated",
    N_("Payments are simulated here, so no account is needed."),
    norm="An account at the provider is begun where money is sent.",
)

UNREACHABLE = Denial(
    "payment.provider-unreachable",
    N_("The payment provider does not answer just now. Try again in a few minutes."),
    norm="What only the provider can do waits until it answers.",
    status=503,
)

WEBHOOK_REFUSED = Denial(
    "payment.webhook-refused",
    "{why}",
    norm="What the provider tells is signed by it and fresh, and live events are kept apart from those of tests.",
    status=400,
)
