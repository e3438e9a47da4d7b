"""Listing a service, lodging its document, and the certificate that follows: through actions, forms and tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from market import clock, verify
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.proof import certificates as certificate
from market.proof.certificates import Outcome
from market.refusals import NotFound, Refused
from market.standards.certificates import actions as certificates
from market.standards.checking import apart
from market.standards.checking.outcome import Run
from market.standards.components import actions, catalogue
from market.standards.keys import public_keys
from market.standards.profiles import actions as publishing
from market.standards.tables import CheckRun, IssuedCertificate, Lodgement, PublishedProfile, Service
from search import faces
from tests import given
from tests.market.standards.documents import breaking, failing, good

pytestmark = pytest.mark.usefixtures("clean")

CORE = "uk-core@1.0.0"


@dataclass
class House:
    """A supplier with somebody who acts for it."""

    firm: Organisation
    actor: Actor

    async def service(self, **more: object) -> Service:
        given_ = {
            "title": "Permit look-up",
            "does": "Tells a council whether a permit is valid and until when.",
            "profiles": [CORE],
            "licence": "MIT",
            "cpv": ["72212000"],
            **more,
        }
        return await actions.list_service(self.actor, actions.ServiceDraft(**given_))  # type: ignore[arg-type]


@pytest.fixture
async def house(clean: None) -> AsyncIterator[House]:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        firm = await given.supplier("Permits Ltd")
        yield House(firm, await given.person(firm, "supplier-admin"))


async def test_the_shipped_profiles_are_published_once(house: House) -> None:
    assert await publishing.ensure_profiles() == 0
    assert {"uk-core@1.0.0", "minimal@1.0.0", "open-contracting@1.0.0"} <= set(await publishing.labels())
    row = await publishing.must_be_named("uk-core@1")
    assert publishing.composed_of(row).digest == row.digest
    assert await publishing.named("uk-core@2") is None


async def test_a_pass_is_certified_at_once_and_the_file_verifies_offline(house: House, tmp_path: object) -> None:
    service = await house.service()
    lodged = await actions.lodge(house.actor, service.ref, good(), "permits.json")
    assert (lodged.number, lodged.api_version, lodged.breaking) == (1, "1.2.0", 0)
    (held,) = await certificates.of_service(service)
    verified = certificate.verify(bytes(held.file), public_keys())
    stated = verified.certificate
    assert (stated.service, stated.document, stated.outcome) == (service.ref, lodged.digest, "pass")
    assert stated.in_force(clock.now())
    file = tmp_path / "certificate.json"  # type: ignore[operator]
    file.write_bytes(bytes(held.file))
    lines, code = verify.certificate(file)
    assert code == 0, lines
    file.write_bytes(bytes(held.file).replace(b"Permit", b"Parking"))
    assert verify.certificate(file)[1] == 1
    events = await Event.objects().where(Event.subject == f"service:{service.ref}").order_by(Event.seq)
    assert [event.verb for event in events] == ["service.listed", "service.lodged", "certificate.issued"]
    letter = await Letter.objects().where(Letter.about == f"service:{service.ref}").first()
    assert letter is not None
    assert "certificate" in letter.subject


async def test_a_failure_is_kept_with_its_findings_and_certifies_nothing(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, failing())
    (run,) = await CheckRun.objects()
    found = Run.from_json(run.result.encode())
    assert run.outcome == "fail"
    assert {"ukc-06-contact"} <= {finding.rule for finding in found.gates}
    assert all(finding.why and finding.mend for finding in found.gates)
    assert await certificates.of_service(service) == []


async def test_what_cannot_be_read_is_kept_as_could_not_check(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, b"\x00\x01 this is no document")
    (run,) = await CheckRun.objects()
    assert run.outcome == "could-not-check"
    assert await certificates.of_service(service) == []


async def test_the_same_bytes_are_not_a_new_version(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    with pytest.raises(Refused) as refused:
        await actions.lodge(house.actor, service.ref, good())
    assert refused.value.reasons[0].code == "lodgement.unchanged"
    with pytest.raises(Refused):
        await actions.lodge(house.actor, service.ref, b"")


async def test_a_break_without_a_new_major_version_fails_and_is_named(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    lodged = await actions.lodge(house.actor, service.ref, breaking("1.3.0"))
    assert lodged.breaking >= 1
    (newest, _) = await actions.lodgements_of(service)
    assert any(each.level == "breaking" for each in newest.changes)
    run = await CheckRun.objects().order_by(CheckRun.id, ascending=False).first()
    assert run is not None
    assert run.outcome == "fail"
    await actions.lodge(house.actor, service.ref, good("1.3.1"))
    held = [each for each in await certificates.of_service(service) if each.revoked_at is None]
    assert len(held) == 1


async def test_a_new_version_replaces_the_certificate(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    await actions.lodge(house.actor, service.ref, good("1.2.1"))
    newest, older = await certificates.listed(service)
    assert older.replaced
    assert newest.revoked_at is None
    assert (newest.state, older.state) == ("in-force", "replaced")
    assert (older.standing.word, older.standing.tone) == ("Replaced", "grey")


async def test_withdrawing_and_leaving_a_profile_end_certificates(house: House) -> None:
    service = await house.service(profiles=[CORE, "minimal@1.0.0"])
    await actions.lodge(house.actor, service.ref, good())
    assert len([each for each in await certificates.of_service(service) if each.revoked_at is None]) == 2
    draft = actions.ServiceDraft("Permit look-up", "Tells a council whether a permit is valid.", [CORE])
    await actions.revise_service(
        house.actor, service.ref, draft, await given.as_is(actions.ServiceDraft, Service, service.ref)
    )
    assert len([each for each in await certificates.of_service(service) if each.revoked_at is None]) == 1
    await actions.withdraw_service(house.actor, service.ref)
    assert [each for each in await certificates.of_service(service) if each.revoked_at is None] == []
    with pytest.raises(NotFound):
        await catalogue.component(given_public(), service.ref)
    assert await faces.face(f"component:{service.ref}") is None


def given_public() -> Actor:
    """Somebody who did not sign in."""
    return Actor(ref="public", name="")


async def test_only_its_own_people_lodge_for_a_service(house: House) -> None:
    service = await house.service()
    other = await given.person(await given.supplier(), "supplier-admin")
    for act in (actions.lodge(other, service.ref, good()), actions.check_again(other, service.ref)):
        with pytest.raises(Refused) as refused:
            await act
        assert refused.value.status == 403


async def test_documents_and_runs_are_never_altered(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    with pytest.raises(Exception, match="append-only"):
        await Lodgement.update({Lodgement.digest: "other"}, force=True)
    with pytest.raises(Exception, match="append-only"):
        await CheckRun.update({CheckRun.outcome: "pass"}, force=True)
    with pytest.raises(Exception, match="append-only"):
        await PublishedProfile.update({PublishedProfile.title: "other"}, force=True)


async def test_the_job_renews_while_the_api_passes_and_only_when_due(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    assert await actions.recheck() == 0
    with clock.at(given.TODAY + timedelta(days=31)):
        assert await actions.recheck() == 1
        assert await actions.recheck() == 0
        newest, older = await certificates.of_service(service)
        assert older.replaced
        assert newest.issued_at > given.TODAY
    letters = await Letter.count().where(Letter.about == f"service:{service.ref}")
    assert letters == 1, "a renewal is silent"


async def test_a_process_that_dies_is_could_not_check_and_the_next_question_is_answered(house: House) -> None:
    row = await publishing.must_be_named(CORE)
    profile = publishing.composed_of(row)
    await apart.ask(good(), profile, row.description, at=clock.now())
    child = apart._process._child
    assert child is not None
    child.kill()
    child.wait()
    found = await apart.ask(good(), profile, row.description, at=clock.now())
    assert found.run.outcome is Outcome.PASS
    assert found.outline.operations[0].path == "/permits/{permit-id}"


async def test_a_component_can_be_found_and_a_confidential_one_tells_nothing(house: House) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    face = await faces.face(f"component:{service.ref}")
    assert face is not None
    assert (face.profile_passed, face.licence, face.title) == (True, "MIT", "Permit look-up")
    secret = await house.service(title="Secret matching", private=True)
    await actions.lodge(house.actor, secret.ref, good())
    assert await certificates.of_service(secret) == [], "no certificate without a signed exemption"
    assert await faces.face(f"component:{secret.ref}") is None
    assert "Secret" not in json.dumps([event.body for event in await Event.objects()])


# ── by forms and by tokens ──────────────────────────────────────────────────────────────────────────────────────────


async def test_everything_is_done_with_forms(house: House, app: Litestar) -> None:
    async with given.browser(app) as browser:
        page = await browser.get("/standards")
        assert page.status_code == 200
        assert "UK core profile" in page.text
        for path in (
            "/standards/check",
            "/standards/register",
            "/components",
            "/standards/profiles/uk-core/1.0.0",
            "/standards/profiles/uk-core/1.0.0/rules/ukc-06-contact",
            "/standards/profiles/uk-core/1.0.0/ruleset.yaml",
            "/.well-known/api-catalog",
            "/.well-known/api-certificate-keys.json",
        ):
            assert (await browser.get(path)).status_code == 200, path
        assert (await browser.get("/standards/profiles/uk-core/9.0.0")).status_code == 404
        assert (await browser.get("/components/mine")).status_code in (303, 401)
        await given.signed_in(browser, house.actor)
        listed = await browser.post(
            "/components/new",
            data={
                "title": "Permit look-up",
                "does": "Tells a council whether a permit is valid and until when.",
                "profiles": CORE,
                "maturity": "live",
                "cpv": "72212000-4",
            },
        )
        assert listed.status_code == 303, listed.text
        ref = listed.headers["location"].split("/")[2]
        lodged = await browser.post(f"/components/{ref}/lodge", files={"file": ("permits.json", failing())})
        assert lodged.status_code == 303, lodged.text
        result = await browser.get(f"/components/{ref}/result")
        assert "There is somebody to ask" in result.text
        assert "How to mend it" in result.text
        await browser.post(f"/components/{ref}/lodge", data={"document": good("1.2.9").decode()})
        page = await browser.get(f"/components/{ref}")
        assert "Certified until" in page.text
        assert "/permits/{permit-id}" in page.text
        again = await browser.post(f"/components/{ref}/check")
        assert again.status_code == 303
        run = await CheckRun.objects().first()
        assert run is not None
        assert (await browser.get(f"/components/{ref}/runs/{run.ref}")).status_code == 200
        assert (await browser.get(f"/components/{ref}/edit")).status_code == 200
        assert (await browser.get("/components/mine")).status_code == 200
        document = await browser.get(f"/components/{ref}/versions/2/document")
        assert document.content == good("1.2.9")
        assert "attachment" in document.headers["content-disposition"]
        held = await IssuedCertificate.objects().where(IssuedCertificate.revoked_at.is_null()).first()
        assert held is not None
        assert (await browser.get(f"/components/{ref}/certificates/{held.ref}.json")).content == bytes(held.file)


async def test_the_catalogue_of_apis_says_where_each_is_described(house: House, app: Litestar) -> None:
    service = await house.service()
    await actions.lodge(house.actor, service.ref, good())
    async with given.browser(app) as browser:
        answer = await browser.get("/.well-known/api-catalog")
        assert answer.headers["content-type"].startswith(
            'application/linkset+json; profile="https://www.rfc-editor.org'
        )
        assert 'rel="api-catalog"' in answer.headers["link"]
        head = await browser.head("/.well-known/api-catalog")
        assert (head.status_code, head.headers["link"]) == (200, answer.headers["link"])
        catalog, own, listed = answer.json()["linkset"]
        assert [each["href"] for each in catalog["item"]] == [own["anchor"], listed["anchor"]]
        for api in (own, listed):
            for kind in ("service-desc", "service-doc"):
                (link,) = api[kind]
                shown = await browser.get(
                    link["href"].removeprefix("http://localhost:8000"), headers={"accept": link["type"]}
                )
                assert shown.status_code == 200, link
        described = listed["service-desc"][0]["href"].removeprefix("http://localhost:8000")
        assert (await browser.get(described)).content == good()


async def test_components_are_found_by_word_and_facet_on_the_page_and_by_programs(house: House, app: Litestar) -> None:
    certified = await house.service(maturity="beta")
    await actions.lodge(house.actor, certified.ref, good())
    other = await house.service(
        title="Bridge findings", does="What an inspection of a bridge found.", licence="OGL-3.0", cpv=["71000000"]
    )
    async with given.browser(app) as browser:
        for asked, expected in (
            ("", {certified.ref, other.ref}),
            ("q=valid", {certified.ref}),
            ("profile=uk-core@1.0.0", {certified.ref}),
            ("sector=71", {other.ref}),
            ("licence=MIT", {certified.ref}),
            ("maturity=live", {other.ref}),
            ("maturity=live&licence=MIT", set()),
        ):
            page = (await browser.get(f"/components?{asked}")).text
            assert {ref for ref in (certified.ref, other.ref) if f"/components/{ref}" in page} == expected, asked
            told = (await browser.get(f"/api/v1/standards/services?{asked}")).json()["items"]
            assert {each["ref"] for each in told} == expected, asked


async def test_anybody_checks_without_lodging_and_nothing_is_kept(house: House, app: Litestar) -> None:
    async with given.browser(app) as browser:
        form = await browser.get("/standards/check?profile=uk-core@1.0.0")
        token = form.text.split('name="csrf_token" value="')[1].split('"')[0]
        answer = await browser.post(
            "/standards/check", data={"profile": CORE, "document": failing().decode(), "csrf_token": token}
        )
        assert answer.status_code == 200
        assert "findings to mend before it passes" in answer.text
        empty = await browser.post("/standards/check", data={"profile": CORE, "csrf_token": token})
        assert empty.status_code == 422
        assert "Choose a file, or paste the document." in empty.text
    assert await CheckRun.count() == 0


async def test_a_page_shows_no_script_of_a_document(house: House, app: Litestar) -> None:
    service = await house.service()
    raw = json.loads(good())
    raw["info"]["title"] = "<script>alert(1)</script>"
    raw["paths"]["/permits/{permit-id}"]["get"]["summary"] = "<img src=x onerror=alert(1)>"
    await actions.lodge(house.actor, service.ref, json.dumps(raw).encode())
    async with given.browser(app) as browser:
        page = await browser.get(f"/components/{service.ref}")
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_programs_do_all_of_it(house: House, app: Litestar) -> None:
    headers = await given.token(house.actor)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost:8000", headers=headers
    ) as program:
        checked = await program.post("/api/v1/standards/check", json={"document": failing().decode()})
        assert checked.status_code == 200
        assert checked.json()["outcome"] == "fail"
        made = await program.post(
            "/api/v1/standards/services",
            json={"title": "Permit look-up", "does": "Tells whether a permit is valid.", "profiles": [CORE]},
        )
        assert made.status_code == 201, made.text
        ref = made.json()["ref"]
        base = f"/api/v1/standards/services/{ref}"
        lodged = await program.post(f"{base}/lodgements", json={"document": good().decode()})
        assert lodged.status_code == 201, lodged.text
        assert lodged.json()["api_version"] == "1.2.0"
        (held,) = (await program.get(f"{base}/certificates")).json()["items"]
        assert held["state"] == "in-force"
        file = await program.get(f"/api/v1/standards/certificates/{held['ref']}")
        assert certificate.verify(file.content, public_keys()).kind == certificate.CERTIFICATE
        (run,) = (await program.get(f"{base}/runs")).json()["items"]
        assert (await program.get(f"/api/v1/standards/runs/{run['ref']}")).json()["outcome"] == "pass"
        again = await program.post(f"{base}/check")
        assert again.status_code == 200, again.text
        assert len((await program.get(f"{base}/lodgements")).json()["items"]) == 1
        assert (await program.get("/api/v1/standards/services?profile=uk-core@1.0.0")).json()["items"][0]["ref"] == ref
        names = {each["name"] for each in (await program.get("/api/v1/standards/profiles")).json()["items"]}
        assert {"uk-core", "minimal", "open-contracting"} <= names
        assert len((await program.get("/api/v1/standards/profiles/uk-core/1.0.0")).json()["rules"]) >= 20
        assert (await program.get("/api/v1/standards/keys")).json()["items"][0]["name"].startswith("ed25519:")
        wrong = await program.post("/api/v1/standards/services", json={"title": "x"})
        assert wrong.status_code == 400
        asked = await program.post("/api/v1/standards/profiles", json={"ruleset": "", "description": ""})
        assert asked.status_code == 202, "judged when its person confirms it"
        assert (await given.confirmed(program, asked)).status_code == 403


async def test_the_operator_publishes_a_version_that_the_engine_can_run(house: House) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    row = await publishing.must_be_named("minimal")
    newer = publishing.ProfileDraft(row.ruleset, row.description.replace("version: 1.0.0", "version: 1.1.0"))
    made = await publishing.publish(operator, newer)
    assert publishing.label(made) == "minimal@1.1.0"
    assert (await publishing.must_be_named("minimal@1")).version == "1.1.0"
    for ruleset, description, code in (
        (row.ruleset, row.description, "standard.version-taken"),
        (row.ruleset, row.description.replace("version: 1.0.0", "version: 0.9.0"), "standard.version-older"),
        (
            "functions: [mine]\nrules:\n  mine: {given: $, then: {function: mine}}\n",
            row.description,
            "standard.cannot-run",
        ),
        ("", "", "standard.cannot-run"),
        ("[", "{", "standard.cannot-run"),
    ):
        with pytest.raises(Refused) as refused:
            await publishing.publish(operator, publishing.ProfileDraft(ruleset, description))
        assert [each.code for each in refused.value.reasons] == [code]
    with pytest.raises(Refused) as refused:
        await publishing.publish(house.actor, newer)
    assert refused.value.status == 403
