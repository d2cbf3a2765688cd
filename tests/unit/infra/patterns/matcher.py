"""Whether an event pattern takes an event, by the words of EventBridge's user guide alone ("Event patterns").

A field's filters are alternatives, fields are all demanded, `$or` is one of its patterns; where an event has a list,
one of its values is enough. What the guide does not name is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def takes(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether a pattern takes an event."""
    return all(_field(name, wanted, event) for name, wanted in pattern.items())


def _field(name: str, wanted: Any, event: Any) -> bool:
    if name == "$or":
        if len(wanted) < 2:
            raise ValueError("$or takes two patterns or more")
        return any(takes(pattern, event) for pattern in wanted)
    values = list(_values(event, name))
    if isinstance(
        wanted, Mapping
    ):  # a list of objects is taken if one of them is, none where only absence is asked for
        return any(takes(wanted, value) for value in values) if values else takes(wanted, {})
    if not wanted:
        raise ValueError(f"{name}: an empty list of filters")
    return any(_filter(wanted_value, values) for wanted_value in wanted)


def _values(node: Any, name: str) -> Iterator[Any]:
    for part in node if isinstance(node, list) else [node]:
        if isinstance(part, dict) and name in part:
            yield from part[name] if isinstance(part[name], list) else [part[name]]


def _filter(wanted: Any, values: Sequence[Any]) -> bool:
    leaves = [value for value in values if not isinstance(value, dict)]
    if not isinstance(wanted, dict):
        return wanted in leaves
    [(kind, what)] = wanted.items()
    match kind:
        case "exists":
            return bool(leaves) is what
        case "prefix":
            return any(isinstance(leaf, str) and leaf.startswith(what) for leaf in leaves)
        case "equals-ignore-case":
            return any(isinstance(leaf, str) and leaf.lower() == what.lower() for leaf in leaves)
        case "anything-but":
            refused = what if isinstance(what, list) else [what]
            return any(leaf not in refused for leaf in leaves)
    raise ValueError(f"{kind} is no filter of the guide's")
