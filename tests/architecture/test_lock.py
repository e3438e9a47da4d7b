"""Nothing that is locked needs building: for each Python and machine that the project takes there is a wheel of everything."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
MACHINES = ("x86_64", "aarch64")
GLIBC = 28
"""The oldest C library that is promised: 2.28, of Debian 10, RHEL 8 and Ubuntu 18.10."""

FINISH: dict[str, Any] = runpy.run_path(str(ROOT / ".ci" / "wheels.py"))


def pythons() -> list[tuple[int, int]]:
    """Every version of Python that `requires-python` takes."""
    taken = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    return [(3, minor) for minor in range(9, 40) if f"3.{minor}.0" in taken]


def wheels(text: str) -> dict[str, str]:
    """The hash of each wheel by its name."""
    return {name: digest for digest, name in (line.split("  ") for line in text.splitlines())}


def requirements(lock: str) -> Iterator[tuple[str, str, Marker | None, set[str]]]:
    """Each requirement of a lock file: its name, version, marker and hashes."""
    for part in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        found = re.match(r"(\S+)==(\S+)(?: ; (.*?))? \\\n", part)
        assert found, f"not locked with a hash: {part[:80]}"
        marker = Marker(found[3]) if found[3] else None
        yield found[1], found[2], marker, set(re.findall(r"--hash=sha256:([0-9a-f]{64})", part))


def tags(python: tuple[int, int], machine: str) -> frozenset[Tag]:
    """What that Python takes on that machine under Linux with the oldest C library promised."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"{old}_{machine}" for old in ("manylinux2014", "manylinux2010", "manylinux1")]
    name = f"cp{python[0]}{python[1]}"
    return frozenset((*cpython_tags(python, [name], platforms), *compatible_tags(python, name, platforms)))


def without_wheel(lock: str, listed: dict[str, str], python: tuple[int, int], machine: str) -> list[str]:
    """The requirements that this Python on this machine would have to build."""
    taken = tags(python, machine)
    here = {
        "python_version": f"{python[0]}.{python[1]}",
        "python_full_version": f"{python[0]}.{python[1]}.0",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
    }
    there = {
        (project, str(version), digest)
        for name, digest in listed.items()
        for project, version, _, of in [parse_wheel_filename(name)]
        if of & taken
    }
    return [
        f"{name}=={version}"
        for name, version, marker, hashes in requirements(lock)
        if (marker is None or marker.evaluate(here))
        and not any((canonicalize_name(name), version, digest) in there for digest in hashes)
    ]


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    """The wheels as `make lock` wrote them."""
    return wheels((ROOT / "requirements.wheels").read_text())


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("lock", LOCKS)
def test_everything_that_is_locked_has_a_wheel(
    lock: str, python: tuple[int, int], machine: str, listed: dict[str, str]
) -> None:
    assert without_wheel((ROOT / lock).read_text(), listed, python, machine) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_lets_in_what_is_not_a_wheel(lock: str, listed: dict[str, str]) -> None:
    known = set(listed.values())
    strange = [name for name, _, _, hashes in requirements((ROOT / lock).read_text()) if hashes - known]
    assert strange == [], "run: make lock"


def test_each_wheel_is_listed_for_what_is_locked_in_order_and_nothing_else(listed: dict[str, str]) -> None:
    text = (ROOT / "requirements.wheels").read_text()
    locked = {(name, version) for lock in LOCKS for name, version, *_ in requirements((ROOT / lock).read_text())}
    assert {(project, str(version)) for project, version, *_ in map(parse_wheel_filename, listed)} == locked
    assert text == "".join(f"{listed[name]}  {name}\n" for name in sorted(listed))
    assert all(re.fullmatch(r"[0-9a-f]{64}  [^/:\s]+\.whl", line) for line in text.splitlines())


def test_what_a_site_runs_is_what_is_tested() -> None:
    site, tested = ({each[:2] for each in requirements((ROOT / lock).read_text())} for lock in LOCKS)
    assert site <= tested


HASHES = {name: str(number) * 64 for number, name in enumerate(("source", "old", "new", "pure"), 1)}
WHEELS = wheels(
    f"{HASHES['old']}  Some_thing-1.0-cp312-cp312-manylinux_2_17_x86_64.whl\n"
    f"{HASHES['new']}  Some_thing-1.0-cp313-cp313-manylinux_2_34_x86_64.whl\n"
    f"{HASHES['pure']}  other-2.0-py3-none-any.whl\n"
)
LOCK = (
    "# made\n"
    f"other==2.0 ; sys_platform == 'linux' \\\n    --hash=sha256:{HASHES['pure']} \\\n    --hash=sha256:{HASHES['source']}\n    # via x\n"
    f"some-thing==1.0 \\\n    --hash=sha256:{HASHES['source']} \\\n    --hash=sha256:{HASHES['new']} \\\n    --hash=sha256:{HASHES['old']}\n"
)


def test_a_wheel_counts_only_for_its_python_its_machine_its_c_library_and_its_hash() -> None:
    def asked(lock: str, python: tuple[int, int] = (3, 12), machine: str = "x86_64") -> list[str]:
        return without_wheel(lock, WHEELS, python, machine)

    assert asked(LOCK) == []
    assert asked(LOCK, machine="aarch64") == ["some-thing==1.0"]
    assert asked(LOCK, python=(3, 13)) == ["some-thing==1.0"]
    assert asked(LOCK.replace(HASHES["old"], "9" * 64)) == ["some-thing==1.0"]
    assert asked(LOCK.replace(HASHES["pure"], "9" * 64)) == ["other==2.0"]
    assert asked(LOCK.replace(HASHES["pure"], "9" * 64).replace("'linux'", "'win32'")) == []


def test_a_lock_is_finished_by_taking_out_what_is_not_a_wheel() -> None:
    made = FINISH["without_sources"](LOCK, WHEELS)
    assert HASHES["source"] not in made
    assert [each[3] for each in requirements(made)] == [{HASHES["pure"]}, {HASHES["new"], HASHES["old"]}]
    assert FINISH["without_sources"](made, WHEELS) == made


def test_what_has_no_wheel_at_all_is_refused_by_name() -> None:
    wheel = f'{{ url = "https://example.org/a%2Bb-1-py3-none-any.whl", hashes = {{ sha256 = "{HASHES["pure"]}" }} }}'
    assert FINISH["wheels_of"](f'[[packages]]\nname = "a"\nwheels = [{wheel}]\n') == {
        "a+b-1-py3-none-any.whl": HASHES["pure"]
    }
    with pytest.raises(SystemExit, match=r"b 2\.0 has no wheel"):
        FINISH["wheels_of"]('[[packages]]\nname = "b"\nversion = "2.0"\nwheels = []\n')
