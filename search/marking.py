"""Showing what matched: marked words inside escaped text, and the reasons listed beside a result.

Inside, a match is wrapped in two private-use characters that no document can contain (they are removed when a document
is cleaned), so that escaping happens before any tag exists and a document cannot bring markup of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
    return Markup(_MARKED.sub(r"<mark>\1\2</mark>", str(escape(text))))  # noqa: S704


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
    said = ((field, marked_words(texts)) for field, texts in fields)
    return tuple(Reason(field, found) for field, found in said if found)


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


def mark(text: str, matches: Matches) -> str:
    """The text with its matching words marked. A word of a phrase is marked only where the phrase stands."""
    spans = [(found.start(), found.end(), fold(found[0])) for found in WORD.finditer(text)]
    hit = [matches.matched(word) for _, _, word in spans]
    run = [word for _, _, word in spans]
    for phrase in matches.phrases():
        length = len(phrase)
        if phrase[0] in run:
            for start in range(len(run) - length + 1):
                if run[start] == phrase[0] and tuple(run[start : start + length]) == phrase:
                    hit[start : start + length] = [True] * length
    if True not in hit:
        return text
    pieces, at = [], 0
    for (start, end, _), is_hit in zip(spans, hit, strict=True):
        if is_hit:
            pieces += [text[at:start], START, text[start:end], END]
            at = end
    return "".join([*pieces, text[at:]])


def crop(text: str) -> str:
    """About thirty words around the richest place, with signs where something was left out."""
    spans = list(_WORD_WITH_MARKS.finditer(text))
    if len(spans) <= SNIPPET_WORDS:
        return text
    marked = [found[0].startswith(START) for found in spans]
    begin = 0
    if True in marked:
        density = sum(marked[:SNIPPET_WORDS])
        best = density
        for start in range(1, len(spans) - SNIPPET_WORDS + 1):
            density += marked[start + SNIPPET_WORDS - 1] - marked[start - 1]
            if density > best:
                best, begin = density, start
        first = marked.index(True, begin)
        last = max(at for at in range(begin, begin + SNIPPET_WORDS) if marked[at])
        slack = SNIPPET_WORDS - (last - first + 1)
        begin = max(0, min(first - slack // 2, len(spans) - SNIPPET_WORDS))
    end = begin + SNIPPET_WORDS
    cut = text[spans[begin].start() : spans[end - 1].end()]
    return (GAP if begin else "") + cut + (GAP if end < len(spans) else "")
