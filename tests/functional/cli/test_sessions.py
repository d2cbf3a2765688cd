"""What is wrong with settings or credentials is told in the same words by every command, with what to do.

A command that takes --endpoint-url calls AWS, and is in here by that: a new one needs a line in `ARGUMENTS` at most.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec import Struct
from typer.testing import CliRunner

from cli.every import EVERY, takes
from cli.test_streams import SETTINGS
from ownertag.cli.app import app
from ownertag.sandbox.deployment import write_package

MANAGEMENT, HUB, OTHER = "111111111111", "222222222222", "999999999999"
CALLING = [name for name in EVERY if takes(name, "--endpoint-url")]
#: What else they need.
ARGUMENTS = {
    "init": ["new.toml", "--region", "eu-central-1"],
    "tag": ["-"],
    "transfer": ["i-1", "--to", "a", "--reason", "b"],
    "whois": ["i-0123456789abcdef0"],
}
#: `init` writes settings and reads none, and anybody's credentials will do.
WITH_SETTINGS = [name for name in CALLING if name != "init"]
#: Those that have a way without settings; `whois` has it with a Region, and says so as well.
WITHOUT_SETTINGS = {"backfill", "tag"}
#: A profile of SSO that nobody has logged in with, and what else may stand in the AWS config.
PROFILES = f"""
[profile sso]
sso_session = corporate
sso_account_id = {HUB}
sso_role_name = Administrator
[sso-session corporate]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-central-1
[profile half]
aws_access_key_id = AKIAEXAMPLE
[profile process]
credential_process = false
[profile management-administrator]
role_arn = arn:aws:iam::{MANAGEMENT}:role/Administrator
"""
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}


class EndpointOfErrors(BaseHTTPRequestHandler):
    """Answers each call with an error, or says whose the credentials are and that nothing is there."""

    code = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        status = 403
        if "X-Amz-Target" in self.headers:
            text = json.dumps({"__type": f"x#{self.code or 'ResourceNotFoundException'}", "message": "because"})
            status = 400
        elif self.code:
            text = f"<ErrorResponse><Error><Code>{self.code}</Code><Message>because</Message></Error></ErrorResponse>"
        else:
            assert b"Action=GetCallerIdentity" in body, body
            found = f"<Account>{OTHER}</Account><Arn>arn:aws:iam::{OTHER}:user/me</Arn>"
            text = f"<R><GetCallerIdentityResult>{found}</GetCallerIdentityResult></R>"
            status = 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server has
        pass


@pytest.fixture
def endpoint() -> Iterator[Callable[[str], str]]:
    """Starts an endpoint that answers with this error."""
    servers = []

    def start(code: str) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Coded", (EndpointOfErrors,), {"code": code}))
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Case(Struct, frozen=True):
    """What is wrong, and what is said of it."""

    code: int
    said: str
    options: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    answer: str | None = None


DEFAULT = "the default credentials, Region eu-central-1"
CASES = {
    "no such profile": Case(
        2,
        "profile nobody, Region eu-central-1: can't be used (ProfileNotFound): there is no such profile: "
        "`aws configure list-profiles` lists those that there are",
        ("--profile", "nobody"),
    ),
    "a profile that is not there in the environment": Case(
        2,
        "profile nobody, Region eu-central-1: can't be used (ProfileNotFound): there is no such profile: "
        "`aws configure list-profiles` lists those that there are",
        environment={**dict.fromkeys(KEYS, ""), "AWS_PROFILE": "nobody"},
    ),
    "no credentials": Case(
        3,
        f"{DEFAULT}: can't be used (NoCredentialsError): no credentials were found: log in with `aws sso login`, or "
        "name another profile with --profile",
        environment=dict.fromkeys(KEYS, ""),
    ),
    "an SSO session that has ended": Case(
        3,
        "profile sso, Region eu-central-1: can't be used ({code}): the SSO session has expired, or never began: "
        "`aws sso login --profile sso`, and repeat the command",
        ("--profile", "sso"),
    ),
    "half of the credentials": Case(
        2,
        "profile half, Region eu-central-1: can't be used (PartialCredentialsError): Partial credentials found in "
        "config-file, missing: aws_secret_access_key: mend it in the AWS config and credentials files, or "
        "name another profile with --profile",
        ("--profile", "half"),
    ),
    "an expired token": Case(
        3,
        f"{DEFAULT}: can't be used ({{code}}): the credentials have expired: log in again, for example with "
        "`aws sso login`, and repeat the command",
        answer="ExpiredToken",
    ),
    "an access key that is gone": Case(
        3,
        f"{DEFAULT}: can't be used ({{code}}): AWS does not know the access key: it was deleted, or is of another "
        "partition: log in again, or name another profile with --profile",
        answer="UnrecognizedClientException",
    ),
    "a wrong clock or secret": Case(
        3,
        f"{DEFAULT}: can't be used ({{code}}): AWS refuses the signature: the secret key is wrong, or this machine's "
        "clock is",
        answer="InvalidSignatureException",
    ),
    "an endpoint that is no URL": Case(
        2, "--endpoint-url 'nonsense' is no URL: write http://HOST:PORT", ("--endpoint-url", "nonsense")
    ),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, a package and an AWS configuration, and nothing of the machine's."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "OWNERTAG_"))]:
        monkeypatch.delenv(name)
    config = tmp_path / "ownertag.toml"
    config.write_text(SETTINGS, "utf-8")
    (tmp_path / "config").write_text(PROFILES)
    write_package(tmp_path / "function.zip", SETTINGS)
    variables = {
        **KEYS,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "OWNERTAG_CONFIG": str(config),
        "OWNERTAG_PACKAGE": str(tmp_path / "function.zip"),
        "XDG_CONFIG_HOME": str(tmp_path / "none"),
        "HOME": str(tmp_path),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def run(name: str, *options: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, [*name.split(), *ARGUMENTS.get(name, []), *options], input="")
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr.splitlines()[-1] if answer.stderr else ""


def needed(name: str) -> str:
    """Whose credentials a command needs."""
    if name.startswith("deploy"):
        return f"the organization's management account {MANAGEMENT}"
    return f"the hub's account {HUB}"


@pytest.mark.parametrize("name", CALLING)
@pytest.mark.parametrize("case", CASES)
def test_every_command_says_the_same(
    name: str, case: str, place: Path, endpoint: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.is_dir()
    wrong = CASES[case]
    for variable, value in wrong.environment.items():
        monkeypatch.setenv(variable, value) if value else monkeypatch.delenv(variable)
    options = [*wrong.options, *(["--endpoint-url", endpoint(wrong.answer)] if wrong.answer else [])]
    code, out, err = run(name, *options)
    said = f"ownertag: {wrong.said}"
    if ": can't be used (" in wrong.said and name in WITH_SETTINGS:
        said += f". Needed are credentials of {needed(name)}"
    pattern = re.escape(said).replace(re.escape("{code}"), "[A-Za-z]+")
    assert re.fullmatch(pattern, err), err
    assert (code, out) == (wrong.code, "")


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_credentials_of_another_account_are_refused_with_a_profile_of_the_right_one(
    name: str, place: Path, endpoint: Callable[[str], str]
) -> None:
    assert place.is_dir()
    whose, _, account = needed(name).rpartition(" ")
    profile = "management-administrator" if account == MANAGEMENT else "sso"
    said = f"these are credentials of account {OTHER}, and {whose} is {account}: name a profile of it, such as"
    assert run(name, "--endpoint-url", endpoint("")) == (2, "", f"ownertag: {DEFAULT}: {said} --profile {profile}")


@pytest.mark.parametrize("name", [name for name in WITH_SETTINGS if name not in WITHOUT_SETTINGS])
def test_without_settings_every_command_says_where_they_were_looked_for(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OWNERTAG_CONFIG")
    code, out, err = run(name)
    looked = f"neither ownertag.toml nor {place / 'none' / 'ownertag' / 'ownertag.toml'}"
    told = f"ownertag: there are no settings, {looked}: `ownertag init` writes one, or name the file with --config"
    assert (code, out) == (2, "")
    assert err.startswith(told)


@pytest.mark.parametrize("name", WITH_SETTINGS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("missing", "No such file or directory: name another file with --config"),
        ("folder", "Is a directory: name another file with --config"),
        ("latin", "save it as UTF-8"),
        ("key", ":1: tagz: unknown key"),
    ],
)
def test_settings_that_can_not_be_read_are_named_by_every_command(
    name: str, wrong: str, said: str, place: Path
) -> None:
    path = place / f"{wrong} of Jürgen.toml"  # with a space, as on macOS and Windows
    if wrong == "folder":
        path.mkdir()
    elif wrong == "latin":
        path.write_bytes('# "\xfc"'.encode("latin-1"))
    elif wrong == "key":
        path.write_text("[tagz]\n")
    code, out, err = run(name, "--config", str(path))
    assert (code, out) == (2, "")
    assert err.startswith(f"ownertag: {path}"), err
    assert said in err


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "whois" else pytest.mark.full) for name in CALLING]
)
def test_an_endpoint_that_is_not_there_is_told(name: str, place: Path) -> None:
    assert place.is_dir()
    code, out, err = run(name, "--endpoint-url", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err == (
        f"ownertag: {DEFAULT}: can't be used (EndpointConnectionError): Could not connect to the endpoint URL: "
        f'"http://127.0.0.1:9/": can AWS\'s endpoint be reached from here? Look at the network, the proxy and '
        f"--endpoint-url. Needed are credentials of {needed(name)}"
    )


def test_a_region_that_is_none_is_told(place: Path) -> None:
    assert place.is_dir()
    (place / "none.toml").write_text("")
    code, out, err = run("tag", "--config", str(place / "none.toml"), "--region", "eu central")
    assert (code, out) == (2, "")
    assert "can't be used (InvalidRegionError)" in err
    assert "write it as eu-central-1" in err


def test_the_commands_that_call_aws_are_known() -> None:
    assert set(ARGUMENTS) <= {*CALLING}
    assert {"doctor", "prove", "redrive", "tag", "transfer", "whois", "deploy plan"} <= {*CALLING}
    needs: dict[str, Any] = {
        name: [param for param in EVERY[name].params if param.required] for name in CALLING if name not in ARGUMENTS
    }
    assert {name: params for name, params in needs.items() if params} == {}, "they need a line in ARGUMENTS"
