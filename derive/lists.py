"""Which call of its own service lists each type: `python -m derive.lists` writes it for every type of the catalogue.

A list is an operation that reads, that demands nothing, and whose answer has a list of items in which the type's ARN or
its id stands. Of several the one is taken whose noun is the type's name, or the noun of a call that makes the type.
What the models don't tell (which items are somebody else's or AWS's own, what stands within something else) is
written by hand in `src/ownertag/catalogue/overlay/lists.toml`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from derive import models, writing
from derive.reference import ROOT
from derive.tag_apis import action
from derive.types import WRAPPING, bare, spelled
from derive.words import alike, operation, words
from ownertag.catalogue.merge import merged

TARGET = ROOT / "src/ownertag/catalogue/generated/lists.toml"
#: An operation that scores less lists something else.
ENOUGH = 13.0
_VERBS = {"list": 1.0, "describe": 1.0, "get": 0.0}
_DEEPEST = 2
#: No page has more (doc: EC2 API reference, `MaxResults`).
_MOST = 1000
#: A smaller number in the words about a page's size is none (doc: as above, "between 5 and 1000").
_LEAST = 5
#: Members that say when something was made, the surest first.
_MADE_AT = (
    "creationtime", "creationdate", "createtime", "createdate", "createdat", "createdtime", "createddate",
    "creationdatetime", "createddatetime", "createdtimestamp", "creationtimestamp", "createtimestamp", "timecreated",
    "dateCreated", "created",
)  # fmt: skip
_MADE_BY = frozenset({"createdby"})
_OWNERS = frozenset({"ownerid", "owneraccount", "owneraccountid", "accountid"})
_TAGS = frozenset({"tag", "taglist", "tagset", "resourcetag"})
#: What a list, or a structure in it, is named after, beside the thing.
_BESIDE = WRAPPING | {"list", "set", "entry", "item", "info", "url"}
#: How many items a page has at most, where a call demands that it be told.
_PER_PAGE = frozenset({"maxresult", "limit", "pagesize", "maxitem"})
_TOKENS = re.compile(r"(?:Next|Pagination|Continuation)?_?(?:Page)?(?:Token|Marker)|NextPageMarker", re.IGNORECASE)
#: States of what is there no more.
_GONE = re.compile(r"deleted|delete[-_]?complete|terminated(?:_with_errors)?|released", re.IGNORECASE)
_STATES = frozenset({"state", "status"})
#: What else stands before the word in the name of an item's own state.
_OWN_STATES = frozenset({("life", "cycle"), ("configuration",)})
#: So the model says that a list leaves tags out though the item has a member for them (IAM).
_NO_TAGS = re.compile(r"subset of the available attributes|does not (?:return|include) tags", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """An operation that may list a type.

    Attributes:
        client: The client.
        operation: Its operation.
        items: The path to the items in a page, as JMESPath.
        arn: The path to the ARN in an item; `@` is the item itself.
        id: The path to the id, where no ARN stands there.
        score: How well it fits; the highest is taken.
        more: What else the answer says of an item: `tags`, `made_at`, `made_by`, `owner`.
        gone: The path to the state of an item, and the values of what is there no more.
        pages: The members of request and answer that hold the next page's token, where the SDK has no pages for it.
        page_size: How many items a page has at most, where the model or its words say it.
        parameters: What the call demands: the size of a page.
    """

    client: str
    operation: str
    items: str
    arn: str
    id: str
    score: float
    more: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, tuple[str, ...]] | None = None
    pages: tuple[str, str] | None = None
    page_size: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        name: The type's name.
        names: What it is called by the reference and its ARN.
        nouns: The nouns of the calls that make it: what is made of an image is not always an image.
        clients: The clients that make it.
    """

    name: str
    names: tuple[tuple[str, ...], ...]
    nouns: tuple[tuple[str, ...], ...]
    clients: tuple[str, ...]


@cache
def wanted() -> tuple[Wanted, ...]:
    """Every type of the catalogue, whether rows of it are on or not."""
    whole = merged()
    makers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    arns: dict[str, str] = {}
    for file in whole.sources:
        for name, entry in file.types.items():
            arns[name] = entry.arn or file.arn
        for creation in file.creation:
            for made in creation.makes:
                makers[made.type].append((creation.client, creation.event))
    return tuple(_wanted(name, arn, makers[name]) for name, arn in sorted(arns.items()))


def _wanted(name: str, arn: str, makers: list[tuple[str, str]]) -> Wanted:
    service, _, kind = name.partition(":")
    found = {spelled(kind.split(".")[0]), _literals(arn)} - {()}
    nouns: set[tuple[str, ...]] = set()
    clients: set[str] = set()
    for client, event in makers:
        for part in filter(None, client.split(", ")):
            own, _, called = part.partition(".")
            clients.add(own)
            nouns.add(operation(re.sub(r"\d{4,}$", "", called or event)).noun)
    if not clients:
        clients = {one for one in models.clients() if models.service(one) == service}
    return Wanted(name, tuple(sorted(found)), tuple(sorted(nouns)), tuple(sorted(clients)))


def _literals(arn: str) -> tuple[str, ...]:
    last = re.sub(r"{[a-z]+}|\*", " ", arn.split(":", 5)[-1])
    parts = re.split(r"[/:\s]+", last)
    return words(re.sub(r"[^A-Za-z]", " ", next((part for part in reversed(parts) if part), "")))


def listing(one: Wanted) -> Listing | None:
    """The operation that lists a type best; None where none does."""
    found = [
        each
        for client in one.clients
        for name in models.model(client).operation_names
        for each in _of(one, client, name)
    ]
    best = max(found, key=lambda each: (each.score, -len(each.operation), each.operation), default=None)
    return best if best and best.score >= ENOUGH else None


def _of(one: Wanted, client: str, name: str) -> Iterator[Listing]:
    taken = operation(name)
    model = models.operation(client, name)
    if taken.verb not in _VERBS or taken.batch or model.output_shape is None or model.deprecated:
        return
    parameters = _demanded(model)
    fits = _called(taken.noun, one)
    if parameters is None or fits < 0.5:
        return
    for path, item, member in _lists(model.output_shape, "", 0):
        score = 10 * fits + _VERBS[taken.verb] + 3 * _called(member, one) - path.count("[")
        score += 1.0 if client == one.name.partition(":")[0] else 0.0
        for arn, id_, points, more in _named(one, taken.noun, item, member, model.documentation):
            pages = None if models.can_paginate(client, name) else _pages(model)
            yield Listing(
                client,
                name,
                path,
                arn,
                id_,
                score + points,
                more,
                _gone(one, item),
                pages,
                _page_size(client, model),
                parameters,
            )


def _demanded(model: OperationModel) -> dict[str, int] | None:
    """What a call has to be told: at most the size of a page."""
    shape = model.input_shape
    needed = [] if shape is None else shape.required_members
    found = {}
    for name in needed:
        if "".join(words(name)) not in _PER_PAGE:
            return None
        assert shape is not None  # noqa: S101 - it has members
        found[name] = int(shape.members[name].metadata.get("max", 60))
    return found


def _plain(noun: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in bare(noun) if word not in _BESIDE) or noun


def _called(name: tuple[str, ...], one: Wanted) -> float:
    """How well a name is the type's, whole or without what says that it is one of a list."""
    return max(_fits(name, one), 0.98 * _fits(_plain(name), one))


def _fits(noun: tuple[str, ...], one: Wanted) -> float:
    own = max((alike(noun, name) for name in one.names), default=0.0)
    return max(own, 0.9 * max((alike(noun, name) for name in one.nouns), default=0.0))


def _lists(shape: Shape, path: str, depth: int) -> Iterator[tuple[str, Shape, tuple[str, ...]]]:
    """The lists of an answer, also those within the items of another one: their path, their items, their name."""
    if not isinstance(shape, StructureShape) or depth > _DEEPEST:
        return
    for name, inner in shape.members.items():
        below = f"{path}.{name}".lstrip(".")
        if isinstance(inner, ListShape):
            yield f"{below}[]", inner.member, words(name)
            yield from _lists(inner.member, f"{below}[]", depth + 1)
        elif depth == 0:
            yield from _lists(inner, below, depth + 1)


def _named(
    one: Wanted, noun: tuple[str, ...], item: Shape, member: tuple[str, ...], documentation: str
) -> Iterator[tuple[str, str, float, dict[str, str]]]:
    """How an item names what it is: the path to an ARN or id, how surely, and what else it says."""
    if isinstance(item, StringShape):
        yield ("@", "", 2.0, {}) if "arn" in member else ("", "@", 2.0, {})
        return
    if not isinstance(item, StructureShape):
        return
    more = _more(item, documentation)
    ids = one.name.startswith("ec2:")  # an id says what it is of, and older answers have no ARN
    bonus = 1.5 * ("tags" in more) + 0.5 * ("made_at" in more)
    for name, inner in item.members.items():
        if not isinstance(inner, StringShape):
            continue
        taken = words(name)
        own = bare(taken)
        own_fits = max(_fits(own, one), alike(own, noun)) if own else 1.0
        if own_fits < 0.5 and own:
            continue
        if taken[-1:] == ("arn",):
            yield name, "", 5 * own_fits * (0.5 if ids else 1) + bonus, more
        elif taken[-1:] in {("id",), ("name",), ("identifier",), ("url",)}:
            yield "", name, (4 if taken[-1] == "id" else 3) * own_fits + bonus - 0.2 * (not own), more


def _more(item: StructureShape, documentation: str) -> dict[str, str]:
    found: dict[str, str] = {}
    by_word = {"".join(words(name)): name for name in item.members}
    for word, name in by_word.items():
        shape = item.members[name]
        if word in _TAGS and not _NO_TAGS.search(documentation) and (keys := _tag_keys(shape)) is not None:
            found["tags"] = name
            if keys not in {("Key", "Value"), ("", "")}:
                found["tag_key"], found["tag_value"] = keys
        elif word in _OWNERS:
            found["owner"] = name
        elif word in _MADE_BY and isinstance(shape, StringShape):
            found["made_by"] = name
    if made := next((by_word[word] for word in _MADE_AT if word in by_word), None):
        found["made_at"] = made
    return found


def _gone(one: Wanted, item: Shape) -> tuple[str, tuple[str, ...]] | None:
    """Where an item says that it is there no more: in its state, or the code of that."""
    for name, inner in item.members.items() if isinstance(item, StructureShape) else ():
        *before, last = words(name)
        if last not in _STATES or (before and not _fits(tuple(before), one) and tuple(before) not in _OWN_STATES):
            continue
        deeper = inner.members if isinstance(inner, StructureShape) else {}
        paths = {
            name: inner,
            **{f"{name}.{key}": deeper[key] for key in ("Code", "State", "code", "state") if key in deeper},
        }
        for path, shape in paths.items():
            if isinstance(shape, StringShape) and (values := tuple(v for v in shape.enum if _GONE.fullmatch(v))):
                return path, values
    return None


def _tag_keys(shape: Shape) -> tuple[str, str] | None:
    if isinstance(shape, MapShape):
        return "", ""
    if isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        keys = {words(name)[-1]: name for name in shape.member.members}
        if {"key", "value"} <= keys.keys():
            return keys["key"], keys["value"]
    return None


def _pages(model: OperationModel) -> tuple[str, str] | None:
    def token(shape: Shape | None) -> str:
        members = shape.members if isinstance(shape, StructureShape) else {}
        return next((name for name in members if _TOKENS.fullmatch(name)), "")

    asked, told = token(model.input_shape), token(model.output_shape)
    return (asked, told) if asked and told else None


def _page_size(client: str, model: OperationModel) -> int:
    """What a page may have at most; 0 where neither the model nor its words say it."""
    limit = models.page_limit(client, model.name)
    shape = model.input_shape.members.get(limit) if model.input_shape and limit else None
    if shape is None or shape.type_name not in {"integer", "long"}:
        return 0
    most = shape.metadata.get("max")
    if most is None and client == "ec2":
        said = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", shape.documentation)]
        most = max((number for number in said if _LEAST <= number <= _MOST), default=_MOST)
    return min(int(most or 0), _MOST)


def text() -> str:
    """The file."""
    lines = [*writing.head()]
    for one in wanted():
        found = listing(one)
        if found is None:
            lines += ["", f"[lists.{json.dumps(one.name)}]", f"none = {json.dumps(_none(one))}"]
            continue
        model = models.operation(found.client, found.operation)
        fields = {
            "client": found.client,
            "operation": found.operation,
            "action": action(found.client, model),
            "items": found.items,
            "arn": found.arn,
            "id": found.id,
            **found.more,
            "none_untold": found.client == "ec2" and "tags" in found.more,
            "page_size": found.page_size,
        }
        lines += ["", f"[lists.{json.dumps(one.name)}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in fields.items() if value]
        if found.gone:
            lines.append(f"gone = {{ {json.dumps(found.gone[0])} = {json.dumps(list(found.gone[1]))} }}")
        if found.parameters:
            inner = ", ".join(f"{name} = {value}" for name, value in found.parameters.items())
            lines.append(f"calls = [{{ parameters = {{ {inner} }} }}]")
        if found.pages:
            lines.append(f"pages = {json.dumps(list(found.pages))}")
    return "\n".join(lines) + "\n"


def _none(one: Wanted) -> str:
    return f"no call of {', '.join(one.clients) or 'its service'} lists it without being told what it stands in"


def main() -> None:
    """Writes the file, and tells how many types have a list."""
    TARGET.write_text(text(), "utf-8")
    found = [listing(one) for one in wanted()]
    sys.stdout.write(f"{sum(one is not None for one in found)} of {len(found)} types have a list\n")


if __name__ == "__main__":
    main()
