"""Signing in, one's own account and letters, invitations, and the people of an organisation: for people."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta

from market import organisations as registers
from market.accounts import actions, bodies, guards, invitations, marks, memberships, passkeys, rules, scopes
from market.accounts.people import is_unreachable
from market.accounts.sessions import COOKIE, DEVICE, LASTS, REMEMBERED, begin, digest, on_device
from market.accounts.tables import Organisation, Person, Session
from market.actor import role_words
from market.dates import day
from market.db import find
from market.letters import actions as letters
from market.refusals import NotFound, refusals
from market.settings import settings
from market.web import crossing, forms, once
from market.web.limits import client_of
from market.web.pages import Visitor, show, to
from market.wording import N_, _, _n

HOME = "/account"

UNREACHABLE = N_(
    "Letters to you come back, so none is sent any more. Tell the operators of this site when your "
    "address works again, or have yourself invited under another."
)
"""What somebody reads on signing in whose address is marked as dead."""
DESK = "/desk"
"""Where somebody goes who came to sign in from nowhere in particular."""


class PasskeyAnswer(msgspec.Struct):
    """What the browser's passkey answered, as JSON, and what the person calls it."""

    credential: Annotated[str, Meta(title=N_("Passkey"), max_length=20_000)] = ""
    name: Annotated[str, Meta(title=N_("Name of the passkey"), max_length=60)] = ""


class ActingFor(msgspec.Struct):
    """For which organisation one acts from now on, and which page to come back to."""

    organisation: Annotated[str, Meta(title=N_("Organisation"), min_length=1, max_length=16)]
    then: Annotated[str, Meta(title=N_("Page"), max_length=500)] = ""


def own_path(path: str) -> str:
    """The path to go on to when it is one of this site's own pages, else :data:`DESK`: a link with another site's
    address in it must not send anybody there after she typed her password here."""
    own = re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,500}", path)
    return path if own and not path.startswith(("/sign-in", "/sign-out")) else DESK


def session_token(request: Visitor) -> str:
    """The token in this browser's cookie."""
    return request.cookies.get(crossing.cookie_name(COOKIE), "")


async def with_session(request: Visitor, response: Redirect, token: str) -> Redirect:
    """The same answer, carrying the cookie of a session (none when the token is empty), and the mark of this browser, kept for as
    long as browsers keep one."""
    response.set_cookie(crossing.cookie(COOKIE, token, seconds=int(LASTS.total_seconds()) if token else 0))
    if token:
        mark = request.cookies.get(crossing.cookie_name(DEVICE), "") or secrets.token_urlsafe(24)
        response.set_cookie(crossing.cookie(DEVICE, mark, seconds=int(REMEMBERED.total_seconds())))
        await on_device(token, mark)
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

    @post("/sign-in", guards=[guards.public], opt=once.ANEW)
    async def sign_in(self, request: Visitor) -> Response[Any]:
        """Sign in with address and password, and go on to where the person wanted to be."""
        form = await forms.read(request, actions.SignIn)
        then = str(form.values.get("then", ""))
        with form.acting():
            token = await actions.sign_in(form.data.email, form.data.password, client_of(request))
            await _end_present(request)
            return await _signed_in(request, token, then)
        return _signing_in(request, form, then)

    @post("/sign-in/passkey/options", guards=[guards.public], status_code=200)
    async def options(self, request: Visitor) -> dict[str, Any]:
        """What the browser needs to offer this site's passkeys."""
        return await passkeys.sign_in_options(client_of(request))

    @post("/sign-in/passkey", guards=[guards.public], opt=once.ANEW)
    async def by_passkey(self, request: Visitor) -> Response[Any]:
        """Sign in with a passkey."""
        form = await forms.read(request, PasskeyAnswer)
        then = str(form.values.get("then", ""))
        with form.acting():
            token = await passkeys.sign_in(form.data.credential, client_of(request))
            await _end_present(request)
            return await _signed_in(request, token, then)
        return _signing_in(request, forms.blank(actions.SignIn), then, refused=form)

    @get("/sign-out", guards=[guards.public])
    async def signed_out(self, request: Visitor) -> Response[Any]:
        """A link or a reload of the address of signing out: there is nothing to see, and nothing is done."""
        return to("/")

    @post("/sign-out", guards=[guards.public])
    async def sign_out(self, request: Visitor) -> Response[Any]:
        """End this session for good."""
        await _end_present(request)
        return await with_session(request, to("/", _("You are signed out.")), "")

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
            return to("/sign-in", _("We have written to that address. The link in the letter is good for one hour."))
        return show(request, "accounts/forgotten.html", status=form.status, form=form)

    @get("/password/{token:str}", guards=[guards.public])
    async def choosing(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """Choose a new password with the link of the letter."""
        person = await actions.person_to_reset(token)
        return show(
            request, "accounts/reset.html", form=forms.blank(actions.NewPassword), **await _resetting(person, token)
        )

    @post("/password/{token:str}", guards=[guards.public])
    async def reset(self, request: Visitor, token: FromPath[str]) -> Response[Any]:
        """Keep the new password."""
        person = await actions.person_to_reset(token)
        form = await forms.read(request, actions.NewPassword)
        with form.acting():
            await actions.reset(token, form.data.password, keep_tokens=form.data.keep_tokens)
            return to("/sign-in", _("Your new password is saved. Sign in with it."))
        return show(request, "accounts/reset.html", status=form.status, form=form, **await _resetting(person, token))


class AccountPages(Controller):
    """Who I am here: roles, passkeys, password, tokens, sessions, and leaving."""

    path = "/account"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The account."""
        return await _account(request)

    @post("/acting-for", guards=[guards.signed_in])
    async def act_for(self, request: Visitor) -> Response[Any]:
        """In this browser act for another of one's organisations."""
        form = await forms.read(request, ActingFor)
        with form.acting():
            name = await actions.act_for(request.user, session_token(request), form.data.organisation)
            return to(own_path(form.data.then or HOME), _("You act for {name} here now.", name=name))
        return await _account(request, form)

    @post("/invitations/{invitation:str}", guards=[guards.signed_in])
    async def accept_invitation(self, request: Visitor, invitation: FromPath[str]) -> Response[Any]:
        """Accept an invitation to one's own address."""
        body = await invitations.accept_here(request.user, invitation)
        return to(HOME, _("You work for {name} here now.", name=body.name))

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
            token = await actions.renew_session(request.user, session_token(request))
            return await with_session(
                request,
                to(f"{HOME}#passkeys", _("The passkey “{name}” is added. Use it next time.", name=made.name)),
                token,
            )
        return await _account(request, form)

    @post("/passkeys/{passkey:int}/name", guards=[guards.signed_in])
    async def rename_passkey(self, request: Visitor, passkey: FromPath[int]) -> Response[Any]:
        """Give a passkey another name."""
        form = await forms.read(request, passkeys.PasskeyName)
        with form.acting():
            row = await passkeys.rename(request.user, passkey, form.data, form.version)
            return to(f"{HOME}#passkeys", _("The passkey is called “{name}” now.", name=row.name))
        return await _account(request, form, passkey)

    @post("/passkeys/{passkey:int}/revoke", guards=[guards.signed_in])
    async def revoke_passkey(self, request: Visitor, passkey: FromPath[int]) -> Response[Any]:
        """Put a passkey out of force."""
        row = await passkeys.revoke(request.user, passkey)
        return to(f"{HOME}#passkeys", _("The passkey “{name}” no longer works.", name=row.name))

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
            return await with_session(
                request, to(HOME, _("Your password is changed. You were signed out everywhere else.")), token
            )
        return await _password(request, form)

    @post("/tokens", guards=[guards.signed_in])
    async def make_token(self, request: Visitor) -> Response[Any]:
        """Make a token and show it once."""
        form = await forms.read(request, actions.TokenDraft)
        with form.acting():
            row, token = await actions.make_token(request.user, form.data)
            return show(request, "accounts/token.html", row=row, token=token, may=scopes.in_words(row.scopes))
        return await _account(request, form)

    @post("/tokens/{ref:str}/revoke", guards=[guards.signed_in])
    async def revoke_token(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Put a token out of force."""
        row = await actions.revoke_token(request.user, ref)
        return to(f"{HOME}#tokens", _("The token “{name}” no longer works.", name=row.name))

    @post("/sessions/end-others", guards=[guards.signed_in])
    async def end_others(self, request: Visitor) -> Response[Any]:
        """Sign out everywhere else."""
        ended = await actions.end_other_sessions(request.user, str(request.scope.get("session_key", "")))
        return to(
            f"{HOME}#sessions", _n("{number} other session was ended.", "{number} other sessions were ended.", ended)
        )

    @get("/close", guards=[guards.signed_in])
    async def closing(self, request: Visitor) -> Response[bytes]:
        """What closing the account means."""
        return show(request, "accounts/close.html")

    @post("/close", guards=[guards.signed_in])
    async def close(self, request: Visitor) -> Response[Any]:
        """Close the account."""
        await actions.close_account(request.user)
        return await with_session(request, to("/", _("Your account is closed. Thank you for what you did here.")), "")


class LetterPages(Controller):
    """The list of letters and one letter."""

    path = "/letters"
    include_in_schema = False

    @get("/", guards=[guards.reader])
    async def index(
        self, request: Visitor, to: FromQuery[str] = "", before: FromQuery[int | None] = None
    ) -> Response[bytes]:
        """One's own letters, newest first; in demo mode everybody's, or those to one address."""
        found = await letters.letters_for(request.user, before, to)
        page = found[: letters.PER_PAGE]
        return show(
            request,
            "letters/list.html",
            letters=page,
            to=to,
            next=page[-1].id if len(found) > letters.PER_PAGE else None,
            kept=settings().smtp_url is None,
        )

    @get("/{ref:str}", guards=[guards.reader])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One letter as it was written."""
        letter = await letters.letter_for(request.user, ref)
        return show(request, "letters/one.html", letter=letter, site_url=settings().site_url)


class InvitationPages(Controller):
    """What an invitation's letter opens."""

    path = "/invitations"
    include_in_schema = False

    @get("/{token:str}", guards=[guards.public])
    async def one(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """Who invites whom to what."""
        return await _invited(request, token, forms.blank(invitations.Acceptance))

    @post("/{token:str}", guards=[guards.public])
    async def accept(self, request: Visitor, token: FromPath[str]) -> Response[Any]:
        """Join; somebody new is signed in with the account she just made."""
        form = await forms.read(request, invitations.Acceptance)
        offered = await invitations.open_invitation(token)
        joins = offered.holder is not None and request.user.person == offered.holder.id
        known = (offered.invitation.name or form.found.get("name", ""), offered.invitation.email)
        form.beside(refusals(rules.PASSWORD, form.found.get("password", ""), known))
        with form.acting():
            person = await invitations.accept(request.user, token, None if joins else form.data)
            if not joins:
                await _end_present(request)
            response = to(HOME, _("You work for {name} here now.", name=offered.organisation.name))
            return response if joins else await with_session(request, response, await begin(person.id, "password"))
        return await _invited(request, token, form)


class OrganisationPages(Controller):
    """Public bodies, and the people of any organisation."""

    path = "/organisations"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """Buyers, audit bodies and operators; suppliers have a list of their own."""
        return show(request, "accounts/organisations.html", organisations=await bodies.everybody_but_suppliers())

    @get("/new", guards=[guards.operator])
    async def new(self, request: Visitor) -> Response[bytes]:
        """An empty form for a body."""
        return await _entering(request, forms.blank(memberships.OrganisationDraft))

    @post("/new", guards=[guards.operator])
    async def create(self, request: Visitor) -> Response[Any]:
        """Enter the body and go on to its people."""
        form = await forms.read(request, memberships.OrganisationDraft)
        form.beside(await memberships.objections(form.found))
        with form.acting():
            made = await memberships.create_organisation(request.user, form.data)
            return to(
                f"/organisations/{made.ref}/people", _("{name} is entered. Invite its first person.", name=made.name)
            )
        return await _entering(request, form)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """What is public of a body."""
        body = await bodies.body(ref)
        if body.kind == "supplier":
            return to(f"/suppliers/{ref}")
        return show(
            request,
            "accounts/organisation.html",
            body=body,
            sees_people=memberships.may_see_people(request.user, body.id),
        )

    @get("/{ref:str}/edit", guards=[guards.operator])
    async def editing(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What is told of a body, to be changed."""
        body = await _entered(ref)
        form = forms.stored(memberships.OrganisationChange, body)
        return await _entering(request, form, body)

    @post("/{ref:str}/edit", guards=[guards.operator])
    async def edit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the change."""
        body = await _entered(ref)
        form = await forms.read(request, memberships.OrganisationChange)
        with form.acting():
            await memberships.change_organisation(request.user, ref, form.data, form.version)
            return to(f"/organisations/{ref}", _("The change is saved."))
        return await _entering(request, form, body)

    @get("/{ref:str}/people", guards=[guards.signed_in])
    async def people(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The people of a body and open invitations."""
        return await _people(request, ref, forms.blank(invitations.InvitationDraft))

    @post("/{ref:str}/invitations", guards=[guards.signed_in])
    async def invite(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Invite somebody."""
        form = await forms.read(request, invitations.InvitationDraft)
        form.beside(await invitations.objections(request.user, await bodies.body(ref), form.found))
        with form.acting():
            sent, _token = await invitations.invite(request.user, ref, form.data)
            said = (
                _("The invitation to {email} is on its way.", email=sent.email)
                if sent.sent_at
                else _(
                    "{email} is outside your domains. Others have to agree before the letter goes.", email=sent.email
                )
            )
            return to(f"/organisations/{ref}/people", said)
        return await _people(request, ref, form)

    @post("/{ref:str}/invitations/{invitation:str}/withdraw", guards=[guards.signed_in])
    async def withdraw(self, request: Visitor, ref: FromPath[str], invitation: FromPath[str]) -> Response[Any]:
        """Take an invitation back."""
        row = await invitations.withdraw_invitation(request.user, ref, invitation)
        return to(f"/organisations/{ref}/people", _("The invitation to {email} is withdrawn.", email=row.email))

    @post("/{ref:str}/people/{membership:int}/end", guards=[guards.signed_in])
    async def end(self, request: Visitor, ref: FromPath[str], membership: FromPath[int]) -> Response[Any]:
        """End a role, now or at the end of a day."""
        form = await forms.read(request, memberships.Ending)
        with form.acting():
            row = await memberships.end(request.user, ref, membership, form.data.last_day)
            own = row.person == request.user.person
            said = (
                _("The role ends with {last_day}.", last_day=day(form.data.last_day))
                if form.data.last_day
                else _("The role has ended.")
            )
            return to(HOME if own else f"/organisations/{ref}/people", said)
        return await _people(request, ref, form)

    @post("/{ref:str}/people/{person:str}/passkeys/revoke", guards=[guards.operator])
    async def revoke_passkeys(self, request: Visitor, ref: FromPath[str], person: FromPath[str]) -> Response[Any]:
        """Put somebody's passkeys out of force, because her device is lost."""
        done = await passkeys.revoke_all(request.user, person)
        return to(
            f"/organisations/{ref}/people", _n("{number} passkey is revoked.", "{number} passkeys are revoked.", done)
        )


async def _invited(request: Visitor, token: str, form: forms.Form[Any]) -> Response[bytes]:
    offered = await invitations.open_invitation(token)
    holder = offered.holder
    return show(
        request,
        "accounts/invitation.html",
        status=form.status,
        form=form,
        token=token,
        offered=offered,
        joins=holder is not None and request.user.person == holder.id,
        must_sign_in=holder is not None and bool(holder.password_hash) and request.user.person != holder.id,
    )


async def _entered(ref: str) -> Organisation:
    """A body that an operator entered; suppliers are not found here."""
    return await find(Organisation, (Organisation.ref == ref) & (Organisation.kind != "supplier"))


async def _entering(request: Visitor, form: forms.Form[Any], body: Organisation | None = None) -> Response[bytes]:
    return show(
        request,
        "accounts/new_organisation.html",
        status=form.status,
        form=form,
        body=body,
        schemes=[(register.code, register.name) for register in registers.schemes("GB")],
    )


async def _people(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    body = await bodies.body(ref)
    if not memberships.may_see_people(request.user, body.id):
        raise NotFound("Organisation")
    roles = memberships.roles_to_give(request.user, body)
    return show(
        request,
        "accounts/people.html",
        status=form.status,
        form=form,
        body=body,
        members=await bodies.members_of(body.id),
        marks=await marks.marks_of(body.id),
        domains=await marks.domains_of(body.id),
        invitations=await bodies.invitations_of(body.id) if roles else [],
        roles=[(role, role_words(role).capitalize()) for role in roles],
        offered=[(role, role_words(role).capitalize()) for role in roles if role not in rules.APPOINTED],
    )


async def _signed_in(request: Visitor, token: str, then: str) -> Response[Any]:
    """Go on to where the person wanted to be; she is told when nothing that is written to her reaches her."""
    session = await find(Session, Session.token_hash == digest(token))
    said = _(UNREACHABLE) if await is_unreachable(session.person) else ""
    return await with_session(request, to(own_path(then), said, kind="notice"), token)


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


async def _account(
    request: Visitor, form: forms.Form[Any] | None = None, renamed: int | None = None
) -> Response[bytes]:
    """The account; `form` is one that was refused, the name of the passkey `renamed` where it was that."""
    person = await find(Person, Person.id == request.user.must_be_person())
    offered = forms.blank(actions.TokenDraft, scopes=list(scopes.LEAST))
    shown = form or offered
    return show(
        request,
        "accounts/account.html",
        status=shown.status,
        form=shown,
        me=person,
        invitations=await bodies.invitations_to(person.email),
        unreachable=_(UNREACHABLE) if await is_unreachable(person.id) else None,
        passkeys=[
            (key, form if form and key.id == renamed else forms.stored(passkeys.PasskeyName, key))
            for key in await passkeys.keys_of(person.id)
        ],
        making=shown if shown.kind is actions.TokenDraft else offered,
        scopes=[(name, scopes.title(name), _(covered.more)) for name, covered in scopes.SCOPES.items()],
        tokens=[(each, scopes.in_words(each.scopes)) for each in await actions.tokens_of(person.id)],
        sessions=await actions.open_sessions(person.id),
        present=request.scope.get("session_key", ""),
    )


async def _resetting(person: Person, token: str) -> dict[str, Any]:
    return {"of": person, "token": token, "tokens": await actions.tokens_of(person.id)}


async def _password(request: Visitor, form: forms.Form[Any]) -> Response[bytes]:
    person = await find(Person, Person.id == request.user.must_be_person())
    asked = bool(person.password_hash) and not request.user.by_passkey
    return show(
        request,
        "accounts/password.html",
        status=form.status,
        form=form,
        asked=asked,
        tokens=await actions.tokens_of(person.id),
    )
