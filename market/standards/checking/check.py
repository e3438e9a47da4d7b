"""Checking a document against a profile: the one way in for pages, the API, jobs, and the command line.

Pure: the bytes, the profile, the waivers and the moment are given, and a run record comes back. Nothing in a document
makes it raise; what cannot be checked is an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path as File
from time import perf_counter
from typing import Any

from market.openapi import limits
from market.openapi.document import Document, Unreadable, digest, load
from market.openapi.run import LintFinding, LintResult, lint
from market.proof.certificates import Outcome
from market.standards.checking.outcome import Finding, Run, Waiver, decide, waive
from market.standards.checking.profiles import Profile, profile
from market.wording import N_, _


def check(
    raw: bytes,
    against: Profile,
    *,
    at: datetime,
    name: str = "",
    waivers: Sequence[Waiver] = (),
    extra: Sequence[Finding] = (),
    seconds: float | None = None,
) -> Run:
    """Check the bytes of a document. `at` is when the run starts (aware); the record's end is `at` plus the time taken.

    `extra` are findings made elsewhere (of a change, of live conformance) that decide with the others. Rules are gates
    or advisory as of the day of `at`.
    """
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    record = partial(_record, raw, against, at, perf_counter(), name, waivers)
    try:
        document = load(raw)
    except Unreadable as error:
        reason = error.reason + (_(" (line {line})", line=error.line) if error.line else "")
        return record(document=None, result=None, findings=[*extra], reason=reason)
    result = lint(document, against.ruleset, name or None, seconds)
    findings = [*_findings(result, against, at), *extra]
    reason = ""
    if not result.recognised:
        reason = _("The document does not say that it is an OpenAPI document (openapi: 3.…), so no rule applies to it.")
    elif "*" in result.undone:
        reason = _("The check did not finish: {reason}.", reason=result.undone["*"])
    elif result.undone:
        reason = _(
            "{number} of the rules did not finish: {names}.",
            number=len(result.undone),
            names=", ".join(sorted(result.undone)[:5]),
        )
    return record(document=document, result=result, findings=findings, reason=reason)


def check_file(path: str | File, against: str | Profile, *, at: datetime, waivers: Sequence[Waiver] = ()) -> Run:
    """Check a file against a shipped profile (`uk-core`, `uk-core@1.0.0`) or one given. Raises OSError when the file
    cannot be read at all and NoSuchProfile when there is none."""
    place = File(path)
    size = place.stat().st_size
    with place.open("rb") as stream:
        raw = stream.read(min(size, limits.MAX_BYTES) + 1)
    chosen = profile(against) if isinstance(against, str) else against
    return check(raw, chosen, at=at, name=place.name, waivers=waivers)


def _findings(result: LintResult, against: Profile, at: datetime) -> list[Finding]:
    made = []
    for found in result.findings:
        if found.rule == "unrecognized-format":
            continue
        made.append(finding(found, against, at))
    return made


_ENGINE_CARDS: dict[str, tuple[str, str, str]] = {
    "parser": (
        N_("The text is read without ambiguity"),
        N_("Programs disagree about which of two equal names counts, and about names that are not text."),
        N_("Remove the repeated name; put names that are numbers in quotation marks."),
    ),
    "invalid-ref": (
        N_("Every reference leads to a part of the document"),
        N_("Nothing outside the document is fetched: what it means must not depend on somebody else's server."),
        N_("Correct the reference, or bundle the document into one file before lodging it."),
    ),
}


def finding(found: LintFinding, against: Profile, at: datetime) -> Finding:
    """A finding of the engine with what the profile says about its rule."""
    card = against.cards.get(found.rule)
    rule = against.ruleset.rules.get(found.rule)
    extensions: Any = rule.extensions if rule is not None else {}
    if found.rule in _ENGINE_CARDS:
        title, why, mend = map(_, _ENGINE_CARDS[found.rule])
    else:
        title, why, mend = "", str(extensions.get("why", "")), str(extensions.get("mend", ""))
    gate_from = card.gate_from.isoformat() if card is not None and card.gate_from else ""
    return Finding(
        rule=found.rule,
        tier=against.tier(found.rule, found.severity, at.date()),
        severity=found.severity,
        path=list(found.path),
        message=found.message,
        detail=found.detail,
        line=found.line,
        column=found.column,
        excerpt=found.excerpt,
        title=card.title if card else title,
        why=card.why if card else why,
        source=card.source if card else "",
        source_url=card.source_url if card else "",
        mend=card.mend if card else mend,
        gate_from=gate_from,
    )


def _record(
    raw: bytes,
    against: Profile,
    at: datetime,
    began: float,
    name: str,
    waivers: Sequence[Waiver],
    *,
    document: Document | None,
    result: LintResult | None,
    findings: list[Finding],
    reason: str,
) -> Run:
    marked = waive(findings, waivers, at.date())
    complete = not reason
    outcome = decide(marked, complete)
    if document is None or (result is not None and not result.recognised):
        outcome = Outcome.COULD_NOT_CHECK
    data: Any = document.data if document is not None and type(document.data) is dict else {}
    info = data.get("info") if type(data.get("info")) is dict else {}
    return Run(
        document=digest(raw),
        profile=against.name,
        profile_version=against.version,
        profile_digest=against.digest,
        outcome=outcome,
        findings=marked,
        started_at=at,
        finished_at=at + timedelta(seconds=perf_counter() - began),
        name=name,
        api_title=_short(info.get("title")),
        api_version=_short(info.get("version")),
        openapi=_short(data.get("openapi") or data.get("swagger")),
        reason=reason,
        undone=dict(result.undone) if result is not None else {},
        rules=list(result.rules) if result is not None else [],
        unlisted=sum(result.dropped.values()) if result is not None else 0,
    )


def _short(value: Any) -> str:
    return str(value)[:200] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
