"""What programs prepare and persons confirm."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from market.arrival import Arrival
from market.refusals import Denial, rule
from market.wording import N_, _

LARGEST = 200_000
"""Bytes that a person can be asked to read before she confirms them."""


class Facts(Protocol):
    """The dates of a prepared act."""

    @property
    def expires_at(self) -> datetime:
        """Until when it may be confirmed."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was taken back."""

    @property
    def done_at(self) -> datetime | None:
        """When it was done."""


@rule("prepared.done")
def not_done_yet(act: Facts, at: Arrival) -> str | None:
    """A prepared act is done once."""
    return _("This was done already.") if act.done_at is not None else None


@rule("prepared.withdrawn")
def not_withdrawn(act: Facts, at: Arrival) -> str | None:
    """What was withdrawn is not done any more."""
    return _("This was withdrawn. Have it prepared again.") if act.withdrawn_at is not None else None


@rule("prepared.expired")
def in_time(act: Facts, at: Arrival) -> str | None:
    """What a program prepared is confirmed within the policy's hours: later nobody remembers what it was about."""
    if act.done_at is None and act.withdrawn_at is None and at >= act.expires_at:
        return _("This was not confirmed in time. Have it prepared again.")
    return None


CONFIRM = (not_done_yet, not_withdrawn, in_time)
"""For `confirming.actions.confirm` and `withdraw`."""

OTHER = Denial(
    "prepared.other",
    N_("This is not what was shown to you. Load the page again and read it once more."),
    norm="What is confirmed is, byte for byte, what was shown.",
)

TOO_LARGE = Denial(
    "prepared.too-large",
    N_("This is too long to be read and confirmed by a person. Send less at once, or do it on the page."),
    norm="What a person confirms can be read by her.",
    status=413,
)


OWN_KEY = Denial(
    "mandate.own-key",
    N_(
        "This rests on a key that is yours alone: your own signature, a code or a token. A paper that somebody else enters cannot "
        "stand for it. Ask to be lent a security key."
    ),
    norm="No mandate stands for a minister's own signature, a code of an opening, a token or a passkey: whoever entered it would hold them.",
)

NO_BODY = Denial(
    "mandate.no-body",
    N_("You act for no body, so nobody else of it could enter your paper."),
    norm="A mandate is entered by a second person of the same body.",
)


def state(act: Facts, at: Arrival, *, tried: bool) -> str:
    """Where a prepared act stands, for programs: done | withdrawn | expired | refused | waiting. What was refused may be
    confirmed again until it expires."""
    if act.done_at is not None:
        return "done"
    if act.withdrawn_at is not None:
        return "withdrawn"
    if at >= act.expires_at:
        return "expired"
    return "refused" if tried else "waiting"
