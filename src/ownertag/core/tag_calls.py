"""Records of calls that change tags: which calls those are, and what a record of one names, by the data of tag APIs.

A record has the call's parameters under their names with a small first letter; what differs is said in the data. One
call can write some tags and remove others, and one event name can be of several APIs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.catalogue_types import TagApi, TagForm
from ownertag.core.parameters import parameters_of
from ownertag.core.paths import member, values_at
from ownertag.core.records import Record

#: (event source, event name) to the forms that its records have.
TagForms = Mapping[tuple[str, str], tuple[TagForm, ...]]

_LISTS = ("items", "item", "member", "tag", "tagset")
#: What CloudTrail writes instead of what a service marks as sensitive (seen).
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
#: The end of the name of an object that has a part of the parameters.
_WRAPPED = b'Input"'
_KEY, _VALUE = ("key", "tagkey"), ("value", "tagvalue")
# More than any record nests tags: what goes deeper was made to cost.
_MAX_DEPTH = 6


class TagCall(Struct, frozen=True):
    """What a tag call names.

    `written` and `removed` hold each key with its value, None where the call gave none. `removes_all`: every tag goes
    that is not written. `ids` are the resources as the request names them, in the way of `form`. `omitted`: CloudTrail
    left the request out, as it does above 100 KB (doc: record contents), or hides the tags, so that nothing is told.
    """

    form: TagForm
    written: Mapping[str, str | None] = {}
    removed: Mapping[str, str | None] = {}
    ids: tuple[str, ...] = ()
    removes_all: bool = False
    omitted: bool = False

    def touches(self, keys: frozenset[str]) -> frozenset[str]:
        """Which of these keys the call touches, whatever their letter case, as in the policy that protects them."""
        if self.removes_all:
            return keys
        named = {key.casefold() for key in (*self.written, *self.removed)}
        return frozenset(key for key in keys if key.casefold() in named)

    def removes(self, key: str, value: str) -> bool:
        """Whether a tag goes: where a removal gives a value, only what has that value does (doc: EC2, DeleteTags)."""
        if key in self.written:
            return False
        return self.removes_all or (key in self.removed and self.removed[key] in {None, value})


# --- which calls there are


def tag_forms(apis: Iterable[TagApi]) -> dict[tuple[str, str], tuple[TagForm, ...]]:
    """The calls that write or remove tags, and the forms of their records."""
    found: dict[tuple[str, str], dict[TagForm, list[str]]] = {}

    def add(names: Iterable[str], source: str, form: TagForm, api: str) -> None:
        for name in names:
            found.setdefault((source, name), {}).setdefault(form, []).append(api)

    for api in apis:
        record, remove = api.record, api.remove
        form = TagForm(
            True, _path(record.resource if record else api.resource), _path(record.tags if record else api.tags),
            is_map=api.form == "map", all_others=api.replaces, words=_words(api.constants),
        )  # fmt: skip
        add(api.events or (api.operation,), api.event_source, form, api.name)
        if remove:
            record = remove.record
            form = TagForm(
                False, _path(record.resource if record else remove.resource),
                _path(record.keys if record else remove.keys), words=_words(remove.constants),
            )  # fmt: skip
            add(remove.events or (remove.operation,), api.event_source, form, api.name)
    return {call: tuple(_of(form, names) for form, names in forms.items()) for call, forms in found.items() if call[0]}


def _of(form: TagForm, apis: list[str]) -> TagForm:
    return TagForm(form.writes, form.resource, form.tags, form.is_map, form.all_others, form.words, tuple(apis))


def _path(parameter: str) -> tuple[str, ...]:
    keys = parameter.replace("[]", ".[]").split(".")
    return (keys[0][:1].lower() + keys[0][1:], *keys[1:]) if parameter else ()


def _words(constants: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The parameters that say which kind of resource is meant."""
    return tuple((name, value) for name, value in constants.items() if isinstance(value, str) and "{" not in value)


# --- what a record names


def tag_call(record: Record, forms: TagForms) -> TagCall | None:
    """What a record of a tag call names; None for any other record. A request that can't be read is one left out."""
    of_call = forms.get((record.event_source, record.event_name))
    if of_call is None:
        return None
    request = _request(record)
    if request is None or str(request.get("omitted", "")).lower() == "true":
        return TagCall(of_call[0], omitted=True)
    fitting = _fitting(request, of_call)
    written: dict[str, str | None] = {}
    removed: dict[str, str | None] = {}
    removes_all = hidden = False
    for form in fitting:
        into = written if form.writes else removed
        for node in _at(request, form.tags) if form.tags else ():
            _collect(node, form, into, 0)
        hidden = hidden or _is_hidden(request, form)
        removes_all = removes_all or form.all_others or (not form.writes and not removed)
    removes_all = removes_all and not (written and any(not form.writes for form in fitting))
    ids = [id_ for id_ in _at(request, (*fitting[0].resource, "[]")) if isinstance(id_, str)]
    return TagCall(fitting[0], written, removed, tuple(dict.fromkeys(ids)), removes_all, hidden)


def _request(record: Record) -> dict[str, Any] | None:
    """The parameters; in records of API Gateway some stand in an object named after the call, and others beside it."""
    inner: dict[str, Any] | None = parameters_of(record)["request"]
    if inner is None or _WRAPPED not in bytes(record.request):
        return inner
    outer = msgspec.json.decode(bytes(record.request))  # it was read before: it is an object
    return {**outer, **inner}


def _is_hidden(request: dict[str, Any], form: TagForm) -> bool:
    """Whether a word stands where the tags or keys should."""
    value = member(request, form.tags[0]) if form.tags else None
    return value == _HIDDEN or (form.writes and isinstance(value, str) and value != "")


def _fitting(request: dict[str, Any], forms: tuple[TagForm, ...]) -> list[TagForm]:
    """The forms of the API that the record is of: it has their words and the parameter of their resources."""
    if len(forms) == 1:
        return list(forms)
    said = [form for form in forms if all(_at(request, (name,)) == [word] for name, word in form.words)] or list(forms)
    named = [form for form in said if _at(request, form.resource)] or said
    first = named[0]
    return [form for form in named if form.resource == first.resource and form.words == first.words]


def _at(request: dict[str, Any], path: tuple[str, ...]) -> list[Any]:
    """The values at a path. The first key may be written otherwise: `ARN` as `aRN` or `arn`, or `resource-arn`."""
    found = values_at(request, path)
    if found or not path:
        return found
    wanted = _letters(path[0])
    return [
        value for key, node in request.items() if _letters(key) == wanted for value in values_at({path[0]: node}, path)
    ]


def _letters(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


def _collect(node: Any, form: TagForm, into: dict[str, str | None], depth: int) -> None:
    """Adds the keys of tags, or the keys that are removed, in whichever form a record has them."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, str):
        if not form.writes and node != _HIDDEN:
            into |= dict.fromkeys(filter(None, node.split(",")))
    elif isinstance(node, list):
        for item in node:
            _collect(item, form, into, depth + 1)
    elif isinstance(node, dict):
        folded = {name.lower(): value for name, value in node.items()}
        is_map = form.is_map and depth == 0
        key = None if is_map else next((folded[name] for name in _KEY if name in folded), None)
        inner = [] if is_map else [folded[name] for name in _LISTS if isinstance(folded.get(name), list | dict)]
        if isinstance(key, str):
            value = next((folded[name] for name in _VALUE if name in folded), None)
            into[key] = value if isinstance(value, str) else None
        elif inner:
            _collect(inner, form, into, depth + 1)
        elif is_map or not folded.keys() & {*_KEY, *_VALUE}:
            into |= {key: value for key, value in node.items() if isinstance(value, str)}
