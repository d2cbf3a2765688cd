"""An HTTP request to the sandbox as a call of AWS, and its answer."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_SCOPE = re.compile(r"Credential=([A-Za-z0-9]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_FORM = "application/x-www-form-urlencoded"
_NAMESPACE = re.compile(rb' xmlns="[^"]*"')
#: Stands where the id of the request will be.
NO_ID = "00000000-0000-0000-0000-000000000000"
_REQUEST_ID = re.compile(rb"(<[rR]equestI[dD]>)[^<]*(?=<)")


@dataclass(frozen=True)
class Call:
    """One call: who signed it, for which service and Region, the operation and its parameters.

    `params` is what a query service was sent (EC2, STS, IAM); `body` what a JSON service was.
    """

    environ: dict[str, Any]
    service: str
    region: str
    operation: str
    params: dict[str, str]
    body: bytes
    access_key: str | None

    def with_params(self, params: dict[str, str]) -> Call:
        """The same call with other parameters."""
        return replace(self, params=params, body=urlencode(params).encode())

    def environ_for(self, account: str) -> dict[str, Any]:
        """The request as moto is given it, acting in this account."""
        return {
            **self.environ,
            "HTTP_X_MOTO_ACCOUNT_ID": account,
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.input": io.BytesIO(self.body),
        }

    def json(self) -> dict[str, Any]:
        """The parameters of a JSON service."""
        found = json.loads(self.body or b"{}")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def failed(self) -> bool:
        """Whether the call was refused."""
        return self.status >= 400

    def xml(self) -> ET.Element:
        """The answer of a query service as XML, without the namespace that would stand before every name.

        Raises:
            ET.ParseError: It is no XML.
        """
        return ET.fromstring(_NAMESPACE.sub(b"", self.body))  # noqa: S314 - our own or moto's answer

    def with_request_id(self, request_id: str) -> Response:
        """The same answer under an id of its own; moto gives all of them the same."""
        headers = [(name, value) for name, value in self.headers if name.lower() != "x-amzn-requestid"]
        body = _REQUEST_ID.sub(rb"\g<1>" + request_id.encode(), self.body)
        return Response(self.status, [*headers, ("x-amzn-RequestId", request_id)], body)


#: Passes a call on to moto.
Next = Callable[[Call], Response]


def read_call(environ: dict[str, Any]) -> Call:
    """The call that a request makes; an unsigned one has no access key."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = scope.groups() if scope else (None, "us-east-1", "sts")
    params: dict[str, str] = {}
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        params = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    operation = params.get("Action") or target.rpartition(".")[2]
    return Call(environ, service, region, operation, params, body, access_key)


def refuse(call: Call, code: str, message: str, status: int = 403) -> Response:
    """An error in the form of the call's service."""
    request_id, text = str(uuid4()), escape(message)
    if call.service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
        kind = "text/xml"
    elif call.params:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        kind = "text/xml"
    else:
        body, kind = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    return Response(status, [("Content-Type", kind), ("x-amzn-RequestId", request_id)], body.encode())


def answer_json(content: dict[str, Any]) -> Response:
    """The answer of a JSON service."""
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", str(uuid4()))]
    return Response(200, headers, json.dumps(content).encode())


def answer_xml(operation: str, namespace: str, *content: ET.Element, result: bool = True) -> Response:
    """The answer of a query service; EC2 puts no result around its content."""
    root = ET.Element(f"{operation}Response", xmlns=namespace)
    (ET.SubElement(root, f"{operation}Result") if result else root).extend(content)
    if result:
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = NO_ID
    else:
        ET.SubElement(root, "requestId").text = NO_ID
    return Response(200, [("Content-Type", "text/xml")], ET.tostring(root))


def element(name: str, content: Any) -> ET.Element:
    """An element of text, of named parts, or of the members of a list."""
    made = ET.Element(name)
    if isinstance(content, dict):
        made.extend(element(key, value) for key, value in content.items() if value is not None)
    elif isinstance(content, list):
        made.extend(element("member", member) for member in content)
    else:
        made.text = str(content).lower() if isinstance(content, bool) else str(content)
    return made
