"""Passkeys (WebAuthn Level 3): registering one, signing in with one, and answering with one for a statement.

A ceremony has two halves. The server hands out a challenge and keeps it as a `Ceremony`; the browser's answer carries the
challenge back inside the signed client data, where it is found again: good once, for five minutes, for one purpose. Only
keys that verify their holder (finger, face or PIN) are taken, and never from inside another site.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import webauthn
from msgspec import Meta
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from market import clock, nesting, reads
from market.accounts import rules
from market.accounts.edits import Trace, revise
from market.accounts.people import tell_person
from market.accounts.sessions import sign_in_by
from market.accounts.tables import Ceremony, Passkey, Person, Session
from market.actor import Actor
from market.audit.actions import record
from market.db import find, maybe, one, transaction
from market.proof import signing
from market.refusals import NotFound, insist
from market.settings import settings
from market.touch import declared, must_have_touched
from market.web.limits import Limit, spend
from market.wording import N_, _

Purpose = Literal["register", "sign-in", "sign", "touch"]

GOOD_FOR = timedelta(minutes=5)
"""How long a challenge may be answered."""

ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
"""What a stranger's verifier of signed documents knows: ES256 before EdDSA and RS256."""

ASKED = Limit("passkey-options", 60, 600)
"""Challenges handed out to one address."""

ANOTHER = declared("market.accounts.passkeys.register", N_("add another passkey to your account"), prepared=False)
"""The first one is added by who has just signed in."""

TOUCHES = Limit("passkey-touches", 60, 600)
"""Challenges handed out to one person who confirms."""


class PasskeyName(msgspec.Struct, forbid_unknown_fields=True):
    """What its owner calls a passkey."""

    name: Annotated[str, Meta(title=N_("Name of the passkey"), max_length=60)] = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A passkey's answer for a statement, checked: the key, the statement it was asked for, and the browser's answer
    (`credential.toJSON()`) from which a bundle is made."""

    passkey: Passkey
    statement: str
    challenge: bytes
    response: dict[str, Any]


def origins() -> list[str]:
    """The addresses whose pages may ask for this site's passkeys."""
    return [settings().site_url]


async def keys_of(person: int) -> list[Passkey]:
    """A person's passkeys in force, oldest first."""
    return (
        await Passkey.objects()
        .where((Passkey.person == person) & (Passkey.revoked_at.is_null()))
        .order_by(Passkey.created_at)
    )


def signing_key(passkey: Passkey) -> signing.Key:
    """The passkey with the evidence of its registration, as the proofs of signatures made with it carry it."""
    kept = json.loads(passkey.registration)
    return signing.Key(
        credential_id=base64url_to_bytes(passkey.credential_id),
        public_key=passkey.public_key,
        registered_at=passkey.created_at,
        attestation_object=base64url_to_bytes(kept["attestation_object"]),
        client_data_json=base64url_to_bytes(kept["client_data_json"]),
        challenge=base64url_to_bytes(kept["challenge"]),
        bound_by=kept["bound_by"],
        revoked_at=passkey.revoked_at,
    )


# ── registering ────────────────────────────────────────────────────────────────────────────────────────────────────


async def registration_options(actor: Actor) -> dict[str, Any]:
    """What the browser needs to make a passkey for this person, as the JSON that it parses."""
    person = await find(Person, Person.id == actor.must_be_person())
    held = await keys_of(person.id)
    _may_add(actor, len(held))
    options = webauthn.generate_registration_options(
        rp_id=settings().host,
        rp_name="Prelude",
        user_id=person.ref.encode(),
        user_name=person.email,
        user_display_name=person.name,
        challenge=await _challenge("register", person.id),
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in held],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json_dict(options)


def _may_add(actor: Actor, held: int) -> None:
    insist(rules.ADD_PASSKEY, actor, held)
    if not held:
        insist(rules.FIRST_PASSKEY, actor.proved_at, clock.arrived())


async def register(actor: Actor, credential: str, name: str) -> Passkey:
    """Keep the passkey the browser made, with the evidence of its registration. The person is told by letter.

    Its session may then go on as one begun with a passkey (the key was just proved): the caller rotates it.
    """
    ceremony, answer = await _take("register", credential, actor.must_be_person())
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=ceremony.challenge,
            expected_rp_id=settings().host,
            expected_origin=origins(),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except WebAuthnException:
        raise rules.NOT_ACCEPTED.refused() from None
    now = clock.now()
    async with transaction():
        person = await find(Person, Person.id == actor.must_be_person(), lock=True)
        held = len(await keys_of(person.id))
        _may_add(actor, held)
        if held:
            must_have_touched(actor, ANOTHER)
        if await maybe(Passkey, Passkey.credential_id == bytes_to_base64url(verified.credential_id)):
            raise rules.KNOWN_ALREADY.refused()
        method = {"passkey": _("another passkey"), "demo": _("the demonstration's switch of persons")}.get(
            actor.method, _("the password of the account")
        )
        passkey = Passkey(
            person=person.id,
            name=name.strip() or _("Passkey"),
            credential_id=bytes_to_base64url(verified.credential_id),
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            registration=json.dumps(
                {
                    "aaguid": verified.aaguid,
                    "attestation_object": answer["response"]["attestationObject"],
                    "backed_up": verified.credential_backed_up,
                    "bound_by": _(
                        "Registered by {name} in a session that began with {method}; the account's address was proved "
                        "by letter.",
                        name=person.name,
                        method=method,
                    ),
                    "challenge": bytes_to_base64url(ceremony.challenge),
                    "client_data_json": answer["response"]["clientDataJSON"],
                    "device_type": verified.credential_device_type.value,
                    "registered_at": now.isoformat(),
                },
                ensure_ascii=False,
                sort_keys=True,
            ),
            created_at=now,
        )
        await passkey.save()
        await tell_person(person.id, "accounts/passkey-added.txt", about=f"person:{person.ref}", passkey=passkey.name)
        await record(
            actor,
            "passkey.registered",
            f"person:{person.ref}",
            {"fingerprint": hashlib.sha256(passkey.public_key).hexdigest()},
        )
    return passkey


async def rename(actor: Actor, passkey: int, given: PasskeyName, seen: str) -> Passkey:
    """Give one of one's own passkeys another name, from the one that was `seen`."""
    async with transaction():
        row = await find(Passkey, (Passkey.id == passkey) & (Passkey.person == actor.must_be_person()), lock=True)
        name = given.name.strip() or row.name
        await revise(given, seen, row, trace=Trace("passkey.renamed", f"person:{actor.ref}"), name=name)
        await record(
            actor,
            "passkey.renamed",
            f"person:{actor.ref}",
            private={"name": row.name},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return row


async def revoke(actor: Actor, passkey: int) -> Passkey:
    """Put a passkey out of force for good: one's own, or as an operator somebody else's who lost it. Signatures made
    before stay good: the time of revocation is on record."""
    async with transaction():
        row = await find(Passkey, Passkey.id == passkey, lock=True)
        if row.person != actor.must_be_person() and not actor.wears("operator"):
            raise NotFound("Passkey")
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            await row.save([Passkey.revoked_at])
            person = await find(Person, Person.id == row.person)
            await tell_person(person.id, "accounts/passkey-revoked.txt", about=f"person:{person.ref}", passkey=row.name)
            await record(
                actor,
                "passkey.revoked",
                f"person:{person.ref}",
                {"fingerprint": hashlib.sha256(row.public_key).hexdigest()},
            )
    return row


async def revoke_all(actor: Actor, person_ref: str) -> int:
    """Put every passkey of a person out of force, as an operator, when her device is lost; answers how many."""
    actor.must_wear("operator")
    person = await find(Person, Person.ref == person_ref)
    async with transaction():
        held = await keys_of(person.id)
        for key in held:
            await revoke(actor, key.id)
    return len(held)


# ── signing in ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def sign_in_options(client: str) -> dict[str, Any]:
    """What the browser needs to offer this site's passkeys; nobody is named, the device knows whose they are."""
    await spend(ASKED, client)
    options = webauthn.generate_authentication_options(
        rp_id=settings().host,
        challenge=await _challenge("sign-in", None),
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


async def sign_in(credential: str, client: str) -> str:
    """Sign in with a passkey; answers the token of the new session. Every failure is answered alike."""
    await spend(ASKED, client)
    ceremony, answer = await _take("sign-in", credential, None)
    async with transaction():
        passkey = await _verified(ceremony, answer, None)
        person = await find(Person, Person.id == passkey.person)
        if person.closed_at is not None:
            raise rules.NOT_ACCEPTED.refused()
        return await sign_in_by(person, "passkey", clock.now())


# ── answering for a statement ──────────────────────────────────────────────────────────────────────────────────────


async def signing_options(actor: Actor, challenge: bytes, statement: str) -> dict[str, Any]:
    """What the browser needs to have `challenge` signed by one of the person's passkeys. `statement` is what the
    challenge is the digest of; it is kept, and :func:`signed` answers it back."""
    return await _own_keys(actor, "sign", challenge, statement)


async def _own_keys(actor: Actor, purpose: Purpose, challenge: bytes | None, statement: str) -> dict[str, Any]:
    """What the browser needs to have a challenge answered by one of the person's own passkeys."""
    held = await keys_of(actor.must_be_person())
    if not held:
        raise rules.NO_PASSKEY.refused()
    options = webauthn.generate_authentication_options(
        rp_id=settings().host,
        challenge=await _challenge(purpose, actor.must_be_person(), challenge, statement),
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in held],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


async def signed(actor: Actor, credential: str) -> Signed:
    """Check the browser's answer to :func:`signing_options`: the actor's own key, in force, this challenge, once."""
    ceremony, answer = await _take("sign", credential, actor.must_be_person())
    async with transaction():
        passkey = await _verified(ceremony, answer, actor.must_be_person())
    return Signed(passkey, ceremony.statement or "", ceremony.challenge, answer)


# ── confirming what binds ──────────────────────────────────────────────────────────────────────────────────────────


async def touch_options(actor: Actor, session: str) -> dict[str, Any]:
    """What the browser needs to have the person's key used in this session (what is kept of its token), and in no other."""
    await spend(TOUCHES, actor.ref)
    return await _own_keys(actor, "touch", None, session)


async def touch(actor: Actor, session: str, credential: str) -> Actor:
    """Keep that the person used her own key in this session now; answers her as she may act from now on."""
    ceremony, answer = await _take("touch", credential, actor.must_be_person())
    if ceremony.statement != session:
        raise rules.NOT_ACCEPTED.refused()
    async with transaction():
        passkey = await _verified(ceremony, answer, actor.must_be_person())
        fingerprint = hashlib.sha256(passkey.public_key).hexdigest()
        return await _touched(actor, session, {"fingerprint": fingerprint, "key": "passkey"})


async def touch_demonstration_key(actor: Actor, session: str) -> Actor:
    """The same with the key that a demonstration lends to its visitors, which proves nothing: outside there is no such thing."""
    if not settings().demo:
        raise rules.NOT_ACCEPTED.refused()
    async with transaction():
        return await _touched(actor, session, {"key": "demonstration key"})


async def _touched(actor: Actor, session: str, key: dict[str, str]) -> Actor:
    now = clock.now()
    await Session.update({Session.touched_at: now}).where(
        (Session.token_hash == session) & (Session.person == actor.must_be_person())
    )
    await record(
        actor,
        "person.touched",
        f"person:{actor.ref}",
        private=key,
        sealed_by=f"publication:person:{actor.ref}",
    )
    return replace(actor, touched_at=now)


async def as_touched(actor: Actor, session: str) -> Actor:
    """The actor with the touch that her session has now: another request of hers may have brought it since she was known."""
    found = await reads.rows(
        datetime, "SELECT touched_at FROM session WHERE token_hash = {} AND touched_at IS NOT NULL", session
    )
    return replace(actor, touched_at=found[0] if found else None)


# ── the ceremony ───────────────────────────────────────────────────────────────────────────────────────────────────


async def _challenge(purpose: Purpose, person: int | None, given: bytes | None = None, statement: str = "") -> bytes:
    challenge = given or secrets.token_bytes(32)
    await Ceremony.insert(
        Ceremony(
            handle=hashlib.sha256(challenge).hexdigest(),
            purpose=purpose,
            person=person,
            challenge=challenge,
            statement=statement or None,
            expires_at=clock.now() + GOOD_FOR,
        )
    )
    return challenge


async def _take(purpose: Purpose, credential: str, person: int | None) -> tuple[Ceremony, dict[str, Any]]:
    """Spend the ceremony whose challenge the browser's answer carries; refused when there is none that is still good,
    for this purpose and this person."""
    try:
        answer = nesting.read(credential)
        client = nesting.read(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        handle = hashlib.sha256(base64url_to_bytes(client["challenge"])).hexdigest()
        inside_another_site = client.get("crossOrigin", False) is not False or "topOrigin" in client
    except (ValueError, TypeError, KeyError, AttributeError):
        raise rules.NOT_ACCEPTED.refused() from None
    now = clock.arrived()
    row = await one(
        "UPDATE ceremony SET used_at = {} WHERE handle = {} AND purpose = {} AND person IS NOT DISTINCT FROM {} "
        "AND used_at IS NULL AND expires_at > {} RETURNING id",
        now,
        handle,
        purpose,
        person,
        now,
    )
    if not row or inside_another_site:
        raise rules.NOT_ACCEPTED.refused()
    return await find(Ceremony, Ceremony.id == row["id"]), answer


async def _verified(ceremony: Ceremony, answer: dict[str, Any], person: int | None) -> Passkey:
    """The passkey in force that made this answer, its counter moved on; of `person` when given."""
    passkey = await maybe(
        Passkey, (Passkey.credential_id == str(answer.get("id", ""))) & (Passkey.revoked_at.is_null()), lock=True
    )
    if passkey is None or (person is not None and passkey.person != person):
        raise rules.NOT_ACCEPTED.refused()
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=ceremony.challenge,
            expected_rp_id=settings().host,
            expected_origin=origins(),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except WebAuthnException:
        raise rules.NOT_ACCEPTED.refused() from None
    passkey.sign_count, passkey.used_at = verified.new_sign_count, clock.now()
    await passkey.save([Passkey.sign_count, Passkey.used_at])
    return passkey
