"""Searches redacted records for what is left of the originals. It knows nothing of how they are redacted.

What may be left is AWS's vocabulary: names of operations, members and enumerations in botocore's models, Regions,
services, the fields of a record (CloudTrail user guide, "record contents"), and times.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import botocore
import msgspec

_DATA = Path(botocore.__file__).parent / "data"
_WORD = re.compile(r"[^\W_]{4,}")
_TIME = re.compile(
    r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?|[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d\s[AP]M"
)
_DATE = re.compile(r"\b(?:19|20)\d{2}-?[01]\d-?[0-3]\d\b")
#: The last form is that of the documentation's examples.
_ID = re.compile(r"\b(?:[a-z0-9]+-){1,5}([0-9a-f]{8,40}|[0-9a-z]{8}|[0-9a-f]{5,33}example)\b")
_TYPE = re.compile(r"\bAWS::[A-Za-z0-9]+::[A-Za-z0-9]+\b")
_EPOCH = re.compile(r"1[45678]\d{8}(?:\d{3}|\.\d{1,3})?")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}")
#: Shorter words stand in replacements by chance; they are compared as words, not looked for anywhere.
_LONG = 9

#: What CloudTrail and EventBridge write themselves, by their documentation, and what tools and SDKs call themselves.
_FIXED = """
    eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode
    errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly resources
    eventType apiVersion managementEvent recipientAccountId serviceEventDetails sharedEventID vpcEndpointId
    vpcEndpointAccountId eventCategory addendum sessionCredentialFromConsole edgeDeviceDetails tlsDetails
    tlsVersion cipherSuite clientProvidedHostHeader AwsApiCall AwsServiceEvent AwsConsoleSignIn AwsConsoleAction
    AwsVpceEvent Management NetworkActivity Insight principalId accountId accessKeyId userName invokedBy
    identityProvider credentialId sessionContext sessionIssuer attributes creationDate mfaAuthenticated
    ec2RoleDelivery sourceIdentity webIdFederationData federatedProvider onBehalfOf userId identityStoreArn
    inScopeOf sourceArn issuerType credentialsIssuedTo assumedRoot IAMUser AssumedRole AWSService AWSAccount
    FederatedUser WebIdentityUser SAMLUser IdentityCenterUser Directory Unknown Root Role items item originalSize
    omitted HIDDEN DUE SECURITY REASONS ANONYMOUS PRINCIPAL bytesTransferredIn bytesTransferredOut
    SignatureVersion AuthenticationMethod AuthHeader MFAIdentifier MFAUsed LoginTo MobileVersion amazonaws amazon
    console signin internal compute com aws arn assumed-role https http example TLSv1 ECDHE AES128 AES256 SHA256
    SHA384 CHACHA20 POLY1305 SigV4 Statement Effect Action Principal Resource Condition Allow Deny Federated
    Service CanonicalUser NotAction NotResource NotPrincipal tagSpecificationSet tagSet Name owner dateCreated
    WhatIsThis reserved Boto3 Botocore Terraform HashiCorp Coral Netty linux windows darwin python CPython awscrt
    standard amd64 arm64 macos AWS-CLI CloudFormation Mozilla kubectl eksctl Karpenter x86 adaptive legacy
    botocore-session aws-go-sdk pyimpl lang AWSReservedSSO AWSServiceRoleFor aws-reserved aws-service-role
    service-role autoScalingGroupName stacksets-exec kubernetes cluster nodegroup nodepool karpenter
    elasticbeanstalk environment provisioningPrincipalArn logical ownertag-canary auto-tag-role
    OrganizationAccountAccessRole AWSControlTowerExecution StackSet xmlns sensitiveDataRemoved AppleWebKit Gecko
    KHTML Safari Chrome Firefox OpenJDK S3Console subgrp use1 euc1 updatedFields originalRequestID originalEventID
    eice resourcesSet AWSCloudFormation AWSCodeBuild AWSBackup GitHubActions githubusercontent token actions refs
    heads repo DataLifecycleManager gntd ec2spot configLambdaExecution EKSClusterSession GlueJobRunnerSession
    CCSSession CognitoIdentityCredentials principalTags
    incomingTransitiveTags transitiveTagKeys amazonwebservices pulumi AWSBatch
    PrimaryDBInstanceArn ManagedByAmazonSageMakerResource
"""


@cache
def vocabulary() -> frozenset[str]:
    """AWS's words in small letters."""
    found: set[str] = set()
    for file in _DATA.glob("*/*/service-2.json.gz"):
        model = msgspec.json.decode(gzip.decompress(file.read_bytes()))
        metadata = model["metadata"]
        texts = {file.parts[-3], metadata["endpointPrefix"], metadata.get("signingName", ""), *model["operations"]}
        for name, shape in model["shapes"].items():
            texts |= {name, *shape.get("enum", ()), *shape.get("members", ())}
            for member in shape.get("members", {}).values():
                texts |= {member.get("locationName", ""), member.get("queryName", "")}
        found |= {word for text in texts for word in words_of(text)}
    endpoints = (
        msgspec.json.decode((_DATA / "endpoints.json").read_bytes()) if (_DATA / "endpoints.json").is_file() else {}
    )
    for partition in endpoints.get("partitions", ()):
        found |= {word for text in (*partition["regions"], *partition["services"]) for word in words_of(text)}
    return frozenset(found | set(words_of(_FIXED)))


def words_of(text: str) -> Iterator[str]:
    """The words of four characters and more in a text, in small letters."""
    return (word.casefold() for word in _WORD.findall(text))


def left(original: Any, redacted: str) -> set[str]:
    """What of a record's texts and numbers is still in the redacted record, and no vocabulary."""
    shown = _TIME.sub(" ", redacted)
    haystack, there = shown.casefold(), set(words_of(shown))
    calls = " ".join(_names_of_calls(original))
    found: set[str] = set()
    for text in texts_in(original):
        bare = _ID.sub(_only_digits, _TYPE.sub(" ", _VERSION.sub(" ", _DATE.sub(" ", _TIME.sub(" ", unquote(text))))))
        words = [word for word in words_of(bare) if word not in vocabulary() and word not in calls]
        found |= {word for word in words if (word in haystack if len(word) >= _LONG else word in there)}
        whole = text.casefold()
        if words and len(whole) >= _LONG and whole in haystack:
            found.add(whole)
    return found


def _names_of_calls(node: Any) -> Iterator[str]:
    """What CloudTrail writes of each call: its name and error code, and objects that are called after it."""
    if isinstance(node, dict):
        name, code = node.get("eventName"), node.get("errorCode")
        if "eventSource" in node and isinstance(name, str):
            yield from words_of(f"{name} {name}Request {name}Response {name}Input {name}Output {code}")
        for value in node.values():
            yield from _names_of_calls(value)


def _only_digits(match: re.Match[str]) -> str:
    """An id without what tells its type: `eni-attach-0123` names nobody by `attach`."""
    return match[1]


def texts_in(node: Any) -> Iterator[str]:
    """All keys, texts and long numbers in a JSON value."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from texts_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts_in(item)
    elif isinstance(node, str):
        yield node
    elif isinstance(node, int | float) and abs(node) >= 100_000 and not _EPOCH.fullmatch(str(node)):
        yield str(node)
