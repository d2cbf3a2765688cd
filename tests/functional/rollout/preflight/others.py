"""Policies of somebody else, in the sandbox's organization."""

from __future__ import annotations

import json
from typing import Any

from ownertag.sandbox.personas import MANAGEMENT
from rollout.deploy.console import Console


class Policy:
    """A policy of somebody else, attached to a target, and its type enabled."""

    def __init__(self, console: Console, type_: str, content: dict[str, Any], target: str, name: str) -> None:
        self._console, self._type, self._target = console, type_, target
        self._content, self._name = content, name

    def __enter__(self) -> str:
        with self._console.client(MANAGEMENT, "organizations") as organizations:
            self._root = organizations.list_roots()["Roots"][0]
            if self._type not in {kind["Type"] for kind in self._root["PolicyTypes"]}:
                organizations.enable_policy_type(RootId=self._root["Id"], PolicyType=self._type)
            made = organizations.create_policy(
                Content=json.dumps(self._content), Description="", Name=self._name, Type=self._type
            )
            self._id = str(made["Policy"]["PolicySummary"]["Id"])
            organizations.attach_policy(PolicyId=self._id, TargetId=self._target)
        return self._id

    def __exit__(self, *_: object) -> None:
        with self._console.client(MANAGEMENT, "organizations") as organizations:
            organizations.detach_policy(PolicyId=self._id, TargetId=self._target)
            organizations.delete_policy(PolicyId=self._id)
            if self._type not in {kind["Type"] for kind in self._root["PolicyTypes"]}:
                organizations.disable_policy_type(RootId=self._root["Id"], PolicyType=self._type)


def tag_policy(key: str, **more: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"tag_key": {"@@assign": key}, "enforced_for": {"@@assign": ["ec2:ALL_SUPPORTED"]}}
    return {"tags": {key.lower(): rule | {name: {"@@assign": value} for name, value in more.items()}}}
