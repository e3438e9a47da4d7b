"""The processes that changed last, as an Atom feed (RFC 4287), the next page by RFC 5005."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

import msgspec

from market.kinds import address
from market.opendata.releases import date
from market.opendata.tables import Latest
from market.settings import settings
from market.wording import N_, _

SAID = {
    "planning": N_("A challenge was published"),
    "planningUpdate": N_("A challenge changed"),
    "tender": N_("A tender was published"),
    "tenderUpdate": N_("A tender changed"),
    "tenderCancellation": N_("A tender was cancelled"),
    "award": N_("An award was decided"),
    "awardUpdate": N_("A standstill ends later"),
    "awardCancellation": N_("An award was set aside"),
    "contract": N_("A contract was signed"),
    "contractUpdate": N_("Notice was given that a contract will change"),
    "contractAmendment": N_("A contract was changed"),
    "contractTermination": N_("A contract ended"),
    "implementationUpdate": N_("Work was accepted or paid"),
}
"""A process's newest change in words, by the first tag of its newest release."""


class _Face(msgspec.Struct):
    title: str = ""


_READ = msgspec.json.Decoder(_Face)


def atom(processes: Sequence[Latest], here: str, following: str | None, updated: datetime) -> bytes:
    """One entry for each process, newest first; its id is the address of its record and does not change, so that a reader
    shows a process again when it has changed. Only signs that XML 1.0 allows are written."""
    entries = "".join(_entry(each) for each in processes)
    on = f'<link rel="next" href={quoteattr(following)}/>' if following else ""
    site = settings().site_url
    return _allowed(
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>{escape(site)}/api/ocds/changes.atom</id><title>Prelude: what changed in open contracting data</title>"
        f'<link rel="self" href={quoteattr(here)}/>{on}<link href={quoteattr(f"{site}/open-data")}/>'
        f"<author><name>Prelude</name></author><updated>{date(updated)}</updated>{entries}</feed>"
    ).encode()


def _entry(process: Latest) -> str:
    site, page = settings().site_url, address(process.subject)
    record = f"{site}/api/ocds/records/{process.ocid}"
    terms = "".join(f"<category term={quoteattr(tag)}/>" for tag in process.tags)
    return (
        f"<entry><id>{escape(record)}</id><title>{escape(_READ.decode(process.compiled).title)}</title>"
        f"<link href={quoteattr(f'{site}{page}')}/>"
        f'<link rel="alternate" type="application/json" href={quoteattr(record)}/>'
        f"<updated>{date(process.changed_at)}</updated>{terms}<summary>{_(SAID[process.tags[0]])}.</summary></entry>"
    )


def _allowed(text: str) -> str:
    return "".join(
        sign
        for sign in text
        if sign in "\t\n\r" or " " <= sign <= "\ud7ff" or "\ue000" <= sign <= "\ufffd" or sign > "\uffff"
    )
