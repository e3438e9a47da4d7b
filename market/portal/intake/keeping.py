"""Keeps what was read: each item as published, the procurement it belongs to made anew, the outbox told — in batches.

A batch is one transaction: raw items, quarantine, notices, outbox entries and the run's position stand together or not
at all. What is already known by its digest is not touched. A procurement is made from all its raw items, so the result
depends on what was published and never on how it was cut into batches or in how many runs it came.
"""

from __future__ import annotations

import hashlib
import logging
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import msgspec

from market import clock
from market.columns import ALPHABET, new_ref
from market.db import engine
from market.kinds import KINDS
from market.portal.intake import merging, notices, reading, tabular
from market.portal.intake.notices import Notice
from market.portal.intake.reading import Defect, Found, Kind, Note, Package
from market.portal.intake.upgrading import Upgraded, upgrade
from market.portal.tables import Source
from market.reads import rows, the
from market.wording import _

log = logging.getLogger("prelude.portal")

PACKED = 1
"""The level of zlib: the fastest, which makes real releases two fifths of their size; level 6 gains a twentieth more."""

MOST_NOTES = 40
"""How many remarks about mending are kept with one procurement."""


@dataclass(slots=True)
class Counts:
    """What became of the items read. `new` begins a procurement, `changed` adds to a known one."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(slots=True)
class _Item:
    """A new item with its releases, ready to be kept."""

    found: Found
    digest: bytes
    kind: str
    ocid: str
    releases: list[Upgraded]


@dataclass(slots=True)
class _Procurement:
    """Everything known of one ocid while a batch is kept."""

    items: list[_Item] = field(default_factory=list)
    releases: list[Upgraded] = field(default_factory=list)
    row: int | None = None
    shown: str = ""
    """The reference it is shown under; its own unless it was joined to another."""


def connection() -> Any:
    """The driver's connection of the transaction that is open: only it can copy rows in bulk."""
    current = engine().current_transaction.get()
    if current is None:
        raise RuntimeError("rows are copied inside a transaction only")
    return current.connection


def notice_ref(source: str, ocid: str) -> str:
    """A notice's public reference, made from where it is from."""
    return digest_ref("notice", hashlib.sha256(f"{source}\n{ocid}".encode()).digest())


def digest_ref(kind: str, digest: bytes) -> str:
    """A reference of this kind made from a digest: twelve letters, about 59 bits, so that a million records meet in one about
    once in a million libraries."""
    number, letters = int.from_bytes(digest[:8], "big"), ""
    for _turn in range(12):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return f"{KINDS[kind].prefix}-{letters}"


async def keep(source: Source, run: int, batch: Sequence[Found | Defect], *, from_table: bool = False) -> Counts:
    """Keep one batch of `source` inside the transaction that is open; `run` is the id of the run that read it. `from_table` says
    that the batch was read from a table.

    The source's row is locked, so that a batch and an operator who mends an item follow one another.
    """
    now = clock.now()
    await the(int, "SELECT id FROM source WHERE id = {} FOR NO KEY UPDATE", source.id)
    counts = Counts(read=len(batch))
    defects = [each for each in batch if isinstance(each, Defect)]
    digests = {id(each): hashlib.sha256(each.raw).digest() for each in batch if isinstance(each, Found)}
    known = await _known(source.id, list(digests.values()))
    by_ocid: dict[str, _Procurement] = {}
    for found in batch:
        if isinstance(found, Defect):
            continue
        digest = digests[id(found)]
        if digest in known:
            counts.unchanged += 1
            continue
        known.add(digest)
        item = _item(found, digest, from_table)
        if isinstance(item, Defect):
            defects.append(item)
        else:
            by_ocid.setdefault(item.ocid, _Procurement()).items.append(item)
    await _recall(source, by_ocid)
    fresh: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    told: list[str] = []
    kept: list[_Item] = []
    for ocid, one in by_ocid.items():
        try:
            columns = _columns(source, ocid, [*one.releases, *(each for item in one.items for each in item.releases)])
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            log.exception("a release of %s could not be put in order", ocid)
            why = _(
                "The release is well-formed, but could not be put in order with the others of its "
                "procurement ({error}).",
                error=error,
            )
            defects += [Defect(each.found.position, why, each.found.raw) for each in one.items]
            continue
        kept += one.items
        if one.row is None:
            ref = notice_ref(source.name, ocid)
            fresh.append((ref, source.id, ocid, *columns, now))
            told.append(ref)
            counts.new += 1
            counts.changed += len(one.items) - 1
        else:
            changed.append((one.row, *columns, now))
            told.append(one.shown)
            counts.changed += len(one.items)
    counts.rejected = len(defects)
    if kept:
        await connection().copy_records_to_table(
            "raw_item",
            columns=("source", "ocid", "digest", "content", "kind", "package", "position", "fetched_at"),
            records=[_raw_row(source.id, each, now) for each in kept],
        )
    if fresh:
        await connection().copy_records_to_table(
            "imported_notice", columns=("ref", "source", "ocid", *_COLUMNS, "changed_at"), records=fresh
        )
    if changed:
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate((*_COLUMNS, "changed_at"), start=2))
        await connection().executemany(
            f"UPDATE imported_notice SET {sets}, matched_at = NULL WHERE id = $1",  # noqa: S608 (names of columns only)
            changed,
        )
    await _quarantine(source.id, run, defects, now)
    await tell(told, "notice.imported", now)
    return counts


async def tell(refs: Iterable[str], verb: str, now: datetime) -> None:
    """Announce notices whose public face may have changed, in one go."""
    entries = [(f"notice:{ref}", verb, now, 0, "") for ref in dict.fromkeys(refs)]
    if entries:
        await connection().copy_records_to_table(
            "outbox", columns=("subject", "verb", "at", "tried", "failure"), records=entries
        )


def packed(data: bytes) -> bytes:
    """Bytes as they are kept."""
    return zlib.compress(data, PACKED) if data else b""


def unpacked(data: bytes) -> bytes:
    """Bytes as they were before :func:`packed`."""
    return zlib.decompress(data) if data else b""


def restore(raw: bytes, kind: str, package: str, position: str = "") -> Found | Defect:
    """A kept item, read again; `raw` is packed. Its remarks are the same as when it first came."""
    where = reading.Position(position)
    around = _package(package)
    if kind == "row":
        return tabular.reread_row(unpacked(raw), where, around)
    return reading.reread(unpacked(raw), cast("Kind", kind), where, around)


async def _known(source: int, digests: list[bytes]) -> set[bytes]:
    return set(
        await rows(
            bytes, "SELECT digest FROM raw_item WHERE source = {} AND digest = ANY({}::bytea[])", source, digests
        )
    )


def _item(found: Found, digest: bytes, from_table: bool) -> _Item | Defect:
    """The item with its releases, or why it cannot be taken: all of them must be sound and of one procurement."""
    releases: list[Upgraded] = []
    for inner in reading.unfold(found):
        one = upgrade(inner) if isinstance(inner, Found) else inner
        if isinstance(one, Defect):
            return Defect(one.position, one.reason, found.raw)
        releases.append(one)
    ocid = releases[0].ocid
    if strange := next((each.ocid for each in releases if each.ocid != ocid), None):
        why = _(
            "The record of {ocid} also holds a release of another procurement, {strange}.", ocid=ocid, strange=strange
        )
        return Defect(found.position, why, found.raw)
    if "\x00" in ocid or len(ocid) > 500:
        return Defect(found.position, _("The ocid is longer than 500 characters or holds invisible ones."), found.raw)
    return _Item(found, digest, "row" if from_table else found.kind, ocid, releases)


class _Known(msgspec.Struct, frozen=True):
    id: int
    ocid: str
    shown: str


class _Stored(msgspec.Struct, frozen=True):
    ocid: str
    content: bytes
    kind: str
    package: str
    position: str


async def _recall(source: Source, by_ocid: dict[str, _Procurement]) -> None:
    """Fetch what is already known of these procurements: their rows and all their releases."""
    known = await rows(
        _Known,
        """
        SELECT n.id, n.ocid, coalesce(r.ref, n.ref) AS shown
        FROM imported_notice n LEFT JOIN imported_notice r ON r.id = n.shown_as
        WHERE n.source = {} AND n.ocid = ANY({}::text[])
        """,
        source.id,
        list(by_ocid),
    )
    for notice in known:
        by_ocid[notice.ocid].row, by_ocid[notice.ocid].shown = notice.id, notice.shown
    if not known:
        return
    for item in await rows(
        _Stored,
        """
        SELECT ocid, content, kind, package, position
        FROM raw_item WHERE source = {} AND ocid = ANY({}::text[]) ORDER BY id
        """,
        source.id,
        [notice.ocid for notice in known],
    ):
        found = restore(item.content, item.kind, item.package, item.position)
        for inner in reading.unfold(found) if isinstance(found, Found) else [found]:
            release = upgrade(inner) if isinstance(inner, Found) else inner
            if isinstance(release, Upgraded):
                by_ocid[item.ocid].releases.append(release)


_COLUMNS = (
    "title", "buyer", "value_minor", "currency", "published_at", "updated_at", "opens_at", "closes_at", "reached", "cancelled",
    "test", "facts", "compiled", "history", "notes", "note_codes",
)  # fmt: skip


def _columns(source: Source, ocid: str, releases: list[Upgraded]) -> tuple[Any, ...]:
    """A procurement's columns in the order of :data:`_COLUMNS`, from all its releases."""
    merged = merging.merge(releases)
    tags = tuple(tag for version in merged.history for tag in version.tags)
    link = source.notice_link.replace("{ocid}", ocid) if source.notice_link else None
    notice = notices.notice(merged.compiled, source=source.name, tags=tags, link=link)
    notes = tuple(dict.fromkeys([*merged.notes, *(note for each in releases for note in each.notes)]))
    return (
        plain(notice.title),
        plain(notice.buyer.name) if notice.buyer else "",
        notice.value_minor,
        notice.currency if notice.currency and re.fullmatch(r"[A-Z]{3}", notice.currency) else "",
        notice.published_at,
        notice.updated_at,
        notice.opens_at,
        notice.closes_at,
        notice.reached,
        notice.cancelled,
        notice.test,
        _json(notice),
        packed(merged.encoded()),
        _json(merged.history),
        _json(notes[:MOST_NOTES]),
        sorted({note.code for note in notes}),
    )


def facts_of(text: str) -> Notice:
    """The public view kept in `ImportedNotice.facts`."""
    return _FACTS.decode(text)


def notes_of(codes: Iterable[str]) -> tuple[Note, ...]:
    """Kept codes as remarks, which is all that the quality checks look at."""
    return tuple(Note(code, "", "") for code in codes)


def plain(text: str) -> str:
    """Text that PostgreSQL can hold: without NUL characters."""
    return text.replace("\x00", "") if "\x00" in text else text


_FACTS = msgspec.json.Decoder(Notice)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _package(text: str) -> Package:
    given = msgspec.json.decode(text or "{}")
    return Package(**{**given, "extensions": tuple(given.get("extensions") or ())})


def _raw_row(source: int, item: _Item, now: datetime) -> tuple[Any, ...]:
    found = item.found
    return (
        source, item.ocid, item.digest, packed(found.raw), item.kind, _json(found.package),
        plain(str(found.position)), now,
    )  # fmt: skip


async def _quarantine(source: int, run: int, defects: list[Defect], now: datetime) -> None:
    records = []
    for defect in defects:
        where = plain(str(defect.position))
        digest = hashlib.sha256(f"{where}\n{defect.reason}\n".encode() + defect.raw).digest()
        records.append(
            (new_ref(KINDS["quarantined"].prefix), source, run, digest, packed(defect.raw), where, plain(defect.reason), now)
        )  # fmt: skip
    if records:
        await connection().executemany(
            "INSERT INTO quarantined (ref, source, run, digest, content, position, reason, at, kind, package) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '') ON CONFLICT (source, digest) DO NOTHING",
            records,
        )
