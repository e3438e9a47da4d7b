"""What the public may find: one shape for every kind, and no field in it that is not public.

The index is a copy that strangers may read in full, so the shape is a whitelist. A field that is not named here cannot
be sent: constructing a document with it fails, and decoding one with it is refused. Facts that follow from others (the
sector from the CPV codes, the year from the date, the band from the value) are derived here once, so that no builder can
contradict itself.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from market import clock
from market.kinds import KINDS


class Kind(StrEnum):
    """What a found thing is; the tabs of the search page, in their order."""

    CHALLENGE = "challenge"
    TENDER = "tender"
    SUPPLIER = "supplier"
    CONTRACT = "contract"
    INSIGHT_REPORT = "insight_report"
    COMPONENT = "component"
    NOTICE = "notice"
    """Imported from another portal."""
    WAIVER = "waiver"


if set(Kind) != {name for name, kind in KINDS.items() if kind.findable}:
    raise AssertionError("what is found, and only that, has its tab in market.kinds")


VALUE_BANDS: tuple[tuple[str, int], ...] = (
    ("under-10k", 1_000_000),
    ("10k-50k", 5_000_000),
    ("50k-100k", 10_000_000),
    ("100k-500k", 50_000_000),
    ("500k-1m", 100_000_000),
    ("1m-10m", 1_000_000_000),
    ("10m-and-more", 2**63),
)
"""Name and first minor unit that no longer belongs to the band, in the document's own currency (never converted)."""

_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ue000-\uf8ff\ud800-\udfff]")
"""Control, invisible, private-use and lone surrogate characters: neither engine nor page has a use for them, and the
private ones mark highlighted words on the way back."""


def clean(text: str) -> str:
    """The text composed (NFC) and without characters nobody can see."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _UNSHOWABLE.sub(" ", text))


def cpv_prefixes(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Every level above and including the codes: 72222300-0 gives 72, 722, 7222, 72222, 722223, each one filter value.

    The Common Procurement Vocabulary (Regulation (EC) No 213/2008, annex I) is a tree written in digits: two for the
    division, three for the group, four for the class, five for the category, and up to three more for detail; the ninth
    is a check digit and means nothing. A code with fewer than two digits is passed over.
    """
    found: dict[str, None] = {}
    for code in codes:
        digits = code.split("-")[0].strip()[:8]
        if not digits.isdigit() or len(digits) < 2:
            continue
        deep = max(2, len(digits.rstrip("0")))
        for length in range(2, deep + 1):
            found[digits[:length]] = None
    return tuple(found)


@cache
def value_band(minor: int) -> str:
    """The band a value belongs to; the pages show its name in words."""
    return next(name for name, end in VALUE_BANDS if minor < end)


class SearchDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One findable thing. Moments are whole seconds since 1970 in UTC, money whole minor units with its currency."""

    kind: Kind
    ref: str
    """Public reference, unique within the kind."""
    url: str
    """Where it is read: a path of this site, or the address on the portal it came from."""
    title: str
    summary: str = ""
    body: str = ""
    """Searched and quoted in snippets, never listed whole."""
    keywords: tuple[str, ...] = ()
    """Words people would type: CPV labels, capabilities, tags."""
    track_record: tuple[str, ...] = ()
    """For a supplier: the titles of what it has done here."""
    buyer: str = ""
    supplier_names: tuple[str, ...] = ()
    cpv: tuple[str, ...] = ()
    region: str = ""
    stage: str = ""
    """At the moment it was told; what is shown is reckoned anew from `dates`, see :mod:`search.standing`."""
    dates: str = ""
    """The dates its standing is reckoned from, as JSON. Neither searched nor filtered by."""
    value_minor: int | None = None
    currency: str = ""
    sme_suitable: bool | None = None
    source: str = ""
    """The portal it was published on; empty for our own."""
    opens_at: int | None = None
    closes_at: int | None = None
    published_at: int | None = None
    certificates: tuple[str, ...] = ()
    profile_passed: bool | None = None
    """For a component: whether its API passed the profile. None where the question does not arise."""
    licence: str = ""
    open_to_partners: bool | None = None
    """For a supplier: whether it wants to be found by others who look for somebody to bid with."""
    experience: tuple[str, ...] = ()
    """For a supplier: which of :data:`search.experience.KINDS` it has."""
    popularity: int = 0
    """Breaks ties between equally good matches; whole, 0 to a million."""
    arrival: int = 0
    """The how-manieth thing it was to become findable here; 0 when nobody counted. Whoever wants to hear of what is new
    asks for what arrived since: the date on a record may be long past when a portal brings it."""

    @property
    def id(self) -> str:
        """`kind:ref`, the name of the document in either engine."""
        return f"{self.kind.value}:{self.ref}"

    @property
    def cpv_path(self) -> tuple[str, ...]:
        """The codes and all that stands above them in the tree."""
        return cpv_prefixes(self.cpv)

    @property
    def sector(self) -> tuple[str, ...]:
        """CPV divisions (two digits)."""
        return tuple(prefix for prefix in self.cpv_path if len(prefix) == 2)

    @property
    def year(self) -> str:
        """The year of publication where deadlines are read (see :data:`market.clock.ZONE`); empty when unknown."""
        if self.published_at is None:
            return ""
        return str(datetime.fromtimestamp(self.published_at, UTC).astimezone(clock.ZONE).year)

    @property
    def value_band(self) -> str:
        """Empty when no value is known."""
        return "" if self.value_minor is None else value_band(max(0, self.value_minor))

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the content: equal exactly when the index holds what the database says."""
        return hashlib.blake2b(_encode(self.cleaned()), digest_size=8).hexdigest()

    def cleaned(self) -> SearchDocument:
        """The same document with every text composed and showable, as both engines keep it."""
        changes: dict[str, Any] = {}
        for field in _TEXTS:
            text = getattr(self, field)
            if (better := clean(text)) is not text:
                changes[field] = better
        for field in _LISTS:
            texts = getattr(self, field)
            if (many := tuple(clean(text) for text in texts)) != texts:
                changes[field] = many
        return msgspec.structs.replace(self, **changes) if changes else self


_encode = msgspec.json.Encoder(order="deterministic").encode
_TEXTS = ("title", "summary", "body", "buyer", "region", "stage", "currency", "source", "licence")
_LISTS = ("keywords", "track_record", "supplier_names", "certificates")


def facet_values(document: SearchDocument, facet: str) -> tuple[str, ...]:
    """What the document counts as under a facet, always as text: `true` and `false` for the questions with two answers."""
    value = getattr(document, facet)
    if value is None or value == "":
        return ()
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return tuple(value) if isinstance(value, tuple) else (str(value),)
