"""Which operation of a REST service a request is, and what its address says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, unquote

from ownertag.sandbox.records.models import service_model

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True)
class Address:
    """The address of a request.

    Attributes:
        labels: The parts of the path, by their wire names.
        query: The parameters behind the question mark; a name alone has an empty text.
    """

    labels: dict[str, str]
    query: dict[str, list[str]]


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    query: dict[str, list[str]]
    labels: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """The more exact route first: by what it demands of the query, by its fixed text, by its labels."""
        fixed = len(_LABEL.sub("", self.path.pattern))
        return -len(self.query), -fixed, len(self.labels)


def find(client: str, method: str, target: str) -> tuple[str, Address] | None:
    """The operation of a request.

    Args:
        client: Of the model.
        method: Such as POST.
        target: Path and query as they were sent.
    """
    path, _, text = target.partition("?")
    query = parse_qs(text, keep_blank_values=True)
    for route in _routes(client):
        found = route.path.fullmatch(path.rstrip("/") or "/") if route.method == method else None
        if found and all(query.get(name) == values for name, values in route.query.items()):
            labels = {name: unquote(value) for name, value in zip(route.labels, found.groups(), strict=True)}
            return route.operation, Address(labels, query)
    return None


@cache
def _routes(client: str) -> tuple[_Route, ...]:
    model = service_model(client)
    if model is None:
        return ()
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http.get("requestUri", "/").partition("?")
        labels = tuple(label for label, _ in _LABEL.findall(path))
        at, pattern = 0, ""
        for label in _LABEL.finditer(path):
            pattern += re.escape(path[at : label.start()]) + ("(.+)" if label[2] else "([^/]+)")
            at = label.end()
        pattern += re.escape(path[at:].rstrip("/"))
        found.append(
            _Route(name, http["method"], re.compile(pattern or "/"), parse_qs(query, keep_blank_values=True), labels)
        )
    return tuple(sorted(found, key=lambda route: route.rank))
