"""`ownertag prove` as it is typed, over every account and Region of the sandbox: all well, and broken in many ways."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.waiting import wait
from ownertag.cli import prove as command
from ownertag.cli.app import app
from ownertag.sandbox.calls import Call, Response, refuse
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB, MANAGEMENT, REGIONS
from ownertag.sandbox.sandbox import Sandbox

WEB, DATA, RESEARCH, LEGACY = "333333333333", "444444444444", "555555555555", "666666666666"
FORWARDER, TAGGER, CANARY = "ownertag-forwarder", "auto-tag-role", "ownertag-canary"
HOPS = ["call-to-event", "event-to-queue", "call-to-queue", "queue-to-function", "queue-to-tag", "call-to-tag"]
Run = Callable[..., Result]
#: The command as at a terminal: a shell that runs its tests in the background has them ignore the signal of Ctrl-C.
AT_TERMINAL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ownertag.cli.main import run
run()
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as running:
        yield running


@pytest.fixture
def run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))

    def run(*arguments: str, account: str = HUB) -> Result:
        where = ["--config", str(sandbox.settings_file), "--profile", f"admin-{ACCOUNTS[account]}"]
        answer = CliRunner().invoke(app, ["prove", *where, *arguments])
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.stderr
        return answer

    return run


def groups(sandbox: Sandbox) -> set[tuple[str, str]]:
    """Where placement groups are left."""
    kept = sandbox.front._placement_groups
    kept = kept.real if isinstance(kept, SomeOff) else kept
    return {place for place, held in kept._groups.items() if held}


def told(sandbox: Sandbox) -> Counter[str]:
    """How often something was mailed, or put on a bus."""
    counts = Counter({"sns:Publish": 0, "events:PutEvents": 0})
    for (_, call), number in sandbox.front.calls.items():
        if call in counts:
            counts[call] += number
    return counts


def delete_role(sandbox: Sandbox, account: str, name: str) -> None:
    iam = sandbox.client(sandbox.account_session(account), "iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def delete_rules(sandbox: Sandbox, account: str, region: str) -> None:
    events = sandbox.client(sandbox.account_session(account, region), "events")
    for rule in events.list_rules(NamePrefix="ownertag-creations")["Rules"]:
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            events.remove_targets(Rule=rule["Name"], Ids=[target["Id"]])
        events.delete_rule(Name=rule["Name"])


def test_every_account_and_region_is_measured_and_nobody_is_mailed(run: Run, sandbox: Sandbox) -> None:
    before = told(sandbox)
    answer = run("--rounds", "2", "--timeout", "60", "--json")
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(answer.stdout)
    places = len(ACCOUNTS) * len(REGIONS)
    assert (found["schema"], found["tagged"], found["lost"], found["not_measured"]) == (1, 2 * places, 0, 0)
    assert {(canary["account"], canary["region"], canary["round"]) for canary in found["canaries"]} == {
        (account, region, number) for account in ACCOUNTS for region in REGIONS for number in (1, 2)
    }
    assert [hop["hop"] for hop in found["hops"]] == HOPS
    assert {hop["n"] for hop in found["hops"]} == {2 * places}
    assert {hop["impossible"] for hop in found["hops"]} == {0}, found["hops"]
    for hop in found["hops"]:
        assert hop["min"] <= hop["p50"] <= hop["p90"] <= hop["max"]
        assert (hop["p99"] is None) == (hop["n"] < 100)
    for region in found["regions"]:
        assert {hop["n"] for hop in region["hops"]} == {2 * len(ACCOUNTS)}
    assert not any(canary["reason"] or canary["left"] for canary in found["canaries"])
    assert not found["on_aws"]
    assert {"ownertag", "python", "boto3", "started", "seconds", "settings", "clocks"} <= {*found}
    assert told(sandbox) == before
    assert groups(sandbox) == set()
    assert f"{2 * places} of {2 * places}: " in answer.stderr


@pytest.mark.full
def test_in_fewer_places_it_says_so_for_a_person_and_as_csv(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNERTAG_COLUMNS", "80")
    narrow = ("--accounts", f"{WEB},{DATA}", "--regions", HOME_REGION, "--timeout", "60")
    answer = run(*narrow)
    assert answer.exit_code == 0
    assert "1 round in 2 accounts and 1 Region, home eu-central-1" in " ".join(answer.stdout.split())
    assert "2 tagged, 0 lost, 0 not measured" in answer.stdout
    assert "not measured on AWS" in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(run(*narrow, "--output", "csv", "--quiet").stdout)))
    places = [(row["account"], row["region"], row["ending"]) for row in rows]
    assert places == [(WEB, HOME_REGION, "tagged"), (DATA, HOME_REGION, "tagged")]
    assert all(float(row["call-to-tag"]) > 0 for row in rows)


@pytest.mark.full
@pytest.mark.parametrize(
    ("arguments", "account", "code", "said"),
    [
        (["--accounts", "999999999999"], HUB, 2, "account 999999999999 is not deployed to"),
        (["--regions", "eu-north-1"], HUB, 2, "Region eu-north-1 is not deployed to"),
        (["--rounds", "0"], HUB, 2, "--rounds"),
        ([], MANAGEMENT, 2, f"the hub's account is {HUB}"),
    ],
)
def test_wrong_use_ends_before_anything_is_created(
    run: Run, sandbox: Sandbox, arguments: list[str], account: str, code: int, said: str
) -> None:
    before = sandbox.front.calls.copy()
    answer = run(*arguments, account=account)
    assert answer.exit_code == code
    assert said in answer.stderr
    assert not any(call == "ec2:CreatePlacementGroup" for _, call in sandbox.front.calls - before)


@pytest.mark.full
def test_without_settings_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    answer = CliRunner().invoke(app, ["prove"])
    assert (answer.exit_code, "`ownertag init` writes one" in answer.stderr) == (2, True)


class SomeOff:
    """EC2's placement groups, refused in some places: a Region that is off, or denied by a policy.

    EC2's documentation has both codes for a Region that the account has not enabled (EC2 API reference, "error codes":
    AuthFailure, OptInRequired), and UnauthorizedOperation for what a policy denies.
    """

    def __init__(self, real: Any, refused: dict[tuple[str, str], tuple[str, int]]) -> None:
        self.real = real
        self.refused = refused

    def answer(self, call: Call, account: str) -> Response:
        if code := self.refused.get((account, call.region)):
            return refuse(call, code[0], "You are not subscribed to this service.", code[1])
        answer: Response = self.real.answer(call, account)
        return answer


@pytest.fixture
def some_off(sandbox: Sandbox) -> Iterator[set[tuple[str, str]]]:
    codes = [("OptInRequired", 401), ("AuthFailure", 401), ("UnauthorizedOperation", 403)]
    refused = dict(zip(((DATA, "us-west-2"), (WEB, "us-west-2"), (HUB, "eu-west-1")), codes, strict=True))
    real = sandbox.front._placement_groups
    sandbox.front._placement_groups = SomeOff(real, refused)  # type: ignore[assignment] # as much as the front uses
    yield {*refused}
    sandbox.front._placement_groups = real


@pytest.mark.full
def test_what_is_lost_is_named_and_what_is_refused_is_not_measured(
    run: Run, sandbox: Sandbox, some_off: set[tuple[str, str]]
) -> None:
    """A rule that is deleted, a target that fails, a tagger that is gone; and places that can't be measured."""
    delete_rules(sandbox, WEB, "us-east-1")
    delete_role(sandbox, RESEARCH, FORWARDER)
    delete_role(sandbox, DATA, TAGGER)
    delete_role(sandbox, LEGACY, CANARY)
    answer = run("--timeout", "10", "--rounds", "2", "--json", "--at-once", "24")
    assert answer.exit_code == 1, answer.stderr
    found = json.loads(answer.stdout)
    by_place = {(canary["account"], canary["region"]): canary for canary in found["canaries"] if canary["round"] == 1}

    lost = {place: canary for place, canary in by_place.items() if canary["ending"] == "lost"}
    forwarded = {(RESEARCH, region) for region in REGIONS}
    tagged_by_nobody = {(DATA, region) for region in REGIONS} - some_off
    assert {*lost} == {(WEB, "us-east-1")} | forwarded | tagged_by_nobody
    assert all(canary["reason"] == "not tagged within 10 s" and not canary["hops"] for canary in lost.values())
    # The hub's queues hold what the tagger can't write, so of an event that never came nobody can say where it is not.
    assert lost[WEB, "us-east-1"]["seen_last"] in {"nowhere", "queues"}
    for place in forwarded:
        assert lost[place]["seen_last"] == "queues"
        assert "ownertag-undelivered of its Region" in lost[place]["detail"]
    for place in tagged_by_nobody:
        assert (lost[place]["seen_last"], "forbidden" in lost[place]["detail"]) == ("function", True), lost[place]

    refused = {place: canary for place, canary in by_place.items() if canary["ending"] == "not-measured"}
    assert {*refused} == some_off | {(LEGACY, region) for region in REGIONS}
    assert "Region us-west-2 is switched off in the account" in refused[DATA, "us-west-2"]["reason"]
    assert "Region us-west-2 is switched off in the account" in refused[WEB, "us-west-2"]["reason"]
    assert "an SCP or boundary denies it" in refused[HUB, "eu-west-1"]["reason"]
    assert all(canary["seen_last"] is None for canary in refused.values())
    # They are not tried a second time, and all others are.
    rounds = Counter((canary["account"], canary["region"]) for canary in found["canaries"])
    assert {place for place, number in rounds.items() if number == 1} == {*refused}
    assert (found["lost"], found["not_measured"]) == (2 * len(lost), len(refused))
    assert found["hops"][-1]["n"] == found["tagged"] == 2 * (len(by_place) - len(lost) - len(refused))
    assert groups(sandbox) == set()


@pytest.mark.full
def test_what_is_anonymized_tells_nobody(
    run: Run, sandbox: Sandbox, some_off: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither on standard output nor in what is said meanwhile, with losses and refusals among it."""
    monkeypatch.setenv("OWNERTAG_COLUMNS", "80")
    narrow = ("--accounts", f"{WEB},{DATA},{LEGACY}", "--timeout", "3", "--anonymize")
    both = [run(*narrow, "--json"), run(*narrow)]
    assert some_off
    for answer in both:
        assert answer.exit_code == 1
        for text in (answer.stdout, answer.stderr):
            assert not re.search(r"[0-9]{12}|o-[a-z0-9]{10}|arn:|pg-[0-9a-f]{8}", text), text
            assert not any(secret in text for secret in (*ACCOUNTS, sandbox.organization.id))
    found = json.loads(both[0].stdout)
    assert found["anonymized"]
    assert {canary["account"] for canary in found["canaries"]} == {"account-1", "account-2", "account-3"}
    assert {region["region"] for region in found["regions"]} == {*REGIONS}
    assert {"lost", "not-measured"} <= {canary["ending"] for canary in found["canaries"]}
    lines = both[1].stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "lost: not tagged within 3 s" in both[1].stdout
    assert "not measured: " in both[1].stdout


@pytest.mark.full
def test_places_that_can_not_be_measured_alone_exit_with_3(run: Run) -> None:
    answer = run("--accounts", LEGACY, "--regions", HOME_REGION)
    assert answer.exit_code == 3
    assert "0 tagged, 0 lost, 1 not measured" in answer.stdout
    assert f"  {LEGACY}: {HOME_REGION} (1 canary)" in answer.stdout


@pytest.mark.full
def test_ctrl_c_deletes_what_was_created_and_prints_what_was_measured(sandbox: Sandbox) -> None:
    """As a process of its own: no canary of this Region comes back, so both are waited for when the signal comes."""
    for account in (MANAGEMENT, HUB):
        delete_rules(sandbox, account, "us-east-1")
    where = ["--accounts", f"{MANAGEMENT},{HUB}", "--regions", "us-east-1", "--rounds", "3", "--json"]
    given = ["--config", str(sandbox.settings_file), "--profile", f"admin-{ACCOUNTS[HUB]}"]
    process = subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, "prove", *given, *where],
        env={**os.environ, "AWS_CONFIG_FILE": str(sandbox.config_file)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait(lambda: len(groups(sandbox)) == 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert groups(sandbox) == set()
    assert "Traceback" not in err
    assert "stopping: what was created is deleted" in err
    found = json.loads(out)
    assert (process.returncode, found["interrupted"]) == (3, True)
    assert {canary["reason"] for canary in found["canaries"]} == {"stopped before it was tagged"}


@pytest.mark.full
def test_what_could_not_be_deleted_is_a_finding() -> None:
    canaries = [{"left": None}, {"left": "it could not be deleted"}]
    assert command._exit_code({"lost": 0, "not_measured": 0, "canaries": canaries[:1]}) == 0
    assert command._exit_code({"lost": 0, "not_measured": 1, "canaries": canaries}) == 1
