"""The kinds of resources that stand behind machines: how each is named, and which calls make it.

An ARN here is the one that the record of a child lets us build; what the child does not tell is `*` (the id of an Auto
Scaling group or node group, the application of a Beanstalk environment). `basis` is how sure it is that the events look
like this: seen (in a real record), doc (AWS's documentation or API model) or memory (unconfirmed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from msgspec import Struct

_EC2 = "arn:{partition}:ec2:{region}:{account}:"
_RDS = "arn:{partition}:rds:{region}:{account}:"
_DB_NAME = r"[A-Za-z][A-Za-z0-9-]{0,254}"
_WORD = r"[A-Za-z0-9_-]{1,255}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ParentKind(Struct, frozen=True):
    """One kind: its ARN with `{id}`, the form of the id, the events (source, names) that make and that delete one."""

    name: str
    arn: str
    id: str
    source: str = ""
    made_by: tuple[str, ...] = ()
    deleted_by: tuple[str, ...] = ()
    basis: str = "memory"


class Parent(Struct, frozen=True):
    """A resource of a kind, taken from its ARN."""

    arn: str
    kind: ParentKind
    region: str
    account: str
    id: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names that its record holds where it does not hold the ARN: a node group's cluster and its own."""
        parts = [part for part in self.id.removesuffix(":*").split("/") if part != "*"]
        return (parts[0],) if self.kind.name == "stack" else tuple(parts)

    @property
    def name(self) -> str:
        """What CloudTrail lists it by (`resources[].resourceName`): its own name or id."""
        return self.parts[-1]


_KINDS = (
    ParentKind(
        "auto-scaling-group",
        "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{id}",
        r"[\x20-\x29\x2b-\x39\x3b-\x7e]{1,255}",
        "autoscaling.amazonaws.com",
        ("CreateAutoScalingGroup",),
        ("DeleteAutoScalingGroup",),
        "seen",
    ),
    ParentKind(
        "fleet", _EC2 + "fleet/{id}", r"fleet-[0-9a-f-]{8,40}", "ec2.amazonaws.com", ("CreateFleet",), (), "seen"
    ),
    ParentKind(
        "spot-fleet",
        _EC2 + "spot-fleet-request/{id}",
        r"sfr-[0-9a-f-]{8,40}",
        "ec2.amazonaws.com",
        ("RequestSpotFleet",),
    ),
    ParentKind(
        "spot-request",
        _EC2 + "spot-instances-request/{id}",
        r"sir-[0-9a-z]{8,20}",
        "ec2.amazonaws.com",
        ("RequestSpotInstances",),
    ),
    ParentKind(
        "launch-template",
        _EC2 + "launch-template/{id}",
        r"lt-[0-9a-f]{8,17}",
        "ec2.amazonaws.com",
        ("CreateLaunchTemplate",),
        (),
        "doc",
    ),
    ParentKind(
        "instance", _EC2 + "instance/{id}", r"i-[0-9a-f]{8,17}", "ec2.amazonaws.com", ("RunInstances",), (), "seen"
    ),
    ParentKind(
        "function",
        "arn:{partition}:lambda:{region}:{account}:function:{id}",
        r"[A-Za-z0-9_-]{1,140}",
        "lambda.amazonaws.com",
        ("CreateFunction20150331",),
        ("DeleteFunction20150331",),
        "seen",
    ),
    ParentKind(
        "stack",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{id}",
        rf"[A-Za-z][A-Za-z0-9-]{{0,127}}/{_UUID}",
        "cloudformation.amazonaws.com",
        ("CreateStack", "ExecuteChangeSet", "UpdateStack"),
        ("DeleteStack",),
        "seen",
    ),
    ParentKind(
        "stack-set",
        "arn:{partition}:cloudformation:{region}:{account}:stackset/{id}",
        r"[A-Za-z][A-Za-z0-9-]{0,127}:\*",
        "cloudformation.amazonaws.com",
        ("CreateStackSet",),
        ("DeleteStackSet",),
    ),
    ParentKind(
        "eks-cluster",
        "arn:{partition}:eks:{region}:{account}:cluster/{id}",
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
        "eks.amazonaws.com",
        ("CreateCluster",),
        ("DeleteCluster",),
        "seen",
    ),
    ParentKind(
        "eks-node-group",
        "arn:{partition}:eks:{region}:{account}:nodegroup/{id}",
        rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}/{_WORD}/\*",
        "eks.amazonaws.com",
        ("CreateNodegroup",),
        ("DeleteNodegroup",),
        "seen",
    ),
    ParentKind(
        "emr-cluster",
        "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/{id}",
        r"j-[A-Z0-9]{8,20}",
        "elasticmapreduce.amazonaws.com",
        ("RunJobFlow",),
    ),
    ParentKind(
        "batch-environment",
        "arn:{partition}:batch:{region}:{account}:compute-environment/{id}",
        r"[A-Za-z0-9_-]{1,128}",
        "batch.amazonaws.com",
        ("CreateComputeEnvironment",),
        ("DeleteComputeEnvironment",),
    ),
    ParentKind(
        "beanstalk-environment",
        "arn:{partition}:elasticbeanstalk:{region}:{account}:environment/{id}",
        r"\*/[A-Za-z0-9-]{4,40}",
        "elasticbeanstalk.amazonaws.com",
        ("CreateEnvironment",),
        ("TerminateEnvironment",),
    ),
    ParentKind(
        "codebuild-project",
        "arn:{partition}:codebuild:{region}:{account}:project/{id}",
        r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}",
        "codebuild.amazonaws.com",
        ("CreateProject",),
        ("DeleteProject",),
    ),
    ParentKind(
        "codebuild-build", "arn:{partition}:codebuild:{region}:{account}:build/{id}", rf"(?:\*|{_WORD}):{_UUID}"
    ),
    ParentKind(
        "ecs-service",
        "arn:{partition}:ecs:{region}:{account}:service/{id}",
        rf"{_WORD}/{_WORD}",
        "ecs.amazonaws.com",
        ("CreateService",),
        ("DeleteService",),
    ),
    ParentKind(
        "ecs-task",
        "arn:{partition}:ecs:{region}:{account}:task/{id}",
        rf"(?:\*|{_WORD})/[0-9a-f]{{32}}",
        "ecs.amazonaws.com",
        ("RunTask",),
    ),
    # Sources of copies. Who made one is the ledger's to say, or its own tag: many are born with others, and their
    # records name them in answers only.
    ParentKind("volume", _EC2 + "volume/{id}", r"vol-[0-9a-f]{8,17}", basis="seen"),
    ParentKind("snapshot", _EC2 + "snapshot/{id}", r"snap-[0-9a-f]{8,17}", basis="seen"),
    ParentKind("image", _EC2 + "image/{id}", r"ami-[0-9a-f]{8,17}", basis="seen"),
    ParentKind("db-instance", _RDS + "db:{id}", _DB_NAME, basis="doc"),
    ParentKind("db-cluster", _RDS + "cluster:{id}", _DB_NAME, basis="doc"),
    ParentKind("db-snapshot", _RDS + "snapshot:{id}", r"(?:rds:|awsbackup:)?" + _DB_NAME, basis="doc"),
    ParentKind("db-cluster-snapshot", _RDS + "cluster-snapshot:{id}", r"(?:rds:|awsbackup:)?" + _DB_NAME, basis="doc"),
)

#: Every kind by its name, which is also the evidence of an owner that is found through one.
KINDS: Mapping[str, ParentKind] = {kind.name: kind for kind in _KINDS}

_ACCOUNT = r"(?P<account>[0-9]{12})"
_REGION = r"(?P<region>[a-z0-9-]{5,30})"


@cache  # when it is first asked for: the function's start does not wait for all these patterns
def _pattern(kind: ParentKind) -> re.Pattern[str]:
    text = re.escape(kind.arn)
    for name, form in (
        ("partition", r"(?P<partition>aws[a-z-]*)"),
        ("region", _REGION),
        ("account", _ACCOUNT),
        ("id", f"(?P<id>{kind.id})"),
    ):
        text = text.replace(re.escape("{" + name + "}"), form)
    return re.compile(text, re.ASCII)


def parent(name: str, id_: str, partition: str, region: str, account: str) -> Parent | None:
    """The resource of this kind with this id; None where the id is not of its form."""
    kind = KINDS[name]
    if not re.fullmatch(kind.id, id_, re.ASCII):
        return None
    arn = kind.arn.format(partition=partition, region=region, account=account, id=id_)
    return Parent(arn, kind, region, account, id_)


def parent_of_arn(arn: str) -> Parent | None:
    """The resource that an ARN names, if it is of a kind that stands behind machines."""
    service = (arn.split(":", 3) + [""] * 3)[2] if len(arn) <= 2048 else ""
    for kind in _KINDS:
        if kind.arn.split(":", 3)[2] == service and (found := _pattern(kind).fullmatch(arn)):
            return Parent(arn, kind, found["region"], found["account"], found["id"])
    return None
