"""Writing letters: a row in the transaction of the act that it tells of."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment

from market import clock
from market.letters.tables import Letter
from market.settings import settings
from market.web.templating import environment, letter


@cache
def _letters() -> Environment:
    return environment()


async def write(address: str, name: str, template: str, *, person: str = "", about: str = "", **facts: Any) -> Letter:
    """Write one letter. `template` is a file of `templates/email/` that begins `Subject: …` and a blank line; every name
    it uses must be given. `name`, `site_url`, `now` and `money_simulated` are always there. `person` is the addressee's
    reference when she has an account, `about` the `kind:reference` the letter is about.
    """
    now = clock.now()
    given = {
        "name": name,
        "site_url": settings().site_url,
        "money_simulated": settings().stripe_key is None,
        "now": now,
    }
    subject, text = letter(_letters(), f"email/{template}", {**given, **facts})
    written = Letter(person=person, address=address, name=name, subject=subject, text=text, about=about, written_at=now)
    await Letter.insert(written)
    return written
