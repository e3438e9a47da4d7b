"""How the product says no: a rule returns why, an action insists, a page shows the same reasons as a checklist.

A rule is a pure function `(facts) -> reason or None`, made by :func:`rule`. A tuple of rules guards one action
(`PUBLISH = (draft_only, innovation_first, …)`); the action calls :func:`insist`, the page and the API call
:func:`refusals` on the same tuple, and `docs/rules.md` is generated from it. So the three can never disagree.

What no pure function can find out (a choice that is not on the list, a signature that does not hold, a service that is
busy) is declared as a :class:`Denial` in the same modules and raised by its name. Nowhere else is a code written.

What is not forbidden but looks like a slip (a deadline in 22 years, a price fifty times the estimate) is *asked once more*: a
rule made with `asks=True` stands in a tuple of its own, the action calls :func:`ask` on it after it has insisted on the others,
and goes on when the person sends back that very sentence confirmed. The page shows the sentence with a box to tick, the API
answers with what to send.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec

from market.wording import _

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why something may not happen.

    `code` is stable for ever (`noun.kebab-reason`), `reason` says in plain words why and what to do, `field` names the
    form field it is about where there is one. `confirm` is what is sent back to confirm what is only asked once more, empty
    for what is refused.
    """

    code: str
    reason: str
    field: str | None = None
    confirm: str = ""


class Refused(Exception):
    """An action was refused. Carries every reason, never only the first; nothing was written. `wait` are the seconds after
    which what was tried too often (429) may be tried again."""

    def __init__(self, *reasons: Refusal, status: int = 409, wait: int = 60) -> None:
        super().__init__("; ".join(reason.reason for reason in reasons))
        self.reasons = reasons
        self.status = status
        self.wait = wait


class AskedOnceMore(Refused):
    """Nothing forbids the action, but something looks like a slip: it is done when every one of these reasons is confirmed.
    Nothing was written."""


class NotFound(Exception):
    """There is no such record, or the asker may not know that there is one; both answer 404 alike."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal that is declared in a module named `rules` and raised elsewhere: `raise OFFICER_NAMED_ALREADY.refused(name=…)`.

    `words` is the sentence (`N_`) with its facts in braces, `norm` what must hold, for the rule book; `field`, `source` as
    in :func:`rule`; `status` is how HTTP answers it.
    """

    code: str
    words: str
    norm: str
    field: str | None = None
    source: str | None = None
    status: int = 409

    def refusal(self, *, beside: str | None = None, **facts: Any) -> Refusal:
        """This reason with these facts, beside another field than its own when one is named."""
        return Refusal(self.code, _(self.words, **facts), beside or self.field)

    def refused(self, *, beside: str | None = None, **facts: Any) -> Refused:
        """What is raised."""
        return Refused(self.refusal(beside=beside, **facts), status=self.status)


def first_paragraph(docstring: str) -> str:
    """The first paragraph of a docstring on one line, without the marks of literals: so norms stand in the catalogue."""
    return " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].replace("`", "").split())


class Rule(Generic[P]):
    """A rule with its code: called with facts, it answers a :class:`Refusal` or None. One that `asks` refuses nothing for
    good: what it says is done once it is confirmed."""

    def __init__(
        self, code: str, norm: Callable[P, str | None], field: str | None, source: str | None, *, asks: bool
    ) -> None:
        self.code, self.field, self.source, self.asks = code, field, source, asks
        self.norm = norm
        self.__name__: str = norm.__name__
        self.__doc__ = norm.__doc__
        self.__module__ = norm.__module__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Refusal | None:
        reason = self.norm(*args, **kwargs)
        if reason is None:
            return None
        return Refusal(self.code, reason, self.field, _confirmation(self.code, reason) if self.asks else "")

    @property
    def says(self) -> str:
        """What must hold, in one sentence for people: the first paragraph of the docstring, without the marks of literals."""
        return _(first_paragraph(self.__doc__ or self.code))

    @property
    def broken(self) -> Refusal:
        """The reason in the words of the norm, without any fact: for what nobody can mend any more, and everybody may read."""
        return Refusal(self.code, self.says, self.field)

    def refused(self, *args: P.args, **kwargs: P.kwargs) -> Refused:
        """What is raised for facts that break the rule: after a race that the database decided, with what is true since."""
        refusal = self(*args, **kwargs)
        if refusal is None:
            raise ValueError(f"{self.code} holds for these facts")
        return Refused(refusal)


def _confirmation(code: str, reason: str) -> str:
    """What confirms this reason and no other: with another figure in it the sentence is another, and is asked again."""
    return f"{code}:{hashlib.sha256(reason.encode()).hexdigest()[:16]}"


def rule(
    code: str, *, field: str | None = None, source: str | None = None, asks: bool = False
) -> Callable[[Callable[P, str | None]], Rule[P]]:
    """Make a rule of a function that answers None (it holds) or the reason in plain words and what to do about it.

    `code` is `noun.kebab-reason` and never reused. `field` is the form field the reason belongs beside. `source` is the
    law, standard or policy the norm comes from. The function's name says what must hold; its docstring is the norm.

    With `asks` it is the kind that is asked once more, in :func:`ask`. Its words are a question with the figures in it, and
    are the same when the same is sent again: no word of them counts the seconds.
    """

    def made(norm: Callable[P, str | None]) -> Rule[P]:
        return Rule(code, norm, field, source, asks=asks)

    return made


def refusals(rules: Iterable[Rule[P]], *args: P.args, **kwargs: P.kwargs) -> list[Refusal]:
    """Every reason the facts give against these rules, in the rules' order; empty when all hold."""
    return [refusal for each in rules if (refusal := each(*args, **kwargs)) is not None]


def insist(rules: Iterable[Rule[P]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Raise :class:`Refused` with every reason unless all rules hold."""
    reasons = refusals(rules, *args, **kwargs)
    if reasons:
        raise Refused(*reasons)


def ask(rules: Iterable[Rule[P]], confirmed: Collection[str], *args: P.args, **kwargs: P.kwargs) -> list[str]:
    """Raise :class:`AskedOnceMore` with every question that these rules (made with `asks=True`) have and `confirmed` does not
    answer. Answers the codes of those that were confirmed, for the record of what was done knowingly. Call it when all is
    refused that is refused: nobody confirms what cannot be done."""
    questions = refusals(rules, *args, **kwargs)
    if open_ones := [each for each in questions if each.confirm not in confirmed]:
        raise AskedOnceMore(*open_ones)
    return [each.code for each in questions]


def checklist(rules: Iterable[Rule[P]], *args: P.args, **kwargs: P.kwargs) -> list[tuple[Rule[Any], Refusal | None]]:
    """Each rule beside its answer, for a page that shows what is done and what still blocks."""
    return [(each, each(*args, **kwargs)) for each in rules]
