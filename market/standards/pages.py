"""Standards for people: what they are, checking an API without lodging it, the public register, and what programs look for."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery
from msgspec import Meta

from market import clock
from market.accounts import guards
from market.openapi.limits import MAX_BYTES
from market.settings import settings
from market.standards.checking.outcome import Run
from market.standards.components import actions, catalogue
from market.standards.components.pages import FINDINGS, uploaded
from market.standards.exemptions import actions as exemptions
from market.standards.exemptions.rules import GROUNDS
from market.standards.keys import public_keys
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.tables import PublishedProfile
from market.web import forms
from market.web.limits import client_of
from market.web.pages import Visitor, show


class CheckForm(msgspec.Struct):
    """A document to check: a pasted one; a file is read beside."""

    profile: Annotated[str, Meta(title="Profile", max_length=100)]
    document: Annotated[str, Meta(title="Document", max_length=MAX_BYTES)] = ""


class StandardsPages(Controller):
    """Standards as a whole, checking without lodging, and the register."""

    path = "/standards"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The profiles, and what happens to whom."""
        newest: dict[str, PublishedProfile] = {}
        for row in await publishing.published():
            newest.setdefault(str(row.name), row)
        profiles = [
            (row, publishing.composed_of(row), await publishing.certified_under(row)) for row in newest.values()
        ]
        waiting = await exemptions.waiting() if request.user.wears("operator") else []
        return show(request, "standards/index.html", profiles=profiles, waiting=waiting)

    @get("/check", guards=[guards.public])
    async def check_form(self, request: Visitor, profile: FromQuery[str] = "") -> Response[bytes]:
        """The form."""
        return await _checking(request, forms.blank(CheckForm, profile=profile or "uk-core"), None)

    @post("/check", guards=[guards.public])
    async def check(self, request: Visitor) -> Response[bytes]:
        """The result; nothing is kept."""
        form = await forms.read(request, CheckForm)
        run: Run | None = None
        with form.acting():
            raw, name = await uploaded(request, form.data.document)
            who = request.user.ref if request.user.signed_in else client_of(request)
            run = await actions.check(raw, form.data.profile, name=name, who=who)
        return await _checking(request, form, run)

    @get("/register", guards=[guards.public])
    async def register(self, request: Visitor) -> Response[bytes]:
        """Access that is or was withheld, exemptions, certificates in force."""
        now = clock.now()
        return show(
            request,
            "standards/register.html",
            notices=await sanctions.register(),
            exemptions=await exemptions.register(),
            certificates=await catalogue.certificates_in_force(),
            grounds=GROUNDS,
            now=now,
        )


class WellKnownPages(Controller):
    """What programs look for at fixed places."""

    path = "/.well-known"
    include_in_schema = False

    @get("/api-catalog", guards=[guards.public])
    async def catalog(self) -> Response[bytes]:
        """Our own API and those of the components in the catalogue (RFC 9727, as a linkset of RFC 9264): of each its
        description and its documentation; of a confidential one that it exists."""
        site = settings().site_url
        apis = [
            {
                "anchor": f"{site}/api/v1",
                "service-desc": [{"href": f"{site}/api/v1/openapi.json", "type": "application/json"}],
                "service-doc": [{"href": f"{site}/api/v1", "type": "text/html"}],
            }
        ]
        for each in (await catalogue.listed()).items:
            page = f"{site}/components/{each.ref}"
            api: dict[str, Any] = {"anchor": page}
            if each.versions and not each.private:
                document = f"{page}/versions/{each.versions}/document"
                api["service-desc"] = [{"href": document, "type": "text/plain", "title": each.title}]
            api["service-doc"] = [{"href": page, "type": "text/html", "title": each.title}]
            api["status"] = [{"href": f"{site}/api/v1/standards/services/{each.ref}", "type": "application/json"}]
            apis.append(api)
        items = [{"href": each["anchor"]} for each in apis]
        linkset = {"linkset": [{"anchor": f"{site}/.well-known/api-catalog", "item": items}, *apis]}
        return Response(
            json.dumps(linkset).encode(),
            media_type='application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"',
            headers={"link": f'<{site}/.well-known/api-catalog>; rel="api-catalog"'},
        )

    @get("/api-certificate-keys.json", guards=[guards.public])
    async def keys(self) -> Response[bytes]:
        """The public keys that verify certificates: name and 64 hexadecimal letters of each."""
        listed = [{"name": name, "ed25519": key.hex()} for name, key in public_keys().items()]
        return Response(json.dumps({"keys": listed}).encode(), media_type=MediaType.JSON)


async def _checking(request: Visitor, form: forms.Form[CheckForm], run: Run | None) -> Response[bytes]:
    row = await publishing.named(str(form.values.get("profile", "")))
    if row is not None:
        form.values["profile"] = publishing.label(row)
    return show(
        request,
        "standards/check.html",
        status=form.status,
        form=form,
        profiles=await publishing.choices(),
        run=run,
        row=row,
        tones=catalogue.TONES,
        most=FINDINGS,
    )
<<<<<<< HEAD


async def _listing(
    request: Visitor, form: forms.Form[actions.ServiceDraft], service: Service | None
) -> Response[bytes]:
    return show(
        request,
        "components/edit.html",
        status=form.status,
        form=form,
        service=service,
        profiles=await _options(),
        maturity=[(value, _(words)) for value, words in rules.MATURITY.items()],
    )


async def _exempting(request: Visitor, form: forms.Form[ExemptionForm]) -> Response[bytes]:
    bodies = [(hat.organisation_ref, hat.organisation_name) for hat in request.user.hats if hat.role == "buyer"]
    return show(
        request,
        "standards/exempt.html",
        status=form.status,
        form=form,
        profiles=await _options(),
        grounds=[(value, _(words)) for value, words in rules.GROUNDS.items()],
        bodies=bodies,
    )


async def _exemption(request: Visitor, ref: str, form: forms.Form[exemptions.Refusing]) -> Response[bytes]:
    row = await exemptions.seen_by(request.user, ref)
    actor = request.user
    return show(
        request,
        "standards/exemption.html",
        status=form.status,
        form=form,
        row=row,
        ground=_(rules.GROUNDS[row.ground]),
        buyer=await find(Organisation, Organisation.id == row.buyer),
        supplier=await find(Organisation, Organisation.id == row.supplier),
        service=await maybe(Service, Service.id == row.service) if row.service else None,
        standing=rules.exemption(row, clock.now()),
        may_sign=actor.wears("operator") is not None and rules.waits_for_the_owner(row, actor.must_be_person()) is None,
        may_end=row.signed_at is not None
        and row.ended_at is None
        and bool(actor.wears("operator") or actor.wears("buyer", organisation=row.buyer)),
    )


async def _notice(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    row = await sanctions.seen_by(request.user, ref)
    now = clock.now()
    until = sanctions.appeal_until(row)
    supplies = request.user.wears("supplier-admin", "supplier-member", organisation=row.supplier) is not None
    return show(
        request,
        "standards/notice.html",
        status=form.status,
        form=form,
        row=row,
        state=rules.sanction(row, now),
        service=await find(Service, Service.id == row.service),
        supplier=await find(Organisation, Organisation.id == row.supplier),
        profile=await find(PublishedProfile, PublishedProfile.id == row.profile),
        until=until,
        may_appeal=supplies and not refusals(rules.MAY_APPEAL, rules.Appealing(row, until, "", now)),
        may_answer=request.user.wears("operator") is not None and rules.an_appeal_waits(row, "") is None,
    )


def _groups(found: catalogue.Found, chosen: dict[str, list[str]]) -> list[dict[str, Any]]:
    titles = {
        "profile": _("Profile passed"),
        "sector": "Sector",
        "licence": "Licence",
        "maturity": "Maturity",
    }
    groups = []
    for name, title in titles.items():
        counts = found.counts[name]
        options = [
            (
                value,
                _option(name, value),
                counts.get(value, 0),
                value in chosen[name],
            )
            for value in sorted({*counts, *chosen[name]})
        ]
        if options:
            groups.append({"name": name, "legend": title, "options": options})
    return groups


def _option(name: str, value: str) -> str:
    """The words of a choice. Names of CPV codes stand above standards: templates are given them when the site is put together."""
    if name == "sector":
        return str(templates().filters["cpv"](value))
    return _(rules.MATURITY.get(value, value)).partition(":")[0] if name == "maturity" else value


def _examples(profile: Profile, examples: Any) -> list[str]:
    """What each example puts into the base document or drops from it, as lines; the base itself as such."""
    told = []
    for each in examples:
        lines = [f"{pointer}: {json.dumps(value, ensure_ascii=False)}" for pointer, value in each.put.items()]
        lines += [_("without {pointer}", pointer=pointer) for pointer in each.drop]
        told.append("\n".join(lines) or _("the base document as it stands"))
    return told


def _definition(profile: Profile, rule: str) -> str:
    """The lines of the ruleset that define a rule, as published."""
    lines, taken, indent = profile.text.splitlines(), [], -1
    for line in lines:
        bare = line.lstrip()
        depth = len(line) - len(bare)
        if indent >= 0:
            if bare and depth <= indent:
                break
            taken.append(line)
        elif bare.startswith((f"{rule}:", f'"{rule}":')):
            indent = depth
            taken.append(line)
    return "\n".join(taken).rstrip()
=======
>>>>>>> origin/main
