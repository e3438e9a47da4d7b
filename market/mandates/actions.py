"""Entering a mandate on paper, which has its act done in the name of whoever signed it; and withdrawing one."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell_person
from market.accounts.sessions import actor_of
from market.actor import Actor, OnPaper
from market.audit.actions import record
from market.confirming import paper
from market.confirming.tables import Mandate, Mandated
from market.db import find, transaction
from market.hands.readers import let_in
from market.hands.rules import Doing, Hand
from market.mandates import rules
from market.refusals import NotFound, insist
from market.touch import ACTS, binds
from market.web.limits import Limit, spend
from market.wording import N_

TYPED = Limit("mandate-characters", 30, 3_600)
"""Tries at the characters of papers, by one person."""


class Found(msgspec.Struct, forbid_unknown_fields=True):
    """What finds a mandate: what is printed at its top."""

    ref: Annotated[str, Meta(title=N_("Reference"), min_length=1, max_length=16)]
    characters: Annotated[str, Meta(title=N_("Characters"), min_length=1, max_length=40)]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """What a second person says of the paper before her."""

    characters: Annotated[str, Meta(title=N_("Characters"), max_length=40)]
    signed_on: Annotated[date, Meta(title=N_("Day beside the signature"))]
    kept_at: Annotated[str, Meta(title=N_("Where the paper is kept"), max_length=300)]


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """Why what a mandate is about was not done; with `confirm` it was only asked once more."""

    code: str
    reason: str
    confirm: str = ""


class _NotDone(Exception):
    """Takes back what was written before it was refused."""


Does = Callable[[Actor, Mandated], Awaitable[Sequence[Reason]]]
"""Does what a mandate is about, as this actor; answers why not, nothing when it is done."""


async def mandate(actor: Actor, ref: str) -> Mandated:
    """A mandate for whose it is, who entered it, or who acts for its body; for everybody else it is not there."""
    row = await paper.known(ref)
    if row is not None:
        hers = actor.person in (row.person, row.entered_by)
        if hers or any(hat.organisation == row.organisation for hat in actor.hats):
            return row
    raise NotFound("mandate")


def same_text(row: Mandated, characters: str) -> bool:
    """Whether these are the characters printed on this mandate, and what is kept is still what was printed."""
    said = "".join(characters.split()).replace("-", "").lower()
    return row.digest == paper.reckoned(row) and hmac.compare_digest(
        said.encode(), row.digest[: paper.CHARACTERS].encode()
    )


async def look_up(actor: Actor, ref: str, characters: str) -> Mandated:
    """The mandate with this reference, for somebody of its body who has the paper before her."""
    await spend(TYPED, actor.ref)
    row = await mandate(actor, ref.strip().upper())
    if not same_text(row, characters):
        raise rules.is_what_was_printed.refused(await _entering(actor, row, characters, clock.now().date(), ""))
    return row


@binds(N_("enter the mandate that a colleague signed on paper, and do what it says in her name"), prepared=False)
async def enter(actor: Actor, ref: str, given: Entry, does: Does) -> Mandated:
    """Enter a paper, and do what it says in the name of whoever signed it, judged by the rules of this moment. All of it is one
    transaction: what is refused leaves the mandate as it was, with the reasons."""
    await spend(TYPED, actor.ref)
    reasons: Sequence[Reason] = ()
    person = actor.must_be_person()
    async with transaction():
        row = await find(Mandate, Mandate.ref == ref, lock=True)
        asked = await mandate(actor, ref)
        insist(rules.ENTER, await _entering(actor, asked, given.characters, given.signed_on, given.kept_at))
        whose = await actor_of(asked.person, "paper", first=asked.organisation_ref)
        try:
            async with transaction():
                row.entered_by, row.signed_on, row.kept_at = person, given.signed_on, given.kept_at.strip()
                row.done_at = now = clock.now()
                await row.save([Mandate.entered_by, Mandate.signed_on, Mandate.kept_at, Mandate.done_at])
                await _record(
                    actor,
                    "mandate.entered",
                    asked,
                    kept_at=row.kept_at,
                    signed_on=given.signed_on.isoformat(),
                )
                does_it = replace(
                    whose,
                    hats=tuple(hat for hat in whose.hats if hat.organisation == asked.organisation),
                    proved_at=now,
                    touched_at=now,
                    on_paper=OnPaper(asked.ref, actor.ref),
                )
                if reasons := await does(does_it, asked):
                    raise _NotDone
                for who, template in ((asked.person, "mandates/entered.txt"), (person, "mandates/entered-by-you.txt")):
                    await tell_person(
                        who,
                        template,
                        about=f"person:{asked.person_ref}",
                        ref=asked.ref,
                        act=ACTS[asked.act].words,
                        whose=asked.name,
                        by=actor.name,
                        kept_at=row.kept_at,
                    )
        except _NotDone:
            refused = await find(Mandate, Mandate.ref == ref)
            refused.tried_at = clock.now()
            refused.answer = msgspec.json.encode(reasons).decode()
            await refused.save([Mandate.tried_at, Mandate.answer])
            await _record(actor, "mandate.refused", asked)
    if reasons:
        raise rules.NOT_DONE.refused(why=" ".join(each.reason for each in reasons))
    return await mandate(actor, ref)


async def withdraw(actor: Actor, ref: str) -> Mandate:
    """Take one's own mandate back: it is not done any more, whoever holds the paper."""
    async with transaction():
        row = await find(Mandate, (Mandate.ref == ref) & (Mandate.person == actor.must_be_person()), lock=True)
        insist(rules.WITHDRAW, rules.Withdrawing(row))
        row.withdrawn_at = clock.now()
        await row.save([Mandate.withdrawn_at])
        await record(
            actor,
            "mandate.withdrawn",
            f"person:{actor.ref}",
            private={"mandate": row.ref},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return row


def refused(row: Mandated) -> list[Reason]:
    """Why it was refused when it was last entered."""
    if row.done_at is not None or not row.answer:
        return []
    return msgspec.json.decode(row.answer, type=list[Reason])


async def _entering(actor: Actor, row: Mandated, characters: str, signed_on: date, kept_at: str) -> rules.Entering:
    signed = Hand("sign-mandate", row.person_ref, row.name)
    return rules.Entering(
        mandate=row,
        at=clock.arrived(),
        doing=Doing("enter-mandate", actor.ref, [signed], await let_in(row.organisation)),
        same_text=same_text(row, characters),
        signed_on=signed_on,
        printed_on=row.prepared_at.astimezone(clock.ZONE).date(),
        today=clock.now().astimezone(clock.ZONE).date(),
        kept_at=kept_at,
    )


async def _record(actor: Actor, verb: str, row: Mandated, **private: str) -> None:
    await record(
        actor,
        verb,
        f"person:{row.person_ref}",
        {"act": row.act, "digest": row.digest, "mandate": row.ref},
        private=private or None,
        organisation=row.organisation_ref,
    )
