"""Given a published tender with lots, criteria and opening officers: rows as publication leaves them, keys made for real."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.bids.actions import BidDraft, platform_key
from market.proof import sealing
from market.tenders.tables import Lot, LotCriterion, OpeningOfficer, Tender
from tests import given


@dataclass
class Published:
    """A published tender and everybody who matters to it; `codes` are the officers' secrets in their order."""

    tender: Tender
    buyer: Organisation
    officer: Actor
    officers: list[Actor]
    codes: list[str]
    lots: list[Lot]
    criteria: dict[int, list[LotCriterion]]

    def bid(self, price_minor: int = 5_000_000, lot: int = 0, words: str = "We have done this before.") -> BidDraft:
        """A complete bid for a lot."""
        answers = {each.ref: words for each in self.criteria[self.lots[lot].id] if each.kind == "quality"}
        return BidDraft(price_minor, answers, True)


async def published(
    lots: int = 1, closes_in: timedelta = timedelta(days=30), body: Organisation | None = None, **facts: Any
) -> Published:
    """A tender published now, closing in thirty days, with this many lots of two quality criteria and the price."""
    buyer = body or await given.organisation("Department for Roads")
    buying = await given.person(buyer, "buyer")
    officers = [await given.person(buyer, "buyer"), await given.person(buyer, "contract-manager")]
    now = clock.now()
    secrets = [sealing.officer_secret() for _ in officers]
    key = sealing.make_key([each.public_key for each in secrets], platform_key())
    tender = Tender(
        **{
            "buyer": buyer.id,
            "title": "Inspecting bridges by drone",
            "description": "Inspect the county's bridges without closing them.",
            "cpv": ["71631450"],
            "contract_kind": "goods-services",
            "created_at": now,
            "created_by": buying.person,
            "published_at": now,
            "questions_until": now + closes_in / 2,
            "closes_at": now + closes_in,
            "public_key": key.public_key,
            "platform_share": key.platform_share,
            "key_commitment": key.commitment,
            **facts,
        }
    )
    await tender.save()
    for actor, secret, share in zip(officers, secrets, key.officer_shares, strict=True):
        await OpeningOfficer.insert(
            OpeningOfficer(
                tender=tender.id, person=actor.person, public_key=secret.public_key, share=share, enrolled_at=now
            )
        )
    made: list[Lot] = []
    criteria: dict[int, list[LotCriterion]] = {}
    for number in range(1, lots + 1):
        lot = Lot(tender=tender.id, number=number, title=f"Part {number}", value_minor=6_000_000, cpv=["71631450"])
        await lot.save()
        made.append(lot)
        criteria[lot.id] = []
        for place, (name, kind, weight) in enumerate(
            [("Method", "quality", 40), ("Team", "quality", 20), ("Price", "price", 40)], 1
        ):
            criterion = LotCriterion(lot=lot.id, place=place, name=name, kind=kind, weight=weight)
            await criterion.save()
            criteria[lot.id].append(criterion)
    return Published(tender, buyer, buying, officers, [each.code for each in secrets], made, criteria)


async def opened(published_tender: Published, at: datetime | None = None) -> None:
    """Open its bids, after the deadline, by both officers."""
    from market.bids import actions

    assert published_tender.tender.closes_at is not None
    with clock.at(at or published_tender.tender.closes_at + timedelta(hours=1)):
        for actor, code in zip(published_tender.officers, published_tender.codes, strict=True):
            await actions.contribute(actor, published_tender.tender.ref, code)
