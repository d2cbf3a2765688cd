"""An AWS organization on one machine: moto behind a CloudTrail recorder, and what is deployed into it.

    calls.py          an HTTP request as a call of AWS, and its answer
    identities.py     access keys to who acts
    federation.py     tokens to who acts, where there is no access key
    trust.py          whether a policy lets somebody in
    gaps/             what moto lacks and we rely on, by service
    cloudtrail.py     requests and answers in the form that CloudTrail writes
    recorder.py       calls to records
    services.py       AWS's own services as callers: what groups and stacks launch, and the roles of instances
    front.py          all of that, in front of moto
    bus.py            records to the hub's queue, by the rules that are deployed, as EventBridge delivers them
    functions.py      the functions that are deployed, found and run in this process
    event_source.py   a queue to its function, as Lambda does
    organization.py   accounts, roles and personas, and the AWS config file that leads to them
    settings.py       the settings that ownertag is deployed with
    deployment.py     ownertag deployed
    sandbox.py        everything started and stopped
    tour.py           the demo: launches, and whether each resource ended up with its tags
    night.py          the demo: launches that do not say whose they are, and what `whois` says of them

What it is not: it checks no signatures and enforces no policies but trust in roles and the organization's own, it
delivers at once, and moto's EC2 is not AWS's. Policies of buses and queues are not made: moto's CloudFormation leaves
them out. Of what services do for somebody, the launches of groups and stacks are recorded and nothing else: not what
they terminate, and not a stack's other resources.
"""
