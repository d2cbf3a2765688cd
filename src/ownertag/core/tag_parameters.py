"""Builds the parameters of tag calls from their data, and reads tags and failures in the answers.

Nothing here knows a service: a `TagApi` says where the resource, its tags and its failures stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ownertag.core.arn import dns_suffix, last_part, partition_of
from ownertag.core.catalogue_types import TagApi, TagReading, TagRemoval
from ownertag.core.values import Failure, Resource, Write

Parameters = dict[str, Any]


def writing(api: TagApi, write: Write) -> Parameters:
    """The parameters of the call that carries out a write."""
    fields = [fields_of(resource, write.account, write.region) for resource in write.resources]
    parameters = _naming(api, fields)
    if api.form == "map":
        tags: Any = dict(write.tags)
    else:
        tags = [
            {api.key: key, api.value_key: value, **filled(api.each_tag, of)}
            for of in (fields if api.each_tag else fields[:1])
            for key, value in write.tags
        ]
    _put(parameters, api.tags, tags)
    return parameters


def reading(read: TagReading, resources: Sequence[Resource], account: str, region: str) -> Parameters:
    """The parameters of the call that reads the tags of these resources."""
    return _naming(read, [fields_of(resource, account, region) for resource in resources])


def removing(api: TagApi, remove: TagRemoval, write: Write) -> Parameters:
    """The parameters of the call that removes tags with the keys of a write."""
    fields = [fields_of(resource, write.account, write.region) for resource in write.resources]
    parameters = _naming(remove, fields)
    keys: Any = [key for key, _ in write.tags]
    if remove.key_objects:
        keys = [
            {remove.key_objects: key, **filled(api.each_tag, of)}
            for of in (fields if api.each_tag else fields[:1])
            for key in keys
        ]
    if remove.keys:
        _put(parameters, remove.keys, keys)
    return parameters


def fields_of(resource: Resource, account: str, region: str) -> dict[str, str]:
    """What the fields of a value stand for."""
    id_, partition = resource.id, partition_of(region)
    return {
        "arn": resource.arn,
        "id": id_,
        "name": last_part(id_),
        "path": f"/{id_}" if "/" in id_ else id_,
        "region": region,
        "account": account,
        "partition": partition,
        "dns_suffix": dns_suffix(partition),
    }


def filled(value: Any, fields: Mapping[str, str]) -> Any:
    """A value with its fields, in whatever lists and objects it stands."""
    if isinstance(value, str):
        return value.format_map(fields)
    if isinstance(value, Mapping):
        return {key: filled(inner, fields) for key, inner in value.items()}
    return [filled(inner, fields) for inner in value] if isinstance(value, list) else value


def _naming(call: TagApi | TagReading | TagRemoval, fields: Sequence[Mapping[str, str]]) -> Parameters:
    """The parameters that name the resources, and the constants."""
    parameters: Parameters = filled(call.constants, fields[0])
    if call.resource:
        names = [filled(call.value, of) for of in fields]
        name = call.resource.removesuffix("[]")
        is_list = name != call.resource or call.most > 1
        parameters[name] = names if is_list else names[0]
    return parameters


def _put(parameters: Parameters, path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for key in outer:
        parameters = parameters.setdefault(key, {})
    parameters[last] = value


# --- answers


def _at(answer: Any, path: str) -> Iterator[Any]:
    """What stands at a path of an answer; a list is gone into, whether the path says so or not."""
    nodes: list[Any] = [answer]
    for key in path.replace("[]", "").split("."):
        nodes = [node[key] for node in _each(nodes) if isinstance(node, Mapping) and key in node]
    yield from nodes


def _each(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        if isinstance(node, list):
            yield from _each(node)
        else:
            yield node


def tags_in(read: TagReading, answers: Iterable[Any]) -> dict[str, str]:
    """The tags in the pages of an answer about one resource; one without a value has an empty one."""
    found: dict[str, str] = {}
    for answer in answers:
        for node in _at(answer, read.path):
            if read.form == "map":
                found |= {key: value or "" for key, value in (node or {}).items()}
            else:
                found |= {tag[read.key]: tag.get(read.value_key) or "" for tag in _each([node]) if tag}
    return found


def failures_in(api: TagApi, write: Write, answer: Any) -> dict[str, Failure]:
    """Which resources failed though the call did not, by ARN. What names none of them counts against all."""
    failed: dict[str, Failure] = {}
    if not api.failures:
        return failed
    by_value: dict[str, str] = {}
    for resource in write.resources:
        value = filled(api.value, fields_of(resource, write.account, write.region))
        by_value |= {value: resource.arn, resource.arn: resource.arn}
    for node in _at(answer, api.failures):
        for item, failure in _items(api, node):
            code = failure.get(api.failure_code) if isinstance(failure, Mapping) else None
            arns = [by_value[item]] if item in by_value else [resource.arn for resource in write.resources]
            failed |= dict.fromkeys(arns, Failure(str(code or "Unknown")))
    return failed


def _items(api: TagApi, node: Any) -> Iterator[tuple[Any, Any]]:
    if api.failed_item == "@key":
        yield from node.items()
    else:
        yield from ((item.get(api.failed_item), item) for item in _each([node]) if isinstance(item, Mapping))
