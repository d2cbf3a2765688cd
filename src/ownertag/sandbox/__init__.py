"""An AWS organization on one machine: moto behind a CloudTrail recorder, the hop to the hub, the real handler.

    calls.py          an HTTP request as a call of AWS, and its answer
    identities.py     access keys to who acts
    federation.py     tokens to who acts, where there is no access key
    gaps.py           what moto lacks and we rely on
    cloudtrail.py     requests and answers in the form that CloudTrail writes
    recorder.py       calls to records
    front.py          all of that, in front of moto
    bus.py            records to the hub's queue, as EventBridge delivers them
    event_source.py   the hub's queue to the handler, as Lambda does
    organization.py   accounts, roles and personas, and the AWS config file that leads to them
    hub.py            the settings and the handler, as they would be deployed
    sandbox.py        everything started and stopped

What it is not: it checks no signatures and enforces no policies but trust in roles, it delivers at once, and moto's EC2
is not AWS's.
"""
