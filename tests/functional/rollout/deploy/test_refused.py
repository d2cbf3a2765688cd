"""Faults of a deployment are reported before anything changes: the tests share one organization, which stays empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ownertag.sandbox.personas import MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import WEB, Console, at_console, changes


@pytest.fixture(scope="module")
def empty() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture
def console(empty: Sandbox, tmp_path: Path) -> Console:
    return at_console(empty, tmp_path)


def of_another_organization(console: Console) -> None:
    console.settle(**{f'id = "{console.sandbox.organization.id}"': 'id = "o-somebodyelse"'})


def without_a_package(console: Console) -> None:
    console.package.unlink()


def as_they_are(_: Console) -> None:
    pass


WRONG: dict[str, tuple[Callable[[Console], None], str, int, list[str]]] = {
    "another organization": (
        of_another_organization,
        "admin-management",
        2,
        ["the settings are for organization o-somebodyelse", "nothing was changed"],
    ),
    "another account": (
        as_they_are,
        "admin-web",
        2,
        [f"credentials of account {WEB}", f"management account is {MANAGEMENT}", "such as --profile admin-management"],
    ),
    "no profile": (
        as_they_are,
        "nobody",
        2,
        ["profile nobody, Region", "can't be used", "aws configure list-profiles"],
    ),
    "no package": (
        without_a_package,
        "admin-management",
        3,
        ["there is no package of the function", "ownertag package"],
    ),
}


@pytest.mark.parametrize(("arrange", "profile", "code", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_before_anything_is_changed(
    console: Console, arrange: Callable[[Console], Any], profile: str, code: int, said: list[str]
) -> None:
    arrange(console)
    before = changes(console.sandbox)
    ended, out, err = console("apply", "--yes", profile=profile)
    assert (ended, out) == (code, "")
    for text in said:
        assert text in err
    assert changes(console.sandbox) == before
