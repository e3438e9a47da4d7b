"""Waivers are reviewed while they live: rules as truth tables, then what auditors, ministers and buyers do, and what was tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from market import clock, workdays
from market.actor import Actor
from market.audit.tables import Event
from market.db import find, many
from market.drafts import Overtaken
from market.letters.tables import Letter
from market.money import Money
from market.refusals import Refused, refusals
from market.seed.authenticator import Authenticator
from market.tenders import readers as tenders
from market.waivers import actions as waivers
from market.waivers import desk, listing
from market.waivers import rules as waiver_rules
from market.waivers.reviews import actions, readers, rules
from market.waivers.tables import Waiver, WaiverReview
from tests import given
from tests.market.waivers.test_waiver_actions import request

pytestmark = pytest.mark.usefixtures("clean")

NOW = given.TODAY
DAY = timedelta(days=1)
WHY = "The town has finished an exercise of its own since, and what it found does not support the waiver's statement."


def review(**facts: Any) -> rules.Review:
    said = {"ref": "WR-1", "begins_at": NOW - DAY, "answer_by": NOW + 10 * DAY, "currency": "GBP", **facts}
    return given.facts(rules.Review, **said)


@pytest.mark.parametrize(
    ("stage", "before", "why", "codes"),
    [
        ("in-force", [], WHY, []),
        ("in-force", [review(begins_at=NOW + DAY)], WHY, []),
        ("in-force", [review(answered_at=NOW)], WHY, []),
        ("in-force", [review()], WHY, ["review.open-already"]),
        ("suspended", [], WHY, ["review.not-in-force"]),
        ("expired", [], WHY, ["review.not-in-force"]),
        ("in-force", [], "Look.", ["review.why-short"]),
    ],
)
def test_who_may_call_for_a_review(stage: Any, before: list[rules.Review], why: str, codes: list[str]) -> None:
    calling = rules.Calling(stage, before, why, given.TODAY)  # type: ignore[arg-type]
    assert [each.code for each in refusals(rules.CALL, calling)] == codes


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"stage": "suspended"}, []),
        ({"answer": "revokes"}, []),
        ({"review": review(answered_at=NOW)}, ["review.answered-already"]),
        ({"review": review(begins_at=NOW + DAY)}, ["review.not-begun"]),
        ({"stage": "revoked"}, ["review.waiver-over"]),
        ({"answer": "maybe"}, ["review.answer-unknown"]),
        ({"says": "Yes."}, ["review.says-short"]),
        ({"answer": "narrows"}, ["review.narrows-nothing"]),
        ({"answer": "narrows", "new_until": NOW + 10 * DAY}, []),
        ({"answer": "narrows", "new_until": NOW + 31 * DAY}, ["review.narrows-nothing"]),
        ({"answer": "narrows", "new_until": NOW - DAY}, ["review.narrows-nothing"]),
        ({"answer": "narrows", "new_ceiling_minor": 99_00}, []),
        ({"answer": "narrows", "new_ceiling_minor": 100_00}, ["review.narrows-nothing"]),
        ({"answer": "narrows", "new_ceiling_minor": 0}, ["review.narrows-nothing"]),
        ({"answer": "narrows", "new_until": NOW + 10 * DAY, "new_ceiling_minor": 101_00}, ["review.narrows-nothing"]),
    ],
)
def test_what_a_minister_may_answer(facts: dict[str, Any], codes: list[str]) -> None:
    said: dict[str, Any] = {
        "review": review(),
        "stage": "in-force",
        "answer": "keeps",
        "says": WHY,
        "new_until": None,
        "new_ceiling_minor": None,
        "valid_until": NOW + 30 * DAY,
        "ceiling": Money(100_00),
        "now": NOW,
        **facts,
    }
    assert [each.code for each in refusals(rules.ANSWER, rules.Answering(**said))] == codes


def test_a_review_begins_when_half_of_the_life_is_over() -> None:
    begins = rules.begins_at(NOW, NOW + 180 * DAY)
    assert workdays.local_day(begins) == (NOW + 90 * DAY).date()
    assert workdays.local_day(rules.answer_by(begins)) == (NOW + 110 * DAY).date()


@dataclass
class Granted:
    """A signed waiver for a draft, which the minister signed today for half a year."""

    made: given.Tendering
    minister: Actor
    device: Authenticator
    auditor: Actor
    waiver: Waiver

    async def call(self) -> WaiverReview:
        return await actions.call(self.auditor, self.waiver.ref, actions.Call(WHY))

    async def answer(self, ref: str, answer: str = "keeps", **facts: Any) -> WaiverReview:
        await self.write(ref, answer, **facts)
        options = await actions.begin_signing(self.minister, self.waiver.ref, ref, await self.version(ref))
        return await actions.sign(self.minister, self.waiver.ref, ref, json.dumps(self.device.sign(options)))

    async def write(self, ref: str, answer: str, **facts: Any) -> WaiverReview:
        """Written from what is there now."""
        seen = readers.version(await readers.review(self.waiver.ref, ref))
        return await actions.write(self.minister, self.waiver.ref, ref, actions.AnswerDraft(answer, WHY, **facts), seen)

    async def version(self, ref: str) -> str:
        """Of the answer that is written down now."""
        return readers.version(await readers.review(self.waiver.ref, ref))

    async def stage(self) -> str:
        return waiver_rules.stage(await find(Waiver, Waiver.ref == self.waiver.ref), clock.now())


@pytest.fixture
def today() -> Iterator[datetime]:
    with clock.at(given.TODAY):
        yield given.TODAY


async def granted() -> Granted:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    auditor = await given.person(await given.organisation(kind="audit"), "auditor", "Agnes Wylie")
    asked = await waivers.ask(made.officers[0], made.ref, request())
    signed = await waivers.sign(
        minister, asked.ref, json.dumps(device.sign(await waivers.begin_signing(minister, asked.ref)))
    )
    return Granted(made, minister, device, auditor, signed)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def test_unanswered_it_opens_nothing_by_its_dates_alone(today: datetime) -> None:
    """No job runs: the gate, the register and the page know."""
    there = await granted()
    called = await there.call()
    with clock.at(called.answer_by):
        assert await there.stage() == "in-force", "the last second is still in time"
    with clock.at(called.answer_by + timedelta(seconds=1)):
        assert await there.stage() == "suspended"
        with pytest.raises(Refused) as refused:
            await there.made.publish()
        assert "tender.innovation-first" in codes(refused)
        assert "is suspended" in refused.value.reasons[0].reason
        assert [each.ref for each in await listing.listed("suspended")] == [there.waiver.ref]
        assert (await waivers.statistics()).in_force == 0


async def test_answered_late_it_opens_again(today: datetime) -> None:
    there = await granted()
    called = await there.call()
    with clock.at(called.answer_by + DAY):
        await there.write(called.ref, "keeps")
        assert await there.stage() == "suspended", "what is written down does nothing"
        options = await actions.begin_signing(
            there.minister, there.waiver.ref, called.ref, await there.version(called.ref)
        )
        answer = json.dumps(there.device.sign(options))
        await actions.sign(there.minister, there.waiver.ref, called.ref, answer)
        assert await there.stage() == "in-force"
        event = await Event.objects().where(Event.verb == "waiver.reviewed").first()
        assert event is not None
        told = await Letter.objects().where(Letter.subject.like("%was reviewed: Keep it as it is"))
        assert len(told) == 3, "two of the buyer, and the auditor who called"
        candidate = await tenders.candidate(there.made.ref)
        assert next(each for each in candidate.evidence if each.ground == "waiver").suspends_at is not None, (
            "the review by its date is still owed"
        )


async def test_the_day_of_its_review_comes_by_itself(today: datetime) -> None:
    there = await granted()
    (by_date,) = await readers.reviews_of(there.waiver.ref)
    assert by_date.called_by == ""
    with pytest.raises(Refused) as early:
        await there.answer(by_date.ref)
    assert codes(early) == ["review.not-begun"]
    with clock.at(by_date.begins_at + DAY):
        assert await actions.tell_waiting() == 1
        assert await actions.tell_waiting() == 0
        assert await Letter.exists().where(Letter.subject.like("Answer by%"))
        waiting = await desk.waiting(there.minister)
        assert [each.text for each in waiting] == ["Answer the review of a waiver: does it still hold?"]
    with clock.at(by_date.answer_by + DAY):
        assert await there.stage() == "suspended"
        assert await actions.tell_waiting() == 1
        assert await Letter.exists().where(Letter.subject.like("The waiver for % is suspended"))


async def test_narrowed_it_opens_less_and_for_a_shorter_time(today: datetime) -> None:
    there = await granted()
    called = await there.call()
    await there.answer(called.ref, "narrows", ends_on=(NOW + 30 * DAY).date(), ceiling_minor=15_599_999)
    with pytest.raises(Refused) as refused:
        await there.made.publish()
    assert "was signed for £155,999.99" in refused.value.reasons[0].reason
    row = await find(Waiver, Waiver.ref == there.waiver.ref)
    assert row.valid_until == workdays.end_of_day((NOW + 30 * DAY).date())
    assert json.loads(row.document)["tender"]["value_minor"] == 15_600_000, "what she signed first stays as it was"


async def test_revoked_by_the_answer_it_opens_nothing(today: datetime) -> None:
    there = await granted()
    await there.answer((await there.call()).ref, "revokes")
    assert await there.stage() == "revoked"
    with pytest.raises(Refused) as refused:
        await there.made.publish()
    assert "was revoked" in refused.value.reasons[0].reason


async def test_neither_the_buyer_nor_an_auditor_answers_and_only_an_auditor_calls(today: datetime) -> None:
    there = await granted()
    for actor in (there.made.officers[0], there.minister):
        with pytest.raises(Refused):
            await actions.call(actor, there.waiver.ref, actions.Call(WHY))
    called = await there.call()
    with pytest.raises(Refused) as again:
        await there.call()
    assert codes(again) == ["review.open-already"]
    for actor in (there.made.officers[0], there.auditor):
        with pytest.raises(Refused):
            await actions.write(actor, there.waiver.ref, called.ref, actions.AnswerDraft("keeps", WHY), "")
    with pytest.raises(Refused) as unwritten:
        await actions.begin_signing(there.minister, there.waiver.ref, called.ref, await there.version(called.ref))
    assert codes(unwritten) == ["review.not-written"]


async def test_an_answer_that_was_changed_after_it_was_read_is_not_signed(today: datetime) -> None:
    there = await granted()
    called = await there.call()
    await there.write(called.ref, "revokes")
    options = await actions.begin_signing(there.minister, there.waiver.ref, called.ref, await there.version(called.ref))
    await there.write(called.ref, "keeps")
    with pytest.raises(Refused) as refused:
        await actions.sign(there.minister, there.waiver.ref, called.ref, json.dumps(there.device.sign(options)))
    assert codes(refused) == ["waiver.changed-meanwhile"]


async def test_an_open_page_does_not_sign_what_another_minister_wrote_meanwhile(app: Litestar) -> None:
    """She reads “revokes”, a colleague writes “keeps”, she signs: refused, with both to be read, until she has seen the other."""
    there = await granted()
    called = await there.call()
    await there.write(called.ref, "revokes")
    read = await there.version(called.ref)
    other, _device = await given.minister(there.made.buyer)
    other_says = (
        "The town's exercise was about another street, so that the reasons of this waiver still stand as they were."
    )
    await actions.write(other, there.waiver.ref, called.ref, actions.AnswerDraft("keeps", other_says), read)
    place = f"/waivers/{there.waiver.ref}/reviews/{called.ref}"
    async with given.browser(app) as client:
        await given.signed_in(client, there.minister, "passkey")
        script = {"accept": "application/json"}
        refused = await client.post(f"{place}/options", data={"version": read}, headers=script)
        assert refused.status_code == 409
        told = refused.json()
        assert [each["code"] for each in told["reasons"]] == ["review.rewritten-meanwhile"]
        assert f"{other.name} wrote another answer meanwhile" in told["detail"]
        assert "Keep it as it is" in told["detail"]
        assert other_says in told["detail"]
        assert told["stored"]["answer"] == "keeps"
        headers = await given.token(there.minister)
        program = await client.post(f"/api/v1{place}/sign/options", headers={**headers, "if-match": read})
        assert (program.status_code, program.json()["etag"]) == (409, told["etag"])
        assert (await client.post(f"/api/v1{place}/sign/options", headers=headers)).status_code == 428
        assert (await client.post(f"{place}/options", data={"version": told["etag"]})).status_code == 200
    assert (await readers.review(there.waiver.ref, called.ref)).answered_at is None


async def test_of_two_answers_written_from_the_same_one_the_second_is_told(today: datetime) -> None:
    there = await granted()
    called = await there.call()
    opened = readers.version(await readers.review(there.waiver.ref, called.ref))
    await there.write(called.ref, "keeps")
    draft = actions.AnswerDraft("revokes", WHY)
    with pytest.raises(Overtaken) as told:
        await actions.write(there.minister, there.waiver.ref, called.ref, draft, opened)
    assert told.value.stored["answer"] == "keeps"
    assert told.value.by == there.minister.name
    with pytest.raises(Refused) as blind:
        await actions.write(there.minister, there.waiver.ref, called.ref, draft, "")
    assert codes(blind) == ["record.version-missing"]
    await actions.write(there.minister, there.waiver.ref, called.ref, draft, told.value.version)
    assert (await readers.review(there.waiver.ref, called.ref)).answer == "revokes"


async def test_a_review_cannot_be_put_off_or_rewritten_in_the_database(today: datetime) -> None:
    there = await granted()
    called = await there.call()
    await there.answer(called.ref)
    for change in ("answer_by = answer_by + interval '1 year'", "answer = 'revokes'", "called_by = NULL"):
        with pytest.raises(asyncpg.PostgresError):
            await many(f"UPDATE waiver_review SET {change} WHERE ref = '{called.ref}'")
    with pytest.raises(asyncpg.PostgresError):
        await many("DELETE FROM waiver_review")


async def test_pages_and_api_call_answer_and_show(app: Litestar) -> None:
    there = await granted()
    place, api = f"/waivers/{there.waiver.ref}", f"/api/v1/waivers/{there.waiver.ref}/reviews"
    async with given.browser(app) as auditors, given.browser(app) as hers, given.browser(app) as public:
        await given.signed_in(auditors, there.auditor, "passkey")
        await given.signed_in(hers, there.minister, "passkey")
        assert "Call for a review" in (await auditors.get(place)).text
        assert "Call for a review" not in (await public.get(place)).text
        short = await auditors.post(f"{place}/review", data={"why": "Look."})
        assert short.status_code == 409
        assert (await auditors.post(f"{place}/review", data={"why": WHY})).status_code == 303
        assert "The town has finished an exercise of its own since" in (await public.get(place)).text
        called = (await readers.reviews_of(there.waiver.ref))[0]
        answer = f"{place}/reviews/{called.ref}"
        assert "Does it still hold?" in (await hers.get(place)).text
        seen = readers.version(called)
        assert f'name="version" value="{seen}"' in (await hers.get(place)).text
        blind = await hers.post(answer, data={"answer": "keeps", "says": WHY})
        assert blind.status_code == 428
        empty = await hers.post(answer, data={"answer": "narrows", "says": WHY, "version": seen})
        assert empty.status_code == 409
        assert "Say an earlier last day" in empty.text
        assert (await hers.post(answer, data={"answer": "keeps", "says": WHY, "version": seen})).status_code == 303
        late = await hers.post(answer, data={"answer": "revokes", "says": WHY, "version": seen})
        assert late.status_code == 409
        assert (await readers.review(there.waiver.ref, called.ref)).answer == "keeps"
        assert "Sign your answer with your passkey" in (await hers.get(place)).text
        hidden = (await public.get(api)).json()["items"][0]
        assert (hidden["ref"], hidden["answer"], hidden["etag"]) == (called.ref, "", "")
        known = (await public.get(api, headers=await given.token(there.minister))).json()["items"][0]["etag"]
        assert known == readers.version(await readers.review(there.waiver.ref, called.ref)) != seen
        shown = (await hers.get(place)).text
        assert shown.count(f'name="version" value="{known}"') == 2, (
            "in the form that signs, and in the one that writes anew"
        )
        assert (await hers.post(f"{answer}/options")).status_code == 428
        options = await hers.post(f"{answer}/options", data={"version": known})
        credential = json.dumps(there.device.sign(options.json()))
        assert (await hers.post(f"{answer}/sign", data={"credential": credential})).status_code == 303
        assert "Answered by Helena Marchbanks" in (await public.get(place)).text
        assert (await public.get(api)).json()["items"][0]["answer"] == "keeps"
        assert (await public.get(f"{answer}/bundle.json")).status_code == 200
