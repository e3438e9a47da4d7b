"""The specification is executed: the checker that its README holds, which shares no line with the product, agrees with it."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from market.proof import (
    canonical,
    certificates,
    chain,
    check_evidence,
    cose,
    notes,
    sealing,
    signing,
    tree,
    witnessing,
)
from market.seed.authenticator import EDDSA, ES256, RS256, Authenticator
from tests.market.proof import test_tree, test_witnessing
from tests.market.proof.test_canonical import plain
from tests.market.proof.test_signing import ORIGIN, RP_ID, key_of, sign

ROOM = Path(chain.__file__).parent
TEXT = (ROOM / "README.md").read_text()
AT = datetime(2026, 11, 24, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def checker() -> dict[str, Any]:
    """The README's own program; its examples are asserted as it is read."""
    names: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)), names)
    return names


@given(plain)
def test_its_canonical_json_is_ours(checker: dict[str, Any], value: Any) -> None:
    assert checker["canonical"](value) == canonical.encode(value)


def log(events: int) -> list[bytes]:
    rows: list[chain.Row | chain.Withheld] = []
    after = (0, chain.GENESIS)
    for number in range(1, events + 1):
        private = {"name": "Ada"} if number % 2 else None
        about = [f"mission:M-{each}" for each in range(number % 3)]
        at = AT + timedelta(seconds=number)
        row = chain.append(
            after, at, "P-1", "", "mission.drafted", f"mission:M-{number}", about, {"é": number}, private
        )
        rows.append(chain.Withheld(row.seq, row.hash) if number == 4 else row)
        after = (row.seq, row.hash)
    return [chain.to_line(row, body=number != 2) for number, row in enumerate(rows)]


def test_its_checker_walks_our_log_and_finds_what_was_changed(checker: dict[str, Any]) -> None:
    lines = log(6)
    report = chain.verify(chain.from_lines(lines))
    assert checker["check_log"](lines) == (report.seq, report.hash) == (6, report.hash)
    for changed in (
        lines[1:],
        [*lines[:2], *lines[3:]],
        [lines[0].replace(b"M-1", b"M-9"), *lines[1:]],
        [lines[0].replace("é".encode(), b"e"), *lines[1:]],
        [lines[0].replace(b'"seq":1', b'"seq": 1'), *lines[1:]],
    ):
        with pytest.raises(ValueError, match="event"):
            checker["check_log"](changed)


def test_its_private_digest_is_ours(checker: dict[str, Any]) -> None:
    text, digest = chain.conceal({"reason": "He was ill."})
    assert checker["private_digest"](text) == digest


def test_its_checker_takes_our_heads_and_no_others(checker: dict[str, Any]) -> None:
    key = chain.head_key(b"s" * 32)
    public = key.public_key().public_bytes_raw()
    head = chain.sign_head(key, 7, "ab" * 32, AT).to_plain()
    checker["check_head"](head, public)
    with pytest.raises(InvalidSignature):
        checker["check_head"]({**head, "seq": 8}, public)


def test_its_checker_and_the_one_in_the_archive_agree_on_evidence(checker: dict[str, Any], tmp_path: Path) -> None:
    lines, document = log(6), b'{"contract":"C-1"}'
    before = chain.verify(chain.from_lines(lines[:2]))
    last = chain.verify(chain.from_lines(lines))
    key = chain.head_key(b"s" * 32)
    manifest = {
        "after": {"hash": before.hash, "seq": before.seq},
        "events": [3],
        "files": [{"name": "c.json", "says": "The contract.", "sha256": sha256(document).hexdigest()}],
        "head": chain.sign_head(key, last.seq, last.hash, AT).to_plain(),
        "key": key.public_key().public_bytes_raw().hex(),
        "subject": "contract:C-1",
    }
    for stretch, text, good in ((lines[2:], document, True), (lines[3:], document, False), (lines[2:], b"{}", False)):
        (tmp_path / "events.jsonl").write_bytes(b"\n".join(stretch) + b"\n")
        (tmp_path / "manifest.json").write_bytes(canonical.encode(manifest))
        (tmp_path / "c.json").write_bytes(text)
        assert all(holds for holds, _ in check_evidence.check(tmp_path)) is good
        holds = True
        try:
            checker["check_evidence"](manifest, stretch, lambda name: (tmp_path / name).read_bytes())
        except (AssertionError, ValueError):
            holds = False
        assert holds is good


def test_its_envelopes_receipts_and_commitments_are_ours(checker: dict[str, Any]) -> None:
    officers = [sealing.officer_secret().public_key for _ in range(3)]
    key = sealing.make_key(officers, sealing.platform_key(b"s" * 32))
    assert checker["commitment"](key.published()) == key.commitment
    place = sealing.Context("T-1", "L-1", "O-1")
    for bid in (b"", b"x" * 5000, b"x" * 1_500_000):
        envelope = sealing.seal(key.public_key, place, bid)
        assert envelope[:44] == checker["envelope_begins"](key.public_key, checker["context"]("T-1", "L-1", "O-1"))
        assert len(envelope) == 44 + 32 + checker["padded_size"](bid) + 16
    receipt = sealing.receipt(envelope, place, AT)
    assert checker["receipt_digest"](receipt.to_plain()) == receipt.digest


@given(st.integers(0, 2**24))
def test_its_sizes_are_ours(checker: dict[str, Any], length: int) -> None:
    assert checker["padded_size"](range(length)) == sealing.bucket(length)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_its_checker_takes_our_signed_documents(checker: dict[str, Any], algorithm: int) -> None:
    def verify(key: bytes, signature: bytes, data: bytes) -> None:
        assert cose.signed_by(key, signature, data)

    device = Authenticator(ORIGIN, RP_ID, algorithm)
    bundle = sign(device, key_of(device))
    stated = checker["check_bundle"](bundle.to_text(), verify)
    assert stated["purpose"] == signing.verify(bundle).purpose
    with pytest.raises(AssertionError):
        checker["check_bundle"](bundle.to_text().replace("Aoife", "Maeve"), verify)


def test_its_checker_takes_our_certificates(checker: dict[str, Any]) -> None:
    private = bytes(range(32))
    public = certificates.public_bytes(private)
    for kind in (certificates.CERTIFICATE, certificates.RESULT):
        file = certificates.sign(kind, {"outcome": "pass", "waivers": ["E-1"]}, private)
        stated = checker["check_signed"](file, public)
        assert stated == certificates.verify(file, {certificates.key_name(public): public}).statement
        with pytest.raises(InvalidSignature):
            checker["check_signed"](file.replace(b"E-1", b"E-2"), public)


def test_it_names_every_module_label_and_member() -> None:
    modules = {path.name for path in ROOM.glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if f"`{name}`" not in TEXT} == set()
    labels = {
        label
        for path in ROOM.glob("*.py")
        for label in re.findall(r'b"(prelude[-a-z0-9/]+)\\0"', path.read_text())
        if not label.endswith("-share/v1")  # what the platform keeps for itself is nobody else's to check
    }
    assert {label for label in labels if label not in TEXT} == set()
    members = {each.name for each in msgspec.structs.fields(certificates.Certificate)}
    members |= set(canonical.decode(log(1)[0])) | {each.name for each in fields(signing.Signer)}
    assert {name for name in members if not re.search(rf"\b{name}\b", TEXT)} == set()
    assert {each.value for each in certificates.Outcome if f"`{each.value}`" not in TEXT} == set()


def test_its_tree_is_ours_and_takes_every_proof_of_ours(checker: dict[str, Any]) -> None:
    leaves = test_tree.data(40)
    for size in range(1, 41):
        edge, nodes = test_tree.grown(leaves[:size])
        assert checker["root_of"](leaves[:size]) == edge.root()
        for index in range(size):
            shown = tree.proof(tree.inclusion(index, size), nodes.__getitem__)
            made = checker["root_by_proof"](shown, index, size, checker["leaf_hash"](leaves[index]))
            assert made == edge.root()
        for old in range(1, size):
            before = test_tree.mth(leaves[:old])
            shown = tree.proof(tree.consistency(old, size), nodes.__getitem__)
            assert checker["roots_by_proof"](shown, old, size, before) == (before, edge.root())


def test_its_checker_takes_our_checkpoints_cosignatures_and_proofs(checker: dict[str, Any], tmp_path: Path) -> None:
    log, one = test_witnessing.LOG, test_witnessing.ONE
    file = test_witnessing.proven(tmp_path, cosigners=(one,)).read_bytes()
    assert checker["check_proof"](file, str(log.key))["verb"] == "mission.published"
    note = witnessing.included(file).checkpoint
    assert checker["check_checkpoint"](note, str(log.key)) == (13, notes.opened(note, log.key)[1].root)
    assert checker["check_note"](note, str(one.key))[1] == 1_800_000_000
    with pytest.raises(InvalidSignature):
        checker["check_checkpoint"](note.replace(b"\n13\n", b"\n14\n"), str(log.key))
    with pytest.raises(AssertionError):
        checker["check_proof"](file.replace(b"index 5", b"index 6"), str(log.key))
    with pytest.raises(ValueError, match="not signed by this key"):
        checker["check_note"](note, str(test_witnessing.TWO.key))


def test_its_checker_sees_a_fork_where_ours_does(checker: dict[str, Any]) -> None:
    honest, forked, key = test_witnessing.LEAVES, test_witnessing.FORKED, test_witnessing.LOG.key
    signed = test_witnessing.signed
    same = witnessing.Fork(signed(honest), signed(forked))
    assert checker["check_fork"](same.encode(), str(key))
    for leaves, proven in ((forked, True), (honest, False)):
        _, nodes = test_tree.grown(leaves)
        instead = tree.folded([nodes[node] for node in tree.complete(0, 7)])
        shown = tuple(tree.proof(tree.consistency(7, 12), nodes.__getitem__))
        made = witnessing.Fork(signed(honest[:7]), signed(leaves), instead, shown)
        assert checker["check_fork"](made.encode(), str(key)) is proven
    assert not checker["check_fork"](witnessing.Fork(signed(honest[:7]), signed(forked)).encode(), str(key))
