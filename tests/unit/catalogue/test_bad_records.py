"""Whatever a record of a row that is on holds: no exception, and nothing outside its account, Region and types."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from harness import fixtures, rows
from harness.fixtures import OTHER_ACCOUNT, Json
from harness.sampling import count, sample
from ownertag.core.catalogue_types import CatalogueRow
from ownertag.core.values import Creation, Reason, Refusal

ROWS = fixtures.catalogue().rows
GOLDEN = rows.golden_of()
MANY = 10_000
HALVES = ("requestParameters", "responseElements")


def _everywhere(node: Any, change: Callable[[str], str]) -> Any:
    if isinstance(node, dict):
        return {key: _everywhere(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [_everywhere(value, change) for value in node]
    return change(node) if isinstance(node, str) else node


def _of_answer(record: Json, change: Callable[[str], str]) -> Json:
    return record | {"responseElements": _everywhere(record["responseElements"], change)}


def _of_both(record: Json, change: Callable[[str], str]) -> Json:
    return _of_answer(record, change) | {"requestParameters": _everywhere(record["requestParameters"], change)}


def _many(node: Any) -> Any:
    """Every outermost list with ten thousand things; where there is none, every value as often."""
    if isinstance(node, list):
        return node[:1] * MANY
    if isinstance(node, dict):
        lists = any(isinstance(inner, list) for inner in node.values())
        deeper = any(isinstance(inner, dict) for inner in node.values())
        return {
            key: _many(value) if lists or isinstance(value, dict) else value if deeper else [value] * MANY
            for key, value in node.items()
        }
    return node


#: Each makes a bad record of a good one.
BAD: dict[str, Callable[[Json], Json]] = {
    "no-answer": lambda record: record | {"responseElements": None},
    "empty-answer": lambda record: record | {"responseElements": {}},
    "no-request": lambda record: record | {"requestParameters": None},
    "neither": lambda record: record | {"requestParameters": None, "responseElements": None},
    "answer-as-a-list": lambda record: record | {"responseElements": [record["responseElements"]]},
    "answer-as-a-text": lambda record: record | {"responseElements": "x"},
    "omitted": lambda record: record | {"responseElements": fixtures.OMITTED},
    "both-omitted": lambda record: (
        record | {"responseElements": fixtures.OMITTED, "requestParameters": fixtures.OMITTED}
    ),
    "another-account": lambda record: _of_answer(record, lambda text: text.replace(fixtures.ACCOUNT, OTHER_ACCOUNT)),
    "another-region": lambda record: _of_answer(record, lambda text: text.replace(record["awsRegion"], "ap-south-2")),
    "another-partition": lambda record: _of_answer(record, lambda text: text.replace("arn:aws:", "arn:aws-cn:")),
    "another-service": lambda record: _of_answer(record, lambda text: text.replace("arn:aws:", "arn:aws:x")),
    "wildcards": lambda record: _of_both(record, lambda text: f"{text}*"),
    "wildcards-alone": lambda record: _of_both(record, lambda _: "*"),
    "wildcards-inside": lambda record: _of_both(record, lambda text: text[:-2] + "?" + text[-1:]),
    "newlines": lambda record: _of_both(record, lambda text: f"{text}\n"),
    "spaces": lambda record: _of_both(record, lambda text: f" {text}"),
    "other-digits": lambda record: _of_both(record, lambda text: text.translate({ord("1"): "\uff11"})),
    "paths": lambda record: _of_both(record, lambda text: f"../{text}"),
    "ten-thousand": lambda record: record | {"responseElements": _many(record["responseElements"])},
    "all-in-the-request": lambda record: (
        record | {"requestParameters": {"request": record["requestParameters"], "answer": record["responseElements"]}}
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_of_any_row_makes_nothing_that_is_not_its_own(bad: str) -> None:
    keys = sample(list(ROWS)) if bad == "ten-thousand" else list(ROWS)
    for key in keys:
        row = ROWS[key]
        for record in GOLDEN[key]:
            changed = BAD[bad](deepcopy(record))
            assert rows.faults_of(rows.decide(changed), row) == [], key


@pytest.mark.parametrize("bad", ["wildcards-alone", "wildcards-inside", "newlines", "other-digits"])
def test_what_no_id_has_is_refused(bad: str) -> None:
    for key in ROWS:
        for record in GOLDEN[key]:
            made = rows.decide(BAD[bad](deepcopy(record)))
            assert isinstance(made, Refusal) or not made.resources or bad == "other-digits", key


@pytest.mark.parametrize("bad", ["another-account", "another-region", "another-partition", "another-service"])
def test_an_arn_of_elsewhere_is_refused(bad: str) -> None:
    """Where a row reads an ARN, and the answer has it."""
    wanted = {Reason.OTHER_ACCOUNT, Reason.OTHER_REGION, Reason.BAD_ID}
    for key, row in ROWS.items():
        for record in GOLDEN[key]:
            good = rows.decide(record)
            assert isinstance(good, Creation)
            changed = BAD[bad](deepcopy(record))
            if not _reads_its_arn(row, record, good) or changed == record:
                continue
            made = rows.decide(changed)
            assert isinstance(made, Refusal), key
            assert made.reason in wanted


def _reads_its_arn(row: CatalogueRow, record: Json, creation: Creation) -> bool:
    text = fixtures.text_of(record["responseElements"])
    return any(makes.arns for makes in row.makes) and all(
        f'"{resource.arn}"' in text and _changes(resource.arn) for resource in creation.resources
    )


def _changes(arn: str) -> bool:
    """Whether it names an account and a Region: what names none can be of any."""
    return all(arn.split(":")[3:5])


def test_a_thin_answer_makes_the_same_or_nothing_more() -> None:
    """Without any one thing of its request or answer, a record makes no other thing."""
    for key, row in ROWS.items():
        for record in GOLDEN[key][:2]:
            good = rows.decide(record)
            assert isinstance(good, Creation)
            number = len(list(rows.places({half: record[half] for half in HALVES})))
            for at in range(number):
                changed = deepcopy(record)
                halves = {half: changed[half] for half in HALVES}
                holder, inner = list(rows.places(halves))[at]
                del holder[inner]
                made = rows.decide(changed | {half: halves.get(half) for half in HALVES})
                assert rows.faults_of(made, row) == [], key


def test_the_answer_of_another_call_of_the_same_name_makes_nothing_of_this_one() -> None:
    """Of every two services that have a call of one name, with the answer of the other's."""
    for (source, name), row in ROWS.items():
        others = [key for key in ROWS if key[1] == name and key[0] != source]
        for other in others:
            for record in GOLDEN[other]:
                changed = record | {"eventSource": source}
                assert rows.faults_of(rows.decide(changed), row) == []


def test_records_with_anything_wrong_make_nothing_outside() -> None:
    """A hundred thousand in a full run, over all rows; a failure says its number, which makes it anew."""
    keys = list(ROWS)
    everything = tuple(record for records in GOLDEN.values() for record in records)
    made = 0
    for number in range(count(100_000, 50)):
        random = Random(number)  # noqa: S311 - a draw of mistakes, which its number makes anew
        key = keys[number % len(keys)]
        changed = rows.mutated(random.choice(GOLDEN[key]), everything, random)
        decision = rows.decide(changed)
        assert rows.faults_of(decision, ROWS[key]) == [], number
        made += isinstance(decision, Creation)
    assert made  # not all is refused: else nothing would have been tried
