"""The patterns over all operations of the SDK: none of what is wanted is missed, and nothing else is let through."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from derive.event_names import TARGET, event_names, operations
from harness import fixtures
from harness.sampling import sample
from infra.patterns.matcher import takes
from infra.patterns.test_patterns import PYTHON, matcher
from ownertag.catalogue.event_names import LEFT_OUT, shared_names
from ownertag.catalogue.loader import build
from ownertag.catalogue.merge import merged
from ownertag.render.documents import compact
from ownertag.render.patterns import (
    MAX_PATTERN,
    Pair,
    blocks_of,
    packed_blocks,
    patterns_of,
    spoke_rules,
)

EC2 = "ec2.amazonaws.com"
ROOT = Path(__file__).parents[4]
SEED = 17
# Operations that change tags by their names, and that no list of tag APIs has yet.
UNCLEAR = {("aco-automation.amazonaws.com", "TagResource"), ("aco-automation.amazonaws.com", "UntagResource")}


@cache
def universe() -> frozenset[Pair]:
    """Every operation of every client, and the catalogue's events that are called otherwise than an operation."""
    catalogue = fixtures.catalogue()
    return frozenset(operations()).union(catalogue.rows, catalogue.endings, catalogue.tag_calls)


def event(pair: Pair) -> dict[str, Any]:
    """A successful call of somebody without a role, with as much in it as a pattern looks at."""
    return {
        "source": f"aws.{pair[0].partition('.')[0]}",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": pair[0], "eventName": pair[1], "userIdentity": {"type": "IAMUser"}},
    }


def taken(patterns: Collection[Any], pairs: Iterable[Pair]) -> set[Pair]:
    return {pair for pair in pairs if any(takes(pattern, event(pair)) for pattern in patterns)}


def of_tags(pair: Pair) -> bool:
    return pair in frozenset(fixtures.catalogue().tag_calls) or "tag" in pair[1].lower()


def test_exactly_rows_deletions_and_calls_that_change_tags_are_sent() -> None:
    patterns = spoke_rules(fixtures.catalogue(), fixtures.settings()).values()
    found = taken(patterns, universe())
    catalogue = fixtures.catalogue()
    wanted = frozenset(catalogue.rows) | frozenset(catalogue.endings) | frozenset(catalogue.tag_calls)
    assert not wanted - found, "missed"
    assert not {pair for pair in found - wanted if not of_tags(pair)}, "over"


def test_each_fits_and_the_documentation_has_their_number() -> None:
    rules = spoke_rules(fixtures.catalogue(), fixtures.settings())
    assert all(len(compact(pattern)) <= MAX_PATTERN for pattern in rules.values())
    creations = sum("creations" in name for name in rules)
    said = (ROOT / "docs/explanation/scale.md").read_text("utf-8")
    numbers = (
        f"{len(rules)} there: {creations} for creations and deletions, {len(rules) - creations} for changes of tags"
    )
    assert numbers in said


def test_names_that_stand_without_a_source_are_calls_that_change_tags_everywhere() -> None:
    """A rule sends these of every service: each has to be a call of a known tag API."""
    names = {name for source, name in frozenset(fixtures.catalogue().tag_calls) if source != EC2}
    everywhere = {pair for pair in operations() if pair[1] in names}
    assert not everywhere - known_tag_calls() - UNCLEAR


@cache
def known_tag_calls() -> frozenset[Pair]:
    return frozenset(build(merged()).tag_calls)


@matcher
def test_another_matcher_says_the_same_of_all_operations() -> None:
    patterns = list(spoke_rules(fixtures.catalogue(), fixtures.settings()).values())
    sent = taken(patterns, universe())
    near = {name for _, name in sent}
    pairs = [
        *(pair for pair in universe() if pair[1] in near),
        *sample([pair for pair in universe() if pair[1] not in near], 8),
    ]
    lines = [json.dumps({"patterns": patterns}), *(json.dumps({"event": event(pair)}) for pair in pairs)]
    ran = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("match.py"))],
        input="\n".join(lines) + "\n", capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {pair for pair, answer in zip(pairs, answers, strict=True) if answer} == sent


KINDS = ("all", "names that several have", "creations")
SIZES = (1, 20, 250, 1600)
SAMPLES = (
    *(f"{size} of {kind}" for size in SIZES for kind in KINDS),
    "all creations", "one name of all that have it", "a name that reads",
)  # fmt: skip


@cache
def samples() -> dict[str, frozenset[Pair]]:
    """Made-up catalogues: of few services and of all, of names that one service has and of names that many have."""
    choose = random.Random(SEED)  # noqa: S311 - no secret
    made = sorted(pair for pair in operations() if not pair[1].startswith(LEFT_OUT))
    shared = [pair for pair in made if pair[1] in shared_names()]
    creations = [pair for pair in made if pair[1].startswith("Create")]
    pools = dict(zip(KINDS, (made, shared, creations), strict=True))
    drawn = {
        f"{size} of {kind}": frozenset(choose.sample(pool, min(size, len(pool))))
        for size in SIZES
        for kind, pool in pools.items()
    }
    return {
        **drawn,
        "all creations": frozenset(creations),
        "one name of all that have it": frozenset(pair for pair in made if pair[1] == "CreateCluster"),
        "a name that reads": frozenset({(EC2, "DescribeTags")}),
    }


def let_through(wanted: Collection[Pair], pairs: Iterable[Pair]) -> Counter[Pair]:
    """How many blocks let each pair through that any does."""
    bins = packed_blocks(blocks_of(wanted, shared_names()))
    blocks = [(frozenset(sources), frozenset(names)) for held in bins for sources, names in held]
    return Counter(
        pair for pair in pairs for sources, names in blocks if pair[1] in names and (not sources or pair[0] in sources)
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_whatever_is_wanted_comes_through_and_nothing_else(name: str) -> None:
    wanted = samples()[name]
    patterns = patterns_of(wanted, shared_names())
    assert all(len(compact(pattern)) <= MAX_PATTERN for pattern in patterns)
    assert let_through(wanted, operations() | wanted) == Counter(wanted)
    # As the pattern says it as well, for those that are near.
    sources, names = {source for source, _ in wanted}, {name for _, name in wanted}
    near = sorted({pair for pair in operations() if pair[1] in names} | wanted)
    other = sorted(pair for pair in operations() if pair[0] in sources and pair[1] not in names)[:100]
    assert taken(patterns, [*near[:200], *other]) == wanted & set(near[:200])


def test_each_row_is_in_one_pattern_alone() -> None:
    """Two rules that take the same event would send it twice."""
    wanted = frozenset(fixtures.catalogue().rows)
    assert let_through(wanted, wanted) == Counter(wanted)


def test_the_patterns_do_not_depend_on_the_order_of_the_rows() -> None:
    wanted = sorted(fixtures.catalogue().rows)
    shuffled = random.Random(SEED).sample(wanted, len(wanted))  # noqa: S311 - no secret
    assert patterns_of(wanted, shared_names()) == patterns_of(shuffled, shared_names())


def test_the_names_that_several_services_have_are_current() -> None:
    assert TARGET.read_text("utf-8") == event_names(), "write it anew with `make catalogue`"
