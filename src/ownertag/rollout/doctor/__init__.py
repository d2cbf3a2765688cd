"""`ownertag doctor`: checks the deployment from the hub, for every account and Region.

    expected.py           settings and catalogue -> what should be there
    access.py             read-only access to every account; what AWS answers, as a fact
    collect.py            an account and its Regions -> facts
    trails.py             the trails that reach a Region -> facts
    collect_hub.py        the hub -> facts
    collect_organization.py
                          accounts, stack sets and the policy, from the management account -> facts
    checks_account.py, checks_hub.py, checks_organization.py
                          facts and what should be there -> findings; pure; `checks.py` has what they share
    examine.py            all of it, accounts concurrently
    canary.py             one harmless creation through the whole way, and its time
    canary_finding.py     what became of the finding that the canary causes

    facts.py, findings.py the values between

What could not be read is a fact with its reason, never an empty one. What CloudFormation never made, or AWS does not
say, is not checkable, never ok.
"""
