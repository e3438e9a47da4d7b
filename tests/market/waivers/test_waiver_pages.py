"""Waivers through pages and the API, as browsers and programs ask."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.db import find, many
from market.proof import signing
from market.seed.authenticator import Authenticator
from market.tenders.tables import Tender
from market.waivers import actions
from market.waivers.tables import Waiver
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

WHY = "The river rose above the wall in March and will again in the autumn; nobody could foresee the second slide."
NO = "The end date has been known for four years, so this is late planning, which is not urgency. Ask the councils first."


def asked(**facts: str) -> dict[str, str]:
    return {
        "ground": "urgency",
        "statement": WHY,
        "evidence": "Report of the engineer, 4 June\nhttps://river.example/gauge",
        "cost_of_waiting": "One autumn of floods.",
        "valid_until": (clock.now() + timedelta(days=100)).date().isoformat(),
        **facts,
    }


async def test_the_page_says_why_a_minister_who_asked_does_not_sign(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, _ = await given.minister(made.buyer)
    both = await given.also(minister, made.buyer, "buyer")
    async with given.browser(app) as hers:
        await given.signed_in(hers, both, "passkey")
        sent = await hers.post(f"/tenders/{made.ref}/waiver", data=asked())
        page = (await hers.get(sent.headers["location"])).text
        assert "Whoever asked for a waiver does not sign it" in page
        assert "Sign with your passkey" not in page
        assert "Refuse the request" in page


async def test_a_buyer_asks_and_the_minister_signs_with_her_device(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    async with given.browser(app) as buyer, given.browser(app) as hers, given.browser(app) as public:
        await given.signed_in(buyer, made.officers[0])
        await given.signed_in(hers, minister, "passkey")
        draft = await buyer.get(f"/tenders/{made.ref}")
        assert "Ask the minister for a waiver" in draft.text
        empty = await buyer.post(f"/tenders/{made.ref}/waiver", data={})
        assert empty.status_code == 422
        assert "Enter the ground" in empty.text
        short = await buyer.post(f"/tenders/{made.ref}/waiver", data=asked(statement="We are late."))
        assert short.status_code == 409
        assert "Say why in at least 80 characters" in short.text
        assert "Report of the engineer" in short.text
        sent = await buyer.post(f"/tenders/{made.ref}/waiver", data=asked())
        assert sent.status_code == 303
        place = sent.headers["location"]
        assert (await public.get(place)).status_code == 404
        assert "Withdraw the request" in (await buyer.get(place)).text
        assert "is with the minister" in (await buyer.get(f"/tenders/{made.ref}")).text
        assert (await buyer.get(f"/tenders/{made.ref}/waiver")).status_code == 200
        assert made.tender.title in (await hers.get("/waivers/requests")).text
        page = (await hers.get(place)).text
        for words in (
            "Sign with your passkey",
            "data-passkey",
            "passkey.js",
            WHY,
            "£156,000",
            "One autumn of floods.",
            "Sensors (",
        ):
            assert words in page
        assert (await hers.get(f"/tenders/{made.ref}")).status_code == 200
        options = await hers.post(f"{place}/options")
        assert options.status_code == 200
        wrong = await hers.post(f"{place}/sign", data={"credential": "{}"})
        assert wrong.status_code == 422
        assert "passkey was not accepted" in wrong.text
        credential = json.dumps(device.sign(options.json()))
        assert (await hers.post(f"{place}/sign", data={"credential": credential})).status_code == 303
        shown = (await public.get(place)).text
        for words in (
            "Checked: holds.",
            "Helena Marchbanks",
            "How this was checked",
            "names this very file",
            "verify waiver",
        ):
            assert words in shown
        file = await public.get(f"{place}/bundle.json")
        assert signing.examine(signing.Bundle.from_text(file.content)).holds
        assert made.tender.title in (await public.get("/waivers")).text
        assert made.tender.title in (await public.get("/waivers?standing=in-force")).text
        assert made.tender.title not in (await public.get("/waivers?standing=refused")).text
        assert (await public.get("/waivers?standing=nonsense")).status_code == 400
        assert (await buyer.post(f"/tenders/{made.ref}/publish")).status_code == 303
        tender = (await public.get(f"/tenders/{made.ref}")).text
        assert "Check the signature" in tender
        assert "Minister for Places" in tender
        assert f"Used by {made.ref}" in (await public.get("/waivers")).text


async def test_a_refusal_is_read_by_everybody_and_stands_before_the_next_request(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, _ = await given.minister(made.buyer)
    async with given.browser(app) as buyer, given.browser(app) as hers, given.browser(app) as public:
        await given.signed_in(buyer, made.officers[0])
        await given.signed_in(hers, minister, "passkey")
        place = (await buyer.post(f"/tenders/{made.ref}/waiver", data=asked())).headers["location"]
        short = await hers.post(f"{place}/refuse", data={"reason": "No."})
        assert short.status_code == 409
        assert "Say why in at least 80 characters" in short.text
        assert (await hers.post(f"{place}/refuse", data={"reason": NO})).status_code == 303
        assert NO in (await public.get(place)).text
        assert (await public.get(f"{place}/bundle.json")).status_code == 404
        again = (await buyer.get(f"/tenders/{made.ref}/waiver")).text
        assert NO in again
        late = await hers.post(f"{place}/options", headers={"accept": "application/json"})
        assert late.status_code == 409
        assert late.json()["reasons"][0]["code"] == "waiver.already-decided"
        assert "Nothing" not in (await hers.get("/waivers/requests")).text.split("<main")[0]


async def test_the_ministers_keys_are_on_a_public_register_with_their_fingerprints(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    async with given.browser(app) as public:
        assert "No minister has registered a key yet" in (await public.get("/waivers/keys")).text
        minister, device = await given.minister(made.buyer)
        request = actions.WaiverRequest(
            "urgency", WHY, ["Report"], "One autumn of floods.", clock.now().date() + timedelta(60)
        )
        waiver = await actions.ask(made.officers[0], made.ref, request)
        options = await actions.begin_signing(minister, waiver.ref)
        await actions.sign(minister, waiver.ref, json.dumps(device.sign(options)))
        fingerprint = (await public.get(f"/api/v1/waivers/{waiver.ref}")).json()["signature"]["fingerprint"]
        page = (await public.get("/waivers/keys")).text
        assert fingerprint in page
        assert minister.name in page
        assert "/waivers/keys" in (await public.get(f"/waivers/{waiver.ref}")).text
        (key,) = (await public.get("/api/v1/waivers/keys")).json()["items"]
        assert (key["fingerprint"], key["person"], key["until"]) == (fingerprint, minister.ref, None)
        await many("UPDATE membership SET until = {} WHERE role = 'minister'", clock.now() + timedelta(minutes=1))
        assert fingerprint in (await public.get("/waivers/keys")).text, "a former minister's key stays on the register"
        await many("UPDATE passkey SET created_at = {}", clock.now() + timedelta(minutes=2))
        assert (await public.get("/api/v1/waivers/keys")).json()["items"] == [], "but not what she registers afterwards"


async def test_a_buyer_is_told_when_nobody_holds_the_office(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    async with given.browser(app) as buyer:
        await given.signed_in(buyer, made.officers[0])
        assert "Nobody holds this office now" in (await buyer.get(f"/tenders/{made.ref}/waiver")).text
        place = (await buyer.post(f"/tenders/{made.ref}/waiver", data=asked())).headers["location"]
        assert "waits until somebody does" in (await buyer.get(place)).text
        await given.minister(made.buyer)
        assert "Nobody holds this office now" not in (await buyer.get(place)).text


async def test_a_minister_who_came_with_a_password_is_told_how_to_refuse(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, _ = await given.minister(made.buyer)
    request = actions.WaiverRequest(
        "urgency", WHY, ["Report"], "One autumn of floods.", clock.now().date() + timedelta(60)
    )
    waiver = await actions.ask(made.officers[0], made.ref, request)
    async with given.browser(app) as hers:
        await given.signed_in(hers, minister)
        assert "sign in again with your passkey" in (await hers.get(f"/waivers/{waiver.ref}")).text
        assert (await hers.post(f"/waivers/{waiver.ref}/refuse", data={"reason": NO})).status_code == 403


async def test_a_withdrawn_request_never_becomes_public(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    await given.minister(made.buyer)
    async with given.browser(app) as buyer, given.browser(app) as public:
        await given.signed_in(buyer, made.officers[0])
        place = (await buyer.post(f"/tenders/{made.ref}/waiver", data=asked())).headers["location"]
        assert (await buyer.post(f"{place}/withdraw")).headers["location"] == f"/tenders/{made.ref}"
        assert (await public.get(place)).status_code == 404
        assert "Withdrawn" in (await buyer.get(place)).text
        stranger = await given.person(await given.organisation(), "minister")
        await given.signed_in(public, stranger, "passkey")
        assert (await public.post(f"{place}/options")).status_code == 404


async def test_a_program_asks_and_signs_with_a_token_and_a_device(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    buyer, hers = await given.token(made.officers[0]), await given.token(minister)
    body = {**asked(), "evidence": ["Report of the engineer, 4 June"]}
    async with given.browser(app) as client:
        assert (await client.post(f"/api/v1/tenders/{made.ref}/waivers", json=body)).status_code == 401
        sent = await client.post(f"/api/v1/tenders/{made.ref}/waivers", json=body, headers=buyer)
        assert sent.status_code == 201
        place = f"/api/v1/waivers/{sent.json()['ref']}"
        assert (await client.get(place)).status_code == 404
        assert [
            each["ref"] for each in (await client.get("/api/v1/waivers/requests", headers=hers)).json()["items"]
        ] == [sent.json()["ref"]]
        assert (await client.get("/api/v1/waivers/requests", headers=buyer)).json()["items"] == []
        options = await client.post(f"{place}/sign/options", headers=hers)
        assert options.status_code == 200
        stranger = Authenticator(origin="http://localhost:8000", rp_id="localhost").sign(options.json())
        refused = await client.post(f"{place}/sign", json={"credential": stranger}, headers=hers)
        assert refused.status_code == 422
        assert refused.json()["reasons"][0]["code"] == "passkey.not-accepted"
        options = await client.post(f"{place}/sign/options", headers=hers)
        answer = {"credential": device.sign(options.json())}
        signed = await client.post(f"{place}/sign", json=answer, headers=hers)
        assert signed.status_code == 200
        assert signed.json()["signature"]["holds"] is True
        assert signed.json()["standing"] == "in-force"
        twice = await client.post(f"{place}/sign", json=answer, headers=hers)
        assert twice.json()["reasons"][0]["code"] == "waiver.already-decided"
        late = await client.post(f"{place}/refuse", json={"reason": NO}, headers=hers)
        assert late.status_code == 403
        assert (await client.post(f"{place}/withdraw", headers=buyer)).status_code == 409
        bundle = await client.get(f"{place}/bundle")
        assert signing.examine(signing.Bundle.from_text(bundle.content)).holds
        register = (await client.get("/api/v1/waivers?standing=in-force")).json()["items"]
        assert register[0]["value_minor"] == 15_600_000
        grounds = (await client.get("/api/v1/waivers/grounds")).json()["items"]
        assert "urgency" in {each["code"] for each in grounds}


async def test_a_stored_bundle_that_was_altered_is_shown_as_broken(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    request = actions.WaiverRequest(
        "urgency", WHY, ["Report"], "One autumn of floods.", clock.now().date() + timedelta(60)
    )
    waiver = await actions.ask(made.officers[0], made.ref, request)
    options = await actions.begin_signing(minister, waiver.ref)
    await actions.sign(minister, waiver.ref, json.dumps(device.sign(options)))
    row = await find(Waiver, Waiver.ref == waiver.ref)
    row.bundle = row.bundle.replace("One autumn", "Two autumn")
    await row.save([Waiver.bundle])
    async with given.browser(app) as client:
        page = (await client.get(f"/waivers/{waiver.ref}")).text
    assert "Checked: does not hold." in page
    assert "The document was altered" in page
    assert "No event of the public log names this file." in page
    assert (await find(Tender, Tender.ref == made.ref)).published_at is None
