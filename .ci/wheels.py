"""Finish the lock: keep the hashes of wheels only, and write each wheel's name beside its hash to `requirements.wheels`.

Reads on standard input the document that `uv pip compile --format pylock.toml` makes of the lock files. Even when told to
take wheels only, uv locks the hash of a package's source beside them; without it no installer can come to build one. What
has no wheel at all is refused. Needs nothing but Python: a lock is made before there is anything to import.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
WHEELS = "requirements.wheels"
HASH = re.compile(r" \\\n    --hash=sha256:([0-9a-f]{64})")


def wheels_of(pylock: str) -> dict[str, str]:
    """The name of every wheel to its SHA-256; a package without one is refused with `SystemExit`."""
    found = {}
    for package in tomllib.loads(pylock)["packages"]:
        if not package.get("wheels"):
            raise SystemExit(
                f"{package['name']} {package.get('version', '')} has no wheel: leave it out or replace it."
            )
        for wheel in package["wheels"]:
            name = wheel.get("name") or unquote(wheel["url"].rpartition("/")[2])
            found[name] = wheel["hashes"]["sha256"]
    return found


def without_sources(lock: str, wheels: dict[str, str]) -> str:
    """The lock file without any hash that is not a wheel's."""
    hashes = set(wheels.values())
    return HASH.sub(lambda match: match[0] if match[1] in hashes else "", lock)


def main() -> None:
    """Write the list and the lock files."""
    wheels = wheels_of(sys.stdin.read())
    (ROOT / WHEELS).write_text("".join(f"{wheels[name]}  {name}\n" for name in sorted(wheels)))
    for lock in LOCKS:
        (ROOT / lock).write_text(without_sources((ROOT / lock).read_text(), wheels))


if __name__ == "__main__":
    main()
