"""Some thousand documents of the fuzz, and all that once went wrong. `make fuzz` tries a million, and times them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.fuzz import documents, hostile, steps
from harness.fuzz.documents import MOST_BYTES, Document, drawn
from harness.fuzz.minimal import smaller
from harness.fuzz.rules import Violation, holds
from harness.fuzz.seeds import seeds
from harness.properties import examples
from harness.sampling import count
from ownertag.core.addresses import read_address
from ownertag.core.owner import principal as identity

SEEDS = tuple(seeds())
DOCUMENTS = count(40_000)
#: What would be a hang: `make fuzz` has the limit that counts, on a machine that does nothing else.
HANG = 1.0


@pytest.mark.parametrize("document", SEEDS, ids=lambda seed: seed.name)
def test_what_once_went_wrong_ends_well(document: Document) -> None:
    assert len(document.data) <= MOST_BYTES
    ended = steps.run(document, f"seed:{document.name}")
    assert ended.seconds < HANG, ended


def test_documents_of_any_shape_end_well() -> None:
    for number in range(DOCUMENTS):
        ended = steps.run(drawn(0, number), f"0:{number}:answers")
        assert ended.seconds < HANG, (number, ended)


def test_a_document_is_drawn_again_from_its_number() -> None:
    assert [drawn(7, number).data for number in range(300)] == [drawn(7, number).data for number in range(300)]
    assert drawn(7, 1).data != drawn(8, 1).data


def test_the_documents_come_to_every_end() -> None:
    kinds = [steps.run(drawn(0, number), f"0:{number}:answers").kind for number in range(1000)]
    assert {*kinds} == {"refusal", "tampering", "written", "waits"}
    assert kinds.count("written") > 200  # most of what is changed must still reach the last step


def test_the_large_ones_are_nearly_as_large_as_an_event_can_be() -> None:
    sizes = [len(drawn(0, number).data) for number in range(0, 40 * documents.ONE_LARGE_OF, documents.ONE_LARGE_OF)]
    assert max(sizes) > MOST_BYTES * 3 // 4
    assert max(sizes) <= MOST_BYTES


def test_what_goes_wrong_is_made_small() -> None:
    """A document with one odd value deep in it comes down to little more than that value."""

    def fails(document: Document) -> bool:
        return hostile.SECRET.encode() in document.data

    plain = {"detail": {"a": [{"b": number, "c": "x" * 50} for number in range(20)], "d": {"e": [1, hostile.SECRET]}}}
    small = smaller(Document(b"", plain=plain), fails)
    assert len(small.data) < 80
    assert fails(small)


def test_a_rule_that_does_not_hold_is_a_fault() -> None:
    with pytest.raises(Violation, match="plan: it does not"):
        holds(False, "plan", "it does not")


# --- what the seeds taught


@given(st.text(max_size=80))
@example("\u0323\u0307" * 20)
@example("e\u0307\u0323\u0f73\u0f71a\u0344\u0323")
@example("\u1ec7\u0323\u0302\u0301\u0327")
@examples(5000)
def test_marks_in_order_are_the_same_text(text: str) -> None:
    assert unicodedata.normalize("NFC", identity._in_order(text)) == unicodedata.normalize("NFC", text)


@given(
    st.text(
        alphabet=[
            chr(code) for code in (0x61, 0x323, 0x307, 0xF71, 0xF72, 0xF73, 0xF75, 0xF81, 0x344, 0x345, 0x1EC7, 0xAC00)
        ]
    )
)
@examples(5000)
def test_marks_of_any_class_in_order_are_the_same_text(text: str) -> None:
    assert unicodedata.normalize("NFC", identity._in_order(text)) == unicodedata.normalize("NFC", text)


def test_every_character_that_is_taken_apart_into_marks_of_two_classes_is_known() -> None:
    for code in range(0x110000):
        apart = unicodedata.normalize("NFD", chr(code))
        classes = [unicodedata.combining(character) for character in apart]
        if classes[0] and len({*classes, unicodedata.combining(chr(code))}) > 1:
            assert code in identity._APART, hex(code)


def test_alternating_marks_cost_no_more_than_marks_in_order() -> None:
    def seconds(name: str) -> float:
        best = HANG
        for _ in range(5):
            start = time.process_time()
            identity.clean(name)
            best = min(best, time.process_time() - start)
        return best

    many = identity.MAX_LOOKED_AT // 2
    assert seconds("\u0323\u0307" * many) < 4 * seconds("\u0323" * many + "\u0307" * many)  # 15 times, before


def test_a_long_text_is_no_address_and_is_not_repeated() -> None:
    assert read_address(":" * 100_000) is None


def test_a_document_comes_to_the_same_end_again() -> None:
    document = next(seed for seed in SEEDS if seed.name == "instances")
    assert steps.run(document, "x").kind == steps.run(document, "x").kind
