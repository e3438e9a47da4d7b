"""What an address shows: whose domain it is in, whether one person reads it, and look-alikes judged right."""

import pytest

from market import mailboxes


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("maya@ministry.gov.uk", False),
        ("MAYA@MINISTRY.GOV.UK", False),
        ("maya@ministry.gov.uk.", False),
        ("maya@mail.ministry.gov.uk", False),
        ("maya@ministry.gov.uk.evil.example", True),
        ("maya@evilministry.gov.uk", True),
        ("maya@evil-ministry.gov.uk", True),
        ("maya@gov.uk", True),
        ("maya@ministry.gov", True),
        ("ministry.gov.uk@evil.example", True),
        ("maya@ministry.gov.uk@evil.example", True),
        ("maya@mınistry.gov.uk", True),
        ("maya@ｍinistry.gov.uk", True),
        ("maya@xn--mnistry-5jf.gov.uk", True),
        ("maya@school.ministry.gov.uk", True),
        ("maya@pupils.school.ministry.gov.uk", True),
        ("maya@preschool.ministry.gov.uk", False),
        ("maya", True),
        ("", True),
    ],
)
def test_an_address_is_inside_a_domain_below_it_and_nowhere_that_only_looks_like_it(
    address: str, outside: bool
) -> None:
    assert mailboxes.is_outside(address, ["ministry.gov.uk"], ["school.ministry.gov.uk"]) == outside


def test_a_body_without_a_domain_has_nobody_inside_and_the_nearest_domain_decides() -> None:
    assert mailboxes.is_outside("maya@town.example", [], [])
    assert mailboxes.is_outside("maya@town.example", [], ["town.example"])
    assert not mailboxes.is_outside("maya@school.town.example", ["school.town.example"], ["town.example"])
    assert not mailboxes.is_outside("maya@town.example", ["town.example"], ["town.example"]), "two bodies share one"


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("info@town.example", True),
        ("Procurement@town.example", True),
        ("procurement-team@town.example", True),
        ("the.tenders.office2@town.example", True),
        ("no-reply@town.example", True),
        ("noreply+maya@town.example", True),
        ("maya@town.example", False),
        ("maya.office@town.example", False),
        ("m.tenders@town.example", False),
        ("12@town.example", False),
        ("infomaya@town.example", False),
        ("maya@info.example", False),
    ],
)
def test_a_shared_mailbox_is_one_whose_name_is_made_of_the_lists_words_alone(address: str, shared: bool) -> None:
    assert mailboxes.is_shared(address) == shared


def test_what_stands_behind_a_plus_sign_is_the_same_mailbox() -> None:
    assert mailboxes.mailbox_of("Maya+second@town.example") == mailboxes.mailbox_of("maya@town.example.")
    assert mailboxes.mailbox_of("maya@town.example") != mailboxes.mailbox_of("maya2@town.example")


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("@Town.Example", True),
        ("town.example.", True),
        ("town", False),
        ("-town.example", False),
        ("to wn.example", False),
        ("töwn.example", False),
        ("town..example", False),
        ("https://town.example", False),
        ("a" * 64 + ".example", False),
        ("*.town.example", False),
    ],
)
def test_a_domain_is_a_host_name_in_ascii_with_a_dot(typed: str, host: bool) -> None:
    assert mailboxes.is_host(mailboxes.plain_domain(typed)) == host


def test_endings_under_which_others_register_and_names_in_another_script_are_told() -> None:
    assert mailboxes.is_nobodys("gov.uk")
    assert mailboxes.is_nobodys("gmail.com")
    assert not mailboxes.is_nobodys("town.gov.uk")
    assert mailboxes.is_another_script("xn--tnder-7ya.example")
    assert not mailboxes.is_another_script("town.example")
