"""How long bids must be taken at the least: the tendering period of the Act, by what the tender states."""

from __future__ import annotations

from datetime import date, datetime

from market import policy, workdays
from market.refusals import rule
from market.tenders.facts import Candidate, Tender
from market.wording import _


def shortest(tender: Tender) -> int:
    """The shortest tendering period in days for what this tender states (Procurement Act 2023 section 54(4)): the shortest
    that applies. Tenders are always sent electronically here, so documents that come later than the notice cost five days."""
    numbers = policy.IN_FORCE.tendering
    if tender.planned_notice.strip():
        return numbers.days_after_planned_notice
    if tender.urgency_reason.strip():
        return numbers.days_urgent
    return numbers.days_electronic_or_all_documents if tender.documents_later else numbers.days_electronic_all_documents


def qualifies(published_on: date, now: datetime) -> bool:
    """Whether a planned procurement notice published on that day lets a tender published now have the shorter period:
    neither too young nor too old (section 15(3))."""
    numbers = policy.IN_FORCE.tendering
    age = (workdays.local_day(now) - published_on).days
    youngest, latest = numbers.planned_notice_days, numbers.planned_notice_months
    return age >= youngest and now <= workdays.add_months(workdays.end_of_day(published_on), latest)


@rule("tender.planned-notice-wrong", field="planned_notice_on", source="Procurement Act 2023 section 15(3)")
def planned_notice_qualifies(candidate: Candidate) -> str | None:
    """A planned notice that shortens the time to bid is named with its day, and was published early enough and not too long
    ago."""
    tender, numbers = candidate.tender, policy.IN_FORCE.tendering
    if not tender.planned_notice.strip() and tender.planned_notice_on is None:
        return None
    if not tender.planned_notice.strip() or tender.planned_notice_on is None:
        return _("Say which planned notice came before, by its reference or address, and the day it was published.")
    if not qualifies(tender.planned_notice_on, candidate.now):
        return _(
            "A planned notice shortens the time only when it was published at least {days} days and at most {months} "
            "months before the tender.",
            days=numbers.planned_notice_days,
            months=numbers.planned_notice_months,
        )
    return None


@rule("tender.urgency-unexplained", field="urgency_reason", source="Procurement Act 2023 section 54(4)")
def urgency_is_explained(candidate: Candidate) -> str | None:
    """Who shortens the time to bid for urgency says why a longer one is impractical, in public."""
    said, least = candidate.tender.urgency_reason.strip(), policy.IN_FORCE.tendering.urgency_reason_characters
    if said and len(said) < least:
        return _("Say in at least {least} characters why no longer period is practical. It is published.", least=least)
    return None
