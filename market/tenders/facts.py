"""What is known of a tender where it is read: frozen structs that the gate and the rules take, and pages show. Pure, and no
field has a default: whoever asks a rule says every fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from market.arrival import Arrival
from market.budgets.rules import Naming
from market.hands.rules import Link
from market.money import Money


class Tender(msgspec.Struct, frozen=True):
    """A tender with the mission it serves, whose reference and title are empty when it serves none."""

    id: int
    ref: str
    buyer: int
    mission: int | None
    mission_ref: str
    mission_title: str
    budget: int | None
    exercise: str
    same_need: str
    what_changed: str
    title: str
    description: str
    cpv: list[str]
    region: str
    procedure: str
    currency: str
    contract_kind: str
    contract_kind_reason: str
    alike_minor: int
    """What the same body bought, or drafts, in the same classes of the CPV within the policy's months: without VAT."""
    alike: list[str]
    """The published tenders among them."""
    commodity_claimed: bool
    commodity_statement: str
    commodity_confirmed_at: datetime | None
    commodity_confirmed_reason: str
    waiver_asked: str
    undivided_reason: str
    lots_per_supplier: int | None
    profile: str
    terms: str
    contract_begins_on: date | None
    contract_ends_on: date | None
    questions_until: datetime | None
    closes_at: datetime | None
    published_at: datetime | None
    documents_later: bool
    planned_notice: str
    planned_notice_on: date | None
    urgency_reason: str
    opened_at: datetime | None
    cancelled_at: datetime | None
    cancelled_reason: str
    ground: str
    ground_reference: str
    gate_trace: str
    key_commitment: str
    buyer_ref: str
    buyer_name: str
    buyer_tier: str


class Lot(msgspec.Struct, frozen=True):
    """A lot. Its value is an estimate without VAT, in minor units of the tender's currency, and so is the highest price that
    is taken, None when any is, and what it was bought for, None before it is decided."""

    id: int
    ref: str
    number: int
    title: str
    description: str
    cpv: list[str]
    value_minor: int
    maximum_minor: int | None
    bought_minor: int | None
    sme_suitable: bool

    @property
    def worth_minor(self) -> int:
        """What it is worth as far as is known: what it was bought for, and until then its estimate."""
        return self.value_minor if self.bought_minor is None else self.bought_minor


class Criterion(msgspec.Struct, frozen=True):
    """What bids for a lot are scored on, with its weight of 100; `minimum` is the mark below which a bid is excluded."""

    id: int
    ref: str
    lot: int
    name: str
    kind: str
    weight: int
    description: str
    minimum: int


class Officer(msgspec.Struct, frozen=True):
    """An opening officer: who she is, her public key (empty until she made a code), and when she made and entered it."""

    id: int
    person: int
    person_ref: str
    name: str
    email: str
    public_key: bytes
    enrolled_at: datetime | None
    contributed_at: datetime | None


class Evidence(msgspec.Struct, frozen=True):
    """A concluded exercise or a signed waiver. `kin` says whether it is of the buyer's family: the buyer, its department, and
    the other bodies of that department. `payer` (id; its name is `payer_name`) would pay for the follow-on, `used_minor` is
    what the lots of the other published tenders that rest on this are worth together: what they were bought for, once known.
    `pitches` to `falls_short` are what an exercise rests on (`evidence.Effort`), None of a waiver and where nobody counted."""

    ground: str
    reference: str
    kin: bool
    tender: int | None
    cpv: list[str]
    ceiling_minor: int | None
    signed_by: str
    completed_at: datetime
    expires_at: datetime | None
    outcome: str
    title: str
    problem: str
    reasons: str
    body: str
    follow_on_minor: int | None
    follow_on_currency: str
    follow_on_route: str
    payer: int | None
    payer_name: str
    used_minor: int
    stops: list[str]
    revoked_at: datetime | None
    suspends_at: datetime | None
    pitches: int | None
    pitches_least: int | None
    measures: int | None
    statement: str
    falls_short: str


class Addendum(msgspec.Struct, frozen=True):
    """A change since publication: its kind, the deadlines it moved between, if it moved it, what it changed (canonical JSON), and
    whether bids sealed before it count only when they are confirmed or replaced."""

    ref: str
    text: str
    new_closes_at: datetime | None
    at: datetime
    kind: str
    closed_at_before: datetime | None
    changed: str
    unconfirms: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """All that is looked at before a tender is published. `criteria` are by the lot's id, `evidence` is what is on record
    for the tender, its buyer, and the bodies whose exercises serve it too; `links` who of the buyer let whom in lately,
    `naming` what is known of the budget it is paid from."""

    tender: Tender
    now: Arrival
    lots: Sequence[Lot]
    criteria: Mapping[int, Sequence[Criterion]]
    officers: Sequence[Officer]
    evidence: Sequence[Evidence]
    links: Sequence[Link]
    naming: Naming

    @property
    def codes(self) -> list[str]:
        """Every CPV code of the lots, or the tender's own while it has no lot."""
        codes = [code for lot in self.lots for code in lot.cpv]
        return list(dict.fromkeys(codes or self.tender.cpv))

    @property
    def value(self) -> Money:
        """What the lots are estimated to be worth together."""
        return Money(sum(lot.value_minor for lot in self.lots), self.tender.currency)
