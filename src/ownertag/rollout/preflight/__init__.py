"""The preflight of `ownertag deploy plan`: what would make the deployment fail, or do nothing, before it is made.

    access.py             read-only access to every account, by the role that deploys; counts its calls
    collect_account.py    an account and its Regions -> facts
    collect_organization.py
                          policies and where they are attached, delegated administrators -> facts
    sample.py             the newest write events of an account -> how many our rules would have matched
    policy_statements.py  whether statements of a policy deny a request, don't, or can't be evaluated; pure
    needs.py              the requests that ownertag makes, and who makes them; pure
    permissions.py        the actions that deploy calls, by account; pure
    check_*.py            facts -> findings; pure; one module for each group of checks
    prices.py             events a day -> US dollars a month, by the list prices in `prices.toml`; pure
    examine.py            all of it, accounts concurrently

    facts.py, findings.py the values between

Nothing is changed, and nothing needs to be deployed: the audit role of `ownertag doctor` does not exist yet. What could
not be read is a fact with its reason, and what can't be evaluated is not known; neither is ever taken for well.
"""
