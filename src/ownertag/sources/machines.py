"""Looks up what stands behind machines: an ECS task's service, a CodeBuild build's project, a template's creator.

Sources: ECS API reference, DescribeTasks (at most 100 tasks a call; `group` is `service:NAME` for a service's task) and
ListClusters; CodeBuild API reference, ListBuilds (ids `project:uuid`, the newest first); EC2 API reference,
LaunchTemplate (`createdBy`: "The principal that created the launch template"). That a task's session is named by the
task's id, and a build's `AWSCodeBuild-` and its uuid, is memory.
"""

from __future__ import annotations

from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.arn import last_part, partition_of
from ownertag.core.judge import Remedy, judge, unavailable
from ownertag.core.parents import Parent, Parents
from ownertag.core.values import Absent, Fact, Failure, Found, Unavailable

MAX_TASKS = 100
#: In how many clusters a task is searched whose cluster is not known.
MAX_CLUSTERS = 20


def task_services(
    sessions: Sessions, account: str, region: str, tasks: list[Parent], parents: Parents
) -> dict[Parent, Fact]:
    """The parent of each task that is found: its service, or the task under its full ARN. Others are left out."""

    def use(client: Any) -> list[Any]:
        clusters = {task.id.partition("/")[0] for task in tasks} - {"*"}
        if any(task.id.startswith("*/") for task in tasks):
            pages = client.get_paginator("list_clusters").paginate(PaginationConfig={"MaxItems": MAX_CLUSTERS})
            clusters |= {last_part(arn) for page in pages for arn in page["clusterArns"]}
        found: list[Any] = []
        for cluster in sorted(clusters):
            ids = [task.id.rpartition("/")[2] for task in tasks if task.id.startswith(("*/", f"{cluster}/"))]
            for start in range(0, len(ids), MAX_TASKS):
                found += client.describe_tasks(cluster=cluster, tasks=ids[start : start + MAX_TASKS])["tasks"]
        return found

    shown = sessions.call("ecs", account, region, use)
    if isinstance(shown, Failure):
        return dict.fromkeys(tasks, unavailable(shown, region))
    by_id = {last_part(task["taskArn"]): task for task in shown}
    facts: dict[Parent, Fact] = {}
    for task in tasks:
        known = by_id.get(task.id.rpartition("/")[2])
        if known is None:
            continue
        cluster = last_part(known["clusterArn"])
        name = str(known.get("group", "")).removeprefix("service:") if "service:" in known.get("group", "") else ""
        service = parents.named("ecs-service", f"{cluster}/{name}", partition_of(region), region, account)
        if service:
            facts[task] = Found(parent=service.arn)
        elif known["taskArn"] != task.arn:
            facts[task] = Found(parent=known["taskArn"])
    return facts


#: A build that acts now is among the newest: so many pages of 100 are read.
MAX_PAGES = 3


def build_projects(
    sessions: Sessions, account: str, region: str, builds: list[Parent], parents: Parents
) -> dict[Parent, Fact]:
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
        project = parents.named("codebuild-project", name, partition_of(region), region, account)
        facts[build] = Found(parent=project.arn) if project else Absent()
    return facts


#: DescribeLaunchTemplates takes at most so many ids.
MAX_IDS = 200


def template_creators(
    sessions: Sessions, account: str, region: str, parents: list[Parent]
) -> dict[Parent, str | Unavailable]:
    """The ARN of the principal who made each; one that is gone is left out, and does not cost its siblings."""
    found: dict[Parent, str | Unavailable] = {}
    unread = [parents[start : start + MAX_IDS] for start in range(0, len(parents), MAX_IDS)]
    while unread:
        chunk = unread.pop()

        def use(client: Any, ids: list[str] = [parent.id for parent in chunk]) -> list[Any]:  # noqa: B006 - not changed
            return list(client.describe_launch_templates(LaunchTemplateIds=ids)["LaunchTemplates"])

        templates = sessions.call("ec2", account, region, use)
        if isinstance(templates, Failure):
            judged = judge(templates, None, region)
            if judged.remedy is not Remedy.SPLIT or "NotFound" not in templates.code:
                found |= dict.fromkeys(chunk, unavailable(templates, region))
            elif len(chunk) > 1:
                unread += [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
            continue
        by_id = {template["LaunchTemplateId"]: template.get("CreatedBy") for template in templates}
        found |= {parent: by_id[parent.id] for parent in chunk if by_id.get(parent.id)}
    return found
