"""AWS's own rules for templates, by cfn-guard: all are kept, but for the exceptions that are explained.

The rules are those that AWS Control Tower offers as proactive controls; the program is AWS's CloudFormation Guard.
"""

from __future__ import annotations

import json
import platform
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
INFRA = HERE.parents[3] / "infra"
GUARD = HERE / "node_modules/@cdklabs/cdk-validator-cfnguard"
TEMPLATES = sorted(str(path.relative_to(INFRA)) for path in INFRA.glob("*/template.yaml"))
EXCEPTIONS: dict[str, list[dict[str, Any]]] = tomllib.loads((HERE / "exceptions.toml").read_text("utf-8"))

_SYSTEM = {"Linux": "ubuntu", "Darwin": "macos"}.get(platform.system(), "none")
_MACHINE = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())


@pytest.fixture(scope="module")
def program() -> Path:
    path = GUARD / "bin" / _SYSTEM / _MACHINE / "cfn-guard"
    if not path.exists():
        pytest.skip(f"no cfn-guard for {platform.system()} {platform.machine()}: it comes with npm, by `make test`")
    return path


def broken(program: Path, template: Path) -> dict[str, set[str]]:
    """The rules that a template breaks, with the resources that break each."""
    command: list[str | Path] = [program, "validate", "--rules", GUARD / "rules/control-tower", "--data", template]
    command += ["--structured", "--output-format", "json", "--show-summary", "none"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode in {0, 19}, answer.stderr  # 19: some rule is broken
    [report] = json.loads(answer.stdout)
    assert len(report["compliant"]) + len(report["not_applicable"]) + len(report["not_compliant"]) > 100
    found: dict[str, set[str]] = {}
    for violation in report["not_compliant"]:
        text = json.dumps(violation)
        rule = text.partition("[CT.")[2].partition("]")[0]
        paths = {part.partition("/Resources/")[2].partition("/")[0] for part in text.split('"path": "') if part}
        found.setdefault(f"CT.{rule}", set()).update({path for path in paths if path})
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_rule_is_kept_or_explained(program: Path, name: str) -> None:
    explained = {exception["rule"]: set(exception["resources"]) for exception in EXCEPTIONS.get(name, [])}
    assert broken(program, INFRA / name) == explained


def test_every_exception_says_why() -> None:
    assert set(EXCEPTIONS) <= {*TEMPLATES}
    assert all(len(exception["why"]) > 60 for found in EXCEPTIONS.values() for exception in found)


def test_a_broken_rule_is_found(program: Path, tmp_path: Path) -> None:
    text = (INFRA / "hub/template.yaml").read_text("utf-8")
    worse = tmp_path / "template.yaml"
    worse.write_text(text.replace("EnableKeyRotation: true", "EnableKeyRotation: false"), "utf-8")
    assert set(broken(program, worse)) - {exception["rule"] for exception in EXCEPTIONS["hub/template.yaml"]} == {
        "CT.KMS.PR.1"
    }
