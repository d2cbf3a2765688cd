"""Renders the CloudFormation templates: written by hand, with generated policies and patterns inserted.

The sources in `render/templates/` hold marks such as `@bus_policy@`, which no YAML parser takes: nothing half-rendered
can be deployed. JSON is inserted, which is YAML; pseudo parameters become `Fn::Sub`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ownertag.catalogue import tag_actions
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import OrganizationSettings, Settings, SettingsError
from ownertag.render import policies, service_policies
from ownertag.render.documents import PolicyDocument
from ownertag.render.patterns import hub_pattern, spoke_rules
from ownertag.render.scp import service_control_policies

_MARK = re.compile(r"^(?P<lead>.*?)@(?P<name>[a-z_]+)@", re.MULTILINE)
_LINK = re.compile(r"https://(?!([\w.-]+\.)?example\.(com|net|org)\b)[\w.-]+(/\S*)?")

# A parameter of CloudFormation in a text; IAM's own variables begin with a small letter.
_NAME = re.compile(r"\$\{[A-Z]")
# A capital within a logical name: its mark has an underscore before it.
_CAPITAL = re.compile(r"(?<!^)([A-Z])")
_LOGICAL = re.compile(r"[^A-Za-z0-9]")
_SENDS = {"creations": "what creates taggable resources", "tampering": "who else touches the owner tags"}

#: Values of the hub's template, which says why each is so; `ownertag doctor` expects the same.
FUNCTION_ARCHITECTURE = "arm64"
FUNCTION_TIMEOUT = 180
VISIBILITY_TIMEOUT = 1090
MAX_RECEIVE_COUNT = 16
OLDEST_MESSAGE_SECONDS = 900
#: The alarms: what the hub's template calls each, and its name.
ALARMS: Mapping[str, str] = {
    "DeadLettersAlarm": "ownertag-dead-letters",
    "AgeAlarm": "ownertag-oldest-message",
    "ErrorsAlarm": "ownertag-errors",
    "UnexpectedAlarm": "ownertag-unexpected",
    "NotFoundAlarm": "ownertag-not-found",
    "SilenceAlarm": "ownertag-silence",
}


def check_deployable(settings: Settings, where: str) -> OrganizationSettings:
    """Checks that settings can be deployed. Returns their organization.

    Raises:
        SettingsError: The organization is missing, or no tag links to a page that says what the tags are.
    """
    if settings.organization is None:
        raise SettingsError(f"{where}: [organization] is missing: there is nowhere to deploy to")
    if not any(_LINK.fullmatch(template) for template in settings.tags.values()):
        advice = 'write WhatIsThis = "https://..." with a page of yours; `ownertag render tag-page` prints one'
        raise SettingsError(f"{where}: [tags]: no tag links to a page that says what the tags are: {advice}")
    return settings.organization


def templates(catalogue: Catalogue, settings: Settings, organization: OrganizationSettings) -> dict[str, str]:
    """Renders every file of `infra/`, by its path there.

    Raises:
        TooLong: A policy, or the session policy of the function, is longer than AWS takes.
    """
    policies.session_policy(catalogue, settings)
    parts: dict[str, Any] = {
        "alarm_key_policy": service_policies.alarm_key_policy(),
        "alarm_topic_policy": service_policies.alarm_topic_policy(),
        "audit_permissions": service_policies.audit_permissions(settings.hub.tagger_role),
        "audit_trust": service_policies.audit_trust(organization),
        "bus_policy": policies.bus_policy(organization),
        "canary_permissions": service_policies.canary_permissions(),
        "function_architecture": FUNCTION_ARCHITECTURE,
        "function_timeout": FUNCTION_TIMEOUT,
        "forwarder_permissions": policies.forwarder_permissions(organization),
        "forwarder_trust": policies.forwarder_trust(),
        "hub_pattern": hub_pattern(),
        "hub_permissions": policies.hub_permissions(settings, organization),
        "lambda_trust": service_policies.lambda_trust(),
        "max_receive_count": MAX_RECEIVE_COUNT,
        "oldest_message_seconds": OLDEST_MESSAGE_SECONDS,
        "queue_policy": service_policies.queue_policy(),
        "rules": _rules(catalogue, settings, organization),
        "tagger_permissions": policies.tagger_permissions(catalogue, settings),
        "tagger_role": settings.hub.tagger_role,
        "tagger_trust": policies.tagger_trust(organization),
        "undelivered_policy": service_policies.undelivered_policy(),
        "visibility_timeout": VISIBILITY_TIMEOUT,
        **{_CAPITAL.sub(r"_\1", logical).lower(): name for logical, name in ALARMS.items()},
    }
    found = {f"{name}/template.yaml": _filled(name, parts) for name in ("hub", "spoke_account", "spoke_region")}
    for number, scp in enumerate(service_control_policies(catalogue, tag_actions.load_tag_actions(), settings), 1):
        found[scp_file(number)] = json.dumps(scp, indent=2) + "\n"
    return found


def scp_file(number: int) -> str:
    """The path of the service control policy with this number, from 1."""
    return f"management/service_control_policy{'' if number == 1 else f'-{number}'}.json"


def scps(found: Mapping[str, str]) -> tuple[PolicyDocument, ...]:
    """The service control policies among the files of `infra/`, in their order."""
    numbers = itertools.takewhile(lambda number: scp_file(number) in found, itertools.count(1))
    return tuple(json.loads(found[scp_file(number)]) for number in numbers)


def logical_name(rule: str) -> str:
    """The logical name of a rule in its template."""
    return _LOGICAL.sub("", rule.removeprefix(policies.RULE_PREFIX).title())


def _filled(name: str, parts: dict[str, Any]) -> str:
    source = files("ownertag.render").joinpath("templates", f"{name}.yaml").read_text("utf-8")
    head = "# Generated by `ownertag render infra`: change the settings or the catalogue, not this file.\n"
    return head + _MARK.sub(lambda mark: _put(mark["lead"], parts[mark["name"]]), source)


def _put(lead: str, part: Any) -> str:
    """A part behind the text before its mark, with its further lines indented to match."""
    if isinstance(part, str):
        return lead + part
    indent = " " * (len(lead) - len(lead.lstrip()))
    return lead + json.dumps(_with_names(part), indent=2).replace("\n", f"\n{indent}")


def _with_names(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _with_names(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_names(item) for item in node]
    return {"Fn::Sub": node} if isinstance(node, str) and _NAME.search(node) else node


def _rules(catalogue: Catalogue, settings: Settings, organization: OrganizationSettings) -> str:
    """The rules of a Region, one for each pattern."""
    blocks = []
    for name, pattern in spoke_rules(catalogue, settings).items():
        lines = [
            f"  {logical_name(name)}:",
            "    Type: AWS::Events::Rule",
            "    Properties:",
            f"      Name: {name}",
            f"      Description: Sends {_SENDS[name.split('-')[1]]} to ownertag's hub.",
            "      State: ENABLED",
            f"      EventPattern: {_put('      ', pattern).lstrip()}",
            "      Targets:",
            "        - Id: hub",
            f"          Arn: {_put('          ', policies.bus_arn(organization)).lstrip()}",
            f"          RoleArn: !Sub arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{policies.FORWARDER_ROLE}",
            "          DeadLetterConfig:",
            "            Arn: !GetAtt DeadLetters.Arn",
        ]
        blocks.append("\n".join(lines).replace("          Arn: arn:$", "          Arn: !Sub arn:$"))
    return "\n\n".join(blocks) + "\n"
