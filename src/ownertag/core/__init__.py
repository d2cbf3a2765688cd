"""The pure core: all decisions. Bytes, facts, settings and `now` are arguments, and the result is a value.

Data flows through the modules in this order:

    parse    bytes -> Arrival | Refusal
    match    Arrival x catalogue -> Creation | Refusal
    ask      Creations x facts -> Questions, until none is new
    owner    Record x facts -> Owner
    decide   Creations x facts x tag policy -> Decisions
    plan     Decisions x facts -> Plan
    judge    Failure x age of the event -> Judgement
"""
