"""How `ownertag demo` ends: with an error where `whois` names another owner than the instance has."""

from __future__ import annotations

import pytest
import typer

from flows.test_whois import ADDRESS, ONE, OTHER, Hub, launched
from harness.memory_ledger import MemoryLedger
from ownertag.cli.demo import end
from ownertag.sandbox.demo_owners import CASES, OwnerAnswer, OwnerCase, check_owner

RIGHT = OwnerCase("alice", "", "launched by herself", lambda *_: ONE, "iam-user", "asserted")


def answer_of(case: OwnerCase, asked: str = ONE, id_: str = ONE) -> OwnerAnswer:
    """The answer of a ledger in which alice has launched an instance."""
    hub = Hub(MemoryLedger())
    hub.deliver(launched(ONE, "alice", 0))
    return check_owner(case, id_, asked, hub.ledger)


def ended(answer: OwnerAnswer) -> tuple[int, list[str]]:
    said: list[str] = []
    with pytest.raises(typer.Exit) as exit_:
        end([], [answer], "1 s", said.append)
    return exit_.value.exit_code, said


@pytest.mark.parametrize("asked", [ONE, ADDRESS])
def test_a_right_answer_ends_well(asked: str) -> None:
    code, said = ended(answer_of(RIGHT, asked))
    assert (code, said) == (
        0,
        ["all 0 resources carry the tags that they should, and all 1 answers are right, after 1 s in all"],
    )


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (
            OwnerCase("carol", "", "", RIGHT.launch, "iam-user", "asserted"),
            "it is: carol@example.com, asserted, iam-user",
        ),
        (OwnerCase("alice", "", "", RIGHT.launch, "iam-user", "inferred"), "it is: alice, inferred, iam-user"),
        (OwnerCase("alice", "", "", RIGHT.launch, "stack", "asserted"), "it is: alice, asserted, stack"),
        (
            OwnerCase("alice", "", "", RIGHT.launch, "iam-user", "asserted", claimed="carol"),
            "was not launched by a session that goes by carol",
        ),
    ],
)
def test_a_wrong_answer_does_not(case: OwnerCase, says: str) -> None:
    code, said = ended(answer_of(case))
    assert code == 1
    assert said[0].startswith("wrong: ")
    assert says in said[0]


def test_no_answer_does_not() -> None:
    answer = answer_of(RIGHT, OTHER, OTHER)
    assert ended(answer) == (1, [f"wrong: whois does not know {OTHER}", "1 things are not as they should be"])
    assert answer.lines() == [f"{OTHER:<20} nobody knows"]
    assert answer.as_object()["owner"] is None


def test_the_impostor_goes_by_the_name_of_somebody_else_who_is_there() -> None:
    [impostor] = [case for case in CASES if case.claimed]
    others = {case.persona.owner for case in CASES if case is not impostor}
    assert impostor.claimed in others
    assert impostor.persona.session == impostor.claimed != impostor.persona.owner
