"""Which engine answers: the Meilisearch server that the settings name, or the embedded one."""

from __future__ import annotations

from pathlib import Path

from search.index import Index, read_synonyms


def open_index(*, url: str | None, key: str | None, folder: Path, name: str = "prelude") -> Index:
    """The Meilisearch server at `url`, or with none the embedded engine in `folder`. Opens nothing yet, and loads only the
    engine that answers."""
    synonyms = read_synonyms()
    if url:
        from search.meili import MeilisearchIndex

        return MeilisearchIndex(url, key, name, synonyms)
    from search.embedded import EmbeddedIndex

    return EmbeddedIndex(folder, synonyms)
