"""What is kept of standards: profile versions, services and their documents, runs, certificates, exemptions, sanctions."""

from piccolo.columns import Boolean, Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import (
    belongs_to,
    day,
    may_belong_to,
    moment,
    number,
    octets,
    reference,
    several,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS


class PublishedProfile(Table):
    """One version of a standards profile as it was published; nothing of it changes, a change is a new version.

    `ruleset` and `description` are the two texts the profile is composed of; `digest` covers all that decides.
    """

    id: Serial
    name = Varchar(length=60, null=False)
    version = Varchar(length=30, null=False)
    title = words()
    says = words()
    ruleset = words()
    description = words()
    digest = Varchar(length=80, null=False)
    effective_on = day()
    published_at = when()
    published_by = may_belong_to(Person)
    """Nobody for the profiles that come with the product."""


class Service(Table):
    """A supplier's reusable component: what it does, for whom, on which terms. Its API is in its lodgements."""

    id: Serial
    ref = reference(KINDS["service"].prefix)
    supplier = belongs_to(Organisation)
    title = words()
    does = words()
    used_by = words()
    licence = words()
    price_terms = words()
    cpv = several()
    maturity = Varchar(length=10, default="live", null=False)
    """beta | live | retiring."""
    private = yes_or_no()
    """The description of its API is confidential: the catalogue shows that it exists and its result."""
    public_url = words()
    profiles = several()
    """The profiles it is checked under, each `name@version`."""
    offered_for = several()
    """References of tenders it is offered for; a tender's gate looks at these first."""
    listed_at = when()
    listed_by = belongs_to(Person)
    withdrawn_at = moment()


class Lodgement(Table):
    """One document lodged for a service, exactly as it came. `changes` says (JSON) what differs from version
    `compared`: the last one that passed, else the one before; 0 when there is none. `outline` is its API reference."""

    id: Serial
    ref = reference("LD")
    service = belongs_to(Service)
    document = octets()
    digest = Varchar(length=80, null=False)
    name = words()
    api_title = words()
    api_version = words()
    changes = words("[]")
    compared = number()
    breaking = number()
    number = number()
    outline = words("{}")
    lodged_at = when()
    lodged_by = belongs_to(Person)


class CheckRun(Table):
    """One run of a profile on a lodged document: stored, never recomputed. `result` is the whole record as JSON."""

    id: Serial
    ref = reference("R")
    service = belongs_to(Service)
    lodgement = belongs_to(Lodgement)
    profile = belongs_to(PublishedProfile)
    document = Varchar(length=80, null=False)
    profile_digest = Varchar(length=80, null=False)
    engine = Varchar(length=40, null=False)
    cause = Varchar(length=10, null=False)
    """lodged | asked | periodic | live."""
    outcome = Varchar(length=20, null=False)
    """pass | pass-with-waivers | fail | could-not-check."""
    gates = number()
    advisories = number()
    started_at = when(index=True)
    finished_at = when()
    result = words("{}")


class Sandbox(Table):
    """Where a service can be tried, one for each service: its address, and the token that shows control of the host.

    `credential` is the value of the header that authenticates a call, sealed with a key that only the platform has; without
    `writable` nothing but GET is ever sent.
    """

    id: Serial
    service = belongs_to(Service)
    address = words()
    token = Varchar(length=64, null=False)
    writable = yes_or_no()
    header = Varchar(length=80, default="", null=False)
    credential = octets()
    named_at = when()
    named_by = belongs_to(Person)


class LiveCheck(Table):
    """A live check of a service, asked and then made by a job. What it found is in runs whose cause is `live`; `stopped` is
    why it could not be finished, empty when it was."""

    id: Serial
    ref = reference("LC")
    service = belongs_to(Service)
    lodgement = belongs_to(Lodgement)
    address = words()
    asked_at = when()
    asked_by = may_belong_to(Person)
    """Nobody when a lodgement or the rhythm of the checks asked."""
    began_at = moment()
    finished_at = moment()
    stopped = words()
    requests = number()


class IssuedCertificate(Table):
    """A certificate as it was signed. It is in force from `issued_at` to `valid_until` unless it was revoked before."""

    id: Serial
    ref = reference("CE")
    service = belongs_to(Service)
    supplier = belongs_to(Organisation)
    profile = belongs_to(PublishedProfile)
    run = belongs_to(CheckRun)
    document = Varchar(length=80, null=False)
    issued_at = when()
    valid_until = when()
    file = octets()
    revoked_at = moment()
    revoked_reason = words()
    replaced = yes_or_no()
    """Revoked only because a newer certificate took its place."""


class Exemption(Table):
    """An exception to a profile, asked and signed by a buyer and signed by the standards owner; both signatures make it.

    `ground` is `rules` (the named rules are waived), `private` (the description stays confidential, the checks run) or
    `national-security` (the checks run at the buyer's, a signed result is lodged, nothing about the API is public).
    """

    id: Serial
    ref = reference(KINDS["exemption"].prefix)
    supplier = belongs_to(Organisation)
    buyer = belongs_to(Organisation)
    service = may_belong_to(Service, index=True)
    profile = Varchar(length=100, null=False)
    """`name@version`."""
    ground = Varchar(length=20, null=False)
    rules = several()
    scope = words()
    reason = words()
    control = words()
    """What is done instead."""
    result = octets()
    """The signed result file of a run made offline; for national security only."""
    asked_at = when()
    asked_by = belongs_to(Person)
    """The buyer's signature."""
    signed_at = moment()
    signed_by = may_belong_to(Person)
    """The standards owner's signature."""
    refused_at = moment()
    refused_reason = words()
    expires_at = when()
    ended_at = moment()


class Withholding(Table):
    """A sanction for a certificate that lapsed: notice, time to cure, then access withheld, until a passing run.

    Whether access is withheld now follows from the dates. `told_at` is when the end of the cure period was told.
    """

    id: Serial
    ref = reference("WH")
    supplier = belongs_to(Organisation)
    service = belongs_to(Service)
    profile = belongs_to(PublishedProfile)
    reason = words()
    notice_at = when()
    cure_until = when()
    told_at = moment()
    restored_at = moment()
    restored_because = words()
    appeal = words()
    appealed_at = moment()
    appealed_by = may_belong_to(Person)
    answer = words()
    answered_at = moment()
    answered_by = may_belong_to(Person)
    upheld = Boolean(null=True, default=None)
    """The appeal was right: access returned with the answer."""
