"""Challenges, applications, the panel, pitches and insight reports for programs.

What is shown follows the same secrets as the pages: before the closing nobody at the buyer learns who applied or how many;
before the short list the panel reads applications without names.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from challenges import actions, judging, listing, methods, pitches, rules
from challenges.tables import Application, Challenge, InsightReport, Pitch
from market import clock, drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.actor import PUBLIC, SUPPLIER_ROLES, Actor
from market.db import find, maybe
from market.missions.tables import Mission
from market.panels import actions as panels
from market.panels.actions import MarkGiven
from market.panels.api import (
    ConsensusView,
    DeclarationView,
    MemberView,
    ReasonView,
    consensus_view,
    declaration_view,
    member_views,
)
from market.panels.matter import Subject
from market.panels.panel import Member, Panel
from market.questions import actions as questions
from market.questions.api import QuestionView, question_view
from market.refusals import NotFound, checklist
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses
from market.web.words import checklist_items

PER_PAGE = 50


class CriterionView(msgspec.Struct):
    """What applications are scored on."""

    schema_name: ClassVar[str] = "ChallengeCriterionView"
    ref: str
    name: str
    weight: int
    description: str


class ChallengeView(msgspec.Struct):
    """A challenge as the API shows it. `buyer` and `shortlisted` are references of organisations; `applications` is how
    many there were, unknown (null) until the short list is made. `etags` say for each section of the draft, and for its
    report, what a change of it names as If-Match."""

    ref: str
    stage: str
    buyer: str
    mission: str | None
    method: str
    title: str
    problem: str
    who_has_it: str
    evidence: str
    success: str
    out_of_scope: str
    cpv: list[str]
    region: str
    fee_minor: int
    currency: str
    places: int
    intellectual_property: str
    data_terms: str
    revenue_share: str
    profile: str
    questions_until: datetime | None
    closes_at: datetime | None
    pitches_by: datetime | None
    decision_by: datetime | None
    published_at: datetime | None
    shortlisted_at: datetime | None
    concluded_at: datetime | None
    cancelled_at: datetime | None
    cancelled_reason: str
    decision: str
    decision_reasons: str
    criteria: list[CriterionView]
    questions: list[QuestionView]
    etags: dict[str, str]
    applications: int | None
    shortlisted: list[str]
    insight_report: str | None


class ChallengeLine(msgspec.Struct):
    """A challenge in a list; `buyer` is the organisation's reference. The rest is read at its own address."""

    ref: str
    stage: str
    title: str
    buyer: str
    buyer_name: str
    method: str
    cpv: list[str]
    region: str
    fee_minor: int
    currency: str
    places: int
    questions_until: datetime | None
    closes_at: datetime | None
    published_at: datetime | None
    concluded_at: datetime | None
    decision: str


class CheckView(msgspec.Struct):
    """One rule of publication: what must hold, and why it does not (null when it does)."""

    schema_name: ClassVar[str] = "PublicationCheckView"
    code: str
    norm: str
    reason: str | None


class FeedbackView(msgspec.Struct):
    """How one criterion was reckoned, with every mark and reason."""

    criterion: str
    says: str
    marks: list[ReasonView]


class PitchView(msgspec.Struct):
    """A short-listed team's paid pitch."""

    ref: str
    supplier: str
    scheduled_at: datetime | None
    place_or_link: str
    delivered_at: datetime | None
    missed_at: datetime | None
    missed_because: str
    etag: str


class ApplicationView(msgspec.Struct):
    """An application. For the panel `supplier` and the times are null and `alias` is given; for the supplier the other way
    round. `digest` is the receipt: SHA-256 of what was sent, over canonical JSON."""

    ref: str
    challenge: str
    supplier: str | None
    alias: str | None
    summary: str
    approach: str
    evidence: str
    team: str
    digest: str
    submitted_at: datetime | None
    edited_at: datetime | None
    withdrawn_at: datetime | None
    shortlisted: bool | None
    rank: int | None
    total: str | None
    feedback: list[FeedbackView]
    pitch: PitchView | None
    etag: str


class AliasView(msgspec.Struct):
    """An application as an evaluator finds it in her list, with her own marks and their `etag`."""

    ref: str
    alias: str
    marked: bool
    marks: list[MarkGiven]
    etag: str


class ApplicantView(msgspec.Struct):
    """A name to declare against."""

    ref: str
    name: str


class PanelView(msgspec.Struct):
    """The panel. For the buyer officer: its members and what keeps it from ranking. For an evaluator: whom to declare
    against until she hands in, what she declared, and what she may mark. `consensus` is for those who have no interest in any applicant."""

    challenge: str
    members: list[MemberView]
    gaps: list[str]
    applicants: list[ApplicantView]
    applications: list[AliasView]
    declaration: DeclarationView | None
    consensus: ConsensusView


class ReportView(msgspec.Struct):
    """An insight report with the challenge it comes from."""

    ref: str
    challenge: str
    title: str
    tried: str
    worked: str
    did_not_work: str
    evidence: str
    others: str
    decision: str
    published_at: datetime | None
    etag: str


class NewChallenge(actions.Problem, kw_only=True):
    """A challenge to draft; `buyer` is the reference of its organisation."""

    buyer: str


class NewApplication(actions.ApplicationDraft, kw_only=True):
    """An application; `supplier` (a reference) is needed only by who belongs to several."""

    supplier: str = ""


async def view(challenge: Challenge, actor: Actor = PUBLIC) -> ChallengeView:
    """The challenge with what belongs on its public page, and the questions that this reader may see."""
    now = clock.now()
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    report = await pitches.report_of(challenge)
    decided = challenge.shortlisted_at is not None
    live = await actions.live_applications(challenge) if decided else []
    teams = await actions.names([each.supplier for each in live if each.shortlisted])
    return ChallengeView(
        stage=rules.stage(challenge, now),
        buyer=(await find(Organisation, Organisation.id == challenge.buyer)).ref,
        mission=mission.ref if mission else None,
        criteria=[
            CriterionView(ref=criterion.ref, **drafts.stored(actions.CriterionDraft, criterion))
            for criterion in await actions.criteria_of(challenge)
        ],
        questions=[question_view(each) for each in await questions.questions_shown(actor, actions.topic_of(challenge))],
        applications=len(live) if decided else None,
        shortlisted=sorted(each.ref for each in teams.values()),
        insight_report=report.ref if report and report.published_at else None,
        etags={section.__name__.lower(): drafts.version(section, challenge) for section in actions.SECTIONS}
        | {"report": drafts.version(pitches.ReportDraft, report)},
        **{name: getattr(challenge, name) for name in _PLAIN},
    )


_RECKONED = {
    "stage",
    "buyer",
    "mission",
    "criteria",
    "questions",
    "applications",
    "shortlisted",
    "insight_report",
    "etags",
}
_PLAIN = tuple(name for name in ChallengeView.__struct_fields__ if name not in _RECKONED)


async def application_view(reading: judging.Reading) -> ApplicationView:
    """The application as this reader may see it."""
    row, challenge, own = reading.application, reading.challenge, reading.sees == "own"
    decided = challenge.shortlisted_at is not None and row.withdrawn_at is None
    pitch = await pitches.pitch_of(row) if decided else None
    panel = reading.sees == "panel"
    return ApplicationView(
        ref=row.ref,
        challenge=challenge.ref,
        supplier=reading.supplier.ref if reading.supplier else None,
        alias=None if own else row.alias,
        **drafts.stored(actions.ApplicationDraft, row),
        digest=actions.digest(row),
        submitted_at=None if panel else row.submitted_at,
        edited_at=None if panel else row.edited_at,
        withdrawn_at=row.withdrawn_at,
        shortlisted=row.shortlisted if decided else None,
        rank=row.rank if decided else None,
        total=row.total if decided else None,
        feedback=[
            FeedbackView(each.name, each.says, [ReasonView(mark.points, mark.word, mark.reason) for mark in each.marks])
            for each in await judging.feedback(challenge, row)
        ]
        if decided
        else [],
        pitch=await pitch_view(pitch) if pitch else None,
        etag=drafts.version(actions.ApplicationDraft, row),
    )


async def pitch_view(pitch: Pitch) -> PitchView:
    """The pitch with its team."""
    team = await find(Organisation, Organisation.id == pitch.supplier)
    return PitchView(
        ref=pitch.ref,
        supplier=team.ref,
        **drafts.stored(pitches.Schedule, pitch),
        delivered_at=pitch.delivered_at,
        missed_at=pitch.missed_at,
        missed_because=pitch.missed_because,
        etag=drafts.version(pitches.Schedule, pitch),
    )


def report_view(report: InsightReport, challenge: Challenge) -> ReportView:
    """The report with its challenge's reference and decision."""
    return ReportView(
        ref=report.ref,
        challenge=challenge.ref,
        **drafts.stored(pitches.ReportDraft, report),
        decision=challenge.decision,
        published_at=report.published_at,
        etag=drafts.version(pitches.ReportDraft, report),
    )


async def _seen(request: Visitor, ref: str) -> Challenge:
    challenge = await find(Challenge, Challenge.ref == ref)
    actions.may_see(request.user, challenge)
    return challenge


async def _one(ref: str) -> ChallengeView:
    return await view(await find(Challenge, Challenge.ref == ref))


async def _belongs(challenge_ref: str, ref: str) -> None:
    """An application under another challenge's address is not there."""
    row = await find(Application, Application.ref == ref)
    if (await find(Challenge, Challenge.id == row.challenge)).ref != challenge_ref:
        raise NotFound("Application")


async def _application(request: Visitor, ref: str) -> ApplicationView:
    return await application_view(await judging.read(request.user, ref))


class ChallengesApi(Controller):
    """Innovation exercises: drafting, publishing, questions, applying, ending."""

    path = "/api/v1/challenges"
    tags = ["Challenges"]

    @get(
        "/",
        guards=[guards.public],
        summary="List challenges",
        operation_id="listChallenges",
    )
    async def index(
        self, stage: FromQuery[rules.Stage | None] = None, before: FromQuery[str] = ""
    ) -> Items[ChallengeLine]:
        """Published challenges, the newest first; `stage` keeps those that stand there now. `before` is the last reference of
        the page before."""
        rows = [each for each in await listing.published() if stage in (None, each.stage)]
        begins = next((place for place, each in enumerate(rows, 1) if each.ref == before), 0)
        shown, more = rows[begins : begins + PER_PAGE], len(rows) > begins + PER_PAGE
        of = f"&stage={stage}" if stage else ""
        lines = msgspec.convert(shown, list[ChallengeLine], from_attributes=True)
        return Items(lines, f"/api/v1/challenges?before={shown[-1].ref}{of}" if more else None)

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Draft a challenge",
        operation_id="draftChallenge",
        responses=problem_responses(404, 409),
    )
    async def create(self, request: Visitor, data: JSONBody[NewChallenge]) -> ChallengeView:
        """Draft a challenge for a buyer."""
        buyer = await find(Organisation, Organisation.ref == data.buyer)
        fields = {name: getattr(data, name) for name in actions.Problem.__struct_fields__}
        return await view(await actions.draft(request.user, buyer.id, actions.Problem(**fields)))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a challenge",
        operation_id="readChallenge",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> ChallengeView:
        """One challenge; a draft is seen by its buyer's people and the operator only."""
        return await view(await _seen(request, ref), request.user)

    @put(
        "/{ref:str}/problem",
        guards=[guards.signed_in],
        summary="Write the problem",
        operation_id="writeProblem",
        responses=problem_responses(404, 409, 428),
    )
    async def problem(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Problem], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write the problem section of a draft anew."""
        return await view(await actions.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/success",
        guards=[guards.signed_in],
        summary="Write success and scope",
        operation_id="writeSuccess",
        responses=problem_responses(404, 409, 428),
    )
    async def success(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Success], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write how success is seen and what is out of scope anew."""
        return await view(await actions.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/offer",
        guards=[guards.signed_in],
        summary="Write fee, places and dates",
        operation_id="writeOffer",
        responses=problem_responses(404, 409, 428),
    )
    async def offer(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Offer], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write what a pitch is paid, how many teams, and the dates anew."""
        return await view(await actions.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/terms",
        guards=[guards.signed_in],
        summary="Write the terms",
        operation_id="writeTerms",
        responses=problem_responses(404, 409, 428),
    )
    async def terms(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Terms], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write who owns what, who owns the data and what comes back anew."""
        return await view(await actions.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/subject",
        guards=[guards.signed_in],
        summary="Write CPV codes and profile",
        operation_id="writeSubject",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def subject(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Subject], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write the CPV codes and the API standards profile anew."""
        return await view(await actions.edit(request.user, ref, data, if_match))

    @post(
        "/{ref:str}/criteria",
        guards=[guards.signed_in],
        summary="Add a scoring criterion",
        operation_id="addScoringCriterion",
        responses=problem_responses(404, 409),
    )
    async def add_criterion(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.CriterionDraft]
    ) -> ChallengeView:
        """Add what applications are scored on."""
        await actions.add_criterion(request.user, ref, data)
        return await _one(ref)

    @delete(
        "/{ref:str}/criteria/{criterion:str}",
        status_code=200,
        guards=[guards.signed_in],
        summary="Remove a scoring criterion",
        operation_id="removeScoringCriterion",
        responses=problem_responses(404, 409),
    )
    async def remove_criterion(self, request: Visitor, ref: FromPath[str], criterion: FromPath[str]) -> ChallengeView:
        """Take a criterion out of a draft."""
        return await view(await actions.remove_criterion(request.user, ref, criterion))

    @get(
        "/{ref:str}/checklist",
        guards=[guards.signed_in],
        summary="What still blocks publication",
        operation_id="readChallengeChecklist",
        responses=problem_responses(404),
    )
    async def checklist(self, request: Visitor, ref: FromPath[str]) -> Items[CheckView]:
        """Every rule of publication beside its answer now."""
        challenge = await _seen(request, ref)
        actions.must_run(request.user, challenge)
        pairs = checklist(rules.PUBLISH, await actions.facts(challenge, clock.now()))
        said = checklist_items(pairs)
        return Items([CheckView(pair[0].code, norm, why) for pair, (norm, why) in zip(pairs, said, strict=True)])

    @post(
        "/{ref:str}/publish",
        status_code=200,
        guards=[guards.signed_in],
        summary="Publish a challenge",
        operation_id="publishChallenge",
        responses=problem_responses(404, 409),
    )
    async def publish(self, request: Visitor, ref: FromPath[str]) -> ChallengeView:
        """Publish a draft; 409 with every rule that does not hold."""
        return await view(await actions.publish(request.user, ref))

    @post(
        "/{ref:str}/cancel",
        status_code=200,
        guards=[guards.signed_in],
        summary="Cancel a challenge",
        operation_id="cancelChallenge",
        responses=problem_responses(404, 409),
    )
    async def cancel(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Because]) -> ChallengeView:
        """End it without a conclusion; everybody who applied is told why."""
        return await view(await actions.cancel(request.user, ref, data.reason))

    @post(
        "/{ref:str}/questions",
        guards=[guards.signed_in],
        summary="Ask a question",
        operation_id="askChallengeQuestion",
        responses=problem_responses(404, 409, 429),
    )
    async def ask(self, request: Visitor, ref: FromPath[str], data: JSONBody[questions.QuestionDraft]) -> QuestionView:
        """Ask as a supplier while questions are taken. It is published with its answer; nobody is told who asked."""
        return question_view(await actions.ask(request.user, ref, data))

    @post(
        "/{ref:str}/questions/{question:str}/answer",
        status_code=200,
        guards=[guards.signed_in],
        summary="Answer a question",
        operation_id="answerChallengeQuestion",
        responses=problem_responses(404, 409),
    )
    async def answer(
        self, request: Visitor, ref: FromPath[str], question: FromPath[str], data: JSONBody[questions.AnswerDraft]
    ) -> QuestionView:
        """Answer for everybody, once; 409 when somebody else has answered."""
        return question_view(await actions.answer(request.user, ref, question, data))

    @put(
        "/{ref:str}/report",
        guards=[guards.signed_in],
        summary="Write the insight report",
        operation_id="writeInsightReport",
        responses=problem_responses(404, 409, 428),
    )
    async def report(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[pitches.ReportDraft], if_match: IfMatch = ""
    ) -> ReportView:
        """Write the report anew; it is published with the conclusion."""
        row = await pitches.write_report(request.user, ref, data, if_match)
        return report_view(row, await find(Challenge, Challenge.ref == ref))

    @post(
        "/{ref:str}/conclude",
        status_code=200,
        guards=[guards.signed_in],
        summary="Conclude a challenge",
        operation_id="concludeChallenge",
        responses=problem_responses(404, 409),
    )
    async def conclude(self, request: Visitor, ref: FromPath[str], data: JSONBody[pitches.Conclusion]) -> ChallengeView:
        """Go, change or stop, with reasons; publishes the report and hands the gate its evidence."""
        return await view(await pitches.conclude(request.user, ref, data))


class ApplicationsApi(Controller):
    """Applications to a challenge and their marks."""

    path = "/api/v1/challenges/{ref:str}/applications"
    tags = ["Applications"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List applications",
        operation_id="listApplications",
        reading_is_an_event=True,
        responses=problem_responses(404),
    )
    async def index(self, request: Visitor, ref: FromPath[str]) -> Items[ApplicationView]:
        """Those the asker may read: a supplier her own; an evaluator, once she has declared, those she may mark; the
        buyer and auditors all, after the short list. Each reading is written down."""
        challenge = await _seen(request, ref)
        return Items([await application_view(each) for each in await judging.readable(request.user, challenge)])

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Apply",
        operation_id="apply",
        responses=problem_responses(404, 409),
    )
    async def apply(self, request: Visitor, ref: FromPath[str], data: JSONBody[NewApplication]) -> ApplicationView:
        """Apply once; 409 when it has closed. The answer is the receipt."""
        supplier = await find(Organisation, Organisation.ref == data.supplier) if data.supplier else None
        fields = {name: getattr(data, name) for name in actions.ApplicationDraft.__struct_fields__}
        row = await actions.apply(
            request.user, ref, actions.ApplicationDraft(**fields), supplier.id if supplier else None
        )
        return await _application(request, row.ref)

    @get(
        "/{application:str}",
        guards=[guards.signed_in],
        summary="Read an application",
        operation_id="readApplication",
        reading_is_an_event=True,
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> ApplicationView:
        """One application, as the asker may see it."""
        await _belongs(ref, application)
        return await _application(request, application)

    @put(
        "/{application:str}",
        guards=[guards.signed_in],
        summary="Change an application",
        operation_id="changeApplication",
        responses=problem_responses(404, 409, 428),
    )
    async def change(
        self,
        request: Visitor,
        ref: FromPath[str],
        application: FromPath[str],
        data: JSONBody[actions.ApplicationDraft],
        if_match: IfMatch = "",
    ) -> ApplicationView:
        """Replace what was sent, until it closes."""
        await _belongs(ref, application)
        await actions.change(request.user, application, data, if_match)
        return await _application(request, application)

    @post(
        "/{application:str}/withdraw",
        status_code=200,
        guards=[guards.signed_in],
        summary="Withdraw an application",
        operation_id="withdrawApplication",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> ApplicationView:
        """Take it back, until it closes."""
        await _belongs(ref, application)
        await actions.withdraw(request.user, application)
        return await _application(request, application)

    @put(
        "/{application:str}/marks",
        guards=[guards.signed_in],
        summary="Mark an application",
        operation_id="markApplication",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def mark(
        self,
        request: Visitor,
        ref: FromPath[str],
        application: FromPath[str],
        data: JSONBody[panels.Marks],
        if_match: IfMatch = "",
    ) -> PanelView:
        """Mark every criterion with a reason, as an evaluator who has declared; again until you hand in."""
        await panels.mark(request.user, judging.panel(ref), f"application:{application}", data, if_match)
        return await panel_view(request, ref)


class PanelApi(Controller):
    """The panel, the short list, and the pitches."""

    path = "/api/v1/challenges/{ref:str}"
    tags = ["Panel and pitches"]

    @get(
        "/panel",
        guards=[guards.signed_in],
        summary="Read the panel",
        operation_id="readPanel",
        responses=problem_responses(404),
    )
    async def panel(self, request: Visitor, ref: FromPath[str]) -> PanelView:
        """For the buyer officer and the evaluators, each what concerns her."""
        return await panel_view(request, ref)

    @post(
        "/panel",
        guards=[guards.signed_in],
        summary="Name an evaluator",
        operation_id="nameEvaluator",
        responses=problem_responses(404, 409),
    )
    async def name(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Naming]) -> PanelView:
        """Put one of the buyer's people on the panel."""
        await panels.name(request.user, judging.panel(ref), data)
        return await panel_view(request, ref)

    @post(
        "/panel/excuse",
        status_code=200,
        guards=[guards.signed_in],
        summary="Excuse an evaluator",
        operation_id="excuseEvaluator",
        responses=problem_responses(404, 409),
    )
    async def excuse(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Excuse]) -> PanelView:
        """Take somebody off the panel with a reason."""
        await panels.excuse(request.user, judging.panel(ref), data)
        return await panel_view(request, ref)

    @post(
        "/panel/declaration",
        status_code=200,
        guards=[guards.signed_in],
        summary="Declare interests",
        operation_id="declareInterests",
        responses=problem_responses(404, 409, 428),
    )
    async def declare(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Declaration], if_match: IfMatch = ""
    ) -> PanelView:
        """Declare against the applicants' names, before seeing an application; until you hand in, add to it."""
        await panels.declare(request.user, judging.panel(ref), data, if_match)
        return await panel_view(request, ref)

    @post(
        "/panel/submit",
        status_code=200,
        guards=[guards.signed_in],
        summary="Hand in marks",
        operation_id="handInMarks",
        responses=problem_responses(404, 409),
    )
    async def submit(self, request: Visitor, ref: FromPath[str]) -> PanelView:
        """Lock one's marks."""
        await panels.lock(request.user, judging.panel(ref))
        return await panel_view(request, ref)

    @put(
        "/panel/consensus",
        guards=[guards.signed_in],
        summary="Say why marks lie far apart",
        operation_id="explainMarks",
        responses=problem_responses(404, 409, 428),
    )
    async def explain(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.ConsensusDraft], if_match: IfMatch = ""
    ) -> PanelView:
        """What the panel says where its marks lie far apart, when all have handed in; owed before the short list."""
        await panels.explain(request.user, judging.panel(ref), data, if_match)
        return await panel_view(request, ref)

    @post(
        "/shortlist",
        status_code=200,
        guards=[guards.signed_in],
        summary="Make the short list",
        operation_id="makeShortlist",
        responses=problem_responses(404, 409),
    )
    async def shortlist(self, request: Visitor, ref: FromPath[str]) -> ChallengeView:
        """Rank, cut at the places, and write to everybody; 409 with what the panel still owes."""
        return await view(await judging.shortlist(request.user, ref))

    @get(
        "/pitches",
        guards=[guards.signed_in],
        summary="List pitches",
        operation_id="listPitches",
        responses=problem_responses(404),
    )
    async def list_pitches(self, request: Visitor, ref: FromPath[str]) -> Items[PitchView]:
        """The pitches the asker may see: the buyer's people and overseers all, a supplier her own."""
        challenge = await _seen(request, ref)
        rows = [each for each in await pitches.pitches_of(challenge) if pitches.may_see(request.user, challenge, each)]
        return Items([await pitch_view(each) for each in rows])

    @post(
        "/pitches/{pitch:str}/schedule",
        status_code=200,
        guards=[guards.signed_in],
        summary="Arrange a pitch",
        operation_id="schedulePitch",
        responses=problem_responses(404, 409, 428),
    )
    async def schedule(
        self,
        request: Visitor,
        ref: FromPath[str],
        pitch: FromPath[str],
        data: JSONBody[pitches.Schedule],
        if_match: IfMatch = "",
    ) -> PitchView:
        """Say when and where; the team is told by letter."""
        await pitches.belongs(ref, pitch)
        return await pitch_view(await pitches.schedule(request.user, pitch, data, if_match))

    @post(
        "/pitches/{pitch:str}/deliver",
        status_code=200,
        guards=[guards.signed_in],
        summary="Mark a pitch as delivered",
        operation_id="deliverPitch",
        responses=problem_responses(404, 409),
    )
    async def deliver(
        self, request: Visitor, ref: FromPath[str], pitch: FromPath[str], data: JSONBody[pitches.Delivery]
    ) -> PitchView:
        """From now on its fee is owed, win or lose."""
        await pitches.belongs(ref, pitch)
        return await pitch_view(await pitches.deliver(request.user, pitch, data))

    @post(
        "/pitches/{pitch:str}/miss",
        status_code=200,
        guards=[guards.signed_in],
        summary="Mark a pitch as not given",
        operation_id="missPitch",
        responses=problem_responses(404, 409),
    )
    async def miss(
        self, request: Visitor, ref: FromPath[str], pitch: FromPath[str], data: JSONBody[actions.Because]
    ) -> PitchView:
        """Say why it was not given; no fee is owed."""
        await pitches.belongs(ref, pitch)
        return await pitch_view(await pitches.miss(request.user, pitch, data.reason))


async def panel_view(request: Visitor, ref: str) -> PanelView:
    """What concerns this member or officer; nobody else is told that there is a panel."""
    challenge = await find(Challenge, Challenge.ref == ref)
    panel = await actions.panel_of(challenge)
    officer = request.user.wears("buyer", organisation=challenge.buyer) is not None
    member = panel.member(request.user.person) if officer else panels.seated(request.user, panel)
    working = member if member in panel.active and not panel.matter.settled else None
    declares = working is not None and working.seat.locked_at is None
    return PanelView(
        challenge.ref,
        member_views(panel) if officer else [],
        panel.gaps() if officer and not panel.matter.settled else [],
        [ApplicantView(firm, name) for firm, name in panel.matter.suppliers.items()] if declares else [],
        [_alias_view(panel, working, subject) for subject in panel.to_mark(working)] if working else [],
        declaration_view(member),
        consensus_view(request.user, panel),
    )


def _alias_view(panel: Panel, member: Member, subject: Subject) -> AliasView:
    kept = panel.sheet(member, subject)
    return AliasView(
        subject.ref.partition(":")[2],
        subject.name,
        subject not in panel.unmarked(member),
        [MarkGiven(criterion, mark.points, mark.reason) for criterion, mark in kept.marks.items()],
        kept.version,
    )


class MyApplicationsApi(Controller):
    """A supplier's own applications."""

    path = "/api/v1/applications"
    tags = ["Applications"]

    @get(
        "/",
        guards=[guards.supplier],
        summary="List own applications",
        operation_id="listOwnApplications",
    )
    async def index(self, request: Visitor) -> Items[ApplicationView]:
        """What the asker's organisations sent, the newest first."""
        rows = await actions.applications_by(request.user.organisations(*SUPPLIER_ROLES))
        return Items([await _application(request, each.ref) for each in rows])


class InsightsApi(Controller):
    """What was learnt."""

    path = "/api/v1/insights"
    tags = ["Insight reports"]

    @get(
        "/",
        guards=[guards.public],
        summary="List insight reports",
        operation_id="listInsights",
    )
    async def index(self) -> Items[ReportView]:
        """All published reports, the newest first."""
        return Items(msgspec.convert(await listing.reports(), list[ReportView], from_attributes=True))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an insight report",
        operation_id="readInsight",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ReportView:
        """One published report."""
        return report_view(*await pitches.report(ref))


class MethodsApi(Controller):
    """How exercises may be run."""

    path = "/api/v1/methods"
    tags = ["Methods"]

    @get(
        "/",
        guards=[guards.public],
        summary="List approved methods",
        operation_id="listMethods",
    )
    async def index(self) -> Items[methods.Method]:
        """All approved methods with their stages, the most usual first; a challenge names one by its code."""
        return Items(list(methods.methods()))

    @get(
        "/{code:str}",
        guards=[guards.public],
        summary="Read a method",
        operation_id="readMethod",
        responses=problem_responses(404),
    )
    async def one(self, code: FromPath[str]) -> methods.Method:
        """One approved method."""
        if not methods.approved(code):
            raise NotFound("Method")
        return methods.method(code)
