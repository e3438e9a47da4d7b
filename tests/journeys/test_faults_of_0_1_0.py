"""What went wrong on 0.1.0, done once more as people did it: at pages, through the API, with the worker's own jobs.

Only what that version has too is imported here (and `tests/waiting.py`), so both files can be laid into its tree: there every one of
these tests fails. The rules behind them are held, in more cases, beside the code they are about.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser

import httpx
import msgspec
import pytest
from litestar import Litestar

from challenges.tables import Challenge
from market import clock, db, settings, worker
from market.actor import Actor
from market.bids import actions as bids
from market.letters import actions as letters
from market.letters.tables import Letter
from market.missions.tables import Mission
from market.money import Money
from market.payments import actions as payments
from market.refusals import Refused
from market.standards.components import actions as standards
from market.standards.profiles import actions as publishing
from market.tenders.tables import Tender
from tests import given, given_awards, given_tenders
from tests.challenges import exercise
from tests.market.letters.test_sending import MailServer, server
from tests.market.standards.documents import failing, good
from tests.waiting import LONGEST

pytestmark = pytest.mark.usefixtures("clean")

__all__ = ["server"]


# ── pages, as a browser reads them ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Form:
    """A form of a page: where it is sent, what it holds as it is shown, and which of its fields are boxes for text."""

    action: str
    holds: dict[str, list[str]] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)

    def filled(self, typed: Mapping[str, str]) -> dict[str, list[str]]:
        """What a browser sends after this was typed."""
        return {**self.holds, **{name: [value] for name, value in typed.items()}}


class _Forms(HTMLParser):
    """The forms of a page that are posted."""

    def __init__(self, page: str, place: str) -> None:
        super().__init__()
        self.place, self.found = place, list[Form]()
        self.form: Form | None = None
        self.box = self.choice = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = Form(given.get("action") or self.place) if given.get("method") == "post" else None
            self.found += [self.form] if self.form else []
        if self.form is None or not (name := given.get("name", "") or self.choice):
            return
        kept = self.form.holds.setdefault(name, [])
        if tag == "textarea":
            self.box = name
            self.form.boxes.append(name)
        elif tag == "select":
            self.choice = name
        elif tag in ("option", "input"):
            chosen = tag == "option" or given.get("type") in ("checkbox", "radio")
            if not chosen or {"selected", "checked"} & {*given}:
                kept.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.choice = ""
        elif tag == "textarea" and self.form is not None and self.box:
            self.form.holds[self.box] = self.form.holds[self.box] or [""]
            self.box = ""

    def handle_data(self, data: str) -> None:
        if self.form is not None and self.box:
            self.form.holds[self.box] = ["".join([*self.form.holds[self.box], data.removeprefix("\n")])]


def form_in(answer: httpx.Response, to: str) -> Form:
    """The form of this page that is sent to an address."""
    forms = _Forms(answer.text, answer.request.url.path).found
    found = [each for each in forms if re.fullmatch(to, each.action)]
    assert found, f"{answer.request.url.path} has no form for {to}, but {[each.action for each in forms]}"
    return found[0]


async def run(*names: str) -> None:
    """What the worker does of this, until nothing is left; a job that there is not does nothing."""
    await worker.once(tuple(job for job in worker.JOBS if job.name in names))


# ── two people at one record ───────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Meeting:
    """Two who have the same page open, each at a browser of her own; `fields` says what one types into it."""

    page: str
    people: tuple[Actor, Actor]
    at: datetime
    fields: Callable[[Form, str], dict[str, str]]
    before: str = ""
    """An address that each posts to first, where reading is an event."""


def _in(name: str) -> Callable[[Form, str], dict[str, str]]:
    return lambda form, words: {name: words}


def _marks(form: Form, words: str) -> dict[str, str]:
    points = [name for name in form.holds if name.startswith("points")]
    assert points
    return {**dict.fromkeys(points, "4"), **dict.fromkeys(form.boxes, words)}


async def _section_of_a_tender() -> Meeting:
    with clock.at(given.TODAY):
        there = await given.tendering()
    return Meeting(f"/tenders/{there.ref}/about", (there.officers[0], there.officers[1]), given.TODAY, _in("title"))


async def _terms_of_a_tender() -> Meeting:
    with clock.at(given.TODAY):
        there = await given.tendering()
    return Meeting(
        f"/tenders/{there.ref}/terms",
        (there.officers[0], there.officers[1]),
        given.TODAY,
        lambda form, words: {form.boxes[0]: words},
    )


async def _section_of_a_challenge() -> Meeting:
    made = await exercise.drafted()
    second = await given.person(made.buyer, "buyer")
    page = f"/challenges/{made.ref}/draft/success"
    return Meeting(page, (made.officer, second), exercise.BEGINS, _in("success"))


async def _mission() -> Meeting:
    owner = await given.organisation("Department for Roads")
    mission = await given.mission(owner, published_at=None)
    house = await given.organisation(kind="operator")
    people = (await given.person(house, "operator"), await given.person(house, "operator"))
    return Meeting(f"/missions/{mission.ref}/edit", people, given.TODAY, _in("title"))


async def _marks_of_a_bid() -> Meeting:
    case = await given_awards.opened()
    first, *_ = await given_awards.panel(case)
    page = f"/tenders/{case.ref}/evaluation/{case.bids[0, 0]}"
    return Meeting(page, (first, first), case.opened_at + timedelta(days=1), _marks, before=f"{page}/read")


async def _marks_of_an_application() -> Meeting:
    made = await exercise.applied(applicants=1)
    await exercise.declared(made)
    page = f"/challenges/{made.ref}/panel/{made.applications[0].ref}"
    return Meeting(page, (made.panel[0], made.panel[0]), exercise.CLOSED + timedelta(hours=2), _marks)


MEETINGS: dict[str, Callable[[], Awaitable[Meeting]]] = {
    "what a tender is about": _section_of_a_tender,
    "the terms of a tender": _terms_of_a_tender,
    "a section of a challenge": _section_of_a_challenge,
    "a mission": _mission,
    "marks of a bid, in two windows of one evaluator": _marks_of_a_bid,
    "marks of an application, in two windows": _marks_of_an_application,
}


@pytest.mark.parametrize("what", MEETINGS)
async def test_of_two_who_save_the_second_is_told_and_sees_both_texts(app: Litestar, what: str) -> None:
    meeting = await MEETINGS[what]()
    texts = ("What the first of them typed into it.", "What the second of them typed into it.")
    with clock.at(meeting.at):
        async with AsyncExitStack() as stack:
            browsers = [await stack.enter_async_context(given.browser(app)) for _ in texts]
            for browser, person in zip(browsers, meeting.people, strict=True):
                await given.signed_in(browser, person)
                if meeting.before:
                    await browser.post(meeting.before)
            forms = [form_in(await each.get(meeting.page), meeting.page) for each in browsers]
            sent = [form.filled(meeting.fields(form, words)) for form, words in zip(forms, texts, strict=True)]
            answers = [await each.post(meeting.page, data=data) for each, data in zip(browsers, sent, strict=True)]
            assert [each.status_code for each in answers] == [303, 409]
            assert texts[0] in (await browsers[0].get(meeting.page)).text, "what was saved first is kept"
            assert [words in answers[1].text for words in texts] == [True, True]
            again = form_in(answers[1], meeting.page)
            assert (await browsers[1].post(meeting.page, data=again.filled({}))).status_code == 303
            shown = (await browsers[1].get(meeting.page)).text
            assert [words in shown for words in texts] == [False, True], "she saved it knowingly"


async def test_of_two_programs_that_save_the_second_is_told_and_gets_what_is_stored(app: Litestar) -> None:
    owner = await given.organisation("Department for Roads")
    mission = await given.mission(owner, published_at=None)
    program = await given.token(await given.person(await given.organisation(kind="operator"), "operator"))
    address = f"/api/v1/missions/{mission.ref}"
    typed = {"statement": "Every bridge.", "begins_on": "2026-01-01", "ends_on": "2030-01-01"}
    async with given.browser(app) as client:
        seen = (await client.get(address, headers=program)).json().get("etag", "")
        answers = [
            await client.put(address, json={**typed, "title": title}, headers={**program, "if-match": seen})
            for title in ("Bridges that last", "Bridges that hold")
        ]
    assert [each.status_code for each in answers] == [200, 409]
    assert answers[1].json()["stored"]["title"] == "Bridges that last"
    assert (await Mission.objects().get(Mission.ref == mission.ref)).title == "Bridges that last"


# ── one person who clicks twice ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("noun", ["missions", "tenders", "challenges"])
async def test_a_form_that_is_sent_twice_makes_one_draft_and_is_answered_alike(app: Litestar, noun: str) -> None:
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    officer = await given.person(department, "buyer")
    typed = {
        "missions": {"title": "Safe bridges", "statement": "All.", "begins_on": "2026-01-01", "ends_on": "2030-12-31"},
        "tenders": {"title": "Beach chairs", "cpv": "33193120"},
        "challenges": {"title": "Bridges are looked at by closing the road", "method": "open-challenge"},
    }[noun]
    async with given.browser(app) as client:
        await given.signed_in(client, operator if noun == "missions" else officer)
        form = form_in(await client.get(f"/{noun}/new"), f"/{noun}/new")
        data = form.filled({**typed, **({"owner": department.ref} if "owner" in form.holds else {})})
        answers = [await client.post(f"/{noun}/new", data=data) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert await {"missions": Mission, "tenders": Tender, "challenges": Challenge}[noun].count() == 1
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert answers[0].headers["set-cookie"] == answers[1].headers["set-cookie"], "the sentence about what was done"


# ── questions about a tender ───────────────────────────────────────────────────────────────────────────────────────


async def _asked(app: Litestar, ref: str, asker: Actor, most: int) -> list[int]:
    """How a tender's page answers one question after the other, until it answers otherwise than that it has it."""
    answers: list[int] = []
    with clock.at(given.TODAY + timedelta(hours=1)):
        async with given.browser(app) as client:
            await given.signed_in(client, asker)
            while len(answers) < most and {*answers} <= {303}:
                form = form_in(await client.get(f"/tenders/{ref}"), f"/tenders/{ref}/questions")
                data = form.filled({form.boxes[0]: f"What about street number {len(answers)}?"})
                answers.append((await client.post(form.action, data=data)).status_code)
    return answers


async def _tender_and_somebody_curious() -> tuple[given.Tendering, Actor]:
    with clock.at(given.TODAY):
        there = await given.tendering()
        await there.publish()
        return there, await given.person(await given.supplier("Curious Ltd"), "supplier-member")


async def test_one_firm_cannot_ask_as_much_as_it_likes_about_a_tender(app: Litestar) -> None:
    there, curious = await _tender_and_somebody_curious()
    answers = await _asked(app, there.ref, curious, 40)
    assert answers[-1] == 429, f"{answers.count(303)} questions of one firm in an hour"


async def test_five_questions_at_once_about_a_tender_are_one_letter_to_its_buyer(app: Litestar) -> None:
    there, curious = await _tender_and_somebody_curious()
    told = Letter.count().where(Letter.person == there.officers[0].ref)
    before = await told
    assert await _asked(app, there.ref, curious, 5) == [303] * 5
    assert await told - before == 1


# ── letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def letters_on(desk: str) -> str:
    """Where the operator's desk leads to when a letter could not be sent."""
    found = re.search(r'href="(/[^"]*)"[^>]*>[^<]*letters?[^<]*(came back|could not be sent)', desk, re.IGNORECASE)
    assert found, "the desk says nothing"
    return found[1].replace("&amp;", "&")


async def _invited(app: Litestar, officer: Actor, address: str) -> None:
    """An officer invites somebody, which writes a letter."""
    async with given.browser(app) as client:
        headers = {**await given.token(officer), "idempotency-key": address}
        (body,) = officer.organisations("buyer")
        ref = (await db.one("SELECT ref FROM organisation WHERE id = {}", body))["ref"]
        path = f"/api/v1/organisations/{ref}/invitations"
        asked = msgspec.to_builtins(given.invited(address, "evaluator"))
        answer = await client.post(path, json=asked, headers=headers)
        assert answer.status_code == 201, answer.text


async def test_an_operator_finds_a_letter_that_came_back_reads_why_it_was_written_and_sends_it_again(
    app: Litestar, server: MailServer
) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    body = await given.organisation()
    await given.domain(body, "places.example")
    officer = await given.person(body, "buyer")
    server.answers["lost@places.example"] = "550 no such mailbox"
    await _invited(app, officer, "lost@places.example")
    await run("letters")
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        found = await client.get(letters_on((await client.get("/desk")).text))
        assert "lost@places.example" in found.text, "her desk leads to the letter, not to her own mail"
        place = re.search(r'href="(/postroom/L-\w+)"', found.text)
        assert place is not None
        page = await client.get(place[1])
        for words in ("accounts/invitation.txt", "550 no such mailbox", "lost@places.example"):
            assert words in page.text
        assert re.search(r'href="/log\?before=\d+', page.text), "the event that caused it"
        server.answers.clear()
        again = form_in(page, f"{place[1]}/again")
        assert (await client.post(again.action, data=again.holds)).status_code == 303
        assert form_in(await client.get(place[1]), f"{place[1]}/dead")
    await run("letters")
    assert [str(each["to"]) for each in server.got] == ["lost@places.example"]


async def test_a_contract_to_sign_that_does_not_arrive_is_told_to_a_colleague_and_to_the_buyer(
    server: MailServer,
) -> None:
    case = await given_awards.opened()
    await given_awards.panel(case)
    await given_awards.scored(case)
    decision = await given_awards.decided(case)
    colleague = await given.person(case.suppliers[1], "supplier-admin")
    await run("letters")
    server.answers[await _address_of(case.firms[1])] = "550 no such mailbox"
    server.got.clear()
    await given_awards.drawn_up(case, decision)
    await run("letters", "letters that came back")
    await run("letters")
    told = {(str(each["to"].addresses[0].addr_spec), str(each["subject"])) for each in server.got}
    for reader, words in ((colleague, "do not arrive"), (case.buyer, "did not reach Heron Ltd")):
        address = await _address_of(reader)
        assert [subject for to, subject in told if to == address and words in subject], (words, told)


async def _address_of(person: Actor) -> str:
    return str((await db.one("SELECT email FROM person WHERE ref = {}", person.ref))["email"])


@pytest.fixture
async def silent(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """A mail server that lets everybody in and greets nobody; the event says that somebody is in."""
    entered, gone = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        entered.set()
        await gone.wait()
        writer.close()

    listening = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    settings.settings.cache_clear()
    yield entered
    gone.set()
    listening.close()
    monkeypatch.undo()
    settings.settings.cache_clear()


@asynccontextmanager
async def working(*jobs: worker.Job) -> AsyncIterator[None]:
    """A worker with these jobs, until the end of the block."""
    work = asyncio.create_task(worker.forever(jobs, asyncio.Event()))
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait([work])


async def test_a_due_payment_goes_out_within_five_seconds_while_the_mail_server_keeps_silent(
    silent: asyncio.Event,
) -> None:
    """The site's own jobs, at their own rhythm, fifty letters first. The five seconds begin when the worker is up and hangs at
    the first letter. They are ten turns of another worker, every half a second, which asks the database too: on a machine
    that is busy it is late as the payment is, so that only waiting for the mail server makes the payment the later one."""
    buyer, firm = await given.organisation(), await given.supplier()
    accepting, releasing = await given.person(buyer, "buyer"), await given.person(buyer, "finance-officer")
    owed = await payments.owe(
        accepting,
        cause="pitch:PI-2222222",
        payer=buyer.id,
        payee=firm.id,
        amount=Money(500_000),
        purpose="A pitch",
        about="challenge:CH-2222222",
        days=30,
    )
    for number in range(50):
        await letters.write(
            f"person{number}@places.example", "", "accounts/password-changed.txt", tokens=[], kept=False
        )
    over, turns = asyncio.Event(), 0
    paid = False

    async def half_a_second() -> int:
        nonlocal turns, paid
        found = await db.one("SELECT count(*) AS paid FROM payment WHERE state = 'paid'")
        turns, paid = turns + 1, bool(found["paid"])
        if paid or turns > 10:
            over.set()
        return 0

    async with working(*(job for job in worker.JOBS if job.name in ("letters", "payments"))):
        await asyncio.wait_for(silent.wait(), LONGEST)
        await payments.release(releasing, owed.ref)
        async with working(worker.Job("half a second", 0.5, half_a_second)):
            await asyncio.wait_for(over.wait(), LONGEST)
        assert paid, "five seconds are over"
        assert await Letter.count().where(Letter.sent_at.is_not_null()) == 0, "the letters still wait for an answer"


# ── access that is withheld ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_bid_that_waits_while_access_is_withheld_is_not_taken() -> None:
    """The rules are asked before anything is sealed, and again when its turn has come; what changed meanwhile counts."""
    with clock.at(given.TODAY):
        there = await given_tenders.published(closes_in=timedelta(days=100))
    firm = await given.supplier("Drainwise Ltd")
    actor = await given.person(firm, "supplier-admin")
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        draft = standards.ServiceDraft("Gully records", "Tells when each gully was last emptied.", ["uk-core@1.0.0"])
        service = await standards.list_service(actor, draft)
        await standards.lodge(actor, service.ref, good())

    async def bidding() -> None:
        with clock.at(given.TODAY + timedelta(days=99)):  # the time to cure is over
            await bids.submit(actor, there.tender.ref, there.lots[0].ref, there.bid(5_000_000, 0))

    outside = await db.connection()
    try:
        async with outside.transaction():
            await outside.execute("SELECT 1 FROM tender WHERE ref = $1 FOR UPDATE", there.tender.ref)
            waiting = asyncio.create_task(bidding())
            while not await outside.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not waiting.done(), "it did not wait for the tender"
                await asyncio.sleep(0)
            with clock.at(given.TODAY):
                await standards.lodge(actor, service.ref, failing())
        with pytest.raises(Refused) as refused:
            await waiting
    finally:
        await outside.close()
    assert [each.code for each in refused.value.reasons] == ["bid.access-withheld"]
    assert (await db.one("SELECT count(*) AS n FROM bid"))["n"] == 0
