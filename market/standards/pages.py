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
