"""The home page, the figures, and what machines ask for, on a real database."""

from datetime import timedelta

import pytest
from litestar import Litestar

from challenges.tables import Challenge
from market import VERSION, clock
from market.actor import SYSTEM
from market.audit.actions import record
from market.front import demo
from market.front.figures import COUNTED, figures, percent
from market.payments.tables import Obligation, Payment
from market.settings import settings
from tests import given, given_tenders
from tests.market.front.given_market import challenge, contract

pytestmark = pytest.mark.usefixtures("clean")


async def test_an_empty_market_says_what_to_try(app: Litestar) -> None:
    async with given.browser(app) as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert "No problem is open just now" in page.text
    assert "No lot is open for bids just now" in page.text
    assert ">0%" not in page.text


async def test_home_shows_what_is_open_closing_soonest_first(app: Litestar) -> None:
    with clock.at(given.TODAY):
        late = await challenge("Bridges rust unseen", closes_in=timedelta(days=20))
        soon = await challenge("Gullies flood streets", closes_in=timedelta(days=3))
        await challenge("Nobody may see this", published_at=None)
        await challenge("Closed yesterday", closes_in=timedelta(days=-1))
        tender = await given_tenders.published(lots=2)
        async with given.browser(app) as client:
            page = (await client.get("/")).text
    assert page.index(soon.title) < page.index(late.title)
    assert "£5,000 × 6" in page
    assert f"/tenders/{tender.tender.ref}" in page
    assert "Part 2" in page
    assert "Nobody may see this" not in page
    assert "Closed yesterday" not in page
    assert 'action="/search"' in page


async def test_the_figures_are_counted_from_contracts_payments_and_grounds(app: Litestar) -> None:
    with clock.at(given.TODAY):
        problem = await challenge("Gullies flood streets", published_at=given.TODAY - timedelta(days=100))
        await contract(await given.supplier(), 6_000_000, ground="exercise", exercise=problem.ref)
        await contract(await given.supplier(employees=4000), 2_000_000, ground="waiver")
        await contract(await given.supplier(), 9_000_000, signed=False)
        firm = await given.supplier()
        owed = Obligation(
            cause="pitch:PI-2222222",
            payer=problem.buyer,
            payee=firm.id,
            amount_minor=500_000,
            purpose="Pitch",
            about=f"challenge:{problem.ref}",
            incurred_at=clock.now() - timedelta(days=7, hours=3),
            due_at=clock.now(),
        )
        await owed.save()
        await Payment.insert(
            Payment(
                obligation=owed.id,
                provider="simulated",
                state="paid",
                approved_by="P-2222222",
                asked_at=clock.now(),
                paid_at=clock.now() - timedelta(hours=1),
            )
        )
        await record(SYSTEM, "payment.paid", "payment:PY-2222222")
        found = await figures()
        async with given.browser(app) as client:
            page = await client.get("/figures")
            told = (await client.get("/figures.json")).json()
    assert (found.contracts, found.contracts_to_small, found.small_share) == (2, 1, 75)
    assert str(found.value) == "£80,000"
    assert (found.pitches_paid, found.days_to_pay, str(found.fees)) == (1, 7, "£5,000")
    assert (found.in_time, found.waiver_rate, found.tenders) == (100, 50, 2)
    assert (found.days_to_contract, found.contracts_from_problems) == (100, 1)
    assert page.status_code == 200
    assert "75%" in page.text
    assert COUNTED["time-to-pay"].split(".")[0] in page.text
    assert told["small_share"] == 75


async def test_figures_are_reckoned_anew_when_the_log_grows() -> None:
    await record(SYSTEM, "search.asked", "mission:M-2222222")
    assert (await figures()).contracts == 0
    await contract(await given.supplier(), 100)
    assert (await figures()).contracts == 0
    await record(SYSTEM, "contract.signed", "contract:C-2222222")
    assert (await figures()).contracts == 1


@pytest.mark.parametrize(
    ("part", "whole", "says"), [(1, 3, 33), (2, 3, 67), (1, 2, 50), (1, 200, 1), (0, 5, 0), (0, 0, None)]
)
def test_a_share_is_rounded_half_up_and_nothing_has_none(part: int, whole: int, says: int | None) -> None:
    assert percent(part, whole) == says


async def test_the_pages_about_this_place_are_there_for_everybody(app: Litestar) -> None:
    async with given.browser(app) as client:
        for path in ("/about", "/accessibility", "/licence", "/open-data", "/privacy"):
            page = await client.get(path)
            assert page.status_code == 200, path
            assert page.text.count("<h1") == 1
        robots = await client.get("/robots.txt")
        health = await client.get("/health")
        security = await client.get("/.well-known/security.txt")
    assert "Disallow: /desk" in robots.text
    assert health.json() == {"database": "ok", "version": VERSION}
    fields = dict(line.split(": ", 1) for line in security.text.splitlines())
    assert fields["Contact"] == "mailto:letters@prelude.example"
    assert fields["Expires"].endswith("Z")


async def test_there_is_no_demonstration_outside_one(app: Litestar) -> None:
    someone = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as client:
        await given.signed_in(client, someone)
        assert (await client.get("/demo")).status_code == 404
        for path in ("/demo/sign-in", "/demo/clock", "/demo/clock/reset"):
            assert (await client.post(path, data={"person": someone.ref, "hours": "1"})).status_code == 404


async def test_in_a_demonstration_one_may_be_somebody_else_and_move_the_clock(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(settings()), "demo", True)
    settings().var.mkdir(exist_ok=True)
    clock.follow(settings().var / "front-clock")
    try:
        buyer = await given.person(await given.organisation("Department for Roads"), "buyer", name="Maya Thornley")
        first, others = await demo.guises()
        assert first == []
        assert [each.name for each in others] == ["Maya Thornley"]
        async with given.browser(app) as client:
            page = await client.get("/demo")
            assert "Maya Thornley" in page.text
            client.headers["x-csrf-token"] = page.text.split('name="csrf_token" value="')[1].split('"')[0]
            nobody = await client.post("/demo/sign-in", data={"person": "P-2222222"})
            assert nobody.status_code == 404
            taken = await client.post("/demo/sign-in", data={"person": buyer.ref})
            assert taken.headers["location"] == "/desk"
            page = await client.get("/desk")
            assert "Department for Roads" in page.text
            client.headers["x-csrf-token"] = page.text.split('name="csrf_token" value="')[1].split('"')[0]
            before = clock.now()
            moved = await client.post("/demo/clock", data={"hours": "48"})
            assert moved.status_code == 303
            assert clock.now() - before >= timedelta(hours=48)
            page = await client.get("/desk")
            assert page.status_code == 200, "she stays signed in although her session would have ended"
            client.headers["x-csrf-token"] = page.text.split('name="csrf_token" value="')[1].split('"')[0]
            assert (await client.post("/demo/clock", data={"hours": "-5"})).status_code == 422
            await client.post("/demo/clock/reset")
            assert not clock.moved()
    finally:
        clock.follow(None)


async def test_a_story_person_comes_first_with_what_she_shows() -> None:
    address, line = next(iter(demo._story().items()))
    maya = await given.person(await given.organisation(), "buyer")
    from market.accounts.tables import Person

    await Person.update({Person.email: address}).where(Person.ref == maya.ref)
    first, others = await demo.guises()
    assert [(each.ref, each.line) for each in first] == [(maya.ref, line)]
    assert others == []
    assert await Challenge.count() == 0
