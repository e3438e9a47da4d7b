"""Every sentence that people read is in the catalogue: the ones that are not are named."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from babel.messages import extract, pofile
from jinja2 import Environment, nodes

from market import rulebook
from market.actor import ROLE_WORDS, Role
from market.web.templating import environment
from tests.architecture import trees
from tests.architecture.trees import walk

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"

FOR_THE_HOUSE = ("static", "styleguide.html")
"""Templates that nobody but those who build the pages reads."""

FOR_OPERATORS = re.compile(
    r"market/(__main__|doctor|keeper|embedded|serving|greeting|ports|settings|migrations|catalogue|db|reads|rulebook|witness|audit/checkpoints|audit/outside|hands/matrix|waivers/gatepage|worker|verify|app|orphans|beside|policy|portal/reports)\.py"
    r"|market/(openapi|ocds|proof|seed)/|/(tables|api|described)\.py$|search/meili\.py$"
)
"""Modules whose sentences are read in a terminal or in the description of the API, not on pages, in letters or refusals."""

SAID = {"_", "_n", "N_", "gettext", "ngettext"}
TOLD_ELSEWHERE = {"summary", "description", "source", "norm", "operation_id", "tags", "examples"}
"""Keywords whose text is for programs and documents: the description of the API, the names of laws, the rule book."""
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|FROM|JOIN|LEFT|WHERE|AND|OR|ORDER|GROUP|UNION|VALUES|CREATE|LOCK|SET|CASE)\b"
)
LINE_OF_A_PROTOCOL = re.compile(r"(Disallow|Contact|Authorization): ")
"""What machines read: robots.txt, security.txt, a header."""


ADDRESS = re.compile(r"\S*[/#]\S*")
"""Addresses stand in letters as they are."""


def prose(text: str) -> bool:
    """Whether this looks like words for people: it begins like a sentence and has more than one word."""
    begins = re.match(r"[“(]?[A-Z][a-z’']*[.,:;!?]?\s+\S*[a-z]", text.strip())
    return bool(begins) and not SQL.match(text) and not LINE_OF_A_PROTOCOL.match(text)


class _Text(HTMLParser):
    """Gathers what a reader would see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")
        self.seen += [value or "" for name, value in attrs if name in ("aria-label", "title", "alt", "placeholder")]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.seen.append(data)


def unmarked_in_template(environment: Environment, source: str) -> list[str]:
    """The text of a template that stands outside `{% trans %}` and `_(…)`."""
    tree = environment.parse(source)
    marked: set[int] = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in SAID:
            marked |= {id(const) for const in call.find_all(nodes.Const)}
    html = "".join(_written(tree))
    reader = _Text()
    reader.feed(html)
    reader.close()
    shown = [text.strip() for text in reader.seen if re.search(r"[^\W\d_]{2}", ADDRESS.sub("", text))]
    constants = [
        const.value
        for const in tree.find_all(nodes.Const)
        if isinstance(const.value, str) and id(const) not in marked and prose_of_template(const.value)
    ]
    return shown + constants


def prose_of_template(text: str) -> bool:
    """Arguments of macros are shorter than sentences: one capital letter is enough."""
    return bool(re.match(r"\s*[“(]?[A-Z][a-z]", text)) or prose(text)


def _written(tree: nodes.Node) -> list[str]:
    parts: list[str] = []
    for node in tree.find_all(nodes.Output):
        parts += [child.data if isinstance(child, nodes.TemplateData) else "0" for child in node.nodes]
    return parts


def unmarked_in_code(source: str) -> list[str]:
    """The sentences of a module that stand outside `_`, `_n` and `N_`."""
    tree = trees.of(source)
    left_out: set[int] = set()
    for node in walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            whole = name in SAID or name in ("exception", "warning", "info", "error", "debug") or "Error" in name
            apart = node.args + [word.value for word in node.keywords] if whole else []
            apart += [word.value for word in node.keywords if word.arg in TOLD_ELSEWHERE]
            left_out |= {id(inner) for part in apart for inner in walk(part)}
    return [
        node.value
        for node in walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in left_out
        and prose(node.value)
    ]


CODE_SHOWN = re.compile(r"""replace\(\s*['"][-_]['"]\s*,\s*['"] ['"]\s*\)""")
"""The name of a thing in the code, made to look like words."""

NAMES_OF_THE_CODE = {
    "market/oversight/log.py": "the facts of an event have the names that were hashed with them, in every language",
    "market/oversight/pages.py": "the same of private facts",
    "market/web/forms.py": "a field without a title is hidden, or a box whose words the page says",
}
"""Who may show them, and why."""

DAY_BY_HAND = re.compile(r"%[-#]?[aAbBcxp]")
"""What a format of days takes from the machine's own language."""
DAYS_FOR_MACHINES = {"market/opendata/pages.py": "the header `last-modified` (RFC 9110 section 5.6.7)"}

WORD = re.compile(r"[A-Za-z][a-z’]+( [a-z’]+)*[.!]?$")
WORDS = re.compile(r"[A-Za-z][a-z’]*( [a-z’]+)+$")
ANSWERED_TO_MACHINES = {"does not answer"}
"""Of `/health`."""


def branches(node: ast.expr) -> Iterator[ast.Constant]:
    """The texts that an expression may turn out to be."""
    if isinstance(node, ast.IfExp):
        yield from branches(node.body)
        yield from branches(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from branches(value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node


def words_in_code(source: str) -> list[str]:
    """Words that are no whole sentence and yet are read: a fact that is a word, what stands where a fact is missing, what
    joins several, a code made to look like words, a day written by hand."""
    found = [match.group() for match in CODE_SHOWN.finditer(source)]
    for node in ast.walk(trees.of(source)):
        if isinstance(node, ast.IfExp | ast.BoolOp):
            found += [text.value for text in branches(node) if WORDS.match(text.value)]
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SAID:
                found += [
                    text.value for word in node.keywords for text in branches(word.value) if WORD.match(text.value)
                ]
            if name == "join" and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):
                found += [node.func.value.value] if re.fullmatch(r" [a-z]+ ", str(node.func.value.value)) else []
            if name == "strftime":
                found += [text.value for word in node.args for text in branches(word) if DAY_BY_HAND.search(text.value)]
        elif isinstance(node, ast.FormattedValue) and node.format_spec:
            found += [
                text.value for text in node.format_spec.values if DAY_BY_HAND.search(str(getattr(text, "value", "")))
            ]  # type: ignore[attr-defined]
    return [text for text in dict.fromkeys(found) if text not in ANSWERED_TO_MACHINES]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x = role.replace('-', ' ')", ["replace('-', ' ')"]),
        ("x = name if name else 'not named'", ["not named"]),
        ("x = _('There is no {what}.', what=what or 'anything')", ["anything"]),
        ("x = _('There is no {what}.', what=what or _('anything'))", []),
        ("x = _('Choose {kind}.', kind=kind if kind == 'tender' else other)", []),
        ("x = ' and '.join(names)", [" and "]),
        ("x = ', '.join(names)", []),
        ("x = f'{day.day} {day:%B %Y}'", ["%B %Y"]),
        ("x = f'{day:%H:%M}'", []),
        ("x = day.strftime('%a %d')", ["%a %d"]),
        ("x = day.strftime('%Y-%m-%d')", []),
    ],
)
def test_a_word_that_is_read_and_is_no_sentence_is_found(code: str, found: list[str]) -> None:
    assert words_in_code(code) == found


def test_words_that_are_no_sentences_are_in_the_catalogue_too() -> None:
    """Roles, days, what joins a list and what stands for a missing fact."""
    found: dict[str, list[str]] = {}
    for path in sorted(
        each for package in ("market", "challenges", "search") for each in (ROOT / package).rglob("*.py")
    ):
        place = path.relative_to(ROOT).as_posix()
        if not FOR_OPERATORS.search(place) and place not in NAMES_OF_THE_CODE | DAYS_FOR_MACHINES:
            found[place] = words_in_code(path.read_text())
    for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]):
        place = path.relative_to(TEMPLATES).as_posix()
        found[place] = [match.group() for match in CODE_SHOWN.finditer(path.read_text())]
    unmarked = {place: texts for place, texts in found.items() if texts}
    assert not unmarked, (
        f"say these with _(…), role_words, together, either (market.wording) or market.dates: {unmarked}"
    )


def test_every_role_has_its_word() -> None:
    assert set(ROLE_WORDS) == set(get_args(Role))


def test_what_is_counted_is_said_by_the_rule_of_plurals_of_the_language() -> None:
    """No macro and no page puts an -s to a noun."""
    guess = re.compile(
        r"""~\s*['"]s['"]|['"]s['"] if |if (count|number|total) (==|!=) 1\b|if \w+ \| length (==|!=) 1 %\}"""
    )
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")])
        if (lines := [match.group() for match in guess.finditer(path.read_text())])
    }
    # Whether it is divided into lots at all, which no number is said of.
    assert found.pop("templates/tenders/one.html", None) == ["if lots | length == 1 %}"]
    assert found == {}, "{% trans count=… %}…{% pluralize %}…{% endtrans %}"


def test_the_norms_that_checklists_show_are_in_the_catalogue() -> None:
    with (ROOT / "locale" / "prelude.pot").open("rb") as file:
        listed = {message.id for message in pofile.read_po(file) if message.id}
    norms = {rule.says for module in rulebook.modules() for rule in rulebook.rules_of(module)}
    assert len(norms) > 200
    assert norms - listed == set(), "run make words"


TEMPLATE = """{% extends "layout.html" %}{% import "parts/record.html" as record %}
<h1 class="govuk-heading-l">{% trans %}Marked{% endtrans %}</h1><p aria-label="{{ _('Marked too') }}">{{ name }}, 3</p>
{{ record.back("/missions", _("Missions")) }}"""


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ("", []),
        ("<h{{ level }}>{{ site_url }}/tenders/{{ ref }}#changes</h{{ level }}>", []),
        ("<p>Left out</p>", ["Left out"]),
        ('<p title="Left out">{{ name }}</p>', ["Left out"]),
        ('{{ record.back("/x", "Left out") }}', ["Left out"]),
        ("{{ 'Draft' if name else _('Sent') }}", ["Draft"]),
        ("{% if name %}<b>by</b>{% endif %}", ["by"]),
    ],
)
def test_unmarked_text_of_a_template_is_found(added: str, found: list[str]) -> None:
    assert unmarked_in_template(environment(), TEMPLATE + added) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f():\n    '''What it means.'''\n    return _('Say why it is.')", []),
        ("x = 'Say why it is.'", ["Say why it is."]),
        ("x = f'Say why {y} is.'", ["Say why "]),
        ("x = _n('One bid came.', '{number} bids came.', 2)", []),
        ("x = 'SELECT a FROM b'", []),
        ("raise TypeError('Say why it is.')", []),
        ("@get(summary='One tender')\ndef f(): return Row(text='Too late now')", ["Too late now"]),
    ],
)
def test_an_unmarked_sentence_of_the_code_is_found(code: str, found: list[str]) -> None:
    assert unmarked_in_code(code) == found


def _is_below(place: str, folders: tuple[str, ...]) -> bool:
    return any(place == folder or place.startswith(f"{folder}/") for folder in folders)


def _templates() -> dict[str, list[str]]:
    made = environment()
    found = {}
    for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]):
        place = path.relative_to(TEMPLATES).as_posix()
        if not _is_below(place, FOR_THE_HOUSE):
            found[place] = unmarked_in_template(made, path.read_text())
    return found


def _code() -> dict[str, list[str]]:
    found = {}
    for package in ("market", "challenges", "search"):
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if not FOR_OPERATORS.search(place):
                found[place] = unmarked_in_code(path.read_text())
    return found


def test_every_sentence_that_people_read_is_marked_for_the_catalogue() -> None:
    everything = _templates() | _code()
    unmarked = {place: texts for place, texts in everything.items() if texts}
    assert not unmarked, f"wrap these in {{% trans %}}, _(…) or N_(…) of market.wording: {unmarked}"


def hidden(source: str) -> list[int]:
    """The lines on which a function that says sentences with `_` gives that name to something else."""
    lines = []
    for function in walk(trees.of(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inside = list(walk(function))
        loops = [part.target for node in inside for part in getattr(node, "generators", [])]
        own = {id(node) for target in loops for node in walk(target)}
        names = [node for node in inside if isinstance(node, ast.Name) and node.id == "_"]
        if any(isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_" for node in inside):
            lines += [node.lineno for node in names if isinstance(node.ctx, ast.Store) and id(node) not in own]
    return lines


def test_nothing_hides_the_catalogue() -> None:
    code = "from market.wording import _\ndef f(x):\n    first, _ = x\n    return _('Say why it is.')"
    assert hidden(code) == [3]
    modules = [
        path for package in ("market", "challenges", "search") for path in sorted((ROOT / package).rglob("*.py"))
    ]
    lines = {path.relative_to(ROOT).as_posix(): hidden(path.read_text()) for path in modules}
    assert not {place: found for place, found in lines.items() if found}, "name what is not wanted by its noun"


def test_the_catalogue_lists_every_sentence_that_is_marked() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(pattern, entry["method"]) for entry in mappings for pattern in entry["pattern"]]
    options = {
        pattern: {key: value for key, value in entry.items() if isinstance(value, str) and key != "method"}
        for entry in mappings
        for pattern in entry["pattern"]
    }
    keywords = {**extract.DEFAULT_KEYWORDS, "_": (1,), "_n": (1, 2), "N_": (1,)}
    marked = {message for _, _, message, _, _ in extract.extract_from_dir(ROOT, methods, options, keywords=keywords)}
    with (ROOT / "locale" / "prelude.pot").open("rb") as file:
        listed = {message.id for message in pofile.read_po(file) if message.id}
    assert listed == marked, "run make words"
