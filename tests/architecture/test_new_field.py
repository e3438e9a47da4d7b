"""What `docs/conventions.md` says of adding something is walked on a copy of the tree: no file is needed that it does not name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from market import migrations
from market.settings import ROOT
from tests.architecture.copies import Copy, named, section

pytestmark = [pytest.mark.slow, pytest.mark.long]

COLOUR_OF_A_LOT = """
import pytest
from market.tenders.tables import Lot
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


async def test_a_colour_goes_from_the_form_to_the_row_and_back_and_through_the_api(app):
    body = await given.organisation(tier="local")
    officer = await given.person(body, "buyer")
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        place = (await client.post("/tenders/new", data={"title": "Beach chairs", "cpv": "33193120"})).headers["location"]
        lot = {"title": "Both beaches", "value_minor": "6,500", "cpv": "33193120", "colour": "teal"}
        assert (await client.post(f"{place}/lots/new", data=lot)).status_code == 303
        row = await Lot.objects().first()
        assert row.colour == "teal"
        edit = f"{place}/lots/{row.ref}/edit"
        assert 'value="teal"' in (await client.get(edit)).text
        assert (await given.filled(client, edit, {**lot, "colour": "amber"})).status_code == 303
        headers = await given.token(officer)
        shown = await client.get(f"/api/v1/tenders/{place.split('/')[-1]}", headers=headers)
        assert [each["colour"] for each in shown.json()["lots"]] == ["amber"]
"""


def test_a_field_on_a_lot_needs_the_files_that_are_named_and_no_other(tmp_path: Path) -> None:
    """Its migration is the example of the section on migrations."""
    copy = Copy(tmp_path)
    number = max(each.number for each in migrations.files() if each.app == "market") + 1
    (sql,) = re.findall(r"^```sql\n(.*?)^```", section("How to add a migration"), re.MULTILINE | re.DOTALL)
    migration = f"market/piccolo_migrations/market_{number:04}_colours_of_lots.sql"
    copy.add(migration, sql)
    copy.add(
        "market/tenders/tables.py",
        '    colour = words()\n    """The colour of its folder."""\n',
        after="    sme_suitable = yes_or_no(True)\n",
    )
    copy.add(
        "market/tenders/drafts/actions.py",
        '    colour: Annotated[str, Meta(title="Colour", max_length=20)] = ""\n',
        after='    sme_suitable: Annotated[bool, Meta(title=N_("Suitable for small firms"))] = False\n',
    )
    copy.add(
        "market/tenders/api.py", "    colour: str\n", after="    maximum_minor: int | None\n    sme_suitable: bool\n"
    )
    copy.add(
        "templates/tenders/lot.html",
        '{{ forms.text(form, "colour", _("Colour of its folder"), optional=true) }}\n',
        after="{{ parts.codes(form, forms) }}\n",
    )
    copy.run("market", "openapi", into="docs/openapi.json")
    words = re.search(r"^words:.*\n\t\$\(BIN\)/python -m (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert words
    copy.run(*words[1].split())
    steps = {
        re.sub(r"market_\d{4}_colours", f"market_{number:04}_colours", path) for path in named("How to add a field")
    }
    assert copy.changed() == steps
    copy.run("market", "migrate")
    copy.run("market", "migrate", "--check")
    copy.add("tests/market/tenders/test_colours.py", COLOUR_OF_A_LOT)
    kept = ("tests/market/tenders/test_colours.py", "tests/architecture/test_wording.py", "tests/market/test_drafts.py")
    copy.run("pytest", "-q", "-p", "no:cacheprovider", *kept)
