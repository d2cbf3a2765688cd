"""Which event names belong to several services: `python -m derive.event_names`.

An event's pattern is shorter where a name needs no source beside it: one that a single service has, by the models of
all clients. Names of calls that read or change are left out, since nothing is made by them.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import botocore

from derive import models
from ownertag.catalogue.event_names import LEFT_OUT

TARGET = Path(__file__).parents[1] / "src/ownertag/catalogue/generated/event_names.json"

_SUFFIX = ".amazonaws.com"


@cache
def operations() -> frozenset[tuple[str, str]]:
    """Every operation of every client, as (event source, event name)."""
    return frozenset(
        (models.event_source(client), name)
        for client in models.clients()
        for name in models.model(client).operation_names
    )


def event_names() -> str:
    """The file: each name that several services have, with their event sources."""
    sources: dict[str, set[str]] = defaultdict(set)
    for source, name in operations():
        if not name.startswith(LEFT_OUT):
            sources[name].add(source.removesuffix(_SUFFIX))
    lines = [
        f"{json.dumps(name)}: {json.dumps(sorted(found))}" for name, found in sorted(sources.items()) if len(found) > 1
    ]
    head = f'{{\n"schema": 1,\n"from": "botocore {botocore.__version__}",\n"shared": {{\n'
    return head + ",\n".join(lines) + "\n}\n}\n"


if __name__ == "__main__":
    TARGET.write_text(event_names(), "utf-8")
    sys.stdout.write(f"{TARGET}\n")
