"""No part of a rendered policy is idle: without it, or with it widened, a row of the table fails."""

from __future__ import annotations

import json

import pytest

from harness.sampling import sample
from infra.policies import services
from infra.policies.cases import INSTALLED, MISSING, NODE, every, requests, run, uses, with_other
from infra.policies.mutants import EQUIVALENT, Mutant, mutants
from infra.policies.world import AROUND, Json, rendered

pytestmark = pytest.mark.skipif(NODE is None or not INSTALLED.exists(), reason=MISSING)


# All of them are some minutes of a core; `make test` takes an eighth.
@pytest.mark.timeout(1500)
def test_each_mutant_makes_a_row_fail() -> None:
    policies = rendered()
    every_mutant = [mutant for name, document in policies.items() for mutant in mutants(name, document)]
    assert len({mutant.id for mutant in every_mutant}) >= 100
    made = {mutant.id: mutant for mutant in sample(every_mutant, 8)}
    rows = [{**request, "expected": case.allowed} for case in every() for request in requests(case)]
    creations = [
        ({**case.request, "expected": case.allowed}, json.dumps(case.request))
        for case in services.of_ec2()
        if "ec2:CreateAction" in case.request["context"]
    ]

    def of_creations(mutant: Mutant) -> list[Json]:
        """The matrix's creations that can tell: those that name what the mutant lacks, and those of several types.

        Where the statement of direct calls lacks a role or a key, the rows of the table can.
        """
        lacks = mutant.id.rpartition(" ")[2]
        direct = "/DenyForgedTags1:" in mutant.id and (":role/" in lacks or "TagKeys lacks" in mutant.id)
        if "/DenyForgedTags" not in mutant.id or direct:
            return []
        of_type = f":{lacks.rpartition(':')[2].removesuffix('*')}" if lacks.endswith("/*") else f'"{lacks}"'
        named = [row for row, text in creations if of_type in text]
        return named or [row for row, text in creations if "/key-pair/" in text or "/ExportImage/" in text]

    asked = [
        {
            "id": mutant.id,
            "until": [
                with_other(row, mutant.policy, mutant.id)
                for row in (*of_creations(mutant), *rows)
                if uses(row, mutant.policy) and mutant.concerns(row["action"])
            ],
        }
        for mutant in made.values()
    ]
    answers = run(asked, policies | AROUND | {mutant.id: mutant.document for mutant in made.values()})
    assert not [answer for answer in answers if "error" in answer]
    assert len(answers) == len(made)
    assert {answer["id"] for answer in answers if answer["differs"] is None} == set(EQUIVALENT) & set(made)
