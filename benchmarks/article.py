"""The sequence of calls that the article describes, written from its description; ownertag is compared with it.

For each instance of a RunInstances event: assume the role in the account, look up the tags of the principal who
launched it, tag the instance, describe its volumes, and tag each of them. Network interfaces are not tagged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ROLE = "auto-tag-role"

#: Builds a client: (service, region, credentials as keyword arguments).
ClientFactory = Callable[[str, str, Mapping[str, str]], Any]


def handle(event: Mapping[str, Any], client: ClientFactory) -> None:
    """Tags the resources of one RunInstances event of EventBridge."""
    record = event["detail"]
    account, region, created = record["recipientAccountId"], record["awsRegion"], record["eventTime"]
    identity = record["userIdentity"]
    owner = identity.get("userName") or identity["arn"].split("/")[-1]
    # Above 100 KB CloudTrail leaves the response out, and the article's function has nothing to go by.
    items = record["responseElements"].get("instancesSet", {}).get("items", [])
    for item in items:
        credentials = client("sts", region, {}).assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="auto-tag-session"
        )["Credentials"]
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        tags = _principal_tags(client("iam", region, keys), identity)
        tags += [{"Key": "owner", "Value": owner}, {"Key": "dateCreated", "Value": created}]
        ec2 = client("ec2", region, keys)
        ec2.create_tags(Resources=[item["instanceId"]], Tags=tags)
        attached = [{"Name": "attachment.instance-id", "Values": [item["instanceId"]]}]
        for volume in ec2.describe_volumes(Filters=attached)["Volumes"]:
            ec2.create_tags(Resources=[volume["VolumeId"]], Tags=tags)


def _principal_tags(iam: Any, identity: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tags of the user, or of the role behind the session."""
    if identity["type"] == "IAMUser":
        found = iam.list_user_tags(UserName=identity["userName"])["Tags"]
    else:
        found = iam.list_role_tags(RoleName=identity["sessionContext"]["sessionIssuer"]["userName"])["Tags"]
    return [tag for tag in found if not tag["Key"].startswith("aws:")]
