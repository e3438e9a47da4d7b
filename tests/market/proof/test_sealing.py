"""Sealing: who can open what, tried for every combination of people, and every way an envelope can be wrong."""

from __future__ import annotations

import hmac
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from market.proof import sealing
from market.proof.sealing import Context, OfficerSecret, Share, TenderKey

PLATFORM = sealing.platform_key("a configured secret of enough length")
OFFICERS = [sealing.officer_secret() for _ in range(4)]
KEY = sealing.make_key([officer.public_key for officer in OFFICERS], PLATFORM)
CONTEXT = Context("T-7KQ4M2X", "L-1", "O-2")
ENVELOPE = sealing.seal(KEY.public_key, CONTEXT, b'{"price":125000}')


def shares_of(*numbers: int, key: TenderKey = KEY, officers: list[OfficerSecret] = OFFICERS) -> list[Share]:
    """What these officers, counted from 0, contribute."""
    return [sealing.contribute(officers[number].code, key.officer_shares[number]) for number in numbers]


PRIVATE = sealing.reassemble(KEY, shares_of(0, 1), PLATFORM)


# ── who can open ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", [who for size in range(5) for who in itertools.combinations(range(4), size)])
def test_the_platform_and_any_two_officers_open_and_fewer_do_not(who: tuple[int, ...]) -> None:
    shares = shares_of(*who)
    if len(who) < 2:
        with pytest.raises(sealing.NotEnoughShares):
            sealing.reassemble(KEY, shares, PLATFORM)
        return
    for order in (shares, shares[::-1]):
        private = sealing.reassemble(KEY, order, PLATFORM)
        assert sealing.open_envelope(private, CONTEXT, ENVELOPE) == b'{"price":125000}'


@pytest.mark.parametrize("needed", [2, 3, 4])
def test_a_buyer_may_ask_for_more_than_two(needed: int) -> None:
    key = sealing.make_key([officer.public_key for officer in OFFICERS], PLATFORM, needed=needed)
    assert key.needed == needed
    sealing.reassemble(key, shares_of(*range(needed), key=key), PLATFORM)
    with pytest.raises(sealing.NotEnoughShares):
        sealing.reassemble(key, shares_of(*range(needed - 1), key=key), PLATFORM)


def test_all_officers_together_cannot_open_without_the_platform() -> None:
    other = sealing.platform_key("b" * 32)
    with pytest.raises(sealing.OtherPlatformKey):
        sealing.reassemble(KEY, shares_of(0, 1, 2, 3), other)
    officers_part = sealing.join({share.number: share.value for share in shares_of(0, 1, 2, 3)})
    guess = X25519PrivateKey.from_private_bytes(officers_part)
    assert guess.public_key().public_bytes_raw() != KEY.public_key


def test_one_officer_twice_is_one_officer() -> None:
    with pytest.raises(sealing.NotEnoughShares, match="twice"):
        sealing.reassemble(KEY, shares_of(2, 2), PLATFORM)


def test_shares_of_another_tender_are_refused() -> None:
    other = sealing.make_key([officer.public_key for officer in OFFICERS], PLATFORM)
    with pytest.raises(sealing.KeyRefused, match="another tender"):
        sealing.reassemble(KEY, [*shares_of(0), *shares_of(1, key=other)], PLATFORM)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda share: replace(share, value=bytes(32)),
        lambda share: replace(share, value=share.value[:-1] + bytes([share.value[-1] ^ 1])),
        lambda share: replace(share, number=4),
        lambda share: replace(share, number=0),
        lambda share: replace(share, value=b"short"),
    ],
)
def test_a_wrong_share_never_gives_a_key(wrong: object) -> None:
    first, second = shares_of(0, 1)
    with pytest.raises(sealing.KeyRefused):
        sealing.reassemble(KEY, [first, wrong(second)], PLATFORM)  # type: ignore[operator]


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_survives_being_copied_by_hand() -> None:
    secret = OFFICERS[0]
    assert len(secret.code) == 34
    assert secret.code.count("-") == 6
    untidy = secret.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    for said in (secret.code, untidy, f"  {untidy}\n", secret.code.replace("-", "–"), secret.code.replace("1", "i")):
        assert sealing.public_key_of(said) == secret.public_key


def test_the_code_is_not_shown_by_accident() -> None:
    assert OFFICERS[0].code not in repr(OFFICERS[0])
    assert "value" not in repr(shares_of(0)[0])


@given(st.integers(0, 33), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZU!é"))
def test_one_mistyped_character_is_noticed(at: int, typed: str) -> None:
    code = OFFICERS[1].code
    if code[at] in ("-", typed):
        return
    with pytest.raises(sealing.MistypedCode):
        sealing.public_key_of(code[:at] + typed + code[at + 1 :])


@pytest.mark.parametrize(
    "code",
    ["", "A", OFFICERS[0].code[:-1], OFFICERS[0].code + "A", "ſ" * 28, "0" * 28],
    ids=["nothing", "one letter", "one letter short", "one letter more", "not our letters", "no checksum"],
)
def test_what_is_no_code_is_refused_in_words(code: str) -> None:
    with pytest.raises(sealing.MistypedCode, match="opening code"):
        sealing.contribute(code, KEY.officer_shares[0])


def test_another_officers_code_is_told_apart_from_a_mistyped_one() -> None:
    with pytest.raises(sealing.NotThisOfficer):
        sealing.contribute(OFFICERS[1].code, KEY.officer_shares[0])
    with pytest.raises(sealing.NotThisOfficer):
        sealing.contribute(sealing.officer_secret().code, KEY.officer_shares[0])


def test_codes_differ() -> None:
    assert len({sealing.officer_secret().public_key for _ in range(50)}) == 50


# ── the key's record ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_put_together_from_rows_in_any_order() -> None:
    rows = reversed(KEY.officer_shares)
    assert TenderKey.of(KEY.public_key, KEY.platform_share, rows, KEY.commitment) == KEY
    assert KEY.officer_public_keys == tuple(officer.public_key for officer in OFFICERS)


def test_any_altered_part_of_the_record_is_refused() -> None:
    other = sealing.make_key([officer.public_key for officer in OFFICERS], PLATFORM)
    flipped = KEY.officer_shares[0][:-1] + bytes([KEY.officer_shares[0][-1] ^ 1])
    for altered in (
        replace(KEY, public_key=other.public_key),
        replace(KEY, platform_share=other.platform_share),
        replace(KEY, officer_shares=(flipped, *KEY.officer_shares[1:])),
        replace(KEY, officer_shares=(other.officer_shares[0], *KEY.officer_shares[1:])),
        replace(KEY, officer_shares=KEY.officer_shares[:3]),
        replace(KEY, officer_shares=()),
        replace(KEY, officer_shares=(b"nothing", *KEY.officer_shares[1:])),
        replace(KEY, commitment=other.commitment),
        replace(KEY, commitment="é"),
        replace(other, commitment=KEY.commitment),
    ):
        with pytest.raises(sealing.KeyRefused):
            sealing.check_key(altered)
        with pytest.raises(sealing.KeyRefused):
            sealing.reassemble(altered, shares_of(0, 1), PLATFORM)


def test_every_byte_of_an_officers_share_is_guarded() -> None:
    whole = KEY.officer_shares[0]
    for at in range(len(whole)):
        altered = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises((sealing.KeyRefused, sealing.NotThisOfficer)):
            sealing.contribute(OFFICERS[0].code, altered)


def test_officers_who_cannot_make_a_key_are_refused() -> None:
    one, two = OFFICERS[0].public_key, OFFICERS[1].public_key
    for officers, needed in (([], 2), ([one], 2), ([one], 1), ([one, two], 3), ([one, two], 1), ([one, two] * 20, 2)):
        with pytest.raises(sealing.OfficersRefused, match="two opening officers"):
            sealing.make_key(officers, PLATFORM, needed=needed)
    with pytest.raises(sealing.OfficersRefused, match="same key"):
        sealing.make_key([one, two, one], PLATFORM)
    for bad in (b"", b"short", bytes(32)):
        with pytest.raises(sealing.OfficersRefused, match="officer 2"):
            sealing.make_key([one, bad], PLATFORM)


def test_no_two_keys_or_envelopes_are_alike() -> None:
    assert sealing.make_key(KEY.officer_public_keys, PLATFORM).public_key != KEY.public_key
    assert sealing.seal(KEY.public_key, CONTEXT, b"same") != sealing.seal(KEY.public_key, CONTEXT, b"same")


def test_the_platform_key_needs_a_real_secret() -> None:
    assert sealing.platform_key("x" * 32) == sealing.platform_key(b"x" * 32) != sealing.platform_key("y" * 32)
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.platform_key("x" * 31)


# ── a contribution that waits ──────────────────────────────────────────────────────────────────────────────────────


def test_a_contribution_waits_encrypted_for_the_second_officer() -> None:
    first, second = shares_of(2, 3)
    held = sealing.hold(first, PLATFORM)
    assert first.value not in held
    assert sealing.unhold(held, KEY.public_key, PLATFORM) == first
    sealing.reassemble(KEY, [sealing.unhold(held, KEY.public_key, PLATFORM), second], PLATFORM)


def test_a_held_contribution_is_good_only_here_and_whole() -> None:
    held = sealing.hold(shares_of(2)[0], PLATFORM)
    other = sealing.make_key(KEY.officer_public_keys, PLATFORM)
    for args in (
        (held[:-1] + bytes([held[-1] ^ 1]), KEY.public_key, PLATFORM),
        (held, other.public_key, PLATFORM),
        (held, KEY.public_key, sealing.platform_key("b" * 32)),
        (KEY.platform_share, KEY.public_key, PLATFORM),
        (b"", KEY.public_key, PLATFORM),
    ):
        with pytest.raises(sealing.OtherPlatformKey):
            sealing.unhold(*args)


# ── Shamir over GF(2^8) ────────────────────────────────────────────────────────────────────────────────────────────


@given(st.binary(max_size=40), st.integers(1, 9), st.data())
def test_any_needed_shares_make_the_secret(secret: bytes, among: int, data: st.DataObject) -> None:
    needed = data.draw(st.integers(1, among))
    shares = dict(enumerate(sealing.split(secret, among, needed), 1))
    chosen = data.draw(st.permutations(sorted(shares)))[: data.draw(st.integers(needed, among))]
    assert sealing.join({number: shares[number] for number in chosen}) == secret


def test_one_share_of_two_says_nothing() -> None:
    """Whatever one share is, every secret is still possible: for each there is exactly one fitting second share."""
    share = {1: b"\x5a"}
    assert {sealing.join({**share, 2: bytes([other])}) for other in range(256)} == {bytes([x]) for x in range(256)}


def test_shares_of_one_secret_are_spread_evenly() -> None:
    seen = [sealing.split(bytes(64), 3, 2)[2] for _ in range(64)]
    counts = [0] * 256
    for byte in b"".join(seen):
        counts[byte] += 1
    assert sum((count - 16) ** 2 / 16 for count in counts) < 400
    """Chi-squared with 255 degrees of freedom: above 400 in fewer than one in ten million runs."""


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_the_field_is_a_field(a: int, b: int, c: int) -> None:
    times = sealing._times
    assert times(a, b) == times(b, a)
    assert times(a, times(b, c)) == times(times(a, b), c)
    assert times(a, b ^ c) == times(a, b) ^ times(a, c)
    assert times(a, 1) == a
    if a:
        assert times(a, sealing._inverse(a)) == 1


def test_the_field_is_the_one_of_the_advanced_encryption_standard() -> None:
    """FIPS 197, section 4.2: {57} · {83} = {c1} and {57} · {13} = {fe}."""
    assert sealing._times(0x57, 0x83) == 0xC1
    assert sealing._times(0x57, 0x13) == 0xFE


def test_shares_that_cannot_be_are_refused() -> None:
    for among, needed in ((0, 0), (2, 3), (256, 2), (2, 0)):
        with pytest.raises(ValueError, match="needed"):
            sealing.split(b"x", among, needed)
    for shares in ({}, {0: b"x"}, {256: b"x"}, {1: b"x", 2: b"xy"}):
        with pytest.raises(ValueError, match="shares"):
            sealing.join(shares)


# ── envelopes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60)
@given(st.binary(max_size=20_000))
def test_what_is_sealed_opens_to_the_same_bytes(plaintext: bytes) -> None:
    envelope = sealing.seal(KEY.public_key, CONTEXT, plaintext)
    assert sealing.open_envelope(PRIVATE, CONTEXT, envelope) == plaintext


@pytest.mark.parametrize("length", [0, 1, 4087, 4088, 4089, 8184, 8185, 65_528, 65_529])
def test_lengths_around_the_sizes_open_too(length: int) -> None:
    envelope = sealing.seal(KEY.public_key, CONTEXT, b"x" * length)
    assert sealing.open_envelope(PRIVATE, CONTEXT, envelope) == b"x" * length


def test_the_length_of_an_envelope_says_only_its_size_class() -> None:
    lengths = {len(sealing.seal(KEY.public_key, CONTEXT, b"x" * length)) for length in range(0, 4089, 511)}
    assert lengths == {4096 + 92}
    words = {sealing.bucket(length) for length in range(0, 2**20 - 8 + 1, 511)}
    assert words == {2**power for power in range(12, 21)}
    large = {sealing.bucket(length) for length in range(2**20, sealing.LONGEST, 9973)}
    assert len(large) == 7 * 8


@given(st.integers(0, sealing.LONGEST))
def test_padding_holds_the_text_grows_with_it_and_costs_little_for_large_ones(length: int) -> None:
    size = sealing.bucket(length)
    assert length + 8 <= size <= sealing.bucket(length + 1)
    assert sealing.bucket(size - 8) == size
    if length > 2**20:
        assert size <= length * 1.126


def test_longer_than_the_longest_is_refused() -> None:
    with pytest.raises(sealing.TooLong, match="128 MiB"):
        sealing.seal(KEY.public_key, CONTEXT, bytes(sealing.LONGEST + 1))


@settings(max_examples=150)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(at: int, change: int) -> None:
    altered = ENVELOPE[:at] + bytes([ENVELOPE[at] ^ change]) + ENVELOPE[at + 1 :]
    with pytest.raises(sealing.Unsealable) as caught:
        sealing.open_envelope(PRIVATE, CONTEXT, altered)
    if at < 12:
        expected: type[Exception] = sealing.NotAnEnvelope
    elif at < 28:
        expected = sealing.OtherTenderKey
    elif at < 44:
        expected = sealing.MixedUp
    else:
        expected = sealing.Tampered
    assert caught.type is expected


@pytest.mark.parametrize("cut", [0, 12, 43, 44, 4000, len(ENVELOPE) - 1])
def test_a_cut_envelope_is_refused(cut: int) -> None:
    with pytest.raises(sealing.NotAnEnvelope):
        sealing.open_envelope(PRIVATE, CONTEXT, ENVELOPE[:cut])


def test_an_envelope_with_something_behind_it_is_refused() -> None:
    with pytest.raises(sealing.Tampered):
        sealing.open_envelope(PRIVATE, CONTEXT, ENVELOPE + b"x")


@pytest.mark.parametrize("change", [{"tender": "T-8"}, {"lot": "L-2"}, {"supplier": "O-3"}])
def test_an_envelope_opens_only_where_it_belongs(change: dict[str, str]) -> None:
    with pytest.raises(sealing.MixedUp):
        sealing.open_envelope(PRIVATE, replace(CONTEXT, **change), ENVELOPE)


def test_moving_an_envelope_with_its_mark_does_not_help() -> None:
    there = replace(CONTEXT, supplier="O-3")
    moved = ENVELOPE[:28] + sealing.seal(KEY.public_key, there, b"")[28:44] + ENVELOPE[44:]
    with pytest.raises(sealing.Tampered):
        sealing.open_envelope(PRIVATE, there, moved)


def test_another_tenders_key_does_not_open_it() -> None:
    other = sealing.make_key(KEY.officer_public_keys, PLATFORM)
    private = sealing.reassemble(other, shares_of(0, 1, key=other), PLATFORM)
    with pytest.raises(sealing.OtherTenderKey):
        sealing.open_envelope(private, CONTEXT, ENVELOPE)


def test_a_plain_reading_of_the_standard_opens_it() -> None:
    """RFC 9180, base mode, written out from its sections 4 and 5: any other program that keeps to it reads our envelopes."""

    def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")

    def expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
        return HKDFExpand(hashes.SHA256(), length, labelled).derive(key)

    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    encapsulated, ciphertext = ENVELOPE[44:76], ENVELOPE[76:]
    shared = PRIVATE.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", encapsulated + KEY.public_key, 32)
    info = b"prelude/bids/envelope/v1\0" + ENVELOPE[:44] + b'{"lot":"L-1","supplier":"O-2","tender":"T-7KQ4M2X"}'
    schedule = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    prk = extract(suite, secret, b"secret", b"")
    key, nonce = expand(suite, prk, b"key", schedule, 32), expand(suite, prk, b"base_nonce", schedule, 12)
    padded = AESGCM(key).decrypt(nonce, ciphertext, b"")
    assert padded == (16).to_bytes(8, "big") + b'{"price":125000}' + bytes(4096 - 24)


def test_a_sloppy_program_that_pads_otherwise_is_refused() -> None:
    header = ENVELOPE[:44]
    to = X25519PublicKey.from_public_bytes(KEY.public_key)
    for padded in (
        (1).to_bytes(8, "big") + b"x" + b"\x01" * 4087,
        (2**63).to_bytes(8, "big") + bytes(4088),
        (1).to_bytes(8, "big") + b"x" + bytes(8183),
    ):
        body = sealing._SUITE.encrypt(padded, to, info=sealing._envelope_info(header, CONTEXT))
        with pytest.raises(sealing.NotAnEnvelope, match="format"):
            sealing.open_envelope(PRIVATE, CONTEXT, header + body)


def test_a_context_is_never_half_empty() -> None:
    for parts in (("", "L", "O"), ("T", "", "O"), ("T", "L", "")):
        with pytest.raises(ValueError, match="names a tender"):
            Context(*parts)


def test_nothing_is_sealed_to_what_is_no_key() -> None:
    for bad in (b"", bytes(31), bytes(32)):
        with pytest.raises(sealing.KeyRefused):
            sealing.seal(bad, CONTEXT, b"x")


# ── receipts ───────────────────────────────────────────────────────────────────────────────────────────────────────

AT = datetime(2026, 11, 22, 16, 59, 59, 123456, tzinfo=UTC)


def test_a_receipt_is_good_for_its_envelope_and_reads_back() -> None:
    receipt = sealing.receipt(ENVELOPE, CONTEXT, AT)
    sealing.check_receipt(receipt)
    sealing.check_receipt(receipt, ENVELOPE)
    assert sealing.Receipt.from_plain(receipt.to_plain()) == receipt
    paris = AT.astimezone(timezone(timedelta(hours=1)))
    assert sealing.receipt(ENVELOPE, CONTEXT, paris).digest == receipt.digest


def test_a_changed_receipt_and_a_foreign_envelope_are_refused() -> None:
    receipt = sealing.receipt(ENVELOPE, CONTEXT, AT)
    for altered in (
        replace(receipt, received_at=AT - timedelta(microseconds=1)),
        replace(receipt, context=replace(CONTEXT, lot="L-2")),
        replace(receipt, envelope_sha256="0" * 64),
        replace(receipt, digest="0" * 64),
    ):
        with pytest.raises(sealing.ReceiptRefused, match="altered"):
            sealing.check_receipt(altered)
    with pytest.raises(sealing.ReceiptRefused, match="another envelope"):
        sealing.check_receipt(receipt, ENVELOPE + b"x")


@pytest.mark.parametrize("change", [{"version": 2}, {"digest": "x"}, {"received_at": "2026-11-22"}, {"more": "x"}])
def test_what_is_no_receipt_is_refused(change: dict[str, object]) -> None:
    plain = {**sealing.receipt(ENVELOPE, CONTEXT, AT).to_plain(), **change}
    with pytest.raises(sealing.ReceiptRefused):
        sealing.Receipt.from_plain(plain)
    with pytest.raises(sealing.ReceiptRefused):
        sealing.Receipt.from_plain(None)


def test_a_receipt_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        sealing.receipt(ENVELOPE, CONTEXT, datetime(2026, 11, 22))  # noqa: DTZ001
