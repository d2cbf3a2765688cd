"""`ownertag prove`: the canary in every account and Region, and the latency of each hop of its way.

    places.py             the organization -> which accounts and Regions
    placement_group.py    the canary's placement group in AWS, with when each call was sent and answered
    clocks.py             what the servers' clocks say, by their answers
    measure.py            one canary: created, waited for, deleted, and where it was seen last if it is lost
    trace.py              what the ledger and the queues say of a canary
    rounds.py             all places, so many rounds, some at a time; stops at Ctrl-C

    result.py             what became of a canary
    hops.py               times -> the latency of each hop, and how far it may be wrong; pure
    figures.py            latencies -> percentiles; pure
    report.py             results -> the document that is printed; pure
    anonymize.py          takes accounts, organization and ids out of it; pure

A canary sets no tag in its request, so none of them makes a finding, and nobody is mailed.
"""
