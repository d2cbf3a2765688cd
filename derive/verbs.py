"""What an operation's first word says of it, and which traits its row has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from botocore.model import StringShape

from derive import shapes
from derive.tag_operations import tag_operations
from derive.words import operation

_VERBS = tomllib.loads((Path(__file__).parent / "verbs.toml").read_text("utf-8"))
_JOB = frozenset({"job", "task", "execution"})
_COPY = re.compile(r"From[A-Z]\w*(?:Snapshot|Backup|RecoveryPoint|Image)|ReadReplica|ToPointInTime|FromS3|Clone")
_PENDING = re.compile(
    r"creating|creation|create_in|pending|provisioning|in[_-]?progress|starting|initializing|building|launching|queued",
    re.IGNORECASE,
)
#: Traits, in the order in which a row has them.
_ORDER = ("job", "upsert", "copy", "batch", "asynchronous")


def makes_nothing(client: str, name: str) -> str:
    """Why an operation makes nothing; "" where its name says that it makes something.

    Raises:
        SystemExit: Its verb is in no list.
    """
    if name in tag_operations(client):
        return "tags what is there"
    verb = operation(name).verb
    if verb not in _VERBS["makes"] and verb not in _VERBS["not"]:
        raise SystemExit(f"{client}.{name} takes tags: add `{verb}` to derive/verbs.toml")
    return str(_VERBS["not"].get(verb, ""))


def traits(client: str, name: str) -> list[str]:
    """The traits of what an operation makes."""
    taken = operation(name)
    found = set(_VERBS["makes"][taken.verb])
    if taken.verb in {"create", "run"} and taken.noun[-1:] and taken.noun[-1] in _JOB:
        found.add("job")
    if name.startswith("CreateOrUpdate"):
        found.add("upsert")
    if _COPY.search(name):
        found.add("copy")
    if taken.batch or any(member.words[:1] in {("error",), ("failed",)} for member in _top(client, name)):
        found.add("batch")
    if any(
        _is_state(member) for member in shapes.answer(client, name) if member.depth < 3 and not _is_state_of_all(member)
    ):
        found.add("asynchronous")
    return [trait for trait in _ORDER if trait in found]


def _top(client: str, name: str) -> list[shapes.Member]:
    return [member for member in shapes.answer(client, name) if member.depth == 0]


def _is_state(member: shapes.Member) -> bool:
    named = member.words[-1:] in {("status",), ("state",)}
    if not named or not isinstance(member.shape, StringShape):
        return False
    return any(_PENDING.search(value) for value in member.shape.enum)


def _is_state_of_all(member: shapes.Member) -> bool:
    return "[]" in member.path
