"""Deploys ownertag into the sandbox by the steps of `ownertag deploy apply`, with settings made for it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import boto3

from ownertag.aws.credentials import CallerSession
from ownertag.core.settings_file import read_settings
from ownertag.rollout.deploy.current import prepare
from ownertag.rollout.deploy.execute import execute
from ownertag.rollout.deploy.package import read_package
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.package.build import SETTINGS
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, REGIONS


def deploy(session: boto3.Session, endpoint_url: str, settings: Path, package: Path) -> None:
    """Deploys what these settings ask for.

    Args:
        session: Of the management account.
        endpoint_url: The sandbox's.
        settings: The file.
        package: The function's zip, with these settings in it.

    Raises:
        RuntimeError: A step failed.
    """
    text = settings.read_text("utf-8")
    ready = prepare(
        CallerSession(session, endpoint_url),
        read_settings(text, str(settings)),
        str(settings),
        read_package(package, text),
    )
    steps = to_apply(ready.desired, ready.current)
    done = execute(steps, ready.clients, ready.desired.organization, lambda *_: None, lambda _: None)
    if failed := [result.failed for result in done if result.failed]:
        raise RuntimeError("; ".join(failed))


def write_package(path: Path, settings: str) -> None:
    """A package of the settings alone: the sandbox runs its own code."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(SETTINGS), settings)


SETTINGS_TEMPLATE = """\
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

[protection]
units = ["{unit}"]

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
    return SETTINGS_TEMPLATE.format(
        id=organization_id,
        unit=unit,
        management_account=MANAGEMENT,
        hub_account=HUB,
        home_region=HOME_REGION,
        regions=json.dumps(REGIONS),
    )
