"""No number of the policy and no line of a list changes in silence: what is served is what two people confirmed in public."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from market import clock, policy
from market.actor import Actor
from market.db import many
from market.refusals import Refused
from market.rulings import actions, readers, rules, texts
from market.rulings.tables import Ruling
from market.settings import InTheWay
from tests import given
from tests.market.rulings.test_rulings import HOLDS, PAPER, UNTIL, codes
from tests.processes import free_port, run

TODAY = given.TODAY
DAY = timedelta(days=1)
WHY = "The thresholds of the regulations of this year are laid beside the program, as the law asks from the first of January on."
DEPLOY = timedelta(days=policy.IN_FORCE.rulings.deploy_days)


def version(digest: str, since: datetime) -> rules.Version:
    return rules.Version("policy", digest, since)


OLDER, OLD, NEW = version("aaaa", TODAY - 90 * DAY), version("bbbb", TODAY - 60 * DAY), version("cccc", TODAY)


@pytest.mark.parametrize(
    ("registered", "digest", "now", "served"),
    [
        ([], "aaaa", TODAY, False),
        ([OLDER], "aaaa", TODAY + 900 * DAY, True),
        ([OLDER], "dddd", TODAY, False),
        ([OLDER, OLD, NEW], "cccc", TODAY, True),
        ([OLDER, OLD, NEW], "bbbb", TODAY + DEPLOY, True),
        ([OLDER, OLD, NEW], "bbbb", TODAY + DEPLOY + DAY, False),
        ([OLDER, OLD, NEW], "aaaa", TODAY, False),
    ],
)
def test_the_version_in_force_is_served_and_for_some_days_the_one_before_it(
    registered: list[rules.Version], digest: str, now: datetime, served: bool
) -> None:
    why_not = rules.may_be_served(rules.Serving(registered, digest, now))
    assert (why_not is None) == served
    assert why_not is None or why_not.code == "ruling.text-not-registered"


def test_a_text_is_the_same_however_it_was_pasted() -> None:
    assert texts.digest("a: 1\r\nb: 2") == texts.digest("a: 1\nb: 2\n\n")
    assert texts.digest("a: 1\n") != texts.digest("a: 2\n")


def test_what_a_version_changes_is_named_entry_by_entry() -> None:
    before = texts.beside_the_program()
    raised = before["policy"].replace("value: 5\n    unit: working days", "value: 1\n    unit: working days")
    (change,) = [each for each in texts.changes("policy", before["policy"], raised) if each.name.startswith("rulings.")]
    assert (change.name, change.before, change.after) == (
        "rulings.wait_working_days",
        "5 working days",
        "1 working days",
    )
    assert "Own default" in change.source
    more = before["commodities"] + '  - {code: "72000000", why: "Software is software.", review: 2099-01-01}\n'
    found = {each.name: each.after for each in texts.changes("commodities", before["commodities"], more)}
    assert found["groups[72000000].why"] == "Software is software."
    assert set(found) == {f"groups[72000000].{each}" for each in ("code", "why", "review")}
    for each in rules.TEXTS:
        assert texts.entries(each, before[each])
        assert texts.changes(each, before[each], before[each]) == []


clean = pytest.mark.usefixtures("clean")


class Site:
    sam: Actor
    leila: Actor
    yusuf: Actor


async def site() -> Site:
    made, team = Site(), await given.organisation(kind="operator")
    made.sam, made.leila = await given.person(team, "operator"), await given.person(team, "operator")
    made.yusuf = await given.person(await given.organisation(kind="audit"), "auditor")
    return made


def raised() -> str:
    """The policy with another threshold for the rule than the one in force."""
    text = (policy.REFERENCE / "policy.yaml").read_text(encoding="utf-8")
    value = f"value: {policy.IN_FORCE.thresholds.central}\n"
    assert value in text
    return text.replace(value, "value: 999999999999\n", 1)


def draft(text: str, about: str = "policy") -> texts.TextDraft:
    return texts.TextDraft(about, text, WHY, PAPER)


async def why_not(about: str = "policy") -> str:
    return {each.about: each.why_not for each in await texts.states()}[about]


@clean
async def test_the_first_versions_are_registered_once_and_never_again() -> None:
    assert "No version of it is registered" in await why_not()
    with pytest.raises(InTheWay, match="may not be served: No version"):
        await texts.must_be_registered()
    assert await texts.register_first() == list(rules.TEXTS)
    await texts.must_be_registered()
    assert await texts.register_first() == []
    assert await Ruling.count() == len(rules.TEXTS)
    verbs = await many("SELECT verb, actor FROM event")
    assert {(each["verb"], each["actor"]) for each in verbs} == {("ruling.installed", "system")}


@clean
async def test_a_policy_edited_on_the_disk_is_not_served_until_two_people_and_a_week_let_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.at(TODAY):
        there = await site()
        await texts.register_first()
        edited = tmp_path / "policy.yaml"
        edited.write_text(raised(), encoding="utf-8")
        proposed = await texts.propose_text(there.sam, draft(raised()))
        monkeypatch.setenv("PRELUDE_POLICY", str(edited))
        with pytest.raises(InTheWay, match=r"policy.yaml may not be served: Its version .* is not one that two people"):
            await texts.must_be_registered()
        with pytest.raises(Refused) as refused:
            await actions.confirm(there.sam, proposed.ref)
        assert codes(refused) == ["ruling.same-person"]
        await actions.confirm(there.leila, proposed.ref)
        (change,) = await texts.changed_by(proposed.ref)
        assert change.name == "thresholds.central"
        assert change.after == "£9,999,999,999.99"
        assert await texts.text_of(proposed.ref) == raised()
    with clock.at(UNTIL):
        assert "is not one that two people confirmed" in await why_not()
    with clock.at(HOLDS):
        await texts.must_be_registered()
        monkeypatch.delenv("PRELUDE_POLICY")
        await texts.must_be_registered()
    with clock.at(HOLDS + DEPLOY + DAY):
        assert "A newer version has been in force since" in await why_not(), "nor is the old one for ever"


@clean
async def test_an_auditor_stops_another_threshold_and_it_is_never_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.at(TODAY):
        there = await site()
        await texts.register_first()
        proposed = await texts.propose_text(there.sam, draft(raised()))
        await actions.confirm(there.yusuf, proposed.ref)
        await actions.object_to(there.yusuf, proposed.ref, actions.Reason("No regulation says ten billion pounds."))
        edited = tmp_path / "policy.yaml"
        edited.write_text(raised(), encoding="utf-8")
        monkeypatch.setenv("PRELUDE_POLICY", str(edited))
    with clock.at(HOLDS + 365 * DAY):
        assert "is not one that two people confirmed" in await why_not()


@clean
async def test_what_cannot_be_read_or_changes_nothing_is_no_version() -> None:
    there = await site()
    text = texts.beside_the_program()["policy"]
    with pytest.raises(Refused) as refused:
        await texts.propose_text(there.sam, draft(raised()))
    assert codes(refused) == ["ruling.nothing-registered"]
    await texts.register_first()
    for wrong in ("", "gate: [", "gate: {days: 3}", "gate: {days: {value: 3}}", "just words"):
        with pytest.raises(Refused) as refused:
            await texts.propose_text(there.sam, draft(wrong))
        assert codes(refused) == ["ruling.text-unreadable"], wrong
    with pytest.raises(Refused) as refused:
        await texts.propose_text(there.sam, draft(text))
    assert codes(refused) == ["ruling.changes-nothing"]
    with pytest.raises(Refused) as refused:
        await texts.propose_text(there.sam, draft(text, "people"))
    assert codes(refused) == ["ruling.no-such-text"]
    more = text + 'sandboxes:\n  most: {value: 3, unit: sandboxes, source: "Own default", says: At most this many.}\n'
    proposed = await texts.propose_text(there.sam, draft(more))
    (change,) = await texts.changed_by(proposed.ref)
    assert change.name == "sandboxes.most", "a version to come may know more than this one"


@clean
async def test_the_numbers_that_change_stand_on_the_page_and_in_the_api(app: Litestar) -> None:
    there = await site()
    await texts.register_first()
    async with given.browser(app) as client:
        await given.signed_in(client, there.sam)
        assert "wait_working_days" in (await client.get("/rulings/text")).text
        said = {"about": "policy", "text": raised().replace("\n", "\r\n"), "ground": WHY, "instrument": PAPER}
        made = await client.post("/rulings/text", data=said)
        assert made.status_code == 303
        place = made.headers["location"]
    async with given.browser(app) as client:
        page = (await client.get(place)).text
        assert "thresholds.central" in page
        assert "£9,999,999,999.99" in page
        assert (await client.get(f"{place}/text")).text == raised()
        read = (await client.get(f"/api/v1{place}", headers={"accept": "application/json"})).json()
        assert [each["name"] for each in read["changes"]] == ["thresholds.central"]
        assert "Numbers of the policy" in (await client.get("/rulings")).text
    assert (await readers.one(place.rpartition("/")[2])).before == texts.digest(texts.beside_the_program()["policy"])


@pytest.mark.slow
def test_a_server_and_a_worker_do_not_begin_with_another_policy_than_the_one_in_force(tmp_path: Path) -> None:
    var, edited = tmp_path / "var", tmp_path / "policy.yaml"
    edited.write_text(raised(), encoding="utf-8")
    migrated = run("migrate", var=var)
    assert migrated.returncode == 0, migrated.stderr
    assert "policy.yaml registered as its first version" in migrated.stdout
    assert run("policy", var=var).stdout.count("in force") == len(rules.TEXTS)
    for command in (("serve", "--port", str(free_port())), ("worker",)):
        done = run(*command, var=var, PRELUDE_POLICY=str(edited))
        assert done.returncode == 2
        assert "may not be served" in done.stderr
    told = run("policy", var=var, PRELUDE_POLICY=os.fspath(edited))
    assert told.returncode == 1
    assert "is not one that two people confirmed" in told.stdout
    assert run("migrate", var=var, PRELUDE_POLICY=str(edited)).returncode == 0
    assert run("policy", var=var, PRELUDE_POLICY=str(edited)).returncode == 1, "migrating again registers nothing"
