"""The formats of JSON Schema that examples are judged by, for text and for numbers.

Dates and times follow RFC 3339, addresses RFC 3986, 5321 and 1123; `int32` and `int64` are OpenAPI's. A format that is
not listed is no reason to refuse a value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from market.standards.lint.patterns import BadPattern, compiled


def _whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)(z|[-+](\d\d)(?::?(\d\d))?)?\Z", re.ASCII | re.IGNORECASE)
_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= (29 if month == 2 and leap else _DAYS[month])


def _is_time(text: str, zoned: bool = True) -> bool:
    match = _TIME.match(text)
    if match is None or (zoned and match.group(4) is None):
        return False
    hour, minute, second = int(match.group(1)), int(match.group(2)), float(match.group(3))
    off_hour, off_minute = int(match.group(5) or 0), int(match.group(6) or 0)
    if off_hour > 23 or off_minute > 59:
        return False
    if hour <= 23 and minute <= 59 and second < 60:
        return True
    sign = -1 if (match.group(4) or "").startswith("-") else 1
    total = (hour * 60 + minute - sign * (off_hour * 60 + off_minute)) % 1440
    return total == 1439 and 60 <= second < 61


def _is_moment(text: str, zoned: bool = True) -> bool:
    parts = re.split(r"[tT\s]", text)
    return len(parts) == 2 and _is_date(parts[0]) and _is_time(parts[1], zoned)


def _by(expression: str, flags: str = "") -> Callable[[Any], bool]:
    pattern = compiled(expression, flags)
    return lambda value: pattern.search(value)


def is_regex(text: str) -> bool:
    """Whether `text` is an expression that can be compiled here: JSON Schema's format `regex` (ECMA-262)."""
    try:
        compiled(text)
    except BadPattern:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d{1,2})"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_URI_CHARS = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"

_URI_START = compiled(r"^[A-Za-z][A-Za-z0-9+\-.]*:")
_URI_BODY = compiled(rf"^(?:{_URI_CHARS})+$")

FORMATS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("string", "date"): _is_date,
    ("string", "time"): _is_time,
    ("string", "date-time"): _is_moment,
    ("string", "iso-time"): lambda text: _is_time(text, False),
    ("string", "iso-date-time"): lambda text: _is_moment(text, False),
    ("string", "duration"): _by(r"^P(?!$)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|(\d+W)?)$"),
    ("string", "uri"): lambda text: bool(
        _URI_START.search(text) and _URI_BODY.search(text) and ("/" in text or ":" in text)
    ),
    ("string", "uri-reference"): lambda text: bool(text == "" or _URI_BODY.search(text)),
    ("string", "uri-template"): _by(r"^(?:[^\x00-\x20\"'<>%\\^`{|}]|%[0-9a-f]{2}|\{[^{}]*\})*$", "i"),
    ("string", "url"): _by(r"^(?:https?|ftp)://[^\s/$.?#][^\s]*$", "i"),
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
