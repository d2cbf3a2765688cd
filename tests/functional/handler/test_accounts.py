"""The list of accounts: a schedule has it kept, and every environment of the function finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.emulated import HOME, Emulated
from handler.lambdas import Context, Poller, environment, lines
from harness.events import envelope, volume, volume_id
from ledger.table import TABLE
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import KEEP_ACCOUNTS, Handler, build, now
from ownertag.ledger.table import DEFINITION


@pytest.fixture
def poller(world: Emulated) -> Poller:
    world.session.client("dynamodb", region_name=HOME).create_table(TableName=TABLE, **DEFINITION)
    return Poller(world)


@pytest.fixture
def functions(world: Emulated, poller: Poller, report: Telemetry, tmp_path: Path) -> list[Handler]:
    """Two environments."""
    found = environment(tmp_path, poller.url, TABLE)
    return [build(found, world.session, report) for _ in range(2)]


def tag(world: Emulated, poller: Poller, function: Handler, number: int) -> None:
    account, id_ = world.spokes[0], volume_id(number)
    world.add_volumes(account, [id_])
    poller.send(json.dumps(envelope(volume(account, id_, number=number, at=now()))))
    world.wire.clear()
    assert poller.run(function) == {"batchItemFailures": []}
    assert world.tags(account)[id_]["owner"]


def test_every_environment_finds_the_accounts_that_one_of_them_kept(
    world: Emulated, poller: Poller, functions: list[Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = functions
    accounts = len(world.organizations.list_accounts()["Accounts"])
    assert one(KEEP_ACCOUNTS, Context()) == {"accounts": accounts}
    [told] = lines(capsys.readouterr().out)
    assert (told["message"], told["accounts"]) == ("accounts kept", accounts)
    tag(world, poller, two, 1)
    assert not {"DescribeAccount", "ListAccounts"} & set(world.wire.counts)


def test_without_the_list_the_account_is_asked_for(world: Emulated, poller: Poller, functions: list[Handler]) -> None:
    tag(world, poller, functions[0], 1)
    assert world.wire.counts["DescribeAccount"] == 1


def test_what_passes_by_itself_is_a_warning(
    world: Emulated, functions: list[Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    world.wire.fail("ListAccounts", "TooManyRequestsException")
    answer = functions[0](KEEP_ACCOUNTS, Context())
    assert answer["accounts"] is None
    [told] = lines(capsys.readouterr().out)
    assert (told["level"], told["message"], told["outcome"]) == ("WARNING", "accounts not kept", "throttled")
    assert told["reason"] == answer["reason"]
    assert "accounts can't be read" in answer["reason"]


def test_what_does_not_is_an_error_which_the_alarm_sees(
    world: Emulated, functions: list[Handler], capsys: pytest.CaptureFixture[str]
) -> None:
    world.wire.fail("ListAccounts", "AccessDeniedException")
    with pytest.raises(RuntimeError, match="accounts can't be read"):
        functions[0](KEEP_ACCOUNTS, Context())
    [told] = lines(capsys.readouterr().out)
    assert told["outcome"] == "forbidden"


def test_an_environment_whose_ledger_is_a_file_keeps_nothing(
    world: Emulated, function: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has the list for itself alone: to read it is harmless."""
    assert function(KEEP_ACCOUNTS, Context())["accounts"] == len(world.organizations.list_accounts()["Accounts"])
    assert lines(capsys.readouterr().out)[0]["message"] == "accounts kept"
