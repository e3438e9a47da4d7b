"""Everything the environment may change. The defaults suit a laptop, and hold on it alone: wherever people type another address
than this machine's own it is production, which refuses what would be unsafe there, and names on every page what it goes without.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from market import guessing

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: `templates/` and `fixtures/` lie in it."""

LAPTOP_SECRET = "a laptop's secret, known to everybody, refused in production"  # noqa: S105


SIMULATED, NONE, EMBEDDED = "simulated", "none", "embedded"
"""What STRIPE_KEY, SMTP_URL and MEILISEARCH_URL say in production where the thing is gone without knowingly."""

FROM_FILES = {
    "PRELUDE_SECRET": "PRELUDE_SECRET_FILE",
    "DATABASE_URL": "DATABASE_URL_FILE",
    "MEILISEARCH_KEY": "MEILISEARCH_KEY_FILE",
    "STRIPE_KEY": "STRIPE_KEY_FILE",
    "STRIPE_WEBHOOK_SECRET": "STRIPE_WEBHOOK_SECRET_FILE",
    "SMTP_URL": "SMTP_URL_FILE",
}
"""Variables that may be secret, and the one beside each that names a file which holds the value, as images of databases have it and as secrets of
containers and of systemd are handed over. An environment is seen by whoever may look at processes, and inherited by each child."""

WIDEST = {4: 8, 6: 24}
"""The shortest prefix of a network of proxies, by version of IP: 10.0.0.0/8 is all of the largest private network."""
MOST = 1 << 24
"""Public IPv4 addresses that may be believed altogether. The largest networks that deliver other people's sites name a few million."""
OWN = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("127.0.0.0/8"),
)
STANDS_FOR = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4 addresses as IPv6 writes them (RFC 4291, RFC 6052): whoever names such a network names everybody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One frozen reading of the environment. Each field names the variable it comes from and what its absence means."""

    environment: str
    """PRELUDE_ENV: `laptop` or `production`. Unset it is `laptop` where `SITE_URL` is http:// and this machine, else `production`."""
    demo: bool
    """PRELUDE_DEMO: anybody may sign in as anybody of the story, and move the clock. Refused in production; shown to others, at an
    address of its own, with `PRELUDE_ENV=laptop` said expressly."""
    site_url: str
    """SITE_URL: the address people type; passkeys are bound to its host. `http://localhost:8000` by default."""
    secret: str = field(repr=False)
    """PRELUDE_SECRET: at least 32 characters, in production such as nobody guesses (`market/guessing.py`); tokens and the platform's sealing key are derived from it."""
    var: Path
    """PRELUDE_VAR: where the embedded database, the embedded search index and the demo's clock live (`var/`)."""
    database_url: str | None = field(repr=False)
    """DATABASE_URL: a PostgreSQL 15+ server; without it an embedded one is started under `var`."""
    meilisearch_url: str | None
    """MEILISEARCH_URL: without it the embedded search serves; in production `embedded` says that it shall."""
    meilisearch_key: str | None = field(repr=False)
    """MEILISEARCH_KEY: a key that may search, index and administer."""
    stripe_key: str | None = field(repr=False)
    """STRIPE_KEY: without it payments are simulated, and every page and letter about money says so. In production `simulated`
    says that they shall be, and a key for tests, which moves no money either, is refused."""
    stripe_webhook_secret: str | None = field(repr=False)
    """STRIPE_WEBHOOK_SECRET: signs what Stripe sends us; without it the webhook address answers 404."""
    smtp_url: str | None = field(repr=False)
    """SMTP_URL: `smtp://user:password@host:587`; without it letters are kept and shown at `/letters`;
    in production `none` says that they shall be."""
    mail_from: str
    """MAIL_FROM: the sender of letters."""
    ocds_prefix: str
    """OCDS_PREFIX: the ocid prefix the Open Contracting Partnership registered for this publisher."""
    proxies: tuple[str, ...] = ()
    """PRELUDE_PROXIES: addresses or networks, separated by commas, of the reverse proxies whose `X-Forwarded-For` is
    believed. Without them everybody behind a proxy shares one allowance of tries."""

    loopback: bool = False
    """PRELUDE_LOOPBACK: `1` lets API documents and sandboxes at addresses of this very machine be called, for the demo and
    the tests. Refused in production."""

    log_key: Path | None = None
    """PRELUDE_LOG_KEY: the file of the private key that signs the log's checkpoints; without it one is made under `var/log`."""
    witnesses: Path | None = None
    """PRELUDE_WITNESSES: a file of the witnesses whose cosignatures are taken, and how many it needs (C2SP tlog-policy)."""

    @property
    def production(self) -> bool:
        """Whether unsafe conveniences are refused."""
        return self.environment == "production"

    @property
    def secure(self) -> bool:
        """Whether people reach the site over TLS: cookies are then `Secure` and HSTS is sent."""
        return self.site_url.startswith("https://")

    @property
    def host(self) -> str:
        """The host passkeys are bound to (WebAuthn's relying party id)."""
        return urlsplit(self.site_url).hostname or "localhost"


class InTheWay(Exception):
    """A command cannot do its work for a reason outside of it; the message is one line that says why and what to do."""


class Unsafe(InTheWay):
    """The environment asks for something that is refused; the message says which variable to change."""


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment once. Raises :class:`Unsafe` for a combination that must not serve the public."""
    env = _with_files(os.environ if environ is None else environ)
    site_url = env.get("SITE_URL", "http://localhost:8000").rstrip("/")
    found = Settings(
        environment=env.get("PRELUDE_ENV") or ("laptop" if _is_plainly_here(site_url) else "production"),
        demo=env.get("PRELUDE_DEMO", "") == "1",
        site_url=site_url,
        secret=env.get("PRELUDE_SECRET", LAPTOP_SECRET),
        var=Path(env.get("PRELUDE_VAR", str(ROOT / "var"))).resolve(),
        database_url=env.get("DATABASE_URL") or None,
        meilisearch_url=_unless(EMBEDDED, env.get("MEILISEARCH_URL")),
        meilisearch_key=env.get("MEILISEARCH_KEY") or None,
        stripe_key=_unless(SIMULATED, env.get("STRIPE_KEY")),
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET") or None,
        smtp_url=_unless(NONE, env.get("SMTP_URL")),
        mail_from=env.get("MAIL_FROM", "Prelude <letters@prelude.example>"),
        ocds_prefix=env.get("OCDS_PREFIX", "ocds-prelud"),
        proxies=tuple(each.strip() for each in env.get("PRELUDE_PROXIES", "").split(",") if each.strip()),
        loopback=env.get("PRELUDE_LOOPBACK", "") == "1",
        log_key=Path(env["PRELUDE_LOG_KEY"]).resolve() if env.get("PRELUDE_LOG_KEY") else None,
        witnesses=Path(env["PRELUDE_WITNESSES"]).resolve() if env.get("PRELUDE_WITNESSES") else None,
    )
    if found.environment not in ("laptop", "production"):
        raise Unsafe("PRELUDE_ENV is either laptop or production")
    if len(found.secret) < 32:
        raise Unsafe("PRELUDE_SECRET needs at least 32 characters: try `openssl rand -hex 32`")
    _check_proxies(found.proxies)
    if found.production:
        _check_production(found, why=_why_production(env, site_url))
        _check_knowingly(env)
    elif not is_here(site_url):
        _check_shown(found)
    return found


def is_here(site_url: str) -> bool:
    """Whether an address leads to this very machine, whoever types it. Raises :class:`Unsafe` for what is no address."""
    try:
        parts = urlsplit(site_url)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise Unsafe(f"SITE_URL: “{site_url}” is no address such as https://prelude.example")
    return is_this_machine(host)


def is_this_machine(host: str) -> bool:
    """Whether a name or address of a host is this machine's own, which nobody else reaches (RFC 6761, RFC 1122, RFC 4291)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_plainly_here(site_url: str) -> bool:
    """Whether it is a laptop unless somebody says otherwise: whoever has a certificate for an address serves others at it."""
    return is_here(site_url) and site_url.startswith("http://")


def _why_production(env: Mapping[str, str], site_url: str) -> str:
    if env.get("PRELUDE_ENV"):
        return ""
    return f" (PRELUDE_ENV is not set, and at {site_url} that means production)"


def _with_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, each file read into its variable. Raises :class:`Unsafe` for both of them, for a file that cannot
    be read or holds nothing, and never says what stands in one. A line end after the value is not part of it."""
    env = dict(environ)
    for name, named in FROM_FILES.items():
        path = env.get(named)
        if not path:
            continue
        if env.get(name):
            raise Unsafe(f"{name} and {named} are both set: unset one of them")
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(65_536)
        except OSError as error:
            raise Unsafe(f"{named}: {path} cannot be read ({error.strerror})") from None
        except ValueError:
            raise Unsafe(f"{named}: {path} is not text in UTF-8") from None
        value = text.rstrip("\r\n")
        if not value.strip() or "\n" in value or "\0" in value:
            raise Unsafe(f"{named}: {path} must hold one line, the value")
        env[name] = value
    return env


def _unless(word: str, given: str | None) -> str | None:
    """What is configured; None where nothing is, or where the word says so."""
    return None if not given or given == word else given


def _check_proxies(proxies: Collection[str]) -> None:
    """Refuse what is no network, and those that would let everybody say which address she has: limits on tries count by it."""
    networks: list[IPv4Network] = []
    for each in proxies:
        try:
            network = ip_network(each)
        except ValueError:
            raise Unsafe(f"PRELUDE_PROXIES: “{each}” is neither an address nor a network like 10.0.0.0/8") from None
        if isinstance(network, IPv6Network) and any(network.subnet_of(stands) for stands in STANDS_FOR):
            network = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        if network.prefixlen < WIDEST[network.version] and not _is_private(network):
            raise Unsafe(
                f"PRELUDE_PROXIES: {each} is nearly everybody, and each would be believed: name your own proxies"
            )
        if isinstance(network, IPv4Network) and not any(network.subnet_of(own) for own in OWN):
            networks.append(network)
    if sum(each.num_addresses for each in collapse_addresses(networks)) > MOST:
        raise Unsafe("PRELUDE_PROXIES: these networks together are nearly everybody: name your own proxies")


def _is_private(network: IPv4Network | IPv6Network) -> bool:
    """Whether all of an IPv6 network is for use within an organisation (fc00::/7, RFC 4193); IPv4 has none that is too wide."""
    return isinstance(network, IPv6Network) and network.subnet_of(IPv6Network("fc00::/7"))


def _check_production(found: Settings, why: str) -> None:
    """What must not serve the public."""
    if found.demo:
        raise Unsafe(
            f"PRELUDE_DEMO lets anybody sign in as anybody: unset it in production{why}; a demonstration that others shall see "
            "says PRELUDE_ENV=laptop and has a PRELUDE_SECRET of its own"
        )
    if found.loopback:
        raise Unsafe(f"PRELUDE_LOOPBACK lets suppliers call what listens on this machine: unset it in production{why}")
    _check_secret(found.secret, f"in production{why}")
    if not found.secure:
        raise Unsafe(f"SITE_URL must begin with https:// in production: passkeys and cookies depend on it{why}")
    if found.database_url is None:
        raise Unsafe(f"DATABASE_URL must name a PostgreSQL server in production{why}")
    if not found.proxies:
        raise Unsafe(
            "PRELUDE_PROXIES must name the TLS proxy in front (such as 127.0.0.1): without it one visitor's "
            f"failed sign-ins would lock everybody out{why}"
        )
    if (found.stripe_key or "").startswith(("sk_test_", "rk_test_")):
        raise Unsafe(
            "STRIPE_KEY is a key for tests, which moves no money and looks as if it did: name a live one, or say "
            f"STRIPE_KEY={SIMULATED}, and every page says so"
        )


def _check_knowingly(env: Mapping[str, str]) -> None:
    """What a site may go without, once somebody has said so: forgotten it would be found out by those it fails."""
    for name, word, what in (
        ("STRIPE_KEY", SIMULATED, "released payments would be entered as paid and move no money"),
        ("SMTP_URL", NONE, "no letter would reach anybody who does not look at /letters"),
        ("MEILISEARCH_URL", EMBEDDED, "the search would run inside of each server, with an index of its own folder"),
    ):
        if not env.get(name):
            raise Unsafe(f"{name} is not set, and {what}: set it, or say {name}={word}, and every page says so")


def _check_shown(found: Settings) -> None:
    """What is said to be a laptop and is reached at another address: a demonstration, or a mistake."""
    if not found.demo:
        raise Unsafe(
            f"PRELUDE_ENV=laptop is for this machine alone, and SITE_URL says {found.site_url}: unset it (or say production); only a "
            "demonstration (PRELUDE_DEMO=1) may be shown elsewhere"
        )
    if found.loopback:
        raise Unsafe(
            "PRELUDE_LOOPBACK lets visitors call what listens on this machine: unset it where others reach the site"
        )
    _check_secret(found.secret, "where others reach the site")


def check_listening(host: str, found: Settings) -> None:
    """Raises :class:`Unsafe` where others reach a laptop's site by the address it listens at, whatever SITE_URL says."""
    if found.production or is_this_machine(host):
        return
    if not os.environ.get("PRELUDE_ENV"):
        raise Unsafe(
            f"--host {host} lets others reach the site: say PRELUDE_ENV=production, or PRELUDE_ENV=laptop where only this machine "
            "reaches that address (as in a container)"
        )
    if found.loopback:
        raise Unsafe(f"PRELUDE_LOOPBACK lets visitors call what listens on this machine: unset it with --host {host}")
    _check_secret(found.secret, f"with --host {host}")


def _check_secret(secret: str, where: str) -> None:
    if secret == LAPTOP_SECRET:
        raise Unsafe(f"PRELUDE_SECRET must be set {where}: try `openssl rand -hex 32`")
    if (worth := guessing.bits(secret)) < guessing.ENOUGH:
        raise Unsafe(
            f"PRELUDE_SECRET can be guessed: it is worth {worth:.0f} bits at most, and {guessing.ENOUGH:.0f} are needed {where}. "
            "Try `openssl rand -hex 32`; what is sealed with the present one must be opened first"
        )


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call."""
    return read()
