"""Findings as a mail: plain words of ASCII, in which nothing that a stranger wrote is a link or a line of its own.

Whoever may tag may choose values, keys, session names. So each of those is cut, stands on a line with its name before
it, and has no character that a mail program makes something of: `https://example.com` becomes
`https[:]//example[.]com`, what is not ASCII becomes its number. The only command in a mail is one that only reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.owner.principal import clean

#: SNS: fewer than 100 characters of ASCII, on one line (doc: Publish).
MAX_SUBJECT = 99
#: Characters of each text, and how many keys.
_MAX_TEXT, _MAX_CHANGES = 100, 10
_SCHEMES = re.compile(r"(?i)\b(https?|ftps?|mailto|tel|sms|file|data|javascript|vbscript|skype|slack|ms-[a-z]+):")
_ODD = str.maketrans({'"': "'", "`": "'", "<": "(", ">": ")", "\\": "/"})


def mail_for(findings: Sequence[TamperFinding], not_mailed: int = 0) -> tuple[str, str]:
    """(subject, text) of a mail for one account: one finding is described, the others are counted.

    It is the first of a resource whose owner the ledger knows, if there is one: nobody hides that behind a call that
    changes nothing of anybody's.

    Args:
        findings: Of one account, one at least.
        not_mailed: How many earlier findings were not mailed, because there were too many.
    """
    first = next((finding for finding in findings if finding.owner is not None), findings[0])
    if first.test:
        return f"ownertag: this is a test, account {_plain(first.account, 12)}", _text(_TEST, first)
    return f"ownertag: protected tags were changed in account {_plain(first.account, 12)}", _text(
        _CHANGED, first, len(findings) - 1, not_mailed
    )


_CHANGED = "Somebody other than ownertag changed tags that it protects. Nothing was put back."
_TEST = """This is a test, and nothing is to be done: 'ownertag doctor --canary' created a placement group with an
owner tag of its own. ownertag wrote over it, and told of it the way that it tells of tampering."""


def _text(head: str, first: TamperFinding, more: int = 0, not_mailed: int = 0) -> str:
    lines = [head, ""]
    lines.append(f"account   {_plain(first.account, 12)}, {_plain(first.region, 32)}")
    if first.omitted:
        lines.append("changed   not known: CloudTrail left the call's request out, since it was larger than 100 KB")
    else:
        others = f" and {first.resources - 1:,} more" if first.resources > 1 else ""
        lines.append(f"resource  {plain(first.resource, 256)}{others}")
        lines += [f"tag       {_change(change)}" for change in first.changes[:_MAX_CHANGES]]
        left = len(first.changes) + first.more_changes - _MAX_CHANGES
        if left > 0:
            lines.append(f"          and {left} more tags")
    lines.append(f"by        {plain(first.by, 256)}")
    lines.append(f"at        {_time(first.at)}")
    lines.append(f"event     {plain(first.event_id, 64)}")
    if first.typed and not first.omitted:
        lines += ["", "Whose it is, its history, and how its tags are put back:", f"  ownertag whois {first.resource}"]
    if more:
        lines += ["", f"{more:,} more such calls came in this account at the same time."]
    if not_mailed:
        lines += ["", f"{not_mailed:,} earlier ones were not mailed, since there were too many."]
    if more or not_mailed:
        lines.append("All of them are in the ledger, and on the bus.")
    lines += ["", "What looks like a link in these texts is broken up on purpose: others can choose them."]
    return "\n".join(lines) + "\n"


def _change(change: TagChange) -> str:
    old = "" if change.old is None else f", was '{plain(change.old)}'"
    new = "removed" if change.new is None else f"is now '{plain(change.new)}'"
    return f"{plain(change.key)}: {new}{old}"


def plain(text: str, limit: int = _MAX_TEXT) -> str:
    """A stranger's text, in printable ASCII on one line, with nothing in it that becomes a link."""
    shown = clean(text[: limit * 2])
    cut = shown[:limit] + ("..." if len(shown) > limit or len(text) > limit * 2 else "")
    safe = cut.translate(_ODD).encode("ascii", "backslashreplace").decode()
    safe = re.sub(r"/(?=/)", "[/]", safe).replace("@", "[@]")
    safe = re.sub(r"\.(?=[^\s.])", "[.]", safe)
    safe = re.sub(r"(?i)\bwww\b", "[www]", safe)
    return _SCHEMES.sub(r"\1[:]", safe)


def _plain(text: str, limit: int) -> str:
    """An account or Region, which has letters, digits and dashes alone."""
    return re.sub(r"[^A-Za-z0-9-]", "", text)[:limit]


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
