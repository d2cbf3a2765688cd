# The service control policy: members can't remove or forge the tags. Attached last, and taken off first: before the
# taggers work it only takes tags away from people.

locals {
  # As many as the statements need: service_control_policy.json is "ownertag", service_control_policy-2.json "ownertag-2" and so on.
  rendered_policies = {
    for name in fileset("${local.templates}/management", "service_control_policy{,-[2-9]}.json") :
    replace(trimsuffix(name, ".json"), "service_control_policy", "ownertag") => file("${local.templates}/management/${name}")
  }
  service_control_policies = var.service_control_policies == null ? local.rendered_policies : var.service_control_policies
  # The first policy's attachments keep the keys that they had when there was one policy.
  policy_attachments = merge([
    for name in keys(local.service_control_policies) : {
      for unit in var.protected_organizational_units :
      (name == "ownertag" ? unit : "${unit} ${name}") => { policy = name, unit = unit }
    }
  ]...)
}

moved {
  from = aws_organizations_policy.protection
  to   = aws_organizations_policy.protection["ownertag"]
}

resource "aws_organizations_policy" "protection" {
  for_each = local.service_control_policies
  provider = aws.management

  name        = each.key
  description = "Keeps the owner tags, and what writes them, from being removed or forged."
  type        = "SERVICE_CONTROL_POLICY"
  # AWS counts every character, so without spaces.
  content = jsonencode(jsondecode(each.value))

  lifecycle {
    precondition {
      condition     = length(jsonencode(jsondecode(each.value))) <= var.service_control_policy_size
      error_message = "Policy ${each.key} has ${length(jsonencode(jsondecode(each.value)))} characters, and AWS takes ${var.service_control_policy_size}: name fewer break-glass roles, or protect fewer keys."
    }
  }

  depends_on = [aws_cloudformation_stack.hub]
}

resource "aws_organizations_policy_attachment" "protection" {
  for_each = local.policy_attachments
  provider = aws.management

  policy_id = aws_organizations_policy.protection[each.value.policy].id
  target_id = each.value.unit

  depends_on = [aws_cloudformation_stack_set_instance.rules]
}
