"""Sending a draft for review, approving it and asking for edits; keeping what its drafter found of others' work.

One mechanism for whatever is published: the noun (or `market.reviewing`, for all of them) locks its row, describes it as a
:class:`Matter`, and calls in, all in one transaction. So an edit and an approval of the same draft happen one after the other, and
what is approved is what is stored then. To put a second person behind another act (a change of something published): describe
what would be done as the `parts` of a matter, and ask `rules.PUBLISH`, or `rules.a_second_person_approved` alone, before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import holders, tell, tell_person
from market.accounts.rules import says_what_it_was_written_from
from market.accounts.tables import Holder, Organisation, Person
from market.actor import Actor, Role
from market.audit.actions import record
from market.db import find, transaction
from market.hands import readers as hands
from market.refusals import Refused, insist, refusals
from market.reviews import rules, whole
from market.reviews.readers import steps_of
from market.reviews.tables import Precedent, Review
from market.touch import binds
from market.wording import N_

APPROVING: tuple[Role, ...] = ("buyer", "contract-manager", "evaluator")
"""Who of a body may approve what a colleague drafted."""


@dataclass(frozen=True, slots=True)
class Matter:
    """A draft as it is reviewed: `kind` and `ref` of the record, the body (its id and reference), all that would be published,
    whether it is published already, whether the innovation team reads it as well, and what it grew from."""

    kind: str
    ref: str
    title: str
    body: int
    body_ref: str
    parts: Sequence[whole.Part]
    published: bool
    team: bool
    about: Sequence[str]

    @property
    def subject(self) -> str:
        """`kind:reference`."""
        return f"{self.kind}:{self.ref}"

    @property
    def version(self) -> str:
        """What an approval of it as it is now holds for."""
        return whole.version(self.parts)


class ReviewRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who is asked to read the draft (her reference), and what she should know."""

    person: Annotated[str, Meta(title=N_("Who shall read it"), min_length=1, max_length=16)]
    note: Annotated[str, Meta(title=N_("What to look at"), max_length=2000)] = ""


class Edits(msgspec.Struct, forbid_unknown_fields=True):
    """What to change before it is published, and why. The body reads it, and nobody else."""

    words: Annotated[str, Meta(title=N_("What to change, and why"), max_length=4000)]


async def ask(actor: Actor, matter: Matter, given: ReviewRequest) -> Review:
    """As an officer of the body, ask a colleague to read the draft; where the innovation team reads it as well, that is told
    too. Asked again, the later request counts."""
    async with transaction():
        hat = actor.must_wear("buyer", organisation=matter.body, secret=not matter.published)
        _still_a_draft(matter)
        reader = next((each for each in await able(matter.body) if each.ref == given.person), None)
        insist(
            rules.ASK,
            rules.Asking(
                reader is not None,
                await hands.doing("approve-publication", given.person, matter.subject, matter.body),
            ),
        )
        row = await _keep(actor, matter, "asked", "body", given.note, reader.id if reader else None)
        facts: dict[str, Any] = {"matter": matter, "note": row.words, "asked_by": actor.name}
        if reader is not None:
            await tell_person(reader.id, "reviews/asked.txt", about=matter.subject, team=False, **facts)
        for team in await _team() if matter.team else ():
            await tell(team, "reviews/asked.txt", roles=("operator",), about=matter.subject, team=True, **facts)
        await _record(actor, matter, "review.asked", {"of": given.person}, hat.organisation_ref, row.words)
    return row


@binds(N_("approve a draft for publication"))
async def approve(actor: Actor, matter: Matter, seen: str) -> Review:
    """Approve exactly the version that was read (`seen`), for the body or, as an operator, for the innovation team."""
    async with transaction():
        side, organisation = _side(actor, matter)
        _still_a_draft(matter)
        insist(rules.APPROVE, await _deciding(actor, matter, seen, side, ""))
        row = await _keep(actor, matter, "approved", side, "", None)
        await _answer(actor, matter, row)
        verb = "review.approved" if side == "body" else "review.team-approved"
        await _record(actor, matter, verb, {"version": row.version}, organisation, "")
    return row


async def ask_for_edits(actor: Actor, matter: Matter, seen: str, given: Edits) -> Review:
    """Send the draft back with reasons; an approval of the same side no longer holds."""
    async with transaction():
        side, organisation = _side(actor, matter)
        _still_a_draft(matter)
        insist(rules.EDITS, await _deciding(actor, matter, seen, side, given.words))
        row = await _keep(actor, matter, "edits", side, given.words, None)
        await _answer(actor, matter, row)
        verb = "review.sent-back" if side == "body" else "review.team-sent-back"
        await _record(actor, matter, verb, {"version": row.version}, organisation, row.words)
    return row


async def able(body: int) -> list[Holder]:
    """Who may approve for this body (its id)."""
    return await holders(body, *APPROVING)


async def keep_answer(
    subject: str, body: int, by: int, *, text: str, found: int, answer: str, reason: str
) -> Precedent:
    """Keep that the drafter (her id) looked for this text among what others have done, and what she says of it. Inside the
    transaction of `search.precedents`, which records the event."""
    kept = Precedent(
        subject=subject,
        body=body,
        version=whole.digest_of(text),
        found=found,
        answer=answer,
        reason=reason,
        by=by,
        at=clock.now(),
    )
    await kept.save()
    return kept


def _still_a_draft(matter: Matter) -> None:
    if matter.published:
        raise rules.PUBLISHED_ALREADY.refused()


def _side(actor: Actor, matter: Matter) -> tuple[rules.Side, str]:
    """For whom the actor answers: for the body when she acts for it, else for the innovation team. The reference of hers."""
    if hat := actor.wears(*APPROVING, organisation=matter.body):
        return "body", hat.organisation_ref
    hat = actor.must_wear("operator", secret=not matter.published)
    if not matter.team:
        raise rules.NOT_YOURS.refused()
    return "team", hat.organisation_ref


async def _deciding(actor: Actor, matter: Matter, seen: str, side: rules.Side, reason: str) -> rules.Deciding:
    """Without the version that was read the answer is refused (428)."""
    read, now = seen.strip().removeprefix("W/").strip('"'), matter.version
    if unsaid := refusals((says_what_it_was_written_from,), read):
        raise Refused(*unsaid, status=428)
    act = "approve-publication" if side == "body" else "approve-for-team"
    return rules.Deciding(
        rules.state(await steps_of(matter.subject), now, side),
        read,
        now,
        await hands.doing(act, actor.ref, matter.subject, matter.body),
        reason,
    )


async def _keep(actor: Actor, matter: Matter, kind: str, side: rules.Side, words: str, asked_of: int | None) -> Review:
    row = Review(
        subject=matter.subject,
        body=matter.body,
        kind=kind,
        side=side,
        version=matter.version,
        words=words.strip(),
        asked_of=asked_of,
        by=actor.must_be_person(),
        at=clock.now(),
    )
    await row.save()
    return row


async def _answer(actor: Actor, matter: Matter, row: Review) -> None:
    """Tell whoever asked last."""
    asked = (
        await Review.objects().where((Review.subject == matter.subject) & (Review.kind == "asked")).order_by(Review.id)
    )
    if asked:
        drafter = await find(Person, Person.id == asked[-1].by)
        await tell_person(
            drafter.id,
            "reviews/answered.txt",
            about=matter.subject,
            matter=matter,
            approved=row.kind == "approved",
            reasons=row.words,
            by=actor.name,
        )


async def _record(
    actor: Actor, matter: Matter, verb: str, facts: dict[str, str], organisation: str, private: str
) -> None:
    await record(
        actor,
        verb,
        matter.subject,
        {**facts},
        private={"words": private} if private else None,
        about=matter.about,
        organisation=organisation,
        sealed_by=f"publication:{matter.subject}",
    )


async def _team() -> list[int]:
    return [each.id for each in await Organisation.objects().where(Organisation.kind == "operator")]
