"""The commands: `python -m market --help` lists them, one line each."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C while the modules are read ends it without a word

import argparse
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from market.settings import InTheWay, settings

Arguments = argparse.Namespace


def _run(
    work: Callable[[Arguments], Coroutine[Any, Any, int]], size: int = 4, *, migrated: bool = True
) -> Callable[[Arguments], int]:
    """A command that needs the database, and unless it makes them the tables of this version: open a pool of `size`
    connections, do it, close."""

    def command(arguments: Arguments) -> int:
        async def inside() -> int:
            from market import clock, db, migrations

            if settings().demo:
                clock.follow(settings().var / "clock")
            await (migrations.must_be_applied() if migrated else db.must_answer())
            async with db.pool(size):
                return await work(arguments)

        import uvloop

        return uvloop.run(inside())

    return command


def serve(arguments: Arguments) -> int:
    """Serve the site; in demo mode the worker too."""
    from market import serving

    return serving.serve(arguments)


def work(arguments: Arguments) -> int:
    """Run the jobs: letters, payments, search."""
    from market import worker

    if arguments.once:
        return _run(_work_once)(arguments)
    import uvloop

    uvloop.run(worker.main())
    return 0


async def _work_once(arguments: Arguments) -> int:
    from market import worker

    for name, did in (await worker.once()).items():
        print(f"{name}: {did}")
    return 0


async def migrate(arguments: Arguments) -> int:
    """Bring the database to the tables this version expects, or only say what differs from them."""
    from market import migrations
    from market.rulings import texts
    from market.standards.profiles.actions import ensure_profiles

    if arguments.check:
        lines = await migrations.check()
        print("\n".join(lines) or "The tables in the code, the migrations and the database agree.")
        return 1 if lines else 0
    done = await migrations.migrate()
    print("\n".join(f"{name} applied" for name in done) or "The database is up to date.")
    await ensure_profiles()
    for about in await texts.register_first():
        print(f"{texts.files()[about].name} registered as its first version")
    return 0


async def policy(arguments: Arguments) -> int:
    """Say of the policy file and the lists whether they are the versions in force."""
    from market.rulings import texts

    found = await texts.states()
    for each in found:
        print(f"{each.file}  {each.digest[:12]}  {each.why_not or 'in force'}")
    return 1 if any(each.why_not for each in found) else 0


def demo(arguments: Arguments) -> int:
    """Play the demo story once, build the index, and serve it."""
    from market import serving

    return serving.demo(arguments, _run(_tell, size=1, migrated=False))


async def _tell(arguments: Arguments) -> int:
    from market.seed import telling

    await telling.tell()
    return 0


async def operator(arguments: Arguments) -> int:
    """Begin a new site: its first two operators, and the link of each to her account."""
    from market.accounts import memberships
    from market.refusals import Refused

    given = [arguments.name, arguments.email, *arguments.second]
    if len(given) % 2:
        print("Refused: name the second operator with her address, or leave both out.", file=sys.stderr)
        return 2
    people = list(zip(given[::2], given[1::2], strict=True))
    try:
        tokens = await memberships.found_site(people, arguments.organisation)
    except Refused as refused:
        print(f"Refused: {refused}", file=sys.stderr)
        return 1
    print("Each opens her own link once, within two weeks, and chooses a password:")
    for (name, _email), token in zip(people, tokens, strict=True):
        print(f"{name}: {settings().site_url}/invitations/{token}")
    return 0


async def reindex(arguments: Arguments) -> int:
    """Build the search index anew while the old one serves."""
    from search import outbox

    count = await outbox.reindex(only_if_needed=arguments.if_needed)
    print("The index is whole." if count < 0 else f"{count} documents")
    await outbox.index().close()
    return 0


async def search_check(arguments: Arguments) -> int:
    """Compare the search index with the database."""
    from search import outbox

    found = await outbox.check()
    await outbox.index().close()
    for name, ids in (("missing", found.missing), ("stale", found.stale), ("surplus", found.surplus)):
        for each in ids:
            print(f"{name}: {each}")
    print("They differ." if found else "They agree.")
    return 1 if found else 0


async def republish(arguments: Arguments) -> int:
    """Publish all open data anew from the log; name every release whose bytes are not what they were."""
    from market.opendata import actions

    count, differing = await actions.republish()
    print(f"{count} releases; {len(differing)} differ from what was published before.")
    for key in differing:
        print(f"  {key}")
    return 0


async def open_data_files(arguments: Arguments) -> int:
    """Make the yearly files of open data that are out of date."""
    from market.opendata import files

    # Ctrl+C ends it at once: a thread is writing, and the next run removes what is half made.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    print(f"{await files.make()} files in {files.folder()}")
    return 0


async def bring_in(arguments: Arguments) -> int:
    """Import notices of other portals from a file, a folder or an address; what was begun and cut off goes on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from market.portal import imports, reports
    from market.portal.intake import importing
    from market.refusals import Refused

    console, failed = Console(stderr=True), 0
    try:
        plans = [each for what in arguments.what for each in importing.plan(what, arguments.source)]
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as bar:
            for wanted in plans:
                task = bar.add_task(wanted.source, total=len(wanted.files) or None, words="")
                parts: dict[str, None] = {}

                def watch(at: importing.Progress, task: Any = task, parts: dict[str, None] = parts) -> None:
                    parts[at.part] = None
                    share = f" {at.at / at.size:.0%} of {Path(at.part).name[:40]}" if at.size else ""
                    bar.update(task, completed=len(parts), words=f"{at.counts.read:,} read{share}")

                done = await imports.run(wanted, allow_private=arguments.allow_private, watch=watch)
                bar.remove_task(task)
                print("\n".join(await reports.lines(done)))
                failed += done.ended_at is None
    except Refused as refused:
        print(f"Refused: {refused}", file=sys.stderr)
        return 2
    return 1 if failed else 0


def verify_waiver(arguments: Arguments) -> int:
    """Check a signed waiver from its file."""
    from market import verify

    lines, code = verify.waiver(
        arguments.file, fingerprint=arguments.fingerprint, origin=arguments.origin, under=arguments.under
    )
    print("\n".join(lines))
    return code


def verify_receipt(arguments: Arguments) -> int:
    """Check a bidder's receipt from its file."""
    from market import verify

    lines, code = verify.receipt(arguments.file, register=arguments.register, events=arguments.log)
    print("\n".join(lines))
    return code


def check(arguments: Arguments) -> int:
    """Check an API description offline: 0 when it passes, 1 when not, 2 when it could not be checked."""
    from market import verify

    lines, code = verify.api(
        arguments.file, arguments.profile, as_json=arguments.json, sign=arguments.sign, out=arguments.out
    )
    print(lines)
    return code


def verify_certificate(arguments: Arguments) -> int:
    """Check a certificate or a signed result from its file."""
    from market import verify

    lines, code = verify.certificate(arguments.file, key=arguments.key)
    print("\n".join(lines))
    return code


def handbook(arguments: Arguments) -> int:
    """Print the handbook of a profile that comes with the product: every rule with its reason, remedy and examples."""
    from market.standards.checking.profiles import NoSuchProfile, profile
    from market.standards.profiles.handbook import profile_page

    try:
        print(profile_page(profile(arguments.name)), end="")
    except NoSuchProfile as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def profiles(arguments: Arguments) -> int:
    """Publish the standards profiles that come with the product."""
    from market.standards.profiles.actions import ensure_profiles, labels

    done = await ensure_profiles()
    print(f"{done} profile versions published. There are: {', '.join(await labels())}.")
    return 0


def verify_log(arguments: Arguments) -> int:
    """Recompute the log, from a file or from the database."""
    if arguments.file is None:
        return _run(_verify_log)(arguments)
    from market.proof import verify

    lines, code = verify.log(arguments.file, heads=arguments.heads, key=arguments.key)
    print("\n".join(lines))
    return code


async def _verify_log(arguments: Arguments) -> int:
    from market.audit import proofs
    from market.proof import chain, verify

    try:
        heads = list(verify.read_heads(arguments.heads.read_bytes().splitlines())) if arguments.heads else []
        for head in heads:
            chain.verify_head(bytes.fromhex(arguments.key) if arguments.key else proofs.public_key(), head)
    except (OSError, ValueError, chain.NotALog, chain.HeadRefused) as error:
        print(f"BROKEN  {error}")
        return 1
    lines, code = verify.explained(await proofs.verify_log(heads))
    print("\n".join(lines))
    return code


def verify_checkpoint(arguments: Arguments) -> int:
    """Check a checkpoint of a log from its file."""
    from market import verify

    lines, code = verify.checkpoint(
        arguments.file,
        arguments.key,
        policy=arguments.policy,
        events=arguments.log,
        older=arguments.older,
        proof=arguments.proof,
    )
    print("\n".join(lines))
    return code


def verify_proof(arguments: Arguments) -> int:
    """Check from its file that an event is in a log."""
    from market import verify

    lines, code = verify.inclusion(arguments.file, arguments.key, event=arguments.event, policy=arguments.policy)
    print("\n".join(lines))
    return code


def verify_fork(arguments: Arguments) -> int:
    """Check a witness's proof that a log was forked."""
    from market.proof import verify_tree

    lines, code = verify_tree.fork(arguments.file, arguments.key)
    print("\n".join(lines))
    return code


def witness(arguments: Arguments) -> int:
    """Watch a log: confirm that it only grew, refuse a fork."""
    import asyncio

    from market import witness as witnesses

    mine = witnesses.witness(arguments.state, arguments.log, arguments.name)
    print(f"Witness {mine.signer.key}", flush=True)
    return asyncio.run(witnesses.watch(mine, arguments.address, every=None if arguments.once else arguments.every))


def log_key(arguments: Arguments) -> int:
    """Make the private key of a log."""
    from market.proof import notes

    try:
        print(notes.Signer.new(arguments.origin, notes.LOG))
    except notes.NoteRefused as refused:
        raise InTheWay(f"“{arguments.origin}” cannot be a log's name: {refused}") from refused
    return 0


def heartbeat(arguments: Arguments) -> int:
    """Say when this server's processes had the database, from the file alone: the database may be away."""
    from market.outages import heartbeat as beats

    by_server: dict[str, list[bytes]] = {}
    newest: dict[tuple[str, str, int], beats.Beat] = {}
    for line in beats.lines(None, beats.folder()):
        if (beat := beats.read(line)) is not None:
            by_server.setdefault(beat.server, []).append(line)
            newest[beat.server, beat.process, beat.number] = beat
    for name, written in by_server.items():
        for each in beats.stretches(None, written):
            print(f"{name} answered from {each.since:%Y-%m-%d %H:%M:%S} to {each.until:%Y-%m-%d %H:%M:%S} UTC")
    for beat in sorted(newest.values(), key=lambda each: each.machine)[-10:]:
        says = "the database answered" if beat.answered else "the database did not answer"
        print(
            f"last beat of {beat.process} {beat.number} on {beat.server}: {beat.moment:%Y-%m-%d %H:%M:%S} UTC, {says}"
        )
    if not by_server:
        print(f"No heartbeat in {beats.folder()}: nothing has served from here in the last month.")
    return 0


def rules(arguments: Arguments) -> int:
    """Print docs/rules.md: every rule with its code, norm and source."""
    from market.rulebook import as_markdown

    print(as_markdown(), end="")
    return 0


def routes(arguments: Arguments) -> int:
    """List every address with its method and guards."""
    from market.app import create

    for route in sorted(create().routes, key=lambda each: each.path):
        for handler in getattr(route, "route_handlers", []):
            names = ", ".join(getattr(guard, "__name__", "guard") for guard in handler.guards or ())
            methods = ",".join(sorted(str(each) for each in handler.http_methods - {"OPTIONS"}))
            if methods:
                print(f"{methods:8} {route.path:60} {names}")
    return 0


def openapi(arguments: Arguments) -> int:
    """Print docs/openapi.json: the API's description."""
    import json

    from market.app import create

    print(json.dumps(create().openapi_schema.to_schema(), indent=1, sort_keys=True, default=str, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = argparse.ArgumentParser(
        prog="python -m market", description="Prelude, the procurement innovation marketplace."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, act: Callable[[Arguments], int], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(act=act)
        return added

    one = command("serve", serve, "serve the site (in demo mode the worker too)")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=8000)
    one.add_argument("--again", default="python -m market serve --port {}", help=argparse.SUPPRESS)
    one.add_argument("--workers", type=int, default=1, help="not more than there are processors")
    one.add_argument("--with-worker", action="store_true", help="run the worker beside it")
    one.add_argument("--no-worker", action="store_true", help="not even in demo mode")
    one.add_argument("--demo", action="store_true", help="let anybody sign in as anybody; refused in production")
    one = command("demo", demo, "play the demo story once, and serve it")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=8000)
    one.add_argument("--fresh", action="store_true", help="forget what the demo kept, and start over")
    one.add_argument("--no-serve", action="store_true", help="play it and end")
    one.add_argument("--beside", action="store_true", help=argparse.SUPPRESS)
    one.set_defaults(workers=1, with_worker=True, no_worker=False, again="make demo PORT={}")
    one = command("worker", work, "run the jobs: letters, payments, search")
    one.add_argument("--once", action="store_true", help="until nothing is left to do, then end")
    one = command("migrate", _run(migrate, migrated=False), "bring the database to the tables this version expects")
    one.add_argument(
        "--check", action="store_true", help="change nothing; say what differs between code, migrations and database"
    )
    one = command(
        "operator", _run(operator), "begin a new site: its first two operators, and the link of each to her account"
    )
    one.add_argument("name", help="the first person's name")
    one.add_argument("email", help="the address she signs in with")
    one.add_argument(
        "second",
        nargs="*",
        metavar="name email",
        help="the second person's; without her, nobody can be appointed before the command is run for her too",
    )
    one.add_argument("--organisation", default="Innovation team", help="the name of the operator's body")
    one = command("check", check, "check an API description against a standards profile, offline")
    one.add_argument("file", type=Path)
    one.add_argument("--profile", default="uk-core", help="name or name@version; uk-core without it")
    one.add_argument("--json", action="store_true", help="print the whole record as JSON")
    one.add_argument("--sign", type=Path, help="a file with 32 secret bytes as 64 hexadecimal letters: sign the record")
    one.add_argument("--out", type=Path, help="where the signed record is written")
    kinds = commands.add_parser("profiles", help="the standards profiles", description="The standards profiles.")
    whats = kinds.add_subparsers(dest="what", required=True, metavar="what")
    one = whats.add_parser("publish", help="publish those that come with the product; done again, it does nothing")
    one.set_defaults(act=_run(profiles))
    one = whats.add_parser("handbook", help="print the handbook of one of them, as Markdown")
    one.add_argument("name", help="name or name@version")
    one.set_defaults(act=handbook)
    one = command("reindex", _run(reindex), "build the search index anew while the old one serves")
    one.add_argument("--if-needed", action="store_true", help="only when it is new, of another version, or was lost")
    command("search-check", _run(search_check), "compare the search index with the database")
    command("republish", _run(republish), "publish all open data anew from the log, and say what differs")
    command("open-data-files", _run(open_data_files), "make the yearly files of open data that are out of date")
    one = command("import", _run(bring_in, size=2), "import notices of other portals: OCDS in any wrapping, or a table")
    one.add_argument("what", nargs="+", metavar="FILE|DIR|URL")
    one.add_argument(
        "--source", metavar="NAME", help="the portal it is from, as fixtures/reference/portal-sources.yaml names it"
    )
    one.add_argument(
        "--allow-private", action="store_true", help="read an address of this machine or a private network too"
    )
    checks = commands.add_parser(
        "verify",
        help="check a signed waiver, a receipt, a certificate or the log",
        description="Check a signed waiver, a receipt, a certificate or the log.",
    ).add_subparsers(dest="what", required=True, metavar="what")
    one = checks.add_parser("waiver", help="check a signed waiver's file; needs nothing but the file")
    one.add_argument("file", type=Path)
    one.add_argument("--fingerprint", help="the signer's key as the register lists it")
    one.add_argument("--origin", help="the address it must have been signed at, like https://prelude.example")
    one.add_argument("--under", type=Path, help="the signed file of the instrument that a delegate signed it under")
    one.set_defaults(act=verify_waiver)
    one = checks.add_parser("receipt", help="check a bid's receipt from its file; needs nothing but the file")
    one.add_argument("file", type=Path)
    one.add_argument("--register", type=Path, help="the published register of opening: does it name the envelope?")
    one.add_argument("--log", type=Path, help="a copy of the public log: does it name the receipt?")
    one.set_defaults(act=verify_receipt)
    one = checks.add_parser(
        "certificate", help="check an API certificate's file; needs nothing but the file and the key"
    )
    one.add_argument("file", type=Path)
    one.add_argument("--key", help="the public key it is signed with, 64 hexadecimal letters; else this site's own")
    one.set_defaults(act=verify_certificate)
    one = checks.add_parser("log", help="recompute the log and name the first broken link")
    one.add_argument("file", type=Path, nargs="?", help="a copy of the public log; without it, the database")
    one.add_argument("--heads", type=Path, help="signed heads that somebody kept, one JSON object a line")
    one.add_argument("--key", help="the public key the heads are signed with, 64 hexadecimal letters")
    one.set_defaults(act=verify_log)
    whose = "the log's key, as it is published: name+number+base64"
    seen_by = "a file of the witnesses whose word counts for you, and how many (C2SP tlog-policy)"
    one = checks.add_parser("checkpoint", help="check a log's checkpoint: who signed it, and what it holds")
    one.add_argument("file", type=Path)
    one.add_argument("--key", required=True, help=whose)
    one.add_argument("--policy", type=Path, help=seen_by)
    one.add_argument("--log", type=Path, help="a copy of the public log: are these the events that were signed?")
    one.add_argument("--older", type=Path, help="a checkpoint that you kept: is it held unchanged?")
    one.add_argument("--proof", type=Path, help="the proof of that, as /api/v1/log/consistency answers it")
    one.set_defaults(act=verify_checkpoint)
    one = checks.add_parser(
        "proof", help="check the proof that an event is in a log; needs nothing but the file and the key"
    )
    one.add_argument("file", type=Path)
    one.add_argument("--key", required=True, help=whose)
    one.add_argument("--event", help="the event's hash, 64 hexadecimal letters; needed while it is sealed")
    one.add_argument("--policy", type=Path, help=seen_by)
    one.set_defaults(act=verify_proof)
    one = checks.add_parser("fork", help="check a witness's proof that a log was forked")
    one.add_argument("file", type=Path)
    one.add_argument("--key", required=True, help=whose)
    one.set_defaults(act=verify_fork)
    one = command(
        "witness", witness, "watch a log from outside: confirm that it only grew, and keep the proof when it did not"
    )
    one.add_argument(
        "address", nargs="+", help="where the log is, like https://prelude.example/log; several are held to one another"
    )
    one.add_argument("--log", required=True, help=whose)
    one.add_argument(
        "--state", type=Path, required=True, help="a folder for this witness's key and for what it has seen"
    )
    one.add_argument("--name", help="the witness's name for ever, like audit.example/witness; needed the first time")
    one.add_argument("--every", type=float, default=30.0, help="seconds between two looks")
    one.add_argument("--once", action="store_true", help="look once, then end: 0 well, 1 not seen, 3 a fork")
    one.set_defaults(act=witness)
    one = command("log-key", log_key, "make a private key for the log's checkpoints, for PRELUDE_LOG_KEY")
    one.add_argument("origin", help="the log's name for ever, like prelude.example/log")
    command("heartbeat", heartbeat, "say when this server's processes had the database, by their heartbeat")
    command("policy", _run(policy), "say whether the policy file and the lists are the versions in force")
    command("rules", rules, "print docs/rules.md: every rule with its code, norm and source")
    command("routes", routes, "list every address with its methods and guards")
    command("openapi", openapi, "print docs/openapi.json: the description of the API")
    return made


def main() -> int:
    """Run one command; what is in its way is said in one line, and Ctrl+C ends it without a word."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        arguments = parser().parse_args()
        settings()
        act: Callable[[Arguments], int] = arguments.act
        return act(arguments)
    except InTheWay as refused:
        if not getattr(arguments, "beside", False):  # the process that began this one meets the same and says it
            print(f"Refused: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
