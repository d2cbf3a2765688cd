output "hub" {
  value       = module.ownertag.hub
  description = "What the hub's stack gives."
}

output "accounts_read_by" {
  value       = module.ownertag.accounts_read_by
  description = "By what the hub reads the organization's accounts."
}

output "regions" {
  value       = module.ownertag.regions
  description = "Every Region that has rules."
}
