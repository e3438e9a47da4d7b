"""Attacks on the whole site: every route, asked by everybody, at the stages where something has to stay secret.

Journeys are stopped at different stages (see `attacked`); what they write carries words that only some may read and marks
that must never become mark-up. `docs/security.md` names the tests that show each of its sentences.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from market import clock, egress
from market.accounts.sessions import COOKIE, begin
from market.db import many, one, transaction
from market.letters import smtp
from market.portal.intake.fetching import Patience, fetching
from market.refusals import Refused
from market.settings import LAPTOP_SECRET, Unsafe, read
from market.web import crossing, limits
from tests import given
from tests.conftest import EMPTY
from tests.journeys.attacked import Door, Stage, addresses, doors, running, stages

pytestmark = [pytest.mark.slow]

BUYING = {"ada", "ben", "cleo", "dan"}
OVERSIGHT = {"auditor", "operator"}

READERS: dict[str, dict[str, set[str]]] = {
    "draft_challenge": {"challenge": BUYING | {"minister", "operator"}},
    "apply": {"application:kestrel": {"kestrel", "member"}, "application:heron": {"heron"}},
    "ask_waiver": {
        "tender:waived": BUYING | OVERSIGHT | {"minister"},
        "waiver": BUYING | OVERSIGHT | {"minister"},
    },
    "first_officer": {"bid:kestrel": set(), "bid:heron": set()},
    "evaluate": {"bid:kestrel": BUYING | {"auditor"}, "bid:heron": BUYING | {"auditor"}},
    "milestone_paid": {
        "bid:kestrel": BUYING | {"auditor", "kestrel", "member"},
        "application:kestrel": BUYING | OVERSIGHT | {"kestrel", "member"},
        "application:sian": BUYING | OVERSIGHT | {"sian"},
    },
}
"""Who may read each planted word, by stage. Whoever is not named must never meet it, on any page, in any answer."""

ASKING: dict[str, tuple[str, ...]] = {
    "draft_challenge": ("", "ada", "kestrel", "auditor", "other buyer", "other minister", "former"),
    "apply": ("", "ada", "cleo", "minister", "kestrel", "member", "heron", "auditor", "operator"),
    "ask_waiver": ("", "ada", "minister", "former", "other minister", "other buyer", "kestrel"),
    "first_officer": ("", "ada", "cleo", "kestrel", "auditor", "operator"),
    "evaluate": ("", "ada", "cleo", "minister", "kestrel", "heron", "other buyer", "other evaluator", "operator"),
    "milestone_paid": (
        "",
        "ada",
        "cleo",
        "minister",
        "kestrel",
        "heron",
        "auditor",
        "operator",
        "other buyer",
        "other firm",
    ),
}
"""Who is sent through every door of a stage: those with something to gain; the rest have the same rights as one of these."""

STRANGERS = ("", "other buyer", "other evaluator", "other minister", "other firm", "former")

LOOKED_AT: dict[str, set[str]] = {
    "draft_challenge": {"challenge"},
    "apply": {"challenge", "application"},
    "ask_waiver": {"tender", "waiver", "lot"},
    "first_officer": {"tender", "lot", "bid"},
    "evaluate": {"tender", "lot", "bid"},
}
"""The kinds of record whose doors are tried at a stage; all of them at the last."""

LISTS = {
    "/desk",
    "/letters",
    "/search",
    "/challenges",
    "/tenders",
    "/waivers",
    "/waivers/requests",
    "/applications",
    "/bids",
    "/evaluations",
    "/log",
    "/log/events.jsonl",
    "/api/v1/log",
    "/api/v1/challenges",
    "/api/v1/tenders",
    "/api/v1/waivers",
    "/api/v1/waivers/requests",
    "/api/v1/applications",
    "/api/v1/bids",
    "/api/ocds/releases",
    "/api/ocds/records",
}
"""Doors without a reference that are tried at every stage; the others only at the last."""


@pytest.fixture(scope="module")
async def played(database: None, app: Litestar) -> AsyncIterator[list[Stage]]:
    """The journeys, played once for this module."""
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    made = await stages(app, tuple(READERS))
    yield made
    for stage in made:
        await stage.journey.client.aclose()
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


def shown(stage: Stage, found: dict[str, list[str]]) -> dict[str, list[str]]:
    """The references looked at in this stage."""
    kinds = LOOKED_AT.get(stage.name)
    return {name: refs for name, refs in found.items() if kinds is None or name in kinds}


# ── who may read what ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_reads_what_is_secret_from_her_through_any_door(app: Litestar, played: list[Stage]) -> None:
    wrong: dict[str, str] = {}
    met: set[tuple[str, str]] = set()
    asked = 0
    gets = [door for door in doors(app) if door.method == "GET"]
    for stage in played:
        secrets = {stage.journey.words[what]: who for what, who in READERS[stage.name].items()}
        names = {word: what for what, word in stage.journey.words.items()}
        refs = shown(stage, stage.refs)
        for door in gets:
            if door.path.startswith(("/static", "/demo")):
                continue
            if stage is not played[-1] and "{" not in door.path and door.path not in LISTS:
                continue
            for path in addresses(door, refs):
                if "X-0000000" in path and stage is not played[-1]:
                    continue
                for who in ASKING[stage.name]:
                    answer = await stage.ask(who, "GET", path)
                    asked += 1
                    place = f"{stage.name}: {who or 'nobody'} GET {path}"
                    if answer.status_code >= 500:
                        wrong.setdefault(f"{answer.status_code} {door.path}", place)
                    for word, may in secrets.items():
                        if word in answer.text:
                            met.add((stage.name, names[word]))
                            if who not in may:
                                wrong.setdefault(f"{names[word]} is read by {who or 'nobody'} at {stage.name}", place)
                    for what in leaks(answer, who):
                        wrong.setdefault(f"{what} {door.path}", place)
    assert not wrong, "\n".join(f"{what}\n    {where}" for what, where in wrong.items())
    assert asked > 1000, asked
    readable = {
        (name, what) for name, words in READERS.items() for what, who in words.items() if who & set(ASKING[name])
    }
    assert readable - met == set(), "these words were met by nobody at all: the attack looks at the wrong places"


DATA = ("application/", "text/csv", "text/calendar", "text/plain")
"""Kinds of answers that no browser shows as a page: they hold texts as they were typed."""


def leaks(answer: httpx.Response, who: str) -> list[str]:
    """What no answer may hold, whoever asks; and for somebody not signed in, no person's address."""
    text = answer.text
    found = [f"{word} in" for word in ("$argon2", "Traceback", "a secret that only these tests know") if word in text]
    if not who and re.search(r"person\d+@\d+\.example", text):
        found.append("a person's address in")
    if answer.headers.get("content-type", "").startswith("text/html"):
        found += [f"{what} runs in" for what in running(text)]
    elif "<img src=x" in text and not answer.headers["content-type"].startswith(DATA):
        found.append(f"mark-up as {answer.headers['content-type']} in")
    if "default-src 'none'" not in answer.headers.get("content-security-policy", ""):
        found.append("no policy on")
    if answer.headers.get("x-content-type-options") != "nosniff":
        found.append("no nosniff on")
    if who and "no-store" not in answer.headers["cache-control"] and not answer.headers.get("etag"):
        found.append("kept by caches:")
    return found


async def test_how_many_bid_or_applied_is_nowhere_before_its_time(played: list[Stage]) -> None:
    for name, subject in (("first_officer", "tender"), ("apply", "challenge")):
        stage = next(each for each in played if each.name == name)
        journey = stage.journey
        refs = [each["bid"] for each in journey.receipts.values()] + [
            each["receipt"] for each in journey.receipts.values()
        ]
        refs += list(journey.applications.values()) if name == "apply" else []
        at = journey.tender if subject == "tender" else journey.challenge
        pages = [
            f"/{subject}s/{at}",
            f"/api/v1/{subject}s/{at}",
            f"/audit/records/{subject}/{at}",
            f"/audit/records/{subject}/{at}/evidence.zip",
            f"/api/v1/audit/records/{subject}/{at}",
            "/log",
            "/log/events.jsonl",
            "/api/v1/log",
            f"/api/v1/log?record={at}",
            "/api/ocds/releases",
            "/search",
            "/figures.json",
            f"/{subject}s/{at}/manage" if subject == "challenge" else f"/{subject}s/{at}/opening",
            "/desk",
            "/letters",
        ]
        for who in ("", "ada", "minister", "auditor", "operator", "sian", "other firm"):
            own = {journey.applications.get(who)}
            for page in pages:
                text = (await stage.ask(who, "GET", page)).text
                assert [ref for ref in refs if ref in text and ref not in own] == [], (name, who, page)


# ── who may change what ────────────────────────────────────────────────────────────────────────────────────────────

OPEN_TO_ALL = {
    "challenge.question-asked",
    "application.sent",
    "application.received",
    "tender.question-asked",
    "tender.followed",
    "tender.unfollowed",
    "bid.sealed",
}
"""What any registered supplier may do to a published record of somebody else's."""

WORDS = "This is long enough to be a statement, a reason or an answer of anybody who was asked for one, twice over."
TYPED: dict[str, Any] = {
    "person": "P-0000000",
    "email": "somebody@elsewhere.example",
    "code": "AAAA-AAAA-AAAA",
    "digest": "0" * 64,
    "cpv": ["35125100"],
    "kind": "quality",
    "ground": "urgency",
    "decision": "stop",
    "role": "buyer",
    "days": "30",
    "weight": 10,
    "points": 5,
    "upheld": True,
    "agreed": True,
    "declared": True,
    "wanted": True,
    "version": 1,
    "conflicts": [],
    "country": "GB",
    "currency": "GBP",
    "hours": 1,
}


def sample(schema: dict[str, Any], parts: dict[str, Any], name: str = "") -> Any:
    """A value that fits this JSON schema, as far as it says."""
    if "$ref" in schema:
        return sample(parts[schema["$ref"].rpartition("/")[2]], parts, name)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return sample(next(each for each in schema[several] if each.get("type") != "null"), parts, name)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = next(each for each in kind if each != "null") if isinstance(kind, list) else kind
    if kind == "object":
        return {key: sample(each, parts, key) for key, each in schema.get("properties", {}).items()}
    if name in TYPED and isinstance(TYPED[name], {"array": list, "boolean": bool, "integer": int}.get(kind, str)):
        return TYPED[name]
    if kind == "array":
        return [sample(schema.get("items", {}), parts, name)]
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 1)))
    if schema.get("format") == "date":
        return "2026-12-24"
    if schema.get("format") == "date-time":
        return "2026-12-24T12:00:00Z"
    return WORDS[: max(5, int(schema.get("maxLength", 40)) - 1)]


async def test_no_stranger_changes_anything_of_others_through_any_door(app: Litestar, played: list[Stage]) -> None:
    described = app.openapi_schema.to_schema()
    parts = described["components"]["schemas"]
    wrong: dict[str, str] = {}
    before = int((await one("SELECT max(seq) AS seq FROM event"))["seq"])
    for stage in played:
        refs = shown(stage, stage.refs)
        for door in doors(app):
            if door.method == "GET" or door.path.startswith(
                ("/demo", "/sign-", "/password", "/register", "/account/close", "/account/sessions")
            ):
                continue
            for path in addresses(door, refs):
                if "X-0000000" in path and stage is not played[-1]:
                    continue
                body = body_for(door, described, parts)
                for who in STRANGERS if stage is played[-1] else ("other buyer", "other firm", "former"):
                    answer = await stage.ask(who, door.method, path, **body)
                    if answer.status_code >= 500:
                        wrong.setdefault(
                            f"{answer.status_code} {door.method} {door.path}", f"{stage.name}: {who} {path}"
                        )
    people = {actor.ref: name for name, actor in played[-1].actors.items() if name in STRANGERS}
    people |= {stage.actors["former"].ref: "former" for stage in played}
    theirs = {f"{kind}:{ref}" for stage in played for kind, refs in stage.refs.items() for ref in refs}
    own = {f"{kind}:{hat}" for hat in people for kind in ("person",)}
    rows = await many("SELECT actor, verb, subject, about FROM event WHERE seq > {} ORDER BY seq", before)
    assert {row["actor"] for row in rows} <= set(people) | {"system"}, "somebody acted without being known"
    for row in rows:
        touched = ({row["subject"], *row["about"]} & theirs) - own
        if touched and row["verb"] not in OPEN_TO_ALL:
            wrong.setdefault(f"{row['verb']} by {people[row['actor']]}", ", ".join(sorted(touched)))
    assert not wrong, "\n".join(f"{what}\n    {where}" for what, where in wrong.items())
    assert len(rows) > 5, (
        "the strangers could do nothing at all: the bodies they send are refused before their rights are"
    )


def body_for(door: Door, described: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """A body that fits, for a program as the description says, for a page as its forms are likely to be named."""
    if door.path.startswith("/api/"):
        plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", door.path)
        operation = described["paths"].get(plain, {}).get(door.method.lower(), {})
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        return {"json": sample(schema, parts)} if schema else {}
    typed = {name: str(value) for name, value in TYPED.items() if not isinstance(value, list)}
    free = dict.fromkeys(
        ("text", "answer", "reason", "reasons", "because", "name", "title", "note", "statement"), WORDS
    )
    return {"data": {**free, **typed, "member": "P-0000000", "winner": "nobody", "value_minor": "1000"}}


async def test_a_supplier_member_does_not_bind_her_firm(played: list[Stage]) -> None:
    stage = played[-1]
    contract = stage.journey.contract
    paper = {"digest": contract["digest"], "agreed": True}
    answer = await stage.ask("member", "POST", f"/api/v1/contracts/{contract['ref']}/signatures", json=paper)
    assert answer.status_code in (403, 409)
    firm = stage.journey.cast.organisations["kestrel"]
    invite = {"email": "friend@elsewhere.example", "role": "supplier-admin", "name": "A Friend"}
    assert (
        await stage.ask("member", "POST", f"/api/v1/organisations/{firm}/invitations", json=invite)
    ).status_code == 403
    edit = (await stage.ask("member", "GET", f"/suppliers/{firm}/edit")).status_code
    assert edit == 403


async def test_a_field_that_was_not_asked_for_is_refused_and_changes_nothing(played: list[Stage]) -> None:
    stage = next(each for each in played if each.name == "draft_challenge")
    at = f"/api/v1/challenges/{stage.journey.challenge}/success"
    for extra in ({"published_at": "2026-01-01T00:00:00Z"}, {"buyer": 1}, {"id": 1}, {"fee_minor": 1}):
        answer = await stage.ask("ada", "PUT", at, json={"success": "Soon.", **extra})
        assert answer.status_code == 400, extra
    row = await one("SELECT published_at, fee_minor FROM challenge WHERE ref = {}", stage.journey.challenge)
    assert row["published_at"] is None
    assert row["fee_minor"] == 400_000


# ── forged requests ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_form_of_the_site_can_be_sent_by_another_site(app: Litestar, played: list[Stage]) -> None:
    stage = played[-1]
    own = stage.sessions["ada"][0]
    stranger = stage.sessions["other firm"][0]
    forged: dict[str, dict[str, str]] = {
        "no token": {"cookie": own["cookie"], "x-csrf-token": ""},
        "another session's token": {"cookie": own["cookie"], "x-csrf-token": stranger["x-csrf-token"]},
        "another origin": {**own, "origin": "https://evil.example"},
        "a hidden origin": {**own, "origin": "null"},
        "another scheme": {**own, "origin": "https://localhost:8000"},
        "across sites": {**own, "sec-fetch-site": "cross-site"},
        "from a sister site": {**own, "sec-fetch-site": "same-site"},
        "no cookie at all": {"x-csrf-token": own["x-csrf-token"]},
    }
    before = await one("SELECT max(seq) AS seq FROM event")
    through, tried = [], 0
    for door in doors(app):
        if door.method == "GET" or door.machine:
            continue
        path = addresses(door, stage.refs)[0]
        for what, headers in forged.items():
            answer = await stage.ask("", door.method, path, headers=headers, data={"csrf_token": "0" * 64})
            tried += 1
            if answer.status_code != 403:
                through.append(f"{what}: {door.method} {path} answered {answer.status_code}")
    assert through == []
    assert tried > 500
    assert await one("SELECT max(seq) AS seq FROM event") == before


async def test_a_cookie_opens_no_door_for_programs_and_a_token_none_for_people(played: list[Stage]) -> None:
    stage = played[-1]
    page, program = stage.sessions["ada"]
    assert (await stage.ask("", "GET", "/api/v1/me", headers=page)).status_code == 401
    assert (await stage.ask("", "GET", "/account", headers=program)).status_code == 401
    crossed = await stage.ask("", "GET", "/api/v1/me", headers={**program, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in crossed.headers
    assert crossed.headers["cache-control"] == "private, no-store"
    data = await stage.ask("", "GET", "/api/ocds/releases", headers={"origin": "https://evil.example"})
    assert data.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in data.headers


# ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_planted_session_is_never_taken_over_and_an_old_one_never_lives_on(
    app: Litestar, played: list[Stage]
) -> None:
    from market.accounts.passwords import hashed
    from market.accounts.tables import Person

    stage = played[-1]
    person = stage.actors["sian"].person
    password = "a long walk along the wet street"
    await Person.update({Person.password_hash: await hashed(password)}).where(Person.id == person)
    address = (await one("SELECT email FROM person WHERE id = {}", person))["email"]
    for planted in ("chosen-by-the-attacker", stage.sessions["other firm"][0]["cookie"].partition("=")[2]):
        visit = crossing.new_visit()
        cookies = f"session={planted}; visit={visit}"
        token = (
            stage.sessions["other firm"][0]["x-csrf-token"] if "attacker" not in planted else crossing.token_for(visit)
        )
        answer = await stage.ask(
            "",
            "POST",
            "/sign-in",
            headers={"cookie": cookies, "x-csrf-token": token},
            data={"email": address, "password": password},
        )
        assert answer.status_code == 303, answer.text[:500]
        assert planted not in answer.headers["set-cookie"]
        assert "httponly" in answer.headers["set-cookie"].lower()
        assert "samesite=lax" in answer.headers["set-cookie"].lower()
        assert (await stage.ask("", "GET", "/account", headers={"cookie": f"session={planted}"})).status_code == 303
    with clock.at(stage.moment):
        await stage.enter()
        for method, lives in (("password", 200), ("demo", 303)):
            token = await begin(person or 0, method)
            asked = await stage.ask("", "GET", "/account", headers={"cookie": f"{COOKIE}={token}"})
            assert asked.status_code == lives, method


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/%0d%0aset-cookie:x=1\r\nx: y",
        "javascript:alert(1)",
        "///evil.example",
        " //evil.example",
        "/sign-out",
    ],
)
async def test_signing_in_never_leads_to_another_site(played: list[Stage], then: str) -> None:
    answer = await played[-1].ask("ada", "GET", "/sign-in", params={"then": then})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk"
    assert "x" not in answer.headers


# ── what is sent in ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_hostile_addresses_and_bodies_are_refused_and_break_nothing(app: Litestar, played: list[Stage]) -> None:
    stage = played[-1]
    wrong: list[tuple[str, Any, int]] = []
    odd = ("%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "'%20OR%201=1--" + "a" * 3000)
    for door in doors(app):
        if door.method != "GET" or "{" not in door.path or door.path.startswith("/demo"):
            continue
        for value in odd:
            path = re.sub(r"\{\w+:\w+\}", lambda _, value=value: value, door.path)  # type: ignore[misc]
            answer = await stage.ask("auditor", "GET", path)
            if answer.status_code >= 500 or "root:" in answer.text:
                wrong.append((door.path, value[:20], answer.status_code))
    deep = b"[" * 100_000
    for content in (
        deep,
        b'{"x":' * 50_000,
        b'{"title": "\xff"}',
        b'{"title": 1e999}',
        b"null",
        b"",
        b'{"title":"a","title":"b"}',
    ):
        for path in ("/api/v1/challenges", "/api/v1/tenders", f"/api/v1/waivers/{stage.refs['waiver'][0]}/sign"):
            answer = await stage.ask("ada", "POST", path, content=content, headers={"content-type": "application/json"})
            if answer.status_code not in (400, 401, 403, 404, 409, 422):
                wrong.append((path, content[:20], answer.status_code))
    multipart = "multipart/form-data; boundary=x"
    part = b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n\xff\r\n'
    for kind, content in (
        ("application/x-www-form-urlencoded", b"email=%ff&password=%00&%ff=1"),
        (multipart, b"--x\r\nbroken"),
        (multipart, part % b"email" + b"--x--\r\n"),
        (multipart, part % b"a" * 1500 + b"--x--\r\n"),
        ("multipart/form-data", b"no boundary"),
        ("text/plain", b"email=a"),
    ):
        answer = await stage.ask("ada", "POST", "/account/tokens", content=content, headers={"content-type": kind})
        if answer.status_code not in (400, 413, 422):
            wrong.append((kind, content[:20], answer.status_code))
        answer = await stage.ask(
            "", "POST", "/sign-in", content=content, headers={**visit(stage, ""), "content-type": kind}
        )
        if answer.status_code not in (400, 403, 413):
            wrong.append((kind, content[:20], answer.status_code))
    flash = {"cookie": f"{stage.sessions['ada'][0]['cookie']}; flash=" + "W1tb" * 8000}
    answer = await stage.ask("", "GET", "/", headers=flash)
    if answer.status_code != 200:
        wrong.append(("/", "flash", answer.status_code))
    assert wrong == []


async def test_what_is_too_large_is_refused_before_it_is_read(played: list[Stage]) -> None:
    stage = played[-1]
    for path, who in (
        ("/sign-in", ""),
        ("/api/v1/challenges", "ada"),
        ("/account/tokens", "ada"),
    ):
        kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
        headers = {"content-type": kind, **({} if path.startswith("/api/") else visit(stage, who))}
        announced = await stage.ask(who, "POST", path, content=b"a=" + b"b" * 12_000_001, headers=headers)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(13):
                yield b"b" * 1_000_000

        streamed = await stage.ask(who, "POST", path, content=pieces(), headers=headers)
        assert (announced.status_code, streamed.status_code) == (413, 413), path


def visit(stage: Stage, who: str) -> dict[str, str]:
    """The cookie of somebody who has seen a form, without the token in a header: so the body has to be read for it."""
    if who:
        return {"x-csrf-token": "", "cookie": stage.sessions[who][0]["cookie"]}
    return {"cookie": f"visit={crossing.new_visit()}"}


@pytest.mark.parametrize(
    "path",
    ["../../market/settings.py", "..%2f..%2fREADME.md", "%2e%2e/%2e%2e/README.md", "/etc/passwd", "source/prelude.css"],
)
async def test_only_what_is_meant_to_be_served_is_served(played: list[Stage], path: str) -> None:
    assert (await played[-1].ask("", "GET", f"/static/{path}")).status_code == 404


def test_a_name_or_a_title_cannot_add_a_header_to_a_letter() -> None:
    from market.web.pages import templates
    from market.web.templating import letter

    made = templates().from_string("Subject: {{ title }}\n\nText")
    environment = templates().overlay()
    environment.get_template = lambda *_, **__: made  # type: ignore[method-assign]
    subject, text = letter(environment, "x.txt", {"title": "Gullies\r\nBcc: all@example.org"})
    assert "\n" not in subject
    sent = smtp.message(
        "LT-1", "Ada\r\nBcc: all@example.org", "ada@example.org", subject, text, given.TODAY
    ).as_string()
    assert not re.search(r"^Bcc:", sent, re.M)
    with pytest.raises(smtp.NeverAccepted):
        smtp.message("LT-1", "Ada", "ada@example.org\r\nRCPT TO: all@example.org", "x", "y", given.TODAY)


async def test_an_address_in_other_digits_is_no_way_round_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setitem(egress.PORTS, "http", frozenset((port,)))
    async with server, fetching(Patience(between=0, tries=1, first=0)) as fetcher:
        for host in (
            "１２７.0.0.1",
            "0x7f000001",
            "localhost",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ):
            with pytest.raises(Refused) as refused:
                await fetcher.page(f"http://{host}:{port}/", None)
            assert [each.code for each in refused.value.reasons] == ["portal.address-private"]


# ── headers ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/", 405),
        ("POST", "/sign-in", 403),
        ("GET", "/desk", 303),
        ("GET", "/api/v1/me", 401),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/static/nowhere.css", 404),
        ("GET", "/api/ocds/releases?limit=x", 400),
    ],
)
async def test_every_answer_carries_the_headers_that_protect(
    played: list[Stage], method: str, path: str, status: int
) -> None:
    answer = await played[-1].ask("", method, path)
    assert answer.status_code == status
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in answer.headers


async def test_a_page_whose_address_holds_a_secret_is_kept_by_nobody(played: list[Stage]) -> None:
    for path in ("/password/abc", "/invitations/abc", "/register/abc"):
        answer = await played[-1].ask("", "GET", path)
        assert answer.headers["cache-control"] == "private, no-store", path
    form = await played[-1].ask("", "GET", "/sign-in")
    assert "set-cookie" in form.headers
    assert form.headers["cache-control"] == "private, no-store"


async def test_a_failure_tells_the_visitor_nothing_and_the_log_no_secret(
    app: Litestar, played: list[Stage], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from market.accounts import actions

    async def broken(token: str) -> None:
        raise RuntimeError("the pipe burst in row 17")

    monkeypatch.setattr(actions, "person_to_reset", broken)
    with caplog.at_level(logging.ERROR):
        for accept in ("text/html", "application/json"):
            answer = await played[-1].ask("", "GET", "/password/the-secret-of-the-letter", headers={"accept": accept})
            assert answer.status_code == 500
            assert "pipe" not in answer.text
            assert "Traceback" not in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "the-secret-of-the-letter" not in caplog.text
    assert "pipe burst" in caplog.text


# ── limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_reading_what_is_costly_has_a_limit_for_each_address(app: Litestar, played: list[Stage]) -> None:
    def from_address(host: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(host, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")

    async with from_address("203.0.113.9") as flood, from_address("203.0.113.10") as other:
        answers = [
            (await flood.get("/log/events.jsonl")).status_code for _ in range(limits.COSTLY["/log/events.jsonl"].burst)
        ]
        assert set(answers) == {200}
        for _ in answers:  # what came back meanwhile is asked for too
            refused = await flood.get("/log/events.jsonl")
            if refused.status_code != 200:
                break
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert (await flood.get("/")).status_code == 200
        assert (await other.get("/log/events.jsonl")).status_code == 200
    for path in ("/search", "/api/v1/search"):
        assert path in limits.COSTLY


async def test_tries_are_counted_by_the_address_that_a_trusted_proxy_saw(
    app: Litestar, played: list[Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seen(peer: str, forwarded: str, proxies: tuple[str, ...]) -> str:
        from litestar.connection import ASGIConnection

        monkeypatch.setattr(limits, "settings", lambda: type("S", (), {"proxies": proxies})())
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        scope: Any = {"type": "http", "client": (peer, 1), "headers": headers, "path": "/"}
        return limits.client_of(ASGIConnection(scope))

    assert await seen("203.0.113.9", "198.51.100.1", ()) == "203.0.113.9"
    assert await seen("203.0.113.9", "198.51.100.1", ("127.0.0.1",)) == "203.0.113.9"
    assert await seen("127.0.0.1", "9.9.9.9, 198.51.100.1", ("127.0.0.1",)) == "198.51.100.1"
    assert await seen("127.0.0.1", "198.51.100.1, 10.0.0.7", ("127.0.0.1", "10.0.0.0/8")) == "198.51.100.1"
    assert await seen("127.0.0.1", "", ("127.0.0.1",)) == "127.0.0.1"
    assert await seen("127.0.0.1", "<script>", ("127.0.0.1",)) == "unknown"
    assert await seen("2001:db8:1:2:3:4:5:6", "", ()) == await seen("2001:db8:1:2:ffff::1", "", ())


# ── the ground ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", ["event", "bid", "opening", "obligation"])
async def test_what_is_for_ever_cannot_be_changed_deleted_or_emptied(played: list[Stage], table: str) -> None:
    for statement in (
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.exceptions.RestrictViolationError):
            async with transaction():
                await many(statement)


SAFE = {
    "PRELUDE_ENV": "production",
    "PRELUDE_SECRET": "5f0c9b1e7d2a48634c8e1b90d7f3a6250b9e4d17c2f8a3659d0e7b41f6c8253a",
    "SITE_URL": "https://prelude.example",
    "DATABASE_URL": "postgresql://db/prelude",
    "PRELUDE_PROXIES": "127.0.0.1, 10.0.0.0/8",
    "STRIPE_KEY": "simulated",
    "SMTP_URL": "none",
    "MEILISEARCH_URL": "embedded",
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"PRELUDE_DEMO": "1"}, "PRELUDE_DEMO"),
        ({"PRELUDE_SECRET": LAPTOP_SECRET}, "PRELUDE_SECRET"),
        ({"PRELUDE_SECRET": "short"}, "PRELUDE_SECRET"),
        ({"PRELUDE_SECRET": "x" * 40}, "PRELUDE_SECRET"),
        ({"SITE_URL": "http://prelude.example"}, "SITE_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"PRELUDE_PROXIES": ""}, "PRELUDE_PROXIES"),
        ({"PRELUDE_PROXIES": "everybody"}, "PRELUDE_PROXIES"),
        ({"PRELUDE_PROXIES": "0.0.0.0/0"}, "PRELUDE_PROXIES"),
        ({"PRELUDE_ENV": "Production"}, "PRELUDE_ENV"),
    ],
)
def test_what_would_be_unsafe_in_production_does_not_start(changed: dict[str, str], named: str) -> None:
    assert read(SAFE).secure
    with pytest.raises(Unsafe, match=named):
        read({**SAFE, **changed})


def test_the_secret_of_the_tests_is_not_the_laptops() -> None:
    assert os.environ["PRELUDE_SECRET"] != LAPTOP_SECRET
