"""How money, numbers and distances in time are written wherever a person reads them: pages, letters, printed records.

One way each, so that two pages never say the same thing differently. Days and moments themselves are `market.dates`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from market import clock
from market.dates import local
from market.money import Money
from market.refusals import Refusal, Rule
from market.wording import _, _n

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# From where each unit is used: “47 hours” still tells a bidder more than “1 day”.
_STEPS: tuple[tuple[timedelta, timedelta, Callable[[int], str]], ...] = (
    (2 * 365 * _DAY, 365 * _DAY, lambda count: _n("{number} year", "{number} years", count)),
    (61 * _DAY, timedelta(days=30.4375), lambda count: _n("{number} month", "{number} months", count)),
    (2 * _DAY, _DAY, lambda count: _n("{number} day", "{number} days", count)),
    (2 * _HOUR, _HOUR, lambda count: _n("{number} hour", "{number} hours", count)),
    (_MINUTE, _MINUTE, lambda count: _n("{number} minute", "{number} minutes", count)),
)


def money(value: Money | tuple[int, str] | int, currency: str | None = None) -> str:
    """“£1,500” or “£1,500.50” or “1,500 SEK”, from a Money, a `(minor, currency)` pair, or minor units and a currency.

    A bare number without its currency is refused: pence and cents look alike.
    """
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, tuple):
        minor, currency = value
        return str(Money(minor, currency))
    if currency is None:
        raise TypeError("money needs its currency: pass a Money, a pair, or the currency beside the minor units")
    return str(Money(value, currency))


def number(value: int | float | Decimal) -> str:
    """Digits in groups of three: “12,345”. Decimals are kept as they are given: “2.5”."""
    return f"{value:,}"


def until(value: date | datetime, now: datetime | None = None) -> str:
    """How far away: “in 3 days”, “2 hours ago”, “now”; for a date without an hour “today”, “tomorrow”, “in 3 days”, “in 2
    years”.

    Rounded towards now, so that a deadline is never shown farther away than it is.
    """
    present = now or clock.now()
    if not isinstance(value, datetime):
        return _until_day((value - local(present).date()).days)
    gap = local(value) - present
    ahead, size = gap > timedelta(0), abs(gap)
    if size < _MINUTE:
        return _("now")
    return _span(size // _MINUTE, ahead=ahead)


def paragraphs(text: str) -> Markup:
    """Plain text that a person typed, as escaped HTML: blank lines part paragraphs, lines that all start with “- ” are a
    list, other line ends stay. No mark-up of theirs survives, so nobody can dress a link or a button as ours."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return Markup("\n").join(part for block in blocks for part in _block(block))


def ticks(name: str, options: Iterable[tuple[str, str, int | None, bool]], group: int) -> Markup:
    """The checkboxes of one filter: value, words, count or None, whether it is ticked. Written here and not in the
    template because a page of results has a hundred of them; `group` tells the ids of several filters apart."""
    return Markup(  # noqa: S704 - every part that comes from outside is escaped
        "".join(
            f'<div class="govuk-checkboxes__item"><input class="govuk-checkboxes__input" id="facet-{group}-{at}" '
            f'{_ticked(name, value)}{" checked" if ticked else ""}><label class="govuk-label govuk-checkboxes__label" '
            f'for="facet-{group}-{at}">{_escaped(text)}{"" if count is None else _counted(count)}</label></div>\n'
            for at, (value, text, count, ticked) in enumerate(options, 1)
        )
    )


@lru_cache(8192)
def _ticked(name: str, value: str) -> str:
    return f'name="{escape(name)}" type="checkbox" value="{escape(value)}"'


@lru_cache(8192)
def _escaped(text: str) -> str:
    return str(escape(text))


def _counted(count: int) -> str:
    return f' <span class="pre-count">{number(count)}<span class="govuk-visually-hidden"> results</span></span>'


def checklist_items(pairs: Iterable[tuple[Rule[Any], Refusal | None]]) -> list[tuple[str, str | None]]:
    """What `refusals.checklist` answers, as pairs for the checklist macro: the norm in one sentence, and the reason it
    does not hold or None."""
    return [(rule.says, refusal.reason if refusal else None) for rule, refusal in pairs]


def _until_day(days: int) -> str:
    near = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}.get(days)
    return near or _span(abs(days) * _DAY // _MINUTE, ahead=days > 0)


@lru_cache(4096)
def _span(minutes: int, *, ahead: bool) -> str:
    size = minutes * _MINUTE
    unit, counted = next((unit, counted) for least, unit, counted in _STEPS if size >= least)
    span = counted(size // unit)
    return _("in {span}", span=span) if ahead else _("{span} ago", span=span)


def _block(block: str) -> list[Markup]:
    """A run of lines without a blank one between: list items together, the lines before and after as paragraphs."""
    parts: list[Markup] = []
    for listed, lines in _runs([line.strip() for line in block.split("\n") if line.strip()]):
        if listed:
            items = Markup().join(Markup("<li>{}</li>").format(line[2:].strip()) for line in lines)
            parts.append(Markup('<ul class="govuk-list govuk-list--bullet">{}</ul>').format(items))
        else:
            kept = Markup("<br>").join(escape(line) for line in lines)
            parts.append(Markup('<p class="govuk-body">{}</p>').format(kept))
    return parts


def _runs(lines: list[str]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for line in lines:
        listed = line.startswith(("- ", "• ", "* "))
        if runs and runs[-1][0] == listed:
            runs[-1][1].append(line)
        else:
            runs.append((listed, [line]))
    return runs
