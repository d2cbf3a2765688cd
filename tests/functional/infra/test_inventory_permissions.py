"""The calls of an inventory against the audit role's managed policies: none is denied, and no action is idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, TypeVar

import botocore.session
import pytest

from derive import models
from derive.reference import FOLDER
from derive.tag_apis import action
from harness.fixtures import ACCOUNT, catalogue
from ownertag.catalogue.lists import shipped_lists
from ownertag.core.backfill.found import Unlisted
from ownertag.render.audit import BOUND, audit_policies
from ownertag.render.documents import compact, filled
from ownertag.sources.inventory import AwsInventory

T = TypeVar("T")
REGION = "us-east-1"
#: Where the authorization reference has no action of the operation's name (doc: service authorization
#: reference, Amazon S3; Amazon Keyspaces, "Identity-based policy examples": its lists are tables of the system).
OTHERWISE = {
    ("keyspaces", "ListKeyspaces"): "cassandra:Select",
    ("keyspaces", "ListTables"): "cassandra:Select",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
}
#: What the SDK asks by itself before it calls Timestream (doc: Timestream, "The endpoint discovery pattern").
BY_SDK = {"timestream:DescribeEndpoints"}
#: What others stand in, and what is read of each alone.
THERE: dict[tuple[str, str], Any] = {
    ("athena", "ListWorkGroups"): {"WorkGroups": [{"Name": "reports"}]},
    ("codedeploy", "ListApplications"): {"applications": ["web"]},
    ("ec2", "DescribeSubnets"): {"Subnets": [{"SubnetId": "subnet-0a1b2c3d", "OwnerId": ACCOUNT}]},
    ("ecs", "ListClusters"): {"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web"]},
    ("eks", "ListClusters"): {"clusters": ["web"]},
    ("eks", "ListFargateProfiles"): {"fargateProfileNames": ["web"]},
    ("eks", "ListNodegroups"): {"nodegroups": ["web"]},
    ("events", "ListEventBuses"): {
        "EventBuses": [{"Name": "orders", "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/orders"}]
    },
    ("iam", "ListRoles"): {"Roles": [{"Path": "/", "Arn": f"arn:aws:iam::{ACCOUNT}:role/web"}]},
    ("iam", "ListUsers"): {"Users": [{"Arn": f"arn:aws:iam::{ACCOUNT}:user/ann"}]},
    ("ivs", "ListChannels"): {"channels": [{"arn": f"arn:aws:ivs:{REGION}:{ACCOUNT}:channel/abcdABCDefgh"}]},
    ("keyspaces", "ListKeyspaces"): {
        "keyspaces": [
            {"resourceArn": f"arn:aws:cassandra:{REGION}:{ACCOUNT}:/keyspace/orders/", "keyspaceName": "orders"}
        ]
    },
    ("kms", "ListKeys"): {"Keys": [{"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}]},
}  # fmt: skip


class AnsweringSessions:
    """Clients of the SDK that check a call's parameters, and get an answer that is made up."""

    def __init__(self) -> None:
        self.calls: set[tuple[str, str]] = set()
        self._session = botocore.session.Session()

    def call(self, service: str, account: str, region: str, use: Callable[[Any], T]) -> T:
        assert account == ACCOUNT
        client = self._session.create_client(
            service, region, aws_access_key_id="testing", aws_secret_access_key="testing"
        )  # fmt: skip

        def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
            self.calls.add((service, model.name))
            return SimpleNamespace(status_code=200), THERE.get((service, model.name), {})

        events: Any = client.meta.events  # a handler may answer
        events.register(f"before-call.{client.meta.service_model.service_id.hyphenize()}", answer)
        return use(client)


@pytest.fixture(scope="module")
def calls() -> set[tuple[str, str]]:
    """All calls of an inventory, of a place where each list has what others stand in."""
    sessions: Any = AnsweringSessions()
    everything = list(AwsInventory(sessions, catalogue()).resources(ACCOUNT, REGION))
    unlisted = [one for one in everything if isinstance(one, Unlisted) and not one.lasting]
    assert unlisted == []
    return set(sessions.calls)


def allowed() -> Iterator[str]:
    for document in audit_policies(catalogue(), shipped_lists()).values():
        for statement in document["Statement"]:
            actions = statement["Action"]
            yield from [actions] if isinstance(actions, str) else actions


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the service authorization reference is not installed")
def test_each_call_is_allowed_and_each_action_is_used(calls: set[tuple[str, str]]) -> None:
    of_global = {("globalaccelerator", "ListAccelerators"), ("networkmanager", "DescribeGlobalNetworks")}
    needed = {
        OTHERWISE.get((client, name)) or action(client, models.operation(client, name))
        for client, name in calls | of_global  # which record in another Region
    }
    assert needed | BY_SDK == set(allowed())


def test_every_type_has_a_list_or_says_why_not() -> None:
    lists = shipped_lists()
    assert lists.keys() == catalogue().types.keys()
    assert all(entry.none or (entry.client and entry.action) for entry in lists.values())
    without = {name for name, entry in lists.items() if entry.none}
    assert len(without) <= 6, without


def test_what_reads_more_than_lists_is_bound_to_them() -> None:
    for document in audit_policies(catalogue(), shipped_lists()).values():
        anywhere = [each for each in document["Statement"] if each["Resource"] == "*"]
        assert not set(BOUND) & {action for statement in anywhere for action in statement["Action"]}
        assert not any("*" in action for statement in anywhere for action in statement["Action"])


def test_the_policies_fit_in_every_partition() -> None:
    values = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "1" * 12}
    found = audit_policies(catalogue(), shipped_lists())
    assert 1 <= len(found) <= 10
    assert all(len(compact(filled(document, values))) <= 6144 for document in found.values())
