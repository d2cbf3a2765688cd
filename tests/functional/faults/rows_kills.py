"""E12 and E13: the function's process is killed at one call, and the message comes again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faults.killing import Stage, staged
from faults.row import Proof
from faults.scenarios import SCENARIOS

_LAUNCHES = SCENARIOS[1]


def _after_the_tags(folder: Path) -> None:
    """Tagged, and not in the ledger: the next delivery completes it."""

    def killed(stage: Stage, calls: list[str]) -> None:
        last = max(number for number, name in enumerate(calls, 1) if name == "ec2.CreateTags")
        redelivered, deaths = stage.play((last, "after"))
        assert deaths == 1
        assert "ec2.CreateTags" in redelivered

    _same_end(folder, killed)


def _before_the_answer(folder: Path) -> None:
    """Done, and not deleted: the next delivery writes nothing, neither tags nor ledger."""

    def killed(stage: Stage, calls: list[str]) -> None:
        redelivered, deaths = stage.play((calls.index("return") + 1, "return"))
        assert deaths == 1
        assert set(calls) - set(redelivered) == {"ec2.CreateTags", "dynamodb.TransactWriteItems"}
        assert set(redelivered) - set(calls) == {"ec2.DescribeTags"}  # what comes again is compared with the ledger

    _same_end(folder, killed)


def _same_end(folder: Path, killed: Callable[[Stage, list[str]], None]) -> None:
    with staged(_LAUNCHES, folder) as (stage, function):
        calls, _ = stage.play()
        wanted = stage.end()
        killed(stage, calls)
        assert stage.end() == wanted
        assert function.end()["-9"] == 1


PROOFS = [
    Proof(
        "E12",
        "the function is killed after the tags are written and before the ledger has it",
        "the next delivery completes it: the same tags, and one line each",
        _after_the_tags,
    ),
    Proof(
        "E13",
        "the function is killed after all is done and before the message is deleted",
        "the next delivery looks once more and writes nothing",
        _before_the_answer,
    ),
]
