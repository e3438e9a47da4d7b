"""A buyer's short list, invitations that give nobody an advantage, and suppliers who find each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import announce
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.letters.tables import Letter
from market.proof import canonical
from market.refusals import NotFound, Refused
from market.suppliers.tables import Profile
from search import outbox
from search.index import Index, Query
from search.inviting import actions as inviting
from search.tables import Invited
from tests import given, given_tenders
from tests.search.engines import embedded as engine
from tests.search.test_searching import firm

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")


async def staffed(name: str, *, open_to_partners: bool = False) -> tuple[Organisation, Actor]:
    """A firm with somebody who reads its letters."""
    row = await firm(name, "drones")
    await Profile.update({Profile.open_to_partners: open_to_partners}).where(Profile.organisation == row.id)
    return row, await given.person(row, "supplier-admin", f"Administrator of {name}")


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {each.code for each in refused.value.reasons}


async def test_a_short_list_is_its_bodys_own_and_holds_nobody_twice() -> None:
    there = await given_tenders.published()
    kestrel, _ = await staffed("Kestrel Ltd")
    heron, _ = await staffed("Heron Ltd")
    assert await inviting.shortlist(there.officer, [kestrel.ref, heron.ref, kestrel.ref]) == 2
    assert await inviting.shortlist(there.officer, [heron.ref]) == 0
    assert [firm.name for firm in await inviting.listed(there.officer)] == ["Heron Ltd", "Kestrel Ltd"]
    other = await given.person(await given.organisation(), "buyer")
    assert await inviting.listed(other) == []
    with pytest.raises(NotFound):
        await inviting.unlist(other, heron.ref)
    await inviting.unlist(there.officer, heron.ref)
    assert [firm.name for firm in await inviting.listed(there.officer)] == ["Kestrel Ltd"]
    with pytest.raises(NotFound):
        await inviting.shortlist(there.officer, [there.buyer.ref])
    assert kestrel.ref not in b"".join([piece async for piece in public_log()]).decode()


async def test_an_invitation_holds_the_link_and_is_public_and_sent_once() -> None:
    there = await given_tenders.published()
    kestrel, _ = await staffed("Kestrel Ltd")
    subject = f"tender:{there.tender.ref}"
    assert await inviting.invite(there.officer, inviting.Invitation(subject, [kestrel.ref])) == 1
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.subject == f"Open to all: {there.tender.title}"
    assert f"/tenders/{there.tender.ref}" in letter.text
    assert "you gain nothing over others" in letter.text
    event = await Event.objects().get(Event.verb == "supplier.invited")
    assert event is not None
    assert (event.subject, event.sealed_by) == (subject, "")
    assert canonical.decode(event.body.encode()) == {"suppliers": [kestrel.ref]}
    with pytest.raises(Refused) as refused:
        await inviting.invite(there.officer, inviting.Invitation(subject, [kestrel.ref]))
    assert codes(refused) == {"search.invited-already"}
    assert await Letter.count() == 1
    assert [each.name for each in await inviting.invited(subject)] == ["Kestrel Ltd"]


async def test_nobody_is_invited_to_what_is_closed_or_another_bodys_or_still_a_draft() -> None:
    there = await given_tenders.published()
    kestrel, _ = await staffed("Kestrel Ltd")
    subject = f"tender:{there.tender.ref}"
    with clock.at(there.tender.closes_at + timedelta(minutes=1)), pytest.raises(Refused) as closed:
        await inviting.invite(there.officer, inviting.Invitation(subject, [kestrel.ref]))
    assert codes(closed) == {"search.not-open"}
    stranger = await given.person(await given.organisation(), "buyer")
    with pytest.raises(Refused) as foreign:
        await inviting.invite(stranger, inviting.Invitation(subject, [kestrel.ref]))
    assert foreign.value.status == 403
    draft = await given.tendering()
    with pytest.raises(NotFound):
        await inviting.invite(draft.officers[0], inviting.Invitation(f"tender:{draft.ref}", [kestrel.ref]))
    nobody = await given.supplier("Imported Ltd")
    with pytest.raises(Refused) as unread:
        await inviting.invite(there.officer, inviting.Invitation(subject, [kestrel.ref, nobody.ref]))
    assert codes(unread) == {"search.nobody-to-write-to"}
    with pytest.raises(Refused) as empty:
        await inviting.invite(there.officer, inviting.Invitation(subject, []))
    assert codes(empty) == {"search.nobody-chosen"}
    assert await Invited.count() == 0


async def test_suppliers_who_want_partners_are_found_and_written_to_without_an_address(engine: Index) -> None:
    kestrel, writer = await staffed("Kestrel Ltd")
    heron, reader = await staffed("Heron Ltd", open_to_partners=True)
    await announce(f"supplier:{heron.ref}")
    await outbox.drain()
    found = await engine.search(Query(filters={"open_to_partners": ["true"]}))
    assert [hit.document.ref for hit in found.hits] == [heron.ref]
    await inviting.approach(
        writer, heron.ref, inviting.Letter("We fly drones; you know bridges. Shall we bid together?")
    )
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.person == reader.ref
    assert "Kestrel Ltd" in letter.text
    assert f"/search/partners/{kestrel.ref}" in letter.text
    assert "@" not in letter.text
    await inviting.approach(reader, kestrel.ref, inviting.Letter("Yes: come and see us on Tuesday, we are in Leeds."))
    letters = await inviting.between(kestrel.id, heron.id)
    assert [letter.sender for letter in letters] == ["Kestrel Ltd", "Heron Ltd"]
    log = b"".join([piece async for piece in public_log()]).decode()
    assert "supplier.approached" not in log


async def test_who_does_not_want_letters_gets_none_and_nobody_gets_many() -> None:
    _, writer = await staffed("Kestrel Ltd")
    heron, reader = await staffed("Heron Ltd")
    words = inviting.Letter("Shall we bid for the bridges together?")
    with pytest.raises(Refused) as unwanted:
        await inviting.approach(writer, heron.ref, words)
    assert codes(unwanted) == {"search.not-open-to-partners"}
    with pytest.raises(Refused) as own:
        await inviting.approach(reader, heron.ref, words)
    assert "search.own-firm" in codes(own)
    await Profile.update({Profile.open_to_partners: True}).where(Profile.organisation == heron.id)
    await inviting.approach(writer, heron.ref, words)
    with pytest.raises(Refused) as again:
        await inviting.approach(writer, heron.ref, words)
    assert codes(again) == {"search.too-many-letters"}
    with clock.at(clock.now() + timedelta(days=1, minutes=1)):
        await inviting.approach(writer, heron.ref, words)


async def test_the_pages_lead_from_the_results_to_the_letter(engine: Index, app: Litestar) -> None:
    there = await given_tenders.published()
    kestrel, _ = await staffed("Kestrel Ltd")
    heron, _ = await staffed("Heron Ltd")
    await outbox.drain()
    async with given.browser(app) as client:
        assert "short list" not in (await client.get("/search?kind=supplier")).text
        await given.signed_in(client, there.officer)
        assert 'formaction="/search/shortlist/add"' in (await client.get("/search?kind=supplier")).text
        assert f"/search/shortlist/add?ref={kestrel.ref}" in (await client.get(f"/suppliers/{kestrel.ref}")).text
        asked = await client.get("/search/shortlist/add", params={"ref": [kestrel.ref, heron.ref]})
        assert "Heron Ltd" in asked.text
        assert (await client.post("/search/shortlist", data={"ref": [kestrel.ref, heron.ref]})).status_code == 303
        page = (await client.get("/search/shortlist")).text
        assert there.tender.title in page
        nobody = await client.post("/search/shortlist/invite", data={"record": f"tender:{there.tender.ref}"})
        assert nobody.status_code == 409
        assert "Choose at least one supplier." in nobody.text
        sent = {"record": f"tender:{there.tender.ref}", "suppliers": [kestrel.ref]}
        assert (await client.post("/search/shortlist/invite", data=sent)).status_code == 303
        assert f"Told of {there.tender.ref}" in (await client.get("/search/shortlist")).text
        assert (await client.post(f"/search/shortlist/{heron.ref}/remove")).status_code == 303
    async with given.browser(app) as public:
        assert "Kestrel Ltd" in (await public.get(f"/search/similar/tender/{there.tender.ref}")).text


async def test_a_supplier_writes_to_another_from_its_page(app: Litestar) -> None:
    kestrel, writer = await staffed("Kestrel Ltd")
    heron, _ = await staffed("Heron Ltd", open_to_partners=True)
    path = f"/search/partners/{heron.ref}"
    async with given.browser(app) as client:
        await given.signed_in(client, writer)
        assert path in (await client.get(f"/suppliers/{heron.ref}")).text
        assert path not in (await client.get(f"/suppliers/{kestrel.ref}")).text
        short = await client.post(path, data={"text": "Hello"})
        assert short.status_code == 422
        assert (await client.post(path, data={"text": "Shall we bid for the bridges together?"})).status_code == 303
        after = (await client.get(path)).text
        assert "Shall we bid for the bridges together?" in after
        assert "Wait for the answer." in after
