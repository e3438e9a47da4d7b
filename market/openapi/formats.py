"""The formats of JSON Schema that examples are judged by, for text and for numbers.

Dates and times follow RFC 3339, addresses RFC 3986, 5321 and 1123; `int32` and `int64` are OpenAPI's. A time without a
zone is let pass, as Spectral's library does. A format that is not listed is no reason to refuse a value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from market.openapi.patterns import BadPattern, Pattern, TooBig, compiled


def _whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|[-+]\d\d(?::?\d\d)?)?\Z", re.ASCII | re.IGNORECASE)
_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= (29 if month == 2 and leap else _DAYS[month])


def _is_time(text: str) -> bool:
    match = _TIME.match(text)
    if match is None:
        return False
    hour, minute, second = (int(part) for part in match.groups())
    return (hour <= 23 and minute <= 59 and second <= 59) or (hour, minute, second) == (23, 59, 60)


def _is_moment(text: str) -> bool:
    parts = re.split(r"[tT\s]", text)
    return len(parts) == 2 and _is_date(parts[0]) and _is_time(parts[1])


def _by(expression: str, flags: str = "") -> Callable[[Any], bool]:
    pattern = compiled(expression, flags)
    return lambda value: pattern.search(value)


def is_regex(text: str) -> bool:
    """Whether `text` is an expression that can be compiled here: JSON Schema's format `regex` (ECMA-262)."""
    if _END_ANCHOR.search(text):
        return False
    try:
        compiled(text)
    except BadPattern as error:
        return isinstance(error, TooBig)
    return True


_END_ANCHOR = re.compile(r"[^\\]\\Z")
"""An anchor of other languages that JavaScript reads as the letter Z; nobody means that."""


def _is_ipv6(text: str) -> bool:
    if "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d\d?)"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_WORD = r"[a-z0-9\u00a1-\uffff]+(?:-[a-z0-9\u00a1-\uffff]+)*"
_VARIABLE = r"(?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})+(?::[1-9]\d{0,3}|\*)?"

_FREE = r"A-Za-z0-9\-._~!$&'()*+,;="
"""Unreserved characters and sub-delimiters of RFC 3986, inside a class."""
_ESCAPED = r"%[0-9A-Fa-f]{2}"
_AUTHORITY = rf"(?:(?:[{_FREE}:]|{_ESCAPED})*@)?(?:\[([^\[\]]*)\]|(?:[{_FREE}]|{_ESCAPED})*)(?::\d*)?"
_TAIL = rf"(?:\?(?:[{_FREE}:@/?]|{_ESCAPED})*)?(?:#(?:[{_FREE}:@/?]|{_ESCAPED})*)?"


def _reference(mark: str) -> str:
    """An address of RFC 3986 after its scheme; `mark` is one more character that its path may hold."""
    part = rf"(?:[{_FREE}:@{mark}]|{_ESCAPED})"
    return rf"(?://{_AUTHORITY}(?:/{part}*)*|/(?:{part}+(?:/{part}*)*)?|{part}+(?:/{part}*)*)?{_TAIL}"


_URI = compiled(rf"^[A-Za-z][A-Za-z0-9+\-.]*:{_reference('')}$")
_URI_REFERENCE = compiled(rf"^(?:[A-Za-z][A-Za-z0-9+\-.]*:)?{_reference(chr(34))}$")
_FUTURE = compiled(rf"^[Vv][0-9A-Fa-f]+\.[{_FREE}:]+$")


def _addressed(pattern: Pattern) -> Callable[[Any], bool]:
    """Whether text is an address; an address of a machine in brackets has to be one."""

    def test(text: str) -> bool:
        match = pattern.match(text)
        if match is None:
            return False
        machine = match.group(1)
        return machine is None or _is_ipv6(machine) or _FUTURE.search(machine)

    return test


FORMATS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("string", "date"): _is_date,
    ("string", "time"): _is_time,
    ("string", "date-time"): _is_moment,
    ("string", "duration"): _by(r"^P(?!$)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|(\d+W)?)$"),
    ("string", "uri"): _addressed(_URI),
    ("string", "uri-reference"): _addressed(_URI_REFERENCE),
    ("string", "uri-template"): _by(
        rf"^(?:[^\x00-\x20\"'<>%\\^`{{|}}]|{_ESCAPED}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*$"
    ),
    ("string", "url"): _by(
        rf"^(?:https?|ftp)://(?:\S+(?::\S*)?@)?(?:(?:{_OCTET}\.){{3}}{_OCTET}|{_WORD}(?:\.{_WORD})*\.[a-z\u00a1-\uffff]{{2,}})"
        r"(?::\d{2,5})?(?:/\S*)?$",
        "i",
    ),
    ("string", "email"): _by(rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}$", "i"),
    ("string", "hostname"): _by(rf"^(?=.{{1,253}}\.?$){_LABEL}(?:\.{_LABEL})*\.?$", "i"),
    ("string", "ipv4"): _by(rf"^(?:{_OCTET}\.){{3}}{_OCTET}$"),
    ("string", "ipv6"): _is_ipv6,
    ("string", "regex"): is_regex,
    ("string", "uuid"): _by(r"^(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", "i"),
    ("string", "json-pointer"): _by(r"^(?:/(?:[^~/]|~0|~1)*)*$"),
    ("string", "json-pointer-uri-fragment"): _by(r"^#(?:/(?:[a-z0-9_\-.!$&'()*+,;:=@]|%[0-9a-f]{2}|~0|~1)*)*$", "i"),
    ("string", "relative-json-pointer"): _by(r"^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$"),
    ("string", "byte"): _by(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", "m"),
    ("number", "int32"): lambda value: _whole(value) and -(2**31) <= value < 2**31,
    ("number", "int64"): lambda value: _whole(value),
}
