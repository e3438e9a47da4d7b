"""An exercise brought to the stage a test starts from, through the real actions, each at its own moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from challenges import actions as challenges
from challenges import exercise
from challenges.applications import actions as applications
from challenges.drafts import actions as drafting
from challenges.exercise import panel_of
from challenges.insights import actions as insights
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.tables import Application, Challenge, Criterion, Pitch
from market import clock, drafts
from market.accounts.tables import Organisation
from market.actor import Actor
from market.missions.tables import Mission
from market.panels import actions as panels
from tests import given

DAY = timedelta(days=1)
BEGINS = given.TODAY
CLOSES = BEGINS + 21 * DAY
CLOSED = CLOSES + DAY
HEARD = CLOSED + 14 * DAY

PROBLEM = drafting.Problem(
    title="We learn that a drain is blocked when the street floods",
    problem="Crews empty gullies by the calendar; half of the visits find nothing.",
    who_has_it="1,140 homes in eleven streets.",
    evidence="312 reports last winter.",
)
SUCCESS = drafting.Success("The crew knows within two hours.", "Emptying the gullies.")
MEASURE = drafting.MeasureDraft(
    measure="Hours between a gully blocking and the crew knowing",
    unit="hours",
    baseline="19.5",
    better="at-most",
    target="2",
    due_on=(CLOSES + 60 * DAY).date(),
    how="From the time stamp of the flow sensor to the entry in the crew's list, at 120 gullies.",
)
TERMS = drafting.Terms("You keep what you bring.", "The council owns the readings.", "None.")
SUBJECT = drafting.Subject(["90711500"], "open-services@1")
OFFER = drafting.Offer(
    fee_minor=400_000,
    places=2,
    least_mark=50,
    region="Yorkshire and the Humber",
    closes_at=CLOSES,
    pitches_by=CLOSES + 30 * DAY,
    decision_by=CLOSES + 45 * DAY,
)
FOLLOW_ON = drafting.FollowOn(100_000_000, "tender", "", (CLOSES + 60 * DAY).date())
CRITERIA = (drafting.CriterionDraft("How well it would solve it", 60), drafting.CriterionDraft("Evidence", 40))
APPLICATION = applications.ApplicationDraft(
    summary="A sensor under the grate.", approach="It listens to the fall of the water.", evidence="", team="Two."
)
QUIET = (
    "We wrote to forty firms that clean drains, held two open days and asked in the trade journal; eleven answered that the "
    "season was full and that winter work pays them more."
)
HOW = "Median of 57 alarms, from sensor to list."
REPORT = insights.ReportDraft(
    "What we learnt",
    "Three sensors in 120 gullies.",
    "Listening to falling water.",
    "Radio in deep narrow streets.",
    "Readings of eight wet weeks.",
    "Walk every street before ordering.",
)


@dataclass
class Exercise:
    """A challenge with everybody in it."""

    ref: str
    buyer: Organisation
    officer: Actor
    mission: Mission
    panel: list[Actor]
    suppliers: list[Organisation] = field(default_factory=list)
    firms: list[Actor] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)

    async def row(self) -> Challenge:
        """The challenge as it stands in the database."""
        found = await Challenge.objects().where(Challenge.ref == self.ref).first()
        assert found is not None
        return found

    async def criteria(self) -> list[Criterion]:
        """Its scoring criteria."""
        return await exercise.criteria_of(await self.row())


async def drafted(evaluators: int = 2, **offer: object) -> Exercise:
    """A draft with every section filled, at the beginning of the story."""
    with clock.at(BEGINS):
        buyer = await given.organisation("Calderwick Council", tier="local")
        officer = await given.person(buyer, "buyer", "Maya Thornley", "Drainage Manager")
        mission = await given.mission(buyer)
        problem = drafting.Problem(
            **{**{name: getattr(PROBLEM, name) for name in PROBLEM.__struct_fields__}, "mission": mission.ref}
        )
        challenge = await drafting.draft(officer, buyer.id, problem)
        terms = {name: getattr(OFFER, name) for name in OFFER.__struct_fields__}
        paid_from = drafting.Budget((await given.budget(buyer)).ref)
        for section in (SUCCESS, TERMS, SUBJECT, FOLLOW_ON, paid_from, drafting.Offer(**{**terms, **offer})):
            await drafting.edit(
                officer, challenge.ref, section, await given.as_is(type(section), Challenge, challenge.ref)
            )
        await drafting.add_measure(officer, challenge.ref, MEASURE)
        for criterion in CRITERIA:
            await drafting.add_criterion(officer, challenge.ref, criterion)
        panel = [await given.person(buyer, "evaluator", f"Evaluator {n + 1}") for n in range(evaluators)]
        for member in panel:
            await panels.name(officer, judging.panel(challenge.ref), panels.Naming(member.ref))
    return Exercise(challenge.ref, buyer, officer, mission, panel)


async def opened(evaluators: int = 2, **offer: object) -> Exercise:
    """Published and taking questions and applications."""
    made = await drafted(evaluators, **offer)
    with clock.at(BEGINS):
        await given.approved("challenge", made.ref, made.officer)
        await drafting.publish(made.officer, made.ref)
    return made


async def applied(applicants: int = 3, evaluators: int = 2, **offer: object) -> Exercise:
    """With applications of this many firms, a day before it closes."""
    made = await opened(evaluators, **offer)
    with clock.at(CLOSES - DAY):
        for n in range(applicants):
            supplier = await given.supplier(f"Firm {chr(ord('A') + n)} Ltd")
            firm = await given.person(supplier, "supplier-admin")
            made.suppliers.append(supplier)
            made.firms.append(firm)
            made.applications.append(await applications.apply(firm, made.ref, APPLICATION))
    return made


async def declared(made: Exercise, conflicts: dict[int, list[str]] | None = None) -> None:
    """Every evaluator declares; `conflicts` by place on the panel."""
    with clock.at(CLOSED):
        for place, member in enumerate(made.panel):
            against = (conflicts or {}).get(place, [])
            declaration = panels.Declaration(against, "A cousin." if against else "", True)
            seat = (await panel_of(await made.row())).member(member.person)
            await panels.declare(member, judging.panel(made.ref), declaration, given.declared(seat))


async def marked(made: Exercise, points: list[int], conflicts: dict[int, list[str]] | None = None) -> None:
    """Every evaluator declares, gives the n-th application these points on every criterion, and hands in."""
    await declared(made, conflicts)
    criteria = await made.criteria()
    with clock.at(CLOSED + timedelta(hours=2)):
        for place, member in enumerate(made.panel):
            for application, supplier, mark in zip(made.applications, made.suppliers, points, strict=True):
                if supplier.ref in (conflicts or {}).get(place, []):
                    continue
                marks = [panels.MarkGiven(each.ref, mark, f"Because of {mark}.") for each in criteria]
                await panels.mark(
                    member,
                    judging.panel(made.ref),
                    f"application:{application.ref}",
                    panels.Marks(marks),
                    drafts.NOTHING,
                )
            await panels.lock(member, judging.panel(made.ref))


async def shortlisted(points: list[int] | None = None) -> Exercise:
    """With a short list made from these points for as many applications."""
    given_points = points or [90, 70, 30]
    made = await applied(len(given_points))
    await marked(made, given_points)
    with clock.at(CLOSED + DAY):
        await judging.shortlist(made.officer, made.ref)
    return made


async def heard() -> Exercise:
    """With every pitch delivered."""
    made = await shortlisted()
    at = datetime.fromisoformat(HEARD.isoformat())
    with clock.at(CLOSED + 2 * DAY):
        for pitch in await pitches.pitches_of(await made.row()):
            await pitches.schedule(
                made.officer,
                pitch.ref,
                pitches.Schedule(at, "Corn Street"),
                await given.as_is(pitches.Schedule, Pitch, pitch.ref),
            )
    with clock.at(HEARD + timedelta(hours=2)):
        for pitch in await pitches.pitches_of(await made.row()):
            await pitches.deliver(made.panel[0], pitch.ref, pitches.Delivery("Poured forty litres into one."))
    return made


async def measured(made: Exercise, value: str = "1.1") -> None:
    """Every success criterion answered with this value."""
    for each in await exercise.measures_of(await made.row()):
        await insights.measure(made.officer, made.ref, each.ref, insights.ValueDraft(value, HEARD.date(), HOW))


async def concluded(decision: str = "go") -> Exercise:
    """Concluded with its report published."""
    made = await heard()
    with clock.at(HEARD + DAY):
        await insights.write_report(made.officer, made.ref, REPORT, drafts.NOTHING)
        await measured(made)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion(decision, "It met the target."))  # type: ignore[arg-type]
    return made


async def teams_heard(made: Exercise, delivered: int) -> None:
    """So many pitches delivered, the others written down as not given."""
    with clock.at(CLOSED + 2 * DAY):
        rows = await pitches.pitches_of(await made.row())
        for each in rows:
            when = pitches.Schedule(HEARD, "Corn Street")
            await pitches.schedule(made.officer, each.ref, when, await given.as_is(pitches.Schedule, Pitch, each.ref))
    with clock.at(HEARD):
        for number, each in enumerate(rows):
            if number < delivered:
                await pitches.deliver(made.officer, each.ref)
            else:
                await pitches.miss(made.officer, each.ref, "The team was ill.")


async def one_team() -> Exercise:
    """Two teams invited, of whom one pitched; report and values written."""
    made = await shortlisted()
    await teams_heard(made, 1)
    with clock.at(HEARD + DAY):
        await insights.write_report(made.officer, made.ref, REPORT, drafts.NOTHING)
        await measured(made)
    return made


async def innovation_team() -> Actor:
    return await given.person(await given.organisation("Innovation Team", kind="operator"), "operator")


def moment(days: float) -> datetime:
    """So many days after the beginning."""
    return BEGINS + timedelta(days=days)
