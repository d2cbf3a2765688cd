"""The hub's and the spokes' templates, read as far as a fault asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as texts."""


_Template.add_multi_constructor("!", lambda _loader, tag, node: f"!{tag} {node.value}")


def resources(name: str) -> dict[str, Any]:
    """The resources of a template, by their names."""
    text = (ROOT / "infra" / name / "template.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.load(text, _Template)["Resources"]  # noqa: S506 - a SafeLoader
    return found
