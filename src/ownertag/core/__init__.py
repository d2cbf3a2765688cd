"""The pure core: all decisions. Bytes, facts, settings and `now` are arguments, and the result is a value.

Data flows through the modules in this order:

    parse    bytes -> Arrival | Refusal
    match    Arrival x catalogue -> Creation | Refusal
    ask      Creations x facts -> Questions, until none is new
    resolve  userIdentity -> Owner
    plan     Creations x facts x tag policy -> Plan
    judge    Failure x age of the event -> Judgement
"""
