"""The approved methods are complete, and say what is paid and why they are lawful."""

from __future__ import annotations

import pytest
from litestar import Litestar

from challenges.methods import Method, approved, method, methods
from tests import given


def test_the_five_approved_methods_are_on_the_list() -> None:
    assert [each.code for each in methods()] == [
        *("open-challenge", "accelerator", "competitive-dialogue", "innovation-partnership", "market-engagement")
    ]


@pytest.mark.parametrize("each", methods(), ids=lambda each: each.name)
def test_every_method_says_what_a_buyer_has_to_know(each: Method) -> None:
    assert each.legal_basis
    assert all(basis.law and basis.section and basis.says.endswith(".") for basis in each.legal_basis)
    assert all(text.endswith(".") for text in (each.summary, each.when, each.not_when, each.paid))
    assert len({stage.code for stage in each.stages}) == len(each.stages)
    assert all(0 < stage.weeks[0] <= stage.weeks[1] for stage in each.stages)
    assert each.stages[-1].code == "conclusion"


@pytest.mark.parametrize("each", methods(), ids=lambda each: each.name)
def test_no_method_lets_suppliers_work_for_nothing_to_the_end(each: Method) -> None:
    assert each.paid_stages


def test_an_open_challenge_pays_a_fee_for_the_pitch() -> None:
    assert [(stage.code, stage.pay) for stage in method("open-challenge").paid_stages] == [("pitch", "fee")]
    assert method("open-challenge").weeks == (5, 11)


def test_a_method_nobody_approved_is_refused() -> None:
    assert not approved("beauty-contest")
    with pytest.raises(KeyError):
        method("beauty-contest")


async def test_anybody_compares_the_methods_and_reads_the_stages_of_one(app: Litestar) -> None:
    async with given.browser(app) as client:
        listed = (await client.get("/methods")).text
        assert all(f'href="/methods/{each.code}"' in listed for each in methods())
        page = (await client.get("/methods/accelerator")).text
        for stage in method("accelerator").stages:
            assert stage.name in page
        assert "Procurement Act 2023, Schedule 2" in page
        assert (await client.get("/methods/raffle")).status_code == 404
        told = (await client.get("/api/v1/methods")).json()["items"]
        assert [each["code"] for each in told] == [each.code for each in methods()]
        one = (await client.get("/api/v1/methods/open-challenge")).json()
        assert one["counts"] is True
        assert [each["pay"] for each in one["stages"]] == ["nothing", "nothing", "fee", "nothing"]
        assert (await client.get("/api/v1/methods/raffle")).status_code == 404
