"""Answers kept in the memory of one process until something new is published, since many readers ask for the same pages.

Everything that is published has one name (:func:`market.opendata.actions.state`). As long as that name stays, an answer to
the same question is the same bytes, so it is given again without reading the database, and is compressed once.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

LEVEL = 5
"""Of gzip: what level 9 gains is a fiftieth, and it takes three times as long."""


@dataclass(slots=True)
class Answer:
    """Bytes that were answered, with their ETag and the headers that belong to them."""

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    _packed: bytes | None = None
    _tag: str = ""

    @property
    def tag(self) -> str:
        """A weak ETag, so that it is the same for both codings (RFC 9110 section 8.8.3.3)."""
        if not self._tag:
            self._tag = f'W/"{hashlib.sha256(self.content).hexdigest()[:32]}"'
        return self._tag

    @property
    def packed(self) -> bytes:
        """The same with gzip, made when somebody first asks for it."""
        if self._packed is None:
            self._packed = gzip.compress(self.content, LEVEL, mtime=0)
        return self._packed

    @property
    def size(self) -> int:
        """About how much memory it takes, as if it were packed already."""
        return len(self.content) * 5 // 4 + 500


class Shelf:
    """The answers of one state, those that were asked for longest ago given up first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._state = ""
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def find(self, state: str, question: str) -> Answer | None:
        """The answer to a question, when it was given in this state."""
        if state != self._state or question not in self._answers:
            return None
        self._answers.move_to_end(question)
        return self._answers[question]

    def keep(self, state: str, question: str, answer: Answer) -> None:
        """Keep an answer. `state` was asked for before the answer was made: when something was published in between, the
        next reader asks with another state and gets a new one."""
        if state != self._state:
            self._answers.clear()
            self._state, self.held = state, 0
        if (before := self._answers.pop(question, None)) is not None:
            self.held -= before.size
        self._answers[question] = answer
        self.held += answer.size
        while self.held > self.most:
            _, given_up = self._answers.popitem(last=False)
            self.held -= given_up.size
