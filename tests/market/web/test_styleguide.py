"""The style guide in a real browser: accessible, nothing sideways at 320 px, nothing inline, scripts that help.

No server: the browser's requests are answered here, with the content security policy of the site.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Request, Route

from market import clock
from market.web.headers import POLICY
from market.web.static import Assets
from market.web.templating import TEMPLATES, Site, environment, page
from tests.market.web.sample import NOW, styleguide

pytestmark = pytest.mark.browser

ORIGIN = "http://localhost"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    made = environment()
    bare = page(Site(now=NOW), "/nothing")
    problem = {
        "status": 404,
        "title": "There is nothing here",
        "detail": "",
        "reasons": [],
        "advice": "",
        "reference": "",
    }
    with clock.at(NOW):
        return {
            "/": made.get_template("styleguide.html").render(styleguide()),
            "/nothing": made.get_template("problem.html").render(bare, problem=problem),
        }


class Visit:
    """A page open in a browser, what it complained of, and what it sent."""

    def __init__(self, context: BrowserContext, pages: dict[str, str]) -> None:
        self.context, self.pages = context, pages
        self.complaints: list[str] = []
        self.sent: list[Request] = []
        self.answers: dict[str, Callable[[Request], str]] = {}
        self.assets = Assets(TEMPLATES / "static")

    async def open(self, path: str) -> Page:
        self.page = await self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await self.page.route("**/*", self._answer)
        await self.page.goto(ORIGIN + path, wait_until="networkidle")
        return self.page

    async def _answer(self, route: Route) -> None:
        request = route.request
        path = urlsplit(request.url).path
        headers = {"content-security-policy": POLICY}
        if path.startswith("/static/"):
            found = self.assets.find(path.removeprefix("/static/"))
            assert found is not None, path
            await route.fulfill(body=found[0].plain, headers={**headers, "content-type": found[0].media_type})
            return
        self.sent.append(request)
        if path in self.answers:
            body = self.answers[path](request)
            kind = "application/json" if body.startswith("{") else "text/html; charset=utf-8"
        else:
            body, kind = self.pages.get(path, "<!DOCTYPE html><title>Arrived</title>"), "text/html; charset=utf-8"
        await route.fulfill(body=body, headers={**headers, "content-type": kind})


@pytest.fixture
async def visit(chromium: Browser, pages: dict[str, str]) -> AsyncIterator[Callable[..., Visit]]:
    contexts: list[BrowserContext] = []

    async def start(path: str = "/", *, width: int = 1280, scripts: bool = True) -> Visit:
        context = await chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        contexts.append(context)
        begun = Visit(context, pages)
        await begun.open(path)
        return begun

    yield start  # type: ignore[misc]
    for context in contexts:
        await context.close()


@pytest.mark.parametrize("path", ["/", "/nothing"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_no_accessibility_violation_and_nothing_sideways(
    visit: Callable[..., Visit], path: str, width: int
) -> None:
    begun = await visit(path, width=width)
    found = await Axe().run(begun.page)
    assert len(found.response["passes"]) > 10, "axe did not look"
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found.response["violations"]] == []
    assert await begun.page.evaluate("document.documentElement.scrollWidth") == width
    assert begun.complaints == []


async def test_links_and_text_reach_the_enhanced_contrast(visit: Callable[..., Visit]) -> None:
    """WCAG 2.2 success criterion 1.4.6: 7:1, but for the red of a warning button, which is held to 1.4.3's 4.5:1."""
    begun = await visit("/")
    options = {"runOnly": ["color-contrast-enhanced"], "rules": {"color-contrast-enhanced": {"enabled": True}}}
    found = await Axe().run(begun.page, options=options)
    nodes = [node["html"] for each in found.response["violations"] for node in each["nodes"]]
    assert [html for html in nodes if "govuk-button--warning" not in html] == []


async def test_nothing_moves_while_the_page_arrives(visit: Callable[..., Visit]) -> None:
    begun = await visit("/", width=320)
    shifted = await begun.page.evaluate(
        """new Promise((done) => { let sum = 0;
        new PerformanceObserver((list) => { for (const each of list.getEntries()) sum += each.value; })
          .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 200); })"""
    )
    assert shifted < 0.01


async def test_without_scripts_everything_is_there(visit: Callable[..., Visit]) -> None:
    begun = await visit("/", scripts=False)
    assert await begun.page.get_by_text("A passkey needs a script").is_visible()
    assert not await begun.page.get_by_role("button", name="Sign with your passkey").is_visible()
    assert await begun.page.get_by_role("checkbox", name="Tenders").is_visible(), "filters stand open beside the list"
    assert await begun.page.get_by_label("The problem in one sentence").is_visible()


async def test_filters_are_folded_on_a_phone(visit: Callable[..., Visit]) -> None:
    begun = await visit("/", width=320)
    assert not await begun.page.get_by_role("checkbox", name="Tenders").is_visible()
    await begun.page.get_by_text("Filters", exact=True).click()
    assert await begun.page.get_by_role("checkbox", name="Tenders").is_visible()


async def test_a_record_prints_without_the_furniture(visit: Callable[..., Visit]) -> None:
    begun = await visit("/")
    await begun.page.emulate_media(media="print")
    assert not await begun.page.locator(".pre-nav").is_visible()
    assert not await begun.page.get_by_role("button", name="Publish").is_visible()
    assert await begun.page.locator(".pre-thread").is_visible()
    assert await begun.page.get_by_role("table", name="Lots").is_visible()


async def test_the_first_tab_stop_skips_to_the_content(visit: Callable[..., Visit]) -> None:
    begun = await visit("/nothing")
    await begun.page.keyboard.press("Tab")
    assert await begun.page.evaluate("document.activeElement.textContent") == "Skip to main content"
    await begun.page.keyboard.press("Enter")
    assert await begun.page.evaluate("document.activeElement.id") == "main-content"


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_question_is_asked_before_what_cannot_be_undone(visit: Callable[..., Visit], agreed: bool) -> None:
    begun = await visit("/")
    asked: list[str] = []

    async def answer(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        await (dialog.accept() if agreed else dialog.dismiss())  # type: ignore[attr-defined]

    begun.page.on("dialog", answer)
    await begun.page.get_by_role("button", name="Publish").click()
    if agreed:
        await begun.page.wait_for_url(f"{ORIGIN}/challenges/new")
    else:
        await begun.page.wait_for_timeout(200)
    assert asked == ["Publish now? It cannot be taken back."]
    assert [each.url for each in begun.sent if each.method == "POST"] == (
        [f"{ORIGIN}/challenges/new"] if agreed else []
    )


async def test_results_follow_the_typing(visit: Callable[..., Visit], pages: dict[str, str]) -> None:
    begun = await visit("/")
    begun.answers["/search"] = lambda request: pages["/"].replace("About <strong>1,204", "About <strong>17")
    await begun.page.get_by_role("searchbox").fill("drone inspection")
    await begun.page.get_by_text("About 17 results").wait_for()
    assert parse_qs(urlsplit(begun.sent[-1].url).query) == {"q": ["drone inspection"]}
    await begun.page.wait_for_url(lambda url: url.endswith("?q=drone+inspection"))
    assert await begun.page.evaluate("document.activeElement.id") == "q"


PASSKEY_PAGE = """{{% extends "layout.html" %}}{{% import "parts/forms.html" as forms %}}
{{% block title %}}Passkey{{% endblock %}}
{{% block head_extra %}}<script type="module" src="{{{{ static('passkey.js') }}}}"></script>{{% endblock %}}
{{% block content %}}<h1 class="govuk-heading-l">Passkey</h1>
{{% call forms.passkey_form("/done", "a-token", "{kind}", "/options", "Go") %}}{{{{ forms.hidden("waiver", "31") }}}}{{% endcall %}}
{{% endblock %}}"""

CHALLENGE = "c2lnbiB0aGVzZSBieXRlcw"
OPTIONS = {
    "register": {
        "challenge": CHALLENGE,
        "rp": {"id": "localhost", "name": "Prelude"},
        "user": {"id": "dXNlci0x", "name": "asha@northmoor.example", "displayName": "Asha Devi"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        "excludeCredentials": [],
    },
    "sign": {"challenge": CHALLENGE, "rpId": "localhost", "allowCredentials": [], "userVerification": "required"},
}


async def passkey(begun: Visit, kind: str, *, old_browser: bool) -> dict[str, list[str]]:
    """Open a page with a passkey form, press its button, and answer what the form then posted."""
    source = PASSKEY_PAGE.format(kind=kind)
    begun.pages = {**begun.pages, "/form": environment().from_string(source).render(page(Site(now=NOW), "/form"))}
    begun.answers["/options"] = lambda request: json.dumps(OPTIONS[kind])
    if old_browser:
        await begun.page.add_init_script(
            "delete PublicKeyCredential.parseCreationOptionsFromJSON;"
            "delete PublicKeyCredential.parseRequestOptionsFromJSON; delete PublicKeyCredential.prototype.toJSON;"
        )
    await begun.page.goto(f"{ORIGIN}/form", wait_until="networkidle")
    await begun.page.get_by_role("button", name="Go").click()
    await begun.page.wait_for_url("**/done")
    return parse_qs(begun.sent[-1].post_data or "")


@pytest.mark.parametrize("old_browser", [False, True])
async def test_a_passkey_is_made_and_signs_and_its_answer_is_posted(
    visit: Callable[..., Visit], old_browser: bool
) -> None:
    begun = await visit("/nothing")
    session = await begun.context.new_cdp_session(begun.page)
    await session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": device})

    made = await passkey(begun, "register", old_browser=old_browser)
    assert made["csrf_token"] == ["a-token"]
    created = json.loads(made["credential"][0])
    assert created["type"] == "public-key"
    assert created["response"]["attestationObject"]

    asked = next(each for each in begun.sent if each.url.endswith("/options"))
    assert asked.method == "POST"
    assert asked.headers["x-csrf-token"] == "a-token"
    fields = parse_qs(asked.post_data or "")
    assert fields.pop("form_token")
    assert fields == {"csrf_token": ["a-token"], "waiver": ["31"]}

    signed = json.loads((await passkey(begun, "sign", old_browser=old_browser))["credential"][0])
    assert signed["id"] == created["id"]
    assert signed["response"]["signature"]
    assert signed["response"]["userHandle"] == "dXNlci0x"
    assert CHALLENGE in base64.urlsafe_b64decode(signed["response"]["clientDataJSON"] + "==").decode()


async def test_a_passkey_that_fails_says_so_and_sends_nothing(visit: Callable[..., Visit]) -> None:
    begun = await visit("/nothing")
    source = PASSKEY_PAGE.format(kind="sign")
    begun.pages = {**begun.pages, "/form": environment().from_string(source).render(page(Site(now=NOW), "/form"))}
    begun.answers["/options"] = lambda request: "{not json"
    await begun.page.goto(f"{ORIGIN}/form", wait_until="networkidle")
    await begun.page.get_by_role("button", name="Go").click()
    words = begun.page.locator("[data-passkey-words][data-failed]")
    await words.wait_for()
    assert await words.inner_text() != ""
    assert not [each for each in begun.sent if each.url.endswith("/done")]
    assert await begun.page.get_by_role("button", name="Go").is_enabled()
