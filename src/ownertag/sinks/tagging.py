"""Carries out writes by the tag APIs that the catalogue names, or nothing in a dry run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.values import Failure, Write


def _ec2_create_tags(client: Any, write: Write) -> None:
    client.create_tags(
        Resources=[resource.id for resource in write.resources],
        Tags=[{"Key": key, "Value": value} for key, value in write.tags],
    )


_APIS: dict[str, tuple[str, Callable[[Any, Write], None]]] = {
    "ec2.CreateTags": ("ec2", _ec2_create_tags),
}


class Tagger:
    """Carries out writes with the role of each account."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def write(self, write: Write) -> Failure | None:
        """Makes one call, for all resources of the write or for none. Returns why it failed, or None."""
        service, call = _APIS[write.tag_api]
        return self._sessions.call(service, write.account, write.region, lambda client: call(client, write))


class DryRun:
    """Carries out nothing, and reports success."""

    def write(self, write: Write) -> Failure | None:
        """Writes nothing."""
