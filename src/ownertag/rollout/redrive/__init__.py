"""`ownertag redrive`: puts back what lies in the queues of what was not tagged or not delivered.

    messages.py    what a message says: why it lies there, and which call it is of; pure
    restore.py     an undelivered event and CloudTrail's record of it -> what goes to the hub, or why nothing does; pure
    queues.py      one queue: its depth, its messages, what is sent to it and deleted from it
    move_task.py   SQS's own way, for the dead letters of the hub's queue
    places.py      the accounts and Regions that have a queue of undelivered events
    look.py        what lies where, before anything is moved
    put_back.py    moves it

Messages get into `ownertag-dead-letters` in three ways: by SQS after too many receives, by the function with the
reason, and by EventBridge where the hub's rule could not deliver. SQS knows where the first kind came from, and only of
that kind, so a move names its destination. `ownertag-undelivered` is no dead-letter queue of a queue, so SQS does not
move from it (doc: StartMessageMoveTask): its messages are sent, and deleted once the hub's queue has taken them.

A message can arrive twice, which the ledger makes harmless, and can't be lost.
"""
