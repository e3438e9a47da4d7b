"""What was done already is found by what it says, with both engines."""

from __future__ import annotations

from search.documents import Kind
from search.index import Index
from search.likeness import similar

DRAFT = """Our bridges over tidal rivers are inspected from boats by divers. Inspecting every bridge costs too much;
cracks in the piers are seen too late. Could drones look at the bridges before the winter floods?"""


async def test_the_exercise_that_asked_the_same_is_found_first_with_the_words_they_share(shelf: Index) -> None:
    alike = await similar(shelf, DRAFT)
    assert alike[0].hit.document.ref == "C-1"
    assert {"bridges", "floods"} <= set(alike[0].shared)
    assert all(len(one.shared) >= 2 for one in alike), "one shared word is a coincidence"
    assert [one.weight for one in alike] == sorted((one.weight for one in alike), reverse=True)


async def test_the_reasons_name_the_fields_that_hold_the_shared_words(shelf: Index) -> None:
    best = (await similar(shelf, DRAFT))[0]
    said = {word.lower() for reason in best.hit.reasons for word in reason.words}
    assert set(best.shared) <= said


async def test_what_is_being_written_is_not_like_itself(shelf: Index) -> None:
    assert "C-1" not in {one.hit.document.ref for one in await similar(shelf, DRAFT, without=["challenge:C-1"])}


async def test_only_the_kinds_that_were_asked_for_are_found(shelf: Index) -> None:
    draft = DRAFT + " Highway structures, laser scanning and photographs for a framework of flight images."
    found = await similar(shelf, draft, kinds=(Kind.TENDER,))
    assert {one.hit.document.kind for one in found} == {Kind.TENDER}


async def test_a_text_like_nothing_or_of_nothing_finds_nothing(shelf: Index) -> None:
    assert await similar(shelf, "") == ()
    assert await similar(shelf, "a 1 22 333 the of") == ()
    assert await similar(shelf, "zymurgy quokka xylophonist") == ()
