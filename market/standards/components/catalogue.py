"""The public catalogue of components: reading it with its facets, and one component as everybody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from market import clock
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.db import find
from market.proof.certificates import Outcome
from market.reads import rows
from market.refusals import NotFound
from market.standards.certificates import actions as certificates
from market.standards.certificates.actions import latest_lodgement
from market.standards.checking.reference import Outline
from market.standards.exemptions import actions as exemptions
from market.standards.profiles import actions as publishing
from market.standards.tables import IssuedCertificate, Lodgement, PublishedProfile, Service
from market.standing import Standing, Tone
from market.wording import N_, _

TONES = {"pass": "green", "pass-with-waivers": "green", "fail": "red", "could-not-check": "amber"}
"""The tone each outcome is shown in, always with its word."""

MOST = 300
"""Components shown on one page."""


FACETS = ("profile", "sector", "licence", "maturity")


STAGES: dict[str, tuple[str, Tone]] = {
    "certified": (N_("Passes its profile"), "green"),
    "uncertified": (N_("Not certified"), "grey"),
    "unlodged": (N_("No document yet"), "grey"),
}
"""What is known of a component's API, in words, with the tone of its tag; a certified one names what it passes."""


def withdrawn() -> Standing:
    """Where a component stands that the catalogue no longer shows."""
    return Standing("withdrawn", _("Withdrawn"), "grey")


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a component is reckoned from: the profiles it has a certificate for, until when each is good, how
    many documents were lodged, since when it is listed, and for a confidential one until when its exemption lasts."""

    passed: list[str]
    until: list[datetime]
    versions: int
    listed_at: datetime
    hidden_after: datetime | None


def standing(component: Dates, now: datetime) -> Standing:
    """Where a component stands: what its API passes at this moment."""
    if component.hidden_after is not None and component.hidden_after < now:
        return withdrawn()
    passed = [label for label, until in zip(component.passed, component.until, strict=True) if until >= now]
    stage = "certified" if passed else "uncertified" if component.versions else "unlodged"
    word, tone = STAGES[stage]
    word = _(word)
    return Standing(
        stage,
        _("Passes {passed}", passed=", ".join(passed)) if passed else word,
        tone,
        component.listed_at,
        _("Listed"),
    )


class Listed(Dates, frozen=True):
    """A component as the catalogue lists it."""

    ref: str
    title: str
    does: str
    licence: str
    cpv: list[str]
    maturity: str
    private: bool
    supplier: str
    supplier_ref: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return standing(self, clock.now())


@dataclass(frozen=True, slots=True)
class Found:
    """The components that fit, and for every facet its values with how many of all they are."""

    items: list[Listed]
    counts: dict[str, dict[str, int]]


async def listed(q: str = "", chosen: dict[str, list[str]] | None = None, ref: str = "") -> Found:
    """Components in the catalogue that hold every word and fit one value of every facet chosen; certified ones first.

    Of a confidential one only that it exists, its supplier and its result are here. `ref` asks for one component."""
    now = clock.now()
    components = await rows(
        Listed,
        """
        WITH held AS (
          SELECT c.service, p.name || '@' || p.version AS profile, max(c.valid_until) AS until
          FROM issued_certificate c JOIN published_profile p ON p.id = c.profile
          WHERE c.revoked_at IS NULL AND c.valid_until >= {} GROUP BY 1, 2
        )
        SELECT s.ref, s.title, s.does, s.licence, s.cpv, s.maturity, s.private, s.listed_at, o.name AS supplier,
          o.ref AS supplier_ref, (SELECT count(*) FROM lodgement l WHERE l.service = s.id) AS versions,
          ARRAY(SELECT profile FROM held WHERE held.service = s.id ORDER BY profile) AS passed,
          ARRAY(SELECT until FROM held WHERE held.service = s.id ORDER BY profile) AS until, exempt.until AS hidden_after
        FROM service s JOIN organisation o ON o.id = s.supplier LEFT JOIN LATERAL (
          SELECT max(x.expires_at) AS until FROM exemption x
          WHERE x.service = s.id AND x.ground = 'private' AND x.signed_at <= {} AND x.expires_at >= {}
            AND (x.ended_at IS NULL OR x.ended_at > {})
        ) exempt ON s.private
        WHERE s.withdrawn_at IS NULL AND (NOT s.private OR exempt.until IS NOT NULL) AND ({} = '' OR s.ref = {})
        ORDER BY s.id DESC
        """,
        *[now] * 4,
        ref,
        ref,
    )
    components = [
        structs.replace(each, title=_("Private component {ref}", ref=each.ref), does="", licence="", cpv=[])
        if each.private
        else each
        for each in components
    ]
    words = q.lower().split()
    components = [
        each
        for each in components
        if all(word in " ".join([each.title, each.does, each.supplier, each.licence]).lower() for word in words)
    ]
    wanted = {name: set(values) for name, values in (chosen or {}).items() if values}
    counts: dict[str, dict[str, int]] = {}
    for facet in FACETS:
        others = [
            each for each in components if all(_values(each, name) & wanted[name] for name in wanted if name != facet)
        ]
        counts[facet] = {}
        for each in others:
            for value in _values(each, facet):
                counts[facet][value] = counts[facet].get(value, 0) + 1
    fitting = [each for each in components if all(_values(each, name) & values for name, values in wanted.items())]
    return Found(sorted(fitting, key=lambda each: not each.passed)[:MOST], counts)


def _values(component: Listed, facet: str) -> set[str]:
    if facet == "profile":
        return set(component.passed)
    if facet == "sector":
        return {code[:2] for code in component.cpv}
    value = component.licence if facet == "licence" else component.maturity
    return {value} if value else set()


@dataclass(frozen=True, slots=True)
class Under:
    """A component under one of its profiles: its latest run and the certificate in force, None without one."""

    profile: PublishedProfile
    run: Any
    certificate: IssuedCertificate | None

    @property
    def words(self) -> str:
        """The outcome as a page says it."""
        return Outcome(self.run.outcome).words if self.run is not None else _("Not checked yet")

    @property
    def tone(self) -> str:
        """Its tone."""
        return TONES[self.run.outcome] if self.run is not None else "grey"


@dataclass(frozen=True, slots=True)
class Component:
    """One component as somebody sees it; `open` is whether she may read what is confidential of it."""

    service: Service
    supplier: Organisation
    under: list[Under]
    lodged: Lodgement | None
    outline: Outline | None
    own: bool
    open: bool


async def component(actor: Actor, ref: str) -> Component:
    """One component. A withdrawn one, and a confidential one without a signed exemption, is there for its supplier, for
    buyers who signed, for the operator and auditors; to others it does not exist."""
    service = await find(Service, Service.ref == ref)
    insider = await exemptions.may_read_private(actor, service)
    hidden = service.withdrawn_at is not None or (
        service.private and not await exemptions.private(service, clock.now())
    )
    if hidden and not insider:
        raise NotFound("Service")
    lodged = await latest_lodgement(service)
    shown = not service.private or insider
    return Component(
        service,
        await find(Organisation, Organisation.id == service.supplier),
        await under(service),
        lodged,
        msgspec.json.decode(lodged.outline, type=Outline) if lodged is not None and shown else None,
        actor.wears(*SUPPLIER_ROLES, organisation=service.supplier) is not None,
        shown,
    )


async def under(service: Service) -> list[Under]:
    """A service under each of its profiles."""
    found = []
    for each in service.profiles:
        profile = await publishing.named(each)
        if profile is not None:
            held = await certificates.in_force(service, profile)
            found.append(Under(profile, await certificates.latest_run(service, profile), held))
    return found


@dataclass(frozen=True, slots=True)
class Mine:
    """A service of one's own, under each of its profiles."""

    service: Service
    under: list[Under]


async def mine(actor: Actor) -> list[Mine]:
    """The services of the actor's suppliers, newest first, with what they passed and what is open against them."""
    suppliers = actor.organisations(*SUPPLIER_ROLES)
    if not suppliers:
        return []
    services = await Service.objects().where(Service.supplier.is_in(suppliers)).order_by(Service.id, ascending=False)
    return [Mine(each, await under(each)) for each in services]


class Certified(msgspec.Struct, frozen=True):
    """A certificate of the public register, with the service and the supplier it is for."""

    ref: str
    issued_at: datetime
    valid_until: datetime
    document: str
    service_ref: str
    title: str
    private: bool
    supplier: str
    supplier_ref: str
    profile: str


async def certificates_in_force() -> list[Certified]:
    """Every certificate in force, newest first: for the public register."""
    return await rows(
        Certified,
        """
        SELECT c.ref, c.issued_at, c.valid_until, c.document, s.ref AS service_ref, s.title, s.private, o.name AS supplier,
          o.ref AS supplier_ref, p.name || '@' || p.version AS profile
        FROM issued_certificate c JOIN service s ON s.id = c.service JOIN organisation o ON o.id = c.supplier
          JOIN published_profile p ON p.id = c.profile
        WHERE c.revoked_at IS NULL AND c.valid_until >= {} ORDER BY c.id DESC LIMIT 500
        """,
        clock.now(),
    )
