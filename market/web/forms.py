"""Reading forms: every mistake at once, each beside its field, and nothing of what was typed is lost.

One `msgspec.Struct` describes an input for both the page and the API. The API decodes JSON into it; here a posted form is
converted field by field, because msgspec stops at the first mistake. How a field is read follows its name and type:
`*_minor` is money typed in major units; `datetime` is local time in the site's zone; `date` is a day; `list[str]` is a
repeated field, or the lines of one (and codes between commas); `bool` is a ticked box. `Meta(title=…)` is the name used
in messages.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from litestar import Request
from piccolo.table import Table

from market import clock, dates, drafts, money, rules
from market.refusals import AskedOnceMore, Refusal, Refused
from market.wording import _

T = TypeVar("T", bound=msgspec.Struct)

INVALID = 422
"""The status of an answer that shows a form again."""


VERSION = "version"
"""The hidden field that says what a change was written from (the macro `forms.version`); no draft has a field of this name."""

CONFIRM = "confirm"
"""The boxes that confirm what was asked once more (the macro `forms.asks`); no draft has a field of this name."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What somebody else saved while a form was being filled in: who (`by`), when, and, for every field that now says
    something else than what was typed, its `titles` and what is `stored`, written as a person would type it."""

    by: str
    at: datetime | None
    titles: Mapping[str, str]
    stored: Mapping[str, Any]


_heard: ContextVar[list[Refusal] | None] = ContextVar("heard", default=None)


@contextmanager
def hearing() -> Iterator[list[Refusal]]:
    """What forms are refused inside: for who sends one in somebody else's name and has to say why it was not done."""
    heard: list[Refusal] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


class Form(Generic[T]):
    """A posted form: what was typed (`values`), what is wrong with it (`errors`, field → words), and `data` when nothing
    is; `found` holds the fields that could be read, whatever is wrong with the others. Templates read `values` and
    `errors`; actions run inside :meth:`acting`, which turns refusals into errors. `version` is what a change was written
    from; `conflict` is there when it was overtaken, and `version` is then the one that saving again knowingly names.
    `confirmed` is what was confirmed, for actions that ask once more; `asks` what one asked, for the macro `forms.asks`."""

    conflict: Conflict | None = None
    asks: Sequence[Refusal] = ()
    confirmed: frozenset[str] = frozenset()

    def __init__(self, kind: type[T], values: Mapping[str, list[str]]) -> None:
        self.version = values.get(VERSION, [""])[-1]
        self.confirmed = frozenset(values.get(CONFIRM, []))
        self.kind = kind
        self.values: dict[str, Any] = {name: found[0] if len(found) == 1 else found for name, found in values.items()}
        self.errors: dict[str, str] = {}
        self.reasons: list[Refusal] = []
        self.status = 200
        self.found: dict[str, Any] = {}
        self._lists = values
        self._data: T | None = None
        self._read()

    @property
    def data(self) -> T:
        """The converted input. Raises Refused with every mistake when there is one (inside `acting` that is caught)."""
        if self._data is None:
            wrong = [rules.INVALID.refusal(beside=field, why=words) for field, words in self.errors.items()]
            raise Refused(*wrong, status=INVALID)
        return self._data

    @property
    def failed(self) -> bool:
        """Whether something was wrong: show the form again, with `status`."""
        return self.status >= 400

    def beside(self, reasons: Iterable[Refusal]) -> None:
        """Show these reasons beside the mistakes there are already: what rules say of :attr:`found`, so that nobody mends
        one field only to learn of the next. Without a mistake nothing is shown: the action judges for itself."""
        if self.errors:
            for reason in reasons:
                self.errors.setdefault(reason.field or "", reason.reason)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Run the action inside: a refusal becomes errors of this form, what is asked once more its questions, the rest of
        the exceptions pass."""
        try:
            yield
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            if (heard := _heard.get()) is not None:
                heard.extend(refused.reasons)
            self.status = refused.status
            self.reasons = list(refused.reasons)
            if isinstance(refused, AskedOnceMore):
                self.asks = refused.reasons
                return
            if isinstance(refused, drafts.Overtaken):
                self._compare(refused)
            for reason in refused.reasons:
                self.errors.setdefault(reason.field or "", reason.reason)

    def _compare(self, overtaken: drafts.Overtaken) -> None:
        titles, stored = {}, {}
        for field in msgspec.structs.fields(self.kind):
            now = overtaken.stored.get(field.name)
            if field.name in overtaken.stored and now != getattr(self.data, field.name):
                titles[field.name] = _described(field)[1]
                stored[field.name] = _read_aloud(now, field.name)
        self.version = overtaken.version
        self.conflict = Conflict(overtaken.by, overtaken.at, titles, stored)

    def _read(self) -> None:
        found = self.found
        for field in msgspec.structs.fields(self.kind):
            typed = self._lists.get(field.encode_name, [])
            try:
                value = _convert(field, typed)
            except ValueError as error:
                self.errors[field.encode_name] = str(error)
                continue
            if value is not msgspec.NODEFAULT:
                found[field.name] = value
        if not self.errors:
            self._data = self.kind(**found)


def blank(kind: type[T], /, **values: Any) -> Form[T]:
    """A form not yet posted, showing `values` (rows' own types are written as a person would type them)."""
    form: Form[T] = Form.__new__(Form)
    form.kind, form.errors, form.reasons, form.status, form._data, form._lists = kind, {}, [], 200, None, {}
    form.found, form.version = {}, ""
    form.values = {name: typed(value, name) for name, value in values.items() if value is not None}
    return form


def stored(kind: type[T], /, *rows: Table | None, **shown: Any) -> Form[T]:
    """A form not yet posted that shows every field of `kind` as the rows have it, and knows what it was opened from. `shown`
    says what stands for a column that people name otherwise or may not read; a row may be missing that was never stored."""
    there = [row for row in rows if row is not None]
    form = blank(kind, **(drafts.stored(kind, *there, **shown) if len(there) == len(rows) else shown))
    form.version = drafts.version(kind, *rows)
    return form


def _read_aloud(value: Any, name: str) -> Any:
    """A stored value beside a field, to be compared: as it is typed, but moments and days as pages write them."""
    if isinstance(value, date):
        return dates.moment_zone(value) if isinstance(value, datetime) else dates.day(value)
    return "" if value is None else typed(value, name)


def _entries(line: str) -> list[str]:
    """What one line of a list says: the codes between its commas, or all of it, since sentences have commas too."""
    parts = line.split(",") if re.fullmatch(r"[\d\s,-]+", line) else [line]
    return [part.strip() for part in parts if part.strip()]


def typed(value: Any, name: str = "") -> Any:
    """A stored value as it is typed into a field: minor units as “1500.50”, a moment in the site's zone for
    `datetime-local`, a list as lines."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int) and name.endswith("_minor"):
        return "" if value == 0 else f"{money.Money(value).major:f}".removesuffix(".00")
    if isinstance(value, datetime):
        return value.astimezone(clock.ZONE).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return str(value)


def asked(request: Request[Any, Any, Any], kind: type[T]) -> Form[T]:
    """The query of the address as a form: read by the same rules as posted ones."""
    return Form(kind, _lists(request.query_params.multi_items()))


async def read(request: Request[Any, Any, Any], kind: type[T]) -> Form[T]:
    """Read the posted form of this request as `kind`. Uploads are left to the handler."""
    return Form(kind, _lists((await request.form()).multi_items()))


def _lists(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[str]]:
    """What was typed under each name, in order; uploads are left out."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if isinstance(value, str):
            values.setdefault(name, []).append(value)
    return values


def _convert(field: msgspec.structs.FieldInfo, typed: list[str]) -> Any:
    kind, title = _described(field)
    optional = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
    bare = _without_none(kind)
    if bare is bool:
        return bool(typed and typed[-1])
    if get_origin(bare) is list:
        rows = (
            [part for text in typed for line in text.splitlines() for part in _entries(line)]
            if len(typed) <= 1
            else [text.strip() for text in typed if text.strip()]
        )
        if not rows and not optional:
            raise ValueError(_("Enter {what}", what=_article(title)))
        return _checked(kind, rows, title) if rows or not optional else msgspec.NODEFAULT
    text = typed[-1].replace("\r\n", "\n").strip() if typed else ""
    if not text:
        if optional:
            return msgspec.NODEFAULT
        raise ValueError(_("Enter {what}", what=_article(title)))
    if field.encode_name.endswith("_minor"):
        return _checked(kind, money.parse(text).minor, title, as_money=True)
    if bare is datetime:
        return _moment(text, title)
    if bare is date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(_("{title} must be a real date, like 2026-11-24", title=title)) from None
    return _checked(kind, text, title)


def _checked(kind: Any, value: Any, title: str, *, as_money: bool = False) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(str(error), title, _example(kind), as_money=as_money)) from None


def _example(kind: Any) -> str:
    """The first example its `Meta` gives, to be named when the format is wrong."""
    for meta in get_args(kind)[1:] if get_origin(kind) is Annotated else ():
        if isinstance(meta, msgspec.Meta) and meta.examples:
            return str(meta.examples[0])
    return ""


def _in_words(said: str, title: str, example: str, *, as_money: bool) -> str:
    if match := re.search(r"`str` of length <= (\d+)", said):
        return _("{title} must be {number} characters or fewer", title=title, number=match[1])
    if match := re.search(r"`str` of length >= (\d+)", said):
        return _("{title} must be at least {number} characters long", title=title, number=match[1])
    if match := re.search(r"`int` (>=|<=) (-?\d+)", said):
        limit = str(money.Money(int(match[2]))) if as_money else f"{int(match[2]):,}"
        if match[1] == ">=":
            return _("{title} must be {limit} or more", title=title, limit=limit)
        return _("{title} must be {limit} or less", title=title, limit=limit)
    if "`int" in said:
        return _("{title} must be a whole number, like 12", title=title)
    if "enum value" in said:
        return _("Choose {what} from the list", what=_article(title))
    if match := re.search(r"`array` of length >= (\d+)", said):
        return _("{title} needs at least {number}", title=title, number=match[1])
    if match := re.search(r"`array` of length <= (\d+)", said):
        return _("{title} may have at most {number}", title=title, number=match[1])
    if example:
        return _("{title} must look like {example}", title=title, example=example)
    return _("{title} is not in the right format", title=title)


def _moment(text: str, title: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_("{title} must be a real date and time, like 2026-11-24 17:00", title=title)) from None
    local = found if found.tzinfo else found.replace(tzinfo=clock.ZONE)
    return local.astimezone(UTC)


def _described(field: msgspec.structs.FieldInfo) -> tuple[Any, str]:
    kind = field.type
    title = field.encode_name.removesuffix("_minor").replace("_", " ").capitalize()
    for each in (kind, *(get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ())):
        if get_origin(each) is Annotated:
            for meta in get_args(each)[1:]:
                if isinstance(meta, msgspec.Meta) and meta.title:
                    title = _(meta.title)
    return kind, title


def _without_none(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _without_none(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _without_none(next(each for each in get_args(kind) if each is not type(None)))
    return kind


def _article(title: str) -> str:
    lower = title[0].lower() + title[1:]
    first = lower.split()[0]
    if first in ("the", "a", "an", "your", "how", "when", "who", "what", "why", "at"):
        return lower
    return _("the {what}", what=lower)
