"""The kernel's own word for when a byte came, beside the clock of whoever sent it."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest

from market import clock
from market.web import received
from tests.waiting import until

pytestmark = pytest.mark.skipif(not received.LINUX, reason="only Linux keeps this")

APART = timedelta(seconds=3 * received.TICK)
"""How far the kernel's word may lie from the moment of sending: ticks are told late on a virtual machine."""


def waits(milliseconds: int) -> None:
    """As a process does that has other things to do."""
    end = clock.now() + timedelta(milliseconds=milliseconds)
    until(lambda: clock.now() > end)


@pytest.mark.parametrize("milliseconds", [0, 20, 100, 300])
def test_a_byte_that_was_read_late_came_when_it_was_sent(milliseconds: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as sender,
        listening.accept()[0],
    ):
        began = clock.now()
        sender.sendall(b"the last byte")
        ended = clock.now()
        waits(milliseconds)
        came = received.came({"client": list(sender.getsockname())}, clock.now)
        assert began - APART <= came <= ended + APART


def test_whoever_is_not_connected_here_came_now() -> None:
    assert received.before_now({"client": ["192.0.2.1", 443]}) == 0.0
    assert received.before_now({"client": None}) == 0.0
    assert received.before_now({}) == 0.0


def test_a_connection_that_took_the_place_of_another_is_not_taken_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        first = socket.create_connection(listening.getsockname())
        taken, _ = listening.accept()
        first.sendall(b"x")
        waits(50)
        gone = list(first.getsockname())
        assert received.before_now({"client": gone}) > 0
        with socket.create_connection(listening.getsockname()) as second:
            other, _ = listening.accept()
            second.sendall(b"y")
            descriptor = taken.fileno()
            os.dup2(other.fileno(), descriptor)
            assert received.before_now({"client": gone}) == 0.0
            assert received.before_now({"client": list(second.getsockname())}) >= 0.0
            other.close()
        taken.close()
        first.close()
