"""One's own account: signing in and out, the password, tokens for programs, other sessions, and leaving."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from market import clock
from market.accounts import passwords, rules, scopes, sessions
from market.accounts.people import tell_person
from market.accounts.sessions import actor_of, digest, new_token
from market.accounts.tables import (
    ApiToken,
    Ceremony,
    LiveToken,
    Membership,
    OpenSession,
    Passkey,
    Person,
    Reset,
    Session,
)
from market.actor import Actor
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.letters.actions import write
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.settings import settings
from market.touch import binds
from market.web.limits import Limit, forget_full, spend
from market.wording import N_

EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
"""What browsers take for an e-mail address (HTML, section 4.10.5.1.5), with a dot in the host."""

Email = Annotated[str, Meta(title=N_("Email address"), max_length=254, pattern=EMAIL, examples=["name@firm.example"])]
Password = Annotated[str, Meta(title=N_("Password"), min_length=1, max_length=200)]

TRIES_BY_CLIENT = Limit("sign-in-client", 40, 600)
TRIES_BY_ACCOUNT = Limit("sign-in-account", 10, 600)
RESETS_BY_CLIENT = Limit("reset-client", 20, 3600)
RESETS_BY_ACCOUNT = Limit("reset-account", 3, 3600)

TOKENS = Limit("tokens", 20, 86_400)
"""Tokens a person makes in a day: more would be a program that forgets them."""

RESET_GOOD_FOR = timedelta(hours=1)


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked of somebody who signs in with a password."""

    email: Annotated[str, Meta(title=N_("Email address"), min_length=1, max_length=254)]
    password: Password


KeepTokens = Annotated[bool, Meta(title=N_("Keep the tokens of your programs"))]
"""A password is changed because somebody may know it; what he made with it ends, unless she who changes it says otherwise."""


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """A new password, and the present one where there is one."""

    password: Annotated[str, Meta(title=N_("New password"), min_length=1, max_length=200)]
    present: Annotated[str, Meta(title=N_("Present password"), max_length=200)] = ""
    keep_tokens: KeepTokens = False


class ForgottenPassword(msgspec.Struct, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: Email


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The password chosen after a reset letter."""

    password: Annotated[str, Meta(title=N_("New password"), min_length=1, max_length=200)]
    keep_tokens: KeepTokens = False


class TokenDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about a token for a program."""

    name: Annotated[str, Meta(title=N_("What it is for"), min_length=2, max_length=80)]
    days: Annotated[Literal["30", "90", "365"], Meta(title=N_("How long it is good"))]
    scopes: Annotated[list[scopes.Scope], Meta(title=N_("What it may do"), min_length=1, max_length=len(scopes.SCOPES))]


def plain_address(email: str) -> str:
    """An address as it is kept and compared: lower case, without spaces around."""
    return email.strip().lower()


# ── signing in and out ─────────────────────────────────────────────────────────────────────────────────────────────


async def sign_in(email: str, password: str, client: str) -> str:
    """Sign in with a password; answers the token of the new session. `client` is the network address of the asker.

    An unknown address, a closed account, an account without a password and a wrong password get the same words after the
    same work. Tries are limited by network address and by account; the second also holds for addresses nobody has.
    """
    address = plain_address(email)
    await spend(TRIES_BY_CLIENT, client)
    await spend(TRIES_BY_ACCOUNT, hashlib.sha256(address.encode()).hexdigest())
    person = await maybe(Person, (Person.email == address) & (Person.closed_at.is_null()))
    if not await passwords.matches(person.password_hash if person else "", password) or person is None:
        raise rules.NOT_RECOGNISED.refused()
    better = await passwords.hashed(password) if passwords.outdated(person.password_hash) else None
    async with transaction():
        if better:
            person.password_hash = better
            await person.save([Person.password_hash])
        return await sessions.sign_in_by(person, "password")


async def sign_in_as(person_ref: str) -> str:
    """Sign in as somebody of the demonstration without proving anything; answers the token of the new session. Outside
    demo mode there is no such thing (404), and sessions so begun are nobody's."""
    if not settings().demo:
        raise NotFound("Person")
    async with transaction():
        person = await find(Person, (Person.ref == person_ref) & (Person.closed_at.is_null()))
        return await sessions.sign_in_by(person, "demo")


async def sign_out(actor: Actor, token: str) -> None:
    """End this session for good."""
    async with transaction():
        await sessions.end(token)
        if actor.signed_in:
            await record(
                actor,
                "person.signed-out",
                f"person:{actor.ref}",
                private={},
                sealed_by=f"publication:person:{actor.ref}",
            )


async def renew_session(actor: Actor, token: str) -> str:
    """Go on under a new token after the person made a passkey: the old one is ended, so that whoever held a copy of it
    does not rise with her."""
    async with transaction():
        await sessions.end(token)
        person = await find(Person, Person.id == actor.must_be_person())
        return await sessions.sign_in_by(person, "passkey", clock.now())


async def act_for(actor: Actor, token: str, organisation: str) -> str:
    """In this session act for one of one's organisations (its reference) where nothing else says for which; answers its
    name. An organisation one does not belong to is not there."""
    name = dict(actor.bodies).get(organisation)
    if name is None:
        raise NotFound("Organisation")
    async with transaction():
        await Session.update({Session.acting_for: organisation}).where(
            (Session.token_hash == digest(token)) & (Session.person == actor.must_be_person())
        )
        await record(
            actor,
            "person.acts-for",
            f"person:{actor.ref}",
            private={"organisation": organisation},
            organisation=organisation,
            sealed_by=f"publication:person:{actor.ref}",
        )
    return name


async def open_sessions(person: int) -> list[OpenSession]:
    """A person's open sessions, newest first."""
    return await rows(
        OpenSession,
        """
        SELECT token_hash, method, began_at FROM session
        WHERE person = {} AND ended_at IS NULL AND expires_at > {} ORDER BY began_at DESC
        """,
        person,
        clock.now(),
    )


async def end_other_sessions(actor: Actor, keep: str) -> int:
    """End every session of this person but the one whose token hash is `keep`; answers how many were ended."""
    async with transaction():
        ended = await many(
            "UPDATE session SET ended_at = {} WHERE person = {} AND ended_at IS NULL AND token_hash <> {} RETURNING id",
            clock.now(),
            actor.must_be_person(),
            keep,
        )
        await record(
            actor,
            "person.sessions-ended",
            f"person:{actor.ref}",
            private={"ended": len(ended)},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return len(ended)


# ── passwords ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def change_password(actor: Actor, given: PasswordChange) -> str:
    """Choose another password; the present one is asked unless there is none or this session began with a passkey.
    Every session ends, and every token of her programs unless she keeps them; answers the token of a new one for this browser. The person is told by letter."""
    person = await find(Person, Person.id == actor.must_be_person())
    await spend(TRIES_BY_ACCOUNT, hashlib.sha256(person.email.encode()).hexdigest())
    if (
        person.password_hash
        and not actor.by_passkey
        and not await passwords.matches(person.password_hash, given.present)
    ):
        raise rules.PRESENT_WRONG.refused()
    insist(rules.PASSWORD, given.password, (person.name, person.email))
    kept = await passwords.hashed(given.password)
    async with transaction():
        await _set_password(actor, person, kept, keep_tokens=given.keep_tokens)
        return await sessions.sign_in_by(person, actor.method, actor.touched_at)


async def ask_reset(email: str, client: str) -> None:
    """Write a letter with which the password can be chosen anew, once, within an hour. An address nobody has gets a
    letter that says so: the page tells nothing, and the work is alike. Nothing goes on record before the letter is used:
    whoever asked is nobody known, and nothing has changed."""
    address = plain_address(email)
    await spend(RESETS_BY_CLIENT, client)
    await spend(RESETS_BY_ACCOUNT, hashlib.sha256(address.encode()).hexdigest())
    person = await maybe(Person, (Person.email == address) & (Person.closed_at.is_null()))
    async with transaction():
        if person is None:
            await write(address, "", "accounts/reset-unknown.txt")
        else:
            await _write_reset(person)


async def _write_reset(person: Person) -> None:
    token = new_token()
    await Reset.insert(Reset(person=person.id, token_hash=digest(token), expires_at=clock.now() + RESET_GOOD_FOR))
    await tell_person(person.id, "accounts/reset.txt", about=f"person:{person.ref}", secret=True, token=token)


async def person_to_reset(token: str) -> Person:
    """Whom a reset letter is for; refused when it is spent, too old or unknown, with what to do."""
    row = await maybe(Reset, Reset.token_hash == digest(token))
    if row is None or row.used_at is not None or row.expires_at <= clock.arrived():
        raise rules.RESET_NOT_GOOD.refused()
    return await find(Person, Person.id == row.person)


async def reset(token: str, password: str, *, keep_tokens: bool = False) -> None:
    """Choose a new password with the token of a reset letter; good once. Every session of the person ends, and every token of
    her programs unless she keeps them."""
    person = await person_to_reset(token)
    insist(rules.PASSWORD, password, (person.name, person.email))
    kept = await passwords.hashed(password)
    async with transaction():
        row = await find(Reset, Reset.token_hash == digest(token), lock=True)
        await person_to_reset(token)
        row.used_at = clock.now()
        await row.save([Reset.used_at])
        await _set_password(await actor_of(person.id, "letter"), person, kept, keep_tokens=keep_tokens)


async def _set_password(actor: Actor, person: Person, kept: str, *, keep_tokens: bool) -> None:
    live = await tokens_of(person.id)
    if not keep_tokens:
        await ApiToken.update({ApiToken.revoked_at: clock.now()}).where(
            (ApiToken.person == person.id) & (ApiToken.revoked_at.is_null())
        )
    person.password_hash = kept
    await person.save([Person.password_hash])
    await sessions.end_all(person.id)
    await Reset.update({Reset.used_at: clock.now()}).where((Reset.person == person.id) & (Reset.used_at.is_null()))
    await tell_person(
        person.id,
        "accounts/password-changed.txt",
        about=f"person:{person.ref}",
        tokens=[each.name for each in live],
        kept=keep_tokens,
    )
    await record(
        actor,
        "person.password-changed",
        f"person:{person.ref}",
        private={"tokens": [each.ref for each in live], "tokens_kept": keep_tokens},
        sealed_by=f"publication:person:{person.ref}",
    )


# ── tokens for programs ────────────────────────────────────────────────────────────────────────────────────────────


async def tokens_of(person: int) -> list[LiveToken]:
    """A person's tokens that are neither revoked nor expired, newest first."""
    return await rows(
        LiveToken,
        """
        SELECT ref, name, scopes, created_at, expires_at FROM api_token
        WHERE person = {} AND revoked_at IS NULL AND expires_at > {} ORDER BY created_at DESC
        """,
        person,
        clock.now(),
    )


@binds(N_("give a program a token that acts as you"), prepared=False)
async def make_token(actor: Actor, given: TokenDraft) -> tuple[ApiToken, str]:
    """Make a token for a program that acts as this person within the scopes she ticked; the second value is the token itself, shown
    once."""
    if actor.method == "token":
        raise rules.BY_TOKEN.refused()
    await spend(TOKENS, actor.ref)
    token, now = new_token("prelude_"), clock.now()
    async with transaction():
        row = ApiToken(
            person=actor.must_be_person(),
            name=given.name,
            token_hash=digest(token),
            scopes=[each for each in scopes.SCOPES if each in given.scopes],
            created_at=now,
            expires_at=now + timedelta(days=int(given.days)),
        )
        await row.save()
        await tell_person(
            row.person,
            "accounts/token-made.txt",
            about=f"person:{actor.ref}",
            token_name=given.name,
            scopes=[scopes.title(each) for each in row.scopes],
        )
        await record(
            actor,
            "token.made",
            f"person:{actor.ref}",
            private={"token": row.ref, "name": given.name, "scopes": list(row.scopes)},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return row, token


async def revoke_token(actor: Actor, ref: str) -> ApiToken:
    """Put a token of one's own out of force."""
    async with transaction():
        row = await find(ApiToken, (ApiToken.ref == ref) & (ApiToken.person == actor.must_be_person()), lock=True)
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            await row.save([ApiToken.revoked_at])
            await record(
                actor,
                "token.revoked",
                f"person:{actor.ref}",
                private={"token": row.ref},
                sealed_by=f"publication:person:{actor.ref}",
            )
    return row


# ── leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def close_account(actor: Actor) -> None:
    """Close one's account: every role, session, token and passkey ends, the password and the address are forgotten. The
    name stays beside what was done in office, as the public record must."""
    async with transaction():
        person = await find(Person, Person.id == actor.must_be_person(), lock=True)
        now = clock.arrived()
        held = await Membership.objects().where(
            (Membership.person == person.id) & ((Membership.until.is_null()) | (Membership.until > now))
        )
        for membership in held:
            insist((rules.somebody_remains,), membership, await others_with(membership), now)
            membership.until = now
            await membership.save([Membership.until])
        await write(person.email, person.name, "accounts/closed.txt", person=person.ref, about=f"person:{person.ref}")
        await sessions.end_all(person.id)
        await ApiToken.update({ApiToken.revoked_at: now}).where(
            (ApiToken.person == person.id) & (ApiToken.revoked_at.is_null())
        )
        await Passkey.update({Passkey.revoked_at: now}).where(
            (Passkey.person == person.id) & (Passkey.revoked_at.is_null())
        )
        person.closed_at, person.password_hash = now, ""
        person.email = f"{person.ref.lower()}@closed.invalid"
        await person.save([Person.closed_at, Person.password_hash, Person.email])
        await record(actor, "person.left", f"person:{person.ref}", {"roles_ended": len(held)})


async def others_with(membership: Membership) -> int:
    """How many other people hold the same role in the same body now."""
    now = clock.now()
    return await the(
        int,
        """
        SELECT count(DISTINCT m.person) FROM membership m JOIN person p ON p.id = m.person
        WHERE m.organisation = {} AND m.role = {} AND m.person <> {} AND m.since <= {}
            AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
        """,
        membership.organisation,
        membership.role,
        membership.person,
        now,
        now,
    )


async def forget_expired() -> int:
    """A job: delete challenges, reset letters' tokens and sessions that ended or expired more than a month ago, and the
    allowances of tries that are full again; answers how many rows went."""
    before = clock.now() - timedelta(days=30)
    gone = 0
    for table in (Ceremony, Reset, Session):
        name = table._meta.tablename
        gone += len(await many(f"DELETE FROM {name} WHERE expires_at < {{}} RETURNING id", before))  # noqa: S608
    return gone + await forget_full()
