"""Reviews of waivers for people: they stand on the waiver's own page."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath

from market.accounts import guards
from market.refusals import NotFound
from market.waivers.delegations.pages import Credential
from market.waivers.pages import waiver_page
from market.waivers.reviews import actions, readers
from market.web import forms
from market.web.pages import Visitor, to
from market.wording import _


class WaiverReviewPages(Controller):
    """Calling for a review of a waiver, and answering one."""

    path = "/waivers/{ref:str}"
    include_in_schema = False

    @post("/review", guards=[guards.auditor])
    async def call(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """An auditor calls for one."""
        form = await forms.read(request, actions.Call)
        with form.acting():
            await actions.call(request.user, ref, form.data)
            return to(f"/waivers/{ref}#reviews", _("The minister is asked. Unanswered, the waiver is suspended."))
        return await waiver_page(request, ref, form)

    @post("/reviews/{review:str}", guards=[guards.minister])
    async def write(self, request: Visitor, ref: FromPath[str], review: FromPath[str]) -> Response[Any]:
        """The minister writes her answer down."""
        form = await forms.read(request, actions.AnswerDraft)
        with form.acting():
            await actions.write(request.user, ref, review, form.data, form.version)
            return to(f"/waivers/{ref}#reviews", _("Read your answer once more, then sign it."))
        return await waiver_page(request, ref, form)

    @post("/reviews/{review:str}/options", guards=[guards.minister], status_code=200)
    async def options(self, request: Visitor, ref: FromPath[str], review: FromPath[str]) -> dict[str, Any]:
        """What the browser needs to have the answer signed."""
        form = await forms.read(request, Credential)
        return await actions.begin_signing(request.user, ref, review, form.version)

    @post("/reviews/{review:str}/sign", guards=[guards.minister])
    async def sign(self, request: Visitor, ref: FromPath[str], review: FromPath[str]) -> Response[Any]:
        """The answer takes effect with the passkey's answer."""
        form = await forms.read(request, Credential)
        with form.acting():
            await actions.sign(request.user, ref, review, form.data.credential)
            return to(f"/waivers/{ref}#reviews", _("You signed your answer. It is public, and the buyer is told."))
        return await waiver_page(request, ref, form)

    @get("/reviews/{review:str}/bundle.json", guards=[guards.public])
    async def bundle(self, request: Visitor, ref: FromPath[str], review: FromPath[str]) -> Response[bytes]:
        """The signed answer, exactly as a stranger's verifier wants it."""
        found = await readers.review(ref, review)
        if not found.bundle:
            raise NotFound("Bundle")
        return Response(
            (await actions.signed_file(ref, found)).encode(),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="{review}.json"'},
        )
