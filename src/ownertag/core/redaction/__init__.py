"""Replaces the names, addresses and ids in a record, so that it can be given away and still decides the same."""
