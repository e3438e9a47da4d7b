"""Missions and challenges of the story as acts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from challenges import actions
from challenges.applications import actions as applications
from challenges.drafts import actions as drafting
from challenges.exercise import measures_of
from challenges.insights import actions as insights
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.tables import Application, Challenge, Criterion, Pitch
from market import drafts
from market.db import find
from market.missions import actions as missions_of
from market.panels import actions as panels
from market.panels.tables import Seat
from market.payments import actions as payments
from market.payments.tables import Obligation
from market.questions import actions as questions
from market.questions.tables import PublicQuestion
from market.seed import outages, reading
from market.seed.budgets import named as named_budget
from market.seed.cast import Cast
from market.seed.script import REFS, Act, Script


def missions(script: Script, cast: Cast) -> Iterator[Act]:
    """Every mission: drafted with its criteria and published by the operator."""
    for each in script["missions"]:
        yield Act(script.moment(each["published_at"]), f"mission {each['key']}", _mission(script, cast, each))


def _mission(script: Script, cast: Cast, each: dict[str, Any]) -> Any:
    async def do() -> None:
        operator = await cast.actor(next(key for key, roles in cast.roles.items() if "operator" in roles))
        mission = await missions_of.draft(
            operator,
            cast.organisations[each["department"]].id,
            missions_of.MissionDraft(
                title=each["title"],
                statement=f"{each['summary'].strip()}\n\n{each['detail'].strip()}",
                begins_on=script.day(each["begins"]),
                ends_on=script.day(each["ends"]),
            ),
        )
        for criterion in each["criteria"]:
            await missions_of.add_criterion(
                operator,
                mission.ref,
                missions_of.CriterionDraft(
                    measure=criterion["measure"],
                    baseline=_number(criterion["baseline"]),
                    target=_number(criterion["target"]),
                    due_on=script.day(criterion["due"]),
                    unit=criterion["unit"],
                ),
            )
        await missions_of.publish(operator, mission.ref)
        REFS[f"mission:{each['key']}"] = mission.ref

    return do


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def challenges(script: Script, cast: Cast) -> Iterator[Act]:
    """Every challenge as far as it has come."""
    for each in script["challenges"]:
        yield from Exercise(script, cast, each).acts()


class Exercise:
    """One challenge of the story."""

    def __init__(self, script: Script, cast: Cast, text: dict[str, Any]) -> None:
        self.script, self.cast, self.text = script, cast, text
        self.key = text["key"]

    @property
    def ref(self) -> str:
        """Its reference, once it was drafted."""
        return REFS[f"challenge:{self.key}"]

    def act(self, at: str, what: str, do: Any, *, refused: bool = False, after: timedelta = timedelta(0)) -> Act:
        """An act of this challenge."""
        return Act(self.script.moment(at) + after, f"{what} {self.key}", do, refused)

    def acts(self) -> Iterator[Act]:
        """Everything that happened, in the order of telling."""
        text, cast = self.text, self.cast
        yield self.act(text["drafted_at"], "draft", self.draft)
        if "published_at" in text:
            sent, read = -timedelta(minutes=40), -timedelta(minutes=10)
            yield self.act(
                text["published_at"], "sending", lambda: reading.send(cast, "challenge", self.ref, text), after=sent
            )
            yield self.act(
                text["published_at"], "reading", lambda: reading.approve(cast, "challenge", self.ref, text), after=read
            )
            yield self.act(text["published_at"], "publish", self.publish)
        elif "review" in text:
            yield self.act(text["review"]["at"], "sending", lambda: reading.send(cast, "challenge", self.ref, text))
            if "edits" in text["review"]:
                at = text["review"]["edits_at"]
                yield self.act(at, "edits", lambda: reading.send_back(cast, "challenge", self.ref, text))
        for question in text.get("questions", []):
            yield self.act(question["at"], "question", lambda question=question: self.ask(question))
            if question.get("answer"):
                yield self.act(question["answered_at"], "answer", lambda question=question: self.answer(question))
        if "outage" in text:
            yield self.act(text["outage"]["to"], "outage", self.away, after=timedelta(minutes=1))
        for given in text.get("applications", []):
            yield self.act(given["submitted_at"], "application", lambda given=given: self.apply(given))
            if given.get("edited_at"):
                yield self.act(given["edited_at"], "edit", lambda given=given: self.edit(given))
            if given.get("withdrawn_at"):
                yield self.act(given["withdrawn_at"], "withdrawal", lambda given=given: self.withdraw(given))
        for late in text.get("refused_applications", []):
            yield self.act(late["at"], "late", lambda late=late: self.apply(late), refused=True)
        yield from self.judged()
        if "cancelled" in text:
            yield self.act(text["cancelled"]["at"], "cancel", self.cancel)

    def judged(self) -> Iterator[Act]:
        """The panel, the short list, the pitches, the conclusion."""
        text = self.text
        for member in text.get("evaluators", []):
            if member.get("declared_at"):
                yield self.act(member["declared_at"], "declaration", lambda member=member: self.declare(member))
        last: dict[str, str] = {}
        for score in text.get("scores", []):
            yield self.act(score["at"], "score", lambda score=score: self.score(score))
            if self.script.moment(score["at"]) >= self.script.moment(last.get(score["by"], score["at"])):
                last[score["by"]] = score["at"]
        if "shortlisted_at" in text:
            for who, at in last.items():
                yield self.act(at, "handing-in", lambda who=who: self.hand_in(who), after=timedelta(minutes=1))
            yield self.act(text["shortlisted_at"], "short-list", self.shortlist)
        for place, pitch in enumerate(text.get("pitches", [])):
            at = text["shortlisted_at"]
            minutes = timedelta(minutes=10 + 5 * place)
            yield self.act(at, "arrangement", lambda pitch=pitch: self.arrange(pitch), after=minutes)
            if pitch.get("delivered_at"):
                yield self.act(pitch["delivered_at"], "pitch", lambda pitch=pitch: self.deliver(pitch))
            if pitch.get("paid_at"):
                yield self.act(pitch["paid_at"], "payment", lambda pitch=pitch: self.pay(pitch))
            if pitch.get("receipt_confirmed_at"):
                yield self.act(pitch["receipt_confirmed_at"], "receipt", lambda pitch=pitch: self.confirm(pitch))
        if "conclusion" in text:
            at = text["conclusion"]["at"]
            yield self.act(at, "report", self.report, after=-timedelta(minutes=30))
            yield self.act(at, "conclusion", self.conclude)

    async def draft(self) -> None:
        """The buyer writes everything the story knows of the draft."""
        text, moment = self.text, self.script.moment
        actor = await self.cast.actor(text["drafted_by"])
        buyer = self.cast.organisations[text["buyer"]]
        problem = drafting.Problem(
            title=text["title"],
            mission=REFS[f"mission:{text['mission']}"],
            method=text["method"],
            problem=text.get("problem", "").strip(),
            who_has_it=text.get("who", "").strip(),
            evidence=text.get("evidence", "").strip(),
        )
        challenge = await drafting.draft(actor, buyer.id, problem)
        REFS[f"challenge:{self.key}"] = challenge.ref
        sections: list[drafting.Section] = [
            drafting.Success("", "\n".join(f"- {each}" for each in text.get("out_of_scope", []))),
            drafting.Offer(
                fee_minor=text.get("pitch_fee_minor") or 0,
                places=text.get("paid_places") or 0,
                least_mark=text.get("least_mark") or 0,
                region=text.get("region", ""),
                questions_until=moment(text["questions_until"]) if text.get("questions_until") else None,
                closes_at=moment(text["closes_at"]) if text.get("closes_at") else None,
                pitches_by=moment(text["pitches_by"]) if text.get("pitches_by") else None,
                decision_by=moment(text["decision_due"]) if text.get("decision_due") else None,
            ),
            drafting.Subject(cpv=text.get("cpv", [])),
        ]
        named = named_budget(self.script, text)
        sections.append(drafting.Budget(named))
        if follow := text.get("follow_on"):
            payer = self.cast.organisations[follow["payer"]].ref if follow.get("payer") else ""
            by = self.script.day(follow["by"])
            sections.append(drafting.FollowOn(follow["value_minor"], follow["route"], payer, by))
        terms = text.get("terms")
        if terms:
            sections.append(
                drafting.Terms(
                    terms["intellectual_property"].strip(), terms["data"].strip(), terms["revenue_share"].strip()
                )
            )
        for section in sections:
            await challenge.refresh()
            await drafting.edit(actor, challenge.ref, section, drafts.version(type(section), challenge))
        for each in text.get("success_criteria", []):
            await drafting.add_measure(actor, challenge.ref, self._measure(each))
        for each in text.get("criteria", []):
            await drafting.add_criterion(
                actor, challenge.ref, drafting.CriterionDraft(each["name"], each["weight"], each.get("question", ""))
            )

    def _measure(self, given: dict[str, Any]) -> drafting.MeasureDraft:
        figures = given["figures"]
        return drafting.MeasureDraft(
            measure=given["measure"],
            unit=figures["unit"],
            baseline=figures.get("from", ""),
            better="at-least" if "at_least" in figures else "at-most",
            target=figures.get("at_least") or figures["at_most"],
            due_on=self.script.day(figures["by"]),
            how=given["how"],
        )

    async def publish(self) -> None:
        """The panel is named, then it is published."""
        actor = await self.cast.actor(self.text["drafted_by"])
        for member in self.text.get("evaluators", []):
            person = await self.cast.actor(member["person"])
            await panels.name(actor, judging.panel(self.ref), panels.Naming(person.ref))
        await drafting.publish(actor, self.ref)

    async def ask(self, question: dict[str, Any]) -> None:
        """A supplier asks."""
        asker = await self.cast.firm(question["asked_by"])
        await actions.ask(asker, self.ref, questions.QuestionDraft(question["text"].strip()))

    async def answer(self, question: dict[str, Any]) -> None:
        """The buyer answers."""
        row = await find(PublicQuestion, PublicQuestion.text == question["text"].strip())
        actor = await self.cast.actor(question["answered_by"])
        await actions.answer(actor, self.ref, row.ref, questions.AnswerDraft(question["answer"].strip()))

    def _text(self, given: dict[str, Any]) -> applications.ApplicationDraft:
        return applications.ApplicationDraft(
            summary=given["summary"].strip(),
            approach=given.get("approach", given["summary"]).strip(),
            evidence=given.get("evidence", "").strip(),
            team=given.get("team", "").strip(),
        )

    async def away(self) -> None:
        """No server answered shortly before it closes."""
        text = self.text["outage"]
        moment = self.script.moment
        await outages.away(moment(text["from"]), moment(text["to"]), self.ref, self.script.now)

    async def apply(self, given: dict[str, Any]) -> None:
        """A supplier applies."""
        await applications.apply(await self.cast.firm(given["supplier"]), self.ref, self._text(given))

    async def _application(self, supplier: str) -> Application:
        challenge = await find(Challenge, Challenge.ref == self.ref)
        firm = self.cast.organisations[supplier]
        return await find(Application, (Application.challenge == challenge.id) & (Application.supplier == firm.id))

    async def edit(self, given: dict[str, Any]) -> None:
        """It writes its application anew."""
        row = await self._application(given["supplier"])
        seen = drafts.version(applications.ApplicationDraft, row)
        await applications.change(await self.cast.firm(given["supplier"]), row.ref, self._text(given), seen)

    async def withdraw(self, given: dict[str, Any]) -> None:
        """It withdraws."""
        row = await self._application(given["supplier"])
        await applications.withdraw(await self.cast.firm(given["supplier"]), row.ref)

    async def declare(self, member: dict[str, Any]) -> None:
        """An evaluator declares her interests."""
        interest = member.get("interest", "none")
        given = panels.Declaration(statement="" if interest == "none" else interest.strip(), declared=True)
        actor = await self.cast.actor(member["person"])
        seat = await find(Seat, (Seat.panel == f"challenge:{self.ref}") & (Seat.person == actor.must_be_person()))
        await panels.declare(actor, judging.panel(self.ref), given, drafts.version(panels.Interests, seat))

    async def score(self, score: dict[str, Any]) -> None:
        """She reads and marks an application."""
        actor = await self.cast.actor(score["by"])
        row = await self._application(score["application"])
        names = {each["key"]: each["name"] for each in self.text["criteria"]}
        criteria = {
            each.name: each.ref for each in await Criterion.objects().where(Criterion.challenge == row.challenge)
        }
        await judging.read_application(actor, row.ref)
        marks = [
            panels.MarkGiven(criteria[names[key]], mark["score"], mark["reason"].strip())
            for key, mark in score["marks"].items()
        ]
        await panels.mark(actor, judging.panel(self.ref), f"application:{row.ref}", panels.Marks(marks), drafts.NOTHING)

    async def hand_in(self, who: str) -> None:
        """She hands in."""
        await panels.lock(await self.cast.actor(who), judging.panel(self.ref))

    async def shortlist(self) -> None:
        """The short list is made of the marks."""
        actor = await self.cast.actor(self.text["shortlisted_by"])
        if note := self.text.get("shortlist_note", "").strip():
            await panels.explain(actor, judging.panel(self.ref), panels.ConsensusDraft(note), drafts.NOTHING)
        await judging.shortlist(actor, self.ref)

    async def _pitch(self, pitch: dict[str, Any]) -> Pitch:
        application = await self._application(pitch["supplier"])
        return await find(Pitch, Pitch.application == application.id)

    async def arrange(self, pitch: dict[str, Any]) -> None:
        """A pitch is arranged."""
        row = await self._pitch(pitch)
        at = self.script.moment(pitch["scheduled_for"])
        actor = await self.cast.actor(self.text["shortlisted_by"])
        seen = drafts.version(pitches.Schedule, row)
        await pitches.schedule(actor, row.ref, pitches.Schedule(at, pitch["place"]), seen)

    async def deliver(self, pitch: dict[str, Any]) -> None:
        """It was given: the fee is owed."""
        row = await self._pitch(pitch)
        actor = await self.cast.actor(pitch["marked_by"])
        await pitches.deliver(actor, row.ref, pitches.Delivery(pitch.get("note", "").strip()))

    async def pay(self, pitch: dict[str, Any]) -> None:
        """Somebody else releases the fee, and it is paid."""
        row = await self._pitch(pitch)
        await release(self.cast, self.text["buyer"], pitch["marked_by"], f"pitch:{row.ref}")

    async def confirm(self, pitch: dict[str, Any]) -> None:
        """The team says that it arrived."""
        row = await self._pitch(pitch)
        await receive(self.cast, pitch["supplier"], f"pitch:{row.ref}")

    async def report(self) -> None:
        """The insight report is written, and what was measured of each criterion."""
        said = self.text["conclusion"]["insight"]
        given = insights.ReportDraft(
            title=said["title"],
            tried=said["tried"].strip(),
            worked=said["worked"].strip(),
            did_not_work=said["did_not_work"].strip(),
            evidence=said["evidence"].strip(),
            others=f"{said['others_should_know'].strip()}\n\n{said['next'].strip()}",
        )
        author = await self.cast.actor(self.text["conclusion"]["by"])
        await insights.write_report(author, self.ref, given, drafts.NOTHING)
        measures = await measures_of(await find(Challenge, Challenge.ref == self.ref))
        for measure, each in zip(measures, self.text["success_criteria"], strict=True):
            found = each["found"]
            value = insights.ValueDraft(found["value"], self.script.day(found["day"]), found["how"])
            await insights.measure(author, self.ref, measure.ref, value)

    async def conclude(self) -> None:
        """Go, change or stop."""
        end = self.text["conclusion"]
        given = actions.Conclusion(end["decision"], end["reason"].strip())
        await actions.conclude(await self.cast.actor(end["by"]), self.ref, given)

    async def cancel(self) -> None:
        """It is cancelled."""
        end = self.text["cancelled"]
        await actions.cancel(await self.cast.actor(end["by"]), self.ref, end["reason"].strip())


async def release(cast: Cast, buyer: str, accepted_by: str, cause: str) -> None:
    """A finance officer of the buyer releases what is owed for `cause`, and the payment job runs."""
    obligation = await find(Obligation, Obligation.cause == cause)
    other = await cast.actor(cast.other(buyer, accepted_by, "finance-officer"))
    await payments.release(other, obligation.ref)
    while await payments.pay_waiting():
        pass


async def receive(cast: Cast, supplier: str, cause: str) -> None:
    """The supplier confirms that the money for `cause` arrived."""
    obligation = await find(Obligation, Obligation.cause == cause)
    (*_, last) = await payments.attempts_of(obligation)
    await payments.confirm(await cast.firm(supplier), last.ref)
