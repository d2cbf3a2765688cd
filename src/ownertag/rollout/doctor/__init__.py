"""`ownertag doctor`: checks the deployment from the hub, for every account and Region.

    expected.py           settings and catalogue -> what should be there
    reach.py              read-only sessions in every account; what AWS answers, as a fact
    look.py               an account and its Regions -> facts
    look_hub.py           the hub -> facts
    look_organization.py  accounts, stack sets and the policy, from the management account -> facts
    checks.py, checks_hub.py, checks_organization.py
                          facts and what should be there -> findings; pure
    examine.py            all of it, accounts side by side
    canary.py             one harmless creation through the whole way, and its time

    facts.py, findings.py the values between; documents.py compares policies

What could not be read is a fact with its reason, never an empty one; what CloudFormation does not hold, or AWS does not
say, is not checkable, never well.
"""
