"""From settings and credentials to what should be there and what is: all that is read before something is decided."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from ownertag.aws.credentials import CallerSession
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.render.infra import check_deployable
from ownertag.rollout.deploy.clients import ACCESS_ROLE, Clients
from ownertag.rollout.deploy.current import OrganizationCheck, read_current
from ownertag.rollout.deploy.desired import Desired, desired
from ownertag.rollout.deploy.package import Package
from ownertag.rollout.deploy.values import Current


class Prepared(Struct, frozen=True):
    """What a plan is made from, and the clients that carry it out."""

    clients: Clients
    settings: Settings
    desired: Desired
    current: Current


def prepare(
    session: CallerSession,
    settings: Settings,
    where: str,
    package: Package,
    *,
    access_role: str = ACCESS_ROLE,
) -> Prepared:
    """Check where the credentials lead, and read what is there.

    Args:
        session: Of the management account.
        settings: What should be deployed.
        where: The settings' file, for messages.
        package: The function's zip.
        access_role: The role to assume in the hub's account.

    Raises:
        SettingsError: The settings can't be deployed, or are another organization's; nothing was changed.
        DeployError: Something can't be read; the text names the account and the permission.
    """
    organization = check_deployable(settings, where)
    clients = Clients(session, organization, access_role=access_role)
    place = OrganizationCheck(clients, organization, where)
    place.check()
    root = place.root()
    wanted = desired(load_catalogue(), settings, organization, package, place.enabled_regions(), root["Id"])
    return Prepared(clients, settings, wanted, read_current(clients, wanted, root))


#: Stands where no package is needed: what is taken away is found by the stacks' names.
NO_PACKAGE = Package(Path(), "none", "")
