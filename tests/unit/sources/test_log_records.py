"""Which records are found in a text, and that nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.events import record
from harness.logs import text, volumes
from ownertag.catalogue.loader import load_catalogue
from ownertag.sources.logs.faults import Unreadable
from ownertag.sources.logs.records import Finder, NotAsWritten
from ownertag.sources.logs.wanted import Wanted, wanted

A = "111111111111"
CREATE = ("ec2.amazonaws.com", "CreateVolume")
FINDER = Finder(Wanted(frozenset({CREATE})))


def _read(number: int, request: Any = None, event: str = "DescribeVolumes") -> dict[str, Any]:
    return record(event, A, "eu-central-1", None, request, number=number)


def _found(finder: Finder, *parts: bytes) -> list[tuple[int, str]]:
    return [(number, json.loads(data)["eventID"]) for number, data in finder.find(parts)]


def _wanted_of(records: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """What must be found, by Python's own JSON."""
    return [
        (number, found["eventID"])
        for number, found in enumerate(records, 1)
        if (found["eventSource"], found["eventName"]) == CREATE
    ]


def _mixed(count: int) -> list[dict[str, Any]]:
    creations = volumes(A, range(count))
    return [creations[number] if number % 7 == 3 else _read(number) for number in range(count)]


def test_the_wanted_are_found_with_their_numbers() -> None:
    records = _mixed(100)
    assert _found(FINDER, text(records)) == _wanted_of(records)
    assert len(_wanted_of(records)) == 14


@pytest.mark.parametrize("size", [1, 13, 800, 1500, 9999])
def test_a_text_in_parts_is_the_same_text(size: int) -> None:
    records = _mixed(40)
    whole = text(records)
    assert _found(FINDER, *(whole[at : at + size] for at in range(0, len(whole), size))) == _wanted_of(records)


def test_another_layout_is_read_as_well() -> None:
    records = _mixed(20)
    for layout in (json.dumps({"Records": records}), json.dumps({"Records": records}, indent=2, sort_keys=True)):
        assert _found(FINDER, layout.encode()) == _wanted_of(records)
        with pytest.raises(NotAsWritten):
            _found(FINDER, layout[:50].encode(), layout[50:].encode())


def _as_it_is(records: list[dict[str, Any]]) -> bytes:
    return text(records)


def _version_last(records: list[dict[str, Any]]) -> bytes:
    """As a program writes them that has its own order; every other one."""
    return text([
        {key: one[key] for key in (sorted(one, reverse=True) if number % 2 else one)}
        for number, one in enumerate(records)
    ])  # fmt: skip


def _version_twice(records: list[dict[str, Any]]) -> bytes:
    return text(records).replace(b'"awsRegion"', b'"eventVersion":"1.05","awsRegion"')


def _goes_on(records: list[dict[str, Any]]) -> bytes:
    return text(records)[:-1] + b',"more":[{"eventVersion":"1"}]}'


def _spaced(records: list[dict[str, Any]]) -> bytes:
    return text(records).replace(b'},{"eventVersion"', b'} , {"eventVersion"')


@pytest.mark.parametrize("laid_out", [_as_it_is, _version_last, _version_twice, _goes_on, _spaced])
def test_a_record_is_cut_out_whole_however_it_is_laid_out(laid_out: Callable[[list[dict[str, Any]]], bytes]) -> None:
    for records in (_mixed(20), volumes(A, range(3)), [_read(1), *volumes(A, [2])]):
        found = {
            number: json.loads(data) | {"eventVersion": "1.10"} for number, data in FINDER.find([laid_out(records)])
        }
        assert list(found.items()) == [
            (number, one) for number, one in enumerate(records, 1) if (one["eventSource"], one["eventName"]) == CREATE
        ]


def test_many_names_in_one_file() -> None:
    events = wanted(load_catalogue()).events
    records = [
        _read(number) | {"eventSource": source, "eventName": name}
        for number, (source, name) in enumerate(sorted(events))
    ]
    assert len(_found(Finder(wanted(load_catalogue())), text(records))) == len(events) == len(records)


def test_the_same_name_of_another_service_is_not_wanted() -> None:
    assert not _found(FINDER, text([_read(1, event="CreateVolume") | {"eventSource": "fsx.amazonaws.com"}]))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("genuine", [0, 1, 2])
def test_a_document_that_somebody_gave_to_a_call_is_no_record(count: int, genuine: int) -> None:
    """A list of whole records in a request, cut where a search for records' ends would cut: they are the caller's."""
    forged = volumes("222222222222", range(100, 100 + count), user="framed")
    request = {"document": [{"x": 1}, *forged, {"eventVersion": "1.09"}]}
    records = [_read(1), *volumes(A, range(2, 2 + genuine)), _read(5, request, "CreatePrompt"), _read(6)]
    assert _found(FINDER, text(records)) == _wanted_of(records)
    whole = text(records)
    for at in range(20, len(whole), 97):
        try:
            found = _found(FINDER, whole[:at], whole[at:])
        except NotAsWritten:
            continue  # cut within the document: another reader, which holds all of the file, is asked
        assert found == _wanted_of(records)


def test_a_name_in_a_text_or_a_request_is_no_event() -> None:
    quoted = json.dumps(volumes(A, [1])[0], separators=(",", ":"))
    records = [_read(1, {"policy": quoted}), _read(2, {"eventName": "CreateVolume"}), *volumes(A, [3])]
    assert _found(FINDER, text(records)) == _wanted_of(records)


def test_a_session_is_wanted_by_the_key_that_its_call_issued() -> None:
    def session(key: str, number: int) -> dict[str, Any]:
        answer = {"credentials": {"accessKeyId": key, "sessionToken": "x"}}
        found = record("AssumeRole", A, "eu-central-1", answer, {"roleArn": "arn"}, number=number)
        return found | {"eventSource": "sts.amazonaws.com"}

    records = [session("ASIAAAAAAAAAAAAAAAAA", 1), session("ASIABBBBBBBBBBBBBBBB", 2), *volumes(A, [3])]
    by_key = Finder(Wanted(frozenset({CREATE}), frozenset({"ASIABBBBBBBBBBBBBBBB"})))
    assert [number for number, _ in by_key.find([text(records)])] == [2, 3]
    assert [number for number, _ in FINDER.find([text(records)])] == [3]


def test_no_records_are_none() -> None:
    assert not _found(FINDER, b'{"Records":[]}')
    assert not _found(FINDER, b'{"Records":[]}\n')


@pytest.mark.parametrize("cut", [1, 2, 3, 400])
def test_a_text_that_was_cut_is_told(cut: int) -> None:
    whole = text(_mixed(10))
    with pytest.raises(NotAsWritten):
        _found(FINDER, whole[:-cut])
    with pytest.raises(Unreadable, match="cut short"):
        _found(FINDER, whole[:3000], whole[3000:-cut])


def test_damage_in_a_record_that_nobody_wants_is_told_as_well() -> None:
    whole = text([_read(1), _read(2), _read(3)])
    with pytest.raises(NotAsWritten):
        _found(FINDER, whole.replace(b'"eventName"', b'"eventName', 1))


@pytest.mark.parametrize("other", [b"[]", b'{"awsAccountId": "1"}', b'{"Records": 7}', b"{}"])
def test_what_has_no_records_is_left_to_others(other: bytes) -> None:
    with pytest.raises(NotAsWritten):
        _found(FINDER, other)


def test_a_bad_record_is_handed_on_alone() -> None:
    records: list[Any] = [*volumes(A, [1]), {"eventName": 7}, *volumes(A, [2]), "no record"]
    assert [number for number, _ in FINDER.find([text(records)])] == [1, 2, 3, 4]
