"""How long somebody who knows how people choose secrets would guess at one: the strength of what must not be guessed.

What comes from `openssl rand` passes whatever its length in words; what a person typed to satisfy a length does not. This is an
estimate from above (nobody can prove that a text is random), after what password guessers try first: known values, one piece
repeated, runs along the alphabet or a row of the keyboard, and words (NIST SP 800-63B-4, 3.1.1.2: values that are commonly used,
expected or compromised; repeated and sequential characters).
"""

from __future__ import annotations

import re
from collections import Counter
from math import log2

ENOUGH = 64.0
"""Bits that a secret must be worth by this estimate. Thirty-two hexadecimal digits that are random (128 bits) are found to be
worth 75 to 125, because so short a text repeats some of itself by chance; what people type, 50 at the most."""

KNOWN = frozenset(
    (
        "a laptop's secret, known to everybody, refused in production",
        "a secret that only these tests know, 32 characters and more",
        "0123456789abcdef0123456789abcdef",
    )
)
"""Secrets that stand in this repository, where everybody can read them."""

_ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
_USUAL = (
    "password",
    "passw0rd",
    "changeme",
    "change-me",
    "secret",
    "prelude",
    "production",
    "default",
    "example",
    "letmein",
)
_WORD = re.compile(r"[^\W\d_]?[^\W\d_A-Z]+|[A-Z]+|\d{1,4}")
_PER_LETTER = 1.5
"""Bits of a letter in prose: guessers go by words (Shannon, Prediction and Entropy of Printed English, 1951: 0.6 to 1.3)."""


def bits(secret: str) -> float:
    """What a secret is worth at most, in bits: the logarithm of the guesses it takes. Zero for one that is known."""
    if secret.strip().casefold() in KNOWN:
        return 0.0
    fresh = _fresh(secret)
    if not fresh:
        return 0.0
    counted = Counter(fresh)
    each = -sum(number / len(fresh) * log2(number / len(fresh)) for number in counted.values())
    return len(fresh) * (min(each, _PER_LETTER) if _prose(secret) else each)


def _fresh(secret: str) -> str:
    """The characters that do not follow from those before them: without what continues a run, and what stood there already."""
    text = secret
    for known in (*_ROWS, *(row[::-1] for row in _ROWS), *_USUAL):
        text = re.sub(re.escape(known), known[0], text, flags=re.IGNORECASE)
    text = _without_runs(text)
    kept, at, folded = [], 0, text.casefold()
    while at < len(text):
        length = 0
        while at + length < len(folded) and folded[at : at + length + 1] in folded[:at]:
            length += 1
        if length >= 3:  # chance repeats pairs in any text of this length, seldom more
            at += length
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _without_runs(text: str) -> str:
    """Without the third and later characters that go on as the two before them: aaaa, 1234, fedc, acegi."""
    return "".join(
        each
        for at, each in enumerate(text)
        if at < 2
        or ord(each) - ord(text[at - 1]) != ord(text[at - 1]) - ord(text[at - 2])
        or abs(ord(each) - ord(text[at - 1])) > 2
    )


def _prose(secret: str) -> bool:
    """Whether it is words, with nothing but small numbers between them; letters alone are taken for such."""
    parts = [each for each in re.split(r"[\s.,;:!?()'’\"_-]+", secret) if each]
    return len(parts) > 0 and all(_WORD.fullmatch(each) for each in parts)
