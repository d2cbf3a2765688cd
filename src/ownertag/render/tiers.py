"""Which actions are in which tier, for people: as text, as JSON, and as a table of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from ownertag.core.rows import Catalogue
from ownertag.core.tiers import SAYS, TagAction, TagActions, Tier


def by_tier(catalogue: Catalogue, actions: TagActions) -> dict[Tier, tuple[str, ...]]:
    """The actions of the catalogue's services in each tier; an action in two tiers stands in both."""
    known = _of_catalogue(catalogue, actions)
    return {tier: tuple(each.name for each in known if tier in each.tiers) for tier in Tier}


def tiers_object(catalogue: Catalogue, actions: TagActions) -> dict[str, Any]:
    """All of it as JSON: the catalogue's services action by action, the others as numbers."""
    return {
        "source": actions.source,
        "actions": [
            {
                "action": each.name,
                "does": each.does.value,
                "tiers": [tier.value for tier in each.tiers],
                "only_where": each.only_where or None,
                "why": each.why or None,
            }
            for each in _of_catalogue(catalogue, actions)
        ],
        "of_all_services": {tier.value: number for tier, number in actions.counts().items()},
    }


def tiers_text(catalogue: Catalogue, actions: TagActions) -> Iterator[str]:
    """Lines of at most 80 columns."""
    counts = actions.counts()
    for tier, names in by_tier(catalogue, actions).items():
        yield f"{tier.value}"
        yield from _wrapped(SAYS[tier])
        yield from (f"    {name}" for name in names)
        yield f"    of all services: {counts[tier]} actions"
    yield f"from {actions.source}"


def tiers_page(catalogue: Catalogue, actions: TagActions) -> str:
    """The table of the documentation, as Markdown."""
    counts = actions.counts()
    held = by_tier(catalogue, actions)
    lines = [
        "| tier | what the policy does | of the catalogue's services | of all services |",
        "|---|---|---|---|",
        *(
            f"| {tier.value} | {SAYS[tier]} | {' '.join(map('`{}`'.format, held[tier])) or 'none'} | {counts[tier]} |"
            for tier in Tier
        ),
    ]
    return "\n".join(lines)


def _of_catalogue(catalogue: Catalogue, actions: TagActions) -> tuple[TagAction, ...]:
    return actions.of({kind.service for kind in catalogue.types.values()})


def _wrapped(text: str) -> Iterator[str]:
    return iter(wrap(text, 78, initial_indent="  ", subsequent_indent="  "))
