variable "organization_id" {
  type        = string
  description = "The organization's id, o-..."
}

variable "management_account_id" {
  type        = string
  description = "The management account."
}

variable "hub_account_id" {
  type        = string
  description = "The security account."
}

variable "home_region" {
  type        = string
  description = "The hub's Region. This example is for another one than us-east-1 and us-west-2, which have blocks of their own."

  validation {
    condition     = !contains(["us-east-1", "us-west-2"], var.home_region)
    error_message = "With a home Region of us-east-1 or us-west-2, take the module block management_home out."
  }
}

variable "organizational_units" {
  type        = set(string)
  description = "The units whose accounts are tagged. The security account's own unit is one of them."
}

variable "protected_organizational_units" {
  type        = set(string)
  description = "The units that the policy is attached to. None at first."
  default     = []
}

variable "templates_folder" {
  type        = string
  description = "Where `ownertag render infra --output-dir` wrote the templates for your organization."
}

variable "package" {
  type        = string
  description = "The function's package, as `make package` wrote it."
}

variable "package_bucket" {
  type        = string
  description = "A bucket of the security account in the home Region."
}

variable "alarm_email" {
  type        = string
  description = "Who is told of alarms."
  default     = ""
}

variable "accounts_read_by" {
  type        = string
  description = "By what the hub may read the accounts: see the module's input of this name."
  default     = "DELEGATED_ADMINISTRATOR"
}
