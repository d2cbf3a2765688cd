"""What other teams need: a Terraform block that leaves our tags alone, and a page that says what they are."""

from __future__ import annotations

import json

from ownertag.core.settings import Settings


def terraform_ignore_tags(settings: Settings) -> str:
    """The `ignore_tags` block for an AWS provider: without it Terraform takes our tags away at each apply."""
    keys = ", ".join(json.dumps(key) for key in settings.tags)
    return f'provider "aws" {{\n  ignore_tags {{\n    keys = [{keys}]\n  }}\n}}\n'


_MEANS = {
    "{owner}": "the person or team that the resource belongs to, as far as it is known",
    "{created_at}": "when it was created",
    "{date}": "the day on which it was created",
    "{principal}": "who called AWS to create it",
    "{account}": "the account it is in",
    "{region}": "the Region it is in",
    "{event_name}": "the call that created it",
    "{event_id}": "CloudTrail's number for that call",
    "{evidence}": "by which rule the owner was named",
    "{confidence}": "how sure the owner is",
}


def why_page(settings: Settings) -> str:
    """A page, in Markdown, for the person who finds the tags and wonders."""
    lines = [
        "# What is this tag?",
        "",
        "These tags were written by **ownertag**, which the security team runs for the whole organization. When",
        "something misbehaves at night, they say whom to ask.",
        "",
        "| tag | says |",
        "|---|---|",
    ]
    for key, template in settings.tags.items():
        means = [text for field, text in _MEANS.items() if field in template]
        lines.append(f"| `{key}` | {'; '.join(means) or 'where to read this page'} |")
    lines += [
        "",
        "## Do I have to do anything?",
        "",
        "No. The tags come by themselves, shortly after a resource is created, and change nothing about it. They",
        f"cost nothing and use up {len(settings.tags)} of the 50 tags that a resource may have.",
        "",
        "## May I change or remove them?",
        "",
        "No: a policy of the organization keeps them as they are, so that they can be relied on. If the owner is",
        "wrong, tell the security team, who can set it right.",
        "",
        "## Terraform wants to remove them",
        "",
        "Tell the AWS provider to leave them alone:",
        "",
        "```hcl",
        terraform_ignore_tags(settings).rstrip(),
        "```",
    ]
    return "\n".join(lines) + "\n"
