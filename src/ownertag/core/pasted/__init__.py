"""Reads what somebody pasted: an id, an ARN, an address, a key, a DNS name, a link, a finding; or says what is wrong.

`text` reads one line, and hands on: `names` reads DNS names, `buckets` addresses of buckets, `links` those of AWS's
console, `documents` JSON. A text is taken for one thing only; where it could be two, or words stand around, it is
refused with what to paste. Nothing that could be a secret is repeated.
"""

from __future__ import annotations

from ownertag.core.pasted.taken import MAX_DOCUMENT, Asked, Pasted, PastedError
from ownertag.core.pasted.text import read_pasted

__all__ = ["MAX_DOCUMENT", "Asked", "Pasted", "PastedError", "read_pasted"]
