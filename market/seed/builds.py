"""What bodies of the story make themselves, or thought of making."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from market.builds import actions
from market.seed import reading
from market.seed.cast import Cast
from market.seed.script import REFS, Act, Script


def builds(script: Script, cast: Cast) -> Iterator[Act]:
    """Every decision to make or to buy: drafted, read by a second person, published."""
    for each in script["builds"]:
        yield from _acts(script, cast, each)


def _acts(script: Script, cast: Cast, text: dict[str, Any]) -> Iterator[Act]:
    key = f"build:{text['key']}"

    async def draft() -> None:
        given = actions.BuildDraft(
            title=text["title"],
            need=text.get("need", "").strip(),
            market=text.get("market", "").strip(),
            choice=text.get("choice", ""),
            reasons=text.get("reasons", "").strip(),
            estimated_minor=text.get("estimated_minor"),
        )
        body = cast.organisations[text["buyer"]]
        REFS[key] = (await actions.draft(await cast.actor(text["drafted_by"]), body.id, given)).ref

    async def publish() -> None:
        await actions.publish(await cast.actor(text["drafted_by"]), REFS[key])

    yield Act(script.moment(text["drafted_at"]), f"draft {text['key']}", draft)
    if "published_at" not in text:
        return
    at = script.moment(text["published_at"])
    yield Act(
        at - timedelta(minutes=40), f"sending {text['key']}", lambda: reading.send(cast, "build", REFS[key], text)
    )
    yield Act(
        at - timedelta(minutes=10), f"reading {text['key']}", lambda: reading.approve(cast, "build", REFS[key], text)
    )
    yield Act(at, f"publish {text['key']}", publish)
