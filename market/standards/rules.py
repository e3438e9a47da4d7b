"""What all nouns of standards share: the norm they come from, and what is refused when too much is asked at once."""

from __future__ import annotations

from typing import Final

from market.refusals import Denial
from market.wording import N_

OWN: Final = N_("Design card, idea 10: mandated interoperable standards")

REASON: Final = 40
"""The fewest characters of a reason for an exemption or an appeal."""

<<<<<<< HEAD
Sanction = Literal["cure", "withheld", "restored"]


# ── listing and lodging ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known when a service is listed or revised; `known` are the labels of the published profiles."""

    profiles: Sequence[str]
    known: Sequence[str]
    cpv: Sequence[str]
    maturity: str
    public_url: str
    withdrawn: bool


@rule("service.withdrawn")
def is_still_listed(listing: Listing) -> str | None:
    """A service that was withdrawn is listed anew, not changed."""
    return _("This service was withdrawn. List it anew.") if listing.withdrawn else None


@rule("service.profile-unknown", field="profiles", source=_OWN)
def names_published_profiles(listing: Listing) -> str | None:
    """A service is checked under profile versions that are published, at least one."""
    if not listing.profiles:
        return _("Choose at least one profile to be checked under.")
    unknown = [each for each in listing.profiles if each not in listing.known]
    return (
        _(
            "There is no profile {unknown}. There are: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(listing.known),
        )
        if unknown
        else None
    )


@rule("service.cpv-malformed", field="cpv", source="Regulation (EC) No 213/2008: CPV codes have eight digits")
def service_codes_look_like_codes(listing: Listing) -> str | None:
    """Sectors are named by CPV codes, as everywhere on this site."""
    wrong = [code for code in listing.cpv if not re.fullmatch(r"\d{8}(-\d)?", code)]
    return _("These are not CPV codes: {wrong}.", wrong=", ".join(wrong)) if wrong else None


@rule("service.maturity-unknown", field="maturity")
def says_how_mature_it_is(listing: Listing) -> str | None:
    """A buyer is told whether a service is still being tried, in use, or about to go."""
    return None if listing.maturity in MATURITY else _("Choose how mature the service is.")


@rule("service.address-malformed", field="public_url")
def address_can_be_followed(listing: Listing) -> str | None:
    """An address people follow begins with https://."""
    if not listing.public_url:
        return None
    parts = urlsplit(listing.public_url)
    return None if parts.scheme == "https" and parts.hostname else _("Begin the address with https://.")


LIST = (
    is_still_listed,
    names_published_profiles,
    service_codes_look_like_codes,
    says_how_mature_it_is,
    address_can_be_followed,
)
"""For listing a service and for revising it."""


@dataclass(frozen=True, slots=True)
class Offering:
    """What is known when a service is offered for a tender: the tender's reference, and what it is offered for already."""

    withdrawn: bool
    tender: str
    offered: Sequence[str]


@rule("service.offer-withdrawn")
def offers_a_listed_service(offering: Offering) -> str | None:
    """What is offered is in the catalogue."""
    return _("This service was withdrawn. List it anew.") if offering.withdrawn else None


@rule("service.tender-malformed", field="tender")
def names_a_tender(offering: Offering) -> str | None:
    """Tenders are named by their reference."""
    return None if TENDER.fullmatch(offering.tender) else _("Name the tender by its reference, like T-7KQ4M2X.")


@rule("service.offers-too-many", field="tender")
def is_offered_for_few(offering: Offering) -> str | None:
    """A service that is offered everywhere says nothing."""
    return _("This service is offered for forty tenders already.") if len(offering.offered) >= 40 else None


OFFER = (offers_a_listed_service, names_a_tender, is_offered_for_few)
"""For naming a tender that a service is offered for."""


@dataclass(frozen=True, slots=True)
class Lodging:
    """What is known when a document is lodged: its size, and whether it is the one that is lodged already."""

    withdrawn: bool
    size: int
    largest: int
    same: bool


@rule("lodgement.service-withdrawn")
def lodges_for_a_listed_service(lodging: Lodging) -> str | None:
    """Documents are lodged for services that are listed."""
    return _("This service was withdrawn. List it anew.") if lodging.withdrawn else None


@rule("lodgement.empty", field="document")
def lodges_something(lodging: Lodging) -> str | None:
    """There is a document."""
    return None if lodging.size else _("Choose a file, or paste the document.")


@rule(
    "lodgement.too-large", field="document", source="Own limit, twice the largest public descriptions in ordinary use"
)
def is_not_too_large(lodging: Lodging) -> str | None:
    """What is larger than any honest description is not read."""
    if lodging.size <= lodging.largest:
        return None
    return _(
        "The document has {size:,} bytes; at most {largest:,} are read.", size=lodging.size, largest=lodging.largest
    )


@rule("lodgement.unchanged", field="document")
def is_another_document(lodging: Lodging) -> str | None:
    """The same bytes are checked again, not lodged again: a version is a change."""
    return _("This very document is lodged already. Check it again instead.") if lodging.same else None


LODGE = (lodges_for_a_listed_service, lodges_something, is_not_too_large, is_another_document)
"""For lodging a document."""


# ── sandboxes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def host_of(address: str) -> str:
    """Host and port of an address: what a token shows control of."""
    parts = urlsplit(address.strip())
    return parts.netloc.lower()


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known when a sandbox is named: its address, the header with a credential and whether there is one, and
    whether addresses of this machine are permitted."""

    withdrawn: bool
    address: str
    header: str
    credential: bool
    loopback: bool


@rule("sandbox.service-withdrawn")
def tries_a_listed_service(naming: Naming) -> str | None:
    """A service that was withdrawn is not tried."""
    return _("This service was withdrawn. List it anew.") if naming.withdrawn else None


@rule("sandbox.address-malformed", field="address")
def sandbox_has_an_address(naming: Naming) -> str | None:
    """A sandbox is called over TLS, at a host and a path, without a name and password in the address."""
    try:
        parts = urlsplit(naming.address)
        wrong = not parts.hostname or parts.username is not None or bool(parts.query or parts.fragment)
    except ValueError:
        wrong = True
    if wrong:
        return _("Give the address that the paths of the API follow, like https://sandbox.firm.example/v1.")
    if parts.scheme != "https" and not (naming.loopback and parts.scheme == "http"):
        return _("Begin the address with https://.")
    return None


@rule("sandbox.header-malformed", field="header", source="RFC 9110, section 5.6.2")
def header_is_a_name(naming: Naming) -> str | None:
    """The credential stands in one header of its own; those that steer the connection cannot carry it."""
    if not naming.header:
        return None
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", naming.header):
        return _("The name of a header has letters, digits and dashes.")
    if naming.header.lower() in ("host", "content-length", "transfer-encoding", "connection", "content-type"):
        return _("Name the header that carries the credential, like Authorization.")
    return None


@rule("sandbox.credential-missing", field="credential")
def header_has_a_credential(naming: Naming) -> str | None:
    """A header without a value lets nobody in."""
    return _("Give the credential that the header carries.") if naming.header and not naming.credential else None


NAME_SANDBOX = (tries_a_listed_service, sandbox_has_an_address, header_is_a_name, header_has_a_credential)
"""For naming the sandbox of a service, and changing it."""


@rule("sandbox.findings-open", source=_OWN)
def live_findings_are_mended(findings: int) -> str | None:
    """What a live check found is mended, not hidden: the sandbox goes when a live check has found nothing."""
    return _("The last live check found something. Mend it and have it checked again first.") if findings else None


DROP_SANDBOX = (live_findings_are_mended,)
"""For taking a sandbox away."""


@dataclass(frozen=True, slots=True)
class Trying:
    """What is known when a live check is asked: whether there is a sandbox, a document, a profile with checks of that kind,
    and the extra that makes them."""

    withdrawn: bool
    sandbox: bool
    lodged: bool
    kinds: bool
    installed: bool


@rule("live.service-withdrawn")
def checks_a_listed_service(trying: Trying) -> str | None:
    """A service that was withdrawn is not tried."""
    return _("This service was withdrawn. List it anew.") if trying.withdrawn else None


@rule("live.no-sandbox")
def has_a_sandbox(trying: Trying) -> str | None:
    """There is somewhere to try it."""
    return None if trying.sandbox else _("Name the sandbox first.")


@rule("live.no-document")
def has_a_document_to_compare(trying: Trying) -> str | None:
    """What the service does is compared with what its document says."""
    return None if trying.lodged else _("No document is lodged yet. Lodge one first.")


@rule("live.no-checks")
def profile_has_live_checks(trying: Trying) -> str | None:
    """A profile says what is checked on a running service; not every one does."""
    return None if trying.kinds else _("None of the profiles of this service has checks of a running service.")


@rule("live.not-installed", source="The optional extra prelude[live]")
def live_checks_are_made_here(trying: Trying) -> str | None:
    """Live checks are an optional part of an installation."""
    return None if trying.installed else _("This site does not make live checks.")


TRY = (
    checks_a_listed_service,
    has_a_sandbox,
    has_a_document_to_compare,
    profile_has_live_checks,
    live_checks_are_made_here,
)
"""For asking for a live check."""


# ── certificates ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Certifying:
    """What is known after a run: whether it passed and is of the newest document, and whether a private service may be."""

    passed: bool
    newest: bool
    withdrawn: bool
    private: bool
    exempt: bool


@rule("certificate.not-passed", source=_OWN)
def the_run_passed(certifying: Certifying) -> str | None:
    """Only a pass is certified; *could not check* is never a pass."""
    return None if certifying.passed else _("The check did not pass.")


@rule("certificate.old-document", source=_OWN)
def is_of_the_newest_document(certifying: Certifying) -> str | None:
    """What is certified is what the supplier says it serves now."""
    return None if certifying.newest else _("A newer version of the document is lodged: that one has to pass.")


@rule("certificate.service-withdrawn")
def certifies_a_listed_service(certifying: Certifying) -> str | None:
    """A service that is no longer offered needs no certificate."""
    return _("This service was withdrawn.") if certifying.withdrawn else None


@rule("certificate.private-unsigned", source=_OWN)
def a_private_api_is_exempt(certifying: Certifying) -> str | None:
    """A description stays confidential only with an exemption signed by a buyer and by the standards owner."""
    if certifying.private and not certifying.exempt:
        return _(
            "A private API needs an exemption signed by a buyer and by the standards owner before it is certified."
        )
    return None


CERTIFY = (the_run_passed, is_of_the_newest_document, certifies_a_listed_service, a_private_api_is_exempt)
"""For issuing a certificate after a run."""


def in_force(certificate: IssuedCertificate, at: datetime) -> bool:
    """Whether a certificate holds at a moment."""
    revoked = certificate.revoked_at is not None and certificate.revoked_at <= at
    return certificate.issued_at <= at <= certificate.valid_until and not revoked


def exempts(exemption: Exemption | ExemptionDates, at: datetime) -> bool:
    """Whether an exemption holds at a moment: both have signed, it has not expired, nobody ended it."""
    signed = exemption.signed_at is not None and exemption.signed_at <= at
    ended = exemption.ended_at is not None and exemption.ended_at <= at
    return signed and at <= exemption.expires_at and not ended


class ExemptionDates(msgspec.Struct, frozen=True):
    """What the standing of an exemption is reckoned from."""

    asked_at: datetime | None
    signed_at: datetime | None
    refused_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None


def exemption(row: Exemption | ExemptionDates, at: datetime) -> standing.Standing:
    """Where an exemption stands, in words, and the date that matters now."""
    if row.refused_at is not None:
        return standing.Standing("refused", _("Refused"), "red", row.refused_at, _("Refused"))
    if row.signed_at is None:
        return standing.Standing("asked", _("Waits for the standards owner"), "amber", row.asked_at, _("Asked"))
    if exempts(row, at):
        return standing.Standing("in-force", _("In force"), "green", row.expires_at, _("Ends"))
    return standing.Standing("ended", _("Ended"), "grey", row.ended_at or row.expires_at, _("Ended"))


def only_later_gates(run: Run, pinned: date) -> bool:
    """Whether a failed run fails only by rules that became gates after a day.

    A contract is held to the profile as it gated on its tender's day: “never retroactively for running contracts”.
    """
    gates = run.gates
    return bool(gates) and all(each.gate_from and date.fromisoformat(each.gate_from) > pinned for each in gates)


@dataclass(frozen=True, slots=True)
class Standing:
    """One service of a supplier under the profile that a gate asks for: its certificates and its latest run there."""

    service: Service
    certificates: Sequence[IssuedCertificate]
    latest: CheckRun | None
    later_gates_only: bool
    """The latest run fails only by rules that became gates after the day the contract is held to."""


def wanting(label: str, standings: Sequence[Standing], exempt: bool, at: datetime, *, unoffered: str) -> str:
    """What is wrong with a supplier's certificate under a profile at a moment, and what to do; empty when one is in force.

    One certified service is enough among those given; the caller gives the ones that are offered for the contract, and in
    `unoffered` the tender's reference when the supplier has services under the profile, offered for it or not.
    """
    if exempt:
        return ""
    for each in standings:
        if any(in_force(certificate, at) for certificate in each.certificates) or each.later_gates_only:
            return ""
    if not standings and unoffered:
        return _(
            "None of the supplier's services is offered for {unoffered}. Under Components the supplier "
            "opens the service that it will deliver, and names {unoffered} as a tender it is offered for.",
            unoffered=unoffered,
        )
    if not standings:
        return _(
            "There is no certificate under {label}: the supplier has lodged no API for it. It lists its "
            "service under Components, lodges its OpenAPI document, and has the certificate as soon as "
            "the check passes.",
            label=label,
        )
    newest = max(
        standings, key=lambda each: (each.latest is not None and each.latest.started_at) or each.service.listed_at
    )
    run, title = newest.latest, f"“{newest.service.title}”" if not newest.service.private else newest.service.ref
    if run is None:
        return _(
            "There is no certificate under {label}: no document of {title} has been checked under it. "
            "The supplier lodges one.",
            label=label,
            title=title,
        )
    if run.outcome == "fail":
        return _n(
            "There is no certificate in force under {label}: the last check of {title} failed with {number} finding to "
            "mend. The supplier mends them and lodges the document again; it passes in seconds.",
            "There is no certificate in force under {label}: the last check of {title} failed with {number} findings to "
            "mend. The supplier mends them and lodges the document again; it passes in seconds.",
            run.gates,
            label=label,
            title=title,
        )
    if run.outcome == "could-not-check":
        return _(
            "There is no certificate in force under {label}: {title} could not be checked, which is not "
            "a pass. The supplier lodges it again.",
            label=label,
            title=title,
        )
    if newest.certificates:
        return _(
            "The certificate of {title} under {label} is no longer in force. The supplier checks it "
            "again under Components.",
            title=title,
            label=label,
        )
    return _(
        "{title} passed {label} and is not certified: a private API needs an exemption signed by both sides first.",
        title=title,
        label=label,
    )


# ── sanctions ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Cure(msgspec.Struct, frozen=True):
    """What a sanction's state is reckoned from."""

    cure_until: datetime
    restored_at: datetime | None


def sanction(row: Withholding | Cure, at: datetime) -> Sanction:
    """Where a sanction stands at a moment, by its dates."""
    if row.restored_at is not None and row.restored_at <= at:
        return "restored"
    return "withheld" if at > row.cure_until else "cure"


def withheld(rows: Sequence[Withholding], at: datetime) -> str:
    """Why a supplier may not apply, bid or be paid a milestone at a moment; empty when it may."""
    reasons = [row.reason for row in rows if sanction(row, at) == "withheld"]
    if not reasons:
        return ""
    return _(
        "Access is withheld: {reasons} It returns by itself as soon as the check passes. Mend it, lodge "
        "the document again, or appeal, under Components.",
        reasons=" ".join(dict.fromkeys(reasons)),
    )


@dataclass(frozen=True, slots=True)
class Appealing:
    """What is known when a supplier appeals: the sanction, until when it may, and its words."""

    row: Withholding
    until: datetime
    words: str
    now: datetime


@rule("appeal.nothing-open")
def something_is_open(appealing: Appealing) -> str | None:
    """There is a notice or a withholding to appeal against."""
    return _("Access has returned already.") if sanction(appealing.row, appealing.now) == "restored" else None


@rule("appeal.already-there")
def appeals_once(appealing: Appealing) -> str | None:
    """One appeal against one sanction; it is answered in writing."""
    return _("You have appealed already.") if appealing.row.appealed_at is not None else None


@rule("appeal.too-late", source=str(policy.number("sanctions.appeal_working_days").source))
def appeals_in_time(appealing: Appealing) -> str | None:
    """An appeal comes within the policy's working days after the end of the cure period."""
    return (
        _("The time to appeal has passed. A passing check still restores access.")
        if appealing.now > appealing.until
        else None
    )


@rule("appeal.reason-missing", field="words")
def says_why_it_is_wrong(appealing: Appealing) -> str | None:
    """An appeal says what is wrong with the sanction."""
    return None if len(appealing.words.strip()) >= REASON else _("Say in a sentence or two why this is wrong.")


MAY_APPEAL = (something_is_open, appeals_once, appeals_in_time)
"""What the page asks before an appeal is written."""

APPEAL = (*MAY_APPEAL, says_why_it_is_wrong)
"""For a supplier's appeal."""


@rule("appeal.not-waiting")
def an_appeal_waits(row: Withholding, words: str) -> str | None:
    """The operator answers an appeal once."""
    if row.appealed_at is None:
        return _("Nobody has appealed.")
    return _("This appeal is answered already.") if row.answered_at is not None else None


@rule("appeal.answer-missing", field="words")
def answers_with_reasons(row: Withholding, words: str) -> str | None:
    """The answer gives its reasons: it is public."""
    return None if len(words.strip()) >= REASON else _("Give the reasons; they are published.")


ANSWER = (an_appeal_waits, answers_with_reasons)
"""For the operator's answer."""


# ── exemptions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Exempting:
    """What is known when a buyer asks for an exemption. `rules_of` are the rules of the profile, None when there is no
    such profile; `has_service` says whether the
    service (for national security the supplier) was found; `result` is what is wrong with the signed result that was lodged, None when none was."""

    ground: str
    profile: str
    rules: Sequence[str]
    rules_of: Sequence[str] | None
    has_service: bool
    reason: str
    control: str
    expires_at: datetime
    latest: datetime
    result: str | None
    now: datetime


@rule("exemption.ground-unknown", field="ground", source=_OWN)
def has_a_ground(exempting: Exempting) -> str | None:
    """Exemptions have one of three grounds."""
    return None if exempting.ground in GROUNDS else _("Choose the ground of the exemption.")


@rule("exemption.profile-unknown", field="profile")
def is_from_a_published_profile(exempting: Exempting) -> str | None:
    """An exemption is from one published profile version."""
    return (
        None
        if exempting.rules_of is not None
        else _("There is no profile {profile}.", profile=exempting.profile)
        if exempting.profile
        else _("There is no profile of that name.")
    )


@rule("exemption.rules-unknown", field="rules")
def names_its_rules(exempting: Exempting) -> str | None:
    """Waived rules are named one by one; the rest of the profile still decides."""
    if exempting.ground != "rules" or exempting.rules_of is None:
        return None
    if not exempting.rules:
        return _("Name the rules that are waived.")
    unknown = [each for each in exempting.rules if each not in exempting.rules_of]
    return _("The profile has no rule {unknown}.", unknown=", ".join(unknown)) if unknown else None


@rule("exemption.service-missing", field="service")
def is_for_a_service(exempting: Exempting) -> str | None:
    """Waived rules and a confidential description are those of one listed service; for national security the supplier is
    named alone."""
    if exempting.has_service or exempting.ground not in GROUNDS:
        return None
    return (
        _("Name the supplier, by its reference.")
        if exempting.ground == "national-security"
        else _("Name the service, by its reference.")
    )


@rule("exemption.reason-missing", field="reason")
def says_why(exempting: Exempting) -> str | None:
    """An exemption says why the standard cannot be met."""
    return (
        None
        if len(exempting.reason.strip()) >= REASON
        else _("Say in a sentence or two why the standard cannot be met.")
    )


@rule("exemption.control-missing", field="control")
def says_what_is_done_instead(exempting: Exempting) -> str | None:
    """An exemption names the control that takes the rule's place."""
    return None if exempting.control.strip() else _("Say what is done instead, so that the purpose is still met.")


@rule("exemption.expiry", field="expires_at", source=str(policy.number("standards.exemption_maximum_months").source))
def ends_in_time(exempting: Exempting) -> str | None:
    """An exemption ends; at the latest after the policy's months."""
    if exempting.expires_at <= exempting.now:
        return _("The exemption must end later than now.")
    if exempting.expires_at > exempting.latest:
        return _(
            "An exemption lasts at most {exemption_maximum_months} months; it can be asked again.",
            exemption_maximum_months=policy.IN_FORCE.standards.exemption_maximum_months,
        )
    return None


@rule("exemption.result-missing", field="result", source=_OWN)
def lodges_a_signed_result(exempting: Exempting) -> str | None:
    """Where nothing may be shown, the same check runs at the buyer's and its signed result is lodged."""
    if exempting.ground != "national-security":
        return None
    if exempting.result is None:
        return _("Lodge the signed result of the check that ran at your place.")
    return exempting.result or None


EXEMPT = (
    has_a_ground,
    is_from_a_published_profile,
    names_its_rules,
    is_for_a_service,
    says_why,
    says_what_is_done_instead,
    ends_in_time,
    lodges_a_signed_result,
)
"""For asking for an exemption: the buyer's signature."""


@rule("exemption.decided")
def waits_for_the_owner(exemption: Exemption, signer: int) -> str | None:
    """The standards owner decides once."""
    if exemption.signed_at is not None:
        return _("This exemption is signed already.")
    return _("This exemption was refused.") if exemption.refused_at is not None else None


@rule("exemption.two-people", source=_OWN)
def two_people_sign(exemption: Exemption, signer: int) -> str | None:
    """Two people sign, each for her own body."""
    return _("Somebody else signs for the standards owner.") if exemption.asked_by == signer else None


SIGN = (waits_for_the_owner, two_people_sign)
"""For the standards owner's signature or refusal."""


# ── profiles ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Publishing:
    """What is known when a profile version is published; `problems` are what the engine refuses of its texts."""

    name: str
    version: str
    problems: Sequence[str]
    published: Sequence[str]
    newest: bool


@rule("standard.cannot-run", field="ruleset", source=_OWN)
def the_engine_can_run_it(publishing: Publishing) -> str | None:
    """A rule nobody can run decides nothing: functions the engine lacks, and rules without a card, are refused."""
    return (
        _("This cannot be published: {problems}.", problems="; ".join(publishing.problems[:12]))
        if publishing.problems
        else None
    )


@rule("standard.version-taken", field="description", source=_OWN)
def is_a_new_version(publishing: Publishing) -> str | None:
    """A published version never changes; what changes is a new version."""
    if publishing.version and publishing.version in publishing.published:
        return _(
            "{name} {version} is published already and stays as it is. Give a new version.",
            name=publishing.name,
            version=publishing.version,
        )
    return None


@rule("standard.version-older", field="description")
def is_newer_than_the_last(publishing: Publishing) -> str | None:
    """Versions go up."""
    if publishing.problems or publishing.newest or publishing.version in publishing.published:
        return None
    return _("Give a version higher than those published.")


PUBLISH = (the_engine_can_run_it, is_a_new_version, is_newer_than_the_last)
"""For publishing a profile version."""


# ── what others or the machine decide meanwhile ────────────────────────────────────────────────────────────────────

NOTHING_LODGED = Denial(
    "lodgement.none",
    N_("No document is lodged yet. Lodge one first."),
    norm="A check is of the document that is lodged.",
)

LODGED_MEANWHILE = Denial(
    "lodgement.meanwhile",
    N_("Another document was lodged meanwhile. Look at it, then lodge again."),
    norm="A document is compared with the one before it, so two are not lodged at once.",
)

NOT_FETCHED = Denial(
    "lodgement.not-fetched",
    "{why}",
    norm="A document is taken from an address that answers with one, of a size that is read.",
    field="address",
    status=422,
)

CHECK_WAITING = Denial(
    "live.waiting",
    N_("A live check is waiting already. Its result comes within minutes."),
    norm="One live check of a service waits at a time.",
)

=======
>>>>>>> origin/main
BUSY = Denial(
    "standard.busy",
    N_("Too many documents are being checked. Try again in a minute."),
    norm="As many documents are checked at once as the machine can read.",
    status=503,
)
