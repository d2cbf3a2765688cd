"""Identity Center: the organization's instance, in one Region; moto has one of its own in each account and Region.

Sources: IAM Identity Center API reference and botocore's model, ListInstances and InstanceMetadata: an instance has a
primary Region, and is listed there alone unless `RegionScope` is `ALL_REGIONS`. User guide, "Organization and account
instances": the organization's is the management account's, which may delegate it. Whether other members see it is not
said: here they do not.
"""

from __future__ import annotations

from typing import Any

from moto.organizations.models import organizations_backends

from ownertag.sandbox.calls import Call, Response, answer_json, refuse
from ownertag.sandbox.gaps.organizations import IDENTITY_CENTER

STORE = "d-9967750fbd"
_INSTANCE = "ssoins-69870fbd9967750f"
_SCOPES = frozenset({"CURRENT_REGION", "ALL_REGIONS"})


def list_instances(call: Call, account: str, management: str, region: str) -> Response:
    """ListInstances, for whom the instance is.

    Args:
        call: The call.
        account: The caller's.
        management: The management account.
        region: Where the instance is.
    """
    scope = str(call.json().get("RegionScope") or "CURRENT_REGION")
    if scope not in _SCOPES:
        return refuse(call, "ValidationException", f"RegionScope {scope} is not one of {sorted(_SCOPES)}", 400)
    seen = account == management or _administers(management, account)
    here = scope == "ALL_REGIONS" or call.region == region
    return answer_json({"Instances": [_instance(management, region)] if seen and here else []})


def _instance(management: str, region: str) -> dict[str, Any]:
    return {
        "InstanceArn": f"arn:aws:sso:::instance/{_INSTANCE}",
        "IdentityStoreId": STORE,
        "IdentityStoreArn": f"arn:aws:identitystore::{management}:identitystore/{STORE}",
        "OwnerAccountId": management,
        "Name": "",
        "Status": "ACTIVE",
        "PrimaryRegion": region,
    }


def _administers(management: str, account: str) -> bool:
    backend: Any = organizations_backends[management]["aws"]
    return any(admin.account.id == account and IDENTITY_CENTER in admin.services for admin in backend.admins)
