"""Every draft goes whole to its row, to a form and back, and no change of what is stored overwrites another unseen.

Both are found by meaning: the drafts are those that actions write with `market.drafts`, the changes are the functions that
go through `market.accounts.edits`. A new one is held to it without being named here."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import combinations
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from piccolo.table import Table

from challenges.applications import actions as applications
from challenges.drafts import actions as drafting_challenges
from challenges.insights import actions as insights
from challenges.pitches import actions as pitches
from challenges.tables import Application, Challenge
from market import clock, drafts
from market.accounts import memberships, passkeys
from market.accounts.tables import Organisation, Passkey
from market.builds import actions as builds
from market.builds.tables import Build
from market.db import find
from market.missions import actions as missions
from market.missions.tables import Mission
from market.portal import actions as portal
from market.portal.tables import Source
from market.refusals import Refused
from market.standards.components import actions as standards
from market.standards.profiles import actions as publishing
from market.standards.sandboxes import actions as sandboxes
from market.standards.tables import Service
from market.suppliers import actions as suppliers
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Lot, Tender
from market.web import forms
from tests import given
from tests.architecture import trees
from tests.architecture.test_house import ROOT, SOURCES, tables
from tests.architecture.trees import walk
from tests.challenges import exercise

TEMPLATES = ROOT / "templates"
ACTIONS = [path for path in SOURCES if path.name not in ("pages.py", "api.py") and "seed" not in path.parts]


def called(node: ast.AST) -> set[str]:
    return {
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        for call in walk(node)
        if isinstance(call, ast.Call)
    }


def functions() -> Iterator[tuple[str, Any, ast.AsyncFunctionDef]]:
    for path in ACTIONS:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if name == "market.accounts.edits":
            continue
        for node in trees.parsed(path).body:
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{name}.{node.name}", getattr(importlib.import_module(name), node.name), node


def drafts_of(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "drafts" and node.attr in ("facts", "write")


def structs_of(function: Any) -> set[type[msgspec.Struct]]:
    hint = get_type_hints(function).get("given")
    kinds = get_args(hint) or (hint,)
    return {each for each in kinds if inspect.isclass(each) and issubclass(each, msgspec.Struct)}


@cache
def every_draft() -> list[type[msgspec.Struct]]:
    """The structs that actions write to rows."""
    found: set[type[msgspec.Struct]] = set()
    for _, function, node in functions():
        writes = {each for each in walk(node) if isinstance(each, ast.Attribute) and drafts_of(each)}
        parts = [
            call.args[0].id
            for call in walk(node)
            if isinstance(call, ast.Call)
            and getattr(call.func, "attr", "") == "part"
            and call.args
            and isinstance(call.args[0], ast.Name)
        ]
        if not writes and "revise" not in called(node):
            continue
        if parts:
            found |= {getattr(importlib.import_module(function.__module__), each) for each in parts}
        else:
            found |= structs_of(function)
    return sorted(found, key=lambda each: (each.__module__, each.__name__))


def value(kind: Any, name: str, default: Any, least: float = 0, most: int = 60) -> Any:
    """A value for a field that is not its default."""
    if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        for meta in kind.__metadata__:
            if isinstance(meta, msgspec.Meta):
                least = max(least, meta.ge or meta.min_length or 0)
                most = min(most, meta.max_length or most)
                if meta.pattern:
                    return {"country": "FR", "website": "https://x.example", "email": "ada@x.example"}[name]
        return value(get_args(kind)[0], name, default, least, most)
    if get_origin(kind) is Literal:
        return next(each for each in reversed(get_args(kind)) if each != default)
    if get_origin(kind) is list:
        longest = min(
            (each.max_length or most for each in getattr(get_args(kind)[0], "__metadata__", ())), default=most
        )
        return ["35125100", "71700000"] if name == "cpv" else ["first", "second, with a comma"[:longest]]
    if get_args(kind):
        return value(next(each for each in get_args(kind) if each is not type(None)), name, default, least, most)
    return {
        str: f"Of {name}, enough words for its length"[: max(most, 1)],
        bool: not default,
        int: int(least) + 7,
        datetime: given.TODAY + timedelta(days=3),
        date: date(2027, 3, 4),
    }[kind]


def filled_in(kind: type[msgspec.Struct]) -> msgspec.Struct:
    return kind(**{field.name: value(field.type, field.name, field.default) for field in msgspec.structs.fields(kind)})


def rows_of(kind: type[msgspec.Struct]) -> tuple[Table, ...]:
    """Rows in memory of the tables that have every column of the draft: the fewest."""
    names = set(kind.__struct_fields__)
    columns = {table: {column._meta.name for column in table._meta.columns} & names for table in tables()}
    for many in (1, 2):
        for some in combinations([table for table in columns if columns[table]], many):
            if set().union(*(columns[table] for table in some)) == names:
                return tuple(given.row(table, id=1) for table in some)
    raise AssertionError(f"{kind.__module__}.{kind.__name__} has a field that no table keeps")


@pytest.mark.parametrize("kind", every_draft(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_draft_goes_whole_to_its_row_to_a_form_and_back(kind: type[msgspec.Struct]) -> None:
    draft = filled_in(kind)
    for field in msgspec.structs.fields(kind):
        assert getattr(draft, field.name) != field.default, field.name
        assert field.name != forms.VERSION, "the hidden field of every form has this name"
    rows = rows_of(kind)
    drafts.write(draft, *rows)
    shown = forms.stored(kind, *rows).values
    posted = {name: typed if isinstance(typed, list) else [typed] for name, typed in shown.items()}
    assert forms.Form(kind, posted).data == draft


def test_drafts_are_found() -> None:
    assert {drafting.LotDraft, drafting.About, missions.MissionDraft, suppliers.ProfileDraft} <= set(every_draft())
    assert len(every_draft()) > 20


# ── changes of what is stored ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Change:
    """A change as two people make it at once: what each writes, how it is saved, and the rows it stands in."""

    save: Callable[[Any, str], Awaitable[Any]]
    rows: Callable[[], Awaitable[tuple[Table | None, ...]]]
    first: msgspec.Struct
    second: msgspec.Struct
    at: datetime = given.TODAY


async def one(table: type[Table], ref: str) -> tuple[Table]:
    return (await find(table, table.ref == ref),)  # type: ignore[attr-defined]


async def of_a_mission() -> list[Change]:
    department = await given.organisation()
    minister = await given.person(department, "minister")
    row = await given.mission(department, published_at=None)
    first = missions.MissionDraft("Safe bridges", "Every bridge.", date(2026, 1, 1), date(2030, 1, 1))
    save = partial(missions.edit, minister, row.ref)
    return [Change(save, partial(one, Mission, row.ref), first, msgspec.structs.replace(first, title="Mended bridges"))]


async def of_a_build() -> list[Change]:
    body = await given.organisation()
    officer = await given.person(body, "buyer")
    row = await builds.draft(officer, body.id, builds.BuildDraft("A planner of rounds"))
    first = builds.BuildDraft("A planner of rounds", "Two crews.", "Three planners.", "make", "Ours.", 4_200_000)
    save = partial(builds.edit, officer, row.ref)
    return [Change(save, partial(one, Build, row.ref), first, msgspec.structs.replace(first, choice="buy"))]


async def of_a_tender(action: str) -> list[Change]:
    made = await given.tendering(lots=1)
    one_budget, another = [(await given.budget(made.buyer)).ref for _ in range(2)]
    second: dict[str, tuple[Any, Any]] = {
        "describe": (
            drafting.About("Sensors for drains", "All of them.", given.CODES, "North"),
            drafting.About("Alarms for drains", "Half of them.", given.CODES, "South"),
        ),
        "explain_origin": (
            drafting.Origin("", True, "Forty firms sell it."),
            drafting.Origin("", True, "Fifty firms sell it."),
        ),
        "set_dates": (
            drafting.Dates(given.TODAY + timedelta(days=4), given.TODAY + timedelta(days=40)),
            drafting.Dates(given.TODAY + timedelta(days=5), given.TODAY + timedelta(days=50)),
        ),
        "set_terms": (
            drafting.Terms("Ours.", "", 3, "One crew does it."),
            drafting.Terms("Theirs.", "", 2, "One tool does it."),
        ),
        "name_budget": (drafting.Budget(one_budget), drafting.Budget(another)),
    }
    save = partial(getattr(drafting, action), made.officers[0], made.ref)
    return [Change(save, partial(one, Tender, made.ref), *second[action])]


async def of_a_lot() -> list[Change]:
    made = await given.tendering(lots=1)
    lot = await Lot.objects().first()
    assert lot
    first = drafting.LotDraft("Terraces", 1_000_00, given.CODES, "Twelve streets", False)
    second = drafting.LotDraft("Gardens", 2_000_00, given.CODES[:1], "Ten streets", True)
    return [Change(partial(drafting.revise_lot, made.officers[0], lot.ref), partial(one, Lot, lot.ref), first, second)]


async def of_a_challenge() -> list[Change]:
    made = await exercise.drafted()
    with clock.at(exercise.BEGINS):
        one_budget, another = [(await given.budget(made.buyer)).ref for _ in range(2)]
    pairs: list[tuple[Any, Any]] = [
        tuple(msgspec.structs.replace(exercise.PROBLEM, evidence=said) for said in ("Counted.", "Counted twice.")),
        (
            drafting_challenges.Success("Within an hour.", "Roofs."),
            drafting_challenges.Success("Within a day.", "Cellars."),
        ),
        tuple(msgspec.structs.replace(exercise.OFFER, places=places) for places in (4, 5)),
        tuple(msgspec.structs.replace(exercise.FOLLOW_ON, follow_on_minor=worth) for worth in (1_000, 2_000)),
        (drafting_challenges.Budget(one_budget), drafting_challenges.Budget(another)),
        (drafting_challenges.Terms("Yours.", "Ours.", "None."), drafting_challenges.Terms("Ours.", "Yours.", "Some.")),
        (drafting_challenges.Subject(["90711500"], "a@1"), drafting_challenges.Subject(["90711500"], "b@1")),
    ]
    assert {type(first) for first, _ in pairs} == set(drafting_challenges.SECTIONS.values())
    save = partial(drafting_challenges.edit, made.officer, made.ref)
    return [Change(save, partial(one, Challenge, made.ref), *pair, exercise.BEGINS) for pair in pairs]


async def of_an_application() -> list[Change]:
    made = await exercise.applied(1)
    ref = made.applications[0].ref
    pair = [msgspec.structs.replace(exercise.APPLICATION, team=team) for team in ("Two engineers.", "Three engineers.")]
    at = exercise.CLOSES - timedelta(hours=1)
    return [Change(partial(applications.change, made.firms[0], ref), partial(one, Application, ref), *pair, at)]


async def of_a_pitch() -> list[Change]:
    made = await exercise.shortlisted()
    pitch = (await pitches.pitches_of(await made.row()))[0]
    pair = [pitches.Schedule(exercise.HEARD, place) for place in ("Corn Street", "Mill Lane")]
    save = partial(pitches.schedule, made.officer, pitch.ref)
    at = exercise.CLOSED + timedelta(days=2)
    return [Change(save, partial(one, type(pitch), pitch.ref), *pair, at)]


async def of_a_report() -> list[Change]:
    made = await exercise.heard()

    async def rows() -> tuple[Table | None]:
        return (await insights.report_of(await made.row()),)

    second = msgspec.structs.replace(exercise.REPORT, tried="Four sensors.")
    at = exercise.HEARD + timedelta(days=1)
    return [Change(partial(insights.write_report, made.officer, made.ref), rows, exercise.REPORT, second, at)]


async def of_a_service() -> list[Change]:
    await publishing.ensure_profiles()
    firm = await given.person(await given.supplier(), "supplier-admin")
    first = standards.ServiceDraft("Permits", "Tells a council whether a permit is valid.", ["uk-core@1.0.0"])
    row = await standards.list_service(firm, first)
    second = msgspec.structs.replace(first, title="Permit look-up", used_by="Two councils.")
    third = msgspec.structs.replace(first, title="Permit finder", used_by="Three councils.")
    return [Change(partial(standards.revise_service, firm, row.ref), partial(one, Service, row.ref), second, third)]


async def of_a_sandbox() -> list[Change]:
    await publishing.ensure_profiles()
    firm = await given.person(await given.supplier(), "supplier-admin")
    draft = standards.ServiceDraft("Permits", "Tells a council whether a permit is valid.", ["uk-core@1.0.0"])
    service = await standards.list_service(firm, draft)

    async def rows() -> tuple[Table | None]:
        return (await sandboxes.of_service(service),)

    pair = [sandboxes.SandboxDraft(f"https://{name}.example/v1", True) for name in ("one", "two")]
    return [Change(partial(sandboxes.name, firm, service.ref), rows, *pair)]


async def of_a_body() -> list[Change]:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    body = await given.organisation(tier="local")
    pair = [memberships.OrganisationChange("Calderwick", region=region) for region in ("North", "South")]
    save = partial(memberships.change_organisation, operator, body.ref)
    return [Change(save, partial(one, Organisation, body.ref), *pair)]


async def of_a_profile() -> list[Change]:
    firm = await given.supplier()
    actor = await given.person(firm, "supplier-admin")
    first = suppliers.ProfileDraft("Sensors under a gully grate.", "For councils.", ["radio"], founded=2019)

    async def rows() -> tuple[Table | None, ...]:
        now = await suppliers.supplier(firm.ref)
        return await suppliers.profile_of(now), now

    second = msgspec.structs.replace(first, region="Wales", employees=14, founded=2020)
    return [Change(partial(suppliers.update_profile, actor, firm.ref), rows, first, second)]


async def of_a_portal() -> list[Change]:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    source = given.row(Source, name="theirs", title="Theirs", url="https://x.example/notices")
    await source.save()
    pair = [portal.Rhythm(12), portal.Rhythm(24)]
    return [Change(partial(portal.fetch_every, operator, "theirs"), partial(one, Source, source.ref), *pair)]


async def of_a_passkey() -> list[Change]:
    owner = await given.person(await given.organisation(), "minister")
    key = given.row(Passkey, person=owner.person, name="Telephone", credential_id="a", created_at=given.TODAY)
    await key.save()
    pair = [passkeys.PasskeyName(name) for name in ("Kitchen", "Pantry")]

    async def rows() -> tuple[Table | None]:
        return (await find(Passkey, Passkey.id == key.id),)

    return [Change(partial(passkeys.rename, owner, key.id), rows, *pair)]


CHANGES: dict[str, Callable[[], Awaitable[list[Change]]]] = {
    "challenges.applications.actions.change": of_an_application,
    "challenges.drafts.actions.edit": of_a_challenge,
    "challenges.pitches.actions.schedule": of_a_pitch,
    "challenges.insights.actions.write_report": of_a_report,
    "market.accounts.memberships.change_organisation": of_a_body,
    "market.accounts.passkeys.rename": of_a_passkey,
    "market.builds.actions.edit": of_a_build,
    "market.missions.actions.edit": of_a_mission,
    "market.portal.actions.fetch_every": of_a_portal,
    "market.standards.components.actions.revise_service": of_a_service,
    "market.standards.sandboxes.actions.name": of_a_sandbox,
    "market.suppliers.actions.update_profile": of_a_profile,
    "market.tenders.drafts.actions.describe": partial(of_a_tender, "describe"),
    "market.tenders.drafts.actions.explain_origin": partial(of_a_tender, "explain_origin"),
    "market.tenders.drafts.actions.name_budget": partial(of_a_tender, "name_budget"),
    "market.tenders.drafts.actions.revise_lot": of_a_lot,
    "market.tenders.drafts.actions.set_dates": partial(of_a_tender, "set_dates"),
    "market.tenders.drafts.actions.set_terms": partial(of_a_tender, "set_terms"),
}


def edits() -> set[str]:
    """The functions that change something stored by way of the check."""
    return {name for name, _, node in functions() if called(node) & {"revise"}}


def test_every_change_of_what_is_stored_is_tried_here() -> None:
    assert edits() == set(CHANGES)


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("name", sorted(CHANGES))
async def test_of_two_changes_at_once_one_is_saved_and_the_other_is_told(name: str) -> None:
    with clock.at(given.TODAY):
        changes = await CHANGES[name]()
    for change in changes:
        kind = type(change.first)
        with clock.at(change.at):
            opened = drafts.version(kind, *await change.rows())
            answers = await asyncio.gather(
                *(change.save(draft, opened) for draft in (change.first, change.second)), return_exceptions=True
            )
            (told,) = [each for each in answers if isinstance(each, BaseException)]
            assert isinstance(told, drafts.Overtaken), told
            rows = await change.rows()
            late, saved = (change.first, change.second)[:: 1 if answers[0] is told else -1]
            assert told.version == drafts.version(kind, *rows) != opened
            assert told.by != "Somebody"
            kept(saved, rows)
            await change.save(late, told.version)
            kept(late, await change.rows())
            with pytest.raises(Refused) as blind:
                await change.save(saved, "")
            assert [each.code for each in blind.value.reasons] == ["record.version-missing"]


def kept(draft: msgspec.Struct, rows: tuple[Table | None, ...]) -> None:
    """Every field of the draft stands in its column; of a reference the number, of a secret nothing that can be read."""
    now = drafts.stored(type(draft), *[row for row in rows if row is not None])
    named_otherwise = {"mission", "department", "credential", "follow_on_payer", "budget"}
    assert {name: now[name] for name in now if name not in named_otherwise} == {
        name: said for name, said in msgspec.structs.asdict(draft).items() if name not in named_otherwise
    }


HAPPENS_ONCE = {
    "challenges.actions.conclude",
    "challenges.quiet.actions.decide",
    "market.accounts.invitations.accept",
    "market.awards.actions.answer_complaint",
    "market.awards.actions.explain_price",
    "market.mandates.actions.enter",
    "market.portal.sameness.actions.decide",
    "market.portal.suppliers.actions.decide",
    "market.portal.suppliers.claims.decide",
    "market.questions.actions.answer",
    "market.standards.sanctions.actions.answer",
}
"""What is decided or answered once: a rule refuses the second under the lock, so nothing can be overwritten."""


def test_nothing_typed_is_written_over_a_row_beside_the_check() -> None:
    beside = set()
    for name, _, node in functions():
        for statement in walk(node):
            if not isinstance(statement, ast.Assign):
                continue
            targets = [
                each
                for target in statement.targets
                for each in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
            typed = {
                each.attr
                for each in walk(statement.value)
                if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "given"
            }
            if any(isinstance(each, ast.Attribute) and each.attr in typed for each in targets):
                beside.add(name)
    assert beside - HAPPENS_ONCE == set()


def whole(template: str) -> str:
    """The template with those it includes or takes macros from, except the parts that all share."""
    named = re.findall(r'{%-? (?:include|import|from) "((?!parts/|layout)[\w/.-]+)"', template)
    return template + "".join((TEMPLATES / name).read_text() for name in named)


def test_every_form_that_changes_something_has_a_field_for_each_and_says_what_it_was_opened_from() -> None:
    pages = [whole(path.read_text()) for path in TEMPLATES.rglob("*.html")]
    pages = [text for text in pages if "forms.version(" in text]
    for name in CHANGES:
        module, _, function = name.rpartition(".")
        for kind in structs_of(getattr(importlib.import_module(module), function)):
            complete = [text for text in pages if all(f'"{field}"' in text for field in kind.__struct_fields__)]
            assert complete, f"no form with its version has a field for each of {kind.__name__}"
