"""An account with units, a profile and a guardrail of its own, and a stand-in that holds it."""

import json
from contextlib import AbstractContextManager
from typing import Any

from rehearsal.bedrock.account import Account, Units
from rehearsal.bedrock.guardrail_rules import Filter, Guardrail, Topic, Word
from rehearsal.bedrock.server import Bedrock
from tests.rehearsal.bedrock_helpers import standing_in
from tests.rehearsal.serving_helpers import http

UNITS = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/9049a2d77a19"
RULES = Guardrail(
    id="g1",
    arn="arn:aws:bedrock:us-east-1:123456789012:guardrail/g1",
    blocked_input="Not this question.",
    blocked_output="Not this answer.",
    filters=(Filter(kind="PROMPT_ATTACK", output="NONE"), Filter(kind="INSULTS")),
    topics=(
        Topic(
            name="medical-advice",
            definition="Diagnosing, recommending or dosing medicine.",
            examples=(
                "Which pills should I take against my headache?",
                "How much ibuprofen may my child have?",
            ),
        ),
    ),
    words=(Word(text="internal use only", input=False),),
    profanity=True,
    pii={"EMAIL": "ANONYMIZE", "PHONE": "ANONYMIZE", "CREDIT_DEBIT_CARD_NUMBER": "BLOCK"},
    grounding={"GROUNDING": 0.7, "RELEVANCE": 0.7},
)
ACCOUNT = Account(
    profiles={PROFILE: "haiku"},
    units={UNITS: Units(model="sonnet", units=1, tokens_per_minute=10_000)},
    guardrails={"g1": RULES},
)
GUARDED: dict[str, Any] = {"guardrailIdentifier": "g1", "guardrailVersion": "1"}


def of_the_account() -> AbstractContextManager[str]:
    """The URL of a stand-in for it, as long as the block lasts; its waits are 300 times shorter."""
    return standing_in(Bedrock(seed=7, speed=300, account=ACCOUNT))


def restore(url: str) -> None:
    """No faults, and the account as it was."""
    http("DELETE", f"{url}/_concierge/faults")
    assert http("PUT", f"{url}/_concierge/account", json.loads(ACCOUNT.model_dump_json()))[0] == 204
