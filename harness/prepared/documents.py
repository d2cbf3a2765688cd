"""A large deployment as data for the prepared answers: all that `ownertag deploy` puts there, and twelve faults.

The documents are rendered, as AWS would hold them after a deployment.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from harness.prepared.answers import ACCOUNT, REGION
from ownertag.catalogue.lists import shipped_lists
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.core.settings_file import read_settings
from ownertag.render import infra, policies, service_policies
from ownertag.render import tagger as tagger_policies
from ownertag.render.audit import audit_policies
from ownertag.render.documents import (
    AUDIT_ROLE,
    CANARY_ROLE,
    DEAD_LETTERS,
    FORWARDER_ROLE,
    HUB_RULE,
    REDRIVE_ROLE,
    REGION_STACK,
    ROLES_STACK,
    UNDELIVERED,
    filled,
    policy_name,
)
from ownertag.render.patterns import hub_pattern, spoke_rules

MANAGEMENT, HUB = "100000000000", "100000000001"
HOME = "eu-central-1"
#: Those that are on by default (doc: AWS Regions), less one, and two that are opted into.
REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
    "us-east-1", "us-east-2", "us-west-2",
)  # fmt: skip
ROOT, UNITS = "r-prep", ("ou-prep-workload", "ou-prep-sandboxx")
SHA256 = "ab" * 32


def settings_text(regions: tuple[str, ...] = REGIONS) -> str:
    """The settings of this organization."""
    listed = ", ".join(f'"{region}"' for region in regions)
    units = ", ".join(f'"{unit}"' for unit in UNITS)
    return f"""
[organization]
id = "o-prepared01"
management_account = "{MANAGEMENT}"
hub_account = "{HUB}"
home_region = "{HOME}"
regions = [{listed}]
units = [{units}]

[protection]
units = [{units}]

[tags]
owner = "{{owner}}"
WhatIsThis = "https://wiki.internal/ownertag"
"""


def accounts(number: int) -> tuple[str, ...]:
    """So many accounts, the management account and the hub's among them."""
    return tuple(str(100000000000 + count) for count in range(number))


#: Each kind of fault by the cause that doctor names; with 200 accounts the numbers beside it.
KINDS = {
    "instance-not-current": "23 accounts in ap-northeast-3",
    "dead-letters-held": "37 messages at the hub",
    "audit-role-refused": "2 accounts",
    "role-permissions": "17 accounts",
    "region-off": "12 accounts in ap-south-1",
    "default-bus-key": "1 account in us-west-2",
    "trail-stopped": "4 accounts in all Regions",
    "rule-missing": "41 accounts in eu-south-2",
    "rule-disabled": "3 accounts in us-east-1",
    "target-others": "1 account in eu-west-1",
    "sent-failed": "9 accounts in eu-west-2",
    "undelivered-held": "7 accounts in two Regions",
}


def faults(members: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """Where each kind of fault is: every kind in accounts of its own; in one each where there are fewer than 120."""

    def some(number: int, start: int) -> list[str]:
        return list(members[start : start + number]) if len(members) >= 120 else [members[start % 14 % len(members)]]

    creations = "ownertag-creations-1"
    return {
        "outdated": [[one, "ap-northeast-3"] for one in some(23, 0)],
        "refused": [[one] for one in some(2, 23)],
        "permissions": [[one, "auto-tag-role"] for one in some(17, 25)],
        "off": [[one, "ap-south-1"] for one in some(12, 42)],
        "key": [[one, "us-west-2"] for one in some(1, 54)],
        "stopped": [[one] for one in some(4, 55)],
        "rule-missing": [[one, "eu-south-2", creations] for one in some(41, 59)],
        "rule-off": [[one, "us-east-1", creations] for one in some(3, 100)],
        "spy": [[one, "eu-west-1", "ownertag-tampering"] for one in some(1, 103)],
        "failed": [[one, "eu-west-2"] for one in some(9, 104)],
        "held": [[HUB, HOME, DEAD_LETTERS, "37"]]
        + [
            [one, "eu-west-3" if number % 2 else "sa-east-1", UNDELIVERED, "5"]
            for number, one in enumerate(some(7, 113))
        ],
    }


def prepared(number: int = 200, regions: tuple[str, ...] = REGIONS, *, well: bool = False) -> dict[str, Any]:
    """The deployment to so many accounts, with the faults, or without."""
    settings = read_settings(settings_text(regions), "ownertag.toml")
    held = accounts(number)
    members = held[2:]
    half = len(members) // 2
    return {
        "management": MANAGEMENT,
        "hub": HUB,
        "home": HOME,
        "regions": list(regions),
        "accounts": list(held),
        "root": ROOT,
        "units": {UNITS[0]: [HUB, *members[:half]], UNITS[1]: list(members[half:])},
        "protected": list(UNITS),
        "faults": {} if well else faults(members),
        "reason": "ResourceLogicalId:Audit, ResourceStatusReason: exceeds the quota of roles",
        **_documents(settings),
    }


def _documents(settings: Settings) -> dict[str, Any]:
    catalogue, organization = load_catalogue(), settings.organization
    assert organization is not None
    rendered = infra.templates(catalogue, settings, organization)
    tagger = settings.hub.tagger_role
    audit_trust = service_policies.audit_trust(organization)
    roles = {
        tagger: (
            policies.tagger_trust(organization),
            "ownertag-tagger",
            tagger_policies.tagger_permissions(catalogue, settings),
        ),
        FORWARDER_ROLE: (policies.forwarder_trust(), FORWARDER_ROLE, policies.forwarder_permissions(organization)),
        AUDIT_ROLE: (audit_trust, AUDIT_ROLE, service_policies.audit_permissions(tagger)),
        CANARY_ROLE: (audit_trust, CANARY_ROLE, service_policies.canary_permissions()),
        REDRIVE_ROLE: (audit_trust, REDRIVE_ROLE, service_policies.redrive_permissions()),
    }
    managed = {
        tagger: tagger_policies.tagger_policies(catalogue, settings),
        AUDIT_ROLE: audit_policies(catalogue, shipped_lists()),
    }
    queue = {"policy": _here(service_policies.queue_policy()), "visibility": infra.VISIBILITY_TIMEOUT}
    letters = f"arn:aws:sqs:{HOME}:{HUB}:{DEAD_LETTERS}"
    redrive = {"deadLetterTargetArn": letters, "maxReceiveCount": infra.MAX_RECEIVE_COUNT}
    templates = {
        "ownertag-hub": rendered["hub/template.yaml"],
        ROLES_STACK: rendered["spoke_account/template.yaml"],
        REGION_STACK: rendered["spoke_region/template.yaml"],
    }
    return {
        "roles": {
            name: {
                "trust": _here(trust),
                "policy": policy,
                "permissions": _here(permissions),
                "managed": {inner: _here(document) for inner, document in managed.get(name, {}).items()},
            }
            for name, (trust, policy, permissions) in roles.items()
        },
        "rules": {name: _here(pattern) for name, pattern in spoke_rules(catalogue, settings).items()},
        "target": {
            "Id": "hub",
            "Arn": f"arn:aws:events:{HOME}:{HUB}:event-bus/ownertag",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{FORWARDER_ROLE}",
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{UNDELIVERED}"},
        },
        "hub_rule": {
            "name": HUB_RULE,
            "pattern": hub_pattern(),
            "target": {
                "Id": "queue",
                "Arn": f"arn:aws:sqs:{HOME}:{HUB}:ownertag",
                "DeadLetterConfig": {"Arn": letters},
            },
        },
        "bus_policy": {"Version": "2012-10-17", "Statement": [_here(policies.bus_policy(organization))]},
        "queues": {
            "ownertag": {**queue, "redrive": redrive},
            DEAD_LETTERS: queue,
            UNDELIVERED: {"policy": _here(service_policies.undelivered_policy()), "visibility": 30},
        },
        "function": {
            "FunctionName": "ownertag",
            "State": "Active",
            "Architectures": [infra.FUNCTION_ARCHITECTURE],
            "Timeout": infra.FUNCTION_TIMEOUT,
            "CodeSha256": base64.b64encode(bytes.fromhex(SHA256)).decode(),
        },
        "mapping": {
            "UUID": "11111111-2222-3333-4444-555555555555",
            "EventSourceArn": f"arn:aws:sqs:{HOME}:{HUB}:ownertag",
            "State": "Enabled",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
        "alarms": list(infra.ALARMS.values()),
        "parameters": {
            "PackageBucket": "packages",
            "PackageKey": f"ownertag-{version('ownertag')}-{infra.FUNCTION_ARCHITECTURE}-{SHA256}.zip",
        },
        "templates": templates,
        "resources": {
            name: re.findall(r"^  (\w+):[^\n]*\n    Type: AWS::", text, re.MULTILINE)
            for name, text in templates.items()
        },
        "scps": {policy_name(number): scp for number, scp in enumerate(infra.scps(rendered), 1)},
    }


def _here(document: Any) -> Any:
    """A document for any account and Region, which the answers put in."""
    values: Mapping[str, str] = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
    return filled(document, values)
