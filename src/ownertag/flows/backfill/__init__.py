"""Backfill: finds out whose the resources are that nobody saw being made, and tags them; it goes on where it was.

ports     who is ordered to write, and how progress is told
listing   what is there, beside what the ledger knows
evidence  records of it, in logs and by LookupEvents
deciding  whose each is, as a dry run of the same orders says it
applying  the orders, with a journal
undoing   puts back what was there
"""
