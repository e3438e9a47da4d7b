"""How long a newcomer waits, and what the demonstration takes of a machine: from the command to the page that answers, the
first time and again, the memory of all its processes together, and the disk.

Run: `python bench/first_minutes.py [--port N]`, after installing. It plays the whole story in a temporary folder. Each time is
also printed as a ratio to a named baseline measured in the same run:

- *empty*: making and starting the embedded PostgreSQL alone, and stopping it;
- *start*: starting and stopping it once it is made.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from market import embedded, greeting, ports  # noqa: E402


def baseline(folder: Path) -> float:
    """Seconds to start (and make, the first time) the database and to stop it."""
    began = time.perf_counter()
    embedded.address(folder)
    embedded.leave(folder)
    return time.perf_counter() - began


def mine(var: Path) -> Iterator[int]:
    """The processes of the demonstration, its database among them: those that were told of this folder."""
    told = f"PRELUDE_VAR={var}".encode()
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                if told in (each / "environ").read_bytes().split(b"\0"):
                    yield int(each.name)
            except OSError:
                continue


def memory(var: Path) -> int:
    """Bytes that they take together; what they share counts once (the kernel's Pss)."""
    total = 0
    for each in mine(var):
        try:
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found[1]) * 1024 if found else 0
    return total


def demo(var: Path, port: int, linger: float) -> tuple[float, int]:
    """Seconds until the page answers, and the most memory until `linger` seconds later."""
    command = [sys.executable, "-m", "market", "demo", "--port", str(port)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PRELUDE_", "DATABASE_", "SITE_"))
    }
    began, most, answered = time.perf_counter(), 0, 0.0
    running = subprocess.Popen(
        command,
        cwd=HERE,
        env=environment | {"PRELUDE_VAR": str(var)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while running.poll() is None and (not answered or time.perf_counter() - began - answered < linger):
            most = max(most, memory(var))
            if not answered and greeting.answers(f"http://127.0.0.1:{port}/"):
                answered = time.perf_counter() - began
            time.sleep(0.1)
    finally:
        os.killpg(running.pid, signal.SIGINT)
        running.wait()
    return answered, most


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=8765)
    port = options.parse_args().port
    if words := ports.refusal(port, "python bench/first_minutes.py --port {}"):
        print(words, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="prelude-bench-") as folder:
        plain, var = Path(folder) / "plain", Path(folder) / "var"
        empty, start = baseline(plain), baseline(plain)
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"baselines: empty {empty:.2f} s, start {start:.2f} s")
        # The yearly files of open data are made after the page answers: they count.
        for name, beside, linger in (("first", empty, 60.0), ("again", start, 5.0)):
            seconds, most = demo(var, port, linger)
            print(
                f"{name}: page after {seconds:5.1f} s ({seconds / beside:4.0f} x), memory at most {most / 1e6:4.0f} MB"
            )
        size = sum(each.stat().st_size for each in var.rglob("*") if each.is_file())
        print(f"disk: {size / 1e6:.0f} MB of data")
    installed = Path(sys.prefix)
    if installed != Path(sys.base_prefix) and shutil.which("du"):
        said = subprocess.run(["du", "-sm", str(installed)], capture_output=True, text=True, check=True).stdout.split()[
            0
        ]
        print(f"      {said} MB of the environment that runs this")
    return 0


if __name__ == "__main__":
    sys.exit(main())
