"""How a prepared act is told: to the person in plain words, to her program as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market.confirming import rules
from market.confirming.tables import Prepared
from market.kinds import KINDS
from market.settings import settings
from market.touch import ACTS

HERE = "/prepared"
THERE = "/api/v1/me/prepared"


class PreparedView(msgspec.Struct):
    """Something that binds, prepared by a program and waiting for its person. `act` says what she confirms; `confirm_at` is the
    page where she does, `status_at` where a program reads what became of it. `state`: waiting | done | refused | withdrawn |
    expired. When she has confirmed it, `status` and `answer` are what the call would have been answered; what was refused she
    may confirm again until it expires."""

    ref: str
    act: str
    state: str
    call: str
    prepared_at: datetime
    expires_at: datetime
    confirm_at: str
    status_at: str
    status: int | None
    answer: dict[str, Any] | None


def view(row: Prepared) -> PreparedView:
    """For programs."""
    try:
        answer = msgspec.json.decode(row.answer) if row.answer else None
    except ValueError:
        answer = None
    return PreparedView(
        ref=row.ref,
        act=ACTS[row.act].words,
        state=rules.state(row, clock.arrived(), tried=row.tried_at is not None),
        call=f"{row.method} {row.path}",
        prepared_at=row.prepared_at,
        expires_at=row.expires_at,
        confirm_at=f"{settings().site_url}{HERE}/{row.ref}",
        status_at=f"{THERE}/{row.ref}",
        status=row.status,
        answer=answer if isinstance(answer, dict) else None,
    )


def records(path: str) -> list[tuple[str, str, str]]:
    """The records whose references stand in an address: (what it is, its reference, its page or '')."""
    found = []
    for ref in re.findall(r"/([A-Z]{1,3}-[0-9A-Z]+)", path):
        prefix = ref.partition("-")[0]
        kind = next((each for each in KINDS.values() if each.prefix == prefix), None)
        if kind is not None:
            found.append((kind.label, ref, f"{kind.address}/{ref}" if kind.address else ""))
    return found


def told(row: Prepared) -> list[tuple[str, str]]:
    """What the program sent, as (name, value) for people; what is no JSON object as one text."""
    if not row.body:
        return []
    try:
        sent = msgspec.json.decode(row.body)
    except ValueError:
        return [("", row.body.decode("utf-8", "replace"))]
    return list(_flat("", sent))


def typed(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a form as (name, value) for people."""
    return [(_named(name), value) for name, value in fields]


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            pair
            for key, each in value.items()
            for pair in _flat(f"{name} · {_named(key)}" if name else _named(key), each)
        ]
    if isinstance(value, list):
        if all(not isinstance(each, dict | list) for each in value):
            return [(name, ", ".join(map(str, value)))]
        return [pair for place, each in enumerate(value, 1) for pair in _flat(f"{name} {place}", each)]
    return [(name, "" if value is None else str(value))]


def _named(key: str) -> str:
    return " ".join(key.split("_")).capitalize()
