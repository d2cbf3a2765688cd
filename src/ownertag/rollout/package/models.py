"""Cuts botocore's models to the calls that the function makes.

A client's first use reads its service's whole model: EC2's, with more than 700 operations, takes half of the time that
the function needs to start. Cut to a dozen operations and the shapes that they reach, it is read in a few milliseconds,
and the requests are the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from ownertag.catalogue.lists import shipped_lists
from ownertag.core.catalogue_types import ACTIONS, CLIENTS, Catalogue

#: What the function calls at the hub; what it looks up in the accounts is `catalogue_types.ACTIONS`.
HUB_CALLS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset({"BatchGetItem", "Query", "TransactWriteItems", "UpdateItem"}),
    "events": frozenset({"PutEvents"}),
    "lambda": frozenset({"Invoke"}),
    "organizations": frozenset(
        {
            "DescribeAccount",
            "ListAccounts",
            "ListAccountsForParent",
            "ListOrganizationalUnitsForParent",
            "ListParents",
            "ListTagsForResource",
        }
    ),
    "sns": frozenset({"Publish"}),
    "sqs": frozenset({"ChangeMessageVisibilityBatch", "GetQueueAttributes", "SendMessage"}),
    "sts": frozenset({"AssumeRole"}),
}
#: What it reads in the accounts to reconcile, beside the lists of `catalogue.lists`.
AUDIT_CALLS: Mapping[str, frozenset[str]] = {"ec2": frozenset({"DescribeRegions"})}
#: The files of a service that a client reads. Waiters and examples are not used.
_FILES = ("service-2", "paginators-1", "endpoint-rule-set-1")
_DOCUMENTATION = ("documentation", "documentationUrl")


class ModelError(Exception):
    """Botocore's models are not as they should be; the text says which."""


def calls_of(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """The operations that the functions call, by service: the hub's, those of look-ups, and those of the catalogue.

    One package serves both functions, that which works off the queue and that which reconciles.
    """
    calls = {service: set(operations) for service, operations in (*HUB_CALLS.items(), *AUDIT_CALLS.items())}
    for action in chain.from_iterable(ACTIONS.values()):
        service, _, operation = action.partition(":")
        calls.setdefault(CLIENTS.get(service, service), set()).add(operation)
    for api in catalogue.tag_apis.values():
        calls.setdefault(api.client, set()).add(api.operation)
        calls[api.client].update(call.operation for call in (api.read, api.remove) if call)
    for type_ in catalogue.types.values():
        if type_.lookup:
            calls["ec2"].add(type_.lookup.operation)  # `sources.ec2.Ec2.present` makes it
    for name, entry in shipped_lists().items():  # reconciling lists what is there: `sources.inventory`
        if name in catalogue.types and not entry.none:
            called = calls.setdefault(entry.client, set())
            called.update(call.operation for call in (entry, entry.detail) if call)
    return {service: frozenset(operations) for service, operations in calls.items()}


def cut_models(data: Path, calls: Mapping[str, frozenset[str]]) -> None:
    """Cuts a `botocore/data` folder to what these calls need.

    Raises:
        ModelError: A service or an operation is not there.
    """
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    kept = {service: _service(loader, service, operations) for service, operations in calls.items()}
    for folder in [path for path in data.iterdir() if path.is_dir()]:
        shutil.rmtree(folder)
    for service, (version, files) in kept.items():
        folder = data / service / version
        folder.mkdir(parents=True)
        for name, content in files.items():
            _write(folder / f"{name}.json", content)
    endpoints = json.loads((data / "endpoints.json").read_text("utf-8"))
    # There a service has the name of its host, such as elasticloadbalancing for elb.
    hosts = {files["service-2"]["metadata"]["endpointPrefix"] for _, files in kept.values()} | calls.keys()
    for partition in endpoints["partitions"]:
        partition["services"] = {name: endpoints for name, endpoints in partition["services"].items() if name in hosts}
    _write(data / "endpoints.json", endpoints)


def _service(loader: Loader, service: str, operations: frozenset[str]) -> tuple[str, dict[str, Any]]:
    """The newest version of a service's model, and its files by name."""
    try:
        version = loader.determine_latest_version(service, "service-2")
        # With the additions that botocore keeps in separate files.
        files: dict[str, Any] = {name: loader.load_service_model(service, name, version) for name in _FILES}
    except DataNotFoundError as error:
        raise ModelError(f"botocore has no model of {service}: {error}") from error
    operations = _with_discovery(files["service-2"], operations)
    files["service-2"] = cut_service(files["service-2"], operations)
    pages = files["paginators-1"]["pagination"]
    files["paginators-1"] = {"pagination": {name: pages[name] for name in pages if name in operations}}
    return version, files


def _with_discovery(model: Mapping[str, Any], operations: frozenset[str]) -> frozenset[str]:
    """The operations, and the one by which the SDK asks for their endpoint where they need that (Timestream)."""
    of_model = model["operations"]
    if not any(of_model.get(name, {}).get("endpointdiscovery", {}).get("required") for name in operations):
        return operations
    return operations | {name for name, operation in of_model.items() if operation.get("endpointoperation")}


def cut_service(model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """A service's model with these operations only, the shapes that they reach, and no documentation.

    The order of what is left stays: it is the order in which parameters are sent.

    Raises:
        ModelError: An operation is not there.
    """
    if unknown := sorted(operations - set(model["operations"])):
        name = model["metadata"]["serviceId"]
        raise ModelError(f"botocore's model of {name} has no operation {', '.join(unknown)}")
    reached: set[str] = set()
    waiting = [shape for name in operations for shape in _reached_by_operation(model["operations"][name])]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [ref["shape"] for ref in _references(model["shapes"][name])]
    return {
        **_without_documentation(model),
        "operations": {
            name: _cut_operation(operation) for name, operation in model["operations"].items() if name in operations
        },
        "shapes": {name: _cut_shape(shape) for name, shape in model["shapes"].items() if name in reached},
    }


def _reached_by_operation(operation: Mapping[str, Any]) -> Iterator[str]:
    for ref in (operation.get("input"), operation.get("output"), *operation.get("errors", ())):
        if ref:
            yield ref["shape"]


def _references(shape: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from shape.get("members", {}).values()
    for key in ("member", "key", "value"):
        if key in shape:
            yield shape[key]


def _cut_operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    cut = _without_documentation(operation)
    for key in ("input", "output"):
        if key in cut:
            cut[key] = _without_documentation(cut[key])
    if "errors" in cut:
        cut["errors"] = [_without_documentation(ref) for ref in cut["errors"]]
    return cut


def _cut_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    cut = _without_documentation(shape)
    if "members" in cut:  # a member may be called documentation: only what describes one goes
        cut["members"] = {name: _without_documentation(ref) for name, ref in cut["members"].items()}
    for key in ("member", "key", "value"):
        if key in cut:
            cut[key] = _without_documentation(cut[key])
    return cut


def _without_documentation(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in _DOCUMENTATION}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")), "utf-8")
