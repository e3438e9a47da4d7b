"""The auditor's search over contracts, each with the red flags that are up for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from market.contracts.changes import rules as changes
from market.contracts.changes.rules import kind_of
from market.money import Money
from market.oversight import flags
from market.oversight.log import cursor, day_begins, storable
from market.proof import canonical
from market.reads import row, rows
from market.wording import N_

PAGE: Final = 20
SCANNED: Final = 2000
"""How many contracts one request looks through for a flag before it stops and offers the next page."""


class Search(msgspec.Struct, forbid_unknown_fields=False):
    """What an auditor may ask for; everything that is given must hold."""

    q: Annotated[str, Meta(title="Words", max_length=200)] = ""
    """Words of the title, the buyer, the supplier, or a reference."""
    buyer: Annotated[str, Meta(title="Buyer", max_length=200)] = ""
    supplier: Annotated[str, Meta(title="Supplier", max_length=200)] = ""
    least_minor: Annotated[int, Meta(title=N_("Value from"), ge=0)] | None = None
    most_minor: Annotated[int, Meta(title=N_("Value to"), ge=0)] | None = None
    since: date | None = None
    until: date | None = None
    flag: list[Annotated[str, Meta(max_length=40)]] = []
    """Codes of flags; a contract with any of them is found."""


@dataclass(frozen=True, slots=True)
class Found:
    """One contract as the list shows it."""

    id: int
    ref: str
    title: str
    buyer: str
    buyer_ref: str
    supplier: str
    supplier_ref: str
    value: Money
    drawn_up_at: datetime
    signed_at: datetime | None
    tender: str
    ground: str
    bids: int
    raised: list[flags.Raised] = field(default_factory=list)


class Scanned(msgspec.Struct, frozen=True):
    """A contract with all that its flags are reckoned from. The lists of bids are of the lot's opened bids, those of changes of
    the changes in effect, each in one order."""

    id: int
    ref: str
    title: str
    value_minor: int
    currency: str
    drawn_up_at: datetime
    signed_at: datetime | None
    buyer: str
    buyer_ref: str
    supplier: str
    supplier_ref: str
    tender: str
    ground: str
    near_threshold: bool
    published_at: datetime | None
    closes_at: datetime | None
    estimate_minor: int
    ranking: str
    begins_on: date | None
    ends_on: date | None
    codes: list[str]
    kind: str
    change_grounds: list[str]
    change_minor: list[int]
    change_days: list[int]
    price_only: bool
    bid_refs: list[str]
    bid_suppliers: list[str]
    bid_prices: list[int]
    bid_unreadable: list[bool]
    with_this_supplier: int
    of_this_buyer: int


_SCAN = """
SELECT c.id, c.ref, c.title, c.value_minor, c.currency, c.drawn_up_at,
    CASE WHEN c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL
        THEN greatest(c.buyer_signed_at, c.supplier_signed_at) END AS signed_at,
    b.name AS buyer, b.ref AS buyer_ref, s.name AS supplier, s.ref AS supplier_ref,
    t.ref AS tender, t.ground,
    COALESCE((NULLIF(t.gate_trace, '')::jsonb ->> 'near')::boolean, false) AS near_threshold, t.published_at, t.closes_at, l.value_minor AS estimate_minor, d.ranking,
    c.begins_on, c.ends_on, l.cpv AS codes, t.contract_kind AS kind,
    ARRAY(SELECT g.ground FROM contract_change g WHERE g.contract = c.id AND g.agreed_at IS NOT NULL ORDER BY g.id)
        AS change_grounds,
    ARRAY(SELECT g.milestone_minor FROM contract_change g WHERE g.contract = c.id AND g.agreed_at IS NOT NULL ORDER BY g.id)
        AS change_minor,
    ARRAY(SELECT COALESCE(g.new_ends_on - g.old_ends_on, 0) FROM contract_change g WHERE g.contract = c.id
        AND g.agreed_at IS NOT NULL ORDER BY g.id) AS change_days,
    EXISTS (SELECT 1 FROM lot_criterion k WHERE k.lot = c.lot)
        AND NOT EXISTS (SELECT 1 FROM lot_criterion k WHERE k.lot = c.lot AND k.kind <> 'price') AS price_only,
    ARRAY(SELECT e.ref FROM opened_bid ob JOIN bid e ON e.id = ob.bid WHERE ob.lot = c.lot ORDER BY ob.id) AS bid_refs,
    ARRAY(SELECT o.ref FROM opened_bid ob JOIN organisation o ON o.id = ob.supplier WHERE ob.lot = c.lot ORDER BY ob.id)
        AS bid_suppliers,
    ARRAY(SELECT ob.price_minor FROM opened_bid ob WHERE ob.lot = c.lot ORDER BY ob.id) AS bid_prices,
    ARRAY(SELECT ob.problem <> '' FROM opened_bid ob WHERE ob.lot = c.lot ORDER BY ob.id) AS bid_unreadable,
    (SELECT count(*) FROM contract k WHERE k.buyer = c.buyer AND k.supplier = c.supplier AND k.drawn_up_at <= c.drawn_up_at
        AND k.drawn_up_at > c.drawn_up_at - make_interval(months => {})) AS with_this_supplier,
    (SELECT count(*) FROM contract k WHERE k.buyer = c.buyer AND k.drawn_up_at <= c.drawn_up_at
        AND k.drawn_up_at > c.drawn_up_at - make_interval(months => {})) AS of_this_buyer
FROM contract c JOIN organisation b ON b.id = c.buyer JOIN organisation s ON s.id = c.supplier
JOIN tender t ON t.id = c.tender JOIN lot l ON l.id = c.lot JOIN decision d ON d.id = c.decision
"""


async def search(asked: Search, before: int | None = None) -> tuple[list[Found], int | None]:
    """A page of contracts, the newest first, and the id the next page begins after (None on the last).

    Flags are reckoned from each row, so a search for one looks through at most :data:`SCANNED` contracts and then answers
    what it found so far together with where to go on.
    """
    found: list[Found] = []
    looked, last = 0, before
    batch = PAGE + 1 if not asked.flag else 200
    while looked < SCANNED:
        scanned = await _scanned(asked, last, batch)
        for contract in scanned:
            looked, last = looked + 1, contract.id
            each = with_flags(contract)
            if asked.flag and not {up.code for up in each.raised} & set(asked.flag):
                continue
            if len(found) == PAGE:
                return found, found[-1].id
            found.append(each)
        if len(scanned) < batch:
            return found, None
        if not asked.flag:
            break
    return found, last


async def one_contract(ref: str) -> Found | None:
    """A contract with its flags, by its reference."""
    scanned = await row(Scanned, f"{_SCAN} WHERE c.ref = {{}}", flags.REPEATED_MONTHS, flags.REPEATED_MONTHS, ref)
    return with_flags(scanned) if scanned else None


def with_flags(contract: Scanned) -> Found:
    """A contract of the search with its flags."""
    return Found(
        id=contract.id,
        ref=contract.ref,
        title=contract.title,
        buyer=contract.buyer,
        buyer_ref=contract.buyer_ref,
        supplier=contract.supplier,
        supplier_ref=contract.supplier_ref,
        value=Money(contract.value_minor, contract.currency),
        drawn_up_at=contract.drawn_up_at,
        signed_at=contract.signed_at,
        tender=contract.tender,
        ground=contract.ground,
        bids=len(contract.bid_refs),
        raised=flags.raised(facts_of(contract)),
    )


def facts_of(contract: Scanned) -> flags.Facts:
    """What the flags look at: a bid is out when the stored reckoning excluded it or set it aside, or when its envelope could
    not be read."""
    ranking = canonical.decode(contract.ranking.encode()) if contract.ranking else {}
    out = {each["bid"] for each in ranking.get("placed", ()) if each["excluded"]} | set(ranking.get("set_aside", ()))
    bids = [
        flags.BidFact(supplier, price, ref in out or unreadable)
        for ref, supplier, price, unreadable in zip(
            contract.bid_refs, contract.bid_suppliers, contract.bid_prices, contract.bid_unreadable, strict=True
        )
    ]
    first, kind = _signed(contract), kind_of(contract.kind, contract.codes)
    return flags.Facts(
        supplier=contract.supplier_ref,
        value_minor=contract.value_minor,
        estimate_minor=contract.estimate_minor,
        currency=contract.currency,
        bids=bids,
        price_only=contract.price_only,
        published_at=contract.published_at,
        closes_at=contract.closes_at,
        ground=contract.ground,
        near_threshold=contract.near_threshold,
        changes=len(contract.change_grounds),
        signed_minor=first.value.minor,
        allowances=[changes.allowance(first, _earlier(contract), limit, kind) for limit in changes.KINDS_OF_LIMIT],
        with_this_supplier=contract.with_this_supplier,
        of_this_buyer=contract.of_this_buyer,
    )


def _earlier(contract: Scanned) -> list[changes.Earlier]:
    return [
        changes.Earlier(ground, added, days)
        for ground, added, days in zip(
            contract.change_grounds, contract.change_minor, contract.change_days, strict=True
        )
    ]


def _signed(contract: Scanned) -> changes.Signed:
    """The contract as first signed: as it is, less what changes added."""
    value = Money(contract.value_minor - sum(contract.change_minor), contract.currency)
    begins_on, ends_on = contract.begins_on or date.min, contract.ends_on or date.min
    return changes.Signed(value, begins_on, ends_on - timedelta(days=sum(contract.change_days)), "")


async def _scanned(asked: Search, before: int | None, limit: int) -> list[Scanned]:
    words = [f"%{_plain(word)}%" for word in storable(asked.q).split()]
    return await rows(
        Scanned,
        _SCAN  # noqa: S608 - constants
        + """
        WHERE ({}::bigint IS NULL OR c.id < {}::bigint)
            AND NOT EXISTS (SELECT 1 FROM unnest({}::text[]) word WHERE concat_ws
                (' ', c.title, t.title, b.name, s.name, c.ref, t.ref, b.ref, s.ref) NOT ILIKE word)
            AND (b.name ILIKE {} OR b.ref = {})
            AND (s.name ILIKE {} OR s.ref = {})
            AND ({}::bigint IS NULL OR c.value_minor >= {})
            AND ({}::bigint IS NULL OR c.value_minor <= {})
            AND ({}::timestamptz IS NULL OR c.drawn_up_at >= {})
            AND ({}::timestamptz IS NULL OR c.drawn_up_at < {})
        ORDER BY c.id DESC LIMIT {}
        """,
        flags.REPEATED_MONTHS,
        flags.REPEATED_MONTHS,
        *[cursor(before)] * 2,
        words,
        f"%{_plain(asked.buyer)}%",
        storable(asked.buyer),
        f"%{_plain(asked.supplier)}%",
        storable(asked.supplier),
        *[cursor(asked.least_minor)] * 2,
        *[cursor(asked.most_minor)] * 2,
        *[day_begins(asked.since)] * 2,
        *[day_begins(asked.until, 1)] * 2,
        limit,
    )


def _plain(word: str) -> str:
    """A word as it stands in a LIKE pattern: its wildcards are letters like others."""
    return storable(word).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
