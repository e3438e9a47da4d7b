"""Signing in and one's own account, for people."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta

from market.accounts import actions, guards, passkeys
from market.accounts.sessions import COOKIE, LASTS
from market.accounts.tables import Person
from market.db import find
from market.web import crossing, forms
from market.web.pages import Visitor, show, to

HOME = "/account"
"""Where somebody goes who came to sign in from nowhere in particular."""


class PasskeyAnswer(msgspec.Struct):
    """What the browser's passkey answered, as JSON, and what the person calls it."""

    credential: Annotated[str, Meta(title="Passkey", max_length=20_000)] = ""
    name: Annotated[str, Meta(title="Name of the passkey", max_length=60)] = ""


def own_path(path: str) -> str:
    """The path to go on to when it is one of this site's own pages, else :data:`HOME`: a link with another site's
    address in it must not send anybody there after she typed her password here."""
    own = re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,500}", path)
    return path if own and not path.startswith(("/sign-in", "/sign-out")) else HOME


def client_of(request: Visitor) -> str:
    """The network address of the asker, for limits."""
    return request.client.host if request.client else "unknown"


def session_token(request: Visitor) -> str:
    """The token in this browser's cookie."""
    return request.cookies.get(crossing.cookie_name(COOKIE), "")


def with_session(response: Redirect, token: str) -> Redirect:
    """The same answer, carrying the cookie of a session (none when the token is empty)."""
    response.set_cookie(crossing.cookie(COOKIE, token, seconds=int(LASTS.total_seconds()) if token else 0))
    return response


class SignInPages(Controller):
    """Signing in with a password or a passkey, signing out, and a forgotten password."""

    path = "/"
    include_in_schema = False

    @get("/sign-in", guards=[guards.public])
    async def form(self, request: Visitor, then: FromQuery[str] = "") -> Response[Any]:
        """The form; somebody signed in already goes on."""
        if request.user.signed_in:
            return to(own_path(then))
        return _signing_in(request, forms.blank(actions.SignIn), then)

    @post("/sign-in", guards=[guards.public])
    async def sign_in(self, request: Visitor) -> Response[Any]:
        """Sign in with address and password, and go on to where the person wanted to be."""
        form = await forms.read(request, actions.SignIn)
        then = str(form.values.get("then", ""))
        with form.acting():
            token = await actions.sign_in(form.data.email, form.data.password, client_of(request))
            await _end_present(request)
            return with_session(to(own_path(then)), token)
        return _signing_in(request, form, then)

    @post("/sign-in/passkey/options", guards=[guards.public], status_code=200)
    async def options(self, request: Visitor) -> dict[str, Any]:
        """What the browser needs to offer this site's passkeys."""
        return await passkeys.sign_in_options(client_of(request))

    @post("/sign-in/passkey", guards=[guards.public])
    async def by_passkey(self, request: Visitor) -> Response[Any]:
        """Sign in with a passkey."""
        form = await forms.read(request, PasskeyAnswer)
        then = str(form.values.get("then", ""))
        with form.acting():
            token = await passkeys.sign_in(form.data.credential, client_of(request))
            await _end_present(request)
            return with_session(to(own_path(then)), token)
        return _signing_in(request, forms.blank(actions.SignIn), then, refused=form)

    @get("/sign-out", guards=[guards.public])
    async def signed_out(self, request: Visitor) -> Response[Any]:
        """A link or a reload of the address of signing out: there is nothing to see, and nothing is done."""
        return to("/")

    @post("/sign-out", guards=[guards.public])
    async def sign_out(self, request: Visitor) -> Response[Any]:
        """End this session for good."""
        await _end_present(request)
        return with_session(to("/", "You are signed out."), "")

    @get("/password/forgotten", guards=[guards.public])
    async def forgotten(self, request: Visitor) -> Response[bytes]:
        """Ask for a letter with which to choose a new password."""
        return show(request, "accounts/forgotten.html", form=forms.blank(actions.ForgottenPassword))

    @post("/password/forgotten", guards=[guards.public])
    async def ask_reset(self, request: Visitor) -> Response[Any]:
        """Write that letter; the page says the same whether or not there is an account."""
        form = await forms.read(request, actions.ForgottenPassword)
        with form.acting():
            await actions.ask_reset(form.data.email, client_of(request))
            return to("/sign-in", "We have written to that address. The link in the letter is good for one hour.")
        return show(request, "accounts/forgotten.html", status=form.status, form=form)

    @get("/password/{token:str}", guards=[guards.public])
    async def choosing(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """Choose a new password with the link of the letter."""
        person = await actions.person_to_reset(token)
        return show(request, "accounts/reset.html", form=forms.blank(actions.NewPassword), of=person, token=token)

    @post("/password/{token:str}", guards=[guards.public])
    async def reset(self, request: Visitor, token: FromPath[str]) -> Response[Any]:
        """Keep the new password."""
        person = await actions.person_to_reset(token)
        form = await forms.read(request, actions.NewPassword)
        with form.acting():
            await actions.reset(token, form.data.password)
            return to("/sign-in", "Your new password is kept. Sign in with it.")
        return show(request, "accounts/reset.html", status=form.status, form=form, of=person, token=token)


class AccountPages(Controller):
    """Who I am here: roles, passkeys, password, tokens, sessions, and leaving."""

    path = "/account"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The account."""
        return await _account(request)

    @post("/passkeys/options", guards=[guards.signed_in], status_code=200)
    async def options(self, request: Visitor) -> dict[str, Any]:
        """What the browser needs to make a passkey."""
        return await passkeys.registration_options(request.user)

    @post("/passkeys", guards=[guards.signed_in])
    async def add_passkey(self, request: Visitor) -> Response[Any]:
        """Keep a passkey; the session goes on as one begun with it."""
        form = await forms.read(request, PasskeyAnswer)
        with form.acting():
            made = await passkeys.register(request.user, form.data.credential, form.data.name)
            token = await actions.renew_session(request.user, session_token(request), "passkey")
            return with_session(to(f"{HOME}#passkeys", f"The passkey “{made.name}” is added. Use it next time."), token)
        return await _account(request, form)

    @post("/passkeys/{passkey:int}/name", guards=[guards.signed_in])
    async def rename_passkey(self, request: Visitor, passkey: FromPath[int]) -> Response[Any]:
        """Give a passkey another name."""
        form = await forms.read(request, PasskeyAnswer)
        with form.acting():
            row = await passkeys.rename(request.user, passkey, form.data.name)
            return to(f"{HOME}#passkeys", f"The passkey is called “{row.name}” now.")
        return await _account(request, form)

    @post("/passkeys/{passkey:int}/revoke", guards=[guards.signed_in])
    async def revoke_passkey(self, request: Visitor, passkey: FromPath[int]) -> Response[Any]:
        """Put a passkey out of force."""
        row = await passkeys.revoke(request.user, passkey)
        return to(f"{HOME}#passkeys", f"The passkey “{row.name}” no longer works.")

    @get("/password", guards=[guards.signed_in])
    async def password(self, request: Visitor) -> Response[bytes]:
        """Choose another password."""
        return await _password(request, forms.blank(actions.PasswordChange))

    @post("/password", guards=[guards.signed_in])
    async def change_password(self, request: Visitor) -> Response[Any]:
        """Keep the other password; everywhere else one is signed out."""
        form = await forms.read(request, actions.PasswordChange)
        with form.acting():
            token = await actions.change_password(request.user, form.data)
            return with_session(to(HOME, "Your password is changed. You were signed out everywhere else."), token)
        return await _password(request, form)

    @post("/tokens", guards=[guards.signed_in])
    async def make_token(self, request: Visitor) -> Response[Any]:
        """Make a token and show it once."""
        form = await forms.read(request, actions.TokenDraft)
        with form.acting():
            row, token = await actions.make_token(request.user, form.data)
            return show(request, "accounts/token.html", row=row, token=token)
        return await _account(request, form)

    @post("/tokens/{ref:str}/revoke", guards=[guards.signed_in])
    async def revoke_token(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Put a token out of force."""
        row = await actions.revoke_token(request.user, ref)
        return to(f"{HOME}#tokens", f"The token “{row.name}” no longer works.")

    @post("/sessions/end-others", guards=[guards.signed_in])
    async def end_others(self, request: Visitor) -> Response[Any]:
        """Sign out everywhere else."""
        ended = await actions.end_other_sessions(request.user, str(request.scope.get("session_key", "")))
        return to(f"{HOME}#sessions", f"{ended} other {'session was' if ended == 1 else 'sessions were'} ended.")

    @get("/close", guards=[guards.signed_in])
    async def closing(self, request: Visitor) -> Response[bytes]:
        """What closing the account means."""
        return show(request, "accounts/close.html")

    @post("/close", guards=[guards.signed_in])
    async def close(self, request: Visitor) -> Response[Any]:
        """Close the account."""
        await actions.close_account(request.user)
        return with_session(to("/", "Your account is closed. Thank you for what you did here."), "")


async def _end_present(request: Visitor) -> None:
    """End the session this browser has, if any: a sign-in never goes on under a token that was there before."""
    token = session_token(request)
    if token:
        await actions.sign_out(request.user, token)


def _signing_in(
    request: Visitor, form: forms.Form[Any], then: str, refused: forms.Form[Any] | None = None
) -> Response[bytes]:
    shown = refused or form
    shown.values = {**shown.values, "password": ""}
    return show(
        request, "accounts/sign_in.html", status=shown.status, form=shown, then=then if own_path(then) == then else ""
    )


async def _account(request: Visitor, form: forms.Form[Any] | None = None) -> Response[bytes]:
    person = await find(Person, Person.id == request.user.must_be_person())
    shown = form or forms.blank(actions.TokenDraft)
    return show(
        request,
        "accounts/account.html",
        status=shown.status,
        form=shown,
        me=person,
        passkeys=await passkeys.keys_of(person.id),
        tokens=await actions.tokens_of(person.id),
        sessions=await actions.open_sessions(person.id),
        present=request.scope.get("session_key", ""),
    )


async def _password(request: Visitor, form: forms.Form[Any]) -> Response[bytes]:
    person = await find(Person, Person.id == request.user.must_be_person())
    asked = bool(person.password_hash) and not request.user.by_passkey
    return show(request, "accounts/password.html", status=form.status, form=form, asked=asked)
