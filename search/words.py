"""Reading what a person typed, in the same way for both engines.

`drone inspection` asks for both words, `"drone inspection"` for the phrase, `-military` for its absence; the last word may
be unfinished unless a space follows it. Everything else that a keyboard can produce is a space. What remains is small
(ten words) whatever was sent, so a pasted page costs no more than a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from search.documents import clean

MOST_WORDS = 10
"""Words that are looked at; both engines would ignore the rest."""
MOST_CHARACTERS = 400
LONGEST_WORD = 100
"""Longer runs of letters are encodings, not words: neither indexed nor looked for."""

WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r'(?:(?<=\s)|^)(-?)"([^"]*)"|"([^"]*)"|(\S+)')
BREAK = "|"
"""Stands between sentences, clauses and list entries: words on its two sides are not near each other."""
_WORD_OR_BREAK = re.compile(r"[^\W_]+|[.,!?](?=\s)|;")

UNASKED = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "of",
        "on",
        "or",
        "that",
        "the",
        "their",
        "to",
        "was",
        "were",
        "with",
    ]
)
"""Words that are passed over in a question, because everything has them; in a phrase they count."""


def fold(text: str) -> str:
    """Lower case without accents: `Café` and `CAFE` are one word."""
    text = text.lower()
    if text.isascii():
        return text
    spread = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in spread if not unicodedata.combining(letter)).lower()


def tokens(text: str) -> list[str]:
    """The folded words of a text, in order, over-long ones left out."""
    return [word for word in WORD.findall(fold(text)) if len(word) <= LONGEST_WORD]


def running(text: str) -> list[str]:
    """The folded words with a break wherever Meilisearch sees one, for positions and phrases."""
    return [
        word if word[0].isalnum() else BREAK for word in _WORD_OR_BREAK.findall(fold(text)) if len(word) <= LONGEST_WORD
    ]


def typos_allowed(word: str) -> int:
    """None below five letters or in a number, one below nine, else two: Meilisearch's defaults, kept by both engines."""
    if len(word) < 5 or word.isdigit() or len(word) > 40:
        return 0
    return 1 if len(word) < 9 else 2


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One thing asked for: a word, or the words of a phrase."""

    words: tuple[str, ...]
    phrase: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A question after reading. With no parts everything matches (except what is excluded)."""

    parts: tuple[Part, ...] = ()
    excluded: tuple[Part, ...] = ()
    unfinished: bool = False
    """The last part is a word that may go on."""

    @property
    def text(self) -> str:
        """The question in its canonical spelling: what Meilisearch is sent and what `showing results for` shows."""
        said = [f'"{" ".join(part.words)}"' if part.phrase else part.words[0] for part in self.parts]
        said += ["-" + (f'"{" ".join(part.words)}"' if part.phrase else part.words[0]) for part in self.excluded]
        return " ".join(said)

    def keeping(self, places: Sequence[int]) -> Asked:
        """The same question with only some of its parts (by place); exclusions stay."""
        return Asked(
            tuple(self.parts[place] for place in places),
            self.excluded,
            self.unfinished and len(self.parts) - 1 in places,
        )


def asked_by(text: str) -> Asked:
    """Understand a search text; any input is understood."""
    text = clean(text[:MOST_CHARACTERS]).replace("\n", " ").replace("\t", " ").replace("\r", " ")
    text = text.translate({0x201C: '"', 0x201D: '"', 0x2033: '"'})
    if text.count('"') % 2:
        head, _, tail = text.rpartition('"')
        text = f"{head} {tail}"
    wanted: list[Part] = []
    unwanted: list[Part] = []
    left = MOST_WORDS
    open_ended = False
    for found in _PIECE.finditer(text):
        minus, quoted, quoted_inside, plain = found.groups()
        said = plain if plain is not None else quoted if quoted is not None else quoted_inside
        absent = minus == "-" or (plain is not None and plain.startswith("-"))
        words = [word for word in WORD.findall(unicodedata.normalize("NFC", said)) if len(word) <= LONGEST_WORD][:left]
        if not words:
            continue
        left -= len(words)
        if absent:
            unwanted.append(Part(tuple(words), phrase=len(words) > 1 or plain is None))
            open_ended = False
        elif plain is None:
            wanted.append(Part(tuple(words), phrase=True))
            open_ended = False
        else:
            wanted += [Part((word,)) for word in words]
            open_ended = True
        if left == 0:
            break
    open_ended = open_ended and WORD.fullmatch(text[-1]) is not None
    last = len(wanted) - 1
    kept = [
        part
        for place, part in enumerate(wanted)
        if part.phrase or not _passed_over(part.words[0]) or (place == last and open_ended)
    ]
    return Asked(tuple(kept or wanted), tuple(unwanted), open_ended and bool(wanted))


def _passed_over(word: str) -> bool:
    """`IT` in capitals is a thing, `it` is not."""
    return word.lower() in UNASKED and not (len(word) > 1 and word.isupper())


class Synonyms(msgspec.Struct, frozen=True):
    """Words that mean the same: folded phrase → the others of its group."""

    table: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}

    @classmethod
    def of(cls, groups: Iterable[Sequence[str]]) -> Synonyms:
        """From groups such as `["drone", "UAV", "unmanned aircraft"]`; a phrase may stand in several groups."""
        table: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
        for group in groups:
            phrases = [tuple(tokens(phrase)) for phrase in group]
            for phrase in phrases:
                if phrase:
                    table.setdefault(phrase, {}).update((other, None) for other in phrases if other and other != phrase)
        return cls({phrase: tuple(others) for phrase, others in table.items()})

    def of_words(self, words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The phrases that mean the same as these folded words."""
        return self.table.get(tuple(words), ())
