"""Tells events that create something and have no catalogue row: they are reported as not covered yet.

By the verb of the operation, as in botocore's models of all services: of 1,500 operations whose input takes tags for
something new, all but a few dozen begin with one of these. The exceptions are listed. This only words a refusal:
nothing is tagged without a row.
"""

from __future__ import annotations

import re

#: `Put` and `Start` are left out: most calls of theirs change or run something that is there.
_CREATES = re.compile(
    r"(?:Create|Restore|Copy|Import|Register|Run|Request|Allocate|Purchase|Provision|Reserve|Clone)[A-Z]"
)
#: Upserts and others that make taggable resources (each in botocore's models or in AWS's documentation of tagging).
_MORE = frozenset(
    {
        ("ec2.amazonaws.com", "StartDeclarativePoliciesReport"),
        ("events.amazonaws.com", "PutRule"),
        ("monitoring.amazonaws.com", "PutDashboard"),
        ("monitoring.amazonaws.com", "PutMetricAlarm"),
        ("ssm.amazonaws.com", "PutParameter"),
        ("storagegateway.amazonaws.com", "ActivateGateway"),
        ("kms.amazonaws.com", "ReplicateKey"),
        ("ds.amazonaws.com", "ConnectDirectory"),
        ("iam.amazonaws.com", "UploadServerCertificate"),
        ("organizations.amazonaws.com", "InviteAccountToOrganization"),
        # Other services have operations of these names whose input takes no tags.
        ("appmesh.amazonaws.com", "CreateRoute"),
        ("bedrock.amazonaws.com", "CreateSession"),
        ("elasticbeanstalk.amazonaws.com", "CreateApplicationVersion"),
        ("gamelift.amazonaws.com", "CreateAlias"),
        ("glue.amazonaws.com", "CreateSession"),
        ("greengrass.amazonaws.com", "CreateDeployment"),
        ("launchwizard.amazonaws.com", "CreateDeployment"),
        ("license-manager.amazonaws.com", "CreateGrant"),
        ("network-security-manager.amazonaws.com", "CreateDeployment"),
        ("refactor-spaces.amazonaws.com", "CreateRoute"),
        ("wisdom.amazonaws.com", "CreateSession"),
    }
)
#: They are called as what makes parts is, and take tags (botocore's models: in every service that has one of the name).
_TAKE_TAGS = frozenset(
    [
        "CreateAccountAssociation",
        "CreateAdapterVersion",
        "CreateAnnotationStoreVersion",
        "CreateAppAuthorization",
        "CreateAssistantAssociation",
        "CreateAssociation",
        "CreateAutomatedReasoningPolicyVersion",
        "CreateBlueGreenDeployment",
        "CreateComponentVersion",
        "CreateConfiguredAudienceModelAssociation",
        "CreateConfiguredModelAlgorithmAssociation",
        "CreateConfiguredTableAssociation",
        "CreateContainerAssociation",
        "CreateContentAssociation",
        "CreateCustomDBEngineVersion",
        "CreateCustomDetectionRuleAssociation",
        "CreateCustomModelDeployment",
        "CreateDataRepositoryAssociation",
        "CreateDetectorVersion",
        "CreateDomainNameAccessAssociation",
        "CreateEnvironmentTemplateVersion",
        "CreateExtensionAssociation",
        "CreateGatewayRoute",
        "CreateIdNamespaceAssociation",
        "CreateIntegrationAssociation",
        "CreateIpamInternetRegistryAssociation",
        "CreateLocalGatewayRouteTableVirtualInterfaceGroupAssociation",
        "CreateLocalGatewayRouteTableVpcAssociation",
        "CreateModelVersion",
        "CreatePackageVersion",
        "CreatePlatformVersion",
        "CreatePodIdentityAssociation",
        "CreateProjectVersion",
        "CreatePromptVersion",
        "CreateRouteCalculator",
        "CreateServiceNetworkResourceAssociation",
        "CreateServiceNetworkServiceAssociation",
        "CreateServiceNetworkVpcAssociation",
        "CreateServiceTemplateVersion",
        "CreateSolutionVersion",
        "CreateVpcEndpointAssociation",
        "CreateWorkflowVersion",
    ]
)
#: What these make is a part or a use of something, or access to it, and carries no tags (their models take none, and no
#: tag operation of their services names it).
_PARTS = re.compile(
    r"Create(?:Tags|OrUpdateTags|BearerToken|OAuth2Token.*|ControlChannel|DataChannel|Route(?:$|Response|Calculator)|.*Route$|NetworkAclEntry|NetworkInterfacePermission"
    r"|LaunchTemplateVersion|AccessKey|LoginProfile|PolicyVersion|AccountAlias|ServiceSpecificCredential|Grant"
    r"|LogStream|ExportTask|MultipartUpload|Session|Invalidation.*|Partition.*|Presigned.*|.*Authorization|.*Deployment"
    r"|.*Version|.*PrefixListReference|.*Association|.*PermissionGroup.*|Alias|Token.*|Webhook)$"
    r"|Register(?:Targets?.*|.*Targets|.*Targets?With.*|InstancesWithLoadBalancer|.*Administrator|.*Admin|Default.*"
    r"|ContainerInstance.*|InstanceEvent.*|.*MulticastGroup.*|TaskWith.*|PatchBaseline.*)$"
    r"|(?:CopyObject|RestoreObject|RestoreSecret|RestoreManagedPrefixListVersion|RestoreSnapshotTier|RunQuery"
    r"|RestoreAddressToClassic|Restore.*FromRecycleBin|ImportKeyMaterial|ImportSourceCredentials|RunStatement|RequestUpload.*)$"
)


def creates(event_source: str, event_name: str) -> bool:
    """Whether this call makes something that could carry tags, as far as its name tells."""
    if (event_source, event_name) in _MORE or event_name in _TAKE_TAGS:
        return True
    return _CREATES.match(event_name) is not None and _PARTS.match(event_name) is None
