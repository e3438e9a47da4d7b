"""Acts that bind: each is refused before anything else happens unless the person has just used her passkey.

`@binds(N_("publish a tender"))` stands above an action and is all there is to say of it: the page asks for the key and goes on
with what was typed (:mod:`market.confirming`), a program's call is prepared for the person to confirm, `docs/rules.md` lists
the act, and a test holds every door to it shut. The platform's own jobs pass: nobody can be asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from market import clock
from market.actor import Actor
from market.refusals import Refusal, Refused
from market.rules import touched_freshly
from market.wording import _

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Act:
    """An act that binds: where it is written, and in words what whoever confirms it is about to do. What is not `prepared` is
    done by the person alone, because what she types is a secret that nobody keeps for her; what is not `paper` rests on a key of
    her own, which no signature on paper stands for."""

    name: str
    says: str
    prepared: bool = True
    paper: bool = True

    @property
    def words(self) -> str:
        """What she is about to do, such as “publish a tender”."""
        return _(self.says)

    @property
    def mandated(self) -> bool:
        """Whether somebody without a device may sign it on paper and have it entered by a second person."""
        return self.prepared and self.paper


ACTS: dict[str, Act] = {}
"""Every act that binds, by where it is written; filled as the modules are read."""


class TouchNeeded(Refused):
    """The act wants a key that was just used. Nothing was done."""

    def __init__(self, act: Act, reason: Refusal) -> None:
        super().__init__(reason, status=403)
        self.act = act


def untouched(actor: Actor) -> Refusal | None:
    """Why this person's session may not bind anybody now, or None."""
    return touched_freshly(actor.touched_at, clock.arrived())


def must_have_touched(actor: Actor, act: Act) -> None:
    """Raises :class:`TouchNeeded` unless the person has just used her key."""
    if actor.signed_in and (reason := untouched(actor)) is not None:
        raise TouchNeeded(act, reason)


def declared(name: str, words: str, *, prepared: bool = True, paper: bool = True) -> Act:
    """An act that binds in some cases only: its action asks :func:`must_have_touched` in those. `name` is where it is written."""
    act = ACTS[name] = Act(name, words, prepared, paper)
    return act


def binds(
    words: str, *, prepared: bool = True, paper: bool = True
) -> Callable[[Callable[Concatenate[Actor, P], Awaitable[R]]], Callable[Concatenate[Actor, P], Awaitable[R]]]:
    """Make an action one that binds. `words` (`N_`) end the sentence “You are about to …”; its first argument is who acts."""

    def made(action: Callable[Concatenate[Actor, P], Awaitable[R]]) -> Callable[Concatenate[Actor, P], Awaitable[R]]:
        act = declared(f"{action.__module__}.{action.__qualname__}", words, prepared=prepared, paper=paper)

        @wraps(action)
        async def confirmed(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> R:
            must_have_touched(actor, act)
            return await action(actor, *args, **kwargs)

        return confirmed

    return made
