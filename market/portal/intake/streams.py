"""Streams of bytes: unpacked with a limit, and looked at through a window that gives whole JSON values one after the other."""

from __future__ import annotations

import codecs
import io
import re
from typing import Protocol

LARGEST_UNPACKED = 64 * 1024**3
"""How many bytes may come out of one compressed file before reading it stops: a zip bomb is a defect, not a crash."""

_CHUNK = 256 * 1024
_SPACE = b" \t\r\n"
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR_END = re.compile(rb"[,}\]\s]")


class Readable(Protocol):
    """Anything that gives bytes when asked for some."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to so many bytes, none at the end; all that is left for a negative number."""
        ...


class TooMuch(Exception):
    """More bytes came out of a compressed file than any publisher would put in."""


class Rejoined(io.RawIOBase):
    """A stream with the bytes that were read to recognise it put back in front."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As :meth:`Readable.read`."""
        if self._start:
            cut = len(self._start) if size < 0 else size
            start, self._start = self._start[:cut], self._start[cut:]
            return start
        return self._rest.read(size)


class Limited(io.RawIOBase):
    """A stream that stops (:class:`TooMuch`) once :data:`LARGEST_UNPACKED` bytes came out of it."""

    def __init__(self, rest: Readable) -> None:
        self._rest, self._left = rest, LARGEST_UNPACKED

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """No: what was unpacked is forgotten."""
        return False

    def read(self, size: int = -1) -> bytes:
        """As :meth:`Readable.read`."""
        got = self._rest.read(size)
        self._left -= len(got)
        if self._left < 0:
            raise TooMuch
        return got


class Broken(Exception):
    """The text stops being JSON in a way that does not let reading go on in this document."""


class TooLarge(Exception):
    """One value is larger than was asked for; nothing was consumed."""


class Cursor:
    """A window over a byte stream that gives whole JSON values and forgets what was taken."""

    def __init__(self, stream: Readable, start: bytes = b"") -> None:
        self._stream, self._ended = stream, False
        self._buffer, self._at, self._before = start, 0, 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._fill(8)
        if self._buffer.startswith(codecs.BOM_UTF8):
            self._at = 3
        elif self._buffer.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
            self._buffer = self._decoder.decode(self._buffer).encode()

    @property
    def byte(self) -> int:
        """How many bytes of the stream lie before the next one."""
        return self._before + self._at

    def _fill(self, size: int) -> bool:
        """Read at least one more byte, about `size`; False at the end of the stream."""
        if self._ended:
            return False
        if self._at:
            self._before += self._at
            self._buffer, self._at = self._buffer[self._at :], 0
        got = self._stream.read(size)
        if not got:
            self._ended = True
            return False
        self._buffer += self._decoder.decode(got).encode() if self._decoder else got
        return True

    def peek(self) -> bytes:
        """The next byte that is not a space, without taking it; empty at the end."""
        while True:
            buffer, at, end = self._buffer, self._at, len(self._buffer)
            while at < end and buffer[at] in _SPACE:
                at += 1
            self._at = at
            if at < end:
                return buffer[at : at + 1]
            if not self._fill(_CHUNK):
                return b""

    def take(self) -> None:
        """Pass over the byte that :meth:`peek` showed."""
        self._at += 1

    def first_line(self, limit: int) -> tuple[bytes, bytes] | None:
        """The first line and the byte that begins the next one, neither taken; None when it is the only one or too long."""
        looked = 0
        while True:
            end = self._buffer.find(b"\n", self._at + looked)
            if end >= 0:
                after = self._buffer[end + 1 :].lstrip()
                if after:
                    return self._buffer[self._at : end], after[:1]
            looked = len(self._buffer) - self._at if end < 0 else end - self._at
            if looked > limit or not self._fill(max(_CHUNK, looked)):
                return None

    def line(self, limit: int) -> bytes | None:
        """The rest of the line with its end, taken; empty at the end of the file, None when longer than `limit`."""
        looked = 0
        while (end := self._buffer.find(b"\n", self._at + looked)) < 0:
            looked = len(self._buffer) - self._at
            if looked > limit:
                return None
            if not self._fill(max(_CHUNK, looked)):
                end = len(self._buffer) - 1
                break
        line = self._buffer[self._at : end + 1]
        self._at = end + 1
        return line

    def rest(self, limit: int) -> bytes | None:
        """All that is left, not taken; None when it is more than `limit`."""
        while not self._ended and len(self._buffer) - self._at <= limit:
            self._fill(max(_CHUNK, len(self._buffer) - self._at))
        return self._buffer[self._at :] if self._ended else None

    def excerpt(self) -> bytes:
        """A few of the next bytes, for messages."""
        while len(self._buffer) - self._at < 64 and self._fill(_CHUNK):
            pass
        return self._buffer[self._at : self._at + 64]

    def value(self, limit: int) -> bytes:
        """The next whole value, taken. :class:`TooLarge` when it has more than `limit` bytes, :class:`Broken` when it ends early."""
        first = self.peek()
        if first not in (b"{", b"["):
            return self._string(limit) if first == b'"' else self._scalar(limit)
        scan, depth = 0, 0
        while True:
            buffer, base = self._buffer, self._at
            place = base + scan
            while found := _BRACKET.match(buffer, place):
                place = found.end()
                if buffer[place - 1] in b"{[":
                    depth += 1
                else:
                    depth -= 1
                    if depth == 0:
                        if place - base > limit:
                            raise TooLarge
                        self._at = place
                        return buffer[base:place]
            scan, have = place - base, len(buffer) - base
            if have > limit:
                raise TooLarge
            if not self._fill(max(_CHUNK, have)):
                raise Broken("the file ends in the middle of a value")

    def _string(self, limit: int) -> bytes:
        while (found := _STRING.match(self._buffer, self._at)) is None:
            if len(self._buffer) - self._at > limit:
                raise TooLarge
            if not self._fill(max(_CHUNK, len(self._buffer) - self._at)):
                raise Broken("the file ends in the middle of a value")
        self._at = found.end()
        return found.group()

    def _scalar(self, limit: int) -> bytes:
        while (match := _SCALAR_END.search(self._buffer, self._at)) is None:
            if len(self._buffer) - self._at > limit:
                raise TooLarge
            if not self._fill(_CHUNK):
                break
        end = match.start() if match else len(self._buffer)
        value, self._at = self._buffer[self._at : end], end
        return value
