"""The form of an id, as a regular expression, and the text of paths that puts a composite id together.

The models' own patterns are written for other engines and differ from what the services take; from them comes only
whether a name may hold slashes, colons or spaces. All else keeps to what stands in ARNs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.arn_paths import ENOUGH, Found
from derive.id_paths import ids
from derive.types import Candidate

_PLAIN = "A-Za-z0-9_.@+=,~$%#"
_PATHS = re.compile(r"Path|Slash", re.IGNORECASE)


def id_form(made: Candidate, found: Sequence[Sequence[Found]]) -> str:
    """The form of a type's id.

    Args:
        made: The type.
        found: For each variable of its ARN the members that may hold it.
    """
    text = _literal(made.form.parts[0])
    for variable, literal, members in zip(made.form.variables, made.form.parts[2::2], found, strict=True):
        more = "/" if _PATHS.search(variable) else "".join(sorted(set("".join(map(_extra, members[:2])))))
        first, rest = f"[{_PLAIN}{more.replace(' ', '')}-]", f"[{_PLAIN}{more}-]"
        text += (f"{first}{rest}*" if " " in more else f"{first}+") + _literal(literal)
    return text


def _literal(text: str) -> str:
    return "[^/:]*".join(re.escape(part).replace(r"\-", "-") for part in text.split("*"))


def _extra(found: Found) -> str:
    pattern = found.member.shape.metadata.get("pattern")
    if found.score < ENOUGH:
        return ""
    if not pattern:
        return " "  # an alarm's name may hold spaces, and its model says nothing
    return "".join(mark for mark in "/: " if _takes(str(pattern), mark))


def _takes(pattern: str, mark: str) -> bool:
    try:
        taken = re.compile(pattern)
    except re.error:
        return False
    if any(taken.fullmatch(text) for text in ("é(\"'<>|", '\\{}^`"')):
        return False  # it takes anything, and says nothing
    probes = (f"abcdefgh{mark}ijklmnop", f"{mark}abcdefgh{mark}ijklmnop", f"abcdefgh1234{mark}1", f"ab{mark}cd")
    return any(taken.fullmatch(probe) for probe in probes)


def variables(client: str, name: str, made: Candidate) -> list[list[Found]]:
    """For each variable of a type's ARN the members that may hold it, the best first."""
    last = len(made.form.variables) - 1
    return [
        [one for one in ids(client, name, made, variable, last=at == last) if one.score >= ENOUGH]
        for at, variable in enumerate(made.form.variables)
    ]


def each(made: Candidate, found: Sequence[Sequence[Found]]) -> list[str]:
    """The texts of paths by which the id is put together: from the answer as far as it goes, then from the request."""
    if not found or not all(found) or any("*" in part for part in made.form.parts[::2]):
        return []
    texts = []
    for start in ("response", "request"):
        chosen = [_first(members, start) for members in found]
        if not any(one and one.startswith(start) for one in chosen[-1:]):
            continue
        paths = [own or members[0].member.path for own, members in zip(chosen, found, strict=True)]
        if start == "request" and any(path.startswith("response") for path in paths):
            continue
        if len(set(paths)) < len(paths) or (len(paths) > 1 and any("[]" in path for path in paths)):
            continue  # one member can't be two, and of a list nobody knows which belong together
        texts.append(_text(made, paths))
    return texts


def strip(made: Candidate) -> str:
    """What an id's name begins with and its ARN doesn't repeat (SSM: `ParameterNameWithoutLeadingSlash`)."""
    return "/" if any("WithoutLeadingSlash" in one for one in made.form.variables) else ""


def _first(members: Sequence[Found], start: str) -> str | None:
    paths = [one.member.path for one in members if one.member.path.startswith(start)]
    return paths[0] if paths else None


def _text(made: Candidate, paths: Sequence[str]) -> str:
    if made.form.parts[::2] == ("", "") and len(paths) == 1:
        return paths[0]
    return made.form.parts[0] + "".join(
        f"{{{path}}}{literal}" for path, literal in zip(paths, made.form.parts[2::2], strict=True)
    )
