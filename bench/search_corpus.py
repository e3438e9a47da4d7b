"""The corpus of the search benchmarks: real firms, problem statements, opportunities and notices, multiplied to size.

It is read from the folder of real data beside the repository (`../shared/data`) or `$PRELUDE_SHARED_DATA`, and never
copied. Up to some 24,000 documents are the real ones; beyond that each further one mixes the texts of real ones of its
kind, so that words keep their real frequencies and no two documents are alike. The same size gives the same corpus.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from search.documents import Kind, SearchDocument

ROOT = Path(__file__).resolve().parent.parent
NOW = 1_790_000_000
DAY = 86_400
REGIONS = (
    "London", "South East", "North West", "Scotland", "Wales", "North East", "Yorkshire and the Humber", "East of England",
    "West Midlands", "East Midlands", "South West", "Northern Ireland",
)  # fmt: skip
CERTIFICATES = ("ISO 9001", "ISO 27001", "Cyber Essentials", "Cyber Essentials Plus", "ISO 14001", "Living Wage")
_TAGS = re.compile(r"<[^>]+>|&[a-z]+;")


def data_folder() -> Path:
    """Where the real data is; exits with a sentence when it is not there."""
    folder = Path(os.environ.get("PRELUDE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "suppliers").is_dir():
        raise SystemExit(f"the benchmark needs the real data, which is not at {folder}: set PRELUDE_SHARED_DATA")
    return folder


def _text(value: object, most: int = 6000) -> str:
    return " ".join(_TAGS.sub(" ", str(value or "")).split())[:most]


class Corpus:
    """The real texts, and documents made of them."""

    def __init__(self) -> None:
        folder = data_folder()
        with gzip.open(folder / "suppliers" / "us-sbir-firms-to-2013.jsonl.gz", "rt", encoding="utf-8") as lines:
            self.firms = [json.loads(line) for line in lines]
        with gzip.open(folder / "challenges" / "us-sbir-topics.jsonl.gz", "rt", encoding="utf-8") as lines:
            self.topics = [json.loads(line) for line in lines]
        with (folder / "challenges" / "uk-digital-outcomes-opportunities.csv").open(encoding="utf-8-sig") as lines:
            self.opportunities = list(csv.DictReader(lines))
        with (folder / "reference" / "cpv-codes.csv").open(encoding="utf-8") as lines:
            self.cpv = [row for row in csv.reader(lines, delimiter="|") if len(row) == 4 and row[0].isdigit()]
        self.notices = list(_notices(folder / "ocds"))
        self.buyers = sorted({row["Organisation Name"] for row in self.opportunities if row["Organisation Name"]})

    def documents(self, size: int) -> Iterator[SearchDocument]:
        """That many documents."""
        chance = random.Random(size)
        makers = (
            [(self._supplier, at) for at in range(len(self.firms))]
            + [(self._challenge, at) for at in range(len(self.topics))]
            + [(self._tender, at) for at in range(len(self.opportunities))]
            + [(self._notice, at) for at in range(len(self.notices))]
        )
        chance.shuffle(makers)
        for number in range(size):
            make, at = makers[number % len(makers)]
            yield make(at, number // len(makers), chance)

    def _facts(self, chance: random.Random) -> dict[str, Any]:
        codes = chance.sample(self.cpv, chance.choice((1, 1, 2, 3)))
        published = NOW - chance.randrange(2000) * DAY
        return {
            "cpv": tuple(row[0] for row in codes),
            "keywords": tuple(row[3] for row in codes),
            "region": chance.choice(REGIONS),
            "published_at": published,
            "sme_suitable": chance.random() < 0.6,
        }

    def _offer(self, chance: random.Random, published: int) -> dict[str, Any]:
        closes = published + chance.randrange(10, 60) * DAY
        return {
            "opens_at": published,
            "closes_at": closes,
            "stage": "open" if closes > NOW else "closed",
            "value_minor": int(10 ** chance.uniform(5.5, 9.5)),
            "currency": "GBP",
        }

    def _supplier(self, at: int, copy: int, chance: random.Random) -> SearchDocument:
        firm = self.firms[at]
        awards = list(firm["awards"])
        name = _text(firm["name"], 200)
        if copy:
            other = self.firms[chance.randrange(len(self.firms))]
            words = _text(other["name"], 200).split()
            name = " ".join([*name.split()[:2], *words[-2:]])
            awards = awards[copy % max(1, len(awards)) :] + other["awards"][:3]
        abstracts = [_text(award["abstract"], 1500) for award in awards[:4] if award.get("abstract")]
        return SearchDocument(
            kind=Kind.SUPPLIER, ref=f"S-{at}-{copy}", url=f"/suppliers/S-{at}-{copy}", title=name or "Unnamed firm",
            summary="; ".join(_text(award["title"], 200) for award in awards[:3]), body=" ".join(abstracts),
            certificates=tuple(chance.sample(CERTIFICATES, chance.randrange(3))),
            popularity=int(firm.get("awards_total") or 0), **self._facts(chance),
        )  # fmt: skip

    def _challenge(self, at: int, copy: int, chance: random.Random) -> SearchDocument:
        topic = self.topics[at]
        title, body = _text(topic["Topic Name"], 300), _text(topic["Description"], 6000)
        if copy:
            other = self.topics[chance.randrange(len(self.topics))]
            half = body.split(". ")
            body = ". ".join([*half[: len(half) // 2], *_text(other["Description"], 3000).split(". ")[:8]])
            title = " ".join([*title.split()[:4], *_text(other["Topic Name"], 300).split()[-4:]])
        facts = self._facts(chance)
        return SearchDocument(
            kind=Kind.CHALLENGE, ref=f"C-{at}-{copy}", url=f"/challenges/C-{at}-{copy}", title=title or "Untitled",
            summary=body[:280], body=body, buyer=chance.choice(self.buyers), popularity=chance.randrange(50), **facts,
            **self._offer(chance, facts["published_at"]),
        )  # fmt: skip

    def _tender(self, at: int, copy: int, chance: random.Random) -> SearchDocument:
        row = self.opportunities[at]
        facts = self._facts(chance)
        title = _text(row["Opportunity"], 300)
        if copy:
            other = self.opportunities[chance.randrange(len(self.opportunities))]
            title = f"{' '.join(title.split()[:4])} {' '.join(_text(other['Opportunity'], 300).split()[:5])}"
        facts["region"] = _text(row["Location Of The Work"], 80) or facts["region"]
        return SearchDocument(
            kind=Kind.TENDER, ref=f"T-{at}-{copy}", url=f"/tenders/T-{at}-{copy}", title=title,
            summary=f"{_text(row['Specialist'] or row['Category'])}, {_text(row['Expected Contract Length'])}",
            buyer=_text(row["Organisation Name"], 200),
            supplier_names=(_text(row["Winning supplier"], 200),) if row["Winning supplier"] else (),
            popularity=int(float(row["Total Organisations"] or 0)), **facts, **self._offer(chance, facts["published_at"]),
        )  # fmt: skip

    def _notice(self, at: int, copy: int, chance: random.Random) -> SearchDocument:
        title, body, buyer = self.notices[at]
        facts = self._facts(chance)
        if copy:
            other = self.notices[chance.randrange(len(self.notices))]
            title, body = f"{title[:120]}, {other[0][:60]}", f"{body} {other[1]}"
        return SearchDocument(
            kind=Kind.NOTICE, ref=f"ocds-{at}-{copy}", url=f"/notices/ocds-{at}-{copy}", title=title, body=body,
            summary=body[:250], buyer=buyer, source=chance.choice(("Contracts Finder", "Public Contracts Scotland")),
            **facts, **self._offer(chance, facts["published_at"]),
        )  # fmt: skip


def _notices(folder: Path) -> Iterator[tuple[str, str, str]]:
    for file in sorted(folder.rglob("*.json")):
        try:
            package = json.loads(file.read_bytes())
        except (ValueError, UnicodeDecodeError):
            continue
        releases = package.get("releases") if isinstance(package, dict) else None
        for release in releases if isinstance(releases, list) else ():
            tender = release.get("tender") if isinstance(release, dict) else None
            if isinstance(tender, dict) and isinstance(tender.get("title"), str) and tender["title"]:
                buyer = release.get("buyer")
                name = buyer.get("name") if isinstance(buyer, dict) else ""
                yield _text(tender["title"], 300), _text(tender.get("description"), 4000), _text(name, 200)
