"""What the page says to whoever saves what somebody else saved meanwhile."""

from types import SimpleNamespace
from typing import Any

import pytest

from market.web.templating import environment


def summary(titles: dict[str, str]) -> str:
    form: Any = SimpleNamespace(errors={"": "Ada saved this."}, conflict=SimpleNamespace(titles=titles))
    return str(environment().get_template("parts/forms.html").module.error_summary(form))


@pytest.mark.parametrize(
    ("titles", "said", "unsaid"),
    [
        ({}, ["What you wrote is saved already", "you can leave this page"], ["replaces", "saved meanwhile"]),
        ({"title": "Title"}, ["This was saved meanwhile", "Title: compare", "replaces"], ["saved already", "leave"]),
    ],
)
def test_two_texts_that_are_equal_ask_for_nothing(titles: dict[str, str], said: list[str], unsaid: list[str]) -> None:
    shown = summary(titles)
    assert all(words in shown for words in said)
    assert not any(words in shown for words in unsaid)
