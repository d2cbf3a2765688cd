"""An AWS organization on one machine: moto behind a CloudTrail recorder, and what is deployed into it.

    calls.py             an HTTP request as a call of AWS, and its answer
    identities.py        access keys to the principals that sign with them
    federation.py        tokens to principals, where there is no access key
    trust.py             whether a policy lets a caller in
    gaps/                what moto lacks and ownertag relies on, by service
    records/             what a call of any service leaves in CloudTrail, from the bytes on the wire
    recorder.py          calls to records
    services.py          AWS's own services as callers: what groups and stacks launch, and the roles of instances
    front.py             all of that, in front of moto
    bus.py               EventBridge: records to the hub's queue, by the rules that are deployed
    schedules.py         EventBridge's rules on a schedule
    functions.py         Lambda: the functions that are deployed, found and run in this process
    queue_poller.py      Lambda's event source mapping: a queue to its function
    personas.py          the accounts, and one person or machine for each kind of principal
    organization.py      the organization with its roles, and the AWS config file that leads to the personas
    deployment.py        deploys ownertag
    sandbox.py           starts and stops everything
    console_reporter.py  tells on the console what the function does
    demo_launches.py     the demo: launches, and whether each resource ended up with its tags
    demo_services.py     the demo: creations of other services than EC2
    demo_owners.py       the demo: launches that do not say whose they are, and what `whois` says of them

The sandbox checks no signatures, enforces no policies but trust policies of roles and the organization's own, delivers
at once, and its EC2 is moto's. Policies of buses and queues are not made: moto's CloudFormation leaves them out. Of
what services do for somebody, only the launches of groups and stacks are recorded: not what they terminate, and not a
stack's other resources.
"""
