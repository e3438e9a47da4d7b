"""Letters for operators' programs: why each was written, what was tried, and the acts on it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from market.accounts import guards
from market.postroom import actions
from market.web.api import Items
from market.web.pages import Visitor, next_page
from market.web.problems import problem_responses


class TryView(msgspec.Struct):
    """One time the letter was offered to the mail server, and its answer."""

    at: datetime
    answer: str
    sent: bool


class LetterView(msgspec.Struct):
    """A letter without its text. While a seal hides why it was written, `sealed` is true and template, event and record are
    empty. `outcome` is waiting, sent or came-back; `event` the number in the public log."""

    ref: str
    outcome: str
    template: str
    about: str
    event: int | None
    verb: str
    person: str
    name: str
    address: str
    sealed: bool
    written_at: datetime
    sent_at: datetime | None
    again_at: datetime | None
    gave_up_at: datetime | None
    failure: str
    address_dead_since: datetime | None


class LetterStoryView(LetterView):
    """The same with every try, the newest first."""

    tries: list[TryView] = []


def view(kept: actions.Kept) -> LetterView:
    """The letter as the list shows it."""
    return msgspec.convert(kept, LetterView, from_attributes=True)


async def story(request: Visitor, ref: str) -> LetterStoryView:
    """One letter with its tries."""
    kept, tries = await actions.letter(request.user, ref)
    shown = [TryView(one.at, one.answer, one.sent) for one in tries]
    return LetterStoryView(**msgspec.structs.asdict(view(kept)), tries=shown)


class PostroomApi(Controller):
    """Letters: what was written to whom and why, and whether it left."""

    path = "/api/v1/letters"
    tags = ["Letters"]

    @get(
        "/",
        guards=[guards.operator],
        summary="List letters",
        operation_id="listLetters",
    )
    async def index(
        self,
        request: Visitor,
        person: FromQuery[str] = "",
        record: FromQuery[str] = "",
        template: FromQuery[str] = "",
        outcome: FromQuery[actions.Outcome] = "",
        before: FromQuery[int | None] = None,
    ) -> Items[LetterView]:
        """The newest letters, by person (name, reference or address), record, beginning of the template's name, and outcome."""
        found = await actions.letters(request.user, actions.Filter(person, record, template, outcome), before)
        shown = found[: actions.PER_PAGE]
        return Items(
            [view(letter) for letter in shown], next_page(request, shown[-1].id if len(found) > len(shown) else None)
        )

    @get(
        "/{ref:str}",
        guards=[guards.operator],
        summary="Read why a letter was written and what was tried",
        operation_id="readLetter",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> LetterStoryView:
        """One letter with every try; never its text."""
        return await story(request, ref)

    @post(
        "/{ref:str}/again",
        status_code=200,
        guards=[guards.operator],
        summary="Send a letter again",
        operation_id="sendLetterAgain",
        responses=problem_responses(404, 409),
    )
    async def again(self, request: Visitor, ref: FromPath[str]) -> LetterStoryView:
        """Let it be tried anew; one that has left is sent as a new copy."""
        await actions.send_again(request.user, ref)
        return await story(request, ref)

    @post(
        "/{ref:str}/dead",
        status_code=200,
        guards=[guards.operator],
        summary="Mark a letter's address as dead",
        operation_id="markAddressDead",
        responses=problem_responses(404, 409),
    )
    async def dead(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Death]) -> LetterStoryView:
        """Nothing is sent to the address any more; what waits for it comes back."""
        await actions.mark_dead(request.user, ref, data)
        return await story(request, ref)

    @post(
        "/{ref:str}/alive",
        status_code=200,
        guards=[guards.operator],
        summary="Mark a letter's address as alive again",
        operation_id="markAddressAlive",
        responses=problem_responses(404, 409),
    )
    async def alive(self, request: Visitor, ref: FromPath[str]) -> LetterStoryView:
        """Letters are sent to the address again."""
        await actions.mark_alive(request.user, ref)
        return await story(request, ref)
