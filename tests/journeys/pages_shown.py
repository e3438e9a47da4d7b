"""Every page of the site with somebody who may look at it: which record shows it is asked of the database of the demo story.

An example is a pair: whom to ask as (the beginning of an email address; none for a visitor) and an address. Where the
record matters the pair is the answer of a query, so that a page is seen in the state in which it has most to show.
"""

from __future__ import annotations

from dataclasses import dataclass

VISITOR = ""
MAYA, PRIYA, HELENA = "maya.thornley@", "priya.venkataraman@", "helena.marchbanks@"
NADIA, YUSUF, SAM, PETER = "nadia.karimova@", "yusuf.kamara-bell@", "sam.ferrier@", "peter.glazebrook@"
LEONARD = "leonard.achebe@"


@dataclass(frozen=True, slots=True)
class Asked:
    """An SQL query for (whom to ask as, address)."""

    sql: str


Example = tuple[str, str] | Asked


def _person(body: str, *roles: str) -> str:
    """SQL: the address of somebody with one of these roles in the body whose number the expression gives."""
    named = ", ".join(f"'{role}'" for role in roles)
    return (
        f"(SELECT p.email FROM membership m JOIN person p ON p.id = m.person WHERE m.organisation = {body} "
        f"AND m.role IN ({named}) AND m.until IS NULL ORDER BY m.id LIMIT 1)"
    )


def _challenge(rest: str, where: str, who: str = "''", joins: str = "") -> Asked:
    return Asked(
        f"SELECT {who}, '/challenges/' || c.ref || {rest} FROM challenge c {joins} WHERE {where} ORDER BY c.id LIMIT 1"
    )


def _tender(rest: str, where: str, who: str = "''", joins: str = "") -> Asked:
    return Asked(
        f"SELECT {who}, '/tenders/' || t.ref || {rest} FROM tender t {joins} WHERE {where} ORDER BY t.id LIMIT 1"
    )


_OFFICER_C, _OFFICER_T = _person("c.buyer", "buyer"), _person("t.buyer", "buyer")
_C_LIVE = "c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.published_at IS NOT NULL"
_C_DRAFT = "c.published_at IS NULL AND c.problem <> ''"
_C_OPEN = f"{_C_LIVE} AND c.closes_at > now()"
_C_CLOSED = f"{_C_LIVE} AND c.closes_at < now() AND c.shortlisted_at IS NULL"
_C_PITCHING = f"{_C_LIVE} AND c.shortlisted_at IS NOT NULL"
_T_DRAFT = (
    "t.published_at IS NULL AND t.cancelled_at IS NULL AND t.waiver_asked = '' "
    "AND EXISTS (SELECT 1 FROM lot WHERE lot.tender = t.id)"
)
_T_OPEN = "t.published_at IS NOT NULL AND t.closes_at > now() AND t.cancelled_at IS NULL"
_T_CLOSED = "t.published_at IS NOT NULL AND t.closes_at < now() AND t.opened_at IS NULL AND t.cancelled_at IS NULL"
_T_UNDECIDED = "t.opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.tender = t.id)"
_LOT = "JOIN lot l ON l.tender = t.id"
_SEAT_T = "JOIN seat s ON s.panel = 'tender:' || t.ref AND s.excused_at IS NULL JOIN person p ON p.id = s.person"
_SEAT_C = "JOIN seat e ON e.panel = 'challenge:' || c.ref AND e.excused_at IS NULL JOIN person p ON p.id = e.person"
_STRANGER = (
    "(SELECT p.email FROM organisation o JOIN membership m ON m.organisation = o.id AND m.role = 'supplier-admin' "
    "JOIN person p ON p.id = m.person WHERE o.kind = 'supplier' AND NOT EXISTS (SELECT 1 FROM application a "
    "WHERE a.supplier = o.id AND a.challenge = c.id) ORDER BY o.id LIMIT 1)"
)
_OWNER_A = _person("a.supplier", "supplier-admin")
_NOBODY_YET = (
    "(SELECT p.email FROM organisation o JOIN membership m ON m.organisation = o.id AND m.role = 'supplier-admin' "
    "JOIN person p ON p.id = m.person WHERE NOT EXISTS (SELECT 1 FROM application a WHERE a.supplier = o.id) AND NOT EXISTS "
    "(SELECT 1 FROM bid b WHERE b.supplier = o.id) AND NOT EXISTS (SELECT 1 FROM obligation b WHERE b.payee = o.id) "
    "ORDER BY o.id DESC LIMIT 1)"
)
_DRAFTS = ("problem", "success", "offer", "budget", "terms", "subject", "subject?q=drain")

PAGES: dict[str, list[Example]] = {
    # ── front ──
    "/": [(VISITOR, "/")],
    "/about": [(VISITOR, "/about")],
    "/accessibility": [(VISITOR, "/accessibility")],
    "/demo": [(VISITOR, "/demo")],
    "/desk": [(who, "/desk") for who in (MAYA, PRIYA, HELENA, NADIA, YUSUF, SAM, PETER, LEONARD)],
    "/figures": [(VISITOR, "/figures")],
    "/licence": [(VISITOR, "/licence")],
    "/open-data": [(VISITOR, "/open-data")],
    "/open-data/files": [(VISITOR, "/open-data/files")],
    "/open-data/policy": [(VISITOR, "/open-data/policy")],
    "/privacy": [(VISITOR, "/privacy")],
    "/search": [(VISITOR, "/search"), (VISITOR, "/search?q=drone+inspecton"), (VISITOR, "/search?q=zzzzqqq")],
    "/search/compare": [
        Asked(
            "SELECT '', '/search/compare?' || string_agg('ref=' || ref, '&') FROM "
            "(SELECT ref FROM organisation WHERE kind = 'supplier' ORDER BY id LIMIT 3) AS three"
        )
    ],
    "/search/partners/{ref:str}": [
        Asked(
            f"SELECT '{NADIA}', '/search/partners/' || o.ref FROM organisation o JOIN profile f ON f.organisation = o.id "
            f"WHERE f.open_to_partners AND o.id NOT IN (SELECT m.organisation FROM membership m JOIN person p ON p.id = m.person "
            f"WHERE p.email LIKE '{NADIA}%') ORDER BY o.id LIMIT 1"
        )
    ],
    "/search/save": [(NADIA, "/search/save?q=drone")],
    "/search/shortlist": [(MAYA, "/search/shortlist"), (PRIYA, "/search/shortlist")],
    "/search/shortlist/add": [
        Asked(
            f"SELECT '{MAYA}', '/search/shortlist/add?' || string_agg('ref=' || ref, '&') FROM "
            "(SELECT ref FROM organisation WHERE kind = 'supplier' ORDER BY id LIMIT 2) AS two"
        )
    ],
    "/reviews/{kind:str}/{ref:str}": [
        Asked(
            "SELECT p.email, '/reviews/' || replace(r.subject, ':', '/') FROM review r JOIN person p ON p.id = r.asked_of "
            "JOIN challenge c ON r.subject = 'challenge:' || c.ref AND c.published_at IS NULL ORDER BY r.id LIMIT 1"
        ),
        Asked(f"SELECT {_OFFICER_T}, '/reviews/tender/' || t.ref FROM tender t WHERE {_T_DRAFT} LIMIT 1"),
        Asked(f"SELECT {_OFFICER_T}, '/reviews/tender/' || t.ref FROM tender t WHERE {_T_OPEN} LIMIT 1"),
    ],
    "/make-or-buy": [(VISITOR, "/make-or-buy")],
    "/make-or-buy/new": [Asked(f"SELECT {_person('b.body', 'buyer')}, '/make-or-buy/new' FROM build b LIMIT 1")],
    "/make-or-buy/{ref:str}": [
        Asked("SELECT '', '/make-or-buy/' || ref FROM build WHERE published_at IS NOT NULL LIMIT 1"),
        Asked(
            f"SELECT {_person('b.body', 'buyer')}, '/make-or-buy/' || b.ref FROM build b WHERE b.published_at IS NULL LIMIT 1"
        ),
    ],
    "/make-or-buy/{ref:str}/edit": [
        Asked(
            f"SELECT {_person('b.body', 'buyer')}, '/make-or-buy/' || b.ref || '/edit' FROM build b "
            "WHERE b.published_at IS NULL LIMIT 1"
        )
    ],
    "/search/similar/{kind:str}/{ref:str}": [
        Asked(f"SELECT {_OFFICER_C}, '/search/similar/challenge/' || c.ref FROM challenge c WHERE {_C_DRAFT} LIMIT 1"),
        Asked(f"SELECT {_OFFICER_T}, '/search/similar/tender/' || t.ref FROM tender t WHERE {_T_DRAFT} LIMIT 1"),
        Asked(f"SELECT '', '/search/similar/challenge/' || c.ref FROM challenge c WHERE {_C_OPEN} LIMIT 1"),
    ],
    "/search/saved": [(NADIA, "/search/saved"), (PETER, "/search/saved")],
    # ── accounts, organisations, letters ──
    "/account": [(HELENA, "/account"), (MAYA, "/account")],
    "/account/close": [(NADIA, "/account/close")],
    "/account/password": [(NADIA, "/account/password")],
    "/letters": [(VISITOR, "/letters"), (VISITOR, "/letters?to=nobody@nowhere.example")],
    "/letters/{ref:str}": [Asked("SELECT '', '/letters/' || ref FROM letter ORDER BY length(text) DESC LIMIT 1")],
    "/loans": [(MAYA, "/loans"), (SAM, "/loans")],
    "/admissions": [(MAYA, "/admissions"), (SAM, "/admissions")],
    "/organisations/{ref:str}/domains": [
        Asked(
            "SELECT '', '/organisations/' || ref || '/domains' FROM organisation WHERE kind = 'buyer' ORDER BY id LIMIT 1"
        ),
        Asked(
            f"SELECT '{SAM}', '/organisations/' || ref || '/domains' FROM organisation WHERE kind = 'buyer' ORDER BY id LIMIT 1"
        ),
    ],
    "/appointments": [(VISITOR, "/appointments"), (SAM, "/appointments")],
    "/appointments/new": [(SAM, "/appointments/new")],
    "/prepared/{ref:str}": [
        Asked("SELECT 'maya.thornley@', '/prepared/' || ref FROM prepared_act ORDER BY id LIMIT 1")
    ],
    "/mandates": [(MAYA, "/mandates")],
    "/mandates/{ref:str}": [
        Asked("SELECT 'maya.thornley@', '/mandates/' || ref FROM mandate ORDER BY id LIMIT 1"),
        Asked(
            "SELECT (SELECT p.email FROM membership n JOIN person p ON p.id = n.person WHERE n.organisation = m.organisation "
            "AND n.person <> m.person AND n.until IS NULL ORDER BY n.id LIMIT 1), "
            "'/mandates/' || m.ref || '?characters=' || left(m.digest, 12) FROM mandate m ORDER BY m.id LIMIT 1"
        ),
    ],
    "/rulings": [(VISITOR, "/rulings"), (SAM, "/rulings")],
    "/rulings/new": [(SAM, "/rulings/new")],
    "/rulings/department": [(SAM, "/rulings/department")],
    "/rulings/text": [(SAM, "/rulings/text")],
    "/rulings/{ref:str}": [
        Asked("SELECT '', '/rulings/' || ref FROM ruling ORDER BY id LIMIT 1"),
        Asked("SELECT 'yusuf.kamara-bell@', '/rulings/' || ref FROM ruling ORDER BY id DESC LIMIT 1"),
    ],
    "/organisations": [(VISITOR, "/organisations"), (SAM, "/organisations")],
    "/organisations/new": [(SAM, "/organisations/new")],
    "/organisations/{ref:str}": [
        Asked("SELECT '', '/organisations/' || ref FROM organisation WHERE kind = 'buyer' ORDER BY id LIMIT 1")
    ],
    "/organisations/{ref:str}/edit": [
        Asked(f"SELECT '{SAM}', '/organisations/' || ref || '/edit' FROM organisation WHERE kind = 'buyer' LIMIT 1"),
        Asked(f"SELECT '{SAM}', '/organisations/' || ref || '/edit' FROM organisation WHERE kind = 'audit' LIMIT 1"),
    ],
    "/organisations/{ref:str}/people": [
        Asked(
            f"SELECT '{SAM}', '/organisations/' || ref || '/people' FROM organisation WHERE kind = 'buyer' ORDER BY id LIMIT 1"
        ),
        Asked(
            f"SELECT '{MAYA}', '/organisations/' || o.ref || '/people' FROM organisation o JOIN membership m ON m.organisation = o.id "
            f"JOIN person p ON p.id = m.person WHERE p.email LIKE '{MAYA}%' LIMIT 1"
        ),
    ],
    "/password/forgotten": [(VISITOR, "/password/forgotten")],
    "/register": [(VISITOR, "/register")],
    "/sign-in": [(VISITOR, "/sign-in")],
    "/suppliers": [(VISITOR, "/suppliers"), (VISITOR, "/suppliers?q=zzzzqqq")],
    "/suppliers/{ref:str}": [
        Asked(
            "SELECT '', '/suppliers/' || o.ref FROM organisation o JOIN contract k ON k.supplier = o.id ORDER BY o.id LIMIT 1"
        )
    ],
    "/suppliers/{ref:str}/edit": [
        Asked(
            f"SELECT '{NADIA}', '/suppliers/' || o.ref || '/edit' FROM organisation o JOIN membership m ON m.organisation = o.id "
            f"JOIN person p ON p.id = m.person WHERE p.email LIKE '{NADIA}%' LIMIT 1"
        )
    ],
    "/suppliers/{ref:str}/versions/{version:int}": [
        Asked(
            "SELECT '', '/suppliers/' || ref || '/versions/1' FROM organisation WHERE kind = 'supplier' ORDER BY id LIMIT 1"
        )
    ],
    # ── missions and challenges ──
    "/missions": [(VISITOR, "/missions"), (SAM, "/missions")],
    "/missions/new": [(SAM, "/missions/new")],
    "/missions/{ref:str}": [
        Asked("SELECT '', '/missions/' || ref FROM mission ORDER BY id LIMIT 1"),
        Asked(f"SELECT '{SAM}', '/missions/' || ref FROM mission WHERE published_at IS NULL LIMIT 1"),
    ],
    "/missions/{ref:str}/edit": [
        Asked(f"SELECT '{SAM}', '/missions/' || ref || '/edit' FROM mission WHERE published_at IS NULL LIMIT 1")
    ],
    "/methods": [(VISITOR, "/methods")],
    "/methods/{code:str}": [(VISITOR, "/methods/open-challenge"), (VISITOR, "/methods/market-engagement")],
    "/challenges": [(VISITOR, "/challenges"), (MAYA, "/challenges"), (VISITOR, "/challenges?stage=ended")],
    "/challenges/new": [(MAYA, "/challenges/new")],
    "/challenges/{ref:str}": [
        _challenge("''", _C_OPEN),
        _challenge("''", "c.concluded_at IS NOT NULL"),
        _challenge("''", "c.cancelled_at IS NOT NULL"),
        _challenge("''", _C_OPEN, _STRANGER),
        _challenge("''", _C_DRAFT, _OFFICER_C),
    ],
    "/challenges/{ref:str}/apply": [_challenge("'/apply'", _C_OPEN, _STRANGER)],
    "/challenges/{ref:str}/cancel": [_challenge("'/cancel'", _C_OPEN, _OFFICER_C)],
    "/challenges/{ref:str}/change": [_challenge("'/change'", _C_OPEN, _OFFICER_C)],
    "/challenges/{ref:str}/conclude": [_challenge("'/conclude'", _C_PITCHING, _OFFICER_C)],
    "/challenges/{ref:str}/draft": [_challenge("'/draft'", _C_DRAFT, _OFFICER_C)],
    "/challenges/{ref:str}/draft/criteria": [_challenge("'/draft/criteria'", _C_DRAFT, _OFFICER_C)],
    "/challenges/{ref:str}/draft/measures": [_challenge("'/draft/measures'", _C_DRAFT, _OFFICER_C)],
    "/challenges/{ref:str}/draft/{section:str}": [
        _challenge(f"'/draft/{section}'", _C_DRAFT, _OFFICER_C) for section in _DRAFTS
    ],
    "/challenges/{ref:str}/evaluators": [
        _challenge("'/evaluators'", _C_DRAFT, _OFFICER_C),
        _challenge("'/evaluators'", _C_CLOSED, _OFFICER_C),
    ],
    "/challenges/{ref:str}/manage": [
        _challenge("'/manage'", where, _OFFICER_C)
        for where in (_C_OPEN, _C_CLOSED, _C_PITCHING, "c.concluded_at IS NOT NULL")
    ],
    "/challenges/{ref:str}/measured": [
        _challenge("'/measured'", where, _OFFICER_C) for where in (_C_PITCHING, "c.concluded_at IS NOT NULL")
    ],
    "/challenges/{ref:str}/quiet": [_challenge("'/quiet'", _C_PITCHING, _OFFICER_C)],
    "/challenges/{ref:str}/panel": [
        _challenge("'/panel'", f"{_C_OPEN} AND e.declared_at IS NULL", "p.email", _SEAT_C),
        _challenge("'/panel'", f"{_C_CLOSED} AND e.declared_at IS NOT NULL", "p.email", _SEAT_C),
    ],
    "/challenges/{ref:str}/panel/{application:str}": [
        _challenge(
            "'/panel/' || a.ref",
            f"{_C_CLOSED} AND e.declared_at IS NOT NULL AND a.withdrawn_at IS NULL",
            "p.email",
            f"{_SEAT_C} JOIN application a ON a.challenge = c.id",
        )
    ],
    "/challenges/{ref:str}/pitches/{pitch:str}": [
        _challenge("'/pitches/' || i.ref", _C_PITCHING, _OFFICER_C, "JOIN pitch i ON i.challenge = c.id")
    ],
    "/challenges/{ref:str}/questions/{question:str}": [
        _challenge(
            "'/questions/' || q.ref", "true", _OFFICER_C, "JOIN public_question q ON q.record = 'challenge:' || c.ref"
        )
    ],
    "/challenges/{ref:str}/report": [_challenge("'/report'", _C_PITCHING, _OFFICER_C)],
    "/applications": [
        (NADIA, "/applications"),
        Asked(f"SELECT {_NOBODY_YET}, '/applications'"),
    ],
    "/applications/{ref:str}": [
        Asked(
            f"SELECT {_OWNER_A}, '/applications/' || a.ref FROM application a JOIN challenge c ON c.id = a.challenge "
            f"WHERE {where} ORDER BY a.id LIMIT 1"
        )
        for where in (
            _C_OPEN,
            "c.concluded_at IS NOT NULL AND a.shortlisted",
            "c.concluded_at IS NOT NULL AND NOT a.shortlisted",
        )
    ],
    "/applications/{ref:str}/change": [
        Asked(
            f"SELECT {_OWNER_A}, '/applications/' || a.ref || '/change' FROM application a JOIN challenge c ON c.id = a.challenge "
            f"WHERE {_C_OPEN} AND a.withdrawn_at IS NULL ORDER BY a.id LIMIT 1"
        )
    ],
    "/insights": [(VISITOR, "/insights")],
    "/insights/{ref:str}": [Asked("SELECT '', '/insights/' || ref FROM insight_report ORDER BY id LIMIT 1")],
    # ── tenders and waivers ──
    "/tenders": [(VISITOR, "/tenders"), (PRIYA, "/tenders"), (NADIA, "/tenders?stage=open")],
    "/tenders/cpv": [(VISITOR, "/tenders/cpv"), (VISITOR, "/tenders/cpv?q=drain"), (VISITOR, "/tenders/cpv?q=zzzzqqq")],
    "/tenders/new": [(PRIYA, "/tenders/new"), (MAYA, "/tenders/new")],
    "/tenders/{ref:str}": [
        _tender("''", _T_OPEN),
        _tender("''", "t.ground = 'waiver'"),
        _tender("''", "t.ground = 'commodity'"),
        _tender("''", "t.cancelled_at IS NOT NULL AND t.published_at IS NOT NULL"),
        _tender("''", _T_CLOSED, _OFFICER_T),
        _tender("''", _T_DRAFT, _OFFICER_T),
        _tender("''", "t.waiver_asked <> '' AND t.published_at IS NULL", _OFFICER_T),
    ],
    **{
        f"/tenders/{{ref:str}}/{page}": [_tender(f"'/{page}'", _T_DRAFT, _OFFICER_T)]
        for page in ("about", "dates", "origin", "terms", "budget", "officers", "waiver", "lots/new")
    },
    "/tenders/{ref:str}/lots/{lot:str}": [_tender("'/lots/' || l.ref", _T_DRAFT, _OFFICER_T, _LOT)],
    "/tenders/{ref:str}/lots/{lot:str}/edit": [_tender("'/lots/' || l.ref || '/edit'", _T_DRAFT, _OFFICER_T, _LOT)],
    "/tenders/{ref:str}/cancel": [_tender("'/cancel'", _T_OPEN, _OFFICER_T)],
    "/tenders/{ref:str}/change": [_tender("'/change'", _T_OPEN, _OFFICER_T)],
    "/tenders/{ref:str}/changes/{change:str}": [
        _tender("'/changes/' || x.ref", "true", _OFFICER_T, "JOIN tender_change x ON x.tender = t.id")
    ],
    "/tenders/{ref:str}/questions/{question:str}": [
        _tender("'/questions/' || q.ref", "true", _OFFICER_T, "JOIN public_question q ON q.record = 'tender:' || t.ref")
    ],
    "/waivers": [(VISITOR, "/waivers"), (HELENA, "/waivers")],
    "/waivers/keys": [(VISITOR, "/waivers/keys")],
    "/waivers/delegations": [(VISITOR, "/waivers/delegations"), (HELENA, "/waivers/delegations")],
    "/waivers/delegations/new": [(HELENA, "/waivers/delegations/new")],
    "/waivers/delegations/{ref:str}": [
        Asked("SELECT '', '/waivers/delegations/' || ref FROM delegation WHERE signed_at IS NOT NULL LIMIT 1")
    ],
    "/waivers/requests": [(HELENA, "/waivers/requests"), ("idris.penhallow@", "/waivers/requests")],
    "/waivers/{ref:str}": [
        Asked(
            f"SELECT '{HELENA}', '/waivers/' || ref FROM waiver WHERE decided_at IS NULL AND withdrawn_at IS NULL LIMIT 1"
        ),
        Asked("SELECT '', '/waivers/' || ref FROM waiver WHERE decided_at IS NOT NULL AND refusal_reason = '' LIMIT 1"),
        Asked("SELECT '', '/waivers/' || ref FROM waiver WHERE refusal_reason <> '' LIMIT 1"),
    ],
    # ── bids, awards, contracts, payments ──
    "/tenders/{ref:str}/bid": [_tender("'/bid'", _T_OPEN, f"'{NADIA}'")],
    "/tenders/{ref:str}/lots/{lot:str}/bid": [_tender("'/lots/' || l.ref || '/bid'", _T_OPEN, f"'{NADIA}'", _LOT)],
    "/bids": [(NADIA, "/bids"), Asked(f"SELECT {_NOBODY_YET}, '/bids'")],
    "/tenders/{ref:str}/opening": [
        _tender("'/opening'", "t.opened_at IS NOT NULL"),
        _tender(
            "'/opening'",
            _T_CLOSED,
            "p.email",
            "JOIN opening_officer o ON o.tender = t.id JOIN person p ON p.id = o.person",
        ),
    ],
    "/tenders/{ref:str}/awards": [_tender("'/awards'", "t.opened_at IS NOT NULL")],
    "/evaluations": [
        (PETER, "/evaluations"),
        Asked(
            "SELECT p.email, '/evaluations' FROM seat s JOIN person p ON p.id = s.person WHERE s.panel LIKE 'tender:%' LIMIT 1"
        ),
    ],
    "/tenders/{ref:str}/evaluation": [
        _tender("'/evaluation'", "t.opened_at IS NOT NULL", _OFFICER_T),
        _tender("'/evaluation'", _T_UNDECIDED, "p.email", _SEAT_T),
        _tender("'/evaluation'", _T_CLOSED, _OFFICER_T),
    ],
    "/tenders/{ref:str}/evaluation/lots/{lot:str}": [
        _tender("'/evaluation/lots/' || l.ref", "t.opened_at IS NOT NULL", _OFFICER_T, _LOT),
        _tender("'/evaluation/lots/' || l.ref", _T_UNDECIDED, _OFFICER_T, _LOT),
    ],
    "/tenders/{ref:str}/evaluation/{bid:str}": [
        _tender(
            "'/evaluation/' || b.ref",
            "t.opened_at IS NOT NULL",
            "p.email",
            f"{_SEAT_T} JOIN opened_bid o ON o.tender = t.id JOIN bid b ON b.id = o.bid",
        ),
        _tender(
            "'/evaluation/' || b.ref",
            _T_UNDECIDED,
            "p.email",
            f"{_SEAT_T} JOIN opened_bid o ON o.tender = t.id JOIN bid b ON b.id = o.bid",
        ),
    ],
    "/awards/{ref:str}": [
        Asked("SELECT '', '/awards/' || ref FROM decision ORDER BY id LIMIT 1"),
        Asked("SELECT '', '/awards/' || ref FROM decision ORDER BY id DESC LIMIT 1"),
    ],
    "/awards/{ref:str}/contract": [
        Asked(
            f"SELECT {_OFFICER_T}, '/awards/' || d.ref || '/contract' FROM decision d JOIN tender t ON t.id = d.tender "
            "ORDER BY (d.contract = '') DESC, d.id LIMIT 1"
        )
    ],
    "/awards/prices/{bid:str}": [
        Asked(
            f"SELECT {_person('o.supplier', 'supplier-admin')}, '/awards/prices/' || b.ref FROM price_question q "
            "JOIN opened_bid o ON o.id = q.bid JOIN bid b ON b.id = o.bid LIMIT 1"
        )
    ],
    "/contracts": [(VISITOR, "/contracts")],
    "/contracts/{ref:str}": [
        Asked("SELECT '', '/contracts/' || ref FROM contract ORDER BY id LIMIT 1"),
        *(
            Asked(f"SELECT {_person(side, *roles)}, '/contracts/' || k.ref FROM contract k ORDER BY k.id LIMIT 1")
            for side, roles in (("k.buyer", ("buyer", "contract-manager")), ("k.supplier", ("supplier-admin",)))
        ),
    ],
    "/payments": [(NADIA, "/payments"), (MAYA, "/payments"), Asked(f"SELECT {_NOBODY_YET}, '/payments'")],
    "/payments/{ref:str}": [
        Asked("SELECT '', '/payments/' || ref FROM obligation ORDER BY id LIMIT 1"),
        Asked(
            f"SELECT {_person('o.payer', 'contract-manager', 'buyer')}, '/payments/' || ref FROM obligation o ORDER BY id DESC LIMIT 1"
        ),
    ],
    "/budgets": [(MAYA, "/budgets"), (LEONARD, "/budgets"), (YUSUF, "/budgets")],
    "/budgets/new": [(MAYA, "/budgets/new"), (LEONARD, "/budgets/new")],
    "/budgets/{ref:str}": [
        Asked(
            "SELECT '', '/budgets/' || b.ref FROM budget b JOIN budget_entry e ON e.budget = b.id ORDER BY b.id LIMIT 1"
        ),
        *(
            Asked(
                f"SELECT '{who}', '/budgets/' || b.ref FROM budget b JOIN budget_line l ON l.budget = b.id "
                "WHERE l.kind <> 'open' AND l.approved_at IS NULL AND l.left_at IS NULL LIMIT 1"
            )
            for who in (MAYA, LEONARD)
        ),
        Asked(
            f"SELECT '{PRIYA}', '/budgets/' || b.ref FROM budget b JOIN membership m ON m.organisation = b.body "
            f"JOIN person p ON p.id = m.person WHERE p.email LIKE '{PRIYA}%' ORDER BY b.year DESC LIMIT 1"
        ),
    ],
    # ── the log and the auditor ──
    "/log": [(VISITOR, "/log"), (VISITOR, "/log?record=T-NOTHING")],
    "/audit/outages": [(YUSUF, "/audit/outages"), (SAM, "/audit/outages")],
    "/audit/mandates": [(YUSUF, "/audit/mandates"), (SAM, "/audit/mandates")],
    "/audit": [(YUSUF, "/audit"), (YUSUF, "/audit?q=zzzzqqq"), (SAM, "/audit?flag=waiver")],
    "/audit/records/{kind:str}/{ref:str}": [
        Asked(f"SELECT '{YUSUF}', '/audit/records/contract/' || ref FROM contract ORDER BY id LIMIT 1")
    ],
    "/audit/records/{kind:str}/{ref:str}/check": [
        Asked(f"SELECT '{YUSUF}', '/audit/records/contract/' || ref || '/check' FROM contract ORDER BY id LIMIT 1")
    ],
    # ── standards and components ──
    "/standards": [(VISITOR, "/standards"), (SAM, "/standards")],
    "/standards/check": [(VISITOR, "/standards/check")],
    "/standards/register": [(VISITOR, "/standards/register")],
    "/standards/publish": [(SAM, "/standards/publish")],
    "/standards/profiles/{name:str}/{version:str}": [(VISITOR, "/standards/profiles/uk-core/1.0.0")],
    "/standards/profiles/{name:str}/{version:str}/rules/{rule:str}": [
        (VISITOR, "/standards/profiles/uk-core/1.0.0/rules/ukc-15-problem-json")
    ],
    "/standards/exemptions/new": [(PRIYA, "/standards/exemptions/new")],
    "/standards/exemptions/{ref:str}": [
        Asked(f"SELECT '{SAM}', '/standards/exemptions/' || ref FROM exemption LIMIT 1")
    ],
    "/standards/notices/{ref:str}": [
        Asked(
            f"SELECT {_person('w.supplier', 'supplier-admin')}, '/standards/notices/' || w.ref FROM withholding w LIMIT 1"
        )
    ],
    "/components": [(VISITOR, "/components"), (VISITOR, "/components?q=zzzzqqq")],
    "/components/mine": [(NADIA, "/components/mine"), Asked(f"SELECT {_NOBODY_YET}, '/components/mine'")],
    "/components/new": [(NADIA, "/components/new")],
    "/components/{ref:str}": [
        Asked("SELECT '', '/components/' || ref FROM service ORDER BY id LIMIT 1"),
        Asked(f"SELECT '{NADIA}', '/components/' || ref FROM service ORDER BY id DESC LIMIT 1"),
    ],
    **{
        f"/components/{{ref:str}}/{page}": [
            Asked(
                f"SELECT {_person('s.supplier', 'supplier-admin')}, '/components/' || s.ref || '/{page}' FROM service s "
                "WHERE EXISTS (SELECT 1 FROM lodgement l WHERE l.service = s.id) LIMIT 1"
            )
        ]
        for page in ("edit", "lodge", "result", "sandbox")
    },
    "/components/{ref:str}/runs/{run:str}": [
        Asked(
            f"SELECT '{NADIA}', '/components/' || s.ref || '/runs/' || r.ref FROM check_run r JOIN service s ON s.id = r.service "
            "ORDER BY r.id DESC LIMIT 1"
        )
    ],
    # ── notices of other portals ──
    "/notices/{ref:str}": [
        Asked("SELECT '', '/notices/' || ref FROM imported_notice WHERE shown_as IS NULL ORDER BY id LIMIT 1")
    ],
    "/portals": [(VISITOR, "/portals")],
    "/portals/doubtful": [(SAM, "/portals/doubtful")],
    "/postroom": [(SAM, "/postroom")],
    "/postroom/{ref:str}": [Asked(f"SELECT '{SAM}', '/postroom/' || ref FROM letter ORDER BY id DESC LIMIT 1")],
    "/portals/quarantine": [(SAM, "/portals/quarantine")],
    "/portals/quarantine/{ref:str}": [Asked(f"SELECT '{SAM}', '/portals/quarantine/' || ref FROM quarantined LIMIT 1")],
    "/portals/runs/{ref:str}": [
        Asked(f"SELECT '{SAM}', '/portals/runs/' || ref FROM import_run ORDER BY id DESC LIMIT 1")
    ],
    "/portals/suppliers": [(VISITOR, "/portals/suppliers"), (SAM, "/portals/suppliers?q=wetfoot")],
    "/portals/suppliers/doubtful": [(SAM, "/portals/suppliers/doubtful")],
    "/portals/suppliers/of/{ref:str}": [
        Asked(f"SELECT '{NADIA}', '/portals/suppliers/of/' || ref FROM organisation WHERE name LIKE 'Wetfoot%'")
    ],
    "/portals/suppliers/{ref:str}": [
        Asked(
            f"SELECT '{NADIA}', '/portals/suppliers/' || ref FROM imported_supplier WHERE name = 'WETFOOT SENSING LIMITED'"
        ),
        Asked("SELECT '', '/portals/suppliers/' || ref FROM imported_supplier WHERE name LIKE 'Oakmast%'"),
    ],
    "/portals/suppliers/{ref:str}/claim": [
        Asked(
            f"SELECT '{NADIA}', '/portals/suppliers/' || ref || '/claim' FROM imported_supplier WHERE name LIKE 'Oakmast%'"
        )
    ],
    "/portals/claims": [(NADIA, "/portals/claims"), (SAM, "/portals/claims")],
    "/portals/claims/{ref:str}": [
        Asked(f"SELECT '{SAM}', '/portals/claims/' || ref FROM supplier_claim WHERE granted IS NULL"),
        Asked(f"SELECT '{NADIA}', '/portals/claims/' || ref FROM supplier_claim WHERE granted"),
    ],
    "/portals/{name:str}": [(VISITOR, "/portals/uk-contracts-finder")],
}
"""By the address of the route, as `python -m market routes` lists it. Routes of letters are asked of `prepared`."""

FILES = {
    "/.well-known/api-catalog",
    "/.well-known/api-certificate-keys.json",
    "/.well-known/security.txt",
    "/audit/records/{kind:str}/{ref:str}/evidence.zip",
    "/bids/{ref:str}/receipt.json",
    "/components/{ref:str}/certificates/{certificate:str}",
    "/components/{ref:str}/versions/{number:int}/document",
    "/confirmations/{ref:str}/receipt.json",
    "/contracts/{ref:str}/document.json",
    "/figures.json",
    "/rulings/{ref:str}/text",
    "/health",
    "/log/checkpoint",
    "/log/cosigned",
    "/log/events.jsonl",
    "/log/events/{name:str}",
    "/log/head.json",
    "/log/key",
    "/log/tile/{path:path}",
    "/log/vkey",
    "/log/witnesses",
    "/open-data/files/LICENCE.txt",
    "/open-data/files/{name:str}",
    "/robots.txt",
    "/search/feed.atom",
    "/search/feed.ics",
    "/search/feed.json",
    "/search/feed/{token:str}/deadlines.ics",
    "/search/feed/{token:str}/new.atom",
    "/search/feed/{token:str}/new.json",
    "/standards/profiles/{name:str}/{version:str}/ruleset.yaml",
    "/static/{path:path}",
    "/tenders/{ref:str}/opening/register.json",
    "/waivers/{ref:str}/bundle.json",
    "/waivers/{ref:str}/reviews/{review:str}/bundle.json",
    "/waivers/delegations/{ref:str}/bundle.json",
}
"""What programs and savers of files ask for: no page."""

AWAY = {"/sign-out", "/notices"}
"""Addresses that only send on to another page."""

ERRORS: list[tuple[str, str, int]] = [
    (VISITOR, "/nothing-here", 404),
    (VISITOR, "/tenders/T-NOTHERE", 404),
    (NADIA, "/challenges/new", 403),
    (VISITOR, "/search/compare", 400),
]
"""Answers that are refusals: whom to ask as, the address, the status."""
