"""Evaluation and awards as people click and programs ask, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from market import clock
from market.audit.tables import Event
from market.awards.tables import Complaint, Decision
from market.db import find
from market.panels.panel import field
from market.panels.tables import Mark
from tests import given, given_awards
from tests.given_awards import WHY, Evaluated

pytestmark = pytest.mark.usefixtures("clean")


def typed(case: Evaluated, points: str = "80", reason: str = "It is shown with counts.") -> dict[str, str]:
    """The scoring form of lot 1 as a browser posts it."""
    quality = [each for each in case.there.criteria[case.there.lots[0].id] if each.kind == "quality"]
    return {field("points", each.ref): points for each in quality} | {
        field("reason", each.ref): reason for each in quality
    }


async def test_the_whole_evaluation_by_clicking(app: Litestar) -> None:
    case = await given_awards.opened()
    evaluators = [await given.person(case.there.buyer, "evaluator", name) for name in ("Ada Pike", "Ben Oduya")]
    place = f"/tenders/{case.ref}/evaluation"
    with clock.at(case.opened_at + timedelta(hours=1)):
        async with given.browser(app) as buyer:
            await given.signed_in(buyer, case.buyer)
            nobody = await buyer.post(f"{place}/panel", data={"person": ""})
            assert nobody.status_code == 422
            assert "Enter the evaluator" in nobody.text
            for evaluator in evaluators:
                assert (await buyer.post(f"{place}/panel", data={"person": evaluator.ref})).status_code == 303
            assert "Ada Pike" in (await buyer.get(place)).text
        for evaluator in evaluators:
            async with given.browser(app) as client:
                await given.signed_in(client, evaluator)
                assert "Declare your interests" in (await client.get("/evaluations")).text
                unsaid = await given.filled(client, f"{place}/declaration", {}, at=place)
                assert unsaid.status_code == 409
                assert "Confirm that you have declared every interest you have." in unsaid.text
                declared = await given.filled(client, f"{place}/declaration", {"declared": "yes"}, at=place)
                assert declared.status_code == 303
                for bid in case.bids.values():
                    closed = await client.get(f"{place}/{bid}")
                    assert "Open this bid" in closed.text
                    assert "We have done this before." not in closed.text
                    assert (await client.post(f"{place}/{bid}/read")).status_code == 303
                    shown = await client.get(f"{place}/{bid}")
                    assert "We have done this before." in shown.text
                    assert "£" not in shown.text
                    wrong = await client.post(f"{place}/{bid}", data=typed(case, "eighty", ""))
                    assert wrong.status_code == 422
                    assert wrong.text.count("must be a whole number, like 12") == 4
                    wrong = await given.filled(client, f"{place}/{bid}", typed(case, "101", ""))
                    assert wrong.status_code == 422
                    assert wrong.text.count("Enter a mark from 0 to 100") == 4
                    assert wrong.text.count("Say why, for the supplier to read") == 4
                    assert (await given.filled(client, f"{place}/{bid}", typed(case))).status_code == 303
                assert (await client.post(f"{place}/submit")).status_code == 303
        lot = f"{place}/lots/{case.there.lots[0].ref}"
        async with given.browser(app) as buyer:
            await given.signed_in(buyer, case.buyer)
            assert "Ready to decide" in (await buyer.get(place)).text
            page = await buyer.get(lot)
            assert "£40,000" in page.text
            bare = await buyer.post(lot, data={"reasons": "Best."})
            assert bare.status_code == 422
            assert "Enter who is awarded the lot" in bare.text
            second = await buyer.post(lot, data={"winner": case.bids[0, 0], "reasons": WHY})
            assert second.status_code == 409
            assert "Heron Ltd is first" in second.text
            aside = {f"aside-{case.bids[1, 0]}": "An exclusion ground applies: it was convicted of fraud."}
            done = await buyer.post(lot, data={"winner": case.bids[0, 0], "reasons": WHY, **aside})
            assert done.status_code == 303
            award = done.headers["location"]
        async with given.browser(app) as public:
            told = await public.get(award)
            assert "Lot 1 goes to Kestrel Ltd" in told.text
            assert "It is shown with counts." in told.text
            assert "it was convicted of fraud" in told.text
            assert award in (await public.get(f"/tenders/{case.ref}/awards")).text
    assert await Mark.count() == 8


async def test_an_evaluation_does_not_exist_for_those_it_does_not_concern(app: Litestar) -> None:
    case = await given_awards.opened()
    auditor = await given.person(await given.organisation(kind="audit"), "auditor")
    place = f"/tenders/{case.ref}/evaluation"
    with clock.at(case.opened_at):
        async with given.browser(app) as client:
            assert (await client.get(place)).status_code == 303
            for stranger, status in (
                (case.firms[0], 404),
                (await given.person(await given.organisation(), "buyer"), 404),
                (auditor, 200),
                (case.buyer, 200),
            ):
                await given.signed_in(client, stranger)
                for path in (place, f"{place}/{case.bids[0, 0]}", f"{place}/lots/{case.there.lots[0].ref}"):
                    assert (await client.get(path)).status_code == status


async def test_an_evaluator_with_a_conflict_sees_no_answer_and_no_other_reason(app: Litestar) -> None:
    case = await given_awards.opened()
    await given_awards.panel(case, 3, conflicts={0: [case.suppliers[0].ref]})
    with clock.at(case.opened_at + timedelta(hours=2)):
        async with given.browser(app) as client:
            await given.signed_in(client, case.panel[0])
            page = await client.get(f"/tenders/{case.ref}/evaluation/{case.bids[0, 0]}")
            assert "You declared an interest in this supplier" in page.text
            assert "We have done this before." not in page.text
            refused = await client.post(f"/tenders/{case.ref}/evaluation/{case.bids[0, 0]}/read")
            assert refused.status_code == 409


async def test_a_losers_reasons_are_hers_and_the_winners_are_everybodys(app: Litestar) -> None:
    case = await given_awards.opened()
    await given_awards.panel(case)
    with clock.at(case.opened_at + timedelta(days=1)):
        for evaluator in case.panel:
            for (firm, _), bid in case.bids.items():
                words = ("A weak answer, I am sorry.", "An excellent answer with evidence.")[firm]
                await given_awards.mark(evaluator, case, bid, given_awards.marks(case, 50 + 40 * firm, why=words))
            await given_awards.lock(evaluator, case)
    decision = await given_awards.decided(case)
    with clock.at(decision.decided_at + timedelta(hours=1)):
        async with given.browser(app) as client:
            public = (await client.get(f"/awards/{decision.ref}")).text
            assert "An excellent answer" in public
            assert "A weak answer" not in public
            machine = (await client.get(f"/api/v1/awards/{decision.ref}")).json()
            assert [bool(each["reasons"]) for each in machine["ranking"]["placed"]] == [True, False]
            await given.signed_in(client, case.firms[0])
            assert "A weak answer" in (await client.get(f"/awards/{decision.ref}")).text


async def test_a_complaint_by_clicking_is_read_by_those_it_concerns(app: Litestar) -> None:
    case, decision = await given_awards.awarded()
    place = f"/awards/{decision.ref}"
    words = "The second evaluator overlooked page four of my method."
    with clock.at(decision.decided_at + timedelta(days=1)):
        async with given.browser(app) as loser:
            await given.signed_in(loser, case.firms[0])
            short = await loser.post(f"{place}/complaint", data={"text": "Unfair"})
            assert short.status_code == 422
            assert (await loser.post(f"{place}/complaint", data={"text": words})).status_code == 303
            assert words in (await loser.get(place)).text
        complaint = await Complaint.objects().first()
        assert complaint is not None
        async with given.browser(app) as public:
            page = (await public.get(place)).text
            assert complaint.ref in page
            assert words not in page
            assert "Kestrel Ltd." not in page.split('id="complain"')[1]
        async with given.browser(app) as buyer:
            await given.signed_in(buyer, case.buyer)
            assert words in (await buyer.get(place)).text
            answer = f"{place}/complaint/{complaint.ref}/answer"
            missing = await buyer.post(answer, data={})
            assert missing.status_code == 422
            assert "Enter your decision on the complaint" in missing.text
            data = {"upheld": "yes", "answer": "Page four was overlooked indeed."}
            assert (await buyer.post(answer, data=data)).status_code == 303
            assert "was set aside" in (await buyer.get(place)).text
    assert (await find(Decision, Decision.ref == decision.ref)).set_aside_at is not None


async def test_a_low_price_is_asked_about_and_explained_by_clicking(app: Litestar) -> None:
    case = await given_awards.opened(10_000_000, 3_000_000)
    await given_awards.panel(case)
    await given_awards.scored(case)
    low = case.bids[1, 0]
    with clock.at(case.opened_at + timedelta(days=2)):
        async with given.browser(app) as client:
            await given.signed_in(client, case.buyer)
            lot = f"/tenders/{case.ref}/evaluation/lots/{case.there.lots[0].ref}"
            assert "Ask Heron Ltd to explain its price" in (await client.get(lot)).text
            asked = await client.post(f"/tenders/{case.ref}/evaluation/{low}/ask")
            assert asked.headers["location"] == lot
        async with given.browser(app) as client:
            await given.signed_in(client, case.firms[0])
            assert (await client.get(f"/awards/prices/{low}")).status_code == 404
            await given.signed_in(client, case.firms[1])
            assert (await client.post(f"/awards/prices/{low}", data={"answer": "Trust us"})).status_code == 409
            words = "We own the drones already and fly them anyway."
            assert (await client.post(f"/awards/prices/{low}", data={"answer": words})).status_code == 303
            await given.signed_in(client, case.buyer)
            assert words in (await client.get(lot)).text


async def test_the_api_does_the_same_with_tokens(app: Litestar) -> None:
    case = await given_awards.opened()
    buyer = await given.token(case.buyer)
    evaluators = [await given.person(case.there.buyer, "evaluator") for _ in range(2)]
    place = f"/api/v1/tenders/{case.ref}/evaluation"
    lot = case.there.lots[0]
    quality = [each.ref for each in case.there.criteria[lot.id] if each.kind == "quality"]
    with clock.at(case.opened_at + timedelta(hours=1)):
        async with given.browser(app) as client:

            async def ask(method: str, path: str, who: dict[str, str], body: Any = None, seen: str = "") -> Any:
                return await client.request(method, path, headers={**who, "if-match": seen}, json=body)

            assert (await client.get(place)).status_code == 401
            for evaluator in evaluators:
                named = await ask("POST", f"{place}/panel", buyer, {"person": evaluator.ref})
                assert named.status_code == 201
            for evaluator in evaluators:
                token = await given.token(evaluator)
                seen = (await ask("GET", place, token)).json()["declaration"]["etag"]
                assert (await ask("PUT", f"{place}/declaration", token, {"declared": True}, seen)).status_code == 200
                for bid in case.bids.values():
                    content = (await ask("POST", f"{place}/bids/{bid}/read", token)).json()
                    assert content["price_minor"] is None
                    assert list(content["answers"].values()) == ["We have done this before."] * 2
                    scores = [{"criterion": ref, "points": 80, "reason": "Shown with counts."} for ref in quality]
                    half = await ask("PUT", f"{place}/bids/{bid}/marks", token, {"marks": scores[:1]})
                    assert half.status_code == 422
                    assert half.json()["reasons"][0]["code"] == "panel.criterion-missing"
                    kept = await ask("PUT", f"{place}/bids/{bid}/marks", token, {"marks": scores}, content["etag"])
                    assert kept.status_code == 200
                assert (await ask("GET", f"{place}/lots/{lot.ref}/ranking", buyer)).status_code == 404
                assert (await ask("POST", f"{place}/submit", token)).status_code == 200
            ranking = (await ask("GET", f"{place}/lots/{lot.ref}/ranking", buyer)).json()
            assert [each["name"] for each in ranking["placed"]] == ["Heron Ltd", "Kestrel Ltd"]
            decide = f"{place}/lots/{lot.ref}/decision"
            refused = await ask("POST", decide, buyer, {"reasons": WHY, "winner": case.bids[0, 0]})
            assert refused.status_code == 409
            assert refused.headers["content-type"] == "application/problem+json"
            award = (await ask("POST", decide, buyer, {"reasons": WHY, "winner": case.bids[1, 0]})).json()
            assert (award["supplier"], award["price_minor"], award["small_firm"]) == (
                case.suppliers[1].ref,
                4_000_000,
                True,
            )
            listed = (await client.get(f"/api/v1/awards/of/{case.ref}")).json()["items"]
            assert [each["ref"] for each in listed] == [award["ref"]]
            here = f"/api/v1/awards/{award['ref']}"
            loser = await given.token(case.firms[0])
            words = "The second evaluator overlooked page four."
            lodged = await ask("POST", f"{here}/complaints", loser, {"text": words})
            assert lodged.status_code == 201
            assert (await client.get(f"{here}/complaints")).json()["items"][0]["text"] == ""
            answer = {"upheld": False, "answer": "Both evaluators quote page four."}
            done = await ask("POST", f"{here}/complaints/{lodged.json()['ref']}/answer", buyer, answer)
            assert (done.status_code, done.json()["text"]) == (200, words)
            back = await ask("POST", f"{here}/set-aside", buyer, {"reason": "The winner withdrew this morning."})
            assert back.json()["set_aside_at"] is not None
    assert await Event.count().where(Event.verb == "bid.read") == 4
