"""Whose is it, after it is gone: by its id and by its address, from the table that the deployed function has kept."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import Any

from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.sandbox.sandbox import Sandbox
from ownertag.sandbox.tour import IMAGE
from ownertag.sandbox.watch import Watch

PATIENCE_SECONDS = 60.0


def whois(sandbox: Sandbox, *arguments: str) -> list[dict[str, Any]]:
    given = ["--config", str(sandbox.settings_file), "--profile", "admin-security", "--json", "--quiet"]
    answer = CliRunner().invoke(app, ["whois", *arguments, *given], env={"AWS_CONFIG_FILE": str(sandbox.config_file)})
    assert answer.exit_code in {0, 1}, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_a_terminated_instance_still_has_its_person_by_id_and_by_address() -> None:
    with Sandbox(Watch(lambda _: None)) as sandbox:
        with closing(sandbox.client(sandbox.session("erin"), "ec2")) as ec2:
            launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
            id_, address = launched["InstanceId"], launched["PrivateIpAddress"]
            until = time.monotonic() + PATIENCE_SECONDS
            while not whois(sandbox, id_) and time.monotonic() < until:
                time.sleep(0.5)
            ec2.terminate_instances(InstanceIds=[id_])
        for asked in (id_, address):
            found = next(each for each in whois(sandbox, asked) if each["id"] == id_)
            # The session is named after carol, and its person is whoever assumed the role: a name that anybody may
            # choose is not believed.
            assert (found["owner"]["name"], found["owner"]["confidence"]) == ("erin-user", "inferred")
            assert found["owner"]["via"][0].endswith(":assumed-role/developer/carol@example.com")
            assert found["created"]["event_name"] == "RunInstances"
            assert found["created"]["mfa"] is False
        assert whois(sandbox, "i-0123456789abcdef0") == []
