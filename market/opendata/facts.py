"""What our open contracting data is made from: plain, typed facts, filled in from the database by whoever publishes.

The builders in :mod:`~market.opendata.releases` see nothing else, so what is not here cannot be published: no person's
name, no e-mail address, no bid before it is opened. Every amount is :class:`~market.money.Money`, every moment is aware;
a naive one is refused when it is written. Identifiers are ours, stable for ever, and never reused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from market.money import Money

Scale = Literal["micro", "sme", "large"]
Category = Literal["goods", "services", "works"]
Method = Literal["open", "selective", "limited", "direct"]
MilestoneType = Literal["preProcurement", "approval", "engagement", "assessment", "delivery", "reporting", "financing"]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes, and on what terms.

    `prefix` is the ocid prefix that the Open Contracting Partnership registers for a publisher (`ocds-` and six letters
    or digits). `site` is our own address without a final slash; documents and packages are found below it.
    """

    name: str
    prefix: str
    site: str
    license: str
    policy: str
    scheme: str | None = None
    uid: str | None = None
    language: str = "en"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"ocds-[0-9a-z]{6}", self.prefix):
            raise ValueError(f"an ocid prefix is ocds- and six letters or digits, not {self.prefix!r}")
        if not self.site.startswith(("http://", "https://")) or self.site.endswith("/"):
            raise ValueError("the site is an http(s) address without a final slash")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A buyer or a supplier. `scheme` and `number` together identify it on an org-id.guide list (GB-COH, 01234567)."""

    key: str
    name: str
    scheme: str | None = None
    number: str | None = None
    street: str | None = None
    locality: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    uri: str | None = None
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A public document. `type` is a code of OCDS's documentType list where one fits; it may be another."""

    key: str
    type: str
    title: str
    url: str
    published_at: datetime
    description: str | None = None
    format: str | None = None
    lots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something due on a day, and the day it was met. `failed` is told apart from merely not yet."""

    key: str
    title: str
    type: MilestoneType
    due_at: datetime | None = None
    met_at: datetime | None = None
    failed: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that reached `payee`; `reference` is the payment provider's or the ledger's public number."""

    key: str
    amount: Money
    paid_at: datetime
    payer: Organisation
    payee: Organisation
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Pitch:
    """One short-listed team's place: the same fee for each, owed when the pitch was delivered, win or lose; nothing is owed
    when it was missed."""

    key: str
    team: Organisation
    fee: Money
    agreed_at: datetime
    delivered_at: datetime | None = None
    payments: tuple[Payment, ...] = ()
    missed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a challenge or tender is paid from, and how much of it was reserved when it was published, VAT included."""

    key: str
    purpose: str
    reserved: Money


@dataclass(frozen=True, slots=True)
class Challenge:
    """A pre-procurement innovation exercise: a problem, never a specification. It has an ocid of its own."""

    key: str
    title: str
    problem: str
    buyer: Organisation
    method: str
    published_at: datetime
    opens_at: datetime
    closes_at: datetime
    fee: Money
    places: int
    budget: Budget | None = None
    success: tuple[str, ...] = ()
    evidence: str | None = None
    mission: str | None = None
    mission_key: str | None = None
    cpv: tuple[str, ...] = ()
    category: Category | None = None
    milestones: tuple[Milestone, ...] = ()
    pitches: tuple[Pitch, ...] = ()
    documents: tuple[Document, ...] = ()
    decision: Literal["go", "change", "stop"] | None = None
    concluded_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_because: str | None = None


@dataclass(frozen=True, slots=True)
class Exercise:
    """The finished exercise a tender rests on: ours or another publisher's, by its ocid."""

    ocid: str
    title: str
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A minister's signed permission to tender without an exercise, as the public register shows it."""

    key: str
    title: str
    ground: str
    url: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Lot:
    """A part of a tender that can be bid for and awarded on its own. `value` is the estimate, `maximum` the highest price that
    is taken."""

    key: str
    title: str
    description: str
    value: Money | None = None
    cpv: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    sme_suitable: bool | None = None
    criteria: tuple[tuple[str, int], ...] = ()
    unsuccessful_at: datetime | None = None
    cancelled_at: datetime | None = None
    maximum: Money | None = None


@dataclass(frozen=True, slots=True)
class BidCount:
    """How many bids one lot drew. It exists only once the envelopes were opened, at `opened_at`."""

    lot: str
    opened_at: datetime
    received: int
    valid: int | None = None
    from_sme: int | None = None


@dataclass(frozen=True, slots=True)
class Award:
    """A decision for one or more lots, with its reasons. `withdrawn_at` when it was taken back."""

    key: str
    title: str
    lots: tuple[str, ...]
    suppliers: tuple[Organisation, ...]
    value: Money
    decided_at: datetime
    reasons: str | None = None
    standstill_ends_at: datetime | None = None
    withdrawn_at: datetime | None = None
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A change to a signed contract: what was agreed and why."""

    key: str
    agreed_at: datetime
    rationale: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract under an award. `signed_at` is the second of the two signatures; without it the contract is pending."""

    key: str
    award: str
    title: str
    value: Money
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    signed_at: datetime | None = None
    terminated_at: datetime | None = None
    description: str | None = None
    milestones: tuple[Milestone, ...] = ()
    payments: tuple[Payment, ...] = ()
    changes: tuple[Change, ...] = ()
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Tender:
    """A procurement from its notice to the end of its contracts.

    Exactly what permits it is published with it: the `exercise` it rests on, the `waiver`, or the reason it is exempt
    (`rationale`, for instance that the purchase is a commodity). Criteria stand on the lots, each with its weight of 100.
    """

    key: str
    title: str
    description: str
    buyer: Organisation
    published_at: datetime
    closes_at: datetime
    lots: tuple[Lot, ...]
    budget: Budget | None = None
    category: Category | None = None
    method: Method = "open"
    method_details: str | None = None
    rationale: str | None = None
    exercise: Exercise | None = None
    waiver: Waiver | None = None
    questions_close_at: datetime | None = None
    has_questions: bool | None = None
    sme_suitable: bool | None = None
    most_lots_bid: int | None = None
    most_lots_awarded: int | None = None
    undivided_because: str | None = None
    documents: tuple[Document, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    bids: tuple[BidCount, ...] = ()
    awards: tuple[Award, ...] = ()
    contracts: tuple[Contract, ...] = ()
    cancelled_at: datetime | None = None
    cancelled_because: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The change a release announces: its own stable `key` (an event's id), its moment, and its OCDS release tags."""

    key: str
    at: datetime
    tags: tuple[str, ...]
