# ownertag's rules in one Region of an account that no stack set reaches: an only account, or the management account where
# the module may not make the roles for a stack set there.
# One module block for each Region, since a provider of 5.x is bound to its Region and Terraform can't loop over providers.
resource "aws_cloudformation_stack" "rules" {
  name          = "ownertag-spoke-region"
  template_body = file("${coalesce(var.templates_folder, "${path.module}/../..")}/spoke_region/template.yaml")
}
