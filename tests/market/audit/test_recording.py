"""What an action records is linked as the last thing its transaction does, whatever comes after the call in the code."""

import pytest

from market import db
from market.accounts.tables import Organisation
from market.actor import SYSTEM
from market.audit.actions import record
from market.audit.tables import Event
from market.db import many
from market.money import Money
from market.payments import actions as payments
from tests import given, witness

pytestmark = pytest.mark.usefixtures("clean")


async def verbs() -> list[str]:
    return [row["verb"] for row in await many("SELECT verb FROM event ORDER BY seq")]


async def test_while_the_log_is_locked_nothing_but_the_log_is_written() -> None:
    buyer, firm = await given.organisation(), await given.supplier()
    accepting = await given.person(buyer, "buyer")
    await given.person(buyer, "contract-manager")
    async with witness.of_the_lock() as written:
        async with db.transaction():
            await record(accepting, "pitch.delivered", "pitch:PI-2222222")
            await payments.owe(
                accepting,
                cause="pitch:PI-2222222",
                payer=buyer.id,
                payee=firm.id,
                amount=Money(500_000),
                purpose="A pitch",
                about="challenge:CH-2222222",
                days=30,
            )
            await given.organisation("Entered after two records")
        assert await written() == []
    assert await verbs() == ["pitch.delivered", "obligation.incurred"]


async def test_the_witness_sees_what_is_written_under_the_lock() -> None:
    async with witness.of_the_lock() as written:
        async with db.transaction():
            await many("SELECT pg_advisory_xact_lock({})", witness.CHAIN_LOCK)
            await given.organisation()
        assert await written() == ["INSERT organisation"]


async def test_a_part_that_is_undone_records_nothing() -> None:
    async def undone() -> None:
        async with db.transaction():
            await record(SYSTEM, "mission.published", "mission:M-UNDONE")
            raise RuntimeError("it failed after all")

    async with db.transaction():
        await record(SYSTEM, "mission.drafted", "mission:M-2222222")
        with pytest.raises(RuntimeError):
            await undone()
        await record(SYSTEM, "mission.published", "mission:M-2222222")
    assert await verbs() == ["mission.drafted", "mission.published"]


async def test_a_transaction_that_fails_after_its_record_leaves_none() -> None:
    async def failing() -> None:
        async with db.transaction():
            await given.organisation()
            await record(SYSTEM, "mission.published", "mission:M-2222222")
            raise RuntimeError("it failed after all")

    with pytest.raises(RuntimeError):
        await failing()
    assert await Event.count() == await Organisation.count() == 0


async def test_facts_that_cannot_be_written_down_are_refused_where_they_are_given() -> None:
    async with db.transaction():
        with pytest.raises(ValueError, match="private_sha256"):
            await record(SYSTEM, "mission.published", "mission:M-2222222", {"private_sha256": "x"}, private={})
    assert await Event.count() == 0
