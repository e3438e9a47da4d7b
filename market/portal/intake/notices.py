"""The public view of a procurement from another portal: flat, typed, and no more than the pages and the search show.

A :class:`Notice` is made from a compiled release and holds facts only. Whether it is open is a question about now, so
:func:`stage` answers it from the dates; nothing has to close a notice. Contact points (people's names, e-mail addresses,
telephone numbers) are left out on purpose: they are personal data, and the notice at its source has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from market.money import Money, exponent
from market.portal.intake.spellings import instant, moment
from market.standing import Standing, Tone
from market.wording import N_, _

UNTITLED = N_("Untitled notice")
"""The title of a notice whose portal gives none."""

Stage = Literal["planning", "open", "closed", "awarded", "contract", "cancelled"]
"""Where a procurement stands; `closed` is past its deadline, or without one, and not awarded as far as is known."""

STALE = timedelta(days=365)
"""An open-ended tender older than this is taken for closed: portals often never say that one ended."""

LARGEST_AMOUNT = 10**17
"""Minor units above which an amount is taken for a mistake (and which a bigint column still holds)."""

_TEST_TITLE = re.compile(
    r"^\W*(test|testing|dummy|training)\W*(notice|tender|contract|only|[\d\s]+)*\W*$|\btest (notice|tender|contract)\b"
    r"|\bplease (ignore|disregard)\b|\bdo not (bid|respond|apply)\b|^\W*тест",
    re.IGNORECASE,
)


class Party(msgspec.Struct, frozen=True):
    """An organisation as a notice names it; `scheme` and `identifier` only when both were given (org-id.guide)."""

    name: str
    id: str | None = None
    scheme: str | None = None
    identifier: str | None = None
    place: str | None = None
    scale: str | None = None


class Link(msgspec.Struct, frozen=True):
    """A document at its publisher; always http or https."""

    url: str
    title: str
    type: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One procurement at one portal. Amounts are minor units of `currency`; moments are aware and in UTC.

    `value_from` says what the amount is: the tender's estimate, the sum of its lots, awards or contracts, or the budget.
    """

    ocid: str
    source: str
    title: str
    description: str = ""
    buyer: Party | None = None
    suppliers: tuple[Party, ...] = ()
    cpv: tuple[str, ...] = ()
    category: str | None = None
    value_minor: int | None = None
    currency: str | None = None
    value_from: Literal["tender", "lots", "awards", "contracts", "budget"] | None = None
    awarded_minor: int | None = None
    awarded_currency: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    awarded_at: datetime | None = None
    signed_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    reached: Literal["planning", "tender", "award", "contract"] = "planning"
    cancelled: bool = False
    complete: bool = False
    region: str | None = None
    regions: tuple[str, ...] = ()
    method: str | None = None
    method_details: str | None = None
    lots: int = 0
    sme_suitable: bool | None = None
    documents: tuple[Link, ...] = ()
    link: str | None = None
    related: tuple[str, ...] = ()
    language: str | None = None
    test: bool = False


STAGES: dict[Stage, tuple[str, Tone]] = {
    "planning": (N_("Planned"), "grey"),
    "open": (N_("Open"), "green"),
    "closed": (N_("Closed"), "amber"),
    "awarded": (N_("Awarded"), "teal"),
    "contract": (N_("Contract"), "teal"),
    "cancelled": (N_("Cancelled"), "red"),
}
"""The word for each stage, and its tone."""


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a notice is reckoned from: its dates, and how far its releases have come."""

    cancelled: bool
    reached: Literal["planning", "tender", "award", "contract"]
    complete: bool
    opens_at: datetime | None
    closes_at: datetime | None
    awarded_at: datetime | None
    signed_at: datetime | None
    published_at: datetime | None
    updated_at: datetime | None


def standing(notice: Notice | Dates, now: datetime) -> Standing:
    """Where the procurement stands, in words, and the date that matters now, as far as its portal gave one."""
    found = stage(notice, now)
    dates: dict[Stage, tuple[datetime | None, str]] = {
        "planning": (notice.opens_at, _("Opens")),
        "open": (notice.closes_at, _("Closes")),
        "closed": (notice.closes_at, _("Closed")),
        "awarded": (notice.awarded_at, _("Awarded")),
        "contract": (notice.signed_at, _("Signed")),
        "cancelled": (notice.updated_at, _("Cancelled")),
    }
    when, label = dates[found]
    word, tone = STAGES[found]
    return Standing(found, _(word), tone, *((when, label) if when else (notice.published_at, _("Published"))))


def stage(notice: Notice | Dates, now: datetime) -> Stage:
    """Where the procurement stands at `now`, derived from its dates and from how far its releases have come."""
    if notice.cancelled:
        return "cancelled"
    if notice.reached == "contract":
        return "contract"
    if notice.reached == "award":
        return "awarded"
    if notice.reached == "planning":
        return "planning"
    if notice.opens_at is not None and now < notice.opens_at:
        return "planning"
    if notice.closes_at is not None:
        return "open" if now < notice.closes_at else "closed"
    last_seen = notice.updated_at or notice.published_at
    if notice.complete or last_seen is None or now - last_seen > STALE:
        return "closed"
    return "open"


def notice(compiled: dict[str, Any], *, source: str, tags: tuple[str, ...] = (), link: str | None = None) -> Notice:
    """The public view of a compiled release from `source` (the portal's short name).

    `tags` are those of the whole history, since a compiled release only says that it is compiled. `link` is where the
    portal shows the procurement, when its pages can be told from the ocid; a link in the release itself goes first.
    """
    tender, planning = _object(compiled.get("tender")), _object(compiled.get("planning"))
    awards, contracts = _objects(compiled.get("awards")), _objects(compiled.get("contracts"))
    live_awards = [each for each in awards if each.get("status") not in ("cancelled", "unsuccessful", "pending")]
    live_contracts = [each for each in contracts if each.get("status") not in ("cancelled", "pending")]
    lots = _objects(tender.get("lots"))
    parties = {str(each.get("id")): each for each in _objects(compiled.get("parties"))}
    items = [*_objects(tender.get("items")), *(one for each in awards for one in _objects(each.get("items")))]
    amount, currency, value_from = _value(tender, lots, awards, contracts, planning)
    awarded = _sum(live_awards) or _sum(live_contracts)
    period, contract_period = _object(tender.get("tenderPeriod")), _object(tender.get("contractPeriod"))
    running = next((each for each in (_object(one.get("period")) for one in contracts) if each), contract_period)
    documents = tuple(_documents(tender, planning, awards, contracts))
    regions = tuple(dict.fromkeys(_regions(tender, items, lots)))
    buyer = _buyer(compiled, tender, parties)
    title = _first(tender.get("title"), compiled.get("title"), *(each.get("title") for each in (*awards, *contracts)))
    budget = _object(planning.get("budget"))
    description = _first(
        tender.get("description"), compiled.get("description"), *(each.get("description") for each in (*awards, *contracts)),
        planning.get("rationale"), budget.get("description"), budget.get("project"),
    )  # fmt: skip
    title = title or _cut(description, 120) or _cut(_first(*(each.get("description") for each in items)), 120)
    return Notice(
        ocid=str(compiled["ocid"]),
        source=source,
        title=title or _(UNTITLED),
        description=description,
        buyer=buyer,
        suppliers=tuple(_suppliers(awards, parties)),
        cpv=tuple(dict.fromkeys(_cpv(tender, items, lots))),
        category=tender.get("mainProcurementCategory"),
        value_minor=amount,
        currency=currency,
        value_from=value_from,
        awarded_minor=awarded[0] if awarded else None,
        awarded_currency=awarded[1] if awarded else None,
        published_at=_earliest(
            tender.get("datePublished"),
            *(each.get("datePublished") for each in _objects(tender.get("documents"))),
            period.get("startDate"),
            *(each.get("datePublished") for each in awards),
            compiled.get("date"),
        ),
        updated_at=_moment(compiled.get("date")),
        opens_at=_moment(period.get("startDate")),
        closes_at=_moment(period.get("endDate")),
        awarded_at=_earliest(*(each.get("date") for each in live_awards)),
        signed_at=_earliest(*(each.get("dateSigned") for each in contracts)),
        starts_at=_moment(running.get("startDate")),
        ends_at=_moment(running.get("endDate")),
        reached=_reached(tags, tender, live_awards, live_contracts),
        cancelled=_cancelled(tags, tender, awards),
        complete=tender.get("status") in ("complete", "unsuccessful"),
        region=regions[0] if regions else buyer.place if buyer else None,
        regions=regions,
        method=tender.get("procurementMethod"),
        method_details=_first(tender.get("procurementMethodDetails")) or None,
        lots=len(lots),
        sme_suitable=_sme(tender, lots),
        documents=documents,
        link=_link(documents) or _web(compiled.get("url")) or _web(compiled.get("urlSECOP")) or _web(link),
        related=tuple(_related(compiled)),
        language=compiled.get("language") if isinstance(compiled.get("language"), str) else None,
        test=bool(_TEST_TITLE.search(title)),
    )


def minor_units(amount: Any, currency: Any) -> int | None:
    """A published amount in minor units of its currency, half a unit rounded up; None without a currency or when absurd."""
    if not isinstance(amount, (int, float, Decimal)) or isinstance(amount, bool) or not isinstance(currency, str):
        return None
    try:
        exact = (Decimal(repr(amount)) if isinstance(amount, float) else Decimal(amount)).scaleb(exponent(currency))
        minor = int((exact + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR"))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return minor if abs(minor) <= LARGEST_AMOUNT else None


def cpv_code(text: Any) -> str | None:
    """A CPV code as its eight digits, without the check digit: “45000000-7” and 45000000 alike; None when it is none."""
    digits = re.match(r"(\d{8})(?:-\d)?$", str(text).strip()) if isinstance(text, (str, int)) else None
    return digits.group(1) if digits else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _first(*texts: Any) -> str:
    for each in texts:
        if isinstance(each, str) and each.strip():
            return each.strip()
    return ""


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    made = moment(text)[0]
    if made is None:
        return None
    try:
        return instant(made)
    except OverflowError:
        return None


def _earliest(*texts: Any) -> datetime | None:
    found = [each for each in map(_moment, texts) if each is not None and each > datetime(1990, 1, 1, tzinfo=UTC)]
    return min(found, default=None)


def _money(value: Any) -> tuple[int, str] | None:
    given = _object(value)
    minor = minor_units(given.get("amount"), given.get("currency"))
    return (minor, given["currency"]) if minor is not None else None


def _sum(blocks: list[dict[str, Any]]) -> tuple[int, str] | None:
    """The blocks' values together; None when one has another currency, since money is never converted."""
    found = [each for each in (_money(block.get("value")) for block in blocks) if each and each[0]]
    if not found or len({currency for _, currency in found}) > 1:
        return None
    return sum(minor for minor, _ in found), found[0][1]


def _value(
    tender: dict[str, Any],
    lots: list[dict[str, Any]],
    awards: list[dict[str, Any]],
    contracts: list[dict[str, Any]],
    planning: dict[str, Any],
) -> tuple[int | None, str | None, Literal["tender", "lots", "awards", "contracts", "budget"] | None]:
    stated = _money(tender.get("value")) or _money(tender.get("maxValue")) or _money(tender.get("minValue"))
    budget = _money(_object(planning.get("budget")).get("amount"))
    if stated and stated[0]:
        return (*stated, "tender")
    if total := _sum(lots):
        return (*total, "lots")
    if total := _sum(awards):
        return (*total, "awards")
    if total := _sum(contracts):
        return (*total, "contracts")
    if budget and budget[0]:
        return (*budget, "budget")
    return None, None, None


def _party(reference: dict[str, Any], parties: dict[str, dict[str, Any]]) -> Party | None:
    full = parties.get(str(reference.get("id")), {})
    identifier = _object(full.get("identifier") or reference.get("identifier"))
    name = _first(reference.get("name"), full.get("name"), identifier.get("legalName"))
    if not name:
        return None
    address = _object(full.get("address") or reference.get("address"))
    scheme, number = identifier.get("scheme"), identifier.get("id")
    known = isinstance(scheme, str) and scheme and number not in (None, "")
    return Party(
        name=name,
        id=str(reference["id"]) if reference.get("id") is not None else None,
        scheme=scheme if known else None,
        identifier=str(number) if known else None,
        place=_first(address.get("locality"), address.get("region"), address.get("countryName")) or None,
        scale=_object(full.get("details")).get("scale"),
    )


def _buyer(compiled: dict[str, Any], tender: dict[str, Any], parties: dict[str, dict[str, Any]]) -> Party | None:
    for reference in (compiled.get("buyer"), tender.get("procuringEntity")):
        if reference and (found := _party(_object(reference), parties)):
            return found
    for role in ("buyer", "procuringEntity"):
        for party in parties.values():
            if role in (party.get("roles") or ()) and (found := _party(party, parties)):
                return found
    return None


def _suppliers(awards: list[dict[str, Any]], parties: dict[str, dict[str, Any]]) -> Iterator[Party]:
    seen = set()
    for award in awards:
        if award.get("status") in ("cancelled", "unsuccessful"):
            continue
        for reference in _objects(award.get("suppliers")):
            found = _party(reference, parties)
            if found and (found.id, found.name) not in seen:
                seen.add((found.id, found.name))
                yield found


def _classifications(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(block.get("classification"), dict):
        yield block["classification"]
    yield from _objects(block.get("additionalClassifications"))


def _cpv(tender: dict[str, Any], items: list[dict[str, Any]], lots: list[dict[str, Any]]) -> Iterator[str]:
    for block in (tender, *items, *lots):
        for each in _classifications(block):
            scheme = str(each.get("scheme") or "").upper()
            if ("CPV" in scheme or scheme in ("ДК021", "")) and (code := cpv_code(each.get("id"))):
                yield code


def _regions(tender: dict[str, Any], items: list[dict[str, Any]], lots: list[dict[str, Any]]) -> Iterator[str]:
    for block in (tender, *items, *lots):
        addresses = [*_objects(block.get("deliveryAddresses")), _object(block.get("deliveryAddress"))]
        for address in addresses:
            found = _first(address.get("region"), address.get("locality"), address.get("countryName"))
            if found:
                yield found


def _sme(tender: dict[str, Any], lots: list[dict[str, Any]]) -> bool | None:
    said = [_object(block.get("suitability")).get("sme") for block in (tender, *lots)]
    known = [each for each in said if isinstance(each, bool)]
    return any(known) if known else None


def _web(url: Any) -> str | None:
    """The address when it is one a browser may safely follow."""
    text = url.strip() if isinstance(url, str) else ""
    return text if re.match(r"https?://[^\s<>\"']+$", text) and len(text) <= 2000 else None


def _documents(
    tender: dict[str, Any],
    planning: dict[str, Any],
    awards: list[dict[str, Any]],
    contracts: list[dict[str, Any]],
) -> Iterator[Link]:
    seen = set()
    for block in (tender, planning, *awards, *contracts):
        for each in _objects(block.get("documents")):
            url = _web(each.get("url"))
            if url and url not in seen:
                seen.add(url)
                kind = each.get("documentType")
                title = _first(each.get("title"), each.get("description")) or "Document"
                yield Link(url, _cut(title, 160), kind if isinstance(kind, str) else None)


def _link(documents: tuple[Link, ...]) -> str | None:
    """The page of the notice itself, where the release names one among its documents."""
    notices = ("tenderNotice", "contractNotice", "awardNotice", "plannedProcurementNotice", "marketEngagementNotice")
    for kind in notices:
        for each in documents:
            if each.type == kind:
                return each.url
    return None


def _reached(
    tags: tuple[str, ...], tender: dict[str, Any], awards: list[dict[str, Any]], contracts: list[dict[str, Any]]
) -> Literal["planning", "tender", "award", "contract"]:
    said = {tag for tag in tags if tag != "compiled"}
    if contracts or (not awards and any(tag.startswith(("contract", "implementation")) for tag in said)):
        return "contract"
    if awards:
        return "award"
    if tender.get("status") == "planning" or (said and all(tag.startswith("planning") for tag in said)):
        return "planning"
    if tender.get("status") == "planned" and not tender.get("tenderPeriod"):
        return "planning"
    return "tender" if tender else "planning"


def _cancelled(tags: tuple[str, ...], tender: dict[str, Any], awards: list[dict[str, Any]]) -> bool:
    if tender.get("status") in ("cancelled", "withdrawn"):
        return True
    if "tenderCancellation" in tags and tender.get("status") != "active":
        return True
    return bool(awards) and all(each.get("status") == "cancelled" for each in awards)


def _related(compiled: dict[str, Any]) -> Iterator[str]:
    for each in _objects(compiled.get("relatedProcesses")):
        identifier = each.get("identifier")
        if isinstance(identifier, str) and identifier.strip():
            yield identifier.strip()


def money(minor: int | None, currency: str | None) -> Money | None:
    """An amount that can be shown: known, and in a currency that has a code."""
    try:
        return Money(minor, currency) if minor is not None and currency else None
    except ValueError:
        return None
