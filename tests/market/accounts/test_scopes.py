"""A token does what it was made for and nothing else; every endpoint of the API says which scope it asks for, and asks for it."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from asyncpg.exceptions import CheckViolationError, RestrictViolationError
from litestar import Litestar

from market import clock
from market.accounts import actions, scopes
from market.accounts.tables import ApiToken
from market.actor import Actor
from market.audit.tables import Event
from market.confirming.tables import PreparedAct
from market.db import many, one
from market.letters.tables import Letter
from market.missions.tables import Mission
from tests import given
from tests.architecture.test_doors import an_address, described
from tests.market.confirming.test_touching import drafted, published

pytestmark = pytest.mark.usefixtures("clean")

MEANT = {
    "readTender": "read",
    "listLetters": "read",
    "readMe": "",
    "draftMission": "challenges",
    "publishChallenge": "challenges",
    "markApplication": "challenges",
    "writeInsightReport": "challenges",
    "apply": "bids",
    "sealBid": "bids",
    "explainPrice": "bids",
    "lodgeComplaint": "bids",
    "askTenderQuestion": "bids",
    "askChallengeQuestion": "bids",
    "followTender": "bids",
    "answerTenderQuestion": "tenders",
    "draftTender": "tenders",
    "decideLot": "tenders",
    "answerComplaint": "tenders",
    "signWaiver": "tenders",
    "publishBuild": "tenders",
    "askForReview": "challenges tenders",
    "answerPrecedents": "challenges tenders",
    "signContract": "contracts",
    "releasePayment": "contracts",
    "updateProfile": "profile",
    "nameSandbox": "profile",
    "claimImportedSupplier": "profile",
    "invitePerson": "people",
    "proposeLoan": "people",
    "auditPrivate": "team",
    "decideClaim": "team",
    "createOrganisation": "team",
    "publishProfile": "team",
}
"""What an endpoint asks for, by what it does."""


def code_of(answer: Any) -> str:
    """The first reason of a refusal; empty where there is none."""
    if "json" not in answer.headers.get("content-type", "") or answer.status_code != 403:
        return ""
    return str(answer.json()["reasons"][0]["code"])


async def nobody_special() -> Actor:
    """A person of a body who may do little, so that nothing happens however often she tries."""
    return await given.person(await given.organisation(), "evaluator")


def test_a_draft_of_a_token_offers_every_scope_in_its_order() -> None:
    assert get_args(scopes.Scope) == tuple(scopes.SCOPES)
    assert {*scopes.LEAST, *scopes.DRAFTING} == set(scopes.SCOPES)


def test_an_endpoint_asks_for_the_scope_of_what_it_does(app: Litestar) -> None:
    asked = {str(handler.operation_id): " ".join(scopes.asked_by(handler)) for _, _, handler, _ in described(app)}
    assert {name: asked[name] for name in MEANT} == MEANT


async def test_every_endpoint_asks_for_its_scope_and_the_description_names_it(app: Litestar) -> None:
    somebody = await nobody_special()
    wrong, tried = [], 0
    with_only = {each: await given.token(somebody, each) for each in scopes.SCOPES}
    async with given.browser(app) as client:
        for method, route, handler, operation in described(app):
            asked = scopes.asked_by(handler)
            said = operation["description"].rpartition("\n\n")[2]
            named = [each for each in scopes.SCOPES if f"`{each}`" in said]
            if "security" in operation and (named != list(asked) or "scope" not in said):
                wrong.append(f"{method} {route.path}: described with {said}")
            if not asked:
                continue
            tried += 1
            without = [each for each in scopes.SCOPES if each not in asked]
            address = an_address(route)
            refused = await client.request(method, address, headers=with_only[without[tried % len(without)]])
            if code_of(refused) != "token.out-of-scope" or not any(each in refused.text for each in asked):
                wrong.append(f"{method} {route.path}: {refused.status_code} without {asked}")
            let_in = await client.request(method, address, headers=with_only[asked[0]])
            if code_of(let_in) == "token.out-of-scope":
                wrong.append(f"{method} {route.path}: refused with {asked[0]}")
    assert wrong == []
    assert tried > 200


async def test_a_token_is_made_with_the_least_and_says_what_it_lacks(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        page = (await client.get("/account")).text
        ticks = re.findall(r'name="scopes"[^>]*?value="(\w+)"([^>]*)>', page)
        assert [name for name, _ in ticks] == list(scopes.SCOPES)
        assert [name for name, more in ticks if "checked" in more] == ["read"]
        unticked = await client.post("/account/tokens", data={"name": "Export", "days": "30"})
        assert (unticked.status_code, "Enter what it may do" in unticked.text) == (422, True)
        unknown = await client.post("/account/tokens", data={"name": "Export", "days": "30", "scopes": "everything"})
        assert unknown.status_code == 422
        made = await client.post("/account/tokens", data={"name": "Export", "days": "30", "scopes": "read"})
        assert "Your program may: Read what you may read." in made.text
        found = re.search(r"prelude_[\w-]{43}", made.text)
        assert found
        headers = {"authorization": f"Bearer {found[0]}", "accept": "application/json"}
        me = (await client.get("/api/v1/me", headers=headers)).json()
        assert me["scopes"] == ["read"]
        assert (await client.get("/api/v1/tenders", headers=headers)).status_code == 200
        refused = await client.post("/api/v1/tenders", headers=headers, json={})
        assert refused.status_code == 403
        (reason,) = refused.json()["reasons"]
        assert reason["code"] == "token.out-of-scope"
        assert reason["reason"] == (
            "This token lacks the scope tenders (Draft and prepare tenders). Its person makes one that has it at "
            "http://localhost:8000/account#tokens."
        )
        assert "It may: Read what you may read." in (await client.get("/account")).text
    letter = await Letter.objects().order_by(Letter.id, ascending=False).first()
    assert "- Read what you may read" in letter.text
    event = await Event.objects().get(Event.verb == "token.made")
    assert '"scopes":["read"]' in (event.private_body or "")
    assert "scopes" not in event.body


async def test_what_is_ticked_twice_is_kept_once_in_the_order_of_the_list(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        ticked = ["tenders", "read", "tenders"]
        made = await client.post("/account/tokens", data={"name": "Drafts", "days": "90", "scopes": ticked})
        assert "Read what you may read and Draft and prepare tenders" in made.text
    (kept,) = await actions.tokens_of(officer.must_be_person())
    assert kept.scopes == ["read", "tenders"]


async def test_a_token_from_before_keeps_everything_and_the_page_says_so(app: Litestar) -> None:
    ada, mission = await drafted()
    headers = await given.token(ada)
    await many("ALTER TABLE api_token DISABLE TRIGGER api_token_stays")
    await many("UPDATE api_token SET scopes = NULL RETURNING id")
    await many("ALTER TABLE api_token ENABLE TRIGGER api_token_stays")
    async with given.browser(app, confirms=False) as client:
        assert (await client.get("/api/v1/me", headers=headers)).json()["scopes"] == list(scopes.SCOPES)
        asked = await client.post(f"/api/v1/missions/{mission.ref}/publish", headers=headers)
        assert asked.status_code == 202
        await given.signed_in(client, ada)
        page = " ".join((await client.get("/account")).text.split())
        assert "until it ends it may do everything that you may" in page


async def test_a_token_without_the_scope_does_not_even_prepare_what_binds(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app, confirms=False) as client:
        address = f"/api/v1/missions/{mission.ref}/publish"
        for held in ("read", "tenders", "team"):
            assert code_of(await client.post(address, headers=await given.token(ada, held))) == "token.out-of-scope"
        assert await PreparedAct.count() == 0
        assert (await client.post(address, headers=await given.token(ada, "challenges"))).status_code == 202
    assert not await published(mission)
    assert await Mission.count() == 1


async def test_the_kind_in_the_address_says_which_of_two_scopes_is_asked(app: Litestar) -> None:
    somebody = await nobody_special()
    tenders, challenges = await given.token(somebody, "tenders"), await given.token(somebody, "challenges")
    async with given.browser(app) as client:
        for path in ("/api/v1/reviews/{}/X-1/requests", "/api/v1/precedents/{}/X-1"):
            on_challenge, on_tender = path.format("challenge"), path.format("tender")
            assert code_of(await client.post(on_challenge, headers=tenders)) == "token.out-of-scope"
            assert code_of(await client.post(on_tender, headers=challenges)) == "token.out-of-scope"
            assert code_of(await client.post(on_challenge, headers=challenges)) != "token.out-of-scope"
            assert code_of(await client.post(on_tender, headers=tenders)) != "token.out-of-scope"


async def test_a_token_that_may_not_read_sees_no_draft_where_everybody_may_come_in(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app) as client:
        address = f"/api/v1/missions/{mission.ref}"
        assert code_of(await client.get(address, headers=await given.token(ada, "bids"))) == "token.out-of-scope"
        assert (await client.get(address, headers=await given.token(ada, "read"))).status_code == 200


async def test_nobody_widens_a_token_nor_brings_it_back() -> None:
    officer = await given.person(await given.organisation(), "buyer")
    await given.token(officer, "read")
    for change in ("scopes = NULL", "scopes = ARRAY['read', 'team']", "expires_at = expires_at + interval '1 day'"):
        with pytest.raises(RestrictViolationError):
            await many(f"UPDATE api_token SET {change} RETURNING id")
    ref = (await one("SELECT ref FROM api_token"))["ref"]
    assert (await actions.revoke_token(officer, ref)).revoked_at is not None
    with pytest.raises(RestrictViolationError):
        await many("UPDATE api_token SET revoked_at = NULL RETURNING id")
    with pytest.raises(CheckViolationError):
        await ApiToken.insert(
            ApiToken(
                person=officer.person,
                name="x",
                scopes=[],
                token_hash="y",
                created_at=clock.now(),
                expires_at=clock.now(),
            )
        )
