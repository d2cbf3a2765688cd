"""Cloud Custodian's own handling of events, in the environment that it is installed in: nothing of ownertag is imported.

Its `auto-tag-user` policy as its documentation gives it, in the mode that CloudTrail's events start; without the second
tag that the policy may write (`principal_id_tag`), for which it makes a call of its own. Each event is
pushed as Custodian's Lambda handler does it (`c7n.handler.dispatch_event`: a collection from the policy's data, then
`validate` and `push`), but with a folder for its output that is not `/tmp`. Prints JSON.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

url, events_file, account, member_role, region = sys.argv[1:]
os.environ |= {
    "AWS_ENDPOINT_URL": url,
    "AWS_ACCESS_KEY_ID": f"AKIA{account:0>16}",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": region,
}

from c7n.config import Config  # type: ignore[import-not-found] # noqa: E402 - in its own environment, set up before
from c7n.policy import PolicyCollection  # type: ignore[import-not-found] # noqa: E402
from c7n.resources import load_resources  # type: ignore[import-not-found] # noqa: E402
from c7n.resources.aws import AWS  # type: ignore[import-not-found] # noqa: E402

POLICY = {
    "name": "ec2-auto-tag-owner",
    "resource": "aws.ec2",
    "mode": {"type": "cloudtrail", "events": ["RunInstances"], "role": "arn:aws:iam::{account_id}:role/custodian"},
    "filters": [{"tag:owner": "absent"}],
    "actions": [{"type": "auto-tag-user", "tag": "owner"}],
}
if member_role != "-":
    POLICY["mode"]["member-role"] = member_role  # type: ignore[index] # the mode is a mapping


def tell_time(at: float) -> None:
    """The endpoint's time, until it is told another."""
    body = json.dumps({"at": at}).encode()
    request = urllib.request.Request(f"{url}/_limits/time", body)  # noqa: S310 - 127.0.0.1
    urllib.request.urlopen(request).read()  # noqa: S310


def main() -> None:
    """Handle every event at the time at which it arrives."""
    logging.disable(logging.CRITICAL)
    failed: dict[str, int] = {}
    begun = time.process_time()
    path = Path(events_file)
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as file:
        options = Config.empty(account_id=account, region=region, output_dir=folder, log_group=None)
        load_resources(("aws.ec2",))
        config = AWS().initialize(options)
        for entry in json.loads(path.with_suffix(".index").read_text("utf-8")):
            tell_time(entry["delivered"])
            file.seek(entry["offset"])
            event = json.loads(file.read(entry["length"]))
            try:
                for policy in PolicyCollection.from_data({"policies": [json.loads(json.dumps(POLICY))]}, config):
                    policy.validate()
                    policy.push(event, None)
            except Exception as error:  # noqa: BLE001 - whatever fails an invocation
                name = f"{type(error).__name__}: {error}"[:200]
                failed[name] = failed.get(name, 0) + 1
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"failed": failed, "peak_kb": used, "cpu_seconds": time.process_time() - begun}))


main()
