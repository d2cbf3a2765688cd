"""Moto's state, saved and restored, so that each test begins with an organization without building it anew."""

from __future__ import annotations

import copyreg
import threading
from copy import deepcopy
from typing import Any

from moto.core.base_backend import BackendDict

# A copy of what holds a lock has a lock of its own.
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))

#: Backends by service, account and Region.
State = list[tuple[BackendDict[Any], dict[str, dict[str, Any]]]]


class Kept:
    """All that moto holds at this moment."""

    def __init__(self) -> None:
        used: list[BackendDict[Any]] = BackendDict._instances  # type: ignore[misc] # moto's own list of all of them
        self._state = _copy([(backend, {name: dict(of) for name, of in backend.items()}) for backend in used])

    def restore(self) -> None:
        """Replaces what moto holds by a copy of it; call it inside `mock_aws`, which begins with nothing."""
        for services, accounts in _copy(self._state):
            for account, regions in accounts.items():
                services[account].update(regions)


def _copy(state: State) -> State:
    """A copy of all backends at once, as they refer to each other; the dicts that hold them are moto's own."""
    memo: dict[int, Any] = {id(services): services for services, _ in state}
    copied = deepcopy(state, memo)
    for services, accounts in copied:
        for backend in (region for regions in accounts.values() for region in regions.values()):
            if services.service_name == "lambda":
                # The copy of a weak dictionary has the values of the original, which nobody keeps.
                functions = backend._lambdas._arns
                functions.update({arn: memo[id(function)] for arn, function in functions.items()})
    return copied
