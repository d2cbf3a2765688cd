"""Finds what delivery missed, what was forged and what vanished, by comparing what is there with the ledger.

place      one account and Region: list, compare, look for records, put right
telling    owner tags that nobody whom the ledger knows wrote: kept and published before they are written over
vanished   what the ledger knows as living, and a complete list does not show any more
report     what was found in a place
legs       all places of an organization, as far as the time goes, and where to go on
"""
