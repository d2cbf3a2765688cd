"""All that ownertag stores: one of each kind, with every field in use, and whatever else a version answers of it.

A new field, value or kind has to get its place here: `test_stored_forms` compares this with the types and the stores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger.entries import HOME, A, B, after, created, deleted, ended, event, key, owned, transferred
from ownertag.core.findings import TagChange
from ownertag.core.ownership import Claim, Observation, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.records import Delivery
from ownertag.core.values import AccountList, Confidence, OutcomeKind, Owner
from ownertag.ledger.entries import Created, Deleted, Ended, Finished, Owned, TagChanged, Transferred, Unobserved
from upgrade.versions import Version

#: The first parts of `pk` and `sk` of all items: the rows of `ownertag.ledger.table`.
ITEMS = {
    ("event", "event"),
    ("resource", "holding"),
    ("resource", "entry"),
    ("resource", "link"),
    ("accounts", "list"),
    ("quota", "quota"),
    ("observed-in", "account"),
}
#: What else stands in keys: kinds of links, and what the counter reads to learn the time.
WORDS = {"address", "parent", "name", "access-key", "observed", "living", "time"}
#: Outcomes that no entry and no holding has, and why: the release could not read another one than its own.
NOT_STORED = {
    "observed": "is kept as unchanged, with an observation beside it",
    "kept": "is kept as unchanged, with its reason",
}
#: The tables of a file.
TABLES = {"event", "decision", "resource", "owned", "other", "link"}

ACTOR = Actor(
    f"arn:aws:sts::{A}:assumed-role/deployer/eve",
    type="AssumedRole",
    access_key_id="ASIAEXAMPLEEXAMPLE12",
    session="eve",
    issuer=f"arn:aws:iam::{A}:role/deployer",
    source_identity="eve@example.com",
    invoked_by="autoscaling.amazonaws.com",
    source_address="192.0.2.7",
    user_agent="aws-cli/2",
    mfa=True,
)
ACCOUNTS = AccountList(after(0), {A: "alpha", B: "beta"})
COUNTER = (A, HOME, "ec2.CreateTags")


def _volume(number: int) -> str:
    return f"vol-{number:08x}"


def _owned(number: int, confidence: Confidence = Confidence.ASSERTED, **fields: Any) -> Owned:
    made = owned(number, "alice", _volume(number), minutes=number, **fields)
    return replace(made, owner=replace(made.owner, confidence=confidence))


def _created(number: int) -> Created:
    return replace(created(number, minutes=number), actor=ACTOR)


_NOBODY = Owner("unknown", "no-rule", Confidence.NONE, ("a", "b"), "nobody is named")
# Claims: one for each confidence, and what a look-up found before it was known.
_CONFIDENCES = list(enumerate(Confidence, 1))
_AWAITED = replace(
    _owned(20, named=False, provisional=True, addresses=("10.0.0.20",), parents=("r-20", "i-20")),
    claim=Claim(after(20), event(20).event_id, "00000000-0000-0000-0000-0000000000aa", named=False, amended=True),
    owner=_NOBODY,
)
_KINDS = list(enumerate((kind for kind in OutcomeKind if kind.value not in NOT_STORED), 30))

Step = tuple[str, dict[str, Any]]


def _claim(*owned: Owned) -> Step:
    return "claim", {"created": [_created(int(one.id[4:], 16)) for one in owned], "owned": owned}


def _append(*entries: Ended | Finished | Unobserved | TagChanged | Transferred | Deleted) -> Step:
    return "append", {"entries": [(type(entry).__name__, entry) for entry in entries]}


#: What is written, one step after the other.
STEPS: tuple[Step, ...] = (
    _claim(*(_owned(number, confidence) for number, confidence in _CONFIDENCES)),
    _claim(_AWAITED, replace(_owned(21), owner=_NOBODY), _owned(22)),
    _claim(*(_owned(number) for number, _ in _KINDS)),
    _append(
        *(
            replace(ended(number, id_=_volume(number), kind=kind, final=number % 2 == 0), reason=f"because of {number}")
            for number, kind in _KINDS
        ),
        *(Finished(event(number), after(number + 1)) for number, _ in _KINDS[:3]),
    ),
    _append(
        TagChanged(
            key(_volume(1)),
            event(50),
            ACTOR,
            (TagChange("owner", "alice", "eve"), TagChange("team", None, "x"), TagChange("x", "y", None)),
            3,
            after(50),
        ),
        transferred(minutes=51, id_=_volume(2)),
        replace(transferred("zoe", 52, _volume(60)), by="dave"),  # of which nobody saw the creation
    ),
    _append(replace(deleted(53, 53, _volume(22)), actor=ACTOR, by="carol"), deleted(54, 54, _volume(61))),
    # The same again, and what changes what is there: the next life, a better answer, a transfer that stands.
    _claim(
        replace(_AWAITED, owner=Owner("bob", "iam-user", Confidence.PROVEN), provisional=False, decided_at=after(60))
    ),
    _claim(_owned(1)),
    (
        "claim",
        {
            "created": [_created(70), _created(71)],
            "owned": [
                replace(owned(70, "carol", _volume(22), minutes=70), provisional=True),
                owned(71, "first", _volume(2), minutes=-5),
            ],
        },
    ),
    _append(
        ended(70, name="carol", id_=_volume(22), minutes=71),
        ended(20, name="bob", id_=_volume(20), minutes=71),
        Finished(event(70), after(72)),
        Finished(event(20), after(72)),
    ),
    _append(deleted(73, 73, _volume(2))),
)

_EVENTS = [*(number for number, _ in (*_CONFIDENCES, *_KINDS)), 20, 21, 22, 70, 71]
_RESOURCES = [_volume(number) for number in (*_EVENTS, 60, 61)]
READ: dict[str, Any] = {
    "keys": [key(id_) for id_ in _RESOURCES],
    "events": [event(number) for number in _EVENTS],
    "texts": {
        "id": [*_RESOURCES, key(_volume(1)).arn],
        "address": ["10.0.0.20"],
        "parent": ["r-20", "i-20"],
        "owner": ["alice", "bob", "carol", "zoe", "unknown"],
    },
}


#: What this version alone stores, of resources that no step names: the release has to read over it and to go on.
_NEWER_NUMBERS = range(0x80, 0x84)
_OBSERVED = Observation(after(130), ("owner",))
NEWER: tuple[Step, ...] = (
    (
        "claim",
        {
            "created": [
                replace(_created(number), delivery=Delivery(after(number), after(number + 1)))
                for number in _NEWER_NUMBERS
            ],
            "owned": tuple(_owned(number) for number in _NEWER_NUMBERS),
        },
    ),
    _append(
        *(
            replace(ended(number, id_=_volume(number), kind=OutcomeKind.UNCHANGED), observed=_OBSERVED)
            for number in _NEWER_NUMBERS
        ),
        *(Finished(event(number), after(number + 1)) for number in _NEWER_NUMBERS),
    ),
    # What has more in its id than its name; and of one the type is known by a transfer alone.
    (
        "claim",
        {
            "created": [_created(0x90)],
            "owned": [
                replace(
                    _owned(0x90),
                    resource=ResourceKey(A, HOME, f"arn:aws:ecs:{HOME}:{A}:service/shop/web"),
                    id="shop/web",
                    type="ecs:service",
                )
            ],
        },
    ),
    _append(replace(transferred(minutes=140, id_=_volume(0x82)), named=_volume(0x82), type="ec2:volume")),
    # One of them is tagged afterwards.
    _append(ended(0x83, id_=_volume(0x83), minutes=200), Unobserved(key(_volume(0x83)))),
    # And what a run wrote there is put back.
    _append(
        TagChanged(
            key(_volume(0x83)), event(150), Actor("ops"), (TagChange("owner", "alice", None),), 1, after(210), "run-1"
        )
    ),
)
NEWER_READ: dict[str, Any] = {
    "keys": [key(_volume(number)) for number in _NEWER_NUMBERS],
    "events": [event(number) for number in _NEWER_NUMBERS],
    "texts": {"id": [_volume(number) for number in _NEWER_NUMBERS]},
}
#: How the release goes on with it: the same creations come again, and the resources are deleted.
AFTER_NEWER: tuple[Step, ...] = (
    (
        "claim",
        {
            "created": [
                replace(_created(number), delivery=Delivery(after(number), after(number + 1)))
                for number in _NEWER_NUMBERS
            ],
            "owned": tuple(_owned(number) for number in _NEWER_NUMBERS),
        },
    ),
    _append(*(ended(number, id_=_volume(number), minutes=number) for number in _NEWER_NUMBERS)),
    _append(*(deleted(number + 50, number + 50, _volume(number)) for number in _NEWER_NUMBERS)),
)


class Store:
    """The ledger of one version, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, what: str, **values: Any) -> Any:
        """What it answers.

        Raises:
            AssertionError: It raised something.
        """
        answered = self.tried(what, **values)
        assert "error" not in answered, (what, answered)
        return answered["ok"]

    def tried(self, what: str, **values: Any) -> Mapping[str, Any]:
        """What it answers, or what it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(msgspec.to_builtins({"do": what, **values})) + "\n")
        self._process.stdin.flush()
        answered: Mapping[str, Any] = json.loads(self._process.stdout.readline())
        return answered

    def write(self) -> None:
        """All the steps."""
        for what, values in STEPS:
            self.do(what, **values)

    def read(self) -> Any:
        """All that is there."""
        return self.do("read", **READ)


@contextmanager
def store(version: Version, endpoint: str) -> Iterator[Store]:
    """The ledger as a version has it, in a process; tables are at this endpoint."""
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("store_process.py"))],
        env=version.environment(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Store(process)
        finally:
            process.kill()


def cut(found: Any, known: Any) -> Any:
    """What was found, without the fields that whoever knows less does not have."""
    if isinstance(found, dict) and isinstance(known, dict):
        return {name: cut(value, known[name]) for name, value in found.items() if name in known}
    if isinstance(found, list) and isinstance(known, list) and len(found) == len(known):
        return [cut(*pair) for pair in zip(found, known, strict=True)]
    return found
