"""Who made a launch template: EC2 keeps it for as long as the template is there.

Source: EC2 API reference, LaunchTemplate (`createdBy`: "The principal that created the launch template").
"""

from __future__ import annotations

from typing import Any

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import Remedy, judge
from ownertag.core.parents import Parent
from ownertag.core.values import Failure, Unavailable

#: DescribeLaunchTemplates takes at most so many ids.
MAX_IDS = 200


def creators(sessions: Sessions, account: str, region: str, parents: list[Parent]) -> dict[Parent, str | Unavailable]:
    """The ARN of the principal who made each; one that is gone is left out, and does not cost its siblings."""
    found: dict[Parent, str | Unavailable] = {}
    left = [parents[start : start + MAX_IDS] for start in range(0, len(parents), MAX_IDS)]
    while left:
        chunk = left.pop()

        def use(client: Any, ids: list[str] = [each.id for each in chunk]) -> list[Any]:  # noqa: B006 - not changed
            return list(client.describe_launch_templates(LaunchTemplateIds=ids)["LaunchTemplates"])

        templates = sessions.call("ec2", account, region, use)
        if isinstance(templates, Failure):
            judged = judge(templates, None, region)
            if judged.remedy is not Remedy.SPLIT or "NotFound" not in templates.code:
                found |= dict.fromkeys(chunk, Unavailable(judged.outcome, judged.reason))
            elif len(chunk) > 1:
                left += [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
            continue
        by_id = {each["LaunchTemplateId"]: each.get("CreatedBy") for each in templates}
        found |= {each: by_id[each.id] for each in chunk if by_id.get(each.id)}
    return found
