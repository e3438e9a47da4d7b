"""The PostgreSQL that comes along: in any folder, for its owner only, and gone when the last who used it is gone."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from market import embedded, keeper
from market.settings import ROOT
from tests.waiting import LONGEST, until

pytestmark = [pytest.mark.slow, pytest.mark.long]

BESIDE = """
import sys
from pathlib import Path
from market import embedded
print(embedded.address(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def ask(address: str, statement: str = "SELECT current_user::text") -> object:
    """What the server at this address answers."""

    async def inside() -> object:
        connection = await asyncpg.connect(address)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    # The tests' own loop is running; this one needs a thread of its own.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, inside()).result()


def socket_of(address: str) -> Path:
    """The folder of the socket in an address."""
    return Path(unquote(parse_qs(urlsplit(address).query)["host"][0]))


def permissions(path: Path) -> list[tuple[Path, int, int]]:
    """Mode and owner of a folder and all above it."""
    return [(each, each.stat().st_mode, each.stat().st_uid) for each in (path, *path.parents)]


def beside(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses the server of this folder until its standard input ends."""
    other = subprocess.Popen(
        [sys.executable, "-c", BESIDE, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline().startswith("postgresql://")
    return other


def leave(other: subprocess.Popen[str]) -> None:
    """Let the other process end by itself."""
    other.communicate(timeout=LONGEST)
    assert other.returncode == 0


def stopped(folder: Path) -> bool:
    """Whether neither the keeper nor its server is there."""
    return not embedded._kept(folder) and not (folder / "postgres" / "postmaster.pid").exists()


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """A short folder with data that were made once."""
    with tempfile.TemporaryDirectory(prefix="pg-") as made:
        folder = Path(made)
        embedded.address(folder)
        embedded.leave(folder)
        yield folder


def test_a_path_with_spaces_quotes_and_umlauts_is_a_path_like_any_other(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="pg-") as short:
        for folder in (Path(short) / "it's Bjørn's “own” folder, too", tmp_path / ("long" * 30)):
            address = embedded.address(folder)
            try:
                assert ask(address) == "postgres"
                assert ask(address, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
                assert ask(address, "SHOW listen_addresses") == ""
                assert ask(address, "SHOW dynamic_shared_memory_type") == "mmap"
                where = socket_of(address)
                assert where != folder / "postgres"  # a comma parts addresses, and a socket's path is short
                assert len(os.fsencode(where / ".s.PGSQL.5432")) <= keeper.LONGEST_SOCKET
                for private in (folder / "postgres", where):
                    assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0
            finally:
                embedded.leave(folder)
            assert not where.exists()


def test_nothing_above_the_data_changes_its_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before, users = permissions(closed), Path("/etc/passwd").read_bytes()
    folder = closed / "var"
    folder.mkdir(mode=0o700)
    assert ask(embedded.address(folder)) == "postgres"
    embedded.leave(folder)
    assert permissions(closed) == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Path("/etc/passwd").read_bytes() == users


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to come in as somebody else")
def test_another_user_of_the_machine_does_not_come_in(kept: Path) -> None:
    kept.chmod(0o755)
    address = embedded.address(kept)
    where = socket_of(address)
    other = pwd.getpwnam("daemon").pw_uid
    trying = f"import socket; socket.socket(socket.AF_UNIX).connect({str(where / '.s.PGSQL.5432')!r})"
    try:
        for user, way in ((0, ""), (other, "PermissionError")):
            done = subprocess.run(
                ["/usr/bin/env", "python3", "-c", trying],
                user=user,
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
            )
            assert way in done.stderr
            assert bool(done.returncode) == bool(way)
    finally:
        embedded.leave(kept)


def test_who_comes_in_is_who_the_system_says_and_nobody_else(kept: Path) -> None:
    (kept / "postgres" / "pg_hba.conf").write_text(
        "local all all trust\n"
    )  # as somebody left it; written anew at each start
    address = embedded.address(kept)
    try:
        ask(address, "DROP ROLE IF EXISTS ann")
        ask(address, "CREATE ROLE ann SUPERUSER LOGIN")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            ask(address.replace("postgres@", "ann@"))
        assert ask(address) == "postgres"
    finally:
        embedded.leave(kept)


def test_it_stays_for_whoever_else_uses_it_and_goes_with_the_last(kept: Path) -> None:
    other = beside(kept)
    address = embedded.address(kept)
    embedded.leave(kept)
    assert ask(address) == "postgres"
    assert not stopped(kept)
    leave(other)
    assert stopped(kept)


def test_nobody_is_left_behind_when_the_only_user_is_killed(kept: Path) -> None:
    other = beside(kept)
    other.kill()
    other.communicate()
    until(lambda: stopped(kept))


def test_a_killed_keeper_takes_its_server_along_and_the_next_one_repeats_what_was_written(kept: Path) -> None:
    address = embedded.address(kept)
    ask(address, "CREATE TABLE IF NOT EXISTS lasting (one int)")
    server = int((kept / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(int(embedded._told(kept)[0]), signal.SIGKILL)
    until(lambda: not Path(f"/proc/{server}/status").exists() or "zombie" in Path(f"/proc/{server}/status").read_text())
    assert ask(embedded.address(kept), "SELECT count(*) FROM lasting") == 0
    embedded.leave(kept)
    assert stopped(kept)


def test_several_begin_at_once_and_share_one_server(kept: Path) -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", BESIDE, str(kept)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    addresses = {each.stdout.readline() for each in others if each.stdout}
    assert len(addresses) == 1
    for each in others:
        leave(each)
    until(lambda: stopped(kept))


def test_data_are_removed_only_when_nobody_uses_them(kept: Path) -> None:
    other = beside(kept)
    with pytest.raises(embedded.InUse), embedded.alone(kept):
        pytest.fail("somebody uses it")
    leave(other)
    with embedded.alone(kept):
        assert stopped(kept)
        with socket.socket(socket.AF_UNIX) as tried, pytest.raises(OSError):
            tried.connect(str(kept / "postgres" / ".s.PGSQL.5432"))


def test_why_it_does_not_start_is_said_in_one_line(kept: Path) -> None:
    version = kept / "postgres" / "PG_VERSION"
    was = version.read_text()
    version.write_text("9\n")
    try:
        with pytest.raises(
            keeper.CannotStart, match=r"PostgreSQL did not start: .*FATAL.*postgres\.log has all it said"
        ) as said:
            embedded.address(kept)
        assert "\n" not in str(said.value)
    finally:
        version.write_text(was)
        embedded.leave(kept)
    assert ask(embedded.address(kept)) == "postgres"
    embedded.leave(kept)


def test_data_that_were_cut_off_while_they_were_made_are_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert ask(embedded.address(tmp_path)) == "postgres"
    embedded.leave(tmp_path)
    assert not half.exists()


def test_a_locale_that_is_not_on_the_machine_does_not_matter(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BESIDE, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"LC_ALL": "xx_YY.UTF-8", "LANG": "xx_YY.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("postgresql://")
    assert done.stderr == ""


def test_a_folder_of_somebody_else_is_named_with_the_remedy(tmp_path: Path) -> None:
    said = keeper.not_ours(tmp_path)
    me = keeper.name_of(os.geteuid())
    assert said.startswith(f"{tmp_path} belongs to {me} and {me} may not write there.")
    assert f"sudo chown -R {me} '{tmp_path}'" in said
