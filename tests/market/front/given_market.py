"""Given challenges and contracts as their own actions leave them: rows with believable defaults."""

from datetime import timedelta
from typing import Any

from challenges.tables import Challenge
from market import clock
from market.accounts.tables import Organisation
from market.awards.tables import Decision
from market.contracts.tables import Contract
from market.tenders.tables import Lot, Tender
from tests import given


async def challenge(title: str, closes_in: timedelta = timedelta(days=14), **facts: Any) -> Challenge:
    """A published challenge that closes in two weeks; six places at £5,000 each."""
    now = clock.now()
    buyer = facts.pop("buyer", None) or (await given.organisation(tier="local")).id
    someone = await given.person(await given.organisation(tier="local"), "buyer")
    row = Challenge(
        **{
            "buyer": buyer,
            "title": title,
            "fee_minor": 500_000,
            "places": 6,
            "cpv": ["71631450"],
            "region": "Yorkshire and the Humber",
            "closes_at": now + closes_in,
            "created_at": now,
            "created_by": someone.person,
            "published_at": now - timedelta(days=20),
            **facts,
        }
    )
    await row.save()
    return row


async def contract(supplier: Organisation, value_minor: int, *, signed: bool = True, **facts: Any) -> Contract:
    """A contract of one lot with its tender and decision. `ground`, `exercise`, `buyer`, `published_at` are the tender's;
    everything else is the contract's."""
    now = clock.now()
    buyer = facts.pop("buyer", None) or await given.organisation("Department for Roads")
    officer = await given.person(buyer, "buyer")
    ours = {name: facts.pop(name) for name in ("ground", "exercise", "published_at", "closes_at") if name in facts}
    estimate = facts.pop("estimate_minor", value_minor)
    tender = Tender(
        **{
            "buyer": buyer.id,
            "title": "Inspecting bridges by drone",
            "created_at": now,
            "created_by": officer.person,
            "published_at": now - timedelta(days=60) if "ground" in ours else None,
            "closes_at": now - timedelta(days=20),
            "opened_at": now - timedelta(days=19),
            **ours,
        }
    )
    await tender.save()
    lot = Lot(tender=tender.id, number=1, title="All bridges", value_minor=estimate, cpv=["71631450"])
    await lot.save()
    decision = Decision(
        tender=tender.id,
        lot=lot.id,
        reasons="The best total.",
        decided_at=now - timedelta(days=15),
        decided_by=officer.person,
        standstill_ends_at=now - timedelta(days=3),
    )
    await decision.save()
    row = Contract(
        **{
            "decision": decision.id,
            "tender": tender.id,
            "lot": lot.id,
            "buyer": buyer.id,
            "supplier": supplier.id,
            "title": "Inspecting bridges by drone",
            "value_minor": value_minor,
            "document": "{}",
            "drawn_up_at": now - timedelta(days=2),
            "drawn_up_by": officer.person,
            "buyer_signed_at": now if signed else None,
            "supplier_signed_at": now - timedelta(hours=2) if signed else None,
            **facts,
        }
    )
    await row.save()
    decision.contract = row.ref
    await decision.save([Decision.contract])
    return row
