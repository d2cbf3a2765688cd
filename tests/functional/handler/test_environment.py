"""The function's environment, and what is done at import and at the first call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.emulated import HOME, emulated
from handler.lambdas import CONFIG, Context, Poller
from ownertag.core.settings import SettingsError
from ownertag.handler import lambda_function
from ownertag.handler.settings import read_environment
from ownertag.ledger.opening import LedgerLocation

NAMES = ("OWNERTAG_CONFIG", "OWNERTAG_QUEUE_URL", "OWNERTAG_LEDGER", "OWNERTAG_CONCURRENCY")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "ownertag.toml"
    path.write_text(CONFIG, "utf-8")
    return str(path)


def test_all_that_is_needed_is_read(config: str) -> None:
    environment = read_environment(
        {
            "OWNERTAG_CONFIG": config,
            "OWNERTAG_QUEUE_URL": "https://queue",
            "OWNERTAG_LEDGER": "dynamodb:ownertag-ledger",
            "OWNERTAG_CONCURRENCY": "5",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        }
    )
    assert environment.ledger == LedgerLocation("dynamodb", "ownertag-ledger")
    assert environment.concurrency == 5
    assert environment.queue_url == "https://queue"
    assert environment.endpoint_url == "http://127.0.0.1:1"
    assert environment.organization.home_region == HOME
    assert list(environment.settings.tags) == ["owner", "dateCreated", "WhatIsThis"]


@pytest.mark.parametrize("empty", [{}, dict.fromkeys(NAMES, "")])
def test_each_missing_variable_is_named(config: str, empty: dict[str, str]) -> None:
    given = {
        "OWNERTAG_CONFIG": config,
        "OWNERTAG_QUEUE_URL": "https://queue",
        "OWNERTAG_LEDGER": "sqlite:x",
        "OWNERTAG_CONCURRENCY": "5",
    }
    assert list(given) == list(NAMES)
    listed = "OWNERTAG_CONFIG, OWNERTAG_QUEUE_URL, OWNERTAG_LEDGER and OWNERTAG_CONCURRENCY must be set"
    with pytest.raises(SettingsError, match=listed):
        read_environment(empty)
    for name in NAMES:
        rest = {key: value for key, value in given.items() if key != name}
        with pytest.raises(SettingsError, match=rf"^environment: {name} must be set"):
            read_environment({**empty, **rest})


@pytest.mark.parametrize("count", ["0", "-1", "five", "1001", "2.5", "\uff15"])
def test_a_concurrency_that_is_none_is_named(config: str, count: str) -> None:
    variables = {"OWNERTAG_CONFIG": config, "OWNERTAG_QUEUE_URL": "q", "OWNERTAG_LEDGER": "sqlite:x"}
    with pytest.raises(SettingsError, match=r"^OWNERTAG_CONCURRENCY: .*is no number of functions"):
        read_environment({**variables, "OWNERTAG_CONCURRENCY": count})


@pytest.mark.parametrize("place", ["ledger.sqlite", "dynamodb:", "dynamodb:a/b", "sqlite:", "redis:x", "sqlite"])
def test_a_ledger_that_is_none_is_named(config: str, place: str) -> None:
    with pytest.raises(SettingsError, match=r"^OWNERTAG_LEDGER: .*names no"):
        read_environment(
            {
                "OWNERTAG_CONFIG": config,
                "OWNERTAG_QUEUE_URL": "q",
                "OWNERTAG_LEDGER": place,
                "OWNERTAG_CONCURRENCY": "5",
            }
        )


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (None, "can't be read"),
        (b"\xff\xfe", "is in UTF-16: save it as UTF-8"),
        (b"[organization", "ownertag.toml"),
        (b'[tags]\nowner = "{owner}"\n', "the hub must know whose accounts it serves"),
        (b'[tags]\nowner = "{owner}"\nwho = "{whose}"\n', "toml:3: "),
    ],
)
def test_a_file_that_can_not_be_used_says_why(tmp_path: Path, content: bytes | None, wanted: str) -> None:
    path = tmp_path / "ownertag.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=wanted):
        read_environment(
            {
                "OWNERTAG_CONFIG": str(path),
                "OWNERTAG_QUEUE_URL": "https://queue",
                "OWNERTAG_LEDGER": "sqlite:x",
                "OWNERTAG_CONCURRENCY": "5",
            }
        )


def test_the_function_is_built_at_its_first_call_and_kept(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that can't be read end the call, so that the whole batch comes back; the next call reads them again."""
    lambda_function._built.cache_clear()
    with emulated() as world:
        queue_url = Poller(world).url
        monkeypatch.delenv("OWNERTAG_CONFIG", raising=False)
        monkeypatch.setenv("OWNERTAG_QUEUE_URL", queue_url)
        monkeypatch.setenv("OWNERTAG_CONCURRENCY", "5")
        monkeypatch.setenv("OWNERTAG_LEDGER", f"sqlite:{Path(config).parent / 'ledger.sqlite'}")
        with pytest.raises(SettingsError, match="OWNERTAG_CONFIG"):
            lambda_function.handler({"Records": []}, Context())
        monkeypatch.setenv("OWNERTAG_CONFIG", config)
        for _ in range(3):
            assert lambda_function.handler({"Records": []}, Context()) == {"batchItemFailures": []}
        assert lambda_function._built.cache_info().misses == 2
        assert lambda_function._built.cache_info().currsize == 1
    lambda_function._built.cache_clear()


def test_importing_the_entry_builds_nothing_and_needs_no_command_line_and_no_emulator() -> None:
    code = (
        "import sys, ownertag.handler.lambda_function as lambda_function\n"
        "print(lambda_function._built.cache_info().currsize)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    built, modules = ran.stdout.splitlines()
    assert built == "0"
    loaded = set(modules.split())
    assert {"boto3", "msgspec", "ownertag"} <= loaded
    assert not loaded & {"typer", "rich", "click", "moto", "werkzeug", "flask", "hypothesis", "pytest", "jinja2"}
