"""Reads what somebody pasted, as an argument or on standard input, and says what it was taken for."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable

from ownertag.cli.options import Options, fail
from ownertag.core.pasted.plain import read_plain
from ownertag.core.pasted.taken import MAX_DOCUMENT, Asked, Pasted, PastedError

METAVAR = "WHAT"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def pasted(text: str, options: Options) -> Pasted:
    """Returns what a text names, or what comes on standard input where it is `-`.

    The command ends here if it is not taken. What is more than an id, ARN or address is said on standard error.
    """
    found = read_plain(text.strip())
    if found is None:
        from ownertag.core.pasted.text import read_pasted

        try:
            found = read_pasted(_standard_input(options) if text.strip() == "-" else text, _creations)
        except PastedError as error:
            fail(str(error))
    if not found.plain or found.notes:
        options.say(f"taken for: {found.said}")
    return found


def _standard_input(options: Options) -> str:
    if sys.stdin is None:  # it was closed by whoever started the command
        fail("standard input is closed: give what to look for as an argument")
    if sys.stdin.isatty():
        options.say("paste it, then press Enter and Ctrl-D")
    data = sys.stdin.buffer.read(MAX_DOCUMENT + 1)
    coding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"  # as some shells pipe
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        fail(f"standard input is no text in UTF-8 (byte {error.start + 1}): paste a text")


def _creations(record: bytes) -> Iterable[Asked]:
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.flows.pasted import creations_of

    return creations_of(record, load_catalogue())
