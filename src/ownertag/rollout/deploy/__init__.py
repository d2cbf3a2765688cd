"""`ownertag deploy`: the hub, the spokes and the policy, put into an organization and taken out again.

    desired.py     settings, catalogue and package -> what should be there
    current.py     what is there, read in the management account and the hub's
    steps.py       the difference, as a list of steps in the order of their stages; pure
    recreate.py    the steps that recreate the stacks of some accounts; pure
    destroy.py     the steps that delete everything; pure
    execute.py     carries out the steps, those of a stage concurrently; or asks CloudFormation what they would change

    values.py      steps, their tasks, and what is there
    clients.py     clients in the management account and the hub's, whose credentials are renewed
    failures.py    AWS's refusal as the permission that is missing, or as credentials that have expired
    stacks.py      a stack: what a change set would change, and the change itself
    change_sets.py a change set: made, waited for, read
    retained.py    what a deleted hub left, which the next one takes over
    operation_events.py  why CloudFormation refused or failed, and what of it passes by itself
    template_source.py   a template in the call, or by S3 where it is too long for that
    stack_sets.py  a stack set and its instances
    young_roles.py instances that failed because a role was too young, once more
    access.py      what the organization must allow: StackSets, the hub's reading, policies
    organization_calls.py  changes of the organization, one after another
    package.py     the function's zip: the one that belongs to these settings
    tag_usage.py   who uses the protected keys today, and would be denied by the policy

`plan` shows the steps, and `apply` executes those that it has shown. Nothing is remembered between runs, so each run
reads everything again. That costs time, and makes it safe to interrupt: the next run sees what is there, and does the
rest.
"""
