"""Marking and explaining as people type and programs ask, where something was changed meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from litestar import Litestar

from market import clock
from market.panels import actions as panels
from market.panels.tables import Consensus, Mark
from tests import given
from tests.market.panels.given_panels import KINDS, Judged

pytestmark = pytest.mark.usefixtures("clean")

Kind = Callable[[], Awaitable[Judged]]
each_kind = pytest.mark.parametrize("kind", KINDS)


def typed(marks: panels.Marks, **more: str) -> dict[str, str]:
    """The form as a browser posts it."""
    points = {f"points-{each.criterion}": str(each.points) for each in marks.marks}
    return {"version": str(marks.version), **points, **{f"reason-{m.criterion}": m.reason for m in marks.marks}, **more}


@each_kind
async def test_a_stale_page_shows_what_was_kept_beside_what_was_typed_and_saves_on_demand(
    app: Litestar, kind: Kind
) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.declare(case.members[0])
        async with given.browser(app) as client:
            await given.signed_in(client, case.members[0])
            await client.post(f"{case.page}/read")
            assert 'name="version" value="0"' in (await client.get(case.page)).text
            first = typed(await case.marks(80, "The first window."))
            assert (await client.post(case.page, data=first)).status_code == 303
            stale = await client.post(case.page, data=typed(await case.marks(40, "The second window.")))
            assert stale.status_code == 409
            for words in ("changed meanwhile", "The first window.", "Kept meanwhile: 80 (good)", "The second window."):
                assert words in stale.text
            assert 'name="version" value="1"' in stale.text
            chosen = typed(await case.marks(40, "The second window.", version=1))
            assert (await client.post(case.page, data=chosen)).status_code == 303
    assert {row["reason"] for row in await Mark.select(Mark.reason)} == {"The second window."}


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
            wrong = {f"points-{good.marks[0].criterion}": "eighty", f"reason-{good.marks[1].criterion}": ""}
            refused = await client.post(case.page, data=typed(good, **wrong))
            assert refused.status_code == 422
            assert f'href="#points-{good.marks[0].criterion}"' in refused.text
            assert f'href="#reason-{good.marks[1].criterion}"' in refused.text
            assert 'value="eighty"' in refused.text
            for subject in case.subjects:
                await panels.mark(case.members[0], case.convene, subject, good)
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
            for version, status in ((0, 200), (0, 409), (2, 409), (1, 200)):
                answer = await client.put(case.program, headers=token, json={"marks": marks, "version": version})
                assert answer.status_code == status
                if status == 409:
                    assert [reason["code"] for reason in answer.json()["reasons"]] == ["panel.marks-changed"]


@each_kind
async def test_two_people_saying_what_the_panel_says_read_each_other_first(app: Litestar, kind: Kind) -> None:
    case = await kind()
    with clock.at(case.at):
        await case.all_marked(90, 30)
        async with given.browser(app) as client:
            await given.signed_in(client, case.members[0])
            assert "Where the marks lie far apart" in (await client.get(case.home)).text
            said = {"note": "It rained on Tuesday.", "version": "0"}
            assert (await client.post(case.say, data=said)).status_code == 303
            await given.signed_in(client, case.officer)
            stale = await client.post(case.say, data={"note": "One saw a film of it.", "version": "0"})
            assert stale.status_code == 409
            assert "It rained on Tuesday." in stale.text
            assert "One saw a film of it." in stale.text
            both = {"note": "It rained, and one saw a film of it.", "version": "1"}
            assert (await client.post(case.say, data=both)).status_code == 303
    row = await Consensus.objects().first()
    assert row is not None
    assert row.note == "It rained, and one saw a film of it."
