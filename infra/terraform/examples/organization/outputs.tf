output "hub" {
  value       = module.ownertag.hub
  description = "What the hub's stack gives."
}

output "regions" {
  value       = module.ownertag.regions
  description = "Every Region that has rules."
}
