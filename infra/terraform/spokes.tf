# Every account but the management account: the roles in one Region, since IAM is global, then the rules in every Region.

locals {
  # By name: in an account these stacks are called StackSet-ownertag-..., which the policy keeps from being changed.
  stack_sets = {
    roles = { name = "ownertag-spoke-account", template = local.roles_template, description = "ownertag's roles in an account" }
    rules = { name = "ownertag-spoke-region", template = local.rules_template, description = "ownertag's rules in a Region of an account" }
  }
}

resource "aws_cloudformation_stack_set" "spokes" {
  for_each = local.stack_sets
  provider = aws.stack_sets

  name             = each.value.name
  description      = each.value.description
  template_body    = each.value.template
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false # an account that leaves must not keep a role that trusts our hub
  }

  # Operations queue instead of refusing each other: there is one for each Region.
  managed_execution {
    active = true
  }

  # For later updates of the template. The provider (5.100) can't ask for SOFT_FAILURE_TOLERANCE here.
  operation_preferences {
    region_concurrency_type      = "PARALLEL"
    failure_tolerance_percentage = var.failure_tolerance_percentage
    max_concurrent_percentage    = 100
  }

  timeouts {
    update = "3h"
  }

  lifecycle {
    # AWS fills it in for a service-managed stack set, and the provider (5.100) wants to take it out again.
    ignore_changes = [administration_role_arn]
  }

  depends_on = [aws_cloudformation_stack.hub]
}

resource "aws_cloudformation_stack_set_instance" "roles" {
  provider = aws.stack_sets

  stack_set_name = aws_cloudformation_stack_set.spokes["roles"].name
  region         = var.home_region
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_units
  }

  operation_preferences {
    region_concurrency_type      = "PARALLEL"
    concurrency_mode             = "SOFT_FAILURE_TOLERANCE" # or AWS goes by one account at a time where none may fail
    failure_tolerance_percentage = var.failure_tolerance_percentage
    max_concurrent_percentage    = 100
  }

  timeouts {
    create = "3h"
    update = "3h"
    delete = "3h"
  }
}

# One for each Region, so that a Region can be added or taken away without touching the others.
resource "aws_cloudformation_stack_set_instance" "rules" {
  for_each = local.regions
  provider = aws.stack_sets

  stack_set_name = aws_cloudformation_stack_set.spokes["rules"].name
  region         = each.value
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_units
  }

  operation_preferences {
    region_concurrency_type      = "PARALLEL"
    concurrency_mode             = "SOFT_FAILURE_TOLERANCE"
    failure_tolerance_percentage = var.failure_tolerance_percentage
    max_concurrent_percentage    = 100
  }

  timeouts {
    create = "3h"
    update = "3h"
    delete = "3h"
  }

  # The rules' targets name the forwarder role.
  depends_on = [aws_cloudformation_stack_set_instance.roles]
}
