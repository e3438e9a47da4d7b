"""A draft is read by a second person before it is published: through the actions, the pages and the API, and how it is attacked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from challenges.drafts import actions as challenges
from challenges.tables import Challenge
from market import clock
from market.accounts.tables import Invitation, Organisation, Person
from market.actor import Actor
from market.audit.tables import Event
from market.db import many, transaction
from market.front.desks import desk
from market.hands.matrix import ROUTES, least
from market.letters.tables import Letter
from market.proof import canonical
from market.refusals import NotFound, Refused
from market.reviewing.matters import matter_of
from market.reviews import actions, readers
from market.reviews.actions import Edits, ReviewRequest
from market.reviews.tables import Review
from market.tenders import actions as tenders
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Tender
from tests import given
from tests.challenges import exercise

pytestmark = pytest.mark.usefixtures("clean")

WHY = "Say in which streets, and how often a crew goes out for nothing."


async def refused(doing: Awaitable[Any]) -> set[str]:
    """The codes with which it is refused."""
    with pytest.raises(Refused) as caught:
        await doing
    return {each.code for each in caught.value.reasons}


async def ask(kind: str, ref: str, actor: Actor, person: Actor, note: str = "") -> Review:
    async with transaction():
        return await actions.ask(actor, await matter_of(kind, ref, lock=True), ReviewRequest(person.ref, note))


async def approve(kind: str, ref: str, actor: Actor, seen: str | None = None) -> Review:
    async with transaction():
        matter = await matter_of(kind, ref, lock=True)
        return await actions.approve(actor, matter, matter.version if seen is None else seen)


async def send_back(kind: str, ref: str, actor: Actor, why: str = WHY) -> Review:
    async with transaction():
        matter = await matter_of(kind, ref, lock=True)
        return await actions.ask_for_edits(actor, matter, matter.version, Edits(why))


async def rename(made: given.Tendering, title: str, by: Actor | None = None) -> None:
    about = drafting.About(
        title, "Sensors that say when a gully stops draining.", given.CODES, "", "", "goods-services"
    )
    seen = await given.as_is(drafting.About, Tender, made.ref)
    await drafting.describe(by or made.officers[0], made.ref, about, seen)


async def drafted() -> tuple[exercise.Exercise, Actor, Actor]:
    """A challenge whose drafter has looked, a colleague of hers, and somebody of the innovation team."""
    made = await exercise.drafted()
    colleague = await given.person(made.buyer, "contract-manager", "Colin Abara", "Contract Manager")
    team = await given.person(await given.organisation("Innovation First", kind="operator"), "operator")
    with clock.at(exercise.BEGINS):
        await given.looked("challenge", made.ref, made.officer)
    return made, colleague, team


async def test_a_challenge_goes_back_and_forth_until_both_have_approved_it() -> None:
    made, colleague, team = await drafted()
    with clock.at(exercise.BEGINS):
        publish = challenges.publish(made.officer, made.ref)
        assert await refused(publish) == {"review.not-approved", "review.team-not-approved"}
        await ask("challenge", made.ref, made.officer, colleague, "Is the fee enough?")
        told = {each.person: each.subject for each in await Letter.objects()}
        assert told[colleague.ref] == told[team.ref] == f"Read before it is published: {exercise.PROBLEM.title}"
        assert [each.text for each in (await desk(colleague)).waiting] == ["Read it before it is published"]
        assert "Read one of the first exercises of Calderwick Council" in [
            each.text for each in (await desk(team)).waiting
        ]
        await send_back("challenge", made.ref, colleague)
        back = (
            await Letter.objects().where(Letter.person == made.officer.ref).order_by(Letter.id, ascending=False).first()
        )
        assert back is not None
        assert back.subject.startswith("Edits asked for")
        assert WHY in back.text
        assert await refused(approve("challenge", made.ref, colleague)) == {"review.not-asked"}
        section = exercise.SUCCESS
        edited = challenges.Success(section.success + " Every street is named.", section.out_of_scope)
        seen = await given.as_is(challenges.Success, Challenge, made.ref)
        await challenges.edit(made.officer, made.ref, edited, seen)
        await ask("challenge", made.ref, made.officer, colleague)
        # What others' work is compared with has other words now.
        assert "review.precedents-of-other-words" in await refused(challenges.publish(made.officer, made.ref))
        await given.looked("challenge", made.ref, made.officer)
        await approve("challenge", made.ref, colleague)
        assert await refused(challenges.publish(made.officer, made.ref)) == {"review.team-not-approved"}
        await approve("challenge", made.ref, team)
        challenge = await challenges.publish(made.officer, made.ref)
    assert challenge.published_at is not None
    event = await Event.objects().get(Event.verb == "challenge.published")
    assert event is not None
    told = canonical.decode(event.body.encode())
    assert told["approved"] == [{"by": colleague.ref, "for": "body"}, {"by": team.ref, "for": "team"}]
    assert told["precedents"] == "nothing"
    reasons = await many("SELECT body, private_body FROM event WHERE verb = 'review.sent-back'")
    assert WHY not in reasons[0]["body"]
    assert WHY in reasons[0]["private_body"]


async def test_an_approval_lapses_with_any_edit_and_holds_again_for_the_very_same_words() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await rename(made, "Sensors for road gullies and culverts")
        await given.looked("tender", made.ref, made.officers[0])
        assert await refused(tenders.publish(made.officers[0], made.ref)) == {"review.not-approved"}
        lot = await drafting.add_lot(made.officers[0], made.ref, drafting.LotDraft("Lot 3", 5_000_00, given.CODES))
        await rename(made, made.tender.title)
        await given.looked("tender", made.ref, made.officers[0])
        found = await readers.steps_of(f"tender:{made.ref}")
        assert [each.kind for each in found] == ["asked", "approved"]
        await drafting.add_criterion(made.officers[0], lot.ref, given.QUALITY)
        await drafting.add_criterion(made.officers[0], lot.ref, given.PRICE)
        assert await refused(tenders.publish(made.officers[0], made.ref)) == {"review.not-approved"}
        await drafting.drop_lot(made.officers[0], lot.ref)
        await given.looked("tender", made.ref, made.officers[0])
        assert (await tenders.publish(made.officers[1], made.ref)).published_at is not None


async def test_every_field_of_every_form_of_a_draft_is_read_and_makes_the_approval_lapse() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(lots=1)
        matter = await matter_of("tender", made.ref)
        names = {fact.name for part in matter.parts for fact in part.facts}
        forms = (*drafting.SECTIONS, drafting.LotDraft, drafting.CriterionDraft)
        assert names == {name for each in forms for name in each.__struct_fields__}
        before = matter.version
        seen = await given.as_is(drafting.Terms, Tender, made.ref)
        await drafting.set_terms(made.officers[0], made.ref, drafting.Terms("Rights stay. All of them."), seen)
        assert (await matter_of("tender", made.ref)).version != before
    challenge = await exercise.drafted()
    names = {fact.name for part in (await matter_of("challenge", challenge.ref)).parts for fact in part.facts}
    kinds = (*challenges.SECTIONS.values(), challenges.MeasureDraft, challenges.CriterionDraft)
    assert names == {name for each in kinds for name in each.__struct_fields__}


async def test_who_wrote_a_part_of_it_is_neither_asked_nor_approves() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        first, second = made.officers
        await rename(made, "Sensors for gullies", second)
        assert await refused(ask("tender", made.ref, first, second)) == {"review.asked-a-drafter"}
        assert await refused(ask("tender", made.ref, first, first)) == {"review.asked-a-drafter"}
        third = await given.person(made.buyer, "evaluator")
        await ask("tender", made.ref, first, third)
        for drafter in (first, second):
            assert "review.same-person" in await refused(approve("tender", made.ref, drafter))
        await approve("tender", made.ref, third)


async def test_whom_the_drafter_invited_yesterday_is_no_second_person() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await rename(made, "Sensors for gullies")
        friend = await given.person(made.buyer, "evaluator")
        row = await Person.objects().get(Person.id == friend.person)
        assert row is not None
        await Invitation.insert(
            Invitation(
                organisation=made.buyer.id,
                email=row.email,
                role="evaluator",
                token_hash="0" * 64,
                invited_by=made.officers[0].person,
                invited_at=clock.now() - timedelta(days=1),
                expires_at=clock.now() + timedelta(days=6),
                accepted_at=clock.now() - timedelta(hours=20),
            )
        )
        assert await refused(ask("tender", made.ref, made.officers[0], friend)) == {"review.asked-a-drafter"}
        honest = await given.person(made.buyer, "evaluator")
        await ask("tender", made.ref, made.officers[0], honest)
        assert await refused(approve("tender", made.ref, friend)) == {"review.one-pair-of-hands"}


async def test_nobody_of_another_body_approves_or_learns_that_there_is_a_draft() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        stranger = await given.person(await given.organisation(), "buyer")
        operator = await given.person(await given.organisation("Team", kind="operator"), "operator")
        await rename(made, "Sensors for gullies")
        await ask("tender", made.ref, made.officers[0], await given.person(made.buyer, "evaluator"))
        with pytest.raises(NotFound):
            await approve("tender", made.ref, stranger)
        assert await refused(approve("tender", made.ref, operator)) == {"review.not-yours"}
        assert await refused(ask("tender", made.ref, made.officers[0], stranger)) == {"review.nobody-to-read-it"}
        with pytest.raises(NotFound):
            await matter_of("supplier", "O-1")


async def test_of_an_edit_and_an_approval_at_once_only_what_was_read_is_approved() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await rename(made, "Sensors for gullies")
        reader = await given.person(made.buyer, "evaluator")
        await ask("tender", made.ref, made.officers[0], reader)
        seen = (await matter_of("tender", made.ref)).version
        tried = await asyncio.gather(
            approve("tender", made.ref, reader, seen),
            rename(made, "Sensors for gullies, and for pumps"),
            return_exceptions=True,
        )
        await given.looked("tender", made.ref, made.officers[0])
        if isinstance(tried[0], Refused):
            assert [each.code for each in tried[0].reasons] == ["review.changed-since-read"]
        assert tried[1] is None
        assert await refused(tenders.publish(made.officers[0], made.ref)) == {"review.not-approved"}


async def test_two_who_approve_at_once_are_one_approval() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await rename(made, "Sensors for gullies")
        readers_ = [await given.person(made.buyer, "evaluator") for _ in range(2)]
        await ask("tender", made.ref, made.officers[0], readers_[0])
        tried = await asyncio.gather(*(approve("tender", made.ref, each) for each in readers_), return_exceptions=True)
        (lost,) = [each for each in tried if isinstance(each, Refused)]
        assert [each.code for each in lost.reasons] == ["review.approved-already"]


async def test_a_second_body_does_not_avoid_the_innovation_team() -> None:
    made, colleague, _team = await drafted()
    for number in range(3):
        await Challenge.insert(
            Challenge(
                buyer=made.buyer.id,
                title=f"Exercise {number}",
                created_at=exercise.BEGINS,
                created_by=made.officer.person,
                published_at=exercise.BEGINS,
                concluded_at=exercise.BEGINS,
                decision="go",
            )
        )
    with clock.at(exercise.BEGINS):
        await ask("challenge", made.ref, made.officer, colleague)
        await approve("challenge", made.ref, colleague)
        assert (await challenges.publish(made.officer, made.ref)).published_at is not None, "three were concluded"
    second = await given.organisation("Calderwick Drains", tier="local", department=None)
    assert await challenges.team_reads(second.id), "a body founded yesterday has concluded none"


async def test_cancelled_and_running_exercises_do_not_count_as_concluded() -> None:
    made = await exercise.drafted()
    for more in ({"cancelled_at": exercise.BEGINS, "concluded_at": exercise.BEGINS}, {}, {}):
        await Challenge.insert(
            Challenge(
                buyer=made.buyer.id,
                title="Another",
                created_at=exercise.BEGINS,
                created_by=made.officer.person,
                published_at=exercise.BEGINS,
                **more,
            )
        )
    assert await challenges.team_reads(made.buyer.id)


async def test_what_is_published_is_not_reviewed_any_more_and_no_step_is_ever_changed() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await made.publish()
        officer, reader = made.officers
        for late in (
            ask("tender", made.ref, officer, reader),
            approve("tender", made.ref, reader),
            send_back("tender", made.ref, reader),
        ):
            assert await refused(late) == {"review.published-already"}
    for change in ("UPDATE review SET kind = 'edits'", "DELETE FROM review", "UPDATE precedent SET reason = 'x'"):
        with pytest.raises(asyncpg.PostgresError):
            await many(change)


async def test_a_body_of_three_of_whom_two_are_lent_can_go_all_the_way() -> None:
    assert {name: least(acts)[0] for name, acts in ROUTES.items() if "draft" in acts} == {
        "An innovation exercise, from its draft to a paid pitch": 3,
        "A tender, from its draft to the first payment": 3,
    }


# ── pages and API ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_pages_lead_from_the_draft_over_the_reader_to_the_public_notice(app: Litestar) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(lots=1)
        await rename(made, "Sensors for gullies and culverts")
        await given.looked("tender", made.ref, made.officers[0])
        reader = await given.person(made.buyer, "evaluator", "Tom Hallworth", "Engineer")
        path = f"/reviews/tender/{made.ref}"
        async with given.browser(app) as ada, given.browser(app) as tom, given.browser(app) as public:
            await given.signed_in(ada, made.officers[0])
            await given.signed_in(tom, reader)
            draft = (await ada.get(f"/tenders/{made.ref}")).text
            assert path in draft
            assert "It was changed since it was approved" in draft
            page = (await ada.get(path)).text
            assert "Changed since approved" in page
            assert "Approve it as it is" not in page
            assert (await public.get(path)).status_code in (303, 401)
            sent = await ada.post(f"{path}/ask", data={"person": made.officers[0].ref})
            assert sent.status_code == 409
            assert "She wrote part of this herself" in sent.text
            assert (await ada.post(f"{path}/ask", data={"person": reader.ref, "note": "The lot"})).status_code == 303
            page = (await tom.get(path)).text
            for words in ("Sensors for gullies and culverts", "Eleven streets", "£156,000", "Approve it as it is"):
                assert words in page, words
            back = await given.filled(tom, f"{path}/edits", {"words": "No."}, at=path)
            assert back.status_code == 409
            assert "Say what to change and why" in back.text
            assert (await given.filled(tom, f"{path}/edits", {"words": WHY}, at=path)).status_code == 303
            assert WHY in (await ada.get(path)).text
            await ada.post(f"{path}/ask", data={"person": reader.ref})
            assert (await given.filled(tom, f"{path}/approve", {}, at=path)).status_code == 303
            assert (await ada.post(f"/tenders/{made.ref}/publish")).status_code == 303
            shown = (await public.get(f"/tenders/{made.ref}")).text
            assert "Approved for publication by Tom Hallworth, Engineer" in shown
            assert WHY not in shown
            assert (await public.get(path)).status_code in (303, 401, 404)


async def test_a_program_that_approves_from_an_old_version_is_refused(app: Litestar) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(lots=1)
        await rename(made, "Sensors for gullies and culverts")
        reader = await given.person(made.buyer, "evaluator")
        path = f"/api/v1/reviews/tender/{made.ref}"
        async with given.browser(app) as client:
            ada, tom = await given.token(made.officers[0]), await given.token(reader)
            sent = await client.post(f"{path}/requests", json={"person": reader.ref}, headers=ada)
            assert sent.status_code == 201
            assert sent.json()["state"] == "waits"
            seen = (await client.get(path, headers=tom)).json()
            await rename(made, "Sensors for gullies, culverts and pumps")
            tries = (("", 428, "record.version-missing"), (seen["etag"], 409, "review.changed-since-read"))
            for match, status, code in tries:
                late = await client.post(
                    f"{path}/approvals", headers={**tom, "if-match": f'"{match}"' if match else ""}
                )
                assert late.status_code == status
                assert [each["code"] for each in late.json()["reasons"]] == [code]
            now = (await client.get(path, headers=tom)).json()
            done = await client.post(f"{path}/approvals", headers={**tom, "if-match": f'"{now["etag"]}"'})
            assert done.status_code == 201
            assert done.json()["state"] == "approved"
            assert [each["kind"] for each in done.json()["steps"]] == ["asked", "approved", "asked", "approved"]
            back = await client.post(
                f"{path}/edits", json={"words": WHY}, headers={**tom, "if-match": f'"{now["etag"]}"'}
            )
            assert back.json()["state"] == "edits"
            stranger = await given.token(await given.person(await given.organisation(), "buyer"))
            assert (await client.get(path, headers=stranger)).status_code == 404


async def test_the_innovation_team_reads_first_exercises_and_nothing_else(app: Litestar) -> None:
    made, _colleague, team = await drafted()
    with clock.at(exercise.BEGINS):
        tendering = await given.tendering()
        async with given.browser(app) as client:
            await given.signed_in(client, team)
            assert (await client.get(f"/reviews/challenge/{made.ref}")).status_code == 200
            assert (await client.get(f"/reviews/tender/{tendering.ref}")).status_code == 404
    assert await Organisation.exists().where(Organisation.kind == "operator")
