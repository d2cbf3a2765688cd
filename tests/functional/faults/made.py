"""The creation that a message is about, and the outcome of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.events import volume_id
from ownertag.core.ownership import EventKey, ResourceKey

#: What became of each message, by its name, in the words that `row` explains; `*` stands for all others.
States = Mapping[str, str]

_KIND = {"vol": "volume", "i": "instance", "eni": "network-interface"}


@dataclass(frozen=True)
class Made:
    """What a message is about: the event, its resources, and the tags that they must get."""

    account: str
    event: EventKey
    ids: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass
class Delivery:
    """What became of one batch."""

    verdicts: dict[str, str] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    raised: Exception | None = None


def volume_of(name: str) -> str:
    """The id of the volume with this name: no two accounts have the same."""
    return volume_id(int(name[1:]) + {"a": 0, "b": 5000}[name[0]])


def key_of(made: Made, id_: str) -> ResourceKey:
    """The key of a resource in the ledger."""
    arn = f"arn:aws:ec2:{made.event.region}:{made.account}:{_KIND[id_.split('-', maxsplit=1)[0]]}/{id_}"
    return ResourceKey(made.account, made.event.region, arn)


def is_unicode(text: str) -> bool:
    """Whether a text can be written in UTF-8: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def name_of(body: str, made: Mapping[str, Made]) -> str:
    return next((name for name, creation in made.items() if f'"{creation.event.event_id}"' in body), "poison")


def told(tags: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    if all(tags.get(key) == value for key, value in wanted.items()):
        return "tagged"
    if "owner" not in tags:
        return "untagged"
    ours = {key for key in wanted if key in tags}
    return "owner" if ours == {"owner"} and tags["owner"] == wanted["owner"] else "other"
