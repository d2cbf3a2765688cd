"""ownertag deployed into the sandbox's organization, by the same steps as `ownertag deploy apply`."""

from __future__ import annotations

import zipfile
from pathlib import Path

import boto3

from ownertag.core.settings import read_settings
from ownertag.rollout.deploy.carry_out import carry_out
from ownertag.rollout.deploy.package import read_package
from ownertag.rollout.deploy.prepare import prepare
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.package.build import SETTINGS


def deploy(session: boto3.Session, endpoint_url: str, settings: Path, package: Path) -> None:
    """Deploy what these settings ask for.

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
        session,
        read_settings(text, str(settings)),
        str(settings),
        read_package(package, text),
        endpoint_url=endpoint_url,
    )
    steps = to_apply(ready.desired, ready.current)
    done = carry_out(steps, ready.clients, ready.desired.organization, lambda *_: None, lambda _: None)
    if failed := [each.failed for each in done if each.failed]:
        raise RuntimeError("; ".join(failed))


def write_package(path: Path, settings: str) -> None:
    """A package of the settings alone: the sandbox runs its own code."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(SETTINGS), settings)
