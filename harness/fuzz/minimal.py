"""Makes a document that goes wrong smaller, as long as it goes wrong in the same way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from harness.fuzz.documents import Document
from harness.fuzz.mutations import places

#: Tries; a document that can't be made small in so many is read as it is.
MOST_TRIES = 1500


def smaller(document: Document, fails: Callable[[Document], bool]) -> Document:
    """The smallest that was found; `fails` says whether one still goes wrong."""
    tries = 0

    def still(document: Document) -> bool:
        nonlocal tries
        tries += 1
        return tries < MOST_TRIES and fails(document)

    if document.plain is not None and still(_written(document.plain)):
        plain = deepcopy(document.plain)
        changed = True
        while changed and tries < MOST_TRIES:
            changed = False
            for simpler in _simpler(plain):
                if still(_written(simpler)):
                    plain, changed = simpler, True
                    break
        return _written(plain)
    data, size = document.data, max(len(document.data) // 2, 1)
    while size and tries < MOST_TRIES:
        for at in range(0, len(data), size):
            shorter = data[:at] + data[at + size :]
            if still(Document(shorter, document.is_file)):
                data = shorter
                break
        else:
            size //= 2
    return Document(data, document.is_file)


def _written(plain: Any) -> Document:
    return Document(json.dumps(plain).encode(errors="surrogatepass"), False, plain)


def _simpler(plain: Any) -> Iterator[Any]:
    """The same with one place left out, halved, or with its inner value instead; the large ones first."""
    by_size = sorted(range(len(found := places(plain))), key=lambda at: -len(repr(found[at][0][found[at][1]])))
    for at in by_size:
        for change in (_without, _halved, _inner):
            copied = deepcopy(plain)
            here, key = places(copied)[at]
            if change(here, key):
                yield copied


def _without(here: Any, key: Any) -> bool:
    del here[key]
    return True


def _halved(here: Any, key: Any) -> bool:
    value = here[key]
    if isinstance(value, (str, list)) and len(value) > 1:
        here[key] = value[: len(value) // 2]
        return True
    return False


def _inner(here: Any, key: Any) -> bool:
    value = here[key]
    if isinstance(value, (dict, list)) and len(value) == 1:
        here[key] = next(iter(value.values() if isinstance(value, dict) else value))
        return True
    return False
