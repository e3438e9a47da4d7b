"""What the tree over the log costs: leaves a second, memory, sizes of proofs, and time to check them.

Run: `python bench/log.py [--events 1000000]`. Events are synthetic hashes, streamed; nothing is kept but the edge and the nodes
that the database keeps too (level 8, 16, 24 …) and, for the proofs, the leaves of the tiles that they touch, which are made anew. Times are processor time,
because a busy machine would otherwise be measured; memory is the most this process ever had, less what it had before.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from market.proof import notes, tiles, tree, witnessing  # noqa: E402
from market.proof.tiles import Tile  # noqa: E402
from market.proof.tree import Node  # noqa: E402


def leaf(index: int) -> bytes:
    """The synthetic hash of an event."""
    return hashlib.sha256(index.to_bytes(8, "big")).digest()


def events(size: int) -> Iterator[bytes]:
    """As many of them."""
    return map(leaf, range(size))


def main() -> None:
    """Grow, sign, prove, check; print what each cost."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--events", type=int, default=1_000_000)
    size: int = given.parse_args().events
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    # The baseline: the hashing that no tree of this size can do without, two SHA-256 for each leaf and a node above it, in the same loop.
    began = time.process_time()
    for each in events(size):
        hashlib.sha256(b"\x00" + each).digest()
        hashlib.sha256(b"\x01" + each + each).digest()
    bare = time.process_time() - began
    print(f"baseline, {size:,} events made and hashed twice without a tree: {bare:.1f} s = 1")

    began = time.process_time()
    _, root = tree.root_of(events(size))
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"root of {size:,} events: {took:.1f} s, {size / took:,.0f} leaves/s, {took / bare:.1f} × the baseline, {peak / 1024:.1f} MB more memory"
    )

    kept: dict[Node, bytes] = {}
    edge = tree.Edge()
    began = time.process_time()
    for each in events(size):
        for node, made in edge.add(tree.leaf(each)):
            if node.level and node.level % tiles.HEIGHT == 0:
                kept[node] = made
    took = time.process_time() - began
    print(
        f"grown as the job does: {size / took:,.0f} leaves/s, {took / bare:.1f} × the baseline, {len(kept):,} nodes kept, edge of {len(edge.hashes)} hashes"
    )
    assert edge.root() == root

    def tile(wanted: Tile) -> bytes:
        first = wanted.number * tiles.WIDTH
        if wanted.level == 0:
            return b"".join(tree.leaf(leaf(first + place)) for place in range(wanted.width))
        return b"".join(kept[Node(wanted.level * tiles.HEIGHT, first + place)] for place in range(wanted.width))

    signer = notes.Signer.new("bench.example/log", notes.LOG)
    watchers = [notes.Signer.new(f"witness{each}.example/w", notes.WITNESS) for each in range(3)]
    text = notes.Checkpoint(signer.name, size, root).text()
    note = notes.sign(text, signer).also(notes.cosign(text, each, 1_800_000_000) for each in watchers).encode()

    lengths, fetched, making, checking = [], [], 0.0, 0.0
    step = max(size // 200, 1)
    for index in range(0, size, step):
        began = time.process_time()
        stretches = tree.inclusion(index, size)
        wanted = tiles.needed(tree.nodes_of(stretches), size)
        hashes = tree.proof(stretches, tiles.Fetched({each: tile(each) for each in wanted}, size))
        making += time.process_time() - began
        file = witnessing.Inclusion(index, tuple(hashes), note).encode()
        began = time.process_time()
        tree.check_inclusion(hashes, index, tree.leaf(leaf(index)), size, root)
        checking += time.process_time() - began
        lengths.append(len(file))
        fetched.append(len(wanted))
    count = len(lengths)
    print(
        f"{count} proofs of inclusion: {max(lengths):,} bytes at the most with three cosignatures, {max(fetched)} tiles, "
        f"made in {1000 * making / count:.2f} ms (leaves hashed anew), checked in {1e6 * checking / count:.0f} µs"
    )

    old = size * 2 // 3
    began = time.process_time()
    stretches = tree.consistency(old, size)
    wanted = tiles.needed(tree.nodes_of(stretches), size)
    hashes = tree.proof(stretches, tiles.Fetched({each: tile(each) for each in wanted}, size))
    took = time.process_time() - began
    tree.check_consistency(hashes, old, tree.root_of(events(old))[1], size, root)
    print(f"proof of consistency {old:,} → {size:,}: {len(hashes)} hashes, {len(wanted)} tiles, {1000 * took:.2f} ms")

    began = time.process_time()
    for _ in range(1000):
        notes.sign(text, signer)
    print(f"signing a checkpoint: {1000 * (time.process_time() - began):.0f} µs")


if __name__ == "__main__":
    main()
