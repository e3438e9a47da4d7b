"""What must hold before somebody joins a body, leaves it, chooses a password or registers a passkey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from market import mailboxes, policy
from market.actor import Actor, Role, role_words
from market.arrival import Arrival
from market.refusals import Denial, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.accounts.tables import Invitation, Membership

ROLES: dict[str, tuple[Role, ...]] = {
    "buyer": ("buyer", "evaluator", "contract-manager", "finance-officer", "minister"),
    "supplier": ("supplier-admin", "supplier-member"),
    "audit": ("auditor",),
    "operator": ("operator",),
}
"""Which roles there are in which kind of body."""

GIVERS: dict[str, tuple[Role, ...]] = {
    "buyer": ("buyer",),
    "evaluator": ("buyer",),
    "contract-manager": ("buyer",),
    "finance-officer": ("buyer", "finance-officer"),
    "minister": (),
    "supplier-admin": ("supplier-admin",),
    "supplier-member": ("supplier-admin",),
    "auditor": ("auditor",),
    "operator": ("operator",),
}
"""Who of the same body may give and end a role; operators may give every role. A minister's is theirs alone to give."""

APPOINTED: tuple[Role, ...] = ("minister", "auditor", "operator")
"""Roles that nobody gives alone: two people appoint to them, in public (`market.appointments`). Their end is one person's act."""

SHORTEST_PASSWORD = 15
"""Characters. NIST SP 800-63B-4 section 3.1.1.2 asks for fifteen where the password is the only factor."""

MOST_PASSKEYS = 20
"""Enough for every device of a person; more is somebody filling the table."""


# ── passwords ──────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("password.too-short", field="password", source="NIST SP 800-63B-4 section 3.1.1.2")
def long_enough(password: str, known: Sequence[str]) -> str | None:
    """A password has at least fifteen characters; nothing else about its letters is prescribed."""
    if len(password) < SHORTEST_PASSWORD:
        return _(
            "Use at least {shortest_password} characters. Three or four words that do not belong together do well.",
            shortest_password=SHORTEST_PASSWORD,
        )
    return None


@rule("password.guessable", field="password", source="NIST SP 800-63B-4 section 3.1.1.2")
def hard_to_guess(password: str, known: Sequence[str]) -> str | None:
    """A password is not what a guesser tries first: the person's own name or address, a few signs repeated, or the
    alphabet, digits or keyboard in their order."""
    plain = "".join(sign for sign in password.lower() if sign.isalnum())
    own = ["".join(sign for sign in each.lower() if sign.isalnum()) for each in known]
    if plain and any(plain in (each, each * 2) for each in own):
        return _("This is your own name or address. Choose something that nobody who knows you would try.")
    rows = ("abcdefghijklmnopqrstuvwxyz" * 2, "01234567890" * 3, "12345678901234567890", "qwertyuiopasdfghjklzxcvbnm")
    in_order = any(plain and plain in each for row in rows for each in (row, row[::-1]))
    repeated = any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, min(9, len(plain))))
    if len(set(plain)) < 5 or in_order or repeated:
        return _("This password is easy to guess. Three or four words that do not belong together do well.")
    return None


PASSWORD = (long_enough, hard_to_guess)
"""For everybody who chooses a password. `known` is what others know of the person: name, address."""


NOT_RECOGNISED = Denial(
    "access.not-recognised",
    N_("The email address or the password is not right."),
    norm="An unknown address, a closed account and a wrong password are told apart by nobody.",
    status=422,
)

PRESENT_WRONG = Denial(
    "password.present-wrong",
    N_("This is not your present password."),
    norm="Who changes a password knows the present one, or signed in with a passkey.",
    field="present",
    status=422,
)

RESET_NOT_GOOD = Denial(
    "password.reset-not-good",
    N_("This link has been used or is more than an hour old. Ask for a new one."),
    norm="The link of a reset letter is good once, for an hour.",
    status=410,
)


# ── tokens for programs ────────────────────────────────────────────────────────────────────────────────────────────

NOT_YOUR_ORGANISATION = Denial(
    "access.not-your-organisation",
    N_("The token's person does not belong to this organisation."),
    norm="A program acts for a body of the person whose token it brings.",
    status=403,
)

OUT_OF_SCOPE = Denial(
    "token.out-of-scope",
    N_("This token lacks the scope {scope} ({words}). Its person makes one that has it at {at}."),
    norm="A program does with a token what the token was made for, and nothing else.",
    status=403,
)

BY_TOKEN = Denial(
    "token.by-token",
    N_("A token cannot make another. Sign in to do that."),
    norm="Only a person who signed in makes a token: a stolen one must not outlive itself.",
    status=403,
)


# ── memberships and invitations ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Office:
    """A role that somebody shall have in a body, with its title and dates where it is an office."""

    kind: str
    tier: str
    role: str
    title: str
    since: datetime | None
    until: datetime | None


@rule("membership.role-of-another-kind", field="role")
def role_of_this_kind_of_body(office: Office) -> str | None:
    """Each kind of body has its own roles: nobody evaluates for a supplier or bids for a council."""
    if office.role not in ROLES.get(office.kind, ()):
        names = ", ".join(map(role_words, ROLES.get(office.kind, ())))
        return _("Choose a role that this kind of organisation has: {names}.", names=names)
    return None


@rule("membership.minister-elsewhere", field="role", source="Design card, idea 3: the relevant minister signs it off")
def ministers_in_central_departments(office: Office) -> str | None:
    """A minister belongs to a central department; bodies below it answer to that department's minister."""
    if office.role == "minister" and office.tier != "central":
        return _(
            "Only a central government department has a minister. Choose the department that answers for this body."
        )
    return None


@rule("membership.title-missing", field="title")
def an_office_has_a_title(office: Office) -> str | None:
    """A minister's office has the title that stands under her signature."""
    if office.role == "minister" and not office.title.strip():
        return _("Enter the title of the office as it is written under a signature.")
    return None


@rule("membership.first-day-missing", field="office_since")
def an_office_has_a_first_day(office: Office) -> str | None:
    """A minister's office has a first day: a signature is held against the office its signer held then."""
    if office.role == "minister" and office.since is None:
        return _("Enter the first day in office.")
    return None


@rule("membership.ends-before-it-begins", field="office_until")
def ends_after_it_begins(office: Office) -> str | None:
    """An office does not end before it began."""
    if office.since is not None and office.until is not None and office.until <= office.since:
        return _("The last day in office cannot be before the first.")
    return None


INVITE = (
    role_of_this_kind_of_body,
    ministers_in_central_departments,
    an_office_has_a_title,
    an_office_has_a_first_day,
    ends_after_it_begins,
)
"""For an invitation and for beginning a membership."""


def may_give(actor: Actor, organisation: int, role: str) -> bool:
    """Whether the actor may give or end this role in this body."""
    givers = GIVERS.get(role, ())
    return bool(actor.wears("operator") or (givers and actor.wears(*givers, organisation=organisation)))


APPOINTED_BY_TWO = Denial(
    "invitation.appointed-by-two",
    N_(
        "Nobody makes a minister, an auditor or an operator alone. Propose her under Appointments; a second person confirms."
    ),
    norm="Ministers, auditors and operators are appointed by two people and in public, never invited by one.",
    field="role",
)


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody who shall be let into a body of this kind: her address, how she is known and on which paper; `own`: the mailbox is
    that of whoever lets her in; `another_of`: it is one that somebody there has under another address."""

    kind: str
    address: str
    ground: str
    paper: str
    own: bool
    another_of: bool


@rule("invitation.own", field="email", source="Own default: nobody lets herself in")
def is_for_somebody_else(admission: Admission) -> str | None:
    """Nobody invites herself, into no other role either: somebody else of the body gives it."""
    return _("This is your own address. Somebody else has to invite you.") if admission.own else None


@rule(
    "invitation.same-mailbox", field="email", source="RFC 5233, section 1: what follows a plus sign sorts one mailbox"
)
def is_another_mailbox(admission: Admission) -> str | None:
    """One address, one person: a second name for the mailbox of somebody there is no second person."""
    if admission.another_of:
        return _("Letters to this address reach somebody who is here already. Invite her under the address she has.")
    return None


@rule("invitation.shared-mailbox", field="email", source=mailboxes.source_of_shared())
def is_read_by_one(admission: Admission) -> str | None:
    """In a public body every role binds it, so each is held by one person, who reads her letters alone."""
    if admission.kind != "supplier" and mailboxes.is_shared(admission.address):
        return _("Several people read this mailbox. Enter her own address.")
    return None


@rule("invitation.ground-missing", field="ground", source=str(policy.number("people.instrument_characters").source))
def says_how_she_is_known(admission: Admission) -> str | None:
    """Somebody is let into a public body on the word of a person who knows that it is she, and says how."""
    least = policy.IN_FORCE.people.instrument_characters
    if admission.kind != "supplier" and len(admission.ground.strip()) < least:
        return _("Say how you know that it is she, in at least {least} characters.", least=least)
    return None


@rule("invitation.paper-missing", field="paper", source=str(policy.number("people.instrument_characters").source))
def names_the_paper(admission: Admission) -> str | None:
    """And on a paper that is kept and can be asked for."""
    least = policy.IN_FORCE.people.instrument_characters
    if admission.kind != "supplier" and len(admission.paper.strip()) < least:
        return _(
            "Name the contract, letter or order that is kept, with its date, in at least {least} characters.",
            least=least,
        )
    return None


ADMIT = (is_for_somebody_else, is_another_mailbox, is_read_by_one, says_how_she_is_known, names_the_paper)
"""For an invitation, beside `INVITE`: who is let in, on whose word."""


@rule("invitation.name-needed", field="name")
def has_a_name(invited: str, given: str) -> str | None:
    """Somebody without an account gets one when she accepts, with a name: that of the invitation, or, where an older one has
    none, her own."""
    return None if invited or len(given.strip()) > 1 else _("Enter your name.")


@rule("invitation.another-name", field="name", source="Own default: a person is admitted by name")
def is_the_one_invited(invited: str, given: str) -> str | None:
    """Whoever accepts is the one whom the invitation names, and has her account under that name."""
    if invited and given.strip() and " ".join(given.split()).casefold() != " ".join(invited.split()).casefold():
        return _(
            "This invitation is for {invited}, and the name here is {given}. Ask whoever invited you for one in your name.",
            invited=invited,
            given=" ".join(given.split()),
        )
    return None


@rule("invitation.waits")
def others_agreed(invitation: Invitation, now: Arrival) -> str | None:
    """While others have to agree to an outside address, nobody joins."""
    if invitation.sent_at is None:
        return _("Others have to agree to this invitation first.")
    return None


@rule("invitation.not-open")
def still_open(invitation: Invitation, now: Arrival) -> str | None:
    """An invitation is good once, for two weeks, and until it is withdrawn."""
    if invitation.accepted_at is not None:
        return _("This invitation has been accepted already. Sign in instead.")
    if invitation.withdrawn_at is not None:
        return _("This invitation has been withdrawn. Ask whoever invited you for a new one.")
    if now >= invitation.expires_at:
        return _("This invitation has expired. Ask whoever invited you for a new one.")
    return None


ACCEPT = (others_agreed, still_open)
"""For `invitations.accept`."""

SIGN_IN_AS_INVITED = Denial(
    "invitation.sign-in-first",
    N_("Sign in as {email}, then open this link again."),
    norm="Whose address has an account accepts from that account.",
)


LENT_HERE = Denial(
    "membership.lent",
    N_("She is lent to this body. End the loan before she has a role of her own here."),
    norm="A person is of a body, or lent to it: a second role would lift what is refused to whoever is lent.",
)


@rule("membership.ended-already")
def still_a_member(membership: Membership, others: int, now: Arrival) -> str | None:
    """What has ended is not ended again, or its date would change after the fact."""
    if membership.until is not None and membership.until <= now:
        return _("This membership has ended already.")
    return None


@rule("membership.last-of-its-kind")
def somebody_remains(membership: Membership, others: int, now: Arrival) -> str | None:
    """A supplier keeps at least one administrator, the operator at least one operator: otherwise nobody could let the
    next person in."""
    if membership.role in ("supplier-admin", "operator") and others == 0:
        return _("Nobody else here may invite people. Give somebody else the same role first.")
    return None


END = (still_a_member, somebody_remains)
"""For `memberships.end`. `others` counts those who hold the same role there now."""


# ── organisations ──────────────────────────────────────────────────────────────────────────────────────────────────


@rule("organisation.tier-missing", field="tier", source="Procurement Act 2023 section 2 and schedule 1")
def a_buyer_has_a_tier(kind: str, tier: str) -> str | None:
    """Whether the gate applies, and which threshold, depends on the tier of the buyer."""
    if kind == "buyer" and not tier:
        return _("Choose whether it is central government, sub-central, local, health or another public body.")
    return None


@rule("organisation.tier-of-no-buyer", field="tier")
def only_buyers_have_a_tier(kind: str, tier: str) -> str | None:
    """A tier is a buyer's; other bodies have none."""
    if kind != "buyer" and tier:
        return _("Only buyers have a tier. Leave it empty.")
    return None


CREATE = (a_buyer_has_a_tier, only_buyers_have_a_tier)
"""For `memberships.create_organisation`."""

REGISTER_MISSING = Denial(
    "organisation.register-missing",
    N_("Choose the register this number is from."),
    norm="A number comes with the register it is from.",
    field="scheme",
)

NUMBER_NOT_VALID = Denial(
    "organisation.number-not-valid",
    "{why}",
    norm="A number has the shape of its register, and its check digits fit.",
    field="identifier",
)

REGISTERED_ALREADY = Denial(
    "organisation.registered-already",
    N_(
        "{name} is here already with this number. Ask somebody there to invite you; if you know nobody there, write to "
        "the operator."
    ),
    norm="A body is here once: its number in its register is nobody else's.",
    field="identifier",
)

FOUNDED_ALREADY = Denial(
    "organisation.founded-already",
    N_("This site has two operators already. They appoint others together, under Appointments."),
    norm="Whoever runs a site lets in its first two operators; from then on two people appoint.",
)

FOUNDED_BY_ONE = Denial(
    "organisation.founded-by-one",
    N_("These are one mailbox. The first two operators are two people, each with an address of her own."),
    norm="The first two operators are two people: two addresses that one mailbox reads are one.",
)

FOUNDER_SHARED = Denial(
    "organisation.founder-shared",
    N_("Several people read {address}. Name the address of the person herself."),
    norm="A mailbox that several people read is nobody's, and founds no site.",
)


# ── passkeys ───────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("passkey.another-needs-the-first")
def a_passkey_vouches_for_the_next(actor: Actor, held: int) -> str | None:
    """Who has a passkey adds another only in a session begun with one: a stolen password must not be able to."""
    if held and not actor.by_passkey:
        return _(
            "Sign in with a passkey you have before you add another. If it is lost, ask the operator to revoke it."
        )
    return None


@rule("passkey.too-many")
def not_more_than_devices(actor: Actor, held: int) -> str | None:
    """Twenty passkeys are enough for every device of a person."""
    if held >= MOST_PASSKEYS:
        return _("You have {most_passkeys} passkeys. Revoke one that you no longer use.", most_passkeys=MOST_PASSKEYS)
    return None


@rule("passkey.sign-in-again", source="Design card, idea 17: keys on the person's own device")
def who_begins_has_just_signed_in(proved_at: datetime | None, at: Arrival) -> str | None:
    """The first passkey of a person is made by who has just signed in: a session that was copied, or left open, makes none."""
    if proved_at is not None and at <= proved_at + timedelta(minutes=policy.IN_FORCE.people.touch_minutes):
        return None
    return _("Sign out, sign in again, and add your first passkey then: this session has been open for a while.")


ADD_PASSKEY = (a_passkey_vouches_for_the_next, not_more_than_devices)
"""For `passkeys.register`. `held` counts the person's passkeys in force."""

FIRST_PASSKEY = (who_begins_has_just_signed_in,)
"""For `passkeys.register`, of who has none yet."""

NOT_ACCEPTED = Denial(
    "passkey.not-accepted",
    N_("That passkey was not accepted. Load the page again and try again, or use another passkey."),
    norm="A passkey answers the question of this site, for this person. However it fails, an attacker learns nothing more.",
    status=422,
)

KNOWN_ALREADY = Denial(
    "passkey.known-already",
    N_("This device already holds a passkey for an account."),
    norm="A passkey belongs to one account.",
)

NO_PASSKEY = Denial(
    "passkey.none",
    N_("You have no passkey yet. Add one to your account, then come back."),
    norm="What is signed is signed with a passkey of the person who signs.",
)


# ── two people at one record ───────────────────────────────────────────────────────────────────────────────────────


@rule("record.version-missing", source="RFC 6585, section 3: precondition required")
def says_what_it_was_written_from(seen: str) -> str | None:
    """A change of something stored says which state of it was read before, so that nobody's words are lost unseen."""
    if not seen:
        return _("Open this again before you save: it does not say what was read. Programs send its etag as If-Match.")
    return None


@rule("record.changed-meanwhile", source="Two people at once: the second is told")
def nobody_saved_meanwhile(seen: str, kept: str, by: str, at: str) -> str | None:
    """Nobody's words are overwritten unseen: what is stored is changed from what it says now."""
    if seen != kept:
        if not at:
            return _(
                "{by} saved this, after you opened it. Yours is not saved yet: compare the two, then save again.", by=by
            )
        return _(
            "{by} saved this on {at}, after you opened it. Yours is not saved yet: compare the two, then save again.",
            by=by,
            at=at,
        )
    return None


REVISE = (says_what_it_was_written_from, nobody_saved_meanwhile)
"""For every action that changes something stored (`edits.revise`): asked one after the other."""
