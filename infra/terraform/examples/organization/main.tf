# An organization: the hub in the security account, every account of some units, the management account, the policy.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# The profiles are yours. A provider refuses to work in another account than the one it is meant for.
provider "aws" {
  alias               = "hub"
  profile             = "security"
  region              = var.home_region
  allowed_account_ids = [var.hub_account_id]
}

provider "aws" {
  alias               = "management"
  profile             = "management"
  region              = var.home_region
  allowed_account_ids = [var.management_account_id]
}

# `ownertag package` wrote it. A new package is a new key, by which CloudFormation knows that there is a new one.
resource "aws_s3_object" "package" {
  provider = aws.hub

  bucket = var.package_bucket
  key    = "ownertag/${filesha256(var.package)}.zip"
  source = var.package
}

module "ownertag" {
  source = "../.."

  providers = {
    aws.hub        = aws.hub
    aws.management = aws.management
    aws.stack_sets = aws.management # aws.hub, with call_as = "DELEGATED_ADMIN", if the hub administers stack sets
  }

  organization_id                = var.organization_id
  management_account_id          = var.management_account_id
  hub_account_id                 = var.hub_account_id
  home_region                    = var.home_region
  regions                        = var.regions
  organizational_units           = var.organizational_units
  protected_organizational_units = var.protected_organizational_units
  templates_folder               = var.templates_folder
  package_bucket                 = aws_s3_object.package.bucket
  package_key                    = aws_s3_object.package.key
  alarm_email                    = var.alarm_email
  accounts_read_by               = var.accounts_read_by
}
