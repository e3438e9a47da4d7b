"""The policy file and the lists: which version may be served, what a new one changes, and how the first is registered.

What stands in these files decides whom the rule binds as much as a body's tier does. So a version is a ruling too: its text is
proposed on a page, confirmed by a second person, and public with every number that changes; only when it holds may the file be
laid beside the program, and a program that finds another file does not serve.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from market import clock, policy
from market.actor import SYSTEM, Actor
from market.arrival import Arrival
from market.audit.actions import record
from market.db import connection, transaction
from market.reads import row, rows
from market.rulings import actions, rules
from market.rulings.readers import stands
from market.rulings.tables import Ruling, TextVersion
from market.settings import InTheWay, settings
from market.touch import binds
from market.wording import N_, _


def files() -> dict[str, Path]:
    """Where each text that is registered lies, by what its rulings are about."""
    return {
        "policy": policy.file(),
        "commodities": policy.REFERENCE / "commodities.yaml",
        "contract-kinds": policy.REFERENCE / "contract_kinds.yaml",
        "waiver-grounds": policy.REFERENCE / "waiver_grounds.yaml",
    }


def normal(text: str) -> str:
    """The text as it is hashed and kept: line ends as Unix writes them, and one at the end, however it was pasted."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def digest(text: str) -> str:
    """SHA-256 of the text."""
    return hashlib.sha256(normal(text).encode()).hexdigest()


def beside_the_program() -> dict[str, str]:
    """The texts that this program reads, by what their rulings are about."""
    return {about: normal(path.read_text(encoding="utf-8")) for about, path in files().items()}


# ── what a new version changes ─────────────────────────────────────────────────────────────────────────────────────


class Change(msgspec.Struct, frozen=True):
    """An entry that a new version has otherwise, with what it rests on where the text says so; empty where there is none."""

    name: str
    before: str
    after: str
    source: str


def changes(about: str, before: str, after: str) -> list[Change]:
    """Every entry that differs between two versions. The text of the first installed version has nothing before it."""
    if not before:
        return []
    old, new = entries(about, before), entries(about, after)
    return [
        Change(name, old.get(name, ("", ""))[0], new.get(name, ("", ""))[0], (new.get(name) or old[name])[1])
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def entries(about: str, text: str) -> dict[str, tuple[str, str]]:
    """What a text says, entry by entry: its value in words and its source. Refused where it cannot be read."""
    try:
        tree = yaml.safe_load(text)
        if about == "policy":
            return {
                name: (str(number), f"{number.source} {number.says}") for name, number in policy.entries(tree).items()
            }
        found = {name: (value, "") for name, value in _leaves(tree, "")}
    except (yaml.YAMLError, msgspec.ValidationError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise rules.TEXT_UNREADABLE.refused(why=str(error).splitlines()[0][:200]) from None
    if not isinstance(tree, dict) or not found:
        raise rules.TEXT_UNREADABLE.refused(why=_("it has no entries"))
    return found


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for name, under in tree.items():
            yield from _leaves(under, f"{path}.{name}" if path else str(name))
    elif isinstance(tree, list):
        for place, under in enumerate(tree):
            called = under.get("code", place) if isinstance(under, Mapping) else place
            yield from _leaves(under, f"{path}[{called}]")
    else:
        yield path, str(tree)


# ── proposing ──────────────────────────────────────────────────────────────────────────────────────────────────────


class TextDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A new version of the policy file or of a list, whole, on which ground and paper."""

    about: Annotated[str, Meta(title=N_("Which text"), max_length=20)]
    text: Annotated[str, Meta(title=N_("The whole new text"), max_length=400_000)] = ""
    ground: actions.Ground = ""
    instrument: actions.Instrument = ""


@binds(N_("propose other numbers, or another list, of the policy"))
async def propose_text(actor: Actor, given: TextDraft) -> Ruling:
    """Propose a new version of the policy file or of a list. It may hold what this version of the program does not know."""
    actions.decides(actor)
    if given.about not in files():
        raise rules.NO_SUCH_TEXT.refused()
    text = normal(given.text)
    entries(given.about, text)
    async with transaction():
        if not await stands(given.about, None, ""):
            raise rules.NOTHING_REGISTERED.refused()
        ruling = await actions.propose(
            actor,
            Ruling(
                about=given.about,
                after=digest(text),
                ground=given.ground.strip(),
                instrument=given.instrument.strip(),
                proposed_at=clock.now(),
            ),
        )
        await TextVersion.insert(TextVersion(ruling=ruling.id, digest=ruling.after, text=text))
    return ruling


async def register_first() -> list[str]:
    """Register what lies beside the program as the first version of every text of which the database has none; answers which.
    At the installation, and once when a site of an earlier version is brought up to date: never again."""
    installed = []
    async with transaction():
        for about, text in beside_the_program().items():
            if await row(int, "SELECT id FROM ruling WHERE about = {} LIMIT 1", about):
                continue
            now = clock.now()
            ruling = Ruling(
                about=about,
                after=digest(text),
                ground=_("The version that lay beside the program when the register began."),
                proposed_at=now,
                confirmed_at=now,
                objections_until=now,
                effect_at=now,
                told_at=now,
            )
            await ruling.save()
            await TextVersion.insert(TextVersion(ruling=ruling.id, digest=ruling.after, text=text))
            await record(SYSTEM, "ruling.installed", f"ruling:{ruling.ref}", {"about": about, "after": ruling.after})
            installed.append(about)
    return installed


async def changed_by(ref: str) -> list[Change]:
    """What the ruling with this reference changes in its text; nothing for a ruling about a body."""
    found = await rows(
        _Pair,
        """
        SELECT r.about, COALESCE(b.text, '') AS before, a.text AS after
        FROM ruling r JOIN text_version a ON a.ruling = r.id
        LEFT JOIN LATERAL (SELECT v.text FROM text_version v WHERE v.digest = r.before ORDER BY v.id LIMIT 1) b ON true
        WHERE r.ref = {}
        """,
        ref,
    )
    return [change for each in found for change in changes(each.about, each.before, each.after)]


class _Pair(msgspec.Struct, frozen=True):
    about: str
    before: str
    after: str


async def text_of(ref: str) -> str:
    """The whole text that a ruling is about; empty for one about a body."""
    found = await row(str, "SELECT v.text FROM ruling r JOIN text_version v ON v.ruling = r.id WHERE r.ref = {}", ref)
    return found or ""


# ── what may be served ─────────────────────────────────────────────────────────────────────────────────────────────


class State(msgspec.Struct, frozen=True):
    """A text beside the program: its file and digest, and why it may not be served, in words; empty when it may."""

    about: str
    file: str
    digest: str
    why_not: str


async def states() -> list[State]:
    """Each text beside the program, judged by what is registered now."""
    now, asked = clock.arrived(), await connection()
    try:
        registered = [
            rules.Version(each["about"], each["after"], each["effect_at"])
            for each in await asked.fetch(
                "SELECT r.about, r.after, r.effect_at FROM ruling r JOIN text_version v ON v.ruling = r.id "
                "WHERE ruling_stands(r) AND r.effect_at <= $1 ORDER BY r.effect_at, r.id",
                now,
            )
        ]
    finally:
        await asked.close()
    return [judged(about, text, registered, now) for about, text in beside_the_program().items()]


def judged(about: str, text: str, registered: list[rules.Version], now: Arrival) -> State:
    """One text judged by the versions that came into force until now, oldest first."""
    of_it = tuple(each for each in registered if each.about == about)
    why_not = rules.may_be_served(rules.Serving(of_it, digest(text), now))
    return State(about, str(files()[about]), digest(text), why_not.reason if why_not else "")


async def must_be_registered() -> None:
    """Raises :class:`InTheWay` with the first text that may not be served. A demonstration, where anybody may be anybody and which
    production refuses to be, serves whatever lies there."""
    if settings().demo:
        return
    for each in await states():
        if each.why_not:
            raise InTheWay(f"{each.file} may not be served: {each.why_not} `python -m market policy` says more")
