"""Check a folder of evidence without the service that made it: `python check.py [FOLDER]`, Python 3.11 and nothing else.

Says line by line what was looked at. The answer is 0 when everything holds and 1 when something does not. The signature of
the log's head is checked too where the package `cryptography` is installed; without it the file says so.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def plain(value: Any) -> bytes:
    """Canonical JSON (RFC 8785) for the data that stands in evidence: strings, whole numbers, lists and such objects."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def linked(event: dict[str, Any], previous: str) -> str:
    """The hash this event must have after the event with the hash `previous`."""
    header = {
        "about": event["about"],
        "actor": event["actor"],
        "at": event["at"],
        "body": event["body_digest"],
        "organisation": event["organisation"],
        "previous": previous,
        "seq": event["seq"],
        "subject": event["subject"],
        "verb": event["verb"],
        "version": 1,
    }
    return hashlib.sha256(b"prelude-event-v1\0" + plain(header)).hexdigest()


def check_log(folder: Path, claims: dict[str, Any]) -> list[tuple[bool, str]]:
    """Recompute the stretch of the log, from the anchor to the signed head."""
    seq, previous = claims["after"]["seq"], claims["after"]["hash"]
    seen = withheld = bodies = 0
    with (folder / "events.jsonl").open(encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if event["seq"] != seq + 1:
                return [(False, f"Event {seq + 1} is missing.")]
            if "body_digest" in event:
                if "body" in event:
                    digest = hashlib.sha256(b"prelude-event-body-v1\0" + event["body"].encode()).hexdigest()
                    if digest != event["body_digest"]:
                        return [(False, f"What event {event['seq']} says is not what was written then.")]
                    bodies += 1
                if linked(event, previous) != event["hash"]:
                    return [(False, f"Event {event['seq']} does not follow from the event before it.")]
            else:
                withheld += 1
            seq, previous, seen = event["seq"], event["hash"], seen + 1
    head = claims["head"]
    if (head["seq"], head["hash"]) != (seq, previous):
        return [(False, "The signed head does not stand at the end of these events.")]
    words = f"{seen} events follow from one another; {bodies} of them are shown whole"
    return [(True, words + (f", {withheld} only by their hash." if withheld else "."))]


def check_head(claims: dict[str, Any]) -> tuple[bool, str]:
    """The head's Ed25519 signature, with the key that came along (compare it with the one you know)."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return True, "The head's signature was not checked: the package cryptography is not installed."
    head = claims["head"]
    signed = b"prelude-log-head-v1\0" + plain({"at": head["at"], "hash": head["hash"], "seq": head["seq"]})
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(claims["key"])).verify(
            bytes.fromhex(head["signature"]), signed
        )
    except (InvalidSignature, ValueError):
        return False, "The head does not carry a valid signature of the key in manifest.json."
    return True, f"The head was signed at {head['at']} by the key {claims['key']}."


def check(folder: Path) -> list[tuple[bool, str]]:
    """Everything that can be checked in this folder: (holds, in words)."""
    claims = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = [*check_log(folder, claims), check_head(claims)]
    for each in claims["files"]:
        digest = hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest()
        named = each["sha256"]
        found.append(
            (digest == named, f"{each['name']}: {each['says'] if digest == named else 'is not the file it was.'}")
        )
    return found


def main() -> int:
    """Check the folder named on the command line, or the one this file lies in."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    found = check(folder)
    for holds, words in found:
        print("holds" if holds else "BROKEN", "-", words)
    return 0 if all(holds for holds, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
