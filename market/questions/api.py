"""How programs see public questions; the addresses are those of the records they are about."""

from __future__ import annotations

from datetime import datetime

import msgspec

from market.questions.tables import PublicQuestion


class QuestionView(msgspec.Struct):
    """A question and its answer; who asked is told to nobody."""

    ref: str
    text: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None


def question_view(row: PublicQuestion) -> QuestionView:
    """A question without its asker."""
    return QuestionView(row.ref, row.text, row.asked_at, row.answer, row.answered_at)
