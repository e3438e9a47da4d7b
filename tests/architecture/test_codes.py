"""Every code of a refusal is declared once, where rules are, and stands in the rule book: nobody meets one that is nowhere
explained."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from market.kinds import KINDS
from market.rulebook import denials_of, modules, rules_of
from tests.architecture import trees
from tests.architecture.test_house import ROOT, SOURCES
from tests.architecture.trees import walk

CODE = re.compile(r"[a-z]+(?:-[a-z]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*")
MECHANISM = ROOT / "market" / "refusals.py"
MADE_BY = {"Refusal", "Denial", "rule"}


def codes() -> list[str]:
    """Every code that can be answered, as often as it is declared."""
    return [
        *(rule.code for module in modules() for rule in rules_of(module)),
        *(denial.code for module in modules() for denial in denials_of(module).values()),
    ]


def declared(source: str) -> Iterator[tuple[str, str | None]]:
    """What makes a refusal in this source, and the code it is given: None where that is not written out."""
    for node in walk(trees.of(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in MADE_BY:
                code = node.args[0] if node.args else None
                yield name, str(code.value) if isinstance(code, ast.Constant) else None


def wrong(path: Path, source: str) -> list[str]:
    """What this file declares although it may not: outside of rules anything, in rules a code that is not written out."""
    if path == MECHANISM:
        return []
    rules = path.name == "rules.py"
    return [
        f"{path.relative_to(ROOT)}: {name}({code})"
        for name, code in declared(source)
        if (name == "Refusal" or code is None if rules else name != "rule" or (code and CODE.fullmatch(code)))
    ]


@pytest.mark.parametrize(
    ("place", "source", "found"),
    [
        ("actions.py", 'raise Refused(Refusal("bid.late", "Too late."))', 1),
        ("pages.py", 'LATE = Denial("bid.late", "Too late.", "In time.")', 1),
        ("actions.py", '@rule("bid.late")\ndef f(): ...', 1),
        ("rules.py", '@rule("bid.late")\ndef f(): ...\nX = Denial("bid.early", "", "")', 0),
        ("rules.py", "@rule(LATE.code)\ndef f(): ...", 1),
        ("rules.py", 'def f(): return Refusal("bid.late", "")', 1),
        ("actions.py", "raise rules.LATE.refused(); raise Refused(*reasons)", 0),
    ],
)
def test_a_code_that_is_declared_elsewhere_is_found(place: str, source: str, found: int) -> None:
    assert len(wrong(ROOT / "market" / "bids" / place, source)) == found


def test_codes_are_declared_where_rules_are_and_nowhere_else() -> None:
    assert [each for path in SOURCES for each in wrong(path, path.read_text())] == []


def test_every_code_stands_in_the_rule_book_exactly_once() -> None:
    written = Counter(
        code for path in SOURCES if path.name == "rules.py" for _, code in declared(path.read_text()) if code
    )
    listed = Counter(re.findall(r"^- `([^`]+)`", (ROOT / "docs" / "rules.md").read_text(), re.M))
    assert [code for code in written if not CODE.fullmatch(code)] == []
    assert [code for code, times in (written | listed).items() if times > 1] == []
    assert set(written) == set(codes()) == set(listed)


def test_no_code_is_spoken_of_that_nothing_answers() -> None:
    """In the code, where reasons are told apart by their codes, and in what programs and people read."""
    known = set(codes()) | {verb for kind in KINDS.values() for verb in kind.deeds}
    nouns = {code.split(".")[0] for code in codes()}
    spoken = [
        (path, code)
        for path in (ROOT / "docs" / "openapi.json", ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for code in re.findall(rf"`({CODE.pattern})`", path.read_text())
    ]
    spoken += [
        (path, node.value)
        for path in SOURCES
        if path != MECHANISM and "intake" not in path.parts  # whose notes say what was wrong with others' data
        for node in trees.nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    ]
    unknown = [
        f"{path.relative_to(ROOT)}: {code}"
        for path, code in spoken
        if code not in known and code.split(".")[0] in nouns and "-" in code.split(".")[1]
    ]
    assert unknown == []


def test_every_denial_is_raised_somewhere_with_the_facts_that_its_words_name() -> None:
    asked = {
        (name, frozenset(field for _, field, _, _ in Formatter().parse(denial.words) if field))
        for module in modules()
        for name, denial in denials_of(module).items()
        if name.isupper()
    }
    given = set()
    for path in SOURCES:
        for node in trees.nodes(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("refused", "refusal")
            ):
                name = getattr(node.func.value, "id", getattr(node.func.value, "attr", ""))
                if name.isupper():
                    given.add((name, frozenset(word.arg or "" for word in node.keywords) - {"beside"}))
    assert given == asked
