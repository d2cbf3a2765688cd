"""The document, and its text: lost is not the same as not measured, and no line is wider than a screen."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from ownertag.cli.prove_output import text_of
from ownertag.cli.terminal import folded
from ownertag.rollout.prove.hops import Hop, Latency
from ownertag.rollout.prove.report import Circumstances, document
from ownertag.rollout.prove.result import CanaryResult, Ending, Place, SeenLast, Trail
from ownertag.rollout.prove.rounds import Rounds

REGIONS = ("ap-southeast-2", "eu-central-1")
CIRCUMSTANCES = Circumstances(
    {"ownertag": "0.1.0", "python": "3.13.1", "boto3": "1.0"},
    "2026-11-29T18:00:44Z",
    4321.98765,
    True,
    {"rounds": 2, "timeout": 300.0, "accounts": 200, "home_region": "eu-central-1"},
    {"eu-central-1": (0.123456, 0.3), "ap-southeast-2": (-0.2, 0.25)},
)


def tagged(account: int, region: str, seconds: float, number: int = 1) -> CanaryResult:
    latencies = {hop: Latency(seconds, 0.25) for hop in Hop}
    return CanaryResult(Place(f"{account:012}", region), number, Ending.TAGGED, latencies)


def lost(account: int, region: str = REGIONS[0], number: int = 1) -> CanaryResult:
    trail = Trail(SeenLast.NOWHERE, "not in the ledger, and all three queues are empty")
    return CanaryResult(
        Place(f"{account:012}", region), number, Ending.LOST, reason="not tagged within 300 s", trail=trail
    )


def denied(account: int, region: str = REGIONS[0]) -> CanaryResult:
    reason = "placement group ownertag-canary can't be created: denied (UnauthorizedOperation): an SCP denies it"
    return CanaryResult(Place(f"{account:012}", region), 1, Ending.NOT_MEASURED, reason=reason, again=False)


def made(*results: CanaryResult, interrupted: bool = False, on_aws: bool = True) -> dict[str, Any]:
    return document(Rounds(results, interrupted), replace(CIRCUMSTANCES, on_aws=on_aws))


def text(told: dict[str, Any]) -> str:
    lines = list(folded(text_of(told, width=80), 80))
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    return "\n".join(lines)


def test_what_was_not_measured_counts_as_neither_tagged_nor_lost() -> None:
    told = made(tagged(1, REGIONS[0], 2.0), tagged(2, REGIONS[1], 4.0), lost(3), denied(4), denied(5))
    assert (told["tagged"], told["lost"], told["not_measured"]) == (2, 1, 2)
    assert {hop["n"] for hop in told["hops"]} == {2}
    first, second = told["regions"]
    assert (first["region"], first["tagged"], first["lost"], first["not_measured"]) == (REGIONS[0], 1, 1, 2)
    assert (second["region"], second["tagged"], second["lost"], second["not_measured"]) == (REGIONS[1], 1, 0, 0)
    canaries = {canary["account"]: canary for canary in told["canaries"]}
    assert canaries["000000000003"]["seen_last"] == "nowhere"
    assert canaries["000000000003"]["hops"] == {}
    assert canaries["000000000004"]["seen_last"] is None


def test_the_document_is_json_with_numbers_of_milliseconds() -> None:
    told = json.loads(json.dumps(made(tagged(1, REGIONS[0], 2.00049), tagged(2, REGIONS[0], 3.00051))))
    assert (told["schema"], told["anonymized"], told["interrupted"]) == (1, False, False)
    assert told["seconds"] == 4321.988
    assert told["clocks"][1] == {"region": "eu-central-1", "ahead_min": 0.123, "ahead_max": 0.3}
    [hop] = [hop for hop in told["hops"] if hop["hop"] == "queue-to-tag"]
    assert hop == {
        "hop": "queue-to-tag", "n": 2, "min": 2.0, "p50": 2.0, "p90": None, "p99": None, "max": 3.001,
        "error": 0.25, "negative": 0, "impossible": 0,
    }  # fmt: skip
    assert told["canaries"][0]["hops"]["call-to-tag"] == {"seconds": 2.0, "error": 0.25}


def test_where_nothing_was_measured_there_is_no_figure() -> None:
    told = made(denied(4))
    assert {hop["n"] for hop in told["hops"]} == {0}
    assert {hop[key] for hop in told["hops"] for key in ("min", "p50", "p90", "p99", "max", "error")} == {None}
    assert "0 tagged, 0 lost, 1 not measured" in text(told)


def test_the_text_names_what_was_lost_and_what_was_not_measured() -> None:
    told = made(tagged(1, REGIONS[0], 2.0), lost(3), lost(3, number=2), denied(4), replace(denied(5), left="it stays"))
    printed = text(told)
    joined = " ".join(printed.split())
    assert "1 tagged, 2 lost, 2 not measured, in 4322 s" in printed
    assert "lost: not tagged within 300 s; seen last: nowhere: not in the ledger" in joined
    assert "  000000000003: ap-southeast-2 (2 canaries)" in printed
    command = "  ownertag doctor --accounts 000000000003 --regions ap-southeast-2"
    assert command in printed
    assert f"{command} --profile security" in text_of(told, "security")
    assert not any(line.startswith("  ownertag doctor") for line in text_of({**told, "anonymized": True}))
    assert "  000000000005: ap-southeast-2 (1 canary)" in printed
    delete = "aws ec2 delete-placement-group --group-name ownertag-canary --region ap-southeast-2"
    assert f"left: it stays; in that account: {delete}" in joined
    assert "between -0.20 and +0.30 s ahead of EC2's" in joined
    assert "not measured on AWS" not in printed


def test_the_same_of_many_places_is_said_once() -> None:
    results = [lost(account, region) for region in REGIONS for account in range(200)]
    printed = text(made(*results, interrupted=True, on_aws=False))
    assert printed.count("seen last") == 1
    assert "  ap-southeast-2: 000000000000, 000000000001 and 198 more (200 canaries)" in printed
    assert "stopped by Ctrl-C" in printed
    assert "not measured on AWS: another endpoint answered" in printed
    assert len(printed.splitlines()) < 50


def test_two_hundred_accounts_fit_on_a_screen() -> None:
    """200 accounts in 17 Regions, two rounds, with losses and refusals of several kinds: 80 x 50."""
    regions = [f"eu-central-{number}" for number in range(17)]
    results = []
    for number, region in enumerate(regions):
        for account in range(200):
            if account == 7:
                results.append(denied(account, region))
            elif account == 8 or (number == 3 and account % 5 == 0):
                results += [lost(account, region), lost(account, region, 2)]
            else:
                results += [tagged(account, region, account / 10 + turn, turn) for turn in (1, 2)]
    lines = list(folded(text_of(made(*results), width=80), 80))
    assert len(lines) <= 50, len(lines)
    assert "  000000000007: eu-central-0, eu-central-1 and 15 more (17 canaries)" in lines
    assert "  and 35 more accounts" in lines or "  and 12 more Regions" in lines
    assert max(map(len, lines)) <= 80


def test_clocks_that_disagree_are_told() -> None:
    late = tagged(1, REGIONS[0], -3.0)
    told = made(late, tagged(2, REGIONS[0], 2.0), tagged(3, REGIONS[0], -0.2))
    assert {(hop["negative"], hop["impossible"]) for hop in told["hops"]} == {(1, 1)}
    assert {hop["min"] for hop in told["hops"]} == {-3.0}
    said = " ".join(text(told).split())
    assert "1 of 3 of queue-to-tag are negative by more than their error: two of AWS's clocks disagree" in said


def test_why_not_every_hop_is_known_is_said() -> None:
    seen = {Hop.CALL_TO_TAG: Latency(2.0, 0.5)}
    told = made(replace(tagged(1, REGIONS[0], 2.0), latencies=seen, reason="the ledger can't be read: denied"))
    assert [hop["n"] for hop in told["hops"]] == [0, 0, 0, 0, 0, 1]
    assert "not every hop: the ledger can't be read: denied" in text(told)
