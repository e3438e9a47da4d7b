"""The log as proof: read in order, recomputed, exported for outsiders, and anchored by signed heads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from market import clock
from market.audit.tables import LAST, Link, Stored
from market.proof import chain
from market.reads import row, rows
from market.settings import settings

BATCH = 5000

OPENINGS = ("tender.opened", "challenge.shortlisted")
"""The verbs that break the seal `opening:kind:reference` of their subject."""


async def events(after: int = 0) -> AsyncIterator[list[Stored]]:
    """All events after this seq, in order, in batches; memory does not grow with the log."""
    while True:
        batch = await rows(
            Stored,
            """
            SELECT seq, at, actor, organisation, verb, subject, about, body, body_digest, private_body, hash, sealed_by
            FROM event WHERE seq > {} ORDER BY seq LIMIT {}
            """,
            after,
            BATCH,
        )
        if not batch:
            return
        yield batch
        after = batch[-1].seq


def as_row(found: Stored, *, private: bool = True) -> chain.Row:
    """A stored event as the chain reads it; without `private` the private text is left out."""
    return chain.Row(
        seq=found.seq,
        at=found.at,
        actor=found.actor,
        organisation=found.organisation,
        verb=found.verb,
        subject=found.subject,
        about=tuple(found.about),
        hash=found.hash,
        body=found.body,
        body_digest=found.body_digest,
        private_body=found.private_body if private else None,
    )


async def verify_log(heads: Sequence[chain.Head] = ()) -> chain.Report:
    """Recompute the whole chain from the database and name the first broken link, if there is one. `heads` are anchors
    somebody kept (their signatures checked before): the log must pass through each and not end before the last."""
    after, seen, met = (0, chain.GENESIS), 0, 0
    withheld = 0
    async for batch in events():
        last = batch[-1].seq
        within = [head for head in heads if after[0] < head.seq <= last]
        report = chain.verify(map(as_row, batch), heads=within, after=after)
        seen, met, withheld = seen + report.events, met + report.heads_met, withheld + report.bodies_withheld
        after = (report.seq, report.hash)
        if report.broken is not None:
            return chain.Report(seen, *after, withheld, 0, met, report.broken)
    ended = chain.verify([], heads=[head for head in heads if head.seq > after[0]], after=after)
    return chain.Report(seen, *after, withheld, 0, met, ended.broken)


async def unsealed() -> set[str]:
    """The seals (`Event.sealed_by`) that are broken by now: published drafts, opened tenders, short-listed challenges."""
    broken = await rows(
        str,
        """
        SELECT DISTINCT 'publication:' || subject FROM event WHERE verb LIKE '%.published'
        UNION SELECT DISTINCT 'opening:' || subject FROM event WHERE verb = ANY({}::text[])
        """,
        list(OPENINGS),
    )
    return set(broken)


async def public_log(after: int = 0) -> AsyncIterator[bytes]:
    """The log as outsiders may keep it, one canonical JSON line an event: sealed events as seq and hash alone, private
    texts never. What is hidden today must hash to the same when it is shown later."""
    open_seals = await unsealed()
    async for batch in events(after):
        lines = []
        for found in batch:
            hidden = found.sealed_by and found.sealed_by not in open_seals
            shown = chain.Withheld(found.seq, found.hash) if hidden else as_row(found, private=False)
            lines.append(chain.to_line(shown, body=True))
        yield b"\n".join(lines) + b"\n"


def head_key() -> Ed25519PrivateKey:
    """The key that signs heads, derived from the platform's secret."""
    return chain.head_key(settings().secret)


def public_key() -> bytes:
    """The 32 raw bytes of the key that verifies heads, to be published where the operator cannot quietly change them."""
    return head_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


async def head() -> chain.Head | None:
    """The log's present state, signed; None for an empty log."""
    last = await row(Link, LAST)
    return chain.sign_head(head_key(), last.seq, last.hash, clock.now()) if last else None
