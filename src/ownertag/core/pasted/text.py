"""Reads a pasted text: takes it out of what it came in, and tells what it is."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from ownertag.core.addresses import AddressError, read_address
from ownertag.core.arn import FORM, function_arn, is_arn, last_part, parse_arn, without_object
from ownertag.core.pasted.buckets import read_bucket, read_s3_uri
from ownertag.core.pasted.documents import Creations, read_json
from ownertag.core.pasted.endpoints import read_place
from ownertag.core.pasted.links import read_link
from ownertag.core.pasted.names import read_name
from ownertag.core.pasted.plain import SEPARATOR, read_plain
from ownertag.core.pasted.secrets import ACCESS_KEY, repeated, secret_in, unique_id_problem
from ownertag.core.pasted.taken import ACCEPTED, MAX_DOCUMENT, MAX_TEXT, MOST, Asked, Pasted, PastedError, several

#: Quotes of word processors and chats, as they would be typed.
_QUOTES = {
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2039\u203a"), "'"),
}
#: Bidirectional controls: with them a text is shown in another order than it has (Unicode Standard Annex 9).
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PAIRS = (("```", "```"), ("**", "**"), ("`", "`"), ('"', '"'), ("'", "'"), ("<", ">"), ("(", ")"), ("[", "]"))
_AT_START, _AT_END = "\"'`<([", "\"'`>)],.;:!?"
_MARKDOWN = re.compile(r"\[([^\]]*)\]\(<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)?)>?\)")
_SLACK = re.compile(r"<([^<>|]+)\|[^<>]*>")
_JSON_LINE = re.compile(r'"[A-Za-z][A-Za-z0-9_-]{0,63}"\s*:\s*"([^"]+)"\s*,?')
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,15}://[\x21-\x7e]*", re.IGNORECASE)
_S3 = re.compile(r"s3[an]?://", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_PORT = re.compile(
    r"(?P<host>[0-9]+(?:\.[0-9]+){3}|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+\.[A-Za-z]+):(?P<port>[1-9][0-9]{0,4})(?:/[A-Za-z0-9_.-]*)?"
)
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}@(?P<host>[A-Za-z0-9.:-]+|\[[0-9A-Fa-f:.]+\])")
_ID_IN_CAPITALS = re.compile(r"[A-Z]{1,16}(?:-[A-Z]{2,10}){0,2}-(?:[0-9A-F]{17}|[0-9A-F]{8})")
_CUT_ID = re.compile(r"[a-z]{1,16}(?:-[a-z]{2,10}){0,2}-(?P<digits>[0-9a-f]{5,40})")
_WORD = re.compile(r"[\x21-\x7e]+")
_MOST_WRAPPED = 6


def read_pasted(text: str, creations: Creations = lambda _: ()) -> Pasted:
    """What a text names.

    Args:
        text: As it was pasted: one line, or several of which each names something, or JSON.
        creations: Reads what a CloudTrail record created.

    Raises:
        PastedError: It names nothing, or could be two things.
    """
    if len(text) > MAX_DOCUMENT:
        raise PastedError(
            f"it has more than {MAX_DOCUMENT // 1024 // 1024} million characters: paste one finding, or fewer"
        )
    text = text.strip().strip("\ufeff\u200b").strip()
    fenced = re.fullmatch(r"```[a-z]*\n(.*)\n```", text, re.DOTALL)
    text = fenced[1].strip() if fenced else text
    if text[:1] == "{" or (text[:1] == "[" and text[1:].lstrip()[:1] in {"{", "[", "]", '"'}):
        return _strings(text) or read_json(text, creations)
    if len(text) > MAX_TEXT:
        raise PastedError(f"it has more than {MAX_TEXT:,} characters, and no id, ARN or link is so long; {ACCEPTED}")
    lines = [line for line in re.split(r"[\r\n\t]+", text) if line.strip()]  # tabs: the AWS CLI's text output
    if not lines:
        raise PastedError(f"it is empty; {ACCEPTED}")
    if len(lines) == 1:
        return _line(lines[0])
    if len(lines) > MOST:
        raise PastedError(f"it has {len(lines)} lines: paste at most {MOST}")
    return several("list", (one for line in lines for one in _line(line).asked))


def _strings(text: str) -> Pasted | None:
    """A list of texts in JSON, as the AWS CLI and jq print it; None if it is something else."""
    try:
        found = msgspec.json.decode(text.encode(), type=list[str])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return several("list", (one for line in found for one in _line(line).asked)) if found else None


def _line(written: str) -> Pasted:
    shown, invisible = _shown(written)
    text = _unwrapped(shown)
    if wrong := secret_in(text):
        raise PastedError(wrong)
    found = _taken(text)
    notes = found.notes
    if invisible:
        notes = (*notes, f"without {invisible} characters that show nothing")
    return replace(found, notes=notes, plain=found.plain and text == written.strip())


def _shown(text: str) -> tuple[str, int]:
    """A line as it is shown: without what shows nothing, and how many characters that were.

    Raises:
        PastedError: It has what a terminal obeys, what changes the order in which it is shown, or what only looks like
            ASCII.
    """
    shown, invisible = [], 0
    for at, char in enumerate(text.translate(_QUOTES), 1):
        if char in " \t\xa0\u202f\u2009":
            shown.append(" ")
        elif char in _BIDI:
            raise PastedError(_character(char, at, "changes the order in which the text is shown: type it anew"))
        elif char.isascii() and char.isprintable():
            shown.append(char)
        elif unicodedata.category(char) == "Cc":
            raise PastedError(_character(char, at, "is a control character, which no id, ARN or address has"))
        elif unicodedata.category(char) == "Cf" or char in "\u034f\u2800\u3164\ufe0e\ufe0f":
            invisible += 1
        else:
            raise PastedError(_character(char, at, "is not ASCII, and may only look as if it were: type it anew"))
    return "".join(shown), invisible


def _character(char: str, at: int, why: str) -> str:
    name = unicodedata.name(char, "")
    named = f"U+{ord(char):04X}" + (f", {name}" if name else "")
    return f"it is no id, ARN or IP address: character {at} ({named}) {why}"


def _unwrapped(text: str) -> str:
    """A text without the quotes, brackets, links and punctuation around it.

    Raises:
        PastedError: A link is labelled with another resource than it leads to.
    """
    for _ in range(_MOST_WRAPPED):
        text = text.strip()
        before = text
        if found := _MARKDOWN.fullmatch(text):
            text = _target(found[1], found[2])
        elif found := _SLACK.fullmatch(text) or _JSON_LINE.fullmatch(text):
            text = found[1]
        elif not _is_address(text):
            text = _without_pair(text).lstrip(_AT_START)
            text = text.rstrip(_AT_END.replace(":", "") if is_arn(text) else _AT_END)
        if text == before:
            break
    if _ENCODED.search(text) and not _URL.fullmatch(text):
        once = unquote(unquote(text))
        text = once if once.isascii() and once.isprintable() else text
    return text


def _without_pair(text: str) -> str:
    for first, last in _PAIRS:
        if text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last):
            return text[len(first) : len(text) - len(last)].strip()
    return text


def _is_address(text: str) -> bool:
    try:
        return read_address(text) is not None
    except AddressError:
        return bool(_PORT.fullmatch(text))


def _target(label: str, target: str) -> str:
    """What a link of Markdown leads to, if its label says nothing else."""
    label = label.strip("` ")
    if is_arn(label) or _CUT_ID.fullmatch(label) or _is_address(label):
        names = {part for one in _taken(target).asked for part in (one.name, one.name.rpartition("/")[2])}
        if label.rpartition("/")[2] not in names:
            raise PastedError(
                f"the link is labelled {repeated(label)} and leads elsewhere: paste the one that you mean"
            )
    return target


def _taken(text: str) -> Pasted:
    """What one text is, without anything around it."""
    if not text:
        raise PastedError(f"it is empty; {ACCEPTED}")
    if found := read_plain(text) or _list(text):
        return found
    if is_arn(text):
        return _arn(text)
    if _URL.fullmatch(text):
        return _url(text)
    if " " in text:
        raise PastedError(f"{repeated(text)} is several words, which are not guessed at; {ACCEPTED}")
    if ACCESS_KEY.fullmatch(text):
        return Pasted("access key id", (Asked(access_key=text),))
    if wrong := unique_id_problem(text):
        raise PastedError(wrong)
    if found := _address(text):
        return found
    if user := _USER.fullmatch(text):
        return _host(user["host"])
    host, _, path = text.partition("/")
    if found := read_bucket(host.lower(), path) or read_place(host.lower(), path) or read_name(text):
        return found
    if text.startswith(("#", "/")):
        raise PastedError(f"{repeated(text)} is a part of a link: paste the whole of it")
    if not _WORD.fullmatch(text) or len(text) > 2048:
        raise PastedError(f"{repeated(text)} is no id, ARN or IP address; {ACCEPTED}")
    if _ID_IN_CAPITALS.fullmatch(text):
        return Pasted("id", (Asked(text.lower()),), notes=("AWS writes ids in small letters",))
    kind = "id" if _CUT_ID.fullmatch(text) else "name"
    return Pasted(kind, (Asked(text),), plain=True, notes=_cut(text))


def _list(text: str) -> Pasted | None:
    """A list of ids, ARNs and addresses in one line; None if anything else is in it."""
    parts = [_unwrapped(part) for part in SEPARATOR.split(text) if part]
    found = [one for part in parts if (one := read_plain(part))]
    if len(parts) < 2 or len(found) < len(parts):
        return None
    return several("list", (asked for one in found for asked in one.asked))


def _cut(id_: str) -> tuple[str, ...]:
    found = _CUT_ID.fullmatch(id_)
    if not found or len(found["digits"]) in {8, 17}:
        return ()
    return (f"ids of EC2 have 8 or 17 digits, and it has {len(found['digits'])}: was it cut?",)


def _arn(text: str) -> Pasted:
    arn = parse_arn(text)
    if arn is None:
        raise PastedError(
            f"{repeated(text)} begins as an ARN and is none: its parts are "
            f"{FORM}, the account has 12 digits; was it cut, or is it a pattern?"
        )
    if arn.service == "s3" and not arn.account and "/" in arn.resource:
        return Pasted("ARN of an object in a bucket", (Asked(str(without_object(arn))),))
    if (function := function_arn(text)) and function != text:
        return Pasted("ARN of a function's version or alias", (Asked(function),))
    if arn.service == "ec2" and not arn.account:  # as AWS writes those of snapshots and images
        return Pasted("ARN", (Asked(last_part(text), region=arn.region or None),))
    return Pasted("ARN", (Asked(text),), plain=True)


def _address(text: str) -> Pasted | None:
    if found := _PORT.fullmatch(text):
        if int(found["port"]) > 65535:
            raise PastedError(f"{repeated(text)} has no port: these end with 65535")
        return replace(_host(found["host"]), notes=(f"without its port {found['port']}",), plain=False)
    try:
        address = read_address(text)
    except AddressError as error:
        raise PastedError(str(error)) from error
    return Pasted("IP address", (Asked(address=address),), plain=True) if address else None


def _host(host: str) -> Pasted:
    """What a host is, of a URL or before a port."""
    if found := _address(host) or read_name(host):
        return replace(found, plain=False)
    raise PastedError(f"{repeated(host, 128)} is no IP address, and no name that AWS gives to an instance; {ACCEPTED}")


def _url(url: str) -> Pasted:
    """What a URL leads to; what follows the host of a signed one is never repeated."""
    if found := _S3.match(url):
        return read_s3_uri(url[found.end() :])
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise PastedError("it begins as a URL and is none: paste it whole, or the id in it") from error
    path = unquote(parts.path)
    if known := read_link(url) or read_bucket(host, path) or read_place(host, path):
        return known
    return _host(f"[{host}]" if ":" in host else host)
