"""The cut models of services that are tagged and listed: botocore's own requests, and what leads to them."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from ownertag.catalogue.lists import shipped_lists
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import TagApi
from ownertag.core.tag_parameters import reading, removing, writing
from ownertag.core.values import Resource, Write
from ownertag.rollout.package.models import cut_models, cut_service
from ownertag.sources.inventory.calls import ListCall, calls_of

APIS = load_catalogue().tag_apis
LISTS = calls_of(load_catalogue(), shipped_lists())
DATA = Path(botocore.__file__).parent / "data"
RESOURCE = Resource("arn:aws:any:eu-central-1:111111111111:thing/a-name", "thing/a-name", "any:thing")
WRITE = Write("111111111111", "eu-central-1", "", (("owner", "é &=+"), ("WhatIsThis", "made by a test")), (RESOURCE,))
_LOADER = Loader()


def request(model: dict[str, Any], operation: str, parameters: dict[str, Any]) -> Any:
    """The request as it is sent, by a model."""
    service = ServiceModel(model, "x")
    serializer = create_serializer(service.protocol, include_validation=False)
    return serializer.serialize_to_request(parameters, service.operation_model(operation))


@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
def test_the_requests_are_the_same(api: TagApi) -> None:
    full = _LOADER.load_service_model(api.client, "service-2")
    others = {call.operation for call in (api.read, api.remove) if call}
    cut = cut_service(full, frozenset({api.operation, *others}))
    parameters = writing(api, WRITE)
    sent = request(full, api.operation, parameters)
    assert request(cut, api.operation, parameters) == sent
    assert sent["body"] or sent["query_string"]
    if api.read:
        asked = reading(api.read, [RESOURCE], WRITE.account, WRITE.region)
        assert request(cut, api.read.operation, asked) == request(full, api.read.operation, asked)
    if api.remove:
        removal = removing(api, api.remove, WRITE)
        assert request(cut, api.remove.operation, removal) == request(full, api.remove.operation, removal)


@pytest.mark.parametrize("call", LISTS, ids=lambda call: f"{call.client}.{call.operation} {call.types[0]}")
def test_the_requests_of_lists_are_the_same(call: ListCall) -> None:
    full = _LOADER.load_service_model(call.client, "service-2")
    detail = call.entry.detail
    cut = cut_service(full, frozenset({call.operation, *([detail.operation] if detail else ())}))
    for parameters, _ in call.parameters(WRITE.account, WRITE.region, [RESOURCE]):
        assert request(cut, call.operation, parameters) == request(full, call.operation, parameters)
    if detail:
        parameters = {detail.parameter: "a", **detail.parameters}
        assert request(cut, detail.operation, parameters) == request(full, detail.operation, parameters)


def test_what_leads_to_the_endpoint_stays(tmp_path: Path) -> None:
    """Timestream is asked for the endpoint first; in the list of endpoints a load balancer has another name."""
    for name in ("elb", "timestream-write"):
        shutil.copytree(DATA / name, tmp_path / name)
    shutil.copy(DATA / "endpoints.json", tmp_path)
    cut_models(tmp_path, {"elb": frozenset({"AddTags"}), "timestream-write": frozenset({"TagResource"})})
    [path] = (tmp_path / "timestream-write").glob("*/service-2.json*")
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert set(json.loads(text)["operations"]) == {"DescribeEndpoints", "TagResource"}
    partitions = json.loads((tmp_path / "endpoints.json").read_text("utf-8"))["partitions"]
    [partition] = [partition for partition in partitions if partition["partition"] == "aws"]
    assert "eu-central-1" in partition["services"]["elasticloadbalancing"]["endpoints"]
    assert "ec2" not in partition["services"]
