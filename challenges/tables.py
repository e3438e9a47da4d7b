"""Innovation exercises and everything that happens in one."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import (
    belongs_to,
    currency,
    day,
    may_belong_to,
    maybe_minor_units,
    minor_units,
    moment,
    number,
    reference,
    several,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS
from market.missions.tables import Mission


class Challenge(Table):
    """A problem put to the market: who has it, what success is, what a pitch is paid. Never a specification. Its stage
    is reckoned from these dates and the present moment."""

    id: Serial
    ref = reference(KINDS["challenge"].prefix)
    buyer = belongs_to(Organisation)
    mission = may_belong_to(Mission, index=True)
    method = Varchar(length=40, default="open-challenge", null=False)
    """A code of the approved methods."""
    title = words()
    """The problem in one sentence."""
    problem = words()
    who_has_it = words()
    evidence = words()
    success = words()
    """How we shall know that it is solved."""
    out_of_scope = words()
    cpv = several()
    region = words()
    fee_minor = minor_units()
    """What every delivered pitch is paid, win or lose."""
    currency = currency()
    places = number()
    """How many teams are short-listed, and so paid, at the most."""
    intellectual_property = words()
    data_terms = words()
    revenue_share = words()
    profile = words()
    """The API standards profile a digital service must pass later, `name@version`; empty when none."""
    questions_until = moment()
    closes_at = moment()
    pitches_by = moment()
    decision_by = moment()
    follow_on_minor = maybe_minor_units()
    """What may be bought when it goes well, without VAT, in the challenge's currency: stated before it is published, for the
    exercise opens tenders only up to the policy's share of it. NULL while nothing is stated."""
    follow_on_route = Varchar(length=12, default="", null=False)
    """tender: a tender of this body | call-off: from a framework of this body | other-body: another body of the department buys"""
    follow_on_payer = may_belong_to(Organisation)
    """The body that would pay."""
    follow_on_by = day()
    """By when it is decided whether to buy."""
    created_at = when()
    created_by = belongs_to(Person)
    published_at = moment(index=True)
    shortlisted_at = moment()
    concluded_at = moment()
    decision = Varchar(length=8, default="", null=False)
    """go | change | stop, once concluded"""
    decision_reasons = words()
    cancelled_at = moment()
    cancelled_reason = words()

    follow_on_route_is_known = Check("follow_on_route IN ('','tender','call-off','other-body')")
    decision_is_known = Check("decision IN ('','go','change','stop')")


class ChallengeAddendum(Table):
    """A change to a published challenge, appended and dated; nothing published is overwritten. Append-only."""

    id: Serial
    ref = reference("CA")
    challenge = belongs_to(Challenge)
    text = words()
    new_closes_at = moment()
    closed_at_before = moment()
    """The deadline until then; NULL when the deadline did not move."""
    at = when()
    by = belongs_to(Person)


class Criterion(Table):
    """What applications are scored on. The weights of a challenge sum to 100."""

    id: Serial
    ref = reference("CR")
    challenge = belongs_to(Challenge)
    place = number()
    name = words()
    description = words()
    weight = number()


class Application(Table):
    """A supplier's answer to a challenge: one each, edited or withdrawn until it closes, known to the panel by an alias."""

    id: Serial
    ref = reference(KINDS["application"].prefix)
    challenge = belongs_to(Challenge)
    supplier = belongs_to(Organisation)
    alias = words()
    """Dealt to all applications at once, shuffled, when the challenge has closed."""
    summary = words()
    approach = words()
    evidence = words()
    team = words()
    submitted_at = when()
    submitted_by = belongs_to(Person)
    edited_at = moment()
    withdrawn_at = moment()
    shortlisted = yes_or_no()
    rank = number()
    total = words()
    """The panel's weighted average as it was reckoned, for letters and feedback."""

    a_supplier_applies_once = Unique(["challenge", "supplier"])


class Pitch(Table):
    """A short-listed team's paid pitch. Marking it delivered creates the obligation to pay the fee."""

    id: Serial
    ref = reference(KINDS["pitch"].prefix)
    application = belongs_to(Application)
    challenge = belongs_to(Challenge)
    supplier = belongs_to(Organisation)
    scheduled_at = moment()
    place_or_link = words()
    delivered_at = moment()
    delivered_by = may_belong_to(Person)
    note = words()
    missed_at = moment()
    missed_because = words()
    """Why it was not delivered; a team that did not pitch is not paid."""

    an_application_is_pitched_once = Unique(["application"])


class InsightReport(Table):
    """What was learnt, published for everybody: what was tried, what worked, the evidence, what others should know."""

    id: Serial
    ref = reference(KINDS["insight_report"].prefix)
    challenge = belongs_to(Challenge)
    title = words()
    tried = words()
    worked = words()
    did_not_work = words()
    evidence = words()
    others = words()
    written_by = belongs_to(Person)
    published_at = moment()

    a_challenge_is_reported_once = Unique(["challenge"])
