"""Requests and answers in the form that CloudTrail writes, by botocore's own model of the service.

There are two forms, seen in real records. The flat one has small first letters and lists as `{"items": []}`; times
are epoch milliseconds. The wrapped one has everything inside `<Event>Request` or `<Event>Response`: the request with
capital first letters and numbered list items, the answer as its XML, where a list of one is the object alone and times
are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser

from ownertag.sandbox.calls import Response

#: CloudTrail leaves out a part of a record above this size (doc).
MAX_PART = 100 * 1024

# Lists of bare ids, which CloudTrail writes as objects: (operation, parameter) -> (key of the list, key in an object).
_ID_LISTS = {
    ("CreateTags", "Resources"): ("resourcesSet", "resourceId"),
    ("DeleteTags", "Resources"): ("resourcesSet", "resourceId"),
    ("TerminateInstances", "InstanceIds"): ("instancesSet", "instanceId"),
    ("RunInstances", "SecurityGroupIds"): ("groupSet", "groupId"),
}


def operation_model(service: str, operation: str) -> OperationModel:
    """Botocore's description of an operation."""
    model: OperationModel = _service(service).operation_model(operation)
    return model


def request_parameters(service: str, operation: str, params: Mapping[str, str], wrapped: bool) -> dict[str, Any]:
    """`requestParameters` of a call to a query service."""
    shape = operation_model(service, operation).input_shape
    plain = _read(shape, params, "", service) or {}
    if wrapped:
        return {f"{operation}Request": _wrapped_request(shape, plain)}
    flat = _flat_request(shape, plain, operation, bare=service != "ec2")
    if operation == "RunInstances":
        launch = {key: flat.pop(key) for key in ("imageId", "minCount", "maxCount") if key in flat}
        flat = {"instancesSet": {"items": [launch]}, "blockDeviceMapping": {}, **flat}
    return flat


def response_elements(service: str, operation: str, answer: Response, wrapped: bool) -> dict[str, Any] | None:
    """`responseElements` of an answer of a query service; None where it says nothing but that it was done."""
    model = operation_model(service, operation)
    parser = create_parser(model.service_model.protocol)
    shape: Any = model.output_shape  # None for an operation without an answer, which the parser takes
    parsed = parser.parse({"status_code": answer.status, "headers": {}, "body": answer.body}, shape)
    request_id = parsed.pop("ResponseMetadata", {}).get("RequestId", "")
    if wrapped:
        inner = _wrapped_response(model.output_shape, parsed)
        return {f"{operation}Response": {"xmlns": _xmlns(model), **inner, "requestId": request_id}}
    if service == "sts":
        return dict(_flat_response(model.output_shape, parsed, times_as_text=True))
    if service != "ec2":
        return dict(_flat_response(model.output_shape, parsed)) or None
    if not parsed:
        return {"requestId": request_id, "_return": True}
    flat = _flat_response(model.output_shape, parsed)
    for instance in flat.get("instancesSet", {}).get("items", []) if operation == "RunInstances" else []:
        instance["blockDeviceMapping"] = {}  # volume ids are never in a record (seen)
    return {"requestId": request_id, **flat}


# --- requests


def _read(shape: Shape | None, params: Mapping[str, str], at: str, service: str) -> Any:
    """The value that query parameters hold for a shape, or None: botocore's serializer, the other way round."""
    if isinstance(shape, StructureShape):
        found = {}
        for name, member in shape.members.items():
            key = _query_name(name, member, service)
            value = _read(member, params, f"{at}.{key}" if at else key, service)
            if value is not None:
                found[name] = value
        return found or None
    if isinstance(shape, ListShape):
        stem = at if service == "ec2" else f"{at}.member"
        items: list[Any] = []
        while (item := _read(shape.member, params, f"{stem}.{len(items) + 1}", service)) is not None:
            items.append(item)
        return items or None
    return None if shape is None else _typed(shape, params.get(at))


def _query_name(name: str, member: Shape, service: str) -> str:
    if service != "ec2":
        return name
    given = member.serialization.get("queryName") or member.serialization.get("name") or name
    return str(given[0].upper() + given[1:])


def _typed(shape: Shape, text: str | None) -> Any:
    if text is None:
        return None
    if shape.type_name == "boolean":
        return text.lower() == "true"
    if shape.type_name in {"integer", "long"}:
        return int(text) if text.lstrip("-").isdigit() else text
    return text


def _flat_request(
    shape: Shape | None, plain: Mapping[str, Any], operation: str = "", *, bare: bool = False
) -> dict[str, Any]:
    """A request in the flat form; `bare`: lists stand as they are, as in every service but EC2 (seen)."""
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        member = shape.members[name] if isinstance(shape, StructureShape) else None
        key = _small(str(member.serialization.get("name") or name)) if member else _small(name)
        if (operation, name) in _ID_LISTS:
            outer, inner = _ID_LISTS[operation, name]
            flat[outer] = {"items": [{inner: id_} for id_ in value]}
        elif isinstance(value, list) and isinstance(member, ListShape):
            items = [
                _flat_request(member.member, item, bare=bare) if isinstance(item, dict) else item for item in value
            ]
            if bare:
                flat[key] = items
            elif name == "Tags" and not operation:
                flat["tags"] = items  # inside a tag specification the list stands bare (seen)
            else:
                flat[key if key.endswith(("Set", "Mapping")) else f"{key}Set"] = {"items": items}
        elif isinstance(value, dict):
            flat[key] = _flat_request(member, value, bare=bare)
        else:
            flat[key] = value
    return flat


def _wrapped_request(shape: Shape | None, plain: Mapping[str, Any]) -> dict[str, Any]:
    wrapped: dict[str, Any] = {}
    for name, value in plain.items():
        member = shape.members[name] if isinstance(shape, StructureShape) else None
        key = _query_name(name, member, "ec2") if member else name
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
            wrapped[key] = value
    return wrapped


# --- answers


def _flat_response(shape: Shape | None, parsed: Any, times_as_text: bool = False) -> Any:
    if isinstance(shape, StructureShape):
        return {
            _small(str(member.serialization.get("name") or name)): _flat_response(member, parsed[name], times_as_text)
            for name, member in shape.members.items()
            if name in parsed
        }
    if isinstance(shape, ListShape):
        return {"items": [_flat_response(shape.member, item, times_as_text) for item in parsed]} if parsed else {}
    if isinstance(parsed, datetime):
        text = f"{parsed:%b} {parsed.day}, {parsed.year}, {parsed.hour % 12 or 12}:{parsed:%M:%S %p}"
        return text if times_as_text else int(parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp() * 1000)
    return parsed


def _wrapped_response(shape: Shape | None, parsed: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            _small(str(member.serialization.get("name") or name)): _wrapped_response(member, parsed[name])
            for name, member in shape.members.items()
            if name in parsed
        }
    if isinstance(shape, ListShape):
        items = [_wrapped_response(shape.member, item) for item in parsed]
        return {"item": items[0] if len(items) == 1 else items} if items else ""
    if isinstance(parsed, datetime):
        return parsed.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return parsed


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _xmlns(model: OperationModel) -> str:
    return f"http://{model.service_model.endpoint_prefix}.amazonaws.com/doc/{model.service_model.api_version}/"


@cache
def _service(name: str) -> Any:
    return botocore.session.Session().get_service_model(name)
