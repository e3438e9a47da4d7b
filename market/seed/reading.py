"""Before something of the story is published its drafter looks who has done it already, and others read it."""

from __future__ import annotations

from typing import Any

from market.db import transaction
from market.reviewing.matters import matter_of
from market.reviews import actions
from market.seed.cast import Cast
from search.precedents import actions as precedents

LOOKED = "We looked for “{title}” among exercises, contracts, components and the notices of other portals; nobody has published anything that would serve us as it is."
"""What a drafter of the story says where it does not say more."""

TEAM = "sam.ferrier"
"""Who reads the first exercises of a body for the innovation team."""


async def send(cast: Cast, kind: str, ref: str, text: dict[str, Any]) -> None:
    """The drafter answers for what others have done, and asks a colleague to read the draft. The search is not built while the
    story is told, so nothing was shown; what she says is hers."""
    drafter = await cast.actor(text["drafted_by"])
    async with transaction():
        subject = await precedents.subject_of(kind, ref, lock=True)
        said = text.get("looked", LOOKED.format(title=subject.title)).strip()
        given = precedents.PrecedentAnswer("nothing", precedents.fingerprint([]), "", said)
        matter = await matter_of(kind, ref)
        await precedents.keep(drafter, subject, given, [], matter.body_ref)
        reader = await cast.actor(reader_of(cast, text))
        note = text.get("review", {}).get("note", "").strip()
        await actions.ask(drafter, matter, actions.ReviewRequest(reader.ref, note))


async def send_back(cast: Cast, kind: str, ref: str, text: dict[str, Any]) -> None:
    """The reader asks for edits."""
    async with transaction():
        matter = await matter_of(kind, ref, lock=True)
        reader = await cast.actor(reader_of(cast, text))
        await actions.ask_for_edits(reader, matter, matter.version, actions.Edits(text["review"]["edits"].strip()))


async def approve(cast: Cast, kind: str, ref: str, text: dict[str, Any]) -> None:
    """The colleague approves it, and the innovation team where it is one of the body's first exercises."""
    async with transaction():
        matter = await matter_of(kind, ref, lock=True)
        readers = [reader_of(cast, text), *([TEAM] if matter.team else [])]
        for who in readers:
            await actions.approve(await cast.actor(who), matter, matter.version)


def reader_of(cast: Cast, text: dict[str, Any]) -> str:
    """Who reads it: whom the story names, else the first of the body on the buying side who did not write it."""
    if named := text.get("review", {}).get("by"):
        return str(named)
    others = [each for each in cast.people_of[text["buyer"]] if each != text["drafted_by"]]
    return next(each for each in others if set(cast.roles[each]) & set(actions.APPROVING))
