"""The word under which a tender stands, wherever it is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market.standing import Standing
from market.tenders import rules
from tests import given

NOW = given.TODAY
DAY = timedelta(days=1)


def dates(**facts: object) -> rules.Dates:
    known = dict.fromkeys(rules.Dates.__struct_fields__) | {"waiver_asked": "", "lots": 3, "decided": 0}
    return rules.Dates(**{**known, "published_at": NOW - 9 * DAY, "closes_at": NOW - DAY, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"published_at": None}, Standing("draft", "Draft", "grey", NOW - DAY, "Planned to close")),
        (
            {"published_at": None, "waiver_asked": "W-2222222"},
            Standing("draft", "With the minister", "amber", NOW - DAY, "Planned to close"),
        ),
        ({"closes_at": NOW + DAY}, Standing("open", "Open", "green", NOW + DAY, "Closes")),
        ({}, Standing("closed", "Closed, waiting to be opened", "amber", NOW - DAY, "Closed")),
        ({"opened_at": NOW}, Standing("evaluation", "Bids opened", "teal", NOW, "Opened")),
        ({"opened_at": NOW, "decided": 1}, Standing("evaluation", "1 of 3 lots decided", "teal", NOW, "Opened")),
        ({"opened_at": NOW, "decided": 3}, Standing("decided", "Decided", "green", NOW, "Opened")),
        ({"cancelled_at": NOW, "decided": 3}, Standing("cancelled", "Cancelled", "red", NOW, "Cancelled")),
    ],
)
def test_the_word_the_colour_and_the_date_follow_from_the_dates(facts: dict[str, object], said: Standing) -> None:
    assert rules.standing(dates(**facts), NOW) == said
