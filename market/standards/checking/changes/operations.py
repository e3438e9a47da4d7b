"""What changed in paths and operations: parameters, bodies, responses, and how callers authenticate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from market.standards.checking.changes.differences import Differences
from market.standards.checking.changes.parts import Part
from market.standards.checking.changes.schemas import Direction, Schemas, or_none
from market.wording import _

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Operations:
    """Compares two documents operation by operation."""

    def __init__(self, old: Part, new: Part, differences: Differences) -> None:
        self.old, self.new = old, new
        self.say = differences.say
        self.schemas = Schemas(differences)

    def compare(self) -> None:
        """Compare all of them, the servers and the security schemes."""
        old, new = _routes(self.old), _routes(self.new)
        for shape, (path, item) in old.items():
            if shape in new:
                self._items(path, item, new[shape][1])
            else:
                self.say("path-removed", "breaking", item.path, route=path)
        for shape, (path, item) in new.items():
            if shape not in old:
                self.say("path-added", "compatible", item.path, route=path)
        self._schemes()
        kept = [server.at("url").value for server in self.new.at("servers").items()]
        for server in self.old.at("servers").items():
            if server.at("url").value not in kept:
                self.say("server-removed", "attention", ("servers",), url=str(server.at("url").value)[:200])

    def _items(self, path: str, old: Part, new: Part) -> None:
        for method in METHODS:
            operation = f"{method.upper()} {path}"
            one, other = old.at(method), new.at(method)
            if type(one.value) is dict and type(other.value) is dict:
                self._operations(operation, one, other)
                self._parameters(operation, _by_name(old, one), _by_name(new, other))
                self._bodies(operation, one.at("requestBody").followed(), other.at("requestBody").followed())
                self._responses(operation, one.at("responses"), other.at("responses"))
                self._security(operation, one, other)
            elif type(one.value) is dict:
                self.say("operation-removed", "breaking", one.path, operation=operation)
            elif type(other.value) is dict:
                self.say("operation-added", "compatible", other.path, operation=operation)

    def _operations(self, operation: str, old: Part, new: Part) -> None:
        name = old.at("operationId").value
        if name and name != new.at("operationId").value:
            self.say("operation-id-changed", "attention", new.path, name=str(name)[:80], operation=operation)
        if new.says("deprecated") and not old.says("deprecated"):
            self.say("operation-deprecated", "attention", new.path, operation=operation)

    # --- what callers send ---

    def _parameters(self, operation: str, old: dict[tuple[str, str], Part], new: dict[tuple[str, str], Part]) -> None:
        for key, one in old.items():
            facts = {"operation": operation, "kind": key[0], "parameter": key[1]}
            if key not in new:
                level = "breaking" if key[0] in ("body", "formData") else "attention"
                self.say("parameter-removed", level, one.path, **facts)
                continue
            other = new[key]
            if other.says("required") and not one.says("required"):
                self.say("parameter-required", "breaking", other.path, **facts)
            elif one.says("required") and not other.says("required"):
                self.say("parameter-optional", "compatible", other.path, **facts)
            if one.has("schema") or other.has("schema"):
                one, other = one.at("schema"), other.at("schema")
            place = _("{kind} parameter {parameter}", kind=key[0], parameter=key[1])
            self.schemas.compare(f"{operation} › {place}", one, other, "sent")
        for key, other in new.items():
            if key not in old:
                facts = {"operation": operation, "kind": key[0], "parameter": key[1]}
                if other.says("required"):
                    self.say("parameter-added-required", "breaking", other.path, **facts)
                else:
                    self.say("parameter-added", "compatible", other.path, **facts)

    def _bodies(self, operation: str, old: Part, new: Part) -> None:
        if type(old.value) is not dict and type(new.value) is not dict:
            return
        if type(old.value) is not dict:
            if new.says("required"):
                self.say("body-added", "breaking", new.path, "body-added-required", operation=operation)
            else:
                self.say("body-added", "compatible", new.path, operation=operation)
        elif type(new.value) is not dict:
            self.say("body-removed", "breaking", old.path, operation=operation)
        else:
            if new.says("required") and not old.says("required"):
                self.say("body-required", "breaking", new.path, operation=operation)
            self._contents(f"{operation} › {_('body')}", old, new, "sent")

    # --- what callers receive ---

    def _responses(self, operation: str, old: Part, new: Part) -> None:
        one, other = old.members(), new.members()
        for status, response in one.items():
            if status not in other:
                level = "breaking" if status[:1] in "23" else "attention"
                self.say("response-removed", level, response.path, operation=operation, status=status)
                continue
            mine, theirs = response.followed(), other[status].followed()
            place = f"{operation} › {_('response {status}', status=status)}"
            self._headers(place, mine.at("headers"), theirs.at("headers"))
            if mine.has("content") or theirs.has("content"):
                self._contents(place, mine, theirs, "received")
            elif mine.has("schema") or theirs.has("schema"):
                self.schemas.compare(place, mine.at("schema"), theirs.at("schema"), "received")
        for status, response in other.items():
            if status not in one:
                self.say("response-added", "compatible", response.path, operation=operation, status=status)

    def _headers(self, place: str, old: Part, new: Part) -> None:
        known = {name.lower() for name in new.members()}
        for name, header in old.members().items():
            if name.lower() not in known:
                level = "breaking" if header.followed().says("required") else "attention"
                self.say("header-removed", level, header.path, place=place, name=name)

    def _contents(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = old.at("content").members(), new.at("content").members()
        for media, content in one.items():
            if media in other:
                self.schemas.compare(place, content.at("schema"), other[media].at("schema"), direction)
            else:
                sentence = f"media-type-removed-{direction}"
                self.say("media-type-removed", "breaking", content.path, sentence, place=place, media=media)
        for media, content in other.items():
            if media not in one:
                sentence = f"media-type-added-{direction}"
                self.say("media-type-added", "compatible", content.path, sentence, place=place, media=media)

    # --- security ---

    def _security(self, operation: str, old: Part, new: Part) -> None:
        one = _requirements((old if old.has("security") else self.old).at("security"))
        other = _requirements((new if new.has("security") else self.new).at("security"))
        path = (*new.path, "security")
        if one == other:
            return
        if frozenset() in one and frozenset() not in other:
            self.say("security-added", "breaking", path, operation=operation)
            return
        for way in one:
            if not any(again <= way for again in other):
                sentence = "" if way else "security-removed-open"
                self.say("security-removed", "breaking", path, sentence, operation=operation, way=_way(way))
        for way in other - one:
            sentence = "" if way else "security-widened-open"
            self.say("security-widened", "compatible", path, sentence, operation=operation, way=_way(way))

    def _schemes(self) -> None:
        one, other = _schemes(self.old), _schemes(self.new)
        for name in one.keys() & other.keys():
            for member in ("type", "in", "name", "scheme"):
                before, after = one[name].at(member).value, other[name].at(member).value
                if before != after:
                    facts = {"name": name, "member": member, "before": or_none(before), "after": or_none(after)}
                    self.say("security-scheme-changed", "breaking", other[name].path, "", **facts)


def _routes(document: Part) -> dict[str, tuple[str, Part]]:
    """Paths by their shape, so that renaming a parameter in a path is no change of the path."""
    return {
        re.sub(r"\{[^}]*\}", "{}", path): (path, item.followed())
        for path, item in document.at("paths").members().items()
        if path.startswith("/")
    }


def _by_name(item: Part, operation: Part) -> dict[tuple[str, str], Part]:
    """The parameters of an operation and of its path by kind and name; those in the path by their number."""
    named: dict[tuple[str, str], Part] = {}
    in_path = 0
    for parameter in [*item.at("parameters").items(), *operation.at("parameters").items()]:
        parameter = parameter.followed()
        name = parameter.at("name").value
        if type(name) is not str:
            continue
        kind = str(parameter.at("in").value)
        if kind == "path":
            path = str(operation.path[1])
            index = path.find("{" + name + "}")
            number = in_path if index < 0 else path[:index].count("{") + 1
            name = _("number {number}", number=number)
            in_path += 1
        named[kind, name] = parameter
    return named


def _requirements(security: Part) -> set[frozenset[tuple[str, str]]]:
    """Each way to authenticate as the set of schemes and scopes it asks; the empty set is open access."""
    if not security.items():
        return {frozenset()}
    return {frozenset(_asked(way)) for way in security.items() if type(way.value) is dict}


def _asked(way: Part) -> Iterator[tuple[str, str]]:
    for name, scopes in way.members().items():
        yield name, ""
        for scope in scopes.items():
            yield name, str(scope.value)


def _way(way: frozenset[tuple[str, str]]) -> str:
    """The schemes of a way, with the scopes they ask: `key + token (read, write)`."""
    names = " + ".join(sorted({name for name, _scope in way}))
    scopes = ", ".join(sorted(scope for _name, scope in way if scope))
    return f"{names} ({scopes})" if scopes else names


def _schemes(document: Part) -> dict[str, Part]:
    """The security schemes by name, of either generation of the format."""
    return document.at("components", "securitySchemes").members() | document.at("securityDefinitions").members()
