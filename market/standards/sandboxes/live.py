"""Live conformance: does the service behind the sandbox address do what its description says?

Asked in this order: does the supplier control the host (a token at a well-known path), does it serve the document that
was lodged, do its answers conform (five checks of schemathesis, the optional extra `prelude[live]`), does it refuse
callers without credentials, does it answer errors as problem details (RFC 9457). Requests are bounded, generated from a
fixed seed, and only GET unless the supplier marked the sandbox writable. Everything goes through :mod:`market.standards.sandboxes.calling`.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends this process without a word

import importlib.util
import io
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from market import nesting
from market.egress import Forbidden
from market.openapi.document import Unreadable, digest, load
from market.standards.checking.outcome import Finding
from market.standards.checking.profiles import Card, Profile, compose
from market.standards.sandboxes.calling import Exhausted, Guard, Reply, Unreachable
from market.wording import _

CONTROL = "/.well-known/prelude-control.txt"
"""Where the token stands that shows control of the host."""
SEED = 20_260_701
EXAMPLES = 8
"""Requests generated for each operation."""
_CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


def control_address(sandbox: str) -> str:
    """Where the token of a sandbox has to stand."""
    parts = urlsplit(sandbox)
    return f"{parts.scheme}://{parts.netloc}{CONTROL}"


class Trial(msgspec.Struct):
    """What the process that makes the calls is asked: everything it may know. `ruleset` and `description` are the texts of
    the profile, `credentials` the headers that authenticate a call."""

    document: bytes
    sandbox: str
    token: str
    ruleset: str
    description: str
    writable: bool
    credentials: dict[str, str]
    loopback: bool
    own_hosts: list[str]
    requests: int
    seconds: float
    pace: float


class NotInstalled(Exception):
    """The optional extra is not installed: `pip install prelude[live]`."""


class Report(msgspec.Struct):
    """What the live checks found and the evidence: every request made, and why they stopped where they did."""

    findings: list[Finding] = msgspec.field(default_factory=list)
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything was asked; without that nothing is proved."""
        return not self.stopped


def available() -> bool:
    """Whether the optional extra is installed."""
    return importlib.util.find_spec("schemathesis") is not None


def conform(
    document: bytes,
    sandbox: str,
    token: str,
    against: Profile,
    guard: Guard,
    *,
    writable: bool = False,
    credentials: dict[str, str] | None = None,
    seed: int = SEED,
) -> Report:
    """Run the live checks against the sandbox. `credentials` are headers that authenticate a call. Never raises for
    anything the service does; raises :class:`NotInstalled` without the extra."""
    if not available():
        raise NotInstalled(_("Live conformance needs the extra: pip install prelude[live]."))
    run = _Live(document, sandbox.rstrip("/"), against, guard, writable, credentials or {}, seed)
    try:
        run.control(token)
        run.published()
        run.errors()
        run.authentication()
        run.operations()
    except Exhausted as over:
        run.report.stopped = _("The checks stopped before their end: {over}", over=over)
    except (Forbidden, Unreachable, _Stop) as stop:
        run.report.stopped = str(stop)
    run.report.evidence = {
        "sandbox": sandbox,
        "seed": seed,
        "requests": [list(each) for each in guard.log],
        "operations": run.tried,
    }
    return run.report


class _Stop(Exception):
    pass


class _Live:
    def __init__(
        self,
        document: bytes,
        sandbox: str,
        against: Profile,
        guard: Guard,
        writable: bool,
        credentials: dict[str, str],
        seed: int,
    ) -> None:
        self.raw = document
        self.sandbox = sandbox
        self.guard = guard
        self.writable = writable
        self.credentials = credentials
        self.seed = seed
        self.report = Report()
        self.tried: list[str] = []
        self.cards = {card.rule.split("-", 2)[-1]: card for card in against.of_kind("live")}
        try:
            self.data = load(document).data
        except Unreadable as refused:
            raise ValueError(f"the document cannot be read: {refused.reason}") from None

    def add(self, about: str, message: str, path: tuple[Any, ...] = ()) -> None:
        card: Card | None = self.cards.get(about)
        if card is None or len(self.report.findings) >= 200:
            return
        found = Finding(
            rule=card.rule,
            tier=card.tier,
            severity="error",
            path=list(path),
            message=message,
            detail=message,
            title=card.title,
            why=card.why,
            source=card.source,
            source_url=card.source_url,
            mend=card.mend,
        )
        if found not in self.report.findings:
            self.report.findings.append(found)

    def control(self, token: str) -> None:
        """The host must show the token before anything else is asked of it."""
        answer = self.guard.fetch("GET", control_address(self.sandbox))
        if answer.status != 200 or answer.body.strip() != token.encode():
            raise _Stop(
                _("The token was not found at {control} of the host, so nothing else was called.", control=CONTROL)
            )

    def published(self) -> None:
        """The lodged document must be served, byte for byte or as the same data."""
        for name in ("openapi.json", "openapi.yaml"):
            answer = self.guard.fetch("GET", f"{self.sandbox}/{name}")
            if answer.status != 200:
                continue
            if digest(answer.body) == digest(self.raw) or _same(answer.body, self.data):
                return
            self.add("published", _("{name} is served, but it is not the document that was lodged", name=name))
            return
        self.add("published", "neither openapi.json nor openapi.yaml is served at the sandbox address")

    def errors(self) -> None:
        """An unknown path must be a client error, told as problem details."""
        answer = self.guard.fetch("GET", f"{self.sandbox}/no-such-path-{self.seed}", self.credentials)
        if not 400 <= answer.status < 500:
            self.add(
                "conforms",
                _("an unknown path is answered with {status}, not with a client error", status=answer.status),
            )
        elif not _is_problem(answer):
            kind = answer.headers.get("content-type", "no content type")
            self.add("conforms", _("an unknown path is answered as {kind}, not as application/problem+json", kind=kind))

    def authentication(self) -> None:
        """An operation that needs credentials must refuse a call without them."""
        for path, operation in _readable(self.data):
            needed = operation.get("security", self.data.get("security"))
            if "{" in path or type(needed) is not list or not needed or {} in needed:
                continue
            answer = self.guard.fetch("GET", self.sandbox + path)
            if answer.status not in (401, 403):
                words = _(
                    "GET {path} needs credentials but answers {status} without them", path=path, status=answer.status
                )
                self.add("conforms", words, ("paths", path, "get"))

    def operations(self) -> None:
        """Generated calls of every operation, judged by the five checks."""
        import hypothesis
        import schemathesis
        from schemathesis import checks

        session = guarded_session(self.guard)
        judges: list[Any] = [getattr(checks, name) for name in _CHECKS]
        schema = schemathesis.openapi.from_dict(self.data)
        results: Any = schema.get_all_operations()
        for result in results:
            try:
                operation = result.ok()
            except Exception as fault:  # whatever schemathesis cannot read is told, never raised
                self.add("conforms", _("an operation cannot be tested: {name}", name=type(fault).__name__))
                continue
            method = operation.method.upper()
            if method != "GET" and not self.writable:
                continue
            self.tried.append(f"{method} {operation.path}")
            self.try_operation(operation, session, judges, hypothesis)

    def try_operation(self, operation: Any, session: Any, judges: list[Any], hypothesis: Any) -> None:
        where = ("paths", operation.path, operation.method.lower())
        told: set[str] = set()
        stop: list[Exception] = []

        def attempt(case: Any) -> None:
            if stop:
                return
            try:
                answer = case.call(
                    base_url=self.sandbox, session=session, headers=self.credentials, timeout=self.guard.timeout
                )
                case.validate_response(answer, checks=judges)
            except (Exhausted, Forbidden, Unreachable) as over:
                stop.append(over)
            except BaseExceptionGroup as group:
                for fault in group.exceptions:
                    words = f"{case.method.upper()} {operation.path}: {getattr(fault, 'title', type(fault).__name__)}"
                    detail = str(getattr(fault, "message", "") or "").strip().split("\n")[0][:300]
                    told.add(f"{words}. {detail}" if detail else words)

        wrapped = hypothesis.seed(self.seed)(
            hypothesis.settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
                print_blob=False,
            )(hypothesis.given(case=operation.as_strategy())(attempt))
        )
        try:
            wrapped()
        except (hypothesis.errors.HypothesisException, ValueError, TypeError) as fault:
            self.add(
                "conforms", _("{path} cannot be tested: {name}", path=operation.path, name=type(fault).__name__), where
            )
        for words in sorted(told):
            self.add("conforms", words, where)
        if stop:
            raise stop[0]


def _same(body: bytes, data: Any) -> bool:
    try:
        return bool(load(body).data == data)
    except Unreadable:
        return False


def _is_problem(answer: Reply) -> bool:
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/problem+xml":
        return True
    if kind != "application/problem+json":
        return False
    try:
        return isinstance(nesting.read(answer.body), dict)
    except ValueError:
        return False


def _readable(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    paths = data.get("paths") if type(data) is dict else None
    for path, item in (paths if type(paths) is dict else {}).items():
        operation = item.get("get") if type(item) is dict else None
        if type(operation) is dict:
            yield path, operation


def guarded_session(guard: Guard) -> Any:
    """A `requests` session whose every call goes through the guard: no proxies, no redirects, no cookies kept."""
    import requests
    import urllib3
    from requests.adapters import BaseAdapter

    class Adapter(BaseAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            body = request.body.encode() if isinstance(request.body, str) else request.body
            answer = guard.fetch(request.method, request.url, dict(request.headers), body)
            made = requests.Response()
            made.status_code, made.reason = answer.status, answer.reason
            made.headers.update(answer.headers)
            made._content = answer.body
            made.url, made.request = request.url, request
            made.encoding = requests.utils.get_encoding_from_headers(made.headers)
            made.raw = urllib3.HTTPResponse(io.BytesIO(answer.body), answer.headers, answer.status, version=11)
            return made

        def close(self) -> None:
            return None

    class Session(requests.Session):
        def get_redirect_target(self, resp: Any) -> None:
            return None

    session = Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    session.headers["User-Agent"] = "prelude-conformance"
    return session


MEMORY = 3_000_000_000
"""Bytes of address space the process that makes the calls may take."""


def serve() -> int:
    """The process: one trial from standard input, its report to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    trial = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Trial)
    guard = Guard(
        loopback=trial.loopback,
        own_hosts=frozenset(trial.own_hosts),
        requests=trial.requests,
        seconds=trial.seconds,
        pace=trial.pace,
    )
    profile = compose(trial.ruleset, trial.description)
    report = conform(
        trial.document,
        trial.sandbox,
        trial.token,
        profile,
        guard,
        writable=trial.writable,
        credentials=trial.credentials,
    )
    sys.stdout.buffer.write(msgspec.msgpack.encode(report))
    return 0


if __name__ == "__main__":
    sys.exit(serve())
