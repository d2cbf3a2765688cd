"""What a deleted hub leaves behind, as a template of its own, by which the next hub takes it over. Pure.

The resources are cut out of the hub's template as text, so that both have the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_RESOURCES = re.compile(r"^Resources:\n", re.MULTILINE)
_SECTION = re.compile(r"^\S", re.MULTILINE)
_RESOURCE = re.compile(r"^  (\w+):.*\n(?:(?:    .*)?\n)*", re.MULTILINE)
_POLICY = re.compile(r"^    DeletionPolicy: (Retain\w*).*$", re.MULTILINE)
# Of other resources, which are not there yet.
_DEPENDS = re.compile(r"(?:^    #.*\n)*^    DependsOn:.*\n(?:      .*\n)*", re.MULTILINE)

_HEAD = (
    'AWSTemplateFormatVersion: "2010-09-09"\nDescription: ownertag, what an earlier hub left, for an import alone.\n'
)


def retained(template: str) -> dict[str, str]:
    """The resources of a template that are retained when its stack is deleted, as text, by their logical names."""
    found = _RESOURCES.search(template)
    if found is None:
        return {}
    rest = template[found.end() :]
    end = _SECTION.search(rest)
    blocks = {match[1]: match[0] for match in _RESOURCE.finditer(rest[: end.start()] if end else rest)}
    return {logical: block for logical, block in blocks.items() if _POLICY.search(block)}


def import_template(blocks: Mapping[str, str]) -> str:
    """A template of these resources alone, each `Retain`: an import that is rolled back must delete none.

    It has no outputs and no other resource, since an import takes neither (doc: "Create a stack from existing
    resources").
    """
    alone = [_POLICY.sub("    DeletionPolicy: Retain", _DEPENDS.sub("", block)) for block in blocks.values()]
    return f"{_HEAD}\nResources:\n" + "".join(alone).rstrip() + "\n"
