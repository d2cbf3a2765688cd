"""The settings that the sandbox's organization is deployed with."""

from __future__ import annotations

import json

from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, REGIONS

SETTINGS = """\
# The settings of the sandbox's organization, as `ownertag sandbox` wrote them.
[organization]
id = "{id}"
management_account = "{management_account}"
hub_account = "{hub_account}"
home_region = "{home_region}"
regions = {regions}
units = ["{unit}"]

[hub]
alarm_email = "security@example.com"

[tags]
owner = "{{owner}}"
dateCreated = "{{created_at}}"
WhatIsThis = "https://wiki.internal/ownertag"

[[owners]]
match = "ci-deployer"
owner = "team-platform"
"""


def settings_text(organization_id: str, unit: str) -> str:
    """The file, for an organization of the sandbox's accounts and its unit of members."""
    return SETTINGS.format(
        id=organization_id,
        unit=unit,
        management_account=MANAGEMENT,
        hub_account=HUB,
        home_region=HOME_REGION,
        regions=json.dumps(REGIONS),
    )
