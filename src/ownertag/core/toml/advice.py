"""The words by which messages name keys and values: what people wrote, and what they probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

#: Among more keys than these the one that was meant is not looked for.
_MOST_COMPARED = 500
#: So much of a value is shown in a message.
_MOST_SHOWN = 120


def meant(key: str, known: Iterable[str]) -> str:
    """The part of a sentence that names the key that was probably meant, or else all that there are."""
    known = list(known)
    return did_you_mean(key, known) or f"; there are {', '.join(known)}"


def did_you_mean(key: str, known: Iterable[str]) -> str:
    """The part of a sentence that names the key that was probably meant; empty where none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where there is a fault

    folded = {name.lower().replace("-", "_"): name for name in islice(known, _MOST_COMPARED)}
    close = get_close_matches(key[:_MOST_SHOWN].lower().replace("-", "_"), list(folded), 1)
    return f"; did you mean '{shown(folded[close[0]])}'?" if close else ""


def dotted(path: Sequence[str]) -> str:
    """A path as people write it: `owners[1].match`."""
    return ".".join(path).replace(".[", "[")


def shown(text: str, most: int = _MOST_SHOWN) -> str:
    r"""A text from outside as it is told in a message: as it was given, without anything that a terminal would obey.

    A backslash stays one, as in `C:\Users`; a letter and its accent stay apart where they were. What shows nothing, or
    turns the direction of a line, is told by its number.
    """
    cut = f"{text[:most]}…" if len(text) > most else text
    return "".join(char if char.isprintable() else _named(char) for char in cut)


def _named(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
