"""Tenders and their lots, changes, and the evidence that innovation came first."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.budgets.tables import Budget
from market.columns import (
    belongs_to,
    currency,
    day,
    may_belong_to,
    maybe_minor_units,
    maybe_number,
    minor_units,
    moment,
    number,
    octets,
    reference,
    several,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS
from market.missions.tables import Mission


class Tender(Table):
    """A competition for a contract. Its stage is never stored: it is reckoned from these dates and the present moment."""

    id: Serial
    ref = reference(KINDS["tender"].prefix)
    buyer = belongs_to(Organisation)
    mission = may_belong_to(Mission)
    budget = may_belong_to(Budget)
    """What it is paid from; NULL in a draft that does not say, and in what was published before budgets were asked for."""
    exercise = Varchar(length=16, default="", null=False)
    """The reference of the challenge it was carried over from; empty when drafted from scratch."""
    same_need = words()
    """Why what is bought meets the need that exercise explored; owed with it, and public."""
    what_changed = words()
    """What is otherwise than what was tried; owed when the exercise was concluded with “change”."""
    title = words()
    description = words()
    cpv = several()
    region = words()
    procedure = Varchar(length=20, default="open", null=False)
    """open | competitive-flexible: a row of parameters, not a package of code."""
    currency = currency()
    contract_kind = Varchar(length=20, default="", null=False)
    """goods-services | works | light-touch | concession | utilities, whose thresholds differ; empty until the buyer says it."""
    contract_kind_reason = words()
    """Why it is of that kind; owed where codes cannot tell it, and public."""
    commodity_claimed = yes_or_no()
    """The buyer's statement that this is an off-the-shelf supply."""
    commodity_statement = words()
    """Why; owed with the claim, and public."""
    commodity_confirmed_at = moment()
    """When an operator let the claim stand against the list of commodities; the codes decide while it is NULL."""
    commodity_confirmed_by = may_belong_to(Person)
    commodity_confirmed_reason = words()
    waiver_asked = Varchar(length=16, default="", null=False)
    """The reference of the waiver request that waits for the minister; until she decides nothing here changes."""
    undivided_reason = words()
    """Why it is not split into lots; owed when there is a single lot."""
    lots_per_supplier = maybe_number()
    """How many lots one supplier may be awarded; no limit when NULL."""
    profile = words()
    """The API standards profile a digital service must pass, `name@version`; empty when none."""
    terms = words()
    """Intellectual property, data, revenue share, in words."""
    contract_begins_on = day()
    contract_ends_on = day()
    questions_until = moment()
    closes_at = moment()
    documents_later = yes_or_no()
    """Whether some tender documents come later than the notice, for which suppliers get more days."""
    planned_notice = words()
    """The reference or address of the planned procurement notice that this tender follows, for the shorter period."""
    planned_notice_on = day()
    """When that notice was published."""
    urgency_reason = words()
    """Why the period for urgency is claimed; public."""
    created_at = when()
    created_by = belongs_to(Person)
    published_at = moment(index=True)
    closing_told_at = moment()
    """When the opening officers were written to that the bids can be opened."""
    opened_at = moment()
    cancelled_at = moment()
    cancelled_reason = words()
    ground = Varchar(length=20, default="", null=False)
    """Why the gate let it pass at publication: exercise | waiver | commodity | below-threshold | not-central; empty before."""
    ground_reference = Varchar(length=16, default="", null=False, index=True)
    """The challenge or waiver it passed with."""
    gate_trace = words()
    """What the gate found at publication, rule by rule, as canonical JSON: stored so that it can be explained later."""
    public_key = octets()
    """The key bids are sealed to, from publication on."""
    platform_share = octets()
    """The platform's share of the private half, itself encrypted; released only after the deadline."""
    key_commitment = words()

    contract_kind_is_known = Check(
        "contract_kind IN ('','goods-services','works','light-touch','concession','utilities')"
    )


class Lot(Table):
    """A part of a tender that is bid for, awarded and contracted on its own."""

    id: Serial
    ref = reference(KINDS["lot"].prefix)
    tender = belongs_to(Tender)
    number = number(1)
    title = words()
    description = words()
    cpv = several()
    value_minor = minor_units()
    """The estimated value without VAT, in the tender's currency."""
    maximum_minor = maybe_minor_units()
    """The highest price that is taken, without VAT; any when NULL. Published with the lot."""
    bought_minor = maybe_minor_units()
    """What it was awarded for and what its contract has grown to since, without VAT; 0 when it was awarded to nobody, NULL
    before it was decided. What is reckoned with what a body buys counts this once it is known."""
    sme_suitable = yes_or_no(True)

    lot_numbers_are_unique = Unique(["tender", "number"])


class LotCriterion(Table):
    """What a bid for this lot is scored on. Weights of a lot sum to 100; at most one criterion is the price."""

    id: Serial
    ref = reference("CR")
    lot = belongs_to(Lot)
    place = number()
    name = words()
    description = words()
    kind = Varchar(length=8, default="quality", null=False)
    """quality | price"""
    weight = number()
    minimum = number()
    """Quality points (of 100) below which a bid is excluded; 0 for none."""

    kind_is_known = Check("kind IN ('quality','price')")


class InnovationEvidence(Table):
    """The small fact the gate needs: an exercise was concluded, or a minister waived it. Written by challenges and
    waivers through `tenders.evidence.accept_evidence`; shared evidence serves any tender of the same buyer or department."""

    id: Serial
    ground = Varchar(length=8)
    """exercise | waiver"""
    reference = Varchar(length=16, index=True)
    """Of the challenge or the waiver."""
    buyer = belongs_to(Organisation)
    tender = may_belong_to(Tender)
    """A waiver serves one tender; an exercise any."""
    cpv = several()
    ceiling_minor = maybe_minor_units()
    """The value a waiver was signed for; a tender that has grown beyond it needs a new one. NULL for an exercise."""
    signed_by = words()
    """The name and office under it."""
    completed_at = when()
    expires_at = moment()
    outcome = Varchar(length=8, default="", null=False)
    """How an exercise ended: go | change | stop; empty for a waiver."""
    title = words()
    problem = words()
    """What the exercise was about, as its challenge was published."""
    reasons = words()
    """Of how it ended."""
    follow_on_minor = maybe_minor_units()
    """The value without VAT of what may be bought after it, as stated before it began; NULL when nothing was stated (so of a
    waiver, and of an exercise from before this was asked), and then it opens nothing."""
    follow_on_currency = currency()
    follow_on_route = Varchar(length=12, default="", null=False)
    """tender | call-off | other-body"""
    payer = may_belong_to(Organisation)
    """The body that would pay for the follow-on: its tenders are those the exercise opens."""
    stops = several()
    """The references of the exercises ended with “stop” that the statement of a waiver names; it opens the gate after no other."""
    revoked_at = moment()
    """When the minister took a waiver back."""
    suspends_at = moment()
    """When a waiver is suspended unless the minister has answered its review; from then on it opens nothing until she has."""
    pitches = maybe_number()
    """How many teams pitched in an exercise and count; NULL where nobody counted (a waiver, and exercises from before this was asked)."""
    pitches_least = maybe_number()
    """How many the policy asked for when it was concluded."""
    measures = maybe_number()
    """How many of its success criteria were answered with a measured value."""
    statement = Varchar(length=16, default="", null=False)
    """The reference of the approved statement why the market stayed away; empty when there is none."""
    falls_short = Varchar(length=8, default="", null=False)
    """What was too little for it to open anything: method | pitches; empty when nothing was."""

    shortfall_is_known = Check("falls_short IN ('','method','pitches')")
    ground_is_known = Check("ground IN ('exercise','waiver')")
    outcome_is_known = Check("outcome IN ('','go','change','stop')")
    evidence_is_accepted_once = Unique(["ground", "reference"])


class Addendum(Table):
    """A change to a published tender, appended and dated: what stood there before is kept in it. Append-only."""

    id: Serial
    ref = reference("AD")
    tender = belongs_to(Tender)
    text = words()
    new_closes_at = moment()
    at = when()
    by = belongs_to(Person)
    kind = Varchar(length=13, default="", null=False)
    """clarification | material | deadline | correction; empty for those made before changes had a kind."""
    closed_at_before = moment()
    """The deadline until then; NULL when the deadline did not move."""
    changed = words()
    """Canonical JSON: a list of what was changed (`of` a reference, `field`, `before`, `after`, all written as text)."""
    unconfirms = yes_or_no()
    """Whether bids sealed before it count only when their suppliers confirm or replace them."""

    kind_is_known = Check("kind IN ('','clarification','material','deadline','correction')")


class TenderChange(Table):
    """A change of a running tender that takes two people: proposed by one of the buyer, published with a second one's approval,
    or left. Until then only the buyer reads it. A trigger keeps what was proposed and how it was decided."""

    id: Serial
    ref = reference("TC")
    tender = belongs_to(Tender)
    kind = Varchar(length=13)
    """material | correction."""
    change = words()
    """Canonical JSON: the change as it was sent."""
    confirmed = several()
    """What was asked once more and confirmed when it was proposed."""
    at = when()
    by = belongs_to(Person)
    approved_at = moment()
    """When a second person approved it, with which it was published; NULL before."""
    approved_by = may_belong_to(Person)
    addendum = may_belong_to(Addendum)
    left_at = moment()
    """When it was left instead: its proposer took it back, or a colleague did not approve."""
    left_by = may_belong_to(Person)

    kind_needs_two = Check("kind IN ('material','correction')")
    it_is_decided_once = Check("approved_at IS NULL OR left_at IS NULL")


class Follower(Table):
    """A body that is written to when a published tender changes or ends: it asked, it bid, or it wanted to be told. Who
    follows is nobody's business before the opening, so this is never shown or counted anywhere."""

    id: Serial
    tender = belongs_to(Tender)
    organisation = belongs_to(Organisation)
    since = when()

    a_body_follows_once = Unique(["tender", "organisation"])


class OpeningOfficer(Table):
    """An officer of the buyer without whose secret (and another officer's) no bid can be read. Only the public key of
    her secret and her encrypted share are kept."""

    id: Serial
    tender = belongs_to(Tender)
    person = belongs_to(Person)
    public_key = octets()
    share = octets()
    enrolled_at = moment()
    contributed_at = moment()
    held = octets()
    """Her contribution after the deadline, encrypted, until the second officer's arrives."""

    an_officer_is_named_once = Unique(["tender", "person"])
