"""The hub of the sandbox: the settings it would be deployed with, and the same handler that Lambda runs."""

from __future__ import annotations

from pathlib import Path

import boto3

from ownertag.handler.settings import CONFIG, QUEUE_URL, read_environment
from ownertag.handler.wiring import Handler, Reporter, build

SETTINGS = """\
# The settings of the sandbox's organization, as `ownertag sandbox` wrote them.
[organization]
id = "{id}"
management_account = "{management_account}"
hub_account = "{hub_account}"
home_region = "{home_region}"

[tags]
owner = "{{owner}}"
dateCreated = "{{created_at}}"
WhatIsThis = "https://wiki.example.com/ownertag"

[[owners]]
match = "ci-deployer"
owner = "team-platform"
"""


def build_hub(
    folder: Path,
    *,
    organization_id: str,
    management_account: str,
    hub_account: str,
    home_region: str,
    queue_url: str,
    endpoint_url: str,
    session: boto3.Session,
    report: Reporter,
) -> Handler:
    """Write the settings into a folder, read them back as Lambda would, and build the handler."""
    path = folder / "ownertag.toml"
    text = SETTINGS.format(
        id=organization_id,
        management_account=management_account,
        hub_account=hub_account,
        home_region=home_region,
    )
    path.write_text(text, "utf-8")
    variables = {CONFIG: str(path), QUEUE_URL: queue_url, "AWS_ENDPOINT_URL": endpoint_url}
    return build(read_environment(variables), session, report)
