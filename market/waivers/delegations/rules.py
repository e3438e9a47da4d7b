"""Where a delegation of waivers stands, what a minister may let out of her hands, and what may be signed within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.money import Money
from market.proof.delegations import covers
from market.refusals import Denial, rule
from market.standing import Standing, Tone
from market.tenders import cpv
from market.wording import N_, _, together

Stage = Literal["draft", "dropped", "to-come", "in-force", "revoked", "ended"]

STAGES: Mapping[Stage, tuple[str, Tone]] = {
    "draft": (N_("Not signed yet"), "amber"),
    "dropped": (N_("Dropped"), "grey"),
    "to-come": (N_("Begins later"), "teal"),
    "in-force": (N_("In force"), "green"),
    "revoked": (N_("Revoked"), "red"),
    "ended": (N_("Ended"), "grey"),
}
"""The word for each stage, and its tone."""

PUBLIC: tuple[Stage, ...] = ("to-come", "in-force", "revoked", "ended")

_LONG_ENOUGH = policy.IN_FORCE.gate.waiver_reason_characters


class Instrument(msgspec.Struct, frozen=True):
    """A delegation as it is read. `department` and `delegate` are ids. `office_until` is when the office of the minister who
    signed it ends, None while no end is known; `used_minor` is what the `uses` waivers signed under it are good for together."""

    id: int
    ref: str
    department: int
    department_ref: str
    department_name: str
    minister_ref: str
    minister_name: str
    office: str
    delegate: int
    delegate_ref: str
    delegate_name: str
    title: str
    cpv: list[str]
    bodies: list[str]
    ceiling_minor: int
    currency: str
    begins_at: datetime
    until: datetime
    reason: str
    drafted_at: datetime
    dropped_at: datetime | None
    signed_at: datetime | None
    office_until: datetime | None
    revoked_at: datetime | None
    revocation_reason: str
    bundle: str
    used_minor: int
    uses: int

    @property
    def ceiling(self) -> Money:
        """The most that all waivers signed under it may be good for together."""
        return Money(self.ceiling_minor, self.currency)

    @property
    def used(self) -> Money:
        """What those that were signed are good for."""
        return Money(self.used_minor, self.currency)

    @property
    def ends(self) -> datetime:
        """Its last moment: its own, or the end of the minister's office where that comes first."""
        return self.until if self.office_until is None else min(self.until, self.office_until)


def stage(instrument: Instrument, now: datetime) -> Stage:
    """Where it stands now, reckoned from its dates: nothing has to end it."""
    if instrument.dropped_at is not None:
        return "dropped"
    if instrument.signed_at is None:
        return "draft"
    if instrument.revoked_at is not None:
        return "revoked"
    left = instrument.office_until is not None and instrument.office_until <= now
    if left or workdays.is_over(instrument.until, now):
        return "ended"
    return "to-come" if now < instrument.begins_at else "in-force"


def standing(instrument: Instrument, now: datetime) -> Standing:
    """Where it stands, in words, and the date that matters now."""
    found = stage(instrument, now)
    moments: dict[Stage, tuple[datetime | None, str]] = {
        "draft": (instrument.drafted_at, _("Drafted")),
        "dropped": (instrument.dropped_at, _("Dropped")),
        "to-come": (instrument.begins_at, _("Begins")),
        "in-force": (instrument.ends, _("Until")),
        "revoked": (instrument.revoked_at, _("Revoked")),
        "ended": (instrument.ends, _("Ended")),
    }
    word, tone = STAGES[found]
    return Standing(found, _(word), tone, *moments[found])


class Delegate(msgspec.Struct, frozen=True):
    """Somebody of the department's family (its bodies included) who could be named. `buys` says whether she buys for one of
    them, `oversees` whether she is an auditor or an operator anywhere."""

    id: int
    ref: str
    name: str
    title: str
    body: str
    buys: bool
    oversees: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What a minister is about to let out of her hands. `minister` is her own id; `delegate` None when nobody of the family is
    called so; `family` are the references of the department and its bodies."""

    now: Arrival
    minister: int
    delegate: Delegate | None
    title: str
    cpv: Sequence[str]
    bodies: Sequence[str]
    family: Sequence[str]
    ceiling_minor: int
    begins_at: datetime
    until: datetime
    reason: str


# ── drafting and signing ───────────────────────────────────────────────────────────────────────────────────────────


@rule("delegation.delegate-unknown", field="delegate")
def she_holds_an_office(wish: Wish) -> str | None:
    """A delegate is named in person, and holds an office in the department or one of its bodies; a minister names somebody else
    than herself."""
    if wish.delegate is None or wish.delegate.id == wish.minister:
        return _("Choose somebody else who holds an office in your department or one of its bodies.")
    return None


@rule(
    "delegation.delegate-buys",
    field="delegate",
    source="Own default: who buys for the department, or looks on, does not waive the rule for it",
)
def she_neither_buys_nor_looks_on(wish: Wish) -> str | None:
    """Who buys for a body of the department, or is an auditor or operator, signs no waivers: neither her own body's nor, in
    turn, a neighbour's."""
    if wish.delegate is None or not (wish.delegate.buys or wish.delegate.oversees):
        return None
    return _("{name} buys for the department, or oversees those who do. Choose somebody else.", name=wish.delegate.name)


@rule("delegation.title-missing", field="title")
def her_office_is_named(wish: Wish) -> str | None:
    """The office in which she signs stands under every signature."""
    return None if len(wish.title.strip()) >= 3 else _("Say in which office she signs for you.")


@rule("delegation.codes-missing", field="cpv", source="Policy: gate.delegation_codes_most")
def subjects_are_named(wish: Wish) -> str | None:
    """The things she may sign for are named by CPV codes, as many as the policy allows and no more."""
    most = policy.IN_FORCE.gate.delegation_codes_most
    if 0 < len(wish.cpv) <= most:
        return None
    return _("Name from one to {most} CPV codes. Each holds what lies below it.", most=most)


@rule("delegation.bodies-unknown", field="bodies")
def bodies_are_of_the_family(wish: Wish) -> str | None:
    """The bodies whose requests she may sign are named, and the minister answers for each."""
    if wish.bodies and not set(wish.bodies) - set(wish.family):
        return None
    return _("Name at least one body, of those that you answer for.")


@rule("delegation.ceiling-missing", field="ceiling_minor")
def there_is_a_ceiling(wish: Wish) -> str | None:
    """All waivers signed under an instrument are together good for no more than the minister wrote into it."""
    return None if wish.ceiling_minor > 0 else _("Say what all waivers that she signs may be good for together.")


@rule("delegation.dates-wrong", field="ends_on", source="Policy: gate.delegation_maximum_months")
def it_begins_and_ends(wish: Wish) -> str | None:
    """An instrument is not back-dated, and ends by itself within the policy's months of its beginning."""
    months = policy.IN_FORCE.gate.delegation_maximum_months
    today = workdays.local_day(wish.now)
    if workdays.local_day(wish.begins_at) < today:
        return _("Choose a first day that is not over: nobody signs for you in the past.")
    if wish.until <= wish.begins_at or wish.until <= wish.now:
        return _("Choose a last day after the first.")
    most = workdays.add_months(wish.begins_at, months)
    if wish.until > most:
        return _(
            "No delegation lasts longer than {months} months. Choose a day until {day}.",
            months=months,
            day=dates.day(most),
        )
    return None


@rule("delegation.reason-short", field="reason", source="Policy: gate.waiver_reason_characters")
def it_says_why(wish: Wish) -> str | None:
    """Why the minister does not decide herself is said, and published."""
    if len(wish.reason.strip()) >= _LONG_ENOUGH:
        return None
    return _("Say why in at least {least} characters: it is published with the instrument.", least=_LONG_ENOUGH)


DRAFT = (
    she_holds_an_office,
    she_neither_buys_nor_looks_on,
    her_office_is_named,
    subjects_are_named,
    bodies_are_of_the_family,
    there_is_a_ceiling,
    it_begins_and_ends,
    it_says_why,
)
"""For `actions.draft`, and again for `actions.sign`."""


@rule("delegation.not-a-draft")
def is_a_draft(instrument: Instrument, now: Arrival) -> str | None:
    """An instrument is signed once, or dropped; what was signed is revoked, and never changed."""
    if stage(instrument, now) != "draft":
        return _("This delegation was signed or dropped already.")
    return None


SIGN = (is_a_draft,)
"""For `actions.begin_signing`, `actions.sign` and `actions.drop`."""


@rule("delegation.not-revocable")
def still_runs(instrument: Instrument, now: Arrival) -> str | None:
    """An instrument that was signed and has not ended is revoked at once, by whoever is minister then."""
    if stage(instrument, now) in ("to-come", "in-force"):
        return None
    return _("Only a delegation that is in force, or still to come, can be revoked.")


@rule("delegation.revocation-short", field="reason", source="Policy: gate.waiver_reason_characters")
def revocation_says_why(reason: str) -> str | None:
    """Who takes an instrument back says why; the public reads it."""
    if len(reason.strip()) >= _LONG_ENOUGH:
        return None
    return _("Say why in at least {least} characters: the delegate, and the public, read it.", least=_LONG_ENOUGH)


REVOKE = (still_runs,)
"""For `actions.revoke`."""


# ── signing under it ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Use:
    """A waiver that is about to be signed under an instrument: who asks (the body's reference and name), for which codes, up to
    what value without VAT. `own` says what makes it the delegate's own business, empty where nothing does."""

    instrument: Instrument
    now: Arrival
    buyer: str
    buyer_name: str
    codes: Sequence[str]
    value: Money
    own: str


@rule("delegation.not-in-force")
def instrument_is_in_force(use: Use) -> str | None:
    """A delegate signs while her instrument is in force: from its first day, until its last, until it is revoked, and no longer
    than the minister who signed it holds her office."""
    if stage(use.instrument, use.now) == "in-force":
        return None
    return _("{ref} is not in force now. Only the minister can sign.", ref=use.instrument.ref)


@rule(
    "delegation.own-business",
    source="Own default: who buys for the department does not waive the rule for it",
)
def not_her_own_business(use: Use) -> str | None:
    """A delegate signs nothing that she asked for, drafted or opens, and nothing at all while she buys for the department."""
    return use.own or None


@rule("delegation.body-beyond")
def the_body_is_named(use: Use) -> str | None:
    """A delegate signs for the bodies that her instrument names."""
    if use.buyer in use.instrument.bodies:
        return None
    return _("{ref} does not name {buyer}. Only the minister can sign.", ref=use.instrument.ref, buyer=use.buyer_name)


@rule("delegation.codes-beyond")
def the_codes_are_named(use: Use) -> str | None:
    """And for what lies below a code that her instrument names."""
    beyond = [code for code in use.codes if not covers(use.instrument.cpv, [code])]
    if not beyond:
        return None
    return _(
        "{ref} is not for {codes}. Only the minister can sign.",
        ref=use.instrument.ref,
        codes=together([cpv.named(code) for code in beyond]),
    )


@rule("delegation.ceiling-beyond")
def it_stays_within_the_ceiling(use: Use) -> str | None:
    """All that was signed under an instrument counts against its ceiling, whether it was used or not."""
    instrument = use.instrument
    if use.value.currency != instrument.currency:
        return _("{ref} is in another currency. Only the minister can sign.", ref=instrument.ref)
    if instrument.used + use.value <= instrument.ceiling:
        return None
    return _(
        "{ref} is good for {ceiling} together, of which {used} is used. This request is for {value}: only the minister can sign.",
        ref=instrument.ref,
        ceiling=instrument.ceiling,
        used=instrument.used,
        value=use.value,
    )


USE = (
    instrument_is_in_force,
    not_her_own_business,
    the_body_is_named,
    the_codes_are_named,
    it_stays_within_the_ceiling,
)
"""For `waivers.actions.begin_signing` and `waivers.actions.sign`, when a delegate signs."""


NOT_THE_MINISTER = Denial(
    "delegation.another-minister",
    N_("Another minister drafted this. Draft your own."),
    norm="The minister who drafted an instrument signs it: it ends with her office.",
    status=403,
)
