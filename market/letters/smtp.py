"""Handing letters to a mail server (RFC 5321, RFC 5322), over TLS whenever a password is sent."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from market.settings import settings

TIMEOUT = 20
"""Seconds the server may take for each answer."""


class NotNow(Exception):
    """The letter could not be handed over; a later try may succeed."""


class ServerAway(NotNow):
    """The server itself does not answer, or breaks off: the next letter would fare no better just now. `offered` says
    whether this letter had been offered by then, so that it may be the reason."""

    def __init__(self, words: str, *, offered: bool) -> None:
        super().__init__(words)
        self.offered = offered


class NeverAccepted(Exception):
    """The server refuses this letter or its address for ever (a 5xx answer)."""


class _Answering(smtplib.SMTP):
    """A conversation that remembers what was answered to the last letter."""

    answer = ""

    def data(self, msg: Any) -> tuple[int, bytes]:
        """The letter's text; the answer to it says under which number the server took it."""
        code, said = super().data(msg)
        self.answer = _words(code, said)
        return code, said


class _AnsweringOverTLS(_Answering, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class Connection:
    """One connection to the mail server, opened at the first letter and used for those that follow.

    `smtp://user:password@host:587` uses STARTTLS where the server offers it and insists on it when there is a password;
    `smtps://…` is TLS from the first byte (RFC 8314).
    """

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url)
        self._server: _Answering | None = None
        self._opening: _Answering | None = None

    @property
    def host(self) -> str:
        """The server's name and port, without the password."""
        return self._where.netloc.rpartition("@")[2]

    def send(self, message: EmailMessage) -> str:
        """Hand one letter over; answers what the server said. Raises :class:`ServerAway`, :class:`NotNow` or
        :class:`NeverAccepted`. Blocks: run it in a thread."""
        server = self._reach()
        try:
            server.send_message(message)
            return server.answer
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            self._forget()
            raise _judged(code, words) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NeverAccepted(str(error)) from error
        except smtplib.SMTPSenderRefused as error:  # it is our own address that is not wanted, with whatever letter
            self._forget()
            raise ServerAway(_words(error.smtp_code, error.smtp_error), offered=False) from error
        except smtplib.SMTPResponseException as error:
            self._forget()
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._forget()
            raise ServerAway(str(error) or type(error).__name__, offered=True) from error

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        if self._server is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._server.quit()
            self._server = None

    def abort(self) -> None:
        """Break off at once, from another thread than the one that waits for the server: its call then fails."""
        for server in (self._opening, self._server):
            if server is not None and server.sock is not None:
                with suppress(OSError):
                    server.sock.shutdown(socket.SHUT_RDWR)
        self._server = None

    def _reach(self) -> _Answering:
        try:
            return self._open()
        except smtplib.SMTPResponseException as error:
            raise ServerAway(_words(error.smtp_code, error.smtp_error), offered=False) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAway(str(error) or type(error).__name__, offered=False) from error
        finally:
            self._opening = None

    def _open(self) -> _Answering:
        if self._server is not None:
            return self._server
        host, user = self._where.hostname or "localhost", unquote(self._where.username or "")
        if self._where.scheme == "smtps":
            server: _Answering = _AnsweringOverTLS(timeout=TIMEOUT, context=ssl.create_default_context())
        else:
            server = _Answering(timeout=TIMEOUT)
        # What the certificate must name; smtplib sets it only when it connects by itself, which cannot be broken off.
        server._host = host  # type: ignore[attr-defined]
        self._opening = server
        try:
            code, said = server.connect(host, self._where.port or (465 if self._where.scheme == "smtps" else 587))
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if self._where.scheme != "smtps":
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=ssl.create_default_context())
                elif user:
                    raise ServerAway(
                        "the mail server offers no TLS, and a password is not sent without it", offered=False
                    )
            if user:
                server.login(user, unquote(self._where.password or ""))
        except BaseException:
            server.close()
            raise
        self._server = server
        return server

    def _forget(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def message(
    ref: str, name: str, address: str, subject: str, text: str, written_at: datetime, stops: str = ""
) -> EmailMessage:
    """The letter as it travels. The Message-ID comes from the letter's reference: a letter sent twice by accident is
    shown once. Nobody's out-of-office answers it (RFC 3834). Letters that can be stopped carry the address at which mail
    programs do so with one click (RFC 8058). Raises :class:`NeverAccepted` for what is no address."""
    # An address in a header is not to be folded: a line may have 998 letters (RFC 5322, section 2.1.1).
    made = EmailMessage(policy=SMTP.clone(max_line_length=998) if stops else SMTP)
    sender_name, sender = parseaddr(settings().mail_from)
    try:
        made["To"] = Address(" ".join(name.split()), addr_spec=address)
    except (ValueError, MessageError) as error:
        raise NeverAccepted(f"{address} is not an address: {error}") from error
    made["From"] = Address(sender_name, addr_spec=sender)
    made["Subject"] = subject
    made["Date"] = format_datetime(written_at)
    made["Message-ID"] = f"<{ref.lower()}@{settings().host}>"
    made["Auto-Submitted"] = "auto-generated"
    if stops:
        made["List-Unsubscribe"] = f"<{settings().site_url}{stops}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(text)
    return made


def _judged(code: int, words: bytes | str) -> NotNow | NeverAccepted:
    if code == 421:  # the service is closing the channel, whatever it was asked (RFC 5321, section 3.8)
        return ServerAway(_words(code, words), offered=True)
    return NeverAccepted(_words(code, words)) if 500 <= code < 600 else NotNow(_words(code, words))


def _words(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
