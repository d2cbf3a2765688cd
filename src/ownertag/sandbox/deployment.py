"""ownertag deployed into the sandbox's organization, by the calls that a deployment makes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ownertag.catalogue.loader import load
from ownertag.core.settings import read_settings
from ownertag.render.documents import compact
from ownertag.render.infra import check_deployable, templates
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, REGIONS

if TYPE_CHECKING:
    from ownertag.sandbox.sandbox import Sandbox


def deploy(sandbox: Sandbox, settings_text: str) -> None:
    """Deploy what `infra/` is rendered to: the hub, the stack sets, the management account's stacks, and the SCP.

    The package holds the settings alone: the sandbox runs its own code.
    """
    settings = read_settings(settings_text, "ownertag.toml")
    infra = templates(load(), settings, check_deployable(settings, "ownertag.toml"))
    named = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    with ExitStack() as stack:

        def client(service: str, account: str, region: str = HOME_REGION) -> Any:
            made = sandbox.client(sandbox.account_session(account, region), service)
            stack.callback(made.close)
            return made

        organizations = client("organizations", MANAGEMENT)
        read = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
            "Action": ["organizations:ListAccounts"],
            "Resource": "*",
        }
        organizations.put_resource_policy(Content=compact({"Version": "2012-10-17", "Statement": [read]}))

        package = _package(settings_text)
        where = {"Bucket": f"ownertag-{HUB}", "Key": f"ownertag-{hashlib.sha256(package).hexdigest()[:16]}.zip"}
        s3 = client("s3", HUB)
        s3.create_bucket(Bucket=where["Bucket"], CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
        s3.put_object(**where, Body=package)
        parameters = [
            {"ParameterKey": "PackageBucket", "ParameterValue": where["Bucket"]},
            {"ParameterKey": "PackageKey", "ParameterValue": where["Key"]},
        ]
        client("cloudformation", HUB).create_stack(
            StackName="ownertag-hub", TemplateBody=infra["hub/template.yaml"], Parameters=parameters, **named
        )

        cloudformation = client("cloudformation", MANAGEMENT)
        cloudformation.activate_organizations_access()
        for name, folder, regions in (
            ("ownertag-spoke-account", "spoke_account", [HOME_REGION]),
            ("ownertag-spoke-region", "spoke_region", list(REGIONS)),
        ):
            template = infra[f"{folder}/template.yaml"]
            cloudformation.create_stack_set(
                StackSetName=name,
                TemplateBody=template,
                PermissionModel="SERVICE_MANAGED",
                AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
                **named,
            )
            unit = {"OrganizationalUnitIds": [sandbox.organization.unit]}
            cloudformation.create_stack_instances(StackSetName=name, DeploymentTargets=unit, Regions=regions)
            for region in regions:
                own = client("cloudformation", MANAGEMENT, region)
                own.create_stack(StackName=name, TemplateBody=template, **named)

        root = organizations.list_roots()["Roots"][0]["Id"]
        organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
        scp = organizations.create_policy(
            Name="ownertag",
            Description="Keeps the owner tags, and what writes them, from being removed or forged.",
            Type="SERVICE_CONTROL_POLICY",
            Content=compact(json.loads(infra["management/service_control_policy.json"])),
        )
        organizations.attach_policy(PolicyId=scp["Policy"]["PolicySummary"]["Id"], TargetId=sandbox.organization.unit)


def _package(settings_text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("ownertag.toml"), settings_text)
    return content.getvalue()
