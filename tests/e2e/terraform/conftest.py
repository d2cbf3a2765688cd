"""Terraform as a user has it: a process of its own, in a copy, so that nothing is written into the project.

Terraform and a folder with the AWS provider must be on the machine; without them the tests are skipped. Most of the
time is waiting (the provider looks at a stack every ten seconds), so what was asked for runs side by side.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import boto3
import botocore.session
import pytest

from harness import sandbox_process
from harness.sampling import FULL

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
PLUGINS = Path(os.environ.get("OWNERTAG_TF_PLUGINS", "/opt/tf-plugins"))
HOME_REGION = "eu-central-1"
MANAGEMENT, HUB, MEMBER, ONLY = "111111111111", "222222222222", "444444444444", "666666666666"
NAMES = {MANAGEMENT: "management", HUB: "security", MEMBER: "data", ONLY: "legacy"}

#: The bytes that AWS takes of a template in a call (doc: CloudFormation quotas).
MOST_IN_CALL = 51_200

#: What Terraform deploys, what renders it, and these tests themselves.
DEPLOYED = ("infra", "src/ownertag/render", "src/ownertag/catalogue", "tests/e2e/terraform")
#: The digest of it when these tests last passed; committed, so that a clone need not run them again.
SEEN = HERE / "seen.sha256"

CompletedCommand = subprocess.CompletedProcess[str]
Plan = tuple[int, dict[str, dict[str, Any]]]


def digest() -> str:
    """Of the names and bytes of all files that decide what Terraform deploys."""
    found = hashlib.sha256()
    for folder in DEPLOYED:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT)
            made = {"__pycache__", ".terraform", ".terraform.lock.hcl", SEEN.name}
            if path.is_file() and not made.intersection(name.parts):
                found.update(f"{name.as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()


@dataclass(frozen=True)
class Terraform:
    """The program, its plugins, and an environment in which it finds nothing else."""

    program: str
    environment: dict[str, str]

    def __call__(self, folder: Path, *arguments: str, may_fail: bool = False) -> CompletedCommand:
        """Runs a command in a folder. An exit code of 1 is Terraform's for a failure."""
        answer = subprocess.run(
            [self.program, *arguments],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert may_fail or answer.returncode != 1, f"terraform {' '.join(arguments)}\n{answer.stdout}\n{answer.stderr}"
        return answer

    def init(self, folder: Path) -> Path:
        self(folder, "init", "-no-color", f"-plugin-dir={PLUGINS}")
        return folder

    def apply(self, folder: Path, **variables: str) -> None:
        self(
            folder, "apply", "-no-color", "-auto-approve", *(f"-var={key}={value}" for key, value in variables.items())
        )

    def plan(self, folder: Path) -> Plan:
        """The exit code (0 no changes, 2 changes), and what would change by the resource's address."""
        code = self(folder, "plan", "-no-color", "-detailed-exitcode", "-out=plan").returncode
        if code == 0:
            return 0, {}
        shown = json.loads(self(folder, "show", "-json", "plan").stdout)
        changes = {
            resource_change["address"]: resource_change["change"] for resource_change in shown["resource_changes"]
        }
        return code, {
            address: change for address, change in changes.items() if change["actions"] not in (["no-op"], ["read"])
        }


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, and the configuration with which AWS clients find it."""

    config_file: Path

    def client(self, profile: str, service: str, region: str = HOME_REGION) -> closing[Any]:
        core = botocore.session.Session(profile=profile)
        core.set_config_variable("config_file", str(self.config_file))
        return closing(boto3.Session(botocore_session=core).client(service, region_name=region))  # type: ignore[call-overload] # any service


@contextmanager
def running_sandbox(folder: Path, *options: str) -> Iterator[Sandbox]:
    with sandbox_process.sandbox("--json", *options) as process:
        assert process.stdout is not None
        config = configparser.ConfigParser(interpolation=None)
        config.read(json.loads(process.stdout.readline())["config_file"])
        # The profiles that the examples name.
        config["profile management"] = dict(config[f"profile admin-{NAMES[MANAGEMENT]}"])
        config["profile security"] = dict(config[f"profile admin-{NAMES[HUB]}"])
        path = folder / "config"
        with path.open("w") as file:
            config.write(file)
        yield Sandbox(path)


@pytest.fixture(scope="session")
def empty_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An organization into which Terraform deploys ownertag."""
    with running_sandbox(tmp_path_factory.mktemp("empty"), "--no-deploy") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An organization into which ownertag is deployed."""
    with running_sandbox(tmp_path_factory.mktemp("deployed")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def terraform(request: pytest.FixtureRequest) -> Iterator[Terraform]:
    if not FULL and SEEN.read_text("utf-8").strip() == digest():
        pytest.skip("what Terraform deploys is as it was when its tests last passed: `make test-full` runs them")
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("no terraform on this machine")
    if not list(PLUGINS.glob("*/hashicorp/aws/5.*")):
        pytest.skip(f"no AWS provider 5.x in {PLUGINS}: name its folder with OWNERTAG_TF_PLUGINS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    alone = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
    }
    failed = request.session.testsfailed
    yield Terraform(program, kept | alone)
    mine = [item for item in request.session.items if item.path.is_relative_to(HERE)]
    whole = not request.config.option.keyword and {item.path for item in mine} == {*HERE.glob("test_*.py")}
    if request.session.testsfailed == failed and whole:
        SEEN.write_text(digest() + "\n", "utf-8")


# --- what runs side by side

JOBS: dict[str, Callable[[Terraform, Sandbox | None, Path], Any]] = {}
IN_SANDBOX = {
    "archive": "empty_sandbox",
    "drift": "sandbox",
    "one_account": "empty_sandbox",
    "organization": "empty_sandbox",
}


@pytest.fixture(scope="session")
def jobs(
    request: pytest.FixtureRequest, terraform: Terraform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Any]]]:
    """Those of the jobs that a collected test asks for, started."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())} & {*JOBS}
    sandboxes = {name: request.getfixturevalue(IN_SANDBOX[name]) for name in wanted & {*IN_SANDBOX}}
    folders = {name: tmp_path_factory.mktemp(name) for name in wanted}
    with ThreadPoolExecutor(len(wanted)) as pool:
        # The longest first.
        yield {
            name: pool.submit(JOBS[name], terraform, sandboxes.get(name), folders[name])
            for name in sorted(wanted, reverse=True)
        }


def _copy(folder: Path) -> Path:
    """The module with the templates that it deploys, as they lie in the project."""
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    return Path(shutil.copytree(INFRA, folder / "infra", ignore=ignored)) / "terraform"


def _module_tests(terraform: Terraform, _: Sandbox | None, folder: Path) -> CompletedCommand:
    return terraform(terraform.init(_copy(folder)), "test", "-no-color", may_fail=True)


def _valid_examples(terraform: Terraform, _: Sandbox | None, folder: Path) -> dict[str, Any]:
    """For each example: what `validate` says, and its graph."""
    examples = _copy(folder) / "examples"
    found = {}
    for example in sorted(examples.iterdir()):
        terraform.init(example)
        said = json.loads(terraform(example, "validate", "-json").stdout)
        found[example.name] = (said, terraform(example, "graph").stdout)
    return found


@dataclass(frozen=True)
class Applied:
    """A configuration after `apply`, and what a plan says then."""

    folder: Path
    templates: Path
    terraform: Terraform
    sandbox: Sandbox
    unit: str
    after: Plan


def _in_sandbox(terraform: Terraform, sandbox: Sandbox) -> Terraform:
    environment = {**terraform.environment, "AWS_CONFIG_FILE": str(sandbox.config_file)}
    return Terraform(terraform.program, environment)


def _rendered(folder: Path, hub: str, organization: str) -> Path:
    """The templates as a user renders them, for the sandbox's organization and this hub."""
    settings = (INFRA / "ownertag.toml").read_text("utf-8")
    for old, new in (("222222222222", hub), ("o-a1b2c3d4e5", organization)):
        assert old in settings
        settings = settings.replace(old, new)
    config, templates = folder / "ownertag.toml", folder / "templates"
    config.write_text(settings, "utf-8")
    subprocess.run(
        [sandbox_process.OWNERTAG, "render", "infra", "--config", config, "--output-dir", templates, "--quiet"],
        check=True,
    )
    return templates


def _package(sandbox: Sandbox, account: str, folder: Path) -> dict[str, str]:
    """A bucket, and what stands in for the function's package: the emulator keeps it and does not run it."""
    package, bucket = folder / "package.zip", f"packages-{account}"
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("README", "no code")
    with sandbox.client(f"admin-{NAMES[account]}", "s3") as s3:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
    return {"package": str(package), "package_bucket": bucket}


def _organization_id(sandbox: Sandbox) -> str:
    with sandbox.client("management", "organizations") as organizations:
        return str(organizations.describe_organization()["Organization"]["Id"])


def _one_account(terraform: Terraform, sandbox: Sandbox | None, folder: Path) -> Applied:
    assert sandbox is not None
    templates = _rendered(folder, ONLY, _organization_id(sandbox))
    variables = {
        "account_id": ONLY,
        "profile": f"admin-{NAMES[ONLY]}",
        "home_region": HOME_REGION,
        "templates_folder": str(templates),
        **_package(sandbox, ONLY, folder),
    }
    return _applied(
        _in_sandbox(terraform, sandbox), sandbox, _copy(folder) / "examples/one_account", variables, templates
    )


def _organization(terraform: Terraform, sandbox: Sandbox | None, folder: Path) -> Applied:
    assert sandbox is not None
    organization = _organization_id(sandbox)
    templates = _rendered(folder, HUB, organization)
    with sandbox.client("management", "organizations") as organizations:
        root = organizations.list_roots()["Roots"][0]["Id"]
        # A unit without the account that the other example takes as a whole.
        [old] = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
        unit = organizations.create_organizational_unit(ParentId=root, Name="terraform")["OrganizationalUnit"]["Id"]
        for account in (HUB, MEMBER):
            organizations.move_account(AccountId=account, SourceParentId=old["Id"], DestinationParentId=unit)
        organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    with sandbox.client("management", "cloudformation") as cloudformation:
        cloudformation.activate_organizations_access()
    variables = {
        "organization_id": organization,
        "management_account_id": MANAGEMENT,
        "hub_account_id": HUB,
        "home_region": HOME_REGION,
        "regions": ["us-east-1", "us-west-2"],
        "organizational_units": [unit],
        "protected_organizational_units": [unit],
        "accounts_read_by": "RESOURCE_POLICY",  # the hub is no delegated administrator
        "templates_folder": str(templates),
        **_package(sandbox, HUB, folder),
    }
    example = _copy(folder) / "examples/organization"
    return _applied(_in_sandbox(terraform, sandbox), sandbox, example, variables, templates, unit)


def _applied(
    terraform: Terraform, sandbox: Sandbox, folder: Path, variables: dict[str, Any], templates: Path, unit: str = ""
) -> Applied:
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables), "utf-8")
    terraform.apply(terraform.init(folder))
    return Applied(folder, templates, terraform, sandbox, unit, terraform.plan(folder) if variables else (0, {}))


def _drift(terraform: Terraform, sandbox: Sandbox | None, folder: Path) -> Applied:
    assert sandbox is not None
    copied = Path(shutil.copytree(Path(__file__).with_name("drift"), folder / "drift"))
    return _applied(_in_sandbox(terraform, sandbox), sandbox, copied, {}, INFRA)


@dataclass(frozen=True)
class FromArchive:
    """A configuration whose modules are from an archive of a release: the address, and what each command said."""

    source: str
    modules: list[dict[str, str]]
    valid: dict[str, Any]
    planned: CompletedCommand
    too_long: CompletedCommand
    wrong_digest: CompletedCommand


_CONFIGURATION = """
provider "aws" {
  profile = "management"
  region  = "eu-central-1"
}
module "ownertag" {
  source = "SOURCE//infra/terraform"
  providers = {
    aws.hub        = aws
    aws.management = aws
    aws.stack_sets = aws
  }
  organization_id       = "o-a1b2c3d4e5"
  management_account_id = "111111111111"
  hub_account_id        = "222222222222"
  home_region           = "eu-central-1"
  regions               = ["us-east-1"]
  organizational_units  = ["r-ab12"]
  package_bucket        = "packages"
  package_key           = "ownertag/0123.zip"
}
module "rules" {
  source = "SOURCE//infra/terraform/region"
}
"""


def _archive(terraform: Terraform, sandbox: Sandbox | None, folder: Path) -> FromArchive:
    """The archive that `make terraform-archive` makes, from a web server, as a release's is."""
    assert sandbox is not None
    dist = folder / "dist"
    command = ["make", "-s", "terraform-archive", f"TERRAFORM_DIST={dist}"]  # as whoever makes a release
    subprocess.run(command, cwd=ROOT, check=True)
    [file] = dist.iterdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(dist)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        source = f"http://127.0.0.1:{server.server_port}/{file.name}"
        used, other = folder / "used", folder / "other"
        for place, text in (
            (used, _CONFIGURATION.replace("SOURCE", source)),
            (
                other,
                _CONFIGURATION.replace('/terraform"', f'/terraform?checksum=sha256:{"0" * 64}"').replace(
                    "SOURCE", source
                ),
            ),
        ):
            place.mkdir()
            (place / "main.tf").write_text(text, "utf-8")
        inside = _in_sandbox(terraform, sandbox)
        inside.init(used)
        wrong = inside(other, "init", "-no-color", f"-plugin-dir={PLUGINS}", may_fail=True)
    finally:
        server.shutdown()
        server.server_close()
    modules = json.loads((used / ".terraform/modules/modules.json").read_text("utf-8"))["Modules"]
    valid = json.loads(inside(used, "validate", "-json").stdout)
    planned = inside(used, "plan", "-no-color", may_fail=True)
    # The same with a template of a byte too many, in fewer characters.
    long = folder / "long"
    shutil.copytree(INFRA, long, ignore=shutil.ignore_patterns("terraform"))
    roles = long / "spoke_account/template.yaml"
    left = MOST_IN_CALL + 1 - roles.stat().st_size
    roles.write_bytes(roles.read_bytes() + b"# \xc3\xa4".ljust(left, b"-"))
    (used / "main_override.tf").write_text(f'module "ownertag" {{\n  templates_folder = "{long}"\n}}\n', "utf-8")
    return FromArchive(source, modules, valid, planned, inside(used, "plan", "-no-color", may_fail=True), wrong)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Says nothing of a request."""


# What waits the longest goes first.
JOBS |= {
    "archive": _archive,
    "organization": _organization,
    "one_account": _one_account,
    "drift": _drift,
    "module_tests": _module_tests,
    "valid_examples": _valid_examples,
}


T = TypeVar("T")


def _result(jobs: dict[str, Future[Any]], name: str, kind: type[T]) -> T:
    """Waits for a job, and returns what it found."""
    found = jobs[name].result()
    assert isinstance(found, kind)
    return found


@pytest.fixture(scope="session")
def module_tests(jobs: dict[str, Future[Any]]) -> CompletedCommand:
    return _result(jobs, "module_tests", subprocess.CompletedProcess)


@pytest.fixture(scope="session")
def valid_examples(jobs: dict[str, Future[Any]]) -> dict[str, Any]:
    return _result(jobs, "valid_examples", dict)


@pytest.fixture(scope="session")
def one_account(jobs: dict[str, Future[Any]]) -> Applied:
    return _result(jobs, "one_account", Applied)


@pytest.fixture(scope="session")
def organization(jobs: dict[str, Future[Any]]) -> Applied:
    return _result(jobs, "organization", Applied)


@pytest.fixture(scope="session")
def archive(jobs: dict[str, Future[Any]]) -> FromArchive:
    return _result(jobs, "archive", FromArchive)


@pytest.fixture(scope="session")
def drift(jobs: dict[str, Future[Any]]) -> Applied:
    return _result(jobs, "drift", Applied)
