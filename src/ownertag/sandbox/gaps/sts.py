"""STS: only roles that exist and trust the caller, the caller's identity, and an access key for each session."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from ownertag.sandbox.calls import Call, Next, Response, refuse
from ownertag.sandbox.identities import SandboxActor, new_key
from ownertag.sandbox.trust import allows, principal


def assume_role(
    call: Call, actor: SandboxActor, next_: Next, trust: Callable[[str], dict[str, Any] | None], organization_id: str
) -> Response:
    """AssumeRole of a role that exists and trusts the caller; moto assumes any."""
    arn = call.params.get("RoleArn", "")
    caller = principal(actor, organization_id, **{"sts:externalid": call.params.get("ExternalId", "")})
    source = call.params.get("SourceIdentity")
    # A source identity stays through a chain and can't be changed in it (doc: "Monitor and control actions taken").
    changed = source and actor.source_identity and source != actor.source_identity
    if changed or not allows(trust(arn), caller, f"sts:{call.operation}"):
        if not actor.arn:
            return refuse(call, "AccessDenied", f"Not authorized to perform sts:{call.operation}")
        message = f"User: {actor.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        return refuse(call, "AccessDenied", message)
    return next_(call)


def caller_identity(actor: SandboxActor) -> Response:
    """GetCallerIdentity; moto knows only the access keys that it made itself."""
    root = ET.Element("GetCallerIdentityResponse", xmlns="https://sts.amazonaws.com/doc/2011-06-15/")
    result = ET.SubElement(root, "GetCallerIdentityResult")
    ET.SubElement(result, "Arn").text = actor.arn
    ET.SubElement(result, "UserId").text = str(actor.identity["principalId"])
    ET.SubElement(result, "Account").text = actor.account
    return Response(200, [("Content-Type", "text/xml")], ET.tostring(root))


def own_key(call: Call, next_: Next) -> Response:
    """Credentials with an access key of their own; moto gives every federated user the same one."""
    answer = next_(call)
    key = new_key("ASIA").encode()
    body = re.sub(rb"(<AccessKeyId>)[^<]*(</AccessKeyId>)", rb"\g<1>" + key + rb"\g<2>", answer.body)
    return Response(answer.status, answer.headers, body)
