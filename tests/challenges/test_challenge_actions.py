"""Challenges through their actions on a real database: who may, when, what is written, who is told."""

from __future__ import annotations

import asyncio

import pytest

from challenges import actions as challenges
from challenges import rules as challenge_rules
from challenges.applications import actions as applications
from challenges.drafts import actions as drafting
from challenges.exercise import panel_of
from challenges.insights import actions as insights
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.tables import Application, Challenge, InsightReport, Pitch
from market import clock, drafts
from market.audit.tables import Event
from market.letters.tables import Letter
from market.panels import actions as panels
from market.payments.tables import Obligation
from market.refusals import NotFound, Refused
from market.tenders.tables import InnovationEvidence
from tests import given
from tests.challenges import exercise
from tests.challenges.exercise import BEGINS, CLOSED, CLOSES, DAY, HEARD

pytestmark = pytest.mark.usefixtures("clean")


GO = challenges.Conclusion("go", "It met the target.")


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def letters(about: str = "") -> list[str]:
    rows = await Letter.select(Letter.subject, Letter.about).order_by(Letter.id)
    return [row["subject"] for row in rows if row["about"].startswith(about)]


async def verbs(subject: str) -> list[str]:
    rows = await Event.select(Event.verb).where(Event.subject == subject).order_by(Event.seq)
    return [row["verb"] for row in rows]


async def test_the_whole_exercise_leaves_money_owed_evidence_and_a_report() -> None:
    made = await exercise.concluded()
    challenge = await made.row()
    assert challenge_rules.stage(challenge, HEARD + DAY) == "concluded"
    owed = await Obligation.objects().order_by(Obligation.id)
    assert [(row.amount_minor, row.currency, row.payer) for row in owed] == [(400_000, "GBP", made.buyer.id)] * 2
    assert {row.payee for row in owed} == {made.suppliers[0].id, made.suppliers[1].id}
    assert all(f"mission:{made.mission.ref}" in row.ancestors for row in owed)
    assert all(row.accepted_by == made.panel[0].ref for row in owed)
    evidence = await InnovationEvidence.objects().first()
    assert evidence is not None
    assert (evidence.ground, evidence.reference, evidence.cpv) == ("exercise", made.ref, ["90711500"])
    assert evidence.signed_by == "Maya Thornley, Drainage Manager, Calderwick Council"
    assert evidence.expires_at is not None
    assert evidence.expires_at.year == 2028
    report = await InsightReport.objects().first()
    assert report is not None
    assert report.published_at == HEARD + DAY
    about = await Event.select(Event.about).where(Event.verb == "challenge.concluded").first()
    assert about is not None
    assert f"mission:{made.mission.ref}" in about["about"]


async def test_publishing_needs_the_whole_draft_and_names_everything_that_is_missing() -> None:
    with clock.at(BEGINS):
        buyer = await given.organisation()
        officer = await given.person(buyer, "buyer")
        challenge = await drafting.draft(officer, buyer.id, drafting.Problem("A drain is blocked and nobody knows"))
        with pytest.raises(Refused) as refused:
            await drafting.publish(officer, challenge.ref)
    assert codes(refused) == [
        "challenge.mission-missing",
        "challenge.problem-missing",
        "challenge.success-missing",
        "challenge.scope-missing",
        "challenge.cpv-missing",
        "challenge.fee-missing",
        "challenge.least-mark-missing",
        "challenge.too-few-places",
        "challenge.follow-on-missing",
        "challenge.terms-missing",
        "challenge.criteria-missing",
        "challenge.dates-missing",
        "challenge.panel-too-small",
        "budget.missing",
    ]


async def test_a_published_challenge_is_not_edited_and_derives_its_end_of_questions() -> None:
    made = await exercise.opened()
    row = await made.row()
    assert row.questions_until is not None
    assert BEGINS < row.questions_until < CLOSES
    with clock.at(BEGINS), pytest.raises(Refused) as refused:
        await drafting.edit(
            made.officer, made.ref, exercise.SUCCESS, await given.as_is(drafting.Success, Challenge, made.ref)
        )
    assert codes(refused) == ["challenge.already-published"]
    title = exercise.PROBLEM.title
    read = ["Read before it is published", *["Approved for publication"] * 2]
    panel = [f"You are on the panel for “{title}”"] * 2
    assert await letters() == [*(f"{each}: {title}" for each in read), *panel]


async def test_a_draft_is_not_there_for_others_and_its_events_are_sealed() -> None:
    made = await exercise.drafted()
    stranger = await given.person(await given.organisation(), "buyer")
    with pytest.raises(NotFound):
        await drafting.publish(stranger, made.ref)
    seals = await Event.select(Event.sealed_by).where(Event.subject == f"challenge:{made.ref}")
    assert {row["sealed_by"] for row in seals} == {
        f"{why}:challenge:{made.ref}" for why in ("publication", "evaluation")
    }


async def test_a_supplier_applies_once_changes_withdraws_and_applies_again_until_it_closes() -> None:
    made = await exercise.opened()
    firm = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(CLOSES - DAY):
        first = await applications.apply(firm, made.ref, exercise.APPLICATION)
        with pytest.raises(Refused) as twice:
            await applications.apply(firm, made.ref, exercise.APPLICATION)
        other = applications.ApplicationDraft("Another idea altogether", "In another way.")
        await applications.change(
            firm, first.ref, other, await given.as_is(applications.ApplicationDraft, Application, first.ref)
        )
        await applications.withdraw(firm, first.ref)
        with pytest.raises(Refused) as withdrawn:
            await applications.change(
                firm, first.ref, other, await given.as_is(applications.ApplicationDraft, Application, first.ref)
            )
        again = await applications.apply(firm, made.ref, other)
    assert codes(twice) == ["application.already-there"]
    assert codes(withdrawn) == ["application.withdrawn"]
    assert again.ref == first.ref
    assert await Application.count() == 1
    assert await verbs(f"application:{first.ref}") == [
        "application.submitted",
        "application.edited",
        "application.withdrawn",
        "application.submitted",
    ]
    with clock.at(CLOSES):
        await applications.change(
            firm, first.ref, other, await given.as_is(applications.ApplicationDraft, Application, first.ref)
        )
    for act in (
        applications.change(
            firm, first.ref, other, await given.as_is(applications.ApplicationDraft, Application, first.ref)
        ),
        applications.withdraw(firm, first.ref),
    ):
        with clock.at(CLOSED), pytest.raises(Refused) as late:
            await act
        assert codes(late) == ["application.too-late"]
        assert late.value.status == 409
    latecomer = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(CLOSED), pytest.raises(Refused) as late:
        await applications.apply(latecomer, made.ref, exercise.APPLICATION)
    assert codes(late) == ["application.too-late"]
    receipts = await Letter.select(Letter.text).where(Letter.subject.like("%application to%"))
    assert any(applications.digest(first) in row["text"] for row in receipts)


async def test_twenty_suppliers_applying_at_once_all_get_a_receipt() -> None:
    made = await exercise.opened()
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(20)]
    with clock.at(CLOSES - DAY):
        sent = await asyncio.gather(*(applications.apply(firm, made.ref, exercise.APPLICATION) for firm in firms))
    assert len({row.ref for row in sent}) == 20
    assert await Application.count() == 20
    assert len([subject for subject in await letters("application:") if subject.startswith("We have")]) == 20


async def test_one_supplier_applying_twice_at_once_has_one_application() -> None:
    made = await exercise.opened()
    supplier = await given.supplier()
    firms = [await given.person(supplier, "supplier-admin") for _ in range(4)]
    with clock.at(CLOSES - DAY):
        sent = await asyncio.gather(
            *(applications.apply(firm, made.ref, exercise.APPLICATION) for firm in firms), return_exceptions=True
        )
    assert sum(isinstance(each, Application) for each in sent) == 1
    refused = [each for each in sent if isinstance(each, Refused)]
    assert [each.reasons[0].code for each in refused] == ["application.already-there"] * 3


async def test_cancelling_tells_every_applicant_why_and_leaves_delivered_pitches_owed() -> None:
    made = await exercise.heard()
    with clock.at(HEARD + DAY):
        with pytest.raises(Refused) as wordless:
            await challenges.cancel(made.officer, made.ref, " ")
        await challenges.cancel(made.officer, made.ref, "The street is closed for good.")
        with pytest.raises(Refused) as twice:
            await challenges.cancel(made.officer, made.ref, "Again.")
    assert codes(wordless) == ["challenge.cancel-reason-missing"]
    assert codes(twice) == ["challenge.cannot-cancel"]
    assert len([subject for subject in await letters("application:") if "is cancelled" in subject]) == 3
    released = [subject for subject in await letters(f"challenge:{made.ref}") if "nothing more to do" in subject]
    assert len(released) == len(made.panel)
    assert await Obligation.count() == 2
    assert await InnovationEvidence.count() == 0


async def test_an_evaluator_named_late_needs_a_reason_and_one_excused_no_longer_counts() -> None:
    made = await exercise.applied()
    third = await given.person(made.buyer, "evaluator", "Latecomer")
    with clock.at(CLOSED):
        with pytest.raises(Refused) as wordless:
            await panels.name(made.officer, judging.panel(made.ref), panels.Naming(third.ref))
        await panels.name(made.officer, judging.panel(made.ref), panels.Naming(third.ref, "Evaluator 1 is ill."))
        await panels.excuse(
            made.officer, judging.panel(made.ref), panels.Excuse(made.panel[0].ref, "She has fallen ill for a month.")
        )
        active = (await panel_of(await made.row())).active
        assert [each.ref for each in active] == [made.panel[1].ref, third.ref]
        with pytest.raises(Refused) as excused:
            await panels.declare(made.panel[0], judging.panel(made.ref), panels.Declaration(declared=True), "any")
    assert codes(wordless) == ["panel.late-unexplained"]
    assert codes(excused) == ["panel.excused"]


async def test_only_people_of_the_buyer_sit_on_the_panel() -> None:
    made = await exercise.drafted()
    stranger = await given.person(await given.organisation(), "evaluator")
    with pytest.raises(Refused) as refused:
        await panels.name(made.officer, judging.panel(made.ref), panels.Naming(stranger.ref))
    with pytest.raises(Refused) as twice:
        await panels.name(made.officer, judging.panel(made.ref), panels.Naming(made.panel[0].ref))
    assert codes(refused) == ["panel.not-of-the-buyer"]
    assert codes(twice) == ["panel.named-already"]


async def test_nobody_at_the_buyer_sees_who_applied_before_the_closing() -> None:
    made = await exercise.applied()
    with clock.at(CLOSES - DAY):
        matter = (await panel_of(await made.row())).matter
        assert (matter.suppliers, matter.subjects) == ({}, [])
        with pytest.raises(Refused) as early:
            await panels.declare(made.panel[0], judging.panel(made.ref), panels.Declaration(declared=True), "any")
        for asker in (made.officer, made.panel[0]):
            with pytest.raises(NotFound):
                await judging.read_application(asker, made.applications[0].ref)
    assert codes(early) == ["panel.not-open"]


async def test_an_evaluator_reads_aliases_after_declaring_and_never_what_she_has_an_interest_in() -> None:
    made = await exercise.applied(evaluators=3)
    first = made.panel[0]
    with clock.at(CLOSED), pytest.raises(NotFound):
        await judging.read_application(first, made.applications[0].ref)
    await exercise.declared(made, {0: [made.suppliers[0].ref]})
    with clock.at(CLOSED):
        with pytest.raises(NotFound):
            await judging.read_application(first, made.applications[0].ref)
        with pytest.raises(NotFound):
            await panels.mark(
                first,
                judging.panel(made.ref),
                f"application:{made.applications[0].ref}",
                panels.Marks([]),
                drafts.NOTHING,
            )
        seen = await judging.read_application(first, made.applications[1].ref)
        await judging.read_application(first, made.applications[1].ref)
        with pytest.raises(NotFound):
            await judging.read_application(made.officer, made.applications[1].ref)
    assert (seen.sees, seen.supplier) == ("panel", None)
    assert seen.application.alias
    assert await verbs(f"application:{made.applications[1].ref}") == ["application.submitted", "application.read"]
    event = await Event.objects().where(Event.verb == "application.read").first()
    assert event is not None
    assert event.sealed_by == f"opening:challenge:{made.ref}"


async def test_aliases_are_dealt_once_and_say_nothing_of_who_came_first() -> None:
    made = await exercise.applied(6)
    await exercise.declared(made)
    rows = await Application.select(Application.alias).order_by(Application.id)
    aliases = [row["alias"] for row in rows]
    assert len(set(aliases)) == 6
    assert all(aliases)
    deals = await Event.count().where(Event.verb == "panel.declared")
    assert deals == 2


async def test_the_short_list_waits_for_the_panel_and_says_for_what() -> None:
    made = await exercise.applied()
    with clock.at(CLOSES - DAY), pytest.raises(Refused) as early:
        await judging.shortlist(made.officer, made.ref)
    assert "shortlist.not-closed" in codes(early)
    with clock.at(CLOSED), pytest.raises(Refused) as idle:
        await judging.shortlist(made.officer, made.ref)
    assert codes(idle) == ["panel.not-done"]
    assert "Evaluator 1 has not declared" in str(idle.value)
    await exercise.declared(made)
    with clock.at(CLOSED), pytest.raises(Refused) as unmarked:
        await judging.shortlist(made.officer, made.ref)
    assert "has still to mark 3 applications" in str(unmarked.value)


async def test_an_application_with_too_few_evaluators_without_an_interest_keeps_the_panel_from_ranking() -> None:
    made = await exercise.applied()
    await exercise.marked(made, [90, 70, 30], {0: [made.suppliers[0].ref]})
    with clock.at(CLOSED + DAY), pytest.raises(Refused) as refused:
        await judging.shortlist(made.officer, made.ref)
    assert "Fewer than 2 evaluators without a conflict of interest for: " in str(refused.value)


async def test_every_applicant_gets_scores_and_reasons_and_the_listed_an_invitation() -> None:
    made = await exercise.shortlisted([90, 70, 30])
    told = await letters("application:")
    title = exercise.PROBLEM.title
    assert told.count(f"You are invited to pitch for “{title}” — £4,000, win or lose") == 2
    assert told.count(f"You were not short-listed for “{title}” — your scores and why") == 1
    rows = {row.supplier: row for row in await Application.objects()}
    assert [rows[each.id].rank for each in made.suppliers] == [1, 2, 3]
    assert [rows[each.id].shortlisted for each in made.suppliers] == [True, True, False]
    assert rows[made.suppliers[0].id].total == "90.00"
    letter = await Letter.objects().where(Letter.subject.like("You were not short-listed%")).first()
    assert letter is not None
    assert "30.00 of 100 points" in letter.text
    assert letter.text.count("30 (poor): Because of 30.") == 4
    assert "Evaluator 1" not in letter.text
    assert rows[made.suppliers[0].id].alias not in letter.text
    back = await judging.feedback(await made.row(), rows[made.suppliers[2].id])
    assert [[mark.reason for mark in each.marks] for each in back] == [["Because of 30."] * 2] * 2
    seen = await judging.read_application(made.officer, made.applications[2].ref)
    assert seen.sees == "all"
    assert seen.supplier is not None


async def test_wide_differences_are_explained_before_ranking() -> None:
    made = await exercise.applied(2)
    await exercise.declared(made)
    criteria = await made.criteria()
    with clock.at(CLOSED):
        for member, points in zip(made.panel, (90, 20), strict=True):
            for application in made.applications:
                marks = panels.Marks([panels.MarkGiven(each.ref, points, "So.") for each in criteria])
                await panels.mark(
                    member, judging.panel(made.ref), f"application:{application.ref}", marks, drafts.NOTHING
                )
            await panels.lock(member, judging.panel(made.ref))
        with pytest.raises(Refused) as refused:
            await judging.shortlist(made.officer, made.ref)
        said = panels.ConsensusDraft("One had seen it in the rain.")
        await panels.explain(made.officer, judging.panel(made.ref), said, drafts.NOTHING)
        await judging.shortlist(made.officer, made.ref)
    assert codes(refused) == ["panel.spread-unexplained"]
    letter = await Letter.objects().where(Letter.subject.like("You are invited%")).first()
    assert letter is not None
    assert "One had seen it in the rain." in letter.text


async def test_two_officers_short_listing_at_once_make_one_short_list() -> None:
    made = await exercise.applied()
    await exercise.marked(made, [90, 70, 30])
    with clock.at(CLOSED + DAY):
        tried = await asyncio.gather(
            *(judging.shortlist(made.officer, made.ref) for _ in range(3)), return_exceptions=True
        )
    assert sum(isinstance(each, Challenge) for each in tried) == 1
    assert [each.reasons[0].code for each in tried if isinstance(each, Refused)] == ["shortlist.already-made"] * 2
    assert len(await pitches.pitches_of(await made.row())) == 2


async def test_a_challenge_nobody_applied_to_is_concluded_and_opens_no_gate() -> None:
    made = await exercise.opened()
    with clock.at(CLOSED):
        await judging.shortlist(made.officer, made.ref)
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion("go", "Nobody came, and we go on."))
    kept = await InnovationEvidence.objects().first()
    assert kept is not None
    assert (kept.outcome, kept.pitches, kept.pitches_least, kept.falls_short) == ("go", 0, 2, "pitches")
    event = await Event.objects().where(Event.verb == "challenge.concluded").first()
    assert event is not None
    assert '"opens_the_gate":false' in event.body


async def test_a_stop_is_kept_for_the_gate_though_nobody_pitched_with_what_it_was_about_and_why() -> None:
    made = await exercise.opened()
    with clock.at(CLOSED):
        await judging.shortlist(made.officer, made.ref)
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion("stop", "We will not buy it."))
    kept = await InnovationEvidence.objects().first()
    assert kept is not None
    assert (kept.outcome, kept.title, kept.reasons) == ("stop", exercise.PROBLEM.title, "We will not buy it.")
    assert (kept.follow_on_minor, kept.payer, kept.problem) == (100_000_000, made.buyer.id, exercise.PROBLEM.problem)
    event = await Event.objects().where(Event.verb == "challenge.concluded").first()
    assert event is not None
    assert '"opens_the_gate":false' in event.body


async def test_only_a_body_of_the_same_department_may_be_named_to_pay() -> None:
    made = await exercise.drafted()
    stranger = await given.organisation("Department of Elsewhere")
    agency = await given.organisation("Agency for Drains", tier="local", department=made.buyer.id)
    for payer, refusal in ((stranger.ref, "challenge.payer-unknown"), ("O-NOBODY", "challenge.payer-unknown")):
        with pytest.raises(Refused) as refused:
            await drafting.edit(
                made.officer,
                made.ref,
                drafting.FollowOn(100, "other-body", payer, CLOSES.date()),
                await given.as_is(drafting.FollowOn, Challenge, made.ref),
            )
        assert codes(refused) == [refusal]
    said = drafting.FollowOn(100, "other-body", agency.ref, CLOSES.date())
    row = await drafting.edit(made.officer, made.ref, said, await given.as_is(drafting.FollowOn, Challenge, made.ref))
    assert row.follow_on_payer == agency.id
    assert [each.name for each in await drafting.payers(made.buyer.id)] == ["Calderwick Council", "Agency for Drains"]


async def test_a_pitch_is_arranged_then_given_once_and_owed_win_or_lose() -> None:
    made = await exercise.shortlisted()
    first, second = await pitches.pitches_of(await made.row())
    with clock.at(CLOSED + 2 * DAY):
        with pytest.raises(Refused) as unarranged:
            await pitches.deliver(made.officer, first.ref)
        with pytest.raises(Refused) as past:
            await pitches.schedule(
                made.officer,
                first.ref,
                pitches.Schedule(CLOSED, "Corn Street"),
                await given.as_is(pitches.Schedule, Pitch, first.ref),
            )
        await pitches.schedule(
            made.officer,
            first.ref,
            pitches.Schedule(HEARD, "Corn Street"),
            await given.as_is(pitches.Schedule, Pitch, first.ref),
        )
        with pytest.raises(Refused) as early:
            await pitches.deliver(made.officer, first.ref)
    with clock.at(HEARD):
        with pytest.raises(Refused) as stranger:
            await pitches.deliver(made.firms[0], first.ref)
        tried = await asyncio.gather(
            *(pitches.deliver(made.officer, first.ref) for _ in range(3)), return_exceptions=True
        )
        await pitches.miss(made.officer, second.ref, "The team was ill.")
        with pytest.raises(Refused) as open_end:
            await challenges.conclude(made.officer, made.ref, challenges.Conclusion("go", "Good."))
    assert codes(unarranged) == ["pitch.not-scheduled"]
    assert codes(past) == ["pitch.time-passed"]
    assert codes(early) == ["pitch.too-early"]
    assert stranger.value.status == 403
    assert sum(isinstance(each, Refused) for each in tried) == 2
    assert await Obligation.count() == 1
    assert codes(open_end) == ["challenge.report-missing", "challenge.not-measured", "challenge.reasons-missing"]
    assert [subject.split(" for ")[0] for subject in await letters("pitch:")] == ["Your pitch"] * 3


async def test_a_pitch_marked_as_missed_by_mistake_can_still_be_delivered() -> None:
    made = await exercise.shortlisted()
    first = (await pitches.pitches_of(await made.row()))[0]
    with clock.at(CLOSED + 2 * DAY):
        await pitches.schedule(
            made.officer,
            first.ref,
            pitches.Schedule(HEARD, "Corn Street"),
            await given.as_is(pitches.Schedule, Pitch, first.ref),
        )
    with clock.at(HEARD):
        await pitches.miss(made.officer, first.ref, "Nobody came.")
        row = await pitches.deliver(made.officer, first.ref)
    assert row.missed_at is None
    assert await Obligation.count() == 1


async def test_concluding_twice_at_once_ends_it_once() -> None:
    made = await exercise.heard()
    with clock.at(HEARD + DAY):
        with pytest.raises(Refused) as unfinished:
            await challenges.conclude(made.officer, made.ref, GO)
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await exercise.measured(made)
        tried = await asyncio.gather(
            *(challenges.conclude(made.officer, made.ref, GO) for _ in range(3)),
            return_exceptions=True,
        )
        with pytest.raises(Refused) as rewritten:
            await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
    assert codes(unfinished) == ["challenge.report-missing", "challenge.not-measured"]
    assert sum(isinstance(each, Challenge) for each in tried) == 1
    assert codes(rewritten) == ["report.published"]
    assert await InnovationEvidence.count() == 1
    assert len([subject for subject in await letters("application:") if "concluded" in subject]) == 3


async def test_the_panel_is_told_once_that_it_may_begin() -> None:
    made = await exercise.applied()
    with clock.at(CLOSES - DAY):
        assert await judging.tell_panels() == 0
    with clock.at(CLOSED):
        assert await judging.tell_panels() == 2
        assert await judging.tell_panels() == 0
    told = [subject for subject in await letters(f"challenge:{made.ref}") if "are open: declare" in subject]
    assert len(told) == 2
