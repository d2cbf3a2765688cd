"""Every action of AWS that changes tags: derived from the service authorization reference, corrected by hand.

`generated/` is written by `make catalogue` and never edited; `overlay/` wins, and each entry of it has its reason and
its source. Neither is loaded by the function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ownertag.catalogue import coverage
from ownertag.catalogue.files import CatalogueError, read_file, shipped_text
from ownertag.core.tiers import TagAction, TagActions, TagEffect

_DERIVED = "generated/tag_actions.json"
_OVERLAY = "overlay/tag_actions.toml"


class _Derived(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    schema: int
    from_: str
    actions: dict[str, _Action]
    creations: dict[str, dict[str, tuple[str, ...]]]
    inexact: frozenset[str] = frozenset()


class _Action(Struct, forbid_unknown_fields=True):
    does: TagEffect
    tag_keys: bool = False
    resource_tag: bool = False
    create_action: bool = False
    any_resource: bool = False
    without_tag_keys: tuple[str, ...] = ()
    without_resource_tag: tuple[str, ...] = ()


class _Entry(Struct, forbid_unknown_fields=True):
    action: str
    reason: str
    source: str
    does: TagEffect | None = None
    tag_keys: bool | None = None
    resource_tag: bool | None = None
    any_resource: bool | None = None
    only_where: str = ""
    leave_out: bool = False


class _TagActionsOverlay(Struct, forbid_unknown_fields=True):
    action: list[_Entry]


@cache
def load_tag_actions() -> TagActions:
    """Returns the actions that ownertag knows; EC2's creations are those of the reference or of EC2's own model."""
    found = read_tag_actions(shipped_text(_DERIVED).encode(), shipped_text(_OVERLAY))
    return replace(
        found, creations={**found.creations, "ec2": _joined(found.creations["ec2"], coverage.read_derived().operations)}
    )


def _joined(*sources: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    names = sorted(set().union(*sources))
    return {name: tuple(sorted(set().union(*(source.get(name, ()) for source in sources)))) for name in names}


def read_tag_actions(derived: bytes, overlay: str) -> TagActions:
    """Returns actions from the derived JSON and the overlay's TOML.

    Raises:
        CatalogueError: One can't be read, or an entry by hand changes nothing or gives no reason.
    """
    try:
        found = msgspec.json.decode(derived, type=_Derived)
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{_DERIVED}: {error}; write it anew with `make catalogue`") from error
    if found.schema != 1:
        raise CatalogueError(f"{_DERIVED}: schema {found.schema} is not 1; write it with `make catalogue`")
    by_hand = read_file(_OVERLAY, overlay, _TagActionsOverlay)
    actions = {
        name: TagAction(
            name,
            action.does,
            action.tag_keys,
            action.resource_tag,
            action.create_action,
            action.any_resource,
            action.without_tag_keys,
            action.without_resource_tag,
        )
        for name, action in found.actions.items()
    }
    named = Counter(entry.action for entry in by_hand.action)
    for entry in by_hand.action:
        where = f"{_OVERLAY}: {entry.action}"
        if not (entry.reason.strip() and entry.source.strip()):
            raise CatalogueError(f"{where}: needs a reason and a source")
        if named[entry.action] > 1:
            raise CatalogueError(f"{where}: stands there twice; join the entries")
        before = actions.pop(entry.action, None)
        if entry.leave_out:
            if before is None:
                raise CatalogueError(f"{where}: is left out already; drop the entry")
            continue
        if before is None and entry.does is None:
            raise CatalogueError(f"{where}: is not derived, so `does` must say what it does")
        start = before or TagAction(entry.action, entry.does or TagEffect.TAG)
        after = replace(
            start,
            does=entry.does or start.does,
            tag_keys=start.tag_keys if entry.tag_keys is None else entry.tag_keys,
            resource_tag=start.resource_tag if entry.resource_tag is None else entry.resource_tag,
            any_resource=start.any_resource if entry.any_resource is None else entry.any_resource,
            only_where=entry.only_where,
        )
        if after == before:
            raise CatalogueError(f"{where}: says what is derived as well; drop the entry")
        actions[entry.action] = replace(after, why=f"{entry.reason} ({entry.source})")
    return TagActions(actions, found.creations, found.from_, found.inexact)
