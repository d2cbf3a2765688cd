"""The service control policies: what members of the organization may not do, whatever their own administrators allow.

They bind every principal of the accounts under the units that they are attached to, their root users among them. They
do not bind the management account, service-linked roles, and callers from outside of the organization (doc: AWS
Organizations, "SCP effects on permissions"). `docs/explanation/policies.md` says what each condition is for.

`tags` says what may not be done to tags, by the tier of each action; `machinery` what may not be done to what writes
them; `pack` puts the statements into as few policies as take them.
"""

from __future__ import annotations

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.tiers import TagActions
from ownertag.render.documents import PolicyDocument
from ownertag.render.scp.machinery import machinery
from ownertag.render.scp.statements import packed
from ownertag.render.scp.tags import kept_tags

__all__ = ["service_control_policies"]


def service_control_policies(
    catalogue: Catalogue, actions: TagActions, settings: Settings
) -> tuple[PolicyDocument, ...]:
    """What members may not do: remove or forge the tags, or disable what writes them.

    Args:
        catalogue: For the services whose tags are written, and for the creations whose brought tags are overwritten.
        actions: What AWS's reference says of each action that changes tags.
        settings: For the keys, the roles that are exempt, the identity providers, and the sizes.

    Returns:
        One policy or more: all of them have to be attached.

    Raises:
        TooLong: They need more room than the settings allow.
    """
    return packed([*kept_tags(catalogue, actions, settings), *machinery(settings)], settings.protection)
