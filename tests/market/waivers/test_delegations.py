"""Ministers let a named office-holder sign waivers for them: rules as truth tables, then the actions, pages and attacks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from market import clock, verify
from market.accounts import passkeys
from market.accounts.tables import Membership, Organisation, Passkey
from market.actor import Actor, Role
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.db import find, many
from market.letters.tables import Letter
from market.money import Money
from market.refusals import NotFound, Refused, refusals
from market.seed.authenticator import Authenticator
from market.waivers import actions as waivers
from market.waivers import desk, listing
from market.waivers.delegations import actions, readers, rules
from market.waivers.tables import Delegation, Waiver
from tests import given
from tests.market.waivers.test_waiver_actions import request

pytestmark = pytest.mark.usefixtures("clean")

NOW = given.TODAY
DAY = timedelta(days=1)
WHY = "I am away at the conference until March, and requests for sensors must not wait for my return."
SENSORS = given.CODES
ANNA = rules.Delegate(
    2, "P-ANNA", "Anna Wye", "Parliamentary Secretary", "Department for Places", buys=False, oversees=False
)


def instrument(**facts: Any) -> rules.Instrument:
    said = {
        "ref": "DL-1",
        "cpv": ["35120000"],
        "bodies": ["O-1"],
        "ceiling_minor": 10_000_00,
        "currency": "GBP",
        "begins_at": NOW - DAY,
        "until": NOW + 30 * DAY,
        "drafted_at": NOW - 2 * DAY,
        "signed_at": NOW - DAY,
        **facts,
    }
    return given.facts(rules.Instrument, **said)


def wish(**facts: Any) -> rules.Wish:
    said: dict[str, Any] = {
        "now": NOW,
        "minister": 1,
        "delegate": ANNA,
        "title": "Parliamentary Secretary",
        "cpv": ["35120000"],
        "bodies": ["O-1"],
        "family": ["O-1", "O-2"],
        "ceiling_minor": 1,
        "begins_at": NOW,
        "until": NOW + 30 * DAY,
        "reason": WHY,
        **facts,
    }
    return rules.Wish(**said)


def use(instrument: rules.Instrument, **facts: Any) -> rules.Use:
    said: dict[str, Any] = {
        "now": NOW,
        "buyer": "O-1",
        "buyer_name": "The town",
        "codes": ["35125100"],
        "value": Money(10_000_00),
        "own": "",
        **facts,
    }
    return rules.Use(instrument, **said)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (wish(), []),
        (wish(delegate=None), ["delegation.delegate-unknown"]),
        (wish(minister=2), ["delegation.delegate-unknown"]),
        (wish(delegate=rules.Delegate(2, "P", "B", "", "O", buys=True, oversees=False)), ["delegation.delegate-buys"]),
        (wish(delegate=rules.Delegate(2, "P", "B", "", "O", buys=False, oversees=True)), ["delegation.delegate-buys"]),
        (wish(title=" "), ["delegation.title-missing"]),
        (wish(cpv=[]), ["delegation.codes-missing"]),
        (wish(cpv=["35120000"] * 10), []),
        (wish(cpv=["35120000"] * 11), ["delegation.codes-missing"]),
        (wish(bodies=[]), ["delegation.bodies-unknown"]),
        (wish(bodies=["O-1", "O-9"]), ["delegation.bodies-unknown"]),
        (wish(ceiling_minor=0), ["delegation.ceiling-missing"]),
        (wish(begins_at=NOW - DAY), ["delegation.dates-wrong"]),
        (wish(until=NOW), ["delegation.dates-wrong"]),
        (wish(until=NOW + 364 * DAY), []),
        (wish(until=NOW + 367 * DAY), ["delegation.dates-wrong"]),
        (wish(reason="I am away."), ["delegation.reason-short"]),
    ],
)
def test_what_a_minister_may_let_out_of_her_hands(asked: rules.Wish, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.DRAFT, asked)] == codes


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (use(instrument()), []),
        (use(instrument(signed_at=None)), ["delegation.not-in-force"]),
        (use(instrument(begins_at=NOW + DAY)), ["delegation.not-in-force"]),
        (use(instrument(until=NOW - DAY)), ["delegation.not-in-force"]),
        (use(instrument(revoked_at=NOW)), ["delegation.not-in-force"]),
        (use(instrument(office_until=NOW)), ["delegation.not-in-force"]),
        (use(instrument(office_until=NOW + DAY)), []),
        (use(instrument(), own="You asked for this."), ["delegation.own-business"]),
        (use(instrument(), buyer="O-2"), ["delegation.body-beyond"]),
        (use(instrument(), codes=["35125100", "72300000"]), ["delegation.codes-beyond"]),
        (use(instrument(cpv=["35125100"]), codes=["35120000"]), ["delegation.codes-beyond"]),
        (use(instrument(), value=Money(10_000_01)), ["delegation.ceiling-beyond"]),
        (use(instrument(used_minor=1)), ["delegation.ceiling-beyond"]),
        (use(instrument(), value=Money(1, "EUR")), ["delegation.ceiling-beyond"]),
    ],
)
def test_what_may_be_signed_within_an_instrument(asked: rules.Use, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.USE, asked)] == codes


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ({"signed_at": None}, "draft"),
        ({"signed_at": None, "dropped_at": NOW}, "dropped"),
        ({}, "in-force"),
        ({"begins_at": NOW + DAY}, "to-come"),
        ({"until": NOW - DAY}, "ended"),
        ({"office_until": NOW}, "ended"),
        ({"revoked_at": NOW}, "revoked"),
    ],
)
def test_where_a_delegation_stands(facts: dict[str, Any], stage: str) -> None:
    assert rules.standing(instrument(**facts), NOW).stage == stage


# ── with a database ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class House:
    """A department whose minister lets Anna sign for it, and a draft that waits for a waiver."""

    department: Organisation
    minister: Actor
    device: Authenticator
    anna: Actor
    hers: Authenticator
    made: given.Tendering

    def draft(self, **facts: Any) -> actions.DelegationDraft:
        today = clock.now().astimezone(clock.ZONE).date()
        said: dict[str, Any] = {
            "delegate": self.anna.ref,
            "title": "Parliamentary Secretary",
            "cpv": SENSORS,
            "bodies": [self.department.ref],
            "ceiling_minor": 20_000_000,
            "begins_on": today,
            "ends_on": today + 100 * DAY,
            "reason": WHY,
            **facts,
        }
        return actions.DelegationDraft(**said)

    async def delegate(self, **facts: Any) -> Delegation:
        row = await actions.draft(self.minister, self.draft(**facts))
        options = await actions.begin_signing(self.minister, row.ref)
        return await actions.sign(self.minister, row.ref, json.dumps(self.device.sign(options)))

    async def ask(self, made: given.Tendering | None = None) -> Waiver:
        asking = made or self.made
        return await waivers.ask(asking.officers[0], asking.ref, request())

    async def sign(self, ref: str) -> Waiver:
        options = await waivers.begin_signing(self.anna, ref)
        return await waivers.sign(self.anna, ref, json.dumps(self.hers.sign(options)))


async def keyed(actor: Actor) -> Authenticator:
    """Her telephone's passkey, which does not count: of two signatures at once the one that arrives first may be the younger."""
    device = Authenticator(origin="http://localhost:8000", rp_id="localhost", synced=True)
    options = await passkeys.registration_options(actor)
    await passkeys.register(actor, json.dumps(device.register(options)), "Telephone")
    return device


async def house(role: Role = "evaluator") -> House:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    anna = await given.person(made.buyer, role, "Anna Wye")
    return House(made.buyer, minister, device, anna, await keyed(anna), made)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def test_a_delegate_signs_for_the_minister_and_a_stranger_checks_both_files(tmp_path: Path) -> None:
    there = await house()
    row = await there.delegate()
    waiver = await there.ask()
    assert [each.ref for each in await listing.waiting_for(there.anna)] == [waiver.ref]
    assert "Sign for the minister" in (await desk.waiting(there.anna))[0].text
    signed = await there.sign(waiver.ref)
    assert signed.office.startswith("Parliamentary Secretary, for the minister Helena Marchbanks, Minister for Places")
    assert signed.office.endswith(f"under instrument {row.ref}")
    tender = await there.made.publish()
    assert (tender.ground, tender.ground_reference) == ("waiver", waiver.ref)
    checked = await waivers.check(signed)
    assert checked is not None
    assert checked.holds
    assert next(each.name for each in checked.under) == "instrument"
    hers, instruments = tmp_path / "waiver.json", tmp_path / "instrument.json"
    hers.write_text(await waivers.signed_file(signed))
    instruments.write_text(await actions.signed_file(await readers.instrument(row.ref)))
    lines, code = verify.waiver(hers, under=instruments)
    assert code == 0, lines
    assert "holds   The instrument names the signer." in lines
    assert verify.waiver(hers)[1] == 1, "a delegate's waiver alone shows nothing of the minister"
    assert verify.waiver(instruments)[1] == 0
    event = await Event.objects().where(Event.verb == "waiver.granted").first()
    assert event is not None
    assert f"delegation:{row.ref}" in event.about
    letter = await Letter.objects().where(Letter.subject.like("Anna Wye signed a waiver for you%")).first()
    assert letter is not None
    assert [each.ref for each in await readers.signed_under(await readers.instrument(row.ref))] == [waiver.ref]
    keys = {(each.minister, each.office) for each in await listing.ministers_keys()}
    assert ("Anna Wye", f"Parliamentary Secretary, {row.ref}") in keys


async def test_an_instrument_is_nobodys_business_until_it_is_signed() -> None:
    there = await house()
    row = await actions.draft(there.minister, there.draft())
    with pytest.raises(NotFound):
        await readers.readable(there.anna, row.ref)
    assert await readers.register() == []
    assert row.ref.encode() not in b"".join([lines async for lines in public_log()])
    waiver = await there.ask()
    with pytest.raises(Refused) as unsigned:
        await waivers.begin_signing(there.anna, waiver.ref)
    assert unsigned.value.status == 403
    await actions.drop(there.minister, row.ref)
    with pytest.raises(Refused) as refused:
        await actions.begin_signing(there.minister, row.ref)
    assert codes(refused) == ["delegation.not-a-draft"]
    signed = await there.delegate()
    assert signed.ref.encode() in b"".join([lines async for lines in public_log()])


async def test_two_waivers_at_once_do_not_use_the_same_part_of_the_ceiling() -> None:
    """£200,000 together, and two requests of £156,000."""
    there = await house()
    row = await there.delegate()
    other = await given.tendering(there.department, exercised=False)
    asked = [await there.ask(), await there.ask(other)]
    options = [await waivers.begin_signing(there.anna, each.ref) for each in asked]
    tried = await asyncio.gather(
        *(
            waivers.sign(there.anna, each.ref, json.dumps(there.hers.sign(option)))
            for each, option in zip(asked, options, strict=True)
        ),
        return_exceptions=True,
    )
    told = [each for each in tried if isinstance(each, Refused)]
    assert [[reason.code for reason in each.reasons] for each in told] == [["delegation.ceiling-beyond"]]
    assert "£156,000 is used" in told[0].reasons[0].reason
    assert (await readers.instrument(row.ref)).used_minor == 15_600_000


async def test_what_was_signed_and_revoked_still_counts_against_the_ceiling() -> None:
    there = await house()
    row = await there.delegate()
    waiver = await there.ask()
    await there.sign(waiver.ref)
    await waivers.revoke(there.minister, waiver.ref, waivers.Reason(WHY))
    assert (await readers.instrument(row.ref)).used_minor == 15_600_000
    again = await there.ask()
    with pytest.raises(Refused) as refused:
        await there.sign(again.ref)
    assert codes(refused) == ["delegation.ceiling-beyond"]


async def test_revoked_it_signs_nothing_from_that_moment_not_even_what_was_begun() -> None:
    there = await house()
    row = await there.delegate()
    waiver = await there.ask()
    options = await waivers.begin_signing(there.anna, waiver.ref)
    await actions.revoke(there.minister, row.ref, actions.TakingBack(WHY))
    with pytest.raises((Refused, NotFound)):
        await waivers.sign(there.anna, waiver.ref, json.dumps(there.hers.sign(options)))
    assert (await find(Waiver, Waiver.ref == waiver.ref)).decided_at is None
    assert await Letter.exists().where(Letter.subject.like("You no longer sign waivers%"))
    with pytest.raises(Refused) as refused:
        await actions.revoke(there.minister, row.ref, actions.TakingBack(WHY))
    assert codes(refused) == ["delegation.not-revocable"]


async def test_it_ends_with_the_ministers_office_and_her_successor_signs_her_own() -> None:
    there = await house()
    row = await there.delegate()
    waiver = await there.ask()
    await Membership.update({Membership.until: clock.now()}).where(
        (Membership.person == there.minister.person) & (Membership.role == "minister")
    )
    assert rules.stage(await readers.instrument(row.ref), clock.now()) == "ended"
    with pytest.raises(Refused) as ended:
        await there.sign(waiver.ref)
    assert codes(ended) == ["delegation.not-in-force"]
    successor, device = await given.minister(there.department, "Rosa Field")
    drafted = await actions.draft(successor, there.draft())
    options = await actions.begin_signing(successor, drafted.ref)
    await actions.sign(successor, drafted.ref, json.dumps(device.sign(options)))
    assert (await there.sign(waiver.ref)).delegation == drafted.id


@pytest.mark.parametrize("role", ["buyer", "contract-manager"])
async def test_who_buys_for_the_department_is_not_named(role: Role) -> None:
    there = await house(role)
    with pytest.raises(Refused) as refused:
        await there.delegate()
    assert codes(refused) == ["delegation.delegate-buys"]


async def test_a_delegate_who_becomes_a_buyer_signs_no_longer() -> None:
    there = await house()
    await there.delegate()
    waiver = await there.ask()
    await Membership.insert(
        Membership(
            person=there.anna.person, organisation=there.department.id, role="buyer", since=clock.now(), title=""
        )
    )
    with pytest.raises(Refused) as refused:
        await there.sign(waiver.ref)
    assert codes(refused) == ["delegation.own-business"]


async def test_neither_a_stranger_nor_another_departments_minister_is_let_in_by_an_instrument() -> None:
    there = await house()
    await there.delegate()
    elsewhere = await given.tendering(exercised=False)
    await given.minister(elsewhere.buyer)
    waiver = await there.ask(elsewhere)
    with pytest.raises(NotFound):
        await there.sign(waiver.ref)
    stranger = await given.person(there.department, "evaluator")
    device = await keyed(stranger)
    mine = await there.ask()
    with pytest.raises(Refused) as refused:
        await waivers.begin_signing(stranger, mine.ref)
    assert refused.value.status == 403
    options = await waivers.begin_signing(there.anna, mine.ref)
    with pytest.raises(Refused):
        await waivers.sign(stranger, mine.ref, json.dumps(device.sign(options)))


async def test_an_instrument_for_sensors_signs_no_software() -> None:
    there = await house()
    await there.delegate()
    other = await given.tendering(there.department, exercised=False, codes=["72300000"])
    waiver = await there.ask(other)
    with pytest.raises(Refused) as refused:
        await there.sign(waiver.ref)
    assert codes(refused) == ["delegation.codes-beyond"]


async def test_a_delegate_does_not_refuse_revoke_or_delegate_on() -> None:
    there = await house()
    await there.delegate()
    waiver = await there.ask()
    with pytest.raises(Refused):
        await waivers.refuse(there.anna, waiver.ref, waivers.Reason(WHY))
    with pytest.raises(Refused):
        await actions.draft(there.anna, there.draft())
    signed = await there.sign(waiver.ref)
    with pytest.raises(Refused):
        await waivers.revoke(there.anna, signed.ref, waivers.Reason(WHY))


async def test_what_was_signed_cannot_be_widened_in_the_database() -> None:
    there = await house()
    row = await there.delegate()
    for change in ("ceiling_minor = 10^12", "until = until + interval '1 year'", "bundle = ''", "delegate = minister"):
        with pytest.raises(asyncpg.PostgresError):
            await many(f"UPDATE delegation SET {change} WHERE ref = '{row.ref}'")


async def test_pages_and_api_say_the_same(app: Litestar) -> None:
    there = await house()
    async with given.browser(app) as hers, given.browser(app) as annas, given.browser(app) as public:
        await given.signed_in(hers, there.minister, "passkey")
        await given.signed_in(annas, there.anna)
        empty = await hers.post("/waivers/delegations/new", data={})
        assert empty.status_code == 422
        form = (await hers.get("/waivers/delegations/new")).text
        assert "Anna Wye" in form
        assert there.made.officers[0].name not in form
        today = clock.now().astimezone(clock.ZONE).date()
        sent = await hers.post(
            "/waivers/delegations/new",
            data={
                "delegate": there.anna.ref,
                "title": "Parliamentary Secretary",
                "cpv": "\n".join(SENSORS),
                "bodies": there.department.ref,
                "ceiling_minor": "200,000",
                "begins_on": today.isoformat(),
                "ends_on": (today + 60 * DAY).isoformat(),
                "reason": WHY,
            },
        )
        assert sent.status_code == 303, sent.text
        place = sent.headers["location"]
        assert (await public.get(place)).status_code == 404
        assert "Sign with your passkey" in (await hers.get(place)).text
        options = await hers.post(f"{place}/options")
        credential = json.dumps(there.device.sign(options.json()))
        assert (await hers.post(f"{place}/sign", data={"credential": credential})).status_code == 303
        waiver = await there.ask()
        page = (await annas.get(f"/waivers/{waiver.ref}")).text
        for words in ("You sign for Helena Marchbanks", "Sign with your passkey", "Only the minister refuses"):
            assert words in page
        assert (await annas.get("/waivers/requests")).status_code == 200
        await there.sign(waiver.ref)
        shown = (await public.get(f"/waivers/{waiver.ref}")).text
        assert "Signed for Helena Marchbanks" in shown
        assert "The instrument names the body that asked." in shown
        register = (await public.get("/waivers/delegations")).text
        assert "£156,000 of it used so far" in register
        one = (await public.get(place)).text
        assert "names this very file by its digest" in one
        assert "Holds:" in one
        assert "pre-check--open" not in one
        await Passkey.delete().where(Passkey.person == there.minister.person)
        forgotten = (await public.get(place)).text
        assert "The key is not on record here" in forgotten
        assert forgotten.count("pre-check--open") == 1
        assert "£200,000" in one
        ref = place.rpartition("/")[2]
        told = (await public.get(f"/api/v1/delegations/{ref}")).json()
        assert (told["standing"], told["used_minor"], told["uses"]) == ("in-force", 15_600_000, 1)
        assert (await public.get("/api/v1/delegations")).json()["items"][0]["ref"] == ref
        assert (await public.get(f"{place}/bundle.json")).json() == (
            await public.get(f"/api/v1/delegations/{ref}/bundle")
        ).json()
        back = await hers.post(f"{place}/revoke", data={"reason": WHY})
        assert back.status_code == 303
        assert "nothing is signed under it since" in (await public.get(place)).text
