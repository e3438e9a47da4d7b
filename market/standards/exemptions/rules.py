"""What an exemption from a profile needs, who signs it, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from market import policy
from market.arrival import Arrival
from market.refusals import rule
from market.standards.rules import OWN, REASON
from market.standing import Standing
from market.wording import N_, _

if TYPE_CHECKING:
    from market.standards.tables import Exemption

GROUNDS: Final = {
    "rules": N_("Named rules are waived"),
    "private": N_("Private API: its description is commercially confidential"),
    "national-security": N_("National security: nothing about the API is public"),
}


class Dates(msgspec.Struct, frozen=True):
    """What the standing of an exemption is reckoned from."""

    asked_at: datetime | None
    signed_at: datetime | None
    refused_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None


def exempts(exemption: Exemption | Dates, at: datetime) -> bool:
    """Whether an exemption holds at a moment: both have signed, it has not expired, nobody ended it."""
    signed = exemption.signed_at is not None and exemption.signed_at <= at
    ended = exemption.ended_at is not None and exemption.ended_at <= at
    return signed and at <= exemption.expires_at and not ended


def standing(row: Exemption | Dates, at: datetime) -> Standing:
    """Where an exemption stands, in words, and the date that matters now."""
    if row.refused_at is not None:
        return Standing("refused", _("Refused"), "red", row.refused_at, _("Refused"))
    if row.signed_at is None:
        return Standing("asked", _("Waits for the standards owner"), "amber", row.asked_at, _("Asked"))
    if exempts(row, at):
        return Standing("in-force", _("In force"), "green", row.expires_at, _("Ends"))
    return Standing("ended", _("Ended"), "grey", row.ended_at or row.expires_at, _("Ended"))


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
    now: Arrival


@rule("exemption.ground-unknown", field="ground", source=OWN)
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


@rule("exemption.result-missing", field="result", source=OWN)
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


@rule("exemption.two-people", source=OWN)
def two_people_sign(exemption: Exemption, signer: int) -> str | None:
    """Two people sign, each for her own body."""
    return _("Somebody else signs for the standards owner.") if exemption.asked_by == signer else None


SIGN = (waits_for_the_owner, two_people_sign)
"""For the standards owner's signature or refusal."""
