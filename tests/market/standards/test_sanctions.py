"""Notice, time to cure, access withheld and restored: derived from dates, told once, answered when appealed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from litestar import Litestar

from challenges.applications import actions as applications
from market import clock, policy, workdays
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.standards.certificates import actions as certificates
from market.standards.components import actions
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.sanctions import rules
from market.standards.tables import Service, Withholding
from tests import given
from tests.challenges import exercise
from tests.market.standards.documents import failing, good, without_contact

pytestmark = pytest.mark.usefixtures("clean")

CORE = "uk-core@1.0.0"
CURE = workdays.add_working_days(given.TODAY, policy.IN_FORCE.sanctions.cure_working_days)


@dataclass
class Lapsed:
    """A supplier whose certificate ended today because it lodged a version that fails."""

    firm: Organisation
    actor: Actor
    operator: Actor
    service: Service

    async def row(self) -> Withholding:
        return (await Withholding.objects().order_by(Withholding.id))[-1]


@pytest.fixture
async def lapsed(clean: None) -> AsyncIterator[Lapsed]:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        operator = await given.person(await given.organisation(kind="operator"), "operator")
        firm = await given.supplier("Drainwise Ltd")
        actor = await given.person(firm, "supplier-admin")
        draft = actions.ServiceDraft("Gully records", "Tells a council when each gully was last emptied.", [CORE])
        service = await actions.list_service(actor, draft)
        await actions.lodge(actor, service.ref, good())
        await actions.lodge(actor, service.ref, failing())
        yield Lapsed(firm, actor, operator, service)


async def _subjects() -> list[str]:
    return [each.subject for each in await Letter.objects().order_by(Letter.id)]


async def _verbs(firm: Organisation) -> list[str]:
    events = await Event.objects().where(Event.subject == f"supplier:{firm.ref}").order_by(Event.seq)
    return [each.verb for each in events if each.verb.startswith("access.")]


async def test_a_lapse_gives_notice_and_time_and_takes_nothing_away_yet(lapsed: Lapsed) -> None:
    row = await lapsed.row()
    assert (row.notice_at, row.cure_until) == (given.TODAY, CURE)
    assert rules.sanction(row, given.TODAY) == "cure"
    assert await sanctions.withheld(lapsed.firm.id, given.TODAY) == ""
    assert await sanctions.withheld(lapsed.firm.id, CURE) == ""
    assert "Put your API right by" in (await _subjects())[-1]
    assert await sanctions.tell_withheld() == 0
    await actions.lodge(lapsed.actor, lapsed.service.ref, without_contact())
    assert await Withholding.count() == 1, "a second failure does not begin another time"


async def test_after_the_time_access_is_withheld_by_itself_and_told_once(lapsed: Lapsed) -> None:
    later = CURE + timedelta(seconds=1)
    words = await sanctions.withheld(lapsed.firm.id, later)
    assert "Gully records" in words
    assert "returns by itself" in words
    with clock.at(later):
        assert await sanctions.tell_withheld() == 1
        assert await sanctions.tell_withheld() == 0
    assert (await _subjects())[-1].startswith("Your access is withheld")
    assert await _verbs(lapsed.firm) == ["access.notice-given", "access.withheld"]


async def test_a_passing_run_gives_access_back_by_itself(lapsed: Lapsed) -> None:
    with clock.at(CURE + timedelta(days=3)):
        await sanctions.tell_withheld()
        await actions.lodge(lapsed.actor, lapsed.service.ref, good("1.2.2"))
        assert await sanctions.withheld(lapsed.firm.id, clock.now()) == ""
        assert await certificates.problem(lapsed.firm.id, CORE, clock.now()) == ""
    row = await lapsed.row()
    assert rules.sanction(row, clock.now() + timedelta(days=99)) == "restored"
    assert rules.sanction(row, CURE + timedelta(days=1)) == "withheld", "the past stays as it was"
    assert "Your access is back" in await _subjects()
    assert (await _verbs(lapsed.firm))[-1] == "access.restored"


async def test_access_that_comes_back_before_the_job_came_round_was_withheld_all_the_same(lapsed: Lapsed) -> None:
    with clock.at(CURE + timedelta(days=3)):
        await actions.lodge(lapsed.actor, lapsed.service.ref, good("1.2.2"))
        assert await sanctions.tell_withheld() == 0
    told = [each for each in await _subjects() if each.startswith("Your access")]
    assert [each.split(" until")[0] for each in told] == ["Your access is withheld", "Your access is back"]
    assert await _verbs(lapsed.firm) == ["access.notice-given", "access.withheld", "access.restored"]


async def test_mending_in_time_settles_the_notice_and_nothing_was_withheld(lapsed: Lapsed) -> None:
    with clock.at(given.TODAY + timedelta(days=2)):
        await actions.lodge(lapsed.actor, lapsed.service.ref, good("1.2.2"))
    with clock.at(CURE + timedelta(days=3)):
        assert await sanctions.tell_withheld() == 0
        assert await sanctions.withheld(lapsed.firm.id, clock.now()) == ""
    assert await _verbs(lapsed.firm) == ["access.notice-given", "access.notice-met"]


async def test_withdrawing_the_service_settles_it_too(lapsed: Lapsed) -> None:
    await actions.withdraw_service(lapsed.actor, lapsed.service.ref)
    assert await sanctions.withheld(lapsed.firm.id, CURE + timedelta(days=1)) == ""


async def test_what_could_not_be_checked_never_starts_the_time(lapsed: Lapsed) -> None:
    await actions.lodge(lapsed.actor, lapsed.service.ref, good("1.2.2"))
    before = await Withholding.count()
    await actions.lodge(lapsed.actor, lapsed.service.ref, b"{ no document at all")
    assert await Withholding.count() == before
    (held,) = [each for each in await certificates.of_service(lapsed.service) if each.revoked_at is None]
    assert held.revoked_at is None


async def test_a_withheld_supplier_may_not_apply(lapsed: Lapsed) -> None:
    case = await exercise.opened()
    row = await lapsed.row()
    row.notice_at, row.cure_until = exercise.BEGINS - exercise.DAY * 20, exercise.BEGINS - exercise.DAY
    await row.save([Withholding.notice_at, Withholding.cure_until])
    other = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(exercise.CLOSES - exercise.DAY):
        with pytest.raises(Refused) as refused:
            await applications.apply(lapsed.actor, case.ref, exercise.APPLICATION)
        assert [each.code for each in refused.value.reasons] == ["application.access-withheld"]
        assert (await applications.apply(other, case.ref, exercise.APPLICATION)).submitted_at is not None


async def test_an_appeal_is_answered_by_the_operator_and_a_right_one_gives_access_back(
    lapsed: Lapsed, app: Litestar
) -> None:
    row = await lapsed.row()
    stranger = await given.person(await given.supplier(), "supplier-admin")
    with pytest.raises(NotFound):
        await sanctions.seen_by(stranger, row.ref)
    words = "The document was lodged for the wrong service by mistake; ours has not changed."
    with clock.at(CURE + timedelta(days=1)):
        assert await sanctions.tell_withheld() == 1
        async with given.browser(app) as browser:
            await given.signed_in(browser, lapsed.actor)
            short = await browser.post(f"/standards/notices/{row.ref}/appeal", data={"words": "No."})
            assert short.status_code in (409, 422)
            sent = await browser.post(f"/standards/notices/{row.ref}/appeal", data={"words": words})
            assert sent.status_code == 303, sent.text
            with pytest.raises(Refused):
                await sanctions.appeal(lapsed.actor, row.ref, sanctions.Appeal(words))
            refused = await browser.post(f"/standards/notices/{row.ref}/answer", data={"words": words})
            assert refused.status_code == 403
        async with given.browser(app) as browser:
            await given.signed_in(browser, lapsed.operator)
            assert words in (await browser.get(f"/standards/notices/{row.ref}")).text
            said = "You are right: the document belongs to another service of yours."
            answered = await browser.post(f"/standards/notices/{row.ref}/answer", data={"words": said, "upheld": "yes"})
            assert answered.status_code == 303, answered.text
        assert await sanctions.withheld(lapsed.firm.id, clock.now()) == ""
        async with given.browser(app) as browser:
            register = await browser.get("/standards/register")
            assert "the appeal was right" in register.text
            assert "Drainwise" in register.text
    assert (await _verbs(lapsed.firm))[-2:] == ["access.appeal-answered", "access.restored"]


async def test_an_appeal_comes_in_time(lapsed: Lapsed) -> None:
    row = await lapsed.row()
    with clock.at(sanctions.appeal_until(row) + timedelta(seconds=1)), pytest.raises(Refused) as refused:
        await sanctions.appeal(
            lapsed.actor, row.ref, sanctions.Appeal("It was not our document that failed this time.")
        )
    assert [each.code for each in refused.value.reasons] == ["appeal.too-late"]
