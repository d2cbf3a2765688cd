"""Why an operation's row is as it is, or why it is none: `make catalogue EXPLAIN=rds:CreateDBInstance`."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

from derive import ids, models, types
from derive.arn_paths import ENOUGH, arns
from derive.id_paths import ids as members_of
from derive.rows import NoRow, Row, status
from derive.tag_api_names import tag_api
from derive.taking import Taker, by_reference, tags_of
from derive.types import Candidate

_WIDTH = 80
#: How many candidates are shown of each.
_MOST = 4


def explain(wanted: str) -> str:
    """The words about an operation, 80 columns wide.

    Args:
        wanted: "rds:CreateDBInstance": the client, the prefix of its IAM actions, or its event source, and the name of
            the operation or of its event.

    Raises:
        SystemExit: There is no such operation; the text names those that are spelled alike.
    """
    prefix, _, name = wanted.partition(":")
    clients = models.clients()
    own = [prefix] if prefix in clients else [client for client in clients if prefix in _prefixes(client)]
    if not own:
        near = difflib.get_close_matches(prefix, clients, 3)
        raise SystemExit(f"no service {prefix!r}{_or(near)}; write it as in rds:CreateDBInstance")
    named = [
        (client, operation)
        for client in own
        for operation in models.model(client).operation_names
        if name in {operation, models.event_name(client, operation)}
    ]
    if not named:
        known = sorted({operation for client in own for operation in models.model(client).operation_names})
        raise SystemExit(f"{prefix} has no operation {name!r}{_or(difflib.get_close_matches(name, known, 3))}")
    return "\n".join("\n".join(_lines(client, operation)) for client, operation in named)


def _prefixes(client: str) -> set[str]:
    source = models.event_source(client)
    return {client, models.service(client), models.signing_name(client), source, source.partition(".")[0]}


def _or(near: list[str]) -> str:
    return f"; is it {' or '.join(near)}" if near else ""


def _lines(client: str, operation: str) -> Iterator[str]:
    yield f"{client}.{operation}"
    tags = tags_of(client, operation)
    if not tags and not by_reference(client, operation):
        yield from _field("no row", "it takes no tags; what it makes can be a row by hand alone")
        return
    found = status(Taker(client, operation, tags))
    if isinstance(found, NoRow):
        yield from _field("no row", found.reason)
    else:
        yield from _field("row", f"{found.event} of {found.source}; confidence {found.confidence}")
        if others := _sharing(found):
            yield from _field("with", f"{', '.join(others)}, whose records have the same source and name")
        yield from _field("is", ", ".join(found.traits) or "something lasting")
    yield from _field("tags", tags[0].path if tags else "by the authorization reference alone")
    candidates = types.candidates(client, operation)
    for number, candidate in enumerate(candidates[:_MOST]):
        yield from _scored("type" if not number else "", candidate.name, candidate.score, ", ".join(candidate.reasons))
    if candidates:
        yield from _of_type(client, operation, candidates[0], found)


def _sharing(row: Row) -> list[str]:
    return [
        client
        for client in models.clients()
        if client != row.client
        and models.event_source(client) == row.source
        and row.operation in models.model(client).operation_names
    ]


def _of_type(client: str, operation: str, best: Candidate, found: Row | NoRow) -> Iterator[str]:
    yield from _field("its ARN", best.form.arn.replace("{id}", "".join(_braced(best.form.parts))))
    for number, one in enumerate(arns(client, operation, best)[:_MOST]):
        yield from _scored("ARN" if not number else "", one.member.path, one.score, one.reason)
    last = len(best.form.variables) - 1
    for at, variable in enumerate(best.form.variables):
        members = sorted(members_of(client, operation, best, variable, last=at == last), key=lambda one: -one.score)
        for number, one in enumerate(members[:_MOST]):
            yield from _scored(variable if not number else "", one.member.path, one.score, one.reason)
        if not members:
            yield from _field(variable, "nothing tells it")
    if isinstance(found, Row):
        for number, path in enumerate([*found.made.arn, *found.made.each]):
            yield from _field("taken" if not number else "", path)
        yield from _field("its id", ids.id_form(best, ids.variables(client, operation, best)))
    yield from _field("tag API", tag_api(client, best) or "none: it is kept in the ledger alone")
    yield from _field("", f"what scores less than {ENOUGH:g} is not taken")


def _braced(parts: tuple[str, ...]) -> Iterator[str]:
    for at, part in enumerate(parts):
        yield f"{{{part}}}" if at % 2 else part


def _scored(label: str, name: str, score: float, reason: str) -> Iterator[str]:
    yield from _field(label, f"{score:5.1f}  {name}")
    yield from textwrap.wrap(reason, _WIDTH, initial_indent=" " * 19, subsequent_indent=" " * 19)


def _field(label: str, text: str) -> Iterator[str]:
    head = f"  {label:<10}" if len(label) <= 9 else f"  {label}\n{'':12}"
    wrapped = textwrap.wrap(text, _WIDTH - 12, break_on_hyphens=False) or [""]
    yield (head + wrapped[0]).rstrip()
    yield from (f"{'':12}{line}" for line in wrapped[1:])
