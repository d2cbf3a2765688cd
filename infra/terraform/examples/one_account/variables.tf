variable "account_id" {
  type        = string
  description = "The account; `hub_account` in the settings that the templates were rendered with."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's id is twelve digits; in quotation marks, or a leading zero is lost."
  }
}

variable "profile" {
  type        = string
  description = "The profile of the AWS config file that leads to the account."
}

variable "home_region" {
  type        = string
  description = "The hub's Region. This example is for another one than us-east-1 and us-west-2, which have blocks of their own."

  validation {
    condition     = !contains(["us-east-1", "us-west-2"], var.home_region)
    error_message = "With a home Region of us-east-1 or us-west-2, take the module block rules_home out."
  }
}

variable "templates_folder" {
  type        = string
  description = "Where `ownertag render infra --output-dir` wrote the templates."
}

variable "package" {
  type        = string
  description = "The function's package, as `ownertag package` wrote it."
}

variable "package_bucket" {
  type        = string
  description = "A bucket of the account in the home Region."
}

variable "alarm_email" {
  type        = string
  description = "Who is told of alarms."
  default     = ""
}
