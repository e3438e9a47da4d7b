"""Money accepted and released from one device waits until an auditor has looked: rules, the job that pays, and a browser that two share."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from litestar import Litestar

from market import clock, workdays
from market.accounts import passwords, sessions
from market.accounts.tables import Person, Session
from market.actor import Actor, OnPaper
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import find
from market.letters.tables import Letter
from market.money import Money
from market.payments import actions, holds, rules
from market.payments.tables import Hold
from market.refusals import NotFound, Refused, refusals
from tests import given
from tests.market.payments.test_payments import Owed, owed

NOW = datetime(2026, 9, 4, 15, 0, tzinfo=UTC)
"""A Friday."""
PASSWORD = "three words that rhyme not"


@pytest.mark.parametrize(
    ("accepted", "released", "waits"),
    [
        ((), (), False),
        (("a",), (), False),
        ((), ("a",), False),
        (("a",), ("b",), False),
        (("a",), ("a",), True),
        (("a", "b"), ("c", "b"), True),
    ],
)
def test_money_waits_where_the_two_have_a_device_in_common(
    accepted: tuple[str, ...], released: tuple[str, ...], waits: bool
) -> None:
    until = rules.held_until(frozenset(accepted), frozenset(released), NOW)
    assert until == (workdays.end_of_day(date(2026, 9, 8)) if waits else None)


@pytest.mark.parametrize(
    ("auditor", "looked", "days", "code"),
    [
        ("P-3", False, 0, None),
        ("P-3", True, 0, "payment.looked-at-already"),
        ("P-3", False, 3, "payment.looked-at-already"),
        ("P-1", False, 0, "payment.own-hands"),
        ("P-2", False, 0, "payment.own-hands"),
    ],
)
def test_another_than_the_two_looks_once_and_in_time(auditor: str, looked: bool, days: int, code: str | None) -> None:
    hold = given.row(
        Hold, accepted_by="P-1", released_by="P-2", until=NOW + timedelta(days=2), looked_at=NOW if looked else None
    )
    found = refusals(rules.LOOK, rules.Looking(auditor, hold, Arrival(NOW + timedelta(days=days))))
    assert [each.code for each in found] == ([code] if code else [])


async def at(actor: Actor, mark: str) -> None:
    """Let this person be signed in on the device with this mark."""
    token = await sessions.begin(actor.must_be_person(), "passkey", clock.now())
    await sessions.on_device(token, mark)


async def from_one_device() -> Owed:
    """A fee of £5,000, accepted and about to be released on one device."""
    there = await owed()
    for each in (there.accepting, there.releasing):
        await at(each, "the desk by the window")
    # What was owed was accepted a moment ago, in the session that began with it.
    await Session.update({Session.began_at: clock.now() - timedelta(minutes=5)}).where(
        Session.person == there.accepting.person
    )
    return there


@pytest.mark.usefixtures("clean")
async def test_what_one_device_released_is_not_sent_before_an_auditor_looked() -> None:
    audit = await given.organisation(kind="audit")
    auditor = await given.person(audit, "auditor", "Odile Brand")
    there = await from_one_device()
    payment = await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 0
    entry = await actions.entry(there.obligation.ref)
    assert entry.held_until is not None
    letter = await find(Letter, Letter.subject.like("%on one device%"))
    assert "£5,000" in letter.subject
    (waits,) = await holds.waiting()
    assert waits.payment == payment.ref
    for other in (there.supplier, there.releasing):
        with pytest.raises(NotFound):
            await holds.look(other, payment.ref, holds.Look("Two who share a desk."))
    await holds.look(auditor, payment.ref, holds.Look("Two who share a desk; I spoke to both."))
    assert await holds.waiting() == []
    assert await actions.pay_waiting() == 1
    assert (await actions.entry(there.obligation.ref)).state == "paid"
    verbs = await Event.select(Event.verb).where(Event.subject == f"payment:{payment.ref}").order_by(Event.seq)
    assert [each["verb"] for each in verbs] == [
        "payment.released",
        "payment.held",
        "payment.looked-at",
        "payment.paid",
    ]
    with pytest.raises(Refused) as refused:
        await holds.look(auditor, payment.ref, holds.Look("I look again at it."))
    assert [each.code for each in refused.value.reasons] == ["payment.looked-at-already"]


@pytest.mark.usefixtures("clean")
async def test_nobody_looks_and_it_is_sent_when_the_time_is_over() -> None:
    there = await from_one_device()
    await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 0
    with clock.at(clock.now() + timedelta(days=10)):
        assert await actions.pay_waiting() == 1


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("elsewhere", ["another device", "a demonstration", "signed out before"])
async def test_two_devices_or_a_demonstration_are_no_reason_to_wait(elsewhere: str) -> None:
    there = await from_one_device()
    hers = Session.person == there.accepting.person
    if elsewhere == "another device":
        await Session.update({Session.device: sessions.device_digest("the desk by the door")}).where(hers)
    elif elsewhere == "a demonstration":
        await Session.update({Session.method: "demo"}).where(hers)
    else:
        await Session.update({Session.ended_at: there.obligation.incurred_at - timedelta(minutes=1)}).where(hers)
    await actions.release(there.releasing, there.obligation.ref)
    assert await actions.pay_waiting() == 1


@pytest.mark.usefixtures("clean")
async def test_of_a_mandate_on_paper_the_device_is_that_of_whoever_enters_it() -> None:
    """The attack: she accepts, and at the same desk a colleague enters the paper on which another releases."""
    there = await from_one_device()
    await Session.update({Session.device: sessions.device_digest("a telephone")}).where(
        Session.person == there.releasing.person
    )
    entering = await given.person(there.buyer, "buyer")
    await at(entering, "the desk by the window")
    by_paper = replace(there.releasing, on_paper=OnPaper("MA-AAAAAAA", entering.ref))
    await actions.release(by_paper, there.obligation.ref)
    assert (await actions.entry(there.obligation.ref)).held_until is not None


@pytest.mark.usefixtures("clean")
async def test_a_second_account_in_the_same_browser_is_seen_and_the_pages_say_so(app: Litestar) -> None:
    """The attack: she accepts, signs out, signs in with her other mailbox in the same browser, and releases."""
    audit = await given.organisation(kind="audit")
    auditor = await given.person(audit, "auditor")
    buyer = await given.organisation("Department for Roads")
    accepting, releasing = await given.person(buyer, "buyer"), await given.person(buyer, "finance-officer")
    async with given.browser(app) as shared, given.browser(app) as overseeing, given.browser(app) as public:
        await signs_in(shared, accepting)
        obligation = await actions.owe(
            accepting,
            cause="pitch:PI-AAAAAAA",
            payer=buyer.id,
            payee=(await given.supplier()).id,
            amount=Money(500_000),
            purpose="Pitch for “Bridges”",
            about="challenge:CH-AAAAAAA",
            days=10,
        )
        await signs_in(shared, releasing)
        await given.signed_in(overseeing, auditor)
        await actions.release(releasing, obligation.ref)
        page = f"/payments/{obligation.ref}"
        shown = (await overseeing.get(page)).text
        assert "on one device" in shown
        assert "I have looked" in shown
        assert "on one device" not in (await public.get(page)).text
        assert "Waits for an auditor" in (await public.get(page)).text
        payment = (await actions.entry(obligation.ref)).payment
        short = await overseeing.post(f"/payments/{payment}/look", data={"found": "ok"})
        assert short.status_code == 422
        done = await overseeing.post(f"/payments/{payment}/look", data={"found": "They share the desk by the window."})
        assert done.status_code == 303
        assert "They share the desk" in (await overseeing.get(page)).text


async def signs_in(browser: given.Client, actor: Actor) -> None:
    """By the form, with her password, after whoever was there before."""
    person = await find(Person, Person.ref == actor.ref)
    kept = await passwords.hashed(PASSWORD)
    await Person.update({Person.password_hash: kept}).where(Person.id == person.id)
    there = await browser.get("/desk")
    if there.status_code == 200:
        await browser.post("/sign-out", data={"csrf_token": csrf_of(there.text)})
    typed = {
        "csrf_token": csrf_of((await browser.get("/sign-in")).text),
        "email": person.email,
        "password": PASSWORD,
    }
    assert (await browser.post("/sign-in", data=typed)).status_code == 303


def csrf_of(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf_token" value="(\w+)"', page)
    assert found
    return found[1]
