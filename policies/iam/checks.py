"""What is wrong with one policy document: what AWS would refuse, what never applies, and what opens too much.

A check is a function over a document that yields messages; `CHECKS` says what to do about each.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from plan.model import short_type
from policies.iam import services
from policies.iam.documents import Document, Statement, many
from policies.iam.services import ANY

Faults = Iterator[str]

_STATEMENT = frozenset(
    {
        *("Action", "Condition", "Effect", "NotAction", "NotPrincipal", "NotResource", "Principal"),
        *("Resource", "Sid"),
    }
)
_OPERATORS = frozenset(
    {
        *("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "BinaryEquals", "Bool", "DateEquals"),
        *("DateGreaterThan", "DateGreaterThanEquals", "DateLessThan", "DateLessThanEquals", "DateNotEquals"),
        *("IpAddress", "NotIpAddress", "Null", "NumericEquals", "NumericGreaterThan", "NumericLessThan"),
        *("NumericGreaterThanEquals", "NumericLessThanEquals", "NumericNotEquals", "StringEquals"),
        *("StringEqualsIgnoreCase", "StringLike", "StringNotEquals", "StringNotEqualsIgnoreCase"),
        "StringNotLike",
    }
)
_LITERAL = ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase")
# Keys that bind a caller to an account, an organisation, a network or one resource.
_BINDING = (
    *("aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"),
    *("aws:resourceaccount", "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourcevpc"),
    *("aws:sourcevpce", "kms:calleraccount", "kms:encryptioncontext:", "sts:externalid"),
)
# By one of these alone, on anything, a role makes itself as mighty as any other.
_ESCALATING = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"),
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion", "iam:PassRole"),
    *("iam:PutGroupPolicy", "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion"),
    *("iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile", "lambda:UpdateFunctionCode", "sts:AssumeRole"),
)
# Characters without white space (IAM quotas; service quotas of S3 and KMS).
_LONGEST = {"iam.Role": 2_048, "iam.RolePolicy": 10_240, "iam.Policy": 6_144, "s3.BucketPolicy": 20_480}
_KEY_POLICY = 32_768


def shape(document: Document) -> Faults:
    """A document has the version of today, and statements that say who, what and on what."""
    if document.content.get("Version") != "2012-10-17":
        yield f"Version is {document.content.get('Version')!r}: without 2012-10-17 variables are plain text"
    if not document.statements:
        yield "there is no statement in it"
    for statement in document.statements:
        for problem in _misshapen(document, statement):
            yield f"{statement.name}: {problem}"


def _misshapen(document: Document, statement: Statement) -> Faults:
    raw = statement.raw
    for key in sorted(raw.keys() - _STATEMENT):
        yield f"{key} is no element of a statement"
    if raw.get("Effect") not in {"Allow", "Deny"}:
        yield f"Effect is {raw.get('Effect')!r}, not Allow or Deny"
    if ("Action" in raw) == ("NotAction" in raw):
        yield "it needs either Action or NotAction"
    if document.kind != "trust" and ("Resource" in raw) == ("NotResource" in raw):
        yield "it needs either Resource or NotResource"
    named = "Principal" in raw or "NotPrincipal" in raw
    if named == (document.kind == "identity"):
        yield "a role's own policy names no principal" if named else "it does not say who"


def names(document: Document) -> Faults:
    """No two statements of a document have one name."""
    sids = Counter(str(each.raw["Sid"]) for each in document.statements if each.raw.get("Sid"))
    yield from (f"{count} statements are called {sid}" for sid, count in sids.items() if count > 1)


def length(document: Document) -> Faults:
    """A document fits what AWS takes."""
    short = short_type(document.owner.type)
    longest = _KEY_POLICY if short.startswith("kms.") else _LONGEST.get(short)
    size = len(json.dumps(document.content, separators=(",", ":")))
    if longest is not None and size > longest:
        yield f"it has {size} characters, AWS takes {longest}"


def actions(document: Document) -> Faults:
    """Every action exists: one that does not is granted to nobody and refused to nobody."""
    for statement in document.statements:
        for action in (*statement.actions, *many(statement.raw.get("NotAction"))):
            if not services.actions(action):
                yield f"{statement.name}: no service has the action {action}"


def resources(document: Document) -> Faults:
    """Every action has something among the statement's resources to act on."""
    if document.kind == "trust":
        return
    for statement in document.statements:
        if not statement.resources or ANY in statement.resources:
            continue
        for pattern in statement.actions:
            meant = services.actions(pattern)
            if meant and not _acts(meant, statement.resources):
                forms = sorted({arn for action in meant for arn in action.arns})[:2] or ["*"]
                yield f"{statement.name}: {pattern} acts on nothing listed there, but on {' or '.join(forms)}"


def _acts(meant: Iterable[services.Action], listed: Iterable[str]) -> bool:
    places = list(listed)
    return any(services.acts_on(action, place) for action in meant for place in places)


def conditions(document: Document) -> Faults:
    """Every condition can be true: a known operator on a key that the request carries."""
    for statement in document.statements:
        for operator, key, values in statement.conditions:
            bare = operator.rpartition(":")[2].removesuffix("IfExists")
            if bare not in _OPERATORS:
                yield f"{statement.name}: {operator} is no operator of conditions"
            if bare in _LITERAL and any(set(_plain(value)) & {"*", "?"} for value in values):
                yield f"{statement.name}: {operator} takes * in {key} for a plain sign; use StringLike"
            if not _seen(document, statement, key):
                yield f"{statement.name}: no request it speaks of carries {key}"


def _plain(value: str) -> str:
    return value.replace("${*}", "").replace("${?}", "")


def _seen(document: Document, statement: Statement, key: str) -> bool:
    if "NotAction" in statement.raw or any(ANY in action for action in statement.actions):
        return True
    # Tokens of identity providers bring keys of their own: token.actions.githubusercontent.com:sub.
    if document.kind == "trust" and "." in key.partition(":")[0]:
        return True
    meant = [action for pattern in statement.actions for action in services.actions(pattern)]
    return not meant or any(services.sees(action, key) for action in meant)


def everything(document: Document) -> Faults:
    """No role may do everything, nor everything of a service on everything."""
    if document.kind != "identity":
        return
    for statement in document.statements:
        wide = [action for action in statement.actions if action == ANY or action.endswith(":*")]
        if statement.allows and wide and ANY in statement.resources and not statement.conditions:
            yield f"{statement.name}: allows {', '.join(wide)} on everything"


def exceptions(document: Document) -> Faults:
    """Nothing is allowed by naming what is not: what AWS adds tomorrow would be allowed too."""
    for statement in document.statements:
        turned = [key for key in ("NotAction", "NotPrincipal", "NotResource") if key in statement.raw]
        if statement.allows and turned:
            yield f"{statement.name}: allows by {', '.join(turned)}"


def escalation(document: Document) -> Faults:
    """No role can make itself mightier: hand over, become, or rewrite any role."""
    if document.kind != "identity":
        return
    for statement in document.statements:
        if not statement.allows or ANY not in statement.resources or _bound(statement):
            continue
        meant = {action.name for pattern in statement.actions for action in services.actions(pattern)}
        if found := sorted(meant & set(_ESCALATING)):
            yield f"{statement.name}: {', '.join(found)} on anything"


def anyone(document: Document) -> Faults:
    """Nothing is open to everybody: where the principal is *, a condition says whose it must be."""
    for statement in document.statements:
        if statement.allows and ("AWS", ANY) in statement.principals and not _bound(statement):
            yield f"{statement.name}: allows it to everybody in the world"


def deputies(document: Document) -> Faults:
    """A service of AWS acts for us only: another customer cannot send it here."""
    for statement in document.statements:
        served = [who for kind, who in statement.principals if kind == "Service"]
        if statement.allows and served and not _bound(statement):
            yield f"{statement.name}: {', '.join(served)} may act for any account"


def _bound(statement: Statement) -> bool:
    return any(
        key.lower().startswith(_BINDING) and not operator.startswith("Null")
        for operator, key, _ in statement.conditions
    )


@dataclass(frozen=True)
class Check:
    """A check, and what to do when it finds something."""

    faults: Callable[[Document], Faults]
    fix: str


CHECKS: Mapping[str, Check] = {
    "iam-shape": Check(shape, "write the statement as the IAM reference shows it"),
    "iam-names": Check(names, "give each statement a Sid of its own"),
    "iam-length": Check(length, "merge statements or take actions together with a wildcard"),
    "iam-action": Check(actions, "correct its spelling, or take it out"),
    "iam-resource": Check(resources, "name what the action acts on in a statement of its own"),
    "iam-condition": Check(conditions, "use a key that the service authorization reference lists for it"),
    "iam-everything": Check(everything, "list the actions, or name the resources"),
    "iam-exceptions": Check(exceptions, "say what is allowed; keep Not... for Deny"),
    "iam-escalation": Check(escalation, "name the roles, and whom they may be handed (iam:PassedToService)"),
    "iam-anyone": Check(anyone, "name the principal, or ask for aws:PrincipalAccount"),
    "iam-deputy": Check(deputies, "add aws:SourceAccount, and aws:SourceArn where one resource is meant"),
}
