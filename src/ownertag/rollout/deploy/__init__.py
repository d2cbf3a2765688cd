"""`ownertag deploy`: the hub, the spokes and the policy, put into an organization and taken out again.

    desired.py     settings, catalogue and package -> what should be there
    current.py     what is there, read in the management account and the hub's
    steps.py       the difference, as a list of steps in the order of their stages; pure
    recreate.py    the steps that recreate the stacks of some accounts; pure
    destroy.py     the steps that delete everything; pure
    execute.py     carries out the steps, those of a stage concurrently; or asks CloudFormation what they would change

    values.py      steps, their tasks, and what is there
    clients.py     clients in the management account and the hub's; AWS's refusal as the permission that is missing
    stacks.py      a stack: what a change set would change, and the change itself
    stack_sets.py  a stack set and its instances
    access.py      what the organization must allow: StackSets, the hub's reading, policies
    package.py     the function's zip: the one that belongs to these settings
    tag_usage.py   who uses the protected keys today, and would be denied by the policy

`plan` shows the steps, and `apply` executes those that it has shown. Nothing is remembered between runs, so each run
reads everything again. That costs time, and makes it safe to interrupt: the next run sees what is there, and does the
rest.
"""
