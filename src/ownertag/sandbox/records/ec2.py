"""The two forms that EC2's records have, both seen in real records.

The flat one has small first letters and lists as `{"items": []}`; times are epoch milliseconds. The wrapped one has
everything inside `<Event>Request` or `<Event>Response`: the request with capital first letters and numbered list items,
the answer as its XML, where a list of one is the object alone and times are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from ownertag.sandbox.records.documented import hidden
from ownertag.sandbox.records.requests import query_name
from ownertag.sandbox.records.written import is_secret, small

# Lists of bare ids, which CloudTrail writes as objects: (operation, parameter) -> (key of the list, key in an object).
_ID_LISTS = {
    ("CreateTags", "Resources"): ("resourcesSet", "resourceId"),
    ("DeleteTags", "Resources"): ("resourcesSet", "resourceId"),
    ("TerminateInstances", "InstanceIds"): ("instancesSet", "instanceId"),
    ("RunInstances", "SecurityGroupIds"): ("groupSet", "groupId"),
}


def request_parameters(model: OperationModel, plain: Mapping[str, Any], *, wrapped: bool) -> dict[str, Any]:
    """`requestParameters` of a call with these parameters."""
    if wrapped:
        return {f"{model.name}Request": _wrapped_request(model.input_shape, plain)}
    flat = _flat_request(model.input_shape, plain, model.name)
    if model.name == "RunInstances":
        launch = {key: flat.pop(key) for key in ("imageId", "minCount", "maxCount") if key in flat}
        flat = {"instancesSet": {"items": [launch]}, "blockDeviceMapping": {}, **flat}
    return flat


def response_elements(
    model: OperationModel, parsed: Mapping[str, Any], request_id: str, *, wrapped: bool
) -> dict[str, Any]:
    """`responseElements` of an answer."""
    if wrapped:
        inner = _wrapped_response(model.output_shape, parsed)
        return {f"{model.name}Response": {"xmlns": _xmlns(model), **inner, "requestId": request_id}}
    if not parsed:
        return {"requestId": request_id, "_return": True}
    flat = _flat_response(model.output_shape, parsed)
    for instance in flat.get("instancesSet", {}).get("items", []) if model.name == "RunInstances" else []:
        instance["blockDeviceMapping"] = {}  # volume ids are never in a record (seen)
    return {"requestId": request_id, **flat}


# --- requests


def _flat_request(shape: Shape | None, plain: Mapping[str, Any], operation: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        member = shape.members[name] if isinstance(shape, StructureShape) else None
        key = _key(name, member)
        if (operation, name) in _ID_LISTS:
            outer, inner = _ID_LISTS[operation, name]
            flat[outer] = {"items": [{inner: id_} for id_ in value]}
        elif isinstance(value, list) and isinstance(member, ListShape):
            items = [_flat_request(member.member, item) if isinstance(item, dict) else item for item in value]
            if name == "Tags" and not operation:
                flat["tags"] = items  # inside a tag specification the list stands bare (seen)
            else:
                flat[key if key.endswith(("Set", "Mapping")) else f"{key}Set"] = {"items": items}
        elif isinstance(value, dict):
            flat[key] = _flat_request(member, value)
        else:
            flat[key] = _shown(name, member, value)
    return flat


def _wrapped_request(shape: Shape | None, plain: Mapping[str, Any]) -> dict[str, Any]:
    wrapped: dict[str, Any] = {}
    for name, value in plain.items():
        member = shape.members[name] if isinstance(shape, StructureShape) else None
        key = query_name(name, member) if member else name
        if isinstance(value, list) and isinstance(member, ListShape):
            items = [
                {**_wrapped_request(member.member, item), "tag": number}
                if isinstance(item, dict)
                else {"tag": number, "content": item}
                for number, item in enumerate(value, 1)
            ]
            wrapped[key] = items[0] if len(items) == 1 else items
        elif isinstance(value, dict):
            wrapped[key] = _wrapped_request(member, value)
        else:
            wrapped[key] = _shown(name, member, value)
    return wrapped


# --- answers


def _flat_response(shape: Shape | None, parsed: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            _key(name, member): _shown(name, member, _flat_response(member, parsed[name]))
            for name, member in shape.members.items()
            if name in parsed
        }
    if isinstance(shape, ListShape):
        return {"items": [_flat_response(shape.member, item) for item in parsed]} if parsed else {}
    if isinstance(parsed, datetime):
        return int(parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp() * 1000)
    return parsed


def _wrapped_response(shape: Shape | None, parsed: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            _key(name, member): _shown(name, member, _wrapped_response(member, parsed[name]))
            for name, member in shape.members.items()
            if name in parsed
        }
    if isinstance(shape, ListShape):
        items = [_wrapped_response(shape.member, item) for item in parsed]
        return {"item": items[0] if len(items) == 1 else items} if items else ""
    if isinstance(parsed, datetime):
        return parsed.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return parsed


def _key(name: str, member: Shape | None) -> str:
    return small(str(member.serialization.get("name") or name) if member else name)


def _shown(name: str, member: Shape | None, value: Any) -> Any:
    return hidden("ec2") if member and is_secret(name, member) else value


def _xmlns(model: OperationModel) -> str:
    return f"http://{model.service_model.endpoint_prefix}.amazonaws.com/doc/{model.service_model.api_version}/"
