"""Invokes the hub's function for an operator, so that the operator needs no tagger role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ownertag.cli.options import Exit, Options, fail
from ownertag.cli.sessions import at_hub

if TYPE_CHECKING:
    from ownertag.core.settings import OrganizationSettings

FUNCTION = "ownertag"
#: Lambda's code for an answer beyond its quota of 6 MB (Lambda developer guide, quotas).
TOO_LARGE = "Function.ResponseSizeTooLarge"


class AnswerTooLarge(Exception):
    """The function did the work, but its response is larger than Lambda returns."""


_Given = TypeVar("_Given")


def results_in_place(
    hub: HubFunction,
    given: Sequence[_Given],
    order: Callable[[Sequence[_Given]], Mapping[str, Any]],
    name: Callable[[_Given], str],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the function answers for each of these: (its place, the result).

    Too long an answer is asked for in halves; no work is done twice.

    Args:
        hub: The function.
        given: What the order is about.
        order: The order for a part of it.
        name: What one is called, for messages.
    """
    try:
        answer = hub.ask(order(given), "results")
    except AnswerTooLarge:
        if len(given) == 1:
            fail(f"{name(given[0])}: it is done, but what became of it is more than Lambda hands out", Exit.FINDINGS)
        middle = len(given) // 2
        yield from results_in_place(hub, given[:middle], order, name)
        for place, result in results_in_place(hub, given[middle:], order, name):
            yield middle + place, result
        return
    for result in answer["results"]:
        yield int(result["where"]), result


class HubFunction:
    """The hub's function, and the caller's ARN.

    Args:
        options: The credentials: of the hub's account, allowed to invoke its function.
        organization: The hub's account and its Region.
        attempts: How often to ask where no answer comes.
        function: The function's name.
        patience: How many seconds it may take.
    """

    def __init__(
        self,
        options: Options,
        organization: OrganizationSettings,
        attempts: int = 1,
        function: str = FUNCTION,
        patience: int = 200,
    ) -> None:
        from botocore.config import Config

        # The function may take its time.
        patient = Config(read_timeout=patience, retries={"total_max_attempts": attempts, "mode": "standard"})
        session, caller = at_hub(options, organization)
        self.caller: str = caller.arn
        self._function = function
        self._lambda = session.client("lambda", config=patient)

    def start(self, order: Mapping[str, Any]) -> None:
        """Has an order carried out without waiting for it; the command ends where that can't be asked for."""
        from ownertag.aws.errors import AWS_ERRORS

        try:
            self._lambda.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(order))
        except AWS_ERRORS as error:
            fail(f"the hub's function {self._function} can't be invoked: {error}", Exit.UNREACHABLE)

    def ask(self, order: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Returns the answer, which has this key; the command ends where there is none.

        Raises:
            AnswerTooLarge: The answer is larger than Lambda returns.
        """
        from ownertag.aws.errors import AWS_ERRORS

        try:
            answer = self._lambda.invoke(FunctionName=self._function, Payload=json.dumps(order))
        except AWS_ERRORS as error:
            fail(f"the hub's function {self._function} can't be invoked: {error}", Exit.UNREACHABLE)
        decoded = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or not isinstance(decoded, dict) or decoded.get(key) is None:
            if isinstance(decoded, dict) and decoded.get("errorType") == TOO_LARGE:
                raise AnswerTooLarge
            text = (
                decoded.get("errorMessage") or decoded.get("detail") or decoded
                if isinstance(decoded, dict)
                else decoded
            )
            fail(f"the hub's function {self._function} failed: {text}; its log says more", Exit.UNREACHABLE)
        return decoded
