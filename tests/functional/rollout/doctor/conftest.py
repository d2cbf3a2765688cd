"""The organization on moto."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from rollout.doctor.deployed import Deployed, deployed


@pytest.fixture
def world() -> Iterator[Deployed]:
    with warnings.catch_warnings():
        # moto's CloudFormation says of each resource that it does not make.
        warnings.filterwarnings("ignore", message="Tried to parse AWS::")
        with deployed() as world:
            yield world
