"""A mapping whose values are built when they are first asked for: a start does not wait for hundreds of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, overload

K = TypeVar("K")
S = TypeVar("S")
V = TypeVar("V")
D = TypeVar("D")


class BuiltOnDemand(Mapping[K, V]):
    """A read-only mapping.

    Args:
        sources: What each value is built from.
        build: Builds one; it is called once for a key.
    """

    def __init__(self, sources: Mapping[K, S], build: Callable[[K, S], V]) -> None:
        self._sources = sources
        self._build = build
        self._built: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        """Raises KeyError where there is none."""
        found = self._built.get(key)
        if found is None:
            found = self._built[key] = self._build(key, self._sources[key])
        return found

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, default: V | D, /) -> V | D: ...
    def get(self, key: K, default: V | D | None = None, /) -> V | D | None:
        """As of a dict; most records ask for a row that is built, or for one that there is not."""
        found = self._built.get(key)
        if found is not None:
            return found
        return self[key] if key in self._sources else default

    def __contains__(self, key: object) -> bool:
        """Builds nothing."""
        return key in self._sources

    def __iter__(self) -> Iterator[K]:
        """Iterates over the keys."""
        return iter(self._sources)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sources)
