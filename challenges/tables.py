"""Innovation exercises and everything that happens in one."""

from datetime import date, datetime
from decimal import Decimal

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from challenges import meaning
from market import dates
from market.accounts.tables import Organisation, Person
from market.budgets.tables import Budget
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
from market.wording import _


class Challenge(Table):
    """A problem put to the market: who has it, what success is, what a pitch is paid. Never a specification. Its stage
    is reckoned from these dates and the present moment."""

    id: Serial
    ref = reference(KINDS["challenge"].prefix)
    buyer = belongs_to(Organisation)
    mission = may_belong_to(Mission, index=True)
    budget = may_belong_to(Budget)
    """What its pitches are paid from; NULL in a draft that does not say, and in what was published before budgets were asked for."""
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
    least_mark = number()
    """Of 100 points: nobody whose total is below it is short-listed. 0 while nothing is declared."""
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


class SuccessMeasure(Table):
    """How everybody will see that the problem is solved: what is measured, where it stands, where it shall stand, by when, and
    how that is found out. Figures are written in decimals, as `7.6`."""

    id: Serial
    ref = reference("ME")
    challenge = belongs_to(Challenge)
    place = number()
    measure = words()
    unit = Varchar(length=60, default="", null=False)
    baseline = Varchar(length=24, default="", null=False)
    """Empty: not known yet, which is an honest answer."""
    better = Varchar(length=8, default="at-least", null=False)
    """at-least | at-most: on which side of the target success lies"""
    target = Varchar(length=24, default="", null=False)
    due_on = day()
    how = words()

    direction_is_known = Check("better IN ('at-least','at-most')")
    figures_are_decimals = Check(r"baseline ~ '^(-?[0-9]+(\.[0-9]+)?)?$' AND target ~ '^-?[0-9]+(\.[0-9]+)?$'")


class Measure(msgspec.Struct, frozen=True):
    """A success criterion as it is read, with the newest value that was measured of it; without one the three last are empty."""

    ref: str
    measure: str
    unit: str
    baseline: str
    better: str
    target: str
    due_on: date
    how: str
    value: str
    measured_on: date | None
    measured_how: str

    @property
    def stands(self) -> str:
        """Where it stands before anything is tried, in words."""
        return self._with_unit(self.baseline) if self.baseline else _("not known")

    @property
    def wanted(self) -> str:
        """Where it shall stand, in words."""
        words = _("at least {figure}") if self.better == "at-least" else _("at most {figure}")
        return words.format(figure=self._with_unit(self.target))

    @property
    def found(self) -> str:
        """What was measured, in words; empty while nothing was."""
        return self._with_unit(self.value) if self.value else ""

    @property
    def met(self) -> bool:
        """Whether what was measured reaches the target."""
        return bool(self.value) and meaning.reaches(self.value, self.better, self.target)

    def _with_unit(self, figure: str) -> str:
        return f"{Decimal(figure):,} {self.unit}"

    @property
    def sentence(self) -> str:
        """What is measured, from where, to where, by when: one line for search, open data and letters."""
        return _(
            "{measure}: from {stands} to {wanted}, by {day}",
            measure=self.measure,
            stands=self.stands,
            wanted=self.wanted,
            day=dates.day(self.due_on),
        )


class MeasuredValue(Table):
    """A value that was measured of a success criterion, with how and when. Append-only: what was found stays, a later value
    stands beside it."""

    id: Serial
    ref = reference("MV")
    measure = belongs_to(SuccessMeasure)
    value = Varchar(length=24, default="", null=False)
    measured_on = day()
    how = words()
    at = when()
    by = belongs_to(Person)

    figure_is_a_decimal = Check(r"value ~ '^-?[0-9]+(\.[0-9]+)?$'")


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


class QuietStatement(Table):
    """Why so few teams pitched that an exercise would open nothing: said by the buyer, approved or refused by the innovation
    team. What was said stays as it was, and so does a verdict."""

    id: Serial
    ref = reference("QS")
    challenge = belongs_to(Challenge)
    text = words()
    proposed_by = belongs_to(Person)
    proposed_at = when()
    verdict = Varchar(length=8, default="", null=False)
    """approved | refused; empty while it waits"""
    reasons = words()
    decided_by = may_belong_to(Person)
    decided_at = moment()

    verdict_is_known = Check("verdict IN ('','approved','refused')")
    another_person_decided = Check("decided_by <> proposed_by")
    verdict_has_its_moment = Check("(verdict = '') = (decided_at IS NULL) AND (verdict = '') = (decided_by IS NULL)")


class Statement(msgspec.Struct, frozen=True):
    """Why the market stayed away, as it is read, with who said and who decided it (their names; empty while nobody did)."""

    ref: str
    text: str
    proposer: str
    proposed_at: datetime
    verdict: str
    reasons: str
    decider: str
    decided_at: datetime | None
