"""Which tool for infrastructure as code made a call, by its record; pure.

A userAgent is never evidence of who owns something, since anybody can send any. Here it only says whom to talk to, and
which of its settings makes the tool leave our tags alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ownertag.core.records import Record

#: Tools, and how the user agent of each begins or what it holds (the tools' own documentation and sources).
_USER_AGENTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Pulumi", re.compile(r"\bpulumi", re.IGNORECASE)),
    ("Crossplane", re.compile(r"\b(crossplane|upjet)", re.IGNORECASE)),
    ("AWS Load Balancer Controller", re.compile(r"elbv2\.k8s\.aws", re.IGNORECASE)),
    ("Terraform or OpenTofu", re.compile(r"HashiCorp|\b(terraform|opentofu)", re.IGNORECASE)),
    ("CloudFormation or CDK", re.compile(r"cloudformation\.amazonaws\.com|^CloudFormation", re.IGNORECASE)),
)
CLOUDFORMATION = "cloudformation.amazonaws.com"

#: What makes each tool leave tags alone that it did not write; `docs/how-to/terraform.md` says more of the first.
LEAVE_ALONE: Mapping[str, str] = {
    "Terraform or OpenTofu": (
        "`ownertag render terraform-ignore-tags` prints the ignore_tags for its provider; take our keys out of its tags"
    ),
    "CloudFormation or CDK": (
        "take our keys out of the stacks' tags and templates; some types remove foreign tags at each update (ECR "
        "repositories, KMS keys), and are written again by the next reconcile"
    ),
    "Pulumi": "give its provider `ignoreTags` as an object with `keys`: in an array they are ignored silently",
    "Crossplane": "its AWS provider has no setting for foreign tags: do not name our keys in its resources",
    "AWS Load Balancer Controller": "list our keys in `--external-managed-tags`",
}
NO_TOOL = "talk to them, or name them in protection.break_glass"


def iac_tool(record: Record) -> str:
    """The tool's name; empty where the record does not look like one."""
    if record.identity and record.identity.invoked_by == CLOUDFORMATION:
        return "CloudFormation or CDK"
    agent = record.user_agent or ""
    return next((tool for tool, pattern in _USER_AGENTS if pattern.search(agent)), "")
