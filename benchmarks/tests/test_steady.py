from __future__ import annotations

import time
from xml.etree import ElementTree

import pytest

from benchmarks.steady.picture import picture
from benchmarks.steady.profile import Spent
from benchmarks.steady.queue import StreamQueue
from benchmarks.steady.stream import Delivered, Stream


def stream(rate: int) -> Stream:
    return Stream(
        rate=rate,
        places=4,
        lasted=2,
        events=2 * rate,
        delivered=Delivered(batches=2, seconds=4.0),
        calls={"AssumeRole": 4, "CreateTags": rate, "DescribeInstances": rate, "ListAccounts": 1},
        refused=0,
        processor=0.5,
        peak_kb=2048,
        points=[(0.0, 1.0), (0.5, 2.0), (1.5, 30.0)],
    )


def test_a_row_counts_what_was_not_tagged_and_what_an_event_costs() -> None:
    row = stream(5).row()
    assert row["tagged"] == "3 of 10"
    assert row["not yet, when it ended"] == "9"  # the first alone was, one second after it came
    assert (row["event to tag, p50 s"], row["p99 s"]) == (2.0, 30.0)
    assert row["processor, ms an event"] == 50.0
    assert row["of its core"] == "12%"
    assert row["EC2 calls an event"] == 1.0


def test_the_picture_has_a_line_and_a_bar_for_each_rate() -> None:
    drawn = ElementTree.fromstring(picture([stream(5), stream(50)]))  # noqa: S314 - our own text
    name = "{http://www.w3.org/2000/svg}"
    lines = drawn.findall(f"{name}polyline")
    assert len(lines) == 2
    assert len(lines[0].attrib["points"].split()) == 2  # one for each second in which something came
    words = [text.text for text in drawn.iter(f"{name}text")]
    assert words.count("5 a second") == words.count("50 a second") == 2
    assert "1.50; 3 of 10 tagged" in words


def test_a_message_that_comes_back_is_hidden_first_and_counts_its_receives() -> None:
    queue = StreamQueue([(0.0, "a"), (0.0, "b"), (time.time() + 60, "c")])
    first, second = queue.take(2, 0.0)
    assert (first.body, second.body) == ("a", "b")
    queue.back(first, 60)
    queue.back(second, -1)
    assert len(queue) == 2
    [again] = queue.take(5, 0.0)
    assert (again.number, again.receives) == (1, 2)
    assert not queue.over


def test_what_is_timed_answers_as_before_and_is_counted_when_it_fails() -> None:
    spent = Spent()
    divided = spent.timed(lambda a, b: a / b, lambda a, _: f"of {a}")
    assert divided(6, 2) == 3
    with pytest.raises(ZeroDivisionError):
        divided(6, 0)
    assert spent.times["of 6"] == 2


def test_what_was_timed_inside_is_not_its_own() -> None:
    spent = Spent()
    inner = spent.timed(lambda: sum(range(300_000)), lambda: "inner")
    outer = spent.timed(lambda: (inner(), inner()), lambda: "outer")
    outer()
    outer()
    assert spent.times == {"inner": 4, "outer": 2}
    assert spent.seconds["outer"] > spent.seconds["inner"] > 0
    assert spent.own["outer"] + spent.own["inner"] == pytest.approx(spent.seconds["outer"])
