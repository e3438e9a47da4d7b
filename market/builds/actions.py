"""Writing down that something is made or bought, and publishing it once a second person has approved it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import record
from market.builds import rules
from market.builds.tables import Build, Listed
from market.db import find, transaction
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.reviews import readers as reviewed
from market.reviews import rules as reviews
from market.reviews import whole
from market.reviews.actions import APPROVING, Matter
from market.reviews.rules import Ready
from market.touch import binds
from market.wording import N_, _


class BuildDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about something that a body could make itself. The estimate is without VAT, in minor units of pounds, over
    the whole life of it."""

    title: Annotated[str, Meta(title=N_("What it is"), min_length=5, max_length=200)]
    need: Annotated[str, Meta(title=N_("What you need it for"), max_length=4000)] = ""
    market: Annotated[str, Meta(title=N_("What could be bought or reused"), max_length=8000)] = ""
    choice: Annotated[Literal["", "make", "buy"], Meta(title=N_("Make or buy"))] = ""
    reasons: Annotated[str, Meta(title=N_("Why"), max_length=8000)] = ""
    estimated_minor: Annotated[int, Meta(title=N_("Estimated cost"), ge=1, le=10**14)] | None = None


async def draft(actor: Actor, body: int, given: BuildDraft) -> Build:
    """Begin a record of the body (its id)."""
    async with transaction():
        hat = actor.must_wear("buyer", organisation=body)
        build = Build(**drafts.facts(given, body=body, created_at=clock.now(), created_by=actor.must_be_person()))
        await build.save()
        await record(
            actor,
            "build.drafted",
            f"build:{build.ref}",
            {"title": build.title},
            organisation=hat.organisation_ref,
            sealed_by=f"publication:build:{build.ref}",
        )
    return build


async def edit(actor: Actor, ref: str, given: BuildDraft, seen: str) -> Build:
    """Write a draft anew, from the version of it that was `seen`."""
    async with transaction():
        build = await find(Build, Build.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=build.body, secret=build.published_at is None)
        insist(rules.EDIT, decision_of(build))
        await revise(given, seen, build, trace=Trace("build.revised", f"build:{ref}"))
        await record(
            actor,
            "build.revised",
            f"build:{ref}",
            organisation=hat.organisation_ref,
            sealed_by=f"publication:build:{ref}",
        )
    return build


@binds(N_("publish a decision to make or to buy"))
async def publish(actor: Actor, ref: str) -> Build:
    """Publish the decision: everybody reads what is made, why, and who approved it."""
    async with transaction():
        build = await find(Build, Build.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=build.body, secret=build.published_at is None)
        insist(rules.PUBLISH, decision_of(build))
        ready = await ready_of(build)
        insist(reviews.PUBLISH, ready)
        build.published_at = clock.now()
        await build.save([Build.published_at])
        await record(
            actor,
            "build.published",
            f"build:{ref}",
            {
                "title": build.title,
                "choice": build.choice,
                "estimated_minor": build.estimated_minor,
                "currency": build.currency,
                **reviews.announced(ready),
            },
            organisation=hat.organisation_ref,
        )
    return build


def decision_of(build: Build | Listed) -> rules.Decision:
    """What the rules look at."""
    return rules.Decision(
        build.published_at is not None, build.need, build.market, build.choice, build.reasons, build.estimated_minor
    )


def words_of(build: Build) -> str:
    """What others' work is compared with, the title twice as the weightiest."""
    return "\n".join([build.title, build.title, build.need])


async def matter_of(build: Build) -> Matter:
    """The draft as it is reviewed."""
    body = await find(Organisation, Organisation.id == build.body)
    return Matter(
        kind="build",
        ref=build.ref,
        title=build.title,
        body=body.id,
        body_ref=body.ref,
        parts=_parts_of(build),
        published=build.published_at is not None,
        team=False,
        about=[],
    )


async def ready_of(build: Build) -> Ready:
    """What publication asks beside the rules of make or buy."""
    return await reviewed.ready(
        f"build:{build.ref}",
        version=whole.version(_parts_of(build)),
        words=whole.digest_of(words_of(build)),
        team=False,
    )


def _parts_of(build: Build) -> list[whole.Part]:
    return [whole.part(_("Make or buy"), BuildDraft, drafts.stored(BuildDraft, build), build.currency)]


_LISTED = """
SELECT b.id, b.ref, b.body, o.ref AS body_ref, o.name AS body_name, b.title, b.need, b.market, b.choice, b.reasons,
    b.estimated_minor, b.currency, b.created_at, b.published_at
FROM build b JOIN organisation o ON o.id = b.body
"""


async def readable(actor: Actor, ref: str) -> Listed:
    """A record; a draft is seen by the people of its body on the buying side, to everybody else it does not exist."""
    build = await the(Listed, _LISTED + "WHERE b.ref = {}", ref)
    if build.published_at is None and not actor.wears(*APPROVING, organisation=build.body):
        raise NotFound("Build")
    return build


async def published() -> list[Listed]:
    """All published decisions, the newest first."""
    return await rows(Listed, _LISTED + "WHERE b.published_at IS NOT NULL ORDER BY b.published_at DESC, b.id DESC")


async def drafts_of(actor: Actor) -> list[Listed]:
    """The drafts of the bodies this person drafts for, the newest first."""
    return await rows(
        Listed,
        _LISTED + "WHERE b.published_at IS NULL AND b.body = ANY({}::int[]) ORDER BY b.created_at DESC, b.id DESC",
        actor.organisations("buyer"),
    )
