"""Tables for a spreadsheet: one row for each process, one row for each contract.

UTF-8 with a byte order mark, which spreadsheet programs need to see that it is UTF-8, and CRLF (RFC 4180). A cell that a
spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises on CSV injection: titles and names are
typed by strangers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from market.kinds import address
from market.opendata import actions
from market.settings import settings

MARK = b"\xef\xbb\xbf"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
PAGE = 500

PROCESSES = (
    "ocid", "kind", "title", "status", "buyer", "buyer_id", "opens", "closes", "value", "currency", "procedure", "lots",
    "cpv", "bids", "suppliers", "awarded", "contracts", "contracted", "paid", "changed", "page", "record",
)  # fmt: skip
CONTRACTS = (
    "ocid", "contract", "award", "title", "status", "buyer", "buyer_id", "suppliers", "supplier_ids", "supplier_sizes",
    "signed", "starts", "ends", "value", "currency", "milestones", "milestones_met", "paid", "changes", "changed", "page",
)  # fmt: skip


class _Value(msgspec.Struct):
    amount: Decimal = Decimal(0)
    currency: str = ""


class _Named(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Period(msgspec.Struct, rename="camel"):
    start_date: str = ""
    end_date: str = ""


class _Code(msgspec.Struct):
    id: str = ""


class _Item(msgspec.Struct, rename="camel"):
    classification: _Code = msgspec.field(default_factory=_Code)
    additional_classifications: list[_Code] = []


class _Tender(msgspec.Struct, rename="camel"):
    status: str = ""
    procurement_method_details: str = ""
    value: _Value | None = None
    tender_period: _Period = msgspec.field(default_factory=_Period)
    lots: list[_Code] = []
    items: list[_Item] = []


class _Statistic(msgspec.Struct):
    measure: str = ""
    value: int = 0


class _Bids(msgspec.Struct):
    statistics: list[_Statistic] = []


class _Award(msgspec.Struct):
    id: str
    status: str = ""
    value: _Value | None = None
    suppliers: list[_Named] = []


class _Transaction(msgspec.Struct):
    value: _Value | None = None


class _Milestone(msgspec.Struct):
    status: str = ""


class _Work(msgspec.Struct):
    transactions: list[_Transaction] = []
    milestones: list[_Milestone] = []


class _Contract(msgspec.Struct, rename="camel"):
    id: str
    award_id: str = msgspec.field(name="awardID")
    title: str = ""
    status: str = ""
    value: _Value | None = None
    date_signed: str = ""
    period: _Period = msgspec.field(default_factory=_Period)
    implementation: _Work = msgspec.field(default_factory=_Work)
    amendments: list[_Code] = []


class _Details(msgspec.Struct):
    scale: str = ""


class _Party(msgspec.Struct):
    id: str
    details: _Details = msgspec.field(default_factory=_Details)


class _Process(msgspec.Struct):
    ocid: str
    date: str
    title: str = ""
    buyer: _Named = msgspec.field(default_factory=_Named)
    tender: _Tender = msgspec.field(default_factory=_Tender)
    bids: _Bids | None = None
    awards: list[_Award] = []
    contracts: list[_Contract] = []
    parties: list[_Party] = []


_READ = msgspec.json.Decoder(_Process)


def plain(text: str) -> str:
    """The text as a cell: what a spreadsheet would take for a formula is made text by an apostrophe."""
    return f"'{text}" if text.startswith(DANGEROUS) or text.lstrip().startswith(DANGEROUS) else text


def process_rows(subject: str, compiled: str) -> Iterable[tuple[object, ...]]:
    """The row of one process."""
    found = _READ.decode(compiled)
    kind, tender = subject.partition(":")[0], found.tender
    value = tender.value
    standing = [each for each in found.awards if each.status == "active"]
    codes = [code.id for item in tender.items for code in (item.classification, *item.additional_classifications)]
    paid = [one.value for each in found.contracts for one in each.implementation.transactions]
    yield (
        found.ocid,
        kind,
        found.title,
        tender.status,
        found.buyer.name,
        found.buyer.id,
        tender.tender_period.start_date,
        tender.tender_period.end_date,
        value.amount if value else "",
        _currency([value, *(one.value for one in standing), *(one.value for one in found.contracts), *paid]),
        tender.procurement_method_details,
        len(tender.lots),
        _joined(codes),
        sum(each.value for each in found.bids.statistics if each.measure == "bids") if found.bids else "",
        _joined(firm.name for each in standing for firm in each.suppliers),
        _sum(each.value for each in standing),
        len(found.contracts),
        _sum(each.value for each in found.contracts if each.status != "cancelled"),
        _sum(paid),
        found.date,
        f"{settings().site_url}{address(subject)}",
        f"{settings().site_url}/api/ocds/records/{found.ocid}",
    )


def contract_rows(subject: str, compiled: str) -> Iterable[tuple[object, ...]]:
    """The rows of the contracts of one process; a challenge's paid pitches are contracts, too."""
    found = _READ.decode(compiled)
    awards = {each.id: each for each in found.awards}
    sizes = {each.id: each.details.scale for each in found.parties}
    kind, _, ref = subject.partition(":")
    for each in found.contracts:
        award = awards.get(each.award_id)
        firms = award.suppliers if award else []
        work = each.implementation
        yield (
            found.ocid,
            each.id,
            each.award_id,
            each.title,
            each.status,
            found.buyer.name,
            found.buyer.id,
            _joined(firm.name for firm in firms),
            _joined(firm.id for firm in firms),
            _joined(sizes.get(firm.id, "") for firm in firms),
            each.date_signed,
            each.period.start_date,
            each.period.end_date,
            each.value.amount if each.value else "",
            each.value.currency if each.value else "",
            len(work.milestones),
            sum(one.status == "met" for one in work.milestones),
            _sum(one.value for one in work.transactions),
            len(each.amendments),
            found.date,
            f"{settings().site_url}/contracts/{each.id}"
            if kind == "tender"
            else f"{settings().site_url}/challenges/{ref}",
        )


Rows = Callable[[str, str], Iterable[tuple[object, ...]]]


async def written(heading: tuple[str, ...], rows: Rows) -> AsyncIterator[bytes]:
    """The whole table in pieces; no more than a page of processes is in memory."""
    yield MARK + _lines([heading])
    after = 0
    while page := await actions.page_of_processes(after, PAGE):
        found = [row for process in page for row in rows(process.subject, process.compiled)]
        if found:
            yield _lines(found)
        after = page[-1].last


def _lines(rows: Iterable[tuple[object, ...]]) -> bytes:
    kept = io.StringIO(newline="")
    csv.writer(kept, lineterminator="\r\n").writerows(
        [plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return kept.getvalue().encode()


def _joined(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(word for word in words if word))


def _currency(values: Iterable[_Value | None]) -> str:
    return _joined(each.currency for each in values if each)


def _sum(values: Iterable[_Value | None]) -> Any:
    """The sum of amounts of one currency; nothing where there is none, or where pounds would be added to euros."""
    held = [each for each in values if each]
    return sum(each.amount for each in held) if len({each.currency for each in held}) == 1 else ""
