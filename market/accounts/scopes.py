"""What a program may do with a token, in the words of the field, and the one place that holds it to that.

Which scope an endpoint asks for follows from what stands at it anyway: whoever only reads wants `read`, everything else the scope of
its room (the `tags` of the API), and a handler says `opt=scopes.BIDS` where it is another. What binds is done by no token, whatever it
may: it is prepared (:mod:`market.confirming`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler

from market.accounts import guards, rules
from market.actor import Actor
from market.settings import settings
from market.web import crossing
from market.wording import N_, _, either, together

Scope = Literal["read", "challenges", "tenders", "bids", "contracts", "profile", "people", "team"]


class Covered(msgspec.Struct, frozen=True):
    """What a scope covers: its name in words, and more of them."""

    title: str
    more: str


SCOPES: Mapping[str, Covered] = MappingProxyType(
    {
        "read": Covered(
            N_("Read what you may read"), N_("Drafts, bids that are open, applications and prepared acts included.")
        ),
        "challenges": Covered(
            N_("Draft and prepare challenges"), N_("Missions, challenges, panels, marks, pitches and insight reports.")
        ),
        "tenders": Covered(
            N_("Draft and prepare tenders"),
            N_("Tenders, waivers, decisions to make or buy, evaluations, awards and answers to complaints."),
        ),
        "bids": Covered(N_("Apply and bid"), N_("Applications, bids, questions and complaints of a firm.")),
        "contracts": Covered(
            N_("Draft and prepare contracts and payments"),
            N_("Budgets, contracts, their changes, deliveries, and money that is due."),
        ),
        "profile": Covered(
            N_("Keep a firm’s profile"), N_("The profile, services that are listed, and records of other portals.")
        ),
        "people": Covered(N_("Prepare who belongs to a body"), N_("Invitations, roles, loans of people, and domains.")),
        "team": Covered(
            N_("Do the innovation team’s and auditors’ work"),
            N_(
                "Appointments, private facts of a record, bodies, letters, copies of other portals and profiles of standards."
            ),
        ),
    }
)
"""Every scope, in the order in which they are offered."""

LEAST: tuple[str, ...] = ("read",)
"""What is ticked before anybody ticks anything."""

DRAFTING: tuple[str, ...] = tuple(each for each in SCOPES if each not in LEAST)

ANY: Mapping[str, tuple[str, ...]] = {"scopes": ()}
"""For `opt`: every token may, whatever it was made for."""
BIDS: Mapping[str, tuple[str, ...]] = {"scopes": ("bids",)}
"""For `opt`: what a firm does in a room of buyers."""
CHALLENGES: Mapping[str, tuple[str, ...]] = {"scopes": ("challenges",)}
"""For `opt`: what a buyer does in a room of firms."""
TEAM: Mapping[str, tuple[str, ...]] = {"scopes": ("team",)}
"""For `opt`: what only the innovation team or auditors do."""
FIRM_OR_TEAM: Mapping[str, tuple[str, ...]] = {"scopes": ("profile", "team")}
"""For `opt`: what either a firm or the innovation team does."""
WHOEVER_PREPARED: Mapping[str, tuple[str, ...]] = {"scopes": DRAFTING}
"""For `opt`: whoever may prepare anything."""


@dataclass(frozen=True, slots=True)
class _Rooms:
    """Rooms of the API, by the tags of their description, and the scopes of which one is asked there."""

    tags: tuple[str, ...]
    scopes: tuple[str, ...]


ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        tag: rooms.scopes
        for rooms in (
            _Rooms(
                tags=("Missions", "Challenges", "Methods", "Panel and pitches", "Insight reports"),
                scopes=("challenges",),
            ),
            _Rooms(tags=("Applications", "Bids"), scopes=("bids",)),
            _Rooms(tags=("Tenders", "Waivers", "Make or buy", "Evaluation", "Awards"), scopes=("tenders",)),
            _Rooms(
                tags=("Reviews", "Search"),
                scopes=(
                    "challenges",
                    "tenders",
                ),
            ),
            _Rooms(tags=("Budgets", "Contracts", "Payments"), scopes=("contracts",)),
            _Rooms(tags=("Suppliers", "Standards", "Other portals"), scopes=("profile",)),
            _Rooms(tags=("People and organisations",), scopes=("people",)),
            _Rooms(tags=("Letters", "Audit", "Rulings"), scopes=("team",)),
        )
        for tag in rooms.tags
    }
)
"""What changing something in a room of the API asks for, by its tag. Where it names two, the kind of the record says which."""

OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"challenge": ("challenges",), "tender": ("tenders",), "build": ("tenders",)}
)
"""What a record asks for whose kind stands in the address."""


def asked_by(handler: HTTPRouteHandler) -> tuple[str, ...]:
    """The scopes of which a token needs one here; none where every token may come, or nobody is asked who she is. A room without
    a scope is found when the site is assembled (KeyError)."""
    said: tuple[str, ...] | None = handler.opt.get("scopes")
    if said is not None:
        return said
    if handler.http_methods <= crossing.SAFE:
        return LEAST
    standing = handler.resolve_guards()
    if guards.public in standing:
        return ()
    if {guards.operator, guards.auditor, guards.overseer} & set(standing):
        return TEAM["scopes"]
    (room,) = handler.resolve_tags()
    return ROOMS[room]


async def within_its_scope(connection: ASGIConnection[Any, Actor, Any, Any], handler: BaseRouteHandler) -> None:
    """The application's guard that holds every token to what it was made for: 403 with the scope that is missing, and where a token
    is made that has it."""
    held = connection.user.scopes
    if held is None or not isinstance(handler, HTTPRouteHandler):
        return
    asked = asked_by(handler)
    if len(asked) > 1:
        asked = OF_KIND.get(str(connection.path_params.get("kind", "")), asked)
    if asked and not set(asked) & set(held):
        raise rules.OUT_OF_SCOPE.refused(scope=either(asked), words=either(title(each) for each in asked), at=made_at())


def made_at() -> str:
    """Where a person makes tokens."""
    return f"{settings().site_url}/account#tokens"


def title(scope: str) -> str:
    """The scope in words."""
    return _(SCOPES[scope].title) if scope in SCOPES else scope


def in_words(held: Sequence[str] | None) -> str:
    """What a token may do, in one line; empty for one from before this was asked."""
    return together([title(each) for each in held]) if held else ""


def held_by(actor: Actor) -> list[str]:
    """The scopes of whoever asks, by name; all of them where nothing limits her."""
    return [each for each in SCOPES if actor.scopes is None or each in actor.scopes]
