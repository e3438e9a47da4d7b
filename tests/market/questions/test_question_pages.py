"""Questions on pages and for programs: nothing typed is lost, the second officer sees both answers, and both doors say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock, policy
from tests import given
from tests.market.questions.asked_about import BEGINS, DAY, KINDS, AskedAbout, curious

pytestmark = pytest.mark.usefixtures("clean")

MOST = policy.IN_FORCE.questions.most_in_a_day
SOON = BEGINS + DAY
TEXT = "May the gateway be used by everybody?"


@pytest.fixture(params=KINDS)
async def box(request: pytest.FixtureRequest, clean: None) -> AskedAbout:
    return await KINDS[request.param]()


async def test_a_question_waits_unseen_and_is_public_with_its_answer(app: Litestar, box: AskedAbout) -> None:
    asker = await curious()
    with clock.at(SOON):
        async with given.browser(app) as firm, given.browser(app) as officer, given.browser(app) as public:
            await given.signed_in(firm, asker)
            await given.signed_in(officer, box.officers[0])
            assert "Enter your question" in (await firm.post(f"{box.place}/questions", data={})).text
            sent = await firm.post(f"{box.place}/questions", data={"text": TEXT})
            assert sent.headers["location"] == f"{box.place}#questions"
            assert TEXT not in (await public.get(box.place)).text
            assert "Sign in as a supplier to ask" in (await public.get(box.place)).text
            assert "Published with its answer" in (await firm.get(box.place)).text
            assert "Answer: “May the gateway" in (await officer.get(box.place)).text
            (ref,) = [part[:9] for part in (await officer.get(box.place)).text.split("/questions/")[1:]]
            place = f"{box.place}/questions/{ref}"
            assert TEXT in (await officer.get(place)).text
            assert (await firm.get(place)).status_code in (403, 404)
            assert (await officer.post(place, data={"answer": ""})).status_code == 422
            assert (await officer.post(place, data={"answer": "Yes, by everybody."})).status_code == 303
            shown = (await public.get(box.place)).text
            assert TEXT in shown
            assert "Yes, by everybody." in shown
            assert "Curious" not in shown


async def test_the_second_officer_sees_both_answers(app: Litestar, box: AskedAbout) -> None:
    with clock.at(SOON):
        question = await box.ask(await curious())
        place = f"{box.place}/questions/{question.ref}"
        async with given.browser(app) as second:
            await given.signed_in(second, box.officers[1])
            await second.get(place)
            await box.answer(question.ref, "Yes, by everybody.")
            refused = await second.post(place, data={"answer": "Only by the winner."})
    assert refused.status_code == 409
    assert "Yes, by everybody." in refused.text
    assert "Only by the winner." in refused.text
    assert "Your answer, which was not published" in refused.text


async def test_a_question_that_is_refused_stays_in_its_field(app: Litestar, box: AskedAbout) -> None:
    asker = await curious()
    until = (await box.row()).questions_until
    assert until is not None
    async with given.browser(app) as firm:
        with clock.at(SOON):
            await given.signed_in(firm, asker)
            for number in range(MOST):
                await box.ask(asker, f"What about street number {number}?")
            full = await firm.post(f"{box.place}/questions", data={"text": TEXT})
        with clock.at(until + timedelta(minutes=1)):
            await given.signed_in(firm, asker)
            late = await firm.post(f"{box.place}/questions", data={"text": TEXT})
            over = await firm.get(box.place)
    assert (full.status_code, late.status_code) == (429, 409)
    assert TEXT in full.text
    assert f"has asked {MOST} questions about this {box.kind} within a day" in full.text
    assert TEXT in late.text
    assert "Your question, which was not sent" in late.text
    assert "Questions are no longer taken." in over.text


async def test_programs_meet_the_same_rules(app: Litestar, box: AskedAbout) -> None:
    asker, api = await curious(), f"/api/v1{box.place}"
    with clock.at(SOON):
        firm, officer = await given.token(asker), await given.token(box.officers[0])
        async with given.browser(app) as client:
            asked = await client.post(f"{api}/questions", json={"text": TEXT}, headers=firm)
            assert asked.status_code == 201
            ref = asked.json()["ref"]
            seen = [(await client.get(api, headers=who)).json()["questions"] for who in ({}, firm, officer)]
            assert [len(each) for each in seen] == [0, 1, 1]
            to = (
                f"{api}/questions/{ref}/answer"
                if box.kind == "challenge"
                else f"/api/v1/tenders/questions/{ref}/answer"
            )
            answered = await client.post(to, json={"answer": "Yes."}, headers=officer)
            assert (answered.status_code, answered.json()["answer"]) == (200, "Yes.")
            again = await client.post(to, json={"answer": "No."}, headers=officer)
            assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "question.answered-already")
            for number in range(MOST - 1):
                await box.ask(asker, f"What about street number {number}?")
            full = await client.post(f"{api}/questions", json={"text": TEXT}, headers=firm)
            assert (full.status_code, full.json()["reasons"][0]["code"]) == (429, "question.too-many-in-a-day")
            (public,) = (await client.get(api)).json()["questions"]
    assert public == {**answered.json()}
    assert set(public) == {"ref", "text", "asked_at", "answer", "answered_at"}
