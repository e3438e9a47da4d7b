"""What a document and a ruleset may cost: sizes, depths and seconds, and the stopwatch that enforces the seconds.

The figures were chosen from real documents: the largest public API descriptions in ordinary use are 1 to 4 MB, nest
less than 40 deep and finish in a few seconds; an attack is an order of magnitude away on at least one axis.
"""

from __future__ import annotations

from time import thread_time

MAX_BYTES = 8_000_000
"""A document larger than this is refused unread (bytes)."""
MAX_NODES = 1_500_000
"""Values in the document, every copy made by a YAML alias counted."""
MAX_DEPTH = 120
"""Levels of nesting."""
MAX_SCHEMA_DEPTH = 200
"""Schemas that a value is judged by, one within another. Each takes two calls, and 61 of them are compiled at once with four
calls each: together they must fit in the 1,000 that every version of Python lets stand in one another."""
MAX_GROUPS = 50
"""Groups of a regular expression inside one another."""
MAX_CONDITION_DEPTH = 200
"""Operators, members and calls of a condition one upon another, as in `a || b || c`."""
MAX_ALIAS_NODES = 200_000
"""Values that YAML aliases and merge keys may add by copying."""
MAX_SCALAR = 2_000_000
"""Characters in one string."""
MAX_EDGES = 1_500_000
"""Steps of one walk over the document."""
MAX_STAND_INS = 50_000
"""Nodes made to keep the place of references that have siblings."""
MAX_FINDINGS_PER_RULE = 2_000
"""Findings kept per rule; the rest are counted, not listed."""
RUN_SECONDS, RUN_SECONDS_PER_MEGABYTE = 2.4, 6.0
"""One whole run: so many seconds, and so many more for each megabyte of the document."""
REGEX_SECONDS = 0.25
"""One regular expression on one string."""
MAX_PATTERN_PARTS = 10_000
"""Parts of a regular expression once its repeats are written out: `(a{50}){50}` has 2,500."""
MAX_ALL_PATTERN_PARTS = 500_000
"""Parts of all regular expressions that examples of one document are judged by; each takes some 300 bytes."""
MAX_RULESET_BYTES = 1_000_000
MAX_RULES = 1_000
MAX_EXPRESSION = 2_000
"""Characters in one JSONPath or regular expression of a ruleset."""


def run_seconds(size: int) -> float:
    """How long a run over a document of `size` bytes may take: fifty times what such documents ordinarily need, and
    less than three seconds for anything small. One rule may take half of it."""
    return RUN_SECONDS + RUN_SECONDS_PER_MEGABYTE * size / 1_000_000


class OutOfTime(Exception):
    """A rule or a run used up its seconds. The run answers *could not check*, never *pass*."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Deadline:
    """A stopwatch with an end, asked now and then by every loop; cheap because it reads the clock once in 256 ticks.

    It counts the processor time of this thread, so that a busy machine does not make a good document uncheckable.
    """

    __slots__ = ("_ends", "_ticks", "what")

    def __init__(self, seconds: float, what: str, within: Deadline | None = None) -> None:
        ends: float = thread_time() + seconds
        self.what = what
        if within is not None and within._ends < ends:
            ends, self.what = within._ends, within.what
        self._ends: float = ends
        self._ticks = 0

    def tick(self) -> None:
        """Raise :class:`OutOfTime` when the time is over; reads the clock on every 256th call."""
        self._ticks += 1
        if not self._ticks & 255 and thread_time() > self._ends:
            raise OutOfTime(self.what)

    def check(self) -> None:
        """Raise :class:`OutOfTime` when the time is over."""
        if thread_time() > self._ends:
            raise OutOfTime(self.what)

    @property
    def left(self) -> float:
        """Seconds that remain; negative when it is over."""
        return self._ends - thread_time()
