"""Documents that once went wrong, each a small file that says what it was: they run in `make test`, and first in a run.

A file has `was` (what went wrong), and one of `event` (the body of a queue message), `file` (JSON of a file) and `text`
(anything, as text). `{"$times": N, "of": VALUE}` in a list stands for N copies, in whose texts `{n}` is their number in
six hexadecimal digits; `{"$text": TEXT, "times": N}` stands for a long text. `base` is a golden record whose members
those of `event` replace (by `detail.requestParameters` and such).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import fixtures
from harness.fuzz.documents import Document

FOLDER = Path(__file__).parent


def seeds() -> Iterator[Document]:
    """All seeds."""
    for path in sorted(FOLDER.glob("*.json")):
        yield seed(path)


def seed(path: Path) -> Document:
    """The document of a file."""
    plain = json.loads(path.read_text("utf-8"))
    if "text" in plain:
        text = _expanded(plain["text"])
        return Document(text.encode(errors="surrogatepass"), plain.get("is_file", True), name=path.stem)
    if "file" in plain:
        return Document(_bytes(_expanded(plain["file"])), True, name=path.stem)
    event = fixtures.event(fixtures.record())
    for way, value in plain["event"].items():
        *around, last = way.split(".")
        node = event
        for key in around:
            node = node[key]
        node[last] = _expanded(value)
    return Document(_bytes(event), False, event, path.stem)


def _bytes(plain: Any) -> bytes:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def _expanded(value: Any, number: int | None = None) -> Any:
    if isinstance(value, str):
        return value if number is None else value.replace("{n}", f"{number:06x}")
    if isinstance(value, list):
        return [inner for member in value for inner in _members(member, number)]
    if isinstance(value, dict) and "$text" in value:
        return value["$text"] * value["times"]
    return {key: _expanded(item, number) for key, item in value.items()} if isinstance(value, dict) else value


def _members(value: Any, number: int | None) -> Iterator[Any]:
    if isinstance(value, dict) and "$times" in value:
        yield from (_expanded(value["of"], at) for at in range(value["$times"]))
    else:
        yield _expanded(value, number)
