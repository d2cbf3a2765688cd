"""The real look-ups of owners on moto: of resources, sessions, users' names and accounts.

CloudTrail is a fake on the wire (trail.py); what moto lacks otherwise is answered by the test itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from msgspec.structs import replace

from contracts.emulated import HOME, ONCE, ROLE, Call, Emulated, answer, emulated
from contracts.trail import Trail
from harness import fixtures
from harness.fakes import Clock
from ownertag.aws.sessions import Sessions
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.parents import Parent
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Confidence, Fact, Found, OutcomeKind, Owner, Question, Unavailable
from ownertag.sources.cloudtrail import MAX_ELSEWHERE, MOST, CloudTrail
from ownertag.sources.fact_cache import FactCache
from ownertag.sources.lookup_events import MAX_CALLS
from ownertag.sources.lookups import AwsLookups, KnownOwners
from ownertag.sources.organization import OrganizationAccounts

UUID = "5f2d1a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
KEY = "ASIAI44QH8DHBEXAMPLE"
PARENTS = fixtures.catalogue().parents


class Stage:
    """An account of the organization, CloudTrail, and a clock of the test."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.account, self.other = world.spokes
        self.trail = Trail()
        world.wire.rule(self.trail)
        self.clock = Clock(datetime.now(UTC).replace(microsecond=0))
        self.sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=self.clock, config=ONCE)
        self.memory: FactCache | None = None

    def lookups(self, settings: str = "", ledger: KnownOwners | None = None, expired: bool = False) -> AwsLookups:
        return AwsLookups(
            self.sessions,
            fixtures.settings(settings),
            PARENTS,
            self.clock,
            lambda: expired,
            ledger=ledger,
            memory=self.memory,
        )

    def fail(self, operation: str, code: str, status: int = 400, **more: Any) -> None:
        """Fails calls before CloudTrail's fake may answer them."""
        self.world.wire.heal()
        self.world.wire.fail(operation, code, status, **more)
        self.world.wire.rule(self.trail)

    def client(self, service: str, account: str | None = None) -> Any:
        """A client in the account whose calls the wire does not count."""
        plain = self.world._plain
        given = plain.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account or self.account}:role/somebody", RoleSessionName="somebody"
        )["Credentials"]
        return plain.client(
            service,  # type: ignore[call-overload] # any service
            region_name=HOME,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def parent(self, kind: str, id_: str, account: str | None = None) -> Parent:
        found = PARENTS.named(kind, id_, "aws", HOME, account or self.account)
        assert found is not None
        return found

    def question(self, kind: str, id_: str, account: str | None = None) -> Question:
        found = self.parent(kind, id_, account)
        return Question(QuestionKind.OWNER_OF_RESOURCE, found.account, HOME, found.arn)

    def owner(self, kind: str, id_: str, settings: str = "", account: str | None = None) -> Fact:
        question = self.question(kind, id_, account)
        return self.lookups(settings).find([question])[question]

    def made(
        self, event: str, source: str, name: str, request: Any = None, response: Any = None, **fields: Any
    ) -> None:
        fields = {"recipientAccountId": self.account, "eventTime": self.ago(minutes=30)} | fields
        record = fixtures.record(
            event, eventSource=source, requestParameters=request, responseElements=response, **fields
        )
        self.trail.add(record, name)

    def made_group(self, by: str, name: str = "web", event: str = "CreateAutoScalingGroup", **fields: Any) -> None:
        fields["userIdentity"] = fixtures.user(by, self.account)
        self.made(event, "autoscaling.amazonaws.com", name, {"autoScalingGroupName": name}, **fields)

    def ago(self, **span: float) -> str:
        return (self.clock() - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def add_group(self, name: str = "web", tags: Mapping[str, str] | None = None) -> None:
        ec2, scaling = self.client("ec2"), self.client("autoscaling")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        template = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12c6146b"})
        id_ = template["LaunchTemplate"]["LaunchTemplateId"]
        given = [{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in (tags or {}).items()]
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=0,
            LaunchTemplate={"LaunchTemplateId": id_},
            VPCZoneIdentifier=subnet,
            Tags=given,
        )


@pytest.fixture
def stage() -> Iterator[Stage]:
    with emulated() as world:
        yield Stage(world)


def maker_of(fact: Fact) -> str | None:
    assert isinstance(fact, Found), fact
    assert fact.maker
    assert fact.maker.identity
    return fact.maker.identity.user_name


def reason_of(fact: Fact) -> OutcomeKind:
    assert isinstance(fact, Unavailable), fact
    return fact.outcome


# --- the record of a creation


def test_the_maker_of_a_group_is_found_in_its_own_account_alone(stage: Stage) -> None:
    stage.made_group("alice")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    assert reason_of(stage.owner("auto-scaling-group", "web", account=stage.other)) is OutcomeKind.NOT_READY


def test_the_first_creation_owns_until_a_deletion(stage: Stage) -> None:
    """T5: a repeat that succeeds changes nothing; what is created anew belongs to its new creator."""
    stage.made_group("alice")
    stage.made_group("mallory")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    stage.made_group("alice", event="DeleteAutoScalingGroup")
    stage.made_group("bob")
    stage.made_group("mallory")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "bob"


def test_a_call_that_failed_made_nothing_and_neither_did_one_of_another_name(stage: Stage) -> None:
    stage.made_group("mallory", errorCode="AlreadyExists")
    stage.made("CreateAutoScalingGroup", "evil.amazonaws.com", "web", {"autoScalingGroupName": "web"})
    stage.made("CreateAutoScalingGroup", "autoscaling.amazonaws.com", "web", {"autoScalingGroupName": "web2"})
    assert reason_of(stage.owner("auto-scaling-group", "web")) is OutcomeKind.NOT_READY


def test_a_node_group_is_that_of_its_cluster(stage: Stage) -> None:
    for cluster, name in (("test", "mallory"), ("prod", "kim")):
        request = {"clusterName": cluster, "nodegroupName": "workers"}
        identity = fixtures.user(name, stage.account)
        stage.made("CreateNodegroup", "eks.amazonaws.com", "workers", request, userIdentity=identity)
    assert maker_of(stage.owner("eks-node-group", "prod/workers/*")) == "kim"


def test_a_stack_of_the_same_name_before_is_another(stage: Stage) -> None:
    arn = f"arn:aws:cloudformation:{HOME}:{stage.account}:stack/shop/{UUID}"
    old = arn.replace("5f2d", "0000")
    for name, id_ in (("mallory", old), ("alice", arn)):
        identity = fixtures.user(name, stage.account)
        if id_ == arn:
            stage.made("DeleteStack", "cloudformation.amazonaws.com", "shop", {"stackName": "shop"})
        stage.made(
            "CreateStack", "cloudformation.amazonaws.com", "shop", {"stackName": "shop"}, {"stackId": id_},
            userIdentity=identity,
        )  # fmt: skip
    assert maker_of(stage.owner("stack", f"shop/{UUID}")) == "alice"


STACK = "cloudformation.amazonaws.com"


def test_a_stack_is_told_by_its_arn_when_one_of_its_name_was_deleted_by_its_arn(stage: Stage) -> None:
    arn = f"arn:aws:cloudformation:{HOME}:{stage.account}:stack/shop/{UUID}"
    old = arn.replace("5f2d", "0000")
    alice, bob = (fixtures.user(name, stage.account) for name in ("alice", "bob"))
    stage.made("CreateStack", STACK, "shop", {"stackName": "shop"}, {"stackId": old}, userIdentity=alice)
    stage.made("DeleteStack", STACK, old, {"stackName": old}, userIdentity=alice)
    stage.made("CreateStack", STACK, "shop", {"stackName": "shop"}, {"stackId": arn}, userIdentity=bob)
    assert maker_of(stage.owner("stack", f"shop/{UUID}")) == "bob"


def test_a_stack_that_is_listed_under_its_arn_costs_one_look_up(stage: Stage) -> None:
    arn = f"arn:aws:cloudformation:{HOME}:{stage.account}:stack/shop/{UUID}"
    stage.made("CreateStack", STACK, arn, {"stackName": "shop"}, {"stackId": arn})
    assert maker_of(stage.owner("stack", f"shop/{UUID}")) == "alice"
    assert stage.world.wire.counts["LookupEvents"] == 1


@pytest.mark.parametrize("form", ["{arn}", "{account}:function:shop", "shop"])
def test_a_function_that_was_deleted_under_any_form_of_its_name_is_the_new_maker_s(stage: Stage, form: str) -> None:
    arn = f"arn:aws:lambda:{HOME}:{stage.account}:function:shop"
    name = form.format(arn=arn, account=stage.account)
    for minutes, event, listed, by in ((50, "Create", "shop", "alice"), (40, "Delete", name, "alice"),
                                       (30, "Create", "shop", "bob")):  # fmt: skip
        stage.made(
            f"{event}Function20150331", "lambda.amazonaws.com", listed, {"functionName": listed},
            userIdentity=fixtures.user(by, stage.account), eventTime=stage.ago(minutes=minutes),
        )  # fmt: skip
    assert maker_of(stage.owner("function", "shop")) == "bob"


@pytest.mark.parametrize("flooded", ["{arn}", "{account}:function:shop", "shop"])
def test_a_creation_of_before_the_end_of_a_list_is_not_taken_for_the_last(stage: Stage, flooded: str) -> None:
    """Bob deleted alice's resource and created it anew under another form of its name, used in 251 later calls."""
    name = flooded.format(arn=f"arn:aws:lambda:{HOME}:{stage.account}:function:shop", account=stage.account)
    other = "shop" if flooded != "shop" else f"{stage.account}:function:shop"
    calls = ((70, "Delete", other, "alice"), (60, "Create", other, "alice"),
             (50, "Delete", name, "bob"), (40, "Create", name, "bob"))  # fmt: skip
    for minutes, event, listed, by in (*calls, *[(30, "Update", name, "bob")] * (MOST + 1)):
        stage.made(
            f"{event}Function20150331", "lambda.amazonaws.com", listed, {"functionName": listed},
            userIdentity=fixtures.user(by, stage.account), eventTime=stage.ago(minutes=minutes),
        )  # fmt: skip
    assert reason_of(stage.owner("function", "shop")) is OutcomeKind.FAILED


def test_newer_calls_that_hide_a_creation_leave_it_unknown_and_their_callers_own_nothing(stage: Stage) -> None:
    stage.add_group(tags={"owner": "bob"})
    stage.clock.move(timedelta(minutes=16))
    stage.made_group("alice", eventTime=stage.ago(minutes=60))
    for _ in range(MOST + 1):
        stage.made_group("bob", event="UpdateAutoScalingGroup")
    assert reason_of(stage.owner("auto-scaling-group", "web")) is OutcomeKind.FAILED


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_group_that_says_when_it_was_made_is_found_among_too_many_records(stage: Stage, seconds: int) -> None:
    """A cluster autoscaler makes thousands of calls that name its group."""
    stage.made_group("alice", eventTime=stage.ago(seconds=seconds))
    stage.add_group()
    stage.clock.move(timedelta(minutes=60))
    for _ in range(MOST + 1):
        stage.made_group("bob", event="SetDesiredCapacity")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"


def test_a_creation_at_another_time_is_not_that_of_the_group_that_is_there(stage: Stage) -> None:
    stage.made_group("alice", eventTime=stage.ago(seconds=60))
    stage.add_group()
    stage.clock.move(timedelta(minutes=60))
    for _ in range(MOST + 1):
        stage.made_group("bob", event="SetDesiredCapacity")
    assert reason_of(stage.owner("auto-scaling-group", "web")) is OutcomeKind.FAILED


def test_whois_does_not_take_a_history_that_is_cut_for_one_without_a_creation(stage: Stage) -> None:
    trail = CloudTrail(stage.sessions, stage.clock)
    for _ in range(MOST):
        stage.made_group("bob", event="UpdateAutoScalingGroup")
    records = trail.naming(stage.account, HOME, "web")
    assert not isinstance(records, Unavailable)
    assert len(records) == MOST
    stage.made_group("bob", event="UpdateAutoScalingGroup")
    assert isinstance(trail.naming(stage.account, HOME, "web"), Unavailable)


def test_updates_that_hide_a_stack_s_creation_make_nobody_its_owner(stage: Stage) -> None:
    arn = f"arn:aws:cloudformation:{HOME}:{stage.account}:stack/shop/{UUID}"
    stage.made("CreateStack", STACK, "shop", {"stackName": "shop"}, {"stackId": arn}, eventTime=stage.ago(minutes=60))
    bob = fixtures.user("bob", stage.account)
    for _ in range(MOST + 1):
        stage.made("UpdateStack", STACK, "shop", {"stackName": "shop"}, {"stackId": arn}, userIdentity=bob)
    assert reason_of(stage.owner("stack", f"shop/{UUID}")) is OutcomeKind.FAILED


def test_a_deletion_within_what_can_be_read_tells_that_what_came_before_does_not_matter(stage: Stage) -> None:
    for _ in range(MOST):
        stage.made_group("alice", event="UpdateAutoScalingGroup", eventTime=stage.ago(minutes=60))
    stage.made_group("alice", event="DeleteAutoScalingGroup", eventTime=stage.ago(minutes=50))
    stage.made_group("bob", eventTime=stage.ago(minutes=40))
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "bob"


def test_all_pages_of_a_long_history_are_read(stage: Stage) -> None:
    stage.made_group("alice")
    for _ in range(120):
        stage.made_group("bob", event="UpdateAutoScalingGroup")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    assert stage.world.wire.counts["LookupEvents"] == 3


def test_a_group_that_is_gone_and_that_nothing_tells_of_may_still_be_told_of(stage: Stage) -> None:
    assert reason_of(stage.owner("auto-scaling-group", "gone")) is OutcomeKind.NOT_READY


def test_a_group_that_is_older_than_cloudtrails_lag_will_not_be_told_of(stage: Stage) -> None:
    stage.add_group()
    assert reason_of(stage.owner("auto-scaling-group", "web")) is OutcomeKind.NOT_READY
    stage.clock.move(timedelta(minutes=16))
    assert stage.owner("auto-scaling-group", "web") == Absent()


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("AccessDeniedException", 400, OutcomeKind.FORBIDDEN),
        ("ThrottlingException", 400, OutcomeKind.THROTTLED),
        ("InternalFailure", 500, OutcomeKind.THROTTLED),
    ],
)
@pytest.mark.parametrize(
    ("kind", "id_", "operation"),
    [
        ("stack", f"shop/{UUID}", "LookupEvents"),
        ("stack", f"shop/{UUID}", "GetResources"),
        ("codebuild-build", f"*:{UUID}", "ListBuilds"),
        ("ecs-task", f"*/{'0' * 32}", "ListClusters"),
        ("ecs-task", f"prod/{'0' * 32}", "DescribeTasks"),
        ("launch-template", "lt-0a1b2c3d4e5f60718", "DescribeLaunchTemplates"),
    ],
)
def test_what_is_refused_is_unavailable_and_never_absent(
    stage: Stage, kind: str, id_: str, operation: str, code: str, status: int, outcome: OutcomeKind
) -> None:
    stage.fail(operation, code, status)
    assert reason_of(stage.owner(kind, id_)) is outcome
    assert stage.world.wire.counts[operation] == 1


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_a_group_that_may_not_be_read_is_unavailable(stage: Stage, code: str) -> None:
    def refuse(call: Call) -> AWSResponse | None:
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
        return answer(call, 403, body) if call.operation == "DescribeAutoScalingGroups" else None

    stage.world.wire.rule(refuse)
    assert reason_of(stage.owner("auto-scaling-group", "web")) in {OutcomeKind.FORBIDDEN, OutcomeKind.THROTTLED}


def test_a_throttled_place_is_left_alone_for_the_rest_of_the_round(stage: Stage) -> None:
    stage.fail("LookupEvents", "ThrottlingException", when=lambda call: call.account == stage.account)
    asked = [stage.question("eks-cluster", f"c{number}") for number in range(5)]
    asked.append(stage.question("eks-cluster", "c", stage.other))
    facts = stage.lookups().find(asked)
    assert [reason_of(facts[question]) for question in asked] == [OutcomeKind.THROTTLED] * 5 + [OutcomeKind.NOT_READY]
    assert stage.world.wire.counts["LookupEvents"] == 2


def test_a_round_makes_no_more_calls_in_a_place_than_a_batch_can_wait_for(stage: Stage) -> None:
    asked = [stage.question("eks-cluster", f"c{number}") for number in range(MAX_CALLS + 5)]
    facts = stage.lookups().find(asked)
    assert stage.world.wire.counts["LookupEvents"] == MAX_CALLS
    assert [reason_of(facts[question]) for question in asked[MAX_CALLS:]] == [OutcomeKind.THROTTLED] * 5


def test_without_time_nothing_is_asked(stage: Stage) -> None:
    asked = [
        stage.question("eks-cluster", "c"),
        Question(QuestionKind.MAKER_OF_SESSION, stage.account, HOME, session_value(stage)),
    ]
    facts = stage.lookups(expired=True).find(asked)
    assert [reason_of(facts[question]) for question in asked] == [OutcomeKind.THROTTLED] * 2
    assert not stage.world.wire.calls


# --- owner tags


def test_the_record_of_the_creation_outranks_a_tag_that_a_member_may_have_written(stage: Stage) -> None:
    """T12: the group is made with owner=ceo."""
    stage.add_group(tags={"owner": "ceo"})
    stage.made_group("mallory")
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "mallory"


def test_without_a_record_the_tag_of_a_group_counts_as_asserted(stage: Stage) -> None:
    stage.add_group(tags={"owner": "alice"})
    tagged = Found(owner=Owner("alice", "owner-tag", Confidence.ASSERTED), provisional=True)
    assert stage.owner("auto-scaling-group", "web") == tagged
    stage.clock.move(timedelta(minutes=16))
    assert stage.owner("auto-scaling-group", "web") == replace(tagged, provisional=False)


def test_the_tag_of_an_instance_is_asserted_and_its_record_counts_first(stage: Stage) -> None:
    """The policy protects EC2's tags, but a launch may set its own: owner=ceo until they are overwritten (T12)."""
    instance = stage.world.launch(stage.account)["Instances"][0]["InstanceId"]
    stage.client("ec2").create_tags(Resources=[instance], Tags=[{"Key": "owner", "Value": "alice"}])
    tagged = Found(owner=Owner("alice", "owner-tag", Confidence.ASSERTED), provisional=True)
    assert stage.owner("instance", instance) == tagged
    response = {"instancesSet": {"items": [{"instanceId": instance}]}}
    stage.made("RunInstances", "ec2.amazonaws.com", instance, {}, response, userIdentity=fixtures.user("mallory"))
    assert maker_of(stage.owner("instance", instance)) == "mallory"


@pytest.mark.parametrize("value", ["unknown", "", "\u202e"])
def test_a_tag_that_names_nobody_is_none(stage: Stage, value: str) -> None:
    stage.add_group(tags={"owner": value})
    stage.clock.move(timedelta(minutes=16))
    assert stage.owner("auto-scaling-group", "web") == Absent()


def test_many_are_asked_in_one_call_of_each_kind(stage: Stage) -> None:
    ids = [instance["InstanceId"] for instance in stage.world.launch(stage.account, count=3)["Instances"]]
    stage.client("ec2").create_tags(Resources=ids, Tags=[{"Key": "owner", "Value": "alice"}])
    asked = [stage.question("instance", id_) for id_ in ids]
    facts = stage.lookups().find(asked)
    assert len(facts) == 3
    assert stage.world.wire.counts["GetResources"] == 1


# --- what is copied


def test_the_source_of_a_copy_is_whose_its_tag_says_and_no_record_of_it_is_awaited(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    tagged, bare = (
        ec2.create_volume(Size=1, AvailabilityZone=f"{HOME}a", TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": key, "Value": "alice"}]}
        ])["VolumeId"]
        for key in ("owner", "Name")
    )  # fmt: skip
    snapshot = ec2.create_snapshot(VolumeId=tagged)["SnapshotId"]
    ec2.create_tags(Resources=[snapshot], Tags=[{"Key": "owner", "Value": "bob"}])
    asked = [stage.question("volume", tagged), stage.question("volume", bare), stage.question("snapshot", snapshot)]
    assert stage.lookups().find(asked) == {
        asked[0]: Found(owner=Owner("alice", "owner-tag", Confidence.ASSERTED)),
        asked[1]: Absent(),
        asked[2]: Found(owner=Owner("bob", "owner-tag", Confidence.ASSERTED)),
    }
    assert not stage.world.wire.counts["LookupEvents"]


@pytest.mark.parametrize(
    "form", ["arn:aws:ec2:{region}::snapshot/{id}", "arn:aws:ec2:{region}:{account}:snapshot/{id}"]
)
def test_a_snapshot_s_tag_is_found_whichever_form_its_arn_has(stage: Stage, form: str) -> None:
    id_ = "snap-0a1b2c3d4e5f60718"
    arn = form.format(region=HOME, account=stage.account, id=id_)

    def tags(call: Call) -> AWSResponse | None:
        if call.operation != "GetResources":
            return None
        known = [{"ResourceARN": arn, "Tags": [{"Key": "owner", "Value": "bob"}]}]
        shown = known if arn in json.loads(call.text)["ResourceARNList"] else []
        return answer(call, 200, json.dumps({"ResourceTagMappingList": shown, "PaginationToken": ""}))

    stage.world.wire.rule(tags)
    assert stage.owner("snapshot", id_) == Found(owner=Owner("bob", "owner-tag", Confidence.ASSERTED))


# --- launch templates


def test_a_launch_template_names_who_made_it_and_one_that_is_gone_costs_nobody(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    ids = [
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-1"})["LaunchTemplate"][
            "LaunchTemplateId"
        ]
        for name in ("one", "two")
    ]
    gone = "lt-00000000000000bad"
    # moto leaves out what is gone; EC2 fails the whole call.
    code = "InvalidLaunchTemplateId.NotFound"
    stage.fail("DescribeLaunchTemplates", code, when=lambda call: gone in call.values("LaunchTemplateId"))
    asked = [stage.question("launch-template", id_) for id_ in (ids[0], gone, ids[1])]
    facts = stage.lookups().find(asked)
    found = [facts[asked[0]], facts[asked[2]]]
    assert all(isinstance(fact, Found) and fact.principal and fact.principal.startswith("arn:aws:") for fact in found)
    assert reason_of(facts[asked[1]]) is OutcomeKind.NOT_READY


# --- builds and tasks


def test_a_build_belongs_to_its_project(stage: Stage) -> None:
    codebuild = stage.client("codebuild")
    codebuild.create_project(
        name="shop",
        source={"type": "S3", "location": "bucket/path"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{stage.account}:role/service-role/build",
    )
    build = codebuild.start_build(projectName="shop")["build"]["id"].rpartition(":")[2]
    project = stage.parent("codebuild-project", "shop").arn
    assert stage.owner("codebuild-build", f"*:{build}") == Found(parent=project)
    assert stage.owner("codebuild-build", f"*:{UUID}") == Absent()
    assert stage.owner("codebuild-build", f"*:{build}", account=stage.other) == Absent()


def test_a_task_belongs_to_its_service_or_is_known_by_its_cluster(stage: Stage) -> None:
    tasks = {"0" * 32: "service:web", "1" * 32: "family:job"}

    def ecs(call: Call) -> AWSResponse | None:
        wanted = json.loads(call.text or "{}") if call.service == "ecs" else {}
        here = call.account == stage.account
        cluster = f"arn:aws:ecs:{HOME}:{call.account}:cluster/prod"
        if call.operation == "ListClusters":
            return answer(call, 200, json.dumps({"clusterArns": [cluster] if here else []}))
        if call.operation == "DescribeTasks":
            shown = [
                {"taskArn": f"arn:aws:ecs:{HOME}:{call.account}:task/prod/{id_}", "clusterArn": cluster, "group": group}
                for id_, group in tasks.items()
                if id_ in wanted["tasks"]
            ]
            return answer(call, 200, json.dumps({"tasks": shown, "failures": []}))
        return None

    stage.world.wire.rule(ecs)
    full = stage.parent("ecs-task", f"prod/{'1' * 32}").arn
    assert stage.owner("ecs-task", f"*/{'0' * 32}") == Found(parent=stage.parent("ecs-service", "prod/web").arn)
    assert stage.owner("ecs-task", f"*/{'1' * 32}") == Found(parent=full)
    assert reason_of(stage.owner("ecs-task", f"*/{'2' * 32}")) is OutcomeKind.NOT_READY
    assert reason_of(stage.owner("ecs-task", f"*/{'0' * 32}", account=stage.other)) is OutcomeKind.NOT_READY
    stage.made("RunTask", "ecs.amazonaws.com", "1" * 32, {"cluster": "prod"}, {"tasks": [{"taskArn": full}]})
    assert maker_of(stage.owner("ecs-task", f"prod/{'1' * 32}")) == "alice"


# --- sessions


def session_value(stage: Stage, key: str = KEY, event: str = "AssumeRole", **ago: float) -> str:
    return f"{event} {key} {stage.ago(**(ago or {'minutes': 30}))}"


def assume(stage: Stage, key: str, at: str, by: str = "alice", region: str = HOME, **fields: Any) -> None:
    response = {"credentials": {"accessKeyId": key, "sessionToken": "SECRET", "expiration": "x"}}
    record = fixtures.record(
        "AssumeRole", eventSource="sts.amazonaws.com", userIdentity=fixtures.user(by, stage.account),
        requestParameters={"roleArn": "r", "principalTags": {"owner": "x"}}, responseElements=response,
        eventTime=at, recipientAccountId=stage.account, **fields,
    )  # fmt: skip
    stage.trail.add(record, region=region)


def of_session(stage: Stage, value: str, account: str | None = None) -> Question:
    return Question(QuestionKind.MAKER_OF_SESSION, account or stage.account, HOME, value)


def test_a_session_s_maker_is_found_by_its_access_key_in_its_own_account(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    assume(stage, "ASIAOTHEROTHEROTHER0", at, "mallory")
    assume(stage, KEY, at)
    here, there = of_session(stage, session_value(stage)), of_session(stage, session_value(stage), stage.other)
    facts = stage.lookups().find([here, there])
    assert maker_of(facts[here]) == "alice"
    assert facts[there] == Absent()


def test_of_the_record_of_a_session_no_credential_is_kept(stage: Stage) -> None:
    """T30: the fact of a session holds no credential."""
    assume(stage, KEY, stage.ago(minutes=30))
    question = of_session(stage, session_value(stage))
    fact = stage.lookups().find([question])[question]
    assert isinstance(fact, Found)
    assert fact.maker
    assert b"SECRET" not in bytes(fact.maker.response)
    assert b"principalTags" in bytes(fact.maker.request)


def test_the_global_endpoint_is_recorded_in_its_own_region(stage: Stage) -> None:
    assume(stage, KEY, stage.ago(minutes=30), region="us-east-1")
    question = of_session(stage, session_value(stage))
    assert maker_of(stage.lookups().find([question])[question]) == "alice"
    assert [call.region for call in stage.world.wire.calls if call.operation == "LookupEvents"] == [HOME, "us-east-1"]


def test_a_record_that_may_still_come_is_unavailable_and_an_old_one_absent(stage: Stage) -> None:
    young = of_session(stage, session_value(stage, minutes=14))
    old = of_session(stage, session_value(stage, minutes=16))
    ancient = of_session(stage, session_value(stage, days=91))
    facts = stage.lookups().find([young, old, ancient])
    assert reason_of(facts[young]) is OutcomeKind.NOT_READY
    assert facts[old] == facts[ancient] == Absent()
    stage.world.wire.clear()
    stage.lookups().find([ancient])
    assert not stage.world.wire.calls


def test_sessions_made_close_together_share_a_look_up(stage: Stage) -> None:
    keys = [f"ASIA{number:016d}" for number in range(20)]
    for number, key in enumerate(keys):
        assume(stage, key, stage.ago(minutes=30, seconds=-number), f"user{number}")
    asked = [of_session(stage, session_value(stage, key, minutes=30, seconds=-n)) for n, key in enumerate(keys)]
    facts = stage.lookups().find(asked)
    assert [maker_of(facts[question]) for question in asked] == [f"user{number}" for number in range(20)]
    assert stage.world.wire.counts["LookupEvents"] == 1


def flood(stage: Stage, at: str, region: str = HOME) -> None:
    """Adds more sessions of that time than can be read, newer than those before them."""
    for number in range(300):
        assume(stage, f"ASIA{number:016d}", at, "somebody", region)


def names_key(stage: Stage, at: str, event: str = "GetAccessKeyInfo", times: int = 300, **fields: Any) -> None:
    """Adds calls that name the session's key, which anybody can make."""
    for _ in range(times):
        stage.made(event, "sts.amazonaws.com", KEY, {"accessKeyId": KEY}, eventTime=at, **fields)


def test_a_session_is_found_by_its_key_however_many_others_are_made(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    assume(stage, KEY, at)
    flood(stage, at)
    question = of_session(stage, session_value(stage))
    assert maker_of(stage.lookups().find([question])[question]) == "alice"
    assert stage.world.wire.counts["LookupEvents"] == 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_sessions_are_each_looked_up_by_their_key(stage: Stage, count: int) -> None:
    keys = [f"ASIA{number:016d}" for number in range(900, 900 + count)]
    for key in keys:
        assume(stage, key, stage.ago(minutes=30), key[-3:])
    asked = [of_session(stage, session_value(stage, key)) for key in keys]
    facts = stage.lookups().find(asked)
    assert [maker_of(facts[question]) for question in asked] == [key[-3:] for key in keys]
    calls = [call for call in stage.world.wire.calls if call.operation == "LookupEvents"]
    assert [json.loads(call.text)["LookupAttributes"][0]["AttributeValue"] for call in calls] == keys


def test_of_many_sessions_the_time_is_read_once_and_the_rest_by_their_keys(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    old = [f"ASIA{number:016d}" for number in range(900, 904)]
    for key in old:
        assume(stage, key, at, key[-3:])
    flood(stage, at)
    new = [f"ASIA{number:016d}" for number in range(910, 914)]
    for key in new:
        assume(stage, key, at, key[-3:])
    asked = [of_session(stage, session_value(stage, key)) for key in (*old, *new)]
    facts = stage.lookups().find(asked)
    assert [maker_of(facts[question]) for question in asked] == [key[-3:] for key in (*old, *new)]
    assert stage.world.wire.counts["LookupEvents"] == 5 + len(old)


def test_a_session_that_was_made_in_another_region_of_the_settings_is_found(stage: Stage) -> None:
    """The caller of AssumeRole chooses the Region of STS."""
    assume(stage, KEY, stage.ago(minutes=30), "mallory", "ap-south-1")
    question = of_session(stage, session_value(stage))
    plain = fixtures.settings()
    assert plain.organization
    settings = replace(plain, organization=replace(plain.organization, regions=(HOME, "sa-east-1", "ap-south-1")))
    lookups = AwsLookups(stage.sessions, settings, PARENTS, stage.clock)
    assert maker_of(lookups.find([question])[question]) == "mallory"
    regions = [call.region for call in stage.world.wire.calls if call.operation == "LookupEvents"]
    assert regions == [HOME, "us-east-1", "sa-east-1", "ap-south-1"]


@pytest.mark.parametrize(("region", "found"), [(HOME, True), ("us-east-1", True), ("sa-east-1", False)])
def test_where_one_region_can_t_be_read_a_session_is_not_taken_for_made_by_nobody(
    stage: Stage, region: str, found: bool
) -> None:
    stage.fail("LookupEvents", "AccessDeniedException", when=lambda call: call.region == "eu-west-3")
    assume(stage, KEY, stage.ago(minutes=30), "mallory", region)
    question = of_session(stage, session_value(stage))
    plain = fixtures.settings()
    assert plain.organization
    settings = replace(plain, organization=replace(plain.organization, regions=(HOME, "eu-west-3")))
    lookups = AwsLookups(stage.sessions, settings, PARENTS, stage.clock)
    fact = lookups.find([question])[question]
    assert maker_of(fact) == "mallory" if found else reason_of(fact) is OutcomeKind.FORBIDDEN


def test_sessions_that_are_found_nowhere_cost_an_account_no_more_calls_elsewhere_than_a_round_has(stage: Stage) -> None:
    asked = [of_session(stage, session_value(stage, f"ASIA{number:016d}", minutes=30 + number)) for number in range(10)]
    plain = fixtures.settings()
    assert plain.organization
    many = (HOME, *(f"xx-west-{number}" for number in range(1, 9)))
    settings = replace(plain, organization=replace(plain.organization, regions=many))
    lookups = AwsLookups(stage.sessions, settings, PARENTS, stage.clock)
    facts = lookups.find(asked)
    assert {reason_of(facts[question]) for question in asked} == {OutcomeKind.THROTTLED}
    calls = [call for call in stage.world.wire.calls if call.operation == "LookupEvents"]
    assert sum(call.region not in {HOME, "us-east-1"} for call in calls) == MAX_ELSEWHERE
    assert len(calls) == 20 + MAX_ELSEWHERE


def test_a_throttled_session_is_not_looked_for_in_other_regions_meanwhile(stage: Stage) -> None:
    stage.fail("LookupEvents", "ThrottlingException", when=lambda call: call.region == HOME)
    question = of_session(stage, session_value(stage))
    assert reason_of(stage.lookups().find([question])[question]) is OutcomeKind.THROTTLED
    assert stage.world.wire.counts["LookupEvents"] == 1


def test_calls_that_name_the_key_later_hide_nothing(stage: Stage) -> None:
    assume(stage, KEY, stage.ago(minutes=30))
    names_key(stage, stage.ago(minutes=20))
    question = of_session(stage, session_value(stage))
    assert maker_of(stage.lookups().find([question])[question]) == "alice"


def test_more_calls_that_name_the_key_at_once_than_can_be_read_are_not_none(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    assume(stage, KEY, at)
    names_key(stage, at)
    question = of_session(stage, session_value(stage))
    assert reason_of(stage.lookups().find([question])[question]) is OutcomeKind.FAILED


def test_a_record_that_only_looks_like_the_one_that_issued_the_key_is_not_it(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    response = {"credentials": {"accessKeyId": KEY}}
    stage.made("AssumeRole", "evil.amazonaws.com", KEY, {}, response, eventTime=at)
    names_key(stage, at, "AssumeRole", times=1)
    question = of_session(stage, session_value(stage))
    assert stage.lookups().find([question])[question] == Absent()


def test_a_key_names_its_record_whichever_call_issued_it_and_is_looked_up_once(stage: Stage) -> None:
    at = stage.ago(minutes=30)
    response = {"credentials": {"accessKeyId": KEY}}
    identity = {"type": "SAMLUser", "principalId": "x", "userName": "jane"}
    stage.made("AssumeRoleWithSAML", "sts.amazonaws.com", "r", {}, response, eventTime=at, userIdentity=identity)
    lookups = stage.lookups()
    asked = of_session(stage, session_value(stage))
    assert maker_of(lookups.find([asked])[asked]) == "jane"
    nobody = [of_session(stage, session_value(stage, "ASIA" + "9" * 16, event)) for event in ("AssumeRole", "X")]
    stage.world.wire.clear()
    assert [lookups.find([question])[question] for question in nobody] == [Absent(), Absent()]
    assert stage.world.wire.counts["LookupEvents"] == 2


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_refused_look_up_of_a_session_is_not_none(stage: Stage, code: str) -> None:
    stage.fail("LookupEvents", code)
    question = of_session(stage, session_value(stage))
    assert reason_of(stage.lookups().find([question])[question]) in {OutcomeKind.FORBIDDEN, OutcomeKind.THROTTLED}


# --- the directory


def test_a_user_is_named_a_deleted_one_is_absent(stage: Stage) -> None:
    store = "d-1234567890"
    made = stage.client("identitystore").create_user(
        IdentityStoreId=store,
        UserName="maria.rossi",
        DisplayName="Maria",
        Name={"GivenName": "Maria", "FamilyName": "Rossi"},
        Emails=[{"Value": "maria@example.com", "Type": "work", "Primary": True}],
    )
    known, gone = (
        Question(QuestionKind.IDENTITY_CENTER_USER, stage.account, HOME, f"{store}/{id_}")
        for id_ in (made["UserId"], UUID)
    )
    facts = stage.lookups().find([known, gone])
    assert facts == {
        known: Found(owner=Owner("maria.rossi", "identity-center-user", Confidence.PROVEN)),
        gone: Absent(),
    }


def test_a_directory_that_throttles_is_asked_no_further(stage: Stage) -> None:
    stage.fail("DescribeUser", "ThrottlingException")
    asked = [Question(QuestionKind.IDENTITY_CENTER_USER, stage.account, HOME, f"d-1/{number}") for number in range(9)]
    facts = stage.lookups().find(asked)
    assert {reason_of(facts[question]) for question in asked} == {OutcomeKind.THROTTLED}
    assert stage.world.wire.counts["DescribeUser"] == 1


def test_a_directory_that_may_not_be_read_is_unavailable(stage: Stage) -> None:
    stage.fail("DescribeUser", "AccessDeniedException")
    question = Question(QuestionKind.IDENTITY_CENTER_USER, stage.account, HOME, "d-1/1")
    assert reason_of(stage.lookups().find([question])[question]) is OutcomeKind.FORBIDDEN


# --- accounts


def account_question(account: str) -> Question:
    return Question(QuestionKind.OWNER_OF_ACCOUNT, account, "", "")


@pytest.fixture
def organization(stage: Stage) -> OrganizationAccounts:
    client = stage.world.session.client("organizations", region_name=HOME, config=ONCE)
    return OrganizationAccounts(client, stage.clock)


def test_an_account_is_its_owner_tag_s_or_goes_by_its_name(stage: Stage, organization: OrganizationAccounts) -> None:
    stage.world.organizations.tag_resource(ResourceId=stage.account, Tags=[{"Key": "Owner", "Value": "team-shop"}])
    asked = [account_question(account) for account in (stage.account, stage.other, "999999999999")]
    assert organization.find(asked) == {
        asked[0]: Found(owner=Owner("team-shop", "account-owner", Confidence.ACCOUNT)),
        asked[1]: Found(owner=Owner("spoke1", "account-owner", Confidence.ACCOUNT)),
        asked[2]: Absent(),
    }
    stage.world.wire.clear()
    organization.find(asked[:2])
    assert not stage.world.wire.calls


@pytest.mark.parametrize("operation", ["DescribeAccount", "ListTagsForResource"])
def test_an_account_that_can_t_be_read_is_unavailable(
    stage: Stage, organization: OrganizationAccounts, operation: str
) -> None:
    stage.fail(operation, "AccessDeniedException")
    question = account_question(stage.account)
    assert reason_of(organization.find([question])[question]) is OutcomeKind.FORBIDDEN


# --- what is kept, and what the ledger knows


def test_an_answer_is_kept_for_a_while_and_a_throttle_is_not(stage: Stage) -> None:
    stage.memory = FactCache(stage.clock)
    stage.made_group("alice")
    stage.fail("LookupEvents", "ThrottlingException", times=1)
    assert reason_of(stage.owner("auto-scaling-group", "web")) is OutcomeKind.THROTTLED
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    stage.world.wire.clear()
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    assert not stage.world.wire.calls
    stage.clock.move(timedelta(minutes=11))
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "alice"
    assert stage.world.wire.counts["LookupEvents"] == 1


def test_a_tag_s_word_is_asked_again_soon_because_a_record_may_come(stage: Stage) -> None:
    stage.memory = FactCache(stage.clock)
    stage.add_group(tags={"owner": "ceo"})
    assert isinstance(stage.owner("auto-scaling-group", "web"), Found)
    stage.made_group("mallory")
    stage.clock.move(timedelta(seconds=21))
    assert maker_of(stage.owner("auto-scaling-group", "web")) == "mallory"


def test_what_was_not_there_is_asked_again_soon(stage: Stage) -> None:
    stage.memory = FactCache(stage.clock)
    assert reason_of(stage.owner("eks-cluster", "prod")) is OutcomeKind.NOT_READY
    stage.world.wire.clear()
    assert reason_of(stage.owner("eks-cluster", "prod")) is OutcomeKind.NOT_READY
    assert not stage.world.wire.calls
    stage.clock.move(timedelta(seconds=21))
    stage.made("CreateCluster", "eks.amazonaws.com", "prod", {"name": "prod"})
    assert maker_of(stage.owner("eks-cluster", "prod")) == "alice"


class Ledger:
    """A ledger that holds these facts."""

    def __init__(self, facts: dict[Question, Fact]) -> None:
        self._facts = facts
        self.asked: list[Question] = []

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        self.asked = list(questions)
        return {question: self._facts[question] for question in self.asked if question in self._facts}


def test_the_ledger_answers_first_and_aws_what_it_does_not_know(stage: Stage) -> None:
    stage.made("CreateCluster", "eks.amazonaws.com", "new", {"name": "new"})
    known, absent, unread = (stage.question("eks-cluster", name) for name in ("known", "new", "unread"))
    owner = Found(owner=Owner("kim", "iam-user", Confidence.ASSERTED))
    down = Unavailable(OutcomeKind.THROTTLED, "the ledger is locked")
    ledger = Ledger({known: owner, absent: Absent(), unread: down})
    session = of_session(stage, session_value(stage))
    facts = stage.lookups(ledger=ledger).find([known, absent, unread, session])
    assert facts[known] == owner
    assert maker_of(facts[absent]) == "alice"
    assert facts[unread] == down
    assert ledger.asked == [known, absent, unread]


def test_what_is_no_parent_or_of_another_account_is_not_asked(stage: Stage) -> None:
    for value in ("arn:aws:s3:::bucket", "x", stage.parent("eks-cluster", "c", stage.other).arn):
        question = Question(QuestionKind.OWNER_OF_RESOURCE, stage.account, HOME, value)
        assert stage.lookups().find([question]) == {question: Absent()}
    assert not stage.world.wire.calls


def test_every_question_is_answered_whatever_its_kind(stage: Stage) -> None:
    kinds = [kind for kind in QuestionKind if kind not in {QuestionKind.ACCOUNT, QuestionKind.OWNER_OF_ACCOUNT}]
    at = stage.clock().isoformat()
    values = {
        QuestionKind.MAKER_OF_SESSION: session_value(stage),
        QuestionKind.IDENTITY_CENTER_USER: "d-1/1",
        QuestionKind.LAUNCHES: f"{at} 00000000-0000-4000-8000-000000000001",
        QuestionKind.RESERVATIONS: at,
    }
    asked = [Question(kind, stage.account, HOME, values.get(kind, "r-0000000000000aaaa")) for kind in kinds]
    assert set(stage.lookups().find(asked)) == set(asked)


def test_settings_without_a_tag_for_the_owner_alone_read_none(stage: Stage) -> None:
    stage.add_group(tags={"owner": "alice"})
    stage.clock.move(timedelta(minutes=16))
    settings = Settings(tags={"owner": "{owner} ({confidence})"})
    lookups = AwsLookups(stage.sessions, settings, PARENTS, stage.clock)
    question = stage.question("auto-scaling-group", "web")
    assert lookups.find([question]) == {question: Absent()}
