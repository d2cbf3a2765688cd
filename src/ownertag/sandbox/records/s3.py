"""The form that S3's requests have: the bucket's name, the host, what the address asks for, the body as it was sent."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from ownertag.sandbox.calls import Call
from ownertag.sandbox.records.operations import Operation

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
#: Headers that a record has beside the address (seen).
_HEADERS = ("x-amz-acl", "x-amz-bucket-object-lock-enabled", "x-amz-object-ownership")


def request_parameters(call: Call, operation: Operation) -> dict[str, Any]:
    """`requestParameters` of a call for a bucket (seen: CreateBucket, PutBucketTagging)."""
    found: dict[str, Any] = {}
    if call.body:
        root = _parsed(call.body)
        if root is not None:
            content = _content(root)
            found[_name(root)] = {"xmlns": _NAMESPACE, **content} if isinstance(content, dict) else content
    address = operation.address
    if address:
        found |= {name: ",".join(values) for name, values in address.query.items()}
        found["bucketName"] = address.labels.get("Bucket", "")
    found["Host"] = f"s3.{call.region}.amazonaws.com"
    for header in _HEADERS:
        value = call.environ.get(f"HTTP_{header.upper().replace('-', '_')}")
        if value is not None:
            found[header] = value
    return found


def _parsed(body: bytes) -> ET.Element | None:
    try:
        return ET.fromstring(body)  # noqa: S314 - what a client of ours sent
    except ET.ParseError:
        return None


def _content(node: ET.Element) -> Any:
    """An element as an object; several of one name are a list, and one is not."""
    if not len(node):
        return node.text or ""
    found: dict[str, Any] = {}
    for child in node:
        name, value = _name(child), _content(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _name(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]
