"""What is AWS's own vocabulary and stays: what is not in here, and not in the models of AWS's APIs, is replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.owner.principal import HIDDEN
from ownertag.core.records import CANARY_ROLE


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class ApiWords(Struct, frozen=True):
    """The words of one service's API, in small letters.

    Attributes:
        members: The names of members.
        values: By member, all values that it can have, where it is an enumeration or a boolean wherever it stands.
        numbers: Members that are numbers wherever they stand.
        times: Members that are times wherever they stand.
    """

    members: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = {}
    numbers: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


NO_WORDS = ApiWords()

#: What AWS writes instead of what it does not show.
HIDDEN_TEXTS = frozenset({HIDDEN, "<sensitiveDataRemoved>"})

REGION = re.compile(
    r"(?:(?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[a-z]?|eu-isoe)-(?:north|south|east|west|central|northeast"
    r"|northwest|southeast|southwest)|eusc-de-east)-[1-9]"
)
#: A zone by its name or its id; local and wavelength zones have a city's letters in it.
ZONE = re.compile(
    REGION.pattern + r"(?:[a-z]|-[a-z0-9]{3}-[1-9][a-z]|-wl1-[a-z0-9]{3}-wlz-[1-9])|[a-z]{3,5}[1-9]-az[1-9]"
)
INSTANCE_TYPE = re.compile(
    r"(?:db\.|cache\.|mq\.|ml\.|dax\.|kafka\.)?[a-z][a-z0-9-]{0,11}\.(?:nano|micro|small|medium|large|[0-9]{0,2}xlarge"
    r"|metal(?:-[0-9]{1,2}xl)?)(?:\.(?:search|elasticsearch))?"
)
TIME = re.compile(
    r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{1,2}, [12][0-9]{3},? [0-9]{1,2}:[0-9]{2}:[0-9]{2}"
    "[ \u202f](?:AM|PM)"
)

# --- a record's own fields: their names, and the values that stay

#: Fields of records, of `userIdentity`, of envelopes, and what CloudTrail adds to requests and responses.
FIELDS = _words(
    """
    eventversion useridentity eventtime eventsource eventname awsregion sourceipaddress useragent errorcode
    errormessage requestparameters responseelements additionaleventdata requestid eventid readonly resources
    eventtype apiversion managementevent recipientaccountid serviceeventdetails sharedeventid vpcendpointid
    vpcendpointaccountid eventcategory xmlns addendum sessioncredentialfromconsole edgedevicedetails tlsdetails
    tlsversion ciphersuite clientprovidedhostheader reason updatedfields originalrequestid originaleventid
    eventcontext type principalid arn accountid accesskeyid username invokedby identityprovider credentialid
    sessioncontext sessionissuer attributes creationdate mfaauthenticated ec2roledelivery ec2issuedinvpc assumedroot
    sourceidentity webidfederationdata federatedprovider onbehalfof userid identitystorearn inscopeof sourcearn
    sourceaccount issuertype credentialsissuedto arnprefix principaltags
    incomingtransitivetags transitivetagkeys version id detail-type source account time region detail
    item items member content tag tags tagset key value omitted originalsize _return requestid responsemetadata
    signatureversion authenticationmethod mfaidentifier mfaused mobileversion loginto bytestransferredin
    bytestransferredout x-amz-id-2 host statement effect action principal resource condition sid notaction
    notresource notprincipal aws service federated canonicaluser
    """
)

_FLAGS = frozenset({"true", "false"})
#: By field, the values that are kept there and nowhere else.
VALUES: Mapping[str, frozenset[str]] = {
    "eventtype": frozenset(
        {
            "AwsApiCall",
            "AwsServiceEvent",
            "AwsConsoleAction",
            "AwsConsoleSignIn",
            "AwsCloudTrailInsight",
            "AwsVpceEvent",
        }
    ),
    "eventcategory": frozenset({"Management", "Data", "Insight", "NetworkActivity"}),
    "mfaauthenticated": _FLAGS,
    "sessioncredentialfromconsole": _FLAGS,
    "assumedroot": _FLAGS,
    "omitted": _FLAGS,
    "ec2roledelivery": frozenset({"1.0", "2.0"}),
    "accountid": frozenset({"ANONYMOUS_PRINCIPAL"}),
    "detail-type": frozenset(
        {"AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail", "AWS Service Event via CloudTrail"}
    ),
    "effect": frozenset({"Allow", "Deny"}),
    "invokedby": frozenset({"AWS Internal"}),
    "sourceipaddress": frozenset({"AWS Internal"}),
    "useragent": frozenset({"AWS Internal"}),
    "signatureversion": frozenset({"SigV2", "SigV4", "SigV4A"}),
    "authenticationmethod": frozenset({"AuthHeader", "QueryString"}),
    "mfaused": frozenset({"Yes", "No"}),
    "mobileversion": frozenset({"Yes", "No"}),
    "reason": frozenset({"DELIVERY_DELAY", "UPDATED_DATA", "SERVICE_OUTAGE"}),
}
#: By field, the form of the values that are kept there.
FORMS: Mapping[str, re.Pattern[str]] = {
    "eventversion": re.compile(r"1\.[0-9]{1,2}"),
    "eventsource": re.compile(r"(?![a-z-]*[0-9]{4})[a-z][a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?"),
    "eventname": re.compile(r"(?!.*[0-9]{9})[A-Z][A-Za-z0-9]{1,99}(?:20[0-9]{2}_[01][0-9]_[0-3][0-9])?"),
    "errorcode": re.compile(r"(?:Client\.|Server\.)?[A-Z][A-Za-z.]{2,99}"),
    "apiversion": re.compile(r"[12][0-9]{3}[-_]?[01][0-9][-_]?[0-3][0-9]"),
    "version": re.compile(r"0|2012-10-17|2008-10-17"),
    "tlsversion": re.compile(r"TLSv1\.[0-3]"),
    "ciphersuite": re.compile(r"(?:TLS|ECDHE|DHE|AES)[A-Z0-9]{0,8}(?:[-_][A-Z0-9]{2,12}){1,6}"),
    "type": re.compile(r"AWS::[A-Z][A-Za-z0-9]{1,40}::[A-Z][A-Za-z0-9]{1,60}"),
    "issuertype": re.compile(r"AWS::[A-Z][A-Za-z0-9]{1,40}::[A-Z][A-Za-z0-9]{1,60}"),
}
#: Fields of times and of zones that no model has, since CloudTrail calls them otherwise.
TIMES = frozenset(
    {"eventtime", "time", "creationdate", "expiration", "launchtime", "attachtime", "createtime", "createdate"}
)
ZONES = frozenset(
    {
        "awsregion", "region", "sourceregion", "destinationregion", "regionname", "zone", "zoneid",
        "availabilityzone", "availabilityzoneid", "availabilityzones",
    }
)  # fmt: skip
#: Numbers that name somebody: of a network, an account, a place.
NAMING_NUMBERS = re.compile(r"asn|account|phone|latitude|longitude|serial")

# --- tags

#: Keys of tags that services write, or that say nothing of their owner; our own by default.
TAG_KEYS = _words(
    """
    Name owner dateCreated WhatIsThis aws:autoscaling:groupName aws:cloudformation:stack-id
    aws:cloudformation:stack-name aws:cloudformation:logical-id aws:ec2:fleet-id aws:ec2spot:fleet-request-id
    aws:ec2launchtemplate:id aws:ec2launchtemplate:version aws:elasticmapreduce:job-flow-id
    aws:elasticmapreduce:instance-group-role aws:eks:cluster-name aws:createdBy
    aws:servicecatalog:provisioningPrincipalArn aws:servicecatalog:productArn aws:servicecatalog:portfolioArn
    aws:servicecatalog:provisioningArtifactIdentifier aws:servicecatalog:provisionedProductArn
    servicecatalog:provisioningPrincipalArn eks:cluster-name eks:nodegroup-name eks:eks-cluster-name
    karpenter.sh/nodepool karpenter.sh/nodeclaim karpenter.sh/provisioner-name elasticbeanstalk:environment-name
    elasticbeanstalk:environment-id eks-cluster-arn eks-cluster-name kubernetes-namespace kubernetes-service-account
    kubernetes-pod-name kubernetes-pod-uid
    """
)
#: Keys of tags that end with a name.
TAG_KEY_PREFIXES = ("kubernetes.io/cluster/",)

# --- names of which a part is AWS's or a tool's, so that a decision rests on it

#: Sessions that nobody named (`core.owner.generated_names`): those without a part of their own.
SESSIONS = frozenset(
    {
        "token-file-web-identity", "assumed-from-leapp", "default_session", "GitHubActions", "session",
        "default", "CognitoIdentityCredentials", "EKSClusterSession", "AutoScaling", "AWSCloudFormation",
        "CCSSession", "EMR", "ElasticBeanstalk", "BackplaneAssumeRoleSession", "configLambdaExecution",
        "OpsWorksCM", "servicecatalog", "GlueJobRunnerSession", "SageMaker", "AssumeRoleSession",
    }
)  # fmt: skip
#: Roles of the same name everywhere, ours and AWS's.
ROLES = frozenset({CANARY_ROLE, "auto-tag-role", "OrganizationAccountAccessRole", "AWSControlTowerExecution"})
#: What a generated name begins with; what follows is replaced.
PREFIXES = (
    *("botocore-session-", "AWS-CLI-session-", "aws-cli-", "aws-go-sdk-", "assume-role-provider-"),
    *(
        "assume-role-from-profile-",
        "web-identity-token-",
        "awsume-session-",
        "AssumeRoleSession",
        "gntd-",
        "terraform-",
    ),
    *("aws-terraform-", "hashicorp-terraform", "GitLabRunner-", "buildkite-job-", "awslambda", "AWSBackup-"),
    *("Automation-", "DataLifecycleManager", "AWSConfig-", "OpsWorks-", "AWSCodeBuild-", "eks-", "StackSet-"),
    *("aws-cloud9-", "AWSServiceRoleFor", "AWSServiceRole", "stacksets-exec-"),
)
SDK_PREFIX = re.compile(r"aws-sdk-(?:java|js|javascript|php|net|ruby|cpp|kotlin|swift|rust|go)-")
#: A role of Identity Center: permission set and digits in between are the customer's.
SSO_ROLE = re.compile(r"(AWSReservedSSO_)(.+)(_)([0-9a-f]{16})")
#: A cluster of ECS that Batch makes for a compute environment (`catalogue/overlay/links.toml`).
BATCH_CLUSTER = re.compile(r"(AWSBatch-)(.+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
#: A log group that a service makes for what is somebody's (`catalogue/overlay/links.toml`).
LOG_GROUP = re.compile(r"(/aws/(?:eks|rds/instance|rds/cluster)/)([^/]+)(/[a-z]{1,32})")
#: A group of Batch, and its older clusters.
BATCH_GROUP = re.compile(r"(.+)(-asg-|_Batch_)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
#: The words in subjects of CI systems' tokens (`core.owner.ci_subjects`).
SUBJECT_WORDS = frozenset(
    {
        "repo", "repository", "ref", "refs", "heads", "tags", "pull_request", "environment", "project_path",
        "ref_type", "branch", "tag", "org", "project", "user", "organization", "pipeline", "commit", "step",
        "workspace", "stack", "run_phase", "plan", "apply", "space", "module", "run_type", "scope", "read",
        "write", "pulumi", "deploy", "operation", "update", "preview",
    }
)  # fmt: skip
CLAIMS = frozenset({"sub", "aud", "amr", "iss", "azp", "oaud"})

# --- ARNs and host names

#: Services as AWS names them in ARNs, `invokedBy` and paths of roles, beyond those with an API of their own.
SERVICES = frozenset(
    {
        "account", "autoscaling", "aws", "aws-service-role", "backup", "batch", "cloudformation", "cloudtrail",
        "codebuild", "compute", "compute-1", "console", "controltower", "dkr", "ec2", "ec2fleet", "ecs",
        "ecs-tasks", "edgelambda", "eks", "eks-fargate", "eks-fargate-pods", "eks-nodegroup",
        "elasticbeanstalk", "elasticfilesystem", "elasticloadbalancing", "elasticmapreduce", "events", "fsx",
        "iam", "identitystore", "lambda", "logs", "member", "monitoring", "oidc", "oidc-eks", "org",
        "organizations", "pods", "rds", "resource-explorer-2", "rolesanywhere", "s3", "scheduler",
        "servicecatalog", "signin", "sns", "spot", "spotfleet", "sqs", "ssm", "sso", "stacksets", "states",
        "sts", "transitgateway", "vpce", "www", "tagging", "kms", "secretsmanager", "dynamodb", "elasticache",
        "es", "elb", "internal", "dualstack", "execute-api", "ecr", "api", "inspector2", "guardduty", "config",
        "globalaccelerator",
    }
)  # fmt: skip
#: What host names of AWS end with.
DOMAINS = (
    "amazonaws.com.cn", "amazonaws.com", "amazonaws.eu", "api.aws", "on.aws", "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu", "compute.internal", "ec2.internal", "aws.amazon.com", "awsapps.com", "cloudfront.net",
)  # fmt: skip
#: Providers of identities that everybody uses alike.
PUBLIC_HOSTS = frozenset(
    {
        "token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io", "accounts.google.com",
        "agent.buildkite.com", "api.bitbucket.org", "oidc.circleci.com", "graph.facebook.com", "www.amazon.com",
        "cognito-identity.amazonaws.com",
    }
)  # fmt: skip
_ARN_TYPES: Mapping[str, tuple[str, ...]] = {
    "iam": (
        *("user", "role", "group", "policy", "root", "instance-profile", "mfa", "saml-provider", "oidc-provider"),
        "server-certificate",
    ),
    "sts": ("assumed-role", "federated-user"),
    "ec2": ("dhcp-options", "image", "key-pair", "elastic-ip", "spot-instances-request", "vpc-flow-log"),
    "lambda": ("function", "layer", "event-source-mapping"),
    "cloudformation": ("stack", "stackset", "changeSet", "stackset-target"),
    "autoscaling": ("autoScalingGroup", "autoScalingGroupName", "launchConfiguration", "launchConfigurationName"),
    "identitystore": ("identitystore", "user", "group", "membership"),
    "sso": ("instance", "permissionSet", "account"),
    "organizations": ("account", "organization", "ou", "root", "policy"),
    "kms": ("key", "alias"),
    "logs": ("log-group", "log-stream"),
    "dynamodb": ("table", "index", "stream", "backup"),
    "rds": ("db", "cluster", "snapshot", "cluster-snapshot", "subgrp", "pg", "cluster-pg", "og", "es"),
    "ecs": ("cluster", "service", "task", "task-definition", "container-instance", "container"),
    "eks": ("cluster", "nodegroup", "addon", "fargateprofile", "access-entry", "podidentityassociation"),
    "secretsmanager": ("secret",),
    "elasticloadbalancing": ("loadbalancer", "targetgroup", "listener", "app", "net", "gwy"),
    "cloudtrail": ("trail", "eventdatastore"),
    "events": ("rule", "event-bus"),
    "acm": ("certificate",),
    "states": ("stateMachine", "execution"),
}
#: AWS's own segments of a role's path, but for the service's name between them.
ROLE_PATHS = frozenset({"aws-reserved", "aws-service-role", "service-role"})


def arn_types(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """By service, the words with which its ARNs begin that tell a resource's type."""
    found = {service: {*types} for service, types in _ARN_TYPES.items()}
    templates = [type_.arn for type_ in catalogue.types.values()]
    templates += [kind.arn for kind in catalogue.parents.kinds.values()]
    for template in templates:
        service, resource = template.split(":", 5)[2], template.split(":", 5)[5]
        words = re.split("[:/]", resource)
        found.setdefault(service, set()).update(word for word in words if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]+", word))
    return {service: frozenset(types) for service, types in found.items()}


def words_within(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """By service, the words inside the ids of its ARNs that tell a type, such as `stages` behind an API's id."""
    found: dict[str, set[str]] = {}
    for type_ in catalogue.types.values():
        said = _CHOICE.sub(" ", type_.id_form)
        within = {word for word in re.split(r"[^A-Za-z0-9-]+", said) if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]+", word)}
        if within and re.search("[/:]", said):
            found.setdefault(type_.arn.split(":", 3)[2], set()).update(within)
    return {service: frozenset(within) for service, within in found.items()}


#: In a form of ids, what stands for any character, and how many.
_CHOICE = re.compile(r"\[(?:\\.|[^\]\\])*\]|{[0-9,]*}|\\[a-zA-Z]")


def tag_keys(catalogue: Catalogue) -> frozenset[str]:
    """Keys of tags that stay: those that lead to an owner as well."""
    return TAG_KEYS | {key for link in catalogue.parents.links for key in link.tags}


def id_prefixes(catalogue: Catalogue) -> frozenset[str]:
    """What ids of resources begin with, without the hyphen."""
    found: set[str] = set()
    for type_ in catalogue.types.values():
        if match := re.match(r"([a-z0-9-]+)-(?:\(\?:([a-z|]+)\)-)?(?=[\[(])", type_.id_form):
            found |= {f"{match[1]}-{kind}" for kind in match[2].split("|")} if match[2] else {match[1]}
    return frozenset(found) | _MORE_IDS


def deciding_values(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """By member, the values by which rows of the catalogue tell what a service runs, and what a call made."""
    found: dict[str, set[str]] = {}
    for row in catalogue.rows.values():
        for makes in row.makes:
            for keys, values in (*makes.skip, *makes.new):
                found.setdefault(keys[-1].lower(), set()).update(values)
    return {member: frozenset(values) for member, values in found.items()}


_MORE_IDS = _words(
    """
    eipassoc eni-attach rtbassoc aclassoc vpc-cidr-assoc subnet-cidr-assoc r d ssoins ps eni i vol snap ami cks lgw
    svc vpce-svc sgr fs fsap asg spot sfr fleet export-i import-i conversion bundle
    """
)

# --- user agents

#: Products and words in user agents of SDKs, tools and browsers; everything else there can name a machine.
AGENT_WORDS = _words(
    """
    aws-cli boto3 botocore aws-sdk-go aws-sdk-go-v2 aws-sdk-java aws-sdk-js aws-sdk-php aws-sdk-ruby3 aws-sdk-rust
    aws-sdk-dotnet aws-sdk-nodejs terraform apn hashicorp pulumi cloudformation coral netty netty4 jakarta
    aws-internal awscrt ua os lang md arch pyimpl cfg retry-mode api exec-env standard legacy adaptive linux macos
    windows darwin python go java javascript ruby rust dotnet x86_64 amd64 arm64 aarch64 cpython pypy exe source
    prompt off command aws_lambda cloudshell mozilla applewebkit chrome safari firefox gecko khtml like version
    kubectl eksctl karpenter signin console amazonaws com vendor openjdk_64-bit_server_vm s3console aws-toolkit exec
    env
    """
)
