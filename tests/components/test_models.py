"""What watches the agent's own figures of its ladder: who is woken by which rung."""

from typing import Any

import pulumi

from components.models import Models, ModelsArgs
from contract.runtime_settings import RuntimeSettings
from runtime.testing.ladders import whole
from tests.components.bedrock_helpers import REGION, planned


def watched(settings: RuntimeSettings) -> dict[str, Any]:
    """Alarm id -> the rung it looks at."""
    found: dict[str, Any] = {}

    def program(opts: pulumi.ResourceOptions) -> None:
        made = Models("models", ModelsArgs(environment="test", region=REGION, runtime=settings), opts)
        found.update({w.alarm.id: w.alarm.dimensions["Rung"] for w in made.alarms()})

    planned(program)
    return found


def test_units_that_are_full_wake_nobody():
    """They throttle when they are used as they should be; the first rung on demand keeps the alarm's name."""
    assert watched(RuntimeSettings(ladder=whole())) == {
        "bedrock-throttled": "sonnet",
        "bedrock-throttled-sonnet-priority": "sonnet-priority",
    }


def test_the_premium_rung_has_an_alarm_of_its_own():
    """It stands first, and still the usual one keeps the alarm's name: far more depends on that."""
    usual = RuntimeSettings()
    published = usual.model_copy(update={"ladder": usual.rungs})
    assert watched(published)["bedrock-throttled-premium"] == "premium"
    assert watched(published)["bedrock-throttled"] != "premium"
