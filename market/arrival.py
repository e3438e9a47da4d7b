"""The moment by which deadlines are judged, as a type of its own, so that a look at the clock cannot take its place.

Only `market.clock.arrived` answers one. A rule that decides by time takes an :class:`Arrival`, never a bare moment: whoever
hands it the clock, read while others queue or while a row is locked, is stopped by the type checker.
"""

from __future__ import annotations

from datetime import datetime
from typing import NewType

Arrival = NewType("Arrival", datetime)
"""When the last byte of what somebody sent had been read, aware and in UTC; for what nobody sent, the present moment."""
