"""What auditors do that leaves a trace: reading private facts."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from market.actor import Actor
from market.audit.actions import record
from market.db import transaction
from market.oversight.records import private_facts, walk
from market.refusals import NotFound
from market.wording import N_, _


class Reading(msgspec.Struct, forbid_unknown_fields=True):
    """Why somebody reads what is private."""

    why: Annotated[str, Meta(title=N_("Why you need it"), min_length=10, max_length=1000)]


async def read_private(
    actor: Actor, subject: str, given: Reading, after: int = 0
) -> tuple[list[tuple[int, dict[str, Any]]], int | None]:
    """An auditor reads what is private beside a record: who acted, and the private facts, by seq, for the page of its events
    that begins after `after`; and where the next page begins. The reading is itself an event: that it was done and of which
    events is public, the reason is not. Refused (403) for everybody else, operators included."""
    async with transaction():
        hat = actor.must_wear("auditor")
        walked = await walk(subject, after)
        found = await private_facts(walked.events)
        if not found:
            raise NotFound(_("Private facts"))
        await record(
            actor,
            "private.read",
            subject,
            {"events": [seq for seq, _facts in found]},
            private={"why": given.why},
            organisation=hat.organisation_ref,
        )
    return found, walked.after
