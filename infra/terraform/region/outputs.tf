output "stack_id" {
  value       = aws_cloudformation_stack.rules.id
  description = "The stack with the Region's rules."
}
