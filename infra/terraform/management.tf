# The management account, which service-managed stack sets never reach. Its rules are a stack in every Region, and each
# Region needs a provider of its own in 5.x: the caller makes them with the module in region/.
resource "aws_cloudformation_stack" "management_roles" {
  provider = aws.management

  name          = "ownertag-spoke-account"
  template_body = local.roles_template
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [aws_cloudformation_stack.hub]
}
