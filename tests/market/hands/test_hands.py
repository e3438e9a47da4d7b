"""Two people are two people: every pair of the table in both orders, by one person, by a mailbox let in lately, by a third who
was let in by the same hand, and by a colleague; then the attacks, tried through the actions."""

import ast
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from market import clock, policy
from market.accounts import invitations
from market.accounts.sessions import actor_of
from market.accounts.tables import Organisation
from market.actor import PUBLIC, Actor, Role
from market.hands import matrix
from market.hands import rules as hands
from market.kinds import KINDS
from market.money import Money
from market.panels import actions as panels
from market.payments import actions as payments
from market.refusals import Refused
from market.rulebook import modules, rules_of
from market.settings import ROOT
from market.tenders.drafts import actions as drafting
from tests import given
from tests.market.panels.given_panels import of_challenge

DAYS = timedelta(days=policy.IN_FORCE.people.invited_days)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
ACTS = list(hands.ACTS)


def doing(act: str, person: str, before: str, *links: tuple[str, str]) -> hands.Doing:
    """`person` does `act` after A did `before`."""
    return hands.Doing(act, person, [hands.Hand(before, "A", "Maya")], [hands.Link(*each, UNTIL) for each in links])


@pytest.mark.parametrize(("one", "other"), list(product(ACTS, ACTS)))
def test_every_pair_is_refused_to_one_person_if_and_only_if_the_table_says_so(one: str, other: str) -> None:
    row = next((each for each in hands.PAIRS if (each.first, each.second) in ((one, other), (other, one))), None)
    refused = row is not None and one != other  # an act that meets itself is counted where its people are
    assert (hands.both(doing(one, "A", other)) is not None) == refused
    assert hands.both(doing(one, "B", other)) is None
    near = refused and row is not None and row.near
    for links in ([("A", "B")], [("B", "A")], [("C", "A"), ("C", "B")], [("A", "C"), ("C", "D"), ("D", "B")]):
        assert (hands.as_one(doing(one, "B", other, *links)) is not None) == near, links
    for links in ([], [("A", "C")], [("C", "D"), ("D", "B")]):
        assert hands.as_one(doing(one, "B", other, *links)) is None, links


def test_the_sentence_says_who_counts_as_one_until_when() -> None:
    said = hands.as_one(doing("release", "B", "accept", ("A", "B")))
    assert said is not None
    assert "Maya" in said
    assert "1 Jan 2027" in said


def test_a_chain_holds_as_long_as_its_weakest_link_and_the_longest_chain_counts() -> None:
    early, late = UNTIL, UNTIL + timedelta(days=9)
    chain = [hands.Link("A", "C", late), hands.Link("C", "B", early)]
    assert hands.one_until("A", "B", chain) == early
    assert hands.one_until("A", "B", [*chain, hands.Link("B", "A", late)]) == late
    assert hands.one_until("A", "D", chain) is None


@pytest.mark.parametrize(
    ("links", "count"),
    [
        ([], 3),
        ([("A", "B")], 2),
        ([("N", "A"), ("N", "B")], 2),
        ([("N", "A"), ("N", "B"), ("B", "C")], 1),
        ([("A", "B"), ("B", "A")], 2),
    ],
)
def test_pairs_of_hands_are_counted_over_those_who_let_people_in(links: list[tuple[str, str]], count: int) -> None:
    assert hands.pairs_of_hands("ABC", [hands.Link(*each, UNTIL) for each in links]) == count


def test_the_table_names_acts_rules_and_verbs_that_there_are() -> None:
    verbs = {verb for kind in KINDS.values() for verb in kind.deeds}
    codes = {each.code for module in modules() for each in rules_of(module)}
    assert {verb for act in hands.ACTS.values() for verb in act.verbs} <= verbs
    assert {pair.code for pair in hands.PAIRS} <= codes
    assert {act for pair in hands.PAIRS for act in (pair.first, pair.second)} <= set(ACTS)
    assert len({frozenset((pair.first, pair.second)) for pair in hands.PAIRS}) == len(hands.PAIRS)


def test_every_pair_is_attacked_by_name() -> None:
    """By a test that acts (on rows, not on the table alone) and is told the very code."""
    tried = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef):
                tried |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    assert {pair.code for pair in hands.PAIRS} - tried == set()


def test_a_route_needs_as_many_people_as_its_acts_keep_apart() -> None:
    assert matrix.least(["accept"]) == (1, 0)
    assert matrix.least(["release"]) == (1, 1)
    assert matrix.least(["accept", "release"]) == (2, 1)
    assert matrix.least(["draft", "mark", "mark", "accept", "release"]) == (3, 2)


# ── the attacks ────────────────────────────────────────────────────────────────────────────────────────────────────


async def joined(inviter: Actor, body: Organisation, role: Role, address: str) -> Actor:
    """Somebody whom the inviter asked in, and who accepted."""
    _, token = await invitations.invite(inviter, body.ref, given.invited(address, role))
    person = await invitations.accept(PUBLIC, token, invitations.Acceptance("", "three words that rhyme not"))
    return given.touched(await actor_of(person.id, "password"))


async def owed(by: Actor, body: Organisation) -> str:
    """What the body owes a firm for what this officer accepted."""
    firm = await given.supplier()
    obligation = await payments.owe(
        by,
        cause=f"milestone:{firm.ref}",
        payer=body.id,
        payee=firm.id,
        amount=Money(7_140_000, "GBP"),
        purpose="Sensors",
        about="contract:C-1",
        days=30,
    )
    return str(obligation.ref)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in refused.value.reasons]


@pytest.mark.usefixtures("clean")
async def test_who_accepted_cannot_let_somebody_in_to_release_the_money() -> None:
    with clock.at(given.TODAY):
        body = await given.organisation()
        await given.domain(body, "mail.example")
        maya = await given.also(await given.person(body, "buyer"), body, "finance-officer")
        colleague = await given.person(body, "finance-officer")
        ref = await owed(maya, body)
        second = await joined(maya, body, "finance-officer", "second@mail.example")
        with pytest.raises(Refused) as refused:
            await payments.release(second, ref)
        assert codes(refused) == ["payment.one-pair-of-hands"]
        with pytest.raises(Refused) as refused:
            await payments.release(maya, ref)
        assert codes(refused) == ["payment.same-person"]
        assert (await payments.release(colleague, ref)).state == "due"


@pytest.mark.usefixtures("clean")
async def test_two_mailboxes_let_in_by_the_same_person_are_not_two() -> None:
    with clock.at(given.TODAY):
        body = await given.organisation()
        await given.domain(body, "mail.example")
        maya = await given.also(await given.person(body, "buyer"), body, "finance-officer")
        one = await joined(maya, body, "buyer", "one@mail.example")
        other = await joined(maya, body, "finance-officer", "other@mail.example")
        ref = await owed(one, body)
        for who in (other, maya):
            with pytest.raises(Refused) as refused:
                await payments.release(who, ref)
            assert codes(refused) == ["payment.one-pair-of-hands"]
    with clock.at(given.TODAY + DAYS + timedelta(minutes=1)):
        assert (await payments.release(other, ref)).state == "due"


@pytest.mark.usefixtures("clean")
async def test_those_whom_an_operator_let_in_are_two_people() -> None:
    with clock.at(given.TODAY):
        body, team = await given.organisation(), await given.organisation(kind="operator")
        operator = await given.person(team, "operator")
        await given.domain(body, "council.example")
        one = await joined(operator, body, "buyer", "one@council.example")
        other = await joined(operator, body, "finance-officer", "other@council.example")
        assert (await payments.release(other, await owed(one, body))).state == "due"


@pytest.mark.usefixtures("clean")
async def test_who_names_the_officers_cannot_hold_all_codes_by_people_she_let_in() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await given.domain(made.buyer, "mail.example")
        maya, colleague = made.officers
        for officer in made.officers:
            await drafting.drop_officer(maya, made.ref, officer.ref)
        mailboxes = [await joined(maya, made.buyer, "buyer", f"box{n}@mail.example") for n in (1, 2)]
        for box in mailboxes:
            await drafting.name_officer(maya, made.ref, box.ref)
            await drafting.enrol(box, made.ref)
        with pytest.raises(Refused) as refused:
            await made.publish()
        assert codes(refused) == ["tender.officers-one-hand"]
        await drafting.drop_officer(maya, made.ref, mailboxes[1].ref)
        await drafting.name_officer(maya, made.ref, maya.ref)
        await drafting.enrol(maya, made.ref)
        with pytest.raises(Refused) as refused:
            await made.publish()
        assert codes(refused) == ["tender.officers-one-hand"]
        await drafting.name_officer(maya, made.ref, colleague.ref)
        await drafting.enrol(colleague, made.ref)
        assert (await made.publish()).published_at is not None


@pytest.mark.usefixtures("clean")
async def test_who_wrote_it_does_not_mark_it() -> None:
    case = await of_challenge()
    with clock.at(case.at), pytest.raises(Refused) as refused:
        await panels.name(case.officer, case.convene, panels.Naming(case.officer.ref, "There is much to read."))
    assert codes(refused) == ["panel.drafted-it"]
