"""A catalogue of several services for tests, from AWS's pages: ARNs of every form, a type without a tag API.

Forms of ARNs: service authorization reference, "Resource types" of each service; of names: the services' API
references. `MINES` (an invented service) has a type that AWS does not tag.
"""

from __future__ import annotations

from functools import cache

from ownertag.catalogue.checked import read_catalogue
from ownertag.catalogue.merge import compiled, merge_source, merged, select
from ownertag.catalogue.source_file import Compiled
from ownertag.core.catalogue_types import Catalogue

_FILES = {
    "s3": """event_source = "s3.amazonaws.com"
[types."s3:bucket"]
arn = "arn:{partition}:s3:::{id}"
id = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
api = ""
[[creation]]
event = "CreateBucket"
makes = [{ type = "s3:bucket", each = ["request.bucketName"] }]
""",
    "dynamodb": """event_source = "dynamodb.amazonaws.com"
[types."dynamodb:table"]
arn = "arn:{partition}:dynamodb:{region}:{account}:table/{id}"
id = "[a-zA-Z0-9_.-]{3,255}"
api = "dynamodb.TagResource"
[[creation]]
event = "CreateTable"
makes = [{ type = "dynamodb:table", arn = ["response.tableDescription.tableArn"], each = ["request.tableName"] }]
""",
    "lambda": """event_source = "lambda.amazonaws.com"
[types."lambda:function"]
arn = "arn:{partition}:lambda:{region}:{account}:function:{id}"
id = "[a-zA-Z0-9_-]{1,140}"
api = "lambda.TagResource"
[[creation]]
event = "CreateFunction20150331"
makes = [{ type = "lambda:function", arn = ["response.functionArn"] }]
""",
    "iam": """event_source = "iam.amazonaws.com"
[types."iam:role"]
arn = "arn:{partition}:iam::{account}:role/{id}"
id = "[\\\\w+=,.@/-]{1,576}"
api = "iam.TagRole"
[types."iam:user"]
arn = "arn:{partition}:iam::{account}:user/{id}"
id = "[\\\\w+=,.@/-]{1,576}"
api = "iam.TagUser"
[[creation]]
event = "CreateRole"
makes = [{ type = "iam:role", arn = ["response.role.arn"] }]
[[creation]]
event = "CreateUser"
makes = [{ type = "iam:user", arn = ["response.user.arn"] }]
""",
    "sqs": """event_source = "sqs.amazonaws.com"
[types."sqs:queue"]
arn = "arn:{partition}:sqs:{region}:{account}:{id}"
id = "[a-zA-Z0-9_-]{1,75}(?:\\\\.fifo)?"
api = "sqs.TagQueue"
[[creation]]
event = "CreateQueue"
makes = [{ type = "sqs:queue", each = ["request.queueName"] }]
""",
    "rds": """event_source = "rds.amazonaws.com"
[types."rds:db"]
arn = "arn:{partition}:rds:{region}:{account}:db:{id}"
id = "[a-z][a-zA-Z0-9-]{0,62}"
api = "rds.AddTagsToResource"
[types."rds:cluster"]
arn = "arn:{partition}:rds:{region}:{account}:cluster:{id}"
id = "[a-z][a-zA-Z0-9-]{0,62}"
api = "rds.AddTagsToResource"
[[creation]]
event = "CreateDBInstance"
makes = [{ type = "rds:db", arn = ["response.dBInstanceArn"] }]
[[creation]]
event = "CreateDBCluster"
makes = [{ type = "rds:cluster", arn = ["response.dBClusterArn"] }]
""",
    "cloudformation": """event_source = "cloudformation.amazonaws.com"
[types."cloudformation:stack"]
arn = "arn:{partition}:cloudformation:{region}:{account}:stack/{id}"
id = "[a-zA-Z][a-zA-Z0-9-]{0,127}/[0-9a-f-]{36}"
api = ""
[[creation]]
event = "CreateStack"
makes = [{ type = "cloudformation:stack", arn = ["response.stackId"] }]
""",
    "ecs": """event_source = "ecs.amazonaws.com"
[types."ecs:cluster"]
arn = "arn:{partition}:ecs:{region}:{account}:cluster/{id}"
id = "[a-zA-Z0-9_-]{1,255}"
api = "ecs.TagResource"
[types."ecs:service"]
arn = "arn:{partition}:ecs:{region}:{account}:service/{id}"
id = "[a-zA-Z0-9_-]{1,255}/[a-zA-Z0-9_-]{1,255}"
api = "ecs.TagResource"
[[creation]]
event = "CreateCluster"
makes = [{ type = "ecs:cluster", arn = ["response.cluster.clusterArn"] }]
[[creation]]
event = "CreateService"
makes = [{ type = "ecs:service", arn = ["response.service.serviceArn"] }]
""",
    "autoscaling": """event_source = "autoscaling.amazonaws.com"
[types."autoscaling:autoScalingGroup"]
arn = "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{id}"
id = "[!-)+-9;-~]{1,255}"
api = "autoscaling.CreateOrUpdateTags"
[[creation]]
event = "CreateAutoScalingGroup"
makes = [{ type = "autoscaling:autoScalingGroup", each = ["request.autoScalingGroupName"] }]
""",
    "cloudfront": """event_source = "cloudfront.amazonaws.com"
[types."cloudfront:distribution"]
arn = "arn:{partition}:cloudfront::{account}:distribution/{id}"
id = "E[A-Z0-9]{6,19}"
api = "cloudfront.TagResource"
[[creation]]
event = "CreateDistribution"
makes = [{ type = "cloudfront:distribution", arn = ["response.distribution.aRN"], each = ["response.distribution.id"] }]
""",
    "route53": """event_source = "route53.amazonaws.com"
[types."route53:hostedzone"]
arn = "arn:{partition}:route53:::hostedzone/{id}"
id = "Z[A-Z0-9]{1,31}"
api = "route53.ChangeTagsForResource hostedzone"
[[creation]]
event = "CreateHostedZone"
makes = [{ type = "route53:hostedzone", each = ["response.hostedZone.id"], strip = "/hostedzone/" }]
""",
    "apigateway": """event_source = "apigateway.amazonaws.com"
[types."apigateway:RestApis"]
arn = "arn:{partition}:apigateway:{region}::/restapis/{id}"
id = "[a-z0-9]{10}"
api = "apigateway.TagResource"
[types."apigateway:Stage"]
arn = "arn:{partition}:apigateway:{region}::/restapis/{id}"
id = "[a-z0-9]{10}/stages/[a-zA-Z0-9_-]{1,128}"
api = "apigateway.TagResource"
[[creation]]
event = "CreateRestApi"
makes = [{ type = "apigateway:RestApis", each = ["response.id"] }]
[[creation]]
event = "CreateStage"
makes = [{ type = "apigateway:Stage", each = ["{request.restApiId}/stages/{request.createStageInput.stageName}"] }]
""",
    "elasticloadbalancing": """event_source = "elasticloadbalancing.amazonaws.com"
[types."elasticloadbalancing:loadbalancer"]
arn = "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}"
id = "[a-zA-Z0-9-]{1,32}"
api = "elb.AddTags"
[types."elasticloadbalancing:loadbalancer/app/"]
arn = "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{id}"
id = "[a-zA-Z0-9-]{1,32}/[0-9a-f]{16}"
api = "elbv2.AddTags"
[[creation]]
event = "CreateLoadBalancer"
[[creation.makes]]
type = "elasticloadbalancing:loadbalancer"
when = ["request.loadBalancerName"]
each = ["request.loadBalancerName"]
[[creation.makes]]
type = "elasticloadbalancing:loadbalancer/app/"
when = ["request.name"]
arn = ["response.loadBalancers[].loadBalancerArn"]
""",
    "mines": """event_source = "mines.amazonaws.com"
[types."mines:shaft"]
arn = "arn:{partition}:mines:{region}:{account}:shaft/{id}"
id = "[a-z0-9]{1,20}"
api = ""
[[creation]]
event = "CreateShaft"
makes = [{ type = "mines:shaft", each = ["response.id"] }]
""",
}  # fmt: skip
_HEAD = 'on = true\nreason = "to read it"\nsource = "AWS\'s pages"\n'


@cache
def services() -> Catalogue:
    """The rows that ownertag ships of EC2, and these."""
    [ec2] = [file for file in compiled().sources if file.event_source == "ec2.amazonaws.com"]
    sources = [merge_source(f"{name}.toml", None, _HEAD + text) for name, text in _FILES.items()]
    return read_catalogue(select(Compiled([ec2, *sources], merged().apis)))
