"""Owing, releasing, paying and confirming, on a real database and through the real Stripe SDK against a local server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import stripe
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.money import Money
from market.payments import actions, rules
from market.payments import stripe as by_stripe
from market.payments.tables import Obligation, Payment, PayoutAccount
from market.refusals import NotFound, Refused, refusals
from tests import given
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.usefixtures("clean")


class Owed:
    """A buyer with two officers, a supplier, and a pitch fee of £5,000 that the first officer accepted."""

    obligation: Obligation
    buyer: Organisation
    firm: Organisation
    accepting: Actor
    releasing: Actor
    supplier: Actor


async def owed() -> Owed:
    made = Owed()
    made.buyer, made.firm = await given.organisation("Department for Roads"), await given.supplier("Kestrel Ltd")
    made.accepting = await given.person(made.buyer, "buyer")
    made.releasing = await given.person(made.buyer, "contract-manager")
    made.supplier = await given.person(made.firm, "supplier-admin")
    made.obligation = await actions.owe(
        made.accepting,
        cause="pitch:PI-AAAAAAA",
        payer=made.buyer.id,
        payee=made.firm.id,
        amount=Money(500_000),
        purpose="Pitch for “Bridges”",
        about="challenge:CH-AAAAAAA",
        ancestors=["mission:M-AAAAAAA"],
        days=10,
    )
    return made


@pytest.fixture
def stripe_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    """The real SDK, talking to a Stripe on loopback."""
    with StripeServer() as server:
        monkeypatch.setattr(actions, "provider", lambda: by_stripe.Stripe("sk_test_local", server.url))
        yield server


async def account(firm: Organisation, server: StripeServer) -> None:
    server.state.accounts["acct_9"] = {"status": "active"}
    now = clock.now()
    await PayoutAccount.insert(
        PayoutAccount(organisation=firm.id, provider="stripe", account="acct_9", active_at=now, created_at=now)
    )


async def test_the_same_fact_is_owed_once() -> None:
    there = await owed()
    again = await actions.owe(
        there.accepting,
        cause="pitch:PI-AAAAAAA",
        payer=there.buyer.id,
        payee=there.firm.id,
        amount=Money(999),
        purpose="again",
        about="challenge:CH-AAAAAAA",
        days=10,
    )
    assert again.ref == there.obligation.ref
    assert await Obligation.count() == 1


async def test_who_accepted_the_work_does_not_release_the_money() -> None:
    there = await owed()
    with pytest.raises(Refused) as refused:
        await actions.release(there.accepting, there.obligation.ref)
    assert [reason.code for reason in refused.value.reasons] == ["payment.same-person"]
    with pytest.raises(NotFound):
        await actions.release(there.supplier, there.obligation.ref)


async def test_a_released_fee_is_paid_told_and_confirmed() -> None:
    there = await owed()
    payment = await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 1
    assert await actions.pay_waiting() == 0
    row = await actions.entry(payment.ref)
    assert (row["state"], row["provider"]) == ("paid", "simulated")
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.subject.startswith("You have been paid £5,000")
    assert "Payments on this site are simulated" in letter.text
    await actions.confirm(there.supplier, payment.ref)
    with pytest.raises(Refused) as refused:
        await actions.confirm(there.supplier, payment.ref)
    assert refused.value.reasons[0].code == "payment.confirmed-already"
    verbs = [each["verb"] for each in await Event.select(Event.verb).order_by(Event.seq)]
    assert verbs == ["obligation.incurred", "payment.released", "payment.paid", "payment.confirmed"]
    with pytest.raises(Refused) as paid:
        await actions.release(there.releasing, there.obligation.ref)
    assert paid.value.reasons[0].code == "payment.paid-already"


async def test_two_releases_at_once_make_one_payment() -> None:
    import asyncio

    there = await owed()
    results = await asyncio.gather(
        *(actions.release(there.releasing, there.obligation.ref) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, Payment) for each in results) == 1
    assert sum(isinstance(each, Refused) for each in results) == 4


async def test_stripe_is_asked_once_however_often_the_answer_is_lost(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    payment = await actions.release(there.releasing, there.obligation.ref)
    stripe_server.state.faults = ["lose"]
    assert await actions.pay_waiting() == 1
    assert (await actions.entry(payment.ref))["state"] == "unknown"
    with clock.at(clock.now() + timedelta(minutes=5)):
        assert await actions.pay_waiting() == 1
    assert (await actions.entry(payment.ref))["state"] == "paid"
    assert [each["amount"] for each in stripe_server.state.transfers] == [500_000]


async def test_after_a_day_stripe_is_looked_up_before_anything_is_sent_again(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    payment = await actions.release(there.releasing, there.obligation.ref)
    stripe_server.state.faults = ["lose"]
    await actions.pay_waiting()
    stripe_server.state.forget_keys = True
    with clock.at(clock.now() + timedelta(days=2)):
        await actions.pay_waiting()
    assert (await actions.entry(payment.ref))["state"] == "paid"
    assert len(stripe_server.state.transfers) == 1


async def test_what_stripe_refuses_is_owed_still_and_a_new_release_has_a_new_key(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    stripe_server.state.accounts.clear()
    first = await actions.release(there.releasing, there.obligation.ref)
    await actions.pay_waiting()
    row = await actions.entry(first.ref)
    assert (row["state"], row["refusal"]) == ("refused", "No such destination")
    stripe_server.state.accounts["acct_9"] = {"status": "active"}
    second = await actions.release(there.releasing, there.obligation.ref)
    assert second.attempt == 2
    await actions.pay_waiting()
    assert (await actions.entry(second.ref))["state"] == "paid"


async def test_a_supplier_without_an_account_at_stripe_waits(stripe_server: StripeServer) -> None:
    there = await owed()
    with pytest.raises(Refused) as refused:
        await actions.release(there.releasing, there.obligation.ref)
    assert refused.value.reasons[0].code == "payment.payee-cannot-receive"
    address = await actions.open_account(there.supplier, there.firm.id, "http://localhost:8000/payments")
    assert address.startswith("https://connect.stripe.example/")
    opened = await PayoutAccount.objects().first()
    assert opened is not None
    assert opened.active_at is None
    stripe_server.state.accounts[opened.account]["status"] = "active"
    assert await actions.told(
        "stripe", "evt_1", "v2.core.account[requirements].updated", f'{{"id": "{opened.account}"}}'
    )
    assert not await actions.told("stripe", "evt_1", "v2.core.account[requirements].updated", "{}")
    assert await actions.read_provider() == 1
    assert await actions.read_provider() == 0
    await actions.release(there.releasing, there.obligation.ref)


def test_a_webhook_with_another_secret_is_refused() -> None:
    body = b'{"id": "evt_1", "type": "transfer.reversed", "livemode": false}'
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_right")
    assert by_stripe.read_event(body, header, "whsec_right") == ("evt_1", "transfer.reversed", False)
    with pytest.raises(ValueError, match="signature"):
        by_stripe.read_event(body, header, "whsec_wrong")
    with pytest.raises(ValueError, match="signature"):
        by_stripe.read_event(body.replace(b"evt_1", b"evt_2"), header, "whsec_right")


async def test_the_pages_show_release_and_confirm_to_those_who_may(app: Litestar) -> None:
    there = await owed()
    address = f"/payments/{there.obligation.ref}"
    async with given.browser(app) as client:
        assert "Release £5,000" not in (await client.get(address)).text
        await given.signed_in(client, there.accepting)
        assert "somebody else has to release" in (await client.get(address)).text
        await given.signed_in(client, there.releasing)
        assert "Release £5,000" in (await client.get(address)).text
        assert (await client.post(f"{address}/release")).status_code == 303
        await actions.pay_waiting()
        await given.signed_in(client, there.supplier)
        page = await client.get(address)
        assert "The money has arrived" in page.text
        assert "Kestrel Ltd" in page.text
        payment = (await actions.entry(there.obligation.ref))["payment"]
        assert (await client.post(f"/payments/{payment}/confirm")).status_code == 303
        assert "Received" in (await client.get("/payments")).text
        listed = (await client.get("/api/v1/payments")).json()["items"]
    assert listed[0]["state"] == "paid"
    assert listed[0]["amount_minor"] == 500_000


async def test_the_webhook_does_not_exist_without_stripe(app: Litestar) -> None:
    async with given.browser(app) as client:
        assert (await client.post("/payments/stripe/webhook", content=b"{}")).status_code == 404


@pytest.mark.parametrize(
    ("states", "asker", "able", "codes"),
    [
        ([], "P-BBBBBBB", True, []),
        (["refused"], "P-BBBBBBB", True, []),
        (["paid"], "P-BBBBBBB", True, ["payment.paid-already"]),
        (["refused", "unknown"], "P-BBBBBBB", True, ["payment.under-way"]),
        ([], "P-AAAAAAA", True, ["payment.same-person"]),
        ([], "P-BBBBBBB", False, ["payment.payee-cannot-receive"]),
    ],
)
def test_money_is_released_once_by_another_person_to_an_account_that_can_receive(
    states: list[str], asker: str, able: bool, codes: list[str]
) -> None:
    obligation = given.row(Obligation, accepted_by="P-AAAAAAA")
    attempts = [given.row(Payment, state=state) for state in states]
    facts = rules.Release(obligation, attempts, asker, able)
    assert [each.code for each in refusals(rules.RELEASE, facts)] == codes
