"""Secrets stay where only those who need them can read them (RUN-13, OPS-9)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plan.model import Secret
from policies.rule import Faults, each
from policies.rules.compute import containers
from policies.view import UNKNOWN, Node, dig, known, walk

# What only a secret looks like: access keys, private keys, tokens of services people use.
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}\b"
    r"|\bsk_live_[A-Za-z0-9]{16,}\b"
    r"|\bpul-[0-9a-f]{40}\b"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
    r"|://[^/\s:@]+:[^/\s:@]{3,}@"
)
# One of these stands in every text that could match: looking for them first is many times faster.
_HINTS = ("AKIA", "ASIA", "PRIVATE KEY", "gh", "github_pat_", "xox", "sk_live_", "pul-", "eyJ", "@")
_NAMED = re.compile(
    r"(?:^|_|-)(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)(?:$|_|-)",
    re.IGNORECASE,
)
# Names and addresses of secrets are no secrets.
_REFERENCE = re.compile(r"^(?:arn:|/|\{\{resolve:|https?://[^@]*$)|^concierge-[a-z0-9-]+$")
_KEYED = {
    "password",
    "masterPassword",
    "masterUserPassword",
    "authToken",
    "secretString",
    "privateKey",
    "passwords",
}


@each(
    "no-secret-in-clear",
    "RUN-13",
    "*",
    why="Plain inputs stand in the state, in every preview, and in whatever reads the plan.",
    fix="mark it (pulumi.Output.secret, `pulumi config set --secret`), or keep it in Secrets Manager",
)
def no_secret_in_clear(node: Node) -> Faults:
    """Nothing that is a secret stands in an input without being marked as one."""
    for path, value in walk(node.inputs):
        if not isinstance(value, str):
            continue
        if any(hint in value for hint in _HINTS) and _SHAPES.search(value):
            yield f"{'.'.join(path)} looks like a key or token"
        elif node.marks_secrets and path[-1] in _KEYED and value:
            yield f"{'.'.join(path)} is not marked as secret"


@each(
    "no-secret-in-environment",
    "RUN-13",
    "ecs.TaskDefinition",
    "lambda.Function",
    "codebuild.Project",
    "sagemaker.Model",
    "bedrock.AgentcoreAgentRuntime",
    why="Environments are shown in the console, in descriptions of tasks, and in every crash report.",
    fix="name the secret instead: `secrets` with value_from, or its name, and read it when starting",
)
def no_secret_in_environment(node: Node) -> Faults:
    """No environment variable holds a secret; one may name where it is."""
    for name, value in _environment(node):
        if isinstance(value, Secret):
            yield f"{name} holds a value marked as secret"
            continue
        text = known(value)
        if _NAMED.search(name) and isinstance(text, str) and text and not _REFERENCE.search(text):
            yield f"{name} holds a value, not the name of a secret"


def _environment(node: Node) -> Iterator[tuple[str, Any]]:
    """Name and value of every variable; a value that is a secret stays wrapped."""
    if node.short == "ecs.TaskDefinition":
        for container in containers(node):
            yield from _pairs(container.get("environment") or ())
    elif node.short == "codebuild.Project":
        found = node.list("environment.environmentVariables")
        yield from _pairs([entry for entry in found if (dig(entry, "type") or "PLAINTEXT") == "PLAINTEXT"])
    else:
        paths = ("environment.variables", "environmentVariables", "primaryContainer.environment")
        for path in paths:
            variables = node.get(path)
            if isinstance(variables, Mapping):
                yield from variables.items()


def _pairs(entries: Any) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        yield str(known(entry["name"])), entry.get("value")


@each(
    "parameter-sealed",
    "OPS-9",
    "ssm.Parameter",
    why="A String parameter is stored and shown in the clear to everybody who may list parameters.",
    fix='type="SecureString" with the key of secrets (components/keys.py), or a secret in Secrets Manager',
)
def parameter_sealed(parameter: Node) -> Faults:
    """A parameter that holds a secret is a SecureString with a key of ours."""
    secret = any(isinstance(parameter.raw(key), Secret) for key in ("value", "insecureValue"))
    sealed = parameter.get("type") == "SecureString"
    named = _NAMED.search(str(parameter.get("name")).replace("/", "_"))
    if not sealed and (named or secret) and parameter.raw("value") is not UNKNOWN:
        yield "a secret is stored in the clear"
    if sealed and not parameter.raw("keyId"):
        yield "it is encrypted with AWS's own key"


RULES = (no_secret_in_clear, no_secret_in_environment, parameter_sealed)
