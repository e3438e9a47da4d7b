"""Changes to a published challenge: dated, later, told, and never earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar

from challenges.applications import actions as applications
from challenges.changes import actions, rules
from challenges.tables import Challenge, ChallengeAddendum
from market import clock, workdays
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import many
from market.letters.tables import Letter
from market.refusals import Refused, refusals
from tests import given
from tests.challenges import exercise

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
database = pytest.mark.usefixtures("clean")


def changing(at: datetime = NOW, closed: datetime = NOW + 20 * DAY, **then: Any) -> rules.Changing:
    dates: dict[str, Any] = {
        "questions_until": NOW + 10 * DAY,
        "closes_at": closed,
        "pitches_by": NOW + 40 * DAY,
        "decision_by": NOW + 50 * DAY,
    }
    challenge = given.row(Challenge, published_at=NOW - DAY, **dates)
    return rules.Changing(challenge, rules.Dates(**{**dates, **then}), Arrival(at))


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (changing(), []),
        (changing(closes_at=NOW + 25 * DAY), []),
        (changing(closes_at=NOW + 19 * DAY), ["challenge.deadline-earlier"]),
        (changing(closes_at=NOW + 41 * DAY), ["challenge.change-out-of-order"]),
        (changing(closes_at=NOW + 41 * DAY, pitches_by=NOW + 45 * DAY), []),
        (changing(pitches_by=NOW + 51 * DAY), ["challenge.change-out-of-order"]),
        (changing(at=NOW + 15 * DAY), []),
        (changing(at=NOW + 16 * DAY), ["challenge.change-too-late"]),
        (changing(at=NOW + 20 * DAY - timedelta(minutes=1)), ["challenge.change-too-late"]),
        (changing(at=NOW + 21 * DAY), ["challenge.closed-to-changes", "challenge.change-too-late"]),
    ],
)
def test_what_a_change_of_a_challenge_insists_on(situation: rules.Changing, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.CHANGE, situation)] == codes


def test_questions_and_answers_move_with_a_later_deadline_and_stay_without_one() -> None:
    before, closed, later = NOW + 2 * DAY, NOW + 10 * DAY, NOW + 30 * DAY
    assert rules.questions_until(before, closed, closed, NOW) == before
    moved = rules.questions_until(before, closed, later, NOW)
    assert before < moved <= workdays.answers_due_at(later)


@database
async def test_a_change_is_added_the_dates_move_and_who_applied_is_told() -> None:
    made = await exercise.opened()
    firm = await given.person(await given.supplier(), "supplier-admin")
    stranger = await given.person(await given.supplier(), "supplier-admin")
    await applications.apply(firm, made.ref, exercise.APPLICATION)
    before = await made.row()
    assert before.closes_at is not None
    later = before.closes_at + DAY
    await actions.change(made.officer, made.ref, actions.Change("A day more for everybody who asked.", later))
    now_is = await made.row()
    assert now_is.closes_at == later
    assert now_is.questions_until >= before.questions_until
    (addendum,) = await actions.addenda_of(now_is)
    assert (addendum.closed_at_before, addendum.new_closes_at) == (before.closes_at, later)
    told = [each.template for each in await Letter.objects().where(Letter.person == firm.ref).order_by(Letter.id)]
    assert "challenges/changed.txt" in told
    assert await Letter.count().where(Letter.person == stranger.ref) == 0
    assert await Event.exists().where(Event.verb == "challenge.changed")
    earlier = actions.Change("A day less for everybody.", before.closes_at)
    with pytest.raises(Refused) as refused:
        await actions.change(made.officer, made.ref, earlier)
    assert [each.code for each in refused.value.reasons] == ["challenge.deadline-earlier"]
    with pytest.raises(Exception, match="append-only"):
        await many("DELETE FROM challenge_addendum")
    with clock.at(later - DAY), pytest.raises(Refused) as refused:
        await actions.change(made.officer, made.ref, actions.Change("One thing more, at the end."))
    assert [each.code for each in refused.value.reasons] == ["challenge.change-too-late"]


@database
async def test_pages_and_programs_change_a_challenge_and_strangers_do_not(app: Litestar) -> None:
    made = await exercise.opened()
    stranger = await given.person(await given.organisation(), "buyer")
    path = f"/challenges/{made.ref}/change"
    async with given.browser(app) as client:
        await given.signed_in(client, stranger)
        assert (await client.post(path, data={"text": "Nothing of ours at all."})).status_code == 403
        await given.signed_in(client, made.officer)
        assert "Add a change" in (await client.get(path)).text
        assert (await client.post(path, data={"text": "Short"})).status_code == 422
        assert (await client.post(path, data={"text": "A gully is an iron box."})).status_code == 303
        section = await client.get(f"/challenges/{made.ref}/draft/success")
        assert (section.status_code, section.headers["location"]) == (303, f"/challenges/{made.ref}/manage")
        assert "Add a change to it instead" in (await client.get(section.headers["location"])).text
        with clock.at(exercise.CLOSED):
            await given.signed_in(client, made.officer)
            late = (await client.get(path)).text
            assert "Applications are no longer taken" in late
            assert "Publish the change" not in late
            kept = await client.post(path, data={"text": "A gully is an iron box below the road."})
            assert (kept.status_code, "below the road" in kept.text) == (409, True)
            place = path.replace("/change", "/cancel")
            assert "Cancel the challenge" in (await client.get(place)).text
        assert "A gully is an iron box." in (await client.get(f"/challenges/{made.ref}")).text
        answer = await client.post(
            f"/api/v1/challenges/{made.ref}/changes",
            json={"text": "A gully is an iron box in the road."},
            headers=await given.token(made.officer),
        )
    assert answer.status_code == 201, answer.text
    assert [each["text"] for each in answer.json()["addenda"]] == [
        "A gully is an iron box.",
        "A gully is an iron box in the road.",
    ]
    assert await ChallengeAddendum.count() == 2
