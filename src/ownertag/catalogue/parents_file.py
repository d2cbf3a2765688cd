"""What stands in the files of parents: `overlay/parents.toml` and `overlay/links.toml`, over all services."""

from __future__ import annotations

from msgspec import Struct


class CallEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A call that makes or ends a parent.

    Attributes:
        event: Its name. One that makes a parent is a row of the catalogue, of the parent's type.
        names: For each part of the id the path at which it stands in the record, or several of which the first counts.
            Left out, they are those of the row.
        when: What else has to hold, as in a row.
    """

    event: str
    names: list[str | list[str]] = []
    when: list[str] = []


class ParentEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A type of the catalogue that stands behind what machines make: `core.parent_kinds.ParentKind`.

    Attributes:
        name: The evidence of an owner that is found through one.
        type: The type.
        id: The form of its ids, with `*` for what records of its children do not tell; the type's own if left out.
        arn: The template of its ARNs, where the models have no such type.
        event_source: Where its calls are recorded.
    """

    name: str
    type: str
    id: str = ""
    arn: str = ""
    event_source: str = ""
    basis: str = "memory"
    made_by: list[CallEntry] = []
    ended_by: list[CallEntry] = []
    also: str = ""
    listed: list[str] = []
    within: str = ""
    default: str = ""
    named_by: int = 0


class CopyEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where a call's request names what it copies: `core.parent_kinds.CopySource`."""

    path: str
    parent: str
    region: str = ""
    by_arn: bool = False


class LinkEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What in a record leads to a parent: `core.parent_kinds.Link`.

    `hint` is what every record has in which one of the paths leads somewhere.
    """

    parent: str
    tags: list[str] = []
    prefix: str = ""
    paths: list[str] = []
    form: str = ""
    id: str = ""
    services: list[str] = []
    after: bool = False
    launched: bool = False
    pods: bool = False
    inherited: bool = False
    hint: str = ""


class SessionEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What in a session leads to a parent: `core.parent_kinds.SessionLink`."""

    service: str
    parent: str
    form: str = ""
    id: str = ""
    tag: str = ""
    delivered: bool = False


class ParentsFile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """All of it; `copies` by event source and event."""

    parent: list[ParentEntry] = []
    copies: dict[str, dict[str, list[CopyEntry]]] = {}
    link: list[LinkEntry] = []
    session: list[SessionEntry] = []
