"""Letters leave by a real SMTP conversation, are tried again when they could not, and are read by their addressee."""

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_string, policy
from email.message import EmailMessage

import pytest
from litestar import Litestar

from market import clock, settings
from market.accounts import actions as accounts
from market.accounts.tables import Person
from market.letters import actions, sending, smtp, tables
from market.letters.tables import Letter, LetterTry
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server on the loopback: keeps what it gets; `answers` says what it replies to a recipient."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.connections = 0
        self.said: list[str] = []
        self.sender = "250 ok"
        self.features = ["250-localhost", "250-AUTH PLAIN", "250 SMTPUTF8"]
        super().__init__(("127.0.0.1", 0), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    """One connection, as RFC 5321 has it."""

    server: MailServer

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def handle(self) -> None:
        self.server.connections += 1
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            self.server.said.append(line)
            verb = line.split()[0].upper()
            if verb == "EHLO":
                for each in self.server.features:
                    self.say(each)
            elif verb == "MAIL":
                self.say(self.server.sender)
            elif verb == "RCPT":
                address = line.split("<")[1].split(">")[0]
                self.say(self.server.answers.get(address, "250 ok"))
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (each := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(each.removeprefix("."))
                made = message_from_string("".join(lines), policy=policy.default)
                self.server.got.append(made)  # type: ignore[arg-type]
                self.say("250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A running mail server, named in the environment."""
    with MailServer() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{made.server_address[1]}")
        settings.settings.cache_clear()
        yield made
        made.shutdown()
        thread.join()
        monkeypatch.undo()
        settings.settings.cache_clear()


async def letter(address: str = "maya@places.example", name: str = "Máya Thornley") -> Letter:
    return await actions.write(
        address, name, "accounts/password-changed.txt", tokens=[], kept=False, person="P-1", about="person:P-1"
    )


async def test_letters_that_wait_leave_in_one_conversation_and_only_once(server: MailServer) -> None:
    for number in range(3):
        await letter(f"person{number}@places.example")
    assert await sending.send_waiting() == 3
    assert await sending.send_waiting() == 0
    assert server.connections == 1
    first = server.got[0]
    assert first["subject"] == "Your password was changed"
    assert first["to"].addresses[0].display_name == "Máya Thornley"
    assert first["from"].addresses[0].addr_spec == "letters@prelude.example"
    assert first["auto-submitted"] == "auto-generated"
    assert first["message-id"].endswith("@localhost>")
    assert "Dear Máya Thornley" in first.get_content()
    assert [row["sent_at"] is not None for row in await Letter.select(Letter.sent_at)] == [True] * 3


async def test_a_letter_that_cannot_leave_now_is_tried_again_after_growing_pauses(server: MailServer) -> None:
    server.answers["maya@places.example"] = "451 greylisted, come back later"
    written = await letter()
    now = given.TODAY
    for pause in sending.BACK_OFF:
        with clock.at(now):
            assert await sending.send_waiting() == 1
            assert await sending.send_waiting() == 0
        row = await Letter.objects().get(Letter.id == written.id)
        assert row.again_at == now + pause
        assert "greylisted" in row.failure
        now += pause
    server.answers.clear()
    with clock.at(now):
        assert await sending.send_waiting() == 1
    row = await Letter.objects().get(Letter.id == written.id)
    assert (row.sent_at, row.failure) == (now, "")


async def test_a_letter_comes_back_after_the_last_pause(server: MailServer) -> None:
    server.answers["maya@places.example"] = "451 not today"
    written = await letter()
    await Letter.update({Letter.tried: len(sending.BACK_OFF)}).where(Letter.id == written.id)
    assert await sending.send_waiting() == 1
    with clock.at(clock.now() + timedelta(days=365)):
        assert await sending.send_waiting() == 0
    assert (await Letter.objects().get(Letter.id == written.id)).gave_up_at is not None
    assert server.got == []


async def test_a_refusal_for_ever_is_not_tried_again_and_holds_up_nobody(server: MailServer) -> None:
    server.answers["gone@places.example"] = "550 no such mailbox"
    gone = await letter("gone@places.example")
    broken = await letter("not an address")
    await letter()
    assert await sending.send_waiting() == 3
    assert [message["to"].addresses[0].addr_spec for message in server.got] == ["maya@places.example"]
    row = await Letter.objects().get(Letter.id == gone.id)
    assert (row.sent_at, row.again_at, "no such mailbox" in row.failure) == (None, None, True)
    assert row.gave_up_at is not None
    assert "not an address" in (await Letter.objects().get(Letter.id == broken.id)).failure
    assert await sending.send_waiting() == 0


@contextmanager
def named(monkeypatch: pytest.MonkeyPatch, port: int) -> Iterator[None]:
    """The mail server at this port of the loopback, named in the environment."""
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{port}")
    settings.settings.cache_clear()
    try:
        yield
    finally:
        monkeypatch.undo()
        settings.settings.cache_clear()


async def test_a_server_that_is_away_costs_no_letter_a_try_and_rests_for_a_growing_while(
    monkeypatch: pytest.MonkeyPatch, server: MailServer
) -> None:
    written = await letter()
    await letter("other@places.example")
    now = given.TODAY
    with named(monkeypatch, 9):
        for rest in (*sending.REST, sending.REST[-1]):
            with clock.at(now):
                assert await sending.send_waiting() == 1
                assert await sending.send_waiting() == 0
            now += rest
    row = await Letter.objects().get(Letter.id == written.id)
    assert (row.tried, row.sent_at, row.gave_up_at, row.again_at) == (0, None, None, None)
    assert row.failure
    assert await LetterTry.count().where(LetterTry.letter == written.id) == len(sending.REST) + 1
    away = await tables.MailServer.objects().get(tables.MailServer.host == "127.0.0.1:9")
    assert (away.failures, away.failing_since) == (len(sending.REST) + 1, given.TODAY)


async def test_a_server_that_is_back_gets_everything(monkeypatch: pytest.MonkeyPatch, server: MailServer) -> None:
    await letter()
    port = server.server_address[1]
    await tables.MailServer(
        host=f"127.0.0.1:{port}", failures=3, failing_since=given.TODAY, again_at=given.TODAY, answer="no"
    ).save()
    assert await sending.send_waiting() == 1
    row = await tables.MailServer.objects().get(tables.MailServer.host == f"127.0.0.1:{port}")
    assert (row.failures, row.failing_since, row.again_at) == (0, None, None)


async def test_every_try_keeps_its_moment_and_the_servers_answer(server: MailServer) -> None:
    server.answers["maya@places.example"] = "451 greylisted"
    written = await letter()
    with clock.at(given.TODAY):
        await sending.send_waiting()
    server.answers.clear()
    with clock.at(given.TODAY + sending.BACK_OFF[0]):
        await sending.send_waiting()
    tries = await LetterTry.objects().where(LetterTry.letter == written.id).order_by(LetterTry.id)
    assert [(each.at, each.answer, each.sent) for each in tries] == [
        (given.TODAY, "451 greylisted", False),
        (given.TODAY + sending.BACK_OFF[0], "250 kept", True),
    ]


async def test_our_own_address_refused_is_no_letters_fault(server: MailServer) -> None:
    server.features = ["250-localhost", "250 SMTPUTF8"]
    server.sender = "530 authentication needed"
    written = await letter()
    assert await sending.send_waiting() == 1
    row = await Letter.objects().get(Letter.id == written.id)
    assert (row.tried, row.gave_up_at, row.failure) == (0, None, "530 authentication needed")


async def test_many_letters_leave_in_a_few_conversations_at_once_and_each_once(server: MailServer) -> None:
    for number in range(45):
        await letter(f"person{number}@places.example")
    assert await sending.send_waiting() > 30
    while await sending.send_waiting():
        pass
    assert len({message["message-id"] for message in server.got}) == len(server.got) == 45
    assert 1 < server.connections <= 3 * sending.AT_ONCE


def test_a_password_is_never_sent_in_clear(server: MailServer) -> None:
    port = server.server_address[1]
    connection = smtp.Connection(f"smtp://user:secret@127.0.0.1:{port}")
    made = smtp.message("L-1", "Maya", "maya@places.example", "News", "Text", given.TODAY)
    with pytest.raises(smtp.NotNow, match="TLS"):
        connection.send(made)
    secret = base64.b64encode(b"\0user\0secret").decode()
    assert not any(secret in line or "secret" in line for line in server.said)
    assert server.got == []


def test_a_name_cannot_add_a_header() -> None:
    made = smtp.message("L-1", "Maya\r\nBcc: all@places.example", "maya@places.example", "News", "Text", given.TODAY)
    assert made["bcc"] is None
    assert made["to"].addresses[0].addr_spec == "maya@places.example"


async def test_without_a_mail_server_letters_are_kept() -> None:
    await letter()
    assert await sending.send_waiting() == 0


async def test_letters_are_read_by_their_addressee_only(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    other = await given.person(await given.organisation(), "buyer")
    mine = await actions.write(
        "a@a.example", "A", "accounts/password-changed.txt", tokens=[], kept=False, person=officer.ref
    )
    async with given.browser(app) as client:
        assert (await client.get("/letters")).status_code == 303
        assert (await client.get(f"/letters/{mine.ref}")).status_code == 303
        await given.signed_in(client, officer)
        assert mine.subject in (await client.get("/letters")).text
        page = await client.get(f"/letters/{mine.ref}")
        assert 'href="/password/forgotten"' in page.text
    async with given.browser(app) as client:
        await given.signed_in(client, other)
        assert mine.subject not in (await client.get("/letters")).text
        assert (await client.get(f"/letters/{mine.ref}")).status_code == 404


async def test_a_letter_whose_link_opens_an_account_is_for_the_mailbox_alone(app: Litestar, server: MailServer) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    person = await Person.objects().get(Person.ref == officer.ref)
    await accounts.ask_reset(person.email, "192.0.2.1")
    kept = await Letter.objects().get(Letter.person == officer.ref)
    link = kept.text.split("/password/")[1].split()[0]
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        assert kept.subject not in (await client.get("/letters")).text
        assert (await client.get(f"/letters/{kept.ref}")).status_code == 404
    assert await sending.send_waiting() == 1
    assert link in server.got[0].get_content()
    left = await Letter.objects().get(Letter.id == kept.id)
    assert link not in left.text
    assert "/password/(the rest of this link is not kept)" in left.text


async def test_many_letters_come_in_pages(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    for _ in range(actions.PER_PAGE + 1):
        await actions.write(
            "a@a.example", "A", "accounts/password-changed.txt", tokens=[], kept=False, person=officer.ref
        )
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        first = await client.get("/letters")
        assert first.text.count('class="pre-row"') == actions.PER_PAGE
        following = first.text.split('href="/letters?before=')[1].split('"')[0]
        assert (await client.get(f"/letters?before={following}")).text.count('class="pre-row"') == 1


async def test_in_a_demonstration_everybody_reads_every_letter(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    written = await letter()
    await letter("other@places.example")
    monkeypatch.setenv("PRELUDE_DEMO", "1")
    settings.settings.cache_clear()
    try:
        async with given.browser(app) as client:
            assert (await client.get("/letters")).text.count('class="pre-row"') == 2
            assert (await client.get("/letters?to=other@places.example")).text.count('class="pre-row"') == 1
            assert (await client.get(f"/letters/{written.ref}")).status_code == 200
    finally:
        monkeypatch.undo()
        settings.settings.cache_clear()


async def test_a_code_is_not_kept_once_its_letter_has_left(server: MailServer) -> None:
    text = "If that is you, type this code:\n\n7KQ4-M2XP\n\non this page, by 2026-11-30. Nobody else has 7KQ4-M2XP."
    kept = Letter(
        address="ida@elm.example", name="Elm", subject="A code", text=text, written_at=given.TODAY, secret=True
    )
    await kept.save()
    assert await sending.send_waiting() == 1
    assert "7KQ4-M2XP" in server.got[0].get_content().splitlines()
    left = await Letter.objects().get(Letter.id == kept.id)
    assert left is not None
    assert left.text.startswith("If that is you, type this code:\n\n(this code is not kept)\n\non this page, by 2026")
