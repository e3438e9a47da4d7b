"""The questions that wait for an officer's answer."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from market.questions.rules import Topic
from market.reads import rows
from market.web.desk import Waiting
from market.wording import _n


class Unanswered(msgspec.Struct, frozen=True):
    """How many questions of a record wait, and the first of them."""

    record: str
    number: int
    first: str


async def waiting(topics: Iterable[Topic]) -> list[Waiting]:
    """One item for each of these records that has questions an answer still helps."""
    taking = {topic.record: topic for topic in topics if topic.taking}
    if not taking:
        return []
    found = await rows(
        Unanswered,
        """
        SELECT record, count(*) AS number, (array_agg(ref ORDER BY id))[1] AS first FROM public_question
        WHERE answered_at IS NULL AND record = ANY({}::text[]) GROUP BY record ORDER BY min(id)
        """,
        list(taking),
    )
    return [
        Waiting(
            _n("Answer a question", "Answer {number} questions", each.number),
            f"{taking[each.record].address}/questions/{each.first}",
            taking[each.record].title,
            taking[each.record].answers_due,
        )
        for each in found
    ]
