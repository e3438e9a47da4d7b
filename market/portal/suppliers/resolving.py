"""One record for one supplier: finds the likes of names that notices name, joins those that are one, asks about the rest.

Like notices, spellings are never moved: each points to the one it is shown under, and every joining can be undone. The
known spellings stay in the database; for each new one only its candidates are fetched, so memory does not grow with the
register. The result depends on the order in which notices came and not on how that was cut into portions.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from market.columns import new_ref
from market.db import many
from market.portal.intake import names
from market.portal.intake.keeping import connection, digest_ref, plain, unpacked
from market.portal.intake.notices import Notice, Party
from market.portal.sameness import matching
from market.portal.sameness.grouping import hold, joined_with
from market.reads import rows, the

AT_ONCE = 300
"""New spellings resolved between two looks at the database."""

TOO_COMMON = 300
"""A key that more spellings share names no candidate: a word that every name has."""

CANDIDATES = 40
"""Spellings that a new one is compared with, those with most in common first."""

MOST_DOUBTS = 3
"""How many questions one new spelling may bring to the queue; the likeliest go first."""

MOST_SIGNS = 30
"""Buyers, kinds of work, and addresses kept with a spelling."""


class _Contact(msgspec.Struct):
    email: Any = None


class _Address(msgspec.Struct, rename="camel"):
    street_address: Any = None
    locality: Any = None
    region: Any = None
    postal_code: Any = None
    country_name: Any = None


class _Party(msgspec.Struct, rename="camel"):
    id: Any = None
    name: Any = None
    address: _Address | None = None
    contact_point: _Contact | None = None


class _Compiled(msgspec.Struct):
    parties: list[_Party] = []


_PARTIES = msgspec.json.Decoder(_Compiled, strict=False)


@dataclass(slots=True)
class _Spelling:
    """One way a supplier is named, with what its notices say beside it."""

    key: bytes
    party: Party
    number: tuple[str, str] | None
    id: int = 0
    buyers: set[str] = field(default_factory=set)
    cpv: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    notices: list[int] = field(default_factory=list)


async def resolve(facts: Mapping[int, Notice], now: datetime) -> None:
    """File the suppliers of these notices (id → facts), inside the transaction that is open, which holds the lock of
    :mod:`market.portal.sameness.grouping`. A notice that was resolved before is filed anew."""
    naming = {number: notice for number, notice in facts.items() if notice.suppliers and not notice.test}
    await many("DELETE FROM supplier_mention WHERE notice = ANY({}::int[])", list(facts))
    if not naming:
        return
    spellings = _spellings(naming, await _contacts(naming))
    fresh = await _kept(spellings, now)
    await connection().copy_records_to_table(
        "supplier_mention",
        columns=("supplier", "notice"),
        records=[(each.id, notice) for each in spellings.values() for notice in each.notices],
    )
    for begin in range(0, len(fresh), AT_ONCE):
        await _resolved(fresh[begin : begin + AT_ONCE], _beside(spellings.values()), now)


def _beside(spellings: Iterable[_Spelling]) -> dict[int, set[int]]:
    """For each spelling the others that stand in a notice together with it."""
    by_notice: dict[int, set[int]] = defaultdict(set)
    for each in spellings:
        for notice in each.notices:
            by_notice[notice].add(each.id)
    return {
        each.id: set().union(*(by_notice[notice] for notice in each.notices)) - {each.id} for each in spellings
    }  # fmt: skip


def spelling_key(party: Party) -> bytes:
    """What tells one spelling from another: name (letters' size and gaps aside), number and place."""
    number = names.identifier(party.scheme, party.identifier) or names.number_in(party.id)
    parts = [" ".join(party.name.casefold().split()), *(number or ("", "")), (party.place or "").casefold().strip()]
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).digest()


def keys(name: str, number: tuple[str, str] | None) -> frozenset[str]:
    """Under what to file a spelling: its number, its words, its beginning, and each long word without one letter, which
    two words that differ in a letter have in common."""
    found = {f"n:{' '.join(number)}"} if number else set[str]()
    for variant in names.name_variants(name):
        parts = names.words(variant)
        found.add(f"s:{''.join(parts)[:5]}")
        for part in parts:
            found.add(f"w:{part}")
            if len(part) >= 5:
                found |= {f"d:{part}"} | {f"d:{part[:place]}{part[place + 1 :]}" for place in range(len(part))}
    return frozenset(found)


def names_somebody(name: str) -> bool:
    """Whether a name is one: “n/a”, “various” and “see attached” name nobody."""
    parts = [part for part in names.words(name) if any(sign.isalpha() for sign in part)]
    return bool(parts) and not set(parts) <= names.nobody()


def _spellings(facts: Mapping[int, Notice], contacts: Mapping[int, list[_Party]]) -> dict[bytes, _Spelling]:
    found: dict[bytes, _Spelling] = {}
    for number, notice in facts.items():
        buyer = " ".join(names.words(notice.buyer.name))[:80] if notice.buyer else ""
        for party in notice.suppliers:
            if not names_somebody(party.name):
                continue
            key = spelling_key(party)
            if key not in found:
                told = names.identifier(party.scheme, party.identifier) or names.number_in(party.id)
                found[key] = _Spelling(key, party, told)
            one = found[key]
            if number not in one.notices:
                one.notices.append(number)
            one.buyers |= {buyer} - {""}
            one.cpv |= {code[:3] for code in notice.cpv}
            emails, addresses = _reached(party, contacts.get(number, []))
            one.emails |= emails
            one.addresses |= addresses
    return found


class _Whole(msgspec.Struct, frozen=True):
    id: int
    compiled: bytes


async def _contacts(facts: Mapping[int, Notice]) -> dict[int, list[_Party]]:
    contacts = {}
    for notice in await rows(_Whole, "SELECT id, compiled FROM imported_notice WHERE id = ANY({}::int[])", list(facts)):
        try:
            contacts[notice.id] = _PARTIES.decode(unpacked(notice.compiled)).parties
        except msgspec.ValidationError:
            continue
    return contacts


def _reached(party: Party, parties: list[_Party]) -> tuple[set[str], set[str]]:
    """The e-mail and postal addresses that a notice gives for a supplier. An address that it gives for another party too
    reaches nobody in particular and is left out."""
    mine = [each for each in parties if _same_party(party, each)]
    others = {_email(each) for each in parties if each not in mine}
    emails = {address for each in mine if (address := _email(each))} - others
    return emails, {text for each in mine if (text := _postal(each.address))}


def _same_party(party: Party, other: _Party) -> bool:
    if party.id is not None and other.id is not None and str(other.id) != party.id:
        return False
    return " ".join(str(other.name or "").split()) == " ".join(party.name.split())


def _email(party: _Party) -> str:
    given = party.contact_point.email if party.contact_point else None
    text = given.strip().lower() if isinstance(given, str) else ""
    local, at, domain = text.partition("@")
    sound = at and local and "." in domain and len(text) <= 254 and text.isascii() and not set(text) & set(" ,;<>\"'\\")
    return text if sound and "@" not in domain else ""


def _postal(address: _Address | None) -> str:
    """A postal address as it is written on a letter, or nothing when a letter would not arrive."""
    if address is None or not address.street_address or not (address.postal_code or address.locality):
        return ""
    lines = (
        address.street_address, address.locality, address.region, address.postal_code, address.country_name,
    )  # fmt: skip
    text = "\n".join(" ".join(str(line).split()) for line in lines if line)
    return text.replace("\x00", "")[:400]


class _Kept(msgspec.Struct, frozen=True):
    id: int
    key: bytes
    buyers: list[str]
    cpv: list[str]
    emails: list[str]
    addresses: list[str]


async def _kept(spellings: dict[bytes, _Spelling], now: datetime) -> list[_Spelling]:
    """Keep the spellings; answers those that are new, in the order in which they were met."""
    grown = []
    for kept in await rows(
        _Kept,
        "SELECT id, key, buyers, cpv, emails, addresses FROM imported_supplier WHERE key = ANY({}::bytea[])",
        list(spellings),
    ):
        spelling = spellings[kept.key]
        spelling.id = kept.id
        before = [kept.buyers, kept.cpv, kept.emails, kept.addresses]
        signs = [
            _grown(kept.buyers, spelling.buyers),
            _grown(kept.cpv, spelling.cpv),
            _grown(kept.emails, spelling.emails),
            _grown(kept.addresses, spelling.addresses),
        ]
        if signs != before:
            grown.append((spelling.id, *signs))
    if grown:
        await connection().executemany(
            "UPDATE imported_supplier SET buyers = $2, cpv = $3, emails = $4, addresses = $5 WHERE id = $1", grown
        )
    fresh = [each for each in spellings.values() if not each.id]
    for each in fresh:
        scheme, number = each.number or ("", "")
        each.id = await connection().fetchval(
            "INSERT INTO imported_supplier (ref, key, name, scheme, identifier, place, scale, buyers, cpv, emails, addresses, "
            "first_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
            digest_ref("imported_supplier", each.key), each.key, plain(" ".join(each.party.name.split())), scheme, plain(number),
            plain(each.party.place or ""), plain(str(each.party.scale or ""))[:20], _grown([], each.buyers),
            _grown([], each.cpv), _grown([], each.emails), _grown([], each.addresses), now,
        )  # fmt: skip
    return fresh


def _grown(known: list[str], more: Iterable[str]) -> list[str]:
    added = sorted(plain(each) for each in set(more) - set(known))
    return [*known, *added][:MOST_SIGNS]


# ── finding and joining ──────────────────────────────────────────────────────────────────────────────────────────────


class _Known(msgspec.Struct, frozen=True):
    """A spelling that is known: what it is compared by, and under which it is shown."""

    id: int
    name: str
    place: str
    scheme: str
    identifier: str
    buyers: list[str]
    cpv: list[str]
    root: int

    @property
    def number(self) -> tuple[str, str] | None:
        """Its register and number, None without one."""
        return (self.scheme, self.identifier) if self.identifier else None


class _Filed(msgspec.Struct, frozen=True):
    key: int
    supplier: int


class _Register:
    """The known spellings as far as this portion of new ones needs them: what the database had when the portion began,
    and the portion's own, added one by one."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.holders: dict[int, list[int]] = {}
        self.known: dict[int, _Known] = {}
        self._members: dict[int, list[int]] = defaultdict(list)

    async def look(self, wanted: Iterable[str]) -> None:
        """Fetch who is filed under these keys, unless that is known."""
        numbers = sorted({_number(key) for key in wanted} - self.holders.keys())
        if not numbers:
            return
        for number in numbers:
            self.holders[number] = []
        for filed in await rows(
            _Filed,
            """
            SELECT k.key, s.supplier FROM unnest({}::bigint[]) AS k(key)
            CROSS JOIN LATERAL (SELECT supplier FROM supplier_key WHERE key = k.key LIMIT {}) s
            """,
            numbers,
            TOO_COMMON + 1,
        ):
            self.holders[filed.key].append(filed.supplier)

    async def fetch(self, wanted: set[int]) -> None:
        """Fetch these spellings and all that are shown together with them."""
        absent = sorted(wanted - self.known.keys())
        if not absent:
            return
        for known in await rows(
            _Known,
            """
            SELECT id, name, place, scheme, identifier, buyers, cpv, coalesce(shown_as, id) AS root FROM imported_supplier
            WHERE coalesce(shown_as, id) IN (
                SELECT coalesce(shown_as, id) FROM imported_supplier WHERE id = ANY({}::int[])
            )
            ORDER BY id
            """,
            absent,
        ):
            if known.id not in self.known:
                self.add(known)

    def add(self, one: _Known) -> None:
        """Make a spelling known."""
        self.known[one.id] = one
        self._members[one.root].append(one.id)

    def file(self, one: int, under: Iterable[str]) -> None:
        """File a new spelling of this portion, so that those after it find it."""
        for key in under:
            self.holders.setdefault(_number(key), []).append(one)

    def met(self, word: str) -> int:
        """Among how many spellings a word was met, at the most one more than tell."""
        return min(len(self.holders.get(_number(f"w:{word}"), ())), TOO_COMMON + 1)

    def candidates(self, name: str, number: tuple[str, str] | None, weigh: matching.Suppliers) -> list[int]:
        """Whom a name may be, those with most in common first."""
        shared: Counter[int] = Counter()
        for variant in names.name_variants(name):
            parts = names.words(variant)
            for part in parts:
                found = self._under(f"w:{part}")
                if len(part) >= 5 and part not in names.common_words():
                    for key in (f"d:{part}", *(f"d:{part[:place]}{part[place + 1 :]}" for place in range(len(part)))):
                        found |= self._under(key)
                for each in found:
                    shared[each] += weigh.weight(part)  # type: ignore[assignment]
            for each in self._under(f"s:{''.join(parts)[:5]}"):
                shared[each] += 1
        if number:
            for each in self._under(f"n:{' '.join(number)}"):
                shared[each] += 100
        return [each for each, _ in sorted(shared.items(), key=lambda each: (-each[1], each[0]))[:CANDIDATES]]

    def _under(self, key: str) -> set[int]:
        found = self.holders.get(_number(key), [])
        return set(found) if len(found) <= TOO_COMMON else set()

    def groups(self, candidates: Iterable[int], name: str, place: str, beside: set[int]) -> list[matching.Supplier]:
        """The suppliers that these spellings are shown under, each with all its spellings; but for those that a notice
        names `beside` the asked one: who was awarded two parts of one procurement is named alike in both. Of several places
        the one that is the asked one's counts."""
        made = []
        for root in sorted({self.known[each].root for each in candidates}):
            members = [self.known[each] for each in self._members[root]]
            if any(each.id in beside and names.words(each.name) != names.words(name) for each in members):
                continue
            places = {each.place for each in members if each.place}
            same = next((each for each in places if each.casefold() == place.casefold()), None)
            made.append(
                matching.Supplier(
                    str(root),
                    tuple(dict.fromkeys(each.name for each in members))[:20],
                    tuple(dict.fromkeys(each.number for each in members if each.number)),
                    same or (next(iter(places)) if len(places) == 1 else None),
                    None,
                    frozenset().union(*(each.buyers for each in members)),
                    frozenset().union(*(each.cpv for each in members)),
                )
            )
        return made

    def nearest(self, root: int, name: str, number: tuple[str, str] | None) -> int:
        """Which spelling of a supplier a new one was recognised by."""
        members = [self.known[each] for each in self._members[root]]
        return min(
            members,
            key=lambda each: (each.number != number or number is None, -matching.alike(each.name, name), each.id),
        ).id


async def _resolved(fresh: list[_Spelling], beside: Mapping[int, set[int]], now: datetime) -> None:
    register = _Register(await the(int, "SELECT count(*) FROM imported_supplier WHERE id < {}", fresh[0].id))
    filed = {each.id: keys(each.party.name, each.number) for each in fresh}
    await register.look(key for each in filed.values() for key in each)
    weigh = matching.Suppliers(met=register.met, total=max(register.total, 1))
    wanted = {
        candidate
        for each in fresh
        for candidate in register.candidates(each.party.name, each.number, weigh)
    }  # fmt: skip
    await register.fetch(wanted)
    await register.look(
        f"w:{part}" for each in list(register.known.values()) for part in names.words(each.name)
    )  # fmt: skip
    merges: list[tuple[Any, ...]] = []
    doubts: list[tuple[Any, ...]] = []
    shown: list[tuple[int, int]] = []
    for each in fresh:
        name, place = " ".join(each.party.name.split()), each.party.place or ""
        weigh = matching.Suppliers(met=register.met, total=max(register.total, 1))
        near = [one for one in register.candidates(name, each.number, weigh) if one in register.known]
        asked = matching.Supplier(
            f"?{each.id}", (name,), (each.number,) if each.number else (), place or None, None,
            frozenset(each.buyers), frozenset(each.cpv),
        )  # fmt: skip
        for group in register.groups(near, name, place, beside[each.id]):
            weigh.add(group)
        found = weigh.resolve(asked, young=True)
        root, asks = each.id, 0
        for match in found:
            other = register.nearest(int(match.other), name, each.number)
            told = msgspec.json.encode(match.evidence).decode()
            row = (other, each.id, round(match.score * 1000), told, now)
            if match.verdict == "same":
                root = int(match.other)
                merges.append((new_ref("SM"), *row))
                shown.append((each.id, root))
            elif asks < MOST_DOUBTS and (root == each.id or match.score >= matching.AUTOMATIC):
                asks += 1
                doubts.append((new_ref("DS"), *row))
        scheme, number = each.number or ("", "")
        register.add(
            _Known(
                id=each.id, name=name, place=place, scheme=scheme, identifier=number,
                buyers=list(each.buyers), cpv=list(each.cpv), root=root,
            )
        )  # fmt: skip
        register.file(each.id, filed[each.id])
        register.total += 1
    await connection().copy_records_to_table(
        "supplier_key",
        columns=("supplier", "key"),
        records=[(each.id, number) for each in fresh for number in sorted(map(_number, filed[each.id]))],
    )
    for table, at, records in (("supplier_merge", "at", merges), ("doubtful_suppliers", "found_at", doubts)):
        if records:
            await connection().copy_records_to_table(
                table, columns=("ref", "one", "other", "score", "evidence", at), records=records
            )
    if shown:
        await connection().executemany("UPDATE imported_supplier SET shown_as = $2 WHERE id = $1", shown)


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode(errors="replace")).digest()[:8], "big", signed=True)


async def regroup(spellings: Iterable[int]) -> None:
    """Reckon anew under which spelling each of these, and all that are joined with them, are shown: the one met first."""
    await hold()
    left = set(spellings)
    while left:
        group = await joined_with(left.pop(), "supplier_merge")
        left -= group
        root = min(group)
        await many(
            "UPDATE imported_supplier SET shown_as = CASE WHEN id = {} THEN NULL ELSE {}::int END WHERE id = ANY({}::int[])",
            root, root, sorted(group),
        )  # fmt: skip
