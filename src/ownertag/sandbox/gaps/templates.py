"""Reads templates by YAML's parser in C: moto reads each a dozen times with the one in Python, half of a start."""

from __future__ import annotations

import yaml
from moto.cloudformation.utils import yaml_tag_constructor


class _Loader(getattr(yaml, "CLoader", yaml.Loader)):  # type: ignore[misc] # it may come without its C part
    """Takes CloudFormation's short forms as moto does."""


_Loader.add_multi_constructor("", yaml_tag_constructor)


def read_quickly() -> None:
    """Has moto read templates by the parser in C, in this process."""
    yaml.Loader = _Loader  # type: ignore[misc] # moto takes it from there by this name
