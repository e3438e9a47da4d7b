"""The receipt of a confirmation: a supplier's word that an envelope it sealed before a change still stands after it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from market.proof import canonical, sealing


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a supplier takes away; digests in hexadecimal. `digest` covers the rest and stands in the log after the opening."""

    context: sealing.Context
    envelope_sha256: str
    addendum: str
    """The change after which the envelope still stands."""
    confirmed_at: datetime
    digest: str

    def to_plain(self) -> dict[str, canonical.Plain]:
        """The confirmation as plain data; anybody can recompute the digest from it."""
        facts = _facts(self.context, self.envelope_sha256, self.addendum, self.confirmed_at)
        return {**facts, "digest": self.digest}

    @classmethod
    def from_plain(cls, data: Any) -> Confirmation:
        """Read :meth:`to_plain` back; :class:`~market.proof.sealing.ReceiptRefused` for anything else, and where the digest does
        not cover the rest."""
        try:
            context = sealing.Context(data["tender"], data["lot"], data["supplier"])
            moment = datetime.fromisoformat(data["confirmed_at"])
            made = confirmation(context, data["envelope_sha256"], data["addendum"], moment)
            facts = {name: value for name, value in made.to_plain().items() if name != "digest"}
            if facts != {name: value for name, value in data.items() if name != "digest"}:
                raise ValueError
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise sealing.ReceiptRefused("This is not the receipt of a confirmation, of version 1.") from error
        if data.get("digest") != made.digest:
            raise sealing.ReceiptRefused("The receipt was altered: its digest does not cover what it says.")
        return made


def confirmation(context: sealing.Context, envelope_sha256: str, addendum: str, confirmed_at: datetime) -> Confirmation:
    """The receipt for the word that this envelope stands after this change. A moment without its zone is refused."""
    facts = _facts(context, envelope_sha256, addendum, confirmed_at)
    digest = hashlib.sha256(b"prelude-bid-confirmation-v1\0" + canonical.encode(facts)).hexdigest()
    return Confirmation(context, envelope_sha256, addendum, confirmed_at, digest)


def _facts(
    context: sealing.Context, envelope_sha256: str, addendum: str, confirmed_at: datetime
) -> dict[str, canonical.Plain]:
    if confirmed_at.tzinfo is None:
        raise ValueError("the moment of a confirmation needs its zone")
    return {
        "addendum": addendum,
        "confirmed_at": confirmed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "envelope_sha256": envelope_sha256,
        "lot": context.lot,
        "supplier": context.supplier,
        "tender": context.tender,
        "version": 1,
    }
