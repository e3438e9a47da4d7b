"""Makes one current view and one history out of all the releases of a procurement.

The merge is OCDS's own (`ocdsmerge`, https://standard.open-contracting.org/1.1/en/schema/merging/). What is decided here
is what goes in: the order, the same release delivered twice, the same release id over different texts, and compiled
releases beside the ones they were compiled from. The result depends on the set of releases alone, never on the order
in which they came, so merging again changes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from ocdsmerge.exceptions import DuplicateIdValueWarning, InconsistentTypeError
from ocdsmerge.flatten import flatten
from ocdsmerge.merge import CompiledRelease

from market import ocds
from market.portal.intake.reading import Note
from market.portal.intake.spellings import instant
from market.portal.intake.upgrading import Upgraded
from market.wording import _


@dataclass(frozen=True, slots=True)
class Version:
    """One step in the history: which release, when, what it announced and which fields it set or changed.

    `changed` holds paths such as `tender.tenderPeriod.endDate`; items of a list are named by their id:
    `awards[2].status`. The first version names only what it is about, since everything in it is new.
    """

    release_id: str
    date: str
    tags: tuple[str, ...]
    content: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A procurement as it stands (`compiled`, an OCDS compiled release) and how it came to that (`history`)."""

    ocid: str
    compiled: dict[str, Any]
    history: tuple[Version, ...]
    notes: tuple[Note, ...]

    def encoded(self) -> bytes:
        """The compiled release as JSON with sorted keys: the same facts always give the same bytes."""
        return msgspec.json.encode(self.compiled, order="sorted")


def merge(releases: Iterable[Upgraded]) -> Merged:
    """Merge all known releases of one procurement. At least one is needed, and all must have the same ocid."""
    every = sorted(releases, key=_order)
    if not every:
        raise ValueError("there is no release to merge")
    ocid = every[0].ocid
    if any(each.ocid != ocid for each in every):
        raise ValueError("only releases of one procurement can be merged, and these have different ocids")
    notes: list[Note] = []
    chosen = _choose(_distinct(every, notes), notes)
    if len(chosen) == 1 and (whole := _alone(chosen[0].release)) is not None:
        only = chosen[0]
        about = tuple(sorted(whole.keys() - {"ocid", "id", "date", "tag", "language", "initiationType"}))
        return Merged(ocid, whole, (Version(only.id, only.date, only.tags, only.content, about),), tuple(notes))
    # `flat_append` instead of `append`, because the flattened release also tells which fields it changed, and is not made
    # twice. The tag stays out, as in `append`: it says what one release announces, and the view's own is `compiled`.
    merged = CompiledRelease(merge_rules=ocds.merge_rules())
    history: list[Version] = []
    data = merged.data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateIdValueWarning)
        for each in chosen:
            body = {key: value for key, value in each.release.items() if key != "tag"}
            flat = flatten(body, ocds.merge_rules(), {}, flattened={})
            if history:
                changed = sorted({_path(key) for key, value in flat.items() if key not in data or data[key] != value})
            else:
                changed = sorted({str(key[0]) for key in flat} - {"ocid", "language", "initiationType"})
            merged.flat_append(flat, each.ocid, each.id, each.date, None)
            history.append(Version(each.id, each.date, each.tags, each.content, tuple(changed)))
    data.update(
        {key: [*value] for key, value in data.items() if type(value) is list}
    )  # the lists are the releases' own
    # One release has an object where another has text. The standard has no answer to that; what was said last stands, with
    # a note, because a procurement that cannot be shown at all helps nobody.
    try:
        compiled = merged.asdict()
    except InconsistentTypeError as error:
        latest = CompiledRelease(merge_rules=ocds.merge_rules())
        latest.append(chosen[-1].release)
        compiled = latest.asdict()
        notes.append(
            Note(
                "merge.inconsistent",
                "",
                _("Releases contradict one another; the latest alone is shown ({error}).", error=error),
            )
        )
    return Merged(ocid, compiled, tuple(history), tuple(notes))


class _Doubled(Exception):
    """Two items of one list share an id, so the merge has something to do after all."""


def _alone(release: dict[str, Any]) -> dict[str, Any] | None:
    """What `ocdsmerge` makes of a single release, without taking it apart: nearly all procurements have but one.

    Nothing and empty things are left out, lists that merge whole stay as they are. None when an id is repeated.
    """
    try:
        kept = _kept(release, ())
    except _Doubled:
        return None
    return {**(kept or {}), "tag": ["compiled"], "id": f"{release['ocid']}-{release['date']}", "date": release["date"]}


def _kept(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The object without nulls and without what is empty all through; None when there is nothing in it, not even null."""
    rules = ocds.merge_rules()
    kept: dict[str, Any] = {}
    touched = False
    for key, each in value.items():
        kind = type(each)
        if kind is not dict and kind is not list:
            if path or key not in ("id", "date", "tag"):
                touched = True
                if each is not None:
                    kept[key] = each
            continue
        deeper = (*path, key)
        rule = rules.get(deeper)
        if rule == "omitWhenMerged":
            continue
        # A list of plain values, or one that the standard replaces whole, has no items that could be merged by their ids.
        if rule == "wholeListMerge" or (kind is list and not all(type(one) is dict for one in each)):
            kept[key] = each
        elif kind is dict:
            inner = _kept(each, deeper)
            if inner is not None:
                kept[key] = inner
        else:
            names = [str(one["id"]) for one in each if "id" in one]
            if len(names) != len(set(names)):
                raise _Doubled
            items = [inner for one in each if (inner := _kept(one, deeper)) is not None]
            if items:
                kept[key] = items
        touched = touched or key in kept
    return kept if touched else None


def _order(one: Upgraded) -> tuple[Any, ...]:
    # By the instant and not by the text, since zones differ; a compiled release after the single ones of its moment, because
    # it already sums them up; then by id and content, so that equal moments give one order whatever came first.
    return (instant(one.date), one.compiled, one.id, one.content)


def _distinct(every: list[Upgraded], notes: list[Note]) -> list[Upgraded]:
    """Each content once. Another text under an id that is taken is kept, under an id of its own."""
    contents: set[str] = set()
    taken: dict[str, str] = {}
    kept = []
    for each in every:
        # Portals deliver the same release in the list, in the record and again tomorrow; and some give one id to every release
        # of a procurement. The first must not count twice, the second must not lose a text, though ids should be unique.
        if each.content in contents:
            continue
        contents.add(each.content)
        if each.id in taken and not each.compiled:
            notes.append(
                Note(
                    "release.id-reused",
                    "id",
                    _(
                        "The release id “{id}” stands over different texts; the later one adds to the earlier.",
                        id=each.id,
                    ),
                )
            )
            each = replace(each, id=f"{each.id}~{each.content[:8]}")
        taken[each.id] = each.content
        kept.append(each)
    return kept


def _choose(every: list[Upgraded], notes: list[Note]) -> list[Upgraded]:
    """What goes into the merge: the latest compiled release with what came after it, or simply every release.

    A compiled release already sums up what was published before it. It is only needed when releases older than it are
    not at hand; when single releases reach back as far as it does, they say the same with their history.
    """
    compiled = [each for each in every if each.compiled]
    if not compiled:
        return every
    single = [each for each in every if not each.compiled]
    latest = compiled[-1]
    older = [each for each in single if instant(each.date) <= instant(latest.date)]
    if older and _covers(older, latest):
        return single
    if len(compiled) > 1:
        notes.append(
            Note("release.compiled-again", "", _("Several compiled releases were published; the latest is the base."))
        )
    return [latest, *(each for each in single if instant(each.date) > instant(latest.date))]


def _covers(older: list[Upgraded], compiled: Upgraded) -> bool:
    stages = {key for each in older for key in ("planning", "tender", "awards", "contracts") if each.release.get(key)}
    return all(key in stages for key in ("planning", "tender", "awards", "contracts") if compiled.release.get(key))


def _path(key: tuple[Any, ...]) -> str:
    words = ""
    for part in key:
        identifier = getattr(part, "identifier", None)
        words += f"[{identifier}]" if identifier is not None else f".{part}"
    return words.lstrip(".")
