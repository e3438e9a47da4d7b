"""Awards, contracts and milestones wait for a certificate; whoever may not has the reason in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import msgspec
import pytest
from litestar import Litestar

from market import clock, db
from market.bids import actions as bids
from market.bids.tables import Bid
from market.contracts import actions as contracts
from market.contracts.tables import Milestone
from market.db import find
from market.refusals import Refused
from market.standards.certificates import actions as certificates
from market.standards.components import actions
from market.standards.exemptions import actions as exemptions
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.tables import Service, Withholding
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Tender
from market.workdays import end_of_day
from tests import given, given_awards, given_tenders
from tests.market.standards.documents import failing, good

pytestmark = pytest.mark.usefixtures("clean")

CORE = "uk-core@1.0.0"
DRAFT = actions.ServiceDraft("Bridge findings", "Tells a council what an inspection of a bridge found.", [CORE])


@pytest.fixture(autouse=True)
async def _published(clean: None) -> AsyncIterator[None]:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        yield


def offered(case: given_awards.Evaluated) -> actions.ServiceDraft:
    """The same service, offered for the tender of a case."""
    return msgspec.structs.replace(DRAFT, offered_for=[case.ref])


async def _scored() -> given_awards.Evaluated:
    case = await given_awards.opened(5_000_000, 4_000_000, profile=CORE)
    await given_awards.panel(case)
    await given_awards.scored(case)
    return case


async def test_an_award_waits_until_the_api_passes(app: Litestar) -> None:
    case = await _scored()
    with pytest.raises(Refused) as refused:
        await given_awards.decided(case)
    (reason,) = refused.value.reasons
    assert reason.code == "award.certificate-missing"
    assert "has lodged no API" in reason.reason
    with clock.at(case.opened_at + timedelta(days=2)):
        service = await actions.list_service(case.firms[1], DRAFT)
        await actions.lodge(case.firms[1], service.ref, good())
    with pytest.raises(Refused, match="is offered for"):
        await given_awards.decided(case)
    with clock.at(case.opened_at + timedelta(days=2)):
        await actions.offer_service(case.firms[1], service.ref, case.ref)
        await actions.lodge(case.firms[1], service.ref, failing())
    with pytest.raises(Refused, match="to mend"):
        await given_awards.decided(case)
    with clock.at(case.opened_at + timedelta(days=2)):
        await actions.lodge(case.firms[1], service.ref, good("1.2.2"))
    decision = await given_awards.decided(case)
    assert decision.winner is not None


async def test_the_service_that_names_the_tender_is_looked_at_alone() -> None:
    case = await _scored()
    firm, supplier = case.firms[1], case.suppliers[1].id
    with clock.at(case.opened_at):
        other = await actions.list_service(firm, DRAFT)
        await actions.lodge(firm, other.ref, good())
        assert await certificates.problem(supplier, CORE, clock.now()) == ""
        assert "is offered for" in await certificates.problem(supplier, CORE, clock.now(), tender=case.ref)
        draft = actions.ServiceDraft("Offered here", "What is offered for this very tender.", [CORE])
        service = await actions.list_service(firm, draft)
        await actions.offer_service(firm, service.ref, case.ref)
        with pytest.raises(Refused) as refused:
            await actions.offer_service(firm, service.ref, "the bridge tender")
        assert [each.code for each in refused.value.reasons] == ["service.tender-malformed"]
        assert "Offered here" in await certificates.problem(supplier, CORE, clock.now(), tender=case.ref)
        await actions.lodge(firm, service.ref, good("2.0.0"))
        assert await certificates.problem(supplier, CORE, clock.now(), tender=case.ref) == ""


async def test_a_profile_nobody_published_cannot_be_passed_and_no_profile_asks_nothing() -> None:
    supplier = await given.supplier()
    assert await certificates.problem(supplier.id, "", clock.now()) == ""
    assert "not published" in await certificates.problem(supplier.id, "unheard@1", clock.now())


async def test_contract_signature_and_milestone_wait_and_payment_waits_while_access_is_withheld() -> None:
    case = await _scored()
    firm = case.firms[1]
    with clock.at(case.opened_at + timedelta(days=1)):
        service = await actions.list_service(firm, offered(case))
        await actions.lodge(firm, service.ref, good())
    decision = await given_awards.decided(case)
    contract = await given_awards.in_force(case, decision)
    part = await find(Milestone, (Milestone.contract == contract.id) & (Milestone.number == 1))
    with clock.at(contract.drawn_up_at + timedelta(days=2)):
        await contracts.deliver(firm, contract.ref, part.ref, contracts.Delivery("All of the first part is there."))
        await actions.lodge(firm, service.ref, failing())
        with pytest.raises(Refused) as refused:
            await contracts.accept(case.buyer, contract.ref, part.ref)
        assert [each.code for each in refused.value.reasons] == ["milestone.certificate-missing"]
    with clock.at(contract.drawn_up_at + timedelta(days=40)):
        with pytest.raises(Refused) as refused:
            await contracts.accept(case.buyer, contract.ref, part.ref)
        assert "milestone.access-withheld" in [each.code for each in refused.value.reasons]
        await actions.lodge(firm, service.ref, good("1.2.2"))
        assert await sanctions.withheld(case.suppliers[1].id, clock.now()) == ""
        accepted = await contracts.accept(case.buyer, contract.ref, part.ref)
        assert accepted.accepted_at is not None


async def test_no_contract_is_drawn_up_or_signed_without_a_certificate() -> None:
    case = await _scored()
    firm = case.firms[1]
    with clock.at(case.opened_at + timedelta(days=1)):
        service = await actions.list_service(firm, offered(case))
        await actions.lodge(firm, service.ref, good())
    decision = await given_awards.decided(case)
    assert decision.standstill_ends_at is not None
    with clock.at(decision.standstill_ends_at):
        await actions.withdraw_service(firm, service.ref)
    with pytest.raises(Refused) as refused:
        await given_awards.drawn_up(case, decision)
    assert "contract.certificate-missing" in [each.code for each in refused.value.reasons]
    with clock.at(decision.standstill_ends_at):
        again = await actions.list_service(firm, offered(case))
        await actions.lodge(firm, again.ref, good())
    contract = await given_awards.drawn_up(case, decision)
    with clock.at(contract.drawn_up_at + timedelta(days=90)), pytest.raises(Refused) as refused:
        await contracts.sign(firm, contract.ref, contracts.Signature(contract.digest, True))
    assert [each.code for each in refused.value.reasons] == ["contract.certificate-lapsed"]


async def test_a_bid_page_warns_and_a_withheld_supplier_may_not_bid(app: Litestar) -> None:
    there = await given_tenders.published(profile=CORE, closes_in=timedelta(days=90))
    supplier = await given.supplier()
    firm = await given.person(supplier, "supplier-admin")
    service = await actions.list_service(firm, DRAFT)
    await actions.lodge(firm, service.ref, good())
    await actions.lodge(firm, service.ref, failing())
    await bids.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    async with given.browser(app) as browser:
        await given.signed_in(browser, firm)
        page = await browser.get(f"/tenders/{there.tender.ref}/bid")
        assert "You may bid all the same" in page.text
        page = await browser.get(f"/components/mine?offer={there.tender.ref}")
        assert f"Offer it for {there.tender.ref}" in page.text
        offered = await browser.post(f"/components/{service.ref}/offer", data={"tender": there.tender.ref})
        assert offered.status_code == 303
        page = await browser.get("/components/mine")
        assert f'href="/tenders/{there.tender.ref}"' in page.text
        page = await browser.get(f"/tenders/{there.tender.ref}/bid")
        assert "to mend" in page.text
        with clock.at(given.TODAY + timedelta(days=30)):
            await given.signed_in(browser, firm)
            page = await browser.get(f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bid")
            assert "Access is withheld" in page.text
            lots = await browser.get(f"/tenders/{there.tender.ref}/bid")
            assert "Replace your bid" not in lots.text
            assert "Withdraw the bid for lot 1" in lots.text, "what it had sealed it may still take back"
            taken = await browser.post(f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/withdraw")
            assert taken.status_code == 303
    with clock.at(given.TODAY + timedelta(days=30)), pytest.raises(Refused) as refused:
        await bids.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    assert [each.code for each in refused.value.reasons] == ["bid.access-withheld"]


async def test_access_that_is_withheld_while_a_bid_waits_for_the_tender_is_withheld_from_that_bid_too() -> None:
    there = await given_tenders.published(closes_in=timedelta(days=90))
    supplier = await given.supplier()
    firm = await given.person(supplier, "supplier-admin")
    service = await actions.list_service(firm, DRAFT)
    profile = await publishing.must_be_named(CORE)
    other = await db.connection()
    try:
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT 1 FROM tender WHERE id = $1 FOR UPDATE", there.tender.id)
        waiting = asyncio.create_task(bids.submit(firm, there.tender.ref, there.lots[0].ref, there.bid()))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not waiting.done()
            await asyncio.sleep(0)
        row = Withholding(
            supplier=supplier.id,
            service=service.id,
            profile=profile.id,
            reason="It lapsed.",
            notice_at=given.TODAY - timedelta(days=60),
            cure_until=given.TODAY - timedelta(days=30),
        )
        await row.save()
        await holding.rollback()
    finally:
        await other.close()
    with pytest.raises(Refused) as refused:
        await waiting
    assert [each.code for each in refused.value.reasons] == ["bid.access-withheld"]
    assert await Bid.count() == 0


async def test_a_running_contract_is_held_to_the_gates_of_its_tenders_day() -> None:
    """ukc-08 becomes a gate on a day; what was certified before goes on under contracts whose tender is older."""
    profile = publishing.composed_of(await publishing.must_be_named(CORE))
    card = next(each for each in profile.cards.values() if each.gate_from is not None and each.kind == "document")
    assert card.gate_from is not None
    firm = await given.person(await given.supplier(), "supplier-admin")
    advised = _with_advice(profile, card.rule)
    with clock.at(end_of_day(card.gate_from - timedelta(days=20))):
        service = await actions.list_service(firm, DRAFT)
        await actions.lodge(firm, service.ref, advised)
        supplier = firm.organisations()[0]
        assert await certificates.problem(supplier, CORE, clock.now()) == ""
    with clock.at(end_of_day(card.gate_from + timedelta(days=20))):
        assert await actions.recheck() == 1
        now = clock.now()
        assert "to mend" in await certificates.problem(supplier, CORE, now)
        before = card.gate_from - timedelta(days=30)
        assert await certificates.problem(supplier, CORE, now, pinned=before) == ""
        assert await certificates.problem(supplier, CORE, now, pinned=now.date()) != ""
    with clock.at(end_of_day(card.gate_from + timedelta(days=60))):
        later = clock.now()
        assert "Access is withheld" in await sanctions.withheld(supplier, later), "new business waits"
        assert await sanctions.withheld(supplier, later, pinned=before) == "", "and the running contract is paid"
        assert await sanctions.withheld(supplier, later, pinned=later.date()) != ""


def _with_advice(profile: object, rule: str) -> bytes:
    """A document with one finding of an advisory rule and no other."""
    import json

    from market.standards.checking.profiles import Profile

    assert isinstance(profile, Profile)
    return json.dumps(profile.cards[rule].failing[0].document(profile.base)).encode()


async def test_exemptions_need_two_signatures_and_open_the_gate() -> None:
    buyer = await given.organisation()
    officer = await given.person(buyer, "buyer")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    firm = await given.person(await given.supplier(), "supplier-admin")
    service: Service = await actions.list_service(firm, DRAFT)
    await actions.lodge(firm, service.ref, failing())
    codes = {each.rule for each in await _gates(service)}
    asked = exemptions.ExemptionDraft(
        CORE,
        "rules",
        "The register that this reads cannot name a contact before its move in spring.",
        "The buyer's own desk answers, seven days a week.",
        date(2027, 3, 31),
        service=service.ref,
        rules=sorted(codes),
    )
    row = await exemptions.ask(officer, buyer.id, asked)
    both = await given.also(officer, await given.organisation(kind="operator"), "operator")
    with pytest.raises(Refused) as herself:
        await exemptions.sign(both, row.ref)
    assert [each.code for each in herself.value.reasons] == ["exemption.two-people"]
    assert (await actions.check_again(firm, service.ref))[0].outcome == "fail"
    await exemptions.sign(operator, row.ref)
    with pytest.raises(Refused):
        await exemptions.sign(operator, row.ref)
    assert (await actions.check_again(firm, service.ref))[0].outcome == "pass-with-waivers"
    (held,) = await certificates.of_service(service)
    assert held.revoked_at is None
    await exemptions.end(officer, row.ref)
    assert (await actions.check_again(firm, service.ref))[0].outcome == "fail"
    with pytest.raises(Refused) as refused:
        await exemptions.ask(officer, buyer.id, exemptions.ExemptionDraft(CORE, "rules", "x", "", date(2030, 1, 1)))
    assert {each.code for each in refused.value.reasons} == {
        "exemption.rules-unknown",
        "exemption.service-missing",
        "exemption.reason-missing",
        "exemption.control-missing",
        "exemption.expiry",
    }


async def _gates(service: Service) -> list[object]:
    from market.standards.checking.outcome import Run

    row = await certificates.latest_run(service, await publishing.must_be_named(CORE))
    assert row is not None
    return list(Run.from_json(row.result.encode()).gates)


async def test_a_private_api_is_certified_and_tells_only_its_result(app: Litestar) -> None:
    buyer = await given.organisation()
    officer = await given.person(buyer, "buyer")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    firm = await given.person(await given.supplier("Quiet Ltd"), "supplier-admin")
    draft = actions.ServiceDraft("Secret matching", "Matches what nobody else can match.", [CORE], private=True)
    service = await actions.list_service(firm, draft)
    await actions.lodge(firm, service.ref, good())
    assert await certificates.of_service(service) == []
    row = await exemptions.ask(
        officer,
        buyer.id,
        exemptions.ExemptionDraft(
            CORE,
            "private",
            "The method is the firm's only asset and its description would give it away.",
            "The assessor reads the document.",
            date(2027, 6, 30),
            service=service.ref,
        ),
    )
    async with given.browser(app) as browser:
        assert (await browser.get(f"/components/{service.ref}")).status_code == 404
        await given.signed_in(browser, officer)
        for secret in ("", "/result", "/versions/1/document"):
            shown = await browser.get(f"/components/{service.ref}{secret}")
            assert shown.status_code == 404, "asking for an exemption opens nothing"
    async with given.browser(app) as browser:
        await exemptions.sign(operator, row.ref)
        await actions.check_again(firm, service.ref)
        page = await browser.get(f"/components/{service.ref}")
        assert page.status_code == 200
        assert "Certified until" in page.text
        assert "Secret matching" not in page.text
        assert "/permits/" not in page.text
        assert "Quiet Ltd" in page.text
        for secret in ("result", "versions/1/document"):
            assert (await browser.get(f"/components/{service.ref}/{secret}")).status_code == 404
        (held,) = await certificates.of_service(service)
        assert b"Secret matching" not in bytes(held.file)
        assert "Secret" not in (await browser.get("/components")).text + (await browser.get("/standards/register")).text
        assert (await browser.get(f"/standards/exemptions/{row.ref}")).status_code == 200
        assert (await browser.get(f"/api/v1/standards/services/{service.ref}")).json()["title"] == ""
        await given.signed_in(browser, officer)
        assert "Secret matching" in (await browser.get(f"/components/{service.ref}")).text
        await given.signed_in(browser, await given.person(await given.organisation(), "buyer"))
        assert "Secret matching" not in (await browser.get(f"/components/{service.ref}")).text
    with clock.at(given.TODAY + timedelta(days=300)):
        async with given.browser(app) as browser:
            await given.signed_in(browser, officer)
            assert (await browser.get(f"/components/{service.ref}")).status_code == 404, "the exemption ended"


async def test_an_exemption_that_ends_early_ends_its_certificate_at_the_next_check() -> None:
    buyer = await given.organisation()
    officer = await given.person(buyer, "buyer")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    supplier = await given.supplier("Quiet Ltd")
    firm = await given.person(supplier, "supplier-admin")
    service = await actions.list_service(firm, msgspec.structs.replace(DRAFT, private=True))
    row = await exemptions.ask(officer, buyer.id, confidential(service))
    await exemptions.sign(operator, row.ref)
    await actions.lodge(firm, service.ref, good())
    assert [each.revoked_at for each in await certificates.of_service(service)] == [None]
    await exemptions.end(officer, row.ref)
    assert (await actions.check_again(firm, service.ref))[0].outcome == "pass"
    (held,) = await certificates.of_service(service)
    assert "needs an exemption" in held.revoked_reason
    (notice,) = await sanctions.register(supplier.id)
    assert "no longer certified" in notice.reason
    assert "Bridge findings" not in notice.reason, "a confidential service is not named"


async def test_a_certificate_ends_when_its_description_becomes_confidential_without_an_exemption() -> None:
    firm = await given.person(await given.supplier(), "supplier-admin")
    service = await actions.list_service(firm, DRAFT)
    await actions.lodge(firm, service.ref, good())
    await actions.revise_service(
        firm,
        service.ref,
        msgspec.structs.replace(DRAFT, private=True),
        await given.as_is(actions.ServiceDraft, Service, service.ref),
    )
    (held,) = await certificates.of_service(service)
    assert "confidential without an exemption" in held.revoked_reason


def confidential(service: Service) -> exemptions.ExemptionDraft:
    """What a buyer asks for a service whose description stays confidential."""
    reason = "The method is the firm's only asset and its description would give it away."
    control = "The assessor reads the document."
    return exemptions.ExemptionDraft(CORE, "private", reason, control, date(2027, 6, 30), service=service.ref)


async def test_for_national_security_a_signed_result_takes_the_certificates_place(
    app: Litestar, tmp_path: object
) -> None:
    from market import verify
    from market.proof import certificates as signed

    buyer = await given.organisation()
    officer = await given.person(buyer, "buyer")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    supplier = await given.supplier("Hidden Hand Ltd")
    secret = "11" * 32
    (tmp_path / "key").write_text(secret)  # type: ignore[operator]
    (tmp_path / "api.json").write_bytes(good())  # type: ignore[operator]
    said, code = verify.api(tmp_path / "api.json", "uk-core", sign=tmp_path / "key")  # type: ignore[operator]
    assert code == 0, said
    result = (tmp_path / "api.result.json").read_text()  # type: ignore[operator]
    public = signed.public_bytes(bytes.fromhex(secret)).hex()

    def asked(result: str, key: str) -> exemptions.ExemptionDraft:
        return exemptions.ExemptionDraft(
            CORE,
            "national-security",
            "Nothing about this system may be known outside the building.",
            "The checks run inside, by the same engine.",
            date(2027, 6, 30),
            supplier=str(supplier.ref),
            result=result,
            key=key,
        )

    for wrong in (asked("", ""), asked(result.replace("pass", "fail", 1), public), asked(result, "22" * 32)):
        with pytest.raises(Refused) as refused:
            await exemptions.ask(officer, buyer.id, wrong)
        assert [each.code for each in refused.value.reasons] == ["exemption.result-missing"]
    row = await exemptions.ask(officer, buyer.id, asked(result, public))
    now = clock.now()
    assert await certificates.problem(supplier.id, CORE, now, buyer=buyer.id) != ""
    await exemptions.sign(operator, row.ref)
    assert await certificates.problem(supplier.id, CORE, now, buyer=buyer.id) == ""
    assert await certificates.problem(supplier.id, CORE, now, buyer=buyer.id + 1) != "", "at this buyer only"
    async with given.browser(app) as browser:
        register = await browser.get("/standards/register")
        assert row.ref in register.text
        assert "Hidden Hand" not in register.text
        assert (await browser.get(f"/standards/exemptions/{row.ref}")).status_code == 404


async def test_a_tender_names_a_published_profile() -> None:
    case = await given.tendering()
    terms = drafting.Terms("Rights stay with the supplier.", "unheard@1")
    with pytest.raises(Refused) as refused:
        await drafting.set_terms(case.officers[0], case.ref, terms, await given.as_is(drafting.Terms, Tender, case.ref))
    assert [each.code for each in refused.value.reasons] == ["tender.profile-unknown"]
    row = await drafting.set_terms(
        case.officers[0],
        case.ref,
        drafting.Terms("Rights stay.", "uk-core@1"),
        await given.as_is(drafting.Terms, Tender, case.ref),
    )
    assert row.profile == CORE
