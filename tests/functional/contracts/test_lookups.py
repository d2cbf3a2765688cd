"""The behaviour of every `Lookups`, and the filters and pages of the real one."""

from __future__ import annotations

import pytest
from botocore.awsrequest import AWSResponse

from contracts.conftest import MotoStage, Stage
from contracts.emulated import HOME, ONCE, ROLE, Call, answer, per_place
from harness.events import CATALOGUE
from harness.fakes import Clock
from ownertag.aws.sessions import Sessions
from ownertag.core.catalogue_types import Lookup, QuestionKind
from ownertag.core.values import Absent, Fact, Failure, Found, OutcomeKind, Question, Resource, Unavailable, Write
from ownertag.sources.ec2 import Ec2


def by_reservation(account: str, value: str, region: str = HOME) -> Question:
    return Question(QuestionKind.INSTANCES_BY_RESERVATION, account, region, value)


def by_token(account: str, value: str, region: str = HOME) -> Question:
    return Question(QuestionKind.INSTANCES_BY_CLIENT_TOKEN, account, region, value)


def tags_question(account: str, value: str, region: str = HOME) -> Question:
    return Question(QuestionKind.TAGS, account, region, value)


def ids(fact: Fact) -> set[str]:
    assert isinstance(fact, Found)
    return {instance.id for instance in fact.instances}


def write_tags(stage: Stage, account: str, id_: str, tags: dict[str, str], region: str = HOME) -> None:
    write = Write(account, region, "ec2.CreateTags", tuple(tags.items()), (named(id_),))
    assert stage.tagger.write(write) is None


def named(id_: str) -> Resource:
    return Resource(f"arn:aws:ec2:{HOME}:111111111111:instance/{id_}", id_, "ec2:instance")


def lookup(name: str) -> Lookup:
    found = CATALOGUE.types[name].lookup
    assert found is not None
    return found


def test_a_launch_is_found_by_its_reservation_with_volumes_and_interfaces(stage: Stage) -> None:
    account = stage.spokes[0]
    reservation, launched = stage.launch(account, count=3)
    stage.launch(account)
    question = by_reservation(account, reservation)
    fact = stage.lookups.find([question])[question]
    assert ids(fact) == set(launched)
    assert isinstance(fact, Found)
    for instance in fact.instances:
        assert instance.complete
        assert [len(instance.volumes), len(instance.interfaces)] == [2, 1]
        assert all(volume.id.startswith("vol-") for volume in instance.volumes)
        assert all(interface.id.startswith("eni-") for interface in instance.interfaces)


def test_when_a_volume_was_made_is_told_in_bulk(stage: Stage) -> None:
    account = stage.spokes[0]
    reservation, _ = stage.launch(account, count=3)
    fact = stage.lookups.find([by_reservation(account, reservation)])[by_reservation(account, reservation)]
    assert isinstance(fact, Found)
    volumes = [volume.id for instance in fact.instances for volume in instance.volumes]
    asked = [Question(QuestionKind.BIRTH, account, HOME, volume) for volume in volumes]
    gone = Question(QuestionKind.BIRTH, account, HOME, "vol-00000000000000bad")
    facts = stage.lookups.find([*asked, gone])
    for question in asked:
        born = facts[question]
        assert isinstance(born, Found)
        assert born.born_at
    assert facts[gone] == Absent()


def parts(fact: Fact) -> list[tuple[str, str]]:
    assert isinstance(fact, Found), fact
    return [(part.type, part.id) for part in fact.parts]


def of_parts(stage: MotoStage, kind: QuestionKind, *ids_: str) -> list[Fact]:
    asked = [Question(kind, stage.spokes[0], HOME, id_) for id_ in ids_]
    facts = stage.lookups.find(asked)
    return [facts[question] for question in asked]


def test_the_snapshots_of_images_are_told_in_one_call(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    _, launched = moto_stage.launch(account, count=2)
    ec2 = moto_stage.world.ec2(account, HOME)
    images = [ec2.create_image(InstanceId=instance, Name=instance)["ImageId"] for instance in launched]
    moto_stage.world.wire.clear()
    facts = of_parts(moto_stage, QuestionKind.SNAPSHOTS_OF_IMAGE, *images, "ami-00000000000000bad")
    assert moto_stage.world.wire.counts["DescribeImages"] == 1
    assert facts.pop() == Absent()
    for image, fact in zip(images, facts, strict=True):
        [shown] = ec2.describe_images(ImageIds=[image])["Images"]
        ids_ = [block_device_mapping["Ebs"]["SnapshotId"] for block_device_mapping in shown["BlockDeviceMappings"]]
        assert parts(fact) == [("ec2:snapshot", id_) for id_ in ids_]
        assert ids_
        born = [Question(QuestionKind.BIRTH, account, HOME, id_) for id_ in ids_]
        assert all(isinstance(fact, Found) and fact.born_at for fact in moto_stage.lookups.find(born).values())


def test_a_pending_image_may_not_show_all_its_snapshots_yet(moto_stage: MotoStage) -> None:
    body = """<DescribeImagesResponse><imagesSet><item><imageId>ami-0a1b2c3d</imageId><imageState>{}</imageState>
    <blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs/></item></blockDeviceMapping></item></imagesSet>
    </DescribeImagesResponse>"""
    for state, complete in (("pending", False), ("available", True), ("failed", True)):

        def show(call: Call, state: str = state) -> AWSResponse | None:
            return answer(call, 200, body.format(state)) if call.operation == "DescribeImages" else None

        moto_stage.world.wire.heal()
        moto_stage.world.wire.rule(show)
        [fact] = of_parts(moto_stage, QuestionKind.SNAPSHOTS_OF_IMAGE, "ami-0a1b2c3d")
        assert fact == Found(complete=complete)


def test_what_vpcs_are_born_with_is_told_in_three_calls(moto_stage: MotoStage) -> None:
    ec2 = moto_stage.world.ec2(moto_stage.spokes[0], HOME)
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in range(3)]
    own_table = ec2.create_route_table(VpcId=vpcs[1])["RouteTable"]["RouteTableId"]
    own_acl = ec2.create_network_acl(VpcId=vpcs[1])["NetworkAcl"]["NetworkAclId"]
    own_group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpcs[1])["GroupId"]
    moto_stage.world.wire.clear()
    facts = of_parts(moto_stage, QuestionKind.PARTS_OF_VPC, *vpcs, "vpc-00000000000000bad")
    assert sum(moto_stage.world.wire.counts[f"Describe{kind}"] for kind in KINDS_OF_VPC) == len(KINDS_OF_VPC)
    assert facts.pop() == Absent()
    for number, fact in enumerate(facts):
        found = parts(fact)
        assert sorted(name for name, _ in found) == ["ec2:network-acl", "ec2:route-table", "ec2:security-group"]
        assert not {own_table, own_acl, own_group}.intersection(id_ for _, id_ in found)
        assert isinstance(fact, Found)
        assert fact.complete
        # Where there is another table, that one may have been made the main one.
        assert {part.replaceable for part in fact.parts if part.type == "ec2:route-table"} == {number == 1}


KINDS_OF_VPC = ("SecurityGroups", "RouteTables", "NetworkAcls")


@pytest.mark.parametrize("operation", [f"Describe{kind}" for kind in KINDS_OF_VPC])
def test_a_part_that_may_not_be_read_makes_the_whole_answer_unavailable(moto_stage: MotoStage, operation: str) -> None:
    vpc = moto_stage.world.ec2(moto_stage.spokes[0], HOME).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    moto_stage.world.wire.fail(operation, "UnauthorizedOperation", 403)
    [fact] = of_parts(moto_stage, QuestionKind.PARTS_OF_VPC, vpc)
    assert isinstance(fact, Unavailable)
    assert fact.outcome is OutcomeKind.FORBIDDEN


def test_the_interfaces_of_nat_gateways_are_told_in_one_call(moto_stage: MotoStage) -> None:
    ec2 = moto_stage.world.ec2(moto_stage.spokes[0], HOME)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = [
        ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
        for _ in range(2)
    ]
    shown = {nat_gateway["NatGatewayId"]: nat_gateway for nat_gateway in ec2.describe_nat_gateways()["NatGateways"]}
    moto_stage.world.wire.clear()
    facts = of_parts(moto_stage, QuestionKind.INTERFACES_OF_NAT_GATEWAY, *made, "nat-00000000000000bad")
    assert moto_stage.world.wire.counts["DescribeNatGateways"] == 1
    assert facts.pop() == Absent()
    for id_, fact in zip(made, facts, strict=True):
        [address] = shown[id_]["NatGatewayAddresses"]
        assert parts(fact) == [("ec2:network-interface", address["NetworkInterfaceId"])]


@pytest.mark.parametrize("token", ["*", "?", "b*", "b?d", "a\\*", "\\", "bed", "x" * 64])
def test_a_token_finds_its_own_launch_only_whatever_is_in_it(stage: Stage, token: str) -> None:
    account = stage.spokes[0]
    _, own = stage.launch(account, token=token)
    for other in ("bad", "*?", "a\\b", "plain"):
        stage.launch(account, token=other)
    question = by_token(account, token)
    assert ids(stage.lookups.find([question])[question]) == set(own)


def test_what_is_not_there_is_absent(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.launch(account, token="here")
    asked = [
        by_reservation(account, "r-00000000000000bad"),
        by_token(account, "nobody's"),
        tags_question(account, "i-00000000000000bad"),
    ]
    assert stage.lookups.find(asked) == dict.fromkeys(asked, Absent())


def test_the_same_question_elsewhere_finds_nothing_of_here(stage: Stage) -> None:
    here, there = stage.spokes
    reservation, launched = stage.launch(here, token="token")
    write_tags(stage, here, launched[0], {"owner": "alice"})
    asked = [
        question
        for account, region in [(there, HOME), (here, "us-east-1")]
        for question in (
            by_reservation(account, reservation, region),
            by_token(account, "token", region),
            tags_question(account, launched[0], region),
        )
    ]
    assert stage.lookups.find(asked) == dict.fromkeys(asked, Absent())
    for account, region in [(there, HOME), (here, "us-east-1")]:
        assert stage.lookups.present(account, region, lookup("ec2:instance"), launched) == set()


def test_tags_are_found_by_resource(stage: Stage) -> None:
    account = stage.spokes[0]
    write_tags(stage, account, "i-00000000000000001", {"owner": "alice", "team": ""})
    write_tags(stage, account, "i-00000000000000002", {"owner": "bob"})
    first, second = tags_question(account, "i-00000000000000001"), tags_question(account, "i-00000000000000002")
    assert stage.lookups.find([first, second]) == {
        first: Found(tags={"owner": "alice", "team": ""}),
        second: Found(tags={"owner": "bob"}),
    }


def test_each_of_more_than_200_questions_has_its_own_answer(stage: Stage) -> None:
    account = stage.spokes[0]
    launches = dict(stage.launch(account) for _ in range(3))
    missing = [by_reservation(account, f"r-{number:017x}") for number in range(0x1000, 0x1000 + 450)]
    asked = [*(by_reservation(account, launch) for launch in launches), *missing]
    facts = stage.lookups.find(reversed(asked))
    assert set(facts) == set(asked)
    assert {question.value: list(ids(facts[question])) for question in asked[:3]} == launches
    assert all(facts[question] == Absent() for question in missing)


def test_present_says_which_ids_exist(stage: Stage) -> None:
    account = stage.spokes[0]
    reservation, launched = stage.launch(account, count=2)
    question = by_reservation(account, reservation)
    fact = stage.lookups.find([question])[question]
    assert isinstance(fact, Found)
    volumes = {volume.id for instance in fact.instances for volume in instance.volumes}
    interfaces = {interface.id for instance in fact.instances for interface in instance.interfaces}
    for name, there, missing in [
        ("ec2:instance", set(launched), "i-00000000000000bad"),
        ("ec2:volume", volumes, "vol-00000000000000bad"),
        ("ec2:network-interface", interfaces, "eni-00000000000000bad"),
    ]:
        assert stage.lookups.present(account, HOME, lookup(name), [*there, missing]) == there
    assert stage.lookups.present(account, HOME, lookup("ec2:instance"), []) == set()


def test_forbidden_is_unavailable_and_never_absent_or_empty(stage: Stage) -> None:
    account = stage.spokes[0]
    reservation, launched = stage.launch(account, token="token")
    stage.deny()
    asked = [by_reservation(account, reservation), by_token(account, "token"), tags_question(account, launched[0])]
    facts = stage.lookups.find(asked)
    assert set(facts) == set(asked)
    for fact in facts.values():
        assert isinstance(fact, Unavailable)
        assert fact.outcome is OutcomeKind.FORBIDDEN
        assert "UnauthorizedOperation" in fact.reason
    present = stage.lookups.present(account, HOME, lookup("ec2:instance"), launched)
    assert present == Failure("UnauthorizedOperation", 403)


# --- the real one: filters, pages, calls


def test_a_call_takes_200_values_and_no_more(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    asked = [by_reservation(account, f"r-{number:017x}") for number in range(401)]
    moto_stage.lookups.find(asked)
    described = [call for call in moto_stage.world.wire.calls if call.operation == "DescribeInstances"]
    assert [len(call.values("Filter.1.Value")) for call in described] == [200, 200, 1]


def test_one_chunk_that_fails_is_unavailable_and_the_others_are_answered(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    asked = [by_reservation(account, f"r-{number:017x}") for number in range(401)]
    moto_stage.world.wire.fail("DescribeInstances", "NobodyKnowsThis", times=1)
    facts = moto_stage.lookups.find(asked)
    assert [type(facts[question]) for question in asked] == [Unavailable] * 200 + [Absent] * 201


def test_after_a_throttle_no_more_is_asked_in_that_account_and_region(moto_stage: MotoStage) -> None:
    [slow, fast] = moto_stage.spokes
    asked = [
        by_reservation(account, f"r-{number:017x}", region)
        for number in range(401)
        for account, region in [(slow, HOME), (slow, "us-east-1"), (fast, HOME)]
    ]
    moto_stage.world.wire.fail(
        "DescribeInstances", "RequestLimitExceeded", 503, when=lambda call: (call.account, call.region) == (slow, HOME)
    )
    facts = moto_stage.lookups.find(asked)
    assert set(facts) == set(asked)
    unavailable = {question for question, fact in facts.items() if isinstance(fact, Unavailable)}
    assert unavailable == {question for question in asked if (question.account, question.region) == (slow, HOME)}
    calls = per_place(moto_stage.world.wire.calls)
    assert calls["DescribeInstances", slow, HOME] == 1
    assert calls["DescribeInstances", slow, "us-east-1"] == calls["DescribeInstances", fast, HOME] == 3


def test_every_page_is_read(moto_stage: MotoStage) -> None:
    """A page of moto holds as many reservations as one of EC2 holds instances."""
    account = moto_stage.spokes[0]
    launches = dict(moto_stage.launch(account) for _ in range(7))

    def small_pages(call: Call) -> None:
        if call.operation == "DescribeInstances":
            call.send_instead(call.parameters | {"MaxResults": "3"})

    moto_stage.world.wire.rule(small_pages)
    asked = [by_reservation(account, launch) for launch in launches]
    facts = moto_stage.lookups.find(asked)
    assert {question.value: list(ids(facts[question])) for question in asked} == launches
    assert moto_stage.world.wire.counts["DescribeInstances"] == 3


def test_tags_on_a_second_page_are_read(moto_stage: MotoStage) -> None:
    """moto's DescribeTags has no pages, so both are made up."""

    def page(call: Call) -> AWSResponse | None:
        if call.operation != "DescribeTags":
            return None
        first = "NextToken" not in call.parameters
        key = "first" if first else "second"
        more = "<nextToken>more</nextToken>" if first else ""
        item = (
            f"<item><resourceId>i-00000000</resourceId><resourceType>instance</resourceType>"
            f"<key>{key}</key><value>x</value></item>"
        )
        return answer(call, 200, f"<DescribeTagsResponse><tagSet>{item}</tagSet>{more}</DescribeTagsResponse>")

    moto_stage.world.wire.rule(page)
    question = tags_question(moto_stage.spokes[0], "i-00000000")
    assert moto_stage.lookups.find([question]) == {question: Found(tags={"first": "x", "second": "x"})}


def test_a_second_page_that_fails_makes_the_whole_answer_unavailable(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    launches = dict(moto_stage.launch(account) for _ in range(5))

    def small_pages(call: Call) -> None:
        if call.operation == "DescribeInstances":
            call.send_instead(call.parameters | {"MaxResults": "3"})

    moto_stage.world.wire.rule(small_pages)
    moto_stage.world.wire.fail(
        "DescribeInstances", "UnauthorizedOperation", 403, when=lambda call: "NextToken" in call.parameters
    )
    facts = moto_stage.lookups.find([by_reservation(account, launch) for launch in launches])
    assert all(isinstance(fact, Unavailable) for fact in facts.values())


def test_without_time_nothing_is_asked_and_nothing_is_absent(moto_stage: MotoStage) -> None:
    sessions = Sessions(moto_stage.world.session, role_name=ROLE, region=HOME, now=Clock(), config=ONCE)
    lookups = Ec2(sessions, expired=lambda: True)
    question = by_reservation(moto_stage.spokes[0], "r-0000000000000aaaa")
    assert isinstance(lookups.find([question])[question], Unavailable)
    assert isinstance(lookups.present(moto_stage.spokes[0], HOME, lookup("ec2:instance"), ["i-00000000"]), Failure)
    assert not moto_stage.world.wire.calls


def test_one_role_is_assumed_for_all_regions_of_an_account(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    asked = [by_reservation(account, "r-0000000000000aaaa", region) for region in (HOME, "us-east-1", "ap-southeast-2")]
    moto_stage.lookups.find(asked)
    assert moto_stage.world.wire.counts == {"AssumeRole": 1, "DescribeInstances": 3}
    assert moto_stage.world.wire.calls[0].parameters["RoleArn"] == f"arn:aws:iam::{account}:role/{ROLE}"
    assert moto_stage.world.wire.calls[0].region == HOME
