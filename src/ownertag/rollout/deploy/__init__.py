"""`ownertag deploy`: the hub, the spokes and the policy, put into an organization and taken out again.

    desired.py     settings, catalogue and package -> what should be there
    current.py     what is there, read in the management account and the hub's
    steps.py       the difference, as a list of steps in the order of their stages; pure
    way_back.py    the steps that take it all away; pure
    carry_out.py   the steps, those of a stage side by side

    prepare.py     the first two, from settings and credentials
    preview.py     what the steps of stacks would change, asked of CloudFormation
    clients.py     who acts where, and AWS's refusal as the permission that is missing
    stacks.py      a stack: what a change set would change, and the change itself
    stack_sets.py  a stack set and its instances
    access.py      what the organization must allow: StackSets, the hub's reading, policies
    package.py     the function's zip: the one that belongs to these settings, and its bucket
    in_use.py      who uses the protected keys today, and would be stopped by the policy

`plan` is the first three, `apply` all four; what `apply` carries out is what it has shown. The downside that was
chosen: nothing is remembered between runs, so each run reads everything again. That is what makes it safe to
interrupt: the next run sees what is there, and does the rest.
"""
