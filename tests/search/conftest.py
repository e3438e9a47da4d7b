"""Both engines for the tests in this folder."""

from tests.search.engines import index, meilisearch_server, shelf, unavailable, warehouses

__all__ = ["index", "meilisearch_server", "shelf", "unavailable", "warehouses"]
