"""What a witness answers, the file that proves an event, and the file that proves a fork: each as a stranger reads it, offline."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market.proof import canonical, notes, tree, verify_tree, witnessing
from market.proof.witnessing import Asked, State
from tests.market.proof.test_tree import data, grown, mth, path, subproof

LOG = notes.Signer("council.example/log", notes.LOG, Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
ONE = notes.Signer("audit.example/one", notes.WITNESS, Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
TWO = notes.Signer("press.example/two", notes.WITNESS, Ed25519PrivateKey.from_private_bytes(b"\3" * 32))
LEAVES = data(12)
FORKED = [*LEAVES[:4], b"another", *LEAVES[5:]]
POLICY = f"""# who watches
log {LOG.key} https://council.example/log
witness one {ONE.key} https://audit.example
witness two {TWO.key}
group outside 2 one two
quorum outside
"""


def shown(leaves: list[bytes]) -> notes.Checkpoint:
    return notes.Checkpoint(LOG.name, len(leaves), mth(leaves))


def signed(leaves: list[bytes]) -> bytes:
    return notes.sign(shown(leaves).text(), LOG).encode()


def request(old: int, leaves: list[bytes]) -> Asked:
    return Asked(old, tuple(subproof(old, leaves, True) if old else ()), signed(leaves))


def state(leaves: list[bytes]) -> State:
    return State(len(leaves), mth(leaves))


def test_a_request_is_the_specifications_lines() -> None:
    asked = request(7, LEAVES)
    head, note = asked.encode().split(b"\n\n", 1)
    assert head.split(b"\n")[0] == b"old 7"
    assert note == asked.checkpoint
    assert witnessing.asked(asked.encode()) == asked
    assert witnessing.asked(request(0, LEAVES).encode()).encode().startswith(b"old 0\n\ncouncil.example/log\n12\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 1",
        b"old 01\n\n" + signed(LEAVES),
        b"old -1\n\n" + signed(LEAVES),
        b"new 1\n\n" + signed(LEAVES),
        b"old 1\nAAAA\n\n" + signed(LEAVES),
        b"old 1\n" + (notes.line_of(bytes(32)).encode() + b"\n") * 64 + b"\n" + signed(LEAVES),
        b"old \xd9\xa1\n\n" + signed(LEAVES),
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(notes.NoteRefused):
        witnessing.asked(body)


TABLE = [
    (State(), request(0, LEAVES), LEAVES, 200, ""),
    (State(), request(0, []), [], 200, ""),
    (state(LEAVES[:7]), request(7, LEAVES), LEAVES, 200, ""),
    (state(LEAVES), request(12, LEAVES), LEAVES, 200, ""),
    (state(LEAVES[:7]), request(12, LEAVES), LEAVES, 409, "7\n"),
    (state(LEAVES), request(7, LEAVES), LEAVES, 409, "12\n"),
    (state(LEAVES[:7]), request(0, LEAVES), LEAVES, 409, "7\n"),
    (state(LEAVES[:7]), Asked(8, (), signed(LEAVES[:7])), LEAVES[:7], 400, "cannot hold"),
    (state(LEAVES[:7]), request(7, FORKED), FORKED, 422, "does not begin"),
    (state(LEAVES), request(12, FORKED), FORKED, 422, "two different logs"),
    (state(LEAVES[:7]), Asked(7, (), signed(LEAVES)), LEAVES, 422, "missing"),
    (State(), Asked(0, (bytes(32),), signed(LEAVES)), LEAVES, 422, "none is needed"),
]


@pytest.mark.parametrize(("known", "asked", "leaves", "status", "words"), TABLE)
def test_a_witness_answers_as_the_specification_says(
    known: State, asked: Asked, leaves: list[bytes], status: int, words: str
) -> None:
    answer = witnessing.judge(known, asked, shown(leaves))
    assert answer.status == status
    assert words in answer.words


def test_an_empty_log_with_another_root_is_refused() -> None:
    assert witnessing.judge(State(), Asked(0, (), b""), notes.Checkpoint(LOG.name, 0, bytes(32))).status == 422


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


HEADER = canonical.encode(
    {
        "actor": "P-7KQ4M2X",
        "at": "2026-11-22T09:30:00.000000Z",
        "subject": "mission:M-4XK9Q2M",
        "verb": "mission.published",
    }
)
EVENT = hashlib.sha256(b"prelude-event-v1\0" + HEADER).digest()


def proven(
    tmp_path: Path, *, extra: bytes = HEADER, leaf: bytes = EVENT, cosigners: tuple[notes.Signer, ...] = ()
) -> Path:
    leaves = [*LEAVES[:5], leaf, *LEAVES[5:]]
    text = shown(leaves).text()
    note = notes.sign(text, LOG).also(notes.cosign(text, each, 1_800_000_000) for each in cosigners)
    file = tmp_path / "event.tlog-proof"
    file.write_bytes(witnessing.Inclusion(5, tuple(path(5, leaves)), note.encode(), extra).encode())
    return file


def written(folder: Path, name: str, data: bytes | str) -> Path:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def test_an_events_proof_holds_offline_and_says_what_was_done_and_who_saw_it(tmp_path: Path) -> None:
    file, policy = proven(tmp_path, cosigners=(ONE, TWO)), written(tmp_path, "policy", POLICY)
    lines, code = verify_tree.inclusion(file, str(LOG.key), policy=policy)
    assert code == 0
    assert "mission.published of mission:M-4XK9Q2M" in lines[0]
    assert "event 6 of the 13 that council.example/log signed" in lines[1]
    assert [each.split()[1] for each in lines if " saw it at " in each] == ["audit.example/one", "press.example/two"]
    assert verify_tree.inclusion(file, str(LOG.key), event=EVENT.hex())[1] == 0
    found = witnessing.included(file.read_bytes())
    assert witnessing.included(found.encode()) == found


def test_one_witness_too_few_and_it_is_not_enough(tmp_path: Path) -> None:
    lines, code = verify_tree.inclusion(
        proven(tmp_path, cosigners=(ONE,)), str(LOG.key), policy=written(tmp_path, "policy", POLICY)
    )
    assert code == 1
    assert "2 must have seen it; 1 did" in lines[-2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.replace(b"index 5", b"index 4"), "does not show"),
        (lambda file: file.replace(b"index 5", b"index 13"), "no event 14"),
        (lambda file: file.replace(b"\n13\n", b"\n14\n"), "does not hold"),
        (lambda file: file.replace(b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v2"), "would begin with"),
        (lambda file: file.replace(b"extra eyJ", b"extra eyK"), "no event of such a log"),
        (lambda file: file[:200], "no proof"),
        (lambda file: b"", "no proof"),
    ],
)
def test_a_proof_that_was_tampered_with_is_broken(tmp_path: Path, change: object, words: str) -> None:
    file = proven(tmp_path)
    file.write_bytes(change(file.read_bytes()))  # type: ignore[operator]
    lines, code = verify_tree.inclusion(file, str(LOG.key))
    assert code == 1
    assert words in lines[0]


def test_a_sealed_events_proof_needs_its_hash_and_another_events_header_is_found(tmp_path: Path) -> None:
    sealed = proven(tmp_path, extra=b"")
    assert "give the event's hash" in verify_tree.inclusion(sealed, str(LOG.key))[0][0]
    assert verify_tree.inclusion(sealed, str(LOG.key), event=EVENT.hex())[1] == 0
    assert (
        "another than the one you gave" in verify_tree.inclusion(proven(tmp_path), str(LOG.key), event="ab" * 32)[0][0]
    )
    assert "not 64 hexadecimal" in verify_tree.inclusion(proven(tmp_path), str(LOG.key), event="abc")[0][0]


def test_a_checkpoint_holds_with_a_kept_copy_of_the_log_and_with_an_earlier_one(tmp_path: Path) -> None:
    hashes = [each.hex() for each in LEAVES]
    copy = b"".join(canonical.encode({"hash": each, "seq": seq}) + b"\n" for seq, each in enumerate(hashes, 1))
    events = written(tmp_path, "events.jsonl", copy)
    new, old = written(tmp_path, "new", signed(LEAVES)), written(tmp_path, "old", signed(LEAVES[:7]))
    proof = written(tmp_path, "proof", json.dumps({"proof": [each.hex() for each in subproof(7, LEAVES, True)]}))
    lines, code = verify_tree.checkpoint(new, str(LOG.key), events=events, older=old, proof=proof)
    assert code == 0
    assert "nobody but the log itself" in lines[1]
    assert "first 12 events of this copy" in lines[2]
    assert "the 7 events of the earlier checkpoint unchanged" in lines[3]

    forked = written(tmp_path, "forked", signed(FORKED))
    assert "not those that the log signed" in verify_tree.checkpoint(forked, str(LOG.key), events=events)[0][-1]
    assert verify_tree.checkpoint(forked, str(LOG.key), older=old, proof=proof)[1] == 1
    short = written(tmp_path, "short.jsonl", b"".join(copy.splitlines(keepends=True)[:5]))
    assert "ends at event 5" in verify_tree.checkpoint(new, str(LOG.key), events=short)[0][-1]
    assert verify_tree.checkpoint(tmp_path / "nothing", str(LOG.key))[1] == 2


def test_a_fork_is_proof_that_anybody_can_check(tmp_path: Path) -> None:
    one = written(tmp_path, "one", witnessing.Fork(signed(LEAVES), signed(FORKED)).encode())
    lines, code = verify_tree.fork(one, str(LOG.key))
    assert code == 0
    assert lines[0].count("12 events") == lines[1].count("12 events") == 1
    assert "the log's own signatures prove it" in lines[-1]


@pytest.mark.parametrize("old", [5, 7, 8, 11])
def test_a_fork_between_two_sizes_is_proven_by_the_newer_ones_own_tree(tmp_path: Path, old: int) -> None:
    _, nodes = grown(FORKED)
    instead = tree.folded([nodes[node] for node in tree.complete(0, old)])
    proof = tuple(tree.proof(tree.consistency(old, 12), nodes.__getitem__))
    made = witnessing.Fork(signed(LEAVES[:old]), signed(FORKED), instead, proof)
    assert verify_tree.fork(written(tmp_path, "fork", made.encode()), str(LOG.key))[1] == 0

    without = witnessing.Fork(made.older, made.newer)
    assert verify_tree.fork(written(tmp_path, "fork", without.encode()), str(LOG.key))[1] == 2
    for wrong in (
        made._replace(instead=bytes(32)),
        made._replace(instead=mth(LEAVES[:old])),
        made._replace(proof=made.proof[1:]),
        made._replace(older=made.newer, newer=made.older),
        made._replace(newer=made.older),
    ):
        assert verify_tree.fork(written(tmp_path, "fork", wrong.encode()), str(LOG.key))[1] == 1


def test_nobody_can_be_accused_with_a_log_that_only_grew(tmp_path: Path) -> None:
    _, nodes = grown(LEAVES)
    for old in range(1, 12):
        instead = tree.folded([nodes[node] for node in tree.complete(0, old)])
        proof = tuple(tree.proof(tree.consistency(old, 12), nodes.__getitem__))
        made = witnessing.Fork(signed(LEAVES[:old]), signed(LEAVES), instead, proof)
        assert verify_tree.fork(written(tmp_path, "fork", made.encode()), str(LOG.key))[1] == 1


# ── whose word counts ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_names_the_log_the_witnesses_and_how_many_must_have_seen_it() -> None:
    read = witnessing.policy(POLICY)
    assert read.log == LOG.key
    assert read.witnesses == ((ONE.key, "https://audit.example"), (TWO.key, ""))
    note = notes.sign(shown(LEAVES).text(), LOG)
    one, two = (notes.cosign(note.text, each, 5) for each in (ONE, TWO))
    assert [read.met(note.also(each)) for each in ([], [one], [two], [one, one], [one, two])] == [False] * 4 + [True]
    single = witnessing.policy(POLICY.replace("quorum outside", "quorum one"))
    assert [single.met(note.also(each)) for each in ([two], [one])] == [False, True]
    assert not witnessing.policy(POLICY.replace("quorum outside", "quorum none")).met(note.also([one, two]))
    assert witnessing.policy("") == witnessing.Policy()


@pytest.mark.parametrize(
    "text",
    [
        POLICY + "quorum one\n",
        POLICY.replace("quorum outside", "quorum three"),
        POLICY.replace("2 one two", "3 one two"),
        POLICY.replace("2 one two", "0 one two"),
        POLICY.replace("2 one two", "any one one"),
        POLICY.replace("witness two", "witness one"),
        POLICY.replace(str(TWO.key), str(LOG.key)),
        POLICY.replace(str(TWO.key), str(notes.Key("another.example/name", notes.WITNESS, ONE.key.public))),
        "witnesses are good",
    ],
)
def test_a_policy_that_says_no_such_thing_is_refused(text: str) -> None:
    with pytest.raises(notes.NoteRefused):
        witnessing.policy(text)
