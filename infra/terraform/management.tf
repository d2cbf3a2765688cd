# The management account, which service-managed stack sets never reach: its roles are a stack, its rules a self-managed
# stack set that deploys into this one account. So all of its Regions come from this module, though a provider of 5.x is
# bound to one Region. Where nobody may make the two roles that it takes, the module in region/ makes the rules instead.

locals {
  # A stack is called StackSet-, this, and an id.
  management_rules         = "ownertag-management-region"
  rules_by_stack_set       = var.management_rules_by == "STACK_SET"
  management_rules_regions = local.rules_by_stack_set ? local.regions : toset([])
}

resource "aws_cloudformation_stack" "management_roles" {
  provider = aws.management

  name          = "ownertag-spoke-account"
  template_body = local.roles_template
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [aws_cloudformation_stack.hub]
}

# StackSets assumes this one, for this stack set alone, and by it the next (doc: CloudFormation user guide, "Grant
# self-managed permissions", and of it what to do against confused deputies).
resource "aws_iam_role" "administration" {
  count    = local.rules_by_stack_set ? 1 : 0
  provider = aws.management

  name        = "ownertag-stack-set-administration"
  description = "Lets StackSets deploy ownertag's rules into this account, and nothing else."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudformation.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.management_account_id }
        StringLike   = { "aws:SourceArn" = "arn:aws:cloudformation:*:${var.management_account_id}:stackset/${local.management_rules}:*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "administration" {
  count    = local.rules_by_stack_set ? 1 : 0
  provider = aws.management

  name = "ownertag"
  role = aws_iam_role.administration[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = aws_iam_role.execution[0].arn
    }]
  })
}

resource "aws_iam_role" "execution" {
  count    = local.rules_by_stack_set ? 1 : 0
  provider = aws.management

  name        = "ownertag-stack-set-execution"
  description = "Makes ownertag's rules and their dead-letter queue in this account, and nothing else."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.administration[0].arn }
      Action    = "sts:AssumeRole"
    }]
  })
}

# What CloudFormation's handlers of the template's types call, on what the template makes. No other stack can be touched:
# one that has a role of its own would lend it.
resource "aws_iam_role_policy" "execution" {
  count    = local.rules_by_stack_set ? 1 : 0
  provider = aws.management

  name = "ownertag"
  role = aws_iam_role.execution[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ManageStacks"
        Effect   = "Allow"
        Action   = "cloudformation:*"
        Resource = "arn:aws:cloudformation:*:${var.management_account_id}:stack/StackSet-${local.management_rules}-*/*"
      },
      {
        Sid      = "ReadTemplates"
        Effect   = "Allow"
        Action   = ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"]
        Resource = "*"
      },
      {
        Sid    = "ManageRules"
        Effect = "Allow"
        Action = [
          "events:DeleteRule",
          "events:DescribeRule",
          "events:ListTagsForResource",
          "events:ListTargetsByRule",
          "events:PutRule",
          "events:PutTargets",
          "events:RemoveTargets",
          "events:TagResource",
          "events:UntagResource",
        ]
        Resource = "arn:aws:events:*:${var.management_account_id}:rule/ownertag-*"
      },
      {
        Sid    = "ManageUndelivered"
        Effect = "Allow"
        Action = [
          "sqs:CreateQueue",
          "sqs:DeleteQueue",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ListQueueTags",
          "sqs:SetQueueAttributes",
          "sqs:TagQueue",
          "sqs:UntagQueue",
        ]
        Resource = "arn:aws:sqs:*:${var.management_account_id}:ownertag-undelivered"
      },
      {
        Sid       = "PassForwarder"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "arn:aws:iam::${var.management_account_id}:role/ownertag-forwarder"
        Condition = { StringEquals = { "iam:PassedToService" = "events.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_cloudformation_stack_set" "management_rules" {
  count    = local.rules_by_stack_set ? 1 : 0
  provider = aws.management

  name                    = local.management_rules
  description             = "ownertag's rules in the Regions of the management account"
  template_body           = local.rules_template
  permission_model        = "SELF_MANAGED"
  administration_role_arn = aws_iam_role.administration[0].arn
  execution_role_name     = aws_iam_role.execution[0].name

  managed_execution {
    active = true
  }

  timeouts {
    update = "3h"
  }

  # The rules' targets name the forwarder role; and what deletes the stacks must have its permissions until they are gone.
  depends_on = [
    aws_cloudformation_stack.management_roles,
    aws_iam_role_policy.administration,
    aws_iam_role_policy.execution,
  ]
}

resource "aws_cloudformation_stack_set_instance" "management_rules" {
  for_each = local.management_rules_regions
  provider = aws.management

  stack_set_name = aws_cloudformation_stack_set.management_rules[0].name
  account_id     = var.management_account_id
  region         = each.value

  operation_preferences {
    region_concurrency_type      = "PARALLEL"
    failure_tolerance_percentage = var.failure_tolerance_percentage
    max_concurrent_percentage    = 100
  }

  timeouts {
    create = "3h"
    update = "3h"
    delete = "3h"
  }
}
