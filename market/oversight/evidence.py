"""One evidence file to take away: a stretch of the log with a signed head, the documents it names, and how to check both.

What is in it is public, or sealed events by their hash alone: the file may be handed on. It can be checked without this
service by the small program that lies in it (:mod:`market.proof.check_evidence`).
"""

from __future__ import annotations

import hashlib
import inspect
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any, Final

from market import VERSION, clock
from market.audit import proofs
from market.audit.tables import Stored
from market.oversight import records
from market.oversight.log import Entry, sentence_of
from market.proof import canonical, chain, check_evidence
from market.settings import settings
from market.wording import N_, _

PROGRAM = inspect.getsource(check_evidence)
SPOOLED = 4_000_000
"""Bytes kept in memory before the file goes to the disk."""

README = N_("""Evidence of {subject}

Taken from {site} at {at}, version {version}.
It covers events {first} to {last} of the log, {count} of which stand beside this record.

How to check it
  Unpack everything into a folder and run there:  python check.py
  It needs Python 3.11 and nothing else; with the package "cryptography" it checks the head's signature as well.

What it proves
  Each line of events.jsonl is one event. Its hash is SHA-256 over its header and the hash of the event before it,
  so nothing between the first and the last line can have been changed, left out or put in since.
  The events of this record are shown whole; of the others only the header is shown, and of sealed ones only the hash.
  The head in manifest.json is the log's state at the last line, signed with Ed25519. Compare its key with the one
  published at {site}/log/key, and its hash with any head you kept yourself.
  Each document in documents/ has the SHA-256 that manifest.json gives and an event of the log names.

What it does not prove
  That what was written down was true when it was written, and who a reference such as P-7KQ4M2X is.
  Whoever keeps the log could have written another one from some point on; a head that somebody else kept shows it.

What happened
{story}
""")


async def pack(subject: str) -> IO[bytes]:
    """The zip file for a record, open at its beginning. 404 for a record the log does not know."""
    first, last, mine = await records.segment(subject)
    documents = await _documents(subject)
    made = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - closed by `chunks`, when it has been sent
    own = set(mine)
    # Sealed for the public is sealed here, even if the auditor sees more on the screen.
    seals = await proofs.unsealed()
    end = first, ""
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("events.jsonl", "w", force_zip64=True) as lines:
            async for batch in records.stretch(first, last):
                for event in batch:
                    lines.write(_line(event, own, seals) + b"\n")
                end = batch[-1].seq, batch[-1].hash
        files = []
        for name, text, says in documents:
            packed.writestr(f"documents/{name}", text)
            files.append(
                {"name": f"documents/{name}", "says": says, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            )
        after = await records.before(first)
        head = chain.sign_head(proofs.head_key(), *end, clock.now())
        manifest: dict[str, Any] = {
            "after": {"hash": after[1], "seq": after[0]},
            "events": mine,
            "files": files,
            "head": head.to_plain(),
            "key": proofs.public_key().hex(),
            "subject": subject,
        }
        packed.writestr("manifest.json", canonical.encode(manifest))
        packed.writestr("check.py", PROGRAM)
        packed.writestr("README.txt", await _readme(subject, first, last, len(mine)))
    made.seek(0)
    return made


def chunks(file: IO[bytes], size: int = 65_536) -> Iterator[bytes]:
    """The file piece by piece, closed at its end."""
    with file:
        while piece := file.read(size):
            yield piece


def _line(event: Stored, own: set[int], seals: set[str]) -> bytes:
    if event.sealed_by and event.sealed_by not in seals:
        return chain.to_line(chain.Withheld(event.seq, event.hash), body=False)
    return chain.to_line(proofs.as_row(event, private=False), body=event.seq in own)


async def _readme(subject: str, first: int, last: int, count: int) -> str:
    walked = await records.walk(subject)
    shown: list[Entry] = [each for each in walked.events if each.public]
    return _(README).format(
        subject=subject,
        site=settings().site_url,
        at=clock.now().isoformat(timespec="seconds"),
        version=VERSION,
        first=first,
        last=last,
        count=count,
        story="\n".join(f"  {each.seq:>7}  {each.at:%Y-%m-%d %H:%M}Z  {sentence_of(each)}" for each in shown),
    )


_KEPT_AS: Final = {
    "contract": ("contract-{}.json", "the document both sides sign"),
    "tender": ("register-{}.json", "the register of opening"),
    "waiver": ("waiver-{}.json", "the minister's waiver with its signature"),
}
"""The name of each kind's document in the file, and what it is."""


async def _documents(subject: str) -> list[tuple[str, str, str]]:
    """(name, text, what it is) of the documents on the record's line."""
    found = []
    for document in await records.documents(subject):
        name, says = _KEPT_AS[document.kind]
        found.append((name.format(document.ref), document.text, says))
    return found
