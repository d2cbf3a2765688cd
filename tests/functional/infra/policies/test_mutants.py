"""No part of a rendered policy is idle: without it, or with it widened, a row of the table fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from harness.sampling import sample
from infra.policies import all_services, services
from infra.policies.cases import INSTALLED, MISSING, NODE, every, requests, run, uses, with_other
from infra.policies.matrix import Asked
from infra.policies.mutants import EQUIVALENT, Mutant, is_shown_beside, mutants
from infra.policies.world import AROUND, Json, rendered

pytestmark = pytest.mark.skipif(NODE is None or not INSTALLED.exists(), reason=MISSING)


# All of them are some minutes of a core; `make test` takes a hundredth.
@pytest.mark.timeout(1500)
def test_each_mutant_makes_a_row_fail() -> None:
    policies = rendered()
    every_mutant = [mutant for name, document in policies.items() for mutant in mutants(name, document)]
    assert len({mutant.id for mutant in every_mutant}) >= 100
    made = {mutant.id: mutant for mutant in sample(every_mutant, 100) if not _is_not_simulated(mutant)}
    rows = [{**request, "expected": case.allowed} for case in every() for request in requests(case)]
    creations = [
        ({**case.request, "expected": case.allowed}, json.dumps(case.request))
        for case in services.of_ec2()
        if "ec2:CreateAction" in case.request["context"]
    ]

    of_services = [
        {**case.request, "expected": case.allowed}
        for case in (*all_services.of_tagger(), *all_services.of_creations(), *_plain_changes())
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

    def named(mutant: Mutant) -> list[Json]:
        """The rows of all services that ask for what the mutant lacks; all of them where it lacks a condition."""
        lacks = mutant.id.rpartition(" lacks ")[2]
        found = [row for row in of_services if any(fnmatchcase(row[key], lacks) for key in ("action", "resource"))]
        return found or of_services

    asked = [
        {
            "id": mutant.id,
            "until": [
                with_other(row, mutant.policy, mutant.id)
                for row in (*of_creations(mutant), *named(mutant), *rows)
                if uses(row, mutant.policy) and mutant.concerns(row["action"])
            ],
        }
        for mutant in made.values()
    ]
    answers = run(asked, policies | AROUND | {mutant.id: mutant.document for mutant in made.values()})
    assert not [answer for answer in answers if "error" in answer]
    assert len(answers) == len(made)
    not_told = {answer["id"] for answer in answers if answer["differs"] is None}
    assert {mutant for mutant in not_told if not is_shown_beside(mutant)} == set(EQUIVALENT) & set(made)


def _plain_changes() -> Iterator[Asked]:
    """Of every action that changes tags: a member or a copier, our key or all of them, on what is owned."""
    for case in all_services.of_policies():
        *_, keys, carries, who = case.id.split("/")
        if who in {"member-admin", "copier"} and carries == "owned" and keys in {"our key", "all"}:
            yield case


def _is_not_simulated(mutant: Mutant) -> bool:
    """Whether what a mutant lacks is asked for by nothing that the simulator takes (`all_services.NOT_SIMULATED`)."""
    lacks = mutant.id.rpartition(" lacks ")[2]
    service = lacks.split(":")[2] if lacks.startswith("arn:") else lacks.partition(":")[0]
    of_one = ("targetgroup" in lacks, lacks == "apigateway:POST", "/tags/" in lacks)
    return service in {"appsync", "backup"} or any(of_one)
