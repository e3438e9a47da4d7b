"""The tree in tiles (C2SP `tlog-tiles`): files of up to 256 hashes, which a server that knows nothing can carry and a cache may keep
for ever.

The tile `(level, number)` holds the hashes of the nodes of level `8 * level` from `256 * number`; a full one has 256 and never
changes, the last of its level may have fewer and is then named by its width. Beside the tiles of hashes stand those of entries:
the leaves' data, each after its length in two bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from market.proof import tree
from market.proof.tree import Node

WIDTH = 256
"""Hashes in a full tile."""

HEIGHT = 8
"""Levels of the tree that one level of tiles covers: 2**8 is the width."""

HIGHEST = 7
"""The highest level of tiles that a tree of fewer than 2**63 leaves has."""

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(NamedTuple):
    """A tile by its place, and how many hashes (or entries, at the level -1) it has."""

    level: int
    number: int
    width: int = WIDTH


ENTRIES = -1
"""The level of the tiles of entries."""


class NoSuchTile(ValueError):
    """The path names no tile."""


def path(tile: Tile) -> str:
    """Where the tile is below the log's address: `tile/0/x001/x234/067`, `tile/1/000.p/17`, `tile/entries/000`."""
    groups = [f"{tile.number % 1000:03}"]
    rest = tile.number // 1000
    while rest:
        groups.insert(0, f"x{rest % 1000:03}")
        rest //= 1000
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    part = f".p/{tile.width}" if tile.width < WIDTH else ""
    return f"tile/{level}/{'/'.join(groups)}{part}"


def named(given: str) -> Tile:
    """The tile that a path names; :class:`NoSuchTile` for what is not in its one spelling."""
    found = _PATH.fullmatch(given)
    if found is None or not given.isascii():
        raise NoSuchTile("this path names no tile")
    level = ENTRIES if found[1] == "entries" else int(found[1])
    tile = Tile(level, int("".join(part.lstrip("x") for part in found[2].split("/"))), int(found[3] or WIDTH))
    if path(tile) != given or level > HIGHEST or tile.number >= 2**55:
        raise NoSuchTile("this path names no tile")
    return tile


def nodes_at(level: int, size: int) -> int:
    """How many hashes the tiles of this level hold in a tree of this size."""
    return size >> (HEIGHT * max(level, 0))


def stands(tile: Tile, size: int) -> bool:
    """Whether a tree of this size has the tile: a full one is there as soon as it is full, a partial one from its width on."""
    return tile.number * WIDTH + tile.width <= nodes_at(tile.level, size)


def holding(node: Node, size: int) -> Tile:
    """The tile from which the hash of this node can be made in a tree of this size, as wide as it is there."""
    level, up = divmod(node.level, HEIGHT)
    number = (node.place << up) // WIDTH
    return Tile(level, number, min(WIDTH, nodes_at(level, size) - number * WIDTH))


def needed(nodes: Iterable[Node], size: int) -> list[Tile]:
    """The tiles that hold these nodes, each once."""
    return list(dict.fromkeys(holding(node, size) for node in nodes))


class Fetched:
    """The hashes of nodes, made of tiles that were fetched: a :data:`market.proof.tree.Hashes`."""

    def __init__(self, tiles: Mapping[Tile, bytes], size: int) -> None:
        self._size = size
        self._tiles = {tile: hashes(tile, data) for tile, data in tiles.items()}

    def __call__(self, node: Node) -> bytes:
        tile = holding(node, self._size)
        level = node.level % HEIGHT
        start = (node.place << level) - tile.number * WIDTH
        edge = tree.Edge()
        for each in self._tiles[tile][start : start + (1 << level)]:
            edge.add(each)
        return edge.root()


def hashes(tile: Tile, data: bytes) -> Sequence[bytes]:
    """The hashes of a tile; :class:`NoSuchTile` for bytes that are not as many as its width says."""
    if len(data) != tile.width * tree.SIZE:
        raise NoSuchTile(f"{path(tile)} has not {tile.width} hashes")
    return [data[at : at + tree.SIZE] for at in range(0, len(data), tree.SIZE)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """A tile of entries: each after its length in two bytes."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def entries(data: bytes) -> list[bytes]:
    """The entries of a tile of entries; :class:`NoSuchTile` for what is cut off."""
    found, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise NoSuchTile("the tile of entries is cut off")
        found.append(data[at + 2 : end])
        at = end
    return found
