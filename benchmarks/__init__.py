"""The comparisons of `docs/benchmarks.md`, each one command. Nothing imports them but their own tests.

    launch      calls, time and tags of 1, 10 and 100 instances: the article's sequence, Cloud Custodian, ownertag
    burst/      10,000 instances at once on EC2's token buckets, by the same three
    steady/     events a second that one environment of the packaged function holds, at several rates
    core        records decided a second, beside `json.loads` on the same bytes
    start       the function's start, beside that of one that only makes two clients of boto3
    whois       lookups in a ledger file of ten million entries, in memory and from disk

    article, custodian, custodian_process   the two that ownertag is compared with
    ministack                               the stand-in for DynamoDB, SQS and EventBridge
    drawing                                 what the pictures share

Speed is measured as a ratio within one run, on one machine, and never asserted. `steady/profile.py` compares nothing:
it shows where the function's processor time goes.
"""
