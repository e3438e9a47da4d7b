"""Everything the environment may change. The defaults suit a laptop; `production` refuses what would be unsafe there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: `templates/` and `fixtures/` lie in it."""

LAPTOP_SECRET = "a laptop's secret, known to everybody, refused in production"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Settings:
    """One frozen reading of the environment. Each field names the variable it comes from and what its absence means."""

    environment: str
    """PRELUDE_ENV: `laptop` (the default) or `production`."""
    demo: bool
    """PRELUDE_DEMO: anybody may sign in as anybody of the story, and move the clock. Refused in production."""
    site_url: str
    """SITE_URL: the address people type; passkeys are bound to its host. `http://localhost:8000` by default."""
    secret: str
    """PRELUDE_SECRET: at least 32 characters; tokens and the platform's sealing key are derived from it."""
    var: Path
    """PRELUDE_VAR: where the embedded database, the embedded search index and the demo's clock live (`var/`)."""
    database_url: str | None
    """DATABASE_URL: a PostgreSQL 15+ server; without it an embedded one is started under `var`."""
    meilisearch_url: str | None
    """MEILISEARCH_URL: without it the embedded search serves."""
    meilisearch_key: str | None
    """MEILISEARCH_KEY: a key that may search, index and administer."""
    stripe_key: str | None
    """STRIPE_KEY: without it payments are simulated, and every page and letter about money says so."""
    stripe_webhook_secret: str | None
    """STRIPE_WEBHOOK_SECRET: signs what Stripe sends us; without it the webhook address answers 404."""
    smtp_url: str | None
    """SMTP_URL: `smtp://user:password@host:587`; without it letters are kept and shown at `/letters`."""
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


def read(environ: dict[str, str] | None = None) -> Settings:
    """Read the environment once. Raises :class:`Unsafe` for a combination that must not serve the public."""
    env = dict(os.environ) if environ is None else environ
    found = Settings(
        environment=env.get("PRELUDE_ENV", "laptop"),
        demo=env.get("PRELUDE_DEMO", "") == "1",
        site_url=env.get("SITE_URL", "http://localhost:8000").rstrip("/"),
        secret=env.get("PRELUDE_SECRET", LAPTOP_SECRET),
        var=Path(env.get("PRELUDE_VAR", str(ROOT / "var"))).resolve(),
        database_url=env.get("DATABASE_URL") or None,
        meilisearch_url=env.get("MEILISEARCH_URL") or None,
        meilisearch_key=env.get("MEILISEARCH_KEY") or None,
        stripe_key=env.get("STRIPE_KEY") or None,
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET") or None,
        smtp_url=env.get("SMTP_URL") or None,
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
    for each in found.proxies:
        try:
            ip_network(each)
        except ValueError:
            raise Unsafe(f"PRELUDE_PROXIES: “{each}” is neither an address nor a network like 10.0.0.0/8") from None
    if found.production:
        if found.demo:
            raise Unsafe("PRELUDE_DEMO lets anybody sign in as anybody: unset it in production")
        if found.loopback:
            raise Unsafe("PRELUDE_LOOPBACK lets suppliers call what listens on this machine: unset it in production")
        if found.secret == LAPTOP_SECRET:
            raise Unsafe("PRELUDE_SECRET must be set in production: try `openssl rand -hex 32`")
        if not found.secure:
            raise Unsafe("SITE_URL must begin with https:// in production: passkeys and cookies depend on it")
        if found.database_url is None:
            raise Unsafe("DATABASE_URL must name a PostgreSQL server in production")
        if not found.proxies:
            raise Unsafe(
                "PRELUDE_PROXIES must name the TLS proxy in front (such as 127.0.0.1): without it one visitor's "
                "failed sign-ins would lock everybody out"
            )
    return found


@cache
def settings() -> Settings:
    """The settings of this process, read at the first call."""
    return read()
