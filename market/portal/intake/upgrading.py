"""Turns any release a publisher made into a sound release of OCDS 1.1, and writes down everything that was changed.

Two things happen. The shape is mended against the standard's own schema: a text where a number belongs, one object where
a list belongs, a date that is no date. Then the 1.0 arrangement is brought to 1.1 by the Open Contracting Partnership's
own rules (`ocdskit`): organisations move into `parties`, `amendment` becomes `amendments`, transactions get a payer and
a payee. What cannot be understood is left out, never guessed: the bytes as published stay in :class:`~.reading.Found`
and every change is a :class:`~.reading.Note`, so that the source's quality can be scored and the publisher told.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from ocdskit.upgrade import upgrade_release_10_11

from market.portal.intake.reading import Defect, Found, Note
from market.portal.intake.shape import Node, root
from market.portal.intake.spellings import instant, moment, number
from market.wording import _, either

EARLIEST = "1970-01-01T00:00:00Z"
"""The date given to a release that has none and lies in nothing that has one: it is merged before all others."""

logging.getLogger("ocdskit").setLevel(logging.ERROR)  # what it warns of is noted here, per release, in plain words

_GONE: Any = object()
_CURRENCY_SIGN = {"£": "GBP", "€": "EUR", "¥": "JPY", "₴": "UAH", "₲": "PYG"}
_DRAFT_NAMES = {"releaseID": "id", "releaseDate": "date", "releaseTag": "tag", "formation": "tender"}
_ORGANISATIONS = ("Organization", "OrganizationReference")  # told apart by name, in settle_parties
_LISTS_OF_PROCESS = ("awards", "contracts")


@dataclass(frozen=True, slots=True)
class Upgraded:
    """One sound release of OCDS 1.1.

    `content` is the SHA-256 of what was published, whatever its spacing and order of fields: two releases with the same
    id and the same content are the same release. `release` is ours to change; the published bytes are elsewhere.
    """

    ocid: str
    id: str
    date: str
    tags: tuple[str, ...]
    release: dict[str, Any]
    content: str
    compiled: bool
    notes: tuple[Note, ...]


def upgrade(found: Found) -> Upgraded | Defect:
    """The release as sound OCDS 1.1, or why it cannot be one: without an ocid nothing can be filed.

    Takes `found.data` over and changes it in place; `found.raw` stays as it was.
    """
    release = found.data
    content = hashlib.sha256(msgspec.json.encode(release, order="sorted")).hexdigest()
    mender = _Mender(found.notes)
    for old, new in _DRAFT_NAMES.items():
        if old in release and new not in release:
            release[new] = release.pop(old)
            mender.note(
                "version.draft-name",
                old,
                _("“{old}”, a name from before version 1.0, is read as “{new}”.", old=old, new=new),
            )
    ocid = release.get("ocid")
    ocid = str(ocid).strip() if isinstance(ocid, (str, int)) else ""
    if not ocid:
        return Defect(
            found.position, _("The release has no ocid, so it cannot be said which procurement it is about."), found.raw
        )
    release["ocid"] = ocid
    mender.object(release, root())
    _upgrade_version(release, found.package.version, mender)
    mender.settle_parties(release)
    _settle_currencies(release, mender)
    tags = _tags(release, found.kind == "compiled", mender)
    date = release.get("date")
    if not date:
        date = _likely_date(release, found.package.published)
        mender.note(
            "release.date-missing",
            "date",
            _("The release has no date; {date} was taken from what it contains.", date=date),
        )
        release["date"] = date
    identifier = release.get("id")
    if identifier is None or identifier == "":
        release["id"] = identifier = f"{ocid}-{content[:12]}"
        mender.note("release.id-missing", "id", _("The release has no id; one was made from its content."))
    if "initiationType" not in release:
        release["initiationType"] = "tender"
    compiled = found.kind == "compiled" or "compiled" in tags
    return Upgraded(
        ocid=ocid,
        id=str(identifier),
        date=date,
        tags=tags,
        release=release,
        content=content,
        compiled=compiled,
        notes=mender.notes(),
    )


# ── the shape, against the schema ────────────────────────────────────────────────────────────────────────────────────


_SIGN = re.compile(r"&(?:#\d{2,6}|#x[0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});")


class _Mender:
    """Walks one release along the schema and puts right what can be put right, in place."""

    def __init__(self, notes: tuple[Note, ...]) -> None:
        self._notes: dict[tuple[str, str], list[Any]] = {}
        self._trail: list[str] = []
        for each in notes:
            self.note(each.code, each.path, each.words)

    def note(self, code: str, path: str | None, words: str) -> None:
        """Write down one change; the same change at like places is told once, with how often."""
        where = "".join(self._trail).lstrip(".") if path is None else path
        key = (code, re.sub(r"\[\d+\]", "", where))
        if key in self._notes:
            self._notes[key][2] += 1
        else:
            self._notes[key] = [where, words, 1]

    def notes(self) -> tuple[Note, ...]:
        """Everything written down, in the order it was met."""
        return tuple(
            Note(
                code,
                where,
                words if times == 1 else _("{words} The same at {times} more places.", words=words, times=times - 1),
            )
            for (code, _place), (where, words, times) in self._notes.items()
        )

    def object(self, given: dict[str, Any], node: Node) -> None:
        """Mend every field of an object the schema knows; fields it does not know are left as they are."""
        for key in list(given):
            child = node.properties.get(key)
            self._trail.append(f".{key}")
            if child is None:
                if isinstance(given[key], (list, dict)):
                    self._foreign(given[key])
            else:
                value = self._value(given[key], child)
                if value is _GONE:
                    del given[key]
                else:
                    given[key] = value
            self._trail.pop()
        if node.name == "Value":
            self._money(given)
        elif node.name == "Identifier":
            self._identifier(given)

    def _value(self, value: Any, node: Node) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, node)
        if kind is dict:
            return self._dict(value, node)
        if kind is list:
            return self._list(value, node)
        if value is None:
            if node.nullable or not node.types:
                return None
            self.note("value.null", None, _("Nothing (null) stood where the standard wants a value."))
            return _GONE
        if kind is bool:
            if "boolean" in node.types or not node.types:
                return value
            return self._misfit(value, node)
        if node.numeric:
            return value if kind is int or "number" in node.types else self._whole(value, node)
        if node.text:
            self.note("text.number", None, _("A number stood where text belongs; its digits are taken."))
            return self._text(str(value), node)
        if "boolean" in node.types and value in (0, 1):
            self.note("boolean.number", None, "0 or 1 stood where true or false belongs.")
            return bool(value)
        if "array" in node.types and node.item is not None:
            self.note("list.single", None, _("One value stood where a list belongs."))
            return self._list([value], node)
        return self._misfit(value, node)

    def _whole(self, value: float, node: Node) -> Any:
        """A fraction where only whole numbers belong: 7.0 is 7, 7.5 is text where text may stand, otherwise nothing."""
        if value.is_integer():
            self.note("number.fraction", None, _("{value} stood where a whole number belongs.", value=value))
            return int(value)
        return str(value) if node.text else self._misfit(value, node)

    def _text(self, value: str, node: Node) -> Any:
        if node.text:
            if not value.strip():
                self.note("text.empty", None, _("Empty text was left out."))
                return _GONE
            if node.dated:
                return self._date(value)
            if node.codes is not None and value not in node.codes:
                return self._code(value, node)
            if node.prose and "&" in value and _SIGN.search(value):
                return self._plain(value)
            return value
        if not value.strip():
            self.note("text.empty", None, _("Empty text was left out."))
            return _GONE
        if node.numeric:
            read = number(value)
            if read is None:
                self.note("number.unreadable", None, _("“{value}” is not a number and was left out.", value=value[:40]))
                return _GONE
            if "number" not in node.types:
                read = int(read)
            self.note("number.text", None, _("The number was written as text (“{value}”).", value=value[:40]))
            return read
        if "boolean" in node.types:
            read_as = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
                value.strip().lower()
            )
            if read_as is None:
                return self._misfit(value, node)
            self.note("boolean.text", None, _("“{value}” stood where true or false belongs.", value=value[:10]))
            return read_as
        if "array" in node.types and node.item is not None:
            self.note("list.text", None, _("The text “{value}” stood where a list belongs.", value=value[:40]))
            parts = re.split(r"[,;|]\s*", value) if node.item.codes is not None else [value]
            return self._list(list(parts), node)
        if "object" in node.types and "name" in node.properties:
            self.note("object.text", None, _("Only a name stood where an object belongs."))
            return {"name": value}
        return value if not node.types else self._misfit(value, node)

    def _plain(self, value: str) -> str:
        """Text whose signs were written as HTML, once or (by each aggregator on the way) once more."""
        made = value
        while _SIGN.search(made) and (fewer := html.unescape(made)) != made:
            made = fewer
        if made != value:
            self.note("text.markup", None, _("Signs were written as in HTML (&amp; for &)."))
        return made

    def _date(self, value: str) -> Any:
        made, code = moment(value)
        if made is None:
            self.note(code or "date.invalid", None, _("“{value}” is not a date and was left out.", value=value[:40]))
            return _GONE
        if code is not None:
            self.note(code, None, _("“{value}” was read as {made}.", value=value[:40], made=made))
        return made

    def _code(self, value: str, node: Node) -> Any:
        assert node.codes is not None
        respelt = node.respelt.get(value.strip().casefold())
        if respelt is None and "GBP" in node.codes:
            respelt = _CURRENCY_SIGN.get(value.strip())
        if respelt is not None:
            self.note(
                "code.respelt", None, _("“{value}” was read as the code “{respelt}”.", value=value, respelt=respelt)
            )
            return respelt
        self.note(
            "code.unknown",
            None,
            _("“{value}” is not among the codes of the standard and was left out.", value=value[:60]),
        )
        return _GONE

    def _dict(self, value: dict[str, Any], node: Node) -> Any:
        types = node.types
        if "object" in types or not types:
            self.object(value, node)
            if not value and node.properties:
                self.note("object.empty", None, _("An empty object was left out."))
                return _GONE
            return value
        if "array" in types and node.item is not None:
            if not value:
                self.note("object.empty", None, _("An empty object was left out."))
                return _GONE
            numbered = all(key.isdigit() for key in value)
            self.note("list.object", None, _("An object stood where a list belongs."))
            return self._list(list(value.values()) if numbered else [value], node)
        if node.numeric and "amount" in value:
            self.note("number.object", None, _("An object stood where a number belongs; its amount is taken."))
            return self._value(value["amount"], node)
        if node.text:
            texts = [each for each in value.values() if isinstance(each, str) and each.strip()]
            if texts:
                self.note("text.object", None, _("Text came in several languages or parts; the first is taken."))
                return self._text(texts[0], node)
        return self._misfit(value, node)

    def _list(self, value: list[Any], node: Node) -> Any:
        if "array" in node.types and node.item is not None:
            kept = []
            for number_, each in enumerate(value):
                self._trail.append(f"[{number_}]")
                one = self._value(each, node.item)
                self._trail.pop()
                if one is _GONE or one is None:
                    if each is None:
                        self.note("value.null", None, _("Nothing (null) stood where the standard wants a value."))
                    continue
                kept.append(one)
            if not node.whole and "id" in node.item.properties and node.item.name not in _ORGANISATIONS:
                self.identify(kept)
            return kept
        if not node.types:
            return value
        if "object" in node.types and len(value) == 1:
            self.note("object.list", None, _("A list of one stood where a single object belongs."))
            return self._value(value[0], node)
        texts = [str(each) for each in value if isinstance(each, (str, int, float)) and str(each).strip()]
        if node.text and texts:
            self.note("text.list", None, _("A list stood where text belongs; its parts are joined."))
            return self._text(", ".join(texts), node)
        return self._misfit(value, node)

    def identify(self, items: list[Any]) -> None:
        """Every object in a list that merges by id gets one of its own: its position when it has none."""
        taken: dict[str, Any] = {}
        doubled = []
        for place, each in enumerate(items):
            if not isinstance(each, dict):
                continue
            own = each.get("id")
            if own is None or own == "":
                own = str(place + 1)
                while own in taken:
                    own += "-1"
                each["id"] = own
                self.note("item.id-missing", None, _("An item in this list has no id; its position was taken."))
            elif str(own) in taken:
                if taken[str(own)] == each:
                    doubled.append(place)
                    continue
                count = 2
                while f"{own}-{count}" in taken:
                    count += 1
                each["id"] = f"{own}-{count}"
                self.note(
                    "item.id-repeated",
                    None,
                    _("Several items in this list have the id “{own}”; they are kept apart.", own=own),
                )
            taken[str(each["id"])] = each
        for place in reversed(doubled):
            del items[place]
            self.note("item.repeated", None, _("The same item stood twice in this list."))

    def _foreign(self, value: Any) -> None:
        """A field the schema does not know: only repeated ids are put right, which merging would otherwise lose."""
        if isinstance(value, dict):
            for key, each in value.items():
                if isinstance(each, (list, dict)):
                    self._trail.append(f".{key}")
                    self._foreign(each)
                    self._trail.pop()
        else:
            for each in value:
                if isinstance(each, dict) and isinstance(each.get("id"), (list, dict)):
                    del each["id"]
                    self.note("value.misfit", None, _("A list or an object stood for an id; it was left out."))
            seen = [str(each["id"]) for each in value if isinstance(each, dict) and each.get("id") is not None]
            if len(seen) != len(set(seen)):
                self.identify(value)
            for place, each in enumerate(value):
                if isinstance(each, (list, dict)):
                    self._trail.append(f"[{place}]")
                    self._foreign(each)
                    self._trail.pop()

    def _money(self, value: dict[str, Any]) -> None:
        if value.get("amount") is None:
            gross = value.get("amountGross", value.get("grossAmount"))
            gross = number(gross) if isinstance(gross, str) else gross
            if isinstance(gross, (int, float)) and not isinstance(gross, bool):
                value["amount"] = gross
                self.note("amount.gross-only", None, _("Only an amount with tax is given; it stands for the amount."))
        elif value.get("currency") is None:
            self.note("currency.missing", None, _("An amount is given without its currency."))

    def _identifier(self, value: dict[str, Any]) -> None:
        if (value.get("scheme") is None) != (value.get("id") in (None, "")):
            lacking = "scheme" if value.get("scheme") is None else "id"
            self.note(
                f"identifier.{lacking}-missing",
                None,
                _("The identifier has no {lacking}, so it identifies nobody.", lacking=lacking),
            )

    def _misfit(self, value: Any, node: Node) -> Any:
        wanted = either(sorted(node.types - {"null"}))
        self.note(
            "value.misfit",
            None,
            _(
                "“{value}” stood where the standard wants {wanted}; it was left out.",
                value=str(value)[:40],
                wanted=wanted,
            ),
        )
        return _GONE

    def settle_parties(self, release: dict[str, Any]) -> None:
        """Parties with an id each, one id for one organisation, and references that follow.

        Some publishers give every supplier the same id. Merging would fold them into one organisation, so the later ones
        get an id of their own, and references to that id are told apart by the name beside them.
        """
        parties = release.get("parties")
        if not isinstance(parties, list):
            return
        by_id: dict[str, dict[str, Any]] = {}
        renamed: dict[tuple[str, str], str] = {}
        kept = []
        for place, party in enumerate(parties):
            if not isinstance(party, dict):
                continue
            own = party.get("id")
            if own is None or own == "":
                own = party["id"] = _party_id(party, place)
                self.note(
                    "party.id-missing", f"parties[{place}].id", _("A party has no id; one was made from its name.")
                )
            key, name = str(own), str(party.get("name") or "")
            first = by_id.get(key)
            if first is None:
                by_id[key] = party
            elif _same_name(str(first.get("name") or ""), name):
                roles = [*first.get("roles", ())]
                first["roles"] = roles + [role for role in party.get("roles", ()) if role not in roles]
                for field, value in party.items():
                    first.setdefault(field, value)
                self.note("party.repeated", f"parties[{place}]", _("The same party stood twice; its roles are joined."))
                continue
            else:
                fresh = renamed.get((key, name)) or f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
                renamed[key, name] = party["id"] = fresh
                self.note(
                    "party.id-shared",
                    f"parties[{place}].id",
                    _("The id “{key}” is used for different organisations; they are kept apart.", key=key),
                )
                if fresh in by_id:
                    continue
                by_id[fresh] = party
            kept.append(party)
        release["parties"] = kept
        if renamed:
            for reference in _references(release):
                other = renamed.get((str(reference.get("id")), str(reference.get("name") or "")))
                if other:
                    reference["id"] = other


def _party_id(party: dict[str, Any], place: int) -> str:
    identifier = party.get("identifier")
    if isinstance(identifier, dict) and identifier.get("scheme") and identifier.get("id"):
        return f"{identifier['scheme']}-{identifier['id']}"
    name = str(party.get("name") or "")
    return hashlib.sha256(name.casefold().encode()).hexdigest()[:16] if name else f"party-{place + 1}"


def _same_name(one: str, other: str) -> bool:
    return not one or not other or one.casefold().split() == other.casefold().split()


def _references(release: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every reference to an organisation that the core of the standard has."""
    tender = release.get("tender") or {}
    lists: list[Any] = [release.get("buyer"), tender.get("procuringEntity"), *(tender.get("tenderers") or ())]
    for award in release.get("awards") or ():
        lists += award.get("suppliers") or ()
    for contract in release.get("contracts") or ():
        for transaction in (contract.get("implementation") or {}).get("transactions") or ():
            lists += [transaction.get("payer"), transaction.get("payee")]
    return (each for each in lists if isinstance(each, dict))


def _upgrade_version(release: dict[str, Any], version: str | None, mender: _Mender) -> None:
    for each in _references(release):
        if isinstance(each.get("id"), int):
            each["id"] = str(each["id"])
            mender.note(
                "party.id-number",
                "parties",
                _("An organisation is referred to by a number; parties have text for ids."),
            )
    inline = any("identifier" in each or "address" in each or "id" not in each for each in _references(release))
    blocks = [release.get("tender") or {}, *(each for key in _LISTS_OF_PROCESS for each in release.get(key) or ())]
    amended = any("amendment" in each for each in blocks)
    paid = any(
        "providerOrganization" in each or "receiverOrganization" in each
        for contract in release.get("contracts") or ()
        for each in (contract.get("implementation") or {}).get("transactions") or ()
    )
    if not (inline or amended or paid):
        return
    for contract in release.get("contracts") or ():
        for each in (contract.get("implementation") or {}).get("transactions") or ():
            if "value" not in each and "amount" not in each:
                each["value"] = {}
            for name in ("providerOrganization", "receiverOrganization"):
                if name in each and not isinstance(each[name], dict):
                    del each[name]
    named: dict[str, str] = {}
    for each in _references(release):
        own, name = each.get("id"), str(each.get("name") or "")
        if own is not None and not _same_name(named.setdefault(str(own), name), name):
            del each["id"]
            mender.note(
                "party.id-shared",
                "parties",
                _("The id “{own}” is used for different organisations; they are kept apart.", own=own),
            )
    if isinstance(release.get("parties"), list):
        for place, party in enumerate(release["parties"]):
            party.setdefault("id", _party_id(party, place))
    try:
        upgrade_release_10_11(release, reorder=False)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        mender.note(
            "version.half-upgraded",
            "",
            _("The release could only partly be brought from 1.0 to 1.1 ({error}).", error=error),
        )
        return
    for block in blocks:
        if isinstance(block.get("amendments"), list):
            mender.identify(block["amendments"])
    stated = _(" (it says {version})", version=version) if version and not version.startswith("1.0") else ""
    mender.note(
        "version.upgraded",
        "",
        _("The release is arranged as in version 1.0{stated} and was brought to 1.1.", stated=stated),
    )


def _settle_currencies(release: dict[str, Any], mender: _Mender) -> None:
    tender = release.get("tender")
    if not isinstance(tender, dict):
        return
    main = (tender.get("value") or {}).get("currency")
    for place, lot in enumerate(tender.get("lots") or ()):
        other = (lot.get("value") or {}).get("currency") if isinstance(lot, dict) else None
        if main and other and main != other:
            words = _(
                "A lot is in {other} while the tender is in {main}; the amounts are not added up.",
                other=other,
                main=main,
            )
            mender.note("currency.mixed", f"tender.lots[{place}].value.currency", words)


def _tags(release: dict[str, Any], compiled: bool, mender: _Mender) -> tuple[str, ...]:
    tags = [str(each) for each in release.get("tag") or ()]
    if not tags:
        if compiled:
            tags = ["compiled"]
        else:
            parts = (("planning", "planning"), ("tender", "tender"), ("awards", "award"), ("contracts", "contract"))
            tags = [tag for key, tag in parts if release.get(key)] or ["planning"]
            mender.note(
                "release.tag-missing",
                "tag",
                _("The release has no usable tag; “{tags}” follows from its content.", tags=", ".join(tags)),
            )
        release["tag"] = tags
    return tuple(tags)


def _likely_date(release: dict[str, Any], published: str | None) -> str:
    tender = release.get("tender") or {}
    found: list[str] = []
    for block in (tender, *(release.get("awards") or ()), *(release.get("contracts") or ())):
        for key in ("datePublished", "date", "dateSigned", "dateModified"):
            if isinstance(block.get(key), str) and (made := moment(block[key])[0]):
                found.append(made)
    opening = (tender.get("tenderPeriod") or {}).get("startDate")
    if not found and isinstance(opening, str):
        found.append(opening)
    if not found and published and (made := moment(published)[0]):
        found.append(made)
    return max(found, key=instant) if found else EARLIEST
