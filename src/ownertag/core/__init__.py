"""What decides, and touches nothing: bytes, facts, settings and `now` come in as arguments, values go out.

The way of the data is the way of the modules:

    parse    bytes -> Arrival | Refusal
    match    Arrival x catalogue -> Creation | Refusal
    ask      Creations x facts -> Questions, until none is new
    resolve  userIdentity -> Owner
    plan     Creations x facts x tag policy -> Plan
    judge    Failure x age of the event -> Judgement
"""
