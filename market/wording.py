"""The words that people read, from one catalogue (GNU gettext): pages, letters, refusals.

    _("{name} is named already.", name=person.name)
    _n("One bid was sealed.", "{number} bids were sealed.", len(bids))
    title: Annotated[str, Meta(title=N_("Title"))]

The English sentence is its own key. `_` and `_n` are for sentences said now, `N_` for those that a module only declares and
somebody says later with `_`. Facts are named in braces, never joined to a sentence: another language puts them elsewhere.
Templates say `{% trans name=supplier.name %}{{ name }} withdrew{% endtrans %}` (with `{% pluralize %}` where something is
counted) and `_("Publish")` in arguments, where a percent sign is doubled. `locale/prelude.pot` lists all; `make words` writes it anew.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).resolve().parents[1] / "locale"
DOMAIN = "prelude"


@cache
def translations() -> gettext.NullTranslations:
    """The catalogue in force. Without one for the language asked for, each sentence stands for itself."""
    return gettext.translation(DOMAIN, LOCALE, languages=["en_GB"], fallback=True)


def _(sentence: str, **facts: Any) -> str:
    """The sentence in the reader's language, with its facts in their places. A fact that is not given is an error."""
    said = translations().gettext(sentence)
    return said.format(**facts) if facts else said


def _n(one: str, many: str, number: int, **facts: Any) -> str:
    """The sentence for this number of things, by the language's own rule of plurals; `{number}` is the number."""
    return translations().ngettext(one, many, number).format(number=number, **facts)


def together(parts: Iterable[str]) -> str:
    """“a, b and c”; what is empty stays empty."""
    *first, last = list(parts) or [""]
    return _("{several} and {last}", several=", ".join(first), last=last) if first else last


def either(parts: Iterable[str]) -> str:
    """“a, b or c”; what is empty stays empty."""
    *first, last = list(parts) or [""]
    return _("{several} or {last}", several=", ".join(first), last=last) if first else last


def N_(sentence: str) -> str:
    """The same sentence: declared here for the catalogue, said elsewhere with :func:`_`."""
    return sentence
