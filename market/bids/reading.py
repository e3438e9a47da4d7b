"""Reading envelopes at the opening: what is kept of each, what is set aside, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.bids import contents, rules
from market.bids.contents import Written
from market.bids.tables import Envelope, OpenedBid, Opening, SetAside
from market.db import find, transaction
from market.proof import canonical
from market.reads import rows
from market.refusals import Refusal
from market.tenders import facts
from market.tenders.tables import Lot, Tender


@dataclass(frozen=True, slots=True)
class Aside:
    """An envelope whose bid was set aside, with every reason."""

    envelope: Envelope
    reasons: Sequence[Refusal]

    @property
    def codes(self) -> list[str]:
        """The reasons as the rule book has them."""
        return [each.code for each in self.reasons]

    @property
    def words(self) -> str:
        """The reasons as everybody may read them."""
        return " ".join(each.reason for each in self.reasons)


async def keep(
    sealed: Envelope, tender: Tender, lot: facts.Lot, criteria: Sequence[facts.Criterion], private: X25519PrivateKey
) -> Aside | None:
    """Open one envelope and keep what was in it, in a savepoint of its own: a bid that does not hold is kept with its
    reasons and nothing else, and stops nobody else's. Answers what was set aside."""
    found = contents.read(sealed, tender.ref, tender.currency, lot.maximum_minor, criteria, private)
    if isinstance(found, Written):
        try:
            async with transaction():
                await OpenedBid.insert(
                    _row(
                        sealed,
                        tender,
                        price_minor=found.price_minor,
                        answers=canonical.encode(found.answers).decode(),
                        declarations="declared",
                    )
                )
            return None
        except asyncpg.DataError:
            found = [rules.NOT_KEPT.refusal()]
    aside = Aside(sealed, found)
    await OpenedBid.insert(_row(sealed, tender, problem=aside.words, problem_codes=aside.codes))
    return aside


def _row(sealed: Envelope, tender: Tender, **found: Any) -> OpenedBid:
    return OpenedBid(
        bid=sealed.id, tender=tender.id, lot=sealed.lot, supplier=sealed.supplier, currency=tender.currency, **found
    )


async def tell_set_aside(actor: Actor, tender: Tender, opening: Opening, aside: Aside) -> None:
    """Tell a supplier and the log that its bid was set aside, and why."""
    sealed = aside.envelope
    await tell(
        sealed.supplier,
        "bids/set_aside.txt",
        roles=SUPPLIER_ROLES,
        about=f"bid:{sealed.ref}",
        tender=tender,
        lot=await find(Lot, Lot.id == sealed.lot),
        sealed=sealed,
        why=aside.words,
    )
    await record(
        actor,
        "bid.set-aside",
        f"bid:{sealed.ref}",
        {
            "codes": aside.codes,
            "envelope_sha256": sealed.digest,
            "lot": sealed.lot_ref,
            "opening": opening.ref,
            "reason": aside.words,
        },
        about=[f"tender:{tender.ref}"],
        organisation=sealed.supplier_ref,
    )


async def those_set_aside(tender: int) -> dict[str, SetAside]:
    """What was set aside when the bids of this tender were opened, by the bid's reference."""
    found = await rows(
        SetAside,
        """
        SELECT b.ref AS bid, ob.problem, ob.problem_codes AS codes FROM opened_bid ob JOIN bid b ON b.id = ob.bid
        WHERE ob.tender = {} AND ob.problem <> ''
        """,
        tender,
    )
    return {each.bid: each for each in found}
