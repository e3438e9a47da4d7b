"""The pages of budgets as a browser without scripts uses them, and the same for programs."""

from __future__ import annotations

import httpx
import pytest
from litestar import Litestar

from market import clock
from market.budgets import readers
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

TYPED = {"purpose": "Streets that drain", "year": "2026", "amount_minor": "100,000", "reason": "Line 12 of the plan."}


async def test_a_buyer_proposes_a_finance_officer_approves_and_everybody_reads(app: Litestar) -> None:
    with clock.at(given.TODAY):
        body = await given.organisation("Calderwick Council", tier="local")
        buyer, finance = await given.person(body, "buyer"), await given.person(body, "finance-officer")
        async with given.browser(app) as client:
            await given.signed_in(client, buyer)
            assert "2026 for 2026/27" in (await client.get("/budgets/new")).text
            wrong = await client.post("/budgets/new", data={**TYPED, "year": "2025"})
            assert wrong.status_code == 422
            assert "Choose a financial year from 2026/27 to 2029/30" in wrong.text
            assert "Streets that drain" in wrong.text
            made = await client.post("/budgets/new", data=TYPED)
            assert made.status_code == 303
            place = made.headers["location"]
            page = (await client.get(place)).text
            assert "Waits for approval" in page
            assert ">Approve<" not in page
            row = await readers.one(place.rpartition("/")[2])
            assert (await client.post(f"{place}/lines/{row.waiting}/approve")).status_code == 403
            assert f'href="{place}"' in (await client.get("/budgets")).text
        async with given.browser(app) as client:
            await given.signed_in(client, finance)
            assert "Approve a budget of £100,000, or not" in (await client.get("/desk")).text
            assert (await client.post(f"{place}/lines/{row.waiting}/approve")).status_code == 303
            wanted = {"kind": "lower", "amount_minor": "200,000", "reason": "Half of it is needed for the bridges."}
            too_low = await client.post(f"{place}/lines", data=wanted)
            assert too_low.status_code == 422
            assert "it can be lowered by £100,000 at most" in too_low.text
            assert (await client.post(f"{place}/lines", data={**wanted, "kind": "raise"})).status_code == 303
            line = (await readers.one(row.ref)).waiting
            assert (await client.post(f"{place}/lines/{line}/leave")).status_code == 303
        async with given.browser(app) as visitor:
            page = (await visitor.get(place)).text
            assert "£100,000" in page
            assert "Line 12 of the plan." not in page
            assert (await visitor.get("/budgets")).status_code in (303, 401)
            said = (await visitor.get(f"/api/v1{place}")).json()
            assert (said["stage"], said["left_minor"], [each["kind"] for each in said["lines"]]) == (
                "open",
                10_000_000,
                ["open", "raise"],
            )
            listed = (await visitor.get(f"/api/v1/budgets?organisation={body.ref}")).json()
            assert [each["ref"] for each in listed["items"]] == [row.ref]


async def test_a_notice_says_what_it_is_paid_from_and_a_draft_what_it_would_take(app: Litestar) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"))
        row = await given.budget(made.buyer, 100_000_000)
        async with given.browser(app) as client:
            await given.signed_in(client, made.officers[0])
            section = f"/tenders/{made.ref}/budget"
            assert "Publishing sets £187,200 aside" in (await client.get(section)).text
            saved = await given.filled(client, section, {"budget": row.ref})
            assert saved.status_code == 303
            elsewhere = await given.budget(await given.organisation())
            refused = await given.filled(client, section, {"budget": elsewhere.ref})
            assert refused.status_code == 422
            assert "Choose a budget of your body from the list." in refused.text
        await made.publish()
        async with given.browser(app) as visitor:
            page: httpx.Response = await visitor.get(f"/tenders/{made.ref}")
            assert f'href="/budgets/{row.ref}"' in page.text
            assert "£1,000,000 for 2026/27, VAT included" in " ".join(page.text.split())
            assert (await visitor.get(f"/api/v1/tenders/{made.ref}")).json()["budget"] == row.ref
            assert f'href="/tenders/{made.ref}"' in (await visitor.get(f"/budgets/{row.ref}")).text


async def test_a_program_names_the_budget_of_a_tender(app: Litestar) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"))
        row = await given.budget(made.buyer, 100_000_000)
        async with given.browser(app) as client:
            headers = await given.token(made.officers[0])
            shown = (await client.get(f"/api/v1/tenders/{made.ref}", headers=headers)).json()
            place, wanted = f"/api/v1/tenders/{made.ref}/budget", {"budget": row.ref}
            assert (await client.put(place, json=wanted, headers=headers)).status_code == 428
            seen = {**headers, "if-match": shown["etags"]["budget"]}
            named = (await client.put(place, json=wanted, headers=seen)).json()
            assert (named["budget"], named["needed_minor"]) == (row.ref, 18_720_000)
            assert (await client.put(place, json=wanted, headers=seen)).status_code == 409
