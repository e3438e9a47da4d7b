"""How long bids must be taken at the least: the tendering period of the Act, by what the tender states. Pure, like the rules."""

from __future__ import annotations

from datetime import date, datetime

from market import policy, workdays
from market.tenders.facts import Tender


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
