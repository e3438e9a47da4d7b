"""The documentation of a profile, generated from its cards, so that page, test and rule cannot disagree.

Markdown for people who read files; the site's pages take the same cards. Every rule has its own section: tier and date,
reason and source, how to mend a finding, the rule as it stands in the ruleset, and the examples that are its tests.
"""

from __future__ import annotations

import json
from typing import Any

from market.openapi.document import load
from market.standards.checking.profiles import Card, Example, Profile
from market.wording import N_, _

_KINDS = {
    "document": N_("Checked on the description."),
    "change": N_("Checked against the version lodged before."),
    "live": N_("Checked on the running service."),
}


def profile_page(of: Profile) -> str:
    """A profile as one Markdown page: what it is for, a table of its rules, then a section for each."""
    lines = [
        f"# {of.title}",
        "",
        of.says,
        "",
        f"Profile `{of.name}`, version {of.version}, in force since {of.effective_on.isoformat()}.",
        f"Digest `{of.digest}`.",
        "",
        "| rule | tier | what it asks |",
        "|---|---|---|",
    ]
    for card in of.cards.values():
        lines.append(f"| [{card.rule}](#{anchor(card.rule)}) | {tier_words(card)} | {card.title} |")
    for card in of.cards.values():
        lines.extend(("", rule_section(of, card)))
    return "\n".join(lines) + "\n"


def rule_section(of: Profile, card: Card) -> str:
    """One rule in Markdown."""
    lines = [f"## {card.rule}", "", f"**{card.title}.** {tier_words(card).capitalize()}. {_(_KINDS[card.kind])}", ""]
    lines.append(f"Why: {card.why} Source: [{card.source}]({card.source_url}).")
    lines.extend(("", _("To mend a finding: {mend}", mend=card.mend)))
    written = definition(of, card.rule)
    if written is not None:
        lines.extend(("", "```json", json.dumps(written, indent=2, ensure_ascii=False), "```"))
    for words, examples in (("Passes", card.passing), ("Fails", card.failing)):
        for example in examples:
            lines.extend(("", f"{words}: {example_words(example)}"))
    return "\n".join(lines)


def tier_words(card: Card) -> str:
    """`gate`, or `advisory, a gate from 2027-10-01`."""
    if card.gate_from is None:
        return card.tier
    return f"{card.tier}, a gate from {card.gate_from.isoformat()}"


def anchor(rule: str) -> str:
    """The heading's anchor as Markdown renderers make it."""
    return "".join(sign for sign in rule.lower() if sign.isalnum() or sign in "-_")


def definition(of: Profile, rule: str) -> Any:
    """The rule as the ruleset writes it; a severity for one taken from `spectral:oas`; None for checks beyond the text."""
    return load(of.text.encode()).data.get("rules", {}).get(rule)


def example_words(example: Example) -> str:
    """An example as what differs from the profile's base document."""
    parts = [_("without `{pointer}`", pointer=pointer) for pointer in example.drop]
    for pointer, value in example.put.items():
        parts.append(_("with `{pointer}` = `{value}`", pointer=pointer, value=json.dumps(value, ensure_ascii=False)))
    return _("the base document {parts}", parts=", ".join(parts)) if parts else _("the base document as it is")
