# One account that is hub and spoke at once, to try ownertag on AWS without touching another account. It must be a member
# of the organization that the templates were rendered for: the policies admit nobody else. And it must be allowed to read
# the organization's accounts, or nothing is tagged: as a delegated administrator of any service, or by a resource policy,
# which the management account makes (the output read_accounts has the command).

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  profile             = var.profile
  region              = var.home_region
  allowed_account_ids = [var.account_id]
}

provider "aws" {
  alias               = "us_east_1"
  profile             = var.profile
  region              = "us-east-1"
  allowed_account_ids = [var.account_id]
}

provider "aws" {
  alias               = "us_west_2"
  profile             = var.profile
  region              = "us-west-2"
  allowed_account_ids = [var.account_id]
}

locals {
  hub_template   = file("${var.templates_folder}/hub/template.yaml")
  roles_template = file("${var.templates_folder}/spoke_account/template.yaml")
}

# `ownertag package` wrote it. A new package is a new key, by which CloudFormation knows that there is a new one.
resource "aws_s3_object" "package" {
  bucket = var.package_bucket
  key    = "ownertag/${filesha256(var.package)}.zip"
  source = var.package
}

resource "aws_cloudformation_stack" "hub" {
  name          = "ownertag-hub"
  template_body = local.hub_template
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    PackageBucket = aws_s3_object.package.bucket
    PackageKey    = aws_s3_object.package.key
    AlarmEmail    = var.alarm_email
  }

  lifecycle {
    precondition {
      condition     = strcontains(local.hub_template, ":events:${var.home_region}:${var.account_id}:event-bus/ownertag")
      error_message = "The templates in ${var.templates_folder} were rendered for another hub than ${var.account_id} in ${var.home_region}: run `ownertag render infra` with settings that name it."
    }
  }
}

# After the hub: without its bus, the rules' events would end in their dead-letter queues.
resource "aws_cloudformation_stack" "roles" {
  name          = "ownertag-spoke-account"
  template_body = local.roles_template
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [aws_cloudformation_stack.hub]
}

# After the roles: the rules' targets name the forwarder role.
module "rules_home" {
  source           = "../../region"
  templates_folder = var.templates_folder

  depends_on = [aws_cloudformation_stack.roles]
}

module "rules_us_east_1" {
  source           = "../../region"
  providers        = { aws = aws.us_east_1 }
  templates_folder = var.templates_folder

  depends_on = [aws_cloudformation_stack.roles]
}

module "rules_us_west_2" {
  source           = "../../region"
  providers        = { aws = aws.us_west_2 }
  templates_folder = var.templates_folder

  depends_on = [aws_cloudformation_stack.roles]
}
