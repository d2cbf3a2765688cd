"""The SDK's service models, of the botocore that is installed."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import botocore.session
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
