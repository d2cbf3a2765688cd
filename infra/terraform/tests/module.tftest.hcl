# The module with every provider mocked: what it would ask of AWS, and what it refuses. Nothing is called.

mock_provider "aws" {
  alias = "hub"

  mock_data "aws_caller_identity" {
    defaults = { account_id = "222222222222" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  # A hub that is there: what it has was left by nobody.
  mock_data "aws_dynamodb_tables" {
    defaults = { names = ["ownertag-ledger", "theirs"] }
  }

  mock_data "aws_lambda_functions" {
    defaults = { function_names = ["ownertag"] }
  }
}

mock_provider "aws" {
  alias = "management"

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  # The provider looks at the form of an administration role's.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mocked" }
  }

  mock_data "aws_organizations_organization" {
    defaults = {
      id                            = "o-a1b2c3d4e5"
      aws_service_access_principals = ["member.org.stacksets.cloudformation.amazonaws.com"]
    }
  }

  mock_data "aws_organizations_delegated_administrators" {
    defaults = {
      delegated_administrators = [{
        arn                     = "arn:aws:organizations::111111111111:account/o-a1b2c3d4e5/222222222222"
        delegation_enabled_date = "2026-01-01T00:00:00Z"
        email                   = "security@example.com"
        id                      = "222222222222"
        joined_method           = "CREATED"
        joined_timestamp        = "2026-01-01T00:00:00Z"
        name                    = "security"
        status                  = "ACTIVE"
      }]
    }
  }
}

mock_provider "aws" {
  alias = "stack_sets"

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }
}

variables {
  organization_id       = "o-a1b2c3d4e5"
  management_account_id = "111111111111"
  hub_account_id        = "222222222222"
  home_region           = "eu-central-1"
  regions               = ["ap-southeast-2"]
  organizational_units  = ["ou-ab12-cdef3456", "ou-ab12-zyxw9876"]
  package_bucket        = "packages"
  package_key           = "ownertag/0123.zip"
}

# Each run starts every provider anew, so what the same values give is looked at in one.
run "what_is_asked_of_aws" {
  command = plan

  assert {
    condition     = toset(keys(aws_cloudformation_stack_set_instance.rules)) == toset(["ap-southeast-2", "eu-central-1"])
    error_message = "Rules belong in the named Regions and the home Region."
  }

  assert {
    condition     = alltrue([for region, each in aws_cloudformation_stack_set_instance.rules : each.region == region])
    error_message = "An instance is in another Region than its key says."
  }

  assert {
    condition = alltrue([
      for each in concat([aws_cloudformation_stack_set_instance.roles], values(aws_cloudformation_stack_set_instance.rules)) :
      one(each.deployment_targets).organizational_unit_ids == toset(["ou-ab12-cdef3456", "ou-ab12-zyxw9876"])
    ])
    error_message = "An instance does not reach every unit."
  }

  assert {
    condition     = aws_cloudformation_stack_set_instance.roles.region == "eu-central-1"
    error_message = "IAM is global: the roles belong in one Region."
  }

  assert {
    condition = alltrue([
      for each in values(aws_cloudformation_stack_set_instance.rules) :
      one(each.operation_preferences).region_concurrency_type == "PARALLEL" && one(each.operation_preferences).failure_tolerance_percentage == 0
    ])
    error_message = "Regions go in parallel, and no failure is tolerated unless it is asked for."
  }

  assert {
    condition     = output.regions == toset(["ap-southeast-2", "eu-central-1"])
    error_message = "The output names other Regions than have rules."
  }

  # New accounts come by themselves, and one that leaves keeps nothing of ours.
  assert {
    condition = alltrue([
      for set in values(aws_cloudformation_stack_set.spokes) :
      set.permission_model == "SERVICE_MANAGED" &&
      set.call_as == "SELF" &&
      one(set.auto_deployment).enabled &&
      !one(set.auto_deployment).retain_stacks_on_account_removal &&
      one(set.managed_execution).active &&
      set.capabilities == toset(["CAPABILITY_NAMED_IAM"]) &&
      startswith(set.name, "ownertag-")
    ])
    error_message = "The stack sets are not as they should be."
  }

  assert {
    condition = (
      aws_cloudformation_stack.hub.template_body == file("../hub/template.yaml") &&
      aws_cloudformation_stack_set.spokes["roles"].template_body == file("../spoke_account/template.yaml") &&
      aws_cloudformation_stack_set.spokes["rules"].template_body == file("../spoke_region/template.yaml") &&
      aws_cloudformation_stack.management_roles.template_body == file("../spoke_account/template.yaml")
    )
    error_message = "Another template is deployed than the one in infra/."
  }

  assert {
    condition = { for name, each in aws_organizations_policy.protection : name => jsonencode(jsondecode(each.content)) } == {
      for file in fileset("../management", "service_control_policy*.json") :
      replace(trimsuffix(file, ".json"), "service_control_policy", "ownertag") => jsonencode(jsondecode(file("../management/${file}")))
    }
    error_message = "Other policies are made than those in infra/."
  }

  assert {
    condition     = alltrue([for each in values(aws_organizations_policy.protection) : length(each.content) <= 5120]) && length(aws_organizations_policy.protection["ownertag"].content) < length(file("../management/service_control_policy.json"))
    error_message = "AWS counts every character of a policy."
  }

  assert {
    condition     = length(aws_organizations_policy_attachment.protection) == 0
    error_message = "Nobody asked for it."
  }

  assert {
    condition     = output.accounts_read_by == "DELEGATED_ADMINISTRATOR" && length(aws_cloudformation_stack.read_accounts) == 0
    error_message = "A delegated administrator reads the accounts without a policy."
  }
}

run "the_management_accounts_rules_are_a_stack_set_of_its_own_in_every_region" {
  command = plan

  assert {
    condition     = one(aws_cloudformation_stack_set.management_rules).permission_model == "SELF_MANAGED" && one(aws_cloudformation_stack_set.management_rules).execution_role_name == "ownertag-stack-set-execution" && one(aws_cloudformation_stack_set.management_rules).template_body == file("../spoke_region/template.yaml")
    error_message = "StackSets manages no permissions within the management account: the roles are ours."
  }

  assert {
    condition     = { for region, each in aws_cloudformation_stack_set_instance.management_rules : region => each.account_id } == { "ap-southeast-2" = "111111111111", "eu-central-1" = "111111111111" }
    error_message = "Every Region of the management account has rules, and no other account gets them by this stack set."
  }

  # Who may use a role, and for what, is the whole of the difference between a few rules and the account.
  assert {
    condition     = jsondecode(one(aws_iam_role.administration).assume_role_policy).Statement[0].Condition.StringLike["aws:SourceArn"] == "arn:aws:cloudformation:*:111111111111:stackset/ownertag-management-region:*"
    error_message = "Another stack set could use the administration role."
  }

  assert {
    condition     = output.management_rules_stack_set == "ownertag-management-region"
    error_message = "The output names another stack set."
  }
}

run "without_the_two_roles_the_rules_are_left_to_the_module_for_a_region" {
  command = plan

  variables {
    management_rules_by = "REGION_MODULES"
  }

  assert {
    condition     = length(concat(aws_iam_role.administration, aws_iam_role.execution)) == 0 && length(aws_cloudformation_stack_set.management_rules) == 0 && length(aws_cloudformation_stack_set_instance.management_rules) == 0
    error_message = "Neither roles nor a stack set are made where they are not asked for."
  }

  assert {
    condition     = output.management_rules_stack_set == null
    error_message = "The output names a stack set that is not there."
  }
}

run "the_policy_is_attached_to_each_unit_that_is_named" {
  # Applied, because the policy's id is known by then only.

  variables {
    protected_organizational_units = ["ou-ab12-cdef3456", "r-ab12"]
  }

  assert {
    condition = toset([for each in values(aws_organizations_policy_attachment.protection) : "${each.policy_id} ${each.target_id}"]) == toset(flatten([
      for policy in values(aws_organizations_policy.protection) : [for unit in ["ou-ab12-cdef3456", "r-ab12"] : "${policy.id} ${unit}"]
    ]))
    error_message = "Not every policy is attached to each of the units that were named."
  }

  # An upgrade from one policy must not take its attachments off and put them on again.
  assert {
    condition = toset(keys(aws_organizations_policy_attachment.protection)) == toset(flatten([
      for name in keys(aws_organizations_policy.protection) : [for unit in ["ou-ab12-cdef3456", "r-ab12"] : name == "ownertag" ? unit : "${unit} ${name}"]
    ]))
    error_message = "The first policy's attachments have other keys than when there was one."
  }

  assert {
    condition     = alltrue([for each in values(aws_organizations_policy_attachment.protection) : contains([for policy in values(aws_organizations_policy.protection) : policy.id], each.policy_id)])
    error_message = "Another policy is attached."
  }

  assert {
    condition     = alltrue([for each in values(aws_organizations_policy.protection) : each.type == "SERVICE_CONTROL_POLICY"])
    error_message = "One is no service control policy."
  }
}

run "policies_of_ones_own_take_the_place_of_the_files_and_no_region_must_be_named" {
  command = plan

  variables {
    regions                  = []
    service_control_policies = { ownertag = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": []\n}" }
  }

  assert {
    condition     = one(values(aws_organizations_policy.protection)).content == "{\"Statement\":[],\"Version\":\"2012-10-17\"}"
    error_message = "The given policy is not the one that is made."
  }

  assert {
    condition     = toset(keys(aws_cloudformation_stack_set_instance.rules)) == toset(["eu-central-1"])
    error_message = "The home Region has rules whatever is named."
  }
}

run "a_delegated_administrator_calls_as_one" {
  command = plan

  providers = {
    aws.hub        = aws.hub
    aws.management = aws.management
    aws.stack_sets = aws.hub
  }

  variables {
    call_as = "DELEGATED_ADMIN"
  }

  assert {
    condition = alltrue([
      for each in concat([aws_cloudformation_stack_set_instance.roles], values(aws_cloudformation_stack_set_instance.rules), values(aws_cloudformation_stack_set.spokes)) :
      each.call_as == "DELEGATED_ADMIN"
    ])
    error_message = "A call would be made as the management account."
  }
}

# --- what the hub reads the accounts by

run "a_hub_that_is_no_delegated_administrator_is_refused" {
  command = plan

  override_data {
    target = data.aws_organizations_delegated_administrators.this
    values = { delegated_administrators = [] }
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_hub_that_is_none_reads_them_by_a_policy_that_the_module_makes" {
  command = plan

  override_data {
    target = data.aws_organizations_delegated_administrators.this
    values = { delegated_administrators = [] }
  }

  variables {
    accounts_read_by = "RESOURCE_POLICY"
  }

  assert {
    condition     = output.accounts_read_by == "RESOURCE_POLICY"
    error_message = "The output says otherwise."
  }

  assert {
    condition     = yamldecode(one(aws_cloudformation_stack.read_accounts).template_body).Resources.ReadAccounts.Properties.Content.Statement[0].Principal.AWS == "arn:aws:iam::222222222222:root"
    error_message = "The policy lets another than the hub read the accounts."
  }
}

run "a_policy_of_ones_own_is_left_alone" {
  command = plan

  override_data {
    target = data.aws_organizations_delegated_administrators.this
    values = { delegated_administrators = [] }
  }

  variables {
    accounts_read_by = "OWN_RESOURCE_POLICY"
  }

  assert {
    condition     = output.accounts_read_by == "OWN_RESOURCE_POLICY" && length(aws_cloudformation_stack.read_accounts) == 0
    error_message = "The organization's policy would be touched."
  }

  assert {
    condition     = toset(jsondecode(output.read_accounts_statement).Action) == toset(["organizations:DescribeAccount", "organizations:ListAccounts", "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent", "organizations:ListParents", "organizations:ListTagsForResource"])
    error_message = "The statement that is told lets the hub do something else."
  }
}

# --- what a destroyed hub left

run "what_a_destroyed_hub_left_is_told" {
  command = plan

  override_data {
    target = data.aws_sqs_queues.left
    values = { queue_urls = ["https://sqs.eu-central-1.amazonaws.com/222222222222/ownertag-dead-letters"] }
  }

  override_data {
    target = data.aws_lambda_functions.hub
    values = { function_names = [] }
  }

  assert {
    condition     = toset(local.left_of_a_hub) == toset(["the queue ownertag-dead-letters", "the table ownertag-ledger"])
    error_message = "Something else is told."
  }

  expect_failures = [check.left_of_a_hub]
}

# --- what is refused, before anything is changed

run "templates_for_another_organization_are_refused" {
  command = plan

  # Everything else is in that organization.
  override_data {
    target = data.aws_organizations_organization.this
    values = {
      id                            = "o-zzzzzzzzzz"
      aws_service_access_principals = ["member.org.stacksets.cloudformation.amazonaws.com"]
    }
  }

  variables {
    organization_id = "o-zzzzzzzzzz"
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "templates_for_another_hub_are_refused" {
  command = plan

  override_data {
    target = data.aws_caller_identity.hub
    values = { account_id = "333333333333" }
  }

  variables {
    hub_account_id = "333333333333"
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_provider_in_another_organization_is_refused_and_missing_trusted_access_told" {
  command = plan

  override_data {
    target = data.aws_organizations_organization.this
    values = {
      id                            = "o-zzzzzzzzzz"
      aws_service_access_principals = []
    }
  }

  expect_failures = [aws_cloudformation_stack.hub, check.trusted_access]
}

run "a_hub_provider_in_another_account_is_refused" {
  command = plan

  override_data {
    target = data.aws_caller_identity.hub
    values = { account_id = "333333333333" }
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_hub_provider_in_another_region_is_refused" {
  command = plan

  override_data {
    target = data.aws_region.hub
    values = { name = "eu-west-1" }
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_management_provider_in_another_account_is_refused" {
  command = plan

  override_data {
    target = data.aws_caller_identity.management
    values = { account_id = "333333333333" }
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_delegated_administrator_that_is_the_management_account_is_refused" {
  command = plan

  variables {
    call_as = "DELEGATED_ADMIN"
  }

  expect_failures = [aws_cloudformation_stack.hub]
}

run "a_policy_that_aws_would_not_take_is_refused" {
  command = plan

  variables {
    service_control_policies = { ownertag = jsonencode({ Version = "2012-10-17", Statement = [for number in range(200) : { Sid = "Statement${number}", Effect = "Deny" }] }) }
  }

  expect_failures = [aws_organizations_policy.protection]
}

run "what_is_no_value_is_refused" {
  command = plan

  variables {
    organization_id                = "a1b2c3d4e5"
    management_account_id          = "11111111111"
    hub_account_id                 = "hub"
    home_region                    = "Frankfurt"
    regions                        = ["eu-central-1", "everywhere"]
    organizational_units           = ["workloads"]
    protected_organizational_units = ["222222222222"]
    service_control_policies       = { ownertag = "deny everything" }
    package_bucket                 = "s3://packages"
    package_key                    = ""
    alarm_email                    = "nobody"
    maximum_concurrency            = 1
    accounts_read_by               = "ANYBODY"
    call_as                        = "ROOT"
    failure_tolerance_percentage   = 101
  }

  expect_failures = [
    var.organization_id,
    var.management_account_id,
    var.hub_account_id,
    var.home_region,
    var.regions,
    var.organizational_units,
    var.protected_organizational_units,
    var.service_control_policies,
    var.package_bucket,
    var.package_key,
    var.alarm_email,
    var.maximum_concurrency,
    var.accounts_read_by,
    var.call_as,
    var.failure_tolerance_percentage,
  ]
}

run "no_unit_at_all_and_another_partition_are_refused" {
  command = plan

  variables {
    organizational_units = []
    regions              = ["us-gov-west-1"]
  }

  expect_failures = [var.organizational_units, var.regions]
}
