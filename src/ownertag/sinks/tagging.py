"""Carries out writes by the tag APIs that the catalogue names, or nothing in a dry run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore import xform_name

from ownertag.aws.sessions import Sessions
from ownertag.core.catalogue_types import TagApi
from ownertag.core.judge import is_hopeless, is_without_endpoint
from ownertag.core.tag_parameters import failures_in, removing, writing
from ownertag.core.values import Failure, Write, WriteResult

#: How long a call that can't succeed is not made again: where the service is not in the Region, or tags no such thing.
REST = timedelta(hours=1)
#: How many such calls are remembered.
MOST_REMEMBERED = 10_000
#: The failure where no call removes single tags.
REMOVES_ALL = Failure("RemovesAllTags")
#: What can't be written to: a client in a Region, or an ARN.
_Key = tuple[str, str] | str


class Tagger:
    """Carries out writes with the role of each account.

    Args:
        sessions: Where the clients come from.
        apis: The catalogue's tag APIs, by name.
        now: Gives the time, with a time zone.
    """

    def __init__(self, sessions: Sessions, apis: Mapping[str, TagApi], now: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._apis = apis
        self._now = now
        self._hopeless: dict[_Key, tuple[Failure, datetime]] = {}

    def write(self, write: Write) -> WriteResult:
        """Makes one call, for all resources of the write or for none. Returns what failed, or None."""
        api = self._apis[write.tag_api]
        before = self._remembered(api, write)
        if before is not None:
            return before
        operation = xform_name(api.operation)

        def use(client: Any) -> Any:
            return getattr(client, operation)(**writing(api, write))

        answer = self._sessions.call(api.client, write.account, write.region, use)
        result = answer if isinstance(answer, Failure) else failures_in(api, write, answer) or None
        for key, failure in _by_key(api, write, result).items():
            if is_hopeless(failure):
                self._remember(key, failure)
        return result

    def _remembered(self, api: TagApi, write: Write) -> Failure | None:
        """Why it can't succeed, if that was found out lately. Of several resources the call itself tells which."""
        keys: list[_Key] = [(api.client, write.region)]
        if len(write.resources) == 1:
            keys.append(write.resources[0].arn)
        for key in keys if self._hopeless else ():
            failure, at = self._hopeless.get(key, (None, None))
            if failure and at and self._now() - at < REST:
                return failure
        return None

    def _remember(self, key: _Key, failure: Failure) -> None:
        self._hopeless.pop(key, None)  # so that the oldest come first
        self._hopeless[key] = failure, self._now()
        if len(self._hopeless) > MOST_REMEMBERED:
            del self._hopeless[next(iter(self._hopeless))]


def _by_key(api: TagApi, write: Write, result: WriteResult) -> Mapping[_Key, Failure]:
    """Of what a failure is one: of the service in the Region, or of a resource. Of one of several nobody knows yet."""
    if not isinstance(result, Failure):
        return dict((result or {}).items())
    if is_without_endpoint(result):
        return {(api.client, write.region): result}
    return {write.resources[0].arn: result} if len(write.resources) == 1 else {}


class TagRemover:
    """Removes the keys of writes, with the role of each account, and leaves all other tags.

    Args:
        sessions: Gives where the clients come from, when it is first needed; what they are bound by lets nothing else
            through.
        apis: The catalogue's tag APIs, by name.
    """

    def __init__(self, sessions: Callable[[], Sessions], apis: Mapping[str, TagApi]) -> None:
        self._sessions = sessions
        self._apis = apis

    def write(self, write: Write) -> WriteResult:
        """Makes one call that removes the keys. Returns what failed, or None.

        A call that would remove all tags is not made.
        """
        api = self._apis[write.tag_api]
        remove = api.remove
        if remove is None or not remove.keys or not write.tags:
            return REMOVES_ALL
        operation, parameters = xform_name(remove.operation), removing(api, remove, write)

        def use(client: Any) -> Any:
            return getattr(client, operation)(**parameters)

        answer = self._sessions().call(api.client, write.account, write.region, use)
        return answer if isinstance(answer, Failure) else failures_in(api, write, answer) or None


class DryRun:
    """Carries out nothing, and reports success."""

    def write(self, write: Write) -> Failure | None:
        """Writes nothing."""
