"""Challenges for programs.

What is shown follows the same secrets as the pages: before the closing nobody at the buyer learns who applied or how many;
before the short list the panel reads applications without names.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from challenges import actions, exercise, frame, listing, methods, rules
from challenges.changes import actions as changes
from challenges.drafts import actions as drafting
from challenges.drafts import rules as draft_rules
from challenges.insights import actions as insights
from challenges.insights.api import MeasuredView, measured_views
from challenges.judging import actions as judging
from challenges.tables import Challenge
from market import clock, drafts
from market.accounts import guards, scopes
from market.accounts.tables import Organisation
from market.actor import PUBLIC, Actor
from market.db import find, maybe
from market.missions.tables import Mission
from market.outages import actions as outages
from market.outages.tables import Moved
from market.questions import actions as questions
from market.questions.api import QuestionView, question_view
from market.refusals import checklist
from market.reviews import rules as reviews
from market.web.api import Confirm, IfMatch, Items, confirmed
from market.web.pages import Visitor
from market.web.problems import problem_responses
from market.web.words import checklist_items

PER_PAGE = 50


class ChallengeAddendumView(msgspec.Struct):
    """A change since publication, and the deadlines it moved between, if it moved it."""

    ref: str
    text: str
    new_closes_at: datetime | None
    closed_at_before: datetime | None
    at: datetime


class CriterionView(msgspec.Struct):
    """What applications are scored on."""

    schema_name: ClassVar[str] = "ChallengeCriterionView"
    ref: str
    name: str
    weight: int
    description: str


class ChallengeView(msgspec.Struct):
    """A challenge as the API shows it. `buyer`, `follow_on_payer` (empty while nobody is named) and `shortlisted` are
    references of organisations, `budget` that of what it is paid from (empty while none is
    named); what was `measured` of a success criterion is null until the report is published; `applications` is how many there were, unknown (null) until the short list is made. `etags`
    say for each section of the draft, by the last part of its address, and for its report, what a change of it names as
    If-Match."""

    ref: str
    stage: str
    buyer: str
    mission: str | None
    budget: str
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
    least_mark: int
    intellectual_property: str
    data_terms: str
    revenue_share: str
    profile: str
    follow_on_minor: int | None
    follow_on_route: str
    follow_on_payer: str
    follow_on_by: date | None
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
    addenda: list[ChallengeAddendumView]
    deadline_moves: list[Moved]
    measures: list[MeasuredView]
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


class NewChallenge(drafting.Problem, kw_only=True):
    """A challenge to draft; `buyer` is the reference of its organisation."""

    buyer: str


async def view(challenge: Challenge, actor: Actor = PUBLIC) -> ChallengeView:
    """The challenge with what belongs on its public page, and the questions that this reader may see."""
    now = clock.now()
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    report = await insights.report_of(challenge)
    decided = challenge.shortlisted_at is not None
    live = await exercise.live_applications(challenge) if decided else []
    shown = await drafting.shown_in(challenge)
    return ChallengeView(
        stage=rules.stage(challenge, now),
        buyer=(await find(Organisation, Organisation.id == challenge.buyer)).ref,
        mission=mission.ref if mission else None,
        criteria=[
            CriterionView(ref=criterion.ref, **drafts.stored(drafting.CriterionDraft, criterion))
            for criterion in await exercise.criteria_of(challenge)
        ],
        measures=[
            each if report and report.published_at else _unmeasured(each) for each in await measured_views(challenge)
        ],
        questions=[question_view(each) for each in await questions.questions_shown(actor, actions.topic_of(challenge))],
        addenda=msgspec.convert(await changes.addenda_of(challenge), list[ChallengeAddendumView], from_attributes=True),
        deadline_moves=await outages.moves_of(f"challenge:{challenge.ref}"),
        applications=len(live) if decided else None,
        shortlisted=sorted(each.supplier_ref for each in live if each.shortlisted),
        insight_report=report.ref if report and report.published_at else None,
        follow_on_payer=shown["follow_on_payer"],
        budget=shown["budget"],
        etags={name: drafts.version(section, challenge) for name, section in drafting.SECTIONS.items()}
        | {"report": drafts.version(insights.ReportDraft, report)},
        **{name: getattr(challenge, name) for name in _PLAIN},
    )


def _unmeasured(measure: MeasuredView) -> MeasuredView:
    """A success criterion as it was published, before the report is."""
    return msgspec.structs.replace(measure, value=None, measured_on=None, measured_how=None)


_PLAIN = tuple(
    name
    for name in ChallengeView.__struct_fields__
    if hasattr(Challenge, name) and name not in ("buyer", "mission", "budget", "follow_on_payer")
)
"""What is shown as the row says it; buyer, mission, budget and who would pay are shown by their references."""


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
        return await view(await drafting.draft(request.user, buyer.id, drafts.part(drafting.Problem, data)))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a challenge",
        operation_id="readChallenge",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> ChallengeView:
        """One challenge; a draft is seen by its buyer's people and the operator only."""
        return await view(await frame.visible(request, ref), request.user)

    @put(
        "/{ref:str}/problem",
        guards=[guards.signed_in],
        summary="Write the problem",
        operation_id="writeProblem",
        responses=problem_responses(404, 409, 428),
    )
    async def problem(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Problem], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write the problem section of a draft anew."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/success",
        guards=[guards.signed_in],
        summary="Write success and scope",
        operation_id="writeSuccess",
        responses=problem_responses(404, 409, 428),
    )
    async def success(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Success], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write how success is seen and what is out of scope anew."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/offer",
        guards=[guards.signed_in],
        summary="Write fee, places and dates",
        operation_id="writeOffer",
        responses=problem_responses(404, 409, 428),
    )
    async def offer(
        self,
        request: Visitor,
        ref: FromPath[str],
        data: JSONBody[drafting.Offer],
        if_match: IfMatch = "",
        confirm: Confirm = "",
    ) -> ChallengeView:
        """Write what a pitch is paid, how many teams, and the dates anew. Unusual ones are asked about once more."""
        return await view(await drafting.edit(request.user, ref, data, if_match, confirmed(confirm)))

    @put(
        "/{ref:str}/budget",
        guards=[guards.signed_in],
        summary="Name the budget it is paid from",
        operation_id="writeChallengeBudget",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def budget(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Budget], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Name a budget of the body, from which the pitches are paid."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/follow-on",
        guards=[guards.signed_in],
        summary="Write what may follow",
        operation_id="writeFollowOn",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def follow_on(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.FollowOn], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write what may be bought when it goes well anew: its value, the route, who would pay, and by when it is decided."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/terms",
        guards=[guards.signed_in],
        summary="Write the terms",
        operation_id="writeTerms",
        responses=problem_responses(404, 409, 428),
    )
    async def terms(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Terms], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write who owns what, who owns the data and what comes back anew."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @put(
        "/{ref:str}/subject",
        guards=[guards.signed_in],
        summary="Write CPV codes and profile",
        operation_id="writeSubject",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def subject(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Subject], if_match: IfMatch = ""
    ) -> ChallengeView:
        """Write the CPV codes and the API standards profile anew."""
        return await view(await drafting.edit(request.user, ref, data, if_match))

    @post(
        "/{ref:str}/criteria",
        guards=[guards.signed_in],
        summary="Add a scoring criterion",
        operation_id="addScoringCriterion",
        responses=problem_responses(404, 409),
    )
    async def add_criterion(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.CriterionDraft]
    ) -> ChallengeView:
        """Add what applications are scored on."""
        await drafting.add_criterion(request.user, ref, data)
        return await view(await find(Challenge, Challenge.ref == ref))

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
        return await view(await drafting.remove_criterion(request.user, ref, criterion))

    @post(
        "/{ref:str}/measures",
        guards=[guards.signed_in],
        summary="Add a success criterion",
        operation_id="addSuccessMeasure",
        responses=problem_responses(404, 409, 422),
    )
    async def add_measure(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.MeasureDraft]
    ) -> ChallengeView:
        """Add what success is measured by: what, in which unit, from where, to where, by when, and how."""
        await drafting.add_measure(request.user, ref, data)
        return await view(await find(Challenge, Challenge.ref == ref))

    @delete(
        "/{ref:str}/measures/{measure:str}",
        status_code=200,
        guards=[guards.signed_in],
        summary="Remove a success criterion",
        operation_id="removeSuccessMeasure",
        responses=problem_responses(404, 409),
    )
    async def remove_measure(self, request: Visitor, ref: FromPath[str], measure: FromPath[str]) -> ChallengeView:
        """Take a success criterion out of a draft."""
        return await view(await drafting.remove_measure(request.user, ref, measure))

    @get(
        "/{ref:str}/checklist",
        guards=[guards.signed_in],
        summary="What still blocks publication",
        operation_id="readChallengeChecklist",
        responses=problem_responses(404),
    )
    async def checklist(self, request: Visitor, ref: FromPath[str]) -> Items[CheckView]:
        """Every rule of publication beside its answer now."""
        challenge = await frame.visible(request, ref)
        exercise.must_run(request.user, challenge)
        pairs = [
            *checklist(draft_rules.PUBLISH, await drafting.facts_of(challenge, clock.arrived())),
            *checklist(reviews.PUBLISH, await drafting.ready_of(challenge)),
        ]
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
        return await view(await drafting.publish(request.user, ref))

    @post(
        "/{ref:str}/changes",
        guards=[guards.signed_in],
        summary="Add a change to a challenge",
        operation_id="changeChallenge",
        responses=problem_responses(404, 409),
    )
    async def change(self, request: Visitor, ref: FromPath[str], data: JSONBody[changes.Change]) -> ChallengeView:
        """Add a change to a published challenge; the deadline may move later with it, and questions and answers with the
        deadline."""
        await changes.change(request.user, ref, data)
        return await view(await find(Challenge, Challenge.ref == ref), request.user)

    @post(
        "/{ref:str}/cancel",
        status_code=200,
        guards=[guards.signed_in],
        summary="Cancel a challenge",
        operation_id="cancelChallenge",
        responses=problem_responses(404, 409),
    )
    async def cancel(self, request: Visitor, ref: FromPath[str], data: JSONBody[exercise.Because]) -> ChallengeView:
        """End it without a conclusion; everybody who applied is told why."""
        return await view(await actions.cancel(request.user, ref, data.reason))

    @post(
        "/{ref:str}/questions",
        guards=[guards.signed_in],
        summary="Ask a question",
        operation_id="askChallengeQuestion",
        opt=scopes.BIDS,
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

    @post(
        "/{ref:str}/conclude",
        status_code=200,
        guards=[guards.signed_in],
        summary="Conclude a challenge",
        operation_id="concludeChallenge",
        responses=problem_responses(404, 409),
    )
    async def conclude(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Conclusion]) -> ChallengeView:
        """Go, change or stop, with reasons; publishes the report and hands the gate its evidence."""
        return await view(await actions.conclude(request.user, ref, data))


class ShortlistApi(Controller):
    """The short list."""

    path = "/api/v1/challenges/{ref:str}"
    tags = ["Panel and pitches"]

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
        return methods.named(code)
