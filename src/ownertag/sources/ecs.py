"""What a task belongs to: its service, or the call that ran it.

Source: ECS API reference, DescribeTasks (at most 100 tasks a call; `group` is `service:NAME` for a service's task), and
ListClusters. That a task's session is called by the task's id is memory.
"""

from __future__ import annotations

from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import unavailable
from ownertag.core.parents import Parent, parent
from ownertag.core.records import partition_of
from ownertag.core.values import Fact, Failure, Found

MAX_TASKS = 100
#: In how many clusters a task is searched whose cluster is not known.
MAX_CLUSTERS = 20


def services(sessions: Sessions, account: str, region: str, tasks: list[Parent]) -> dict[Parent, Fact]:
    """The parent of each task that is found: its service, or the task under its full ARN. Others are left out."""

    def use(client: Any) -> list[Any]:
        clusters = {each.id.partition("/")[0] for each in tasks} - {"*"}
        if any(each.id.startswith("*/") for each in tasks):
            pages = client.get_paginator("list_clusters").paginate(PaginationConfig={"MaxItems": MAX_CLUSTERS})
            clusters |= {arn.rpartition("/")[2] for page in pages for arn in page["clusterArns"]}
        found: list[Any] = []
        for cluster in sorted(clusters):
            ids = [each.id.rpartition("/")[2] for each in tasks if each.id.startswith(("*/", f"{cluster}/"))]
            for start in range(0, len(ids), MAX_TASKS):
                found += client.describe_tasks(cluster=cluster, tasks=ids[start : start + MAX_TASKS])["tasks"]
        return found

    shown = sessions.call("ecs", account, region, use)
    if isinstance(shown, Failure):
        return dict.fromkeys(tasks, unavailable(shown, region))
    by_id = {each["taskArn"].rpartition("/")[2]: each for each in shown}
    facts: dict[Parent, Fact] = {}
    for task in tasks:
        known = by_id.get(task.id.rpartition("/")[2])
        if known is None:
            continue
        cluster = known["clusterArn"].rpartition("/")[2]
        name = str(known.get("group", "")).removeprefix("service:") if "service:" in known.get("group", "") else ""
        service = parent("ecs-service", f"{cluster}/{name}", partition_of(region), region, account)
        if service:
            facts[task] = Found(parent=service.arn)
        elif known["taskArn"] != task.arn:
            facts[task] = Found(parent=known["taskArn"])
    return facts
