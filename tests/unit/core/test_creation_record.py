"""Which record is that of a parent's creation: told by the field that names it, whatever else the record holds."""

from __future__ import annotations

from typing import Any

import pytest

from harness import fixtures
from harness.fixtures import ACCOUNT, OTHER_ACCOUNT, REGION
from ownertag.core.owner.creation_record import CUT, OMITTED, creation_record_of
from ownertag.core.parents import Parent
from ownertag.core.records import Record
from ownertag.core.values import Unavailable

PARENTS = fixtures.catalogue().parents
UUID = "5f2d1a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
OTHER_UUID = "00000000-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
TASK = "0" * 32
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/{UUID}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop"
SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web"
STATE_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nightly"
ECS_CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"
OLD_SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/web"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"
BATCH = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/gpu"


def of(kind: str, id_: str) -> Parent:
    found = PARENTS.named(kind, id_, "aws", REGION, ACCOUNT)
    assert found
    return found


def call(who: str, event: str, request: Any = None, response: Any = None, **fields: Any) -> Record:
    """A call of somebody, on the service that the event belongs to; where several have it, that of its prefix."""
    kinds = [kind for kind in PARENTS.kinds.values() if kind.source.startswith(event.rpartition(":")[0])]
    event = event.rpartition(":")[2]
    sources = {call.event: kind.source for kind in reversed(kinds) for call in (*kind.made_by, *kind.deleted_by)}
    return fixtures.arrival(
        fixtures.record(
            event,
            **{
                "eventSource": sources.get(event, "cloudformation.amazonaws.com"),
                "userIdentity": fixtures.user(who),
                "requestParameters": request,
                "responseElements": response,
                **fields,
            },
        )
    ).record


def who_made(of_: Parent, *oldest_first: Record, cut: bool = False) -> str | None:
    made = creation_record_of(of_, reversed(oldest_first), cut)
    assert not isinstance(made, Unavailable), made
    assert made is None or made.identity
    return made.identity.user_name if made and made.identity else None


#: (kind, id, event, request, response) of a creation, by the field in which AWS's API has the name.
CREATIONS: dict[str, tuple[str, str, str, Any, Any]] = {
    "group": ("auto-scaling-group", "web", "CreateAutoScalingGroup", {"autoScalingGroupName": "web"}, None),
    "fleet": ("fleet", "fleet-0a1b2c3d", "CreateFleet", {}, {"CreateFleetResponse": {"fleetId": "fleet-0a1b2c3d"}}),
    "spot fleet": ("spot-fleet", "sfr-0a1b2c3d", "RequestSpotFleet", {}, {"spotFleetRequestId": "sfr-0a1b2c3d"}),
    "spot request": (
        "spot-request", "sir-0a1b2c3d", "RequestSpotInstances", {},
        {"spotInstanceRequestSet": {"items": [{"spotInstanceRequestId": "sir-0a1b2c3d"}]}},
    ),
    "template": (
        "launch-template", "lt-0a1b2c3d", "CreateLaunchTemplate", {},
        {"CreateLaunchTemplateResponse": {"launchTemplate": {"launchTemplateId": "lt-0a1b2c3d"}}},
    ),
    "instance": (
        "instance", "i-0a1b2c3d", "RunInstances", {}, {"instancesSet": {"items": [{"instanceId": "i-0a1b2c3d"}]}},
    ),
    "function": ("function", "shop", "CreateFunction20150331", {"functionName": "shop"}, None),
    "function by its ARN": ("function", "shop", "CreateFunction20150331", {"functionName": FUNCTION}, None),
    "stack": ("stack", f"shop/{UUID}", "CreateStack", {"stackName": "shop"}, {"stackId": STACK}),
    "stack by a change set": (
        "stack", f"shop/{UUID}", "CreateChangeSet", {"stackName": "shop", "changeSetType": "CREATE"},
        {"id": "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/x/y", "stackId": STACK},
    ),
    "stack set": ("stack-set", "base:*", "CreateStackSet", {"stackSetName": "base"}, {"stackSetId": f"base:{UUID}"}),
    "cluster": ("eks-cluster", "prod", "CreateCluster", {"name": "prod"}, None),
    "cluster of 2018": ("eks-cluster", "prod", "CreateCluster", {"clusterName": "prod"}, None),
    "node group": (
        "eks-node-group", "prod/w/*", "CreateNodegroup", {"clusterName": "prod", "nodegroupName": "w"}, None,
    ),
    "job flow": ("emr-cluster", "j-0A1B2C3D4E", "RunJobFlow", {"name": "x"}, {"jobFlowId": "j-0A1B2C3D4E"}),
    "compute environment": (
        "batch-environment", "gpu", "CreateComputeEnvironment", {"computeEnvironmentName": "gpu"}, None,
    ),
    "environment": ("beanstalk-environment", "*/shop", "CreateEnvironment", {"environmentName": "shop"}, None),
    "project": ("codebuild-project", "shop", "CreateProject", {"name": "shop"}, None),
    "project of 2016": (
        "codebuild-project", "shop", "CreateProject", {"awsActId": ACCOUNT}, {"project": {"name": "shop"}},
    ),
    "service": ("ecs-service", "prod/web", "CreateService", {"cluster": "prod", "serviceName": "web"}, None),
    "service by its cluster's ARN": (
        "ecs-service", "prod/web", "CreateService", {"cluster": CLUSTER, "serviceName": "web"}, None,
    ),
    "service of the default cluster": ("ecs-service", "default/web", "CreateService", {"serviceName": "web"}, None),
    "task": (
        "ecs-task", f"*/{TASK}", "RunTask", {},
        {"tasks": [{"taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{TASK}"}]},
    ),
    "cluster of ECS": ("ecs-cluster", "prod", "ecs:CreateCluster", {"clusterName": "prod"}, None),
    "cluster of ECS without a name": (
        "ecs-cluster", "default", "ecs:CreateCluster", {}, {"cluster": {"clusterName": "default"}},
    ),
    "state machine": ("state-machine", "nightly", "CreateStateMachine", {}, {"stateMachineArn": STATE_MACHINE}),
    "job": ("glue-job", "load", "CreateJob", {"name": "load"}, {"name": "load"}),
    "pipeline": ("pipeline", "release", "CreatePipeline", {"pipeline": {"name": "release"}}, None),
    "domain": (
        "sagemaker-domain", "d-abc123", "CreateDomain", {"domainName": "ml"},
        {"domainArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:domain/d-abc123"},
    ),
    "image": (
        "image-build", "base/1.0.0/3", "imagebuilder:CreateImage", {},
        {"imageBuildVersionArn": f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/base/1.0.0/3"},
    ),
    "development environment": (
        "cloud9-environment", "a" * 32, "CreateEnvironmentEC2", {"name": "ide"}, {"environmentId": "a" * 32},
    ),
    "cluster of PCS": (
        "pcs-cluster", "pcs_abcd1234", "pcs:CreateCluster", {"clusterName": "hpc"}, {"cluster": {"id": "pcs_abcd1234"}},
    ),
    "automation": ("automation", UUID, "StartAutomationExecution", {}, {"automationExecutionId": UUID}),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATIONS)
def test_a_creation_is_told_by_the_field_in_which_its_call_has_the_name(name: str) -> None:
    kind, id_, event, request, response = CREATIONS[name]
    assert who_made(of(kind, id_), call("alice", event, request, response)) == "alice"


@pytest.mark.parametrize("name", CREATIONS)
def test_the_same_text_elsewhere_in_a_record_frames_nobody(name: str) -> None:
    """The forged twin: a creation of something else that holds the name, the id and the ARN, as a tag and a setting."""
    kind, id_, event, request, response = CREATIONS[name]
    wanted = of(kind, id_)
    texts = [wanted.arn, *wanted.parts]

    def others(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: node[key] if key == "changeSetType" else others(node[key]) for key in node}
        return [others(item) for item in node] if isinstance(node, list) else "another"

    forged = {**others(request), "tags": [{"key": text, "value": text} for text in texts], "launchTemplate": texts}
    answer = {**others(response or {}), "launchConfigurationName": texts}
    assert who_made(wanted, call("bob", event, forged, answer)) is None


def test_every_kind_that_is_made_by_a_call_is_among_them() -> None:
    assert {creation[0] for creation in CREATIONS.values()} == {
        kind.name for kind in PARENTS.kinds.values() if kind.made_by
    }


@pytest.mark.parametrize(
    ("kind", "id_", "made", "forged"),
    [
        ("auto-scaling-group", "blue", {"autoScalingGroupName": "blue"}, {"autoScalingGroupName": "a",
         "launchConfigurationName": "blue"}),
        ("auto-scaling-group", "blue", {"autoScalingGroupName": "blue"}, {"autoScalingGroupName": "a",
         "launchTemplate": {"launchTemplateName": "blue"}}),
        ("auto-scaling-group", "blue", {"autoScalingGroupName": "blue"}, {"autoScalingGroupName": "a",
         "tags": [{"key": "stage", "value": "blue", "resourceId": "a"}]}),
        ("function", "blue", {"functionName": "blue"}, {"functionName": "a", "handler": "blue"}),
        ("function", "blue", {"functionName": "blue"}, {"functionName": "a", "environment": {"n": "blue"}}),
        ("eks-cluster", "blue", {"name": "blue"}, {"name": "a", "tags": {"blue": "blue"}}),
        ("codebuild-project", "blue", {"name": "blue"}, {"name": "a", "artifacts": {"name": "blue"}}),
        ("beanstalk-environment", "*/blue", {"environmentName": "blue"}, {"environmentName": "aaaa",
         "applicationName": "blue"}),
        ("batch-environment", "blue", {"computeEnvironmentName": "blue"}, {"computeEnvironmentName": "a",
         "computeResources": {"ec2KeyPair": "blue"}}),
        ("ecs-service", "prod/blue", {"cluster": "prod", "serviceName": "blue"}, {"cluster": "prod", "serviceName": "a",
         "taskDefinition": "blue"}),
        ("ecs-service", "prod/blue", {"cluster": "prod", "serviceName": "blue"}, {"cluster": "blue",
         "serviceName": "prod"}),
        ("eks-node-group", "prod/blue/*", {"clusterName": "prod", "nodegroupName": "blue"}, {"clusterName": "blue",
         "nodegroupName": "prod"}),
    ],
)  # fmt: skip
def test_an_older_call_that_only_mentions_the_name_is_not_its_creation(
    kind: str, id_: str, made: dict[str, Any], forged: dict[str, Any]
) -> None:
    [made_by] = PARENTS.kinds[kind].made_by
    older, newer = call("alice", made_by.event, forged), call("bob", made_by.event, made)
    assert who_made(of(kind, id_), older, newer) == "bob"
    assert who_made(of(kind, id_), call("alice", made_by.event, made), newer) == "alice"  # its twin: one field more


@pytest.mark.parametrize("old", ["name", "arn"])
def test_a_stack_that_is_made_anew_is_not_that_of_before(old: str) -> None:
    before = STACK.replace(UUID, OTHER_UUID)
    records = (
        call("alice", "CreateStack", {"stackName": "shop"}, {"stackId": before}),
        call("alice", "DeleteStack", {"stackName": before if old == "arn" else "shop"}),
        call("bob", "CreateStack", {"stackName": "shop"}, {"stackId": STACK}),
    )
    assert who_made(of("stack", f"shop/{UUID}"), *records) == "bob"
    assert who_made(of("stack", f"shop/{OTHER_UUID}"), *records) == "alice"


@pytest.mark.parametrize(
    ("event", "request_", "response"),
    [
        ("UpdateStack", {"stackName": "shop"}, {"stackId": STACK}),
        ("ExecuteChangeSet", {"stackName": "shop", "changeSetName": "x"}, None),
        ("ExecuteChangeSet", {"stackName": STACK, "changeSetName": "x"}, {"stackId": STACK}),
        ("CreateChangeSet", {"stackName": "shop"}, {"stackId": STACK}),
        ("CreateChangeSet", {"stackName": "shop", "changeSetType": "UPDATE"}, {"stackId": STACK}),
        ("CreateChangeSet", {"stackName": "shop", "changeSetType": "IMPORT"}, {"stackId": STACK}),
        ("RollbackStack", {"stackName": "shop"}, {"stackId": STACK}),
        ("ContinueUpdateRollback", {"stackName": STACK}, {"stackId": STACK}),
    ],
)
def test_whoever_changes_a_stack_is_not_its_maker(event: str, request_: Any, response: Any) -> None:
    assert who_made(of("stack", f"shop/{UUID}"), call("bob", event, request_, response)) is None


#: (kind, id, event, request) of a deletion, in each form in which its call takes the name.
DELETIONS: dict[str, tuple[str, str, str, Any]] = {
    "group": ("auto-scaling-group", "web", "DeleteAutoScalingGroup", {"autoScalingGroupName": "web"}),
    "function": ("function", "shop", "DeleteFunction20150331", {"functionName": "shop"}),
    "function by its ARN": ("function", "shop", "DeleteFunction20150331", {"functionName": FUNCTION}),
    "function by a partial ARN": (
        "function", "shop", "DeleteFunction20150331", {"functionName": f"{ACCOUNT}:function:shop"},
    ),
    "function by account and name": ("function", "shop", "DeleteFunction20150331", {"functionName": f"{ACCOUNT}:shop"}),
    "function by word and name": ("function", "shop", "DeleteFunction20150331", {"functionName": "function:shop"}),
    "stack set": ("stack-set", "base:*", "DeleteStackSet", {"stackSetName": "base"}),
    "stack set by its id": ("stack-set", "base:*", "DeleteStackSet", {"stackSetName": f"base:{UUID}"}),
    "cluster": ("eks-cluster", "prod", "DeleteCluster", {"name": "prod"}),
    "node group": ("eks-node-group", "prod/w/*", "DeleteNodegroup", {"clusterName": "prod", "nodegroupName": "w"}),
    "compute environment": ("batch-environment", "gpu", "DeleteComputeEnvironment", {"computeEnvironment": "gpu"}),
    "compute environment by its ARN": (
        "batch-environment", "gpu", "DeleteComputeEnvironment", {"computeEnvironment": BATCH},
    ),
    "environment": ("beanstalk-environment", "*/shop", "TerminateEnvironment", {"environmentName": "shop"}),
    "environment by its id": ("beanstalk-environment", "*/shop", "TerminateEnvironment", {"environmentId": "e-abc"}),
    "project": ("codebuild-project", "shop", "DeleteProject", {"name": "shop"}),
    "service": ("ecs-service", "prod/web", "DeleteService", {"cluster": "prod", "service": "web"}),
    "service by ARNs": ("ecs-service", "prod/web", "DeleteService", {"cluster": CLUSTER, "service": SERVICE}),
    "service by an ARN of 2017": (
        "ecs-service", "prod/web", "DeleteService", {"cluster": "prod", "service": OLD_SERVICE},
    ),
    "service by an ARN of 2017, in its cluster's": (
        "ecs-service", "prod/web", "DeleteService", {"cluster": CLUSTER, "service": OLD_SERVICE},
    ),
    "service of the default cluster by an ARN of 2017": (
        "ecs-service", "default/web", "DeleteService", {"service": OLD_SERVICE},
    ),
    "cluster of ECS": ("ecs-cluster", "prod", "ecs:DeleteCluster", {"cluster": "prod"}),
    "cluster of ECS by its ARN": ("ecs-cluster", "prod", "ecs:DeleteCluster", {"cluster": ECS_CLUSTER}),
    "state machine": ("state-machine", "nightly", "DeleteStateMachine", {"stateMachineArn": STATE_MACHINE}),
    "job": ("glue-job", "load", "DeleteJob", {"jobName": "load"}),
    "pipeline": ("pipeline", "release", "DeletePipeline", {"name": "release"}),
    "service by its ARN alone": ("ecs-service", "prod/web", "DeleteService", {"service": SERVICE}),
}  # fmt: skip


@pytest.mark.parametrize("name", DELETIONS)
def test_a_name_an_arn_and_an_id_end_a_life_alike(name: str) -> None:
    kind, id_, event, request = DELETIONS[name]
    creation = next(creation for creation in CREATIONS.values() if creation[:2] == (kind, id_))
    made, ended = call("alice", *creation[2:]), call("alice", event, request)
    assert who_made(of(kind, id_), made, ended) is None
    assert who_made(of(kind, id_), made, ended, call("bob", *creation[2:])) == "bob"


@pytest.mark.parametrize(
    ("kind", "id_", "event", "request_"),
    [
        ("function", "shop", "DeleteFunction20150331", {"functionName": "shop", "qualifier": "1"}),
        ("function", "shop", "DeleteFunction20150331", {"functionName": f"{FUNCTION}:1"}),
        ("function", "shop", "DeleteFunction20150331", {"functionName": "shop:1"}),
        ("function", "shop", "DeleteFunction20150331", {"functionName": f"{OTHER_ACCOUNT}:function:shop"}),
        ("function", "shop", "DeleteFunction20150331", {"functionName": FUNCTION.replace(REGION, "us-east-1")}),
        ("auto-scaling-group", "web", "DeleteAutoScalingGroup", {"autoScalingGroupName": "web2"}),
        ("eks-node-group", "prod/w/*", "DeleteNodegroup", {"clusterName": "test", "nodegroupName": "w"}),
        ("ecs-service", "prod/web", "DeleteService", {"cluster": "test", "service": "web"}),
        ("ecs-service", "prod/web", "DeleteService", {"service": "web"}),
        ("ecs-service", "prod/web", "DeleteService", {"service": OLD_SERVICE}),
        ("ecs-service", "prod/web", "DeleteService", {"cluster": "test", "service": OLD_SERVICE}),
        ("ecs-service", "prod/web", "DeleteService", {"cluster": "prod", "service": OLD_SERVICE + "2"}),
        ("batch-environment", "gpu", "DeleteComputeEnvironment", {"computeEnvironment": BATCH + "2"}),
    ],
)
def test_the_deletion_of_something_else_ends_nothing(kind: str, id_: str, event: str, request_: Any) -> None:
    creation = next(creation for creation in CREATIONS.values() if creation[:2] == (kind, id_))
    made, again = call("alice", *creation[2:]), call("bob", *creation[2:])
    assert who_made(of(kind, id_), made, call("bob", event, request_), again) == "alice"


def test_an_environment_of_an_application_of_that_name_is_another() -> None:
    """A call by the id alone is told by its answer: it may be listed under the application's name as well."""
    environment = of("beanstalk-environment", "*/shop")
    made = call("alice", "CreateEnvironment", {"applicationName": "a"}, {"environmentName": "shop"})
    other = call(
        "alice",
        "TerminateEnvironment",
        {"environmentId": "e-1"},
        {"environmentName": "blue", "applicationName": "shop"},
    )
    own = call("alice", "TerminateEnvironment", {"environmentId": "e-2"}, {"environmentName": "shop"})
    again = call("bob", "CreateEnvironment", {"environmentName": "shop"})
    assert who_made(environment, made, other) == "alice"
    assert who_made(environment, made, own, again) == "bob"


def test_of_a_history_that_is_cut_only_what_follows_a_deletion_is_known() -> None:
    group = of("auto-scaling-group", "web")
    made = call("bob", "CreateAutoScalingGroup", {"autoScalingGroupName": "web"})
    ended = call("alice", "DeleteAutoScalingGroup", {"autoScalingGroupName": "web"})
    touched = call("bob", "UpdateAutoScalingGroup", {"autoScalingGroupName": "web"})
    for history in ([], [touched], [made], [touched, made]):
        assert creation_record_of(group, reversed(history), cut=True) == CUT
    assert who_made(group, touched, ended, made, cut=True) == "bob"
    assert who_made(group, made, ended, touched, cut=True) is None


def test_an_answer_that_was_left_out_is_not_one_that_names_something_else() -> None:
    instance = of("instance", "i-0a1b2c3d")
    left_out = call("alice", "RunInstances", {}, fixtures.OMITTED)
    assert creation_record_of(instance, [left_out]) == OMITTED
    assert creation_record_of(of("auto-scaling-group", "web"), [left_out]) is None


@pytest.mark.parametrize("name", ["group", "function", "project", "cluster", "service"])
def test_a_request_that_was_left_out_may_be_that_of_the_first_creation(name: str) -> None:
    """A later one of the same name is a repetition then, which owns nothing; after a deletion it is the first."""
    kind, id_, event, request, response = CREATIONS[name]
    left_out = call("alice", event, fixtures.OMITTED)
    again = call("bob", event, request, response)
    assert creation_record_of(of(kind, id_), [again, left_out]) == OMITTED
    assert who_made(of(kind, id_), again, left_out) == "bob"
    [ended] = [deletion[2:] for deletion in DELETIONS.values() if deletion[:2] == (kind, id_)][:1]
    assert who_made(of(kind, id_), left_out, call("alice", *ended), again) == "bob"


def test_a_call_that_failed_or_of_another_service_made_nothing() -> None:
    group = of("auto-scaling-group", "web")
    request = {"autoScalingGroupName": "web"}
    failed = call("bob", "CreateAutoScalingGroup", request, errorCode="AlreadyExists")
    elsewhere = call("bob", "CreateAutoScalingGroup", request, eventSource="evil.amazonaws.com")
    assert who_made(group, failed, elsewhere) is None
