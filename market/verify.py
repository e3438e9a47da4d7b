"""What the commands in the terminal check: the files that this product published (see :mod:`market.proof.verify`), with this
installation's key and words, and an API description against a profile.
"""

from __future__ import annotations

from pathlib import Path

from market import clock
from market.dates import moment
from market.proof import certificates, verify_tree
from market.proof import verify as proof
from market.standards.certificates import issuing
from market.standards.checking.check import check_file
from market.standards.checking.profiles import NoSuchProfile
from market.standards.keys import public_keys


def waiver(
    file: Path, *, fingerprint: str | None = None, origin: str | None = None, under: Path | None = None
) -> tuple[list[str], int]:
    """Check a waiver's bundle, against the instrument a delegate signed it under where there is one; the sentences to print and
    the exit code."""
    return proof.waiver(file, fingerprint=fingerprint, origin=origin, under=under, shown=moment)


def receipt(file: Path, *, register: Path | None = None, events: Path | None = None) -> tuple[list[str], int]:
    """Check a bidder's receipt, with the register of opening and a copy of the log if given; sentences and exit code."""
    return proof.receipt(file, register=register, events=events, shown=moment)


def checkpoint(
    file: Path,
    key: str,
    *,
    policy: Path | None = None,
    events: Path | None = None,
    older: Path | None = None,
    proof: Path | None = None,
) -> tuple[list[str], int]:
    """Check a checkpoint of a log, with a copy of the log and an earlier checkpoint if given; sentences and exit code."""
    return verify_tree.checkpoint(file, key, policy=policy, events=events, older=older, proof=proof, shown=moment)


def inclusion(file: Path, key: str, *, event: str | None = None, policy: Path | None = None) -> tuple[list[str], int]:
    """Check the proof that an event is in a log; sentences and exit code."""
    return verify_tree.inclusion(file, key, event=event, policy=policy, shown=moment)


def certificate(file: Path, *, key: str | None = None) -> tuple[list[str], int]:
    """Check an API certificate (or a signed result) now; the sentences to print and the exit code. `key` is the public key
    it must be signed with, 64 hexadecimal letters; without it, that of this installation."""
    keys = public_keys()
    if key is not None:
        try:
            raw = bytes.fromhex(key.strip())
        except ValueError:
            return ["BROKEN  The key given is not 64 hexadecimal letters."], 1
        keys = {certificates.key_name(raw): raw}
    return proof.certificate(file, keys, at=clock.now())


def api(
    file: Path, profile: str, *, as_json: bool = False, sign: Path | None = None, out: Path | None = None
) -> tuple[str, int]:
    """Check an API description against a shipped profile, without network or database; the text to print and the exit code.

    `sign` names a file with a private key (64 hexadecimal letters): the record is then signed and written to `out`, to be
    carried to where the decision is made.
    """
    try:
        run = check_file(file, profile, at=clock.now())
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}.", 2
    except NoSuchProfile as missing:
        return str(missing), 2
    said = run.json().decode() if as_json else run.text()
    if sign is not None:
        try:
            private = bytes.fromhex(sign.read_text(encoding="ascii").strip())
            signed = issuing.sign_result(run, private)
            place = out or file.with_suffix(".result.json")
            place.write_bytes(signed)
        except (OSError, ValueError) as error:
            return f"The record was not signed: {error}.", 2
        if not as_json:
            said += f"\nSigned: {place}\nPublic key: {certificates.public_bytes(private).hex()}"
    code = 2 if run.outcome is certificates.Outcome.COULD_NOT_CHECK else int(not run.outcome.passed)
    return said, code
