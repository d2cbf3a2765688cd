output "hub" {
  value       = aws_cloudformation_stack.hub.outputs
  description = "What the hub's stack gives: BusArn, QueueUrl, DeadLettersUrl, AlarmTopicArn."
}
