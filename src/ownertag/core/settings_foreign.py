"""Says what a file is that is no settings file, and what of TOML's rules a text breaks.

Nothing of the content is told but names of tables: a file that was named by mistake may hold credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields

from ownertag.core.settings import RENAMED_KEYS, Settings
from ownertag.core.toml.advice import did_you_mean, shown

_NAME_IT = "name your ownertag.toml with --config"

#: How files begin that are no text, or a text in another encoding.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"PK\x03\x04", "a zip archive, as the function's package is"),
    (b"\x1f\x8b", "a gzip archive, as CloudTrail's log files are"),
    (b"SQLite format 3\0", "an SQLite database, as a ledger is"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_MOST_TOLD = 4

#: Texts of other kinds, by how they begin; what is asked first counts.
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*(?:\{|\[\s*(?:\{|\]))"), "is JSON, and settings are TOML"),
    (re.compile(r"\s*<(?:!|\?|[A-Za-z])"), "is HTML or XML, perhaps a page that says why a download failed"),
    (
        re.compile(r"(?m)^\s*(?:\[(?:default|profile [^\]]*|sso-session [^\]]*)\]|aws_access_key_id\s*=)"),
        "is an AWS config or credentials file, and not ownertag.toml",
    ),
    (
        re.compile(r"(?m)^(?:terraform|provider|resource|variable|module|data|locals)\b[^=\n]*\{"),
        "is Terraform's language, and settings are TOML",
    ),
    (re.compile(r"(?m)\A(?:\s*#[^\n]*\n|\s*\n)*(?:---|[A-Za-z_][\w-]*:(?:\s|$))"), "is YAML, and settings are TOML"),
)
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
#: Tables by which files of other programs are known.
_OTHERS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"build-system", "project", "tool"}), "a pyproject.toml"),
    (frozenset({"package", "dependencies", "workspace"}), "a Cargo.toml"),
    (frozenset({"default"}), "an AWS config file, or a samconfig.toml"),
)
_PLACE = re.compile(r"(.*?)\s*\(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

#: What Python's reader of TOML says, and what would be right. (Its texts: cpython, Lib/tomllib/_parser.py.)
_ADVICE: tuple[tuple[str, str], ...] = (
    ("Invalid value", 'a text stands in quotes: key = "text"'),
    ("Expected '=' after a key", "write key = value, or a table as [table]"),
    ("Expected newline or end of document after a statement", "one key a line; a text stands in quotes"),
    ("Unescaped '\\' in a string", r"a backslash is doubled, or the text stands in single quotes: 'C:\Users'"),
    ("Invalid hex value", r"a backslash is doubled, or the text stands in single quotes: 'C:\Users'"),
    ("Illegal character", "a text ends with its quote in the same line"),
    ("Unterminated string", "the text's closing quote is missing"),
    ("Expected \"'''\"", "the text's closing quotes are missing"),
    ("Unclosed array", "the list's ] is missing"),
    ("Unclosed inline table", "the table's } is missing"),
    ("Expected ']' at the end of a table declaration", "write a table as [table]"),
    ("Expected ']]' at the end of an array declaration", "write it as [[owners]]"),
    ("Cannot overwrite a value", "the key stands there twice; keep one"),
    ("Cannot declare", "the table stands there twice; put its keys into one"),
    ("Cannot mutate immutable namespace", "the table stands there twice; put its keys into one"),
    ("Invalid initial character for a key part", "a key has letters, digits, - and _; any other stands in quotes"),
    ("Invalid statement", "a line is a key = value, a [table], or a comment after #"),
)


def foreign_bytes(content: bytes, where: str) -> str:
    """What a file is that can't be read as UTF-8.

    Args:
        content: Its content.
        where: Its name.
    """
    where = shown(where, len(where))
    kind = next((kind for beginning, kind in _BEGINNINGS if content.startswith(beginning)), "")
    if not kind and content[1:40:2].count(0) > len(content[1:40:2]) // 2:
        kind = "UTF-16"
    if kind.startswith("UTF"):
        return f"{where}:1: is in {kind}: save it as UTF-8"
    if kind:
        return f"{where}: is {kind}, and no text: {_NAME_IT}"
    try:
        before = content.index(b"\0")
    except ValueError:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            byte = content[error.start]
            return f"{where}:{line}: is not in UTF-8 (byte 0x{byte:02x}): save it as UTF-8; another encoding was used"
        return f"{where}: has {len(content):,} bytes, more than any settings: {_NAME_IT}"
    line = content.count(b"\n", 0, before) + 1
    return f"{where}:{line}: is no text, but binary: {_NAME_IT}"


def foreign_text(text: str, where: str, plain: Mapping[str, Any] | None = None) -> str:
    """What a text is that is none of ours; empty where it may be meant as settings.

    Args:
        text: The file's content.
        where: Its name.
        plain: What TOML holds, where it is TOML.
    """
    if plain is None:
        if conflict := _CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            return f"{where}:{line}: holds both sides of a merge: keep one of them, and take the marks out"
        kind = next(
            (kind for form, kind in _TEXTS if form.match(text) or (form.flags & re.MULTILINE and form.search(text))), ""
        )
        return f"{where}:1: {kind}: {_NAME_IT}" if kind else ""
    known = {field.encode_name for field in fields(Settings)} | {name.partition(".")[0] for name in RENAMED_KEYS}
    if known & {*plain}:
        return ""
    kind = next((kind for tables, kind in _OTHERS if tables & {*plain}), "")
    tables = [shown(key, 40) for key, value in plain.items() if isinstance(value, dict | list)]
    if not kind and (len(tables) < 2 or any(did_you_mean(key, known) for key in tables[:_MOST_TOLD])):
        return ""
    has = ", ".join(f"[{table}]" for table in tables[:_MOST_TOLD])
    return f"{where}:1: is {kind or 'the settings of another program'} (it has {has or 'no table of ours'}): {_NAME_IT}"


def syntax_fault(text: str, where: str, error: Exception) -> str:
    """What of TOML's rules a text breaks, and where.

    Args:
        text: The file's content.
        where: Its name.
        error: What its reader raised.
    """
    if isinstance(error, RecursionError):
        return f"{where}:1: is nested more deeply than any settings"
    found = _PLACE.fullmatch(str(error))
    said = found[1] if found else str(error)
    line, column = (int(found[2]), int(found[3])) if found and found[2] else (text.rstrip().count("\n") + 1, 0)
    advice = next((advice for begins, advice in _ADVICE if said.startswith(begins)), "")
    at = f", column {column}" if column else ""
    return f"{where}:{line}: no TOML{at}: {shown(said)}{f'; {advice}' if advice else ''}"
