"""The ledger: who created what, its owner with the evidence, and the outcome. Two stores, one contract.

Entries are only added. Derived from them, and updated, are the owner of a resource (`core.ownership`) and whether a
creation is finished.
"""
