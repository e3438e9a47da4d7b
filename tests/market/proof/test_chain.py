"""The chain: whatever is changed, removed, inserted or moved is found, at the first place, and called by its name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from market.proof import canonical, chain
from market.proof.chain import Row, Why, Withheld

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


def log(length: int, *, label: str = "T") -> list[Row]:
    """A log of `length` events; every third has private facts."""
    rows: list[Row] = []
    after = (0, chain.GENESIS)
    for number in range(1, length + 1):
        private = {"email": f"person{number}@example.org"} if number % 3 == 0 else None
        at = START + timedelta(minutes=number)
        about = [f"tender:{label}-{number}", "lot:L-1"]
        row = chain.append(
            after, at, "P-1", "O-1", "tender.published", f"tender:{label}-{number}", about, {"n": number}, private
        )
        rows.append(row)
        after = (row.seq, row.hash)
    return rows


def test_a_whole_log_holds_and_the_report_says_how_much_was_seen() -> None:
    rows = log(7)
    report = chain.verify(iter(rows))
    assert report.holds
    assert (report.events, report.seq, report.hash) == (7, 7, rows[-1].hash)
    assert (report.bodies_withheld, report.events_withheld) == (0, 0)


def test_an_empty_log_holds_unless_a_head_says_there_was_more() -> None:
    assert chain.verify([]).holds
    head = chain.sign_head(KEY, 3, log(3)[-1].hash, START)
    broken = chain.verify([], heads=[head]).broken
    assert broken is not None
    assert (broken.seq, broken.why) == (1, Why.TRUNCATED)


ALTERED: dict[str, tuple[dict[str, Any], Why]] = {
    "body": ({"body": '{"n":40}'}, Why.BODY),
    "body and its digest": ({"body": '{"n":40}', "body_digest": chain.body_digest('{"n":40}')}, Why.HEADER),
    "body where no digest is stored": ({"body": '{"n":40}', "body_digest": None}, Why.HEADER),
    "digest": ({"body_digest": "0" * 64}, Why.BODY),
    "digest of a withheld body": ({"body": None, "body_digest": "0" * 64}, Why.HEADER),
    "moment": ({"at": START}, Why.HEADER),
    "actor": ({"actor": "P-2"}, Why.HEADER),
    "organisation": ({"organisation": ""}, Why.HEADER),
    "verb": ({"verb": "tender.withdrawn"}, Why.HEADER),
    "subject": ({"subject": "tender:T-9"}, Why.HEADER),
    "what it is about": ({"about": ()}, Why.HEADER),
    "hash": ({"hash": "0" * 64}, Why.HEADER),
    "private body": ({"private_body": '{"email":"x","salt":"0"}'}, Why.PRIVATE),
}


@pytest.mark.parametrize("what", ALTERED)
def test_any_altered_part_is_found_where_it_was_altered(what: str) -> None:
    rows = log(9)
    changes, why = ALTERED[what]
    rows[5] = rows[5]._replace(**changes)
    broken = chain.verify(rows).broken
    assert broken is not None
    assert (broken.seq, broken.why) == (6, why)
    assert "6" in broken.words


@given(st.integers(2, 12), st.data())
def test_removing_any_event_but_the_last_is_a_missing_sequence(length: int, data: st.DataObject) -> None:
    rows = log(length)
    gone = data.draw(st.integers(0, length - 2))
    del rows[gone]
    broken = chain.verify(rows).broken
    assert broken is not None
    assert (broken.seq, broken.why) == (gone + 1, Why.MISSING)


@given(st.integers(2, 12), st.data())
def test_removing_and_renumbering_is_found_too(length: int, data: st.DataObject) -> None:
    rows = log(length)
    gone = data.draw(st.integers(0, length - 2))
    del rows[gone]
    rows = [row._replace(seq=number) for number, row in enumerate(rows, 1)]
    broken = chain.verify(rows).broken
    assert broken is not None
    assert (broken.seq, broken.why) == (gone + 1, Why.HEADER)


def test_an_event_that_stands_twice_or_too_late_is_re_ordered() -> None:
    rows = log(5)
    for given_rows, seq in (([*rows[:3], rows[1], *rows[3:]], 2), ([*rows[:2], rows[1], *rows[2:]], 2)):
        broken = chain.verify(given_rows).broken
        assert broken is not None
        assert (broken.seq, broken.why) == (seq, Why.ORDER)


@given(st.permutations(range(6)))
def test_no_other_order_than_the_recorded_one_holds(order: list[int]) -> None:
    rows = log(6)
    assert chain.verify([rows[at] for at in order]).holds == (order == sorted(order))


def test_a_cut_end_and_a_rewritten_log_are_found_by_a_head_kept_outside() -> None:
    rows, other = log(8), log(8, label="U")
    heads = [chain.sign_head(KEY, seq, rows[seq - 1].hash, START) for seq in (3, 7)]
    whole = chain.verify(rows, heads=heads)
    assert whole.holds
    assert whole.heads_met == 2

    assert chain.verify(rows[:6]).holds
    cut = chain.verify(rows[:6], heads=heads).broken
    assert cut is not None
    assert (cut.seq, cut.why) == (7, Why.TRUNCATED)

    assert chain.verify(other).holds
    rewritten = chain.verify(other, heads=heads).broken
    assert rewritten is not None
    assert (rewritten.seq, rewritten.why) == (3, Why.REWRITTEN)


def test_two_heads_that_disagree_prove_two_versions() -> None:
    rows, other = log(4), log(4, label="U")
    heads = [chain.sign_head(KEY, 4, each[3].hash, START) for each in (rows, other)]
    broken = chain.verify(rows, heads=heads).broken
    assert broken is not None
    assert broken.why == Why.REWRITTEN
    assert "two versions" in broken.words


def test_a_reader_goes_on_from_where_she_was() -> None:
    rows = log(9)
    head = chain.sign_head(KEY, 5, rows[4].hash, START)
    report = chain.verify(rows[5:], after=(5, rows[4].hash), heads=[head])
    assert report.holds
    assert (report.events, report.heads_met) == (4, 1)
    assert not chain.verify(rows[5:], after=(5, rows[3].hash)).holds
    assert chain.verify(rows[5:], after=(5, rows[3].hash), heads=[head]).broken == chain.Break(
        5, Why.REWRITTEN, "A signed head gives event 5 another hash."
    )


# ── what is withheld ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_public_form_verifies_without_bodies_and_without_sealed_events() -> None:
    rows = log(6)
    shown: list[Row | Withheld] = [*rows[:2], Withheld(3, rows[2].hash), *rows[3:]]
    lines = [chain.to_line(row, body=row.seq % 2 == 0) for row in shown]
    report = chain.verify(chain.from_lines(lines))
    assert report.holds
    assert (report.bodies_withheld, report.events_withheld) == (2, 1)


def test_a_sealed_event_shown_later_must_match_the_hash_shown_before() -> None:
    rows = log(4)
    assert chain.verify([rows[0], Withheld(2, rows[1].hash), rows[2]]).holds
    other = rows[1]._replace(hash="f" * 64)
    assert not chain.verify([rows[0], other, rows[2]]).holds
    forged = chain.verify([rows[0], Withheld(2, "f" * 64), rows[2]]).broken
    assert forged is not None
    assert (forged.seq, forged.why) == (3, Why.HEADER)


def test_an_event_to_be_sealed_gets_chance_even_without_private_facts() -> None:
    """Otherwise a reader could try moments and actors until one hashes to what is shown."""
    after = (0, chain.GENESIS)
    first, second = (chain.append(after, START, "P-1", "", "bid.submitted", "bid:B-1", [], {}, {}) for _ in range(2))
    assert first.hash != second.hash
    assert chain.verify([first]).holds


def test_private_facts_never_stand_in_the_public_form_and_are_salted() -> None:
    rows = log(3)
    row = rows[2]
    assert row.private_body is not None
    assert b"example.org" not in chain.to_line(row, body=True)
    assert chain.private_digest(row.private_body) in (row.body or "")
    first, second = chain.conceal({"score": 1}), chain.conceal({"score": 1})
    assert first[1] != second[1]
    assert len(json.loads(first[0])["salt"]) == 32
    assert chain.verify([*rows[:2], row._replace(private_body=None)]).holds


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"not json",
        b'{"seq":1}',
        b'{"hash":"00","seq":1}',
        b'{"hash":"' + b"A" * 64 + b'","seq":1}',
        b'{"hash":"' + b"0" * 64 + b'","seq":0}',
        b'{"hash":"' + b"0" * 64 + b'","seq":true}',
    ],
)
def test_a_line_that_is_no_event_is_named_by_its_number(line: bytes) -> None:
    lines = [chain.to_line(log(1)[0], body=True), line]
    with pytest.raises(chain.NotALog, match="line 2"):
        list(chain.from_lines(lines))


# ── the header's bytes ─────────────────────────────────────────────────────────────────────────────────────────────

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(words, words, words, words, st.lists(words, max_size=3), st.integers(1, canonical.EXACT), st.datetimes())
def test_the_header_is_the_canonical_json_of_its_facts(
    actor: str, organisation: str, verb: str, subject: str, about: list[str], seq: int, at: datetime
) -> None:
    at = at.replace(tzinfo=UTC)
    made = chain.header("a" * 64, seq, at, actor, organisation, verb, subject, about, "b" * 64)
    facts: dict[str, Any] = {
        "about": about,
        "actor": actor,
        "at": chain.moment(at),
        "body": "b" * 64,
        "organisation": organisation,
        "previous": "a" * 64,
        "seq": seq,
        "subject": subject,
        "verb": verb,
        "version": 1,
    }
    assert made == canonical.encode(facts)
    digest = sha256(b"prelude-event-v1\0" + made).hexdigest()
    assert chain.link("a" * 64, seq, at, actor, organisation, verb, subject, about, "b" * 64) == digest
    row = Row(seq, at, actor, organisation, verb, subject, about, digest, None, "b" * 64)
    assert chain.verify([row], after=(seq - 1, "a" * 64)).holds


def test_a_moment_is_the_same_in_every_zone_and_naive_ones_are_refused() -> None:
    paris = timezone(timedelta(hours=1))
    assert chain.moment(datetime(2026, 3, 1, 1, tzinfo=paris)) == "2026-03-01T00:00:00.000000Z"
    rows = log(2)
    assert chain.verify([row._replace(at=row.at.astimezone(paris)) for row in rows]).holds
    with pytest.raises(ValueError, match="zone"):
        chain.moment(datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize("bad", ["", "0" * 63, "G" * 64, "A" * 64])
def test_what_is_no_digest_cannot_be_linked(bad: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        chain.link(bad, 1, START, "P", "", "v", "s", [], "0" * 64)
    with pytest.raises(ValueError, match="hexadecimal"):
        chain.link("0" * 64, 1, START, "P", "", "v", "s", [], bad)
    with pytest.raises(ValueError, match="numbered"):
        chain.link("0" * 64, 0, START, "P", "", "v", "s", [], "0" * 64)


def test_reserved_names_cannot_be_smuggled_in() -> None:
    with pytest.raises(ValueError, match="salt"):
        chain.conceal({"salt": "mine"})
    with pytest.raises(ValueError, match="private_sha256"):
        chain.append((0, chain.GENESIS), START, "P", "", "v", "s", [], {"private_sha256": "x"}, {"a": 1})


# ── heads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_head_is_checked_with_the_public_key_alone() -> None:
    head = chain.sign_head(KEY, 4, log(4)[3].hash, START)
    chain.verify_head(KEY.public_key().public_bytes_raw(), head)
    assert chain.Head.from_plain(json.loads(json.dumps(head.to_plain()))) == head


@pytest.mark.parametrize(
    "change",
    [{"seq": 5}, {"hash": "0" * 64}, {"at": START + timedelta(seconds=1)}, {"signature": bytes(64)}, {"hash": "x"}],
)
def test_a_changed_head_is_refused(change: dict[str, Any]) -> None:
    head = replace(chain.sign_head(KEY, 4, log(4)[3].hash, START), **change)
    with pytest.raises(chain.HeadRefused):
        chain.verify_head(KEY.public_key(), head)


def test_another_key_is_refused() -> None:
    head = chain.sign_head(KEY, 1, chain.GENESIS, START)
    with pytest.raises(chain.HeadRefused):
        chain.verify_head(Ed25519PrivateKey.generate().public_key(), head)
    with pytest.raises(chain.HeadRefused):
        chain.verify_head(b"short", head)


@pytest.mark.parametrize("plain", [None, {}, [], {"version": 2}, {"version": 1, "seq": "1"}])
def test_what_is_no_head_is_refused(plain: Any) -> None:
    with pytest.raises(chain.NotALog):
        chain.Head.from_plain(plain)


def test_the_head_key_is_derived_the_same_every_time_and_not_from_little() -> None:
    first, second = chain.head_key("s" * 32), chain.head_key(b"s" * 32)
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert chain.head_key("t" * 32).private_bytes_raw() != first.private_bytes_raw()
    with pytest.raises(ValueError, match="32 bytes"):
        chain.head_key("short")
