"""Who may do what: exact actions on exact things, and no role that a stranger can borrow (NET-3, OPS-8)."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from policies.rule import Faults, each
from policies.rules.documents import Statement, covers, documents_of, statements
from policies.view import Node

_IDENTITY = ("iam.RolePolicy", "iam.Policy", "iam.Role", "iam.UserPolicy", "iam.GroupPolicy")
_RESOURCE = (
    "backup.VaultPolicy",
    "cloudwatch.LogResourcePolicy",
    "ecr.RepositoryPolicy",
    "kinesis.ResourcePolicy",
    "kms.Key",
    "kms.ReplicaKey",
    "opensearch.Domain",
    "opensearch.DomainPolicy",
    "s3.BucketPolicy",
    "secretsmanager.SecretPolicy",
    "sns.TopicPolicy",
    "sqs.QueuePolicy",
)


@cache
def _services() -> Mapping[str, list[str]]:
    return tomllib.loads(resources.files(__package__).joinpath("services.toml").read_text(encoding="utf-8"))


def _granted(node: Node) -> Iterator[Statement]:
    """What an identity's policies allow; what they deny or whom a role trusts is not meant."""
    found = [s for key, document in documents_of(node.inputs) if key != "assumeRolePolicy" for s in document]
    for inline in node.list("inlinePolicies"):
        found += statements(inline.get("policy"))
    yield from (statement for statement in found if statement.allows)


def _data(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    return not name or any(covers(service, plane) for plane in _services()["data_planes"])


@each(
    "iam-exact-actions",
    "OPS-9",
    *_IDENTITY,
    why="A wildcard grows by itself: AWS adds actions, and the role can do them the same day.",
    fix="name the actions one by one, as components/grants.py takes them",
)
def iam_exact_actions(node: Node) -> Faults:
    """No policy allows all actions, all actions of a service that holds data, or everything but some."""
    for statement in _granted(node):
        for action in statement.actions:
            if action == "*" or action.endswith(":*") or ("*" in action and _data(action)):
                yield f"{statement.sid or 'a statement'} allows {action}"
        if statement.not_actions:
            yield f"{statement.sid or 'a statement'} allows everything but {', '.join(statement.not_actions)}"


@each(
    "iam-exact-data",
    "OPS-9",
    *_IDENTITY,
    why="Access to every table, bucket or key of the account is access to those of other systems too.",
    fix="name the ARNs; where AWS knows none for the action, add a condition (components/grants.py)",
)
def iam_exact_data(node: Node) -> Faults:
    """What touches data names its resources."""
    for statement in _granted(node):
        if "*" not in statement.resources or statement.condition:
            continue
        for action in statement.actions:
            if _data(action) and "*" not in action:
                yield f"{statement.sid or 'a statement'} allows {action} on everything"


@each(
    "iam-pass-role",
    "OPS-9",
    *_IDENTITY,
    why="Who may hand any role to a service may do whatever the strongest role of the account may.",
    fix="name the roles, and the service in iam:PassedToService",
)
def iam_pass_role(node: Node) -> Faults:
    """`iam:PassRole` names the roles, and the service that may get them."""
    for statement in _granted(node):
        if not any(covers(action, "iam:PassRole") for action in statement.actions):
            continue
        if any(arn == "*" or arn.endswith((":role/*", ":*")) for arn in statement.resources):
            yield f"{statement.sid or 'a statement'} passes any role"
        if "iam:passedtoservice" not in statement.condition_keys():
            yield f"{statement.sid or 'a statement'} passes roles to any service"


@each(
    "iam-trust-tied",
    "OPS-9",
    "iam.Role",
    why="A service acts for all its customers: without a condition, it uses our role for any of them.",
    fix="add aws:SourceAccount or aws:SourceArn to the trust (components/service_role.py does)",
)
def iam_trust_tied(role: Node) -> Faults:
    """A role trusts AWS services for this account only, and no stranger at all."""
    for statement in statements(role.get("assumeRolePolicy")):
        if not statement.allows or _tied(statement):
            continue
        if statement.anybody:
            yield "anybody may take the role"
        for stranger in sorted(_accounts(statement.principals.get("AWS", ())) - _accounts(_ours(role))):
            if _ours(role):
                yield f"account {stranger} may take the role"
        for service in statement.principals.get("Service", ()):
            if service not in _services()["silent"]:
                yield f"{service} may take the role for anybody"


def _ours(role: Node) -> list[str]:
    """The ARNs a role is called by; none before AWS has made it."""
    return [name for name in role.identities if name.startswith("arn:")]


def _accounts(principals: Iterable[str]) -> set[str]:
    """The account of each principal: an ARN, or the account's number alone."""
    found = {(name.split(":") + [""] * 5)[4] if ":" in name else name for name in principals}
    return {account for account in found if account.isdigit()}


def _tied(statement: Statement) -> bool:
    return bool(statement.condition_keys() & set(_services()["ties"]))


@each(
    "policy-tied",
    "OPS-9",
    *_RESOURCE,
    why="Everybody, and a service that acts for everybody, means other accounts too.",
    fix="add a condition on aws:SourceArn, aws:SourceAccount or aws:PrincipalAccount",
)
def policy_tied(node: Node) -> Faults:
    """What a resource's policy allows everybody or a service is tied to this account."""
    for _, document in documents_of(node.inputs):
        for statement in document:
            if not statement.allows or _tied(statement):
                continue
            if statement.anybody:
                yield f"{statement.sid or 'a statement'} lets everybody in"
            if set(statement.actions) <= set(_services()["untied"]):
                continue
            for service in statement.principals.get("Service", ()):
                yield f"{statement.sid or 'a statement'} lets {service} in for anybody"


@each(
    "endpoint-tied",
    "NET-2",
    "ec2.VpcEndpoint",
    why="An endpoint that serves every account is the way out for stolen data, past NAT and its log.",
    fix="an endpoint policy with aws:PrincipalAccount, as components/endpoints.py writes it",
)
def endpoint_tied(endpoint: Node) -> Faults:
    """An endpoint serves principals of this account, or names what everybody may read through it."""
    if not endpoint.raw("policy"):
        yield "it has no policy, so it serves every account"
    for statement in statements(endpoint.get("policy")):
        wide = any(arn == "*" or arn.endswith(":::*") for arn in statement.resources)
        if statement.allows and statement.anybody and wide and not _tied(statement):
            yield f"{statement.sid or 'a statement'} serves every account"


@each(
    "invoke-tied",
    "OPS-9",
    "lambda.Permission",
    why="A service may be told by another account to call our function.",
    fix="set source_arn, or source_account where the ARN is of another account's form",
)
def invoke_tied(permission: Node) -> Faults:
    """A function lets a service call it for one resource of ours only."""
    if permission.get("principal") == "*" and not permission.raw("principalOrgId"):
        yield "anybody may call the function"
    service = str(permission.get("principal")).endswith(".amazonaws.com")
    if service and not permission.raw("sourceArn") and not permission.raw("sourceAccount"):
        yield f"{permission.get('principal')} may call the function for anybody"


@each(
    "iam-no-keys",
    "OPS-8",
    "iam.User",
    "iam.AccessKey",
    "iam.UserPolicyAttachment",
    why="A long-lived key is copied once and used for years; roles end by themselves.",
    fix="use a role: OIDC for pipelines, IAM Identity Center for people",
)
def iam_no_keys(node: Node) -> Faults:
    """There are no users and no long-lived keys."""
    yield f"{node.short} is a long-lived identity"


@each(
    "iam-no-administrator",
    "OPS-9",
    "iam.RolePolicyAttachment",
    "iam.Role",
    "iam.PolicyAttachment",
    why="A workload that may do everything is one injection away from doing it.",
    fix="write a policy with the actions it needs (components/grants.py)",
)
def iam_no_administrator(node: Node) -> Faults:
    """No role gets a policy that lets it do nearly everything."""
    attached = [node.get("policyArn"), *node.list("managedPolicyArns")]
    for arn in _names(attached):
        yield f"{arn} is attached"


def _names(arns: list[Any]) -> Iterator[str]:
    names = (str(arn).rpartition("/")[2] for arn in arns if arn)
    yield from (name for name in names if name in _services()["administrator"])


RULES = (
    iam_exact_actions,
    iam_exact_data,
    iam_pass_role,
    iam_trust_tied,
    policy_tied,
    endpoint_tied,
    invoke_tied,
    iam_no_keys,
    iam_no_administrator,
)
