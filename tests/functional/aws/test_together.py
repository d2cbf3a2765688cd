"""Concurrent tasks: they overlap, all are finished before the caller goes on, and an exception is raised."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from contracts.emulated import HOME, ONCE, ROLE, emulated
from harness.fakes import Clock
from ownertag.aws.concurrency import concurrent, sequential
from ownertag.aws.sessions import Sessions


def test_tasks_overlap() -> None:
    meet = threading.Barrier(4, timeout=10)
    concurrent(4)([lambda: (meet.wait(), None)[1]] * 4)  # in turn the first would wait in vain


def test_no_more_than_the_workers_run_at_a_time() -> None:
    running: list[int] = [0]
    limit: list[int] = [0]
    lock = threading.Lock()
    three = threading.Barrier(3)

    def task() -> None:
        with lock:
            running[0] += 1
            limit[0] = max(limit[0], running[0])
        three.wait()
        with lock:
            running[0] -= 1

    concurrent(3)([task] * 21)
    assert limit == [3]


def test_a_fault_is_told_when_all_others_are_finished() -> None:
    done: list[int] = []

    failed = threading.Event()

    def fails() -> None:
        failed.set()
        raise KeyError("one")

    def slow(number: int) -> None:
        failed.wait()
        done.append(number)

    with pytest.raises(KeyError, match="one"):
        concurrent(2)([fails, *(partial(slow, number) for number in range(5))])
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_a_single_task_needs_no_thread() -> None:
    names: list[str] = []
    for concurrency in (sequential, concurrent(2)):
        concurrency([lambda: names.append(threading.current_thread().name)])
    assert names == [threading.current_thread().name] * 2


def test_threads_share_sessions_and_assume_a_role_once() -> None:
    """Starts eight threads for each of two accounts, in several Regions."""
    regions = (HOME, "us-east-1", "us-west-2", "eu-west-1")
    with emulated() as world:
        sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(datetime.now(UTC)), config=ONCE)
        answers: list[Any] = []

        def ask(account: str, region: str) -> None:
            answers.append(
                sessions.call("sts", account, region, lambda client: client.get_caller_identity()["Account"])
            )

        spokes = world.spokes[:2]
        concurrent(16)([partial(ask, account, region) for account in spokes for region in regions for _ in range(2)])
        assert Counter(answers) == dict.fromkeys(spokes, 8)
        assert sum(call.operation == "AssumeRole" for call in world.wire.calls) == 2


def test_one_client_serves_all_accounts_of_a_region_and_none_outside_of_a_call() -> None:
    """A client that was kept signs no call: it must not act in the account of the call before."""
    with emulated() as world:
        sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(datetime.now(UTC)), config=ONCE)
        kept: list[Any] = []

        def ask(client: Any) -> Any:
            kept.append(client)
            return client.get_caller_identity()["Account"]

        for account in world.spokes:
            assert sessions.call("sts", account, HOME, ask) == account
        assert len(set(map(id, kept))) == 1
        with pytest.raises(LookupError):
            kept[0].get_caller_identity()
