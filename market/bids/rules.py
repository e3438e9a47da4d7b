"""When a bid may be sealed, withdrawn and opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.money import Money
from market.refusals import Denial, rule
from market.standing import Standing, Tone
from market.tenders.facts import Criterion
from market.tenders.rules import takes_bids
from market.wording import N_, _

if TYPE_CHECKING:
    from market.bids.tables import Sent
    from market.tenders.tables import Tender


STAGES: Mapping[str, tuple[str, Tone]] = {
    "cancelled": (N_("Tender cancelled"), "grey"),
    "replaced": (N_("Replaced"), "grey"),
    "withdrawn": (N_("Withdrawn"), "grey"),
    "set-aside": (N_("Set aside at the opening"), "red"),
    "not-counted": (N_("Not confirmed, not opened"), "grey"),
    "opened": (N_("Opened"), "green"),
    "unconfirmed": (N_("Not confirmed"), "amber"),
    "counts": (N_("Counts"), "green"),
}
"""The word for each stage of what a supplier sent, and its tone."""


def standing(sent: Sent) -> Standing:
    """Where an envelope or a withdrawal stands: the last one for a lot counts, unless a change made it unconfirmed."""
    first = {
        "cancelled": sent.cancelled_at is not None,
        "replaced": not sent.latest,
        "withdrawn": sent.act != "submit",
        "set-aside": bool(sent.problem),
        "not-counted": sent.opened_at is not None and sent.unconfirmed != "",
        "opened": sent.opened_at is not None,
        "unconfirmed": sent.unconfirmed != "",
        "counts": True,
    }
    stage = next(stage for stage, holds in first.items() if holds)
    word, tone = STAGES[stage]
    return Standing(stage, _(word), tone, sent.received_at, _("Received"))


@dataclass(frozen=True, slots=True)
class Bidding:
    """What is known when a supplier sends or withdraws an envelope. `at` is when it arrived, before anything was written."""

    tender: Tender
    lot: bool
    """Whether the lot is one of this tender."""
    at: Arrival
    sealed_before: bool
    """Whether the supplier has an envelope for this lot that counts so far."""
    withheld: str
    """Why the supplier's access is withheld; empty when it is not."""
    sent: Sequence[datetime]
    """When the supplier's envelopes for this lot arrived that still count against its allowance, oldest first."""


@dataclass(frozen=True, slots=True)
class Confirming:
    """What a supplier confirms: the digest of its last envelope for the lot and the change that it has not confirmed (empty when
    there is none), and the digest and the change that it names."""

    digest: str
    unconfirmed: str
    envelope_sha256: str
    addendum: str


class LastChange(msgspec.Struct, frozen=True):
    """The last change of a tender after which bids sealed before it must be confirmed: its reference, when, and what it says."""

    ref: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a supplier wants to seal: its price in minor units, and an answer for each quality criterion."""

    price_minor: int
    answers: dict[str, str]
    declared: bool
    criteria: Sequence[Criterion]
    bytes: int
    maximum_minor: int | None
    """The highest price that was published for the lot, in the same units; None when there is none."""
    currency: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when an officer brings her secret. `officer` says whether she was named, `enrolled` whether she took a
    secret, `contributed` whether she brought it already."""

    tender: Tender
    at: Arrival
    officer: bool
    enrolled: bool
    contributed: bool


@rule("bid.tender-not-published")
def tender_is_published(bidding: Bidding) -> str | None:
    """Only a published tender takes bids."""
    return None if bidding.tender.published_at else _("This tender is not published, so it takes no bids.")


@rule("bid.tender-cancelled")
def tender_goes_on(bidding: Bidding) -> str | None:
    """A cancelled tender takes no bids."""
    return _("This tender was cancelled.") if bidding.tender.cancelled_at else None


@rule(
    "bid.too-late",
    source="Procurement Act 2023 section 19: bids are assessed that were submitted as the tender required",
)
def before_the_deadline(bidding: Bidding) -> str | None:
    """An envelope counts when it has arrived before the deadline; the moment of arrival is the one that decides."""
    if bidding.tender.closes_at and not takes_bids(bidding.tender.closes_at, bidding.at):
        return _(
            "The deadline has passed, so nothing can be sent or withdrawn. What you had sealed before it still counts."
        )
    return None


@rule("bid.opened-already")
def not_opened(bidding: Bidding) -> str | None:
    """When the envelopes are open nothing can be added or taken away."""
    return _("The bids have been opened.") if bidding.tender.opened_at else None


@rule("bid.unknown-lot")
def lot_of_this_tender(bidding: Bidding) -> str | None:
    """A bid is for one lot of the tender."""
    return None if bidding.lot else _("Choose a lot of this tender.")


@rule("bid.access-withheld", source="Platform rules: access is withheld from those who break them until they mend it")
def access_is_not_withheld(bidding: Bidding) -> str | None:
    """A supplier whose access is withheld may sign in, mend and appeal, but not bid."""
    return bidding.withheld or None


@rule("bid.nothing-to-withdraw")
def something_is_sealed(bidding: Bidding) -> str | None:
    """Only an envelope that counts can be withdrawn."""
    return (
        None
        if bidding.sealed_before
        else _("You have no bid for this lot that counts, so there is nothing to withdraw.")
    )


def counted_since(at: datetime) -> datetime:
    """From when on what was sent for a lot counts against the allowance."""
    return at - timedelta(minutes=policy.IN_FORCE.bids.envelopes_minutes)


def may_send_again_at(bidding: Bidding) -> datetime | None:
    """When the allowance has room again; None when it has room now."""
    most = policy.IN_FORCE.bids.envelopes_most
    recent = [each for each in bidding.sent if each > counted_since(bidding.at)]
    if len(recent) < most:
        return None
    return recent[-most] + timedelta(minutes=policy.IN_FORCE.bids.envelopes_minutes)


@rule("bid.too-many", source="Policy: bids.envelopes_most in bids.envelopes_minutes")
def within_the_allowance(bidding: Bidding) -> str | None:
    """For one lot a firm sends no more envelopes than somebody who mends slips: each is kept for ever."""
    again = may_send_again_at(bidding)
    if again is None:
        return None
    time = f"{again.astimezone(workdays.ZONE):%H:%M:%S}"
    return _(
        "For one lot at most {most} envelopes are taken in {minutes} minutes. What you sealed last still stands; this one was not "
        "kept. You can send another from {time}.",
        most=policy.IN_FORCE.bids.envelopes_most,
        minutes=policy.IN_FORCE.bids.envelopes_minutes,
        time=time,
    )


ALLOWED = (within_the_allowance,)
"""For `actions.submit`, beside `SUBMIT`: it passes by itself. A withdrawal needs none, there are no more of them than envelopes."""


@rule("bid.confirmed-already")
def something_waits_to_be_confirmed(confirming: Confirming) -> str | None:
    """Only a bid that a change made unconfirmed is confirmed, and once for each change."""
    if confirming.unconfirmed:
        return None
    return _("Your bid for this lot counts as it is: there is nothing to confirm.")


@rule("bid.confirms-another-envelope", field="envelope_sha256")
def confirms_its_own_envelope(confirming: Confirming) -> str | None:
    """A supplier confirms the envelope that it sealed last for the lot, by its fingerprint, and no other."""
    if confirming.envelope_sha256 == confirming.digest:
        return None
    return _("This is not the fingerprint of the bid that you sealed last for this lot. It stands on your receipt.")


@rule("bid.confirms-another-change", field="addendum")
def confirms_the_last_change(confirming: Confirming) -> str | None:
    """A supplier confirms after the last change that concerns its bid, so that nobody confirms what she has not read."""
    if not confirming.unconfirmed or confirming.addendum == confirming.unconfirmed:
        return None
    return _(
        "The tender was changed by {unconfirmed}. Read that change, and confirm after it.",
        unconfirmed=confirming.unconfirmed,
    )


@rule("bid.price-missing", field="price_minor")
def has_a_price(content: Content) -> str | None:
    """A bid names a price, without VAT."""
    return None if content.price_minor > 0 else _("Enter your price without VAT, more than zero")


@rule(
    "bid.above-the-maximum",
    field="price_minor",
    source="Procurement Act 2023 section 19: bids are assessed that were submitted as the tender required",
)
def within_the_maximum(content: Content) -> str | None:
    """Where the buyer published a highest price for the lot, no bid is above it."""
    most = content.maximum_minor
    if most is None or content.price_minor <= most:
        return None
    return _(
        "The buyer published a highest price for this lot: {most} without VAT. A bid above it is not taken.",
        most=Money(most, content.currency),
    )


@rule("bid.price-far", field="price_minor", source="Policy: asks.price_times", asks=True)
def price_is_near_the_estimate(price: Money, estimate: Money) -> str | None:
    """A price is of the order of what the buyer estimates: one that lies far from it is asked about once more before it is
    sealed, since nobody can mend it after the deadline."""
    times = policy.IN_FORCE.asks.price_times
    if price.minor > 0 and price.minor > estimate.minor * times > 0:
        return _(
            "Your price is {price}; the buyer estimates this lot at {estimate}. That is {number} times as much. Is {price} "
            "what you ask for the whole lot?",
            price=price,
            estimate=estimate,
            number=format(price.minor // estimate.minor, ","),
        )
    if 0 < price.minor * times < estimate.minor:
        return _(
            "Your price is {price}; the buyer estimates this lot at {estimate}, {number} times as much. Is {price} what you "
            "ask for the whole lot?",
            price=price,
            estimate=estimate,
            number=format(estimate.minor // price.minor, ","),
        )
    return None


@rule(
    "bid.changed-since",
    source="Procurement Act 2023 section 31: modifying a procurement; nobody is held to what it could not read",
    asks=True,
)
def the_last_change_was_read(read: str, last: LastChange | None) -> str | None:
    """A bid is written on the tender as it is. One that was begun before a change after which bids must be confirmed is asked
    about once more, with what changed, and is not kept meanwhile: what was typed is not lost."""
    if last is None or read == last.ref:
        return None
    return _(
        "The tender changed on {moment}, after you began this bid ({ref}): “{text}” Does your bid offer what the tender asks for now?",
        moment=dates.moment_zone(last.at),
        ref=last.ref,
        text=last.text if len(last.text) <= 600 else last.text[:599] + "…",
    )


WRITTEN = (the_last_change_was_read,)
"""For `actions.submit`, before it is sealed and again when its turn has come."""
ASKED = (price_is_near_the_estimate,)
"""For `actions.submit`, when nothing else forbids it."""


@rule("bid.answers-missing")
def answers_every_criterion(content: Content) -> str | None:
    """Each quality criterion has an answer; what is not written cannot be scored."""
    missing = [
        criterion.name
        for criterion in content.criteria
        if criterion.kind == "quality" and not content.answers.get(criterion.ref, "").strip()
    ]
    return _("Answer every criterion: {missing}.", missing=", ".join(missing)) if missing else None


@rule("bid.unknown-criterion")
def answers_only_criteria(content: Content) -> str | None:
    """An answer belongs to a criterion of the lot."""
    known = {criterion.ref for criterion in content.criteria}
    extra = [ref for ref in content.answers if ref not in known]
    return _("These are not criteria of the lot: {extra}.", extra=", ".join(sorted(extra))) if extra else None


@rule(
    "bid.declaration-missing", field="declared", source="Procurement Act 2023 sections 26 to 28 and schedules 6 and 7"
)
def declares_nothing_against_it(content: Content) -> str | None:
    """The supplier declares that no exclusion ground applies and that it bids on its own."""
    return None if content.declared else _("Confirm the declaration before you seal the bid")


@rule("bid.too-large")
def fits_the_envelope(content: Content) -> str | None:
    """An envelope has a largest size."""
    most = policy.IN_FORCE.bids.envelope_bytes
    return (
        None
        if content.bytes <= most
        else _("The bid is larger than {most} MiB. Shorten it.", most=most // 1024 // 1024)
    )


def opened_when_closed_at(now: datetime) -> datetime:
    """The latest deadline whose bids may be opened now: all that arrived before it has been kept or refused."""
    return now - timedelta(seconds=policy.IN_FORCE.bids.opening_wait_seconds)


@rule("opening.too-early", source="Sealed until the deadline: nobody sees a bid or the number of bids before it")
def after_the_deadline(opening: Opening) -> str | None:
    """Bids are opened after the deadline, never before, and not while one that arrived in time may still wait for its turn."""
    wait = policy.IN_FORCE.bids.opening_wait_seconds
    if opening.tender.closes_at is None or opening.tender.closes_at > opened_when_closed_at(opening.at):
        return _(
            "Bids can be opened only when {wait} seconds have passed since the deadline, so that all that arrived in time is "
            "there. Come back then, with your code.",
            wait=wait,
        )
    return None


@rule("opening.done")
def opened_once(opening: Opening) -> str | None:
    """A tender is opened once."""
    return _("The bids have been opened already; the register is published.") if opening.tender.opened_at else None


@rule("opening.tender-cancelled")
def not_cancelled(opening: Opening) -> str | None:
    """A cancelled tender stays closed: bids nobody needs are never read."""
    return _("This tender was cancelled; its bids stay sealed.") if opening.tender.cancelled_at else None


@rule("opening.not-an-officer")
def named_and_enrolled(opening: Opening) -> str | None:
    """Only the opening officers named before publication, who made a code, can open."""
    if not opening.officer:
        return _("You are not an opening officer of this tender.")
    return (
        None if opening.enrolled else _("You made no code before publication, so you cannot take part in the opening.")
    )


@rule("opening.contributed-already")
def not_contributed(opening: Opening) -> str | None:
    """Two different officers are needed; one cannot enter a code twice."""
    return _("You have entered your code. Another officer has to enter theirs.") if opening.contributed else None


SUBMIT = (
    tender_is_published,
    tender_goes_on,
    before_the_deadline,
    not_opened,
    lot_of_this_tender,
    access_is_not_withheld,
)
"""For `actions.submit`, of the moment."""
CONTENT = (
    has_a_price,
    within_the_maximum,
    answers_every_criterion,
    answers_only_criteria,
    declares_nothing_against_it,
    fits_the_envelope,
)
"""For `actions.submit`, of what is sealed."""
WITHDRAW = (
    tender_is_published,
    tender_goes_on,
    before_the_deadline,
    not_opened,
    lot_of_this_tender,
    something_is_sealed,
)
"""For `actions.withdraw`."""
CONFIRM = (
    tender_is_published,
    tender_goes_on,
    before_the_deadline,
    not_opened,
    lot_of_this_tender,
    access_is_not_withheld,
    something_is_sealed,
)
"""For `confirmations.confirm`, of the moment."""
CONFIRMED = (something_waits_to_be_confirmed, confirms_its_own_envelope, confirms_the_last_change)
"""For `confirmations.confirm`, of what is confirmed."""
OPEN = (not_cancelled, opened_once, after_the_deadline, named_and_enrolled, not_contributed)
"""For `actions.contribute`."""


# ── many at once ───────────────────────────────────────────────────────────────────────────────────────────────────

TOO_MANY_AT_ONCE = Denial(
    "bid.too-many-at-once",
    N_(
        "Your firm is sending many envelopes at once, and they wait for each other. This one was not kept. Send it again in a minute."
    ),
    norm="One firm does not take the way from the others: what it sends at once goes one after the other.",
    status=429,
)


# ── keys and secrets ───────────────────────────────────────────────────────────────────────────────────────────────

KEY_ALTERED = Denial(
    "bid.key-altered",
    N_(
        "The key that bids for this tender are sealed to is not the one that was published with it. Nothing was sent. "
        "Tell the buyer and us."
    ),
    norm="A bid is sealed to the key that was published with the tender, and to no other.",
)

WRONG_SECRET = Denial(
    "opening.wrong-secret",
    "{why}",
    norm="An opening officer brings the code that she made for this tender.",
    field="code",
    status=422,
)

KEY_REFUSED = Denial(
    "opening.key-refused",
    N_("The bids cannot be opened now. {why} Nothing was changed; tell us."),
    norm="The shares make the very key that was published; one that was altered opens nothing.",
)


# ── what is set aside at the opening ───────────────────────────────────────────────────────────────────────────────

EXCHANGED = Denial(
    "bid.exchanged",
    N_("The envelope is not the one that its receipt was given for: it was exchanged after it arrived."),
    norm="The envelope that is opened is the very one that arrived.",
)

UNREADABLE = Denial(
    "bid.unreadable",
    N_("The envelope could not be opened: {why}"),
    norm="A bid is sealed to the key of its tender, for its own lot and supplier.",
)

NOT_WRITTEN_AS_A_BID = Denial(
    "bid.not-written-as-a-bid",
    N_(
        "What was in the envelope is not written as a bid is: a field is missing, repeated, unknown, or not of its kind."
    ),
    norm="A bid is canonical JSON of its seven fields, each once and of its own type.",
    source="RFC 8785; market/proof/README.md",
)

FOR_ANOTHER_PLACE = Denial(
    "bid.for-another-place",
    N_("What was in the envelope names another tender, lot, supplier or currency than the one it was sent for."),
    norm="A bid names the tender, the lot, the supplier and the currency it is filed under.",
)

NOT_KEPT = Denial(
    "bid.not-kept",
    N_("What was in the envelope holds something that our records cannot keep."),
    norm="What is read from an envelope can be kept.",
)
"""When the database refuses what all other rules let pass: the transaction of everybody else's opening goes on."""
