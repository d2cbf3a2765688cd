# The service control policy: members can't remove or forge the tags. Attached last, and taken off first: before the
# taggers work it only takes tags away from people.

locals {
  service_control_policy = coalesce(
    var.service_control_policy,
    file("${local.templates}/management/service_control_policy.json"),
  )
}

resource "aws_organizations_policy" "protection" {
  provider = aws.management

  name        = "ownertag"
  description = "Keeps the owner tags, and what writes them, from being removed or forged."
  type        = "SERVICE_CONTROL_POLICY"
  # AWS counts every character, so without spaces.
  content = jsonencode(jsondecode(local.service_control_policy))

  lifecycle {
    precondition {
      condition     = length(jsonencode(jsondecode(local.service_control_policy))) <= 5120
      error_message = "The policy has ${length(jsonencode(jsondecode(local.service_control_policy)))} characters, and AWS takes 5,120: name fewer break-glass roles, or protect fewer keys."
    }
  }

  depends_on = [aws_cloudformation_stack.hub]
}

resource "aws_organizations_policy_attachment" "protection" {
  for_each = var.protected_organizational_units
  provider = aws.management

  policy_id = aws_organizations_policy.protection.id
  target_id = each.value

  depends_on = [aws_cloudformation_stack_set_instance.rules]
}
