"""Drafts, their rows and their versions, on a real database."""

from datetime import date

import msgspec
import pytest

from market import drafts
from market.missions.actions import MissionDraft
from market.missions.tables import Mission
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

SAID = MissionDraft("Safe bridges", "Every bridge every year.", date(2026, 1, 1), date(2030, 12, 31))


async def mission() -> Mission:
    department = await given.organisation()
    row = Mission(**drafts.facts(SAID, owner=department.id, created_at=given.TODAY))
    await row.save()
    return row


async def test_every_field_is_written_and_exactly_the_columns_that_were_written_are_saved() -> None:
    row = await mission()
    other = await Mission.objects().get(Mission.id == row.id)
    assert other
    row.published_at = given.TODAY
    await drafts.keep(msgspec.structs.replace(SAID, title="Safer"), row, statement="Computed.")
    await other.refresh()
    assert (other.title, other.statement, other.published_at) == ("Safer", "Computed.", None)


async def test_a_field_that_no_row_has_is_refused_rather_than_lost() -> None:
    class Wider(MissionDraft, kw_only=True, forbid_unknown_fields=True):
        sponsor: str = "nobody"

    row = await mission()
    for lose in (
        lambda: drafts.write(Wider(*msgspec.structs.astuple(SAID)), row),
        lambda: drafts.stored(Wider, row),
        lambda: drafts.version(Wider, row),
    ):
        with pytest.raises(TypeError, match=r"Wider\.sponsor has no column in Mission"):
            lose()


async def test_a_version_follows_its_own_fields_alone() -> None:
    row = await mission()
    before = drafts.version(MissionDraft, row)
    row.published_at = given.TODAY
    assert drafts.version(MissionDraft, row) == before
    row.title = "Safer"
    assert drafts.version(MissionDraft, row) != before
    row.title = SAID.title
    assert drafts.version(MissionDraft, row) == before
    assert drafts.version(MissionDraft, None) == drafts.NOTHING


async def test_two_rows_that_hold_the_same_have_versions_of_their_own() -> None:
    """A version is public where some of the values are not (a firm's turnover): nobody finds them by saving guesses of her own."""
    assert drafts.version(MissionDraft, await mission()) != drafts.version(MissionDraft, await mission())
