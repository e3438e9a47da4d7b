"""When a letter may be sent again, and an address marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.refusals import rule
from market.wording import _

if TYPE_CHECKING:
    from market.letters.tables import Letter


@rule("letter.secret-gone")
def still_has_its_secret(letter: Letter, dead: bool) -> str | None:
    """A letter whose link or code is not kept any more is not sent again: its reader asks for a new one."""
    if letter.secret and letter.sent_at is not None:
        return _(
            "Its link or code is not kept after it has left. Whoever needs it asks for a new letter on the page it came from."
        )
    return None


@rule("letter.address-dead")
def goes_to_an_address_that_lives(letter: Letter, dead: bool) -> str | None:
    """Nothing is sent to an address that is marked as dead."""
    if dead:
        return _("The address is marked as dead. Mark it as alive first, if letters reach it again.")
    return None


SEND_AGAIN = (still_has_its_secret, goes_to_an_address_that_lives)


@rule("letter.dead-already")
def not_marked_yet(dead: bool) -> str | None:
    """An address is marked as dead once."""
    if dead:
        return _("The address is marked as dead already.")
    return None


MARK_DEAD = (not_marked_yet,)


@rule("letter.alive-already")
def is_marked(dead: bool) -> str | None:
    """Only an address that is marked as dead is marked as alive."""
    if not dead:
        return _("The address is not marked as dead.")
    return None


MARK_ALIVE = (is_marked,)
