"""What our packages look like, for the description of the API. The data are written by the builders; these types only say
what a reader finds: the main fields of OCDS 1.1.5, each with an example. Every other field of the standard
(https://standard.open-contracting.org/1.1/en/schema/reference/) may stand beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Tag = Literal[
    "planning",
    "planningUpdate",
    "tender",
    "tenderUpdate",
    "tenderCancellation",
    "award",
    "awardUpdate",
    "awardCancellation",
    "contract",
    "contractUpdate",
    "contractAmendment",
    "contractTermination",
    "implementationUpdate",
]
"""The release tags that our events are published with; a test compares them with the table of events."""

Role = Literal["buyer", "procuringEntity", "supplier", "tenderer", "payer", "payee"]
Ocid = Annotated[
    str, Meta(description="The contracting process; never changes", examples=["ocds-prelud-tender-T-7KQ4M2X"])
]
Key = Annotated[str, Meta(examples=["T-7KQ4M2X"])]
Words = Annotated[str, Meta(examples=["Sensors for road gullies"])]
Link = Annotated[str, Meta(examples=["https://prelude.example/api/ocds/releases?cursor=120&limit=100"])]
Moment = Annotated[datetime, Meta(description="RFC 3339, in UTC", examples=["2026-11-23T09:00:00Z"])]


class Value(Struct):
    """An amount without VAT in major units, exact to the digit."""

    amount: Annotated[float, Meta(examples=[156000.5])]
    currency: Annotated[str, Meta(description="ISO 4217", examples=["GBP"])]


class Party(Struct):
    """An organisation. Its id is its number on a public register where it has one (org-id.guide)."""

    id: Annotated[str, Meta(examples=["GB-COH-09990008"])]
    name: Annotated[str, Meta(examples=["Tidewatch Ltd"])]
    roles: list[Role]


class Reference(Struct):
    """An organisation among `parties`, by id."""

    id: Annotated[str, Meta(examples=["GB-COH-09990008"])]
    name: Annotated[str, Meta(examples=["Tidewatch Ltd"])]


class Period(Struct):
    """From and until."""

    startDate: Moment | UnsetType = UNSET
    endDate: Moment | UnsetType = UNSET


class LotShape(Struct):
    """A part that is bid for and awarded on its own (lots extension)."""

    id: Annotated[str, Meta(examples=["LT-9W2C4HD"])]
    status: Literal["planned", "active", "cancelled", "unsuccessful", "complete"]
    title: Words | UnsetType = UNSET
    value: Value | UnsetType = UNSET


class TenderShape(Struct):
    """What is asked of the market; for a challenge its problem, with the status `planning`."""

    id: Key
    title: Words
    status: Literal["planning", "planned", "active", "cancelled", "unsuccessful", "complete"]
    procurementMethod: Literal["open", "selective", "limited", "direct"] | UnsetType = UNSET
    mainProcurementCategory: Literal["goods", "services", "works"] | UnsetType = UNSET
    value: Value | UnsetType = UNSET
    tenderPeriod: Period | UnsetType = UNSET
    lots: list[LotShape] | UnsetType = UNSET


class AwardShape(Struct):
    """A decision, or a paid place in a challenge."""

    id: Annotated[str, Meta(examples=["A-3PDX8KM"])]
    status: Literal["active", "cancelled"]
    value: Value | UnsetType = UNSET
    suppliers: list[Reference] | UnsetType = UNSET


class ContractShape(Struct):
    """A contract under an award, with its milestones and the payments made."""

    id: Annotated[str, Meta(examples=["C-5RTN2VB"])]
    awardID: Annotated[str, Meta(examples=["A-3PDX8KM"])]
    status: Literal["pending", "active", "cancelled", "terminated"]
    value: Value | UnsetType = UNSET
    dateSigned: Moment | UnsetType = UNSET


class Statistic(Struct):
    """How many bids one lot drew; there is none before its envelopes are open (bid statistics extension)."""

    measure: Literal["bids", "validBids", "smeBids"]
    value: Annotated[float, Meta(examples=[4])]
    relatedLot: Annotated[str, Meta(examples=["LT-9W2C4HD"])] | UnsetType = UNSET


class Bids(Struct):
    """Counts only: no bid and no bidder."""

    statistics: list[Statistic]


class Related(Struct):
    """The exercise a tender rests on."""

    relationship: list[Literal["planning"]]
    scheme: Literal["ocid"]
    identifier: Annotated[str, Meta(examples=["ocds-prelud-challenge-CH-4XK9Q2M"])]


class Compiled(Struct):
    """All releases of one process merged by OCDS's rules: how things stand."""

    ocid: Ocid
    id: Annotated[str, Meta(examples=["ocds-prelud-tender-T-7KQ4M2X-2026-11-23T09:00:00Z"])]
    date: Moment
    tag: list[Literal["compiled"]]
    initiationType: Literal["tender"]
    parties: list[Party]
    buyer: Reference
    tender: TenderShape
    title: Words
    language: Annotated[str, Meta(examples=["en"])]
    bids: Bids | UnsetType = UNSET
    awards: list[AwardShape] | UnsetType = UNSET
    contracts: list[ContractShape] | UnsetType = UNSET
    relatedProcesses: list[Related] | UnsetType = UNSET


class ReleaseShape(Struct):
    """One change, with everything that was public at its moment."""

    ocid: Ocid
    id: Annotated[str, Meta(examples=["ocds-prelud-tender-T-7KQ4M2X-118"])]
    date: Moment
    tag: list[Tag]
    initiationType: Literal["tender"]
    parties: list[Party]
    buyer: Reference
    tender: TenderShape
    title: Words
    language: Annotated[str, Meta(examples=["en"])]
    bids: Bids | UnsetType = UNSET
    awards: list[AwardShape] | UnsetType = UNSET
    contracts: list[ContractShape] | UnsetType = UNSET
    relatedProcesses: list[Related] | UnsetType = UNSET


class LinkedRelease(Struct):
    """Where one release of the record is found."""

    url: Link
    date: Moment
    tag: list[Tag]


class RecordShape(Struct):
    """One process: links to its releases, and how things stand."""

    ocid: Ocid
    releases: list[LinkedRelease]
    compiledRelease: Compiled


class FullRecord(Struct):
    """One process with its releases inside."""

    ocid: Ocid
    releases: list[ReleaseShape]
    compiledRelease: Compiled


class PublisherShape(Struct):
    """Who publishes."""

    name: Annotated[str, Meta(examples=["Prelude"])]
    uri: Annotated[str, Meta(examples=["https://prelude.example"])]


class Links(Struct):
    """The next page; left out on the last one."""

    next: Link


class Package(Struct):
    """What every package says of itself."""

    uri: Link
    version: Literal["1.1"]
    extensions: list[str]
    publishedDate: Moment
    publisher: PublisherShape
    license: str
    publicationPolicy: str


class ReleasePackage(Package):
    """Releases in the order of publication."""

    releases: list[ReleaseShape]
    links: Links | UnsetType = UNSET


class RecordPackage(Package):
    """Records, those that changed longest ago first."""

    records: list[RecordShape]
    links: Links | UnsetType = UNSET


class FullRecordPackage(Package):
    """One record."""

    records: list[FullRecord]
