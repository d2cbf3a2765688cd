"""Sessions of the caller's credentials: one thread at a time makes a client, and errors say what to do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import NoCredentialsError

from ownertag.aws.credential_errors import CredentialsError
from ownertag.aws.credentials import CallerSession, assume_role, open_session


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


@pytest.fixture(autouse=True)
def no_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))


def test_a_profile_that_is_not_there_is_named_with_advice() -> None:
    with pytest.raises(CredentialsError, match=r"^profile nobody: can't be used \(ProfileNotFound\): .*list-profiles"):
        open_session("nobody")


def test_the_profile_of_the_environment_is_named_but_not_where_keys_come_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    with pytest.raises(CredentialsError, match=r"^profile elsewhere: can't be used \(ProfileNotFound\)"):
        open_session()
    monkeypatch.delenv("AWS_PROFILE")
    session = open_session(region="eu-west-1")
    assert session.name == "the default credentials, Region eu-west-1"


@pytest.mark.parametrize("text", ["nonsense", "ftp://127.0.0.1", "http://", "127.0.0.1:5000", "http://\x1b[2J"])
def test_an_endpoint_that_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(CredentialsError, match=r"^--endpoint-url .* is no URL: write http://HOST:PORT") as refused:
        open_session(endpoint_url=text)
    assert refused.value.typed
    assert "\x1b" not in str(refused.value)


def test_credentials_that_can_not_be_used_are_told_with_whose_are_needed() -> None:
    with pytest.raises(CredentialsError) as told, CallerSession(cast("boto3.Session", FakeSession())).explained("hers"):
        raise NoCredentialsError
    assert str(told.value) == (
        "the default credentials, Region eu-central-1: can't be used (NoCredentialsError): no credentials were found: "
        "log in with `aws sso login`, or name another profile with --profile. Needed are credentials of hers"
    )


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
