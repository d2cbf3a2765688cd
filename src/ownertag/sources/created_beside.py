"""Reads in EC2's answers what was made beside an image, a VPC or a NAT gateway, and when volumes and snapshots were.

Sources: EC2's API reference. Snapshots of an image stand in its block device mapping (DescribeImages); a pending image
may not show them all yet. The default security group and network ACL of a VPC stay its own for as long as it lives, and
nobody can make or delete one; its main route table is the one that was born with it until another is made the main one
(ReplaceRouteTableAssociation). A NAT gateway's interfaces stand among its addresses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.values import Fact, Found, Part


class DescribeCall(Struct, frozen=True):
    """A describe call that finds many resources by a filter with their ids; `more` are other filters.

    `page` is its largest page. `literal`: a `*` in a value is no wildcard.
    """

    operation: str
    filter: str
    more: tuple[tuple[str, str], ...] = ()
    page: int = 1000
    literal: bool = True


#: The calls that answer a kind of question.
DESCRIBE_CALLS: Mapping[QuestionKind, tuple[DescribeCall, ...]] = {
    QuestionKind.SNAPSHOTS_OF_IMAGE: (DescribeCall("describe_images", "image-id"),),
    QuestionKind.PARTS_OF_VPC: (
        DescribeCall("describe_security_groups", "vpc-id", (("group-name", "default"),)),
        DescribeCall("describe_route_tables", "vpc-id", page=100),
        DescribeCall("describe_network_acls", "vpc-id", (("default", "true"),)),
    ),
    QuestionKind.INTERFACES_OF_NAT_GATEWAY: (DescribeCall("describe_nat_gateways", "nat-gateway-id"),),
}
#: By the beginning of an id, the call that tells when it was made.
CREATION_TIME_CALLS: Mapping[str, DescribeCall] = {
    "vol-": DescribeCall("describe_volumes", "volume-id"),
    "snap-": DescribeCall("describe_snapshots", "snapshot-id"),
}


def creation_times(pages: Iterable[Any]) -> dict[str, Fact]:
    """When each volume or snapshot was made."""
    volumes = {volume["VolumeId"]: volume.get("CreateTime") for page in pages for volume in page.get("Volumes", ())}
    snapshots = {
        snapshot["SnapshotId"]: snapshot.get("StartTime") for page in pages for snapshot in page.get("Snapshots", ())
    }
    return {id_: Found(born_at=at) for id_, at in (volumes | snapshots).items()}


def parts(kind: QuestionKind, pages: Iterable[Any]) -> dict[str, Fact]:
    """What was made beside each, by its id."""
    read = {
        QuestionKind.SNAPSHOTS_OF_IMAGE: _of_images,
        QuestionKind.PARTS_OF_VPC: _of_vpcs,
        QuestionKind.INTERFACES_OF_NAT_GATEWAY: _of_gateways,
    }[kind]
    return read(list(pages))


def _of_images(pages: list[Any]) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for image in (image for page in pages for image in page["Images"]):
        ids = [device.get("Ebs", {}).get("SnapshotId") for device in image.get("BlockDeviceMappings", ())]
        shown = tuple(Part("ec2:snapshot", id_, aged=True) for id_ in ids if id_)
        found[image["ImageId"]] = Found(parts=shown, complete=image.get("State") != "pending")
    return found


def _of_vpcs(pages: list[Any]) -> dict[str, Fact]:
    born: dict[str, list[Part]] = defaultdict(list)
    tables: dict[str, list[Any]] = defaultdict(list)
    for page in pages:
        for group in page.get("SecurityGroups", ()):
            born[group["VpcId"]].append(Part("ec2:security-group", group["GroupId"]))
        for acl in page.get("NetworkAcls", ()):
            born[acl["VpcId"]].append(Part("ec2:network-acl", acl["NetworkAclId"]))
        for table in page.get("RouteTables", ()):
            tables[table["VpcId"]].append(table)
    for vpc, of_vpc in tables.items():
        main = [table for table in of_vpc if any(one.get("Main") for one in table.get("Associations", ()))]
        # The only table that there is can't have taken another's place.
        born[vpc] += [Part("ec2:route-table", table["RouteTableId"], replaceable=len(of_vpc) > 1) for table in main]
    types = len(DESCRIBE_CALLS[QuestionKind.PARTS_OF_VPC])
    return {
        vpc: Found(parts=tuple(found), complete=len({part.type for part in found}) == types)
        for vpc, found in born.items()
    }


def _of_gateways(pages: list[Any]) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for gateway in (gateway for page in pages for gateway in page["NatGateways"]):
        ids = [address.get("NetworkInterfaceId") for address in gateway.get("NatGatewayAddresses", ())]
        shown = tuple(Part("ec2:network-interface", id_) for id_ in dict.fromkeys(ids) if id_)
        found[gateway["NatGatewayId"]] = Found(parts=shown, complete=bool(shown) or gateway.get("State") != "pending")
    return found
