"""Passkeys: made, used to sign in and to answer for a statement, named, revoked; and every way in which one is refused."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from market import clock, drafts
from market.accounts import passkeys, rules
from market.accounts.sessions import actor_of
from market.accounts.tables import Ceremony, Passkey, Person, Session
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.proof import signing
from market.refusals import NotFound, Refused
from market.seed.authenticator import EDDSA, ES256, RS256, Authenticator
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

HERE = "192.0.2.1"


def device(**facts: Any) -> Authenticator:
    """A device at this site's address."""
    return Authenticator(**{"origin": "http://localhost:8000", "rp_id": "localhost", **facts})


async def minister() -> Actor:
    """A minister in office, signed in with a password."""
    department = await given.organisation("Department for Places")
    return await given.person(department, "minister", "Helena Marchbanks", "Minister for Places")


async def registered(actor: Actor, on: Authenticator, name: str = "Office laptop") -> Passkey:
    """The device's key, registered for this person."""
    options = await passkeys.registration_options(actor)
    return await passkeys.register(actor, json.dumps(on.register(options)), name)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_a_passkey_is_registered_and_signs_in(algorithm: int) -> None:
    actor, on = await minister(), device(algorithm=algorithm)
    made = await registered(actor, on)
    token = await passkeys.sign_in(json.dumps(on.sign(await passkeys.sign_in_options(HERE))), HERE)
    assert token
    assert [row["method"] for row in await Session.select(Session.method)] == ["passkey"]
    kept = await Passkey.objects().get(Passkey.id == made.id)
    assert (kept.sign_count, kept.public_key) == (1, on.public_key)
    assert kept.used_at is not None
    assert "passkey was added" in (await Letter.objects().first()).subject
    verbs = [row["verb"] for row in await Event.select(Event.verb).order_by(Event.seq)]
    assert verbs == ["passkey.registered", "person.signed-in"]


async def test_the_pages_add_a_passkey_rotate_the_session_and_sign_in(app: Litestar) -> None:
    actor, on = await minister(), device(synced=True)
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        before = client.cookies["session"]
        options = await client.post("/account/passkeys/options", headers={"accept": "application/json"})
        assert options.status_code == 200
        assert options.json()["authenticatorSelection"]["userVerification"] == "required"
        assert options.json()["authenticatorSelection"]["residentKey"] == "required"
        answer = json.dumps(on.register(options.json()))
        added = await client.post("/account/passkeys", data={"credential": answer, "name": "Office laptop"})
        assert added.status_code == 303
        assert "session=" in added.headers["set-cookie"]
    methods = [(row["method"], row["ended_at"] is None) for row in await Session.select().order_by(Session.id)]
    assert methods == [("password", False), ("passkey", True)]
    async with given.browser(app) as fresh:
        page = await fresh.get("/sign-in?then=/letters")
        fresh.headers["x-csrf-token"] = page.text.split('csrf_token" value="')[1][:64]
        options = await fresh.post("/sign-in/passkey/options", headers={"accept": "application/json"})
        assert options.json()["allowCredentials"] == []
        answer = json.dumps(on.sign(options.json()))
        signed_in = await fresh.post("/sign-in/passkey", data={"credential": answer, "then": "/letters"})
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/letters")
        assert fresh.cookies["session"] != before
        account = await fresh.get("/account")
        assert "Office laptop" in account.text
        again = await fresh.post("/sign-in/passkey", data={"credential": answer})
        assert again.status_code in (403, 422)


Wrong = Callable[[Authenticator], Authenticator]


def but(**facts: Any) -> Wrong:
    """The same device, but lying about something."""

    def changed(on: Authenticator) -> Authenticator:
        for name, value in facts.items():
            setattr(on, name, value)
        return on

    return changed


LIES = [
    pytest.param(but(origin="https://elsewhere.example"), id="shown at another site"),
    pytest.param(but(rp_id="elsewhere.example"), id="made for another site"),
    pytest.param(but(user_verified=False), id="the person not verified"),
    pytest.param(but(user_present=False), id="nobody present"),
    pytest.param(but(cross_origin=True), id="inside another site"),
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_registration_that_lies_is_refused(lie: Wrong) -> None:
    actor = await minister()
    with pytest.raises(Refused) as refused:
        await registered(actor, lie(device()))
    assert [reason.code for reason in refused.value.reasons] == ["passkey.not-accepted"]
    assert await Passkey.count() == 0


@pytest.mark.parametrize(
    "lie",
    [
        *LIES,
        pytest.param(but(private=Authenticator().private), id="another key"),
        pytest.param(but(credential_id=b"unknown" * 4), id="a credential nobody registered"),
        pytest.param(but(count=-1), id="a counter that stands still, as a copied key's does"),
    ],
)
async def test_a_sign_in_that_lies_is_refused_with_the_same_words(lie: Wrong) -> None:
    actor, on = await minister(), device(count=5)
    await registered(actor, on)
    with pytest.raises(Refused) as refused:
        await passkeys.sign_in(json.dumps(lie(on).sign(await passkeys.sign_in_options(HERE))), HERE)
    assert refused.value.reasons == (rules.NOT_ACCEPTED.refusal(),)
    assert await Session.count() == 0


@pytest.mark.parametrize(
    "answer", ["", "null", "[]", "{}", '{"response": {"clientDataJSON": "e30"}}', "[" * 5000, '"\\ud800"']
)
async def test_an_answer_that_is_none_is_refused(answer: str) -> None:
    with pytest.raises(Refused):
        await passkeys.sign_in(answer, HERE)


async def test_a_challenge_is_good_once_for_five_minutes_and_one_purpose() -> None:
    actor, on = await minister(), device()
    await registered(actor, on)
    used = json.dumps(on.sign(await passkeys.sign_in_options(HERE)))
    await passkeys.sign_in(used, HERE)
    with pytest.raises(Refused):
        await passkeys.sign_in(used, HERE)
    with clock.at(given.TODAY):
        late = json.dumps(on.sign(await passkeys.sign_in_options(HERE)))
    with clock.at(given.TODAY + passkeys.GOOD_FOR), pytest.raises(Refused):
        await passkeys.sign_in(late, HERE)
    with clock.at(given.TODAY + passkeys.GOOD_FOR - timedelta(seconds=1)):
        assert await passkeys.sign_in(late, HERE)
    for_another = json.dumps(on.sign(await passkeys.signing_options(actor, b"c" * 32, "a statement")))
    with pytest.raises(Refused):
        await passkeys.sign_in(for_another, HERE)


async def test_a_challenge_that_a_failed_answer_spent_stays_spent() -> None:
    actor, on = await minister(), device()
    await registered(actor, on)
    options = await passkeys.sign_in_options(HERE)
    on.user_verified = False
    with pytest.raises(Refused):
        await passkeys.sign_in(json.dumps(on.sign(options)), HERE)
    on.user_verified = True
    with pytest.raises(Refused):
        await passkeys.sign_in(json.dumps(on.sign(options)), HERE)


async def test_a_registration_for_one_person_is_not_taken_from_another() -> None:
    one, other = await minister(), await minister()
    answer = json.dumps(device().register(await passkeys.registration_options(one)))
    with pytest.raises(Refused):
        await passkeys.register(other, answer, "stolen")


async def test_a_password_alone_cannot_add_a_second_passkey() -> None:
    actor = await minister()
    await registered(actor, device())
    with pytest.raises(Refused) as refused:
        await passkeys.registration_options(actor)
    assert [reason.code for reason in refused.value.reasons] == ["passkey.another-needs-the-first"]
    assert actor.person is not None
    by_passkey = given.touched(await actor_of(actor.person, "passkey"))
    await registered(by_passkey, device(), "Telephone")
    assert [key.name for key in await passkeys.keys_of(actor.person)] == ["Office laptop", "Telephone"]


async def test_a_revoked_passkey_opens_nothing_and_only_its_owner_or_the_operator_revokes() -> None:
    actor, on = await minister(), device()
    made = await registered(actor, on)
    stranger = await minister()
    with pytest.raises(NotFound):
        await passkeys.revoke(stranger, made.id)
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    await passkeys.revoke(operator, made.id)
    with pytest.raises(Refused):
        await passkeys.sign_in(json.dumps(on.sign(await passkeys.sign_in_options(HERE))), HERE)
    assert (await Event.objects().order_by(Event.seq, ascending=False).first()).verb == "passkey.revoked"
    await registered(actor, device(), "Another")


async def test_a_closed_account_is_not_opened_by_its_passkey() -> None:
    actor, on = await minister(), device()
    await registered(actor, on)
    await Person.update({Person.closed_at: clock.now()}).where(Person.id == actor.person)
    with pytest.raises(Refused):
        await passkeys.sign_in(json.dumps(on.sign(await passkeys.sign_in_options(HERE))), HERE)


async def test_a_passkey_is_renamed_by_its_owner(app: Litestar) -> None:
    actor = await minister()
    made = await registered(actor, device())
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        opened = drafts.version(passkeys.PasskeyName, made)
        assert f'name="version" value="{opened}"' in (await client.get("/account")).text
        renamed = f"/account/passkeys/{made.id}/name"
        assert (await client.post(renamed, data={"name": "Kitchen"})).status_code == 428
        assert (await client.post(renamed, data={"name": "Kitchen", "version": opened})).status_code == 303
        assert "Kitchen" in (await client.get("/account")).text
        late = await client.post(renamed, data={"name": "Pantry", "version": opened})
        assert late.status_code == 409
        assert 'value="Pantry"' in late.text, "what was typed"
        assert "“Kitchen”" in late.text, "what is stored"
        await given.signed_in(client, await minister())
        assert (await client.post(renamed, data={"name": "Mine", "version": opened})).status_code in (403, 404)
    assert (await Passkey.objects().get(Passkey.id == made.id)).name == "Kitchen"


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_what_is_kept_proves_a_signature_to_a_stranger(algorithm: int) -> None:
    actor, on = await minister(), device(algorithm=algorithm)
    await registered(actor, on)
    document = b'{"asked":"to skip the exercise"}'
    signer = signing.Signer(actor.ref, actor.name, "Minister for Places", "O-1", given.TODAY - timedelta(days=900))
    statement = signing.statement(document, signer, clock.now(), b"n" * 16)
    options = await passkeys.signing_options(actor, signing.challenge(statement), statement.decode())
    answered = await passkeys.signed(actor, json.dumps(on.sign(options)))
    assert answered.statement == statement.decode()
    key = passkeys.signing_key(answered.passkey)
    bundle = signing.bundle(document, statement, answered.response, key, "localhost", passkeys.origins())
    assert signing.verify(bundle).signer.name == "Helena Marchbanks"
    assert "password" in key.bound_by


async def test_nobody_answers_for_a_statement_with_somebody_elses_passkey() -> None:
    one, other, on = await minister(), await minister(), device()
    await registered(one, on)
    await registered(other, device())
    answer = json.dumps(on.sign(await passkeys.signing_options(other, b"d" * 32, "a statement")))
    with pytest.raises(Refused):
        await passkeys.signed(other, answer)


async def test_without_a_passkey_nothing_can_be_signed() -> None:
    with pytest.raises(Refused) as refused:
        await passkeys.signing_options(await minister(), b"e" * 32, "a statement")
    assert [reason.code for reason in refused.value.reasons] == ["passkey.none"]
    assert await Ceremony.count() == 0


@pytest.mark.parametrize(
    ("method", "may"), [("passkey", True), ("demo", True), ("password", False), ("token", False), ("", False)]
)
def test_a_ministers_act_needs_a_session_begun_with_a_passkey(method: str, may: bool) -> None:
    actor = Actor("P-1", "Helena", 1, method=method)
    if may:
        actor.must_have_passkey()
        return
    with pytest.raises(Refused) as refused:
        actor.must_have_passkey()
    assert (refused.value.reasons[0].code, refused.value.status) == ("access.passkey-needed", 403)


async def test_a_session_of_a_demonstration_is_nobodys_outside_one(app: Litestar) -> None:
    actor = await minister()
    async with given.browser(app) as client:
        await given.signed_in(client, actor, "demo")
        assert (await client.get("/account")).status_code == 303
