"""Principals without an access key, by their token: AssumeRoleWithWebIdentity and AssumeRoleWithSAML.

Signatures are not checked, as none are in the sandbox. The shapes are CloudTrail's (doc: "CloudTrail userIdentity
element").
"""

from __future__ import annotations

import base64
import json
from typing import Any
from xml.etree import ElementTree as ET

from ownertag.sandbox.calls import Call
from ownertag.sandbox.identities import SandboxActor

#: The operations of STS that are not signed.
UNSIGNED = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}

_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"


def visitor(call: Call) -> SandboxActor | None:
    """The principal that a token speaks of, who acts in the account of the role; None if the token can't be read."""
    parts = call.params.get("RoleArn", "").split(":")
    if len(parts) != 6:
        return None
    try:
        if call.operation == "AssumeRoleWithSAML":
            identity = _saml_user(call.params)
        else:
            identity = _web_identity_user(call.params, f"arn:{parts[1]}:iam::{parts[4]}:oidc-provider/")
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ET.ParseError):
        return None
    return SandboxActor(identity, parts[4])


def _web_identity_user(params: dict[str, str], providers: str) -> dict[str, Any]:
    payload = params["WebIdentityToken"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    provider = providers + claims["iss"].removeprefix("https://")
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    return {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:{audience}:{claims['sub']}",
        "userName": claims["sub"],
        "identityProvider": provider,
    }


def _saml_user(params: dict[str, str]) -> dict[str, Any]:
    root = ET.fromstring(base64.b64decode(params["SAMLAssertion"]))  # noqa: S314 - the caller's own; nothing is fetched
    subject = (root.findtext(f".//{_ASSERTION}Subject/{_ASSERTION}NameID") or "").strip()
    if not subject:
        raise ValueError("the assertion names nobody")
    return {
        "type": "SAMLUser",
        "principalId": f"{params['PrincipalArn']}:{subject}",
        "userName": subject,
        "identityProvider": params["PrincipalArn"],
    }
