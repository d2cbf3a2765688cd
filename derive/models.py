"""The SDK's service models, of the botocore that is installed."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import OperationModel, ServiceModel

_NAMES = tomllib.loads((Path(__file__).parent / "clients.toml").read_text("utf-8"))


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


def clients() -> list[str]:
    """The names of all clients of the SDK, sorted."""
    return sorted(_session().get_available_services())


@cache
def model(client: str) -> ServiceModel:
    """A client's model."""
    return _session().get_service_model(client)


@cache
def operation(client: str, name: str) -> OperationModel:
    """A client's operation."""
    return model(client).operation_model(name)


def signing_name(client: str) -> str:
    """The name by which a client signs; without one, the prefix of its endpoint (SDK: `signingName`)."""
    metadata = model(client).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])


def service(client: str) -> str:
    """The prefix of a client's IAM actions."""
    return str(_NAMES["services"].get(client) or signing_name(client))


def event_source(client: str) -> str:
    """Where a client's records come from, as CloudTrail writes it."""
    return f"{_NAMES['sources'].get(client) or signing_name(client).lower()}.amazonaws.com"


def event_name(client: str, name: str) -> str:
    """The name of an operation's records: its own, with the date of its URI where the client's old ones bear it."""
    until = _NAMES["dated"].get(client)
    date = re.match(r"/(\d{4})-(\d{2})-(\d{2})/", operation(client, name).http.get("requestUri", ""))
    return name + "".join(date.groups()) if until and date and int(date[1]) <= until else name


def renamed(client: str) -> dict[str, str]:
    """Members that the client's records call otherwise: from the one name to the other."""
    return dict(_NAMES["members"].get(client, {}))


def is_wrapper(client: str, shape: str) -> bool:
    """Whether the model says of a shape that its members stand in its place; botocore's own model leaves that out."""
    return bool(raw_shapes(client)[shape].get("wrapper"))


def raw_shapes(client: str) -> dict[str, Any]:
    """A client's shapes as its file has them, by name."""
    return dict(_session().get_component("data_loader").load_service_model(client, "service-2")["shapes"])


@cache
def region(client: str) -> str:
    """us-east-1 where all records of a client come from there, for it has one endpoint alone; else empty."""
    [partition] = [one for one in _endpoints()["partitions"] if one["partition"] == "aws"]
    service = partition["services"].get(model(client).metadata["endpointPrefix"], {})
    endpoint = service.get("endpoints", {}).get(service.get("partitionEndpoint"), {})
    found = endpoint.get("credentialScope", {}).get("region", "")
    return found if service.get("isRegionalized") is False and found == "us-east-1" else ""


@cache
def _endpoints() -> Any:
    return _session().get_component("data_loader").load_data("endpoints")


def request_names(client: str, name: str) -> tuple[str, ...]:
    """The names of a request's members at the top."""
    shape = operation(client, name).input_shape
    return tuple(shape.members) if shape else ()


@cache
def _paginators(client: str) -> dict[str, Any]:
    try:
        found = _session().get_component("data_loader").load_service_model(client, "paginators-1")
    except (DataNotFoundError, UnknownServiceError):
        return {}
    return dict(found["pagination"])


def can_paginate(client: str, name: str) -> bool:
    """Whether the SDK goes through the pages of an operation by itself."""
    return name in _paginators(client)


def page_limit(client: str, name: str) -> str:
    """The member of a request that says how many items a page may have; empty where the SDK knows none."""
    return str(_paginators(client).get(name, {}).get("limit_key", ""))
