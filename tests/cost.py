"""What something costs the processor. Seconds of the clock say how busy the machine is; seconds of the processor say how much was
done, and those alone are compared with a bound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What stands within takes this process no more than so many seconds of the processor. A bound is a multiple of what is needed,
    for it is there to tell a few milliseconds from minutes."""
    began = process_time()
    yield
    spent = process_time() - began
    assert spent < seconds, f"it took {spent:.2f} s of the processor"
