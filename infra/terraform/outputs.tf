output "regions" {
  value       = local.regions
  description = "Every Region that has rules. With management_rules_by = REGION_MODULES, the management account needs the module in region/ once for each."
}

output "hub" {
  value       = aws_cloudformation_stack.hub.outputs
  description = "What the hub's stack gives: BusArn, QueueUrl, DeadLettersUrl, AlarmTopicArn."
}

output "accounts_read_by" {
  value       = local.accounts_read_by
  description = "By what the hub reads the accounts: MANAGEMENT_ACCOUNT, DELEGATED_ADMINISTRATOR, RESOURCE_POLICY or OWN_RESOURCE_POLICY."
}

output "read_accounts_statement" {
  value       = jsonencode(local.read_accounts_statement)
  description = "The statement that a resource policy of yours must have, for accounts_read_by = OWN_RESOURCE_POLICY."
}

output "stack_sets" {
  value       = { for part, set in aws_cloudformation_stack_set.spokes : part => set.name }
  description = "The names of the stack sets, for the roles and for the rules."
}

output "management_rules_stack_set" {
  value       = one(aws_cloudformation_stack_set.management_rules[*].name)
  description = "The name of the stack set with the management account's rules; null with REGION_MODULES."
}

output "service_control_policy_ids" {
  value       = { for name, policy in aws_organizations_policy.protection : name => policy.id }
  description = "Each policy's id by its name, to attach them elsewhere as well."
}

output "service_control_policy_characters" {
  value       = { for name, policy in aws_organizations_policy.protection : name => length(policy.content) }
  description = "Each policy's length by its name."
}

output "management_roles_stack_id" {
  value       = aws_cloudformation_stack.management_roles.id
  description = "The stack with the management account's roles. Rules by the module in region/ come after it."
}
