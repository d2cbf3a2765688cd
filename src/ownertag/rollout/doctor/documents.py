"""Whether two policies say the same, however AWS writes them down."""

from __future__ import annotations

import json
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same: the order of entries does not count, nor that a list has one entry only."""
    return bool(_canonical(one) == _canonical(other))


def statements(document: Any) -> list[Any]:
    """The statements of a policy, of which one alone may stand without a list."""
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _canonical(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _canonical(value) for key, value in sorted(node.items())}
    if isinstance(node, list | tuple):
        entries = sorted({json.dumps(_canonical(item), sort_keys=True) for item in node})
        return json.loads(entries[0]) if len(entries) == 1 else entries
    # IAM takes true and "true", 1 and "1" for the same.
    return json.dumps(node) if isinstance(node, bool | int) else node
