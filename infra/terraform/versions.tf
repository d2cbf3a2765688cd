terraform {
  required_version = ">= 1.7" # mocked providers, in the tests

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"

      # A resource's provider can't be chosen by a variable, so the caller says who does what.
      configuration_aliases = [
        aws.hub,        # the hub account, in the home Region
        aws.management, # the management account, in any Region
        aws.stack_sets, # who owns the stack sets: the management account or a delegated administrator
      ]
    }
  }
}
