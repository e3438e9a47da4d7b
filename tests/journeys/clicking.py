"""The main journey by clicking: from a problem to an audited contract, as the people of one department, two firms, the
minister and an auditor, each at a browser of her own. With scripts or without: the steps are the same, and so are the words.

Nothing is known here but what stands on the pages: people find their way by labels, links and what waits on their desks.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, expect

from market import clock
from market.budgets.rules import year_of
from tests.journeys.browser import Visit, named, shots, visit
from tests.journeys.people import MISSION
from tests.served import ROOT, Served

PROBLEM = "Nobody sees a cracked bridge before it is closed: drone inspection might"
TENDER = "Dredging the brooks under the old bridges"
CARRIED = "Drone inspection of road bridges"
SAME_NEED = "The cracks are those of the exercise: nobody sees them from the road, and a bridge must not be closed to find them."
WHY = (
    "The brooks silt up before the winter floods, and two bridges have lost half of their opening since March. An exercise "
    "would end after the season in which homes are flooded."
)


class Journey:
    """The journey's state: the browsers, the site's clock, and what people wrote down on the way."""

    def __init__(self, site: Served, folder: Path, *, scripts: bool) -> None:
        self.site, self.folder, self.scripts = site, folder, scripts
        self.visits: dict[str, Visit] = {}
        self.begins = datetime.now(clock.ZONE).replace(second=0, microsecond=0)
        self.turned = timedelta(0)
        self.codes: dict[str, str] = {}
        self.challenge = self.tender = self.contract = self.cpv = ""
        self.receipt: Path | None = None

    def __getattr__(self, name: str) -> Visit:
        if name in self.__dict__.get("visits", {}):
            return self.visits[name]
        raise AttributeError(name)

    # ── the clock ───────────────────────────────────────────────────────────────────────────────────────────────────

    def turn(self, days: float) -> None:
        """It is this many days after the beginning, for everybody. Sessions end meanwhile: people sign in again."""
        self.site.move_clock(timedelta(days=days) - self.turned)
        self.turned = timedelta(days=days)

    def moment(self, days: float) -> str:
        """The moment that many days after the beginning, as a field for one takes it."""
        return (self.begins + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")

    def day(self, days: float) -> str:
        """The same as a day."""
        return (self.begins + timedelta(days=days)).strftime("%Y-%m-%d")

    # ── 2: challenge ────────────────────────────────────────────────────────────────────────────────────────────────

    async def draft_challenge(self) -> None:
        """Ada describes a problem; a first try without its sentence keeps what she typed."""
        ada = self.ada
        await ada.sign_in()
        await ada.follow("Describe a problem")
        await ada.fill("The problem", "Bridges are looked at by closing the road.")
        with ada.refused(422):
            await ada.press("Save the draft")
        await expect(ada.page).to_have_title(f"Error: Describe a problem – {await self.site_name(ada)}")
        await ada.mended("Enter the problem in one sentence")
        await expect(ada.main.get_by_label("The problem (needed to publish)", exact=True)).to_have_value(
            "Bridges are looked at by closing the road."
        )
        await ada.fill("The problem in one sentence", PROBLEM)
        await ada.select("Mission it serves", MISSION)
        await ada.fill("Who has it", "Forty thousand people who cross the river every day.")
        await ada.fill("How you know", "Eleven closures in one winter.")
        await ada.choose("Open challenge")
        await ada.press("Save the draft")
        await ada.headed(PROBLEM)
        self.challenge = ada.ref("challenges")
        await ada.sees("Before it can be published")

    async def site_name(self, visit: Visit) -> str:
        """What the site calls itself in its header."""
        return (await visit.page.locator(".pre-wordmark").inner_text()).strip()

    async def fill_sections(self) -> None:
        """Section by section from the task list, until nothing blocks publication."""
        ada = self.ada
        await ada.follow("Success and scope")
        await ada.fill("How we shall know that it is solved", "A crack is seen within a week, without closing a road.")
        await ada.fill("What is out of scope", "Repairs.")
        await ada.press("Save")
        await ada.follow("Fee, places and dates")
        await ada.fill("Fee for each pitch", "four thousand")
        await ada.fill("Paid places", "2")
        await ada.fill("Least mark", "40")
        await ada.fill("Applications close", self.moment(21))
        await ada.fill("Pitches heard by", self.moment(50))
        await ada.fill("Decision by", self.moment(60))
        with ada.refused(422):
            await ada.press("Save")
        await expect(ada.main.get_by_label("Fee for each pitch (needed to publish)", exact=True)).to_have_value(
            "four thousand"
        )
        await expect(ada.main.get_by_label("Paid places (needed to publish)", exact=True)).to_have_value("2")
        await ada.fill("Fee for each pitch", "4,000")
        await ada.press("Save")
        await self.approve_budget()
        await ada.follow("Budget", ada.main)
        await ada.main.get_by_label(named("What it is paid from")).select_option(index=1)
        await ada.press("Save")
        await ada.follow("What may follow")
        await ada.fill("What may follow is worth", "200,000")
        await ada.choose("A tender of this body")
        await ada.fill("Decided by", self.day(80))
        await ada.press("Save")
        await ada.follow("Terms")
        await ada.fill("Who owns the result", "You keep what you make.")
        await ada.fill("Who owns the data", "Open.")
        await ada.fill("Share of later sales that comes back", "None")
        await ada.press("Save")
        await ada.follow("Subject and standards")
        await ada.fill("Find CPV codes", "aerial photography")
        await ada.press("Find")
        first = ada.main.get_by_role("checkbox").first
        self.cpv = await first.get_attribute("value") or ""
        await first.check()
        await ada.press("Save")
        await ada.follow("Success criteria")
        await ada.fill("What is measured", "Days until a crack is seen")
        await ada.fill("Unit", "days")
        await ada.fill("Where it stands", "400")
        await ada.choose("at most the target")
        await ada.fill("Target", "7")
        await ada.fill("By when", self.day(80))
        await ada.fill("How it is measured", "From the first hollow sound to the inspector's list.")
        await ada.press("Add")
        await ada.sees("From 400 days to at most 7 days")
        await ada.follow("Back", ada.page.get_by_role("navigation", name="Back"))
        await ada.follow("Scoring criteria")
        for name, weight in (("How well it would solve it", "60"), ("Evidence that it can work", "40")):
            await ada.fill("Criterion", name)
            await ada.fill("Weight", weight)
            await ada.press("Add")
        await ada.sees("Right")
        await ada.follow("Back", ada.page.get_by_role("navigation", name="Back"))
        await ada.follow("Evaluators")
        for name in ("Cleo Marsh", "Dan Ferris"):
            await ada.select("Name an evaluator", name)
            await ada.press("Name this evaluator")
        await ada.follow("Back", ada.page.get_by_role("navigation", name="Back"))

    async def approve_budget(self) -> None:
        """Ada proposes what may be spent; Fay finds it on her desk and approves it."""
        ada, fay, draft = self.ada, self.fay, self.ada.path
        await ada.go("/budgets")
        await ada.follow("Propose a budget")
        await ada.fill("What it is for", "Bridges and brooks")
        await ada.fill("Financial year", str(year_of((self.begins + timedelta(days=100)).date())))
        await ada.fill("Sum", "900,000")
        await ada.press("Propose")
        await ada.sees("Waits for approval")
        await fay.desk("Approve a budget of £900,000, or not")
        await fay.press("Approve")
        await fay.sees("It counts from now on.")
        await ada.go(draft)

    async def read_by_others(self, kind: str, ref: str, reads: str, team: bool = False) -> None:
        """Ada looks who has done it already and sends it for review; Cleo reads it, and the innovation team where it does."""
        ada = self.ada
        await ada.follow("See who has done this already")
        if await ada.main.get_by_label("Mine differs").count():
            await ada.choose("Mine differs")
            await ada.fill("Why", f"Nobody there did what {ref} asks for: ours stays open to traffic.")
        else:
            await ada.choose("Nobody has done this before, as far as we can find")
            await ada.fill("What you looked for besides", f"We asked six neighbours about {ref}; none has tried it.")
        await ada.press("Save the answer")
        await ada.follow("A second person reads it")
        await ada.select("Who shall read it", "Cleo Marsh")
        await ada.press("Send it for review")
        await ada.sees("It is sent for review.")
        for key, waiting in (
            ("cleo", "Read it before it is published"),
            ("operator", "Read one of the first exercises"),
        ):
            if key == "operator" and not team:
                continue
            reader = self.visits[key]
            await reader.sign_in()
            await reader.desk(waiting)
            await reader.sees(reads)
            await reader.press("Approve it as it is")
            await reader.sees("Approved as you read it.")
        await ada.go(f"/challenges/{ref}/draft" if kind == "challenge" else f"/tenders/{ref}")

    async def publish_challenge(self) -> None:
        """Everybody can read it from now on, once others have read it."""
        await self.read_by_others("challenge", self.challenge, "Forty thousand people", team=True)
        await self.ada.press("Publish the challenge")
        await self.ada.sees("The challenge is published.")

    async def ask_and_answer(self) -> None:
        """Karl asks, Ada answers from her desk, everybody reads."""
        self.turn(1)
        karl, ada = self.kestrel, self.ada
        await karl.sign_in()
        await karl.go(f"/challenges/{self.challenge}")
        await karl.fill("Ask a question", "May we fly below the deck?")
        await karl.press("Ask in public")
        await ada.desk("Answer a question")
        await ada.fill("Your answer", "Yes, with our spotter.")
        await ada.press("Publish the answer")
        await self.visitor.go(f"/challenges/{self.challenge}")
        await self.visitor.sees("May we fly below the deck?", "Yes, with our spotter.")

    # ── 3: apply ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def search(self) -> None:
        """Somebody who cannot spell finds it, and is led to apply by way of signing in."""
        hana = self.heron
        await hana.go("/")
        box = hana.page.get_by_role("searchbox")
        await box.fill("drone inspecton")
        await hana.press("Search")
        await hana.until(PROBLEM)
        if self.scripts:
            box = hana.page.get_by_role("searchbox")
            await box.press("End")
            await box.press_sequentially(" bridges")
            await expect(hana.page).to_have_url(re.compile("bridges"))
            await hana.sees(PROBLEM)
        await hana.follow(PROBLEM)
        await hana.follow("Apply")
        await hana.headed("Apply")

    async def apply(self) -> None:
        """Both firms apply; Hana forgets the answer first, and changes her text afterwards."""
        hana, karl = self.heron, self.kestrel
        await hana.fill("Skills of the team", "Two pilots.")
        with hana.refused(422):
            await hana.press("Send the application")
        await hana.mended("Enter your idea in a few sentences", "Enter how it would work")
        await expect(hana.main.get_by_label("Skills of the team (optional)", exact=True)).to_have_value("Two pilots.")
        await hana.fill("Your idea in a few sentences", "A drone that taps and listens.")
        await hana.fill("How it would work", "It flies, taps, and hears what is hollow.")
        await hana.press("Send the application")
        await hana.sees("Your application has arrived.")
        await hana.follow("Change it")
        await hana.fill("Skills of the team", "Three pilots.")
        await hana.press("Send the change")
        await hana.sees("Three pilots.")
        await karl.go(f"/challenges/{self.challenge}")
        await karl.follow("Apply")
        await karl.fill("Your idea in a few sentences", "A camera on a pole.")
        await karl.fill("How it would work", "Somebody holds the pole.")
        await karl.press("Send the application")

    # ── 4: short list, pitches, fees ────────────────────────────────────────────────────────────────────────────────

    async def mark(self) -> None:
        """The challenge has closed: both evaluators declare, mark under aliases, hand in."""
        self.turn(22)
        for who, points in ((self.cleo, ("80", "50")), (self.dan, ("70", "60"))):
            await who.desk("Declare your interests, then score")
            await who.sees("Heron Works Ltd", "Kestrel Sensing Ltd")
            await who.tick("What I declare is true and complete. I have no interest in the others.")
            await who.press("Declare")
            for _ in range(2):
                await who.main.get_by_role("listitem").filter(has_text="To mark").first.get_by_role("link").click()
                await who.sees_not("Heron Works", "Kestrel Sensing")
                mine = points[0] if await who.main.get_by_text("taps and listens").count() else points[1]
                for criterion in ("How well it would solve it", "Evidence that it can work"):
                    await who.fill(f"Mark for {criterion}", mine, who.group(criterion))
                    await who.fill("Why", "As the text says.", who.group(criterion))
                await who.press("Save these marks")
            await who.press("Hand in my marks")
            await who.sees("Your marks are handed in")

    async def shortlist(self) -> None:
        """Ada makes the short list; both teams read their scores and reasons."""
        self.turn(23)
        await self.ada.desk("Make the short list")
        await self.ada.press("Make the short list")
        await self.ada.sees("The short list is made.", "Heron Works Ltd")
        await self.heron.go("/applications")
        await self.heron.follow(PROBLEM)
        await self.heron.sees("Scores and why", "As the text says.")

    async def pitches(self) -> None:
        """Arranged, heard, and so owed."""
        ada = self.ada
        for firm in ("Heron Works Ltd", "Kestrel Sensing Ltd"):
            await ada.desk("Arrange")
            await ada.main.get_by_role("region", name="Pitches").get_by_role("link", name=firm).click()
            await ada.fill("When", self.moment(30))
            await ada.fill("Where", "Corn Street 4")
            await ada.press("Arrange and tell the team")
            await ada.sees("The pitch is arranged.")
        self.turn(31)
        for firm in ("Heron Works Ltd", "Kestrel Sensing Ltd"):
            await ada.desk("Say whether the pitch was delivered")
            await ada.main.get_by_role("region", name="Pitches").get_by_role("link", name=firm).click()
            await ada.fill("What you saw", "It flew below the deck.")
            await ada.press("Mark as delivered")
            await ada.sees("Its fee is owed from now on.")

    async def pay_fees(self) -> None:
        """Not the one who said that they were delivered: Fay releases; both firms confirm."""
        ada, fay = self.ada, self.fay
        await ada.go("/payments")
        await ada.main.get_by_role("listitem").filter(has_text="Heron Works Ltd").get_by_role("link").first.click()
        await ada.headed("Fee for the pitch")
        await expect(ada.main.get_by_role("button", name="Release")).to_have_count(0)
        for _ in range(2):
            await fay.desk("Release £4,000")
            await fay.press("Release £4,000")
            await fay.sees("The money is released.")
        for firm in (self.heron, self.kestrel):
            await firm.go("/payments")
            await firm.follow("Fee for the pitch")
            await firm.until("The money has arrived")
            await firm.press("The money has arrived")
            await firm.sees("Receipt is confirmed.")

    # ── 5: conclude ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def conclude(self) -> None:
        """Ada writes what was learnt, and decides."""
        ada = self.ada
        await ada.desk("Write down what was learnt and decide")
        await ada.follow("Insight report")
        await ada.fill("Title of the report", "What a drone hears below a bridge")
        await ada.fill("What was tried", "Two pitches below a real bridge.")
        await ada.fill("What worked", "Tapping and listening below the deck.")
        await ada.fill("The evidence", "Twelve cracks found, and none was missed.")
        await ada.fill("What others should know", "Fly in the morning.")
        await ada.press("Save the report")
        await ada.follow("What was measured")
        await ada.select("Success criterion", "Days until a crack is seen")
        await ada.fill("What was measured", "5")
        await ada.fill("Measured on", self.day(30))
        await ada.fill("How it was measured", "Twelve bridges, from sound to list.")
        await ada.press("Write it down")
        await ada.sees("The value is written down.")
        await ada.follow("Back", ada.page.get_by_role("navigation", name="Back"))
        await ada.follow("Go, change or stop")
        with ada.refused(422):
            await ada.press("Conclude and publish")
        await ada.choose("Go")
        await ada.fill("Reasons", "It sees what we could not see.")
        await ada.press("Conclude and publish")
        await ada.sees("The challenge is concluded and its insight report is public.")
        await self.visitor.go("/insights")
        await self.visitor.follow("What a drone hears below a bridge")
        await self.visitor.sees("Fly in the morning.")

    # ── 6: tender ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def draft_tender(self) -> None:
        """From scratch, in a field that no exercise covers, with two lots."""
        ada = self.ada
        await ada.go("/desk")
        await ada.follow("Draft a tender")
        await ada.fill("Title", TENDER)
        await ada.fill("CPV codes", "12")
        with ada.refused(422):
            await ada.press("Save the draft")
        await expect(ada.main.get_by_label("Title", exact=True)).to_have_value(TENDER)
        await ada.fill("CPV codes", "90513600")
        await ada.select("Kind of contract", "Goods or services: Supplies, services, or both; what no other kind fits.")
        await ada.fill("What you want to buy", "The silt under eleven bridges, taken out and measured.")
        await ada.press("Save the draft")
        self.tender = ada.ref("tenders")
        await self._lots(ada)
        await self._rest(ada)

    async def _lots(self, ada: Visit) -> None:
        """Two lots; the second takes the criteria of the first."""
        for number, name in enumerate(("North of the river", "South of the river"), 1):
            await ada.follow("Add a lot")
            await ada.fill("Title of the lot", name)
            await ada.fill("Estimated value", "78,000")
            await ada.fill("CPV codes", "90513600")
            await ada.tick("Suitable for small firms")
            await ada.press("Save the lot")
            if number == 1:
                for criterion, kind, weight in (
                    ("How the brook is spared", "Quality", "60"),
                    ("The price", "Price", "40"),
                ):
                    await ada.fill("Criterion", criterion)
                    await ada.choose(kind)
                    await ada.fill("Weight", weight)
                    await ada.press("Add the criterion")
            else:
                await ada.press("Copy the criteria")
            await ada.sees("this lot is complete")
            await ada.page.get_by_role("link", name="The draft", exact=True).click()
            await ada.headed(TENDER)

    async def _rest(self, ada: Visit) -> None:
        """Dates, terms, and who will open the bids."""
        await ada.follow("Dates")
        await ada.fill("Questions until", self.moment(55))
        await ada.fill("Bids until", self.moment(80))
        await ada.fill("Contract begins on", self.day(120))
        await ada.fill("Contract ends on", self.day(480))
        await ada.press("Save")
        await ada.follow("Terms")
        await ada.fill("Terms", "Readings are open data.")
        await ada.press("Save")
        await ada.follow("Budget", ada.main)
        await ada.main.get_by_label(named("What it is paid from")).select_option(index=1)
        await ada.press("Save")
        await ada.follow("Opening officers")
        for name in ("Ada Byrne", "Ben Okafor"):
            await ada.select("Name an opening officer", name)
            await ada.press("Name this officer")

    async def refuse_at_the_gate(self) -> None:
        """The gate is shut, and says what to do."""
        ada = self.ada
        await ada.go(f"/tenders/{self.tender}")
        await expect(ada.main.get_by_role("button", name="Publish the tender")).to_be_disabled()
        await ada.sees("minister")
        gate = ada.main.get_by_role("listitem").filter(has_text="To do: ").filter(has_text="exercise")
        await expect(gate).to_have_count(1)

    # ── 7: waiver ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask_waiver(self) -> None:
        """Ada asks; a request without a reason comes back with what she typed."""
        ada = self.ada
        await ada.follow("Ask the minister for a waiver")
        await ada.fill("Why", "Too short.")
        await ada.choose("Extreme and unavoidable urgency")
        await ada.fill("What shows it", "Letter of the county's flood lead, 3 March")
        await ada.fill("What it costs to wait for an exercise", "One winter of floods in 1,900 homes.")
        await ada.fill("Valid until", self.day(180))
        with ada.refused(409, 422):
            await ada.press("Send it to the minister")
        await expect(ada.main.get_by_role("radio", name="Extreme and unavoidable urgency", exact=True)).to_be_checked()
        await ada.fill("Why", WHY)
        await ada.press("Send it to the minister")
        await ada.sees("Your request is with the minister.")
        await self.visitor.go("/waivers")
        await self.visitor.sees_not(TENDER)

    async def sign_waiver(self) -> None:
        """The minister makes a passkey, signs in with it, reads and signs; the bundle holds without the site."""
        minister, ada = self.minister, self.ada
        await minister.gets_a_device()
        await minister.go("/account")
        await minister.fill("Name of the new passkey", "Office telephone")
        await minister.press("Add a passkey")
        await minister.sees("The passkey “Office telephone” is added.")
        await minister.sign_out()
        await minister.page.goto(f"{self.site.url}/sign-in")
        await minister.press("Sign in with a passkey")
        await minister.headed("Your desk")
        await minister.desk("Sign or refuse")
        await minister.sees(TENDER, WHY[:60], "One winter of floods in 1,900 homes.")
        await minister.press("Sign with your passkey")
        await minister.sees("Checked: holds.", "Minister for Roads")
        async with minister.page.expect_download() as coming:
            await minister.main.get_by_role("link", name="Download the signed file").click()
        file = self.folder / "waiver.json"
        await (await coming.value).save_as(file)
        assert "HOLDS" in self.site.command("verify", "waiver", str(file)).upper()
        await ada.go(f"/tenders/{self.tender}")
        await expect(ada.main.get_by_role("button", name="Publish the tender")).to_be_disabled()
        await ada.sees("Opening officers")

    async def take_codes(self) -> None:
        """Each opening officer makes her code and writes it down: it is shown once."""
        for key in ("ada", "ben"):
            officer = self.visits[key]
            await officer.go(f"/tenders/{self.tender}/officers")
            await officer.press("Make and show my code")
            self.codes[key] = await officer.main.locator("code").inner_text()
            await officer.follow("I have written it down")
            await officer.sees_not(self.codes[key])

    async def publish_tender(self) -> None:
        """With the waiver in force and both codes taken the gate opens."""
        await self.ada.go(f"/tenders/{self.tender}")
        await self.read_by_others("tender", self.tender, TENDER)
        await self.ada.press("Publish the tender")
        await self.ada.sees("The tender is published.", "Waived")

    async def carry_over(self) -> None:
        """A second tender grows from the concluded exercise: the gate opens by itself."""
        ada = self.ada
        await ada.go("/tenders/new")
        await ada.fill("Title", CARRIED)
        await ada.main.get_by_label(named("The exercise it comes from")).select_option(index=1)
        await ada.fill("CPV codes", self.cpv)
        await ada.fill("What you want to buy", "What was heard below a bridge, for every bridge.")
        await ada.press("Save the draft")
        await ada.headed(CARRIED)
        await ada.follow("Where it comes from")
        await ada.fill("Why the need is the same", SAME_NEED)
        await ada.press("Save")
        gate = (
            ada.main.get_by_role("listitem").filter(has_text="Met: ").filter(has_text="a concluded innovation exercise")
        )
        await expect(gate).to_have_count(1)

    # ── 8: bids ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def seal_bids(self) -> None:
        """Both firms seal a bid for the first lot; Hana keeps her receipt. Nobody sees that there is any."""
        self.turn(70)
        for firm, price in ((self.heron, "60,000"), (self.kestrel, "64,000")):
            await firm.go("/tenders")
            await firm.follow(TENDER)
            await firm.follow("Prepare a bid")
            await firm.follow("Prepare a bid for lot 1")
            await firm.fill("How the brook is spared", f"By hand, where the fish spawn. {price}")
            with firm.refused(422):
                await firm.press("Seal the bid")
            await firm.fill("Your price without VAT", price)
            await firm.tick("No exclusion ground applies to us, and we bid on our own")
            await firm.press("Seal the bid")
            await firm.sees("Sealed")
        await self.heron.go("/bids")
        async with self.heron.page.expect_download() as coming:
            await self.heron.main.get_by_role("link", name="Receipt").click()
        self.receipt = self.folder / "receipt.json"
        await (await coming.value).save_as(self.receipt)
        await self.ada.go(f"/tenders/{self.tender}/opening")
        await self.ada.sees_not("Heron", "Kestrel")

    async def open_bids(self) -> None:
        """After the deadline: one code opens nothing, two do, and the register names the bidders."""
        self.turn(81)
        for key in ("ada", "ben"):
            officer = self.visits[key]
            await officer.desk("Enter your code to open the bids")
            await officer.sees_not("Heron")
            await officer.fill("Your opening code", self.codes[key].lower())
            await officer.press("Enter my code")
        await self.visitor.go(f"/tenders/{self.tender}/opening")
        await self.visitor.sees("Heron Works Ltd", "Kestrel Sensing Ltd")
        assert self.receipt is not None
        envelope = json.loads(self.receipt.read_text())["envelope_sha256"]
        await self.visitor.sees(envelope[:16])

    # ── 9: evaluation, award, contract ──────────────────────────────────────────────────────────────────────────────

    async def evaluate(self) -> None:
        """The panel is named, declares, reads without prices, scores and submits."""
        ada = self.ada
        await ada.desk("Name the evaluators of the bids")
        for name in ("Cleo Marsh", "Dan Ferris"):
            await ada.select("Name an evaluator", name)
            await ada.press("Name this evaluator")
        for who in (self.cleo, self.dan):
            await who.desk("Declare your interests, then score")
            await who.tick("What I declare is true and complete. I have no interest in the others.")
            await who.press("Declare")
            for firm, points in (("Heron Works Ltd", "84"), ("Kestrel Sensing Ltd", "70")):
                await who.follow(firm, who.main.get_by_role("region", name="Bids"))
                await who.press("Open this bid")
                await who.sees("where the fish spawn")
                await who.sees_not("£60,000", "£64,000")
                await who.fill("Mark for How the brook is spared", points)
                await who.fill("Why", "Careful and in season.")
                await who.press("Save these marks")
                if who.path.count("/") > 3:
                    await who.follow("The evaluation", who.page.get_by_role("navigation", name="Back"))
            await who.press("Hand in my marks")
            await who.sees("Your marks are handed in and locked.")

    async def decide(self) -> None:
        """Ada decides for the bid that ranks first; Karl reads his scores and the reasons."""
        ada, karl = self.ada, self.kestrel
        await ada.desk("Decide")
        await ada.follow("Decide lot 1")
        await ada.sees("First by the published criteria")
        with ada.refused(422):
            await ada.press("Decide the lot")
        await ada.choose("Heron Works Ltd")
        await ada.fill("Reasons", "Heron spares the brook best, at the lowest price.")
        await ada.press("Decide the lot")
        await ada.headed("Lot 1 goes to Heron Works Ltd")
        award = ada.path
        await karl.go(award)
        await karl.unfold("How Kestrel Sensing Ltd came to")
        await karl.sees("Careful and in season.")
        await expect(ada.main.get_by_role("button", name="Draw up the contract")).to_have_count(0)

    async def draw_up(self) -> None:
        """The standstill has passed: Ada draws up the contract."""
        self.turn(105)
        ada = self.ada
        await ada.desk("Draw up the contract")
        for number, (what, days, amount) in enumerate(
            (("The first bridge", 140, "20,000"), ("All bridges", 300, "40,000")), 1
        ):
            place = ada.group(f"Milestone {number}")
            await ada.fill("What is delivered", what, place)
            await ada.fill("Due", self.day(days), place)
            await ada.fill("Amount", amount, place)
        await ada.press("Fix the document and ask both sides to sign")
        self.contract = ada.ref("contracts")
        await ada.sees("Both sides are asked to sign it.")

    async def sign_contract(self) -> None:
        """Each side signs the same document."""
        for who in (self.heron, self.ada):
            await who.desk("Sign the contract")
            await who.tick("I have read the document and sign it for")
            await who.press("Sign the contract")
        await self.visitor.go(f"/contracts/{self.contract}")
        await expect(self.visitor.main.get_by_text("Not signed yet")).to_have_count(0)

    async def deliver(self) -> None:
        """The first milestone is delivered and accepted: the money is owed."""
        self.turn(130)
        await self.heron.desk("Deliver “The first bridge”")
        await self.heron.fill("What you delivered", "The silt is out and weighed.")
        await self.heron.press("Mark it delivered")
        await self.ada.desk("Accept or refuse “The first bridge”")
        await self.ada.sees("The silt is out and weighed.")
        await self.ada.press("Accept: £20,000 will be owed")

    async def pay(self) -> None:
        """Fay releases, the worker pays, Hana confirms."""
        await self.fay.desk("Release £20,000")
        await self.fay.press("Release £20,000")
        await self.fay.sees("The money is released.")
        await self.heron.go(self.fay.path)
        await self.heron.until("The money has arrived")
        await self.heron.press("The money has arrived")
        await self.visitor.go(f"/contracts/{self.contract}")
        await self.visitor.sees("receipt confirmed")

    # ── 10, 11: published, and audited ──────────────────────────────────────────────────────────────────────────────

    async def audit(self) -> None:
        """Ines finds the contract, walks back along its line, sees the events, and checks it."""
        ines = self.auditor
        await ines.go("/desk")
        await ines.fill("Search contracts", "dredging brooks")
        await ines.press("Search")
        await ines.follow(TENDER)
        thread = ines.main.get_by_role("region", name="The thread")
        await expect(thread.get_by_role("listitem").filter(has_text="Tender")).to_contain_text("done")
        await ines.sees("Every event beside it")
        await ines.follow("Check this record")
        await expect(ines.main.get_by_text("Checked: holds.").first).to_be_visible()
        await expect(ines.main.get_by_text("does not hold")).to_have_count(0)
        related = ines.main.get_by_role("region", name="Other records of this thread")
        await ines.follow(TENDER, related)
        await ines.sees("Every event beside it")
        assert "HOLDS" in self.site.command("verify", "log").upper()

    # ── who is there ────────────────────────────────────────────────────────────────────────────────────────────────

    async def play(self, *steps: str) -> None:
        """Play steps in order. A failure names its step, and is photographed when screenshots are wanted."""
        for name in steps:
            try:
                await getattr(type(self), name)(self)
                for each in self.visits.values():
                    each.holds()
            except BaseException as error:
                error.add_note(f"in the step “{name.replace('_', ' ')}”")
                for key, each in self.visits.items():
                    error.add_note(f"{key} at {each.page.url}")
                    if folder := shots():
                        await each.page.screenshot(path=folder / f"failed-{name}-{key}.png", full_page=True)
                raise


def entered(site: Served) -> dict[str, dict[str, str]]:
    """Everybody whom `python -m tests.journeys.people` entered into this site."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.people"],
        cwd=ROOT,
        env={**os.environ, **site.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    people: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return people


@asynccontextmanager
async def begun(chromium: Browser, site: Served, folder: Path, *, scripts: bool) -> AsyncIterator[Journey]:
    """The journey with a browser for each of its people and one for a visitor without a name."""
    journey = Journey(site, folder, scripts=scripts)
    async with AsyncExitStack() as stack:
        journey.visits["visitor"] = await stack.enter_async_context(
            visit(chromium, site.url, "a visitor", scripts=scripts)
        )
        for key, who in entered(site).items():
            there = visit(chromium, site.url, who["name"], who["email"], who["password"], scripts=scripts)
            journey.visits[key] = await stack.enter_async_context(there)
        yield journey


UP_TO_THE_PASSKEY = (
    "draft_challenge",
    "fill_sections",
    "publish_challenge",
    "ask_and_answer",
    "search",
    "apply",
    "mark",
    "shortlist",
    "pitches",
    "pay_fees",
    "conclude",
    "draft_tender",
    "refuse_at_the_gate",
    "ask_waiver",
)
"""What people do without a key of their own device."""

FROM_THE_PASSKEY = (
    "sign_waiver",
    "take_codes",
    "publish_tender",
    "carry_over",
    "seal_bids",
    "open_bids",
    "evaluate",
    "decide",
    "draw_up",
    "sign_contract",
    "deliver",
    "pay",
    "audit",
)
"""And from there to the end."""
