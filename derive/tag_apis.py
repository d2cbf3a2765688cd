"""Which calls write, read and remove the tags of a resource: `python -m derive.tag_apis` writes it for every client.

From the API models: the operation whose name says that it tags, the parameter that takes the tags, the one that names
the resource, and whether it wants an ARN, an id or a name, by its own name and AWS's words about it. An operation that
has to be told which kind of resource is meant comes once for each kind. What a model leaves open is under `[unclear]`;
`src/ownertag/catalogue/overlay/tag_apis.toml` says it by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore
from botocore.model import OperationModel

from derive import models, reference, tag_shapes
from derive.tag_operations import tag_operations
from derive.tag_shapes import Api

TARGET = Path(__file__).parents[1] / "src/ownertag/catalogue/generated/tag_apis.toml"

_READS = re.compile(r"(?:List|Get|Describe)(?!Stage)\w*Tag(?!Option|Keys|ged|Values|ger)\w*")
_REMOVES = re.compile(r"Untag(?:[A-Z]\w*)?|(?:Remove|Delete)\w*(?:Tags\w*|Tagging)")
#: Put replaces what was there (S3 API reference: PutBucketTagging, PutObjectTagging; S3 Control: PutJobTagging).
_REPLACES = re.compile(r"Put\w+Tagging")
_VERB = re.compile(
    r"^(?:AddTagsTo|RemoveTagsFrom|UpdateTagsFor|DeleteTagsFor|ChangeTagsFor|SetTagsFor|ListTagsFor|ListTagsOf"
    r"|AddTags|RemoveTags|CreateOrUpdateTags|CreateTags|DeleteTags|DescribeTags|GetTags|ListTags|Untag|Tag"
    r"|Put|Delete|Get|List)|(?:Tags|Tagging)$"
)
_CALLS = ("read", "remove")
#: Lambda's records up to this year's API name the version (doc: "Logging Lambda API calls with CloudTrail").
_DATED_UNTIL = 2018


def derive(client: str) -> tuple[dict[str, Api], dict[str, str]]:
    """A client's tag APIs by name, and what the model leaves open of the others."""
    found: dict[str, Api] = {}
    unclear: dict[str, str] = {}
    for name in tag_operations(client):
        operation = models.operation(client, name)
        tags = tag_shapes.tags(operation)
        if tags is None:
            continue
        resource, needed = tag_shapes.resource(operation)
        constants = None if tags.pop("others") or resource is None else tag_shapes.constants(operation, needed)
        if constants is None or resource is None:
            unclear[f"{client}.{name}"] = _missing(resource, needed)
            continue
        for word, more in constants:
            api = _api(client, operation, resource, tags)
            for call in (api, *(api[call] for call in _CALLS if call in api)) if more else ():
                call["constants"] = more
                if word and not call["resource"].lower().endswith("arn"):  # an ARN would say which kind is meant
                    call["value"] = "{id}"
            found[f"{client}.{name} {word}".rstrip()] = api
    return found, unclear


def _missing(resource: str | None, needed: list[str]) -> str:
    if resource is None:
        return "no parameter names the resource"
    return f"names the resource by {resource}, and needs {' and '.join(needed) or 'more in each tag'}"


def _api(client: str, operation: OperationModel, resource: str, tags: Api) -> Api:
    api: Api = {"client": client, "operation": operation.name, "action": action(client, operation)}
    api |= tag_shapes.named(operation, resource) | tags | tag_shapes.failures(operation)
    if _REPLACES.fullmatch(operation.name):
        api["replaces"] = True
    discovery: Any = operation.endpoint_discovery
    asked: Any = operation.service_model.endpoint_discovery_operation
    if asked and discovery and discovery.get("required"):  # the SDK asks for the endpoint first (Timestream)
        api["needs"] = [action(client, asked)]
    api["event_source"] = models.event_source(client)
    if events := _events(operation):
        api["events"] = events
    if read := _partner(client, operation, resource, _READS, tag_shapes.answer):
        api["read"] = read
    if remove := _remove(client, operation, resource):
        api["remove"] = remove
    return api


def action(client: str, operation: OperationModel) -> str:
    """The action that allows an operation; empty where the reference has none. API Gateway's are the HTTP methods."""
    service = models.service(client)
    known = reference.action(service, operation.name) or reference.action(service, operation.http.get("method", ""))
    return f"{service}:{known.name}" if known else ""


def _events(operation: OperationModel) -> list[str]:
    """The names in records where the operation's alone is not enough: with the API's version."""
    service = operation.service_model
    if service.endpoint_prefix == "cloudfront":
        return [operation.name, f"{operation.name}{service.api_version.replace('-', '_')}"]
    dated = re.match(r"/(\d{4})-(\d\d)-(\d\d)/", operation.http.get("requestUri", ""))
    if service.endpoint_prefix == "lambda" and dated and int(dated[1]) <= _DATED_UNTIL:
        name = operation.name + "".join(dated.groups())
        return [operation.name, name, f"{name}v2"]
    return []


def _remove(client: str, write: OperationModel, resource: str) -> Api | None:
    def made(operation: OperationModel) -> Api | None:
        keys = tag_shapes.removed(operation)
        events = _events(operation)
        return keys and keys | ({"events": events} if events else {})

    if any(re.search("remove", name, re.IGNORECASE) for name in tag_shapes.members(write)):
        found: Api | None = {"operation": write.name, **tag_shapes.named(write, resource), **(made(write) or {})} | {
            "action": action(client, write)
        }
    else:
        found = _partner(client, write, resource, _REMOVES, made)
    if found:
        found.pop("most", None)  # ownertag removes no tags: nobody asks how many a call takes
    return found


def _partner(
    client: str,
    write: OperationModel,
    resource: str,
    form: re.Pattern[str],
    made: Callable[[OperationModel], Api | None],
) -> Api | None:
    """The call of a form that names a resource as the write does."""
    found: list[tuple[tuple[bool, bool, int], Api]] = []
    noun = _noun(write.name)
    for name in models.model(client).operation_names:
        if not form.fullmatch(name):
            continue
        operation = models.operation(client, name)
        parameter, needed = tag_shapes.resource(operation)
        more = made(operation)
        if parameter is None or more is None or tag_shapes.constants(operation, needed) is None:
            continue
        same_noun = _noun(name) == noun or {_noun(name), noun} <= {"", "Resource"}
        same_parameter = parameter.lower().rstrip("s") == resource.lower().rstrip("s")
        if same_noun or same_parameter:
            call = {"operation": name, **tag_shapes.named(operation, parameter), **more}
            found.append(((not same_noun, not same_parameter, len(name)), call | {"action": action(client, operation)}))
    return min(found, key=lambda item: item[0])[1] if found else None


def _noun(name: str) -> str:
    return _VERB.sub("", _VERB.sub("", name)).removesuffix("Tags")


def text(apis: Mapping[str, Api], unclear: Mapping[str, str], head: Iterable[str]) -> str:
    """The file: fields that have their default are left out."""
    lines = [*head]
    for name, api in sorted(apis.items()):
        lines += ["", f"[apis.{json.dumps(name)}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in sorted(api.items(), key=lambda item: item[0] in _CALLS)]
    lines += ["", "# What a model does not say all of.", "[unclear]"]
    lines += [f"{json.dumps(name)} = {json.dumps(why)}" for name, why in sorted(unclear.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


def all_apis() -> tuple[dict[str, Api], dict[str, str]]:
    """What `derive` finds, of all clients."""
    apis: dict[str, Api] = {}
    unclear: dict[str, str] = {}
    for client in models.clients():
        found, open_ = derive(client)
        apis |= found
        unclear |= open_
    return apis, unclear


def main() -> None:
    """Writes the list anew, with the versions that it comes from."""
    apis, unclear = all_apis()
    head = [
        "# Which calls write, read and remove tags. Derived by `python -m derive.tag_apis`; never edited.",
        f'botocore = "{botocore.__version__}"',
        f'authorization_reference = "{reference.version()}"',
    ]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(apis, unclear, head), "utf-8")
    clients = len({api["client"] for api in apis.values()})
    sys.stdout.write(f"{len(apis)} tag APIs of {clients} clients, {len(unclear)} operations unclear\n")


if __name__ == "__main__":
    main()
