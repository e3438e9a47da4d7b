"""The Merkle tree over the log's events (RFC 9162 section 2.1, the same hashes as RFC 6962): one hash for all of them, and short proofs
that an event is among them, and that a longer log holds a shorter one unchanged.

A *node* is a complete subtree: `(level, place)` covers the `2**level` leaves from `place << level`. Complete nodes never change
when the log grows, so they can be kept for ever and fetched from anywhere (:mod:`market.proof.tiles`). Everything here says which
nodes it needs, and is given them by whoever has them: a database, a file, another person's server.

A leaf's data are the 32 bytes of an event's hash; its index is the event's number less one. Hashes are 32 bytes here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

SIZE = 32
"""Bytes of a hash."""

LONGEST = 63
"""Hashes that a proof may have: a tree of 2**63 leaves needs no more (`tlog-witness`)."""


class Node(NamedTuple):
    """A complete subtree."""

    level: int
    place: int


Hashes = Callable[[Node], bytes]
"""Gives the hash of a complete node; raises for one it does not have."""


class ProofRefused(Exception):
    """The proof does not show what it should; the message says what it was to show."""


def leaf(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over a zero byte and the data."""
    return hashlib.sha256(b"\0" + data).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two: SHA-256 over a one byte and both."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Edge:
    """The right edge of a growing tree: the hashes of its largest complete subtrees, from the left. All that is needed to add
    leaves and to know the root, however long the log: 63 hashes at most."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count() or any(len(each) != SIZE for each in self.hashes):
            raise ValueError("an edge has one hash for each bit that is set in its size")

    def add(self, leaf_hash: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf by its hash; answers the complete nodes that it made, the leaf's own first."""
        made, level, rest = [(Node(0, self.size), leaf_hash)], 0, self.size
        while rest & 1:
            level, rest = level + 1, rest >> 1
            made.append((Node(level, rest), parent(self.hashes.pop(), made[-1][1])))
        self.hashes.append(made[-1][1])
        self.size += 1
        return made

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return folded(self.hashes)


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root above neighbouring complete subtrees of falling size, from the left; :data:`EMPTY` for none."""
    if not hashes:
        return EMPTY
    made = hashes[-1]
    for each in reversed(hashes[:-1]):
        made = parent(each, made)
    return made


def root_of(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """The size and root of a tree over these data, which are streamed: memory grows with the logarithm of their number."""
    edge = Edge()
    for data in leaves:
        edge.add(leaf(data))
    return edge.size, edge.root()


# ── which nodes a proof is made of ─────────────────────────────────────────────────────────────────────────────────


def complete(start: int, stop: int) -> list[Node]:
    """The complete subtrees that cover the leaves from `start` up to `stop`, from the left. `start` must begin a subtree at
    least as large as the stretch, as every stretch of a proof does."""
    found = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return found


def inclusion(index: int, size: int) -> list[list[Node]]:
    """What the proof that the leaf `index` is in the tree of `size` is made of: one list of nodes for each of its hashes, to be
    :func:`folded`, the nearest to the leaf first (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    found, start, stop = [], 0, size
    while stop - start > 1:
        half = start + _split(stop - start)
        if index < half:
            found.append(complete(half, stop))
            stop = half
        else:
            found.append(complete(start, half))
            start = half
    return found[::-1]


def consistency(old: int, size: int) -> list[list[Node]]:
    """What the proof that the tree of `size` begins with the tree of `old` is made of (RFC 9162 section 2.1.4.1); nothing where
    both are of one size or `old` is empty."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} cannot begin with one of {old}")
    if old in (0, size):
        return []
    found, start, stop, known = [], 0, size, True
    while stop != old:
        half = start + _split(stop - start)
        if old <= half:
            found.append(complete(half, stop))
            stop = half
        else:
            found.append(complete(start, half))
            start, known = half, False
    if not known:
        found.append(complete(start, stop))
    return found[::-1]


def proof(stretches: Iterable[Sequence[Node]], hashes: Hashes) -> list[bytes]:
    """The hashes of a proof, of what :func:`inclusion` or :func:`consistency` named."""
    return [folded([hashes(node) for node in nodes]) for nodes in stretches]


def nodes_of(stretches: Iterable[Sequence[Node]]) -> Iterator[Node]:
    """Every node that is needed for them."""
    for nodes in stretches:
        yield from nodes


def _split(width: int) -> int:
    """The largest power of two below `width`, which is two or more."""
    return 1 << ((width - 1).bit_length() - 1)


# ── checking proofs ────────────────────────────────────────────────────────────────────────────────────────────────


def check_inclusion(proof: Sequence[bytes], index: int, leaf_hash: bytes, size: int, root: bytes) -> None:
    """Raise :class:`ProofRefused` unless the proof shows that the leaf stands at `index` in the tree of this size and root (RFC
    9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused(f"a log of {size} events has no event {index + 1}")
    at, last, made = index, size - 1, leaf_hash
    for each in proof:
        if not last or len(each) != SIZE:
            raise ProofRefused(f"the proof that event {index + 1} is in a log of {size} has not the right length")
        if at & 1 or at == last:
            made = parent(each, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = parent(made, each)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused(f"the proof that event {index + 1} is in a log of {size} has not the right length")
    if made != root:
        raise ProofRefused(f"the proof does not show that event {index + 1} is in this log of {size} events")


def check_consistency(proof: Sequence[bytes], old: int, old_root: bytes, size: int, root: bytes) -> None:
    """Raise :class:`ProofRefused` unless the proof shows that the tree of this size and root begins with the tree of the old size
    and root (RFC 9162 section 2.1.4.2)."""
    if old > size:
        raise ProofRefused(f"a log of {size} events cannot hold one of {old}")
    if old in (0, size):
        expected = root if old else EMPTY
        if proof or old_root != expected:
            raise ProofRefused(
                f"two different logs of {old} events were shown"
                if not proof
                else "a proof was given where none is needed"
            )
        return
    if not proof or any(len(each) != SIZE for each in proof):
        raise ProofRefused(f"the proof that a log of {size} holds one of {old} is missing or is not made of hashes")
    rest = list(proof)
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    made_old = made = rest.pop(0) if at else old_root
    for each in rest:
        if not last:
            raise ProofRefused(f"the proof that a log of {size} holds one of {old} is too long")
        if at & 1 or at == last:
            made_old, made = parent(each, made_old), parent(each, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = parent(made, each)
        at, last = at >> 1, last >> 1
    if last or made_old != old_root or made != root:
        raise ProofRefused(f"the log of {size} events does not begin with the log of {old} that was seen before")
