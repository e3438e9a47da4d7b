"""JavaScript regular expressions, run with a timeout by the `regex` package.

Rulesets write ECMAScript patterns. The translation keeps their meaning where Python differs: `$` is the very end,
`\\d \\w` are ASCII, a brace that is no quantifier is a brace, `[` inside a class is itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]

from market.standards.lint import limits


class BadPattern(Exception):
    """The expression is not one we can run; the ruleset that holds it is refused at import."""


class PatternTimeout(Exception):
    """The expression did not finish on this string within its time."""


_DELIMITED = re.compile(r"/(.+)/([a-z]*)\Z", re.DOTALL)
_QUANTIFIER = re.compile(r"\{\d+(,\d*)?\}")


def translate(source: str, flags: str = "") -> tuple[str, int]:
    """A JavaScript pattern and its flags as `regex` takes them."""
    out: list[str] = []
    at, size = 0, len(source)
    in_class = False
    multiline = "m" in flags
    while at < size:
        sign = source[at]
        if sign == "\\" and at + 1 < size:
            after = source[at + 1]
            pair = source[at : at + 2]
            if after == "/" or after == "-":
                out.append("\\-" if after == "-" else "/")
            elif after == "d" and not in_class:
                out.append("[0-9]")
            elif after == "u" and source[at + 2 : at + 3] == "{":
                end = source.find("}", at)
                try:
                    out.append(re.escape(chr(int(source[at + 3 : end], 16))))
                except (ValueError, OverflowError):
                    raise BadPattern(f"bad escape in {source!r}") from None
                at = end + 1
                continue
            elif after in "aeghilmoqyzACEFGHIJKLMNOQRTUVXYZ":
                out.append(after)
            elif after == "c":
                out.append("\\\\c")
            elif after in "pP" and "u" not in flags:
                out.append(after)
            elif after == "k" and "(?<" not in source:
                out.append("k")
            elif after == "0" and not source[at + 2 : at + 3].isdigit():
                out.append("\\x00")
            else:
                out.append(pair)
            at += 2
            continue
        if in_class:
            if sign == "]":
                in_class = False
                out.append("]")
            elif sign == "[":
                out.append("\\[")
            elif sign in "&|~" and source[at + 1 : at + 2] == sign:
                out.append("\\" + sign)
            else:
                out.append(sign)
        elif sign == "[":
            if source[at : at + 3] == "[^]":
                out.append("[\\s\\S]")
                at += 3
                continue
            if source[at : at + 2] == "[]":
                out.append("(?!)")
                at += 2
                continue
            in_class = True
            out.append("[")
            if source[at + 1 : at + 2] == "^":
                out.append("^")
                at += 1
        elif sign == "$":
            out.append("(?=\\n|\\Z)" if multiline else "\\Z")
        elif sign == "{":
            quantifier = _QUANTIFIER.match(source, at)
            if quantifier and out:
                out.append(quantifier.group())
                at = quantifier.end()
                continue
            out.append("\\{")
        elif sign == "}":
            out.append("\\}")
        elif sign == "(" and source[at + 1 : at + 2] == "?" and source[at + 2 : at + 3] not in (":", "=", "!", "<"):
            raise BadPattern(f"not a JavaScript pattern: {source!r}")
        else:
            out.append(sign)
        at += 1
    value = regex.ASCII | regex.VERSION0
    if "i" in flags:
        value |= regex.IGNORECASE
    if multiline:
        value |= regex.MULTILINE
    if "s" in flags:
        value |= regex.DOTALL
    return "".join(out), int(value)


class Pattern:
    """A compiled expression; :meth:`search` answers whether it occurs, or raises :class:`PatternTimeout`."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        if len(source) > limits.MAX_EXPRESSION:
            raise BadPattern("the expression is too long")
        if flags.strip("gimsuy"):
            raise BadPattern(f"unknown flags {flags!r}")
        text, value = translate(source, flags)
        try:
            self._compiled: Any = regex.compile(text, value)
        except (regex.error, RecursionError, OverflowError, ValueError, KeyError, IndexError) as error:
            raise BadPattern(f"{source!r} is not a regular expression: {error}") from None
        self.source = source

    def search(self, text: str) -> bool:
        """Whether the expression occurs in `text`."""
        return self.match(text) is not None

    def match(self, text: str) -> Any:
        """The first occurrence, or None."""
        try:
            return self._compiled.search(text, timeout=limits.REGEX_SECONDS)
        except TimeoutError:
            raise PatternTimeout(f"/{self.source[:80]}/ took longer than {limits.REGEX_SECONDS} s") from None
        except (RecursionError, MemoryError):
            raise PatternTimeout(f"/{self.source[:80]}/ needs too much memory") from None

    def substitute(self, text: str, by: str) -> str:
        """Every occurrence replaced (JavaScript's `replace` with a global pattern, literal replacement)."""
        try:
            return str(self._compiled.sub(lambda _: by, text, timeout=limits.REGEX_SECONDS))
        except TimeoutError:
            raise PatternTimeout(f"/{self.source[:80]}/ took longer than {limits.REGEX_SECONDS} s") from None


@lru_cache(maxsize=4096)
def compiled(source: str, flags: str = "") -> Pattern:
    """A pattern by its source, compiled once."""
    return Pattern(source, flags)


def from_option(option: str) -> Pattern:
    """A pattern as rulesets write it: bare, or `/between slashes/i` with flags."""
    delimited = _DELIMITED.match(option)
    if delimited:
        return compiled(delimited.group(1), delimited.group(2))
    return compiled(option)
