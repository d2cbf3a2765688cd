"""The words of AWS's APIs, from the models that botocore brings: names of members, and what an enumeration can be."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.redaction.words import NO_WORDS, ApiWords

_MODEL = "service-2"
# A model begins with its metadata.
_HEAD = 4096
_PREFIX = re.compile(r'"(?:endpointPrefix|signingName)"\s*:\s*"([^"]+)"')
_NUMBERS = frozenset({"integer", "long", "float", "double"})
_BOOLEAN = frozenset({"true", "false"})


class ApiModels:
    """The models of AWS's APIs. They are read when they are asked for, and a service's once.

    Args:
        catalogue: Its rows say which clients have the calls of an event source, if that is called otherwise.
    """

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self._loader = Loader(include_default_search_paths=True)
        self._clients: dict[str, set[str]] = {}
        for row in catalogue.rows.values() if catalogue else ():
            clients = {name.strip().partition(".")[0] for name in row.client.split(",") if name.strip()}
            self._clients.setdefault(row.event_source.removesuffix(".amazonaws.com"), set()).update(clients)

    def services(self) -> frozenset[str]:
        """What AWS's services are called in host names and ARNs."""
        endpoints = self._loader.load_data("endpoints")["partitions"]
        named = {name for partition in endpoints for name in partition["services"] if "." not in name}
        return frozenset({*self._folders(), *named})

    def words_of(self, event_source: str) -> ApiWords:
        """The words of the service that records call so, such as `ec2.amazonaws.com`; none where it has no model."""
        return self._words(event_source.removesuffix(".amazonaws.com"))

    @cache  # noqa: B019 - one object in a process
    def _words(self, service: str) -> ApiWords:
        folders = [service] if service in self._folders() else self._by_prefix().get(service, [])
        folders = sorted({*folders, *(self._clients.get(service, set()) & {*self._folders()})})
        models = [self._loader.load_service_model(folder, _MODEL) for folder in folders]
        return words_in(models) if models else NO_WORDS

    @cache  # noqa: B019
    def _folders(self) -> tuple[str, ...]:
        return tuple(self._loader.list_available_services(_MODEL))

    @cache  # noqa: B019
    def _by_prefix(self) -> Mapping[str, list[str]]:
        """The folders of each name under which a service signs or answers: CloudTrail's names are mostly those."""
        found: dict[str, list[str]] = {}
        for folder in self._folders():
            for prefix in set(_PREFIX.findall(self._head(folder))):
                found.setdefault(prefix, []).append(folder)
        return found

    def _head(self, folder: str) -> str:
        version = self._loader.determine_latest_version(folder, _MODEL)
        for place in self._loader.search_paths:
            path = Path(place, folder, version, f"{_MODEL}.json.gz")
            if path.is_file():
                with gzip.open(path) as file:
                    return file.read(_HEAD).decode("utf-8", "ignore")
        return ""


def words_in(models: Iterable[Mapping[str, Any]]) -> ApiWords:
    """The words in these models: a member counts as an enumeration, number or time if it is one wherever it stands."""
    kinds: dict[str, set[str]] = {}
    values: dict[str, set[str]] = {}
    for model in models:
        shapes = model["shapes"]
        for name, shape in _members(shapes):
            kind, enum = _kind(shape, shapes)
            kinds.setdefault(name, set()).add(kind)
            values.setdefault(name, set()).update(enum)
    return ApiWords(
        frozenset(kinds),
        {name: frozenset(values[name]) for name, found in kinds.items() if found <= {"enum", "boolean"}},
        frozenset(name for name, found in kinds.items() if found <= _NUMBERS),
        frozenset(name for name, found in kinds.items() if found == {"timestamp"}),
    )


def _members(shapes: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for shape in shapes.values():
        for name, member in shape.get("members", {}).items():
            for called in {name, member.get("locationName", name), member.get("queryName", name)}:
                yield called.lower(), shapes[member["shape"]]


def _kind(shape: Mapping[str, Any], shapes: Mapping[str, Any]) -> tuple[str, Iterable[str]]:
    """The kind of a value, in a list that of its items, and what an enumeration can be."""
    for _ in range(3):
        if shape["type"] != "list":
            break
        shape = shapes[shape["member"]["shape"]]
    if shape.get("enum"):
        return "enum", shape["enum"]
    return shape["type"], _BOOLEAN if shape["type"] == "boolean" else ()
