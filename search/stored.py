"""How a document lies in the embedded index.

Text is folded and cut into words before it is handed over, so every text field is split at spaces only and needs no
analyser; what a word is stands in `search.words` alone.
"""

from __future__ import annotations

from math import log2

import msgspec
import tantivy

from search import words
from search.documents import SearchDocument, facet_values
from search.index import FACETS, ORDERS, RANGES, SEARCHED, order_value, tie
from search.ranking import LEAD_WORDS, SHORT, doubled
from search.words import BREAK

_FIELDS = (
    ("title",),
    ("ref", "supplier_names", "buyer", "region"),
    ("keywords", "track_record", "cpv", "certificates"),
    ("summary",),
)
"""Searched fields in groups of equal weight; `body` comes after them."""

_TIE_BITS = 19

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(SearchDocument).decode


def schema() -> tantivy.Schema:
    """Words with their positions, words for typos, short beginnings, early places, facets, numbers, and the document."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("fuzzy", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("starts", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("lead", tokenizer_name="whitespace", index_option="basic")
    for at in range(len(_FIELDS)):
        builder.add_text_field(f"field{at}", tokenizer_name="whitespace", index_option="position")
    for facet in FACETS:
        builder.add_text_field(facet, fast=True, tokenizer_name="raw", index_option="basic")
    for name in RANGES:
        builder.add_integer_field(name, indexed=True, fast=True)
    for name, _ in ORDERS.values():
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_float_field("weight", fast=True)
    builder.add_bytes_field("document", stored=True)
    builder.add_bytes_field("running", stored=True)
    builder.add_integer_field("popularity", stored=True)
    return builder.build()


def stored_form(given: SearchDocument) -> tantivy.Document:
    """Everything the engine is given about a document."""
    document = given.cleaned()
    stored = tantivy.Document()
    stored.add_text("id", document.id)
    runs = [_running(document, field) for field in SEARCHED]
    by_name = dict(zip(SEARCHED, runs, strict=True))
    stored.add_text("words", f" {BREAK} ".join(" ".join(run) for run in runs if run))
    unique = {word for run in runs for word in run}
    unique.discard(BREAK)
    stored.add_text("fuzzy", " ".join(map(doubled, unique)))
    stored.add_text("lead", " ".join({f"{at}:{word}" for run in runs for at, word in enumerate(run[:LEAD_WORDS])}))
    starts = _starts(unique)
    for at, names in enumerate(_FIELDS):
        text = f" {BREAK} ".join(" ".join(by_name[name]) for name in names if by_name[name])
        if text:
            stored.add_text(f"field{at}", text)
            starts |= {f"{at}:{start}" for start in _starts(set(text.split(" ")))}
    stored.add_text("starts", " ".join(starts))
    for facet in FACETS:
        for value in facet_values(document, facet):
            stored.add_text(facet, value)
    for name in RANGES:
        if (number := getattr(document, name)) is not None:
            stored.add_integer(name, number)
    mark = tie(document.id)
    for order, (name, _) in ORDERS.items():
        stored.add_integer(name, packed(order_value(document, order), mark))
    stored.add_float("weight", _weight(document.popularity, mark))
    stored.add_bytes("document", _encode(document))
    stored.add_bytes("running", "\n".join(" ".join(run) for run in runs).encode())
    stored.add_integer("popularity", document.popularity)
    return stored


def _starts(unique: set[str]) -> set[str]:
    """The short beginnings of these words."""
    return {word[:length] for word in unique for length in range(1, SHORT + 1)}


def running_fields(stored: tantivy.Document) -> list[list[str]]:
    """The words of each searched field, as they were indexed."""
    running = bytes(stored.get_first("running") or b"").decode()
    return [field.split(" ") if field else [] for field in running.split("\n")]


def _running(document: SearchDocument, field: str) -> list[str]:
    value = getattr(document, field)
    if isinstance(value, str):
        return words.running(value)
    run: list[str] = []
    for one in value:
        if run:
            run.append(BREAK)
        run += words.running(one)
    return run


def packed(value: int, mark: int) -> int:
    """Value and tie-break in one number, because an order has one field here."""
    return (value + 1) << _TIE_BITS | mark


def _weight(popularity: int, mark: int) -> float:
    """What multiplies a score so little that it only settles equals: score × log2(2 + weight) grows by up to 1/100,000."""
    share = log2(1 + max(0, min(popularity, 1_000_000))) / 20 + mark / 2**_TIE_BITS / 500
    return float(2 ** (1 + share * 1e-5) - 2)


def document_of(stored: tantivy.Document) -> SearchDocument:
    """The document as it was given."""
    return _decode(bytes(stored.get_first("document") or b""))
