"""The page of the architecture leads from file to file as the code does: its steps are followed through the imports."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/explanation/architecture.md"
PORTS = "src/ownertag/flows/ports.py"
#: Who calls a first step.
OUTSIDE = {"Lambda", "the console script"}


@dataclass(frozen=True)
class Step:
    """A row of a table. `callers` are numbers of steps of the same table; empty for a first one."""

    number: int
    file: str
    name: str
    caller: str

    @property
    def port(self) -> tuple[str, str] | None:
        """The port that the caller goes through, and the file that builds what stands behind it."""
        found = re.fullmatch(r"\d+, port `(\w+)`, built in `(src/[\w/.]+)`", self.caller)
        return (found[1], found[2]) if found else None


def tables(text: str) -> dict[str, list[Step]]:
    """The steps under each heading that has any."""
    found: dict[str, list[Step]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        rows = re.findall(r"^\| (\d+) \| `([^`]+)` \| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE)
        if rows:
            found[heading] = [Step(int(number), file, name, caller.strip()) for number, file, name, caller in rows]
    return found


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text("utf-8"))


def module(file: str) -> str:
    return file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(file: str) -> set[str]:
    """The modules that a file imports, in a function as well."""
    found: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def defined(file: str) -> set[str]:
    """The functions, classes, methods and variables of a file."""
    found: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def used(file: str) -> set[str]:
    """The names that a file uses, or imports under another name."""
    found: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {name.name for name in node.names if name.asname}
    return found


def uses_port(file: str, port: str, name: str) -> bool:
    """Whether a file has `ports.PORT.NAME`, with `ports` or `self._ports`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.value, ast.Attribute):
            holder = node.value.value
            held = (
                holder.id if isinstance(holder, ast.Name) else holder.attr if isinstance(holder, ast.Attribute) else ""
            )
            if node.value.attr == port and held.strip("_") == "ports":
                return True
    return False


def ports() -> set[str]:
    """The fields of `Ports`."""
    [found] = [node for node in tree(PORTS).body if isinstance(node, ast.ClassDef) and node.name == "Ports"]
    return {
        node.target.id for node in found.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def problems(steps: list[Step]) -> list[str]:
    """What the code does not say of these steps."""
    by_number = {step.number: step for step in steps}
    found = []
    for step in steps:
        if not (ROOT / step.file).is_file():
            found.append(f"{step.number}: there is no {step.file}")
            continue
        if step.name not in defined(step.file):
            found.append(f"{step.number}: {step.file} has no {step.name}")
        if step.caller in OUTSIDE:
            continue
        number = re.match(r"\d+", step.caller)
        caller = by_number.get(int(number[0])) if number else None
        if caller is None or not (ROOT / caller.file).is_file():
            found.append(f"{step.number}: nothing calls it: {step.caller}")
        elif step.port:
            port, builder = step.port
            if port not in ports() or not uses_port(caller.file, port, step.name):
                found.append(f"{step.number}: {caller.file} does not use ports.{port}.{step.name}")
            if module(step.file) not in imported(builder):
                found.append(f"{step.number}: {builder} does not import {module(step.file)}")
        elif step.caller.endswith(", by name"):
            if Path(step.file).stem not in (ROOT / caller.file).read_text("utf-8"):
                found.append(f"{step.number}: {caller.file} does not name {Path(step.file).stem}")
        elif caller.file != step.file and module(step.file) not in imported(caller.file):
            found.append(f"{step.number}: {caller.file} does not import {module(step.file)}")
        elif step.name not in used(caller.file):
            found.append(f"{step.number}: {caller.file} does not use {step.name}")
    return found


TABLES = tables(PAGE.read_text("utf-8"))


def test_the_page_has_both_ways() -> None:
    assert {heading: len(steps) >= 15 for heading, steps in TABLES.items()} == {
        "A RunInstances message": True,
        "`ownertag whois ID`": True,
    }


@pytest.mark.parametrize("heading", TABLES)
def test_each_step_leads_to_the_next(heading: str) -> None:
    steps = TABLES[heading]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert not problems(steps)


@pytest.mark.parametrize(
    "wrong",
    [
        Step(2, "src/ownertag/core/nowhere.py", "match", "1"),  # no such file
        Step(2, "src/ownertag/core/match.py", "find_matches", "1"),  # no such name
        Step(2, "src/ownertag/cli/whois/command.py", "whois", "1"),  # not imported
        Step(2, "src/ownertag/core/match.py", "walk", "1"),  # imported, and not used
        Step(2, "src/ownertag/core/match.py", "match", "7"),  # no such caller
        Step(
            2, "src/ownertag/sinks/tagging.py", "write", "1, port `tagger`, built in `src/ownertag/handler/wiring.py`"
        ),
        Step(2, "src/ownertag/sinks/queue.py", "seen", "1, port `ledger`, built in `src/ownertag/ledger/opening.py`"),
        Step(2, "src/ownertag/core/match.py", "match", "1, by name"),
    ],
)
def test_a_step_that_does_not_lead_on_is_found(wrong: Step) -> None:
    start = next(step for step in TABLES["A RunInstances message"] if step.name == "run")
    first = Step(1, start.file, start.name, "Lambda")
    if wrong.caller.endswith("by name"):
        first = Step(1, "src/ownertag/core/owner/resolve.py", "trace", "Lambda")
    assert not problems([first])
    assert len(problems([first, wrong])) >= 1
