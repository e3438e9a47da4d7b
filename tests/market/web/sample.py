"""The style guide's context: believable content for every macro."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from market.web.templating import Flash, Link, Site, page

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)

TYPED = SimpleNamespace(
    values={
        "title": "Nurses notice “dehydration” late",
        "evidence": ["38% of admissions", "<b>nine</b> homes"],
        "fee": "five thousand",
        "places": "8",
        "closes_at": "2026-11-24T17:00",
        "mission": "m2",
        "method": "open",
        "places_of": ["north", "coast"],
        "email": "asha@northmoor.example",
    },
    errors={
        "title": "Name who has the problem",
        "fee": "Enter an amount in pounds, like 1,500 or 1500.50",
        "closes_at": "Choose Tue 8 Dec 2026 or later",
        "mission": "Choose a mission that is still running",
        "method": "Choose a method that your department may use",
        "places_of": "Choose one place",
        "file": "The file is larger than 10 MB",
        "password": "Enter your password",
        "declared": "Declare your interests",
        "": "Somebody else changed this draft at 10:02",
    },
)

MOMENTS = {
    "past": NOW - timedelta(days=40),
    "recent": NOW - timedelta(days=5, hours=3),
    "soon": NOW + timedelta(days=2, hours=7),
    "later": NOW + timedelta(days=90),
}


def styleguide() -> dict[str, Any]:
    """Everything at once: signed in, in a demonstration with its clock moved, money simulated, something just done."""
    texts = ("Challenges", "Tenders", "Suppliers", "Contracts", "What was learnt", "Waivers", "Your desk")
    common = page(
        Site(now=NOW, demo=True, money_simulated=True, clock_moved=True),
        "/challenges/ch-2026-014",
        person=SimpleNamespace(name="Siân Llewellyn-Ó Dálaigh"),
        navigation=[Link(text, f"/{text.lower()}", text == "Challenges") for text in texts],
        csrf_token="a-token",
        flash=Flash("success", "Your application was received at 10:00."),
    )
    return {**common, "typed": TYPED, "blank": SimpleNamespace(values={}, errors={}), "moments": MOMENTS}
