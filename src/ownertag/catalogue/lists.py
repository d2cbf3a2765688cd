"""Which call lists each type, and what its answer says of a resource: `lists.json`, of two files of TOML.

`generated/lists.toml` is derived from AWS's models (`python -m derive.lists`), `overlay/lists.toml` is by hand and
wins, field by field. What counts is joined in `lists.json`, which is read when an inventory first asks for it: the
function that tags never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.catalogue.files import CatalogueError, read_file, shipped_text

LISTS = "lists.json"
LISTS_TOML = "lists.toml"
NOT_DERIVED = "no list was derived for it yet: run `make catalogue`"
#: What belongs to the call; an entry by hand that names another call takes none of the derived answer's paths.
_CALL = ("client", "operation")


class CallsEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One way to make the call: its parameters, and the only Region in which it is made, if there is one.

    A text in the parameters has the fields `{account}` and `{region}`, and of what it stands in `{arn}`, `{id}` and the
    other fields of a tag API's values, with `{bare}`, the id without slashes around it.
    """

    parameters: dict[str, Any] = {}
    region: str = ""


class DetailEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A call for each item, whose answer takes the item's place: where the list says too little.

    Attributes:
        operation: The operation.
        action: The IAM action that allows it.
        parameter: The parameter that names the item.
        value: The path to its value in the item, as JMESPath.
        answer: The path to what takes the item's place.
        parameters: Other parameters, as those of `calls`.
    """

    operation: str
    action: str
    parameter: str
    value: str = "@"
    answer: str = "@"
    parameters: dict[str, Any] = {}


class ListEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The call that lists a type. Paths are JMESPath.

    Attributes:
        client: The SDK's client.
        operation: Its operation.
        action: The IAM action that allows it.
        items: The path to the items in a page.
        arn: The path to the ARN in an item; `@` is the item itself. Only what has the form of the type's ARNs counts.
        id: The path to the id, where the item has no ARN.
        strip: What stands before an id and does not belong to it, such as `/hostedzone/`; `*/` is all before the name
            with which it ends.
        form: An id that is put together: `{parent}` is the id of what it stands in, `{id}` its own.
        owner: The path to the account whose it is: what has another one is not listed.
        tags: The path to the tags, where the list tells them.
        tag_key: The key's name in a tag; in a map of tags it counts for nothing.
        tag_value: The value's.
        tags_alone: The Tagging API does not show the type: the tags of each resource are read by a call of its own.
        none_untold: An item in which no tags stand has none; else they are read elsewhere.
        made_at: The path to the time when it was made.
        made_by: The path to the ARN of who made it.
        gone: Paths to a state, each with its values for what is shown though it is there no more.
        by_aws: What holds of items that AWS made by itself, such as a default VPC.
        by_aws_if_in: A type, and the path to an id of it in the item: `by_aws` counts only for what stands in one that
            AWS made by itself.
        pages: The members of request and answer with the next page's token, where the SDK does not go through pages.
        page_size: How many items a page may have, where the SDK's default is smaller or none.
        calls: The ways to make the call; left out, it is made once and without parameters.
        within: The type that the resources stand in: the call is made for each of those.
        detail: A call for each item.
        global_: It shows the same in every Region, and is asked in the partition's first alone.
        none: Why no call lists the type; all else is empty then.
        reason: Why an entry by hand stands there.
        source: Where that can be read.
    """

    client: str = ""
    operation: str = ""
    action: str = ""
    items: str = ""
    arn: str = ""
    id: str = ""
    strip: str = ""
    form: str = ""
    owner: str = ""
    tags: str = ""
    tag_key: str = "Key"
    tag_value: str = "Value"
    tags_alone: bool = False
    none_untold: bool = False
    made_at: str = ""
    made_by: str = ""
    gone: dict[str, list[str]] = {}
    by_aws: str = ""
    by_aws_if_in: list[str] = []
    pages: list[str] = []
    page_size: int = 0
    calls: list[CallsEntry] = []
    within: str = ""
    detail: DetailEntry | None = None
    global_: bool = msgspec.field(default=False, name="global")
    none: str = ""
    reason: str = ""
    source: str = ""


class ListsFile(Struct, forbid_unknown_fields=True):
    """`lists.toml`: the lists by type."""

    lists: dict[str, ListEntry] = {}


@cache
def shipped_lists() -> Mapping[str, ListEntry]:
    """The list of every type that is on.

    Raises:
        CatalogueError: What is shipped was written by another version.
    """
    try:
        return msgspec.json.decode(shipped_text(LISTS).encode(), type=dict[str, ListEntry])
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{LISTS}: {error}; write it anew with `make catalogue`") from error


def joined(types: Iterable[str], read: Callable[[str], str] = shipped_text) -> dict[str, ListEntry]:
    """The lists of these types, of both files, which `read` gives by their names.

    Raises:
        CatalogueError: A file can't be used, or an entry by hand has no reason, no source, or no such type.
    """
    base, above = _plain("generated", read), _plain("overlay", read)
    wanted = sorted(types)
    if unknown := sorted(above.keys() - set(wanted) - base.keys()):
        raise CatalogueError(f"overlay/{LISTS_TOML}: {unknown[0]}: the catalogue has no such type")
    for name, entry in above.items():
        if not (entry.get("reason") and entry.get("source")):
            raise CatalogueError(f"overlay/{LISTS_TOML}: {name}: needs a reason and a source")
    found = {}
    for name in wanted:
        own, derived = above.get(name, {}), base.get(name, {"none": NOT_DERIVED})
        if "none" in own or any(own.get(key, derived.get(key)) != derived.get(key) for key in _CALL):
            derived = {}
        plain = {**derived, **own}
        found[name] = _checked(name, plain)
    for name, checked in found.items():
        for other in filter(None, (checked.within, *checked.by_aws_if_in[:1])):
            if other not in found:
                raise CatalogueError(f"{LISTS_TOML}: {name}: {other} is not on")
    return found


def _plain(folder: str, read: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    name = f"{folder}/{LISTS_TOML}"
    text = read(name)
    read_file(name, text, ListsFile)
    found: dict[str, dict[str, Any]] = msgspec.toml.decode(text).get("lists", {})
    return found


def _checked(name: str, plain: dict[str, Any]) -> ListEntry:
    kept = {key: value for key, value in plain.items() if key not in {"reason", "source"}}
    entry = msgspec.convert(kept, ListEntry)
    missing = [key for key in ("client", "operation", "action", "items") if not getattr(entry, key)]
    if not entry.none and (missing or not (entry.arn or entry.id)):
        raise CatalogueError(f"{LISTS_TOML}: {name}: needs {missing[0] if missing else 'arn or id'}, or says `none`")
    return entry


def as_json(found: Mapping[str, ListEntry]) -> bytes:
    """`lists.json`: the same bytes for the same content, a type a line."""
    lines = [f"{_json(name)}: {_json(entry)}" for name, entry in sorted(found.items())]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
