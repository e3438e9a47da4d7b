"""A panel as programs see it, whatever it judges."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from market import drafts
from market.actor import Actor
from market.panels.actions import ConsensusDraft, Interests, speaks
from market.panels.panel import Member, Panel


class MemberView(msgspec.Struct):
    """A member of a panel. `conflicts` are empty where things are read under aliases; `marked` of `to_mark` things are marked;
    `missing` says what she still owes."""

    schema_name: ClassVar[str] = "PanelMemberView"
    person: str
    name: str
    named_at: datetime
    declared_at: datetime | None
    conflicts: list[str]
    marked: int
    to_mark: int
    missing: str
    locked_at: datetime | None
    excused_at: datetime | None


class DeclarationView(msgspec.Struct):
    """What the asker declared: the suppliers (by reference) she has an interest in, what it is, and the `etag` with which she
    declares or adds to it. `declared_at` is None while she has not."""

    declared_at: datetime | None
    conflicts: list[str]
    statement: str
    etag: str


class ConsensusView(msgspec.Struct):
    """Where the marks lie far apart, once all are locked, and what the panel says about it."""

    apart: list[str]
    note: str
    etag: str


class ReasonView(msgspec.Struct):
    """One evaluator's mark, what it means, and her reason, without her name."""

    points: int
    word: str
    reason: str


def member_views(panel: Panel) -> list[MemberView]:
    """The members in the order in which they were named."""
    views = []
    for member in panel.members:
        seat, due = member.seat, len(panel.to_mark(member))
        views.append(
            MemberView(
                person=member.ref,
                name=member.name,
                named_at=seat.named_at,
                declared_at=seat.declared_at,
                conflicts=[] if panel.matter.blind else list(seat.conflicts),
                marked=due - len(panel.unmarked(member)),
                to_mark=due,
                missing="" if seat.excused_at else panel.missing(member),
                locked_at=seat.locked_at,
                excused_at=seat.excused_at,
            )
        )
    return views


def declaration_view(member: Member | None) -> DeclarationView | None:
    """Her own declaration, for a member; nothing for others."""
    if member is None:
        return None
    seat = member.seat
    shown = drafts.stored(Interests, seat)
    return DeclarationView(seat.declared_at, **shown, etag=drafts.version(Interests, seat))


def consensus_view(actor: Actor, panel: Panel) -> ConsensusView:
    """Where the panel disagrees and what it says, for those who speak for it; nothing for others."""
    if not speaks(actor, panel):
        return ConsensusView([], "", "")
    kept = panel.consensus
    apart = [f"{each.says}: {', '.join(str(mark) for mark in each.marks)}" for each in panel.apart()]
    return ConsensusView(apart, kept.note if kept else "", drafts.version(ConsensusDraft, kept))
