"""What the environment may ask for, and what is refused where the public is served."""

import base64
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from market import guessing
from market.settings import FROM_FILES, LAPTOP_SECRET, Unsafe, check_listening, read
from market.web.pages import goes_without

SECRET = "5f0c9b1e7d2a48634c8e1b90d7f3a6250b9e4d17c2f8a3659d0e7b41f6c8253a"

GOOD = {
    "PRELUDE_ENV": "production",
    "PRELUDE_SECRET": SECRET,
    "SITE_URL": "https://prelude.example",
    "DATABASE_URL": "postgresql://db/prelude",
    "PRELUDE_PROXIES": "127.0.0.1",
    "STRIPE_KEY": "sk_live_1",
    "SMTP_URL": "smtp://mail.example:587",
    "MEILISEARCH_URL": "http://127.0.0.1:7700",
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
        ({"PRELUDE_LOOPBACK": "1"}, "PRELUDE_LOOPBACK"),
        ({"PRELUDE_SECRET": LAPTOP_SECRET}, "PRELUDE_SECRET"),
        ({"PRELUDE_SECRET": "short"}, "PRELUDE_SECRET"),
        ({"SITE_URL": "http://prelude.example"}, "SITE_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"PRELUDE_PROXIES": ""}, "PRELUDE_PROXIES"),
        ({"PRELUDE_ENV": "prod"}, "PRELUDE_ENV"),
        ({"STRIPE_KEY": ""}, "STRIPE_KEY is not set"),
        ({"STRIPE_KEY": "sk_test_1"}, "key for tests"),
        ({"STRIPE_KEY": "rk_test_1"}, "key for tests"),
        ({"SMTP_URL": ""}, "SMTP_URL is not set"),
        ({"MEILISEARCH_URL": ""}, "MEILISEARCH_URL is not set"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_the_variable(change: dict[str, str], word: str) -> None:
    with pytest.raises(Unsafe, match=word):
        read({**GOOD, **change})
    without = {name: value for name, value in {**GOOD, **change}.items() if name != "PRELUDE_ENV"}
    if "PRELUDE_ENV" not in change:
        with pytest.raises(Unsafe, match=word):
            read(without)  # the same where nobody said that it is production


L, P, REFUSED = "laptop", "production", "refused"


@pytest.mark.parametrize(
    ("said", "address", "becomes"),
    [
        ("", "", L),
        ("", "http://localhost:8000", L),
        ("", "http://LOCALHOST", L),
        ("", "http://a.localhost:1", L),
        ("", "http://127.0.0.1:8000", L),
        ("", "http://127.9.9.9", L),
        ("", "http://[::1]:8000", L),
        ("", "https://localhost", P),
        ("", "https://prelude.example", P),
        ("", "https://localhost@prelude.example", P),
        ("", "https://localhost.prelude.example", P),
        ("", "https://10.0.0.7", P),
        ("", "http://10.0.0.7", REFUSED),  # production, and not over TLS
        ("", "http://0.0.0.0:8000", REFUSED),
        ("", "prelude.example", REFUSED),
        ("", "https://", REFUSED),
        ("", "ftp://localhost", REFUSED),
        ("", "http://[::1", REFUSED),
        ("laptop", "http://localhost:8000", L),
        ("laptop", "https://localhost", L),
        ("laptop", "https://prelude.example", REFUSED),
        ("laptop", "http://10.0.0.7", REFUSED),
        ("production", "https://localhost", P),
        ("production", "http://localhost:8000", REFUSED),
    ],
)
def test_production_is_what_holds_wherever_the_address_is_not_this_machine(
    said: str, address: str, becomes: str
) -> None:
    given = {name: value for name, value in {**GOOD, "PRELUDE_ENV": said, "SITE_URL": address}.items() if value}
    if becomes == REFUSED:
        with pytest.raises(Unsafe, match=r"SITE_URL"):
            read(given)
    else:
        assert read(given).environment == becomes


def test_an_https_address_and_nothing_else_is_not_served_and_says_why() -> None:
    with pytest.raises(
        Unsafe, match=r"PRELUDE_SECRET must be set in production \(PRELUDE_ENV is not set, and at https://x.example"
    ):
        read({"SITE_URL": "https://x.example"})


SHOWN = {"PRELUDE_ENV": "laptop", "PRELUDE_DEMO": "1", "SITE_URL": "https://demo.example", "PRELUDE_SECRET": SECRET}


def test_a_demonstration_may_be_shown_to_others_with_a_secret_of_its_own() -> None:
    assert read(SHOWN).demo
    for change, word in (
        ({"PRELUDE_ENV": ""}, "PRELUDE_DEMO"),
        ({"PRELUDE_DEMO": ""}, "SITE_URL"),
        ({"PRELUDE_SECRET": LAPTOP_SECRET}, "PRELUDE_SECRET"),
        ({"PRELUDE_SECRET": "x" * 40}, "PRELUDE_SECRET"),
        ({"PRELUDE_LOOPBACK": "1"}, "PRELUDE_LOOPBACK"),
    ):
        with pytest.raises(Unsafe, match=word):
            read({**SHOWN, **change})


@pytest.mark.parametrize(
    "guessed",
    [
        LAPTOP_SECRET,
        "A Secret that only these tests know, 32 characters and more",
        "x" * 40,
        "ab" * 40,
        "deadbeef" * 8,
        "0123456789abcdef" * 4,
        "0123456789abcdef0123456789abcdee",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "acegikmoqsuwyacegikmoqsuwy13579",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "correct horse battery staple correct horse battery staple",
        "change-me-change-me-change-me-please-2026",
        "Prelude-Production-Secret-2026-Ministry-of-Finance!!",
        "the minister of works opened the bridge",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_in_production_and_not_on_a_laptop(guessed: str) -> None:
    assert guessing.bits(guessed) < guessing.ENOUGH
    if len(guessed) >= 32:
        with pytest.raises(Unsafe, match="PRELUDE_SECRET") as refused:
            read({**GOOD, "PRELUDE_SECRET": guessed})
        assert guessed not in str(refused.value)
        assert read({"PRELUDE_SECRET": guessed}).environment == "laptop"


@pytest.mark.parametrize("size", [16, 20, 32, 64])
def test_a_secret_from_chance_is_good_however_it_is_written(size: int) -> None:
    chance = random.Random(size)
    for _ in range(2_000):
        made = chance.randbytes(size)
        assert guessing.bits(made.hex()) >= guessing.ENOUGH
        if size >= 20:
            assert guessing.bits(base64.b64encode(made).decode()) >= guessing.ENOUGH
            assert guessing.bits(base64.b85encode(made).decode()) >= guessing.ENOUGH


@pytest.mark.parametrize(
    "everybody",
    [
        "0.0.0.0/0",
        "::/0",
        "127.0.0.1, ::/0",
        "0.0.0.0/1, 128.0.0.0/1",
        "8.0.0.0/7",
        "2000::/3",
        "2002::/16",
        "::ffff:0:0/96",
        "::ffff:0.0.0.0/97",
        "64:ff9b::/96",
        "8.0.0.0/8, 9.0.0.0/8",
        ",".join(f"{first}.{second}.0.0/16" for first in (20, 40) for second in range(256)),
        "everybody",
        "10.0.0.1/8",
    ],
)
@pytest.mark.parametrize("environment", [{}, GOOD], ids=["laptop", "production"])
def test_proxies_that_are_nearly_everybody_are_refused_everywhere(everybody: str, environment: dict[str, str]) -> None:
    with pytest.raises(Unsafe, match="PRELUDE_PROXIES"):
        read({**environment, "PRELUDE_PROXIES": everybody})


@pytest.mark.parametrize(
    "own",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 127.0.0.0/8",
        "fd00::/8",
        "104.16.0.0/13, 104.24.0.0/14, 172.64.0.0/13, 131.0.72.0/22, 2400:cb00::/32, 2a06:98c0::/29",
        "::ffff:10.0.0.0/104",
    ],
)
def test_proxies_that_are_ones_own_or_a_delivery_networks_are_believed(own: str) -> None:
    assert len(read({**GOOD, "PRELUDE_PROXIES": own}).proxies) == own.count(",") + 1


def test_what_production_goes_without_is_said_by_the_operator_and_then_on_every_page() -> None:
    chosen = read({**GOOD, "STRIPE_KEY": "simulated", "SMTP_URL": "none", "MEILISEARCH_URL": "embedded"})
    assert (chosen.stripe_key, chosen.smtp_url, chosen.meilisearch_url) == (None, None, None)
    assert [each.split(":")[0].split(" has")[0] for each in goes_without(chosen)] == [
        "Payments are simulated",
        "No letters are sent",
        "The search",
    ]
    assert goes_without(read(GOOD)) == ()


@pytest.mark.parametrize(
    ("host", "said", "secret", "word"),
    [
        ("127.0.0.1", "", LAPTOP_SECRET, ""),
        ("::1", "", LAPTOP_SECRET, ""),
        ("localhost", "", LAPTOP_SECRET, ""),
        ("0.0.0.0", "", SECRET, "--host 0.0.0.0"),
        ("::", "", SECRET, "--host ::"),
        ("10.0.0.7", "", SECRET, "--host 10.0.0.7"),
        ("0.0.0.0", "laptop", SECRET, ""),
        ("0.0.0.0", "laptop", LAPTOP_SECRET, "PRELUDE_SECRET"),
    ],
)
def test_who_listens_for_others_is_no_laptop_unless_she_says_so(
    host: str, said: str, secret: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRELUDE_ENV", said)
    found = read({"PRELUDE_ENV": said, "PRELUDE_SECRET": secret})
    if word:
        with pytest.raises(Unsafe, match=re.escape(word)):
            check_listening(host, found)
    else:
        check_listening(host, found)


@pytest.mark.parametrize("name", FROM_FILES)
def test_what_is_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    given = {**GOOD, "MEILISEARCH_KEY": "k" * 16, "STRIPE_WEBHOOK_SECRET": "whsec_1"}
    value = given.pop(name)
    file.write_text(f"{value}\n")
    assert read({**given, f"{name}_FILE": str(file)}) == read({**given, name: value})
    with pytest.raises(Unsafe, match=f"{name} and {name}_FILE are both set"):
        read({**given, name: value, f"{name}_FILE": str(file)})
    for content in (b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"a\0b"):
        file.write_bytes(content)
        with pytest.raises(Unsafe, match=f"{name}_FILE"):
            read({**given, f"{name}_FILE": str(file)})
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(Unsafe, match=f"{name}_FILE: .* cannot be read"):
            read({**given, f"{name}_FILE": str(missing)})


def test_a_secret_is_in_no_text_that_is_made_of_the_settings() -> None:
    said = repr(read({**GOOD, "STRIPE_WEBHOOK_SECRET": "whsec_1", "MEILISEARCH_KEY": "key-of-the-index"}))
    for secret in (SECRET, "sk_live_1", "whsec_1", "key-of-the-index", "postgresql://", "smtp://"):
        assert secret not in said


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
