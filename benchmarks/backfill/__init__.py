"""What a backfill's plan and a day's reconciling cost in a large organization; `make bench-backfill`.

flows     runs them on prepared answers, without a network, in a process of its own
modelled  time in AWS, and the part of AWS's quotas, from the calls that were counted
"""
