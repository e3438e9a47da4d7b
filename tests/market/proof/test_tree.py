"""The tree and its proofs, against the published roots of RFC 6962's implementations and against the text of RFC 9162 read anew: the
naive recursions below are written from the specification and share nothing with the product."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.proof import tiles, tree
from market.proof.tiles import Tile
from market.proof.tree import Node

LEAVES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots over the first one to eight of :data:`LEAVES`, as the implementations of RFC 6962 publish them in their tests."""


# ── RFC 9162 section 2.1, word for word ────────────────────────────────────────────────────────────────────────────


def mth(data: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not data:
        return hashlib.sha256().digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


# ── what is held to it ─────────────────────────────────────────────────────────────────────────────────────────────


def data(size: int) -> list[bytes]:
    return [hashlib.sha256(f"leaf {number}".encode()).digest() for number in range(size)]


def grown(leaves: Sequence[bytes]) -> tuple[tree.Edge, dict[Node, bytes]]:
    edge = tree.Edge()
    nodes: dict[Node, bytes] = {}
    for each in leaves:
        nodes |= dict(edge.add(tree.leaf(each)))
    return edge, nodes


def test_the_published_roots_are_ours() -> None:
    assert tree.root_of([]) == (0, bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
    for size, root in enumerate(ROOTS, 1):
        assert tree.root_of(LEAVES[:size]) == (size, bytes.fromhex(root))
        assert mth(LEAVES[:size]).hex() == root


def test_every_proof_up_to_seventy_leaves_is_the_specifications_and_no_other_is_taken() -> None:
    leaves = data(70)
    roots = [mth(leaves[:size]) for size in range(71)]
    for size in range(1, 71):
        edge, nodes = grown(leaves[:size])
        assert edge.root() == roots[size]
        for index in range(size):
            made = tree.proof(tree.inclusion(index, size), nodes.__getitem__)
            assert made == path(index, leaves[:size])
            tree.check_inclusion(made, index, tree.leaf(leaves[index]), size, roots[size])
            for wrong in damaged(made):
                with pytest.raises(tree.ProofRefused):
                    tree.check_inclusion(wrong, index, tree.leaf(leaves[index]), size, roots[size])
        for old in range(size + 1):
            made = tree.proof(tree.consistency(old, size), nodes.__getitem__)
            assert made == (subproof(old, leaves[:size], True) if old else [])
            tree.check_consistency(made, old, roots[old], size, roots[size])
            if 0 < old < size:
                for wrong in damaged(made):
                    with pytest.raises(tree.ProofRefused):
                        tree.check_consistency(wrong, old, roots[old], size, roots[size])
                with pytest.raises(tree.ProofRefused):
                    tree.check_consistency(made, old, roots[old - 1], size, roots[size])


def damaged(proof: Sequence[bytes]) -> list[list[bytes]]:
    """The proof with a hash changed, left out, or added."""
    flipped = [
        [*proof[:place], bytes([each[0] ^ 1]) + each[1:], *proof[place + 1 :]] for place, each in enumerate(proof)
    ]
    return [*flipped, list(proof[1:]), list(proof[:-1]), [*proof, bytes(32)]] if proof else [[bytes(32)]]


@given(st.integers(1, 2000), st.data())
def test_any_proof_of_a_longer_log_holds_for_its_place_alone(size: int, drawn: st.DataObject) -> None:
    leaves = data(size)
    edge, nodes = grown(leaves)
    index = drawn.draw(st.integers(0, size - 1))
    made = tree.proof(tree.inclusion(index, size), nodes.__getitem__)
    assert made == path(index, leaves)
    tree.check_inclusion(made, index, tree.leaf(leaves[index]), size, edge.root())
    if size > 1:
        other = drawn.draw(st.integers(0, size - 1).filter(lambda each: each != index))
        with pytest.raises(tree.ProofRefused):
            tree.check_inclusion(made, other, tree.leaf(leaves[index]), size, edge.root())
    old = drawn.draw(st.integers(0, size))
    shown = tree.proof(tree.consistency(old, size), nodes.__getitem__)
    tree.check_consistency(shown, old, mth(leaves[:old]), size, edge.root())
    if old:
        forked = mth([*leaves[: old - 1], b"another"])
        with pytest.raises(tree.ProofRefused):
            tree.check_consistency(shown, old, forked, size, edge.root())


def test_a_log_cannot_grow_shorter_and_an_event_beyond_its_end_is_in_no_log() -> None:
    leaves = data(5)
    with pytest.raises(tree.ProofRefused, match="cannot hold one of 5"):
        tree.check_consistency([], 5, mth(leaves), 4, mth(leaves[:4]))
    with pytest.raises(tree.ProofRefused, match="no event 6"):
        tree.check_inclusion([], 5, tree.leaf(b""), 5, mth(leaves))
    with pytest.raises(ValueError, match="not in a tree"):
        tree.inclusion(5, 5)
    with pytest.raises(tree.ProofRefused, match="two different logs of 5"):
        tree.check_consistency([], 5, mth(leaves), 5, mth(leaves[:4]))


def test_an_edge_is_kept_and_taken_up_again_anywhere() -> None:
    leaves = data(300)
    for at in (0, 1, 2, 3, 127, 128, 255, 256, 257, 299):
        before, _ = grown(leaves[:at])
        kept = tree.Edge(before.size, list(before.hashes))
        for each in leaves[at:]:
            kept.add(tree.leaf(each))
        assert kept.root() == mth(leaves)
    with pytest.raises(ValueError, match="one hash for each bit"):
        tree.Edge(3, [bytes(32)])


# ── tiles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


PATHS = [
    (Tile(0, 1234067), "tile/0/x001/x234/067"),
    (Tile(0, 0), "tile/0/000"),
    (Tile(1, 0, 17), "tile/1/000.p/17"),
    (Tile(tiles.ENTRIES, 1000, 255), "tile/entries/x001/000.p/255"),
]


@pytest.mark.parametrize(("tile", "shown"), PATHS)
def test_a_tiles_path_is_the_one_of_the_specification(tile: Tile, shown: str) -> None:
    assert tiles.path(tile) == shown
    assert tiles.named(shown) == tile


@pytest.mark.parametrize(
    "shown",
    [
        "tile/0/67",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/00/067",
        "tile/0/067.p/0",
        "tile/0/067.p/256",
        "tile/0/067.p/07",
        "tile/8/000",
        "tile/0/067/",
        "tile/-1/000",
        "tile/entries",
        "tile/0/x001/x234/067.p/999",
        "tile/0/x٠٠١/067",
        "tile/0/000.p/",
    ],
)
def test_what_is_spelled_otherwise_names_no_tile(shown: str) -> None:
    with pytest.raises(tiles.NoSuchTile):
        tiles.named(shown)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000])
def test_proofs_are_made_of_tiles_alone(size: int) -> None:
    leaves = data(size)
    edge, nodes = grown(leaves)

    def fetch(tile: Tile) -> bytes:
        assert tiles.stands(tile, size)
        assert tile.width == 256 or not tiles.stands(Tile(tile.level, tile.number, tile.width + 1), size)
        return b"".join(nodes[Node(tile.level * 8, tile.number * 256 + place)] for place in range(tile.width))

    for stretches in (
        tree.inclusion(0, size),
        tree.inclusion(size - 1, size),
        tree.inclusion(size // 3, size),
        tree.consistency(size // 2, size),
        tree.consistency(size - 1, size),
    ):
        wanted = tiles.needed(tree.nodes_of(stretches), size)
        assert len(wanted) <= 6
        hashes = tiles.Fetched({tile: fetch(tile) for tile in wanted}, size)
        assert tree.proof(stretches, hashes) == tree.proof(stretches, nodes.__getitem__)
    whole = [tree.complete(0, size)]
    hashes = tiles.Fetched({tile: fetch(tile) for tile in tiles.needed(tree.nodes_of(whole), size)}, size)
    assert tree.proof(whole, hashes) == [edge.root()]


def test_a_tile_of_entries_carries_each_after_its_length() -> None:
    leaves = data(3)
    made = tiles.bundle(leaves)
    assert made[:2] == b"\x00\x20"
    assert len(made) == 3 * 34
    assert tiles.entries(made) == leaves
    for cut in (made[:-1], made[:35]):
        with pytest.raises(tiles.NoSuchTile):
            tiles.entries(cut)
    with pytest.raises(tiles.NoSuchTile):
        tiles.hashes(Tile(0, 0, 2), bytes(63))
