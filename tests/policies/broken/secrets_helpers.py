"""One thing broken at a time, for the rules of `policies/rules/secrets.py`."""

from plan import Secret
from tests.policies.breaking_helpers import (
    RUNTIME,
    SCAN,
    Case,
    case,
    dropping,
    setting,
    with_variable,
)

CASES: list[Case] = [
    # Secrets.
    case(
        "an access key in an input",
        "no-secret-in-clear",
        setting("ssm.Parameter primary-models-settings", "description", "AKIA" + "ABCDEFGHIJKLMNOP"),
    ),
    case(
        "a password in an input",
        "no-secret-in-clear",
        setting("secretsmanager.SecretVersion world-origin-1-value", "secretString", "plain"),
    ),
    case("a password in a task", "no-secret-in-environment", with_variable("DB_PASSWORD", "hunter2")),
    case(
        "a secret in a function",
        "no-secret-in-environment",
        setting(SCAN, "environment", {"variables": {"HARMLESS": Secret("hunter2")}}),
    ),
    case(
        "a token in AgentCore",
        "no-secret-in-environment",
        setting(RUNTIME, "environmentVariables.PAGER_TOKEN", "abcdef"),
        "full",
    ),
    case(
        "a secret in a parameter anybody reads",
        "parameter-sealed",
        setting("ssm.Parameter primary-models-settings", "insecureValue", Secret("{}")),
    ),
    case(
        "a sealed parameter with AWS's key",
        "parameter-sealed",
        dropping("ssm.Parameter primary-canary-key", "keyId"),
    ),
]
