"""Whether a text says something, as far as anybody can tell without judging it. Pure.

Counted are *different words*: runs of letters or digits of at least two characters, whatever their case. So neither one letter typed for
a long time nor one word typed again and again is long enough, and a short sentence that says who does what passes. A text in which
each word comes back too often on average is refused as well, however many it has. Nothing else is judged: whether it is true or
good is for people to say.
"""

from __future__ import annotations

import re
from decimal import Decimal

from market import policy

_FIGURE = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,6})?", re.ASCII)
_FIGURE_MOST = 24
_WORD = re.compile(r"[^\W_]{2,}")


def words(text: str) -> list[str]:
    """The words that count, in small letters, in their order."""
    return [found.group().casefold() for found in _WORD.finditer(text)]


def says_something(text: str, least: int) -> bool:
    """Whether the text has at least this many different words, and is not the same few again and again."""
    found = words(text)
    different = len(set(found))
    return different >= least and len(found) <= different * policy.IN_FORCE.challenges.word_repeats


def is_problem(text: str) -> bool:
    """Whether it is long enough to say what the problem is."""
    return says_something(text, policy.IN_FORCE.challenges.problem_words)


def is_answer(text: str) -> bool:
    """Whether it is long enough to answer a question that the public asks."""
    return says_something(text, policy.IN_FORCE.challenges.answer_words)


def figure(typed: str) -> str | None:
    """A figure as it is kept, `1140` or `7.6`, of what was typed, `1,140` or `7.6`; None when it is none."""
    text = typed.strip().replace("\N{MINUS SIGN}", "-")
    if len(text) > _FIGURE_MOST or not _FIGURE.fullmatch(text):
        return None
    return text.replace(",", "")


def reaches(value: str, better: str, target: str) -> bool:
    """Whether a figure lies on the side of the target on which success lies, or on the target itself."""
    found, wanted = Decimal(value), Decimal(target)
    return found >= wanted if better == "at-least" else found <= wanted
