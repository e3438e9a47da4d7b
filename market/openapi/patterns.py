"""JavaScript regular expressions, run with a timeout by the `regex` package.

Rulesets write ECMAScript patterns. The translation keeps their meaning where Python differs: `$` is the very end,
`\\d \\w` are ASCII, a brace that is no quantifier is a brace, `[` inside a class is itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]

from market.openapi import limits


class BadPattern(Exception):
    """The expression is not one we can run; the ruleset that holds it is refused at import."""


class TooBig(BadPattern):
    """The expression is one, but too big to be run."""


class PatternTimeout(Exception):
    """The expression did not finish on this string within its time."""


_GROUP = re.compile(r"(?<!\\)\((?!\?)|\(\?<(?![=!])")
_DELIMITED = re.compile(r"/(.+)/([a-z]*)\Z", re.DOTALL)
_QUANTIFIER = re.compile(r"\{(\d+)(,(\d*))?\}")
_NAMED = re.compile(r"\\k<([A-Za-z_$][\w$]*)>", re.ASCII)
_DIGITS = re.compile(r"\d{1,4}", re.ASCII)
_OCTAL = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_BYTE = re.compile(r"\\x[0-9A-Fa-f]{2}")
_SPACES = r" \t\n\r\f\v\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""White space as JavaScript has it, for use inside a class."""


@lru_cache(maxsize=4096)
def translate(source: str, flags: str = "") -> tuple[str, int, int]:
    """A JavaScript pattern and its flags as `regex` takes them, and how many parts it has. Refused as :class:`BadPattern` where JavaScript would, and
    as :class:`TooBig` when its repeats multiply: `regex` writes every one of them out before it looks at any text."""
    out: list[str] = []
    at, size = 0, len(source)
    in_class = False
    multiline = "m" in flags
    groups = len(_GROUP.findall(source))
    repeated = anchored = -1
    weight = _Weight()
    looking: list[bool] = []
    """For each open group whether it looks behind: such a group cannot be repeated."""
    while at < size:
        sign = source[at]
        if not in_class and sign in "*+?" and not source.startswith("(?", at - 1):
            if at == anchored or (sign == "+" and at == repeated):
                raise BadPattern(f"nothing to repeat in {source!r}")
            repeated = -1 if at == repeated else at + 1
        elif not in_class and not _QUANTIFIER.match(source, at):
            weight.count(sign)
            anchored = at + _anchor_length(source, at)
            if sign == "(":
                looking.append(source.startswith(("(?<=", "(?<!"), at))
            elif sign == ")" and looking and looking.pop():
                anchored = at + 1
        if sign == "\\" and at + 1 < size:
            after = source[at + 1]
            pair = source[at : at + 2]
            named = _NAMED.match(source, at) if after == "k" and "(?<" in source else None
            # JavaScript without the flag `u` takes an escape it does not know for the letter itself; `regex` refuses some
            # of these and means something else by others (`\A`, `\h`, `\K`), so each is written as what JavaScript reads.
            if after == "/" or after == "-":
                out.append("\\-" if after == "-" else "/")
            elif after == "d" and not in_class:
                out.append("[0-9]")
            elif after == "s" or (
                after == "S" and not in_class
            ):  # its spaces are Unicode's, while `\d` and `\w` are ASCII
                out.append(_SPACES if in_class else f"[{'^' if after == 'S' else ''}{_SPACES}]")
            elif after == "u" and source[at + 2 : at + 3] == "{":
                end = source.find("}", at)
                try:
                    out.append(re.escape(chr(int(source[at + 3 : end], 16))))
                except (ValueError, OverflowError):
                    raise BadPattern(f"bad escape in {source!r}") from None
                at = end + 1
                continue
            elif named is not None:
                out.append(f"(?P={named.group(1)})")
                at = named.end()
                continue
            elif after in "aeghilmoqyzACEFGHIJKLMNOQRTUVXYZ":
                out.append(after)
            elif after == "c" and source[at + 2 : at + 3].isascii() and source[at + 2 : at + 3].isalpha():
                out.append(f"\\x{ord(source[at + 2]) % 32:02x}")
                at += 3
                continue
            elif after == "c":
                out.append("\\\\c")
            # A number beyond the groups there are refers to nothing: it is an octal escape, or else the digit itself.
            elif after in "1234567" and int(_DIGITS.match(source, at + 1).group()) > groups:  # type: ignore[union-attr]
                octal = _OCTAL.match(source, at + 1)
                out.append(f"\\x{int(octal.group(), 8):02x}" if octal is not None else after)
                at += 1 + len(octal.group() if octal is not None else after)
                continue
            elif (
                (after in "pP" and "u" not in flags)
                or (after == "x" and not _BYTE.match(source, at))
                or (after in "89" and groups < int(after))
            ):
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
            elif (
                sign == "["
            ):  # a class in a class, and `&&`, `||`, `~~`, are operators of `regex` and text to JavaScript
                out.append("\\[")
            elif sign in "&|~" and source[at + 1 : at + 2] == sign:
                out.append("\\" + sign)
            else:
                out.append(sign)
        elif sign == "[":
            # Empty classes: JavaScript's "anything" and "nothing", where Python takes the bracket for the first member.
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
            # Python's `$` also stands before a last line end, JavaScript's never does: `^a$` must not take "a\n".
            out.append("(?=\\n|\\Z)" if multiline else "\\Z")
        elif sign == "{":
            quantifier = _QUANTIFIER.match(source, at)
            if quantifier and out:
                if at == anchored:  # JavaScript refuses to repeat an anchor; `regex` would run it
                    raise BadPattern(f"nothing to repeat in {source!r}")
                weight.times(int(quantifier.group(1)))
                # A bound of ten digits is no bound; `regex` cannot hold the number, and the text is never that long.
                endless = len(quantifier.group(3) or "") > 9
                out.append(f"{{{quantifier.group(1)},}}" if endless else quantifier.group())
                at = repeated = quantifier.end()
                continue
            out.append("\\{")
        elif sign == "}":
            out.append("\\}")
        elif sign == "(" and source[at + 1 : at + 2] == "?" and source[at + 2 : at + 3] not in (":", "=", "!", "<"):
            raise BadPattern(f"not a JavaScript pattern: {source!r}")
        else:
            out.append(sign)
        at += 1
    # ASCII, since `\w` and `\b` are that in JavaScript; VERSION0, in which sets within sets mean nothing.
    value = regex.ASCII | regex.VERSION0
    if "i" in flags:
        value |= regex.IGNORECASE
    if multiline:
        value |= regex.MULTILINE
    if "s" in flags:
        value |= regex.DOTALL
    return "".join(out), int(value), sum(weight.open)


def _anchor_length(source: str, at: int) -> int:
    """The length of an anchor at a place; what follows it may not be a quantifier. Beyond the end where there is none."""
    if source[at] in "^$":
        return 1
    return 2 if source[at : at + 2] in ("\\b", "\\B") else len(source) + 1


class _Weight:
    """How many parts a pattern has once its repeats are written out: a group counts as often as it must occur."""

    def __init__(self) -> None:
        self.open = [0]
        self.last = 0

    def count(self, sign: str) -> None:
        """One more sign of the pattern, outside a class."""
        if sign == "(":
            self.open.append(0)
            if len(self.open) > limits.MAX_GROUPS + 1:
                raise TooBig(f"the groups of the expression stand more than {limits.MAX_GROUPS} deep in one another")
            return
        self.last = 1
        if sign == ")" and len(self.open) > 1:
            self.last = max(self.open.pop(), 1)
        self.add(self.last)

    def times(self, least: int) -> None:
        """What was counted last must occur at least so often."""
        self.add(self.last * (max(least, 1) - 1))
        self.last *= max(least, 1)

    def add(self, more: int) -> None:
        self.open[-1] += more
        if self.open[-1] > limits.MAX_PATTERN_PARTS:
            raise TooBig("the repeats of the expression multiply beyond what is run here")


class Pattern:
    """A compiled expression; :meth:`search` answers whether it occurs, or raises :class:`PatternTimeout`."""

    __slots__ = ("_compiled", "parts", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        if len(source) > limits.MAX_EXPRESSION:
            raise BadPattern("the expression is too long")
        if flags.strip("gimsuy"):
            raise BadPattern(f"unknown flags {flags!r}")
        text, value, self.parts = translate(source, flags)
        try:
            self._compiled: Any = regex.compile(text, value, cache_pattern=False)
        except (regex.error, OverflowError, ValueError, KeyError, IndexError) as error:
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


_kept = lru_cache(maxsize=2048)(Pattern)


def compiled(source: str, flags: str = "") -> Pattern:
    """A pattern by its source, compiled once; the big ones, of which a few fill the memory, each time anew."""
    if len(source) > limits.MAX_EXPRESSION:
        raise BadPattern("the expression is too long")
    _, _, parts = translate(source, flags)
    return _kept(source, flags) if parts <= _LIGHT else Pattern(source, flags)


_LIGHT = 200


def from_option(option: str) -> Pattern:
    """A pattern as rulesets write it: bare, or `/between slashes/i` with flags."""
    delimited = _DELIMITED.match(option)
    if delimited:
        return compiled(delimited.group(1), delimited.group(2))
    return compiled(option)
