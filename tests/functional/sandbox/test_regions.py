"""The sandbox is of one partition: what a user sees of Regions and profiles, and what another partition answers."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.sandbox.deployment import write_package
from ownertag.sandbox.personas import ACCOUNTS, HUB, MEMBERS, PERSONAS, REGIONS
from ownertag.sandbox.sandbox import Sandbox

#: Regions of every other partition that botocore knows.
ELSEWHERE = sorted(
    region
    for partition in boto3.Session().get_available_partitions()
    if partition != "aws"
    for region in boto3.Session().get_available_regions("ec2", partition)
)


def test_botocore_knows_other_partitions() -> None:
    assert {"cn-north-1", "us-gov-west-1"} <= {*ELSEWHERE}


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("every", [True, False])
def test_no_account_is_offered_a_region_of_another_partition(sandbox: Sandbox, account: str, every: bool) -> None:
    ec2 = sandbox.client(sandbox.account_session(account), "ec2")
    names = [region["RegionName"] for region in ec2.describe_regions(AllRegions=every)["Regions"]]
    assert {*REGIONS} <= {*names}
    assert not {*names} & {*ELSEWHERE}
    assert not [name for name in names if name.startswith(("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"))]


def test_a_region_can_still_be_described_by_name(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.account_session(HUB), "ec2")
    [region] = ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]
    assert region["RegionName"] == "eu-west-1"
    assert region["OptInStatus"]


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1"])
@pytest.mark.parametrize(
    ("service", "operation"), [("ec2", "describe_instances"), ("sts", "get_caller_identity"), ("sqs", "list_queues")]
)
def test_credentials_are_not_known_in_another_partition(
    sandbox: Sandbox, region: str, service: str, operation: str
) -> None:
    client = sandbox.client(sandbox.account_session(HUB, region), service)
    with pytest.raises(ClientError, match=r"AuthFailure|InvalidClientTokenId|UnrecognizedClient"):
        getattr(client, operation)()


def test_the_profiles_and_settings_name_regions_of_one_partition(sandbox: Sandbox) -> None:
    config = ConfigParser()
    config.read(sandbox.config_file)
    regions = {config[section]["region"] for section in config.sections() if "region" in config[section]}
    assert regions
    assert not regions & {*ELSEWHERE}
    text = Path(sandbox.config_file).read_text("utf-8") + Path(sandbox.settings_file).read_text("utf-8")
    assert not [region for region in ELSEWHERE if region in text]
    assert not {persona.region for persona in PERSONAS} & {*ELSEWHERE}


def test_settings_without_regions_deploy_to_those_of_one_partition(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the settings name no Regions, all are meant that the management account has."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    text = Path(sandbox.settings_file).read_text("utf-8")
    settings = tmp_path / "ownertag.toml"
    settings.write_text("".join(line for line in text.splitlines(True) if not line.startswith("regions")), "utf-8")
    package = tmp_path / "function.zip"
    write_package(package, settings.read_text("utf-8"))
    where = ["--config", str(settings), "--profile", "admin-management", "--package", str(package)]
    answer = CliRunner().invoke(app, ["deploy", "plan", "--json", *where])
    assert "eu-west-1" in answer.output
    assert not [region for region in ELSEWHERE if region in answer.output]


# --- Account Management

OPT_IN, BY_DEFAULT = "eu-south-2", "eu-west-1"


def test_an_account_enables_and_disables_a_region_for_itself(sandbox: Sandbox) -> None:
    member = sandbox.account_session(MEMBERS[1], OPT_IN)
    account, sqs = sandbox.client(member, "account"), sandbox.client(member, "sqs")
    assert account.get_region_opt_status(RegionName=OPT_IN)["RegionOptStatus"] == "DISABLED"
    with pytest.raises(ClientError, match="security token"):
        sqs.list_queues()
    account.enable_region(RegionName=OPT_IN)
    assert account.get_region_opt_status(RegionName=OPT_IN)["RegionOptStatus"] == "ENABLED"
    sqs.list_queues()
    states = {region["RegionName"]: region["RegionOptStatus"] for region in account.list_regions()["Regions"]}
    assert (states[OPT_IN], states[BY_DEFAULT]) == ("ENABLED", "ENABLED_BY_DEFAULT")
    assert not {*states} & {*ELSEWHERE}
    other = sandbox.client(sandbox.account_session(MEMBERS[2]), "account")
    assert other.get_region_opt_status(RegionName=OPT_IN)["RegionOptStatus"] == "DISABLED"
    account.disable_region(RegionName=OPT_IN)
    with pytest.raises(ClientError, match="security token"):
        sqs.list_queues()


@pytest.mark.parametrize("region", [BY_DEFAULT, "cn-north-1", "eu-nowhere-1"])
def test_a_region_that_is_always_on_or_not_known_can_not_be_disabled(sandbox: Sandbox, region: str) -> None:
    account = sandbox.client(sandbox.account_session(HUB), "account")
    with pytest.raises(account.exceptions.ValidationException):
        account.disable_region(RegionName=region)
