"""Showing what matched: marked words inside escaped text, and the reasons listed beside a result.

Inside, a match is wrapped in two private-use characters that no document can contain (they are removed when a document
is cleaned), so that escaping happens before any tag exists and a document cannot bring markup of its own.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol

from markupsafe import Markup, escape

from search.index import Reason
from search.words import WORD, fold

START, END = "\ue000", "\ue001"
GAP = "…"
SNIPPET_WORDS = 30

_MARKED = re.compile(f"{START}([^{START}{END}]*){END}([^\\W_]*)")


_WORD_WITH_MARKS = re.compile(f"{START}?[^\\W_]+{END}?")


def html(text: str) -> Markup:
    """Escaped text in which every marked word is whole and inside `<mark>`."""
    if START not in text:
        return escape(text)
    marked = _MARKED.sub(r"<mark>\1\2</mark>", str(escape(text)))
    return Markup(marked.replace(START, "").replace(END, ""))  # noqa: S704


def marked_words(texts: Iterable[str]) -> tuple[str, ...]:
    """The marked words as they are written, each once."""
    found: dict[str, None] = {}
    for text in texts:
        if START in text:
            for match in _MARKED.finditer(text):
                found.update(dict.fromkeys(WORD.findall(match[1] + match[2])))
    return tuple(found)


def reasons(fields: Iterable[tuple[str, Sequence[str]]]) -> tuple[Reason, ...]:
    """One reason for each field that has marked words in it."""
    return tuple(Reason(field, marked_words(texts)) for field, texts in fields if any(START in text for text in texts))


def snippet(summary: str, body: str) -> Markup:
    """The cropped summary when it explains the match or nothing does, else the cropped body."""
    return html(body if START in body and START not in summary else summary or body)


class Matches(Protocol):
    """What is known about a question when its results are marked."""

    def matched(self, token: str) -> bool:
        """Whether this folded word is one that was looked for."""
        ...

    def phrases(self) -> list[tuple[str, ...]]:
        """Runs of folded words that were looked for together."""
        ...

    def pattern(self) -> re.Pattern[str] | None:
        """Finds the beginnings of all these in lower-case ASCII text, ending at the end of a word."""
        ...


def mark(text: str, matches: Matches) -> str:
    """The text with its matching words marked. A word of a phrase is marked only where the phrase stands."""
    spans = _ascii_spans(text, matches) if text.isascii() else _spans(text, matches)
    if not spans:
        return text
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], START, text[start:end], END]
        at = end
    return "".join([*pieces, text[at:]])


def _ascii_spans(text: str, matches: Matches) -> list[tuple[int, int]]:
    """Quick: folding ASCII changes no length, so one pattern finds everything."""
    pattern = matches.pattern()
    if pattern is None:
        return []
    return [
        found.span()
        for found in pattern.finditer(text.lower())
        if not (found.start() and text[found.start() - 1].isalnum())
    ]


def _spans(text: str, matches: Matches) -> list[tuple[int, int]]:
    """Thorough: word by word, each folded by itself."""
    spans = [found.span() for found in WORD.finditer(text)]
    run = [fold(text[start:end]) for start, end in spans]
    hit = [matches.matched(word) for word in run]
    for phrase in matches.phrases():
        length = len(phrase)
        if phrase[0] in run:
            for start in range(len(run) - length + 1):
                if run[start] == phrase[0] and tuple(run[start : start + length]) == phrase:
                    hit[start : start + length] = [True] * length
    return [span for span, is_hit in zip(spans, hit, strict=True) if is_hit]


def crop(text: str) -> str:
    """About thirty words around the richest place, with signs where something was left out."""
    begin = _richest(text) if START in text else 0
    found = list(islice(_WORD_WITH_MARKS.finditer(text, begin), SNIPPET_WORDS + 1))
    more = len(found) > SNIPPET_WORDS
    end = found[SNIPPET_WORDS - 1].end() if more else len(text)
    return (GAP if begin else "") + text[begin:end] + (GAP if more else "")


def _richest(text: str) -> int:
    """Where to begin so that the most marks are shown, with a few words ahead of the first of them."""
    marks = [found.start() for found in re.finditer(START, text)]
    within = [bisect.bisect(marks, here + _SPAN) - at for at, here in enumerate(marks)]
    first = marks[within.index(max(within))]
    ahead = max(3, (SNIPPET_WORDS - max(within)) // 3)
    from_here = max(0, first - 200)
    starts = [from_here + found.start() for found in WORD.finditer(text[from_here:first])]
    if len(starts) < ahead:
        return 0 if from_here == 0 else first
    begin = starts[-ahead]
    return begin - (text[begin - 1 : begin] == START)


_SPAN = 220
"""Characters that a snippet is about as long as."""
