"""The log's tree as files, at the addresses that C2SP's `tlog-tiles` gives them, and where witnesses bring their cosignatures."""

from __future__ import annotations

import hashlib

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.audit import checkpoints, witnesses
from market.oversight import tree
from market.proof import notes
from market.refusals import NotFound
from market.settings import settings
from market.web.pages import Visitor

TEXT = "text/plain; charset=utf-8"
SOON = {"cache-control": "public, max-age=2"}
FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


class LogFiles(Controller):
    """Checkpoints, tiles and proofs, for programs; a cache or a server of files may stand before them."""

    path = "/log"
    include_in_schema = False

    @get("/checkpoint", guards=[guards.public])
    async def checkpoint(self) -> Response[bytes]:
        """The newest checkpoint, with the cosignatures it has by now; 404 before the first."""
        newest = await checkpoints.newest()
        if newest is None:
            raise NotFound("Checkpoint")
        return _text((await witnesses.cosigned(newest)).encode())

    @get("/cosigned", guards=[guards.public])
    async def cosigned(self) -> Response[bytes]:
        """The newest checkpoint that as many witnesses have seen as the policy asks for; 404 while there is none."""
        vouched = await witnesses.vouched()
        if vouched is None:
            raise NotFound("Checkpoint")
        return _text(vouched[1].encode())

    @get("/vkey", guards=[guards.public])
    async def vkey(self) -> Response[bytes]:
        """The key that checks checkpoints, as witnesses are told it; 404 before the first."""
        key = await checkpoints.vkey()
        if key is None:
            raise NotFound("Key")
        return _text(f"{key}\n".encode())

    @get("/witnesses", guards=[guards.public])
    async def policy(self) -> Response[bytes]:
        """The log's own policy (C2SP `tlog-policy`): its key, its witnesses, and how many must have seen a checkpoint."""
        key, wanted = await checkpoints.vkey(), witnesses.policy()
        if key is None:
            raise NotFound("Key")
        names = {each: f"w{number}" for number, each in enumerate(wanted.keys, 1)}
        lines = [f"log {key} {settings().site_url}/log", *(f"witness {name} {each}" for each, name in names.items())]
        if wanted.quorum:
            lines.append(" ".join(["group counted", str(wanted.quorum), *(names[each] for each in wanted.counted)]))
        return _text("\n".join([*lines, f"quorum {'counted' if wanted.quorum else 'none'}", ""]).encode())

    @get("/tile/{path:path}", guards=[guards.public])
    async def tile(self, path: FromPath[str]) -> Response[bytes]:
        """A tile of hashes or of entries; it never changes, so it may be kept for ever."""
        found = await tree.tile(f"tile/{path.removeprefix('/')}")
        return Response(found, media_type="application/octet-stream", headers={**FOR_EVER, "etag": _tag(found)})

    @get("/events/{name:str}", guards=[guards.public])
    async def proof(self, name: FromPath[str]) -> Response[bytes]:
        """`SEQ.tlog-proof`: the proof that an event is in the log, as one file."""
        number, dot, ending = name.partition(".")
        try:
            seq = notes.whole(number)
        except notes.NoteRefused as wrong:
            raise NotFound("Event") from wrong
        if (dot, ending) != (".", "tlog-proof") or seq < 1:
            raise NotFound("Event")
        found = await tree.proof_of(seq)
        headers = {
            **SOON,
            "etag": _tag(found.file),
            "content-disposition": f'attachment; filename="event-{seq}.tlog-proof"',
        }
        return Response(found.file, media_type=TEXT, headers=headers)

    @post("/add-cosignature", guards=[guards.public], opt={"machine": True}, status_code=200)
    async def add_cosignature(self, request: Visitor) -> Response[bytes]:
        """A checkpoint of ours with the lines of a witness that we know; kept when they hold. 403 says why not."""
        try:
            kept = await witnesses.take(await request.body())
        except witnesses.NotTaken as refused:
            return Response(f"{refused}\n".encode(), media_type=TEXT, status_code=403)
        return Response(f"{kept} kept\n".encode(), media_type=TEXT)


def _text(data: bytes) -> Response[bytes]:
    return Response(data, media_type=TEXT, headers={**SOON, "etag": _tag(data)})


def _tag(data: bytes) -> str:
    """What a cache compares: everybody gets the same bytes, whoever asks."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'
