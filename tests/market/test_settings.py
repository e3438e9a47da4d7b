"""What the environment may ask for, and what is refused where the public is served."""

import os
import subprocess
import sys

import pytest

from market.settings import LAPTOP_SECRET, Unsafe, read

GOOD = {
    "PRELUDE_ENV": "production",
    "PRELUDE_SECRET": "0123456789abcdef0123456789abcdef",
    "SITE_URL": "https://prelude.example",
    "DATABASE_URL": "postgresql://db/prelude",
    "PRELUDE_PROXIES": "127.0.0.1",
}


def test_a_laptop_needs_nothing() -> None:
    found = read({})
    assert not found.production
    assert not found.secure
    assert found.host == "localhost"
    assert found.database_url is None
    assert found.stripe_key is None


def test_production_takes_a_complete_environment() -> None:
    found = read(GOOD)
    assert found.production
    assert found.secure
    assert found.host == "prelude.example"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"PRELUDE_DEMO": "1"}, "PRELUDE_DEMO"),
        ({"PRELUDE_SECRET": LAPTOP_SECRET}, "PRELUDE_SECRET"),
        ({"PRELUDE_SECRET": "short"}, "PRELUDE_SECRET"),
        ({"SITE_URL": "http://prelude.example"}, "SITE_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"PRELUDE_PROXIES": ""}, "PRELUDE_PROXIES"),
        ({"PRELUDE_ENV": "prod"}, "PRELUDE_ENV"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_the_variable(change: dict[str, str], word: str) -> None:
    with pytest.raises(Unsafe, match=word):
        read({**GOOD, **change})


@pytest.mark.parametrize("command", [["demo"], ["serve", "--demo"]], ids=" ".join)
def test_a_demonstration_is_refused_in_production_however_it_is_asked_for(command: list[str]) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith("PRELUDE_")}
    done = subprocess.run(
        [sys.executable, "-m", "market", *command, "--port", "8999"],
        env={**given, **GOOD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Refused: PRELUDE_DEMO lets anybody sign in as anybody")
