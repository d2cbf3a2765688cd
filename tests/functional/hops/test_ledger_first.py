"""Whoever makes a parent is in the ledger, which answers by the ARN that a child's record lets us build."""

from __future__ import annotations

from typing import Any

import pytest

from flows.hub import A, on_fakes
from harness import fixtures
from harness.events import HOME, record
from harness.fakes import FakeAws
from harness.memory_ledger import MemoryLedger
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.values import Found, Question
from ownertag.ledger.read_only import LedgerOwners

PARENTS = fixtures.catalogue().parents
UUID = "5f2d1a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
TASK = "0a1b2c3d" * 4


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{HOME}:{A}:{rest}"


#: Of each kind that a call makes: the id that a child's record tells, the event, its request and its answer.
MADE: dict[str, tuple[str, str, Any, Any]] = {
    "auto-scaling-group": ("web", "CreateAutoScalingGroup", {"autoScalingGroupName": "web"}, None),
    "fleet": ("fleet-0a1b2c3d", "CreateFleet", {}, {"CreateFleetResponse": {"fleetId": "fleet-0a1b2c3d"}}),
    "spot-fleet": ("sfr-0a1b2c3d", "RequestSpotFleet", {}, {"spotFleetRequestId": "sfr-0a1b2c3d"}),
    "spot-request": (
        "sir-0a1b2c3d", "RequestSpotInstances", {},
        {"spotInstanceRequestSet": {"items": [{"spotInstanceRequestId": "sir-0a1b2c3d"}]}},
    ),
    "launch-template": (
        "lt-0a1b2c3d", "CreateLaunchTemplate", {},
        {"CreateLaunchTemplateResponse": {"launchTemplate": {"launchTemplateId": "lt-0a1b2c3d"}}},
    ),
    "function": (
        "shop", "CreateFunction20150331", {"functionName": "shop"}, {"functionArn": arn("lambda", "function:shop")},
    ),
    "stack": (
        f"shop/{UUID}", "CreateChangeSet", {"stackName": "shop", "changeSetType": "CREATE"},
        {"id": arn("cloudformation", f"changeSet/x/{UUID}"), "stackId": arn("cloudformation", f"stack/shop/{UUID}")},
    ),
    "stack-set": ("base:*", "CreateStackSet", {"stackSetName": "base"}, {"stackSetId": f"base:{UUID}"}),
    "eks-cluster": ("prod", "CreateCluster", {"name": "prod"}, {"cluster": {"arn": arn("eks", "cluster/prod")}}),
    "eks-node-group": (
        "prod/w/*", "CreateNodegroup", {"clusterName": "prod", "nodegroupName": "w"},
        {"nodegroup": {"nodegroupArn": arn("eks", f"nodegroup/prod/w/{UUID}")}},
    ),
    "emr-cluster": ("j-0A1B2C3D4E", "RunJobFlow", {"name": "x"}, {"jobFlowId": "j-0A1B2C3D4E"}),
    "batch-environment": (
        "gpu", "CreateComputeEnvironment", {"computeEnvironmentName": "gpu"},
        {"computeEnvironmentName": "gpu", "computeEnvironmentArn": arn("batch", "compute-environment/gpu")},
    ),
    "beanstalk-environment": (
        "*/shop-prod", "CreateEnvironment", {"applicationName": "shop", "environmentName": "shop-prod"}, None,
    ),
    "codebuild-project": (
        "shop", "CreateProject", {"name": "shop"},
        {"project": {"name": "shop", "arn": arn("codebuild", "project/shop")}},
    ),
    "ecs-service": (
        "prod/web", "CreateService", {"cluster": "prod", "serviceName": "web"},
        {"service": {"serviceArn": arn("ecs", "service/prod/web"), "clusterArn": arn("ecs", "cluster/prod")}},
    ),
    "ecs-task": (
        f"*/{TASK}", "RunTask", {"cluster": "prod"}, {"tasks": [{"taskArn": arn("ecs", f"task/prod/{TASK}")}]},
    ),
    "ecs-cluster": (
        "prod", "CreateCluster", {"clusterName": "prod"}, {"cluster": {"clusterArn": arn("ecs", "cluster/prod")}},
    ),
    "state-machine": (
        "nightly", "CreateStateMachine", {"name": "nightly"},
        {"stateMachineArn": arn("states", "stateMachine:nightly")},
    ),
    "glue-job": ("load", "CreateJob", {"name": "load"}, {"name": "load"}),
    "pipeline": ("release", "CreatePipeline", {"pipeline": {"name": "release"}}, {"pipeline": {"name": "release"}}),
    "sagemaker-domain": (
        "d-abc123def456", "CreateDomain", {"domainName": "ml"},
        {"domainArn": arn("sagemaker", "domain/d-abc123def456")},
    ),
    "image-build": (
        "base/1.0.0/3", "CreateImage", {"imageRecipeArn": arn("imagebuilder", "image-recipe/base/1.0.0")},
        {"imageBuildVersionArn": arn("imagebuilder", "image/base/1.0.0/3")},
    ),
    "cloud9-environment": ("a1b2c3d4" * 4, "CreateEnvironmentEC2", {"name": "ide"}, {"environmentId": "a1b2c3d4" * 4}),
    "pcs-cluster": (
        "pcs_abcd123456", "CreateCluster", {"clusterName": "hpc"},
        {"cluster": {"id": "pcs_abcd123456", "arn": arn("pcs", "cluster/pcs_abcd123456")}},
    ),
    "automation": (UUID, "StartAutomationExecution", {"documentName": "Patch"}, {"automationExecutionId": UUID}),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_the_ledger_names_whoever_made_a_parent(kind: str) -> None:
    id_, event, request, response = MADE[kind]
    parent = PARENTS.named(kind, id_, "aws", HOME, A)
    assert parent is not None
    ledger = MemoryLedger()
    made = record(event, A, HOME, response, request, user="carol", eventSource=parent.kind.source)
    assert not on_fakes(FakeAws(), made, ledger=ledger).returned
    question = Question(QuestionKind.OWNER_OF_RESOURCE, A, HOME, parent.arn)
    fact = LedgerOwners(ledger).find([question])[question]
    assert isinstance(fact, Found)
    assert fact.owner
    assert fact.owner.name == "carol"


def test_every_kind_that_a_call_makes_is_among_them() -> None:
    assert MADE.keys() | {"instance"} == {kind.name for kind in PARENTS.kinds.values() if kind.made_by}


@pytest.mark.parametrize("kind", ["stack", "stack-set", "codebuild-project"])
def test_what_aws_tags_by_an_update_alone_is_in_the_ledger_and_not_tagged(kind: str) -> None:
    id_, event, request, response = MADE[kind]
    parent = PARENTS.named(kind, id_, "aws", HOME, A)
    assert parent is not None
    aws = FakeAws()
    on_fakes(aws, record(event, A, HOME, response, request, eventSource=parent.kind.source), ledger=MemoryLedger())
    assert not any(aws.places[A, HOME].tags.values())
