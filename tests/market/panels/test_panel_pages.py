"""Marking and explaining as people type and programs ask, where something was changed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from litestar import Litestar

from market import clock, drafts
from market.panels import actions as panels
from market.panels.panel import field
from market.panels.tables import Consensus
from tests import given
from tests.market.panels.given_panels import KINDS, Judged

pytestmark = pytest.mark.usefixtures("clean")

Kind = Callable[[], Awaitable[Judged]]
each_kind = pytest.mark.parametrize("kind", KINDS)


def typed(marks: panels.Marks, **more: str) -> dict[str, str]:
    """What is typed into the form."""
    points = {field("points", each.criterion): str(each.points) for each in marks.marks}
    return {**points, **{field("reason", each.criterion): each.reason for each in marks.marks}, **more}


@each_kind
async def test_every_mark_has_its_word_and_every_mistake_stands_beside_its_field(app: Litestar, kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.declare(case.members[0])
        async with given.browser(app) as client:
            await given.signed_in(client, case.members[0])
            await client.post(f"{case.page}/read")
            page = await client.get(case.page)
            assert "0 not answered, 20 poor, 40 weak, 60 acceptable, 80 good, 100 excellent" in page.text
            good = await case.marks(85)
            points, reason = (field("points", good.marks[0].criterion), field("reason", good.marks[1].criterion))
            refused = await given.filled(client, case.page, typed(good, **{points: "eighty", reason: ""}))
            assert refused.status_code == 422
            assert f'href="#{points}"' in refused.text
            assert f'href="#{reason}"' in refused.text
            assert 'value="eighty"' in refused.text
            for subject in case.subjects:
                await panels.mark(case.members[0], case.convene, subject, good, drafts.NOTHING)
            assert (await client.post(f"{case.home}/submit")).status_code == 303
            assert "85 (good)" in (await client.get(case.page)).text


@each_kind
async def test_a_program_states_the_version_its_marks_are_changed_from(app: Litestar, kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.declare(case.members[0])
        token = await given.token(case.members[0])
        marks = [{"criterion": m.criterion, "points": 70, "reason": "So."} for m in (await case.marks(70)).marks]
        async with given.browser(app) as client:
            unsaid = await client.put(case.program, headers=token, json={"marks": marks})
            assert unsaid.status_code == 428
            for seen, status in ((drafts.NOTHING, 200), (drafts.NOTHING, 409)):
                headers = {**token, "if-match": seen}
                answer = await client.put(case.program, headers=headers, json={"marks": marks})
                assert answer.status_code == status
            problem = answer.json()
            assert [reason["code"] for reason in problem["reasons"]] == ["record.changed-meanwhile"]
            assert 70 in problem["stored"].values()
            knowing = {**token, "if-match": f'"{problem["etag"]}"'}
            assert (await client.put(case.program, headers=knowing, json={"marks": marks})).status_code == 200


@each_kind
async def test_two_people_saying_what_the_panel_says_read_each_other_first(app: Litestar, kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.all_marked(90, 30)
        async with given.browser(app) as client:
            await given.signed_in(client, case.members[0])
            assert "Where the marks lie far apart" in (await client.get(case.home)).text
            said = {"note": "It rained on Tuesday."}
            assert (await given.filled(client, case.say, said, at=case.home)).status_code == 303
            await given.signed_in(client, case.officer)
            stale = await client.post(case.say, data={"note": "One saw a film of it.", "version": drafts.NOTHING})
            assert stale.status_code == 409
            assert "It rained on Tuesday." in stale.text
            assert "One saw a film of it." in stale.text
            found = re.search(r'name="version" value="(\w+)"', stale.text)
            assert found is not None
            both = {"note": "It rained, and one saw a film of it.", "version": found[1]}
            assert (await client.post(case.say, data=both)).status_code == 303
    row = await Consensus.objects().first()
    assert row is not None
    assert row.note == "It rained, and one saw a film of it."


@each_kind
async def test_an_evaluator_adds_to_what_she_declared_until_she_hands_in(app: Litestar, kind: Kind) -> None:
    case = await kind()
    first, place = case.members[0], f"{case.home}/declaration"
    named = {"conflicts": case.suppliers[0].ref, "statement": "My sister joined them.", "declared": "yes"}
    with clock.at(case.at):
        await case.declare(first)
        async with given.browser(app) as client:
            await given.signed_in(client, first)
            assert "Add to what you declared" in (await client.get(case.home)).text
            stale = await client.post(place, data={**named, "version": drafts.NOTHING})
            assert (stale.status_code, "My sister joined them." in stale.text) == (409, True)
            assert (await given.filled(client, place, named, at=case.home)).status_code == 303
            taken_back = await given.filled(client, place, {"declared": "yes"}, at=case.home)
            assert taken_back.status_code == 409
            assert "that stays" in taken_back.text
            await panels.mark(first, case.convene, case.subjects[1], await case.marks(70), drafts.NOTHING)
            assert (await client.post(f"{case.home}/submit")).status_code == 303
            assert "Add to what you declared" not in (await client.get(case.home)).text


@each_kind
async def test_a_program_adds_to_what_was_declared_from_what_it_read(app: Litestar, kind: Kind) -> None:
    case = await kind()
    supplier = case.suppliers[0].ref
    said = {"conflicts": [supplier], "statement": "My sister joined them.", "declared": True}
    with clock.at(case.at):
        await case.declare(case.members[0])
        token = await given.token(case.members[0])
        async with given.browser(app) as client:
            method, read, place = case.declaring
            seen = (await client.get(read, headers=token)).json()["declaration"]
            assert (seen["conflicts"], seen["declared_at"] is not None) == ([], True)
            unsaid = await client.request(method, place, headers=token, json=said)
            assert unsaid.status_code == 428
            headers = {**token, "if-match": seen["etag"]}
            added = await client.request(method, place, headers=headers, json=said)
            assert (added.status_code, added.json()["declaration"]["conflicts"]) == (200, [supplier])
            assert (await client.request(method, place, headers=headers, json=said)).status_code == 409
