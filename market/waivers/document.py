"""What a minister signs: the request with the tender as it stood, as canonical JSON, and what is read back from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from market.accounts.tables import Organisation, Person
from market.db import find
from market.proof import canonical, signing
from market.tenders import gate, readers
from market.tenders.facts import Candidate, Lot
from market.tenders.tables import Tender
from market.waivers.delegations.rules import Instrument
from market.waivers.grounds import grounds, label
from market.waivers.tables import Waiver
from market.wording import N_, _


def signed_document(waiver: Waiver) -> dict[str, Any] | None:
    """The document as it was decided on, read back from its bytes; None while the request is open."""
    found: dict[str, Any] | None = canonical.decode(waiver.document.encode()) if waiver.document else None
    return found


class Stop(msgspec.Struct, frozen=True):
    """An exercise on the same need that ended with “stop”: whose it was, when it was concluded (UTC, as the document says
    it), and why."""

    reference: str
    title: str
    body: str
    concluded_at: datetime
    reasons: str


def stops_of(waiver: Waiver | None, candidate: Candidate) -> list[Stop]:
    """The stops that close the gate to this tender: as the minister read them where she has decided, else as they are now."""
    signed = signed_document(waiver) if waiver else None
    if signed is not None:
        return msgspec.convert(signed.get("stops", []), list[Stop])
    return [
        Stop(each.reference, each.title, each.body, each.completed_at, each.reasons)
        for each in gate.stopping(candidate)
    ]


async def document(waiver: Waiver, tender: Tender, under: Instrument | None = None) -> bytes:
    """What the minister signs: the tender with its lots and values, the request, and what she grants by signing, as
    canonical JSON. The same rows always make the same bytes; while the request is open the tender cannot change. Of a
    delegate it names the instrument `under` which she signs, by its reference and the digest of its bundle."""
    buyer = await find(Organisation, Organisation.id == waiver.buyer)
    department = await find(Organisation, Organisation.id == waiver.department)
    asker = await find(Person, Person.id == waiver.asked_by)
    lots = await readers.lots_of(tender)
    ground = grounds().get(waiver.ground)
    facts: dict[str, Any] = {
        "type": _("waiver of the innovation-first rule"),
        "version": 1,
        "waiver": waiver.ref,
        "grants": N_(
            "The tender named here may be published without an innovation exercise of its own, for these "
            "lots and up to this value, until the last moment of validity."
        ),
        "asked_at": stamp(waiver.asked_at),
        "asked_by": {"ref": asker.ref, "name": asker.name},
        "buyer": {"ref": buyer.ref, "name": buyer.name},
        "department": {"ref": department.ref, "name": department.name},
        "tender": {
            "ref": tender.ref,
            "title": tender.title,
            "description": tender.description,
            "currency": tender.currency,
            "value_minor": sum(lot.value_minor for lot in lots),
            "lots": [_lot(lot) for lot in lots],
        },
        "ground": {"code": waiver.ground, "label": label(waiver.ground), "source": ground.source if ground else ""},
        "statement": waiver.statement,
        "evidence": waiver.evidence.splitlines(),
        "stops": [
            {
                "reference": each.reference,
                "title": each.title,
                "body": each.body,
                "concluded_at": stamp(each.completed_at),
                "reasons": each.reasons,
            }
            for each in gate.stopping(await readers.candidate(tender.ref))
        ],
        "similar": {"shown": list(waiver.shown), "answer": waiver.similar},
        "cost_of_waiting": waiver.cost_of_waiting,
        "valid_until": stamp(waiver.valid_until) if waiver.valid_until else None,
    }
    if under is not None:
        facts["under"] = {
            "instrument": under.ref,
            "bundle": signing.Bundle.from_text(under.bundle).digest(),
            "minister": {"ref": under.minister_ref, "name": under.minister_name, "office": under.office},
        }
    return canonical.encode(facts)


def _lot(lot: Lot) -> dict[str, Any]:
    return {
        "ref": lot.ref,
        "number": lot.number,
        "title": lot.title,
        "description": lot.description,
        "cpv": list(lot.cpv),
        "value_minor": lot.value_minor,
    }


def stamp(moment: datetime) -> str:
    """A moment as the document says it: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
