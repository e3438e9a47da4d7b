"""Every kind of page of an exercise in a real browser: no violation that axe finds, nothing sideways on a phone.

No server: pages come from the app in this process, at the moment the story stands at, and the browser is handed them.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from litestar import Litestar
from playwright.async_api import Browser, Route

from challenges import actions as challenges
from challenges.insights import actions as insights
from challenges.pitches import actions as pitches
from challenges.quiet import actions as quiet
from market import clock
from market.actor import Actor
from market.questions.actions import QuestionDraft
from market.web.headers import POLICY
from market.web.static import Assets
from market.web.templating import TEMPLATES
from tests import given
from tests.challenges import exercise
from tests.challenges.exercise import BEGINS, CLOSED, CLOSES, DAY, HEARD

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("clean")]

Shown = tuple[Actor | None, datetime, str]


async def looked_at(app: Litestar, chromium: Browser, shown: list[Shown]) -> dict[str, list[str]]:
    """What is wrong with each page at 320 pixels: violations by their rule, and width beyond the screen."""
    assets, wrong = Assets(TEMPLATES / "static"), {}
    context = await chromium.new_context(viewport={"width": 320, "height": 900})
    page = await context.new_page()
    bodies: dict[str, str] = {}

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        static = assets.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if static:
            await route.fulfill(body=static[0].plain, headers={"content-type": static[0].media_type})
        else:
            headers = {"content-security-policy": POLICY, "content-type": "text/html; charset=utf-8"}
            await route.fulfill(body=bodies.get(path, ""), headers=headers)

    await page.route("**/*", answer)
    for actor, at, path in shown:
        with clock.at(at):
            client = given.browser(app)
            if actor:
                await given.signed_in(client, actor)
            found = await client.get(path)
        assert found.status_code == 200, path
        bodies[urlsplit(path).path] = found.text
        await page.goto(f"http://localhost{path}", wait_until="load")
        seen = await Axe().run(page)
        assert len(seen.response["passes"]) > 10, "axe did not look"
        faults = [each["id"] for each in seen.response["violations"]]
        if await page.evaluate("document.documentElement.scrollWidth") > 320:
            faults.append("sideways")
        if faults:
            wrong[path] = faults
    await context.close()
    return wrong


@pytest.mark.slow
async def test_drafting_and_applying_are_accessible(app: Litestar, chromium: Browser) -> None:
    draft, made = await exercise.drafted(), await exercise.applied(1)
    with clock.at(BEGINS + DAY):
        question = await challenges.ask(made.firms[0], made.ref, QuestionDraft("Is there a radio network?"))
    newcomer = await given.person(await given.supplier(), "supplier-admin")
    here, soon = f"/challenges/{draft.ref}", BEGINS + DAY
    sections = [
        f"{here}/draft/{name}" for name in ("problem", "success", "offer", "terms", "subject", "criteria", "measures")
    ]
    assert (
        await looked_at(
            app,
            chromium,
            [
                *(
                    (draft.officer, BEGINS, path)
                    for path in ("/challenges/new", f"{here}/draft", f"{here}/evaluators", *sections)
                ),
                (None, soon, "/challenges"),
                (made.firms[0], soon, f"/challenges/{made.ref}"),
                (made.officer, soon, f"/challenges/{made.ref}/questions/{question.ref}"),
                (newcomer, soon, f"/challenges/{made.ref}/apply"),
                (made.firms[0], CLOSES - DAY, f"/applications/{made.applications[0].ref}"),
                (made.firms[0], CLOSES - DAY, "/applications"),
                (made.panel[0], CLOSED, f"/challenges/{made.ref}/panel"),
            ],
        )
        == {}
    )


@pytest.mark.slow
async def test_judging_and_ending_are_accessible(app: Litestar, chromium: Browser) -> None:
    marking, made, done = await exercise.applied(2), await exercise.shortlisted(), await exercise.concluded()
    await exercise.declared(marking)
    pitch = (await pitches.pitches_of(await made.row()))[0]
    few, team = await exercise.one_team(), await exercise.innovation_team()
    with clock.at(HEARD + DAY):
        await quiet.state(few.officer, few.ref, quiet.StatementDraft(exercise.QUIET))
    report = await insights.report_of(await done.row())
    assert report is not None
    after, desk = CLOSED + 3 * DAY, f"/challenges/{made.ref}"
    assert (
        await looked_at(
            app,
            chromium,
            [
                (marking.panel[0], CLOSED, f"/challenges/{marking.ref}/panel/{marking.applications[0].ref}"),
                (marking.officer, CLOSED, f"/challenges/{marking.ref}/manage"),
                *(
                    (made.officer, after, f"{desk}/{name}")
                    for name in ("manage", "report", "measured", "conclude", "cancel")
                ),
                (made.officer, after, f"{desk}/pitches/{pitch.ref}"),
                *((each, HEARD + DAY, f"/challenges/{few.ref}/quiet") for each in (few.officer, team)),
                (few.officer, HEARD + DAY, f"/challenges/{few.ref}/conclude"),
                (few.officer, HEARD + DAY, f"/challenges/{few.ref}/measured"),
                (made.firms[2], after, f"/applications/{made.applications[2].ref}"),
                (None, HEARD + 2 * DAY, f"/challenges/{done.ref}"),
                (None, HEARD + 2 * DAY, "/insights"),
                (None, HEARD + 2 * DAY, f"/insights/{report.ref}"),
            ],
        )
        == {}
    )
