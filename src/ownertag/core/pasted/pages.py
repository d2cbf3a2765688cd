"""The pages of AWS's console that name a resource by its name or id, and not by its ARN.

They are not documented: paths and fragments are as links have them that people publish, of the consoles of the year
2026. A page that is not here is refused, unless an ARN or an id of EC2 stands in its link.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ownertag.core.pasted.endpoints import read_place
from ownertag.core.pasted.taken import Asked
from ownertag.core.regions import GLOBAL_SERVICES

_NAME = r"(?P<id>[A-Za-z0-9_.-]+)"


class _Page(Struct, frozen=True):
    """The form of a page's path with its query and fragment, and the type of what its groups `id` or `outer` name."""

    form: str
    type: str


_PAGES = (
    _Page(rf"/lambda/home[^#]*#/functions/{_NAME}", "lambda:function"),
    _Page(rf"/dynamodbv2/home[^#]*#table\?(?:[^#]*&)?name={_NAME}", "dynamodb:table"),
    _Page(rf"/dynamodbv2/home[^#]*#item-explorer\?(?:[^#]*&)?table={_NAME}", "dynamodb:table"),
    _Page(rf"/rds/home[^#]*#database:id={_NAME};is-cluster=true", "rds:cluster"),
    _Page(rf"/rds/home[^#]*#database:id={_NAME};is-cluster=false", "rds:db"),
    _Page(rf"/rds/home[^#]*#database:id={_NAME}", "rds:"),
    _Page(r"/iam(?:v2)?/home[^#]*#/roles/(?:details/)?(?P<id>[A-Za-z0-9_+=,.@-]+)", "iam:role"),
    _Page(r"/iam(?:v2)?/home[^#]*#/users/(?:details/)?(?P<id>[A-Za-z0-9_+=,.@-]+)", "iam:user"),
    _Page(rf"/ecs/v2/clusters/(?P<outer>[A-Za-z0-9_-]+)/services/{_NAME}", "ecs:service"),
    _Page(rf"/ecs/v2/clusters/{_NAME}", "ecs:cluster"),
    _Page(rf"/eks/(?:home[^#]*#/)?clusters/{_NAME}", "eks:cluster"),
    _Page(r"/ecr/repositories/private/(?P<account>[0-9]{12})/(?P<id>[a-z0-9]+(?:(?!/_/)[._/-]+[a-z0-9]+)*)",
          "ecr:repository"),
    _Page(r"/cloudfront/v[0-9]+/home[^#]*#/distributions/(?P<id>E[A-Z0-9]+)", "cloudfront:distribution"),
    _Page(r"/route53/v2/hostedzones[^#]*#ListRecordSets/(?P<id>Z[A-Z0-9]+)", "route53:hostedzone"),
    _Page(r"/secretsmanager/secret\?(?:[^#]*&)?name=(?P<id>[A-Za-z0-9/_+=.@-]+)", "secretsmanager:Secret"),
    _Page(r"/systems-manager/parameters/+(?P<id>[A-Za-z0-9_./-]+?)/description", "ssm:parameter"),
    _Page(r"/apigateway/(?:main/apis|home[^#]*#/apis)/(?P<id>[a-z0-9]{10})", "apigateway:"),
    _Page(r"/cloudwatch/home[^#]*#logsV2:log-groups/log-group/(?P<id>[A-Za-z0-9_./#-]+?)(?:/log-events.*)?\Z",
          "logs:log-group"),
    _Page(r"/cloudwatch/home[^#]*#alarmsV2:alarm/(?P<id>[^?#]+)", "cloudwatch:alarm"),
    _Page(rf"/codesuite/codebuild/(?:(?P<account>[0-9]{{12}})/)?projects/{_NAME}", "codebuild:project"),
    _Page(rf"/codesuite/codepipeline/pipelines/{_NAME}", "codepipeline:pipeline"),
    _Page(rf"/codesuite/codecommit/repositories/{_NAME}", "codecommit:repository"),
    _Page(r"/kms/home[^#]*#/kms/keys/(?P<id>(?:mrk-)?[0-9a-f-]{32,36})", "kms:key"),
    _Page(rf"/kinesis/home[^#]*#/streams/details/{_NAME}", "kinesis:stream"),
    _Page(rf"/events/home[^#]*#/eventbus/[A-Za-z0-9_./-]+/rules/{_NAME}", "events:"),
    _Page(rf"/sagemaker/home[^#]*#/notebook-instances/{_NAME}", "sagemaker:notebook-instance"),
    _Page(r"/cognito/v2/idp/user-pools/(?P<id>[a-z0-9-]+_[A-Za-z0-9]+)", "cognito-idp:userpool"),
    _Page(rf"/elasticache/home[^#]*#/(?:redis|valkey|memcached)/{_NAME}", "elasticache:"),
    _Page(rf"/aos/home[^#]*#/?opensearch/domains/{_NAME}", "es:domain"),
)  # fmt: skip
_QUEUE = re.compile(r"/sqs/v[0-9]+/home[^#]*#/queues/https://([a-z0-9.-]+)/([A-Za-z0-9_./-]+)")


def read_page(text: str, account: str | None, region: str | None) -> Asked | None:
    """What a page of the console is about; None if that is not known.

    Args:
        text: Its path with query and fragment, decoded.
        account: Where it is, if the link says it.
        region: The same.
    """
    if found := _QUEUE.match(text):
        [host, path] = found.groups()
        place = read_place(host, "/".join(path.split("/")[:2]))
        return place.asked[0] if place else None
    for page in _PAGES:
        if found := re.match(page.form, text):
            groups = found.groupdict()
            id_ = f"{groups['outer']}/{groups['id']}" if groups.get("outer") else groups["id"]
            # A global service records in one Region, whichever the console shows.
            here = None if page.type.partition(":")[0] in GLOBAL_SERVICES else region
            return Asked(id_, account=groups.get("account") or account, region=here, type=page.type)
    return None
