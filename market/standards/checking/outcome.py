"""What a check answers: one of four outcomes, the findings behind it, and the record that is kept of the run.

*Could not check* is its own outcome and never a pass: a document that cannot be read, is not an OpenAPI document, or on
which a rule could not finish has not shown that it conforms. A run record holds everything needed to repeat the run:
digests of document and profile, the version of the engine, and the times, which are given to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from market.proof.certificates import Outcome
from market.wording import _

ENGINE = "prelude-standards 1.0"
"""Name and version of the engine, part of every record; raised whenever an outcome could change."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong: which rule says so and why, where, what stands there, how to mend it.

    `tier` is gate (it decides) or advisory (it is told). `path` is the JSON path from the root; `line` and `column`
    count from 1, 0 when the finding has no place in the text. `waived` is the reference of the waiver that covers it.
    """

    rule: str
    tier: str
    severity: str
    path: list[str | int]
    message: str
    detail: str = ""
    line: int = 0
    column: int = 0
    excerpt: str = ""
    title: str = ""
    why: str = ""
    source: str = ""
    source_url: str = ""
    mend: str = ""
    gate_from: str = ""
    waived: str = ""

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)

    @property
    def place(self) -> str:
        """The path as people read it: `paths › /permits › get`."""
        return " › ".join(str(step) for step in self.path) or _("the document")


class Waiver(msgspec.Struct, frozen=True):
    """A signed permission to break one rule, or one rule in one part of the document, until a date.

    `pointer` is a JSON pointer; empty means the whole document. A waiver past `expires_on` has no effect.
    """

    rule: str
    reference: str
    expires_on: date
    pointer: str = ""

    def covers(self, finding: Finding, on: date) -> bool:
        """Whether it excuses a finding on a day."""
        if self.rule != finding.rule or on > self.expires_on:
            return False
        return not self.pointer or finding.pointer == self.pointer or finding.pointer.startswith(self.pointer + "/")


class Run(msgspec.Struct, frozen=True):
    """The record of one check. `reason` says why nothing could be checked; `undone` names rules that did not finish.
    `live` is the evidence of live conformance where it was asked for, as :mod:`live` describes it."""

    document: str
    profile: str
    profile_version: str
    profile_digest: str
    outcome: Outcome
    findings: list[Finding]
    started_at: datetime
    finished_at: datetime
    engine: str = ENGINE
    name: str = ""
    api_title: str = ""
    api_version: str = ""
    openapi: str = ""
    reason: str = ""
    undone: dict[str, str] = {}
    rules: list[str] = []
    unlisted: int = 0
    live: dict[str, Any] | None = None

    @property
    def gates(self) -> list[Finding]:
        """The findings that decide, waived ones left out."""
        return [finding for finding in self.findings if finding.tier == "gate" and not finding.waived]

    @property
    def advisories(self) -> list[Finding]:
        """The findings that are told but decide nothing yet."""
        return [finding for finding in self.findings if finding.tier != "gate"]

    def json(self) -> bytes:
        """The record as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @staticmethod
    def from_json(data: bytes) -> Run:
        """A record from its JSON. Refused (msgspec.ValidationError) when it is not one."""
        return msgspec.json.decode(data, type=Run)

    def text(self, most: int = 200) -> str:
        """The record for a terminal: the outcome first, then each finding with its place and how to mend it."""
        lines = [f"{self.outcome.words}: {self.name or self.document} against {self.profile} {self.profile_version}"]
        if self.reason:
            lines.append(f"  {self.reason}")
        lines.extend(f"  not finished: {rule} ({why})" for rule, why in self.undone.items())
        for finding in self.findings[:most]:
            mark = "waived" if finding.waived else finding.tier
            where = f"{self.name or 'document'}:{finding.line}:{finding.column}" if finding.line else finding.place
            lines.append(f"\n{where}  {mark}  {finding.rule}")
            lines.append(f"  {finding.title or finding.message}")
            if finding.detail and finding.detail not in (finding.title, finding.message):
                lines.append(f"  {finding.detail}")
            lines.append(f"  at {finding.place}")
            if finding.why:
                lines.append(f"  why: {finding.why}" + (f" ({finding.source})" if finding.source else ""))
            if finding.mend:
                lines.append(f"  mend: {finding.mend}")
        rest = len(self.findings) - most + self.unlisted if len(self.findings) > most else self.unlisted
        if rest > 0:
            lines.append(f"\n… and {rest} more")
        gates, advisories = len(self.gates), len(self.advisories)
        lines.append(f"\n{gates} to mend before it passes, {advisories} advisory.")
        return "\n".join(lines)


def decide(findings: Sequence[Finding], complete: bool) -> Outcome:
    """The outcome of a set of findings. Something to mend is a fail even when a rule could not finish; without one, an
    unfinished run is *could not check*."""
    gates = [finding for finding in findings if finding.tier == "gate"]
    if any(not finding.waived for finding in gates):
        return Outcome.FAIL
    if not complete:
        return Outcome.COULD_NOT_CHECK
    return Outcome.PASS_WITH_WAIVERS if gates else Outcome.PASS


def waive(findings: Iterable[Finding], waivers: Sequence[Waiver], on: date) -> list[Finding]:
    """The findings, each marked with the first waiver that covers it."""
    marked = []
    for finding in findings:
        waiver = next((each for each in waivers if each.covers(finding, on)), None)
        marked.append(msgspec.structs.replace(finding, waived=waiver.reference) if waiver else finding)
    return marked
