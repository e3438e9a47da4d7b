"""How the embedded engine orders matches: first by clauses with constant scores, then exactly, over a window.

The order is Meilisearch's: fewest typos, then words nearest each other, then the more telling field, then the earlier
place in it, then the more exact spelling, then popularity, then a tie-break that follows from the id. The clauses bring
the likely best documents to the front cheaply; within a window of candidates each is then measured on its own words.

The fuzzy field holds every word with its first letter doubled. A typo in the first letter thereby costs two, which is
Meilisearch's rule and would otherwise need a second pass over the vocabulary.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA
from tantivy import Occur, Query

from search import words
from search.words import BREAK, Asked, Synonyms

FAR = 8
"""Words further apart than this, or in different fields, count as this far apart."""

_TYPO = 800.0
_NEAR = 700.0
_FIELD = (8.0, 6.0, 4.0, 2.0)
_EARLY = 0.25
LEAD_WORDS = 16
"""Places at the start of each field that are searchable as such."""
SHORT = 3
"""Beginnings up to this length are indexed, because so many words have them."""
STARTS = {"words": "", "field0": "0:", "field1": "1:", "field2": "2:", "field3": "3:"}
_MOST_PLACES = 40
_BETWEEN = r"[^a-z0-9]+"

Occurrence = tuple[int, int, int]
"""First position, last position, typos."""


def doubled(word: str) -> str:
    """The word as the fuzzy field knows it."""
    return word[0] + word


class Spelling(NamedTuple):
    """A word to look for in place of one part, or of neighbours written together."""

    text: str
    allowed: int
    """Typos that are forgiven in it."""
    cost: int
    """Typos that it counts for when it is spelt right: one for each gap that was closed."""
    unfinished: bool


class Wanted:
    """One part of a question with everything that counts as finding it."""

    def __init__(self, part: words.Part, unfinished: bool) -> None:
        self.words = tuple(word for spoken in part.words for word in words.tokens(spoken))
        self.phrase = part.phrase or len(self.words) > 1
        self.unfinished = unfinished and not self.phrase
        self.typos = 0 if self.phrase or not self.words else words.typos_allowed(self.words[0])
        self.others: list[tuple[tuple[str, ...], int]] = []
        """Phrases that count as well, with the typos they count for: synonyms, and the word cut in two."""
        self.spellings: list[Spelling] = []
        """The word itself, and the words it makes together with its neighbours."""
        if self.words and not self.phrase:
            self.spellings.append(Spelling(self.words[0], self.typos, 0, self.unfinished))


class Ranking:
    """A question made ready for one searcher: its clauses, and the measure of each candidate."""

    def __init__(
        self, asked: Asked, synonyms: Synonyms, schema: tantivy.Schema, frequency: Callable[[str], int]
    ) -> None:
        self._schema = schema
        last = len(asked.parts) - 1
        wanted = [Wanted(part, asked.unfinished and at == last) for at, part in enumerate(asked.parts)]
        self.wanted = [one for one in wanted if one.words]
        self.excluded = [one for one in (Wanted(part, False) for part in asked.excluded) if one.words]
        self._add_others(synonyms, frequency)
        self._runs = [(at, one.words, 0) for at, one in enumerate(self.wanted) if one.phrase]
        self._runs += [(at, phrase, typos) for at, one in enumerate(self.wanted) for phrase, typos in one.others]
        self._spellings: dict[Spelling, list[int]] = {}
        for at, one in enumerate(self.wanted):
            for spelling in one.spellings:
                self._spellings.setdefault(spelling, []).append(at)
        self._sought = [word for one in self.wanted for word in one.words]
        self._telling = {BREAK, *self._sought, *(phrase[0] for _, phrase, _ in self._runs)}
        self._pattern: re.Pattern[str] | None = None
        self._known: dict[str, tuple[tuple[int, int], ...]] = {}
        self._seen: set[str] = set()

    def _add_others(self, synonyms: Synonyms, frequency: Callable[[str], int]) -> None:
        for at, one in enumerate(self.wanted):
            if one.phrase:
                continue
            word = one.words[0]
            one.others += [(phrase, 0) for phrase in synonyms.of_words((word,))]
            if one.typos and (halves := _best_split(word, frequency)):
                one.others.append((halves, 1))
            for length in (2, 3):
                group = self.wanted[at : at + length]
                if len(group) < length or any(other.phrase for other in group):
                    break
                spoken = tuple(other.words[0] for other in group)
                also = [(phrase, 0) for phrase in synonyms.of_words(spoken)]
                together = "".join(spoken)
                allowed = max(0, words.typos_allowed(together) - (length - 1))
                joined = Spelling(together, allowed, length - 1, group[-1].unfinished)
                for other in group:
                    other.others += also
                    if allowed or joined.unfinished or frequency(together):
                        other.spellings.append(joined)

    # Clauses

    def matching(self) -> list[tuple[Occur, Query]]:
        """What a document must have and must not have, without any score: for counting."""
        must = [(Occur.Must, _any([query for query, _ in self._ways(one, fields=False)])) for one in self.wanted]
        return must + self._absent()

    def scored(self, typos: bool = True) -> list[tuple[Occur, Query]]:
        """The same, with scores that put the likely best in front; without `typos`, only documents that need none."""
        count = max(1, len(self.wanted))
        clauses: list[tuple[Occur, Query]] = []
        for one in self.wanted:
            ways = self._ways(one, fields=True, typos=typos, weight=10.0 / count)
            scored = [Query.const_score_query(query, score) for query, score in ways]
            clauses.append((Occur.Must, scored[0] if len(scored) == 1 else Query.disjunction_max_query(scored)))
        clauses += [(Occur.Should, near) for near in self._nearness()]
        if len(self.wanted) <= 2:
            clauses += [(Occur.Should, early) for early in map(self._earliness, self.wanted)]
        return clauses + self._absent()

    def _absent(self) -> list[tuple[Occur, Query]]:
        return [(Occur.MustNot, self._spelt("words", one.words)) for one in self.excluded]

    def _ways(self, one: Wanted, fields: bool, typos: bool = True, weight: float = 1.0) -> list[tuple[Query, float]]:
        """Every way of finding a part, with its score; without `fields`, as few as find the same documents."""
        full = one.typos * _TYPO + 1.0
        if one.phrase:
            ways = [(self._spelt("words", one.words), full)]
            if fields:
                ways += [
                    (self._spelt(f"field{at}", one.words), full + bonus * weight) for at, bonus in enumerate(_FIELD)
                ]
            return ways
        schema = self._schema
        ways = []
        for word, allowed, cost, unfinished in one.spellings:
            if cost and not typos:
                continue
            worth = max(1.0, full - cost * _TYPO)
            if fields or not allowed:
                ways.append((self._begun("words", word, unfinished), worth))
            if fields and not cost:
                ways += [
                    (self._begun(f"field{at}", word, unfinished), worth + bonus * weight)
                    for at, bonus in enumerate(_FIELD)
                ]
            for distance in range(1, allowed + 1) if typos else ():
                if fields or distance == allowed:
                    fuzzy = Query.fuzzy_term_query(schema, "fuzzy", doubled(word), distance, True, unfinished)
                    ways.append((fuzzy, max(1.0, worth - distance * _TYPO)))
        for phrase, cost in one.others:
            if typos or not cost:
                ways.append((self._spelt("words", phrase), max(1.0, full - cost * _TYPO)))
        return ways

    def _begun(self, field: str, word: str, unfinished: bool) -> Query:
        """A word, or every word that begins with it; short beginnings are terms of their own."""
        if unfinished and len(word) <= SHORT and field in STARTS:
            return Query.term_query(self._schema, "starts", STARTS[field] + word, "basic")
        if unfinished:
            return Query.fuzzy_term_query(self._schema, field, word, 0, True, True)
        return Query.term_query(self._schema, field, word, "basic")

    def _earliness(self, one: Wanted) -> Query:
        """A little more for each place nearer to the start of a field; never as much as for a better field."""
        word = one.words[0]
        if one.unfinished and len(word) <= SHORT:
            return Query.empty_query()
        return Query.disjunction_max_query(
            [
                Query.const_score_query(self._begun("lead", f"{at}:{word}", one.unfinished), (LEAD_WORDS - at) * _EARLY)
                for at in range(LEAD_WORDS)
            ]
        )

    def _spelt(self, field: str, phrase: tuple[str, ...]) -> Query:
        if len(phrase) == 1:
            return Query.term_query(self._schema, field, phrase[0], "basic")
        return Query.phrase_query(self._schema, field, list(phrase))

    def _nearness(self) -> list[Query]:
        pairs = [(left.words[-1], right) for left, right in zip(self.wanted, self.wanted[1:], strict=False)]
        found = []
        for left, right in pairs:
            share = _NEAR / len(pairs)
            if right.unfinished:
                beside = [(Query.phrase_prefix_query(self._schema, "words", [left, right.words[0]]), 1.0)]
            else:
                beside = []
            beside += [
                (Query.phrase_query(self._schema, "words", [left, right.words[0]], slop), part)
                for slop, part in ((0, 1.0), (1, 0.85), (3, 0.6))
            ]
            found.append(
                Query.disjunction_max_query([Query.const_score_query(query, share * part) for query, part in beside])
            )
        return found

    # The measure

    def learn(self, vocabulary: set[str]) -> None:
        """Find out which of these words of candidate documents match which part, and with how many typos."""
        new = vocabulary - self._seen
        self._seen |= new
        if not new:
            return
        self._pattern = None
        matches: dict[str, dict[int, int]] = {}

        def note(token: str, part: int, typos: int) -> None:
            found = matches.setdefault(token, {})
            found[part] = min(found.get(part, typos), typos)

        for spelling, parts in self._spellings.items():
            word, allowed, cost, unfinished = spelling
            for part in parts:
                if unfinished:
                    for token in new:
                        if token.startswith(word):
                            note(token, part, cost)
                elif word in new:
                    note(word, part, cost)
            if not allowed:
                continue
            target = doubled(word)
            listed = [token for token in new if allowed > 1 or token[0] == word[0]]
            twice = [doubled(token) for token in listed]
            near = process.extract(target, twice, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            if unfinished:
                for length in range(len(target) - 1, len(target) + allowed + 1):
                    cut = [token[:length] for token in twice]
                    near += process.extract(target, cut, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            for _, distance, place in near:
                for part in parts:
                    note(listed[place], part, cost + int(distance))
        for token, found in matches.items():
            self._known[token] = tuple(found.items())
        self._telling.update(matches)

    def occurrences(self, running: Sequence[str], present: set[str]) -> dict[int, list[Occurrence]]:
        """Where the parts occur in one field; positions jump at breaks. `present` are its words."""
        places: dict[int, list[tuple[int, int, int]]] = {}
        for token in self._known.keys() & present:
            for at in _places(running, token):
                for part, typos in self._known[token]:
                    places.setdefault(part, []).append((at, at, typos))
        for part, phrase, typos in self._runs:
            if phrase[0] in present:
                for start in _places(running, phrase[0]):
                    if tuple(running[start : start + len(phrase)]) == phrase:
                        places.setdefault(part, []).append((start, start + len(phrase) - 1, typos))
        if not places or BREAK not in present:
            return places
        jump = FAR - 2
        return {
            part: [
                (a + jump * running[:a].count(BREAK), b + jump * running[:b].count(BREAK), typos)
                for a, b, typos in many
            ]
            for part, many in places.items()
        }

    def measure(self, fields: Sequence[Sequence[str]]) -> tuple[float, ...]:
        """Smaller is better: typos, distance, field, place, exactness."""
        present = [self._telling.intersection(field) for field in fields]
        by_field = [self.occurrences(field, words_of) for field, words_of in zip(fields, present, strict=True)]
        count = len(self.wanted)
        best = [
            min((typos for found in by_field for _, _, typos in found.get(part, ())), default=3)
            for part in range(count)
        ]
        kept = [
            {part: sorted(one for one in many if one[2] == best[part]) for part, many in found.items()}
            for found in by_field
        ]
        distance = sum(
            min((_nearest(found.get(part, ()), found.get(part + 1, ())) for found in kept), default=FAR)
            for part in range(count - 1)
        )
        field_cost = place_cost = 0
        for part in range(count):
            holding = [at for at, found in enumerate(kept) if found.get(part)]
            field_cost += holding[0] if holding else len(fields)
            place_cost += min((_bucket(kept[at][part][0][0]) for at in holding), default=1000)
        return (sum(best), distance, field_cost, place_cost, *self._exactness(fields, present))

    def _exactness(self, fields: Sequence[Sequence[str]], present: Sequence[set[str]]) -> tuple[int, int]:
        sought = self._sought
        whole = min(
            (int(len(field) != len(sought)) for field in fields if list(field[: len(sought)]) == sought), default=2
        )
        return whole, -sum(any(word in words_of for words_of in present) for word in sought)

    def matched(self, token: str) -> bool:
        """Whether a word (learnt before) is one that was looked for."""
        return token in self._known

    def phrases(self) -> list[tuple[str, ...]]:
        """Runs of words to be marked together."""
        return [phrase for _, phrase, _ in self._runs]

    def pattern(self) -> re.Pattern[str] | None:
        """What matches, in lower-case ASCII text; made once, after the last :meth:`learn`."""
        if self._pattern is None:
            ways = [_BETWEEN.join(phrase) for phrase in self.phrases()]
            open_ended = [one.words[0] for one in self.wanted if one.unfinished]
            ways += [f"{word}[a-z0-9]*" for word in open_ended]
            ways += [token for token in self._known if not any(token.startswith(word) for word in open_ended)]
            ways = [way for way in ways if way.isascii()]
            if ways:
                self._pattern = re.compile(f"(?:{'|'.join(ways)})(?![a-z0-9])")
        return self._pattern


def _best_split(word: str, frequency: Callable[[str], int]) -> tuple[str, str] | None:
    """`cybersecurity` may be `cyber security`: the cut whose rarer half is most frequent."""
    best, chosen = 0, None
    for cut in range(2, len(word) - 1):
        left, right = word[:cut], word[cut:]
        rarer = min(frequency(left), frequency(right))
        if rarer > best:
            best, chosen = rarer, (left, right)
    return chosen


def _any(queries: list[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def _places(running: Sequence[str], token: str) -> list[int]:
    """The first places of a word in a list of words."""
    found: list[int] = []
    at = -1
    while len(found) < _MOST_PLACES:
        try:
            at = running.index(token, at + 1)
        except ValueError:
            break
        found.append(at)
    return found


def _nearest(left: Sequence[Occurrence], right: Sequence[Occurrence]) -> int:
    if not left or not right:
        return FAR
    starts = [start for start, _, _ in right]
    best = FAR
    for start, end, _ in left:
        if start in starts:
            return 1
        at = bisect.bisect_right(starts, end)
        if at < len(starts):
            best = min(best, starts[at] - end)
        before = bisect.bisect_left(starts, start) - 1
        if before >= 0:
            best = min(best, start - right[before][1] + 1)
        if best <= 1:
            return 1
    return best


def _bucket(position: int) -> int:
    """Places matter one by one at the start of a field and ever more coarsely after it, as in Meilisearch."""
    if position < 16:
        return position
    if position < 24:
        return 24
    return 1 << (position - 1).bit_length()
