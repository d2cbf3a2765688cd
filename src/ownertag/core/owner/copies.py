"""Reads what a call copies: where a service acted for nobody that is known, a copy is its source's owner's.

A row is the event, the path to the source in the request, and the source's kind. A source in another Region stands
beside its Region. Names of members: the API models of EC2 and RDS in botocore, and EC2's records (seen: CreateSnapshot,
CreateVolume, CopySnapshot, RegisterImage).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ownertag.core.arn import is_arn, partition_of
from ownertag.core.owner.parents import Parent, parent, parent_of_arn
from ownertag.core.parameters import parameters_of
from ownertag.core.paths import values_at
from ownertag.core.records import REGION, Record


class CopySource(Struct, frozen=True):
    """Where a request names what it copies, and of which kind that is.

    Attributes:
        path: The path to it, in the request.
        kind: Its kind.
        region: Where the request says in which Region it is.
        by_arn: Whether it is named by its ARN alone: a name there is that of something else.
    """

    path: str
    kind: str
    region: str = ""
    by_arn: bool = False


_EC2, _RDS = "ec2.amazonaws.com", "rds.amazonaws.com"
# Flat, in a wrapped request, and as the API model names it.
_SNAPSHOTS_OF_IMAGE = tuple(
    CopySource(f"{mappings}.[].ebs.snapshotId", "snapshot")
    for mappings in ("blockDeviceMapping.items", "blockDeviceMapping", "blockDeviceMappings")
)
_DB, _CLUSTER = "db-snapshot", "db-cluster-snapshot"

SOURCES: Mapping[tuple[str, str], tuple[CopySource, ...]] = {
    (_EC2, "CreateSnapshot"): (CopySource("volumeId", "volume"),),
    (_EC2, "CreateSnapshots"): (
        CopySource("instanceSpecification.instanceId", "instance"),
        CopySource("InstanceSpecification.InstanceId", "instance"),
    ),
    (_EC2, "CopySnapshot"): (CopySource("sourceSnapshotId", "snapshot", "sourceRegion"),),
    (_EC2, "CreateVolume"): (CopySource("snapshotId", "snapshot"), CopySource("sourceVolumeId", "volume")),
    (_EC2, "CopyVolumes"): (CopySource("sourceVolumeId", "volume"),),
    (_EC2, "CreateImage"): (CopySource("instanceId", "instance"),),
    (_EC2, "CopyImage"): (CopySource("sourceImageId", "image", "sourceRegion"),),
    (_EC2, "RegisterImage"): _SNAPSHOTS_OF_IMAGE,
    (_RDS, "CreateDBSnapshot"): (CopySource("dBInstanceIdentifier", "db-instance"),),
    (_RDS, "CreateDBClusterSnapshot"): (CopySource("dBClusterIdentifier", "db-cluster"),),
    (_RDS, "CopyDBSnapshot"): (CopySource("sourceDBSnapshotIdentifier", _DB),),
    (_RDS, "CopyDBClusterSnapshot"): (CopySource("sourceDBClusterSnapshotIdentifier", _CLUSTER),),
    (_RDS, "CreateDBInstanceReadReplica"): (
        CopySource("sourceDBInstanceIdentifier", "db-instance"),
        CopySource("sourceDBClusterIdentifier", "db-cluster"),
    ),
    (_RDS, "CreateDBCluster"): (
        CopySource("replicationSourceIdentifier", "db-cluster", by_arn=True),
        CopySource("replicationSourceIdentifier", "db-instance", by_arn=True),
    ),
    (_RDS, "RestoreDBInstanceFromDBSnapshot"): (
        CopySource("dBSnapshotIdentifier", _DB),
        CopySource("dBClusterSnapshotIdentifier", _CLUSTER),
    ),
    (_RDS, "RestoreDBInstanceToPointInTime"): (CopySource("sourceDBInstanceIdentifier", "db-instance"),),
    (_RDS, "RestoreDBClusterFromSnapshot"): (
        CopySource("snapshotIdentifier", _CLUSTER),
        CopySource("snapshotIdentifier", _DB, by_arn=True),
    ),
    (_RDS, "RestoreDBClusterToPointInTime"): (CopySource("sourceDBClusterIdentifier", "db-cluster"),),
}


def copied_from(record: Record) -> tuple[Parent, ...]:
    """What this record's call copied, in the record's account; a source of another account is not known to us."""
    rows = SOURCES.get((record.event_source, record.event_name))
    if not rows:
        return ()
    request = parameters_of(record)["request"] or {}
    return tuple(dict.fromkeys(found for row in rows for found in _found(row, request, record)))


def _found(row: CopySource, request: dict[str, Any], record: Record) -> Iterator[Parent]:
    elsewhere = [value for value in values_at(request, (row.region,)) if isinstance(value, str)] if row.region else []
    region = next((value for value in elsewhere if REGION.fullmatch(value)), record.region)
    if partition_of(region) != partition_of(record.region):
        return
    for value in values_at(request, tuple(row.path.split("."))):
        if not isinstance(value, str) or len(value) > 2048:
            continue
        id_ = value.lower() if record.event_source == _RDS else value  # RDS keeps them in small letters (API reference)
        found = parent_of_arn(id_) if is_arn(id_) else None
        if not row.by_arn:
            found = found or parent(row.kind, id_, partition_of(region), region, record.account)
        if found and found.kind.name == row.kind and found.account == record.account:
            yield found
