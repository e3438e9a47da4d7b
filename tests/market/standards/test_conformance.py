"""Live checks as a supplier lives them: a sandbox named, control shown, called by a job, and what follows from it; and
documents that are lodged from where they are published."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

import httpx
import pytest
from litestar import Litestar

from market import clock, drafts
from market.actor import Actor
from market.refusals import Refused
from market.settings import settings
from market.standards.certificates import actions as certificates
from market.standards.checking.outcome import Run
from market.standards.components import actions, conformance, fetching
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.sandboxes import actions as sandboxes
from market.standards.sandboxes import live
from market.standards.sandboxes.calling import Guard, Unreachable
from market.standards.tables import CheckRun, LiveCheck, Sandbox, Service
from tests import given
from tests.market.standards.documents import good
from tests.market.standards.served import SECRET, Served, permits

pytestmark = pytest.mark.usefixtures("clean")

CORE = "uk-core@1.0.0"


@dataclass
class Tried:
    """A certified service and the sandbox where it can be tried."""

    actor: Actor
    supplier: int
    service: Service
    served: Served
    sandbox: Sandbox

    async def check(self) -> Run:
        """Ask for a live check, let the job make it, and read its record."""
        await sandboxes.ask(self.actor, self.service.ref)
        assert await conformance.run_waiting() == 1
        assert await conformance.run_waiting() == 0
        row = await CheckRun.objects().where(CheckRun.cause == "live").order_by(CheckRun.id, ascending=False).first()
        assert row is not None
        return Run.from_json(row.result.encode())

    async def certified(self) -> bool:
        return await certificates.problem(self.supplier, CORE, clock.now()) == ""


@pytest.fixture
def served() -> Iterator[Served]:
    with permits(good()) as running:
        yield running


@pytest.fixture
async def tried(clean: None, served: Served) -> AsyncIterator[Tried]:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        firm = await given.supplier("Permits Ltd")
        actor = await given.person(firm, "supplier-admin")
        draft = actions.ServiceDraft("Permit look-up", "Tells a council whether a permit is valid.", [CORE])
        service = await actions.list_service(actor, draft)
        await actions.lodge(actor, service.ref, good())
        named = sandboxes.SandboxDraft(served.address, header="Authorization", credential=SECRET)
        sandbox = await sandboxes.name(actor, service.ref, named, drafts.NOTHING)
        served.token = sandbox.token
        yield Tried(actor, firm.id, service, served, sandbox)


async def test_a_service_that_keeps_its_description_passes_and_the_record_has_the_evidence(tried: Tried) -> None:
    run = await tried.check()
    assert run.outcome == "pass", run.reason or run.findings
    assert run.live is not None
    assert run.live["operations"] == ["GET /permits/{permit-id}"]
    assert len(run.live["requests"]) == len(tried.served.seen)
    assert SECRET not in json.dumps(run.live)
    (row,) = await sandboxes.checks_of(tried.service)
    assert (row.stopped, row.requests) == ("", len(tried.served.seen))
    assert await tried.certified()


@pytest.mark.slow
async def test_what_a_live_check_finds_ends_the_certificate_and_counts_until_one_finds_nothing(tried: Tried) -> None:
    tried.served.fault = "other type"
    run = await tried.check()
    assert run.outcome == "fail"
    assert {finding.rule for finding in run.gates} == {"ukc-28-conforms"}
    assert not await tried.certified()
    (notice,) = await sanctions.register(tried.supplier)
    assert "no longer passes" in notice.reason
    (again,) = await actions.check_again(tried.actor, tried.service.ref)
    assert again.outcome == "fail", "the description alone does not give it back"
    with pytest.raises(Refused) as refused:
        await sandboxes.drop(tried.actor, tried.service.ref)
    assert [each.code for each in refused.value.reasons] == ["sandbox.findings-open"]
    with clock.at(given.TODAY + timedelta(days=40)):
        assert "Access is withheld" in await sanctions.withheld(tried.supplier, clock.now())
        tried.served.fault = ""
        assert (await tried.check()).outcome == "pass"
        assert await sanctions.withheld(tried.supplier, clock.now()) == ""
        assert await tried.certified()
        await sandboxes.drop(tried.actor, tried.service.ref)
    assert await Sandbox.count() == 0


async def test_without_the_token_nothing_else_is_called_and_nothing_changes(tried: Tried) -> None:
    tried.served.token = "another"
    run = await tried.check()
    assert run.outcome == "could-not-check"
    assert "token" in run.reason
    assert tried.served.seen == [f"GET {live.CONTROL}"]
    assert await tried.certified()


@pytest.mark.slow
async def test_a_new_version_is_tried_by_itself_and_must_be_what_is_served(tried: Tried) -> None:
    await actions.lodge(tried.actor, tried.service.ref, good("1.2.1"))
    assert await tried.certified()
    assert await conformance.run_waiting() == 1
    row = await CheckRun.objects().where(CheckRun.cause == "live").first()
    assert row is not None
    assert {finding.rule for finding in Run.from_json(row.result.encode()).gates} == {"ukc-27-published"}
    assert not await tried.certified()
    tried.served.document = good("1.2.1")
    assert (await tried.check()).outcome == "pass"


@pytest.mark.slow
async def test_one_live_check_waits_at_a_time_and_one_that_broke_off_is_begun_again(tried: Tried) -> None:
    row = await sandboxes.ask(tried.actor, tried.service.ref)
    with pytest.raises(Refused) as refused:
        await sandboxes.ask(tried.actor, tried.service.ref)
    assert [each.code for each in refused.value.reasons] == ["live.waiting"]
    row.began_at = clock.now()
    await row.save([LiveCheck.began_at])
    assert await conformance.run_waiting() == 0
    with clock.at(given.TODAY + timedelta(minutes=11)):
        assert await conformance.run_waiting() == 1


async def test_the_address_of_this_machine_is_called_only_where_the_settings_say_so(
    tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = dataclasses.replace(settings(), loopback=False)
    monkeypatch.setattr(conformance, "settings", lambda: strict)
    run = await tried.check()
    assert run.outcome == "could-not-check"
    assert tried.served.seen == []


@pytest.mark.slow
async def test_a_sandbox_is_named_with_forms_and_its_credential_is_never_shown(tried: Tried, app: Litestar) -> None:
    ref = tried.service.ref
    async with given.browser(app) as browser:
        await given.signed_in(browser, tried.actor)
        page = await browser.get(f"/components/{ref}/sandbox")
        assert tried.sandbox.token in page.text
        assert SECRET not in page.text
        assert SECRET.encode() not in bytes(tried.sandbox.credential)
        wrong = await given.filled(
            browser, f"/components/{ref}/sandbox", {"address": "ftp://x", "header": "Host", "credential": "x"}
        )
        assert wrong.status_code in (409, 422)
        assert "Begin the address with https://" in wrong.text
        assert "carries the credential" in wrong.text
        kept = await given.filled(
            browser, f"/components/{ref}/sandbox", {"address": tried.served.address, "header": "Authorization"}
        )
        assert kept.status_code == 303
        assert (await browser.post(f"/components/{ref}/sandbox/check")).status_code == 303
        assert await conformance.run_waiting() == 1
        page = await browser.get(f"/components/{ref}/sandbox")
        assert "Finished" in page.text
        run = await CheckRun.objects().where(CheckRun.cause == "live").first()
        assert run is not None
        assert run.outcome == "pass", "the credential was kept"
        shown = await browser.get(f"/components/{ref}/runs/{run.ref}")
        assert "A live check" in shown.text
        assert f"GET {tried.served.address}/openapi.json" in shown.text
        assert (await browser.post(f"/components/{ref}/sandbox/drop")).status_code == 303
    async with given.browser(app) as browser:
        stranger = await browser.get(f"/components/{ref}/runs/{run.ref}")
        assert "A live check" in stranger.text
        assert tried.served.address not in stranger.text
        told = (await browser.get(f"/api/v1/standards/runs/{run.ref}")).json()
        assert told["live"]["operations"] == 1
        assert tried.served.address not in json.dumps(told)


async def seen(tried: Tried) -> str:
    return drafts.version(sandboxes.SandboxDraft, await sandboxes.of_service(tried.service))


async def test_another_host_gets_another_token(tried: Tried) -> None:
    elsewhere = sandboxes.SandboxDraft(tried.served.address + "/x")
    same = await sandboxes.name(tried.actor, tried.service.ref, elsewhere, await seen(tried))
    assert same.token == tried.sandbox.token
    other = sandboxes.SandboxDraft("https://other.example/v1")
    moved = await sandboxes.name(tried.actor, tried.service.ref, other, await seen(tried))
    assert moved.token != tried.sandbox.token
    stranger = await given.person(await given.supplier(), "supplier-admin")
    with pytest.raises(Refused):
        await sandboxes.name(stranger, tried.service.ref, other, await seen(tried))


async def test_programs_name_a_sandbox_and_ask_for_a_live_check(tried: Tried, app: Litestar) -> None:
    headers = await given.token(tried.actor)
    base = f"/api/v1/standards/services/{tried.service.ref}"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
        base_url="http://localhost:8000",
        headers=headers,
    ) as program:
        seen = {"if-match": (await program.get(f"{base}/sandbox")).json()["etag"]}
        said = {"address": tried.served.address, "header": "Authorization"}
        named = await program.put(f"{base}/sandbox", json=said, headers=seen)
        assert named.status_code == 200, named.text
        assert named.json()["token"] == tried.sandbox.token
        assert "credential" not in named.json()
        assert (await program.get(f"{base}/sandbox")).json() == named.json()
        asked = await program.post(f"{base}/live-checks")
        assert asked.status_code == 201, asked.text
        await conformance.run_waiting()
        (row,) = (await program.get(f"{base}/live-checks")).json()["items"]
        assert (row["ref"], row["stopped"]) == (asked.json()["ref"], "")
        assert (await program.delete(f"{base}/sandbox")).status_code == 204
        assert (await program.get(f"{base}/sandbox")).status_code == 404
        assert (await program.post(f"{base}/live-checks")).status_code == 409


# ── lodging from an address ──────────────────────────────────────────────


async def test_a_document_is_lodged_from_where_it_is_published(served: Served, app: Litestar) -> None:
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        actor = await given.person(await given.supplier(), "supplier-admin")
        draft = actions.ServiceDraft("Permit look-up", "Tells a council whether a permit is valid.", [CORE])
        service = await actions.list_service(actor, draft)
        address = f"{served.address}/openapi.json"
        async with given.browser(app) as browser:
            await given.signed_in(browser, actor)
            lodged = await browser.post(f"/components/{service.ref}/lodge", data={"address": address})
            assert lodged.status_code == 303, lodged.text
            wrong = await browser.post(f"/components/{service.ref}/lodge", data={"address": f"{served.address}/none"})
            assert wrong.status_code == 422
            assert "answers 404" in wrong.text
        (row,) = await actions.lodgements_of(service)
        assert row.name == "openapi.json"
        assert await certificates.of_service(service) != []
        stranger = await given.person(await given.supplier(), "supplier-admin")
        before = len(served.seen)
        async with given.browser(app) as browser:
            await given.signed_in(browser, stranger)
            refused = await browser.post(f"/components/{service.ref}/lodge", data={"address": address})
            assert refused.status_code in (403, 404)
        assert len(served.seen) == before, "nothing is fetched for somebody who may not lodge"


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://10.0.0.1/openapi.json",
        "https://169.254.169.254/",
        "https://a.example:22/",
        "openapi.json",
    ],
)
async def test_what_is_not_a_public_address_is_never_fetched(address: str) -> None:
    with pytest.raises(Refused) as refused:
        await fetching.document(address)
    assert [each.code for each in refused.value.reasons] == ["lodgement.not-fetched"]


async def test_a_redirect_is_not_followed(served: Served) -> None:
    served.fault = "redirect"
    with pytest.raises(Refused, match="leads on to another"):
        await fetching.document(f"{served.address}/openapi.json")


def test_an_answer_that_drips_is_cut_off(served: Served) -> None:
    served.fault = "drip"
    with pytest.raises(Unreachable):
        Guard(loopback=True, patience=0.5).fetch("GET", f"{served.address}/openapi.json")
    assert served.dripped < 100, "long before it ends by itself"


def test_a_handshake_that_drips_is_cut_off() -> None:
    sent: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            spoken, _ = listening.accept()
            with spoken, suppress(OSError):
                spoken.sendall(b"\x16\x03\x03\x40\x00")
                while len(sent) < 200:
                    spoken.sendall(b"\x02")
                    sent.append(b"\x02")
                    sleep(0.1)

        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(Unreachable):
            Guard(loopback=True, patience=0.5).fetch("GET", f"https://127.0.0.1:{listening.getsockname()[1]}/")
        dripping.join()
    assert len(sent) < 100, "long before it ends by itself"
