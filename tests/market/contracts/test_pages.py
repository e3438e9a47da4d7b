"""Contracts as people click and programs ask, on a real database."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from market import clock
from market.contracts import actions
from market.contracts.tables import Contract, ContractChange, Milestone
from market.payments.tables import Obligation, Payment
from tests import given, given_awards

pytestmark = pytest.mark.usefixtures("clean")


async def test_the_whole_contract_by_clicking(app: Litestar) -> None:
    case, decision = await given_awards.awarded(terms="The readings are public.")
    assert decision.standstill_ends_at is not None
    manager = await given.person(case.there.buyer, "contract-manager")
    draft = given_awards.draft(decision)
    form = f"/awards/{decision.ref}/contract"
    async with (
        given.browser(app) as buyer,
        given.browser(app) as second,
        given.browser(app) as firm,
        given.browser(app) as public,
    ):
        with clock.at(decision.decided_at):
            await given.signed_in(buyer, manager)
            assert "The standstill has not ended yet" in (await buyer.get(form)).text
        with clock.at(decision.standstill_ends_at + timedelta(days=1)):
            await given.signed_in(buyer, manager)
            await given.signed_in(firm, case.firms[1])
            await given.signed_in(second, case.buyer)
            assert form in (await buyer.get(f"/awards/{decision.ref}")).text
            assert "The readings are public." in (await buyer.get(form)).text
            typed = {
                "begins_on": draft.begins_on.isoformat(),
                "ends_on": draft.ends_on.isoformat(),
                "title": "Drones over bridges",
                "m1_title": "Half of the bridges",
                "m1_due_on": draft.milestones[0].due_on.isoformat(),
                "m1_amount_minor": "20,000",
                "m2_title": "The rest",
                "m2_due_on": "soon",
                "m2_amount_minor": "many",
            }
            wrong = await buyer.post(form, data=typed)
            assert wrong.status_code == 422
            assert "Due must be a real date" in wrong.text
            assert "Enter an amount in pounds" in wrong.text
            short = {**typed, "m2_due_on": typed["m1_due_on"], "m2_amount_minor": "19999.99"}
            unequal = await buyer.post(form, data=short)
            assert unequal.status_code == 422
            assert "they must make £40,000" in unequal.text
            made = await buyer.post(form, data={**short, "m2_amount_minor": "20,000"})
            assert made.status_code == 303
            place = made.headers["location"]
            assert "Waiting for signatures" in (await public.get(place)).text
            document = (await public.get(f"{place}/document.json")).content
            digest = hashlib.sha256(document).hexdigest()
            assert digest in (await firm.get(place)).text
            unsaid = await firm.post(f"{place}/sign", data={"digest": digest})
            assert unsaid.status_code == 409
            assert "Confirm that you have read the document" in unsaid.text
            for side in (firm, buyer):
                assert (await side.post(f"{place}/sign", data={"digest": digest, "agreed": "yes"})).status_code == 303
            assert "In force" in (await public.get(place)).text
            assert "Drones over bridges" in (await public.get("/contracts")).text
            first = await Milestone.objects().where(Milestone.number == 1).first()
            assert first is not None
            step = f"{place}/milestones/{first.ref}"
            assert (await firm.post(f"{step}/deliver", data={})).status_code == 422
            assert (await firm.post(f"{step}/deliver", data={"note": "Sixty-one bridges."})).status_code == 303
            assert "Sixty-one bridges." in (await buyer.get(place)).text
            assert (await buyer.post(f"{step}/refuse", data={"problem": "Bad"})).status_code == 409
            assert (await buyer.post(f"{step}/accept")).status_code == 303
            assert "to be paid by" in (await public.get(place)).text
            change = {
                "ground": "additional",
                "text": "Two more bridges are inspected as well.",
                "milestone_title": "Two",
            }
            half = await buyer.post(f"{place}/changes", data=change)
            assert half.status_code == 422
            assert "Give the added milestone a title, a date and an amount" in half.text
            assert "How the ground is met" in half.text
            whole = {
                **change,
                "reasons": "Drones of another firm would not read the marks of the first; all would be paid for twice.",
                "milestone_due_on": draft.ends_on.isoformat(),
                "milestone_minor": "1,000",
            }
            much = await buyer.post(f"{place}/changes", data={**whole, "milestone_minor": "20,000.01"})
            assert much.status_code == 422
            assert "At most £20,000 may be added, 50 per cent of the £40,000 first signed" in much.text
            assert (await buyer.post(f"{place}/changes", data=whole)).status_code == 303
            taken = await ContractChange.objects().first()
            assert taken is not None
            assert "Take this change back" in (await buyer.get(place)).text
            assert "Approve this change" not in (await buyer.get(place)).text, "she proposed it"
            assert "Do not agree" not in (await firm.get(place)).text, "it is not asked yet"
            assert "Waits for a second person" in (await public.get(place)).text
            assert (await buyer.post(f"{place}/changes/{taken.ref}/leave")).status_code == 303
            assert "Taken back" in (await public.get(place)).text
            assert (await buyer.post(f"{place}/changes", data=whole)).status_code == 303
            proposed = await ContractChange.objects().where(ContractChange.left_at.is_null()).first()
            assert proposed is not None
            approve = f"{place}/changes/{proposed.ref}/approve"
            assert (await buyer.post(approve)).status_code == 409
            assert (await firm.post(approve)).status_code == 403
            assert "Approve this change" in (await second.get(place)).text
            assert (await second.post(approve)).status_code == 303
            assert "Waits for the supplier" in (await public.get(place)).text
            assert "Do not agree" in (await firm.get(place)).text
            assert (await firm.post(f"{place}/changes/{proposed.ref}/agree")).status_code == 303
            told = (await public.get(place)).text
            assert "£20,000 (50 per cent)" in told
            assert "£19,000" in told, "what is left of the limit"
            assert "£41,000" in (await public.get(place)).text
            reason = {"reason": "Both sides agreed that enough was learnt."}
            assert (await buyer.post(f"{place}/end", data=reason)).status_code == 303
            assert "enough was learnt" in (await public.get(place)).text


async def test_a_milestone_shows_when_it_was_paid_and_confirmed(app: Litestar) -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.in_force(case, decision)
    first = await Milestone.objects().where(Milestone.number == 1).first()
    assert first is not None
    at = contract.drawn_up_at + timedelta(days=30)
    with clock.at(at):
        await actions.deliver(case.firms[1], contract.ref, first.ref, actions.Delivery("Done."))
        await actions.accept(case.buyer, contract.ref, first.ref)
        owed = await Obligation.objects().first()
        assert owed is not None
        await Payment.insert(
            Payment(
                obligation=owed.id,
                provider="simulated",
                state="paid",
                approved_by="P-OTHER",
                asked_at=at,
                paid_at=at,
                confirmed_at=at,
            )
        )
        async with given.browser(app) as client:
            assert ", receipt confirmed" in (await client.get(f"/contracts/{contract.ref}")).text
            row = (await client.get(f"/api/v1/contracts/{contract.ref}")).json()["milestones"][0]
    assert row["obligation"] == owed.ref
    assert row["paid_at"] is not None


async def test_pages_of_a_contract_nobody_may_touch_refuse_strangers(app: Litestar) -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    stranger = await given.person(await given.organisation(), "contract-manager")
    async with given.browser(app) as client:
        assert (await client.get("/contracts/C-NOTHERE")).status_code == 404
        await given.signed_in(client, stranger)
        assert (await client.get(f"/awards/{decision.ref}/contract")).status_code == 404
        signed = await client.post(f"/contracts/{contract.ref}/sign", data={"digest": contract.digest, "agreed": "yes"})
        assert signed.status_code == 403
        page = (await client.get(f"/contracts/{contract.ref}")).text
    assert "Sign the contract" not in page
    assert "Give it up" not in page


async def test_the_api_does_the_same_with_tokens(app: Litestar) -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    buyer, firm = await given.token(case.buyer), await given.token(case.firms[1])
    second = await given.token(case.there.officers[1])
    draft = given_awards.draft(decision)
    with clock.at(decision.standstill_ends_at + timedelta(days=1)):
        async with given.browser(app) as client:

            async def ask(path: str, who: dict[str, str], body: Any = None) -> Any:
                return await client.post(f"/api/v1/contracts{path}", headers=who, json=body)

            body = {
                "award": decision.ref,
                "begins_on": draft.begins_on.isoformat(),
                "ends_on": draft.ends_on.isoformat(),
                "milestones": [
                    {"title": each.title, "due_on": each.due_on.isoformat(), "amount_minor": each.amount_minor}
                    for each in draft.milestones
                ],
            }
            assert (await ask("/", {}, body)).status_code == 401
            assert (await ask("/", firm, body)).status_code == 403
            made = await ask("/", buyer, body)
            assert made.status_code == 201
            contract = made.json()
            ref = contract["ref"]
            document = await client.get(f"/api/v1/contracts/{ref}/document")
            assert hashlib.sha256(document.content).hexdigest() == contract["digest"]
            other = await ask(f"/{ref}/signatures", firm, {"digest": "0" * 64, "agreed": True})
            assert other.json()["reasons"][0]["code"] == "contract.other-document"
            for who in (firm, buyer):
                signed = await ask(f"/{ref}/signatures", who, {"digest": contract["digest"], "agreed": True})
                assert signed.status_code == 201
            assert signed.json()["stage"] == "in-force"
            first = contract["milestones"][0]["ref"]
            step = f"/{ref}/milestones/{first}"
            assert (await ask(f"{step}/delivery", firm, {"note": "Done."})).status_code == 201
            refused = await ask(f"{step}/refusal", buyer, {"problem": "Eleven of them failed the test."})
            assert refused.json()["milestones"][0]["refused_reason"] == "Eleven of them failed the test."
            assert (await ask(f"{step}/delivery", firm, {"note": "Mended."})).status_code == 201
            accepted = await ask(f"{step}/acceptance", buyer)
            assert accepted.json()["milestones"][0]["obligation"].startswith("OB-")
            change = {
                "ground": "not-substantial",
                "text": "The second report is due in May.",
                "reasons": "The same two reports are delivered at the same price; only the day of the second one moves.",
                "same": True,
            }
            proposed = (await ask(f"/{ref}/changes", buyer, change)).json()["changes"][0]
            alone = await ask(f"/{ref}/changes/{proposed['ref']}/approval", buyer)
            assert alone.json()["reasons"][0]["code"] == "change.same-person"
            early = await ask(f"/{ref}/changes/{proposed['ref']}/agreement", firm)
            assert early.json()["reasons"][0]["code"] == "change.not-approved"
            approved = await ask(f"/{ref}/changes/{proposed['ref']}/approval", second)
            assert approved.json()["changes"][0]["approved_by"]
            left = await ask(f"/{ref}/changes/{proposed['ref']}/leaving", firm)
            assert left.json()["changes"][0]["left_by"] == "supplier"
            proposed = (await ask(f"/{ref}/changes", buyer, change)).json()["changes"][1]
            await ask(f"/{ref}/changes/{proposed['ref']}/approval", second)
            agreed = await ask(f"/{ref}/changes/{proposed['ref']}/agreement", firm)
            assert agreed.json()["changes"][1]["agreed_at"] is not None
            half, small, free = agreed.json()["limits"]
            assert (half["percent"], half["most_minor"], half["used_minor"]) == (50, 2_000_000, 0)
            assert (small["percent"], small["days_most"], free["most_minor"]) == (10, 36, None)
            ended = await ask(f"/{ref}/end", buyer, {"reason": "Both sides agreed that enough was learnt."})
            assert (ended.status_code, ended.json()["stage"]) == (200, "ended")
            listed = (await client.get("/api/v1/contracts")).json()
            assert [(each["ref"], each["stage"]) for each in listed["items"]] == [(ref, "ended")]
            assert listed["next"] is None
    assert await Contract.count() == 1
