"""The number of examples for a property. Not in `sampling`: what starts pytest itself must not import Hypothesis."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from harness.sampling import count


def examples(full: int, *ignored: HealthCheck) -> settings:
    """A property's settings: so many examples in a full run."""
    return settings(max_examples=count(full), deadline=None, suppress_health_check=ignored)
