"""The ledger: who created what, its owner and the evidence, and the outcome. Two stores, one contract.

Entries are only added. What is changed is derived from them: whose a resource is now (`core.ownership`), and whether a
creation is finished.
"""
