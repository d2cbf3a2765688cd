from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from harness.limits.endpoint import Endpoint
from harness.limits.faults import Chances
from harness.limits.fleet import Timing
from harness.limits.protocol import HUB, SECONDS_HEADER, TIME_HEADER, key_of
from harness.limits.server import Server, serving

ACCOUNT, OTHER, REGION = "333333333333", "444444444444", "us-east-1"
START = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()
DISKS = [{"DeviceName": "/dev/sda1"}, {"DeviceName": "/dev/sdb"}]
AT_ONCE = Timing((0, 0), (0, 0), (0, 0))


class Caller:
    """A client's calls at times of the caller's choice, without retries."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.at = START

    def client(self, service: str = "ec2", account: str = ACCOUNT, region: str = REGION, **more: Any) -> Any:
        keys = more.pop("keys", None) or {"aws_access_key_id": key_of(account), "aws_secret_access_key": "none"}
        config = Config(retries={"total_max_attempts": 1}, **more)
        client = boto3.client(service, region_name=region, endpoint_url=self.server.url, config=config, **keys)  # type: ignore[call-overload] # any service
        client.meta.events.register("before-send", self._tell)
        return client

    def launch(self, count: int = 1, **more: Any) -> list[str]:
        answer = self.client().run_instances(
            ImageId="ami-1", MinCount=count, MaxCount=count, BlockDeviceMappings=DISKS, **more
        )
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def _tell(self, request: Any, **_: object) -> None:
        request.headers[TIME_HEADER] = str(self.at)


@contextmanager
def calling(timing: Timing = AT_ONCE, chances: Chances | None = None) -> Iterator[Caller]:
    with serving(Endpoint(7, (ACCOUNT, OTHER), timing, chances or Chances())) as server:
        yield Caller(server)


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(ClientError) as raised:
        call()
    response: Any = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def tags(count: int = 1) -> list[dict[str, str]]:
    return [{"Key": f"key{number}", "Value": "value"} for number in range(count)]


def passed(call: Callable[[], object], limit: int) -> int:
    """How many calls pass until one is refused for its bucket."""
    for number in range(limit):
        try:
            call()
        except ClientError as error:
            if error.response["Error"]["Code"] == "RequestLimitExceeded":
                return number
            raise
    return limit


# --- buckets


def test_an_empty_bucket_refuses_as_ec2_does_and_fills_at_its_rate(caller: Caller) -> None:
    [id_] = caller.launch()
    ec2 = caller.client()

    def tag() -> object:
        return ec2.create_tags(Resources=[id_], Tags=tags())

    assert passed(tag, 200) == 100
    assert refusal(tag) == ("RequestLimitExceeded", 503)
    caller.at += 2
    assert passed(tag, 200) == 20


def test_a_refused_call_takes_no_token(caller: Caller) -> None:
    caller.launch(999)
    assert refusal(lambda: caller.launch(2)) == ("RequestLimitExceeded", 503)
    assert len(caller.launch(1)) == 1


def test_a_launch_takes_a_token_for_each_instance(caller: Caller) -> None:
    assert len(caller.launch(1000)) == 1000
    assert refusal(caller.launch) == ("RequestLimitExceeded", 503)
    caller.at += 5
    assert len(caller.launch(10)) == 10
    assert refusal(caller.launch) == ("RequestLimitExceeded", 503)


def test_launches_are_limited_by_requests_as_well(caller: Caller) -> None:
    assert passed(caller.launch, 20) == 5


def test_ids_do_not_make_a_call_dearer(caller: Caller) -> None:
    ids = caller.launch(1000)
    ec2 = caller.client()
    assert passed(lambda: ec2.create_tags(Resources=ids, Tags=tags()), 3) == 3


def test_reading_all_is_dearer_than_reading_by_a_filter_or_a_page(caller: Caller) -> None:
    ec2 = caller.client()
    filters = [{"Name": "instance-id", "Values": ["i-00000001"]}]
    assert passed(ec2.describe_instances, 300) == 50
    assert passed(lambda: ec2.describe_instances(Filters=filters), 300) == 100
    caller.at += 60
    assert passed(lambda: ec2.describe_instances(MaxResults=5), 300) == 100


@pytest.mark.parametrize(("account", "region"), [(OTHER, REGION), (ACCOUNT, "eu-west-1")])
def test_each_account_and_region_has_buckets_of_its_own(caller: Caller, account: str, region: str) -> None:
    busy, free = caller.client(), caller.client(account=account, region=region)
    assert passed(busy.describe_volumes, 300) == 50
    assert passed(free.describe_volumes, 300) == 50


def test_each_api_has_a_bucket_of_its_own(caller: Caller) -> None:
    ec2 = caller.client()
    assert passed(ec2.describe_volumes, 300) == 50
    assert passed(ec2.describe_instances, 300) == 50


# --- limits that an emulator lets pass


def test_one_unknown_id_fails_the_whole_call(caller: Caller) -> None:
    [id_] = caller.launch()
    ec2 = caller.client()
    unknown = {"i": "InstanceID", "vol": "Volume", "eni": "NetworkInterfaceID"}
    for prefix, name in unknown.items():
        ids = [id_, f"{prefix}-0123456789abcdef0"]
        assert refusal(partial(ec2.create_tags, Resources=ids, Tags=tags())) == (f"Invalid{name}.NotFound", 400)
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"] == []


def test_what_is_in_another_region_is_unknown(caller: Caller) -> None:
    [id_] = caller.launch()
    elsewhere = caller.client(region="eu-west-1")
    assert refusal(lambda: elsewhere.create_tags(Resources=[id_], Tags=tags())) == ("InvalidInstanceID.NotFound", 400)


def test_an_id_that_is_none(caller: Caller) -> None:
    call = caller.client().create_tags
    assert refusal(lambda: call(Resources=["i-xyz"], Tags=tags())) == ("InvalidInstanceID.Malformed", 400)
    assert refusal(lambda: call(Resources=["what"], Tags=tags())) == ("InvalidID", 400)


def test_a_thousand_ids_at_most(caller: Caller) -> None:
    ids = caller.launch(1000)
    assert refusal(lambda: caller.client().create_tags(Resources=[*ids, ids[0]], Tags=tags()))[1] == 400


def test_fifty_tags_at_most_and_an_old_key_still_fits(caller: Caller) -> None:
    [id_] = caller.launch()
    ec2 = caller.client()
    ec2.create_tags(Resources=[id_], Tags=tags(50))
    one_more = [{"Key": "one more", "Value": ""}]
    assert refusal(lambda: ec2.create_tags(Resources=[id_], Tags=one_more)) == ("TagLimitExceeded", 400)
    ec2.create_tags(Resources=[id_], Tags=[{"Key": "key1", "Value": "another"}])


@pytest.mark.parametrize(("key", "value"), [("k" * 129, ""), ("key", "v" * 257), ("aws:key", ""), ("AWS:key", "")])
def test_keys_and_values_that_are_refused(caller: Caller, key: str, value: str) -> None:
    [id_] = caller.launch()
    wrong = [{"Key": key, "Value": value}]
    call = caller.client().create_tags
    assert refusal(lambda: call(Resources=[id_], Tags=wrong)) == ("InvalidParameterValue", 400)


def test_filters_and_their_values_are_limited(caller: Caller) -> None:
    ec2 = caller.client()
    values = [{"Name": "instance-id", "Values": [f"i-{number:08x}" for number in range(201)]}]
    many = [{"Name": "instance-id", "Values": ["i-00000001"]}] * 51
    assert refusal(lambda: ec2.describe_instances(Filters=values)) == ("FilterLimitExceeded", 400)
    many = [{"Name": f"tag:{number}", "Values": ["x"]} for number in range(51)]
    assert refusal(lambda: ec2.describe_instances(Filters=many)) == ("FilterLimitExceeded", 400)


def test_pages_have_5_to_1000_and_do_not_go_with_ids(caller: Caller) -> None:
    [id_] = caller.launch()
    call = caller.client().describe_instances
    assert refusal(lambda: call(MaxResults=4)) == ("InvalidParameterValue", 400)
    assert refusal(lambda: call(MaxResults=1001)) == ("InvalidParameterValue", 400)
    assert refusal(lambda: call(MaxResults=5, InstanceIds=[id_])) == ("InvalidParameterCombination", 400)


def test_deleting_no_tag_deletes_every_tag(caller: Caller) -> None:
    [id_] = caller.launch()
    ec2 = caller.client()
    ec2.create_tags(Resources=[id_], Tags=tags(3))
    ec2.delete_tags(Resources=[id_], Tags=[{"Key": "key0"}, {"Key": "key1", "Value": "another"}])
    assert [tag["Key"] for tag in ec2.describe_tags()["Tags"]] == ["key1", "key2"]
    ec2.delete_tags(Resources=[id_])
    assert ec2.describe_tags()["Tags"] == []


# --- time


def test_what_was_launched_is_not_to_be_seen_at_once() -> None:
    with calling(Timing((2, 2), (3, 3), (9, 9))) as caller:
        [id_] = caller.launch(ClientToken="token")
        ec2 = caller.client()
        filters = [{"Name": "client-token", "Values": ["token"]}]
        assert ec2.describe_instances(Filters=filters)["Reservations"] == []
        assert refusal(lambda: ec2.describe_instances(InstanceIds=[id_])) == ("InvalidInstanceID.NotFound", 400)
        assert refusal(lambda: ec2.create_tags(Resources=[id_], Tags=tags())) == ("InvalidInstanceID.NotFound", 400)
        caller.at += 2
        [reservation] = ec2.describe_instances(Filters=filters)["Reservations"]
        assert [instance["InstanceId"] for instance in reservation["Instances"]] == [id_]


def test_volumes_attach_later_and_then_the_instance_runs() -> None:
    with calling(Timing((0, 0), (3, 3), (9, 9))) as caller:
        [id_] = caller.launch()
        ec2 = caller.client()
        filters = [{"Name": "attachment.instance-id", "Values": [id_]}]

        def seen() -> tuple[str, int, int]:
            instance = ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0]
            volumes = ec2.describe_volumes(Filters=filters)["Volumes"]
            return instance["State"]["Name"], len(instance["BlockDeviceMappings"]), len(volumes)

        assert seen() == ("pending", 0, 0)
        caller.at += 3
        assert seen() == ("pending", 2, 2)
        caller.at += 6
        assert seen() == ("running", 2, 2)


def test_credentials_expire(caller: Caller) -> None:
    role = f"arn:aws:iam::{OTHER}:role/auto-tag-role"
    sts = caller.client("sts", HUB, "eu-central-1")
    given = sts.assume_role(RoleArn=role, RoleSessionName="ownertag", DurationSeconds=900)["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    ec2 = caller.client(keys=keys)
    ec2.describe_instances()
    assert caller.server.endpoint.trace[-1].account == OTHER
    caller.at += 901
    assert refusal(ec2.describe_instances) == ("RequestExpired", 400)
    assert given["Expiration"] == datetime.fromtimestamp(START, UTC) + timedelta(seconds=900)


def test_a_role_of_a_stranger_is_denied(caller: Caller) -> None:
    sts = caller.client("sts", HUB)
    role = "arn:aws:iam::999999999999:role/auto-tag-role"
    assert refusal(lambda: sts.assume_role(RoleArn=role, RoleSessionName="ownertag")) == ("AccessDenied", 403)


def test_an_unknown_key_is_refused(caller: Caller) -> None:
    keys = {"aws_access_key_id": "AKIA0000000000000000", "aws_secret_access_key": "none"}
    assert refusal(lambda: caller.client(keys=keys).describe_instances()) == ("AuthFailure", 401)


# --- faults


def test_aws_fails_and_nothing_was_done() -> None:
    with calling(chances=Chances(error=1)) as caller:
        assert refusal(caller.launch) == ("InternalError", 500)
        assert caller.server.endpoint.fleet.everything((ACCOUNT, REGION)) == []


@pytest.mark.parametrize(("chances", "launched"), [(Chances(reset=1), 0), (Chances(lost=1), 1)])
def test_the_connection_is_reset_before_or_after_it_was_done(chances: Chances, launched: int) -> None:
    with calling(chances=chances) as caller:
        with pytest.raises((ConnectionClosedError, ConnectionError)):
            caller.launch()
        assert len(caller.server.endpoint.fleet.everything((ACCOUNT, REGION))) == launched


def test_a_slow_answer_is_slow_or_says_so() -> None:
    with calling(chances=Chances(slow=1, slow_seconds=2)) as caller:
        answer = caller.client().describe_instances()
        assert float(answer["ResponseMetadata"]["HTTPHeaders"][SECONDS_HEADER]) > 2
        client = boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=caller.server.url,
            aws_access_key_id=key_of(ACCOUNT),
            aws_secret_access_key="none",
            config=Config(read_timeout=0.3, retries={"total_max_attempts": 1}),
        )
        begun = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            client.describe_instances()
        assert time.monotonic() - begun < 2


def test_the_records_of_launches_name_what_was_launched(caller: Caller) -> None:
    launched = caller.launch(2)
    [record] = caller.server.endpoint.records
    made: Any = record["responseElements"]
    assert [instance["instanceId"] for instance in made["instancesSet"]["items"]] == launched
    asked: Any = record["requestParameters"]
    assert asked["instancesSet"]["items"][0]["imageId"] == "ami-1"


def test_the_same_seed_and_calls_give_the_same() -> None:
    def run(seed: int) -> tuple[list[str], list[object], object]:
        endpoint = Endpoint(seed, (ACCOUNT,), Timing(), Chances(error=0.3))
        with serving(endpoint) as server:
            other = Caller(server)
            ids = []
            for number in range(5):
                try:
                    ids += other.launch(ClientToken=str(number))
                except ClientError:
                    ids.append("failed")
            records = [
                (record["eventID"], record["eventTime"], record["responseElements"]) for record in endpoint.records
            ]
            return ids, list(endpoint.trace), records

    assert run(1) == run(1)
    assert run(1) != run(2)
