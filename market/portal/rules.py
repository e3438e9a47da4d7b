"""What must hold before another portal is asked, a doubtful pair is decided, a merge is undone or an item is replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from market import egress
from market.arrival import Arrival
from market.refusals import Denial, rule
from market.wording import N_, _, _n

if TYPE_CHECKING:
    from market.portal.tables import (
        DoubtfulPair,
        DoubtfulSuppliers,
        NoticeMerge,
        Quarantined,
        SupplierClaim,
        SupplierMerge,
    )

MOST_TRIES = 5
"""Wrong codes after which a code is worth nothing."""

SHORTEST_STATEMENT = 40
"""Characters that an operator at least wants to read."""


@rule("portal.address-not-web", source="OWASP: server-side request forgery")
def web_address(url: str) -> str | None:
    """Only addresses of the web are read: no file of this machine, and no other protocol."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return _("“{url}” is not an address of the web. Give one that begins with https:// or http://.", url=url[:120])
    return None


@rule("portal.address-private", source="OWASP: server-side request forgery")
def public_address(host: str, addresses: Sequence[str]) -> str | None:
    """A portal stands on the public internet: what only this server can reach is not read for others to see."""
    for each in addresses:
        if not egress.is_public(each):
            return _(
                "{host} leads to {each}, which is not an address of the public internet. To read it all the "
                "same, say --allow-private.",
                host=host,
                each=each,
            )
    return None


@rule("portal.port-not-web", source="OWASP: server-side request forgery")
def web_port(url: str) -> str | None:
    """A portal answers at a port of the web; what stands behind other ports was not put there to be read by others."""
    try:
        where = egress.address(url, egress.PORTS)
        egress.check_port(where.scheme, where.port)
    except egress.Forbidden as forbidden:
        return _("{forbidden} To read it all the same, say --allow-private.", forbidden=forbidden)
    return None


@rule("pair.decided-already")
def not_decided_yet(pair: DoubtfulPair | DoubtfulSuppliers) -> str | None:
    """A doubtful pair is decided once; a joining is taken back by undoing it."""
    if pair.answered_at is not None:
        return _("Somebody has decided this pair already. Reload the list.")
    return None


@rule("merge.undone-already")
def still_joined(merge: NoticeMerge | SupplierMerge) -> str | None:
    """Only what is joined can be taken apart."""
    if merge.undone_at is not None:
        return _("These two have been taken apart already.")
    return None


@rule("quarantine.mended-already")
def not_mended_yet(item: Quarantined) -> str | None:
    """What has been mended is in; mending it again would bring it in twice."""
    if item.mended_at is not None:
        return _("This has been mended and imported already.")
    return None


@rule("quarantine.still-broken", field="text")
def can_be_read_now(reasons: Sequence[str]) -> str | None:
    """A mended item is read by the same reader as any other, and comes in only when it finds nothing wrong."""
    if reasons:
        return _("It still cannot be read: {reasons}", reasons=" ".join(reasons[:3]))
    return None


@rule("portal.busy")
def nobody_else_reads_it(free: bool) -> str | None:
    """One run at a time reads a portal, so that its counts and its position are true."""
    if not free:
        return _("Another run is reading this portal. Wait until it has ended.")
    return None


DECIDE = (not_decided_yet,)
"""For `sameness.actions.decide` and `suppliers.actions.decide`."""

UNDO = (still_joined,)
"""For `sameness.actions.take_apart` and `suppliers.actions.take_apart`."""

REPLAY = (not_mended_yet,)
"""For `actions.replay`, before anything is read."""


# ── suppliers and their claims ───────────────────────────────────────────────────────────────────────────────────────


@rule("pair.two-holders")
def not_held_by_two(holders: Sequence[int]) -> str | None:
    """Two records that different suppliers proved to be theirs are not one; first one of them lets its record go."""
    if len(set(holders)) > 1:
        return _(
            "Different suppliers hold these two records. Before they can be one, one of them has to let its record go."
        )
    return None


@rule("claim.held-already")
def nobody_holds_it(holder: int | None, organisation: int) -> str | None:
    """A record has one holder; whoever thinks that it is the wrong one writes to the operators."""
    if holder is None:
        return None
    if holder == organisation:
        return _("You hold this record already.")
    return _(
        "Another supplier has proved that this record is its own. If that is wrong, write to the "
        "operators of this site."
    )


@rule("claim.asked-already")
def not_asked_yet(open_claim: str | None) -> str | None:
    """One claim at a time: the one that waits is carried through or withdrawn."""
    if open_claim is not None:
        return _(
            "You have claimed this already ({open_claim}). Carry that through, or withdraw it first.",
            open_claim=open_claim,
        )
    return None


@rule("claim.number-differs")
def numbers_agree(own: tuple[str, str] | None, theirs: Sequence[tuple[str, str]]) -> str | None:
    """Different numbers on one register are different organisations, so such a record cannot be the claimant's."""
    others = [number for scheme, number in theirs if own is not None and scheme == own[0]]
    if own is not None and others and own[1] not in others:
        return _(
            "The record has the number {theirs} on the register {register}, and yours is {yours}: that is "
            "another firm. If one of the numbers is wrong, write to the operators of this site.",
            theirs=others[0],
            register=own[0],
            yours=own[1],
        )
    return None


@rule("claim.no-such-way", field="way")
def way_is_open(way: str, ways: Sequence[str]) -> str | None:
    """A code goes only to an address that notices gave for this supplier and for no other, never to one the claimant names."""
    if way not in ways:
        return _("There is no such address on record. Choose one of the ways that are offered.")
    return None


@rule("claim.statement-missing", field="statement")
def statement_is_given(way: str, statement: str) -> str | None:
    """An operator decides by what she can check, so she is told what that is."""
    if way == "operator" and len(statement.strip()) < SHORTEST_STATEMENT:
        return _(
            "Say in at least {shortest_statement} characters how an operator can see that the record is yours.",
            shortest_statement=SHORTEST_STATEMENT,
        )
    return None


@rule("claim.closed")
def still_open(claim: SupplierClaim) -> str | None:
    """A claim that was granted, refused or withdrawn has come to its end; another can be made."""
    if claim.answered_at is not None or claim.withdrawn_at is not None:
        return _("This claim has come to its end.")
    return None


@rule("claim.no-code", field="code")
def code_was_sent(claim: SupplierClaim) -> str | None:
    """A code counts only after it was sent."""
    if not claim.code_hash:
        return _("No code has been sent yet.")
    return None


@rule("claim.code-too-old", field="code")
def code_in_time(claim: SupplierClaim, now: Arrival) -> str | None:
    """A code counts for the time that its letter needs and no longer."""
    if claim.code_until is not None and now >= claim.code_until:
        return _("This code is too old. Ask for another one.")
    return None


@rule("claim.too-many-tries", field="code", source="NIST SP 800-63B section 3.2.2: limit consecutive failed attempts")
def tries_are_left(claim: SupplierClaim) -> str | None:
    """A code cannot be found by trying."""
    if claim.tries >= MOST_TRIES:
        return _("{most} wrong codes were typed, so this code counts no more. Ask for another one.", most=MOST_TRIES)
    return None


@rule("claim.code-wrong", field="code")
def code_is_right(fits: bool, left: int) -> str | None:
    """Only who got the letter knows the code."""
    if not fits:
        return _n("This is not the code. {number} try is left.", "This is not the code. {number} tries are left.", left)
    return None


@rule("claim.not-by-post")
def goes_by_post(claim: SupplierClaim) -> str | None:
    """A letter is printed only for who chose it."""
    if claim.way != "post":
        return _("This claim does not go by post.")
    return None


@rule("claim.not-by-email")
def goes_by_email(claim: SupplierClaim) -> str | None:
    """Only a code that goes by e-mail is sent again at a click; one by post is printed by an operator."""
    if claim.way != "email":
        return _("This claim does not go by email.")
    return None


@rule("claim.own-claim")
def not_her_own(organisation: int, bodies: Sequence[int]) -> str | None:
    """Nobody decides about a claim of a firm she belongs to."""
    if organisation in bodies:
        return _("You belong to the firm that claims. Somebody else decides.")
    return None


@rule("claim.not-held")
def is_held(claim: SupplierClaim) -> str | None:
    """Only a record that is held can be let go."""
    if not claim.granted or claim.released_at is not None:
        return _("This record is not held by this claim.")
    return None


OPEN = (still_open,)
"""For `claims.withdraw`, `claims.decide`, and before anything else is asked of a claim."""

PRINT = (still_open, goes_by_post)
"""For `claims.print_letter`."""

SEND_AGAIN = (still_open, goes_by_email)
"""For `claims.send_again`."""

RELEASE = (is_held,)
"""For `claims.release`."""


# ── what an import is told to read ─────────────────────────────────────────────────────────────────────────────────

PORTAL_UNKNOWN = Denial(
    "portal.unknown",
    N_("No portal is called “{name}”. Known are: {known}. Add an entry to fixtures/reference/portal-sources.yaml."),
    norm="What is imported comes from a portal that is described.",
)

NO_SUCH_FILE = Denial(
    "portal.no-such-file",
    N_("There is no file or folder {name}."),
    norm="What is to be imported is there.",
)

FOLDER_EMPTY = Denial(
    "portal.folder-empty",
    N_("The folder {name} holds no file."),
    norm="A folder that is to be imported holds something.",
)
