"""What each condition of a rendered policy is for, by policy, operator and key: the page lists them all."""

from __future__ import annotations

_EXEMPT = (
    "leaves out the roles that the statement names, by the role's own ARN: a user or a path of that name is not it"
)
_TAGGED = "no key but ours"
_NAMED = "but at least one: `ForAllValues` is true of none"

WHY: dict[tuple[str, str, str], str] = {
    ("scp", "ForAnyValue:StringEqualsIgnoreCase", "aws:TagKeys"): (
        "one protected key among others is enough; without regard to case, since EC2's keys differ by case"
    ),
    ("scp", "StringNotEquals", "…:CreateAction"): (
        "creations whose brought tags are overwritten go on; a direct call has no such key, and is none of them"
    ),
    ("scp", "StringEquals", "…:CreateAction"): (
        "creations that can tag several types, or one that is not overwritten: ours only on those that are"
    ),
    ("scp", "Null", "…:CreateAction"): (
        "`true`: a creation changes nothing that is there, even if AWS should take the new tags for the resource's"
    ),
    ("scp", "Null", "aws:TagKeys"): "`true`: a DeleteTags that names no keys removes all of them",
    ("scp", "Null", "aws:ResourceTag/owner"): (
        "`false`: of a resource that carries our tag; one statement for each key that holds the owner"
    ),
    ("scp", "Null", "aws:SourceIdentity"): (
        "`true`: who sets one; a session that has one can't change it, and needs the same action to hand it on"
    ),
    ("scp", "ArnNotLike", "aws:PrincipalArn"): _EXEMPT,
    ("tagger", "ForAllValues:StringEquals", "aws:TagKeys"): _TAGGED,
    ("tagger", "Null", "aws:TagKeys"): _NAMED,
    ("session", "ForAllValues:StringEquals", "aws:TagKeys"): _TAGGED,
    ("session", "Null", "aws:TagKeys"): _NAMED,
    ("removal", "ForAllValues:StringEquals", "aws:TagKeys"): "it removes our keys and no others",
    (
        "removal",
        "Null",
        "aws:TagKeys",
    ): "`false`: a removal without keys takes all tags, and `ForAllValues` is true of none",
    ("tagger-trust", "StringEquals", "aws:PrincipalOrgID"): "a hub account that left the organization is a stranger's",
    ("tagger-trust", "ArnEquals", "aws:PrincipalArn"): (
        "the hub's function and nothing else of its account; compared as text, so that a hub that was deployed anew is"
        " the same"
    ),
    ("forwarder-trust", "StringEquals", "aws:SourceAccount"): "EventBridge for this account, not for another's rule",
    ("forwarder-trust", "ArnLike", "aws:SourceArn"): (
        "for a rule of ours, which the service control policy guards: not for a rule that sends everything there is"
    ),
    ("bus", "StringEquals", "aws:PrincipalOrgID"): "accounts of the organization",
    ("bus", "BoolIfExists", "events:eventBusInvocation"): (
        "forwarded events, not API calls; if it exists, as in AWS's own example. By an API call EventBridge takes no"
        " source of AWS's from a customer (documented)"
    ),
    ("bus", "ForAllValues:StringEquals", "events:detail-type"): (
        "CloudTrail's records of API calls; if it exists, since no source shows that a rule's delivery carries it. The"
        " hub's rule asks again, and so does `parse`"
    ),
    ("bus", "ForAllValues:StringLike", "events:source"): (
        "sources that only AWS can use; if it exists, since no source shows that a rule's delivery carries it. The"
        " hub's rule asks again, and so does `parse`"
    ),
    (
        "bus",
        "ArnLike",
        "aws:PrincipalArn",
    ): "the forwarder's role, in any account: an account's other rules can't send here",
    ("bus", "ArnLikeIfExists", "aws:SourceArn"): (
        "a rule of ours; if it exists, since it is unconfirmed that AWS sets it where a rule's target has a role"
    ),
    ("hub", "StringEquals", "aws:ResourceOrgID"): (
        "a role of that name in a stranger's account would be handed the function's session (confused deputy)"
    ),
    ("queue", "ArnLike", "aws:SourceArn"): "EventBridge for the hub's rules alone",
    ("queue", "Bool", "aws:SecureTransport"): "`false` is denied: records can hold session tokens",
    ("undelivered", "ArnLike", "aws:SourceArn"): "EventBridge for this account's rules of ours alone",
    ("undelivered", "Bool", "aws:SecureTransport"): "`false` is denied: records can hold session tokens",
    ("alarm-key", "StringEquals", "aws:SourceAccount"): "CloudWatch for this account's alarms",
    ("alarm-topic", "ArnLike", "aws:SourceArn"): "CloudWatch for our alarms",
    ("canary", "StringEquals", "…:CreateAction"): "tags that come with the placement group, and no others",
    ("audit-trust", "StringEquals", "aws:PrincipalOrgID"): "a hub account that left the organization looks in no more",
    (
        "audit",
        "StringEquals",
        "organizations:PolicyType",
    ): "service control policies: what tag and backup policies say is not asked",
}
