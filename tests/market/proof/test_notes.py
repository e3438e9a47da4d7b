"""Signed notes, checkpoints and cosignatures, against the examples that C2SP and Go publish, byte for byte."""

from __future__ import annotations

import base64
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from market.proof import notes, tree

C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
    "HjG1Yu72IneyaQM=\n"
).encode()
"""The example of C2SP `signed-note`."""

PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
"""The examples of Go's `golang.org/x/mod/sumdb/note`."""

WITNESSED = "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA=="
"""A cosignature in the tests of transparency-dev/formats, given in the second 1727964367."""

LOG = notes.Signer("council.example/log", notes.LOG, Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
ONE = notes.Signer("audit.example/one", notes.WITNESS, Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
TWO = notes.Signer("press.example/two", notes.WITNESS, Ed25519PrivateKey.from_private_bytes(b"\3" * 32))
STATE = notes.Checkpoint(LOG.name, 3, b"\7" * 32)


def test_the_published_notes_hold_and_ours_are_the_same_bytes() -> None:
    key = notes.Key.read(C2SP_KEY)
    assert str(key) == C2SP_KEY
    assert notes.verify(notes.read(C2SP_NOTE), key) == 0
    assert notes.read(C2SP_NOTE).encode() == C2SP_NOTE

    signer = notes.Signer.read(PRIVATE)
    assert (str(signer), str(signer.key)) == (PRIVATE, PETER)
    assert notes.sign(TEXT, signer).encode() == (TEXT + "\n" + BY_PETER).encode()

    both = notes.read((TEXT + "\n" + BY_PETER + BY_ENOCH).encode())
    assert [notes.verify(both, notes.Key.read(each)) for each in (PETER, ENOCH)] == [0, 0]


def test_the_published_cosignature_names_its_second() -> None:
    data = base64.b64decode(WITNESSED)
    assert len(data) == 76
    (read,) = notes.read_lines(f"— someone {WITNESSED}\n".encode())
    assert int.from_bytes(read.data[4:12], "big") == 1727964367


def test_a_checkpoint_is_three_lines_and_holds_with_the_logs_key_alone() -> None:
    signed = notes.sign(STATE.text(), LOG).encode()
    assert signed.startswith(b"council.example/log\n3\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n")
    assert notes.opened(signed, LOG.key)[1] == STATE
    other = notes.Signer(LOG.name, notes.LOG, Ed25519PrivateKey.from_private_bytes(b"\4" * 32))
    with pytest.raises(notes.NoteRefused, match="does not carry"):
        notes.opened(signed, other.key)
    with pytest.raises(notes.NoteRefused, match="does not hold"):
        notes.opened(signed.replace(b"\n3\n", b"\n4\n"), LOG.key)
    with pytest.raises(notes.NoteRefused, match=r"is of the log another\.example/log"):
        notes.opened(notes.sign(STATE._replace(origin="another.example/log").text(), LOG).encode(), LOG.key)


def test_a_cosignature_is_what_the_specification_writes_byte_for_byte() -> None:
    note = notes.sign(STATE.text(), LOG).also([notes.cosign(STATE.text(), ONE, 1_800_000_000)])
    made = note.signatures[1].data
    assert made[:4] == notes.Key(ONE.name, 4, ONE.key.public).id
    assert struct.unpack(">Q", made[4:12]) == (1_800_000_000,)
    signed = b"cosignature/v1\ntime 1800000000\ncouncil.example/log\n3\n" + base64.b64encode(STATE.root) + b"\n"
    Ed25519PublicKey.from_public_bytes(ONE.key.public).verify(made[12:], signed)
    assert notes.cosignatures(notes.read(note.encode()), [ONE.key, TWO.key]) == [
        notes.Cosigned("audit.example/one", 1_800_000_000)
    ]


def test_a_cosignature_that_does_not_hold_or_of_nobody_we_know_counts_for_nothing() -> None:
    signed = notes.sign(STATE.text(), LOG)
    name, data = notes.cosign(STATE.text(), ONE, 1_800_000_000)
    later = notes.Signature(name, data[:11] + bytes([data[11] + 1]) + data[12:])
    assert notes.cosignatures(signed.also([later]), [ONE.key]) == []
    elsewhere = notes.cosign(STATE._replace(size=4).text(), ONE, 1_800_000_000)
    assert notes.cosignatures(signed.also([elsewhere]), [ONE.key]) == []
    timeless = notes.cosign(STATE.text(), ONE, 0)
    assert notes.cosignatures(signed.also([timeless]), [ONE.key]) == []
    stranger = notes.Signature("press.example/two", notes.cosign(STATE.text(), ONE, 1).data)
    assert notes.cosignatures(signed.also([stranger]), [TWO.key]) == []
    assert (
        len(notes.cosignatures(signed.also([notes.cosign(STATE.text(), ONE, at) for at in (1, 9, 5)]), [ONE.key])) == 1
    )


@pytest.mark.parametrize(
    "text",
    [
        "o\n07\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n+7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n٧\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n7\n",
        "o\n7\nAAAA\n",
        "o\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
        "o\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n9223372036854775808\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    ],
)
def test_what_is_spelled_otherwise_is_no_checkpoint(text: str) -> None:
    with pytest.raises(notes.NoteRefused):
        notes.checkpoint(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n- name AAAAAAAA\n",
        b"te\rxt\n\n" + BY_PETER.encode(),
        b"text\n\n\xff",
        TEXT.encode() + BY_PETER.encode(),
        b"text\n\n" + BY_PETER.encode() * 101,
        b"text\n\n" + "— na+me AAAAAAAA\n".encode(),
        b"text\n\n" + "— name AAAA\n".encode(),
        b"text\n\n" + BY_PETER.encode()[:-1],
        b"x" * notes.LARGEST + b"\n\n" + BY_PETER.encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(notes.NoteRefused):
        notes.read(data)


def test_a_key_that_was_tampered_with_is_refused() -> None:
    for place in range(len(PETER)):
        with pytest.raises(notes.NoteRefused):
            notes.Key.read(PETER[:place] + chr(ord(PETER[place]) + 1) + PETER[place + 1 :])
    for bad in ("", "PeterNeumann", PETER.replace("c74f20a3", "00000000"), PRIVATE):
        with pytest.raises(notes.NoteRefused):
            notes.Key.read(bad)
    with pytest.raises(notes.NoteRefused):
        notes.Signer.read(PETER)
    with pytest.raises(notes.NoteRefused):
        notes.Signer.new("two words", notes.LOG)


def test_the_empty_logs_checkpoint_has_the_hash_of_nothing() -> None:
    text = notes.Checkpoint("o", 0, tree.EMPTY).text()
    assert text == "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
