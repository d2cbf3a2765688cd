"""The part of the examples that a run of the tests tries: a tenth in `make test`, all in `make test-full`.

What differs is numbers alone: the same properties, the same mutants of a policy, fewer draws of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
FULL = os.environ.get("OWNERTAG_TESTS") == "full"
#: The part of a full run that `make test` tries.
PART = 10


def count(full: int, part: int = PART) -> int:
    """The number of examples that this run tries, of those of a full run: a tenth, or another part."""
    return full if FULL else -(-full // part)


def sample(of: Sequence[T], part: int = PART) -> Sequence[T]:
    """Every tenth, or every n-th, of a sequence; in a full run all."""
    return of if FULL else of[::part]
