"""Owing, releasing, paying and confirming, on a real database and through the real Stripe SDK against a local server."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor, Role
from market.audit.tables import Event
from market.hands import rules as hands
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
    made.releasing = await given.person(made.buyer, "finance-officer")
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
    accepting = await given.also(there.accepting, there.buyer, "finance-officer")
    with pytest.raises(Refused) as refused:
        await actions.release(accepting, there.obligation.ref)
    assert [reason.code for reason in refused.value.reasons] == ["payment.same-person"]
    with pytest.raises(NotFound):
        await actions.release(there.supplier, there.obligation.ref)


@pytest.mark.parametrize("role", ["buyer", "contract-manager", "evaluator"])
async def test_nobody_but_a_finance_officer_releases_money(role: Role) -> None:
    there = await owed()
    colleague = await given.person(there.buyer, role)
    with pytest.raises(NotFound):
        await actions.release(colleague, there.obligation.ref)
    stranger = await given.person(await given.organisation(), "finance-officer")
    with pytest.raises(NotFound):
        await actions.release(stranger, there.obligation.ref)
    assert await Payment.count() == 0


async def test_a_released_fee_is_paid_told_and_confirmed() -> None:
    there = await owed()
    payment = await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 1
    assert await actions.pay_waiting() == 0
    row = await actions.entry(payment.ref)
    assert (row.state, row.provider) == ("paid", "simulated")
    letter = await Letter.objects().where(Letter.person == there.supplier.ref).first()
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
    assert (await actions.entry(payment.ref)).state == "unknown"
    with clock.at(clock.now() + timedelta(minutes=5)):
        assert await actions.pay_waiting() == 1
    assert (await actions.entry(payment.ref)).state == "paid"
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
    assert (await actions.entry(payment.ref)).state == "paid"
    assert len(stripe_server.state.transfers) == 1


async def test_what_stripe_refuses_is_owed_still_and_a_new_release_has_a_new_key(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    stripe_server.state.accounts.clear()
    first = await actions.release(there.releasing, there.obligation.ref)
    await actions.pay_waiting()
    row = await actions.entry(first.ref)
    assert (row.state, row.refusal) == ("refused", "No such destination")
    stripe_server.state.accounts["acct_9"] = {"status": "active"}
    second = await actions.release(there.releasing, there.obligation.ref)
    assert second.attempt == 2
    await actions.pay_waiting()
    assert (await actions.entry(second.ref)).state == "paid"


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


async def test_an_account_is_begun_once_and_gone_on_with(stripe_server: StripeServer) -> None:
    there = await owed()
    back = "http://localhost:8000/payments"
    both = await asyncio.gather(*(actions.open_account(there.supplier, there.firm.id, back) for _ in range(2)))
    await actions.open_account(there.supplier, there.firm.id, back)
    assert len(both) == 2
    assert len(stripe_server.state.accounts) == 1
    assert await PayoutAccount.count() == 1
    assert await Event.count().where(Event.verb == "payout-account.opened") == 1


async def test_an_account_that_stops_receiving_is_told_of_and_no_money_is_released_to_it(
    stripe_server: StripeServer,
) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    stripe_server.state.accounts["acct_9"]["status"] = "restricted"
    await actions.told("stripe", "evt_2", "v2.core.account[requirements].updated", '{"id": "acct_9"}')
    assert await actions.read_provider() == 1
    assert await Event.exists().where(Event.verb == "payout-account.stopped")
    letters = await Letter.select(Letter.subject).where(Letter.person == there.supplier.ref)
    assert [each["subject"] for each in letters] == [
        "Kestrel Ltd cannot be paid just now: the payment provider asks for more"
    ]
    with pytest.raises(Refused) as refused:
        await actions.release(there.releasing, there.obligation.ref)
    assert refused.value.reasons[0].code == "payment.payee-cannot-receive"


async def test_an_account_becomes_able_even_when_nothing_was_told(stripe_server: StripeServer) -> None:
    there = await owed()
    await actions.open_account(there.supplier, there.firm.id, "http://localhost:8000/payments")
    assert await actions.look_after_accounts() == 0
    stripe_server.state.accounts["acct_1"]["status"] = "active"
    assert await actions.look_after_accounts() == 1
    assert await actions.look_after_accounts() == 0
    assert await Letter.exists().where(Letter.subject == "Kestrel Ltd can be paid now")
    await actions.release(there.releasing, there.obligation.ref)


async def test_what_is_told_of_an_account_that_is_gone_holds_nothing_up(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    stripe_server.state.accounts.clear()
    await actions.told("stripe", "evt_3", "v2.core.account.closed", '{"id": "acct_9"}')
    assert await actions.read_provider() == 1
    assert await actions.read_provider() == 0


async def test_a_provider_that_does_not_answer_is_said_so_and_nothing_is_made(stripe_server: StripeServer) -> None:
    there = await owed()
    stripe_server.state.faults = ["500"]
    with pytest.raises(Refused) as refused:
        await actions.open_account(there.supplier, there.firm.id, "http://localhost:8000/payments")
    assert (refused.value.status, refused.value.reasons[0].code) == (503, "payment.provider-unreachable")
    assert await PayoutAccount.count() == 0


async def test_a_payment_goes_to_the_account_it_was_released_to(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    payment = await actions.release(there.releasing, there.obligation.ref)
    stripe_server.state.faults = ["lose"]
    await actions.pay_waiting()
    stripe_server.state.accounts["acct_10"] = {"status": "active"}
    await PayoutAccount.update({PayoutAccount.account: "acct_10"}, force=True)
    with clock.at(clock.now() + timedelta(minutes=5)):
        await actions.pay_waiting()
    assert (await actions.entry(payment.ref)).state == "paid"
    assert [each["destination"] for each in stripe_server.state.transfers] == ["acct_9"]


async def test_a_key_used_with_other_facts_is_never_called_refused(stripe_server: StripeServer) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    payment = await actions.release(there.releasing, there.obligation.ref)
    stripe_server.state.keys[payment.ref] = ("other facts", 200, {})
    await actions.pay_waiting()
    assert (await actions.entry(payment.ref)).state == "unknown"
    stripe_server.state.transfers.append(
        {
            "id": "tr_7",
            "object": "transfer",
            "amount": 500_000,
            "transfer_group": there.obligation.ref,
            "metadata": {"payment": payment.ref},
        }
    )
    with clock.at(clock.now() + timedelta(minutes=5)):
        await actions.pay_waiting()
    row = await Payment.objects().first()
    assert row is not None
    assert (row.state, row.provider_ref) == ("paid", "tr_7")


async def test_what_was_released_to_the_simulation_is_never_sent_as_real_money(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = await owed()
    payment = await actions.release(there.releasing, there.obligation.ref)
    with StripeServer() as server:
        monkeypatch.setattr(actions, "provider", lambda: by_stripe.Stripe("sk_test_local", server.url))
        await account(there.firm, server)
        assert await actions.pay_waiting() == 1
        row = await actions.entry(payment.ref)
        assert (row.state, row.refusal) == ("refused", actions.NEVER_SENT)
        assert server.state.transfers == []
        again = await actions.release(there.releasing, there.obligation.ref)
        await actions.pay_waiting()
        assert (await actions.entry(again.ref)).provider == "stripe"
        assert len(server.state.transfers) == 1


async def test_what_was_released_to_stripe_waits_while_stripe_is_not_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = await owed()
    with StripeServer() as server, monkeypatch.context() as configured:
        configured.setattr(actions, "provider", lambda: by_stripe.Stripe("sk_test_local", server.url))
        await account(there.firm, server)
        payment = await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 0
    assert (await actions.entry(payment.ref)).state == "due"


async def test_the_second_person_is_told_that_money_waits_for_her() -> None:
    there = await owed()
    letters = await Letter.objects()
    assert [each.person for each in letters] == [there.releasing.ref]
    assert letters[0].subject.startswith("£5,000 to Kestrel Ltd waits for your release: due by ")
    assert "Payments on this site are simulated" in letters[0].text


async def test_where_there_is_no_second_person_the_first_is_told_to_invite_one() -> None:
    buyer, firm = await given.organisation(), await given.supplier()
    only = await given.person(buyer, "buyer")
    await actions.owe(
        only,
        cause="pitch:PI-BBBBBBB",
        payer=buyer.id,
        payee=firm.id,
        amount=Money(100),
        purpose="Pitch",
        about="challenge:CH-BBBBBBB",
        days=10,
    )
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.person == only.ref
    assert "there is none in your organisation yet. Invite one." in letter.text


async def test_a_fee_is_due_at_the_end_of_its_last_day() -> None:
    with clock.at(datetime(2026, 3, 20, 9, 0, tzinfo=UTC)):
        there = await owed()
    assert there.obligation.due_at == datetime(2026, 3, 30, 23, 59, 59, tzinfo=clock.ZONE)


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
        assert "A finance officer of your organisation" in (await client.get(address)).text
        assert (await client.post(f"{address}/release")).status_code == 403
        await given.also(there.accepting, there.buyer, "finance-officer")
        assert "somebody else has to release" in (await client.get(address)).text
        await given.signed_in(client, there.releasing)
        assert "Release £5,000" in (await client.get(address)).text
        assert (await client.post(f"{address}/release")).status_code == 303
        await actions.pay_waiting()
        await given.signed_in(client, there.supplier)
        page = await client.get(address)
        assert "The money has arrived" in page.text
        assert "Kestrel Ltd" in page.text
        payment = (await actions.entry(there.obligation.ref)).payment
        assert (await client.post(f"/payments/{payment}/confirm")).status_code == 303
        assert "Received" in (await client.get("/payments")).text
        listed = (await client.get("/api/v1/payments")).json()["items"]
    assert listed[0]["state"] == "paid"
    assert listed[0]["amount_minor"] == 500_000


async def test_the_page_says_how_long_it_took_and_what_only_the_payer_should_read(
    app: Litestar, stripe_server: StripeServer
) -> None:
    there = await owed()
    await account(there.firm, stripe_server)
    stripe_server.state.accounts.clear()
    await actions.release(there.releasing, there.obligation.ref)
    await actions.pay_waiting()
    stripe_server.state.accounts["acct_9"] = {"status": "active"}
    address = f"/payments/{there.obligation.ref}"
    with clock.at(clock.now() + timedelta(days=4, hours=1)):
        await actions.release(there.releasing, there.obligation.ref)
        await actions.pay_waiting()
    async with given.browser(app) as client:
        page = (await client.get(address)).text
        assert "after 4 days" in page
        assert "Refused" in page
        assert "No such destination" not in page
        assert (await client.get(f"/api/v1{address}")).json()["days_to_pay"] == 4
        await given.signed_in(client, there.releasing)
        assert "Refused: No such destination" in (await client.get(address)).text


async def test_a_supplier_makes_its_account_from_the_page_of_its_payments(
    app: Litestar, stripe_server: StripeServer
) -> None:
    there = await owed()
    async with given.browser(app) as client:
        await given.signed_in(client, there.supplier)
        assert "Make an account at Stripe" in (await client.get("/payments")).text
        answer = await client.post("/payments/account", data={"organisation": there.firm.ref})
        assert 'href="https://connect.stripe.example/setup"' in answer.text
        assert "Go on at Stripe" in (await client.get("/payments")).text
        foreign = await client.post("/payments/account", data={"organisation": there.buyer.ref})
        assert foreign.status_code == 403
        await PayoutAccount.update({PayoutAccount.active_at: clock.now()}, force=True)
        assert "can be paid on its account" in (await client.get("/payments")).text


async def test_what_a_firm_is_owed_and_was_paid_are_sums_of_everything() -> None:
    there = await owed()
    for number, cause in enumerate(("milestone:MS-AAAAAA1", "milestone:MS-AAAAAA2")):
        await actions.owe(
            there.accepting,
            cause=cause,
            payer=there.buyer.id,
            payee=there.firm.id,
            amount=Money(700, ("GBP", "EUR")[number]),
            purpose="Part",
            about="contract:C-AAAAAAA",
            days=30,
        )
    await actions.release(there.releasing, there.obligation.ref)
    await actions.pay_waiting()
    assert await actions.received_by([there.firm.id]) == ([Money(700, "EUR"), Money(700)], [Money(500_000)])
    assert await actions.received_by([there.buyer.id]) == ([], [])


async def test_the_list_of_obligations_goes_on_from_page_to_page(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await owed()
    for number in range(4):
        await actions.owe(
            there.accepting,
            cause=f"milestone:MS-AAAAAA{number}",
            payer=there.buyer.id,
            payee=there.firm.id,
            amount=Money(100),
            purpose=f"Part {number}",
            about="contract:C-AAAAAAA",
            days=30,
        )
    monkeypatch.setattr("market.payments.api.PER_PAGE", 2)
    monkeypatch.setattr("market.payments.pages.PER_PAGE", 3)
    async with given.browser(app) as client:
        seen, following = [], "/api/v1/payments?about=contract:C-AAAAAAA"
        while following:
            page = (await client.get(following)).json()
            seen += [each["purpose"] for each in page["items"]]
            following = page["next"]
        assert seen == ["Part 3", "Part 2", "Part 1", "Part 0"]
        await given.signed_in(client, there.supplier)
        first = (await client.get("/payments")).text
        assert "Part 3" in first
        assert "Part 0" not in first
        following = first.split('href="/payments?before=')[1].split('"')[0]
        assert "Part 0" in (await client.get(f"/payments?before={following}")).text


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
    obligation = given.row(Obligation)
    attempts = [given.row(Payment, state=state) for state in states]
    accepted = hands.Hand("accept", "P-AAAAAAA", "Mary")
    facts = rules.Release(obligation, attempts, hands.Doing("release", asker, [accepted], []), able)
    assert [each.code for each in refusals(rules.RELEASE, facts)] == codes
