"""Openings among hostile envelopes: each is crafted as a client would that seals in its own browser, or lies. None of them stops
anybody else's bid, and each is kept with its reason."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar

from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.proofs import public_log, verify_log
from market.awards import evaluation
from market.bids import actions
from market.bids.tables import Bid, OpenedBid, Opening
from market.db import find, many
from market.letters.tables import Letter
from market.proof import canonical, sealing
from tests import given, given_tenders
from tests.given_tenders import Published

pytestmark = pytest.mark.usefixtures("clean")


def text_of(there: Published, firm: Actor, **said: Any) -> dict[str, Any]:
    """What an honest client writes, but for what is said here."""
    lot = there.lots[0]
    (hat,) = firm.hats
    return {
        "answers": there.bid().answers,
        "currency": there.tender.currency,
        "declared": True,
        "lot": lot.ref,
        "price_minor": 5_000_000,
        "supplier": hat.organisation_ref,
        "tender": there.tender.ref,
    } | said


async def keep(there: Published, firm: Actor, envelope: bytes, lot: int = 0) -> Bid:
    """Keep an envelope as it came, with a receipt that holds."""
    (hat,) = firm.hats
    context = sealing.Context(there.tender.ref, there.lots[lot].ref, hat.organisation_ref)
    arrived = there.tender.published_at
    assert arrived is not None
    receipt = sealing.receipt(envelope, context, arrived)
    bid = Bid(
        tender=there.tender.id,
        lot=there.lots[lot].id,
        supplier=hat.organisation,
        person=firm.must_be_person(),
        act="submit",
        envelope=envelope,
        digest=receipt.envelope_sha256,
        receipt=receipt.digest,
        received_at=arrived,
    )
    await bid.save()
    return bid


async def hostile(there: Published, firm: Actor, plain: bytes) -> Bid:
    """Seal anything to the tender's public key, as everybody can."""
    (hat,) = firm.hats
    context = sealing.Context(there.tender.ref, there.lots[0].ref, hat.organisation_ref)
    return await keep(there, firm, sealing.seal(there.tender.public_key, context, plain))


def typed(**said: Any) -> Callable[[dict[str, Any]], bytes]:
    """The honest text with these fields instead, in the canonical form."""
    return lambda honest: canonical.encode(honest | said)


def without(field: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda honest: canonical.encode({name: value for name, value in honest.items() if name != field})


def raw(before: str, after: str) -> Callable[[dict[str, Any]], bytes]:
    """The honest text with some of its letters exchanged, whatever form that has."""

    def made(honest: dict[str, Any]) -> bytes:
        text = canonical.encode(honest).decode()
        assert before in text
        return text.replace(before, after, 1).encode()

    return made


FORM, PLACE = "bid.not-written-as-a-bid", "bid.for-another-place"
HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], bytes], str]] = {
    "fifty digits": (raw("5000000", "9" * 50), FORM),
    "fifty digits in quotes": (typed(price_minor="9" * 50), FORM),
    "digits and a line": (typed(price_minor="1_0"), FORM),
    "true for a price": (typed(price_minor=True), FORM),
    "no price at all": (typed(price_minor=None), FORM),
    "five less than nothing": (typed(price_minor=-5), FORM),
    "a fraction": (raw("5000000", "5000000.5"), FORM),
    "a power of ten": (raw("5000000", "5e6"), FORM),
    "not a number": (raw("5000000", "NaN"), FORM),
    "more than a column holds": (typed(price_minor=2**53 - 1), FORM),
    "nothing": (typed(price_minor=0), "bid.price-missing"),
    "declared: no": (typed(declared="no"), FORM),
    "declared: one": (typed(declared=1), FORM),
    "not declared": (typed(declared=False), "bid.declaration-missing"),
    "another lot": (typed(lot="L-AAAAAAA"), PLACE),
    "another tender": (typed(tender="T-AAAAAAA"), PLACE),
    "another supplier": (typed(supplier="O-AAAAAAA"), PLACE),
    "another currency": (typed(currency="JPY"), PLACE),
    "a field more": (typed(paid=True), FORM),
    "a field less": (without("declared"), FORM),
    "the price twice": (raw('"price_minor":5000000', '"price_minor":1,"price_minor":5000000'), FORM),
    "spaces": (raw(":", ": "), FORM),
    "a list": (lambda honest: b"[]", FORM),
    "nothing at all": (lambda honest: b"", FORM),
    "not text": (lambda honest: b"\xff\xfe\x00", FORM),
    "half a sign": (raw("before.", "\\ud800"), FORM),
    "nested without end": (lambda honest: b"[" * 100_000, FORM),
    "answers that are a list": (typed(answers=["yes"]), FORM),
    "answers that are numbers": (typed(answers={"CR-AAAAAAA": 1}), FORM),
    "no answers": (typed(answers={}), "bid.answers-missing"),
    "an answer of a book": (lambda honest: canonical.encode(honest | {"answers": {"x": "y" * 20_001}}), FORM),
    "an answer to what nobody asked": (
        lambda honest: canonical.encode(honest | {"answers": honest["answers"] | {"CR-ZZZZZZZ": "x"}}),
        "bid.unknown-criterion",
    ),
}


async def test_no_hostile_envelope_stops_the_others_and_each_is_kept_with_its_reason() -> None:
    there = await given_tenders.published()
    honest = [await given.person(await given.supplier(), "supplier-admin") for _ in range(2)]
    await actions.submit(honest[0], there.tender.ref, there.lots[0].ref, there.bid(4_700_000))
    sent: dict[str, Bid] = {}
    for name, (crafted, _code) in HOSTILE.items():
        firm = await given.person(await given.supplier(name.title()), "supplier-admin")
        sent[name] = await hostile(there, firm, crafted(text_of(there, firm)))
    await actions.submit(honest[1], there.tender.ref, there.lots[0].ref, there.bid(4_800_000))
    await given_tenders.opened(there)
    rows = {row.bid: row for row in await OpenedBid.objects()}
    assert {name: rows[bid.id].problem_codes for name, bid in sent.items()} == {
        name: [code] for name, (_crafted, code) in HOSTILE.items()
    }
    assert all(
        rows[bid.id].problem and not rows[bid.id].price_minor and not rows[bid.id].answers for bid in sent.values()
    )
    good = [row for row in rows.values() if not row.problem]
    assert sorted(row.price_minor for row in good) == [4_700_000, 4_800_000]
    assert all(row.declarations == "declared" for row in good)
    opening = await find(Opening, Opening.tender == there.tender.id)
    assert len(actions.register_of(opening)) == len(HOSTILE) + 2
    assert (await verify_log()).broken is None


async def test_an_envelope_for_another_place_or_key_is_set_aside_and_says_so() -> None:
    there, other = await given_tenders.published(lots=2), await given_tenders.published()
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(4)]
    refs = [firm.hats[0].organisation_ref for firm in firms]
    plain = canonical.encode(text_of(there, firms[0]))
    right = there.tender.public_key
    await keep(
        there, firms[0], sealing.seal(right, sealing.Context(there.tender.ref, there.lots[1].ref, refs[0]), plain)
    )
    await keep(
        there, firms[1], sealing.seal(right, sealing.Context(there.tender.ref, there.lots[0].ref, refs[0]), plain)
    )
    here = sealing.Context(there.tender.ref, there.lots[0].ref, refs[2])
    await keep(there, firms[2], sealing.seal(other.tender.public_key, here, plain))
    await keep(there, firms[3], b"PRELUDE-BID\x01 and then nothing")
    await given_tenders.opened(there)
    rows = await OpenedBid.objects().order_by(OpenedBid.id)
    assert [row.problem_codes for row in rows] == [["bid.unreadable"]] * 4
    assert len({row.problem for row in rows}) == 3


async def test_a_price_above_the_published_maximum_is_set_aside_however_it_was_sealed() -> None:
    there = await given_tenders.published()
    await many("UPDATE lot SET maximum_minor = 5000000 WHERE id = {}", there.lots[0].id)
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(2)]
    for firm, price in zip(firms, (5_000_000, 5_000_001), strict=True):
        await hostile(there, firm, canonical.encode(text_of(there, firm, price_minor=price)))
    await given_tenders.opened(there)
    rows = await OpenedBid.objects().order_by(OpenedBid.id)
    assert [(row.price_minor, row.problem_codes) for row in rows] == [(5_000_000, []), (0, ["bid.above-the-maximum"])]
    assert "50,000" not in rows[1].problem


async def test_an_honest_text_sealed_by_a_client_of_ones_own_counts_like_ours() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    await hostile(there, firm, canonical.encode(text_of(there, firm)))
    await given_tenders.opened(there)
    (opened,) = await OpenedBid.objects()
    assert (opened.problem, opened.price_minor, json.loads(opened.answers)) == ("", 5_000_000, there.bid().answers)


async def test_what_was_set_aside_is_told_to_its_supplier_the_register_the_log_and_the_panel(app: Litestar) -> None:
    there = await given_tenders.published()
    good = await given.person(await given.supplier("Heron Ltd"), "supplier-admin")
    bad = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
    await actions.submit(good, there.tender.ref, there.lots[0].ref, there.bid())
    sealed = await hostile(there, bad, canonical.encode(text_of(there, bad, price_minor="9" * 50)))
    await given_tenders.opened(there)
    assert "9" * 20 not in "".join(row["problem"] for row in await OpenedBid.select(OpenedBid.problem))
    letters = {bad.ref: [], good.ref: [], there.officer.ref: []}  # type: ignore[var-annotated]
    for letter in await Letter.objects().order_by(Letter.id):
        letters.setdefault(letter.person, []).append(letter)
    assert "was set aside at the opening" in " ".join(each.subject for each in letters[bad.ref])
    assert "set aside" not in " ".join(each.subject for each in letters[good.ref])
    assert any("1 bid was set aside" in each.text for each in letters[there.officer.ref])
    log = b"".join([part async for part in public_log()]).decode()
    assert '"bid.set-aside"' in log
    assert FORM in log
    assert (await actions.mine(bad))[0].problem
    standing = await evaluation.of(there.tender)
    lot = standing.lots[0]
    assert [each.ref for each in standing.bids_of(lot)] != [each.ref for each in standing.bids_of(lot, readable=True)]
    address = f"/tenders/{there.tender.ref}/opening"
    async with given.browser(app) as client:
        page = await client.get(address)
        register = {each["bid"]: each for each in (await client.get(f"/api/v1{address}")).json()["register"]}
        await given.signed_in(client, bad)
        mine = await client.get("/bids")
    assert "Set aside at the opening" in page.text
    assert FORM in page.text
    assert "Kestrel Ltd" in page.text
    assert register[sealed.ref]["set_aside"] == [FORM]
    assert [each["set_aside"] for ref, each in register.items() if ref != sealed.ref] == [[]]
    assert "Set aside at the opening" in mine.text


async def test_what_an_opening_found_is_never_changed() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    await given_tenders.opened(there)
    for attempt in ("UPDATE opened_bid SET price_minor = 1", "DELETE FROM opened_bid", "TRUNCATE opened_bid CASCADE"):
        with pytest.raises(Exception, match="append-only"):
            await many(attempt)


async def test_what_the_records_cannot_keep_is_set_aside_in_its_savepoint() -> None:
    """No text that passes the form is known to do this; the column is made narrow to see the savepoint work."""
    there = await given_tenders.published()
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(3)]
    for firm, price in zip(firms, (4_000_000, 5_000_000, 6_000_000), strict=True):
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid(price))
    await many(
        "CREATE FUNCTION too_wide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.price_minor = 5000000 THEN "
        "RAISE EXCEPTION 'out of range' USING ERRCODE = 'numeric_value_out_of_range'; END IF; RETURN NEW; END $$"
    )
    await many("CREATE TRIGGER too_wide BEFORE INSERT ON opened_bid FOR EACH ROW EXECUTE FUNCTION too_wide()")
    try:
        await given_tenders.opened(there)
    finally:
        await many("DROP FUNCTION too_wide CASCADE")
    rows = await OpenedBid.objects().order_by(OpenedBid.id)
    assert [(row.price_minor, row.problem_codes) for row in rows] == [
        (4_000_000, []),
        (0, ["bid.not-kept"]),
        (6_000_000, []),
    ]


async def test_one_firm_among_many_lots_loses_only_its_own(app: Litestar) -> None:
    there = await given_tenders.published(lots=2)
    firm = await given.person(await given.supplier(), "supplier-admin")
    await hostile(there, firm, b"{}")
    await actions.submit(firm, there.tender.ref, there.lots[1].ref, there.bid(lot=1))
    await given_tenders.opened(there)
    assert [row.problem_codes for row in await OpenedBid.objects().order_by(OpenedBid.id)] == [[FORM], []]
    organisation = await find(Organisation, Organisation.id == firm.hats[0].organisation)
    subjects = [each.subject for each in await Letter.objects() if each.person == firm.ref]
    assert organisation.ref == firm.hats[0].organisation_ref
    assert sum("was set aside" in each for each in subjects) == 1
