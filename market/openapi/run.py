"""Running a ruleset over a document: which rules apply, which values they judge, what they found, what was left undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from market.openapi import limits
from market.openapi.document import Document, Path, Unreadable
from market.openapi.functions import Call, Hit, shown
from market.openapi.graph import MISSING, Graph, Match, View
from market.openapi.jsonpath import evaluate, evaluate_below, is_keyed
from market.openapi.limits import Deadline, OutOfTime
from market.openapi.patterns import PatternTimeout
from market.openapi.ruleset import SEVERITIES, Rule, Ruleset, Then, detect, path


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing a rule found. `severity` is error, warn, info or hint; `detail` is what the function said."""

    rule: str
    severity: str
    path: Path
    message: str
    detail: str
    excerpt: str
    line: int = 0
    column: int = 0


@dataclass(slots=True)
class LintResult:
    """What a run found and how far it got. `undone` maps each rule that could not finish to the reason; a run with
    anything undone, or of an unrecognised document, is no pass."""

    findings: list[LintFinding] = field(default_factory=list)
    formats: frozenset[str] = frozenset()
    recognised: bool = True
    rules: tuple[str, ...] = ()
    undone: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    """Findings beyond the limit per rule, counted but not listed."""


def lint(document: Document, ruleset: Ruleset, source: str | None = None, seconds: float | None = None) -> LintResult:
    """Judge a document by a ruleset. Never raises for anything in the document. `seconds` bounds the run; without it
    the document's size does."""
    allowed = limits.run_seconds(len(document.text)) if seconds is None else seconds
    return _Run(document, ruleset.for_source(source), allowed).result()


class _Run:
    def __init__(self, document: Document, ruleset: Ruleset, seconds: float) -> None:
        self.document = document
        self.ruleset = ruleset
        self.deadline = Deadline(seconds, "the whole run")
        self.rule_seconds = seconds / 2
        self.found: dict[tuple[str, Path, str], tuple[int, str]] = {}
        self.counts: dict[str, int] = {}
        self.answer = LintResult()
        self.memory: dict[Any, Any] = {}
        self.matched: dict[tuple[bool, str], list[Match]] = {}
        self.zones: dict[str, frozenset[int]] | None = None
        self.graph: Graph

    def result(self) -> LintResult:
        answer = self.answer
        answer.formats = detect(self.document.data)
        self.parser_problems()
        try:
            self.graph = Graph(self.document.data)
        except Unreadable as error:
            answer.undone["*"] = error.reason
            return answer
        self.references()
        known = self.ruleset.formats
        answer.recognised = not known or bool(known & answer.formats)
        if not answer.recognised:
            words = "The document does not say that it is one of: " + ", ".join(sorted(known))
            self.add("unrecognized-format", 1, (), words, words)
        ran = []
        for rule in self.ruleset.enabled():
            if rule.formats is not None and not rule.formats & answer.formats:
                continue
            ran.append(rule.name)
            if not self.one(rule):
                break
        answer.rules = tuple(ran)
        self.finish()
        return answer

    def parser_problems(self) -> None:
        for problem in self.document.problems:
            severity = 0
            if problem.kind == "duplicate-key":
                severity = self.ruleset.duplicate_keys
            elif problem.kind == "incompatible-value":
                severity = self.ruleset.incompatible_values
            if severity >= 0:
                self.add("parser", severity, problem.path, problem.message, problem.message)

    def references(self) -> None:
        for broken in self.graph.broken:
            if broken.external:
                words = f"The reference {broken.target[:200]} leads out of the document; nothing is fetched"
            else:
                words = f"The reference {broken.target[:200]} leads nowhere"
            self.add("invalid-ref", 0, broken.path, words, words)

    def one(self, rule: Rule) -> bool:
        """Run one rule; False when the whole run is over."""
        deadline = Deadline(self.rule_seconds, f"rule {rule.name}", self.deadline)
        view = self.graph.resolved if rule.resolved else self.graph.unresolved
        try:
            for expression in rule.expressions(self.answer.formats):
                for match in self.matches(view, expression, deadline):
                    for then in rule.then:
                        self.judge(rule, then, view, match, deadline)
        except OutOfTime as over:
            self.answer.undone[rule.name] = f"out of time ({over.what})"
            if self.deadline.left <= 0:
                self.answer.undone["*"] = "the run used up its time"
                return False
        except PatternTimeout as over:
            self.answer.undone[rule.name] = str(over)
        except Unreadable as over:
            self.answer.undone[rule.name] = over.reason
        except RecursionError:
            self.answer.undone[rule.name] = "the document nests too deep for this rule"
        except Exception as fault:  # a document never crashes a run: the rule is reported as undone instead
            self.answer.undone[rule.name] = f"the engine failed ({type(fault).__name__}: {str(fault)[:200]})"
        return True

    def matches(self, view: View, expression: str, deadline: Deadline) -> list[Match]:
        key = (view.resolved, expression)
        known = self.matched.get(key)
        if known is None:
            known = evaluate(path(expression), view, deadline, self.note)
            self.matched[key] = known
        return known

    def note(self, words: str) -> None:
        if len(self.answer.notes) < 50 and words not in self.answer.notes:
            self.answer.notes.append(words)

    def judge(self, rule: Rule, then: Then, view: View, match: Match, deadline: Deadline) -> None:
        deadline.tick()
        if then.field is None or match.node < 0:
            self.call(rule, then, view, match, match.value, (), deadline)
            return
        if then.field == "@key":
            content = match.value
            for key in content if type(content) is dict else range(len(content)):
                self.call(rule, then, view, match, str(key), (key,), deadline)
            if not content:
                self.call(rule, then, view, match, MISSING, (), deadline)
            return
        if then.path is not None:
            inner = evaluate_below(then.path, view, match, deadline, self.note)
            for each in inner:
                self.call(rule, then, view, each, each.value, (), deadline)
            if not inner:
                self.call(rule, then, view, match, MISSING, (), deadline)
            return
        target = match
        steps = then.steps
        for step in steps:
            kid = view.step(target.node, step) if target.node >= 0 else None
            if kid is None:
                value: Any = MISSING
                if step == "length" and type(target.value) in (list, str):
                    value = len(target.value)
                self.call(rule, then, view, match, value, steps, deadline)
                return
            target = Match(kid.home, kid.key, kid.value, kid.node, target)
        self.call(rule, then, view, target, target.value, (), deadline)

    def call(
        self, rule: Rule, then: Then, view: View, match: Match, value: Any, steps: tuple[Any, ...], deadline: Deadline
    ) -> None:
        if then.passes is not None and then.passes(value):
            return
        call = Call(match, value, steps, view, self.answer.formats, deadline, self.memory)
        if then.function == "oasExample" and (then.options or {}).get("type") == "media":
            for zone in self.zones_of(match):
                call.zone = zone
                self.take(rule, call, then.judge(call))
            return
        hits = then.judge(call)
        if hits:
            self.take(rule, call, hits)

    def take(self, rule: Rule, call: Call, hits: Any) -> None:
        for hit in hits or ():
            where = self.place(call, hit)
            severity = rule.severity
            if rule.pointers:
                severity = _pointed(rule, where)
            if severity < 0:
                continue
            words = self.words(rule, call, hit, where)
            self.add(rule.name, severity, where, words, hit.message)

    def place(self, call: Call, hit: Hit) -> Path:
        view, match = call.view, call.match
        if hit.absolute:
            return view.place_below(view.root(), hit.steps)
        if is_keyed(match):
            return _key_place(view, match)
        return view.place_below(match, call.steps + hit.steps)

    def words(self, rule: Rule, call: Call, hit: Hit, where: Path) -> str:
        if rule.message is None:
            return (rule.description or hit.message).strip()
        values = {
            "error": hit.message,
            "description": rule.description or "",
            "path": "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in where),
            "property": str(call.steps[-1] if call.steps else where[-1] if where else ""),
            "value": shown(call.value),
        }
        return _PLACEHOLDER.sub(lambda found: _filled(found, values), rule.message).strip()

    def add(self, rule: str, severity: int, where: Path, words: str, detail: str) -> None:
        key = (rule, where, words)
        if key in self.found:
            return
        count = self.counts.get(rule, 0)
        self.counts[rule] = count + 1
        if count >= limits.MAX_FINDINGS_PER_RULE:
            self.answer.dropped[rule] = self.answer.dropped.get(rule, 0) + 1
            return
        self.found[key] = (severity, detail)

    def zones_of(self, match: Match) -> list[str]:
        """Whether a value is reached as part of a request, of a response, or of neither (examples are judged for each)."""
        holding = self.graph.resolved.index().holding
        if "readOnly" not in holding and "writeOnly" not in holding:
            return [""]
        if self.zones is None:
            self.zones = _zones(self.graph.resolved, "oas2" in self.answer.formats)
        found = [zone for zone, nodes in self.zones.items() if match.node in nodes]
        return found or [""]

    def finish(self) -> None:
        places = self.document.locate_all({where for _, where, _ in self.found})
        findings = []
        for (rule, where, words), (severity, detail) in self.found.items():
            line, column = places[where]
            excerpt = _excerpt(self.document.data, where)
            findings.append(
                LintFinding(
                    rule=rule,
                    severity=SEVERITIES[severity],
                    path=where,
                    message=words,
                    detail=detail,
                    excerpt=excerpt,
                    line=line,
                    column=column,
                )
            )
        findings.sort(key=lambda each: (each.line, each.column, each.rule, [str(step) for step in each.path]))
        self.answer.findings = findings


_PLACEHOLDER = re.compile(r"#?\{\{([^}\n]{1,200})\}\}")


def _filled(found: re.Match[str], values: dict[str, str]) -> str:
    inside = found.group(1).strip()
    if not found.group().startswith("#"):
        return values.get(inside, "")
    printed = re.fullmatch(r"print\([\"'](\w+)[\"']\)", inside)
    if printed is None:
        return values.get(inside, "")
    name = printed.group(1)
    if name == "property":
        return f'"{values["property"]}" property ' if values["property"] else "The document "
    return values.get(name, "")


def _key_place(view: View, match: Match) -> Path:
    """A finding on a key (`~`) stands where its value stands."""
    if match.node >= 0:
        return view.graph.path(match.node)
    return (*view.graph.path(match.home), match.key)


def _pointed(rule: Rule, where: Path) -> int:
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in where)
    severity, closest = rule.severity, ""
    for prefix, level in rule.pointers:
        if len(prefix) >= len(closest) and (pointer == prefix or pointer.startswith(prefix + "/")):
            severity, closest = level, prefix
    return severity


def _zones(view: View, older: bool) -> dict[str, frozenset[int]]:
    """The containers reached inside a request body, inside a response, and outside both."""
    root = view.root()
    starts: dict[str, set[int]] = {"request": set(), "response": set()}
    barred: set[tuple[int, str]] = set()

    def start(source: int, key: str, zone: str) -> None:
        kid = view.step(source, key)
        barred.add((source, key))
        if kid is not None and kid.node >= 0:
            starts[zone].add(kid.node)

    if root.node < 0:
        return {"": frozenset()}
    components = view.step(root.node, "components")
    if older:
        start(root.node, "responses", "response")
    elif components is not None and components.node >= 0:
        start(components.node, "requestBodies", "request")
        start(components.node, "responses", "response")
    paths = view.step(root.node, "paths")
    for item in view.kids(paths.node) if paths is not None and paths.node >= 0 else ():
        for operation in view.kids(item.node) if item.node >= 0 else ():
            if operation.node >= 0 and type(view.graph.content[operation.node]) is dict:
                if not older:
                    start(operation.node, "requestBody", "request")
                start(operation.node, "responses", "response")
    seen = {root.node}
    stack = [root.node]
    while stack:
        here = stack.pop()
        for key, child in view.inner(here):
            if child not in seen and (here, key) not in barred:
                seen.add(child)
                stack.append(child)
    return {
        "": frozenset(seen),
        "request": view.reach(starts["request"]),
        "response": view.reach(starts["response"]),
    }


def _excerpt(data: Any, where: Path) -> str:
    """The value at a place, as short JSON."""
    here = data
    for step in where:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return ""
    if type(here) is dict:
        return "{" + ", ".join(list(here)[:6]) + (", …" if len(here) > 6 else "") + "}"
    if type(here) is list:
        return f"[{len(here)} items]"
    text = json.dumps(here if type(here) is not str else here[:120], ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"


Progress = Callable[[str], None]
