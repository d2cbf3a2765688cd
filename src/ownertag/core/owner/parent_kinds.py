"""Kinds of resources that create others (a group, a stack, a function): their ARNs, and the calls that create them.

`basis` is how sure it is that the events look like this: seen (in a real record), doc (AWS's documentation or API
model) or memory (unconfirmed).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

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
