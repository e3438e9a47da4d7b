"""The generated documentation names every rule, its reason and its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.standards.checking.profiles import profile, shipped
from market.standards.profiles.handbook import anchor, definition, profile_page


@pytest.mark.parametrize("pair", shipped(), ids="@".join)
def test_every_rule_has_a_section_with_reason_remedy_and_examples(pair: tuple[str, str]) -> None:
    of = profile(*pair)
    page = profile_page(of)
    assert of.digest in page
    for card in of.cards.values():
        section = page.split(f"\n## {card.rule}\n")[1].split("\n## ")[0]
        assert card.why in section
        assert card.mend in section
        assert card.source_url in section
        assert section.count("Passes: ") == len(card.passing)
        assert section.count("Fails: ") == len(card.failing)
        assert f"(#{anchor(card.rule)})" in page
        assert (definition(of, card.rule) is None) is (card.kind != "document")


@pytest.mark.parametrize("name", sorted({name for name, _ in shipped()}))
def test_the_handbook_of_every_profile_is_kept_as_it_is_generated(name: str) -> None:
    kept = Path(__file__).parents[3] / "docs" / "profiles" / f"{name}.md"
    assert kept.read_text(encoding="utf-8") == profile_page(profile(name)), "run: make documents"
