"""A buyer looks at what others have done before she publishes; what she was shown and what she answered is kept and public."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from litestar import Litestar

from challenges.drafts.actions import Problem, draft
from challenges.tables import Challenge, InsightReport
from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import announce
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.proof import canonical
from market.refusals import NotFound, Refused
from market.reviews import whole
from market.reviews.readers import looked
from search import outbox
from search.index import Index, IndexUnavailable
from search.precedents import actions as precedents
from search.tables import LookedAt
from tests import given, given_tenders
from tests.search.engines import embedded as engine

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")

PROBLEM = Problem(
    title="Cracks in river bridges are found too late",
    problem="Our bridges over tidal rivers are inspected from boats by divers, twice a year. Floods tear at the piers.",
    who_has_it="The county's bridge engineers",
)


async def drafting() -> tuple[Organisation, Actor, Challenge]:
    body = await given.organisation("County of Northmoor")
    officer = await given.person(body, "buyer")
    return body, officer, await draft(officer, body.id, PROBLEM)


async def learnt() -> InsightReport:
    """What another body learnt about bridges, published and found."""
    body = await given.organisation("County of Southmoor")
    officer = await given.person(body, "buyer")
    earlier = await draft(officer, body.id, Problem(title="Bridges and floods, seen from the air"))
    await Challenge.update({Challenge.published_at: clock.now()}).where(Challenge.id == earlier.id)
    report = InsightReport(
        challenge=earlier.id,
        title="What drones see of bridges in floods",
        tried="Five teams flew under bridges",
        worked="Cracks in piers were seen two days after floods",
        written_by=officer.person,
        published_at=clock.now(),
    )
    await report.save()
    for number in range(6):
        await announce(f"supplier:{(await given.supplier(f'Firm {number} Ltd')).ref}")
    await announce(f"insight_report:{report.ref}", f"challenge:{earlier.ref}")
    await outbox.drain()
    return report


def as_seen(shown: list[precedents.Shown], answer: str, **more: str) -> precedents.PrecedentAnswer:
    given_ = {"answer": answer, "seen": precedents.fingerprint(shown), **more}
    return msgspec.convert(given_, precedents.PrecedentAnswer)


NONE = "We asked the six neighbouring councils; none has tried it."


@pytest.fixture
def looking(engine: Index, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setattr(precedents, "index", lambda: engine)
    return engine


async def test_the_report_on_the_same_problem_is_shown_with_the_words_it_shares(looking: Index) -> None:
    report = await learnt()
    _, _, challenge = await drafting()
    shown = await precedents.alike(await precedents.subject_of("challenge", challenge.ref))
    assert shown[0].id == f"insight_report:{report.ref}"
    assert {"bridges", "floods"} <= set(shown[0].shared)
    assert f"challenge:{challenge.ref}" not in {each.id for each in shown}


async def test_her_answer_is_kept_with_what_she_saw_and_sealed_until_she_publishes(looking: Index) -> None:
    report = await learnt()
    body, officer, challenge = await drafting()
    subject = await precedents.subject_of("challenge", challenge.ref)
    shown = await precedents.alike(subject)
    why = "Ours are tidal: the water never leaves the piers dry."
    await precedents.compare(officer, "challenge", challenge.ref, as_seen(shown, "differs", reason=why))
    ((row, kept),) = await precedents.answers(subject)
    assert kept == shown
    assert (row.answer, row.reason, row.chosen) == ("differs", why, "")
    event = await Event.objects().get(Event.verb == "draft.compared")
    assert event is not None
    assert event.sealed_by == f"publication:challenge:{challenge.ref}"
    assert event.organisation == body.ref
    told = canonical.decode(event.body.encode())
    assert told["shown"] == [each.id for each in shown]
    assert f"insight_report:{report.ref}" in told["shown"]
    log = b"".join([piece async for piece in public_log()]).decode()
    assert why not in log


@pytest.mark.parametrize(
    ("answer", "more", "code"),
    [
        ("differs", {"reason": "it does"}, "search.difference-missing"),
        ("differs", {"reason": "x"}, "search.difference-missing"),
        ("reuse", {"reason": "x"}, "search.difference-missing"),
        ("reuse", {}, "search.chosen-missing"),
        ("join", {"chosen": "insight_report:IR-NOWHERE"}, "search.chosen-missing"),
        ("nothing", {}, "search.answer-fits-not"),
        ("differs", {"seen": "another list", "reason": "Ours are tidal, theirs are not."}, "search.list-changed"),
    ],
)
async def test_an_answer_that_answers_nothing_is_refused(
    looking: Index, answer: str, more: dict[str, str], code: str
) -> None:
    await learnt()
    _, officer, challenge = await drafting()
    shown = await precedents.alike(await precedents.subject_of("challenge", challenge.ref))
    with pytest.raises(Refused) as refused:
        await precedents.compare(officer, "challenge", challenge.ref, as_seen(shown, answer, **more))
    assert code in {each.code for each in refused.value.reasons}
    assert await LookedAt.count() == 0


async def test_nobody_else_compares_a_draft_and_nobody_a_published_one(looking: Index) -> None:
    _, officer, challenge = await drafting()
    stranger = await given.person(await given.organisation(), "buyer")
    with pytest.raises(NotFound):
        await precedents.compare(stranger, "challenge", challenge.ref, as_seen([], "nothing", reason=NONE))
    await precedents.compare(officer, "challenge", challenge.ref, as_seen([], "nothing", reason=NONE))
    there = await given_tenders.published()
    with pytest.raises(Refused) as refused:
        await precedents.compare(there.officer, "tender", there.tender.ref, as_seen([], "nothing", reason=NONE))
    assert "search.published-already" in {each.code for each in refused.value.reasons}


async def test_while_the_search_is_down_the_draft_says_so_and_nothing_is_kept(
    looking: Index, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, officer, challenge = await drafting()

    async def down(*_: object) -> None:
        raise IndexUnavailable("down")

    monkeypatch.setattr(looking, "_totals", down)
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        page = await client.get(f"/search/similar/challenge/{challenge.ref}")
        assert page.status_code == 200
        assert "being put right" in page.text
        posted = await client.post(
            f"/search/similar/challenge/{challenge.ref}",
            data={"answer": "nothing", "seen": precedents.fingerprint([])},
        )
    assert posted.status_code == 503
    assert await LookedAt.count() == 0


async def test_the_pages_lead_from_the_draft_to_the_answer_and_show_it_to_everybody_afterwards(
    looking: Index, app: Litestar
) -> None:
    report = await learnt()
    _, officer, challenge = await drafting()
    path = f"/search/similar/challenge/{challenge.ref}"
    async with given.browser(app) as stranger, given.browser(app) as client:
        await given.signed_in(client, officer)
        draft = (await client.get(f"/challenges/{challenge.ref}/draft")).text
        assert path in draft
        assert (await stranger.get(path)).status_code == 404
        page = (await client.get(path)).text
        assert "What drones see of bridges in floods" in page
        seen = page.split('name="seen" value="')[1].split('"')[0]
        wrong = await client.post(path, data={"seen": seen, "answer": "join"})
        assert wrong.status_code == 409
        assert "Choose which of those above it is." in wrong.text
        kept = {
            "seen": seen,
            "answer": "reuse",
            "chosen": f"insight_report:{report.ref}",
            "reason": "We begin where they ended.",
        }
        assert (await client.post(path, data=kept)).status_code == 303
        assert "We begin where they ended." in (await client.get(path)).text
        await Challenge.update({Challenge.published_at: clock.now() + timedelta(seconds=1)}).where(
            Challenge.id == challenge.id
        )
        public = (await stranger.get(path)).text
        assert "Before this was published the buyer looked at" in public
        assert "The buyer reuses" in public
        assert "We begin where they ended." in public
        assert path in (await stranger.get(f"/challenges/{challenge.ref}")).text
        assert (await stranger.get("/search/similar/supplier/O-1")).status_code == 404


async def test_a_tender_is_compared_by_its_lots_too_and_its_waiver_shows_the_answer(
    looking: Index, app: Litestar
) -> None:
    await learnt()
    there = await given.tendering(title="Inspection of bridges before floods", exercised=False)
    shown = await precedents.alike(await precedents.subject_of("tender", there.ref))
    assert shown
    why = "Theirs was an exercise; we buy what it found."
    await precedents.compare(there.officers[0], "tender", there.ref, as_seen(shown, "differs", reason=why))
    async with given.browser(app) as client:
        await given.signed_in(client, there.officers[0])
        assert f"/search/similar/tender/{there.ref}" in (await client.get(f"/tenders/{there.ref}")).text
        assert f"/search/similar/tender/{there.ref}" in (await client.get(f"/tenders/{there.ref}/waiver")).text
        assert why in (await client.get(f"/search/similar/tender/{there.ref}")).text


async def test_an_answer_of_one_letter_or_of_another_draft_answers_for_nothing(looking: Index) -> None:
    body, officer, challenge = await drafting()
    short = precedents.compare(officer, "challenge", challenge.ref, as_seen([], "nothing", reason="x"))
    with pytest.raises(Refused) as refused:
        await short
    assert {each.code for each in refused.value.reasons} == {"search.difference-missing"}
    await precedents.compare(officer, "challenge", challenge.ref, as_seen([], "nothing", reason=NONE))
    other = await given.tendering(body)
    for copied in (NONE, f"  {NONE.upper()} ", NONE.replace(" ", "\n ")):
        with pytest.raises(Refused) as refused:
            await precedents.compare(other.officers[0], "tender", other.ref, as_seen([], "nothing", reason=copied))
        assert {each.code for each in refused.value.reasons} == {"search.answer-copied"}
    await precedents.compare(officer, "challenge", challenge.ref, as_seen([], "nothing", reason=NONE))


async def test_publication_knows_the_answer_and_the_words_it_was_for(looking: Index) -> None:
    made = await given.tendering()
    await precedents.compare(made.officers[0], "tender", made.ref, as_seen([], "nothing", reason=NONE))
    kept = await looked(f"tender:{made.ref}")
    assert kept is not None
    assert (kept.answer, kept.reason, kept.found) == ("nothing", NONE, 0)
    assert kept.version == whole.digest_of((await precedents.subject_of("tender", made.ref)).text)


async def test_programs_look_answer_and_are_told_when_the_list_changed(looking: Index, app: Litestar) -> None:
    report = await learnt()
    _, officer, challenge = await drafting()
    path = f"/api/v1/precedents/challenge/{challenge.ref}"
    async with given.browser(app) as client:
        mine = await given.token(officer)
        assert (await client.get(path)).status_code == 404
        alike = (await client.get(path, headers=mine)).json()
        assert alike["shown"][0]["id"] == f"insight_report:{report.ref}"
        said = {"seen": alike["seen"], "answer": "differs", "reason": "Ours are tidal: the piers never fall dry."}
        stale = await client.post(path, json={**said, "seen": "an older list"}, headers=mine)
        assert [each["code"] for each in stale.json()["reasons"]] == ["search.list-changed"]
        kept = await client.post(path, json=said, headers=mine)
        assert kept.status_code == 201
        assert kept.json()["answers"][0]["reason"] == said["reason"]
        stranger = await given.token(await given.person(await given.organisation(), "buyer"))
        assert (await client.post(path, json=said, headers=stranger)).status_code == 404
