"""Finds out whose things are that nobody saw being made: what is there, what says who made it, and how sure that is.

found      a resource as AWS lists it, and how it stands beside the ledger
word       what a living resource itself says of its maker, as a creation
lives      of several records of one name, the one that made what is there now
makers     which events can have made a type, and when they are looked for
logs       how far logs are read
plan       what is to be written, as a file that a person can read, change and hand back
"""
