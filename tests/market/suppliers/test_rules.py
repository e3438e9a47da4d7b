"""The rules of registering and of profiles, on plain facts."""

import pytest

from market.accounts.tables import Organisation
from market.refusals import refusals
from market.suppliers import rules
from tests import given


@pytest.mark.parametrize(
    ("firm", "codes"),
    [
        (rules.Firm("GB", "GB-COH", "8407369", ["72000000"]), []),
        (rules.Firm("GB", "", "", []), []),
        (rules.Firm("IE", "XI-LEI", "213800KUD8LAJWSQ9D15", []), []),
        (rules.Firm("GB", "GB-COH", " ", []), ["supplier.number-missing"]),
        (rules.Firm("GB", "", "08407369", []), ["supplier.register-missing"]),
        (rules.Firm("FR", "GB-COH", "08407369", []), ["supplier.register-of-another-country"]),
        (rules.Firm("GB", "GB-XYZ", "1", []), ["supplier.register-of-another-country", "supplier.number-not-valid"]),
        (rules.Firm("FR", "FR-RCS", "552008444", []), ["supplier.number-not-valid"]),
        (rules.Firm("GB", "", "", ["72000000", "seventy-two"]), ["supplier.cpv-not-valid"]),
        (rules.Firm("GB", "", "", ["72000000-5"]), []),
    ],
)
def test_a_firm_registers_with_a_number_that_can_be_right_or_with_none(firm: rules.Firm, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.REGISTER, firm)] == codes


@pytest.mark.parametrize(("cpv", "codes"), [([], []), (["72000000"], []), (["x"], ["supplier.profile-cpv-not-valid"])])
def test_a_profile_has_codes_that_look_like_codes(cpv: list[str], codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.UPDATE, cpv)] == codes


@pytest.mark.parametrize(
    ("facts", "small", "law"),
    [
        ({"employees": 14, "turnover_minor": 118_400_000, "currency": "GBP"}, True, "Procurement Act 2023"),
        ({"employees": 400, "turnover_minor": 118_400_000, "currency": "GBP"}, False, "Procurement Act 2023"),
        ({"employees": 14, "currency": "GBP"}, None, "Procurement Act 2023"),
        ({"employees": 14, "turnover_minor": 118_400_000, "currency": "EUR"}, True, "2003/361/EC"),
    ],
)
def test_whether_a_firm_is_small_follows_from_its_figures(
    facts: dict[str, object], small: bool | None, law: str
) -> None:
    verdict = rules.size_of(given.row(Organisation, **facts))
    assert verdict.small is small
    assert law in verdict.source


def test_codes_are_kept_plain_and_once() -> None:
    assert rules.plain_cpv([" 72000000-5", "72000000", "", "71700000"]) == ["72000000", "71700000"]
