# What every part of the module shares: the templates, the Regions, and who the callers are.

locals {
  templates = coalesce(var.templates_folder, "${path.module}/..")

  hub_template   = file("${local.templates}/hub/template.yaml")
  roles_template = file("${local.templates}/spoke_account/template.yaml")
  rules_template = file("${local.templates}/spoke_region/template.yaml")

  # AWS takes 51,200 bytes of a template in a call (doc: CloudFormation quotas). length() counts characters, so by base64.
  template_bytes = {
    for name in ["hub", "spoke_account", "spoke_region"] :
    name => floor(length(replace(filebase64("${local.templates}/${name}/template.yaml"), "=", "")) * 3 / 4)
  }

  # The home Region may not be left out by mistake.
  regions = setunion(var.regions, [var.home_region])
}

data "aws_caller_identity" "hub" {
  provider = aws.hub
}

data "aws_region" "hub" {
  provider = aws.hub
}

data "aws_caller_identity" "management" {
  provider = aws.management
}

data "aws_caller_identity" "stack_sets" {
  provider = aws.stack_sets
}

data "aws_organizations_organization" "this" {
  provider = aws.management
}

# A warning only: what AWS lists here differs by how the access was activated.
check "trusted_access" {
  assert {
    condition = contains(
      coalesce(data.aws_organizations_organization.this.aws_service_access_principals, []),
      "member.org.stacksets.cloudformation.amazonaws.com",
    )
    error_message = "StackSets has no trusted access to the organization: `aws cloudformation activate-organizations-access`, once, as the management account."
  }
}
