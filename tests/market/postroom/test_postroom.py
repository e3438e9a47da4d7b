"""Operators learn why a letter was written and what was tried, never what it says; what comes back becomes somebody's business."""

import re
from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.accounts import passwords
from market.accounts.people import is_unreachable, tell, tell_person
from market.accounts.tables import Organisation, Person
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.audit.tables import Event
from market.db import many, one, transaction
from market.letters import sending
from market.letters.actions import write
from market.letters.tables import Letter, LetterTry
from market.postroom import actions, bounces
from market.refusals import Refused
from tests import given
from tests.market.letters.test_sending import MailServer, server

pytestmark = pytest.mark.usefixtures("clean")

__all__ = ["server"]


async def operator() -> Actor:
    return await given.person(await given.organisation(kind="operator"), "operator")


async def to(person: Actor, template: str = "accounts/password-changed.txt", **facts: object) -> Letter:
    assert person.person is not None
    said = {"tokens": [], "kept": False, **facts}
    return await tell_person(person.person, template, about=f"person:{person.ref}", **said)


async def address_of(person: Actor) -> str:
    return (await Person.objects().get(Person.ref == person.ref)).email


async def kept(letter: Letter) -> Letter:
    return await Letter.objects().get(Letter.id == letter.id)


async def templates_to(person: Actor) -> list[str]:
    return [
        row["template"] for row in await many("SELECT template FROM letter WHERE person = {} ORDER BY id", person.ref)
    ]


# ── why it came ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_letter_keeps_its_template_and_the_number_of_the_event_that_caused_it() -> None:
    buyer = await given.organisation()
    officer = await given.person(buyer, "buyer")
    await record(SYSTEM, "mission.drafted", "mission:M-2222222")
    async with transaction():
        first = await to(officer)
        await record(officer, "tender.changed", "tender:T-2222222")
        await record(officer, "person.password-changed", f"person:{officer.ref}")
        after = await to(officer)
        about_another = await write(
            "x@places.example", "", "accounts/password-changed.txt", tokens=[], kept=False, about="lot:L-9999999"
        )
    assert (await kept(first)).template == "accounts/password-changed.txt"
    assert [(await kept(each)).event for each in (first, after, about_another)] == [3, 3, 2]


async def test_a_letter_without_an_event_says_so() -> None:
    officer = await given.person(await given.organisation(), "buyer")
    alone = await to(officer)
    async with transaction():
        inside = await to(officer)
    assert [(await kept(each)).event for each in (alone, inside)] == [None, None]


async def test_a_letter_of_an_undone_part_ties_nothing() -> None:
    officer = await given.person(await given.organisation(), "buyer")

    async def undone() -> None:
        async with transaction():
            await to(officer)
            raise RuntimeError("it failed after all")

    async with transaction():
        with pytest.raises(RuntimeError):
            await undone()
        await record(officer, "person.password-changed", f"person:{officer.ref}")
    assert await Letter.count() == 0


async def test_letters_are_found_by_person_record_template_and_what_became_of_them() -> None:
    reader, buyer = await operator(), await given.organisation()
    ada, ben = await given.person(buyer, "buyer", "Ada Ash"), await given.person(buyer, "buyer", "Ben Birch")
    first, second = await to(ada), await to(ben, "accounts/token-made.txt", token_name="x", scopes=["Read"])
    await Letter.update({Letter.gave_up_at: clock.now()}).where(Letter.id == second.id)

    async def found(**asked: str) -> list[str]:
        return [each.ref for each in await actions.letters(reader, actions.Filter(**asked))]

    assert await found() == [second.ref, first.ref]
    assert (
        await found(person="ash")
        == await found(person=ada.ref)
        == await found(person=await address_of(ada))
        == [first.ref]
    )
    assert await found(record=f"person:{ben.ref}") == await found(record=ben.ref) == [second.ref]
    assert await found(template="accounts/token") == [second.ref]
    assert await found(outcome="came-back") == [second.ref]
    assert await found(outcome="waiting") == [first.ref]
    assert await found(outcome="sent") == []
    with pytest.raises(Refused):
        await actions.letters(ada, actions.Filter())


async def test_while_a_seal_hides_why_a_letter_was_written_the_operator_sees_to_whom_and_no_more() -> None:
    reader, firm = await operator(), await given.supplier()
    bidder = await given.person(firm, "supplier-admin")
    async with transaction():
        await tell(firm.id, "accounts/password-changed.txt", tokens=[], kept=False, about="tender:T-2222222")
        await record(
            bidder, "bid.sealed", "bid:B-2222222", about=["tender:T-2222222"], sealed_by="opening:tender:T-2222222"
        )
    (letter,) = await actions.letters(reader, actions.Filter(person=bidder.ref))
    assert (letter.sealed, letter.template, letter.about, letter.event, letter.verb) == (True, "", "", None, "")
    assert await actions.letters(reader, actions.Filter(record="T-2222222")) == []
    assert await actions.letters(reader, actions.Filter(template="accounts/")) == []
    await record(SYSTEM, "tender.opened", "tender:T-2222222")
    (letter,) = await actions.letters(reader, actions.Filter(record="T-2222222"))
    assert (letter.sealed, letter.about, letter.verb) == (False, "tender:T-2222222", "bid.sealed")


async def test_the_page_names_what_was_done_to_the_record_it_was_done_to(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    async with transaction():
        letter = await tell_person(
            officer.must_be_person(), "accounts/password-changed.txt", tokens=[], kept=False, about="contract:C-2222222"
        )
        await record(SYSTEM, "milestone.delivered", "milestone:MS-3333333", about=["contract:C-2222222"])
    async with given.browser(app) as client:
        await given.signed_in(client, await operator())
        page = (await client.get(f"/postroom/{letter.ref}")).text
        assert "delivered the milestone MS-3333333" in page
        assert "/postroom" in re.findall(r'href="([^"]+)"', (await client.get("/desk")).text)


async def test_who_follows_an_open_tender_is_not_told_by_its_letters() -> None:
    reader, firm = await operator(), await given.supplier()
    await given.person(firm, "supplier-admin")
    async with transaction():
        await tell(firm.id, "accounts/password-changed.txt", tokens=[], kept=False, about="tender:T-2222222")
        await record(SYSTEM, "tender.changed", "tender:T-2222222")
    assert await actions.letters(reader, actions.Filter(record="T-2222222")) == []
    await record(SYSTEM, "tender.cancelled", "tender:T-2222222")
    assert len(await actions.letters(reader, actions.Filter(record="T-2222222"))) == 1


async def test_who_asked_is_not_told_by_the_letter_with_the_answer_even_after_the_opening() -> None:
    reader, firm = await operator(), await given.supplier()
    await given.person(firm, "supplier-admin")
    async with transaction():
        await tell(firm.id, "accounts/password-changed.txt", tokens=[], kept=False, about="tender:T-2222222")
        await record(SYSTEM, "question.answered", "tender:T-2222222")
    await record(SYSTEM, "tender.opened", "tender:T-2222222")
    (letter,) = await actions.letters(reader, actions.Filter(record="T-2222222"))
    await Letter.update({Letter.template: "questions/answered.txt"}).where(Letter.ref == letter.ref)
    assert await actions.letters(reader, actions.Filter(record="T-2222222")) == []
    assert await actions.letters(reader, actions.Filter(template="questions/")) == []


async def test_no_page_and_no_answer_of_the_api_holds_the_text_or_the_subject(app: Litestar) -> None:
    reader = await operator()
    officer = await given.person(await given.organisation(), "buyer")
    letter = await to(officer)
    await Letter.update({Letter.subject: "A subject that is nobody else's", Letter.text: "SECRET-LINK"}).where(
        Letter.id == letter.id
    )
    await LetterTry.insert(LetterTry(letter=letter.id, at=given.TODAY, answer="451 greylisted"))
    async with given.browser(app) as client:
        await given.signed_in(client, reader)
        pages = [
            (await client.get(path)).text
            for path in ("/postroom", f"/postroom/{letter.ref}", f"/postroom?person={officer.ref}")
        ]
        assert all("accounts/password-changed.txt" in page for page in pages)
        assert "451 greylisted" in pages[1]
    async with given.browser(app) as client:
        headers = await given.token(reader)
        listed = await client.get("/api/v1/letters", headers=headers)
        one_letter = await client.get(f"/api/v1/letters/{letter.ref}", headers=headers)
        assert listed.json()["items"][0]["ref"] == letter.ref
        assert one_letter.json()["tries"][0]["answer"] == "451 greylisted"
        stranger = await client.get("/api/v1/letters", headers=await given.token(officer))
        assert stranger.status_code == 403
    for text in (*pages, listed.text, one_letter.text):
        assert "SECRET-LINK" not in text
        assert "A subject that is nobody" not in text


async def test_many_letters_come_in_pages(app: Litestar) -> None:
    reader, officer = await operator(), await given.person(await given.organisation(), "buyer")
    for _ in range(actions.PER_PAGE + 1):
        await to(officer)
    async with given.browser(app) as client:
        await given.signed_in(client, reader)
        first = await client.get(f"/postroom?person={officer.ref}")
        assert first.text.count('class="pre-row"') == actions.PER_PAGE
        following = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        assert (await client.get(following)).text.count('class="pre-row"') == 1
    async with given.browser(app) as client:
        answer = (await client.get("/api/v1/letters", headers=await given.token(reader))).json()
        assert len((await client.get(answer["next"], headers=await given.token(reader))).json()["items"]) == 1


# ── an operator's acts ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_letter_that_came_back_is_sent_again_and_the_log_knows(app: Litestar, server: MailServer) -> None:
    reader, officer = await operator(), await given.person(await given.organisation(), "buyer")
    letter, address = await to(officer), await address_of(officer)
    server.answers[address] = "550 no such mailbox"
    await sending.send_waiting()
    assert (await kept(letter)).gave_up_at is not None
    server.answers.clear()
    async with given.browser(app) as client:
        await given.signed_in(client, reader)
        assert (
            "1 letter" in (await client.get("/desk")).text or "A letter came back" in (await client.get("/desk")).text
        )
        answer = await client.post(f"/postroom/{letter.ref}/again")
        assert answer.status_code == 303
    assert await sending.send_waiting() == 1
    assert len(server.got) == 1
    event = await Event.objects().get(Event.verb == "letter.sent-again")
    assert (event.subject, event.actor, event.about) == (
        f"letter:{letter.ref}",
        reader.ref,
        [f"letter:{letter.ref}", f"person:{officer.ref}"],
    )
    assert address not in event.body


async def test_a_letter_that_has_left_is_sent_as_a_copy_of_its_own_unless_its_secret_is_gone(
    server: MailServer,
) -> None:
    reader, officer = await operator(), await given.person(await given.organisation(), "buyer")
    letter = await to(officer)
    await sending.send_waiting()
    await actions.send_again(reader, letter.ref)
    await sending.send_waiting()
    first, second = (str(message["message-id"]) for message in server.got)
    assert first != second
    secret = await to(officer)
    await Letter.update({Letter.secret: True, Letter.sent_at: clock.now()}).where(Letter.id == secret.id)
    with pytest.raises(Refused) as refused:
        await actions.send_again(reader, secret.ref)
    assert [reason.code for reason in refused.value.reasons] == ["letter.secret-gone"]


async def test_a_dead_address_is_not_tried_its_owner_sees_it_and_it_can_live_again(
    app: Litestar, server: MailServer
) -> None:
    reader, officer = await operator(), await given.person(await given.organisation(), "buyer")
    letter = await to(officer)
    async with given.browser(app) as client:
        await given.signed_in(client, reader)
        empty = await client.post(f"/postroom/{letter.ref}/dead", data={"reason": ""})
        assert empty.status_code == 422
        assert "Enter" in empty.text
        done = await client.post(f"/postroom/{letter.ref}/dead", data={"reason": "The school has closed."})
        assert done.status_code == 303
        assert "The school has closed." in (await client.get(f"/postroom/{letter.ref}")).text
        again = await client.post(f"/postroom/{letter.ref}/dead", data={"reason": "Once more."})
        assert again.status_code == 409
    later = await to(officer)
    assert await sending.send_waiting() == 1
    assert server.got == []
    assert [(await kept(each)).gave_up_at is not None for each in (letter, later)] == [True, True]
    with pytest.raises(Refused) as refused:
        await actions.send_again(reader, letter.ref)
    assert [reason.code for reason in refused.value.reasons] == ["letter.address-dead"]
    assert officer.person is not None
    assert await is_unreachable(officer.person)
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        assert "Letters to you come back" in (await client.get("/account")).text
        assert "Letters do not reach you" in (await client.get("/desk")).text
    await actions.mark_alive(reader, letter.ref)
    assert not await is_unreachable(officer.person)
    await actions.send_again(reader, letter.ref)
    assert await sending.send_waiting() == 1
    assert len(server.got) == 1
    verbs = [
        row["verb"]
        for row in await many("SELECT verb FROM event WHERE subject = {} ORDER BY seq", f"letter:{letter.ref}")
    ]
    assert verbs == ["letter.address-died", "letter.address-revived", "letter.sent-again"]
    with pytest.raises(Refused):
        await actions.mark_alive(reader, letter.ref)


async def test_who_signs_in_with_a_dead_address_is_told(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    await Person.update({Person.password_hash: await passwords.hashed("a long enough password")}).where(
        Person.ref == officer.ref
    )
    await actions.mark_dead(await operator(), (await to(officer)).ref, actions.Death("It bounced for weeks."))
    async with given.browser(app) as client:
        page = await client.get("/sign-in")
        client.headers["x-csrf-token"] = page.text.split('csrf_token" value="')[1].split('"')[0]
        typed = {"email": await address_of(officer), "password": "a long enough password"}
        answer = await client.post("/sign-in", data=typed)
        assert answer.status_code == 303
        assert "Letters to you come back" in (await client.get(answer.headers["location"])).text


async def test_programs_of_operators_can_do_the_same(app: Litestar) -> None:
    reader, officer = await operator(), await given.person(await given.organisation(), "buyer")
    letter, headers = await to(officer), await given.token(reader)
    async with given.browser(app) as client:
        path = f"/api/v1/letters/{letter.ref}"
        marked = await client.post(f"{path}/dead", json={"reason": "The school has closed."}, headers=headers)
        assert marked.json()["address_dead_since"]
        assert marked.json()["outcome"] == "came-back"
        assert (await client.post(f"{path}/again", headers=headers)).status_code == 409
        assert (await client.post(f"{path}/alive", headers=headers)).json()["address_dead_since"] is None
        assert (await client.post(f"{path}/again", headers=headers)).json()["outcome"] == "waiting"
        others = await given.token(officer)
        for act in ("again", "dead", "alive"):
            body = {"reason": "No reason."} if act == "dead" else None
            assert (await client.post(f"{path}/{act}", json=body, headers=others)).status_code == 403


# ── what comes back ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_comes_back_is_told_to_one_colleague_once(server: MailServer) -> None:
    firm = await given.supplier()
    lost = await given.person(firm, "supplier-member", "Lou Lost")
    member, admin = await given.person(firm, "supplier-member"), await given.person(firm, "supplier-admin")
    server.answers[await address_of(lost)] = "550 no such mailbox"
    for number in range(2):
        await write(
            await address_of(lost),
            "Lou Lost",
            "accounts/token-made.txt",
            person=lost.ref,
            for_people_of=firm.id,
            token_name=str(number),
            scopes=["Read"],
        )
    await to(lost)
    assert await sending.send_waiting() == 3
    assert await bounces.tell_waiting() == 3
    assert await bounces.tell_waiting() == 0
    assert await templates_to(member) == []
    assert await templates_to(admin) == [bounces.TO_COLLEAGUE]
    notice = await Letter.objects().get(Letter.person == admin.ref)
    assert notice.subject == "Letters to Lou Lost do not arrive"
    assert notice.text.count("A program can now act in your name") == 2
    assert "One more letter was for Lou Lost alone" in notice.text
    assert "Your password was changed" not in notice.text
    assert "550 no such mailbox" in notice.text


async def test_a_notice_that_comes_back_makes_no_further_notice(server: MailServer) -> None:
    firm = await given.supplier()
    people = [await given.person(firm, "supplier-admin") for _ in range(3)]
    for person in people:
        server.answers[await address_of(person)] = "550 no such mailbox"
    await to(people[0])
    for _ in range(6):
        await sending.send_waiting()
        await bounces.tell_waiting()
    assert await Letter.count() == 2
    assert await Letter.count().where(Letter.passed_on_at.is_null()) == 0


async def test_only_a_colleague_whose_address_lives_is_told(server: MailServer) -> None:
    firm = await given.supplier()
    lost, dead = await given.person(firm, "supplier-member"), await given.person(firm, "supplier-admin")
    living = await given.person(firm, "supplier-member")
    await actions.mark_dead(await operator(), (await to(dead)).ref, actions.Death("It bounced for weeks."))
    await Letter.update({Letter.passed_on_at: clock.now()}).where(Letter.person == dead.ref)
    server.answers[await address_of(lost)] = "550 no such mailbox"
    await to(lost)
    await sending.send_waiting()
    await bounces.tell_waiting()
    assert await templates_to(living) == [bounces.TO_COLLEAGUE]
    assert bounces.TO_COLLEAGUE not in await templates_to(dead)


async def returned(template: str, about: str, firm: Organisation, reader: Actor) -> None:
    """A letter from this template came back from somebody of the firm."""
    await Letter.insert(
        Letter(
            template=template,
            person=reader.ref,
            organisation=firm.id,
            address=await address_of(reader),
            name=reader.name,
            subject="A date is near",
            about=about,
            written_at=clock.now(),
            gave_up_at=clock.now(),
            failure="550 no such mailbox",
        )
    )


async def test_of_a_deadline_the_buyer_of_the_record_is_told_too() -> None:
    buyer, firm = await given.organisation(), await given.supplier("Kestrel Ltd")
    officer, reader = await given.person(buyer, "buyer"), await given.person(firm, "supplier-admin", "Kit Kestrel")
    await record(officer, "contract.drawn-up", "contract:C-2222222", organisation=buyer.ref)
    await returned("contracts/to_sign.txt", "contract:C-2222222", firm, reader)
    await bounces.tell_waiting()
    assert await templates_to(officer) == [bounces.TO_BUYER]
    notice = await Letter.objects().get(Letter.person == officer.ref)
    assert "Kit Kestrel of Kestrel Ltd" in notice.text
    assert "/contracts/C-2222222" in notice.text


async def test_of_other_letters_and_under_a_seal_the_buyer_learns_nothing() -> None:
    buyer, firm = await given.organisation(), await given.supplier()
    officer, reader = await given.person(buyer, "buyer"), await given.person(firm, "supplier-admin")
    await record(officer, "tender.drafted", "tender:T-2222222", organisation=buyer.ref)
    await returned("contracts/signed.txt", "tender:T-2222222", firm, reader)
    await returned("tenders/changed.txt", "tender:T-2222222", firm, reader)
    await bounces.tell_waiting()
    assert await templates_to(officer) == []
    await record(officer, "tender.opened", "tender:T-2222222", organisation=buyer.ref)
    await returned("tenders/changed.txt", "tender:T-2222222", firm, reader)
    await bounces.tell_waiting()
    assert await templates_to(officer) == [bounces.TO_BUYER]


async def test_letters_given_up_after_the_last_try_are_passed_on_too(server: MailServer) -> None:
    firm = await given.supplier()
    lost, colleague = await given.person(firm, "supplier-member"), await given.person(firm, "supplier-admin")
    server.answers[await address_of(lost)] = "451 not today"
    await to(lost)
    now = given.TODAY
    for pause in (*sending.BACK_OFF, timedelta()):
        with clock.at(now):
            await sending.send_waiting()
            await bounces.tell_waiting()
        now += pause
    assert await templates_to(colleague) == [bounces.TO_COLLEAGUE]
    assert (await one("SELECT count(*) AS n FROM letter_try"))["n"] == len(sending.BACK_OFF) + 1
