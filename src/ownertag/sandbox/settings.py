"""The settings that the sandbox's organization is deployed with."""

from __future__ import annotations

from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT

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
WhatIsThis = "https://wiki.internal/ownertag"

[[owners]]
match = "ci-deployer"
owner = "team-platform"
"""


def settings_text(organization_id: str) -> str:
    """The file, for an organization of the sandbox's accounts."""
    return SETTINGS.format(id=organization_id, management_account=MANAGEMENT, hub_account=HUB, home_region=HOME_REGION)
