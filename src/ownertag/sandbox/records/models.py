"""Botocore's models of the services, found by the name that a call is signed for."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from ownertag.sandbox.organization import model_loader
from ownertag.sandbox.records.documented import documented


def clients(signing_name: str) -> tuple[str, ...]:
    """The models of a signing name, the likelier first; several where one name is several APIs'."""
    return tuple(documented("clients").get(signing_name, [signing_name]))


@cache
def service_model(client: str) -> ServiceModel | None:
    """The model of a client; None where botocore has none of that name."""
    try:
        return ServiceModel(_description(client), client)
    except UnknownServiceError:
        return None


def operation_model(client: str, operation: str) -> OperationModel | None:
    """The model of an operation, if there is one."""
    model = service_model(client)
    return model.operation_model(operation) if model and operation in model.operation_names else None


def is_wrapper(client: str, shape: Shape) -> bool:
    """Whether the model says that a structure stands around the answer: records leave it out (seen)."""
    return bool(_description(client)["shapes"][shape.name].get("wrapper"))


@cache
def _description(client: str) -> dict[str, Any]:
    # A client of S3 takes the bucket out of the addresses in the model that its session has read.
    loader = Loader() if client == "s3" else model_loader()
    found: dict[str, Any] = loader.load_service_model(client, "service-2")
    return found
