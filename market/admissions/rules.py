"""What must hold before a domain is a body's own, and before somebody outside of it is let in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from market import mailboxes, policy
from market.accounts.rules import still_open
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import rule
from market.wording import N_, _, _n, together

if TYPE_CHECKING:
    from market.accounts.tables import Invitation, MailDomain

TWO = N_("Own default: a mailbox that anybody can open shows nobody, so others who know her say so")
NOT_BINDING = ("evaluator",)
"""Roles of a public body that neither move money nor open, award or appoint; every other does, also one that is new."""
ENOUGH = 2
"""How many people of one side are asked at most: two know, whatever a third would say."""


# ── domains ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Proposing:
    """A domain (as it is kept) that shall be a body's, what shows it, and whether it is its own or waits already."""

    domain: str
    evidence: str
    known: bool


@dataclass(frozen=True, slots=True)
class Confirming:
    """What is known when somebody confirms a domain: who proposed it."""

    domain: MailDomain
    doing: hands.Doing


@rule("domain.not-a-domain", field="domain", source="RFC 1123, section 2.1")
def is_a_domain(proposing: Proposing) -> str | None:
    """A domain is what stands behind the sign @ of an address, in ASCII."""
    if mailboxes.is_host(proposing.domain):
        return None
    return _("Enter what stands behind the sign @ of your addresses, such as council.example.")


@rule("domain.look-alike", field="domain", source="RFC 5890, section 4.4: names in other scripts may look alike")
def cannot_look_like_another(proposing: Proposing) -> str | None:
    """A domain in another script may be drawn like any other: nobody can tell the two apart by reading."""
    if mailboxes.is_another_script(proposing.domain):
        return _("This domain is written in another script and may look like somebody else's. Name one in ASCII.")
    return None


@rule("domain.nobodys", field="domain", source=mailboxes.source_of_nobodys())
def is_somebodys(proposing: Proposing) -> str | None:
    """An ending under which anybody registers a name, or a mail service anybody may use, is no body's own."""
    if mailboxes.is_nobodys(proposing.domain):
        return _(
            "Others have addresses under {domain} too. Name the domain that is this body's alone.",
            domain=proposing.domain,
        )
    return None


@rule("domain.evidence-missing", field="evidence", source=str(policy.number("people.instrument_characters").source))
def says_what_shows_it(proposing: Proposing) -> str | None:
    """That a domain is a body's rests on something that others can look up."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(proposing.evidence.strip()) < least:
        return _("Say what shows that it is this body's, in at least {least} characters.", least=least)
    return None


@rule("domain.known-already", field="domain")
def is_new(proposing: Proposing) -> str | None:
    """A domain is proposed once for a body."""
    return _("This domain is here already, confirmed or waiting.") if proposing.known else None


PROPOSE = (is_a_domain, cannot_look_like_another, is_somebodys, says_what_shows_it, is_new)
"""For `actions.propose_domain`."""


@rule("domain.decided")
def domain_waits(confirming: Confirming) -> str | None:
    """A domain is confirmed once, and not after it was withdrawn."""
    if confirming.domain.withdrawn_at is not None:
        return _("This domain was withdrawn.")
    return _("This domain is confirmed already.") if confirming.domain.confirmed_at is not None else None


@rule("domain.same-person", source=TWO)
def another_person_confirms(confirming: Confirming) -> str | None:
    """Who proposed a domain does not confirm it."""
    return hands.both(confirming.doing)


@rule("domain.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def nobody_let_in_lately_confirms(confirming: Confirming) -> str | None:
    """Nor does whoever counts as one pair of hands with her."""
    return hands.as_one(confirming.doing)


CONFIRM = (domain_waits, another_person_confirms, nobody_let_in_lately_confirms)
"""For `actions.confirm_domain`."""


@rule("domain.withdrawn-already")
def still_stands(domain: MailDomain) -> str | None:
    """A domain is withdrawn once."""
    return _("This domain was withdrawn already.") if domain.withdrawn_at is not None else None


WITHDRAW = (still_stands,)
"""For `actions.withdraw_domain`."""


# ── somebody outside ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Backing:
    """What is known when somebody agrees to let in whom an invitation names: who spoke for it before (`doing`), whether she is
    herself the one (`own`), whether her side (body or team) is still wanted, and the moment."""

    invitation: Invitation
    doing: hands.Doing
    own: bool
    wanted: bool
    now: Arrival


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many people still have to agree: of the body, and of the innovation team."""

    body: int
    team: int

    def __bool__(self) -> bool:
        return bool(self.body or self.team)

    def __str__(self) -> str:
        said = []
        if self.body:
            said.append(
                _n(
                    "one more person of the body who gives this role",
                    "{number} more people of the body who give this role",
                    self.body,
                )
            )
        if self.team:
            said.append(_n("one operator", "{number} operators", self.team))
        return together(said)


def lacking(role: str, administrators: int, voices: Sequence[str]) -> Lacking:
    """Who has to agree still: two of the body, as far as it has `administrators` (pairs of hands that give this role), with operators
    in the place of who is not there; for a role that binds an operator as well. `voices` are the sides of who spoke."""
    body = min(ENOUGH, administrators)
    team = min(ENOUGH, ENOUGH - body + (role not in NOT_BINDING))
    return Lacking(max(0, body - voices.count("body")), max(0, team - voices.count("team")))


@rule("invitation.decided")
def invitation_waits(backing: Backing) -> str | None:
    """What was sent, withdrawn or has lapsed is not agreed to any more."""
    if backing.invitation.sent_at is not None:
        return _("The letter of this invitation has gone already.")
    return still_open(backing.invitation, backing.now)


@rule("invitation.same-person", source=TWO)
def another_person_agrees(backing: Backing) -> str | None:
    """Each who agrees is another person."""
    return hands.both(backing.doing)


@rule("invitation.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def nobody_let_in_lately_agrees(backing: Backing) -> str | None:
    """And counts as one pair of hands with nobody who spoke before: a ring in which each lets the next in is one."""
    return hands.as_one(backing.doing)


@rule("invitation.own-backed", source=TWO)
def is_not_her_own(backing: Backing) -> str | None:
    """Nobody agrees to her own invitation."""
    return _("This invitation is yours. Others have to agree to it.") if backing.own else None


@rule("invitation.side-not-wanted")
def her_side_is_wanted(backing: Backing) -> str | None:
    """Two operators do not take the place of the body's own people, nor they that of an operator."""
    return None if backing.wanted else _("Your side has agreed already. Somebody of the other has to.")


BACK = (invitation_waits, another_person_agrees, nobody_let_in_lately_agrees, is_not_her_own, her_side_is_wanted)
"""For `actions.agree`."""
