"""Which operation tags a resource of a type: `tag_operation("rds", "rds:db")` is "rds.AddTagsToResource".

The client's own, by its name; of several, the one whose action names the type (service authorization reference), then
the one that bears the type's noun, then `TagResource`. What can't be derived is in `tag_operations.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from derive import models, reference

_TABLE = tomllib.loads((Path(__file__).parent / "tag_operations.toml").read_text("utf-8"))

#: Names of operations that add tags to a resource that is there. Tag options, Lake Formation's tags, a log's tags by
#: which costs are told apart and the like are no tags of a resource.
_NAME = re.compile(
    r"Tag|Tag(?:Global)?Resource|Tag[A-Z]\w*|AddTags|AddTagsTo[A-Z]\w*|CreateTags|CreateOrUpdateTags|SetTagsForResource"
    r"|(?:Update|Change)TagsFor[A-Z]\w*|Put[A-Z]\w*Tagging"
)
_MEMBER = re.compile(r"(?:\w*Tags(?:List|Model|ToUpdate|ToAdd)?|TagList|Tagging)", re.IGNORECASE)


@cache
def tag_operations(client: str) -> tuple[str, ...]:
    """The client's operations that add tags to a resource, sorted."""
    return tuple(
        name
        for name in sorted(models.model(client).operation_names)
        if _NAME.fullmatch(name) and _takes_tags(client, name)
    )


def tag_operation(client: str, type_: str) -> str:
    """What tags a type, as "client.Operation"; "" where no client can.

    Args:
        client: The client that creates it.
        type_: "<service in the ARN>:<resource name of the authorization reference>".
    """
    client = _TABLE["clients"].get(client, client)
    if chosen := _TABLE["types"].get(f"{client} {type_}"):
        return str(chosen)
    name = type_.partition(":")[2]
    found = tag_operations(client)
    fit = [operation for operation in found if len(found) == 1 or any(_fits(client, operation, name))]
    if not fit:
        return ""
    return f"{client}.{max(reversed(fit), key=lambda operation: _fits(client, operation, name))}"


def _fits(client: str, operation: str, type_: str) -> tuple[bool, bool, bool, bool]:
    """Whether it is current and its action names the type, bears its noun, takes all types, is the newest of these."""
    noun = _letters(re.sub(r"^(?:Tag|AddTagsTo|UpdateTagsFor|ChangeTagsFor|SetTagsFor|Put)|Tagging$", "", operation))
    general = noun in {"", "tag", "addtags", "createtags", "createorupdatetags", "resource"}
    action = reference.action(models.service(client), operation)
    listed = action is not None and type_ in {one.name for one in action.types}
    current = not models.operation(client, operation).deprecated
    return listed and current, not general and _letters(type_).startswith(noun) and current, general, noun == "resource"


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _takes_tags(client: str, name: str) -> bool:
    shape = models.operation(client, name).input_shape
    return shape is not None and any(_MEMBER.fullmatch(member) for member in shape.members)
