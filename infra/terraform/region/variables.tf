variable "templates_folder" {
  type        = string
  description = "Where `ownertag render infra --output-dir` wrote the templates; left out, the folder that this module lies in."
  default     = null
}
