"""Tags are written, read and removed by data alone, at each service that moto has: `tagged_services.toml`."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from socket import gaierror
from typing import Any

import jmespath
import pytest
from botocore import xform_name
from botocore.exceptions import EndpointConnectionError

from contracts.conftest import MotoStage
from contracts.emulated import HOME, answer
from harness import fixtures
from harness.fakes import Clock
from harness.tag_apis import all_tag_apis
from ownertag.core.catalogue_types import Catalogue, QuestionKind, ResourceType
from ownertag.core.judge import NO_TIME
from ownertag.core.parents import Parents
from ownertag.core.tag_parameters import filled, reading, tags_in
from ownertag.core.values import Absent, Failure, Found, OutcomeKind, Question, Resource, Unavailable, Write
from ownertag.sinks.tagging import REST, Tagger, TagRemover
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.tags_of_resources import UNKNOWN_TYPE, UNREADABLE, TagsOfResources

APIS = all_tag_apis()
RESOURCES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("tagged_services.toml").read_text("utf-8"))[
    "resource"
]
MADE = [
    pytest.param(one, id=one["api"], marks=pytest.mark.skipif("skip" in one, reason=one.get("skip", "")))
    for one in RESOURCES
]
TAGS = (("owner", "alice"), ("WhatIsThis", "made by a test"))


def call(stage: MotoStage, client: str, region: str, operation: str, parameters: dict[str, Any]) -> Any:
    """Calls as somebody in the account."""
    found = stage.sessions.call(
        client, stage.spokes[0], region, lambda client: getattr(client, xform_name(operation))(**parameters)
    )
    assert not isinstance(found, Failure), (operation, found)
    return found


def made(stage: MotoStage, one: dict[str, Any]) -> tuple[Resource, str]:
    """A resource that somebody made, and its Region."""
    account, region = stage.spokes[0], one.get("region", HOME)
    client = one.get("client") or APIS[one["api"]].client
    fields = {"account": account, "region": region}
    answer: Any = None
    for step in (one["make"], one.get("then")):
        if step:
            answer = call(stage, client, region, step["operation"], filled(step["with"], fields))

    def value(template: str) -> str:
        def part(found: re.Match[str]) -> str:
            return fields.get(found[1]) or str(jmespath.search(found[1], answer))

        return re.sub(r"{([^}]+)}", part, template)

    fields["id"] = value(one.get("id", "")).removeprefix(one.get("strip", "-"))
    arn = value(one["arn"])
    return Resource(arn, fields["id"] or arn.rpartition("/")[2], "any:type"), region


def tags_carried(stage: MotoStage, api_name: str, resource: Resource, region: str) -> dict[str, str]:
    api = APIS[api_name]
    assert api.read
    parameters = reading(api.read, [resource], stage.spokes[0], region)
    return tags_in(api.read, [call(stage, api.client, region, api.read.operation, parameters)])


@pytest.mark.parametrize("one", MADE)
def test_tags_are_written_read_and_removed_by_data(moto_stage: MotoStage, one: dict[str, Any]) -> None:
    stage, api = moto_stage, APIS[one["api"]]
    resource, region = made(stage, one)
    tagger = Tagger(stage.sessions, APIS, Clock())
    first = Write(stage.spokes[0], region, api.name, (("team", "green"), ("owner", "nobody")), (resource,))
    assert tagger.write(first) is None
    write = Write(stage.spokes[0], region, api.name, TAGS, (resource,))
    assert tagger.write(write) is None
    found = tags_carried(stage, api.name, resource, region)
    assert found == {**found, "team": "green", **dict(TAGS)}, "what stood there stays, and ours is written over it"
    assert TagRemover(lambda: stage.sessions, APIS).write(write) is None
    left = tags_carried(stage, api.name, resource, region)
    assert left["team"] == "green"
    assert not left.keys() & dict(TAGS).keys()


def test_twenty_services_and_more() -> None:
    services = {APIS[one["api"]].client for one in RESOURCES if "skip" not in one}
    assert len(services) >= 35


QUEUE = Resource(f"arn:aws:sqs:{HOME}:111111111111:one", "one", "sqs:queue")


def queue_write(stage: MotoStage, *resources: Resource, region: str = HOME) -> Write:
    return Write(stage.spokes[0], region, "sqs.TagQueue", TAGS, resources or (QUEUE,))


def no_address() -> EndpointConnectionError:
    """What botocore raises where the service's host has no address."""
    return EndpointConnectionError(endpoint_url="https://sqs.example", error=gaierror(-2, "Name or service not known"))


def test_a_service_that_is_not_in_the_region_is_tried_once_an_hour(moto_stage: MotoStage) -> None:
    """The SDK's own data knows no such Region for the service, and the name server no such host."""
    clock = Clock()
    tagger = Tagger(moto_stage.sessions, APIS, clock)
    moto_stage.world.wire.fail("TagResource", no_address())
    write = Write(moto_stage.spokes[0], HOME, "networkmanager.TagResource", TAGS, (QUEUE,))
    other = Write(moto_stage.spokes[1], HOME, "networkmanager.TagResource", TAGS, (QUEUE,))
    assert [tagger.write(one) for one in (write, write, other)] == [Failure("NoEndpoint")] * 3
    assert moto_stage.world.wire.counts["TagResource"] == 1
    clock.move(REST)
    tagger.write(write)
    assert moto_stage.world.wire.counts["TagResource"] == 2


def test_a_host_without_an_address_is_no_answer_where_the_service_is_known_to_be(moto_stage: MotoStage) -> None:
    moto_stage.world.wire.fail("TagQueue", no_address())
    tagger = Tagger(moto_stage.sessions, APIS, Clock())
    assert [tagger.write(queue_write(moto_stage)) for _ in range(2)] == [Failure("NoEndpoint", answered=False)] * 2
    assert moto_stage.world.wire.counts["TagQueue"] == 2


def test_a_resource_that_can_not_be_tagged_is_tried_once_an_hour(moto_stage: MotoStage) -> None:
    clock = Clock()
    tagger = Tagger(moto_stage.sessions, APIS, clock)
    moto_stage.world.wire.fail("TagQueue", "ResourceDoesNotSupportTagging", times=1)
    first = tagger.write(queue_write(moto_stage))
    assert first == tagger.write(queue_write(moto_stage))
    assert isinstance(first, Failure)
    assert first.code == "ResourceDoesNotSupportTagging"
    assert moto_stage.world.wire.counts["TagQueue"] == 1
    other = Resource(QUEUE.arn + "-2", "one-2", "sqs:queue")
    tagger.write(queue_write(moto_stage, other))
    clock.move(REST)
    tagger.write(queue_write(moto_stage))
    assert moto_stage.world.wire.counts["TagQueue"] == 3


def test_single_failures_of_a_call_that_succeeded_are_told_by_resource(moto_stage: MotoStage) -> None:
    made(moto_stage, next(one for one in RESOURCES if one["api"] == "sqs.TagQueue"))
    account = moto_stage.spokes[0]
    there, away = (f"arn:aws:sqs:{HOME}:{account}:one", "arn:aws:nothing:eu-central-1:111111111111:two")
    resources = (Resource(there, "one", "sqs:queue"), Resource(away, "two", "any:type"))
    write = Write(account, HOME, "resourcegroupstaggingapi.TagResources", TAGS, resources)
    body = json.dumps({"FailedResourcesMap": {away: {"StatusCode": 400, "ErrorCode": "InvalidParameterException"}}})
    moto_stage.world.wire.rule(lambda call: answer(call, 200, body) if call.operation == "TagResources" else None)
    result = Tagger(moto_stage.sessions, APIS, Clock()).write(write)
    assert result == {away: Failure("InvalidParameterException")}


#: ARNs as AWS documents them.
ARNS = {
    "iam:role": ("arn:{partition}:iam::{account}:role/{id}", "iam.TagRole"),
    "sqs:queue": ("arn:{partition}:sqs:{region}:{account}:{id}", "sqs.TagQueue"),
    "lightsail:Disk": ("arn:{partition}:lightsail:{region}:{account}:Disk/{id}", "lightsail.TagResource"),
}
TYPES = {name: ResourceType(name, name.partition(":")[0], arn, "[a-z/]+", api) for name, (arn, api) in ARNS.items()}
CATALOGUE = Catalogue({}, TYPES, APIS)


def asked(stage: MotoStage, arn: str, region: str = HOME) -> Question:
    return Question(QuestionKind.TAGS, stage.spokes[0], region, arn)


def test_the_tags_of_a_resource_are_asked_by_its_arn(moto_stage: MotoStage) -> None:
    stage = moto_stage
    [queue] = [one for one in RESOURCES if one["api"] == "sqs.TagQueue"]
    [role] = [one for one in RESOURCES if one["api"] == "iam.TagRole"]
    made_queue, made_role = made(stage, queue)[0], made(stage, role)[0]
    tagger = Tagger(stage.sessions, APIS, Clock())
    assert tagger.write(Write(stage.spokes[0], "us-east-1", "iam.TagRole", TAGS, (made_role,))) is None
    lookups = AwsLookups(stage.sessions, fixtures.settings(), Parents(), Clock(), catalogue=CATALOGUE)
    of_role, of_queue = asked(stage, made_role.arn, "us-east-1"), asked(stage, made_queue.arn)
    assert lookups.find([of_role, of_queue]) == {of_role: Found(tags=dict(TAGS)), of_queue: Absent()}


def test_the_tags_of_what_can_not_be_read_are_not_taken_for_none(moto_stage: MotoStage) -> None:
    stage = moto_stage
    account = stage.spokes[0]
    tags = TagsOfResources(stage.sessions, CATALOGUE)
    no_type, no_call = f"arn:aws:sns:{HOME}:{account}:one", f"arn:aws:lightsail:{HOME}:{account}:Disk/one"
    away, late = f"arn:aws:sqs:{HOME}:{account}:away", f"arn:aws:sqs:{HOME}:{account}:late"
    found = [tags.find([asked(stage, arn)])[asked(stage, arn)] for arn in (no_type, no_call, away)]
    assert found[:2] == [UNKNOWN_TYPE, UNREADABLE]
    assert isinstance(found[2], Unavailable)
    assert found[2].outcome is OutcomeKind.NOT_READY
    none_left = TagsOfResources(stage.sessions, CATALOGUE, lambda: True)
    assert none_left.find([asked(stage, late)]) == {asked(stage, late): NO_TIME}


def test_after_a_throttle_its_service_is_asked_no_more_and_others_are(moto_stage: MotoStage) -> None:
    stage = moto_stage
    stage.world.wire.fail("ListQueueTags", "ThrottlingException")
    queues = [asked(stage, f"arn:aws:sqs:{HOME}:{stage.spokes[0]}:{name}") for name in ("one", "two", "three")]
    role = asked(stage, f"arn:aws:iam::{stage.spokes[0]}:role/one")
    facts = TagsOfResources(stage.sessions, CATALOGUE).find([*queues, role])
    assert {fact.outcome for fact in facts.values() if isinstance(fact, Unavailable)} == {
        OutcomeKind.THROTTLED, OutcomeKind.NOT_READY,
    }  # fmt: skip
    assert stage.world.wire.counts["ListQueueTags"] == 1
    assert stage.world.wire.counts["ListRoleTags"] == 1
