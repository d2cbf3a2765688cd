"""Reads templates by YAML's parser in C: moto reads each a dozen times with the one in Python, half of a start."""

from __future__ import annotations

from functools import lru_cache

import yaml
from moto.cloudformation.utils import yaml_tag_constructor


class _Loader(getattr(yaml, "CLoader", yaml.Loader)):  # type: ignore[misc] # it may come without its C part
    """Takes CloudFormation's short forms as moto does."""


_Loader.add_multi_constructor("", yaml_tag_constructor)


@lru_cache(64)
def resource_types(template: str) -> frozenset[str]:
    """The types of a template's resources."""
    read = yaml.load(template, Loader=_Loader)  # noqa: S506 - as moto reads it
    return frozenset(resource["Type"] for resource in read.get("Resources", {}).values())


def read_quickly() -> None:
    """Has moto read templates by the parser in C, in this process."""
    yaml.Loader = _Loader  # type: ignore[misc] # moto takes it from there by this name
