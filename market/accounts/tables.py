"""People, organisations, roles, keys and sessions."""

from datetime import datetime

import msgspec
from piccolo.columns import BigInt, Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.actor import Role
from market.columns import (
    belongs_to,
    currency,
    may_belong_to,
    maybe_minor_units,
    maybe_number,
    maybe_several,
    maybe_words,
    moment,
    octets,
    reference,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS


class Organisation(Table):
    """A body that acts here: a buyer, a supplier, the audit body, or the operator (the standing innovation team)."""

    id: Serial
    ref = reference(KINDS["organisation"].prefix)
    name = words()
    kind = Varchar(length=12, index=True)
    """buyer | supplier | audit | operator"""
    tier = Varchar(length=12, default="", null=False)
    """central | sub-central | local | health | other for a buyer (it decides whether the gate applies); empty otherwise. Of
    one that was entered here a ruling alone makes another than central."""
    tier_entered = Varchar(length=12, default="", null=False)
    """The tier a buyer was entered with, which binds only once a ruling confirms it."""
    department = may_belong_to("self")
    """The central department whose minister answers for this body; a department names none, it is its own."""
    country = Varchar(length=2, default="GB", null=False)
    scheme = Varchar(length=20, default="", null=False)
    """The org-id.guide list the identifier is from, such as GB-COH."""
    identifier = Varchar(length=40, default="", null=False)
    region = words()
    website = words()
    email = words()
    employees = maybe_number()
    turnover_minor = maybe_minor_units()
    balance_minor = maybe_minor_units()
    currency = currency()
    created_at = when()

    kind_is_known = Check("kind IN ('buyer','supplier','audit','operator')")
    tier_is_known = Check("tier IN ('','central','sub-central','local','health','other')")


class Person(Table):
    """Somebody who can sign in."""

    id: Serial
    ref = reference(KINDS["person"].prefix)
    name = words()
    email = Varchar(length=254, unique=True)
    """Lower case; the address letters go to and the name one signs in with."""
    password_hash = words()
    """argon2id; empty for somebody who only has passkeys or has not accepted an invitation yet."""
    created_at = when()
    closed_at = moment()


class Invitation(Table):
    """An address asked to join an organisation in a role. The letter holds a token; only its SHA-256 is kept."""

    id: Serial
    ref = reference("IV")
    organisation = belongs_to(Organisation)
    email = Varchar(length=254)
    name = words()
    """Who is let in, by her full name; empty in invitations from before names were asked."""
    role = Varchar(length=20)
    ground = words()
    """How whoever invites knows that it is she, in a public body."""
    paper = words()
    """The paper kept with it, as one would cite it: a contract of employment, a letter, its date."""
    outside = yes_or_no()
    """Whether her address was outside the body's verified domains when she was invited: then others have to agree first."""
    title = words()
    office_since = moment()
    """When the office began, for a minister; the membership of others begins when they accept."""
    office_until = moment()
    token_hash = Varchar(length=64, unique=True)
    invited_by = belongs_to(Person)
    invited_at = when()
    sent_at = moment()
    """When the letter went; NULL while others have to agree."""
    expires_at = when()
    accepted_at = moment()
    withdrawn_at = moment()


class Membership(Table):
    """A person's role in an organisation, from a moment until another: authority has dates, so that a signature can be
    held against the office its signer held then."""

    id: Serial
    person = belongs_to(Person)
    organisation = belongs_to(Organisation)
    role = Varchar(length=20)
    """buyer | evaluator | contract-manager | finance-officer | minister | supplier-admin | supplier-member | auditor | operator"""
    title = words()
    """The office as it is written under a signature, such as “Minister for Rural Transport”."""
    since = when()
    until = moment()
    invitation = may_belong_to(Invitation)
    """The invitation by which she was let in; NULL for roles that began otherwise, or before this was kept."""

    lent_by = may_belong_to(Organisation)
    """The body whose own she is, when it lends her to this one."""

    role_is_known = Check(
        "role IN ('buyer','evaluator','contract-manager','finance-officer','minister','supplier-admin','supplier-member',"
        "'auditor','operator')"
    )


class Holder(msgspec.Struct, frozen=True):
    """A person with a role that she holds in some body now."""

    id: int
    ref: str
    name: str
    email: str
    role: Role
    title: str


class Member(msgspec.Struct, frozen=True):
    """A membership, now or from a later day, with its person; `last` is the last day of a role that has an end; who let her in,
    how she was known and on which paper, empty where nothing was kept."""

    id: int
    ref: str
    name: str
    email: str
    role: Role
    title: str
    since: datetime
    until: datetime | None
    last: datetime | None
    inviter: str
    ground: str
    paper: str


class Passkey(Table):
    """A public key whose private half lives on a person's own device (WebAuthn Level 3)."""

    id: Serial
    person = belongs_to(Person)
    name = words()
    credential_id = Varchar(length=1400, unique=True)
    """base64url, as the browser sends it."""
    public_key = octets()
    """COSE_Key bytes."""
    sign_count = BigInt(default=0, null=False)
    registration = words()
    """The registration evidence as JSON (attestation object, client data, challenge, time): kept for later proofs."""
    created_at = when()
    used_at = moment()
    revoked_at = moment()


class Session(Table):
    """One signed-in browser. The cookie holds a random token; only its SHA-256 is kept."""

    id: Serial
    token_hash = Varchar(length=64, unique=True)
    person = belongs_to(Person)
    method = Varchar(length=12)
    """password | passkey | demo: what the person proved; ministers' acts want a passkey."""
    touched_at = moment()
    """When she last used a passkey in this session, the one that began it included; in a demonstration its own key."""
    acting_for = Varchar(length=16, default="", null=False)
    """The reference of the organisation a person with several acts for in this browser; empty for the first she joined."""
    began_at = when()
    expires_at = when()
    ended_at = moment()


class OpenSession(msgspec.Struct, frozen=True):
    """A session as its person sees it in her account."""

    token_hash: str
    method: str
    began_at: datetime


class ApiToken(Table):
    """A key a person made for a program that acts as her. Only its SHA-256 is kept; it is shown once."""

    id: Serial
    ref = reference("K")
    person = belongs_to(Person)
    name = words()
    token_hash = Varchar(length=64, unique=True)
    scopes = maybe_several()
    """What the program may do with it, by the names of :mod:`market.accounts.scopes`; NULL in tokens from before this was asked, which keep
    everything until they end."""
    created_at = when()
    expires_at = when()
    revoked_at = moment()

    a_token_may_do_something = Check("cardinality(scopes) > 0")


class LiveToken(msgspec.Struct, frozen=True):
    """A token that is good, as its person sees it in her account."""

    ref: str
    name: str
    scopes: list[str] | None
    created_at: datetime
    expires_at: datetime


class InvitationVoice(Table):
    """Somebody's word for an invitation to an outside address, for the body or for the operator; only ever added to."""

    id: Serial
    invitation = belongs_to(Invitation)
    person = belongs_to(Person)
    side = Varchar(length=8)
    """body | team"""
    given_at = when()

    side_is_known = Check("side IN ('body','team')")
    one_word_each = Unique(["invitation", "person"])


class MailDomain(Table):
    """A domain whose addresses are a body's own, once a second person confirmed the evidence for it; until it is withdrawn."""

    id: Serial
    ref = reference("DM")
    organisation = belongs_to(Organisation)
    domain = Varchar(length=253)
    """Lower case, ASCII, without a dot at its end."""
    evidence = words()
    """What shows that the domain is this body's, as one would cite it."""
    proposed_by = belongs_to(Person)
    proposed_at = when()
    confirmed_by = may_belong_to(Person)
    confirmed_at = moment()
    withdrawn_by = may_belong_to(Person)
    withdrawn_at = moment()

    another_person_confirmed_the_domain = Check("confirmed_by <> proposed_by")


class Ceremony(Table):
    """A challenge handed to a browser for a passkey, good once and for a few minutes."""

    id: Serial
    handle = Varchar(length=64, unique=True)
    """SHA-256 of the challenge in hexadecimal: the browser brings the challenge back inside the signed client data."""
    purpose = Varchar(length=12)
    """register | sign-in | sign | touch"""
    person = may_belong_to(Person)
    challenge = octets()
    statement = maybe_words()
    """For `sign`: the canonical statement whose digest the challenge is. For `touch`: what is kept of the session's token."""
    expires_at = when()
    used_at = moment()


class Reset(Table):
    """A letter that lets a person choose a new password; good once and for an hour. Only the token's SHA-256 is kept."""

    id: Serial
    person = belongs_to(Person)
    token_hash = Varchar(length=64, unique=True)
    expires_at = when()
    used_at = moment()
