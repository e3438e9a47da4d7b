"""What the attacks stand on: journeys that stopped at different stages, with words planted in them that must not be read by
the wrong people and marks in every text that must never become mark-up; everybody who may try; and every route of the
site with addresses of real records.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
from litestar import Litestar

from market import clock
from market.accounts.sessions import COOKIE, begin, digest
from market.accounts.tables import Membership, Organisation
from market.actor import Actor
from market.db import find, many
from market.web import crossing
from tests import given
from tests.journeys.journey import BEGINS, DAY, STEPS, Cast, Inside, cast

MARKUP = "</script><img src=x onerror=alert(1)>\" onmouseover=alert(2) x='{{7*7}}\u202e"
"""Ends a script, makes an element, leaves an attribute, speaks the template language, and turns the writing round."""

PLAIN = {"team", "answer", "code", "digest", "kind", "ground", "method", "decision", "currency", "cpv"}
"""Fields whose text a step compares, or that are codes."""

FREE = {
    "title",
    "statement",
    "measure",
    "how",
    "baseline",
    "target",
    "problem",
    "who_has_it",
    "evidence",
    "success",
    "out_of_scope",
    "intellectual_property",
    "data_terms",
    "revenue_share",
    "name",
    "text",
    "summary",
    "approach",
    "reason",
    "reasons",
    "note",
    "place_or_link",
    "tried",
    "worked",
    "others",
    "description",
    "terms",
    "cost_of_waiting",
    "similar",
}
"""Fields that take any text."""


FIGURES = {"baseline", "target"}
"""Those of them that are figures in the success criteria of a challenge."""


class Planted(Inside):
    """A journey whose texts carry :data:`MARKUP` and, where they are secret for a time, a word of their own."""

    def __init__(self, people: Cast, app: Litestar, number: int) -> None:
        super().__init__(people, app)
        self.number = number
        self.words: dict[str, str] = {}

    def word(self, what: str) -> str:
        """The planted word for a secret, made when it is first asked for."""
        return self.words.setdefault(what, f"planted{self.number:02d}{what.replace(':', '')}")

    async def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        who = next((name for name, token in self.cast.tokens.items() if token.items() <= headers.items()), "")
        return await super().send(method, path, self._decorated(path, body, who), headers)

    def _decorated(self, path: str, body: Any, who: str) -> Any:
        if not isinstance(body, dict):
            return body
        figures = FIGURES if path.endswith("/measures") else set()
        made = {key: value if key in figures else self._marked(key, value) for key, value in body.items()}
        if path.endswith("/problem"):
            made["problem"] += " " + self.word("challenge")
        if path.endswith("/tenders"):
            made["description"] += " " + self.word("tender:waived" if self.tender else "tender")
        if path.endswith("/waivers"):
            made["statement"] += " " + self.word("waiver")
        if "/applications" in path and "approach" in made:
            made["approach"] += " " + self.word(f"application:{who}")
        if path.endswith("/bids"):
            made["answers"] = {key: f"{text} {self.word(f'bid:{who}')}" for key, text in made["answers"].items()}
        return made

    def _marked(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and key in FREE and value:
            return f"{value} {MARKUP}"
        if isinstance(value, dict) and key == "answers":
            return {each: f"{text} {MARKUP}" for each, text in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], dict) and key != "marks":
            return [{each: self._marked(each, text) for each, text in one.items()} for one in value]
        return value


@dataclass
class Stage:
    """One journey at one stage: the moment it is looked at, the references it made by table, who may try by name, and of
    each planted word who may read it."""

    name: str
    journey: Planted
    moment: datetime
    refs: dict[str, list[str]]
    actors: dict[str, Actor]
    sessions: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)

    async def enter(self) -> None:
        """Sign everybody in, with a browser and with a program."""
        with clock.at(self.moment):
            for name, actor in self.actors.items():
                assert actor.person is not None
                token = await begin(actor.person, actor.method or "password", given.ALWAYS)
                page = {
                    "cookie": f"{crossing.cookie_name(COOKIE)}={token}",
                    "x-csrf-token": crossing.token_for(digest(token)),
                }
                self.sessions[name] = (page, await given.token(actor))

    def headers(self, who: str, path: str) -> dict[str, str]:
        """What identifies this person on a page or in the API; nothing for nobody."""
        if who not in self.sessions:
            return {}
        return self.sessions[who][1 if path.startswith("/api/") else 0]

    async def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask at this stage's moment as somebody."""
        accept = "application/json" if path.startswith("/api/") else "text/html"
        headers = {"accept": accept, **self.headers(who, path), **more.pop("headers", {})}
        self.journey.client.cookies.clear()
        with clock.at(self.moment):
            return await self.journey.client.request(method, path, headers=headers, **more)


AT: dict[str, float] = {"apply": 20.5}
"""The day a stage is looked at, where the step itself went on past a deadline."""


async def stages(app: Litestar, names: tuple[str, ...]) -> list[Stage]:
    """A journey of its own at the end of each of these steps, the people of each, and strangers."""
    made: list[Stage] = []
    before: dict[str, list[str]] = {}
    with clock.at(BEGINS - DAY):
        strangers = await outsiders()
    for number, name in enumerate(names):
        with clock.at(BEGINS - DAY):
            journey = Planted(await cast(), app, number)
            inside = await insiders(journey)
        for step in STEPS[: STEPS.index(name) + 1]:
            await getattr(journey, step)()
        after = await references()
        refs = {table: [ref for ref in found if ref not in before.get(table, [])] for table, found in after.items()}
        before = after
        moment = BEGINS + timedelta(days=AT[name]) if name in AT else journey.moment
        made.append(Stage(name, journey, moment, refs, {**inside, **strangers}))
    for stage in made:  # not before all are played: the jobs of a later moment sweep sessions that have ended by then
        await stage.enter()
    return made


async def insiders(journey: Inside) -> dict[str, Actor]:
    """The people of a journey: its cast, a member without office of one of the firms, a former minister."""
    rows = await many(
        "SELECT id, ref, name FROM person WHERE ref = ANY({}::text[])", list(journey.cast.people.values())
    )
    people = {row["ref"]: row for row in rows}
    found = {
        name: Actor(ref, people[ref]["name"], people[ref]["id"], method="passkey" if name == "minister" else "password")
        for name, ref in journey.cast.people.items()
    }
    firm = await find(Organisation, Organisation.ref == journey.cast.organisations["kestrel"])
    found["member"] = await given.person(firm, "supplier-member")
    department = await find(Organisation, Organisation.ref == journey.cast.organisations["buyer"])
    found["former"] = replace(await given.person(department, "minister", "Former Minister"), method="passkey")
    await Membership.update({Membership.until: datetime(2025, 1, 1, tzinfo=UTC)}).where(
        Membership.person == found["former"].person
    )
    return found


async def outsiders() -> dict[str, Actor]:
    """People of every role in bodies that have nothing to do with any journey."""
    elsewhere = await given.organisation("Department of Elsewhere", tier="central")
    firm = await given.supplier("Elsewhere Ltd")
    team = await given.organisation("Innovation Team", kind="operator")
    return {
        "other buyer": await given.person(elsewhere, "buyer"),
        "other evaluator": await given.person(elsewhere, "evaluator"),
        "other minister": replace(await given.person(elsewhere, "minister"), method="passkey"),
        "other firm": await given.person(firm, "supplier-admin"),
        "operator": await given.person(team, "operator"),
    }


async def references() -> dict[str, list[str]]:
    """Every reference by the table it is of."""
    tables = await many(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'ref' AND table_schema = 'public'"
    )
    names = [row["table_name"] for row in tables]
    return {name: [row["ref"] for row in await many(f"SELECT ref FROM {name} ORDER BY id")] for name in names}


# ── routes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BY_FIRST = {
    "challenges": "challenge",
    "applications": "application",
    "tenders": "tender",
    "waivers": "waiver",
    "awards": "decision",
    "contracts": "contract",
    "payments": "obligation",
    "missions": "mission",
    "insights": "insight_report",
    "suppliers": "organisation",
    "organisations": "organisation",
    "bids": "bid",
    "budgets": "budget",
    "letters": "letter",
    "account": "api_token",
}
"""Which table `{ref}` is of, by the first segment of the address."""

BY_NAME = {
    "tender": "tender",
    "lot": "lot",
    "bid": "bid",
    "application": "application",
    "pitch": "pitch",
    "milestone": "milestone",
    "person": "person",
    "invitation": "invitation",
    "complaint": "complaint",
    "change": "contract_change",
    "measure": "success_measure",
    "line": "budget_line",
}
"""Which table another parameter is of, by its name."""

FIXED = {
    "section": "problem",
    "version": "1",
    "token": "nonsense",
    "path": "site.css",
    "membership": "1",
    "passkey": "1",
    "place": "1",
    "code": "open-challenge",
}
"""What stands for parameters that are no references."""

AUDITED = {"challenge", "application", "pitch", "tender", "waiver", "award", "contract"}


@dataclass(frozen=True, slots=True)
class Door:
    """One route: its method, its path with parameters, and whether it is for programs."""

    method: str
    path: str
    machine: bool


def doors(app: Litestar) -> list[Door]:
    """Every route of the site and method it answers, once."""
    found: dict[tuple[str, str], Door] = {}
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            for method in getattr(handler, "http_methods", ()):
                if method not in ("OPTIONS", "HEAD"):
                    machine = bool(handler.opt.get("machine")) if handler is not None else False
                    found[method, route.path] = Door(method, route.path, machine)
    return [found[key] for key in sorted(found)]


SEVERAL = {"tender": 2, "lot": 2, "bid": 3}
"""Of these more than the newest is tried: the last tender is the one with a waiver, and each bid has a secret of its own."""


def addresses(door: Door, refs: dict[str, list[str]]) -> list[str]:
    """The route's addresses with the references a journey made: the newest of each kind, several of some."""
    parts = [each for each in door.path.split("/") if each]
    first = parts[2] if parts[:2] == ["api", "v1"] and len(parts) > 2 else (parts[0] if parts else "")
    choices: list[list[str]] = []
    for place, part in enumerate(parts):
        name = part.strip("{}").split(":")[0]
        if not part.startswith("{"):
            choices.append([part])
        elif name == "kind":
            kinds = [each for each in AUDITED if refs.get("decision" if each == "award" else each)]
            choices.append(sorted(kinds)[:4] or ["tender"])
        elif name == "ref" and parts[place - 1].startswith("{kind"):
            choices.append(["KIND"])
        elif name in FIXED:
            choices.append([FIXED[name]])
        elif name == "question":
            asked = refs.get("public_question", [])
            choices.append((asked[-1:] if first == "tenders" else asked[:1]) or ["X-0000000"])
        elif name == "criterion":
            choices.append(refs.get("lot_criterion" if first == "tenders" else "criterion", [])[-1:] or ["X-0000000"])
        else:
            table = BY_NAME.get(name) or BY_FIRST.get(first, "")
            if parts[-1] == "confirm":
                table = "payment"
            choices.append(refs.get(table, [])[-SEVERAL.get(table, 1) :] or ["X-0000000"])
    made = []
    for chosen in itertools.product(*choices):
        words = list(chosen)
        if "KIND" in words:
            kind = words[words.index("KIND") - 1]
            known = refs.get("decision" if kind == "award" else kind, [])
            words[words.index("KIND")] = known[-1] if known else "X-0000000"
        made.append("/" + "/".join(words))
    return made


# ── what a page may not hold ───────────────────────────────────────────────────────────────────────────────────────


class Reader(HTMLParser):
    """Reads a page as a browser would and keeps what could run in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note handlers, inline scripts and styles, and addresses that run."""
        given_attributes = dict(attrs)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "formaction") and (value or "").strip().lower().startswith(
                ("javascript:", "data:text", "vbscript:")
            ):
                self.found.append(f"<{tag} {name}={value}>")
        if tag == "script" and "src" not in given_attributes:
            self.found.append("<script> without src")
        if tag == "img" and given_attributes.get("src") == "x":
            self.found.append("<img src=x>")


def running(page: str) -> list[str]:
    """What could run in this page."""
    reader = Reader()
    reader.feed(page)
    return reader.found
