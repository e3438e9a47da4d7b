"""Listing a service, offering it for a tender, and lodging its document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from market.refusals import Denial, rule
from market.standards.rules import OWN
from market.wording import N_, _

TENDER: Final = re.compile(r"T-[0-9A-Z]{5,12}")
"""The reference of a tender."""

MATURITY: Final = {
    "beta": N_("Beta: in use, may still change"),
    "live": N_("Live: in regular use"),
    "retiring": N_("Being retired"),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known when a service is listed or revised; `known` are the labels of the published profiles."""

    profiles: Sequence[str]
    known: Sequence[str]
    cpv: Sequence[str]
    maturity: str
    public_url: str
    withdrawn: bool


@rule("service.withdrawn")
def is_still_listed(listing: Listing) -> str | None:
    """A service that was withdrawn is listed anew, not changed."""
    return _("This service was withdrawn. List it anew.") if listing.withdrawn else None


@rule("service.profile-unknown", field="profiles", source=OWN)
def names_published_profiles(listing: Listing) -> str | None:
    """A service is checked under profile versions that are published, at least one."""
    if not listing.profiles:
        return _("Choose at least one profile to be checked under.")
    unknown = [each for each in listing.profiles if each not in listing.known]
    return (
        _(
            "There is no profile {unknown}. There are: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(listing.known),
        )
        if unknown
        else None
    )


@rule("service.cpv-malformed", field="cpv", source="Regulation (EC) No 213/2008: CPV codes have eight digits")
def service_codes_look_like_codes(listing: Listing) -> str | None:
    """Sectors are named by CPV codes, as everywhere on this site."""
    wrong = [code for code in listing.cpv if not re.fullmatch(r"\d{8}(-\d)?", code)]
    return _("These are not CPV codes: {wrong}.", wrong=", ".join(wrong)) if wrong else None


@rule("service.maturity-unknown", field="maturity")
def says_how_mature_it_is(listing: Listing) -> str | None:
    """A buyer is told whether a service is still being tried, in use, or about to go."""
    return None if listing.maturity in MATURITY else _("Choose how mature the service is.")


@rule("service.address-malformed", field="public_url")
def address_can_be_followed(listing: Listing) -> str | None:
    """An address people follow begins with https://."""
    if not listing.public_url:
        return None
    parts = urlsplit(listing.public_url)
    return None if parts.scheme == "https" and parts.hostname else _("Begin the address with https://.")


LIST = (
    is_still_listed,
    names_published_profiles,
    service_codes_look_like_codes,
    says_how_mature_it_is,
    address_can_be_followed,
)
"""For listing a service and for revising it."""


@dataclass(frozen=True, slots=True)
class Offering:
    """What is known when a service is offered for a tender: the tender's reference, and what it is offered for already."""

    withdrawn: bool
    tender: str
    offered: Sequence[str]


@rule("service.offer-withdrawn")
def offers_a_listed_service(offering: Offering) -> str | None:
    """What is offered is in the catalogue."""
    return _("This service was withdrawn. List it anew.") if offering.withdrawn else None


@rule("service.tender-malformed", field="tender")
def names_a_tender(offering: Offering) -> str | None:
    """Tenders are named by their reference."""
    return None if TENDER.fullmatch(offering.tender) else _("Name the tender by its reference, like T-7KQ4M2X.")


@rule("service.offers-too-many", field="tender")
def is_offered_for_few(offering: Offering) -> str | None:
    """A service that is offered everywhere says nothing."""
    return _("This service is offered for forty tenders already.") if len(offering.offered) >= 40 else None


OFFER = (offers_a_listed_service, names_a_tender, is_offered_for_few)
"""For naming a tender that a service is offered for."""


@dataclass(frozen=True, slots=True)
class Lodging:
    """What is known when a document is lodged: its size, and whether it is the one that is lodged already."""

    withdrawn: bool
    size: int
    largest: int
    same: bool


@rule("lodgement.service-withdrawn")
def lodges_for_a_listed_service(lodging: Lodging) -> str | None:
    """Documents are lodged for services that are listed."""
    return _("This service was withdrawn. List it anew.") if lodging.withdrawn else None


@rule("lodgement.empty", field="document")
def lodges_something(lodging: Lodging) -> str | None:
    """There is a document."""
    return None if lodging.size else _("Choose a file, or paste the document.")


@rule(
    "lodgement.too-large", field="document", source="Own limit, twice the largest public descriptions in ordinary use"
)
def is_not_too_large(lodging: Lodging) -> str | None:
    """What is larger than any honest description is not read."""
    if lodging.size <= lodging.largest:
        return None
    return _(
        "The document has {size:,} bytes; at most {largest:,} are read.", size=lodging.size, largest=lodging.largest
    )


@rule("lodgement.unchanged", field="document")
def is_another_document(lodging: Lodging) -> str | None:
    """The same bytes are checked again, not lodged again: a version is a change."""
    return _("This very document is lodged already. Check it again instead.") if lodging.same else None


LODGE = (lodges_for_a_listed_service, lodges_something, is_not_too_large, is_another_document)
"""For lodging a document."""


NOTHING_LODGED = Denial(
    "lodgement.none",
    N_("No document is lodged yet. Lodge one first."),
    norm="A check is of the document that is lodged.",
)


LODGED_MEANWHILE = Denial(
    "lodgement.meanwhile",
    N_("Another document was lodged meanwhile. Look at it, then lodge again."),
    norm="A document is compared with the one before it, so two are not lodged at once.",
)


NOT_FETCHED = Denial(
    "lodgement.not-fetched",
    "{why}",
    norm="A document is taken from an address that answers with one, of a size that is read.",
    field="address",
    status=422,
)
