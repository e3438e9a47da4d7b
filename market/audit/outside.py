"""What of the log lies outside of the database: the private key that signs its checkpoints, and the newest checkpoint that was
published.

A database can be restored, or a copy can take its place, behind what strangers have seen already. Whatever went on from there would be
another log under the same name, and every witness would hold the two signatures that prove it. The file here says how far the log
had come; whoever writes the next checkpoint asks it first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from market.proof import notes
from market.settings import InTheWay, settings


class Amiss(InTheWay):
    """The log does not go on, because that would make another log of the same name; the message says what is amiss and what to do."""


def folder() -> Path:
    """Where the files of this server lie."""
    return settings().var / "log"


def key_file() -> Path:
    """Where the private key lies: the file that PRELUDE_LOG_KEY names, else one that is made at the first checkpoint."""
    return settings().log_key or folder() / "key"


def signer() -> notes.Signer:
    """The key that signs checkpoints. Where no file is named it is made once, with a name that is the log's for ever: the site's
    host and eight letters of chance. Raises :class:`Amiss`."""
    file = key_file()
    try:
        if not file.exists() and settings().log_key is None:
            _make(file)
        found = notes.Signer.read(file.read_text(encoding="ascii").strip())
        if found.kind != notes.LOG:
            raise notes.NoteRefused("it is a witness's key, not a log's")
    except (OSError, UnicodeDecodeError, notes.NoteRefused) as error:
        raise Amiss(
            f"The log's key in {file} cannot be read: {error}. Put it there again, or name it in PRELUDE_LOG_KEY."
        ) from error
    return found


def _make(file: Path) -> None:
    """A new key. Of two processes that make one at once, one does."""
    made = notes.Signer.new(f"{settings().host}/log-{secrets.token_hex(4)}", notes.LOG)
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_name(f"{file.name}.{os.getpid()}.new")
    _write(begun, f"{made}\n".encode(), 0o600)
    try:
        file.hardlink_to(begun)
    except FileExistsError:
        return
    finally:
        begun.unlink(missing_ok=True)


def newest(key: notes.Key) -> notes.Checkpoint | None:
    """The newest checkpoint of this log that was published from this server; None before the first. Raises :class:`Amiss` for a
    file that is not one: nobody but this program writes it."""
    file = _file(key)
    try:
        return notes.opened(file.read_bytes(), key)[1]
    except FileNotFoundError:
        return None
    except (OSError, notes.NoteRefused) as error:
        raise Amiss(
            f"The newest checkpoint, kept in {file}, cannot be read: {error}. Put the file there again from a copy."
        ) from error


def keep(key: notes.Key, note: bytes) -> None:
    """Keep this checkpoint as the newest, before anybody is shown it."""
    file = _file(key)
    file.parent.mkdir(parents=True, exist_ok=True)
    bring(file, note)


def bring(file: Path, data: bytes) -> None:
    """Bring a file to the disk, whole or not at all: when this returns, no loss of power takes it away."""
    begun = file.with_name(f"{file.name}.{os.getpid()}.new")
    _write(begun, data, 0o644)
    begun.replace(file)
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _file(key: notes.Key) -> Path:
    """One for each log, so that a new log beside an old one leaves the old one's in its place."""
    return folder() / f"{hashlib.sha256(str(key).encode()).hexdigest()[:16]}.checkpoint"


def _write(file: Path, data: bytes, mode: int) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
