"""Types of what the catalogue says of parents: resources that create others, the calls that make them, links to them.

A kind is a type of the catalogue that stands behind machines (a group, a stack, a function). `basis` is how sure it is
that the records look like this: seen (in a real record), doc (AWS's documentation or API model) or memory
(unconfirmed).
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

from ownertag.core.paths import Condition, Path


class ParentCall(Struct, frozen=True):
    """A call that makes or deletes one, and where its record names it.

    `names` has for each part of the id the paths at which it can stand, the first that has something counts. All of
    `when` has to hold.
    """

    event: str
    names: tuple[tuple[Path, ...], ...]
    when: tuple[Condition, ...] = ()


class ParentKind(Struct, frozen=True):
    """One kind: its ARN with `{id}`, the form of the id, the calls of `source` that make and that delete one.

    `also` is the pattern of other texts by which calls may name one, and `listed` has the texts under which CloudTrail
    can list such a call, beside its name. `within` is the ARN of what the first part of its id names, and `default`
    that part where a call leaves it out. `named_by` is how many parts of the id, from the first, name it: 0 for all.
    """

    name: str
    type: str
    arn: str
    id: str
    source: str = ""
    made_by: tuple[ParentCall, ...] = ()
    deleted_by: tuple[ParentCall, ...] = ()
    basis: str = "memory"
    also: str = ""
    listed: tuple[str, ...] = ()
    within: str = ""
    default: str = ""
    named_by: int = 0


class Link(Struct, frozen=True):
    """What in a record leads to a parent: the value of a tag, or of a path.

    Attributes:
        kind: The parent's kind.
        tags: Keys of tags. Where they have more than one value, one of them is made up, and none counts.
        prefix: What the key of a tag begins with whose end is the value, where no tag has one of the keys.
        paths: Paths in the record instead of tags.
        form: The value has to match it, and its first group counts.
        id: The parent's id, with `{value}`, and with `{key}` for the value of another tag; empty where the value is an
            ARN.
        services: Only if one of these services acted. Without them whoever acted: AWS alone writes such a thing.
        after: A person's own call carries it as well, so that of a session whoever made it comes first.
        launched: Only where a service launched: others choose freely what it names.
        pods: It counts in a launch by a pod of a cluster as well, and is forgeable there.
        inherited: What others launch may carry it as well; there it comes last, and is forgeable.
    """

    kind: str
    tags: tuple[str, ...] = ()
    prefix: str = ""
    paths: tuple[Path, ...] = ()
    form: str = ""
    id: str = ""
    services: frozenset[str] = frozenset()
    after: bool = False
    launched: bool = False
    pods: bool = False
    inherited: bool = False


class SessionLink(Struct, frozen=True):
    """What in a session of a role leads to a parent, where its `service` made the session.

    Attributes:
        service: Whoever made the session, by the record of it.
        kind: The parent's kind.
        form: The session's name has to match it, and its first group counts.
        id: The parent's id, with `{value}`.
        tag: A session tag that has the parent's ARN, instead of the name.
        delivered: That the session was delivered to an instance, as AWS says in the record, is enough.
    """

    service: str
    kind: str
    form: str = ""
    id: str = ""
    tag: str = ""
    delivered: bool = False


def taken(form: str, value: str) -> str | None:
    """What a form takes of a value: its first group. Without a form, all of it."""
    if not form:
        return value
    found = _pattern(form).fullmatch(value)
    return found[1] if found else None


@cache  # when it is first asked for: the function's start does not wait for it
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form, re.ASCII)


class CopySource(Struct, frozen=True):
    """Where a request names what it copies, and of which kind that is.

    Attributes:
        path: The path to it, in the request.
        kind: Its kind.
        region: Where the request says in which Region it is.
        by_arn: Whether it is named by its ARN alone: a name there is that of something else.
    """

    path: Path
    kind: str
    region: Path = ()
    by_arn: bool = False
