"""Sessions of the caller's credentials: one thread at a time makes a client, and errors say what to do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import NoCredentialsError

from ownertag.aws.credentials import CallerSession, CredentialsError, assume_role, open_session
from ownertag.cli.caller import caller_identity


class FakeSession:
    """Makes clients, and notes how many were made at the same time at most."""

    region_name = "eu-central-1"

    def __init__(self) -> None:
        self.most = 0
        self.given: list[dict[str, Any]] = []
        self._now = 0

    def client(self, service: str, **given: Any) -> str:
        self._now += 1
        self.most = max(self.most, self._now)
        time.sleep(0.002)  # another thread may run here
        self._now -= 1
        self.given.append(given)
        return service


def test_one_thread_at_a_time_makes_a_client() -> None:
    fake = FakeSession()
    session = CallerSession(cast("boto3.Session", fake), "http://localhost:1")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(session.client, ["ec2"] * 24)) == {"ec2"}
    assert fake.most == 1
    assert {given["endpoint_url"] for given in fake.given} == {"http://localhost:1"}


def test_a_profile_that_is_not_there_is_named_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match=r"^profile nobody: can't be used \(ProfileNotFound\): .*list-profiles"):
        open_session("nobody")


def test_credentials_that_can_not_be_used_are_told_with_advice() -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            raise NoCredentialsError

    class Session(FakeSession):
        def client(self, service: str, **given: Any) -> Any:
            assert (service, given["region_name"]) == ("sts", "us-east-1")
            return Sts()

    with pytest.raises(CredentialsError, match=r"^the default credentials: .*log in again, or name another profile"):
        caller_identity(CallerSession(cast("boto3.Session", Session())), "us-east-1")


def test_the_credentials_of_a_role_are_arguments_of_a_client() -> None:
    class Sts:
        def assume_role(self, **given: Any) -> dict[str, Any]:
            assert given == {"RoleArn": "arn", "RoleSessionName": "name", "DurationSeconds": 900}
            keys = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
            return {"Credentials": {**keys, "Expiration": None}}

    assert assume_role(Sts(), "arn", "name", DurationSeconds=900).client_arguments == {
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
        "aws_session_token": "c",
    }
