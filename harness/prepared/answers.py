"""Prepared answers of AWS to whoever reads a deployment, in the form of each service; nothing is kept or changed.

Plays AWS by its service models: the shapes of the answers, the error codes, and pages of 100. Who calls is read from
the access key that AssumeRole gave: it holds the account's id.
"""

# ruff: noqa: ARG002 - all answer to one signature
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

#: In documents, for the account and the Region that they stand in.
ACCOUNT, REGION = "000000000000", "xx-region-0"
PAGE = 100

_SIGNED = re.compile(r"Credential=ASIA([0-9]{12})[A-Z0-9]{4}/[0-9]+/([a-z0-9-]+)/([a-z0-9-]+)/")


@dataclass(frozen=True)
class Answer:
    """Status, type and body of an answer, and the API that was called."""

    api: str
    status: int
    type: str
    body: bytes


class Refused(Exception):
    """AWS's error: its code and status."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def access_key(account: str) -> str:
    """The access key of somebody in this account."""
    return f"ASIA{account}PREP"


class PreparedAnswers:
    """Answers calls about one deployment.

    Args:
        deployment: What `documents.py` writes: names, documents, and faults.
    """

    def __init__(self, deployment: Mapping[str, Any]) -> None:
        self._all = deployment
        self._faults: dict[str, set[tuple[str, ...]]] = {
            name: {tuple(place) for place in places} for name, places in deployment["faults"].items()
        }
        self._now = datetime.now(UTC)

    def answer(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request."""
        signed = _SIGNED.search(headers.get("authorization", ""))
        if not signed:
            return Answer("unsigned", 403, "text/plain", b"who calls?")
        account, region, service = signed[1], signed[2], signed[3]
        protocol, operation, given = self._read(service, target, headers, body)
        api = f"{service}:{operation}"
        found: Callable[..., Any] | None = getattr(self, f"_{service}_{operation.lower()}", None)
        try:
            told = found(account, region, given) if found else None
        except Refused as refused:
            return Answer(api, refused.status, *_error(protocol, refused.code))
        if told is None:
            return Answer(api, 400, *_error(protocol, "UnknownOperationException"))
        return Answer(api, 200, *_written(protocol, operation, told))

    @staticmethod
    def _read(service: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str, dict[str, Any]]:
        """(protocol, operation, parameters) of a request."""
        if named := headers.get("x-amz-target"):
            return "json", named.rpartition(".")[2], json.loads(body or b"{}")
        if service == "lambda":
            name = "GetFunctionConfiguration" if "/configuration" in target else "ListEventSourceMappings"
            return "json", name, {"path": unquote(target)}
        given = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return ("ec2" if service == "ec2" else "query"), given["Action"], given

    def _has(self, fault: str, *place: str) -> bool:
        return place in self._faults.get(fault, ())

    def _there(self, document: Any, account: str, region: str = "") -> Any:
        text = json.dumps(document).replace(ACCOUNT, account).replace(REGION, region)
        return json.loads(text)

    # --- STS, EC2, IAM

    def _sts_getcalleridentity(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Account": account, "Arn": f"arn:aws:sts::{account}:assumed-role/somebody/here", "UserId": "A:here"}

    def _sts_assumerole(self, account: str, region: str, given: dict[str, Any]) -> Any:
        other = given["RoleArn"].split(":")[4]
        if self._has("refused", other):
            raise Refused("AccessDenied", 403)
        until = f"{self._now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        keys = {"AccessKeyId": access_key(other), "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until}
        return {"Credentials": keys, "AssumedRoleUser": {"Arn": given["RoleArn"], "AssumedRoleId": "A:x"}}

    def _ec2_describeregions(self, account: str, region: str, given: dict[str, Any]) -> Any:
        items = [
            {"regionName": name, "optInStatus": "not-opted-in" if self._has("off", account, name) else "opted-in"}
            for name in self._all["regions"]
        ]
        return {"regionInfo": items}

    def _iam_getrole(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["RoleName"]
        role = self._all["roles"].get(name)
        if role is None:
            raise Refused("NoSuchEntity", 404)
        document = json.dumps(self._there(role["trust"], account))
        made = {"Path": "/", "RoleName": name, "RoleId": "AROA", "Arn": f"arn:aws:iam::{account}:role/{name}"}
        return {"Role": {**made, "CreateDate": "2026-01-01T00:00:00Z", "AssumeRolePolicyDocument": document}}

    def _iam_listrolepolicies(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"PolicyNames": [self._all["roles"][given["RoleName"]]["policy"]], "IsTruncated": "false"}

    def _iam_listattachedrolepolicies(self, account: str, region: str, given: dict[str, Any]) -> Any:
        attached = [
            {"PolicyName": name, "PolicyArn": f"arn:aws:iam::{account}:policy/{name}"}
            for name in self._all["roles"][given["RoleName"]]["managed"]
        ]
        return {"AttachedPolicies": attached, "IsTruncated": "false"}

    def _iam_getpolicy(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Policy": {"Arn": given["PolicyArn"], "DefaultVersionId": "v1"}}

    def _iam_getpolicyversion(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["PolicyArn"].rpartition("/")[2]
        [document] = [role["managed"][name] for role in self._all["roles"].values() if name in role["managed"]]
        return {"PolicyVersion": {"Document": json.dumps(self._there(document, account)), "VersionId": "v1"}}

    def _iam_getrolepolicy(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["RoleName"]
        document = self._there(self._all["roles"][name]["permissions"], account)
        if self._has("permissions", account, name):
            document["Statement"] = document["Statement"][:-1]
        return {"RoleName": name, "PolicyName": given["PolicyName"], "PolicyDocument": json.dumps(document)}

    # --- EventBridge, CloudTrail, CloudWatch, SQS

    def _events_describeeventbus(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given.get("Name", "default")
        told = {"Name": name, "Arn": f"arn:aws:events:{region}:{account}:event-bus/{name}"}
        if name != "default":
            return {**told, "Policy": json.dumps(self._there(self._all["bus_policy"], account, region))}
        key = f"arn:aws:kms:{region}:{account}:key/0f1e2d3c"
        return {**told, **({"KmsKeyIdentifier": key} if self._has("key", account, region) else {})}

    def _events_describerule(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["Name"]
        if self._has("rule-missing", account, region, name):
            raise Refused("ResourceNotFoundException")
        pattern = self._all["rules"].get(name) or self._all["hub_rule"]["pattern"]
        state = "DISABLED" if self._has("rule-off", account, region, name) else "ENABLED"
        return {"Name": name, "State": state, "EventPattern": json.dumps(self._there(pattern, account, region))}

    def _events_listtargetsbyrule(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["Rule"]
        if name == "hub-ownertag-reconcile":
            return {"Targets": [{"Id": "1", "Arn": f"arn:aws:lambda:{region}:{account}:function:ownertag-reconcile"}]}
        target = self._all["hub_rule"]["target"] if name not in self._all["rules"] else self._all["target"]
        targets = [self._there(target, account, region)]
        if self._has("spy", account, region, name):
            targets.append({"Id": "spy", "Arn": f"arn:aws:lambda:{region}:{account}:function:spy"})
        return {"Targets": targets}

    def _cloudtrail_describetrails(self, account: str, region: str, given: dict[str, Any]) -> Any:
        home = self._all["home"]
        own = self._has("stopped", account)
        arn = f"arn:aws:cloudtrail:{home}:{account if own else self._all['management']}:trail/{'own' if own else 'all'}"
        trail = {"Name": arn.rpartition("/")[2], "TrailARN": arn, "HomeRegion": home, "IsMultiRegionTrail": True}
        return {"trailList": [{**trail, "HasCustomEventSelectors": False, "IsOrganizationTrail": not own}]}

    def _cloudtrail_gettrailstatus(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"IsLogging": not self._has("stopped", account)}

    def _monitoring_getmetricdata(self, account: str, region: str, given: dict[str, Any]) -> Any:
        if given["MetricDataQueries"][0]["MetricStat"]["Metric"]["Namespace"] == "AWS/SQS":
            return {"MetricDataResults": [{"Id": "m0", "Timestamps": [], "Values": []}]}
        hour = (self._now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)).timestamp()
        results = []
        for number in range(len(self._all["rules"])):
            failed = [3.0] if self._has("failed", account, region) and number == 0 else []
            results += [
                {"Id": f"m{2 * number}", "Timestamps": [hour], "Values": [7.0]},
                {"Id": f"m{2 * number + 1}", "Timestamps": [hour] * len(failed), "Values": failed},
            ]
        return {"MetricDataResults": results}

    def _monitoring_describealarms(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "OK"} for name in self._all["alarms"]]}

    def _sqs_getqueueurl(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{given['QueueName']}"}

    def _sqs_getqueueattributes(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["QueueUrl"].rpartition("/")[2]
        queue = self._all["queues"][name]
        held = next((int(n) for a, r, q, n in self._faults.get("held", ()) if (a, r, q) == (account, region, name)), 0)
        policy = json.dumps(self._there(queue["policy"], account, region))
        redrive = {"RedrivePolicy": json.dumps(queue["redrive"])} if queue.get("redrive") else {}
        counts = {"ApproximateNumberOfMessages": str(held), "ApproximateNumberOfMessagesNotVisible": "0"}
        return {"Attributes": {**counts, "VisibilityTimeout": str(queue["visibility"]), "Policy": policy, **redrive}}

    # --- the hub

    def _lambda_getfunctionconfiguration(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return self._all["function"]

    def _lambda_listeventsourcemappings(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"EventSourceMappings": [self._all["mapping"]]}

    def _dynamodb_query(self, account: str, region: str, given: dict[str, Any]) -> Any:
        """Nothing is observed."""
        return {"Items": [], "Count": 0, "ScannedCount": 0}

    def _sns_listsubscriptionsbytopic(self, account: str, region: str, given: dict[str, Any]) -> Any:
        topic = given["TopicArn"]
        told = {
            "SubscriptionArn": f"{topic}:1",
            "Owner": account,
            "Protocol": "email",
            "Endpoint": "x",
            "TopicArn": topic,
        }
        return {"Subscriptions": [told]}

    # --- CloudFormation

    def _cloudformation_describestacks(self, account: str, region: str, given: dict[str, Any]) -> Any:
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self._all["parameters"].items()]
        told = {"StackName": "x", "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": "CREATE_COMPLETE"}
        return {"Stacks": [{**told, "Parameters": parameters}]}

    def _cloudformation_gettemplate(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"TemplateBody": self._all["templates"][_kind(given["StackName"])]}

    def _cloudformation_describestackresources(self, account: str, region: str, given: dict[str, Any]) -> Any:
        names = self._all["resources"][_kind(given["StackName"])]
        told = {"PhysicalResourceId": "x", "ResourceType": "x", "ResourceStatus": "CREATE_COMPLETE"}
        time = {"Timestamp": "2026-01-01T00:00:00Z"}
        return {"StackResources": [{"LogicalResourceId": name, **told, **time} for name in names]}

    def _cloudformation_describestackset(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["StackSetName"]
        told = {"StackSetName": name, "Status": "ACTIVE", "TemplateBody": self._all["templates"][name]}
        drift = {"StackSetDriftDetectionDetails": {"DriftStatus": "IN_SYNC"}}
        return {"StackSet": {**told, "AutoDeployment": {"Enabled": "true"}, **drift}}

    def _cloudformation_liststackinstances(self, account: str, region: str, given: dict[str, Any]) -> Any:
        name = given["StackSetName"]
        regions = [self._all["home"]] if name.endswith("account") else self._all["regions"]
        members = [member for member in self._all["accounts"] if member != self._all["management"]]
        places = [(member, place) for member in members for place in regions]
        start = int(given.get("NextToken") or 0)
        summaries = [self._instance(name, *place) for place in places[start : start + PAGE]]
        more = {"NextToken": str(start + PAGE)} if start + PAGE < len(places) else {}
        return {"Summaries": summaries, **more}

    def _instance(self, name: str, account: str, region: str) -> dict[str, str]:
        stack = f"arn:aws:cloudformation:{region}:{account}:stack/StackSet-{name}-1/2"
        told = {"StackSetId": name, "Region": region, "Account": account, "StackId": stack, "DriftStatus": "IN_SYNC"}
        old = self._has("outdated", account, region) and not name.endswith("account")
        reason = {"StatusReason": self._all["reason"]} if old else {}
        status = {"Status": "OUTDATED" if old else "CURRENT", "OrganizationalUnitId": self._unit(account)}
        return {**told, **status, **reason}

    # --- Organizations

    def _unit(self, account: str) -> str:
        return str(next(unit for unit, held in self._all["units"].items() if account in held))

    def _organizations_listroots(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Roots": [{"Id": self._all["root"], "PolicyTypes": []}]}

    def _organizations_listaccountsforparent(self, account: str, region: str, given: dict[str, Any]) -> Any:
        held = self._all["units"].get(given["ParentId"], [])
        start = int(given.get("NextToken") or 0)
        told = [{"Id": one, "Status": "ACTIVE", "State": "ACTIVE"} for one in held[start : start + 20]]
        return {"Accounts": told, **({"NextToken": str(start + 20)} if start + 20 < len(held) else {})}

    def _organizations_listorganizationalunitsforparent(self, account: str, region: str, given: dict[str, Any]) -> Any:
        units = self._all["units"] if given["ParentId"] == self._all["root"] else {}
        return {"OrganizationalUnits": [{"Id": unit, "Name": unit} for unit in units]}

    def _organizations_listpolicies(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Policies": [{"Id": f"p-{name}", "Name": name, "AwsManaged": False} for name in self._all["scps"]]}

    def _organizations_describepolicy(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Policy": {"Content": json.dumps(self._all["scps"][given["PolicyId"].removeprefix("p-")])}}

    def _organizations_listtargetsforpolicy(self, account: str, region: str, given: dict[str, Any]) -> Any:
        return {"Targets": [{"TargetId": unit} for unit in self._all["protected"]]}


def _kind(stack: str) -> str:
    return next((name for name in ("ownertag-spoke-account", "ownertag-spoke-region") if name in stack), "ownertag-hub")


# --- the forms of the services


def _error(protocol: str, code: str) -> tuple[str, bytes]:
    match protocol:
        case "json":
            return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": "prepared"}).encode()
        case "ec2":
            inner = f"<Errors><Error><Code>{code}</Code><Message>prepared</Message></Error></Errors>"
            return "text/xml", f"<Response>{inner}<RequestID>0</RequestID></Response>".encode()
    inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>prepared</Message></Error>"
    return "text/xml", f"<ErrorResponse>{inner}</ErrorResponse>".encode()


def _written(protocol: str, operation: str, told: Any) -> tuple[str, bytes]:
    match protocol:
        case "json":
            return "application/x-amz-json-1.1", json.dumps(told).encode()
        case "ec2":
            return "text/xml", f"<{operation}Response>{_xml(told, 'item')}</{operation}Response>".encode()
    inner = f"<{operation}Result>{_xml(told, 'member')}</{operation}Result>"
    return "text/xml", f"<{operation}Response>{inner}</{operation}Response>".encode()


def _xml(node: Any, item: str) -> str:
    if isinstance(node, Mapping):
        return "".join(f"<{name}>{_xml(value, item)}</{name}>" for name, value in node.items())
    if isinstance(node, list):
        return "".join(f"<{item}>{_xml(value, item)}</{item}>" for value in node)
    return escape(str(node))
