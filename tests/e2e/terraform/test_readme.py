"""The module's README lists its inputs and outputs as the module has them. Needs no Terraform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "infra/terraform"
README = (MODULE / "README.md").read_text("utf-8")


def blocks(path: Path, kind: str) -> dict[str, dict[str, str]]:
    """The attributes of each block of a kind that stand on one line, by the block's label."""
    found = re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}$', path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r"^  (\w+) += (.+)$", body, re.MULTILINE)) for name, body in found}


def said(text: str) -> str:
    return text.removeprefix('"').removesuffix('"')


def inputs(folder: Path) -> list[str]:
    return [
        f"| `{name}` | `{block.get('type', '')}` | "
        f"{'`' + block['default'] + '`' if 'default' in block else 'required'} | {said(block.get('description', ''))} |"
        for name, block in blocks(folder / "variables.tf", "variable").items()
    ]


def outputs(folder: Path) -> list[str]:
    return [
        f"| `{name}` | {said(block.get('description', ''))} |"
        for name, block in blocks(folder / "outputs.tf", "output").items()
    ]


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        ("## Inputs", inputs(MODULE)),
        ("## Outputs", outputs(MODULE)),
        ("### Inputs of region/", inputs(MODULE / "region")),
        ("### Outputs of region/", outputs(MODULE / "region")),
    ],
    ids=["inputs", "outputs", "inputs of region", "outputs of region"],
)
def test_the_readme_lists_what_the_module_has(heading: str, rows: list[str]) -> None:
    assert rows
    section = README.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == rows, f"under {heading} there should stand:\n" + "\n".join(rows)


def test_every_input_and_output_is_described_and_every_input_typed() -> None:
    for path in MODULE.rglob("*.tf"):
        for block in blocks(path, "variable").values():
            assert {"type", "description"} <= block.keys(), path
        for block in blocks(path, "output").values():
            assert "description" in block, path
