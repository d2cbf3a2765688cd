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
  description = "The hub's Region."
}

variable "regions" {
  type        = set(string)
  description = "The Regions whose creations are tagged; the home Region is one of them in any case."
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
  description = "The function's package, as `ownertag package` wrote it."
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
