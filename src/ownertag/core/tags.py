"""Owner and record to tags: templates filled once, values fitted to what every AWS service takes."""

from __future__ import annotations

import re
import unicodedata

from ownertag.core.records import Record
from ownertag.core.resolve import UNKNOWN, clean, principal_of
from ownertag.core.settings import Settings
from ownertag.core.values import Owner

#: Tag values have 0 to 256 characters (EC2 user guide, "Tag restrictions").
MAX_VALUE = 256

# The set that is safe in every service. EC2 alone would take any character.
_MARKS = frozenset("+-=._:/@")
_SAFE = re.compile(r"[A-Za-z0-9 +\-=._:/@]*")


def tags_of(owner: Owner, record: Record, settings: Settings) -> tuple[tuple[str, str], ...]:
    """The (key, value) pairs for what this record created, in the order of the settings.

    A template's fields are replaced once: what stands in a value is never read as a template again.
    """
    created_at = record.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    fields = {
        "account": record.account,
        "confidence": owner.confidence.value,
        "created_at": created_at,
        "date": created_at[:10],
        "event_id": record.event_id,
        "event_name": record.event_name,
        "evidence": owner.evidence,
        "owner": owner.name,
        "region": record.region,
    }
    tags = []
    for key, parts in settings.templates:
        if len(parts) == 3 and not parts[0] and not parts[2] and parts[1] in fields:  # a field alone, as most are
            value = fields[parts[1]]
        else:
            fields["principal"] = principal_of(record.identity)
            value = "".join(fields[part] if index % 2 else part for index, part in enumerate(parts))
        tags.append((key, fit(value)))
    return tuple(tags)


def fit(value: str) -> str:
    """A value that every service takes and a person can read: other characters become `_`, too long an end `...`."""
    if len(value) <= MAX_VALUE and _SAFE.fullmatch(value) and value[:4].lower() != "aws:":
        return value.strip() or UNKNOWN
    value = clean(value)
    value = "".join(
        char if char in _MARKS or unicodedata.category(char)[0] in "LN" or char == " " else "_" for char in value
    )
    if value[:4].lower() == "aws:":  # the prefix is AWS's own
        value = f"{value[:3]}_{value[4:]}"
    if len(value) > MAX_VALUE:
        value = value[: MAX_VALUE - 3] + "..."
    return value.strip() or UNKNOWN
