"""The template environment: strict, escaped, compiled once, with the same words and addresses on every page.

A misspelt name in a template is an error, never an empty space (`StrictUndefined`). The contract of what every page is
given stands at the top of `templates/layout.html`; :func:`page` builds it, so no page can forget a part.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
)

from market import clock, dates, wording
from market.actor import Actor, role_words
from market.settings import settings
from market.web import words
from market.web.static import Assets

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

FILTERS = {
    "money": words.money,
    "number": words.number,
    "day": dates.day,
    "moment": dates.moment,
    "moment_zone": dates.moment_zone,
    "iso": dates.iso,
    "until": words.until,
    "paragraphs": words.paragraphs,
    "role_words": role_words,
    "checklist_items": words.checklist_items,
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is true of the whole site for this request. `now` is the clock's moment, moved or not."""

    now: datetime
    name: str = "Prelude"
    demo: bool = False
    money_simulated: bool = False
    clock_moved: bool = False
    goes_without: tuple[str, ...] = ()
    """Sentences for every page about what a site in production has not got: money that moves, a mail server, an index."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation; `current` for the section the page belongs to."""

    text: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Flash:
    """One sentence about what was just done (`success`) or what to know (`notice`), shown once."""

    kind: str
    text: str


class Row(msgspec.Struct, frozen=True):
    """One row of a list of records; `templates/parts/lists.html` says what each part is."""

    href: str
    title: str
    who: str | None = None
    money: str | None = None
    money_label: str | None = None
    when: date | datetime | None = None
    when_label: str | None = None
    kind: str | None = None
    state: str | None = None
    tone: str = "grey"
    text: str | None = None
    note: str | None = None
    source: str | None = None
    source_href: str | None = None
    choice: str | None = None


def page(
    site: Site,
    path: str,
    *,
    person: Actor | None = None,
    navigation: Sequence[Link] = (),
    csrf_token: str = "",
    flash: Flash | None = None,
) -> dict[str, Any]:
    """The context that every page gets. With only `site` and `path` it is a page for nobody in particular: an error page
    or a public page before the session is known."""
    return {
        "site": site,
        "path": path,
        "person": person,
        "navigation": navigation,
        "csrf_token": csrf_token,
        "flash": flash,
    }


def environment(
    templates: Path = TEMPLATES,
    *,
    assets: Assets | None = None,
    bytecode: Path | None = None,
    debug: bool = False,
) -> Environment:
    """The one environment of a process. `debug` looks for changed templates at every render; otherwise a template is
    compiled once, and its bytecode kept in `bytecode` (default: `templates` under PRELUDE_VAR) for the next start, where that may be written.

    Pages are escaped; letters (`*.txt`) are plain text and are not.
    """
    files = assets or Assets(templates / "static")
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(templates), PrefixLoader({"govuk_frontend_jinja": _Components()})]),
        undefined=StrictUndefined,
        autoescape=_escaped,  # noqa: S701 - every page is escaped; only plain-text letters are not
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=debug,
        cache_size=-1,
        bytecode_cache=_kept(bytecode or settings().var / "templates"),
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    catalogue = wording.translations()
    made.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(FILTERS)
    made.globals.update(
        form_token=partial(secrets.token_urlsafe, 16),
        static=files.url,
        now=clock.now,
        ocid=ocid,
        ticks=words.ticks,
        Row=Row,
    )
    return made


def _kept(folder: Path) -> FileSystemBytecodeCache | None:
    """A cache in a folder of our own, and not in the shared temporary one: what is read from it is run."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


def ocid(kind: str, reference: str) -> str:
    """The ocid of a challenge or tender, so that its page can link its record of open contracting data."""
    return f"{settings().ocds_prefix}-{kind}-{reference}"


def warm(made: Environment) -> int:
    """Compile every template before the first visitor comes; answers how many. A syntax error stops the start."""
    names = [name for name in made.list_templates(extensions=["html", "txt"]) if not name.startswith("static/")]
    for name in names:
        made.get_template(name)
    return len(names)


def letter(made: Environment, template: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Render a letter into its subject and its body.

    The first line is `Subject: …`, then a blank line, then the text. A template that does not start so is refused, and a
    subject is one line whatever a title in it contained, so that nobody's input can add a mail header.
    """
    first, _, rest = made.get_template(template).render(context).lstrip().partition("\n\n")
    if not first.startswith("Subject: "):
        raise ValueError(f"{template} must begin with a line 'Subject: …' and a blank line")
    subject = " ".join(first.removeprefix("Subject: ").split())
    if not subject:
        raise ValueError(f"{template} has an empty subject")
    return subject, rest.strip() + "\n"


def _escaped(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")


class _Components(BaseLoader):
    """The design system's own macros. They test parameters that were not given, which a strict environment refuses, so
    they are compiled in a lenient one of their own; our templates stay strict."""

    def __init__(self) -> None:
        self._lenient = Environment(
            loader=PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            autoescape=True,
            auto_reload=False,
            cache_size=-1,
        )

    def load(self, environment: Environment, name: str, globals: Any = None) -> Template:
        """The compiled template, bound to the lenient environment."""
        return self._lenient.get_template(f"govuk_frontend_jinja/{name}")

    def list_templates(self) -> list[str]:
        """None of them is a page of ours, so none is listed (and none compiled at the start without need)."""
        return []
