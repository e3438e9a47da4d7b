"""What stands in an envelope: the one form in which a bid is written before it is sealed, and how it is read when it is opened.

A server of ours seals what it has judged. At the opening nobody relies on that: who has the tender's public key can seal anything
to it, so the text is read as a stranger's. It says exactly these fields, each of exactly its type, names the very place it is
filed under, and is judged by the same rules as when it was sealed. What does not hold says why, and hurts nobody else's bid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Meta

from market.bids import rules
from market.bids.tables import Envelope
from market.proof import canonical, sealing
from market.refusals import Refusal
from market.tenders.facts import Criterion
from market.wording import N_

Price = Annotated[int, Meta(title=N_("Your price without VAT"), ge=0, le=10**13)]
"""In minor units of the tender's currency."""

Answers = dict[str, Annotated[str, Meta(max_length=20_000)]]
"""The reference of each quality criterion → the text that is scored."""


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a bid, the same since the first envelope: canonical JSON of these fields and no others."""

    answers: Answers
    currency: str
    declared: bool
    lot: str
    price_minor: Price
    supplier: str
    tender: str

    def to_bytes(self) -> bytes:
        """What is sealed."""
        return canonical.encode(msgspec.structs.asdict(self))


def read(
    envelope: Envelope,
    tender: str,
    currency: str,
    maximum_minor: int | None,
    criteria: Sequence[Criterion],
    private: X25519PrivateKey,
) -> Written | list[Refusal]:
    """Open one envelope of a tender (its reference, its currency, the highest price and the criteria of its lot) and judge
    it: what stands in it, or every reason why it is set aside. Whatever is in it, this answers; nothing of what was sealed is
    repeated in a reason."""
    context = sealing.Context(tender, envelope.lot_ref, envelope.supplier_ref)
    stored = sealing.receipt(envelope.envelope, context, envelope.received_at)
    if (stored.envelope_sha256, stored.digest) != (envelope.digest, envelope.receipt):
        return [rules.EXCHANGED.refusal()]
    try:
        plain = sealing.open_envelope(private, context, envelope.envelope)
    except sealing.Unsealable as broken:
        return [rules.UNREADABLE.refusal(why=broken)]
    try:
        written = msgspec.convert(canonical.decode(plain), Written)
    except (canonical.NotCanonical, msgspec.ValidationError):
        # Not in their words, which may repeat what a stranger wrote.
        return [rules.NOT_WRITTEN_AS_A_BID.refusal()]
    here = (tender, envelope.lot_ref, envelope.supplier_ref, currency)
    if here != (written.tender, written.lot, written.supplier, written.currency):
        return [rules.FOR_ANOTHER_PLACE.refusal()]
    content = rules.Content(
        written.price_minor, written.answers, written.declared, criteria, len(plain), maximum_minor, currency
    )
    return [each.broken for each in rules.CONTENT if each(content) is not None] or written
