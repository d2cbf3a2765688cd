"""Subjects of CI systems' tokens: the repository or workspace that stays, without the part that is each run's own.

A row is a pattern that fits the whole subject, the evidence, the name that it becomes, and where the subject's form is
known from: the system's own documentation of the claim `sub`.
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_REST = r"(?::.{0,2048})?"
_RUN = r":.{1,2048}"

REPOSITORY, WORKSPACE = "ci-repository", "ci-workspace"


class Subject(Struct, frozen=True):
    """A pattern of subjects, the evidence, the name with the pattern's groups in it, and the source."""

    pattern: str
    evidence: str
    name: str
    source: str


SUBJECTS = (
    Subject(  # lately with ids behind an @; `repository` where an organization has it put claims of its choice there
        r"(?:repo|repository):([\w.-]{1,100})(?:@[0-9]{1,20})?/([\w.-]{1,100})(?:@[0-9]{1,20})?" + _REST,
        REPOSITORY,
        r"github:\1/\2",
        "GitHub, 'OpenID Connect reference'",
    ),
    Subject(
        r"project_path:([\w.-]{1,255}(?:/[\w.-]{1,255}){1,20})" + _REST,
        REPOSITORY,
        r"gitlab:\1",
        "GitLab, 'Configure OpenID Connect in AWS'",
    ),
    Subject(  # the repository, the deployment's environment if there is one, and the step of this run
        r"\{(" + _ID + r")\}(?::\{" + _ID + r"\}){1,2}",
        REPOSITORY,
        r"bitbucket:\1",
        "Atlassian, 'Integrate Pipelines with resource servers using OIDC'; the step: sigstore/fulcio, issue 1257",
    ),
    Subject(  # who caused the job is an id as well, and the second kind of token has branch and origin behind it
        r"org/(" + _ID + r")/project/(" + _ID + r")/user/" + _ID + r"(?:/.{0,2048})?",
        REPOSITORY,
        r"circleci:\1/\2",
        "CircleCI, 'Using OpenID Connect tokens in jobs'",
    ),
    Subject(
        r"organization:([\w-]{1,90}):pipeline:([\w-]{1,100})" + _RUN,
        REPOSITORY,
        r"buildkite:\1/\2",
        "Buildkite, 'OIDC with AWS'",
    ),
    Subject(  # a workspace's name is its organization's own, whatever its project
        r"organization:([\w-]{1,90})(?::project:[^:]{1,90})?:(?:workspace|stack):([\w-]{1,90})" + _REST,
        WORKSPACE,
        r"terraform:\1/\2",
        "HCP Terraform, 'Workload identity tokens'",
    ),
    Subject(
        r"space:([\w-]{1,100}):(?:stack|module):([\w-]{1,100}):run_type" + _RUN,
        WORKSPACE,
        r"spacelift:\1/\2",
        "Spacelift, 'OIDC': standard claims",
    ),
    Subject(
        r"pulumi:deploy:org:([\w-]{1,100}):project:([\w.-]{1,100}):stack:([\w.-]{1,100}):operation" + _RUN,
        WORKSPACE,
        r"pulumi:\1/\2/\3",
        "Pulumi, 'OIDC token': Pulumi Deployments",
    ),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Subject], ...]:
    return tuple((re.compile(subject.pattern, re.ASCII), subject) for subject in SUBJECTS)


def of_ci(subject: str) -> tuple[str, str] | None:
    """(evidence, name) of the repository or workspace whose run has this subject; None where it is another's."""
    for pattern, row in _patterns():
        if found := pattern.fullmatch(subject):
            return row.evidence, found.expand(row.name)
    return None
