"""A supplier proves that the record imports made of it is its own: by a code to an address on record, or before an operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.portal.sameness.pairs import Decision
from market.portal.suppliers import actions, claims
from market.portal.suppliers import views as supplier_views
from market.portal.tables import ImportedSupplier, SupplierClaim, SupplierMerge
from market.refusals import NotFound, Refused
from tests import given
from tests.market.portal.library import awarded, bring, package

pytestmark = pytest.mark.usefixtures("clean")

ELM: dict[str, Any] = {
    "name": "Elm Instruments",
    "identifier": {"scheme": "GB-COH", "id": "08407369"},
    "contactPoint": {"name": "Ida Elm", "email": "ida@elm.example"},
    "address": {"streetAddress": "1 Mill Lane", "locality": "Exeter", "postalCode": "EX1 1AA"},
}
"""A supplier as a notice names it, with an e-mail and a postal address."""

SAYS = "Our website names the contract with the district; the buyer's officer can confirm it."


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with clock.at(given.TODAY):
        yield


async def imported(tmp_path: Path, *named: dict[str, Any] | str) -> list[ImportedSupplier]:
    """The spellings that one notice for each of these names makes."""
    every = [awarded(number, each) for number, each in enumerate(named or (ELM,), start=1)]
    await bring(package(tmp_path / "notices.json", every), "moldova")
    return await ImportedSupplier.objects().order_by(ImportedSupplier.id)


async def firm(**facts: Any) -> tuple[Organisation, Actor]:
    """The firm that claims, and its administrator."""
    body = await given.supplier("Elm Instruments Ltd", **{"identifier": "08407369", **facts})
    return body, await given.person(body, "supplier-admin")


async def team() -> Actor:
    return await given.person(await given.organisation("Innovation Team", kind="operator"), "operator")


async def way(one: ImportedSupplier, kind: str) -> str:
    found = await supplier_views.supplier(one.ref)
    assert not isinstance(found, str)
    return next(each.way for each in await claims.ways_of(found.group) if each.kind == kind)


async def code_of(address: str) -> str:
    letter = await Letter.objects().where(Letter.address == address).order_by(Letter.id, ascending=False).first()
    assert letter is not None
    found = re.search(r"^[2-9A-Z]{4}-[2-9A-Z]{4}$", letter.text, re.MULTILINE)
    assert found is not None
    return found[0]


async def verbs() -> list[str]:
    return [each.verb for each in await Event.objects().order_by(Event.seq) if each.verb.startswith("claim.")]


async def test_a_code_by_email_to_the_address_on_record_proves_it(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    assert claims.masked(claim) == "i…@elm.example"
    letter = await Letter.objects().get(Letter.address == "ida@elm.example")
    assert letter is not None
    assert letter.person == ""
    assert "Is Elm Instruments Ltd you?" in letter.subject
    code = await code_of("ida@elm.example")
    assert code not in claim.code_hash
    await claims.prove(admin, claim.ref, claims.Code(f" {code.lower().replace('-', ' ')} "))
    found = await supplier_views.supplier(one.ref)
    assert not isinstance(found, str)
    assert found.holder is not None
    assert (found.holder.ref, found.holder.claim) == (body.ref, claim.ref)
    assert [each.ref for each in await supplier_views.of_organisation(body.id)] == [one.ref]
    assert await verbs() == ["claim.asked", "claim.granted"]
    event = await Event.objects().get(Event.verb == "claim.granted")
    assert event is not None
    assert set(event.about) == {f"claim:{claim.ref}", f"imported_supplier:{one.ref}", f"supplier:{body.ref}"}
    granted = await Letter.objects().where(Letter.subject.like("%now holds the record%")).first()
    assert granted is not None


async def test_five_wrong_codes_are_counted_and_then_even_the_right_one_is_refused(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(Refused, match=f"{left} (tries are|try is) left"):
            await claims.prove(admin, claim.ref, claims.Code("AAAA-AAAA"))
    with pytest.raises(Refused, match="counts no more"):
        await claims.prove(admin, claim.ref, claims.Code(await code_of("ida@elm.example")))
    old = await code_of("ida@elm.example")
    await claims.send_again(admin, claim.ref)
    with pytest.raises(Refused, match="not the code"):
        await claims.prove(admin, claim.ref, claims.Code(old))
    await claims.prove(admin, claim.ref, claims.Code(await code_of("ida@elm.example")))
    assert await verbs() == ["claim.asked", "claim.code-sent", "claim.granted"]


async def test_a_code_counts_for_seven_days_by_email_and_thirty_by_post(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    operator = await team()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    code = await code_of("ida@elm.example")
    with clock.at(given.TODAY + timedelta(days=7)), pytest.raises(Refused, match="too old"):
        await claims.prove(admin, claim.ref, claims.Code(code))
    await claims.withdraw(admin, claim.ref)
    posted = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "post")))
    with pytest.raises(Refused, match="No code has been sent"):
        await claims.prove(admin, posted.ref, claims.Code("AAAA-AAAA"))
    printed = await claims.print_letter(operator, posted.ref)
    assert printed.lines == ["1 Mill Lane", "Exeter", "EX1 1AA"]
    assert claims.masked(posted) == "Exeter, EX1 1AA"
    with clock.at(given.TODAY + timedelta(days=29)):
        await claims.prove(admin, posted.ref, claims.Code(printed.code))
    assert await verbs() == ["claim.asked", "claim.withdrawn", "claim.asked", "claim.code-sent", "claim.granted"]


async def test_a_letter_printed_again_has_another_code(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    operator = await team()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "post")))
    assert await Letter.exists().where(Letter.subject.like("%claims the record%"))
    first, second = await claims.print_letter(operator, claim.ref), await claims.print_letter(operator, claim.ref)
    with pytest.raises(Refused, match="not the code"):
        await claims.prove(admin, claim.ref, claims.Code(first.code))
    with pytest.raises(Refused, match="does not go by email"):
        await claims.send_again(admin, claim.ref)
    await claims.prove(admin, claim.ref, claims.Code(second.code))


async def test_an_operator_decides_what_she_can_check_and_says_why(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    operator = await team()
    with pytest.raises(Refused, match="at least 40 characters"):
        await claims.ask(admin, one.ref, claims.Claiming("operator", "It is us."))
    claim = await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    assert [each.ref for each in await claims.waiting()] == [claim.ref]
    with pytest.raises(Refused):
        await claims.decide(admin, claim.ref, claims.Verdict(True, "Because I say so."))
    refused = await claims.decide(operator, claim.ref, claims.Verdict(False, "The buyer names another firm."))
    assert (refused.granted, refused.answered_by) == (False, operator.person)
    letter = await Letter.objects().where(Letter.subject.like("%was not found to be%")).first()
    assert letter is not None
    assert "The buyer names another firm." in letter.text
    with pytest.raises(Refused, match="come to its end"):
        await claims.decide(operator, claim.ref, claims.Verdict(True, "On second thoughts, yes."))
    again = await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    await claims.decide(operator, again.ref, claims.Verdict(True, "The district confirmed it by telephone."))
    assert await claims.holder_of([one.id]) == body.id
    assert await verbs() == ["claim.asked", "claim.refused", "claim.asked", "claim.granted"]
    event = await Event.objects().get(Event.verb == "claim.refused")
    assert event is not None
    assert "another firm" not in event.body


async def test_an_operator_does_not_decide_for_her_own_firm(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    both = await given.person(await given.organisation(kind="operator"), "operator")
    both = Actor(both.ref, both.name, both.person, (*both.hats, *(await given.person(body, "supplier-member")).hats))
    with pytest.raises(Refused, match="Somebody else decides"):
        await claims.decide(both, claim.ref, claims.Verdict(True, "I know that it is ours."))


async def test_a_code_goes_to_no_address_the_claimant_chooses(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    with pytest.raises(Refused, match="no such address on record"):
        await claims.ask(admin, one.ref, claims.Claiming("email:000000000000"))
    assert await SupplierClaim.count() == 0


async def test_an_address_that_two_records_have_is_no_way_to_either(tmp_path: Path) -> None:
    one, two = await imported(tmp_path, ELM, {"name": "Zenith Haulage", "contactPoint": {"email": "ida@elm.example"}})
    for each in (one, two):
        found = await supplier_views.supplier(each.ref)
        assert not isinstance(found, str)
        assert "email" not in {each.kind for each in await claims.ways_of(found.group)}


async def test_a_record_with_another_number_of_the_same_register_is_another_firm_s(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm(identifier="09990001")
    with pytest.raises(Refused, match="that is another firm"):
        await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    assert await Letter.count() == 0


async def test_a_record_has_one_holder_and_a_claim_is_made_once_at_a_time(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    with pytest.raises(Refused, match="claimed this already"):
        await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    rival = await given.person(await given.supplier(scheme="", identifier=""), "supplier-admin")
    race = await claims.ask(rival, one.ref, claims.Claiming("operator", SAYS))
    await claims.prove(admin, claim.ref, claims.Code(await code_of("ida@elm.example")))
    with pytest.raises(Refused, match="You hold this record already"):
        await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    with pytest.raises(Refused, match="Another supplier has proved"):
        await claims.decide(await team(), race.ref, claims.Verdict(True, "They were persuasive."))
    assert await claims.holder_of([one.id]) == body.id


async def test_a_record_that_is_let_go_can_be_claimed_again(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    with pytest.raises(Refused, match="not held by this claim"):
        await claims.release(admin, claim.ref, claims.Letting("It was never ours."))
    await claims.prove(admin, claim.ref, claims.Code(await code_of("ida@elm.example")))
    stranger = await given.person(await given.supplier(), "supplier-admin")
    with pytest.raises(NotFound):
        await claims.release(stranger, claim.ref, claims.Letting("Give it to us instead."))
    await claims.release(await team(), claim.ref, claims.Letting("The buyer told us that it was another Elm."))
    assert await claims.holder_of([one.id]) is None
    assert claims.state(True, None, given.TODAY) == "let go"
    again = await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS))
    assert again.ref != claim.ref
    assert await verbs() == ["claim.asked", "claim.granted", "claim.released", "claim.asked"]


async def test_two_records_that_one_firm_holds_are_shown_as_one_and_the_holder_takes_a_wrong_spelling_out(
    tmp_path: Path,
) -> None:
    one, two = await imported(
        tmp_path, ELM, {"name": "Zenith Haulage", "contactPoint": {"email": "post@zenith.example"}}
    )
    _, admin = await firm()
    for each, address in ((one, "ida@elm.example"), (two, "post@zenith.example")):
        claim = await claims.ask(admin, each.ref, claims.Claiming(await way(each, "email")))
        await claims.prove(admin, claim.ref, claims.Code(await code_of(address)))
    assert await supplier_views.supplier(two.ref) == one.ref
    (merge,) = await SupplierMerge.objects()
    await actions.take_apart(admin, merge.ref)
    assert not isinstance(await supplier_views.supplier(two.ref), str)


async def test_records_of_two_holders_are_not_joined(tmp_path: Path) -> None:
    one, two = await imported(tmp_path, "Mitie Property Services (UK) Ltd", "Mitie Landscapes Ltd")
    operator = await team()
    for each in (one, two):
        admin = await given.person(await given.supplier(scheme="", identifier=""), "supplier-admin")
        claim = await claims.ask(admin, each.ref, claims.Claiming("operator", SAYS))
        await claims.decide(operator, claim.ref, claims.Verdict(True, "They have shown it to us."))
    _, (pair, *_) = await supplier_views.doubtful()
    with pytest.raises(Refused, match="Different suppliers hold"):
        await actions.decide(operator, pair.ref, Decision(True))


async def test_only_who_may_speak_for_a_firm_claims_and_nobody_else_sees_the_claim(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    for actor in (await given.person(body, "supplier-member"), await given.person(await given.organisation(), "buyer")):
        with pytest.raises(Refused):
            await claims.ask(actor, one.ref, claims.Claiming("operator", SAYS))
    other, _ = await given.supplier(), None
    with pytest.raises(Refused):
        await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS, other.ref))
    claim = await claims.ask(admin, one.ref, claims.Claiming("operator", SAYS, body.ref))
    rival = await given.person(other, "supplier-admin")
    for forbidden in (claims.seen_by(rival, claim.ref), claims.withdraw(rival, claim.ref)):
        with pytest.raises(NotFound):
            await forbidden
    with pytest.raises(NotFound):
        await claims.prove(rival, claim.ref, claims.Code("AAAA-AAAA"))
    assert (await claims.seen_by(await team(), claim.ref)).ref == claim.ref


async def test_one_firm_cannot_have_strangers_flooded_with_letters(tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    claim = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "email")))
    for _ in range(2):
        await claims.send_again(admin, claim.ref)
    with pytest.raises(Refused, match="Too many tries"):
        await claims.send_again(admin, claim.ref)
    assert await Letter.count().where(Letter.address == "ida@elm.example") == 3


# ── by pages and by program ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_claim_by_clicking(app: Litestar, tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    async with given.browser(app) as client:
        page = await client.get(f"/portals/suppliers/{one.ref}")
        assert "Not claimed" in page.text
        assert "Elm Instruments Ltd</a> is registered here with the same number" in page.text
        assert "ida@" not in page.text
        assert "Mill Lane" not in page.text
        assert (await client.get(f"/portals/suppliers/{one.ref}/claim")).status_code in (303, 401)
        await given.signed_in(client, admin)
        assert "claim the record" in (await client.get(f"/portals/suppliers/{one.ref}")).text
        assert one.ref in (await client.get(f"/portals/suppliers/of/{body.ref}")).text
        form = await client.get(f"/portals/suppliers/{one.ref}/claim")
        assert "A code by email to i…@elm.example" in form.text
        assert "the address on record in Exeter, EX1 1AA" in form.text
        assert "Mill Lane" not in form.text
        empty = await client.post(f"/portals/suppliers/{one.ref}/claim", data={})
        assert empty.status_code == 422
        unsaid = await client.post(f"/portals/suppliers/{one.ref}/claim", data={"way": "operator", "statement": "us"})
        assert (unsaid.status_code, "at least 40 characters" in unsaid.text) == (409, True)
        asked = await client.post(f"/portals/suppliers/{one.ref}/claim", data={"way": await way(one, "email")})
        assert asked.status_code == 303
        claim = await SupplierClaim.objects().first()
        assert claim is not None
        assert asked.headers["location"] == f"/portals/claims/{claim.ref}"
        assert "Code from the letter" in (await client.get(f"/portals/claims/{claim.ref}")).text
        wrong = await client.post(f"/portals/claims/{claim.ref}/code", data={"code": "AAAA-AAAA"})
        assert (wrong.status_code, "4 tries are left" in wrong.text) == (409, True)
        assert (await client.post(f"/portals/claims/{claim.ref}/code/again")).status_code == 303
        proved = await client.post(f"/portals/claims/{claim.ref}/code", data={"code": await code_of("ida@elm.example")})
        assert (proved.status_code, proved.headers["location"]) == (303, f"/portals/suppliers/{one.ref}")
        page = await client.get(f"/portals/suppliers/{one.ref}")
        assert (
            f'<a class="govuk-link" href="/suppliers/{body.ref}">Elm Instruments Ltd</a>, registered here, has proved'
            in page.text
        )
        assert f"/portals/suppliers/of/{body.ref}" in (await client.get(f"/suppliers/{body.ref}")).text
        listed = await client.get("/portals/suppliers")
        assert "held by Elm Instruments Ltd" in listed.text
        short = await client.post(f"/portals/claims/{claim.ref}/release", data={"reason": "no"})
        assert short.status_code == 422
        freed = await client.post(f"/portals/claims/{claim.ref}/release", data={"reason": "It is another Elm."})
        assert freed.status_code == 303
        assert "Let go" in (await client.get("/portals/claims")).text


async def test_where_no_address_is_on_record_the_form_offers_an_operator_s_check_alone(
    app: Litestar, tmp_path: Path
) -> None:
    (one,) = await imported(tmp_path, "Elm Instruments")
    _, admin = await firm()
    async with given.browser(app) as client:
        await given.signed_in(client, admin)
        form = await client.get(f"/portals/suppliers/{one.ref}/claim")
        assert "so an operator checks your claim" in form.text
        assert '<input type="hidden" name="way" value="operator">' in form.text
        made = await client.post(f"/portals/suppliers/{one.ref}/claim", data={"way": "operator", "statement": SAYS})
        assert made.status_code == 303


async def test_operators_print_the_letter_and_decide_by_the_forms_they_are_shown(app: Litestar, tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    _, admin = await firm()
    posted = await claims.ask(admin, one.ref, claims.Claiming(await way(one, "post"), SAYS))
    async with given.browser(app) as client:
        await given.signed_in(client, await team())
        assert posted.ref in (await client.get("/portals/claims")).text
        page = await client.get(f"/portals/claims/{posted.ref}")
        assert "Make the letter" in page.text
        assert "the buyer&#39;s officer can confirm it" in page.text
        letter = await client.post(f"/portals/claims/{posted.ref}/letter")
        assert "1 Mill Lane" in letter.text
        code = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", letter.text)
        assert code is not None
        assert code[0] not in (await client.get(f"/portals/claims/{posted.ref}")).text
        silent = await client.post(f"/portals/claims/{posted.ref}/decision", data={"grant": "yes"})
        assert silent.status_code == 422
        done = await client.post(
            f"/portals/claims/{posted.ref}/decision", data={"grant": "", "reason": "The letter came back unopened."}
        )
        assert done.status_code == 303
        assert "The letter came back unopened." in (await client.get(f"/portals/claims/{posted.ref}")).text


async def test_doubtful_suppliers_are_decided_and_parted_by_clicking(app: Litestar, tmp_path: Path) -> None:
    one, two = await imported(tmp_path, "Mitie Property Services (UK) Ltd", "Mitie Landscapes Ltd")
    async with given.browser(app) as client:
        assert (await client.get("/portals/suppliers/doubtful")).status_code in (303, 401)
        await given.signed_in(client, await team())
        _, (pair,) = await supplier_views.doubtful()
        page = await client.get("/portals/suppliers/doubtful")
        assert "Mitie Landscapes Ltd" in page.text
        decided = await client.post(f"/portals/suppliers/doubtful/{pair.ref}", data={"same": "yes"})
        assert decided.status_code == 303
        moved = await client.get(f"/portals/suppliers/{two.ref}")
        assert (moved.status_code, moved.headers["location"]) == (302, f"/portals/suppliers/{one.ref}")
        assert "An operator judged it to be the same" in (await client.get(f"/portals/suppliers/{one.ref}")).text
        (merge,) = await SupplierMerge.objects()
        assert (await client.post(f"/portals/suppliers/merges/{merge.ref}/undo")).status_code == 303
        assert (await client.get(f"/portals/suppliers/{two.ref}")).status_code == 200


async def test_a_notice_leads_to_its_suppliers_and_hides_a_person_s_own_number(app: Litestar, tmp_path: Path) -> None:
    person = {"name": "Ana Robles", "identifier": {"scheme": "Cédula de Ciudadanía", "id": "79396575"}}
    one, _ = await imported(tmp_path, ELM, person)
    async with given.browser(app) as client:
        rows = (await client.get(f"/api/v1/portals/suppliers/{one.ref}")).json()
        page = await client.get(f"/notices/{rows['notices'][0]['ref']}")
        listed = (await client.get("/api/v1/portals/suppliers?q=robles")).json()["items"]
        hers = (await client.get(f"/api/v1/portals/suppliers/{listed[0]['ref']}")).json()
        notice = await client.get(f"/notices/{hers['notices'][0]['ref']}")
        told = (await client.get(f"/api/v1/notices/{hers['notices'][0]['ref']}")).json()
    assert f"/portals/suppliers/{one.ref}" in page.text
    assert "GB-COH 08407369" in page.text
    assert (hers["numbers"], "79396575" in notice.text) == ([], False)
    assert told["suppliers"] == [{"name": "Ana Robles", "scheme": None, "identifier": None}]


async def test_doubtful_suppliers_are_decided_and_parted_by_program(app: Litestar, tmp_path: Path) -> None:
    one, two = await imported(tmp_path, "Mitie Property Services (UK) Ltd", "Mitie Landscapes Ltd")
    async with given.browser(app) as client:
        client.headers.update(await given.token(await team()))
        (pair,) = (await client.get("/api/v1/portals/suppliers/pairs")).json()["items"]
        assert pair["suppliers"] == [one.ref, two.ref]
        joined = await client.post(f"/api/v1/portals/suppliers/pairs/{pair['ref']}/decision", json={"same": True})
        assert [each["name"] for each in joined.json()["spellings"]] == [one.name, two.name]
        merge = joined.json()["spellings"][1]["merge"]
        parted = await client.post(f"/api/v1/portals/suppliers/merges/{merge}/undo")
        assert (parted.status_code, len(parted.json()["spellings"])) == (200, 1)


async def test_the_claim_by_program(app: Litestar, tmp_path: Path) -> None:
    (one,) = await imported(tmp_path)
    body, admin = await firm()
    operator = await team()
    path = f"/api/v1/portals/suppliers/{one.ref}"
    async with given.browser(app) as client:
        assert (await client.post(f"{path}/claims", json={"way": "operator"})).status_code == 401
        mine, theirs = await given.token(admin), await given.token(operator)
        ways = (await client.get(f"{path}/ways", headers=mine)).json()["items"]
        assert [each["kind"] for each in ways] == ["email", "post", "operator"]
        bad = await client.post(f"{path}/claims", json={"way": "pigeon"}, headers=mine)
        assert bad.status_code == 400
        made = await client.post(f"{path}/claims", json={"way": ways[0]["way"]}, headers=mine)
        assert made.status_code == 201
        claim = made.json()
        assert (claim["state"], claim["address"], claim["organisation"]) == ("waits", "i…@elm.example", body.ref)
        wrong = await client.post(f"/api/v1/claims/{claim['ref']}/code", json={"code": "nonsense"}, headers=mine)
        assert (wrong.status_code, wrong.json()["reasons"][0]["code"]) == (409, "claim.code-wrong")
        assert (await client.get(f"/api/v1/claims/{claim['ref']}", headers=theirs)).status_code == 200
        given_up = await client.post(f"/api/v1/claims/{claim['ref']}/withdraw", headers=mine)
        assert given_up.json()["state"] == "withdrawn"
        second = await client.post(f"{path}/claims", json={"way": "operator", "statement": SAYS}, headers=mine)
        waiting = (await client.get("/api/v1/claims", headers=theirs)).json()["items"]
        assert [each["ref"] for each in waiting] == [second.json()["ref"]]
        verdict = {"grant": True, "reason": "The district confirmed it."}
        done = await client.post(f"/api/v1/claims/{second.json()['ref']}/decision", json=verdict, headers=theirs)
        assert done.json()["state"] == "granted"
        assert (await client.get(path)).json()["held_by"]["supplier"] == body.ref
        freed = await client.post(
            f"/api/v1/claims/{second.json()['ref']}/release", json={"reason": "It is another Elm."}, headers=mine
        )
        assert freed.json()["state"] == "let go"
        missing = await client.get("/api/v1/claims/CL-NOTHERE", headers=mine)
        assert missing.status_code == 404
