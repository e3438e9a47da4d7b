"""Install a lock file into the environment of the Python that runs this, and say how far it is: on a screen as one line that
grows, in a file as a line now and then. Only ready-made packages with the locked digests; nothing is built.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
EVERY = 10
"""Seconds between two lines where the output is not a screen."""
PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-deps")
ONLY = ("--require-hashes", "--only-binary", ":all:")


def main(lock: str, what: str) -> int:
    """Run pip; when it fails print its last words, and where all of them are."""
    locked = re.findall(r"^[A-Za-z0-9._-]+==.*", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    total = sum("== 'win32'" not in each for each in locked)
    log, begun = Path(sys.prefix) / "install.log", Path(sys.prefix) / "installing"
    # What was cut off may look installed and lack a file: then all of it is put in place once more.
    again = ["--ignore-installed"] if begun.exists() else []
    begun.touch()
    temporary = Path(sys.prefix) / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    screen, said, count, placing = sys.stdout.isatty(), monotonic(), 0, False
    print(f"Installing {what}: {total} packages", end="" if screen else "\n", flush=True)
    with log.open("w", encoding="utf-8") as kept:
        pip = subprocess.Popen(
            [sys.executable, *PIP, *ONLY, *again, "-r", lock],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert pip.stdout is not None
        for line in pip.stdout:
            kept.write(line)
            count += line.startswith(("Collecting ", "Requirement already satisfied"))
            begins = line.startswith("Installing collected")
            placing = placing or begins
            words = "putting them in place" if placing else f"{count} of {total} fetched"
            if screen:
                print(f"\rInstalling {what}: {total} packages, {words} …   ", end="", flush=True)
            elif begins or (not placing and monotonic() - said > EVERY):
                said = monotonic()
                print(f"  {words} …", flush=True)
    failed = pip.wait()
    if screen:
        print(f"\rInstalling {what}: {total} packages{', done.' if not failed else ''}{' ' * 24}", flush=True)
    if failed:
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("ERROR")]
        print("\n".join(lines[-3:] or ["pip failed."]), file=sys.stderr)
        print(
            f"Nothing is half done: call it again. Is the package index reachable? All of pip's words: {log}",
            file=sys.stderr,
        )
        return 1
    begun.unlink()
    shutil.rmtree(temporary, ignore_errors=True)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it, and pip, without a word
    sys.exit(main(*sys.argv[1:]))
