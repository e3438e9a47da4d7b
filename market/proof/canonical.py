"""Canonical bytes of plain data, so that two people who hash the same facts get the same digest.

What comes out is what the JSON Canonicalization Scheme makes of the same value (RFC 8785): no white space, UTF-8, keys
sorted by their UTF-16 code units, the shortest escapes. Only the part of JSON that no two programs read differently is
taken: text, whole numbers that every JSON reader keeps exact (within ±(2^53 − 1), RFC 7493 section 2.2), true, false,
null, lists, and objects whose keys are text. Fractions are refused: money is in minor units, a share in basis points.
Text is not normalised; `é` in one and in two code points are two different texts, as they are to a signature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

from market import nesting
from market.nesting import DEEPEST

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What may be encoded; of the sequences only `list` and of the mappings only `dict` are taken."""

EXACT = 2**53 - 1
"""The largest whole number that a reader which keeps numbers as IEEE 754 doubles does not round."""


class NotCanonical(ValueError):
    """The value has no canonical form here, or the bytes are not the canonical form of what they say."""


def encode(value: Plain) -> bytes:
    """The one byte string for `value`. A float, a byte string, a tuple, a date or a lone surrogate is refused by name."""
    try:
        return json.dumps(_ordered(value, "the value", 0), ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds half of a surrogate pair, which UTF-8 cannot carry") from error


def decode(data: bytes) -> Any:
    """Read bytes that must already be canonical: the same facts written in any other way are refused.

    So a signed document cannot hide a second meaning in repeated keys, spacing or escapes.
    """
    try:
        value = nesting.read(
            data.decode(), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float, parse_int=_whole
        )
    except NotCanonical:
        raise
    except nesting.TooDeep as error:
        raise NotCanonical(str(error)) from error
    except ValueError as error:
        raise NotCanonical("the bytes are not JSON in UTF-8") from error
    if encode(value) != data:
        raise NotCanonical("the bytes are JSON but not in the canonical form of RFC 8785")
    return value


def _ordered(value: Any, where: str, depth: int) -> Any:
    if value is None or value is True or value is False or isinstance(value, str):
        return value
    if isinstance(value, int):
        if not -EXACT <= value <= EXACT:
            raise NotCanonical(f"{where} is a whole number beyond ±(2^53 − 1); write it as text")
        return value
    if depth == DEEPEST:
        raise NotCanonical(str(nesting.TooDeep(DEEPEST)))
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise NotCanonical(f"a key of {where} is {type(key).__name__}, not text")
        try:
            keys = sorted(value, key=_utf16)
        except UnicodeEncodeError as error:
            raise NotCanonical(f"a key of {where} holds half of a surrogate pair") from error
        return {key: _ordered(value[key], f"“{key}”", depth + 1) for key in keys}
    if isinstance(value, list):
        return [_ordered(item, where, depth + 1) for item in value]
    raise NotCanonical(
        f"{where} is {type(value).__name__}; only text, whole numbers, true, false, null, lists and dicts"
    )


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotCanonical("an object names the same key twice")
    return made


def _whole(digits: str) -> int:
    if len(digits) > 17:
        raise NotCanonical("a whole number is beyond ±(2^53 − 1)")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise NotCanonical(f"{text} is not a whole number")
