"""The template environment, the layout's contract, every macro by way of the style guide, and letters."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, TemplateSyntaxError, UndefinedError

from market import clock
from market.web.templating import TEMPLATES, Flash, Site, environment, letter, page, warm
from tests.market.web.sample import NOW, styleguide


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(bytecode=tmp_path_factory.mktemp("bytecode"))


class Elements(HTMLParser):
    """Every start tag with its attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]

    def one(self, id: str) -> dict[str, str]:
        (found,) = [attributes for _, attributes in self.found if attributes.get("id") == id]
        return found


@pytest.fixture(scope="module")
def guide(made: Environment) -> str:
    with clock.at(NOW):
        return made.get_template("styleguide.html").render(styleguide())


def test_every_template_compiles(made: Environment) -> None:
    assert warm(made) >= 8


def test_a_misspelt_name_is_an_error_and_typed_html_is_escaped(made: Environment) -> None:
    with pytest.raises(UndefinedError):
        made.from_string("{{ persn }}").render()
    assert made.from_string("{{ typed }}").render(typed="<script>") == "&lt;script&gt;"


def test_the_design_systems_own_macros_can_be_loaded(made: Environment) -> None:
    source = (
        '{% from "govuk_frontend_jinja/components/phase-banner/macro.html" import govukPhaseBanner %}'
        '{{ govukPhaseBanner({"tag": {"text": "Alpha"}, "text": typed}) }}'
    )
    html = made.from_string(source).render(typed="<i>new</i>")
    assert "govuk-phase-banner" in html
    assert "&lt;i&gt;new&lt;/i&gt;" in html
    with pytest.raises(UndefinedError):
        made.from_string(source).render()


def test_compiled_templates_are_kept_for_the_next_start(tmp_path: Path) -> None:
    environment(bytecode=tmp_path).get_template("problem.html")
    assert list(tmp_path.iterdir())


def test_a_changed_template_is_seen_only_when_debugging(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    for debug, second in ((True, "two"), (False, "one")):
        template = tmp_path / "a.html"
        template.write_text("one")
        trial = environment(tmp_path, debug=debug, bytecode=tmp_path / "static")
        assert trial.get_template("a.html").render() == "one"
        template.write_text("two, later")
        assert trial.get_template("a.html").render().startswith(second)


def test_a_broken_template_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "a.html").write_text("{% if %}")
    with pytest.raises(TemplateSyntaxError):
        warm(environment(tmp_path, bytecode=tmp_path))


# ---- the layout ----


def layout(made: Environment, body: str = "{% block content %}<h1>Hello</h1>{% endblock %}", **context: Any) -> str:
    source = '{% extends "layout.html" %}{% block title %}Hello{% endblock %}' + body
    return made.from_string(source).render({**page(Site(now=NOW), "/tenders/t-1"), **context})


def test_a_page_for_nobody_in_particular_renders(made: Environment) -> None:
    html = layout(made)
    assert "<title>Hello – Prelude</title>" in html
    assert 'href="/sign-in?then=/tenders/t-1"' in html
    assert "pre-nav" not in html
    assert "Demonstration" not in html
    assert "simulated" not in html
    assert html.count("<h1>Hello</h1>") == 1


def test_who_is_signed_in_can_sign_out_with_the_token(made: Environment) -> None:
    html = layout(made, person=SimpleNamespace(name="<Asha>"), csrf_token="a-token")
    assert "&lt;Asha&gt;" in html
    assert "Sign in" not in html
    elements = Elements(html)
    assert {"type": "hidden", "name": "csrf_token", "value": "a-token"} in elements.all("input")
    assert any(each["action"] == "/sign-out" and each["method"] == "post" for each in elements.all("form"))


def test_a_demonstration_says_so_and_shows_a_moved_clock(made: Environment) -> None:
    assert "Its clock" not in layout(made, site=Site(now=NOW, demo=True))
    html = layout(made, site=Site(now=NOW, demo=True, clock_moved=True))
    assert "invented organisations" in html
    assert "Sun 22 Nov 2026, 10:00" in html
    assert 'href="/demo"' in html


def test_what_a_site_in_production_goes_without_is_on_every_page_and_once(made: Environment) -> None:
    said = ("Payments are simulated: no money moves.", "No letters are sent.")
    site = Site(now=NOW, money_simulated=True, goes_without=said)
    for html in (layout(made, site=site), layout(made, "{% set mentions_money = true %}", site=site)):
        assert "Payments are simulated: no money moves. No letters are sent." in html
        assert html.count("Payments are simulated") == 1
    assert "What this site goes without" not in layout(made)


def test_simulated_money_is_named_on_pages_that_mention_money_only(made: Environment) -> None:
    site = Site(now=NOW, money_simulated=True)
    money = "{% set mentions_money = true %}"
    assert "simulated" in layout(made, money, site=site)
    assert "simulated" not in layout(made, site=site)
    assert "simulated" not in layout(made, money)


def test_flash_errors_and_columns(made: Environment) -> None:
    assert 'role="alert"' in layout(made, flash=Flash("success", "Sent."))
    assert 'role="status"' in layout(made, flash=Flash("notice", "Nothing changed."))
    form = SimpleNamespace(values={}, errors={"title": "Enter a title"})
    assert "<title>Error: Hello – Prelude</title>" in layout(made, form=form)
    both = layout(made, "{% block content %}<h1>A</h1>{% endblock %}{% block aside %}<p>B</p>{% endblock %}")
    assert both.count("<h1>A</h1>") == both.count("<p>B</p>") == 1
    assert "pre-columns" in both
    wide = layout(made, "{% set wide = true %}{% block content %}<h1>A</h1>{% endblock %}")
    assert wide.count("<h1>A</h1>") == 1
    assert "pre-measure" not in wide


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 429, 500, 503])
def test_the_problem_page_needs_no_session(made: Environment, status: int) -> None:
    problem = {"status": status, "title": "No", "detail": "", "reasons": ["<one>"], "advice": "", "reference": "r-1"}
    html = made.get_template("problem.html").render(page(Site(now=NOW), "/x"), problem=problem)
    assert "<title>No – Prelude</title>" in html
    assert "&lt;one&gt;" in html
    assert "r-1" in html


# ---- the macros ----


def test_nothing_inline_that_the_content_security_policy_would_refuse(guide: str) -> None:
    elements = Elements(guide)
    assert elements.all("style") == []
    assert all(each.get("src") for each in elements.all("script"))
    for tag, attributes in elements.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)
        assert not attributes.get("href", "").startswith("javascript:")


def test_ids_are_unique_and_whatever_refers_to_one_finds_it(guide: str) -> None:
    elements = Elements(guide)
    ids = Counter(attributes["id"] for _, attributes in elements.found if "id" in attributes)
    assert [id for id, times in ids.items() if times > 1] == []
    for tag, attributes in elements.found:
        for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for id in attributes.get(name, "").split():
                assert id in ids, (tag, attributes)
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids, attributes
        if "data-live" in attributes:
            assert attributes["data-live"][1:] in ids


def test_headings_descend_one_step_at_a_time_from_one_h1(guide: str) -> None:
    levels = [int(tag[1]) for tag, _ in Elements(guide).found if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_every_field_keeps_what_was_typed_beside_its_mistake(guide: str) -> None:
    elements = Elements(guide)
    title = elements.one("title")
    assert title["value"] == "Nurses notice “dehydration” late"
    assert title["aria-describedby"] == "title-hint title-error"
    assert title["aria-invalid"] == "true"
    assert "38% of admissions\n&lt;b&gt;nine&lt;/b&gt; homes</textarea>" in guide
    assert elements.one("evidence")["aria-describedby"] == "evidence-hint evidence-info"
    assert elements.one("closes_at")["type"] == "datetime-local"
    assert elements.one("fee")["inputmode"] == "decimal"
    chosen = {each["value"] for each in elements.all("input") if "checked" in each}
    assert chosen == {"open", "north", "coast", "challenge"}
    assert [each["value"] for each in elements.all("option") if "selected" in each] == ["m2"]
    assert "value" not in elements.one("password"), "a password is never sent back"
    assert "aria-describedby" not in elements.one("scope")


def test_the_summary_links_to_the_first_input_of_each_field(guide: str) -> None:
    elements = Elements(guide)
    summary = guide[
        guide.index("govuk-error-summary__list") : guide.index("</ul>", guide.index("govuk-error-summary__l"))
    ]
    names = [each["href"][1:] for each in Elements(summary).all("a")]
    assert names == ["title", "fee", "closes_at", "mission", "method", "places_of", "file", "password", "declared"]
    tags = {attributes.get("id"): tag for tag, attributes in elements.found}
    assert {tags[name] for name in names} == {"input", "select"}
    assert "<li>Somebody else changed this draft at 10:02</li>" in summary


def test_forms_that_post_carry_the_token(guide: str) -> None:
    posts = re.findall(r'<form[^>]*method="post".*?</form>', guide, flags=re.DOTALL)
    assert len(posts) == 3
    assert all('name="csrf_token" value="a-token"' in form for form in posts)
    gets = re.findall(r'<form[^>]*method="get".*?</form>', guide, flags=re.DOTALL)
    assert gets
    assert not any("csrf_token" in form for form in gets)


def test_the_thread_is_an_ordered_list_that_says_each_state_in_a_word(guide: str) -> None:
    thread = guide[guide.index('<ol class="pre-thread__steps">') :]
    thread = thread[: thread.index("</ol>")]
    assert re.findall(r'pre-step__state">([a-z ]+)<', thread) == [
        "done", "done", "refused", "now", "not needed", "missing", "to come", "to come",
    ]  # fmt: skip
    assert [each.get("aria-current") for each in Elements(thread).all("li")].count("step") == 1
    assert "Two evaluators have not yet declared their interests." in thread


def test_a_table_row_can_stand_as_a_block(guide: str) -> None:
    cells = Elements(guide).all("td")
    assert cells
    assert all(each["role"] == "cell" and "data-label" in each for each in cells)


def test_a_list_of_optional_things_may_leave_them_out(made: Environment) -> None:
    source = '{% import "parts/record.html" as record %}{{ record.thread([{"name": "Problem", "state": "todo"}]) }}'
    assert "Problem" in made.from_string(source).render()
    with pytest.raises(UndefinedError):
        made.from_string(source.replace('"todo"', '"later"')).render()


def test_a_passkey_form_says_what_to_do_without_a_script(guide: str) -> None:
    form = guide[guide.index("data-passkey=") :]
    form = form[: form.index("</form>")]
    assert 'data-passkey="sign" data-passkey-field="credential" data-options-url="/waivers/31/sign/options"' in form
    assert '<input type="hidden" name="credential" value="">' in form
    assert "aria-live" in form
    assert "pre-without-script" in form


# ---- letters ----


def trial_letter(tmp_path: Path, text: str, **context: Any) -> tuple[str, str]:
    (tmp_path / "static").mkdir()
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "layout.txt").write_text((TEMPLATES / "email" / "layout.txt").read_text())
    (tmp_path / "email" / "trial.txt").write_text(text)
    made = environment(tmp_path, bytecode=tmp_path)
    common = {"site": Site(now=NOW), "addressee": SimpleNamespace(name="Siân O'Brien & Sons")}
    return letter(made, "email/trial.txt", {**common, **context})


LETTER = (
    '{% extends "email/layout.txt" %}\n'
    "{% block subject %}You were not short-listed for {{ title }} — your scores and why{% endblock %}\n"
    "{% block body %}\nYou scored 61 of 100.\n\nhttps://prelude.example/applications/7\n{% endblock %}\n"
)


def test_a_letter_has_one_line_of_subject_and_plain_words(tmp_path: Path) -> None:
    subject, body = trial_letter(tmp_path, LETTER, title="Halls & homes\nBcc: all@example.org")
    assert subject == "You were not short-listed for Halls & homes Bcc: all@example.org — your scores and why"
    assert body.startswith("Dear Siân O'Brien & Sons,\n\nYou scored 61 of 100.\n\nhttps://")
    assert "demonstration" not in body
    assert body.endswith("Prelude.\n")


def test_a_letter_says_what_is_not_real(tmp_path: Path) -> None:
    _, body = trial_letter(
        tmp_path, LETTER, title="X", mentions_money=True, site=Site(now=NOW, demo=True, money_simulated=True)
    )
    assert "Payments on this site are simulated" in body
    assert "invented organisations" in body


@pytest.mark.parametrize("text", ["Dear all,\n\nhello", "Subject:\n\nhello", "Subject:  \n\nhello"])
def test_a_letter_without_a_subject_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"subject|begin with a line"):
        trial_letter(tmp_path, text)
