"""The project of a build: a build's session is named after the build alone.

Source: CodeBuild API reference, ListBuilds (ids `project:uuid`, the newest first). That a build's session is called
`AWSCodeBuild-` and the build's uuid is memory.
"""

from __future__ import annotations

from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import unavailable
from ownertag.core.parents import Parent, parent
from ownertag.core.records import partition_of
from ownertag.core.values import Absent, Fact, Failure, Found

#: A build that acts now is among the newest: so many pages of 100 are read.
MAX_PAGES = 3


def projects(sessions: Sessions, account: str, region: str, builds: list[Parent]) -> dict[Parent, Fact]:
    """The project of each build, as a parent."""

    def use(client: Any) -> list[str]:
        pages = client.get_paginator("list_builds").paginate(
            sortOrder="DESCENDING", PaginationConfig={"MaxItems": MAX_PAGES * 100}
        )
        return [id_ for page in pages for id_ in page["ids"]]

    ids = sessions.call("codebuild", account, region, use)
    if isinstance(ids, Failure):
        return dict.fromkeys(builds, unavailable(ids, region))
    by_uuid = {id_.rpartition(":")[2]: id_.rpartition(":")[0] for id_ in ids}
    facts: dict[Parent, Fact] = {}
    for build in builds:
        name = by_uuid.get(build.id.rpartition(":")[2], "")
        project = parent("codebuild-project", name, partition_of(region), region, account)
        facts[build] = Found(parent=project.arn) if project else Absent()
    return facts
