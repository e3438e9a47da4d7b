"""What operators do with other portals' sources and items: mend what was broken, say how often to fetch. Pairs are decided in
`market.portal.sameness.actions` and `market.portal.suppliers.actions`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.edits import Trace, revise
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.portal import imports, rules
from market.portal.intake import keeping
from market.portal.intake.reading import Defect, published
from market.portal.tables import (
    Quarantined,
    Source,
)
from market.reads import rows
from market.refusals import NotFound, insist
from market.wording import N_, _


class Mending(msgspec.Struct, forbid_unknown_fields=True):
    """A mended item; empty to read the kept bytes again, when the reader or a mapping has become better."""

    text: Annotated[str, Meta(title=N_("The release, record or row as it should be"), max_length=4_000_000)] = ""


class Rhythm(msgspec.Struct, forbid_unknown_fields=True):
    """How often a source is fetched."""

    every_hours: Annotated[int, Meta(title=N_("Fetch every so many hours (0: by hand)"), ge=0, le=8784)]


async def replay(actor: Actor, ref: str, given: Mending) -> Quarantined:
    """Bring a quarantined item in: as it was mended, or as it is when it can be read by now. What was published is kept."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        item = await find(Quarantined, Quarantined.ref == ref, lock=True)
        insist(rules.REPLAY, item)
        source = await find(Source, Source.id == item.source)
        text = given.text.replace("\r\n", "\n").encode()
        found = list(published(text or keeping.unpacked(item.content), name=item.position))
        insist((rules.can_be_read_now,), [each.reason for each in found if isinstance(each, Defect)])
        counts = await keeping.keep(source, item.run, found)
        if counts.rejected:
            insist((rules.can_be_read_now,), await _reasons(item))
        item.mended_at, item.mended_by = clock.now(), actor.person
        await item.save([Quarantined.mended_at, Quarantined.mended_by])
        await record(
            actor,
            "quarantined.mended",
            f"quarantined:{ref}",
            {"source": source.name, "items": counts.read},
            organisation=acting_for,
        )
    while await imports.match_waiting():
        continue
    return item


async def _reasons(item: Quarantined) -> list[str]:
    """Why the items just tried were rejected: the newest entries of the same run, which the refusal then takes back."""
    newest = await rows(
        str,
        "SELECT reason FROM quarantined WHERE run = {} AND id > {} ORDER BY id DESC LIMIT 3",
        item.run,
        item.id,
    )
    return newest or [_("It is rejected for the same reason as before.")]


async def fetch_every(actor: Actor, name: str, given: Rhythm, seen: str) -> Source:
    """Set how often a source is fetched by itself. Refused for one without an address."""
    acting_for = actor.must_wear("operator").organisation_ref
    async with transaction():
        source = await find(Source, Source.name == name, lock=True)
        if not source.url:
            raise NotFound("Source")
        await revise(given, seen, source, trace=Trace("source.scheduled", f"source:{source.ref}"))
        await record(
            actor,
            "source.scheduled",
            f"source:{source.ref}",
            {"name": name, "every_hours": given.every_hours},
            organisation=acting_for,
        )
    return source
