"""One procurement on two portals is shown once; what is doubtful is asked; what a person decided stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market.actor import Actor
from market.audit.tables import Event, Outbox
from market.db import many
from market.portal import actions, views
from market.portal.sameness import actions as sameness
from market.portal.sameness.pairs import Decision
from market.portal.tables import DoubtfulPair, ImportedNotice, NoticeMerge, Quarantined, RawItem
from market.refusals import Refused
from search import faces
from tests import given
from tests.market.portal.library import GOLDEN, bring, package, release

pytestmark = pytest.mark.usefixtures("clean")


async def operator() -> Actor:
    return await given.person(await given.organisation(kind="operator"), "operator")


async def both() -> tuple[ImportedNotice, ImportedNotice]:
    """The town's own notice and the aggregator's copy of it, imported from two portals."""
    await bring(GOLDEN / "town-1.1.json", "uk-contracts-finder")
    await bring(GOLDEN / "aggregator-1.1.json", "uk-spend-network-raw")
    rows = {row.ocid: row for row in await ImportedNotice.objects()}
    return rows["ocds-mrrwby-2025-017"], rows["ocds-agg000-77812"]


async def doubtful(tmp_path: Path) -> DoubtfulPair:
    """Two notices that agree in title and buyer and in nothing else."""
    one, other = release(7), release(7, ocid="ocds-zzz999-7")
    other["tender"] = {key: value for key, value in other["tender"].items() if key not in ("value", "tenderPeriod")}
    await bring(package(tmp_path / "one.json", [one]), "moldova")
    await bring(package(tmp_path / "two.json", [other]), "ukraine")
    (pair,) = await DoubtfulPair.objects()
    return pair


async def test_the_town_s_notice_and_the_aggregator_s_are_shown_once_with_both_sources() -> None:
    town, copy = await both()
    assert (town.shown_as, copy.shown_as) == (None, town.id)
    shown = await views.notice(town.ref)
    assert not isinstance(shown, str)
    assert [each.name for each in shown.origins] == ["uk-contracts-finder", "uk-spend-network-raw"]
    assert "alike" in shown.origins[1].because or "same" in shown.origins[1].because
    assert await views.notice(copy.ref) == town.ref
    documents = await faces.faces_of([f"notice:{town.ref}", f"notice:{copy.ref}"])
    assert documents[f"notice:{copy.ref}"] is None
    assert documents[f"notice:{town.ref}"] is not None


async def test_a_joining_can_be_undone_and_is_not_made_again() -> None:
    town, copy = await both()
    (merge,) = await NoticeMerge.objects()
    actor = await operator()
    before = await Outbox.count().where(Outbox.subject == f"notice:{copy.ref}")
    await sameness.take_apart(actor, merge.ref)
    assert (await _row(copy)).shown_as is None
    assert await Outbox.count().where(Outbox.subject == f"notice:{copy.ref}") > before
    with pytest.raises(Refused, match="taken apart already"):
        await sameness.take_apart(actor, merge.ref)
    await many("UPDATE imported_notice SET matched_at = NULL")
    await bring(GOLDEN / "town-1.1.json", "uk-contracts-finder")
    assert (await _row(copy)).shown_as is None
    assert [
        each.verb for each in await Event.objects().where(Event.subject == f"notice:{town.ref}").order_by(Event.seq)
    ] == ["notice.parted"]


async def test_three_portals_come_apart_where_the_joint_is_undone(tmp_path: Path) -> None:
    same = [release(7, ocid=f"ocds-{name}-7") for name in ("aaa111", "bbb222", "ccc333")]
    for name, each in zip(("moldova", "ukraine", "paraguay"), same, strict=True):
        await bring(package(tmp_path / f"{name}.json", [each]), name)
    first, second, third = await ImportedNotice.objects().order_by(ImportedNotice.id)
    assert [first.shown_as, second.shown_as, third.shown_as] == [None, first.id, first.id]
    actor = await operator()
    for merge in await NoticeMerge.objects():
        if third.id in (merge.one, merge.other):
            await sameness.take_apart(actor, merge.ref)
    assert [(await _row(each)).shown_as for each in (first, second, third)] == [None, first.id, None]


async def test_a_doubtful_pair_is_asked_once_and_joined_by_the_answer(tmp_path: Path) -> None:
    pair = await doubtful(tmp_path)
    actor = await operator()
    waiting, pairs = await views.doubtful()
    assert (waiting, pairs[0].ref) == (1, pair.ref)
    assert {"title.same", "buyer.same"} <= {each.code for each in pairs[0].evidence}
    await sameness.decide(actor, pair.ref, Decision(True))
    rows = await ImportedNotice.objects().order_by(ImportedNotice.id)
    assert [each.shown_as for each in rows] == [None, rows[0].id]
    with pytest.raises(Refused, match="decided this pair already"):
        await sameness.decide(actor, pair.ref, Decision(False))


async def test_what_was_judged_different_is_never_asked_or_joined_again(tmp_path: Path) -> None:
    pair = await doubtful(tmp_path)
    await sameness.decide(await operator(), pair.ref, Decision(False))
    later = release(7, ocid="ocds-zzz999-7", id="7-2", date="2026-03-05T00:00:00Z", tag=["tenderUpdate"])
    await bring(package(tmp_path / "three.json", [later]), "ukraine")
    assert await DoubtfulPair.count() == 1
    assert await NoticeMerge.count() == 0
    assert all(each.shown_as is None and each.matched_at is not None for each in await ImportedNotice.objects())


async def test_notices_of_one_portal_with_the_same_words_stay_apart(tmp_path: Path) -> None:
    twice = [release(7), release(7, ocid="ocds-abc123-again")]
    await bring(package(tmp_path / "x.json", twice), "moldova")
    assert await NoticeMerge.count() + await DoubtfulPair.count() == 0


async def test_only_an_operator_decides(tmp_path: Path) -> None:
    pair = await doubtful(tmp_path)
    buyer = await given.person(await given.organisation(), "buyer")
    with pytest.raises(Refused):
        await sameness.decide(buyer, pair.ref, Decision(True))


async def test_a_broken_item_comes_in_when_it_is_mended_and_only_then(tmp_path: Path) -> None:
    nameless = release(1)
    del nameless["ocid"]
    await bring(package(tmp_path / "x.json", [nameless]), "moldova")
    (item,) = await Quarantined.objects()
    actor = await operator()
    for text in ("", "{", "not json", '{"tag": ["tender"], "tender": {}}'):
        with pytest.raises(Refused, match="still cannot be read"):
            await actions.replay(actor, item.ref, actions.Mending(text))
    assert await Quarantined.count() == 1
    await actions.replay(actor, item.ref, actions.Mending(_json(nameless | {"ocid": "ocds-abc123-000001"})))
    (notice,) = await ImportedNotice.objects()
    assert (notice.ocid, notice.matched_at is not None) == ("ocds-abc123-000001", True)
    (kept,) = await Quarantined.objects()
    assert kept.mended_at is not None
    assert kept.content == item.content
    assert await RawItem.count() == 1
    with pytest.raises(Refused, match="mended and imported already"):
        await actions.replay(actor, item.ref, actions.Mending(""))


def _json(value: Any) -> str:
    return json.dumps(value)


async def _row(row: ImportedNotice) -> ImportedNotice:
    found = await ImportedNotice.objects().get(ImportedNotice.id == row.id)
    assert found is not None
    return found
