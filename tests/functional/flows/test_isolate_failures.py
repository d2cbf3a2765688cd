"""A fault of ours that one message brings about: the others are done, and it comes back with the line that raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from flows.hub import A, B
from harness.events import CATALOGUE, HOME, SETTINGS, messages, record, volume, volume_id
from harness.fakes import Budget, FakeAccounts, FakeAws, FakeTagger, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.fairness import AGAIN
from ownertag.core.findings import TamperFinding
from ownertag.core.values import Write
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.live import handle
from ownertag.flows.ports import Ports
from ownertag.flows.result import Result, Unexpected

SECRET = "a token that stands in the record"


class Broken(FakeTagger):
    """Raises what no adapter may raise, for these volumes."""

    def __init__(self, aws: FakeAws, *ids: str) -> None:
        super().__init__(aws)
        self._ids = ids

    def write(self, write: Write) -> None:
        if any(resource.id in self._ids for resource in write.resources):
            raise ZeroDivisionError(SECRET)
        super().write(write)


def ports(aws: FakeAws, *ids: str, ledger: MemoryLedger | None = None) -> Ports:
    return replace(fake_ports(aws, FakeAccounts({A, B}), ledger=ledger or MemoryLedger()), tagger=Broken(aws, *ids))


def volumes(count: int, user: str = "alice") -> list[dict[str, object]]:
    return [volume(A, volume_id(number), number=number, user=user) for number in range(count)]


@pytest.mark.parametrize("at", [0, 41, 99])
def test_one_of_a_hundred_comes_back_with_the_line_and_the_others_are_done(at: int) -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    answer = handle(messages(*volumes(100)), ports(aws, volume_id(at), ledger=ledger), CATALOGUE, SETTINGS)
    assert {done.message.id for done in answer.done} == {f"m{number}" for number in range(100)} - {f"m{at}"}
    [back] = answer.returned
    assert back.reasons[0].startswith("failed: unexpected ZeroDivisionError at flows/apply.py:")
    assert SECRET not in str(back.reasons)
    assert isinstance(back.result, Unexpected)
    assert not any(isinstance(done.result, Unexpected) for done in answer.done)
    assert sum(bool(tags) for tags in aws.places[A, HOME].tags.values()) == 99
    redelivered = handle([back.message], ports(aws, ledger=ledger), CATALOGUE, SETTINGS)
    assert len(redelivered.done) == 1
    assert len(aws.places[A, HOME].tags) == 100


def test_where_all_raise_all_come_back() -> None:
    aws = FakeAws()
    answer = handle(messages(*volumes(20)), ports(aws, *map(volume_id, range(20))), CATALOGUE, SETTINGS)
    assert len(answer.returned) == 20
    assert all(isinstance(returned.result, Unexpected) for returned in answer.returned)


def test_a_tampering_that_raises_costs_no_other_message() -> None:
    def tampering(number: int) -> dict[str, object]:
        request = {"resourcesSet": {"items": [{"resourceId": volume_id(number)}]}}
        request["tagSet"] = {"items": [{"key": "owner", "value": "mallory"}]}
        return record("CreateTags", A, HOME, {"_return": True}, request, number=900 + number)

    class Raising:
        def publish(self, findings: Sequence[TamperFinding]) -> list[None]:
            if any(volume_id(2) in finding.resource for finding in findings):
                raise KeyError(SECRET)
            return [None] * len(findings)

    aws = FakeAws()
    given = replace(ports(aws), findings=Raising())
    batch = messages(*volumes(2), *(tampering(number) for number in range(4)))
    answer = handle(batch, given, CATALOGUE, SETTINGS)
    assert [returned.message.id for returned in answer.returned] == ["m4"]
    assert answer.returned[0].reasons[0].startswith("failed: unexpected KeyError at flows/")


def test_no_try_begins_once_there_is_no_time() -> None:
    tries: list[int] = []

    def work(items: Sequence[str]) -> list[Result]:
        tries.append(len(items))
        raise ZeroDivisionError

    names = [str(number) for number in range(64)]
    found = isolate_failures(names, work, str, Budget(3))
    assert [result.where for result in found] == names
    assert all(result.is_retried for result in found)
    assert tries == [64, 32, 16, 8]


def test_nothing_is_no_work() -> None:
    def work(_: Sequence[str]) -> list[Result]:
        raise AssertionError

    assert isolate_failures([], work, str, lambda: False) == []


def test_what_comes_for_the_third_time_is_done_after_the_others() -> None:
    aws = FakeAws()
    receives = (AGAIN, 1, 16, AGAIN - 1)
    made = messages(*(volume(A, volume_id(number), number=number, user=f"user{number}") for number in range(4)))
    batch = [msgspec.structs.replace(message, receives=count) for message, count in zip(made, receives, strict=True)]
    answer = handle(batch, ports(aws), CATALOGUE, SETTINGS)
    assert len(answer.done) == 4
    written = [call.values[0] for call in aws.calls if call.name == "ec2.CreateTags"]
    assert set(written[:2]) == {volume_id(1), volume_id(3)}
    assert set(written[2:]) == {volume_id(0), volume_id(2)}
