"""Changes of the organization go one after another, and end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.rollout.deploy.organization_calls import LATER, PAUSES, OrganizationCalls


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "AttachPolicy")


class Refusing:
    """A change that is refused so often, and then goes well."""

    def __init__(self, code: str, times: int) -> None:
        self.left = times
        self.calls = 0
        self._code = code

    def __call__(self) -> None:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise refusal(self._code)


def calls() -> tuple[OrganizationCalls, list[float]]:
    waited: list[float] = []
    return OrganizationCalls(None, waited.append), waited


def ignore(_: str) -> None:
    pass


@pytest.mark.parametrize("code", sorted(LATER))
def test_a_change_that_is_to_come_later_comes_later(code: str) -> None:
    changes, waited = calls()
    change = Refusing(code, 3)
    told: list[str] = []
    changes.run(change, told.append)
    assert (change.calls, waited) == (4, [1, 2, 4])
    assert told[0] == f"Organizations says {code}: again in 1 s"


def test_it_ends_after_two_minutes() -> None:
    changes, waited = calls()
    change = Refusing("ConcurrentModificationException", 100)
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        changes.run(change, ignore)
    assert waited == list(PAUSES)
    assert sum(waited) == 120


@pytest.mark.parametrize("code", ["AccessDeniedException", "ConstraintViolationException", "PolicyNotFoundException"])
def test_another_refusal_is_not_repeated(code: str) -> None:
    changes, waited = calls()
    change = Refusing(code, 100)
    with pytest.raises(ClientError, match=code):
        changes.run(change, ignore, "PolicyNotAttachedException")
    assert (change.calls, waited) == (1, [])


def test_what_is_there_already_is_done() -> None:
    changes, _ = calls()
    changes.run(Refusing("DuplicatePolicyAttachmentException", 1), ignore, "DuplicatePolicyAttachmentException")


def test_two_never_run_at_once() -> None:
    """Eight threads that would all meet in a change, if they could: the barrier breaks for each of them."""
    changes, _ = calls()
    met, lock = Barrier(2), Lock()
    alone: list[bool] = []

    def change() -> None:
        try:
            met.wait(0.05)
        except BrokenBarrierError:
            met.reset()
            with lock:
                alone.append(True)
        else:
            with lock:
                alone.append(False)

    def one(_: Any) -> None:
        changes.run(change, ignore)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert alone == [True] * 8


class FakeOrganizations:
    """The few operations, in memory, as the API reference words them."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}

    def create_policy(self, **given: str) -> None:
        if given["Name"] in self.policies:
            raise refusal("DuplicatePolicyException")
        self.policies[given["Name"]] = given["Content"]

    def update_policy(self, **given: str) -> None:
        self.policies[given["PolicyId"]] = given["Content"]

    def get_paginator(self, _: str) -> FakeOrganizations:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"Policies": [{"Name": name, "Id": name} for name in self.policies]}]


@pytest.mark.parametrize("there", [False, True], ids=["new", "made by another run"])
def test_a_policy_ends_with_our_content(there: bool) -> None:
    organizations = FakeOrganizations()
    if there:
        organizations.policies["ownertag"] = "older"
    OrganizationCalls(organizations, lambda _: None).put_policy("ownertag", "ours", None, ignore)
    assert organizations.policies == {"ownertag": "ours"}
