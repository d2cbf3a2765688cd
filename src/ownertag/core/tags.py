"""Makes tags of owner and record: fills the templates, and limits values to what every AWS service accepts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from ownertag.core.owner.principal import UNKNOWN, clean, principal_of
from ownertag.core.records import UNDATED, Record, is_word
from ownertag.core.settings import Settings
from ownertag.core.values import Owner

#: Tag values have 0 to 256 characters (EC2 user guide, "Tag restrictions").
MAX_VALUE = 256

# Far more than can be left of a value, and little enough to keep in a cache.
_MUCH = 4096

#: The fields of a template that tell the time of the creation.
_TIMES = frozenset({"created_at", "date"})

# The set that is safe in every service. EC2 alone would take any character.
_MARKS = frozenset("+-=._:/@")
_SAFE = re.compile(r"[A-Za-z0-9 +\-=._:/@]*")


def tags_for(owner: Owner, record: Record, settings: Settings) -> tuple[tuple[str, str], ...]:
    """The (key, value) pairs for what this record created, in the order of the settings.

    A template's fields are replaced once: what stands in a value is never read as a template again. Where nobody knows
    when it was made, tags with the time of the creation are left out: the time of finding would be a false one.
    """
    templates = settings.templates
    if record.event_type == UNDATED and is_word(record):
        templates = tuple(template for template in templates if _TIMES.isdisjoint(template[1][1::2]))
    return tuple([(key, fit(_filled(parts, owner, record))) for key, parts in templates])


def _filled(parts: tuple[str, ...], owner: Owner, record: Record) -> str:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 3 and not parts[0] and not parts[2]:  # a field alone, as most are
        return _field(parts[1], owner, record)
    return "".join([_field(part, owner, record) if index % 2 else part for index, part in enumerate(parts)])


def _field(name: str, owner: Owner, record: Record) -> str:
    """The value of a template's field; the names are `settings.TEMPLATE_FIELDS`."""
    match name:
        case "owner":
            return owner.name
        case "created_at":
            return f"{record.created_at.isoformat()[:19]}Z"
        case "date":
            return record.created_at.isoformat()[:10]
        case "principal":
            return principal_of(record.identity)
        case "confidence" | "evidence":
            return str(getattr(owner, name))
        case "account" | "event_id" | "event_name" | "region":
            return str(getattr(record, name))
    raise ValueError(f"{name} is no field")  # settings are checked when they are read


def fit(value: str) -> str:
    """A value that every service takes and a person can read: other characters become `_`, too long an end `...`."""
    return _fit(value.strip()[:_MUCH])


@lru_cache(maxsize=4096)
def _fit(value: str) -> str:
    if len(value) <= MAX_VALUE and _SAFE.fullmatch(value) and value[:4].lower() != "aws:":
        return value or UNKNOWN
    value = clean(value)
    value = "".join(
        char if char in _MARKS or unicodedata.category(char)[0] in "LN" or char == " " else "_" for char in value
    )
    if value[:4].lower() == "aws:":  # the prefix is AWS's own
        value = f"{value[:3]}_{value[4:]}"
    if len(value) > MAX_VALUE:
        value = value[: MAX_VALUE - 3] + "..."
    return value.strip() or UNKNOWN
