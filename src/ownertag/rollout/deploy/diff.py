"""How a text differs from another, and policies in a form that can be compared."""

from __future__ import annotations

import json
from difflib import unified_diff


def pretty(policy: str | None) -> str:
    """A policy in a normal form that a person can read; empty if there is none."""
    return json.dumps(json.loads(policy), indent=2, sort_keys=True) if policy else ""


def diff_of(old: str, new: str, what: str) -> str:
    """The unified diff of two texts; empty if they are equal."""
    lines = unified_diff(old.splitlines(), new.splitlines(), f"{what} now", f"{what} then", lineterm="", n=2)
    return "\n".join(lines)
