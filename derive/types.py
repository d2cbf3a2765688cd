"""Which type of resource an operation makes, and how ARNs of that type are built.

The authorization reference names the types of an action; those of them that can be tagged by it (`aws:RequestTag`)
come first, and among them the one whose name, or whose ARN's words, are the operation's noun.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from derive import models, reference, shapes
from derive.taking import tags_of
from derive.words import alike, operation, squashed, words

_VARIABLE = re.compile(r"\$\{(\w+)\}")
#: Words of a variable, or of a member, that say that it names a thing, and not which thing.
KINDS = frozenset(
    {"id", "name", "identifier", "arn", "arns", "resource", "without", "leading", "slash", "with", "path"}
)
#: What a structure that describes a thing is named after, beside the thing.
WRAPPING = frozenset({"input", "config", "configuration", "detail", "description", "metadata", "summary", "request"})
_TAGS = frozenset({"tag", "list", "set", "resource", "specification", "tagging"})
_ARN = 6  # parts of an ARN


@dataclass(frozen=True, slots=True)
class Form:
    """A form of an ARN.

    Attributes:
        arn: The template of a catalogue's row, with `{id}` for all that begins with the first variable.
        parts: The id: texts, and in turn the names of the variables between them. It begins with a text.
    """

    arn: str
    parts: tuple[str, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The id's variables."""
        return self.parts[1::2]

    @property
    def literals(self) -> tuple[str, ...]:
        """The words that stand in every ARN of this form, behind the account."""
        found = words(re.sub(r"[^A-Za-z]", " ", self.arn.split(":", _ARN - 1)[-1].replace("{id}", " ")))
        return tuple(word for part in (" ".join(found), *self.parts[::2]) for word in words(part.replace("/", " ")))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that an operation may make.

    Attributes:
        name: The type's name in the catalogue.
        resource: Its name in the reference.
        form: The form of its ARN.
        score: How well it fits; the highest is taken.
        reasons: What gave the score.
        sure: The reference says that the operation can tag it, or its noun is the type's name.
    """

    name: str
    resource: str
    form: Form
    score: float
    reasons: tuple[str, ...]
    sure: bool


@cache
def form(arn: str) -> Form | None:
    """The form of an ARN of the reference; None where it isn't an ARN's."""
    pieces = arn.split(":", _ARN - 1)
    if len(pieces) != _ARN or pieces[0] != "arn":
        return None
    _, _, service, region, account, resource = pieces
    region, account = (_field(field, name) for field, name in ((region, "region"), (account, "account")))
    before, *rest = re.split(r"\$\{(\w+)\}", resource)
    head = f"arn:{{partition}}:{_VARIABLE.sub('*', service)}:{region}:{account}"
    if not rest:
        return Form(f"{head}:{{id}}", (before.replace("*", ""),))
    return Form(f"{head}:{before}{{id}}", ("", *rest))


def _field(field: str, name: str) -> str:
    return f"{{{name}}}" if _VARIABLE.search(field) else field


@cache
def candidates(client: str, name: str) -> tuple[Candidate, ...]:
    """The types that an operation may make, the best first."""
    service = models.service(client)
    action = reference.action(service, name)
    listed = {one.name: one for one in action.types} if action else {}
    tagged = {one.name for one in listed.values() if "aws:requesttag" in one.keys}
    if action and not tagged and "aws:requesttag" in action.keys:
        tagged = set(listed)
    noun = operation(name).noun
    answered = {_named(one) for one in shapes.answer(client, name) if "arn" in one.words[-1:]} - {()}
    tags = _of_tags(client, name)
    found = []
    for type_ in reference.types(service).values():
        form_ = _chosen_form(client, name, type_)
        if form_ is None or form_.arn.split(":")[4] == "aws":
            continue  # what AWS itself makes for all
        fits = max(_fits(noun, other) for other in _names(type_.name, form_))
        reasons, score = [f"noun {fits:.2f}"], 12 * fits
        for says, points, reason in (
            (type_.name in tagged, 4, "tagged by the action"),
            (type_.name in listed, 2, "named by the action"),
            (type_.name in listed and listed[type_.name].required, 2, "required by the action"),
            (any(alike(tags, other) == 1 for other in _names(type_.name, form_)), 6, "the tags are called its"),
            (fits == 0, -5, "nothing of the noun"),
            (alike(noun, _names(type_.name, form_)[0]) == 1, 3, "has the noun's name"),
            (spelled(type_.name) in answered, 5, "the answer has such an ARN"),
            (not form_.variables, -6, "its ARN varies in nothing"),
            (bool(form_.variables and form_.parts[-1]), -2, "its ARN ends in a word"),
            ("aws:resourcetag" in type_.keys, 1, "has tags"),
        ):
            if says:
                score += points
                reasons.append(reason)
        sure = type_.name in tagged or fits == 1
        if sure or type_.name in listed or fits >= 0.5 or spelled(type_.name) in answered:
            found.append(Candidate(_name(service, type_, form_), type_.name, form_, score, tuple(reasons), sure))
    return tuple(sorted(found, key=lambda one: (-one.score, one.name)))


def _fits(noun: tuple[str, ...], name: tuple[str, ...]) -> float:
    if name and noun[-len(name) :] == name:
        return max(alike(noun, name), 0.7)  # a custom routing accelerator is an accelerator
    if name and noun[: len(name)] == name:
        return max(alike(noun, name), 0.6)  # a location for NFS is a location
    if set(noun) <= set(name):
        return max(alike(noun, name), 0.5)  # a rule is a listener's rule
    return alike(noun, name)


def _chosen_form(client: str, name: str, type_: reference.Type) -> Form | None:
    forms = [found for arn in type_.arns if (found := form(arn))]
    if len(forms) < 2:
        return forms[0] if forms else None
    asked = {"".join(words(one)) for one in models.request_names(client, name)}
    return max(forms, key=lambda one: len({"".join(words(variable)) for variable in one.variables} & asked))


def _names(name: str, form_: Form) -> list[tuple[str, ...]]:
    found = [spelled(name)]
    if form_.variables and not form_.parts[-1]:
        found += [bare(words(form_.variables[-1])), form_.literals[-1:]]
    return found


def _of_tags(client: str, name: str) -> tuple[str, ...]:
    """What the tags of a request are called after: recovery, point for `RecoveryPointTags`."""
    top = [member.words for member in tags_of(client, name) if member.depth == 0]
    return tuple(word for word in (top or ((),))[0] if word not in _TAGS)


def _named(member: shapes.Member) -> tuple[str, ...]:
    """What the ARN of an answer is of: by its own name, or by that of the structure that it stands in."""
    return bare(member.words) or tuple(word for word in (member.above or ((),))[-1] if word not in WRAPPING)


def spelled(name: str) -> tuple[str, ...]:
    """The words of a type's name."""
    return words(re.sub(r"[^A-Za-z0-9]", " ", name))


def _name(service: str, type_: reference.Type, form_: Form) -> str:
    in_arn = form_.arn.split(":")[2]
    name = f"{service if '*' in in_arn else in_arn}:{type_.name}"
    forms = [found for arn in type_.arns if (found := form(arn))]
    if len(forms) > 1 and forms[0] != form_:
        name += f".{'-'.join(form_.literals) or forms.index(form_) + 1}"
    return name.replace(" ", "-")


def bare(name: tuple[str, ...]) -> tuple[str, ...]:
    """A name's words without those that only say that it names something."""
    return tuple(word for word in name if word not in KINDS)


def plain(name: tuple[str, ...]) -> tuple[str, ...]:
    """A structure's words without those that only say that it describes something."""
    return tuple(word for word in bare(name) if word not in WRAPPING)


def is_called(made: Candidate, noun: tuple[str, ...]) -> bool:
    """Whether a type is called as the noun's last word says: a graph's endpoint is no graph."""
    return not noun or any(squashed(noun[-1:]) in squashed(name) for name in _names(made.resource, made.form))
