"""Publishing profile versions, and finding the one that a tender, a service or a page names."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import asyncpg
import msgspec
from msgspec import Meta

from market import clock
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.db import maybe, transaction
from market.openapi.document import Unreadable
from market.openapi.ruleset import RulesetRefused
from market.reads import the
from market.refusals import NotFound, Refused, refusals
from market.standards.checking.apart import composed
from market.standards.checking.profiles import SHIPPED, Profile, profile, shipped, version_key
from market.standards.profiles import rules
from market.standards.tables import PublishedProfile
from market.touch import binds
from market.wording import N_, _


class ProfileDraft(msgspec.Struct, forbid_unknown_fields=True):
    """The two texts of a profile version: a ruleset in the Spectral format, and what each rule means."""

    schema_name: ClassVar[str] = "StandardsProfileDraft"
    ruleset: Annotated[str, Meta(title="Ruleset", max_length=1_000_000)]
    description: Annotated[str, Meta(title="Description", max_length=1_000_000)]


def label(row: PublishedProfile) -> str:
    """`name@version`."""
    return f"{row.name}@{row.version}"


def composed_of(row: PublishedProfile) -> Profile:
    """The profile that a row holds."""
    return composed(row.ruleset, row.description)


async def ensure_profiles() -> int:
    """Publish every profile version that comes with the product and is not published yet; answers how many were.
    Called by `migrate`, and before a story is played: done again, it does nothing."""
    done = 0
    for name, version in shipped():
        if await maybe(PublishedProfile, (PublishedProfile.name == name) & (PublishedProfile.version == version)):
            continue
        found = profile(name, version)
        description = (SHIPPED / name / version / "profile.yaml").read_text(encoding="utf-8")
        try:
            async with transaction():
                await _keep(SYSTEM, found, description, "")
        except asyncpg.UniqueViolationError:
            continue
        done += 1
    return done


@binds(N_("publish a standard"))
async def publish(actor: Actor, given: ProfileDraft) -> PublishedProfile:
    """Publish a profile version. Refused when the engine lacks a function it uses, or a running rule has no card."""
    hat = actor.must_wear("operator")
    found: Profile | None = None
    problems: list[str] = []
    try:
        found = composed(given.ruleset, given.description)
    except RulesetRefused as refused:
        problems = refused.problems
    except (Unreadable, ValueError, TypeError, AttributeError) as broken:
        problems = [_("it cannot be read: {broken}", broken=broken)]
    async with transaction():
        name = found.name if found else ""
        versions = [row.version for row in await versions_of(name)]
        version = found.version if found else ""
        newest = all(version_key(version) > version_key(each) for each in versions)
        if found is not None and not rules.LABEL.fullmatch(f"{name}@{version}"):
            problems = ["a name is lower-case letters, digits and dashes, a version numbers and dots"]
        asked = rules.Publishing(name, version, problems, versions, newest)
        wrong = refusals(rules.PUBLISH, asked)
        if wrong or found is None:
            raise Refused(*wrong, status=422)
        try:
            return await _keep(actor, found, given.description, hat.organisation_ref)
        except asyncpg.UniqueViolationError as raced:
            raise rules.is_a_new_version.refused(replace(asked, published=[version])) from raced


async def _keep(actor: Actor, found: Profile, description: str, organisation: str) -> PublishedProfile:
    row = PublishedProfile(
        name=found.name,
        version=found.version,
        title=found.title,
        says=found.says,
        ruleset=found.text,
        description=description,
        digest=found.digest,
        effective_on=found.effective_on,
        published_at=clock.now(),
        published_by=actor.person,
    )
    await row.save()
    await record(
        actor,
        "standard.published",
        f"standard:{label(row)}",
        {"digest": found.digest, "effective_on": found.effective_on.isoformat(), "rules": len(found.cards)},
        organisation=organisation,
    )
    return row


async def versions_of(name: str) -> list[PublishedProfile]:
    """Every published version of a profile, newest first."""
    rows = await PublishedProfile.objects().where(PublishedProfile.name == name)
    return sorted(rows, key=lambda row: version_key(row.version), reverse=True)


async def published() -> list[PublishedProfile]:
    """Every published profile version: by name, newest first."""
    rows = await PublishedProfile.objects()
    return sorted(sorted(rows, key=lambda row: version_key(row.version), reverse=True), key=lambda row: str(row.name))


async def labels() -> list[str]:
    """The labels of every published profile version."""
    return [label(row) for row in await published()]


async def choices() -> list[tuple[str, str]]:
    """The published profile versions as a form offers them: label and words."""
    return [
        (label(row), _("{title}, version {version}", title=row.title, version=row.version)) for row in await published()
    ]


async def named(said: str) -> PublishedProfile | None:
    """The profile version that a label names, None when there is none: `uk-core@1.0.0`, or `uk-core@1` and `uk-core`
    for the newest that begins so."""
    name, _at, version = said.strip().partition("@")
    for row in await versions_of(name):
        if not version or row.version == version or str(row.version).startswith(version + "."):
            return row
    return None


async def must_be_named(said: str) -> PublishedProfile:
    """Like :func:`named`; 404 when there is none."""
    row = await named(said)
    if row is None:
        raise NotFound("PublishedProfile")
    return row


async def certified_under(row: PublishedProfile) -> int:
    """How many services hold a certificate in force under a version."""
    return await the(
        int,
        """
        SELECT count(DISTINCT service) FROM issued_certificate WHERE profile = {} AND revoked_at IS NULL AND valid_until >= {}
        """,
        row.id,
        clock.now(),
    )
