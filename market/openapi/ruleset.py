"""Reading Spectral-format rulesets: what they say, what they extend, and what is refused.

A ruleset is data here. Its functions come from a closed set; JavaScript functions, remote or file `extends` and
unparsable expressions are refused when the ruleset is imported, each with the rule that is lost, so the author learns
of it and a supplier never does.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from market.openapi import limits
from market.openapi.document import Unreadable, load
from market.openapi.functions import CORE, BadOptions, Judge, Maker
from market.openapi.jsonpath import BadPath, Expression, compile_path
from market.openapi.oas import OAS

FUNCTIONS: dict[str, Maker] = {**CORE, **OAS}
SEVERITIES = ("error", "warn", "info", "hint")
BUILT_IN = File(__file__).parents[2] / "fixtures" / "standards" / "rulesets"
_FORMATS = {
    "oas2", "oas3", "oas3.0", "oas3.1", "oas3.2", "asyncapi2", "asyncapi3", "aapi2", "aapi3", "arazzo1.0",
    "json-schema", "json-schema-loose", "json-schema-draft4", "json-schema-draft6", "json-schema-draft7",
    "json-schema-2019-09", "json-schema-2020-12", "json-schema-draft-2019-09", "json-schema-draft-2020-12",
}  # fmt: skip
_ALIAS = re.compile(r"#([A-Za-z0-9_-]+)")
_RULE_KEYS = {
    "description", "documentationUrl", "recommended", "given", "resolved", "severity", "message", "tags", "formats",
    "then", "type", "extensions",
}  # fmt: skip
_RULESET_KEYS = {
    "documentationUrl", "description", "rules", "functions", "functionsDir", "formats", "extends", "parserOptions",
    "overrides", "aliases",
}  # fmt: skip


class RulesetRefused(Exception):
    """The ruleset cannot be imported. `problems` names each place and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems[:20]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Then:
    """One judgement of a rule: a function, the field of the value it looks at, its options."""

    function: str
    judge: Judge
    field: str | None = None
    path: Expression | None = None
    options: Any = None
    steps: tuple[str, ...] = ()
    passes: Callable[[Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to run. `severity` is an index into :data:`SEVERITIES`."""

    name: str
    given: tuple[str, ...]
    then: tuple[Then, ...]
    severity: int = 1
    message: str | None = None
    description: str | None = None
    formats: frozenset[str] | None = None
    recommended: bool = True
    resolved: bool = True
    enabled: bool = True
    url: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Any] = field(default_factory=dict)
    pointers: tuple[tuple[str, int], ...] = ()
    """Severities for parts of the document (JSON pointers), from `overrides`; -1 is off."""

    def expressions(self, formats: frozenset[str]) -> list[str]:
        """The JSONPaths of `given`, aliases replaced for a document of these formats."""
        found: list[str] = []
        for expression in self.given:
            found.extend(unaliased(self.aliases, expression, formats))
        return found


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A set of rules with the formats it knows and how it treats faults of the text itself."""

    rules: dict[str, Rule]
    formats: frozenset[str]
    duplicate_keys: int = 0
    incompatible_values: int = 0
    overrides: tuple[Any, ...] = ()
    library: Mapping[str, str] = field(default_factory=dict)
    source: Any = None

    def enabled(self) -> list[Rule]:
        """The rules that run."""
        return [rule for rule in self.rules.values() if rule.enabled]

    def for_source(self, name: str | None) -> Ruleset:
        """The ruleset with the `overrides` that concern a document of this file name."""
        if not self.overrides or name is None:
            return self
        whole: list[dict[str, Any]] = []
        pointed: dict[str, list[tuple[str, int]]] = {}
        for override in self.overrides:
            applies = False
            for pattern in override["files"]:
                glob, _, pointer = pattern.partition("#")
                if not _globbed(name, glob):
                    continue
                if "#" not in pattern:
                    applies = True
                    continue
                for rule, severity in override.get("rules", {}).items():
                    pointed.setdefault(rule, []).append((pointer, _severity(severity, rule)))
            if applies:
                whole.append({key: value for key, value in override.items() if key != "files"})
        made = self
        for override in whole:
            problems: list[str] = []
            made = _Import(self.library, problems).ruleset(override, "recommended", False, (), made)
            if problems:
                raise RulesetRefused(problems)
        if pointed:
            rules = dict(made.rules)
            for rule, pointers in pointed.items():
                if rule in rules:
                    rules[rule] = replace(rules[rule], pointers=tuple(pointers), enabled=True)
            made = replace(made, rules=rules)
        return made


def _globbed(name: str, glob: str) -> bool:
    pattern = glob.removeprefix("./")
    if pattern.startswith("**/") and fnmatch.fnmatchcase(name, pattern[3:]):
        return True
    return fnmatch.fnmatchcase(name, pattern)


def read(text: str | bytes, library: Mapping[str, str] | None = None) -> Ruleset:
    """Read a ruleset (YAML or JSON). `library` maps names that `extends` may use to ruleset texts, beside the built-in
    `spectral:oas`. Raises :class:`RulesetRefused` with every problem found."""
    raw = text if isinstance(text, bytes) else text.encode()
    if len(raw) > limits.MAX_RULESET_BYTES:
        raise RulesetRefused([f"the ruleset has more than {limits.MAX_RULESET_BYTES:,} bytes"])
    try:
        document = load(raw)
    except Unreadable as error:
        raise RulesetRefused([f"the ruleset cannot be read: {error.reason}"]) from None
    problems = [f"line {each.line}: {each.message}" for each in document.problems if each.kind == "duplicate-key"]
    if problems:
        raise RulesetRefused(problems)
    made = _Import(library or {}, problems).ruleset(document.data, "recommended", False, ())
    if problems:
        raise RulesetRefused(problems)
    return made


@lru_cache(maxsize=1)
def built_in() -> dict[str, str]:
    """The rulesets that come with the engine, by the name `extends` uses."""
    return {"spectral:oas": (BUILT_IN / "spectral-oas.yaml").read_text(encoding="utf-8")}


@lru_cache(maxsize=8)
def _definition(text: str) -> Any:
    return load(text.encode()).data


def _severity(value: Any, rule: str) -> int:
    if type(value) is str and value in (*SEVERITIES, "off"):
        return -1 if value == "off" else SEVERITIES.index(value)
    if type(value) is int and -1 <= value <= 3:
        return value
    if type(value) is str and value in ("0", "1", "2", "3", "-1"):
        return int(value)
    raise RulesetRefused([f"rule {rule}: {value!r} is not a severity (error, warn, info, hint, off)"])


def unaliased(
    aliases: Mapping[str, Any], expression: str, formats: frozenset[str], inside: tuple[str, ...] = ()
) -> list[str]:
    """An expression with `#Alias` replaced. Circular and unknown aliases are refused as :class:`BadPath`."""
    if not expression.startswith("#"):
        return [expression]
    match = _ALIAS.match(expression)
    if match is None:
        raise BadPath(f"{expression!r} starts with # but names no alias")
    name = match.group(1)
    if name in inside:
        raise BadPath(f"the alias {name} refers to itself")
    if name not in aliases:
        raise BadPath(f"the alias {name} does not exist")
    value = aliases[name]
    parts: Any = [value] if type(value) is str else value
    if type(value) is dict:
        parts = next(
            (target["given"] for target in reversed(value["targets"]) if formats & _format_set(target["formats"])), []
        )
        parts = [parts] if type(parts) is str else parts
    found: list[str] = []
    for part in parts:
        found.extend(unaliased(aliases, part + expression[match.end() :], formats, (*inside, name)))
        if len(found) > 200:
            raise BadPath(f"the alias {name} multiplies beyond 200 expressions")
    return found


def _format_set(names: Any) -> frozenset[str]:
    return frozenset(_format_name(name) for name in names)


def _format_name(name: str) -> str:
    return re.sub(r"(\d)_(\d)", r"\1.\2", name)


class _Import:
    def __init__(self, library: Mapping[str, str], problems: list[str]) -> None:
        self.library = library
        self.problems = problems

    def ruleset(
        self, given: Any, mode: str, explicit: bool, inside: tuple[str, ...], on: Ruleset | None = None
    ) -> Ruleset:
        if type(given) is not dict:
            self.problems.append("a ruleset is an object with rules or extends")
            return Ruleset({}, frozenset())
        for key in given:
            if key not in _RULESET_KEYS and not key.startswith("x-"):
                self.problems.append(f"a ruleset has no member {key!r}")
        if not any(key in given for key in ("rules", "extends", "overrides")):
            self.problems.append("a ruleset needs rules, extends or overrides")
        rules: dict[str, Rule] = dict(on.rules) if on is not None else {}
        formats: set[str] = set(self.formats(given.get("formats", []), "the ruleset"))
        own_formats = frozenset(formats) if "formats" in given else None
        if on is not None:
            formats |= on.formats
        for name, how, told in self.extensions(given.get("extends", [])):
            base = self.extended(name, how, told, inside)
            if base is None:
                continue
            rules.update(base.rules)
            formats |= base.formats
        if explicit:
            for name, rule in list(rules.items()):
                rules[name] = replace(rule, enabled=mode == "all" or (mode == "recommended" and rule.recommended))
        aliases = self.aliases(given.get("aliases", {}))
        if on is not None and type(on.source) is dict:
            aliases = {**self.aliases(on.source.get("aliases", {})), **aliases}
        defined = given.get("rules", {})
        if type(defined) is not dict:
            self.problems.append("rules must be an object")
            defined = {}
        if len(defined) > limits.MAX_RULES:
            self.problems.append(f"more than {limits.MAX_RULES} rules")
            defined = {}
        foreign = self.foreign(given)
        for name, body in defined.items():
            try:
                rules[name] = self.rule(
                    name,
                    body,
                    rules.get(name),
                    aliases=aliases,
                    own_formats=own_formats,
                    mode=mode,
                    explicit=explicit,
                    foreign=foreign,
                    ruleset=given,
                )
            except RulesetRefused as refused:
                self.problems.extend(refused.problems)
                continue
            formats |= rules[name].formats or frozenset()
        options = given.get("parserOptions", {})
        options = options if type(options) is dict else {}
        return Ruleset(
            rules,
            frozenset(formats),
            _severity(options.get("duplicateKeys", "error"), "parserOptions"),
            _severity(options.get("incompatibleValues", "error"), "parserOptions"),
            self.overrides(given.get("overrides", [])) if not inside else (),
            self.library,
            given,
        )

    def overrides(self, given: Any) -> tuple[Any, ...]:
        if type(given) is not list:
            self.problems.append("overrides must be a list")
            return ()
        kept = []
        for each in given:
            files = each.get("files") if type(each) is dict else None
            if type(files) is not list or not files or not all(type(file) is str for file in files):
                self.problems.append("an override needs files, a list of patterns")
                continue
            if type(each.get("rules", {})) is not dict or type(each.get("aliases", {})) is not dict:
                self.problems.append("rules and aliases of an override must be objects")
                continue
            if any("#" in file for file in files):
                for rule, severity in each.get("rules", {}).items():
                    try:
                        _severity(severity, rule)
                    except RulesetRefused as refused:
                        self.problems.extend(refused.problems)
            kept.append(each)
        return tuple(kept)

    def extensions(self, given: Any) -> list[tuple[str, str, bool]]:
        found = []
        for each in given if type(given) is list else [given]:
            if type(each) is str:
                found.append((each, "recommended", False))
            elif (
                type(each) is list
                and len(each) == 2
                and type(each[0]) is str
                and each[1] in ("off", "recommended", "all")
            ):
                found.append((each[0], each[1], True))
            else:
                self.problems.append(f"extends: {each!r} is not a name or [name, off | recommended | all]")
        return found

    def extended(self, name: str, mode: str, explicit: bool, inside: tuple[str, ...]) -> Ruleset | None:
        if name in inside or len(inside) > 10:
            return None
        text = self.library.get(name) or built_in().get(name)
        if text is None:
            self.problems.append(
                f"extends: {name!r} is not known here; only spectral:oas and published profiles can be extended "
                "(nothing is fetched: paste the rules of a remote ruleset)"
            )
            return None
        try:
            definition = _definition(text)
        except Unreadable as error:
            self.problems.append(f"extends: {name} cannot be read: {error.reason}")
            return None
        return self.ruleset(definition, mode, explicit, (*inside, name))

    def formats(self, given: Any, where: str) -> frozenset[str]:
        if type(given) is not list or not all(type(each) is str for each in given):
            self.problems.append(f"{where}: formats must be a list of names")
            return frozenset()
        names = _format_set(given)
        for name in sorted(names - _FORMATS):
            self.problems.append(f"{where}: the format {name!r} is not known")
        return names & _FORMATS

    def aliases(self, given: Any) -> dict[str, Any]:
        if type(given) is not dict:
            self.problems.append("aliases must be an object")
            return {}
        made: dict[str, Any] = {}
        for name, value in given.items():
            if _texts(value):
                made[name] = value
            elif type(value) is dict and type(value.get("targets")) is list and value["targets"]:
                good = all(
                    type(target) is dict and _texts(target.get("given")) and type(target.get("formats")) is list
                    for target in value["targets"]
                )
                if good:
                    for target in value["targets"]:
                        self.formats(target["formats"], f"alias {name}")
                    made[name] = value
                else:
                    self.problems.append(f"alias {name}: each target needs formats and given")
            else:
                self.problems.append(f"alias {name}: must be a JSONPath, a list of them, or targets")
        return made

    def foreign(self, given: dict[str, Any]) -> set[str]:
        names: set[str] = set()
        listed = given.get("functions", [])
        for each in listed if type(listed) is list else []:
            name = each[0] if type(each) is list and each else each
            if type(name) is str:
                names.add(name)
        return names

    def rule(
        self,
        name: str,
        body: Any,
        known: Rule | None,
        aliases: dict[str, Any],
        own_formats: frozenset[str] | None,
        mode: str,
        explicit: bool,
        foreign: set[str],
        ruleset: dict[str, Any],
    ) -> Rule:
        if type(body) in (bool, str, int):
            if known is None:
                raise RulesetRefused([f"rule {name}: there is no such rule to switch or re-level"])
            if type(body) is bool:
                made = replace(known, enabled=body)
            else:
                severity = _severity(body, name)
                made = replace(known, severity=max(severity, 0), enabled=severity >= 0)
        elif type(body) is dict:
            made = self.defined(name, body, known, aliases, own_formats, foreign, ruleset)
            if known is None:
                made = replace(made, enabled=mode == "all" or (mode == "recommended" and made.recommended))
        else:
            raise RulesetRefused([f"rule {name}: must be an object, a severity or true/false"])
        if explicit:
            made = replace(made, enabled=mode == "all" or (mode == "recommended" and made.recommended))
        return made

    def defined(
        self,
        name: str,
        body: dict[str, Any],
        known: Rule | None,
        aliases: dict[str, Any],
        own_formats: frozenset[str] | None,
        foreign: set[str],
        ruleset: dict[str, Any],
    ) -> Rule:
        wrong = [
            f"rule {name}: has no member {key!r}" for key in body if key not in _RULE_KEYS and not key.startswith("x-")
        ]
        if known is None and ("given" not in body or "then" not in body):
            wrong.append(f"rule {name}: needs given and then")
        for key, kind in (
            ("description", str), ("message", str), ("documentationUrl", str), ("recommended", bool), ("resolved", bool),
            ("extensions", dict),
        ):  # fmt: skip
            if key in body and type(body[key]) is not kind:
                wrong.append(
                    f"rule {name}: {key} must be {'text' if kind is str else 'true or false' if kind is bool else 'an object'}"
                )
        if wrong:
            raise RulesetRefused(wrong)
        changes: dict[str, Any] = {"enabled": True}
        if "severity" in body:
            severity = _severity(body["severity"], name)
            changes["severity"] = max(severity, 0)
            if severity < 0:
                changes["enabled"] = False
        for key, target in (
            ("description", "description"), ("message", "message"), ("recommended", "recommended"),
            ("resolved", "resolved"), ("documentationUrl", "url"), ("extensions", "extensions"),
        ):  # fmt: skip
            if key in body:
                changes[target] = body[key]
        if "formats" in body:
            changes["formats"] = self.formats(body["formats"], f"rule {name}")
        elif known is None and own_formats is not None:
            changes["formats"] = own_formats
        if "given" in body:
            changes["given"], changes["aliases"] = self.given(name, body["given"], aliases), aliases
        if "then" in body:
            changes["then"] = self.then(name, body["then"], foreign)
        if known is None:
            url = ruleset.get("documentationUrl")
            if type(url) is str and "url" not in changes:
                changes["url"] = f"{url}#{name}"
            return Rule(name, **changes)
        return replace(known, **changes)

    def given(self, name: str, given: Any, aliases: dict[str, Any]) -> tuple[str, ...]:
        if not _texts(given):
            raise RulesetRefused([f"rule {name}: given must be a JSONPath or a list of them"])
        expressions = (given,) if type(given) is str else tuple(given)
        wrong = []
        for expression in expressions:
            try:
                for each in _all_unaliased(aliases, expression):
                    path(each)
            except BadPath as error:
                wrong.append(f"rule {name}: the expression {expression!r} cannot be read: {error}")
        if wrong:
            raise RulesetRefused(wrong)
        return expressions

    def then(self, name: str, given: Any, foreign: set[str]) -> tuple[Then, ...]:
        steps = []
        for each in given if type(given) is list else [given]:
            if type(each) is not dict or type(each.get("function")) is not str:
                raise RulesetRefused([f"rule {name}: then needs a function"])
            extra = set(each) - {"field", "function", "functionOptions"}
            if extra:
                raise RulesetRefused([f"rule {name}: then has no member {sorted(extra)[0]!r}"])
            function = each["function"]
            maker = FUNCTIONS.get(function)
            if maker is None or function in foreign:
                raise RulesetRefused(
                    [
                        f"rule {name}: the function {function!r} is JavaScript or unknown; only Spectral's core and "
                        "OpenAPI functions run here, so this rule would be lost"
                    ]
                )
            options = each.get("functionOptions")
            if options is not None and type(options) is not dict:
                raise RulesetRefused([f"rule {name}: functionOptions must be an object"])
            field_name = each.get("field")
            if field_name is not None and type(field_name) is not str:
                raise RulesetRefused([f"rule {name}: field must be text"])
            try:
                judge = maker(options or {})
                inner = path(field_name) if field_name is not None and _WHOLE_PATH.match(field_name) else None
            except (BadOptions, BadPath) as error:
                raise RulesetRefused([f"rule {name}: the function {function} {error}"]) from None
            fields = field_steps(field_name or "")
            steps.append(Then(function, judge, field_name, inner, options, fields, getattr(judge, "passes", None)))
        if not steps:
            raise RulesetRefused([f"rule {name}: then is empty"])
        return tuple(steps)


_WHOLE_PATH = re.compile(r"\$(?:[.\[]|$)")
"""A field that is a JSONPath; `$ref` and `$id` are names of members."""


def field_steps(text: str) -> tuple[str, ...]:
    """The steps of a dotted field: `info.contact`, `tags[0].name`, `['a.b']`."""
    steps = []
    for match in re.finditer(r"\[(?:'([^']*)'|\"([^\"]*)\"|([^\]]*))\]|([^.\[\]]+)", text):
        steps.append(next(group for group in match.groups() if group is not None))
    return tuple(steps)


def _texts(value: Any) -> bool:
    return type(value) is str or (type(value) is list and bool(value) and all(type(each) is str for each in value))


_EVERY_FORMAT = ("oas2", "oas3", "oas3.0", "oas3.1", "oas3.2")


def _all_unaliased(aliases: dict[str, Any], expression: str) -> list[str]:
    found: dict[str, None] = {}
    for name in _EVERY_FORMAT:
        for each in unaliased(aliases, expression, frozenset((name,))):
            found[each] = None
    return list(found)


@lru_cache(maxsize=4096)
def path(source: str) -> Expression:
    """A JSONPath, parsed once per process."""
    return compile_path(source)


def detect(data: Any) -> frozenset[str]:
    """The formats of a document, by what it declares."""
    found: set[str] = set()
    if type(data) is not dict:
        return frozenset()
    if "swagger" in data and _leading_number(data["swagger"]) == 2:
        found.add("oas2")
    if "openapi" in data and _leading_number(data["openapi"]) == 3:
        found.add("oas3")
        minor = re.match(r"3\.([012])(\.[0-9]*)?\Z", str(data["openapi"]), re.ASCII)
        if minor:
            found.add(f"oas3.{minor.group(1)}")
    if "asyncapi" in data:
        found.add(f"asyncapi{_leading_number(data['asyncapi'])}")
        found.add(f"aapi{_leading_number(data['asyncapi'])}")
    if type(data.get("$schema")) is str and "//json-schema.org/" in data["$schema"]:
        found |= {"json-schema", "json-schema-loose"}
    return frozenset(found)


def _leading_number(value: Any) -> int:
    match = re.match(r"\s*([-+]?\d{1,6})", str(value), re.ASCII)
    return int(match.group(1)) if match and type(value) is not bool else -1
