output "hub" {
  value       = aws_cloudformation_stack.hub.outputs
  description = "What the hub's stack gives: BusArn, QueueUrl, DeadLettersUrl, AlarmTopicArn."
}

output "read_accounts" {
  value       = "aws cloudformation deploy --stack-name ownertag-read-accounts --template-file ${var.templates_folder}/management/read_accounts.yaml"
  description = "For the management account, once, unless this account is a delegated administrator: without it nothing is tagged. It is refused where the organization has a resource policy; add the statement to that one then."
}
