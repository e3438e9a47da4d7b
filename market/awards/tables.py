"""Evaluation of opened bids and what was decided."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.bids.tables import OpenedBid
from market.columns import belongs_to, may_belong_to, moment, number, reference, when, words, yes_or_no
from market.kinds import KINDS
from market.tenders.tables import Lot, LotCriterion, Tender


class Panelist(Table):
    """An evaluator of a tender: scores only after declaring, and not at all those she has an interest in."""

    id: Serial
    tender = belongs_to(Tender)
    person = belongs_to(Person)
    named_at = when()
    declared_at = moment()
    conflicts = words()
    """References of suppliers she has an interest in, one a line; she does not score their bids."""
    statement = words()
    """What the interest is; also what she says of one that she does not think is a conflict."""
    submitted_at = moment()
    """When she locked her scores."""
    named_by = belongs_to(Person, index=False)
    opening_told_at = moment()
    """When she was written to that the bids are open, where she was named before."""
    excused_at = moment()
    """When she left the panel before she had submitted; her scores do not count."""
    excused_reason = words()

    a_panelist_is_named_once = Unique(["tender", "person"])


class BidScore(Table):
    """One evaluator's points (0–100) for one bid on one quality criterion, with the reason the bidder will read."""

    id: Serial
    panelist = belongs_to(Panelist)
    bid = belongs_to(OpenedBid)
    criterion = belongs_to(LotCriterion)
    points = number()
    reason = words()
    at = when()

    points_are_a_percentage = Check("points BETWEEN 0 AND 100")
    a_bid_is_scored_once = Unique(["panelist", "bid", "criterion"])


class Decision(Table):
    """The award of a lot, or that nobody gets it, with reasons; it takes effect when the standstill has passed."""

    id: Serial
    ref = reference(KINDS["award"].prefix)
    tender = belongs_to(Tender)
    lot = belongs_to(Lot)
    winner = may_belong_to(OpenedBid)
    """NULL when the lot is not awarded."""
    ranking = words()
    """Canonical JSON of the reckoning: every bid's scores, price points, total, rank, and each number explained."""
    reasons = words()
    decided_at = when()
    decided_by = belongs_to(Person)
    standstill_ends_at = moment()
    set_aside_at = moment()
    set_aside_reason = words()
    contract = Varchar(length=16, default="", null=False)
    """The reference of the contract drawn up from it, written by contracts; a contracted decision stands."""


class PriceQuestion(Table):
    """The buyer asks a bidder to explain a price that looks abnormally low. Such a bid may be set aside for its price only
    after she answered or let the time for it pass (Procurement Act 2023 section 19(3) to (5))."""

    id: Serial
    bid = belongs_to(OpenedBid)
    asked_at = when()
    asked_by = belongs_to(Person, index=False)
    answer_by = when()
    answer = words()
    answered_at = moment()
    answered_by = may_belong_to(Person)

    a_price_is_asked_about_once = Unique(["bid"])


class Complaint(Table):
    """A bidder's protest against a decision, lodged in standstill; it stops the contract until answered."""

    id: Serial
    ref = reference(KINDS["complaint"].prefix)
    decision = belongs_to(Decision)
    supplier = belongs_to(Organisation)
    person = belongs_to(Person)
    text = words()
    lodged_at = when()
    answer = words()
    upheld = yes_or_no()
    answered_at = moment()
    answered_by = may_belong_to(Person)
