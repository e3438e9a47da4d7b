"""Tenders through pages and the API, as browsers and programs ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.dates import local
from market.db import find
from market.proof import sealing
from market.questions.tables import PublicQuestion
from market.tenders import readers
from market.tenders.drafts import actions as drafting
from market.tenders.listing import PAGE, listed
from market.tenders.tables import LotCriterion, OpeningOfficer, Tender
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

DAY = timedelta(days=1)


def typed(moment: object) -> str:
    return local(moment).strftime("%Y-%m-%dT%H:%M")  # type: ignore[arg-type]


async def test_a_buyer_drafts_fills_in_and_publishes_by_forms_alone(app: Litestar) -> None:
    body = await given.organisation(tier="local")
    first, second = await given.person(body, "buyer"), await given.person(body, "evaluator")
    now = clock.now()
    async with given.browser(app) as client, given.browser(app) as other:
        await given.signed_in(client, first)
        await given.signed_in(other, second)
        wrong = await client.post("/tenders/new", data={"title": "Sen", "cpv": "99999999"})
        assert wrong.status_code == 422
        assert "Title must be at least 5 characters long" in wrong.text
        kept = await client.post("/tenders/new", data={"title": "Beach wheelchairs", "cpv": "33193120"})
        assert kept.status_code == 303
        place = kept.headers["location"]
        page = await client.get(place)
        assert "Before it can be published" in page.text
        assert "Add at least one lot" in page.text
        about = {
            "title": "Beach wheelchairs",
            "description": "Two beaches.",
            "cpv": "33193120\n33193000",
            "region": "Coast",
            "contract_kind": "goods-services",
        }
        assert (await given.filled(client, f"{place}/about", about)).status_code == 303
        terms = {"undivided_reason": "Both beaches are served from one shed by one team of four."}
        assert (await given.filled(client, f"{place}/terms", terms)).status_code == 303
        dates = {
            "questions_until": typed(now + 10 * DAY),
            "closes_at": typed(now + 30 * DAY),
            "contract_begins_on": (now + 60 * DAY).date().isoformat(),
            "contract_ends_on": (now + 600 * DAY).date().isoformat(),
        }
        assert (await given.filled(client, f"{place}/dates", dates)).status_code == 303
        lot = await client.post(
            f"{place}/lots/new", data={"title": "Both beaches", "value_minor": "6,500", "cpv": "33193120"}
        )
        assert lot.status_code == 303
        lot_place = lot.headers["location"]
        bad = await client.post(f"{lot_place}/criteria", data={"name": "Ease", "weight": "lots"})
        assert "Weight must be a whole number" in bad.text
        for name, kind, weight in (("Ease on sand", "quality", "60"), ("Price", "price", "40")):
            answer = await client.post(f"{lot_place}/criteria", data={"name": name, "kind": kind, "weight": weight})
            assert answer.status_code == 303
        assert "The weights sum to 100" in (await client.get(lot_place)).text
        for officer in (first, second):
            assert (await client.post(f"{place}/officers", data={"person": officer.ref})).status_code == 303
        paid_from = {"budget": (await given.budget(body)).ref}
        assert (await given.filled(client, f"{place}/budget", paid_from)).status_code == 303
        early = await client.post(f"{place}/publish")
        assert early.status_code == 409
        assert "have not yet written down their code" in early.text
        for each in (client, other):
            shown = await each.post(f"{place}/officers/enrol")
            assert shown.status_code == 200
            assert shown.headers["cache-control"] == "no-store"
            code = shown.text.split("<code>")[1].split("</code>")[0]
            assert sealing.public_key_of(code)
            assert code not in (await each.get(f"{place}/officers")).text
        assert (await client.post(f"{place}/publish")).status_code == 409
        await given.approved("tender", place.rpartition("/")[2], first, second)
        assert (await client.post(f"{place}/publish")).status_code == 303
        public = await client.get(place)
        assert "Why it may open" in public.text
        assert "which alone the rule binds" in public.text
        assert "lowest valid price divided by the bid" in public.text
        assert "parted by higher quality points, then by lower price, then by a lot draw" in public.text
        assert "keeps those with the greatest lead" not in public.text, "there is no limit on lots"
        assert "£6,500" in public.text
    async with given.browser(app) as stranger:
        assert (await stranger.get(place)).status_code == 200
        assert "Beach wheelchairs" in (await stranger.get("/tenders?stage=open")).text
        assert "Beach wheelchairs" not in (await stranger.get("/tenders?stage=closed")).text


async def test_every_page_of_a_draft_is_there_for_its_buyer_and_for_nobody_else(app: Litestar) -> None:
    made = await given.tendering()
    lot = (await readers.lots_of(made.tender))[0]
    paths = [
        "",
        "/about",
        "/origin",
        "/dates",
        "/terms",
        "/lots/new",
        f"/lots/{lot.ref}",
        f"/lots/{lot.ref}/edit",
        "/officers",
        "/change",
        "/cancel",
    ]
    stranger = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as mine, given.browser(app) as theirs, given.browser(app) as nobody:
        await given.signed_in(mine, made.officers[0])
        await given.signed_in(theirs, stranger)
        for path in paths:
            if path not in ("/change", "/cancel"):
                assert (await mine.get(f"/tenders/{made.ref}{path}")).status_code == 200, path
            assert (await theirs.get(f"/tenders/{made.ref}{path}")).status_code == 404, path
            assert (await nobody.get(f"/tenders/{made.ref}{path}")).status_code in (303, 404), path
        assert (await theirs.post(f"/tenders/{made.ref}/publish")).status_code == 404


async def test_a_draft_is_carried_over_from_an_exercise_by_its_link(app: Litestar) -> None:
    body = await given.organisation()
    buyer = await given.person(body, "buyer")
    await given.exercise(body, "CH-GULLY")
    async with given.browser(app) as client:
        await given.signed_in(client, buyer)
        page = await client.get("/tenders/new?exercise=CH-GULLY")
        assert 'value="CH-GULLY" selected' in page.text
        assert "35125100" in page.text
        assert (await client.get("/tenders/new?exercise=CH-OTHER")).status_code == 404


async def test_questions_changes_and_the_end_by_forms(app: Litestar) -> None:
    made = await given.tendering()
    tender = await made.publish()
    place = f"/tenders/{tender.ref}"
    asker = await given.person(await given.supplier("Wetfoot Ltd"), "supplier-admin")
    async with given.browser(app) as client, given.browser(app) as firm, given.browser(app) as public:
        await given.signed_in(client, made.officers[0])
        await given.signed_in(firm, asker)
        assert "Enter your question" in (await firm.post(f"{place}/questions", data={})).text
        assert (await firm.post(f"{place}/questions", data={"text": "May the gateway be used?"})).status_code == 303
        assert "May the gateway" not in (await public.get(place)).text
        assert "May the gateway" in (await client.get(place)).text
        question = await find(PublicQuestion, PublicQuestion.record == f"tender:{tender.ref}")
        assert (await client.get(f"{place}/questions/{question.ref}")).status_code == 200
        answer = await client.post(f"{place}/questions/{question.ref}", data={"answer": "Yes, by everybody."})
        assert answer.status_code == 303
        shown = (await public.get(place)).text
        assert "Yes, by everybody." in shown
        assert "Wetfoot" not in shown
        assert (await firm.post(f"{place}/follow", data={})).status_code == 303
        assert "Tell me when it changes" in (await firm.get(place)).text
        assert (await firm.post(f"{place}/follow", data={"wanted": "yes"})).status_code == 303
        assert tender.closes_at is not None
        early = {"text": "The deadline moves.", "kind": "deadline", "alters_offer": "no"}
        early |= {"new_closes_at": typed(tender.closes_at - DAY)}
        refused = await client.post(f"{place}/change", data=early)
        assert refused.status_code == 409
        assert "later than the present one" in refused.text
        later = {**early, "new_closes_at": typed(tender.closes_at + DAY)}
        assert (await client.post(f"{place}/change", data=later)).status_code == 303
        assert "Later deadline: The deadline moves." in (await public.get(place)).text
        assert (await client.post(f"{place}/cancel", data={"reason": "No"})).status_code == 422
        assert (
            await client.post(f"{place}/cancel", data={"reason": "Five of the depots are not heated."})
        ).status_code == 303
        ended = (await public.get(place)).text
        assert "Five of the depots are not heated." in ended
        assert "Prepare a bid" not in ended


async def test_an_operator_proposes_to_let_a_claim_stand_on_the_drafts_page(app: Litestar) -> None:
    made = await given.tendering(exercised=False)
    await drafting.explain_origin(
        made.officers[0],
        made.ref,
        drafting.Origin("", True, "Sold by forty firms."),
        await given.as_is(drafting.Origin, Tender, made.ref),
    )
    team = await given.organisation(kind="operator")
    operator, _other = await given.person(team, "operator"), await given.person(team, "operator")
    await given.person(await given.organisation(kind="audit"), "auditor")
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        assert "Propose to let it stand" in (await client.get(f"/tenders/{made.ref}")).text
        short = await client.post(f"/tenders/{made.ref}/commodity", data={"ground": "Fine"})
        assert short.status_code == 409
        assert "Say why, in at least" in short.text
        why = "Forty firms make it to one published standard, and whoever buys it compares nothing but prices and days."
        said = {"ground": why, "instrument": "BS 9999:2026, published in June"}
        kept = await client.post(f"/tenders/{made.ref}/commodity", data=said)
        assert kept.status_code == 303
        page = (await client.get(f"/tenders/{made.ref}")).text
        assert "counts once it is in force" in page
        assert kept.headers["location"] in page


async def test_codes_are_found_by_words(app: Litestar) -> None:
    async with given.browser(app) as client:
        page = await client.get("/tenders/cpv?q=portable+computers")
        assert "30213100" in page.text
        assert "Commodity" in page.text
        assert "No code says that" in (await client.get("/tenders/cpv?q=zzzzzz")).text


async def test_the_list_goes_on_page_by_page_in_the_order_of_deadlines(app: Litestar) -> None:
    body = await given.organisation()
    person = await given.person(body, "buyer")
    now = clock.now()
    for number in range(PAGE + 7):
        ahead = number < PAGE + 2
        await Tender.insert(
            Tender(
                buyer=body.id,
                title=f"Tender {number}",
                created_at=now,
                created_by=person.person,
                published_at=now - 60 * DAY,
                questions_until=now - 30 * DAY,
                closes_at=now + (30 + (number * 7) % 11) * DAY if ahead else now - number * DAY,
                cancelled_at=now if number == PAGE else None,
            )
        )
    seen, after = [], ""
    for _ in range(3):
        page = await listed("", after)
        seen += page.items
        after = page.next
        if not after:
            break
    assert len({each.ref for each in seen}) == len(seen) == PAGE + 7
    running = [each.closes_at for each in seen if each.standing.stage == "open"]
    rest = [each.closes_at for each in seen if each.standing.stage != "open"]
    assert running == sorted(running)
    assert rest == sorted(rest, reverse=True)
    assert [each.standing.stage for each in seen[: PAGE + 1]] == ["open"] * (PAGE + 1)
    assert len((await listed("cancelled")).items) == 1
    assert len((await listed("closed")).items) == 5
    async with given.browser(app) as client:
        first = (await client.get("/api/v1/tenders")).json()
        second = (await client.get(first["next"])).json()
        assert len(first["items"]) + len(second["items"]) == PAGE + 7
        assert second["next"] is None
        assert (await client.get("/api/v1/tenders?after=nonsense")).status_code == 400
        assert (await client.get("/api/v1/tenders?stage=nonsense")).json()["reasons"][0][
            "code"
        ] == "tender.stage-unknown"
        assert 'rel="next"' in (await client.get("/tenders")).text


async def test_a_program_does_every_step_with_a_token(app: Litestar) -> None:
    body = await given.organisation()
    exercise = await given.exercise(body)
    first, second = await given.person(body, "buyer"), await given.person(body, "buyer")
    mine = await given.token(first)
    firm = await given.token(await given.person(await given.supplier(), "supplier-admin"))
    now = clock.now()
    async with given.browser(app) as client:
        new = {
            "buyer": body.ref,
            "title": "Sensors for gullies",
            "description": "They say when one blocks.",
            "exercise": exercise,
        }
        assert (await client.post("/api/v1/tenders", json=new)).status_code == 401
        made = await client.post("/api/v1/tenders", json=new, headers=mine)
        assert made.status_code == 201
        place = f"/api/v1/tenders/{made.json()['ref']}"
        assert (await client.get(place)).status_code == 404
        sections = {
            "about": {
                "title": "Sensors for gullies",
                "description": "They say when one blocks.",
                "cpv": given.CODES,
                "contract_kind": "goods-services",
            },
            "origin": {"exercise": exercise, "same_need": given.SAME},
            "terms": {"terms": "Rights stay.", "undivided_reason": "", "lots_per_supplier": 1},
            "budget": {"budget": (await given.budget(body)).ref},
            "dates": {
                "questions_until": (now + 10 * DAY).isoformat(),
                "closes_at": (now + 30 * DAY).isoformat(),
                "contract_begins_on": (now + 60 * DAY).date().isoformat(),
                "contract_ends_on": (now + 600 * DAY).date().isoformat(),
            },
        }
        for name, data in sections.items():
            seen = {**mine, "if-match": made.json()["etags"][name]}
            assert (await client.put(f"{place}/{name}", json=data, headers=seen)).status_code == 200, name
        naive = {**sections["dates"], "closes_at": "2027-01-01T12:00:00"}
        assert (await client.put(f"{place}/dates", json=naive, headers=mine)).status_code == 400
        lots = []
        for number in range(2):
            lot = {"title": f"Lot {number}", "value_minor": 500_000, "cpv": given.CODES, "sme_suitable": True}
            lots.append((await client.post(f"{place}/lots", json=lot, headers=mine)).json()["ref"])
        for name, kind, weight in (("Use", "quality", 50), ("Price", "price", 50)):
            criterion = {"name": name if len(name) > 2 else "Usefulness", "kind": kind, "weight": weight}
            answer = await client.post(f"/api/v1/tenders/lots/{lots[0]}/criteria", json=criterion, headers=mine)
            assert answer.status_code == 201
        copied = await client.post(
            f"/api/v1/tenders/lots/{lots[1]}/criteria/copy", json={"source": lots[0]}, headers=mine
        )
        assert [each["weight"] for each in copied.json()["criteria"]] == [50, 50]
        revised = {"title": "Harbour", "value_minor": 100_000, "cpv": given.CODES}
        seen = {**mine, "if-match": copied.json()["etag"]}
        assert (await client.put(f"/api/v1/tenders/lots/{lots[1]}", json=revised, headers=seen)).json()[
            "value_minor"
        ] == 100_000
        for officer in (first, second):
            assert (
                await client.post(f"{place}/officers", json={"person": officer.ref}, headers=mine)
            ).status_code == 201
            by_hand = {"accept": "text/html", **await given.at_a_browser(officer.ref)}
            shown = await client.post(f"{place.removeprefix('/api/v1')}/officers/enrol", headers=by_hand)
            assert sealing.public_key_of(shown.text.split("<code>")[1].split("</code>")[0])
        shown = (await client.get(place, headers=mine)).json()
        unread = ["review.precedents-unseen", "review.not-approved"]
        assert [each["code"] for each in shown["checks"] if not each["holds"]] == unread
        assert (await client.post(f"{place}/publish", headers=mine)).status_code == 409
        await given.approved("tender", shown["ref"], first, second)
        shown = (await client.get(place, headers=mine)).json()
        assert [each["code"] for each in shown["checks"] if not each["holds"]] == []
        assert len(shown["officers"]) == 2
        published = await client.post(f"{place}/publish", headers=mine)
        assert published.status_code == 200
        assert published.json()["ground"] == "exercise"
        assert published.json()["gate"][-1]["holds"] is True
        assert (await client.post(f"{place}/publish", headers=mine)).json()["reasons"][0][
            "code"
        ] == "tender.already-published"
        asked = await client.post(f"{place}/questions", json={"text": "May it be blue?"}, headers=firm)
        assert asked.status_code == 201
        answer = await client.post(
            f"/api/v1/tenders/questions/{asked.json()['ref']}/answer", json={"answer": "Yes."}, headers=mine
        )
        assert answer.json()["answer"] == "Yes."
        assert (await client.put(f"{place}/following", json={"wanted": True}, headers=firm)).status_code == 200
        moved = {
            "text": "A week more for everybody.",
            "kind": "deadline",
            "alters_offer": "no",
            "new_closes_at": (now + 37 * DAY).isoformat(),
        }
        assert (await client.post(f"{place}/changes", json=moved, headers=mine)).status_code == 201
        public = (await client.get(place)).json()
        assert public["officers"] == []
        assert public["questions"][0]["answer"] == "Yes."
        assert len(public["addenda"]) == 1
        assert any("lowest valid price" in each for each in public["method"])
        ended = await client.post(f"{place}/cancel", json={"reason": "The budget was cut by half."}, headers=mine)
        assert ended.json()["stage"] == "cancelled"
        dropped = await client.delete(f"/api/v1/tenders/lots/{lots[0]}", headers=mine)
        assert dropped.json()["reasons"][0]["code"] == "tender.not-a-draft"


async def test_a_program_takes_out_what_it_put_in(app: Litestar) -> None:
    made = await given.tendering()
    headers = await given.token(made.officers[0])
    lot = (await readers.lots_of(made.tender))[0]
    criterion = await find(LotCriterion, LotCriterion.lot == lot.id)
    async with given.browser(app) as client:
        gone = await client.delete(f"/api/v1/tenders/criteria/{criterion.ref}", headers=headers)
        assert len(gone.json()["criteria"]) == 1
        assert len((await client.delete(f"/api/v1/tenders/lots/{lot.ref}", headers=headers)).json()["lots"]) == 1
        officer = made.officers[1].ref
        assert (
            await client.delete(f"/api/v1/tenders/{made.ref}/officers/{officer}", headers=headers)
        ).status_code == 200
        assert await OpeningOfficer.count() == 1
