"""Bedrock's components in one region, as plans; the models are invented, see `bedrock_models.toml`."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

import plan
from components import grants, model_rules
from components.alarms import Watch
from components.guardrail import Guardrail, GuardrailArgs
from components.guardrail_rules import Rules, rules
from components.invocation_logging import InvocationLogging, InvocationLoggingArgs
from components.model_access import ModelAccess, ModelAccessArgs
from components.model_calls import ModelCalls, ModelCallsArgs
from components.place import Place
from contract.model_access import Capacity, InferenceProfile, OnDemand, Provisioned
from contract.models import Model, embedders, models, parse
from contract.runtime_settings import Rung
from contract.tiers import Tier
from plan import Plan
from plan.answers import ACCOUNT

REGION = "us-east-1"
TODAY = date(2030, 1, 1)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/guardrail"
LOG_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
# The invented model goes through profiles of the catalogue, whose regions are described.
PROFILE, EVERYWHERE = models()["sonnet"].regions[REGION].profiles
TABLE: Mapping[str, Model] = parse(
    Path(__file__)
    .with_name("bedrock_models.toml")
    .read_text(encoding="utf-8")
    .replace("us.acme.aria-v1:0", PROFILE)
    .replace("global.acme.aria-v1:0", EVERYWHERE)
)[0]
UNITS = Provisioned(variant="200k", units=2, tokens_per_minute=10_000)


def rung(name: str, tier: Tier, model: str | None) -> Rung:
    """A rung calling an invented model: nothing asks whether the catalogue has it."""
    return Rung.model_construct(
        name=name, tier=tier, model=model, first_token_s=10.0, gap_s=5.0, total_s=20.0, max_tokens=500
    )


LADDER = (
    rung("aria-units", Tier.T0, "aria"),
    rung("aria", Tier.T0, "aria"),
    rung("ballad", Tier.T1, "ballad"),
    rung("canned", Tier.T2, None),
)
ACCESS: Mapping[str, Capacity] = {
    "aria-units": UNITS,
    "aria": InferenceProfile(scope="us"),
    "ballad": OnDemand(),
}


def place(region: str = REGION) -> Place:
    return Place(partition="aws", region=region, account_id=ACCOUNT)


def planned(program: Callable[[pulumi.ResourceOptions], None]) -> Plan:
    """A program with the provider of one region."""

    def main() -> None:
        program(pulumi.ResourceOptions(providers=[aws.Provider("aws-here", region=REGION)]))

    return plan.of_program(main, project="shop", stack="test", config={})


def guardrail(opts: pulumi.ResourceOptions, said: Rules | None = None, name: str = "rail") -> Guardrail:
    args = GuardrailArgs(
        environment="test",
        place=place(),
        key_arn=KEY,
        interventions=500,
        protect=True,
        rules=said or rules(),
    )
    return Guardrail(name, args, opts)


def access(opts: pulumi.ResourceOptions, name: str = "models", **changes: Any) -> ModelAccess:
    settled: dict[str, Any] = {
        "environment": "test",
        "place": place(),
        "ladder": LADDER,
        "access": ACCESS,
        "geography": "us",
        "embedder": embedders()["titan-embed"],
        "guardrail": None,
        "stream": "sync",
        "only_guarded": True,
        "production": True,
        "today": TODAY,
        "table": TABLE,
    }
    return ModelAccess(name, ModelAccessArgs(**{**settled, **changes}), opts)


def calls(opts: pulumi.ResourceOptions, here: ModelAccess, **changes: Any) -> ModelCalls:
    """The document of this region."""
    settled: dict[str, Any] = {"environment": "test", "ladder": LADDER, "here": here, "other": None}
    return ModelCalls("calls", ModelCallsArgs(**{**settled, **changes}), opts)


@cache
def guarded() -> tuple[Plan, tuple[Watch, ...]]:
    """The guardrail alone."""
    watched: list[Watch] = []

    def program(opts: pulumi.ResourceOptions) -> None:
        made = guardrail(opts)
        made.widgets()
        watched[:] = made.alarms()
        pulumi.export("policy", grants.policy(made.grants()))

    made = planned(program)
    return made, tuple(watched)


@cache
def called() -> tuple[Plan, tuple[Watch, ...]]:
    """Three rungs called in three ways, behind a guardrail."""
    watched: list[Watch] = []

    def program(opts: pulumi.ResourceOptions) -> None:
        made = access(opts, guardrail=guardrail(opts))
        made.widgets()
        watched[:] = made.alarms()
        pulumi.export("policy", grants.policy(calls(opts, made).grants()))
        pulumi.export("embed", grants.policy(made.embed_grants()))

    made = planned(program)
    return made, tuple(watched)


@cache
def logged(texts: bool = False) -> tuple[Plan, tuple[Watch, ...]]:
    """The log of calls."""
    watched: list[Watch] = []

    def program(opts: pulumi.ResourceOptions) -> None:
        args = InvocationLoggingArgs(
            environment="test",
            place=place(),
            key_arn=LOG_KEY,
            access_log="access-logs",
            log_days=90,
            archive_days=365,
            texts=texts,
            protect=True,
            boundary=BOUNDARY,
        )
        made = InvocationLogging("calls", args, opts)
        watched[:] = made.alarms()

    made = planned(program)
    return made, tuple(watched)


def why(model: str, capacity: Capacity, region: str = REGION, **changes: Any) -> str:
    """The refusal in words, or nothing."""
    settled: dict[str, Any] = {"geography": "us", "production": True, "today": TODAY}
    found = model_rules.refusal(TABLE[model], capacity, region, **{**settled, **changes})
    return f"{found.at}: {found.why}" if found else ""
