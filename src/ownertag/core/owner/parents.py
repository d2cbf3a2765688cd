"""Kinds of resources that create others (a group, a stack, a function): their ARNs, and the calls that create them.

An ARN here is the one that the record of a child lets us build; what the child does not tell is `*` (the id of an Auto
Scaling group or node group, the application of a Beanstalk environment). `basis` is how sure it is that the events look
like this: seen (in a real record), doc (AWS's documentation or API model) or memory (unconfirmed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from msgspec import Struct

from ownertag.core.arn import fill_template, is_arn, parse_arn, template_pattern, template_service

_EC2 = "arn:{partition}:ec2:{region}:{account}:"
_RDS = "arn:{partition}:rds:{region}:{account}:"
_DB_NAME = r"[A-Za-z][A-Za-z0-9-]{0,254}"
_WORD = r"[A-Za-z0-9_-]{1,255}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ParentCall(Struct, frozen=True):
    """A call that makes or deletes one, and where its record names it.

    `names` has for each part of the id the paths at which it can stand, the first that has something counts. `only` is
    (path, value) without which the call does neither, `without` a path that makes it a call on something smaller.
    """

    event: str
    names: tuple[tuple[str, ...], ...]
    only: tuple[str, str] | None = None
    without: str | None = None


class ParentKind(Struct, frozen=True):
    """One kind: its ARN with `{id}`, the form of the id, the calls (source, records) that make and that delete one.

    `also` is the pattern of other texts by which calls may name one, and `listed` has the texts under which CloudTrail
    can list such a call, beside its name. `within` is the ARN of what the first part of its id names, and `default`
    that part where a call leaves it out.
    """

    name: str
    arn: str
    id: str
    source: str = ""
    made_by: tuple[ParentCall, ...] = ()
    deleted_by: tuple[ParentCall, ...] = ()
    basis: str = "memory"
    also: str = ""
    listed: tuple[str, ...] = ()
    within: str = ""
    default: str = ""


class Parent(Struct, frozen=True):
    """A resource of a kind, taken from its ARN."""

    arn: str
    kind: ParentKind
    partition: str
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

    @property
    def listed_by(self) -> tuple[str, ...]:
        """All that CloudTrail may list calls on it by: whatever text they may name it by, the surest first."""
        fields = {"partition": self.partition, "region": self.region, "account": self.account}
        return (*(form.format(arn=self.arn, id=self.name, **fields) for form in self.kind.listed), self.name)

    def is_named(self, names: Sequence[str | None]) -> bool:
        """Whether a call that names these, one for each part of the id, means this one."""
        *around, own = names
        if own is None or not any(pattern.fullmatch(own) for pattern in _forms(self)):
            return False
        if not around or (is_arn(own) and not re.fullmatch(_others(self), own)):
            return True  # the ARN has all parts
        around_it = around[0] or self.kind.default
        return around_it == self.parts[0] or bool(self.kind.within and around_it == self._within())

    def _within(self) -> str:
        return fill_template(self.kind.within, self.partition, self.region, self.account, self.parts[0])


_KINDS = (
    ParentKind(
        "auto-scaling-group",
        "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{id}",
        r"[\x20-\x29\x2b-\x39\x3b-\x7e]{1,255}",
        "autoscaling.amazonaws.com",
        (ParentCall("CreateAutoScalingGroup", (("request.autoScalingGroupName",),)),),
        (ParentCall("DeleteAutoScalingGroup", (("request.autoScalingGroupName",),)),),
        "seen",
    ),
    ParentKind(
        "fleet",
        _EC2 + "fleet/{id}",
        r"fleet-[0-9a-f-]{8,40}",
        "ec2.amazonaws.com",
        (ParentCall("CreateFleet", (("response.fleetId",),)),),
        (),
        "seen",
    ),
    ParentKind(
        "spot-fleet",
        _EC2 + "spot-fleet-request/{id}",
        r"sfr-[0-9a-f-]{8,40}",
        "ec2.amazonaws.com",
        (ParentCall("RequestSpotFleet", (("response.spotFleetRequestId",),)),),
    ),
    ParentKind(
        "spot-request",
        _EC2 + "spot-instances-request/{id}",
        r"sir-[0-9a-z]{8,20}",
        "ec2.amazonaws.com",
        (ParentCall("RequestSpotInstances", (("response.spotInstanceRequestSet.items.[].spotInstanceRequestId",),)),),
    ),
    ParentKind(
        "launch-template",
        _EC2 + "launch-template/{id}",
        r"lt-[0-9a-f]{8,17}",
        "ec2.amazonaws.com",
        (ParentCall("CreateLaunchTemplate", (("response.launchTemplate.launchTemplateId",),)),),
        (),
        "doc",
    ),
    ParentKind(
        "instance",
        _EC2 + "instance/{id}",
        r"i-[0-9a-f]{8,17}",
        "ec2.amazonaws.com",
        (ParentCall("RunInstances", (("response.instancesSet.items.[].instanceId",),)),),
        (),
        "seen",
    ),
    ParentKind(
        "function",
        "arn:{partition}:lambda:{region}:{account}:function:{id}",
        r"[A-Za-z0-9_-]{1,140}",
        "lambda.amazonaws.com",
        (ParentCall("CreateFunction20150331", (("request.functionName",),)),),
        # With a qualifier, only a version of it.
        (ParentCall("DeleteFunction20150331", (("request.functionName",),), without="request.qualifier"),),
        "seen",
        also=r"(?:(?:arn:{partition}:lambda:)?{region}:)?(?:{account}:)?(?:function:)?{id}",
        listed=("{arn}", "{account}:function:{id}"),
    ),
    ParentKind(
        "stack",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{id}",
        rf"[A-Za-z][A-Za-z0-9-]{{0,127}}/{_UUID}",
        "cloudformation.amazonaws.com",
        # The answer names the stack, and no other ever has that id. A change set of the type CREATE makes the stack
        # that it is for (doc: CreateChangeSet); to update one, or to execute a change set, makes nothing.
        (
            ParentCall("CreateStack", (("response.stackId",),)),
            ParentCall("CreateChangeSet", (("response.stackId",),), only=("request.changeSetType", "CREATE")),
        ),
        (),
        "seen",
        listed=("{arn}",),
    ),
    ParentKind(
        "stack-set",
        "arn:{partition}:cloudformation:{region}:{account}:stackset/{id}",
        r"[A-Za-z][A-Za-z0-9-]{0,127}:\*",
        "cloudformation.amazonaws.com",
        (ParentCall("CreateStackSet", (("request.stackSetName",),)),),
        (ParentCall("DeleteStackSet", (("request.stackSetName",),)),),
        also=rf"{{id}}:{_UUID}",
    ),
    ParentKind(
        "eks-cluster",
        "arn:{partition}:eks:{region}:{account}:cluster/{id}",
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
        "eks.amazonaws.com",
        (ParentCall("CreateCluster", (("request.name", "request.clusterName"),)),),  # the latter until 2018 (doc)
        (ParentCall("DeleteCluster", (("request.name", "request.clusterName"),)),),
        "seen",
    ),
    ParentKind(
        "eks-node-group",
        "arn:{partition}:eks:{region}:{account}:nodegroup/{id}",
        rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}/{_WORD}/\*",
        "eks.amazonaws.com",
        (ParentCall("CreateNodegroup", (("request.clusterName",), ("request.nodegroupName",))),),
        (ParentCall("DeleteNodegroup", (("request.clusterName",), ("request.nodegroupName",))),),
        "seen",
    ),
    ParentKind(
        "emr-cluster",
        "arn:{partition}:elasticmapreduce:{region}:{account}:cluster/{id}",
        r"j-[A-Z0-9]{8,20}",
        "elasticmapreduce.amazonaws.com",
        (ParentCall("RunJobFlow", (("response.jobFlowId",),)),),
    ),
    ParentKind(
        "batch-environment",
        "arn:{partition}:batch:{region}:{account}:compute-environment/{id}",
        r"[A-Za-z0-9_-]{1,128}",
        "batch.amazonaws.com",
        (ParentCall("CreateComputeEnvironment", (("request.computeEnvironmentName",),)),),
        (ParentCall("DeleteComputeEnvironment", (("request.computeEnvironment",),)),),
        listed=("{arn}",),
    ),
    ParentKind(
        "beanstalk-environment",
        "arn:{partition}:elasticbeanstalk:{region}:{account}:environment/{id}",
        r"\*/[A-Za-z0-9-]{4,40}",
        "elasticbeanstalk.amazonaws.com",
        (ParentCall("CreateEnvironment", (("request.environmentName", "response.environmentName"),)),),
        # By its id, the answer has the name; an application of that name lists the call as well.
        (ParentCall("TerminateEnvironment", (("request.environmentName", "response.environmentName"),)),),
    ),
    ParentKind(
        "codebuild-project",
        "arn:{partition}:codebuild:{region}:{account}:project/{id}",
        r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}",
        "codebuild.amazonaws.com",
        (ParentCall("CreateProject", (("request.name", "response.project.name"),)),),  # the latter in 2016 (doc)
        (ParentCall("DeleteProject", (("request.name",),)),),
    ),
    ParentKind(
        "codebuild-build", "arn:{partition}:codebuild:{region}:{account}:build/{id}", rf"(?:\*|{_WORD}):{_UUID}"
    ),
    ParentKind(
        "ecs-service",
        "arn:{partition}:ecs:{region}:{account}:service/{id}",
        rf"{_WORD}/{_WORD}",
        "ecs.amazonaws.com",
        (ParentCall("CreateService", (("request.cluster",), ("request.serviceName",))),),
        (ParentCall("DeleteService", (("request.cluster",), ("request.service",))),),
        # Services of before 2021 have an ARN without the cluster (doc: "Migrate an Amazon ECS short service ARN").
        also=r"arn:{partition}:ecs:{region}:{account}:service/{id}",
        listed=("{arn}", "arn:{partition}:ecs:{region}:{account}:service/{id}"),
        within="arn:{partition}:ecs:{region}:{account}:cluster/{id}",
        default="default",
    ),
    ParentKind(
        "ecs-task",
        "arn:{partition}:ecs:{region}:{account}:task/{id}",
        rf"(?:\*|{_WORD})/[0-9a-f]{{32}}",
        "ecs.amazonaws.com",
        (ParentCall("RunTask", (("response.tasks.[].taskArn",),)),),
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


@lru_cache(maxsize=1024)
def _forms(parent: Parent) -> tuple[re.Pattern[str], ...]:
    """What a call may name it by: its name or id, its ARN with anything for a `*` in it, other forms of its kind."""
    forms = (re.escape(parent.name), re.escape(parent.arn).replace(r"\*", "[^:/]+"), _others(parent))
    return tuple(re.compile(form) for form in forms if form)


def _others(parent: Parent) -> str:
    """The pattern of the other texts by which a call may name it."""
    form = parent.kind.also
    fields = {"partition": parent.partition, "region": parent.region, "account": parent.account, "id": parent.name}
    for key, text in fields.items():
        form = form.replace("{" + key + "}", re.escape(text))
    return form


@cache  # when it is first asked for: the function's start does not wait for all these patterns
def _pattern(kind: ParentKind) -> re.Pattern[str]:
    return template_pattern(kind.arn, kind.id)


def parent(name: str, id_: str, partition: str, region: str, account: str) -> Parent | None:
    """The resource of this kind with this id; None where the id is not of its form."""
    kind = KINDS[name]
    if not re.fullmatch(kind.id, id_, re.ASCII):
        return None
    arn = fill_template(kind.arn, partition, region, account, id_)
    return Parent(arn, kind, partition, region, account, id_)


def parent_of_arn(arn: str) -> Parent | None:
    """The resource that an ARN names, if it is of a kind that stands behind machines."""
    parts = parse_arn(arn)
    if parts is None:
        return None
    for kind in _KINDS:
        if template_service(kind.arn) == parts.service and (found := _pattern(kind).fullmatch(arn)):
            return Parent(arn, kind, found["partition"], found["region"], found["account"], found["id"])
    return None
