"""The parts of a record that a call and its answer say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import HeadersDict
from botocore.model import Shape, StructureShape
from botocore.parsers import ResponseParserError, create_parser

from ownertag.sandbox.calls import Call, Response
from ownertag.sandbox.records import ec2, s3
from ownertag.sandbox.records.documented import documented, hidden, is_wrapped
from ownertag.sandbox.records.models import is_wrapper
from ownertag.sandbox.records.operations import Operation, operation
from ownertag.sandbox.records.requests import parameters
from ownertag.sandbox.records.written import Form, small

Part = dict[str, Any] | None


@dataclass(frozen=True)
class Parts:
    """What a record says of a call.

    Attributes:
        source: The event source, without `.amazonaws.com`.
        event: The name of the event.
        region: In which it is recorded.
        version: Of the API, where the service's records have it.
        request: `requestParameters`.
        response: `responseElements`; None of a call that failed, and where the record has none.
        error: `errorCode` and `errorMessage` of a call that failed.
    """

    source: str
    event: str
    region: str
    version: str | None
    request: Part
    response: Part
    error: dict[str, str]


def parts(call: Call, answer: Response) -> Parts | None:
    """The parts of a call's record; None of a call that has none: what reads, and what is a data event."""
    found = operation(call)
    if found is None:
        return None
    source = documented("sources").get(found.client, call.service)
    versions = documented("versions")
    return Parts(
        source=source,
        event=_event(found, source),
        region=documented("regions").get(source, call.region),
        version=versions.get(found.client, versions.get(source)),
        request=_request(call, found, source),
        response=None if answer.failed else _response(found, source, answer),
        error=_error(found, answer) if answer.failed else {},
    )


def _event(found: Operation, source: str) -> str:
    """The operation's name, with the date of its address where the service's events have it."""
    date = found.model.http.get("requestUri", "")[1:11].replace("-", "")
    names = documented("event_names")
    if found.name in names.get(source, {}):
        return str(names[source][found.name])
    if source not in names["dated"] or not date.isdigit() or date >= "2019":
        return found.name
    return f"{found.name}{date}{'v2' if found.name in names['v2'] else ''}"


def _form(client: str, source: str) -> Form:
    keys = documented("keys")
    return Form(hidden(source), capitals=source in keys["capitals"], members=client in keys["members"])


def _request(call: Call, found: Operation, source: str) -> Part:
    if found.client == "s3":
        return s3.request_parameters(call, found)
    plain = parameters(call, found)
    shape = found.model.input_shape
    if found.protocol == "ec2":
        return ec2.request_parameters(found.model, plain, wrapped=is_wrapped(found.name))
    written: dict[str, Any] = _form(found.client, source).write(shape, plain) if shape else {}
    if found.client in documented("keys")["input"] and isinstance(shape, StructureShape):
        form = _form(found.client, source)
        body = {form.key(name, member) for name, member in shape.members.items() if not _is_elsewhere(member)}
        inner = {key: written.pop(key) for key in body & written.keys()}
        written |= {f"{small(found.name)}Input": inner} if inner else {}
    left_out = documented("left_out").get(source, ())
    return {key: value for key, value in written.items() if key not in left_out} or None


def _is_elsewhere(member: Shape) -> bool:
    """Whether a parameter is in the address or a header, and not in the body."""
    return "location" in member.serialization


def _response(found: Operation, source: str, answer: Response) -> Part:
    nulls = documented("null_answers").get(source, ())
    if found.name in nulls or "*" in nulls:
        return None
    parsed, request_id = _parsed(found, answer)
    if found.protocol == "ec2":
        return ec2.response_elements(found.model, parsed, request_id, wrapped=is_wrapped(found.name))
    shape: Shape | None = found.model.output_shape
    if not isinstance(shape, StructureShape):
        return None
    if chosen := documented("answers").get(source, {}).get(found.name):
        return {key: parsed[name] for key, name in chosen.items() if name in parsed} or None
    members = list(shape.members.items())
    if len(members) == 1 and is_wrapper(found.client, members[0][1]):
        [(name, shape)] = members
        parsed = parsed.get(name, {})
    return _form(found.client, source).write(shape, parsed) or None


def _parsed(found: Operation, answer: Response) -> tuple[dict[str, Any], str]:
    parser = create_parser(found.protocol)
    given = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}
    shape: Any = found.model.output_shape  # None for an operation without an answer, which the parser takes
    parsed: dict[str, Any] = parser.parse(given, shape)
    return parsed, str(parsed.pop("ResponseMetadata", {}).get("RequestId", ""))


def _error(found: Operation, answer: Response) -> dict[str, str]:
    """The error as the wire has it; where the model names the exception otherwise, by that name (doc: IAM)."""
    try:
        error = _parsed(found, answer)[0].get("Error", {})
    except (ResponseParserError, ValueError):  # moto failed in a way of its own, and answered with a page
        error = {}
    code = str(error.get("Code") or "InternalError")
    known: list[Any] = found.model.error_shapes
    for shape in known:
        if shape.error_code == code:
            code = shape.name
    if found.protocol == "ec2":
        code = f"{'Server' if answer.status >= 500 else 'Client'}.{code}"
    return {"errorCode": code, "errorMessage": str(error.get("Message") or "")}
