"""The error codes that AWS models for its tag operations, from botocore's own data."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

import botocore
import msgspec
from msgspec import Struct


class _Error(Struct, rename="camel"):
    code: str | None = None
    http_status_code: int | None = None


class _Shape(Struct):
    error: _Error | None = None


class _Reference(Struct):
    shape: str


class _Operation(Struct):
    errors: list[_Reference] = []


class _Model(Struct):
    operations: dict[str, _Operation] = {}
    shapes: dict[str, _Shape] = {}


#: Every operation that writes or reads tags, whatever it is called, and the other calls whose errors are judged.
_TAGS = re.compile(
    r"(?:Tag|AddTags|CreateTags|ChangeTags|CreateOrUpdateTags|PutBucketTagging|PutObjectTagging|Update\w*Tags|SetTags).*"
)
_OTHERS = {"sts": {"AssumeRole"}, "dynamodb": {"BatchGetItem", "Query", "TransactWriteItems"}, "events": {"PutEvents"}}


class Modelled(Struct):
    """A code: the operations that may answer it, as `service.Operation`, and the HTTP status (400 if none is said)."""

    operations: set[str]
    status: int = 400


@cache
def modelled() -> dict[str, Modelled]:
    """All of them, each service's newest version; and how many operations there are is `operations()`."""
    return _read()[0]


@cache
def operations() -> frozenset[str]:
    """The operations that were looked at."""
    return _read()[1]


@cache
def _read() -> tuple[dict[str, Modelled], frozenset[str]]:
    codes: dict[str, Modelled] = {}
    seen: set[str] = set()
    for service in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        for path in sorted(service.glob("*/service-2.json.gz"))[-1:]:
            model = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=_Model)
            for name, operation in model.operations.items():
                if not _TAGS.fullmatch(name) and name not in _OTHERS.get(service.name, ()):
                    continue
                seen.add(f"{service.name}.{name}")
                for reference in operation.errors:
                    error = model.shapes[reference.shape].error or _Error()
                    known = codes.setdefault(error.code or reference.shape, Modelled(set()))
                    known.operations.add(f"{service.name}.{name}")
                    known.status = max(known.status, error.http_status_code or 400)
    return codes, frozenset(seen)
