"""Cloud Custodian's own handling of events, in the environment that it is installed in, without anything of ownertag.

Its `auto-tag-user` policy as its documentation gives it, in the mode that CloudTrail's events start; without the second
tag that the policy may write (`principal_id_tag`), for which it makes a call of its own. Each event is pushed as
Custodian's Lambda handler does it (`c7n.handler.dispatch_event`: a collection from the policy's data, then `validate`
and `push`), but with a folder for its output that is not `/tmp`. `benchmarks.custodian` starts it; it prints JSON.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from c7n.config import Config  # type: ignore[import-not-found] # in its own environment
from c7n.policy import PolicyCollection  # type: ignore[import-not-found]
from c7n.resources import load_resources  # type: ignore[import-not-found]
from c7n.resources.aws import AWS  # type: ignore[import-not-found]

from harness.process import peak_kb


def policy(member_role: str | None) -> dict[str, Any]:
    """The policy; with a member role it runs in one account and acts in the others."""
    mode = {"type": "cloudtrail", "events": ["RunInstances"], "role": "arn:aws:iam::{account_id}:role/custodian"}
    if member_role:
        mode["member-role"] = member_role
    return {
        "name": "ec2-auto-tag-owner",
        "resource": "aws.ec2",
        "mode": mode,
        "filters": [{"tag:owner": "absent"}],
        "actions": [{"type": "auto-tag-user", "tag": "owner"}],
    }


def tell_time(url: str, at: float) -> None:
    """The endpoint's time, until it is told another."""
    request = urllib.request.Request(f"{url}/_limits/time", json.dumps({"at": at}).encode())  # noqa: S310 - 127.0.0.1
    urllib.request.urlopen(request).read()  # noqa: S310


def main(given: dict[str, Any]) -> None:
    """Handles every event, or every so-manieth, at the time at which it arrives where there is one."""
    logging.disable(logging.CRITICAL)
    failed: dict[str, int] = {}
    path = Path(given["events"])
    index = json.loads(path.with_suffix(".index").read_text("utf-8")) if given["tell_time"] else []
    with tempfile.TemporaryDirectory() as folder, path.open(encoding="utf-8") as lines:
        options = Config.empty(account_id=given["account"], region=given["region"], output_dir=folder)
        load_resources(("aws.ec2",))
        config = AWS().initialize(options)
        begun = time.perf_counter()
        for number, line in enumerate(lines):
            if number % given["every"]:
                continue
            if index:
                tell_time(given["url"], index[number]["delivered"])
            try:
                for loaded in PolicyCollection.from_data({"policies": [policy(given["member_role"])]}, config):
                    loaded.validate()
                    loaded.push(json.loads(line), None)
            except Exception as error:  # noqa: BLE001 - whatever fails an invocation
                name = f"{type(error).__name__}: {error}"[:200]
                failed[name] = failed.get(name, 0) + 1
        seconds = time.perf_counter() - begun
    print(json.dumps({"failed": failed, "seconds": seconds, "peak_kb": peak_kb()}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
