"""`ownertag sandbox` as a process: what `--no-deploy` prints leads to the organization before ownertag; it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.session
import pytest

from harness import sandbox_process


def test_an_empty_sandbox_says_how_ownertag_is_deployed() -> None:
    with sandbox_process.sandbox("--no-deploy") as process:
        check(process)


def check(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "run-instances" in line:
            break
    text = "".join(lines)
    exported = dict(re.findall(r"^export (\w+)=(.+)$", text, re.MULTILINE))
    assert "\nownertag deploy apply --profile admin-management\n" in text
    assert Path(exported["OWNERTAG_PACKAGE"]).is_file()
    assert 'hub_account = "222222222222"' in Path(exported["OWNERTAG_CONFIG"]).read_text("utf-8")
    core = botocore.session.Session(profile="admin-management")
    core.set_config_variable("config_file", exported["AWS_CONFIG_FILE"])
    cloudformation = boto3.Session(botocore_session=core).client("cloudformation", region_name="eu-central-1")
    assert cloudformation.list_stack_sets()["Summaries"] == []
    cloudformation.close()
    assert "[profile hub]" not in Path(exported["AWS_CONFIG_FILE"]).read_text("utf-8")


def test_it_prints_who_changed_which_tag_of_what() -> None:
    with sandbox_process.sandbox() as process:
        assert process.stdout is not None
        text = next(line for line in process.stdout if line.startswith("export AWS_CONFIG_FILE="))
        core = botocore.session.Session(profile="alice")
        core.set_config_variable("config_file", text.strip().partition("=")[2])
        ec2 = boto3.Session(botocore_session=core).client("ec2")
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        next(line for line in process.stdout if "owner=alice" in line)
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "mallory"}])
        said = next(line for line in process.stdout if "finding: " in line)
        ec2.close()
    assert "web us-east-1" in said
    assert "CreateTags  finding: arn:aws:iam::333333333333:user/alice changed owner 'alice' to 'mallory'" in said
    assert f"on volume/{volume}" in said


@pytest.mark.skipif(sys.platform != "linux", reason="a thread is told from outside on Linux alone")
def test_ctrl_c_ends_it_whichever_thread_the_system_gives_it_to() -> None:
    with sandbox_process.sandbox("--no-deploy", "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        others = {int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
        os.kill(max(others), signal.SIGINT)
        assert process.wait(sandbox_process.END_SECONDS) == 0
