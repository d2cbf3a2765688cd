"""The name of the tag API of a type: its operation, with a word behind it where the call has to be told the kind."""

from __future__ import annotations

from functools import cache

from derive import tag_apis
from derive.tag_operations import tag_operation
from derive.types import Candidate, spelled
from derive.words import alike, words


def tag_api(client: str, made: Candidate) -> str:
    """The tag API of a type, as "client.Operation", or "client.Operation Kind"; "" where none tags it."""
    operation = tag_operation(client, f"{made.name.partition(':')[0]}:{made.resource}")
    kinds = [name.partition(" ")[2] for name in _names(operation.partition(".")[0]) if name.startswith(f"{operation} ")]
    if not operation or not kinds:
        return operation
    fitting = [kind for kind in kinds if alike(words(kind), spelled(made.resource)) == 1]
    return f"{operation} {fitting[0]}" if fitting else ""


@cache
def _names(client: str) -> tuple[str, ...]:
    return tuple(tag_apis.derive(client)[0]) if client else ()
