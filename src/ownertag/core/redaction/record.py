"""Replaces in a whole record or event: which fields stay, and which values in them, by where they stand.

The list is of what stays. A field, a member or a value that is not on it is replaced, also one that AWS adds tomorrow.
Times stay as they are, and so do Regions, services, events, error codes, counts and sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import IDENTITY_TYPES
from ownertag.core.redaction import words
from ownertag.core.redaction.replacements import Draw, Replacements
from ownertag.core.redaction.texts import Texts, unused
from ownertag.core.redaction.words import NO_WORDS, ApiWords, deciding_values

#: More than any record nests; what is deeper was made to be.
_MOST_DEEP = 64
_TAG = frozenset({"key", "value", "tagkey", "tagvalue", "tag", "propagateatlaunch", "resourceid", "resourcetype"})
_KEY, _VALUE = frozenset({"key", "tagkey"}), frozenset({"value", "tagvalue"})
#: Members that hold tags as a map from key to value.
_TAG_MAPS = frozenset({"tags", "tagset", "tag", "taglist", "principaltags", "incomingtransitivetags", "resourcetags"})
_NO_MAP = frozenset({"items", "item", "member", "key", "tagkey", "tag"})
_TAG_KEYS = frozenset({"tagkeys", "transitivetagkeys"})
#: Fields that AWS alone writes, and that keep their values by their form: of a record, and not of what lies in it.
_OF_RECORD = frozenset({"eventname", "eventsource", "errorcode"})
_PARAMETERS = frozenset({"requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails"})


class Redactor:
    """Replaces in the records of one run: the same original has the same replacement in all of them.

    Args:
        draw: Draws at random.
        catalogue: The rows, for the forms of ARNs and ids.
        services: What AWS's services are called, beyond those that are known here.
        words_of: The words of a service's API, by the record's event source.
    """

    def __init__(
        self,
        draw: Draw,
        catalogue: Catalogue,
        services: frozenset[str] = frozenset(),
        words_of: Callable[[str], ApiWords] = lambda _: NO_WORDS,
    ) -> None:
        self._texts = Texts(
            Replacements(draw),
            services,
            words.arn_types(catalogue),
            words.id_prefixes(catalogue),
            words.words_within(catalogue),
            words.tag_keys(catalogue),
        )
        self._services = words.SERVICES | services
        self._deciding = deciding_values(catalogue)
        self._words_of = words_of

    def redact(self, document: dict[str, Any]) -> dict[str, Any]:
        """A record, or an event with one in it, with replacements."""
        detail = document.get("detail")
        record = detail if isinstance(detail, dict) else document
        source, name = record.get("eventSource"), record.get("eventName")
        api = self._words_of(source) if isinstance(source, str) else NO_WORDS
        wrappers = [name.lower() + end for end in _WRAPPERS] if isinstance(name, str) else []
        walk = _Walk(self._texts, self._services, api, frozenset(wrappers), self._deciding)
        return walk.object(document, "", parameters=False, depth=0)

    def text(self, text: str) -> str:
        """A text from elsewhere, such as a setting, as it stands in the records."""
        return self._texts.text(text)


_WRAPPERS = ("request", "response", "input", "result", "output")


class _Walk:
    """Goes through one record. `field` is the name of the member that a value stands in, in small letters."""

    def __init__(
        self,
        texts: Texts,
        services: frozenset[str],
        api: ApiWords,
        wrappers: frozenset[str],
        deciding: Mapping[str, frozenset[str]],
    ) -> None:
        self._texts = texts
        self._services = services
        self._api = api
        self._wrappers = wrappers
        self._deciding = deciding

    def object(self, node: dict[str, Any], field: str, parameters: bool, depth: int) -> dict[str, Any]:
        folded = {key.lower() for key in node}
        if parameters and folded & _KEY and folded <= _TAG:
            return {key: self._tag(key.lower(), value, depth) for key, value in node.items()}
        is_record = not parameters and (not field or (field == "detail" and depth == 1))
        is_map = parameters and field in _TAG_MAPS and not (folded & _NO_MAP)
        found: dict[str, Any] = {}
        for key, value in node.items():
            lower = key.lower()
            shown = self._key(key, field, parameters, is_map)
            found[unused(shown, found)] = (
                self._tag("value", value, depth)
                if is_map
                else self._value(
                    value,
                    "-" if lower in _OF_RECORD and not is_record else lower,
                    parameters or lower in _PARAMETERS,
                    depth,
                )
            )
        return found

    def _key(self, key: str, field: str, parameters: bool, is_map: bool) -> str:
        if is_map:
            return self._texts.tag_key(key)
        if field == "attributes" and not parameters:
            return self._attribute(key)
        return key if self._is_member(key.lower(), parameters) else self._texts.text(key)

    def _is_member(self, key: str, parameters: bool) -> bool:
        if key in words.FIELDS or key in words.ZONES or key in words.TIMES:
            return True
        members = self._api.members
        return parameters and (key in members or key.removesuffix("set") in members or key in self._wrappers)

    def _attribute(self, key: str) -> str:
        """A session's own attribute, or what its provider of identities says."""
        return key if key.lower() in words.FIELDS else self._texts.claim(key)

    def _tag(self, key: str, value: Any, depth: int) -> Any:
        if key in _KEY and isinstance(value, str):
            return self._texts.tag_key(value)
        if key in _VALUE and isinstance(value, str):
            return self._texts.text(value)
        if key in _VALUE and isinstance(value, bool | int | float):
            return value if isinstance(value, bool) else self._texts.number(value)
        return self._value(value, key, True, depth)

    def _value(self, value: Any, field: str, parameters: bool, depth: int) -> Any:
        if depth > _MOST_DEEP:
            return None
        if isinstance(value, dict):
            return self.object(value, field, parameters, depth + 1)
        if isinstance(value, list):
            if field in _TAG_KEYS:
                return [self._texts.tag_key(item) if isinstance(item, str) else None for item in value]
            return [self._value(item, field, parameters, depth + 1) for item in value]
        if isinstance(value, str):
            return self._text(value, field, parameters)
        if value is None or isinstance(value, bool):
            return value
        return self._number(value, field)

    def _number(self, number: int | float, field: str) -> int | float:
        is_time = field in words.TIMES or field in self._api.times
        if is_time and (1e8 < number < 1e10 or 1e11 < number < 1e13):
            return number
        return self._texts.number(number, small=words.NAMING_NUMBERS.search(field) is not None)

    def _text(self, text: str, field: str, parameters: bool) -> str:
        if self._is_kept(text, field, parameters):
            return text
        match field:
            case "rolesessionname":
                return self._texts.session(text)
            case "principalid" | "assumedroleid":
                return self._texts.principal(text)
            case "useragent":
                return self._texts.agent(text)
            case "invokedby" | "sourceipaddress" | "clientprovidedhostheader" | "host" | "eventsource":
                return self._texts.service(text)
            case "awsregion" | "region":
                return self._texts.region(text)
        return self._texts.text(text)

    def _is_kept(self, text: str, field: str, parameters: bool) -> bool:
        api = self._api
        if field in words.ZONES and (words.REGION.fullmatch(text) or words.ZONE.fullmatch(text)):
            return True
        if (field in words.TIMES or field in api.times) and words.TIME.fullmatch(text):
            return True
        if parameters:
            if text in api.values.get(field, ()) or text in self._deciding.get(field, ()):
                return True
            if field == "omitted" and text in words.VALUES[field]:
                return True
            if field in api.numbers and text.isascii() and text.isdigit() and len(text) < 5:
                return not words.NAMING_NUMBERS.search(field)
            return field.endswith(("instancetype", "instanceclass", "nodetype")) and bool(
                words.INSTANCE_TYPE.fullmatch(text)
            )
        if text in words.VALUES.get(field, ()):
            return True
        if field == "type" and text in IDENTITY_TYPES:
            return True
        if field == "source":
            service = text.removeprefix("aws.")
            return service != text and service in self._services
        form = words.FORMS.get(field)
        return form is not None and form.fullmatch(text) is not None
