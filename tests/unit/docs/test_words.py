"""Names that were replaced by the field's own are not used any more, neither in code nor in text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from docs.test_ids import files, text

ROOT = Path(__file__).parents[3]
PLACES = ("src", "tests", "harness", "docs", "infra", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


class Old(NamedTuple):
    """A name that is gone: how it is found, and the one that is used instead.

    A line, or an item of CHANGELOG.md, that has both tells of the renaming and may stay. `only` is a path's beginning.
    """

    pattern: str
    new: str
    only: str = ""


# What a pattern is exact about is said where it is not plain: words of everyday English must pass.
OLD = {
    "flows": Old(r"\bflows[./](apart|tell|remember|written_over)\b", "isolate_failures"),
    "written_over": Old(r"\bwritten_over\b", "repair_overwrites"),
    "core": Old(r"\bcore[./](brought|claims|follow|known|fair|rows|details)\b", "request_tags"),
    "ownership": Old(r"def (claimed|given|written|deleted)\(", "apply_claim", "src/ownertag/core/ownership.py"),
    "chain": Old(r"\bclass (Walk|Known)\b|\b(follow\.Walk|known\.Known|Walk\(|Known\()", "OwnerChain"),
    "ledger": Old(r"\b(ownertag[./])ledger[./](after|bodies|calls|place)\b", "apply_entry"),
    "aws": Old(r"\baws[./]together\b|\bsources[./]memory\b", "concurrency"),
    "handler": Old(r"\bhandler[./](at_init|entry|report)\b|\bat_init\b", "lambda_function"),
    "rollout": Old(r"\bway_back\b|\b(deploy|rollout)\b.*\bcarry_out\b|\bcarry_out\.py\b|\bin_use\b", "destroy"),
    "package": Old(r"\bpackage[./]own\b", "modules"),
    "doctor": Old(r"\bdoctor[./](look|reach)\w*\b|\blook_(hub|organization)\b|\bclass Way\b", "collect"),
    "dead letter": Old(r"\bbur(y|ies|ied)\b|\bDying\b|\w*Buried\b", "DeadLetter"),
    "untagged": Old(r"\bwhere_no_owner_is\b|\bborrowed\b", "untagged_only"),
    "exit": Old(r"\bExit\.(WELL|FOUND|UNREACHED)\b", "OK"),
    "recreate": Old(r"(?<!\w)--again\b", "--recreate"),
    "force": Old(r"(?<!\w)--despite-uses\b", "--force"),
    "limit": Old(r"(?<!\w)--most\b", "--limit"),
    "confidence": Old(r"\bsurely\b", "confidence"),
    # Of an address: a provider may lead to another account.
    "attached to": Old(r"""["']leads to\b|^\s*leads to {2,}|\baddress leads? to\b""", "attached to"),
    "not checked": Old(r"\bnot_looked\b|[\"']not looked|\bnow +not looked", "not_checked"),
    # The label of what is printed, and the head of a table: people and code may ask.
    "looks up": Old(r"""["']asks(["']| {2})|`asks`|^\s*asks {3,}|\| asks \|""", "looks up"),
    "sids": Old(r"\b(BeTheTagger|SayWhyOneIsDead|KeepOwnerTags)", "AssumeTaggerRole"),
    "headings": Old(
        r"\b(Rules that hold|What can go wrong|What an AWS error comes to|Who is named)\b", "Failure modes"
    ),
}
#: Each of these stood for several things; now for one at most.
ONE_THING = ("Place", "Organization", "Instance", "Target", "Answer", "fitting", "tags_of")


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Where each line stands and what it says; of CHANGELOG.md each item is one."""
    content = text(path)
    if path.name == "CHANGELOG.md":
        content = re.sub(r"\n +", " ", content)
    for number, line in enumerate(content.splitlines(), 1):
        yield f"{path.relative_to(ROOT)}:{number}", line


PATHS = [path for path in files() if path.relative_to(ROOT).parts[0] in PLACES and path != Path(__file__)]
LINES_OF = [list(lines(path)) for path in PATHS]
LINES = [line for of_file in LINES_OF for line in of_file]
FILES = [("\n".join(line for _, line in of_file), of_file) for of_file in LINES_OF]


def found(old: Old, lines_: list[tuple[str, str]]) -> list[str]:
    """The places of a name that is gone."""
    pattern = re.compile(old.pattern)
    return [
        f"{where}: {line.strip()[:100]}"
        for where, line in lines_
        if where.startswith(old.only) and pattern.search(line) and old.new not in line
    ]


def candidates(old: Old) -> list[tuple[str, str]]:
    """The lines of the files that have the name anywhere: to ask each line takes long."""
    pattern = re.compile(old.pattern, re.MULTILINE)
    return [line for content, of_file in FILES if pattern.search(content) for line in of_file]


@pytest.mark.parametrize("name", OLD)
def test_a_name_that_is_gone_stands_nowhere(name: str) -> None:
    assert found(OLD[name], candidates(OLD[name])) == []


@pytest.mark.parametrize("name", ONE_THING)
def test_a_name_means_one_thing(name: str) -> None:
    pattern = re.compile(rf"^\s*(class|def) {name}\b|^{name}(: \w+)? = ")
    assert len([where for where, line in LINES if where.partition(":")[0].endswith(".py") and pattern.search(line)]) < 2


@pytest.mark.parametrize(
    ("old", "line"),
    [
        ("flows", "from ownertag.flows.tell import tell"),
        ("core", "`core/brought.py` does it"),
        ("ledger", "from ownertag.ledger.place import Place"),
        ("rollout", "from ownertag.rollout.deploy.carry_out import carry_out"),
        ("dead letter", "MessagesBuried=3"),
        ("limit", "ownertag whois i-1 --most 3"),
        ("attached to", "  leads to   i-0a1b2c3d"),
        ("not checked", "  tags now   not looked: --offline"),
        ("looks up", '    print("asks      ", question)'),
        ("sids", '"Sid": "KeepOwnerTagsEc21"'),
    ],
)
def test_a_name_that_is_gone_is_found(old: str, line: str) -> None:
    assert found(OLD[old], [("a.py:1", line)])


@pytest.mark.parametrize(
    "line",
    [
        "whoever asks for it leads a team; what is not looked up is known, and most of it again",
        "the place of an instance; it was carried out, and nobody is in use",
        "ledger.calls.clear(); rows follow; details are known",
        "a provider that leads to another account",
        "- `--most` is `--limit` now",
    ],
)
def test_plain_english_passes(line: str) -> None:
    assert [name for name, old in OLD.items() if found(old, [("a.md:1", line)])] == []
