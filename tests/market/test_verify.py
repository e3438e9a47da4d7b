"""The checks in the terminal: a waiver's file, a receipt, a copy of the log, and the log in the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from market import clock
from market.actor import SYSTEM
from market.audit import proofs
from market.audit.actions import record
from market.bids import actions as bids
from market.bids.tables import Opening
from market.db import find
from market.proof import canonical, chain, confirming, sealing, verify
from market.waivers import actions
from tests import given, given_tenders

pytestmark = pytest.mark.usefixtures("clean")

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "market", "verify", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


async def bundle(folder: Path) -> tuple[Path, str]:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    request = actions.WaiverRequest(
        "urgency",
        "The river rose above the wall in March and will again in the autumn; nobody could foresee the second slide.",
        ["Report of the engineer, 4 June"],
        "One autumn of floods.",
        (clock.now() + timedelta(days=100)).date(),
    )
    waiver = await actions.ask(made.officers[0], made.ref, request)
    options = await actions.begin_signing(minister, waiver.ref)
    waiver = await actions.sign(minister, waiver.ref, json.dumps(device.sign(options)))
    checked = await actions.check(waiver)
    assert checked is not None
    file = folder / "waiver.json"
    file.write_text(await actions.signed_file(waiver))
    return file, checked.fingerprint


async def test_a_waivers_file_is_checked_without_a_database(tmp_path: Path) -> None:
    file, fingerprint = await bundle(tmp_path)
    good = command("waiver", str(file), "--fingerprint", fingerprint, DATABASE_URL="postgresql://nowhere.invalid/none")
    assert good.returncode == 0, good.stderr
    assert "Helena Marchbanks, Minister for Places" in good.stdout
    assert "BROKEN" not in good.stdout
    file.write_text(file.read_text().replace("One autumn", "Two autumn"))
    bad = command("waiver", str(file))
    assert bad.returncode == 1
    assert "The document was altered" in bad.stdout
    assert "The signature does not hold." in bad.stdout


async def test_a_waivers_file_with_anothers_key_or_address_or_no_file_at_all(tmp_path: Path) -> None:
    file, _ = await bundle(tmp_path)
    lines, code = verify.waiver(file, fingerprint="0" * 64)
    assert code == 1
    assert any("not the one you gave the fingerprint of" in each for each in lines)
    assert verify.waiver(file, origin="https://elsewhere.example")[1] == 1
    assert verify.waiver(tmp_path / "none.json")[1] == 1


async def kept_log(folder: Path) -> tuple[Path, Path]:
    for number in range(3):
        await record(SYSTEM, "mission.drafted", f"mission:M-{number}", {"number": number})
    head = await proofs.head()
    assert head is not None
    await record(SYSTEM, "mission.drafted", "mission:M-SEALED", sealed_by="publication:mission:M-SEALED")
    log, heads = folder / "log.jsonl", folder / "heads.jsonl"
    log.write_bytes(b"".join([lines async for lines in proofs.public_log()]))
    heads.write_text(json.dumps(head.to_plain()) + "\n")
    return log, heads


async def test_a_copy_of_the_log_is_recomputed_through_its_heads(tmp_path: Path) -> None:
    log, heads = await kept_log(tmp_path)
    key = proofs.public_key().hex()
    lines, code = verify.log(log, heads=heads, key=key)
    assert code == 0
    assert "holds   4 events, each linked to the one before." in lines
    assert any("1 events are sealed" in each for each in lines)
    assert verify.log(log, heads=heads)[1] == 0
    assert verify.log(log, heads=heads, key="00" * 32)[1] == 1
    assert verify.log(log, heads=heads, key="no")[1] == 1
    assert verify.log(tmp_path / "none.jsonl")[1] == 2
    assert command("log", str(log)).returncode == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0], *lines[2:]], "Event 2 is missing"),
        (lambda lines: lines[:2], "a signed head shows that it reached event 3"),
        (lambda lines: [*lines[:1], lines[1].replace(b"M-1", b"M-9"), *lines[2:]], "Event 2, or its hash"),
        (lambda lines: [b"not an event", *lines[1:]], "line 1 is not an event"),
    ],
)
async def test_the_first_broken_link_of_a_copy_is_named(tmp_path: Path, change: object, words: str) -> None:
    log, heads = await kept_log(tmp_path)
    log.write_bytes(b"\n".join(change(log.read_bytes().splitlines())) + b"\n")  # type: ignore[operator]
    lines, code = verify.log(log, heads=heads)
    assert code == 1
    assert any(words in each for each in lines)


async def test_the_log_in_the_database_is_recomputed(tmp_path: Path) -> None:
    _, heads = await kept_log(tmp_path)
    good = command("log", "--heads", str(heads))
    assert good.returncode == 0, good.stderr
    assert "It passes through 1 signed heads." in good.stdout
    strange = chain.sign_head(proofs.head_key(), 2, "0" * 64, clock.now())
    heads.write_text(json.dumps(strange.to_plain()))
    assert command("log", "--heads", str(heads)).returncode == 1


async def test_a_receipt_is_checked_from_its_file_against_the_register_and_the_log(tmp_path: Path) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    ref, lot = there.tender.ref, there.lots[0].ref
    replaced = await bids.submit(firm, ref, lot, there.bid(6_000_000))
    kept = await bids.submit(firm, ref, lot, there.bid(5_000_000))
    await given_tenders.opened(there)
    opening = await find(Opening, Opening.tender == there.tender.id)
    register, events, good, other = (
        tmp_path / name for name in ("register.json", "events.jsonl", "good.json", "other.json")
    )
    register.write_text(opening.register)
    events.write_bytes(b"".join([part async for part in proofs.public_log()]))
    good.write_bytes(canonical.encode(kept.receipt.to_plain()))
    other.write_bytes(canonical.encode(replaced.receipt.to_plain()))
    said = command(
        "receipt",
        str(good),
        "--register",
        str(register),
        "--log",
        str(events),
        DATABASE_URL="postgresql://nowhere/none",
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.count("holds ") == 3
    assert ref in said.stdout
    assert verify.receipt(other)[1] == 0
    lines, code = verify.receipt(other, register=register, events=events)
    assert (code, [line[:6].strip() for line in lines[:3]]) == (1, ["holds", "BROKEN", "holds"])
    altered = json.loads(good.read_text()) | {"received_at": "2026-01-01T00:00:00.000000Z"}
    good.write_text(json.dumps(altered))
    assert verify.receipt(good) == (["BROKEN  The receipt was altered: its digest does not cover what it says."], 1)
    register.write_text("[]")
    assert "only if it was withdrawn" in verify.receipt(other, register=register)[0][1]
    register.write_text('{"a": 1}')
    for file, beside, code in ((tmp_path / "none", None, 2), (register, None, 1), (other, register, 1)):
        assert verify.receipt(file, register=beside)[1] == code


def test_the_receipt_of_a_confirmation_is_checked_as_a_bids_is(tmp_path: Path) -> None:
    place = sealing.Context("T-1", "L-1", "O-1")
    word = confirming.confirmation(place, "ab" * 32, "AD-1", given.TODAY)
    assert confirming.Confirmation.from_plain(word.to_plain()) == word
    file, register, events = (tmp_path / name for name in ("word.json", "register.json", "events.jsonl"))
    file.write_bytes(canonical.encode(word.to_plain()))
    entry = {"envelope_sha256": "ab" * 32, "lot": "L-1", "supplier": "O-1"}
    rows = []
    after = (0, chain.GENESIS)
    for verb in ("bid.sealed", "bid.confirmed"):
        body: dict[str, canonical.Plain] = {"receipt": word.digest if verb == "bid.confirmed" else "cd" * 32}
        row = chain.append(after, given.TODAY, "P-1", "", verb, "bid:B-1", [], body, None)
        rows.append(chain.to_line(row, body=True))
        after = (row.seq, row.hash)
    for said, log, held in (
        ([entry], rows, 0),
        ([{**entry, "unconfirmed": "AD-2"}], rows, 0),
        ([{**entry, "unconfirmed": "AD-1"}], rows, 1),
        ([{**entry, "envelope_sha256": "00" * 32}], rows, 1),
        ([], rows, 1),
        ([entry], rows[:1], 1),
    ):
        register.write_bytes(canonical.encode(said))  # type: ignore[arg-type]
        events.write_bytes(b"\n".join(log) + b"\n")
        lines, code = verify.receipt(file, register=register, events=events)
        assert code == held, (said, lines)
        assert "confirmed after the change AD-1" in lines[-2]
    for changed in ({"addendum": "AD-2"}, {"confirmed_at": "2026-01-01T00:00:00.000000Z"}, {"more": 1}, {"digest": 7}):
        file.write_text(json.dumps({**word.to_plain(), **changed}))
        (line,), code = verify.receipt(file)
        assert (line[:6], code) == ("BROKEN", 1)
