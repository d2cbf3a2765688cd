variable "organization_id" {
  type        = string
  description = "The organization's id. The templates must have been rendered for it."

  validation {
    condition     = can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "An organization's id is o- and 10 to 32 small letters and digits."
  }
}

variable "management_account_id" {
  type        = string
  description = "The organization's management account. Stack sets never reach it, so it gets a stack of its own."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.management_account_id))
    error_message = "An account's id is twelve digits; in quotation marks, or a leading zero is lost."
  }
}

variable "hub_account_id" {
  type        = string
  description = "The security account, which runs the hub. The templates must have been rendered for it."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.hub_account_id))
    error_message = "An account's id is twelve digits; in quotation marks, or a leading zero is lost."
  }
}

variable "home_region" {
  type        = string
  description = "The Region of the hub's bus, queue and function. The templates must have been rendered for it."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.home_region))
    error_message = "A Region is written like eu-central-1."
  }
}

variable "regions" {
  type        = set(string)
  description = "The Regions whose creations are tagged. The home Region is always added."

  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "A Region is written like eu-central-1."
  }

  validation {
    # A stack set is of one partition.
    condition     = alltrue([for region in var.regions : !can(regex("^(cn|us-gov|us-iso[a-z]?|eu-isoe)-", region))])
    error_message = "This module deploys to the aws partition; a Region of another partition can't be in the same stack set."
  }
}

variable "organizational_units" {
  type        = set(string)
  description = "The units whose accounts are tagged, new accounts too; the root's id means every account."

  validation {
    condition     = length(var.organizational_units) > 0
    error_message = "Name at least one unit, or the root."
  }

  validation {
    condition = alltrue([
      for unit in var.organizational_units : can(regex("^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$", unit))
    ])
    error_message = "A unit's id is written like ou-ab12-cdef3456, the root's like r-ab12."
  }
}

variable "protected_organizational_units" {
  type        = set(string)
  description = "The units in which the policy keeps members from removing or forging the tags. Begin with none."
  default     = []

  validation {
    condition = alltrue([
      for unit in var.protected_organizational_units : can(regex("^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$", unit))
    ])
    error_message = "A unit's id is written like ou-ab12-cdef3456, the root's like r-ab12."
  }
}

variable "service_control_policies" {
  type        = map(string)
  description = "The policies as JSON by name, `ownertag` first; left out, the files among the templates."
  default     = null

  validation {
    condition     = var.service_control_policies == null || alltrue([for policy in values(coalesce(var.service_control_policies, {})) : can(jsondecode(policy).Statement)])
    error_message = "One is no policy in JSON: give each of those that `ownertag render scp` prints."
  }
}

variable "service_control_policy_size" {
  description = "How many characters AWS takes in a policy: 5,120, or 10,240 where the organization's quota is that."
  type        = number
  default     = 5120
  nullable    = false
}

variable "templates_folder" {
  type        = string
  description = "Where `ownertag render infra --output-dir` wrote the templates; left out, the folder that this module lies in."
  default     = null
}

variable "package_bucket" {
  type        = string
  description = "The bucket, in the hub account's home Region, that holds the function's package."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.package_bucket))
    error_message = "A bucket's name has 3 to 63 small letters, digits, dots and hyphens."
  }
}

variable "package_key" {
  type        = string
  description = "The package's key in that bucket. Name it by its hash: CloudFormation looks at the key, not at the bytes."

  validation {
    condition     = length(var.package_key) > 0
    error_message = "Name the package's key."
  }
}

variable "alarm_email" {
  type        = string
  description = "Who is told of alarms by mail; left out, subscribe to the topic yourself."
  default     = ""

  validation {
    condition     = can(regex("^$|^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "This is no mail address."
  }
}

variable "maximum_concurrency" {
  type        = number
  description = "How many of the function run at once, 2 to 1,000."
  default     = 5

  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000 && floor(var.maximum_concurrency) == var.maximum_concurrency
    error_message = "Lambda takes a whole number from 2 to 1,000."
  }
}

variable "accounts_read_by" {
  type        = string
  description = "By what the hub may read the accounts: DELEGATED_ADMINISTRATOR, which is checked; RESOURCE_POLICY, which the module makes where the organization has none; OWN_RESOURCE_POLICY, where yours has the statement."
  default     = "DELEGATED_ADMINISTRATOR"

  validation {
    condition     = contains(["DELEGATED_ADMINISTRATOR", "RESOURCE_POLICY", "OWN_RESOURCE_POLICY"], var.accounts_read_by)
    error_message = "One of DELEGATED_ADMINISTRATOR, RESOURCE_POLICY and OWN_RESOURCE_POLICY."
  }
}

variable "management_rules_by" {
  type        = string
  description = "What makes the management account's rules: STACK_SET, for every Region at once, with two roles of its own; REGION_MODULES, a block of the module in region/ for each Region."
  default     = "STACK_SET"

  validation {
    condition     = contains(["STACK_SET", "REGION_MODULES"], var.management_rules_by)
    error_message = "Either STACK_SET or REGION_MODULES."
  }
}

variable "call_as" {
  type        = string
  description = "SELF if aws.stack_sets is the management account, DELEGATED_ADMIN if it is a delegated administrator."
  default     = "SELF"

  validation {
    condition     = contains(["SELF", "DELEGATED_ADMIN"], var.call_as)
    error_message = "Either SELF or DELEGATED_ADMIN."
  }
}

variable "failure_tolerance_percentage" {
  type        = number
  description = "The share of accounts that may fail in a Region before the rest of it is left out. Below it, an apply that missed accounts ends as if all were well."
  default     = 0

  validation {
    condition     = var.failure_tolerance_percentage >= 0 && var.failure_tolerance_percentage <= 100 && floor(var.failure_tolerance_percentage) == var.failure_tolerance_percentage
    error_message = "A whole number from 0 to 100."
  }
}
