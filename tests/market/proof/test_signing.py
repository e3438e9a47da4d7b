"""A minister's signature: good for exactly these bytes, person, office, site and key, and checkable by a stranger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest
import webauthn
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from webauthn.helpers.structs import UserVerificationRequirement

from market.proof import canonical, signing, spelling
from market.proof.signing import Bundle, Key, NotABundle, NotVerified, Signer
from market.seed.authenticator import EDDSA, ES256, RS256, Authenticator, cose_key, from64, to64

ROOT = Path(__file__).parents[3]
ORIGIN, RP_ID = "https://prelude.example", "prelude.example"
SINCE = datetime(2025, 7, 5, tzinfo=UTC)
REGISTERED = datetime(2026, 1, 10, 12, tzinfo=UTC)
AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SIGNER = Signer("P-7KQ4M2X", "Aoife Ní Bhriain", "Minister for Rural Transport", "O-2", SINCE)
DOCUMENT = canonical.encode(
    {"ground": "same-exercise-elsewhere", "tender": "T-1", "valid_until": "2027-05-22", "value": 125_000_00, "why": "é"}
)
REGISTRATION_CHALLENGE = b"registration challenge, 32 bytes"


@dataclass
class Signed:
    """An authenticator and the bundle it helped to make."""

    device: Authenticator
    key: Key
    bundle: Bundle


def key_of(device: Authenticator) -> Key:
    """The key as it is stored after a registration that the real library verified."""
    response = device.register(REGISTRATION_CHALLENGE)
    verified = webauthn.verify_registration_response(
        credential=response,
        expected_challenge=REGISTRATION_CHALLENGE,
        expected_rp_id=device.rp_id,
        expected_origin=device.origin,
        require_user_verification=True,
    )
    parts = response["response"]
    return Key(
        verified.credential_id,
        verified.credential_public_key,
        REGISTERED,
        from64(parts["attestationObject"]),
        from64(parts["clientDataJSON"]),
        REGISTRATION_CHALLENGE,
        "Registered at the private office's desk against a staff card.",
    )


def sign(
    device: Authenticator,
    key: Key,
    *,
    document: bytes = DOCUMENT,
    signer: Signer = SIGNER,
    at: datetime = AT,
    client_data: Callable[[bytes], bytes] | None = None,
) -> Bundle:
    """What the whole walk through the browser leaves behind."""
    statement = signing.statement(document, signer, at, b"n" * 16)
    challenge = signing.challenge(statement)
    response = device.sign(challenge, client_data=client_data and client_data(challenge))
    return signing.bundle(document, statement, response, key, RP_ID, [ORIGIN, "https://www.prelude.example"])


@pytest.fixture(scope="module", params=[ES256, EDDSA, RS256], ids=["ES256", "EdDSA", "RS256"])
def signed(request: pytest.FixtureRequest) -> Signed:
    device = Authenticator(ORIGIN, RP_ID, request.param)
    key = key_of(device)
    return Signed(device, key, sign(device, key))


# ── the software passkey is a real one ─────────────────────────────────────────────────────────────────────────────


def test_the_library_accepts_what_the_device_signs(signed: Signed) -> None:
    options = json.loads(
        webauthn.options_to_json(
            webauthn.generate_authentication_options(
                rp_id=RP_ID,
                challenge=signing.challenge(signed.bundle.statement),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )
    )
    verified = webauthn.verify_authentication_response(
        credential=signed.device.sign(options),
        expected_challenge=signing.challenge(signed.bundle.statement),
        expected_rp_id=RP_ID,
        expected_origin=[ORIGIN],
        credential_public_key=signed.key.public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert verified.user_verified
    assert verified.credential_id == signed.key.credential_id


# ── a good signature ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_signature_says_who_signed_what_when_and_in_which_office(signed: Signed) -> None:
    verified = signing.verify(signed.bundle, fingerprint=signed.key.fingerprint, origin=ORIGIN + "/")
    assert verified.document == json.loads(DOCUMENT)
    assert verified.signer == SIGNER
    assert verified.signed_at == AT
    assert verified.purpose == "waiver.sign"
    assert verified.algorithm == signing.ALGORITHMS[signed.device.algorithm]
    assert verified.origin == ORIGIN
    assert verified.key_fingerprint == signed.key.fingerprint
    assert not verified.synced
    assert verified.log_entry is None


def test_a_bundle_is_one_text_file_and_its_digest_leaves_the_log_entry_out(signed: Signed) -> None:
    text = signed.bundle.to_text()
    assert len(text) < 4500
    read = Bundle.from_text(text)
    assert read.to_text() == text
    entered = signed.bundle.with_log_entry("a" * 64)
    assert entered.digest() == signed.bundle.digest() == read.digest()
    assert signing.verify(Bundle.from_text(entered.to_text())).log_entry == "a" * 64
    assert canonical.decode(text.encode())["document"] == DOCUMENT.decode()


def test_a_stranger_checks_the_file_and_reads_one_sentence_for_each_check(signed: Signed, tmp_path: Path) -> None:
    file = tmp_path / "waiver.json"
    file.write_text(signed.bundle.to_text(), "utf-8")
    report = signing.verify_file(file)
    assert report.holds
    assert report.failed() == ()
    assert len(report.checks) == 16
    assert all(check.sentence.endswith(".") for check in report.checks)
    tidy = tmp_path / "tidy.json"
    tidy.write_text(json.dumps(json.loads(signed.bundle.to_text()), indent=2), "utf-8")
    assert signing.verify_file(tidy).holds


def test_checking_needs_neither_database_nor_web_nor_the_webauthn_library(signed: Signed, tmp_path: Path) -> None:
    file = tmp_path / "waiver.json"
    file.write_text(signed.bundle.to_text(), "utf-8")
    program = (
        "import sys; from pathlib import Path; from market.proof import signing\n"
        "assert signing.verify_file(Path(sys.argv[1])).holds\n"
        "taken = {name.partition('.')[0] for name in sys.modules} & {'piccolo', 'litestar', 'webauthn', 'asyncpg', 'ssl'}\n"
        "assert not taken, taken\n"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], cwd=ROOT, check=True)


@pytest.mark.parametrize("device", [
    Authenticator(ORIGIN, RP_ID, synced=True),
    Authenticator(ORIGIN, RP_ID, cross_origin=None),
    Authenticator("https://www.prelude.example", RP_ID, user_handle=b"P-7KQ4M2X"),
], ids=["a synced passkey", "an older browser", "a subdomain and a user handle"])  # fmt: skip
def test_other_good_devices_are_taken(device: Authenticator) -> None:
    bundle = Bundle.from_text(sign(device, key_of(device)).to_text())
    assert signing.verify(bundle).synced is device.synced
    assert bundle.user_handle == device.user_handle


def test_a_signature_from_this_machine_is_taken_for_demonstrations() -> None:
    device = Authenticator("http://localhost:8000", "localhost")
    key = key_of(device)
    bundle = replace(sign(device, key), rp_id="localhost", origins=("http://localhost:8000",))
    assert signing.verify(bundle).origin == "http://localhost:8000"


# ── everything that must be refused ────────────────────────────────────────────────────────────────────────────────

DEVICE = Authenticator(ORIGIN, RP_ID)
KEY = key_of(DEVICE)
GOOD = sign(DEVICE, KEY)
OTHER = Authenticator(ORIGIN, RP_ID)
OTHER_KEY = key_of(OTHER)


def device(**wrong: Any) -> Authenticator:
    """The same passkey, behaving wrongly."""
    return replace(DEVICE, **wrong)


def forged_statement(**changes: Any) -> bytes:
    """The good statement with other facts in it."""
    return canonical.encode({**json.loads(GOOD.statement), **changes})


def client(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """The browser's data, changed before the device signs it."""

    def made(challenge: bytes) -> bytes:
        facts = json.loads(DEVICE.client_data("webauthn.get", challenge))
        change(facts)
        return json.dumps(facts).encode()

    return made


def with_flags(flags: int) -> Bundle:
    """A signature over authenticator data with these flags."""
    data = GOOD.authenticator_data[:32] + bytes([flags]) + GOOD.authenticator_data[33:]
    return _resigned(data)


def _resigned(data: bytes) -> Bundle:
    signature = DEVICE.raw_signature(data + sha256(GOOD.client_data_json).digest())
    return replace(GOOD, authenticator_data=data, signature=signature)


def reregistered(**wrong: Any) -> Bundle:
    """The good signature with registration evidence of a device that behaved wrongly at registration."""
    parts = replace(DEVICE, **wrong).register(REGISTRATION_CHALLENGE)["response"]
    evidence = replace(
        KEY,
        attestation_object=from64(parts["attestationObject"]),
        client_data_json=from64(parts["clientDataJSON"]),
    )
    return replace(GOOD, key=evidence)


def with_key(fields: dict[int, Any]) -> Bundle:
    """The good bundle with another COSE key in the place of its own."""
    return replace(GOOD, key=replace(KEY, public_key=cbor2.dumps(fields)))


MINUTE = timedelta(minutes=1)
POINT: dict[int, Any] = cbor2.loads(KEY.public_key)
P384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()

UNREAD = {"statement", "document", "challenge", "key-in-force", "office"}
"""What cannot be looked at when the statement is not one."""

REFUSED: dict[str, tuple[Callable[[], Bundle], set[str]]] = {
    "altered document": (lambda: replace(GOOD, document=DOCUMENT.replace(b"2027", b"2037")), {"document"}),
    "document with a space": (lambda: replace(GOOD, document=DOCUMENT.replace(b":", b": ", 1)), {"format", "document"}),
    "document with a repeated key": (
        lambda: replace(GOOD, document=DOCUMENT[:-1] + b',"why":"x"}'),
        {"format", "document"},
    ),
    "altered document and statement": (
        lambda: replace(
            GOOD,
            document=b"{}",
            statement=forged_statement(document_sha256=sha256(b"{}").hexdigest()),
        ),
        {"challenge"},
    ),
    "another time": (lambda: replace(GOOD, statement=forged_statement(signed_at=spelling.stamp(AT + MINUTE))), {"challenge"}),
    "another nonce": (lambda: replace(GOOD, statement=forged_statement(nonce="00" * 16)), {"challenge"}),
    "another purpose": (lambda: replace(GOOD, statement=forged_statement(purpose="exemption.sign")), {"challenge"}),
    "another signer": (
        lambda: replace(GOOD, statement=forged_statement(signer={**json.loads(GOOD.statement)["signer"], "person": "P-2"})),
        {"challenge"},
    ),
    "a short nonce": (lambda: replace(GOOD, statement=forged_statement(nonce="00")), {"statement", "challenge"}),
    "a statement with more in it": (lambda: replace(GOOD, statement=forged_statement(x=1)), UNREAD),
    "a statement of another version": (
        lambda: replace(GOOD, statement=forged_statement(version=2)),
        UNREAD,
    ),
    "no statement": (lambda: replace(GOOD, statement=b"[]"), UNREAD),
    "another signature's challenge": (
        lambda: replace(sign(DEVICE, KEY, at=AT + MINUTE), statement=GOOD.statement),
        {"challenge"},
    ),
    "a challenge with padding": (
        lambda: sign(DEVICE, KEY, client_data=client(lambda facts: facts.update(challenge=facts["challenge"] + "="))),
        {"challenge"},
    ),
    "another origin": (lambda: sign(device(origin="https://prelude.example.evil.test"), KEY), {"origin"}),
    "an origin that only begins alike": (lambda: sign(device(origin=ORIGIN + ":8443"), KEY), {"origin"}),
    "plain http": (
        lambda: replace(sign(device(origin="http://prelude.example"), KEY), origins=("http://prelude.example", ORIGIN)),
        {"origin"},
    ),
    "a listed origin of another site": (
        lambda: replace(sign(device(origin="https://evil.test"), KEY), origins=("https://evil.test", ORIGIN)),
        {"origin"},
    ),
    "a site whose name ends alike": (
        lambda: replace(
            sign(device(origin="https://notprelude.example"), KEY), origins=("https://notprelude.example", ORIGIN)
        ),
        {"origin"},
    ),
    "inside another site": (lambda: sign(device(cross_origin=True), KEY), {"same-site"}),
    "inside another site, as newer browsers say it": (
        lambda: sign(DEVICE, KEY, client_data=client(lambda facts: facts.update(topOrigin="https://evil.test"))),
        {"same-site"},
    ),
    "crossOrigin as a word": (
        lambda: sign(DEVICE, KEY, client_data=client(lambda facts: facts.update(crossOrigin="false"))),
        {"same-site"},
    ),
    "a registration shown as a signature": (
        lambda: sign(DEVICE, KEY, client_data=client(lambda facts: facts.update(type="webauthn.create"))),
        {"ceremony"},
    ),
    "browser data with a repeated key": (
        lambda: sign(
            DEVICE, KEY, client_data=lambda c: DEVICE.client_data("webauthn.get", c)[:-1] + b',"type":"webauthn.get"}'
        ),
        {"ceremony", "challenge", "origin"},
    ),
    "browser data that are no JSON": (
        lambda: sign(DEVICE, KEY, client_data=lambda _: b"\xff"),
        {"ceremony", "challenge", "origin"},
    ),
    "another rp id": (lambda: sign(device(rp_id="evil.test"), KEY), {"relying-party"}),
    "an rp id that is a whole domain": (
        lambda: replace(sign(device(rp_id="example"), KEY), rp_id="example"),
        {"registration"},
    ),
    "nobody present": (lambda: with_flags(0x04), {"presence"}),
    "nobody verified": (lambda: with_flags(0x01), {"verification"}),
    "neither": (lambda: with_flags(0), {"presence", "verification"}),
    "backed up but not eligible": (lambda: with_flags(0x15), {"relying-party"}),
    "a key where none belongs": (lambda: with_flags(0x45), {"relying-party"}),
    "extensions that are not there": (lambda: with_flags(0x85), {"relying-party"}),
    "data cut short": (
        lambda: _resigned(GOOD.authenticator_data[:20]),
        {"relying-party", "presence", "verification"},
    ),
    "data with something behind": (lambda: _resigned(GOOD.authenticator_data + b"x"), {"relying-party"}),
    "flags changed after signing": (
        lambda: replace(
            GOOD, authenticator_data=GOOD.authenticator_data[:32] + b"\x0d" + GOOD.authenticator_data[33:]
        ),
        {"signature"},
    ),
    "another signature": (lambda: replace(GOOD, signature=GOOD.signature[:-1] + bytes([GOOD.signature[-1] ^ 1])), {"signature"}),
    "no signature": (lambda: replace(GOOD, signature=b""), {"signature"}),
    "another key with its own registration": (lambda: replace(GOOD, key=OTHER_KEY), {"signature"}),
    "another public key": (
        lambda: replace(GOOD, key=replace(KEY, public_key=OTHER.public_key)),
        {"signature", "registration"},
    ),
    "a signature by a key that was never registered": (
        lambda: replace(GOOD, signature=sign(OTHER, OTHER_KEY).signature),
        {"signature"},
    ),
    "another credential": (lambda: replace(GOOD, key=replace(KEY, credential_id=b"x" * 32)), {"registration"}),
    "another algorithm named": (lambda: replace(GOOD, algorithm=EDDSA), {"algorithm"}),
    "an unknown algorithm": (lambda: replace(GOOD, algorithm=-65535), {"algorithm"}),
    "an unknown algorithm in the key": (
        lambda: replace(with_key({**POINT, 3: -47}), algorithm=-47),
        {"algorithm", "signature", "registration"},
    ),
    "a larger curve under the same name": (
        lambda: with_key({**POINT, -1: 2, -2: P384.x.to_bytes(48, "big"), -3: P384.y.to_bytes(48, "big")}),
        {"algorithm", "signature", "registration"},
    ),
    "a point off the curve": (
        lambda: with_key({**POINT, -3: bytes(32)}),
        {"algorithm", "signature", "registration"},
    ),
    "a short RSA key": (
        lambda: replace(with_key({1: 3, 3: RS256, -1: b"\xff" * 128, -2: b"\x01\x00\x01"}), algorithm=RS256),
        {"algorithm", "signature", "registration"},
    ),
    "no key": (lambda: replace(GOOD, key=replace(KEY, public_key=b"")), {"algorithm", "signature", "registration"}),
    "a key with something behind": (
        lambda: replace(GOOD, key=replace(KEY, public_key=KEY.public_key + b"\x00")),
        {"algorithm", "signature", "registration"},
    ),
    "registered at another site": (lambda: reregistered(origin="https://evil.test"), {"registration"}),
    "registered for another rp id": (lambda: reregistered(rp_id="evil.test"), {"registration"}),
    "registered without verification": (lambda: reregistered(user_verified=False), {"registration"}),
    "registered inside another site": (lambda: reregistered(cross_origin=True), {"registration"}),
    "registered with another challenge": (
        lambda: replace(GOOD, key=replace(KEY, challenge=b"c" * 32)),
        {"registration"},
    ),
    "no registration evidence": (
        lambda: replace(GOOD, key=replace(KEY, attestation_object=b"", client_data_json=b"")),
        {"registration"},
    ),
    "key registered later": (lambda: replace(GOOD, key=replace(KEY, registered_at=AT + MINUTE)), {"key-in-force"}),
    "key revoked before": (lambda: replace(GOOD, key=replace(KEY, revoked_at=AT)), {"key-in-force"}),
    "not yet in office": (lambda: sign(DEVICE, KEY, signer=replace(SIGNER, since=AT + MINUTE)), {"office"}),
    "no longer in office": (lambda: sign(DEVICE, KEY, signer=replace(SIGNER, until=AT)), {"office"}),
    "a laxer policy": (
        lambda: replace(GOOD, policy={**signing.POLICY, "user_verification": False}),
        {"policy"},
    ),
    "no policy": (lambda: replace(GOOD, policy={}), {"policy"}),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_must_be_refused_is_refused_for_that_reason(what: str) -> None:
    make, failing = REFUSED[what]
    bundle = make()
    report = signing.examine(bundle)
    assert set(report.failed()) == failing
    assert report.verified is None
    with pytest.raises(NotVerified) as caught:
        signing.verify(bundle)
    for check in report.checks:
        assert (check.sentence in str(caught.value)) is not check.passed


def test_the_good_one_beside_them_holds() -> None:
    assert signing.examine(GOOD).failed() == ()
    assert signing.examine(with_flags(0x05)).holds
    assert signing.examine(replace(GOOD, key=replace(KEY, revoked_at=AT + MINUTE))).holds
    assert signing.examine(sign(DEVICE, KEY, signer=replace(SIGNER, since=AT, until=AT + MINUTE))).holds
    extended = GOOD.authenticator_data[:32] + b"\x85" + GOOD.authenticator_data[33:] + cbor2.dumps({"credProps": True})
    assert signing.examine(_resigned(extended)).holds


def test_a_wholly_forged_bundle_is_consistent_until_the_reader_knows_the_key_or_the_site() -> None:
    forger = Authenticator("https://evil.test", "evil.test")
    forged = replace(sign(forger, key_of(forger)), rp_id="evil.test", origins=("https://evil.test",))
    assert signing.examine(forged).holds
    assert signing.examine(forged, fingerprint=KEY.fingerprint).failed() == ("known-key",)
    assert signing.examine(forged, origin=ORIGIN).failed() == ("known-origin",)
    assert signing.examine(GOOD, fingerprint=KEY.fingerprint.upper(), origin=ORIGIN).holds


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(
    ["document", "statement", "client_data_json", "authenticator_data", "signature"]
))  # fmt: skip
def test_one_changed_byte_anywhere_is_refused_and_never_an_error(at: int, change: int, part: str) -> None:
    whole: bytes = getattr(GOOD, part)
    at %= len(whole)
    altered = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
    changes: dict[str, Any] = {part: altered}
    assert not signing.examine(replace(GOOD, **changes)).holds


@given(st.binary(max_size=80), st.sampled_from(["public_key", "attestation_object", "client_data_json", "challenge"]))
def test_whatever_stands_in_the_keys_place_is_a_refusal_and_never_an_error(data: bytes, part: str) -> None:
    changes: dict[str, Any] = {part: data}
    assert not signing.examine(replace(GOOD, key=replace(KEY, **changes))).holds


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def changed(**changes: Any) -> str:
    """The good file with other members at its top."""
    return json.dumps({**json.loads(GOOD.to_text()), **changes})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a signed document"),
        ("[]", "not a signed document"),
        ("null", "not a signed document"),
        ("{}", "has no 'format'"),
        ("[" * 100_000, "not a signed document"),
        (changed(format="other"), "not prelude-signed-document"),
        (changed(version=2), "version 2"),
        (changed(signature="a b"), "not a signed document"),
        (changed(signature="ab=="), "not a signed document"),
        (changed(signature="ab+/"), "not a signed document"),
        (changed(algorithm="-7"), "not a signed document"),
        (changed(algorithm=True), "not a signed document"),
        (changed(origins=[1]), "not a signed document"),
        (changed(key={}), "has no 'credential_id'"),
        (changed(document=None), "not a signed document"),
        (changed(document="\ud800"), "not a signed document"),
        (GOOD.to_text()[:-1] + ',"document":"{}"}', "not a signed document"),
    ],
)
def test_a_file_that_is_no_bundle_is_one_failed_check(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(text, "utf-8")
    report = signing.verify_file(file)
    assert report.failed() == ("file",)
    assert reason in report.checks[0].sentence
    with pytest.raises(NotABundle):
        Bundle.from_text(text)


def test_a_missing_a_binary_and_a_huge_file_are_told_apart(tmp_path: Path) -> None:
    assert "cannot be read" in signing.verify_file(tmp_path / "nothing").checks[0].sentence
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "not a signed document" in signing.verify_file(tmp_path / "binary").checks[0].sentence
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(signing.LARGEST_FILE + 1)
    assert "far larger" in signing.verify_file(tmp_path / "huge").checks[0].sentence


# ── making ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_statement_is_refused_for_what_could_not_be_checked_later() -> None:
    with pytest.raises(canonical.NotCanonical):
        signing.statement(b'{"a": 1}', SIGNER, AT, b"n" * 16)
    with pytest.raises(ValueError, match="nonce"):
        signing.statement(DOCUMENT, SIGNER, AT, b"short")
    with pytest.raises(ValueError, match="zone"):
        signing.statement(DOCUMENT, SIGNER, datetime(2026, 1, 1), b"n" * 16)  # noqa: DTZ001


def test_the_challenge_is_what_the_format_says() -> None:
    statement = signing.statement(DOCUMENT, SIGNER, AT, b"n" * 16)
    assert signing.challenge(statement) == sha256(b"prelude-signature-v1\0" + statement).digest()


@pytest.mark.parametrize(
    "response", [{}, {"rawId": 1, "response": {}}, {"rawId": to64(KEY.credential_id), "response": {}}, []]
)
def test_an_answer_that_is_no_assertion_is_refused(response: Any) -> None:
    with pytest.raises(NotABundle):
        signing.bundle(DOCUMENT, GOOD.statement, response, KEY, RP_ID, [ORIGIN])


def test_an_answer_of_another_passkey_is_refused_before_anything_else() -> None:
    response = OTHER.sign(signing.challenge(GOOD.statement))
    with pytest.raises(NotABundle, match="another passkey"):
        signing.bundle(DOCUMENT, GOOD.statement, response, KEY, RP_ID, [ORIGIN])


def test_the_devices_key_is_what_the_library_reads() -> None:
    assert DEVICE.private is not None
    assert cose_key(DEVICE.private) == KEY.public_key
