"""A port is free or it is not, and nobody shares it in silence."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from market import ports


@contextmanager
def listening(host: str = "127.0.0.1", *, shared: bool = False) -> Iterator[int]:
    """Somebody listens at a port of the system's choice; `shared`, with others who allow it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        other.listen()
        yield int(other.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_port_is_taken_by_whoever_listens_at_an_address_of_localhost(host: str, shared: bool) -> None:
    with listening(host, shared=shared) as port:
        assert ports.taken(port)
        said = ports.refusal(port, "make demo PORT={}")
    assert said.startswith(f"Port {port} is in use; try `make demo PORT=")
    assert not ports.taken(port)
    assert ports.refusal(port, "make demo PORT={}") == ""


def test_the_port_that_is_proposed_is_free() -> None:
    with listening() as port:
        said = ports.refusal(port, "{}")
        proposed = int(said.split("`")[1])
    assert proposed > port
    assert not ports.taken(proposed)


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    assert ports.refusal(port, "make demo PORT={}") == (
        f"Port {port} does not exist: ports are numbers from 1 to 65535; try `make demo PORT=8000`"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may serve at any port")
def test_a_port_of_the_system_is_refused_to_an_ordinary_user() -> None:
    assert (
        ports.refusal(80, "make demo PORT={}") == "Port 80 is for the system's own services; try `make demo PORT=8000`"
    )
