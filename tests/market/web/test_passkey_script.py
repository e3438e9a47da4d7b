"""What the passkey script sends of what a device answered, seen in a real browser with a virtual device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, Request, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = Path(__file__).resolve().parents[3] / "templates" / "static" / "passkey.js"
PAGE = """<!doctype html><title>Keys</title>
<form method="post" action="/made" data-passkey="register" data-passkey-field="credential" data-options-url="/options">
<input type="hidden" name="credential"><input type="hidden" name="csrf_token" value="t">
<button>Make</button><p data-passkey-words></p></form>
<script>{before}</script><script src="/passkey.js"></script>"""
OPTIONS = {
    "challenge": "YSBjaGFsbGVuZ2Ugb2YgMzIgYnl0ZXMgYW5kIG1vcmU",
    "rp": {"id": "localhost", "name": "Prelude"},
    "user": {"id": "YWRh", "name": "ada", "displayName": "Ada"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    "extensions": {"credProps": True, "prf": {}},
}
"""A server that asks for extensions, as one that was taken over might."""


@pytest.mark.parametrize(
    "before", ["", "delete PublicKeyCredential.prototype.toJSON;"], ids=["a browser of today", "an older browser"]
)
async def test_what_extensions_answer_never_leaves_the_browser(chromium: Browser, before: str) -> None:
    page = await chromium.new_page()
    sent: list[str] = []

    async def answer(route: Route, request: Request) -> None:
        where = request.url.removeprefix("http://localhost:8000")
        if where == "/made":
            sent.append(request.post_data or "")
            await route.fulfill(body="<title>Made</title>", content_type="text/html")
        elif where == "/options":
            await route.fulfill(body=json.dumps(OPTIONS), content_type="application/json")
        elif where == "/passkey.js":
            await route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
        else:
            await route.fulfill(body=PAGE.format(before=before), content_type="text/html")

    await page.route("**/*", answer)
    devices = await page.context.new_cdp_session(page)
    await devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "hasPrf": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    await page.goto("http://localhost:8000/")
    told = await page.evaluate(
        "async options => { const made = await navigator.credentials.create("
        "{publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)});"
        " return JSON.stringify(made.getClientExtensionResults()) }",
        {**OPTIONS, "user": {"id": "Ym9i", "name": "bob", "displayName": "Bob"}},
    )
    assert "prf" in told, "this device answers extensions"
    async with page.expect_navigation():
        await page.get_by_role("button", name="Make").click()
    (form,) = sent
    credential = json.loads(parse_qs(form)["credential"][0])
    assert credential["response"]["attestationObject"]
    assert {"id", "rawId", "type", "response"} <= credential.keys() <= {
        "id",
        "rawId",
        "type",
        "response",
        "authenticatorAttachment",
    }  # fmt: skip
    assert "xtension" not in form.replace("attestationObject", "")
    await page.close()
