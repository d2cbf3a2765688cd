"""An organization that was there before ownertag: resources of ten services, and what is left of who made them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3

from harness.logs import key, log_file
from harness.sandbox_process import SAME_PATH
from ownertag.sandbox.calls import Call, Response
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.deployment import deploy
from ownertag.sandbox.identities import SandboxActor
from ownertag.sandbox.organization import TRAIL_BUCKET
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

#: Who makes things, where, and whose they are by a record of it.
MAKERS = (
    ("alice", "333333333333", "us-east-1", "alice"),
    ("carol", "444444444444", "eu-west-1", "carol@example.com"),
    ("dave", "555555555555", "eu-central-1", "dave@example.com"),
    ("frank", "666666666666", "us-east-1", "frank"),
    ("", "222222222222", "eu-central-1", "security"),
    ("", "111111111111", "eu-central-1", "management"),
)
REGIONS = "eu-central-1,eu-west-1,us-east-1"
#: When a call was made, and what of it is left: in the logs, in CloudTrail's own 90 days, or nowhere.
AGES = {
    "logs": timedelta(days=200),
    "history": timedelta(minutes=40),
    "nowhere": timedelta(days=900),
}
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@dataclass(frozen=True)
class Thing:
    """A resource: its ARN, what names it in a call that tags it, whose it is by its record, and where that is left."""

    arn: str
    name: str
    account: str
    region: str
    owner: str
    left: str
    read: Callable[[Sandbox], dict[str, str]] = field(compare=False)


Makes = Callable[[Sandbox, boto3.Session, str, str, str], tuple[str, str, Callable[[Sandbox], dict[str, str]]]]


def pairs(tags: Any, key_: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key_]: tag[value] for tag in tags or ()}


@contextmanager
def client(sandbox: Sandbox, account: str, region: str, service: str) -> Iterator[Any]:
    with closing(sandbox.client(sandbox.account_session(account, region), service)) as found:
        yield found


def volume(sandbox: Sandbox, session: boto3.Session, account: str, region: str, _name: str) -> Any:
    with closing(sandbox.client(session, "ec2")) as ec2:
        id_ = ec2.create_volume(AvailabilityZone=f"{region}a", Size=1)["VolumeId"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "ec2") as ec2:
            return pairs(ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"])

    return f"arn:aws:ec2:{region}:{account}:volume/{id_}", id_, read


def bucket(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    more = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with closing(sandbox.client(session, "s3")) as s3:
        s3.create_bucket(Bucket=name, **more)

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "s3") as s3:
            try:
                return pairs(s3.get_bucket_tagging(Bucket=name)["TagSet"])
            except s3.exceptions.ClientError:
                return {}

    return f"arn:aws:s3:::{name}", name, read


def queue(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "sqs")) as sqs:
        url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "sqs") as sqs:
            return dict(sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))

    return f"arn:aws:sqs:{region}:{account}:{name}", name, read


def topic(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "sns")) as sns:
        arn = sns.create_topic(Name=name)["TopicArn"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "sns") as sns:
            return pairs(sns.list_tags_for_resource(ResourceArn=arn)["Tags"])

    return arn, name, read


def table(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "dynamodb")) as dynamodb:
        arn = dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )["TableDescription"]["TableArn"]  # fmt: skip

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "dynamodb") as dynamodb:
            return pairs(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])

    return arn, name, read


def log_group(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "logs")) as logs:
        logs.create_log_group(logGroupName=name)

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "logs") as logs:
            return dict(logs.list_tags_log_group(logGroupName=name)["tags"])

    return f"arn:aws:logs:{region}:{account}:log-group:{name}", name, read


def secret(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "secretsmanager")) as secrets:
        arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "secretsmanager") as secrets:
            return pairs(secrets.describe_secret(SecretId=arn).get("Tags"))

    return arn, arn.rpartition(":")[2], read


def repository(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "ecr")) as ecr:
        arn = ecr.create_repository(repositoryName=name)["repository"]["repositoryArn"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "ecr") as ecr:
            return pairs(ecr.list_tags_for_resource(resourceArn=arn)["tags"])

    return arn, name, read


def role(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    with closing(sandbox.client(session, "iam")) as iam:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "iam") as iam:
            return pairs(iam.list_role_tags(RoleName=name)["Tags"])

    return arn, name, read


def function(sandbox: Sandbox, session: boto3.Session, account: str, region: str, name: str) -> Any:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("index.py", "")
    with client(sandbox, account, region, "iam") as iam:
        of_function = name.replace("function", "runner")
        arn = iam.create_role(RoleName=of_function, AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
    with closing(sandbox.client(session, "lambda")) as lambda_:
        arn = lambda_.create_function(
            FunctionName=name, Runtime="python3.11", Role=arn, Handler="index.handler",
            Code={"ZipFile": content.getvalue()},
        )["FunctionArn"]  # fmt: skip

    def read(sandbox: Sandbox) -> dict[str, str]:
        with client(sandbox, account, region, "lambda") as lambda_:
            return dict(lambda_.list_tags(Resource=arn)["Tags"])

    return arn, name, read


#: Services, and what of the record is left. Where AWS tells when a thing was made, the sandbox says that it is new:
#: its record can be no older.
KINDS: tuple[tuple[Makes, tuple[str, ...]], ...] = (
    (volume, ("history",)),
    (bucket, ("logs", "history", "nowhere")),
    (queue, ("logs", "history", "nowhere")),
    (topic, ("logs", "history", "nowhere")),
    (table, ("logs", "history", "nowhere")),
    (log_group, ("history",)),
    (secret, ("history",)),
    (repository, ("history",)),
    (role, ("history",)),
    (function, ("logs", "history", "nowhere")),
)


class BackfillWorld:
    """The organization, with the command line in a process of its own, which can be killed."""

    def __init__(self, sandbox: Sandbox, folder: Path, each: int) -> None:
        self.sandbox = sandbox
        self.state = folder / "run.sqlite"
        self.things: list[Thing] = []
        for persona, account, region, owner in MAKERS:
            session = sandbox.session(persona, region) if persona else sandbox.account_session(account, region)
            for makes, lefts in KINDS:
                for number in range(each):
                    left = lefts[number % len(lefts)]
                    sandbox.recorder.now = self._ago(AGES[left])
                    name = f"{makes.__name__.replace('_', '-')}-{account[0]}-{number:03}"
                    arn, named, read = makes(sandbox, session, account, region, name)
                    where = "us-east-1" if makes is role else region
                    self.things.append(Thing(arn, named, account, where, owner, left, read))
        sandbox.recorder.now = lambda: datetime.now(UTC)
        self._write_logs()
        deploy(sandbox.account_session(MANAGEMENT), sandbox.endpoint_url, sandbox.settings_file, sandbox.package_file)
        sandbox.organization.take_hub_role()
        sandbox.organization.write_config(sandbox.config_file.parent)

    def _ago(self, age: timedelta) -> Callable[[], datetime]:
        return lambda: datetime.now(UTC) - age

    def _write_logs(self) -> None:
        """What is 200 days old is in the trail's bucket."""
        files: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for record in self.sandbox.recorder.all():
            age = datetime.now(UTC) - datetime.fromisoformat(record["eventTime"])
            if timedelta(days=100) < age < timedelta(days=500):
                files.setdefault((record["recipientAccountId"], record["awsRegion"]), []).append(record)
        with client(self.sandbox, MANAGEMENT, "us-east-1", "s3") as s3:
            for (account, region), records in files.items():
                at = datetime.now(UTC) - AGES["logs"]
                name = key(account, region, at, organization=self.sandbox.organization.id)
                s3.put_object(Bucket=TRAIL_BUCKET, Key=name, Body=log_file(records))

    def tags(self) -> dict[str, dict[str, str]]:
        """What each carries."""
        return {thing.arn: thing.read(self.sandbox) for thing in self.things}

    def writes(self) -> Counter[str]:
        """How often the tagger wrote to each."""
        found: Counter[str] = Counter()
        for record in self.sandbox.recorder.all():
            if "assumed-role/auto-tag-role" in record["userIdentity"].get("arn", "") and not record["readOnly"]:
                request = json.dumps(record["requestParameters"])
                for thing in self.things:
                    if thing.account == record["recipientAccountId"] and thing.name in request:
                        found[thing.arn] += 1
        return found

    # --- the command

    def begin_anew(self) -> None:
        """The command knows nothing of the runs before."""
        self.state = self.state.with_name(f"again-{self.state.name}")

    def whois(self, arn: str) -> tuple[int, str, str]:
        """What the ledger says of a resource."""
        process = self._start("whois", arn, "--json", "--offline")
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        given = [
            "--source", f"s3://{TRAIL_BUCKET}", "--source-profile", "admin-management", "--region", REGIONS,
            "--state", str(self.state),
        ] if "undo" not in arguments else ["--state", str(self.state)]  # fmt: skip
        return self._start("backfill", *arguments, *given)

    def _start(self, *words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", "from ownertag.cli.main import run; run()", *words]
        line += ["--config", str(self.sandbox.settings_file), "--profile", "admin-security"]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **SAME_PATH,
            "AWS_CONFIG_FILE": str(self.sandbox.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=400)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    def run_killed(self, calls: int, *arguments: str) -> bool:
        """Runs it, and kills it at so many calls of its own or of the function; whether it was killed."""
        front, before = self.sandbox.front, self.sandbox.front.fault
        process = self.start(*arguments)
        left = calls

        def count(_call: Call, _actor: SandboxActor) -> Response | None:
            nonlocal left
            left -= 1
            if left == 0:
                process.send_signal(signal.SIGKILL)
            return None

        front.fault = count
        try:
            _, err = process.communicate(timeout=400)
        finally:
            front.fault = before
        assert "Traceback" not in err, err
        return process.returncode == -signal.SIGKILL


@contextmanager
def world_of(folder: Path, each: int) -> Iterator[BackfillWorld]:
    """A sandbox with so many resources of each service and account."""
    failed: list[Exception] = []
    with Sandbox(ConsoleReporter(lambda _: None), failed=failed.append, empty=True) as sandbox:
        yield BackfillWorld(sandbox, folder, each)
        assert not failed, failed


assert len(ACCOUNTS) == len(MAKERS)
assert HOME_REGION in REGIONS
