"""Which operation a call of any protocol is, and whether CloudTrail records it as a management event that writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from botocore.model import OperationModel

from ownertag.sandbox.calls import Call
from ownertag.sandbox.records import routes
from ownertag.sandbox.records.documented import documented
from ownertag.sandbox.records.models import clients, operation_model, service_model
from ownertag.sandbox.records.routes import Address

_RPC = re.compile(r"/service/[^/]+/operation/([^/?]+)")
_CBOR = "smithy-rpc-v2-cbor"


@dataclass(frozen=True)
class Operation:
    """An operation, and how it was called.

    Attributes:
        client: Of the SDK.
        name: As the API has it.
        protocol: Of the request, which need not be the one that botocore prefers.
        address: What the address says, of a REST service.
    """

    client: str
    name: str
    protocol: str
    address: Address | None = None

    @cached_property
    def model(self) -> OperationModel:
        """Botocore's description."""
        found = operation_model(self.client, self.name)
        if found is None:
            raise LookupError(f"{self.client} has no operation {self.name}")
        return found


def operation(call: Call) -> Operation | None:
    """The operation of a call that writes; None of one that reads, that is a data event, or that nobody knows."""
    environ = call.environ
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        found = _RPC.search(environ.get("PATH_INFO", ""))
        return _named(call, found[1], _CBOR) if found else None
    if "HTTP_X_AMZ_TARGET" in environ:
        return _named(call, call.operation, "json")
    if call.operation:
        return _named(call, call.operation, "ec2" if call.service == "ec2" else "query")
    return _by_address(call)


def _named(call: Call, name: str, protocol: str) -> Operation | None:
    if not is_recorded(call.service, name):
        return None
    having = [client for client in clients(call.service) if operation_model(client, name)]
    if len(having) > 1:  # one name of several APIs, whose versions tell them apart, or which are the same to the letter
        version = call.params.get("Version")
        having.sort(key=lambda client: getattr(service_model(client), "api_version", None) != version)
    return Operation(having[0], name, protocol) if having else None


def _by_address(call: Call) -> Operation | None:
    method = call.environ.get("REQUEST_METHOD", "GET")
    if method in {"GET", "HEAD", "OPTIONS"}:  # they read; so no model is loaded for them
        return None
    target = call.environ.get("RAW_URI") or call.environ.get("PATH_INFO", "")
    for client in clients(call.service):
        protocol = _rest_protocol(client)
        found = routes.find(client, method, target) if protocol else None
        if found:
            name, address = found
            is_object = client == "s3" and "Key" in address.labels
            known = is_recorded(call.service, name) and not is_object
            return Operation(client, name, protocol, address) if known else None
    return None


def _rest_protocol(client: str) -> str:
    model = service_model(client)
    known = (model.metadata.get("protocols") or [model.metadata["protocol"]]) if model else []
    return next((name for name in known if name.startswith("rest")), "")


def is_recorded(service: str, name: str) -> bool:
    """Whether CloudTrail has a management event that writes for an operation of a signing name."""
    if only := documented("recorded").get(service):
        return name in only
    reads = name.startswith(tuple(documented("reads")["prefixes"]))
    return not reads and name not in documented("data_events").get(service, ())
