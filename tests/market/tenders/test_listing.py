"""The word under which a tender stands in a list."""

from __future__ import annotations

import pytest

from market.tenders import rules
from market.tenders.listing import standing


@pytest.mark.parametrize(
    ("stage", "settled", "said"),
    [
        ("evaluation", 0, ("Bids opened", "teal")),
        ("evaluation", 1, ("1 of 3 lots decided", "teal")),
        ("evaluation", 3, ("Decided", "green")),
        ("cancelled", 3, ("Cancelled", "red")),
    ],
)
def test_after_the_opening_it_says_how_much_is_decided(stage: rules.Stage, settled: int, said: tuple[str, str]) -> None:
    assert standing(stage, settled, 3) == said
