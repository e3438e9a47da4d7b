"""Who holds which role, and so who is told."""

from datetime import UTC, datetime, timedelta

import pytest

from market import clock
from market.accounts.people import holders
from market.accounts.tables import Membership
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


async def test_a_person_with_two_roles_is_found_by_either_once() -> None:
    body = await given.organisation()
    actor = await given.person(body, "contract-manager")
    await Membership.insert(
        Membership(person=actor.person, organisation=body.id, role="buyer", since=datetime(2020, 1, 1, tzinfo=UTC))
    )
    for roles in (("buyer",), ("contract-manager",), ("buyer", "contract-manager"), ()):
        assert [row.ref for row in await holders(body.id, *roles)] == [actor.ref]
    assert await holders(body.id, "minister") == []


async def test_a_role_that_ended_is_held_by_nobody() -> None:
    body = await given.organisation()
    await given.person(body, "buyer")
    await Membership.update({Membership.until: clock.now() - timedelta(days=1)}).where(
        Membership.organisation == body.id
    )
    assert await holders(body.id, "buyer") == []
