"""Home, desks, public figures, the demonstration, and what this place is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.response import Redirect

from challenges.listing import open_now
from market import VERSION, clock, db
from market.accounts import actions as accounts
from market.accounts import guards
from market.accounts.pages import session_token, with_session
from market.accounts.sessions import LASTS
from market.actor import SUPPLIER_ROLES
from market.dates import day
from market.front import demo
from market.front.desks import desk
from market.front.figures import Figures, counted, figures
from market.settings import settings
from market.tenders.listing import open_lots
from market.web import forms, once
from market.web.pages import Visitor, show, to
from market.web.words import money, number
from market.wording import N_, _, _n

SHOWN = 6
"""How many problems and lots the home page shows."""


PUBLISHED = [
    (N_("Challenges, tenders, awards and contracts, every change"), "OCDS 1.1.5, JSON packages", "/api/ocds/releases"),
    (N_("The same, how each stands"), "OCDS 1.1.5, JSON packages", "/api/ocds/records"),
    (N_("What changed last"), N_("Atom feed"), "/api/ocds/changes.atom"),
    (N_("One row for each challenge and tender, for a spreadsheet"), "CSV", "/api/ocds/records.csv"),
    (N_("One row for each contract"), "CSV", "/api/ocds/contracts.csv"),
    (N_("Everything by years, to download"), "JSON Lines, CSV, XLSX", "/open-data/files"),
    (N_("Challenges"), "JSON", "/api/v1/challenges"),
    (N_("Tenders"), "JSON", "/api/v1/tenders"),
    (N_("Missions and their success criteria"), "JSON", "/api/v1/missions"),
    (N_("Waivers, each with its signature"), "JSON", "/api/v1/waivers"),
    (N_("Contracts"), "JSON", "/api/v1/contracts"),
    (N_("Suppliers"), "JSON", "/api/v1/suppliers"),
    (N_("The log of everything"), "JSON Lines, one event a line", "/log/events.jsonl"),
    (N_("Its newest events, filtered"), "JSON", "/api/v1/log"),
    (N_("The log's signed state"), "JSON", "/log/head.json"),
    (N_("The key that signs it"), N_("Text, Ed25519 in hexadecimal"), "/log/key"),
    (N_("The public figures"), "JSON", "/figures.json"),
    (N_("All of this, described for programs"), "OpenAPI 3.1, JSON", "/api/v1/openapi.json"),
]
"""What can be taken away: in words, its form, its address."""


def share(value: int | None, nothing: str | None = None) -> str:
    """“38%”, or words where there is nothing to take a share of."""
    return (nothing or _("None yet")) if value is None else f"{value}%"


def days(value: int | None) -> str:
    """“6 days”, or words."""
    return _("None yet") if value is None else _n("{days} day", "{days} days", value, days=number(value))


class HomePages(Controller):
    """The first page, and the public figures."""

    path = "/"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def home(self, request: Visitor) -> Response[bytes]:
        """What is open now, what came of it, how it works."""
        return show(
            request,
            "front/home.html",
            challenges=await open_now(SHOWN),
            lots=await open_lots(SHOWN),
            facts=_three(await figures()),
        )

    @get("/figures", guards=[guards.public])
    async def figures(self, request: Visitor) -> Response[bytes]:
        """Every public figure, and how it is counted."""
        found = await figures()
        parts = _parts(found)
        return show(
            request,
            "front/figures.html",
            parts=parts,
            sections=[*((id_, title) for id_, title, _figures, _facts in parts), ("missions", _("By mission"))],
            portfolio=_portfolio(found),
            counted=counted(),
        )

    @get("/figures.json", guards=[guards.public])
    async def figures_json(self) -> Response[bytes]:
        """The same for programs; money in minor units, shares in percent, null where there is no case yet."""
        found = {"counted": counted(), **msgspec.to_builtins(await figures())}
        return Response(msgspec.json.encode(found), media_type=MediaType.JSON)


def _three(found: Figures) -> list[tuple[str, str, str]]:
    exercises, waived = found.by_ground.get("exercise", 0), found.by_ground.get("waiver", 0)
    return [
        (share(found.small_share), _("of the value of contracts went to small firms"), "/figures#small-firms"),
        (days(found.days_to_pay), _("from a delivered pitch to its payment, in the middle"), "/figures#time-to-pay"),
        (
            _("{some} of {all}", some=number(exercises), all=number(found.tenders)) if found.tenders else _("None yet"),
            _n(
                "tenders came from an exercise; {waived} was waived by a minister",
                "tenders came from an exercise; {waived} were waived by a minister",
                waived,
                waived=number(waived),
            ),
            "/figures#innovation-first",
        ),
    ]


_Part = tuple[str, str, list[tuple[str, str, None]], list[tuple[str, str]]]


def _parts(found: Figures) -> list[_Part]:
    ground = found.by_ground.get
    return [
        (
            "small-firms",
            _("Small firms"),
            [(share(found.small_share), _("of the value of contracts"), None)],
            [
                (_("Contracts signed by both sides"), number(found.contracts)),
                (_("With small firms"), number(found.contracts_to_small)),
                (_("Their value together"), money(found.value)),
            ],
        ),
        (
            "innovation-first",
            _("Innovation first"),
            [
                (number(ground("exercise", 0)), _("tenders came from an exercise"), None),
                (number(ground("waiver", 0)), _("were waived by a minister"), None),
            ],
            [
                (_("Tenders published"), number(found.tenders)),
                (_("Commodities, which need no exercise"), number(ground("commodity", 0))),
                (_("Below the threshold, VAT included"), number(ground("below-threshold", 0))),
                (
                    _("Of buyers outside central government, whom the rule does not bind"),
                    number(ground("not-central", 0)),
                ),
            ],
        ),
        (
            "waivers",
            _("Waivers"),
            [(share(found.waiver_rate), _("of the tenders that needed an exercise or a waiver had a waiver"), None)],
            [
                (_("Granted"), number(found.waivers_granted)),
                (_("Refused"), number(found.waivers_refused)),
                (_("Waiting for a minister"), number(found.waivers_waiting)),
            ],
        ),
        (
            "problem-to-contract",
            _("From the problem to the contract"),
            [(days(found.days_to_contract), _("from a published problem to a signed contract"), None)],
            [(_("Problems that led to a contract"), number(found.contracts_from_problems))],
        ),
        (
            "pitch-fees",
            _("Paid to pitch"),
            [(money(found.fees), _("paid to teams for pitching"), None)],
            [(_("Pitches paid"), number(found.pitches_paid))],
        ),
        (
            "time-to-pay",
            _("Time to pay"),
            [(days(found.days_to_pay), _("from a delivered pitch to its payment"), None)],
            [],
        ),
        (
            "in-time",
            _("Paid when due"),
            [(share(found.in_time), _("of all payments were made by the day they were due"), None)],
            [(_("Payments made"), number(found.paid)), (_("By the day they were due"), number(found.paid_in_time))],
        ),
    ]


def _portfolio(found: Figures) -> list[list[str]]:
    return [
        [
            _("{title} ({owner}, until {ends_on})", title=each.title, owner=each.owner, ends_on=day(each.ends_on)),
            number(each.challenges),
            number(each.concluded),
            number(each.tenders),
            number(each.contracts),
            money(each.value),
            share(each.to_small, "–"),
            money(each.fees),
        ]
        for each in found.missions
    ]


class DeskPages(Controller):
    """One's own desk."""

    path = "/desk"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def desk(self, request: Visitor) -> Response[bytes]:
        """What waits for me, then where my things stand."""
        hat = request.user.wears(*SUPPLIER_ROLES)
        firm = hat.organisation_ref if hat else ""
        return show(request, "front/desk.html", desk=await desk(request.user), firm=firm)


class DemoPages(Controller):
    """Trying it out as somebody of the story, and at another time."""

    path = "/demo"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def people(self, request: Visitor) -> Response[bytes]:
        """Whom one can be, and what time it is."""
        demo.must_be_demo()
        return await _demo(request, forms.blank(demo.Choice))

    @post("/sign-in", guards=[guards.public], opt=once.ANEW)
    async def sign_in(self, request: Visitor) -> Response[Any]:
        """Be somebody else."""
        demo.must_be_demo()
        form = await forms.read(request, demo.Choice)
        with form.acting():
            token = await accounts.sign_in_as(form.data.person)
            await accounts.sign_out(request.user, session_token(request))
            return await with_session(request, to("/desk"), token)
        return await _demo(request, form)

    @post("/clock", guards=[guards.public])
    async def move(self, request: Visitor) -> Response[Any]:
        """Move the clock forward. Whoever is signed in stays so, although her session would have ended meanwhile."""
        demo.must_be_demo()
        form = await forms.read(request, demo.Move)
        with form.acting():
            clock.shift(timedelta(hours=form.data.hours))
            return await _moved(request)
        return await _demo(request, form)

    @post("/clock/reset", guards=[guards.public])
    async def reset(self, request: Visitor) -> Response[Any]:
        """Set the clock back to the present."""
        demo.must_be_demo()
        clock.reset()
        return await _moved(request)


async def _demo(request: Visitor, form: forms.Form[Any]) -> Response[bytes]:
    first, others = await demo.guises()
    return show(
        request,
        "front/demo.html",
        status=form.status,
        form=form,
        first=first,
        others=[(each.ref, f"{each.name}. {each.office}") for each in others],
        moment=clock.now(),
        address=settings().site_url,
    )


async def _moved(request: Visitor) -> Redirect:
    answer = to("/demo", _("The clock is moved."))
    if request.user.signed_in:
        return await with_session(request, answer, await accounts.sign_in_as(request.user.ref))
    return answer


class AboutPages(Controller):
    """What this place is, for people and for machines that ask."""

    path = "/"
    include_in_schema = False

    @get("/about", guards=[guards.public])
    async def about(self, request: Visitor) -> Response[bytes]:
        """What this is and why."""
        return show(request, "front/about.html")

    @get("/accessibility", guards=[guards.public])
    async def accessibility(self, request: Visitor) -> Response[bytes]:
        """How far everybody can use it, and how that was found out."""
        return show(request, "front/accessibility.html")

    @get("/licence", guards=[guards.public])
    async def licence(self, request: Visitor) -> Response[bytes]:
        """What may be done with the data and with the program."""
        return show(request, "front/licence.html")

    @get("/open-data", guards=[guards.public])
    async def open_data(self, request: Visitor) -> Response[bytes]:
        """What is published, in which form, where."""
        return show(
            request, "front/open_data.html", rows=[(_(what), _(form), address) for what, form, address in PUBLISHED]
        )

    @get("/privacy", guards=[guards.public])
    async def privacy(self, request: Visitor) -> Response[bytes]:
        """What is kept of people."""
        return show(request, "front/privacy.html", hours=int(LASTS.total_seconds()) // 3600)

    @get("/.well-known/security.txt", guards=[guards.public])
    async def weaknesses(self) -> Response[bytes]:
        """Where to report a weakness (RFC 9116). It expires within a year, as the standard recommends."""
        expires = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=330)
        contact = settings().mail_from.rpartition("<")[2].rstrip(">")
        lines = (
            f"Contact: mailto:{contact}",
            f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
            "Preferred-Languages: en",
            f"Canonical: {settings().site_url}/.well-known/security.txt",
            f"Policy: {settings().site_url}/privacy#weaknesses",
        )
        return Response("\n".join(lines).encode() + b"\n", media_type="text/plain; charset=utf-8")

    @get("/robots.txt", guards=[guards.public])
    async def robots(self) -> Response[bytes]:
        """What crawlers may read: everything public. A demonstration keeps out of search engines."""
        rules = "Disallow: /" if settings().demo else "Disallow: /desk\nDisallow: /account\nDisallow: /search?"
        return Response(f"User-agent: *\n{rules}\n".encode(), media_type="text/plain; charset=utf-8")

    @get("/health", guards=[guards.public])
    async def health(self) -> Response[bytes]:
        """For whoever watches the machine: 200 when the database answers, 503 when not."""
        well = await db.well()
        body = {"database": "ok" if well else "does not answer", "version": VERSION}
        return Response(msgspec.json.encode(body), status_code=200 if well else 503, media_type=MediaType.JSON)
