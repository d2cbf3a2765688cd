# The hub comes before everything: what a rule sends to a bus that is not there ends in the rule's dead-letter queue.
# All that could be mixed up is checked here, so that a mistake is told before anything is changed.
resource "aws_cloudformation_stack" "hub" {
  provider = aws.hub

  name          = "ownertag-hub"
  template_body = local.hub_template
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    PackageBucket      = var.package_bucket
    PackageKey         = var.package_key
    AlarmEmail         = var.alarm_email
    MaximumConcurrency = tostring(var.maximum_concurrency)
  }

  # It reads the accounts from the first minute on.
  depends_on = [aws_cloudformation_stack.read_accounts]

  lifecycle {
    precondition {
      condition     = local.accounts_read_by != null
      error_message = "Nothing would be tagged: the hub ${var.hub_account_id} may not read the organization's accounts, since it is no delegated administrator of any service. If `aws organizations describe-resource-policy` says that there is none, set accounts_read_by = \"RESOURCE_POLICY\", and the module makes one. Otherwise add the statement in ${local.templates}/management/read_accounts.yaml to yours, and set accounts_read_by = \"OWN_RESOURCE_POLICY\"."
    }

    precondition {
      condition     = strcontains(local.hub_template, "\"aws:PrincipalOrgID\": \"${var.organization_id}\"")
      error_message = "The templates in ${local.templates} were rendered for another organization than ${var.organization_id}: run `ownertag render infra` with your settings."
    }

    precondition {
      condition     = strcontains(local.rules_template, ":events:${var.home_region}:${var.hub_account_id}:event-bus/ownertag")
      error_message = "The templates in ${local.templates} were rendered for another hub than ${var.hub_account_id} in ${var.home_region}: run `ownertag render infra` with your settings."
    }

    precondition {
      condition     = max(values(local.template_bytes)...) <= 51200
      error_message = "AWS takes 51,200 bytes of a template, and those in ${local.templates} have ${join(", ", [for name, bytes in local.template_bytes : "${bytes} (${name})"])}: protect fewer or shorter keys, or deploy with `ownertag deploy`, which gives long templates by S3."
    }

    precondition {
      condition     = data.aws_organizations_organization.this.id == var.organization_id
      error_message = "aws.management is in organization ${data.aws_organizations_organization.this.id}, not in ${var.organization_id}."
    }

    precondition {
      condition     = data.aws_caller_identity.hub.account_id == var.hub_account_id
      error_message = "aws.hub is account ${data.aws_caller_identity.hub.account_id}, not ${var.hub_account_id}."
    }

    precondition {
      condition     = data.aws_region.hub.name == var.home_region
      error_message = "aws.hub is in ${data.aws_region.hub.name}, not in ${var.home_region}."
    }

    precondition {
      condition     = data.aws_caller_identity.management.account_id == var.management_account_id
      error_message = "aws.management is account ${data.aws_caller_identity.management.account_id}, not ${var.management_account_id}."
    }

    precondition {
      condition     = (data.aws_caller_identity.stack_sets.account_id == var.management_account_id) == (var.call_as == "SELF")
      error_message = "aws.stack_sets is account ${data.aws_caller_identity.stack_sets.account_id}, which does not go with call_as = ${var.call_as}: SELF is the management account, DELEGATED_ADMIN another."
    }
  }
}
