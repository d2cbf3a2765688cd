"""SQS's own move, over answers in the forms of its API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ownertag.core.values import Failure
from ownertag.rollout.redrive.move_task import MOST_LOOKS, MoveTask, move

SOURCE, DESTINATION = "arn:aws:sqs:eu-central-1:1:ownertag-dead-letters", "arn:aws:sqs:eu-central-1:1:ownertag"
FORBIDDEN, ALREADY = Failure("AccessDenied", 403), Failure("InvalidParameterValue", 400)


def task(status: str, moved: int = 0, started: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "Status": status,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": 5,
        "StartedTimestamp": started,
        **more,
    }


class _Refused(Exception):
    pass


class FakeSqs:
    """Lists one task after another, the last for ever; None where there is none, or a failure."""

    def __init__(self, *listed: dict[str, Any] | Failure | None, start: Failure | None = None) -> None:
        self._listed = list(listed)
        self._start = start
        self.begun: list[dict[str, str]] = []

    def list_message_move_tasks(self, **_: Any) -> Any:
        found = self._listed.pop(0) if len(self._listed) > 1 else self._listed[0]
        return found if isinstance(found, Failure) else {"Results": [found] if found else []}

    def start_message_move_task(self, **given: str) -> Any:
        self.begun.append(given)
        return self._start or {"TaskHandle": "handle"}

    def call(self, use: Callable[[Any], Any]) -> Any:
        """What AWS answers; a failure where it refuses."""
        taken: list[Failure] = []

        class Client:
            def __getattr__(_, name: str) -> Any:  # noqa: N805 - the outer one is meant by self
                def operation(**given: Any) -> Any:
                    answer = getattr(self, name)(**given)
                    if isinstance(answer, Failure):
                        taken.append(answer)
                        raise _Refused
                    return answer

                return operation

        try:
            return use(Client())
        except _Refused:
            return taken[0]


def moved(sqs: FakeSqs, waits: int = 100) -> tuple[MoveTask | Failure, list[int]]:
    told: list[int] = []
    left = iter([True] * waits)
    return move(sqs.call, SOURCE, DESTINATION, lambda task: told.append(task.moved), lambda: next(left, False)), told


def test_a_task_is_begun_with_the_destination_named_and_followed_to_its_end() -> None:
    sqs = FakeSqs(None, task("RUNNING", 2), task("COMPLETED", 5))
    done, told = moved(sqs)
    assert sqs.begun == [{"SourceArn": SOURCE, "DestinationArn": DESTINATION}]
    assert (done, told) == (MoveTask("COMPLETED", 5, 5, "", 2), [2, 5])


@pytest.mark.parametrize("status", ["RUNNING", "CANCELLING"])
def test_a_task_that_runs_already_is_followed_and_none_is_begun(status: str) -> None:
    sqs = FakeSqs(task(status, 1), task("COMPLETED", 5))
    assert moved(sqs)[0] == MoveTask("COMPLETED", 5, 5, "", 2)
    assert sqs.begun == []


def test_a_task_that_somebody_begins_at_the_same_moment_is_followed() -> None:
    done, _ = moved(FakeSqs(None, task("RUNNING", 1), task("COMPLETED", 5), start=ALREADY))
    assert done == MoveTask("COMPLETED", 5, 5, "", 2)


@pytest.mark.parametrize("refused", [FORBIDDEN, ALREADY, Failure("UnsupportedOperation", 400)])
def test_where_none_can_be_begun_and_none_runs_that_is_the_answer(refused: Failure) -> None:
    assert moved(FakeSqs(task("COMPLETED", 3, started=1), start=refused))[0] == refused


def test_an_older_task_that_is_still_listed_is_not_taken_for_the_new_one() -> None:
    older = task("COMPLETED", 9, started=1)
    done, told = moved(FakeSqs(older, older, older, task("COMPLETED", 5, started=2)))
    assert (done, told) == (MoveTask("COMPLETED", 5, 5, "", 2), [5])


def test_a_task_that_is_never_listed_is_no_success() -> None:
    assert moved(FakeSqs(None))[0] == Failure("NotListed", 200)
    assert MOST_LOOKS < 100


def test_a_task_that_failed_says_why() -> None:
    done, _ = moved(FakeSqs(None, task("FAILED", 1, FailureReason="CouldNotDetermineMessageSource")))
    assert done == MoveTask("FAILED", 1, 5, "CouldNotDetermineMessageSource", 2)


def test_where_tasks_may_not_be_listed_that_is_the_answer() -> None:
    assert moved(FakeSqs(FORBIDDEN))[0] == FORBIDDEN


def test_whoever_no_longer_waits_learns_that_it_goes_on() -> None:
    done, _ = moved(FakeSqs(None, task("RUNNING", 2)), waits=0)
    assert isinstance(done, MoveTask)
    assert done.runs
