"""The ledger: who created what, whose it is and why, and what became of it. Two stores, one contract.

Entries are only added. What is changed is derived from them: whose a resource is now (`core.claims`), and whether a
creation is finished.
"""
