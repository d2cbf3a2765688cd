# What the hub needs to read the organization's accounts: without it an account is unknown, and what is created there is
# not tagged. A delegated administrator of any service may read them, and others by the organization's resource policy.

locals {
  read_accounts_template  = file("${local.templates}/management/read_accounts.yaml")
  read_accounts_statement = yamldecode(local.read_accounts_template).Resources.ReadAccounts.Properties.Content.Statement[0]

  delegated_administrators = [for each in data.aws_organizations_delegated_administrators.this.delegated_administrators : each.id]

  # Null where nothing lets it.
  accounts_read_by = (
    var.hub_account_id == var.management_account_id ? "MANAGEMENT_ACCOUNT" :
    var.accounts_read_by != "DELEGATED_ADMINISTRATOR" ? var.accounts_read_by :
    contains(local.delegated_administrators, var.hub_account_id) ? "DELEGATED_ADMINISTRATOR" : null
  )
}

data "aws_organizations_delegated_administrators" "this" {
  provider = aws.management
}

# An organization has one resource policy. The provider's own resource would replace what is there without a word;
# CloudFormation refuses: "There is already a ResourcePolicy in the Organization!" (seen in its handler's source).
resource "aws_cloudformation_stack" "read_accounts" {
  count    = local.accounts_read_by == "RESOURCE_POLICY" ? 1 : 0
  provider = aws.management

  name          = "ownertag-read-accounts"
  template_body = local.read_accounts_template
}

# What a destroyed hub left. CloudFormation creates nothing that is there, and Terraform's stacks import nothing.

data "aws_sqs_queues" "left" {
  provider          = aws.hub
  queue_name_prefix = "ownertag-dead-letters"
}

data "aws_cloudwatch_log_groups" "left" {
  provider              = aws.hub
  log_group_name_prefix = "/aws/lambda/ownertag"
}

data "aws_dynamodb_tables" "left" {
  provider = aws.hub
}

data "aws_lambda_functions" "hub" {
  provider = aws.hub
}

locals {
  left_of_a_hub = concat(
    [for url in data.aws_sqs_queues.left.queue_urls : "the queue ownertag-dead-letters" if endswith(url, "/ownertag-dead-letters")],
    [for name in data.aws_cloudwatch_log_groups.left.log_group_names : "the log group ${name}" if name == "/aws/lambda/ownertag"],
    [for name in coalesce(data.aws_dynamodb_tables.left.names, []) : "the table ${name}" if name == "ownertag-ledger"],
  )
}

# A warning only: a stack that has taken them over looks the same until it has its function.
check "left_of_a_hub" {
  assert {
    condition     = length(local.left_of_a_hub) == 0 || contains(coalesce(data.aws_lambda_functions.hub.function_names, []), "ownertag")
    error_message = "An earlier hub left ${join(", ", local.left_of_a_hub)}, and there is no hub now: CloudFormation can't create them. Take them over with ${local.templates}/hub/retained.yaml before you apply: the module's README says how. If you have, all is well."
  }
}
