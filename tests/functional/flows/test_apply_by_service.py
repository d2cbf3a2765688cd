"""Writes of several services: what one of them fails at, wholly or for single resources, costs the others nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from harness.events import CATALOGUE, HOME, SETTINGS
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeLookups
from harness.tag_apis import all_tag_apis
from ownertag.core.values import Failure, Outcome, Resource, Write, WriteResult
from ownertag.flows.apply import apply_writes
from ownertag.flows.ports import Ports

A = "111111111111"
RDS, QUEUE, MANY = "rds.AddTagsToResource", "sqs.TagQueue", "resourcegroupstaggingapi.TagResources"
EVERY = replace(CATALOGUE, tag_apis=all_tag_apis())
TAGS = (("owner", "alice"), ("WhatIsThis", "made by a test"))


class Answering:
    """Answers writes by their tag API, and keeps them."""

    def __init__(self, answers: Mapping[str, list[WriteResult]]) -> None:
        self._answers = {api: list(answers) for api, answers in answers.items()}
        self.writes: list[Write] = []

    def write(self, write: Write) -> WriteResult:
        self.writes.append(write)
        answers = self._answers.get(write.tag_api)
        return answers.pop(0) if answers else None


def arn(name: str) -> str:
    return f"arn:aws:sqs:{HOME}:{A}:{name}"


def write(api: str, *names: str, tags: tuple[tuple[str, str], ...] = TAGS) -> Write:
    return Write(A, HOME, api, tags, tuple(Resource(arn(name), name, "sqs:queue") for name in names))


def applied(tagger: Answering, *writes: Write, old: bool = True) -> dict[str, Outcome]:
    aws = FakeAws()
    ports = Ports(FakeAccounts({A}), FakeLookups(aws), tagger, Clock())
    ages = {resource.arn: timedelta(hours=old) for write in writes for resource in write.resources}
    return apply_writes(writes, ages, ports, EVERY, SETTINGS)


def kinds(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {arn.rpartition(":")[2]: outcome.kind.value for arn, outcome in outcomes.items()}


def test_one_throttled_service_does_not_stop_the_others_of_the_account() -> None:
    tagger = Answering({RDS: [Failure("Throttling", 400)]})
    outcomes = applied(tagger, write(RDS, "one"), write(RDS, "two"), write(QUEUE, "three"))
    assert kinds(outcomes) == {"one": "throttled", "two": "throttled", "three": "tagged"}
    assert [write.tag_api for write in tagger.writes] == [RDS, QUEUE]


def test_single_resources_fail_by_themselves() -> None:
    failed = {arn("two"): Failure("ResourceNotFoundException"), arn("three"): Failure("AccessDeniedException")}
    tagger = Answering({MANY: [failed]})
    outcomes = applied(tagger, write(MANY, "one", "two", "three"))
    assert kinds(outcomes) == {"one": "tagged", "two": "gone", "three": "forbidden"}
    assert len(tagger.writes) == 1


def test_a_single_resource_that_is_young_comes_back() -> None:
    tagger = Answering({MANY: [{arn("two"): Failure("ResourceNotFoundException")}]})
    outcomes = applied(tagger, write(MANY, "one", "two"), old=False)
    assert kinds(outcomes) == {"one": "tagged", "two": "not-ready"}
    assert outcomes[arn("two")].is_retried


def test_a_single_resource_without_room_gets_its_owner_alone() -> None:
    tagger = Answering({MANY: [{arn("two"): Failure("TooManyTagsException")}]})
    outcomes = applied(tagger, write(MANY, "one", "two"))
    assert kinds(outcomes) == {"one": "tagged", "two": "tagged"}
    assert tagger.writes[1:] == [write(MANY, "two", tags=TAGS[:1])]
    assert "owner alone" in outcomes[arn("two")].reason


def test_a_single_resource_that_is_throttled_holds_the_rest_of_its_service_back() -> None:
    tagger = Answering({MANY: [{arn("one"): Failure("ThrottlingException")}]})
    outcomes = applied(tagger, write(MANY, "one", "two"), write(MANY, "three"), write(QUEUE, "four"))
    assert kinds(outcomes) == {"one": "throttled", "two": "tagged", "three": "throttled", "four": "tagged"}


def test_what_can_never_be_tagged_is_done() -> None:
    tagger = Answering({RDS: [Failure("NoEndpoint")], QUEUE: [Failure("ResourceTypeNotSupportedException", 400)]})
    outcomes = applied(tagger, write(RDS, "one"), write(QUEUE, "two"))
    assert kinds(outcomes) == {"one": "failed", "two": "failed"}
    assert not any(outcome.is_retried for outcome in outcomes.values())
    assert "not in Region eu-central-1" in outcomes[arn("one")].reason


def test_a_name_server_that_fails_is_no_sign_that_the_service_is_not_there() -> None:
    outcomes = applied(Answering({RDS: [Failure("NoEndpoint", answered=False)]}), write(RDS, "one"))
    assert kinds(outcomes) == {"one": "throttled"}
    assert outcomes[arn("one")].is_retried
