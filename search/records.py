"""What a Meilisearch server is told: its settings, as code, and a record for each document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from search.documents import SearchDocument
from search.index import FACET_VALUES_MOST, FACETS, ORDERS, RANGES, SEARCHED, order_value, tie
from search.words import Synonyms

SHOWN = tuple(field for field in SearchDocument.__struct_fields__ if field not in ("body", "keywords"))
"""What comes back with a result."""

BATCH = 5_000
LARGEST = 20_000_000
"""Records, and bytes, that are sent in one request; the server takes 100 MB by default."""


def settings(synonyms: Synonyms) -> dict[str, Any]:
    """What the server is told once: the index's settings, as code."""
    return {
        "searchableAttributes": list(SEARCHED),
        "displayedAttributes": [*SHOWN, "body", "keywords", "id", "fingerprint"],
        "filterableAttributes": sorted({*FACETS, *RANGES, "tie", *(field for field, _ in ORDERS.values())}),
        "sortableAttributes": sorted({"tie", *(field for field, _ in ORDERS.values())}),
        "rankingRules": [
            "sort", "words", "typo", "proximity", "attribute", "exactness", "by_popularity:desc", "tie:desc",
        ],
        "synonyms": {
            " ".join(phrase): sorted(" ".join(other) for other in others)
            for phrase, others in sorted(synonyms.table.items())
        },
        "typoTolerance": {"disableOnNumbers": True, "disableOnAttributes": ["cpv", "ref"]},
        "faceting": {"maxValuesPerFacet": FACET_VALUES_MOST, "sortFacetValuesBy": {"*": "count"}},
        "pagination": {"maxTotalHits": 10_000_000},
        "searchCutoffMs": 1500,
        "facetSearch": False,
    }  # fmt: skip


def key(id_: str) -> str:
    """The server allows few characters in a primary key, so ours is a digest of the id."""
    return hashlib.blake2b(id_.encode(), digest_size=16).hexdigest()


def lines_of(documents: Iterable[SearchDocument]) -> Iterator[bytes]:
    """The documents as newline-delimited JSON, in pieces of a request's size."""
    lines: list[bytes] = []
    size = 0
    for one in documents:
        document = one.cleaned()
        sent: dict[str, Any] = {
            name: value
            for name in SearchDocument.__struct_fields__
            if (value := getattr(document, name)) not in (None, "", ())
        }
        sent |= {
            "key": key(document.id),
            "id": document.id,
            "fingerprint": document.fingerprint,
            "cpv_path": document.cpv_path,
            "sector": document.sector,
            "tie": tie(document.id),
        }
        if document.year:
            sent["year"] = document.year
        if document.value_band:
            sent["value_band"] = document.value_band
        for order, (field, _) in ORDERS.items():
            sent[field] = order_value(document, order)
        lines.append(msgspec.json.encode(sent))
        size += len(lines[-1])
        if len(lines) == BATCH or size >= LARGEST:
            yield b"\n".join(lines)
            lines, size = [], 0
    if lines:
        yield b"\n".join(lines)
