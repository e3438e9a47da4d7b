"""The page on which an officer answers a question; the questions themselves stand on their record's page."""

from __future__ import annotations

from litestar import Response

from market.questions.actions import AnswerDraft, question_about
from market.questions.rules import Topic
from market.web import forms
from market.web.pages import Visitor, show


async def answering(request: Visitor, topic: Topic, ref: str, form: forms.Form[AnswerDraft]) -> Response[bytes]:
    """The question with a field for its answer; when somebody else has answered meanwhile, both answers. The caller has made
    sure that the visitor answers for this record."""
    question = await question_about(topic, ref)
    return show(request, "questions/answer.html", status=form.status, topic=topic, question=question, form=form)
